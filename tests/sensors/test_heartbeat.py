"""The heartbeat as an outside watcher reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from resources.embedded_s3 import S3Access
from resources.heartbeat import heartbeat_key
from resources.ledger import Ledger
from resources.settings import Settings
from sensors.heartbeat import write
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


def beaten(s3_server: S3Access, prefix: str, now: datetime) -> dict[str, Any]:
    write(now)
    store = store_of(s3_server)
    store.prefix = prefix
    return json.loads(store.get(heartbeat_key(FEED)).body)


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
