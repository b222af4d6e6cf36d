"""The heartbeat and the status as an outside watcher reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pytest
from typer.testing import CliRunner

from operations.cli import app
from resources.embedded_s3 import S3Access
from resources.heartbeat import STATUS_KEY, heartbeat_key
from resources.ledger import Ledger
from resources.settings import Settings
from resources.site import store_at
from sensors.heartbeat import heartbeat, write
from touchline.accounting import Outcome
from touchline.alerting import Evaluation
from touchline.day import Day, Minute, parse_instant
from touchline.fetch import FetchRef

FEED = "football"
MIDNIGHT = parse_instant("2025-05-29T04:00:20Z")


@pytest.fixture
def site(
    s3_in_memory: S3Access, s3_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path))
    monkeypatch.setenv("TOUCHLINE_S3_ENDPOINT_URL", s3_in_memory.endpoint_url)
    monkeypatch.setenv("TOUCHLINE_S3_PREFIX", s3_prefix)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-id-of-tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cr3t-key")
    return Settings.load(_env_file=None)


@pytest.fixture
def ledger(site: Settings) -> Iterator[Ledger]:
    with closing(Ledger(site.ledger_database, site.s3_prefix)) as ledger:
        ledger.migrate()
        yield ledger


@pytest.fixture
def stored(site: Settings, s3_in_memory: S3Access) -> Callable[[str], dict[str, Any]]:
    return lambda key: json.loads(store_at(site, s3_in_memory).get(key).body)


def test_it_says_what_is_newest_and_what_is_wrong(
    stored: Callable[[str], dict[str, Any]], ledger: Ledger
) -> None:
    write(MIDNIGHT)
    assert stored(heartbeat_key(FEED)) == {
        "feed": FEED,
        "written_at": "2025-05-29T04:00:20Z",
        "newest_fetch": None,
        "newest_verdict_at": None,
        "alerts_open": 0,
        "notices_undelivered": 0,
        "alerts_undelivered": 0,
    }, "before the first minute"

    last = Minute.parse("2025-05-29T03:59:00Z")
    ledger.fetch_landed(FetchRef(FEED, last, "abc"), Outcome.COMPLETE, None, MIDNIGHT, 1.0)
    day, asset = last.day, "football/merged"
    ledger.judge([Evaluation("landed_matches_claimed", asset, day, MIDNIGHT, ("real_loss",))])
    later = MIDNIGHT + timedelta(seconds=30)
    ledger.tell(later, 1)
    write(later)
    said = stored(heartbeat_key(FEED))
    assert said["written_at"] == "2025-05-29T04:00:50Z"
    assert Day.containing(MIDNIGHT) != day
    assert said["newest_fetch"] == {
        "day": "2025-05-28",
        "number": 1440,
        "minute": "2025-05-29T03:59:00Z",
    }, "of the day before, a minute after midnight"
    assert said["newest_verdict_at"] == "2025-05-29T04:00:20Z"
    assert (said["alerts_open"], said["notices_undelivered"]) == (1, 1)


def test_the_status_is_what_the_command_says_and_holds_no_secret(
    stored: Callable[[str], dict[str, Any]], ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLINE_FEED_USER", "watcher-77")
    monkeypatch.setenv("TOUCHLINE_FEED_SECRET", "s3cr3t-value")
    monkeypatch.setenv("TOUCHLINE_NOTIFY_URLS", "json://t0ken-value@127.0.0.1:9")
    ledger.open_interval(FEED, datetime.now(UTC) - timedelta(hours=1), "simulated")
    with dg.instance_for_test() as instance:
        for _ in range(2):
            skipped = heartbeat(dg.build_sensor_context(instance=instance))
    assert isinstance(skipped, dg.SkipReason)
    said = stored(STATUS_KEY)
    told = CliRunner().invoke(app, ["status", "--json"])

    shown = json.loads(told.stdout)
    assert said.keys() == shown.keys()
    # The command looks for a Dagster of its own, which never ran here.
    dagsters = {name for name in said["signals"]["liveness"] if name.startswith("sensor ")}
    assert dagsters > {"sensor heartbeat", f"sensor {FEED}_minute_tick"}
    for kind, signals in shown["signals"].items():
        assert signals.keys() == said["signals"][kind].keys() - dagsters
    assert said["verdict"] == "UNKNOWN", "nothing has ever been fetched"
    assert "touchline" in said["causes"]
    assert said["signals"]["liveness"][f"heartbeat {FEED}"]["state"] == "OK"
    text = json.dumps(said)
    secrets = ("watcher-77", "s3cr3t", "t0ken", "key-id-of-tests")
    assert not [each for each in secrets if each in text]


def test_between_two_beats_the_ledger_is_not_open(site: Settings) -> None:
    """What SQLite has read of it would grow with the day, in a process that lives for ever."""
    write(MIDNIGHT)
    held = {Path(file.path).name for file in psutil.Process().open_files()}
    name = Path(site.ledger_database.removeprefix("sqlite:///")).name
    assert name not in held
    with closing(Ledger(site.ledger_database, site.s3_prefix)) as ledger:
        ledger.migrate()
        assert name in {Path(file.path).name for file in psutil.Process().open_files()}
