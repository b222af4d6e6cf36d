"""The heartbeat and the status as an outside watcher reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator
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
from sensors.heartbeat import heartbeat, write
from tests.crash.conftest import store_of
from touchline.accounting import Outcome
from touchline.alerting import Evaluation
from touchline.day import Day, Minute, parse_instant
from touchline.fetch import FetchRef

FEED = "football"
MIDNIGHT = parse_instant("2025-05-29T04:00:20Z")


@pytest.fixture
def site(
    s3_server: S3Access, s3_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path))
    monkeypatch.setenv("TOUCHLINE_S3_ENDPOINT_URL", s3_server.endpoint_url or "")
    monkeypatch.setenv("TOUCHLINE_S3_PREFIX", s3_prefix)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_server.access_key_id or "")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_server.secret_access_key or "")
    monkeypatch.setenv("AWS_REGION", s3_server.region or "us-east-1")
    return Settings.load(_env_file=None)


@pytest.fixture
def ledger(site: Settings) -> Iterator[Ledger]:
    with closing(Ledger(site.ledger_database, site.s3_prefix)) as ledger:
        ledger.migrate()
        yield ledger


def stored(s3_server: S3Access, prefix: str, key: str) -> dict[str, Any]:
    store = store_of(s3_server)
    store.prefix = prefix
    return json.loads(store.get(key).body)


def beaten(s3_server: S3Access, prefix: str, now: datetime) -> dict[str, Any]:
    write(now)
    return stored(s3_server, prefix, heartbeat_key(FEED))


def test_it_says_what_is_newest_and_what_is_wrong(
    s3_server: S3Access, s3_prefix: str, ledger: Ledger
) -> None:
    assert beaten(s3_server, s3_prefix, MIDNIGHT) == {
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
    said = beaten(s3_server, s3_prefix, later)
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
    s3_server: S3Access, s3_prefix: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLINE_FEED_USER", "watcher-77")
    monkeypatch.setenv("TOUCHLINE_FEED_SECRET", "s3cr3t-value")
    monkeypatch.setenv("TOUCHLINE_NOTIFY_URLS", "json://t0ken-value@127.0.0.1:9")
    ledger.open_interval(FEED, datetime.now(UTC) - timedelta(hours=1), "simulated")
    with dg.instance_for_test() as instance:
        for _ in range(2):
            skipped = heartbeat(dg.build_sensor_context(instance=instance))
    assert isinstance(skipped, dg.SkipReason)
    said = stored(s3_server, s3_prefix, STATUS_KEY)
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
    keys = (s3_server.access_key_id, s3_server.secret_access_key)
    assert not [each for each in ("watcher-77", "s3cr3t", "t0ken", *keys) if each and each in text]


def test_between_two_beats_the_ledger_is_not_open(site: Settings) -> None:
    """What SQLite has read of it would grow with the day, in a process that lives for ever."""
    write(MIDNIGHT)
    held = {Path(file.path).name for file in psutil.Process().open_files()}
    name = Path(site.ledger_database.removeprefix("sqlite:///")).name
    assert name not in held
    with closing(Ledger(site.ledger_database, site.s3_prefix)) as ledger:
        ledger.migrate()
        assert name in {Path(file.path).name for file in psutil.Process().open_files()}
