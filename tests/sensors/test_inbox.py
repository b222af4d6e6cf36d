"""When a run is asked for what was left in an inbox."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
import time_machine

from sensors.inbox import inboxes

NOON = "2025-05-28T16:01:00Z"


@pytest.fixture
def folder(home: Path) -> Path:
    folder = home / "inbox" / "football"
    (folder / "taken").mkdir(parents=True)
    return folder


def asked(cursor: str | None = None, now: str = NOON) -> tuple[list[str | None], str | None]:
    """The keys of the runs that are asked for, and the cursor then."""
    (sensor,) = inboxes
    moment = datetime.fromisoformat(now).astimezone(UTC)
    with time_machine.travel(moment, tick=False):
        said = sensor(dg.build_sensor_context(cursor=cursor))
    if not isinstance(said, dg.SensorResult):
        return [], cursor
    return [request.run_key for request in said.run_requests or []], said.cursor


def test_a_run_is_asked_for_once_for_what_was_left(folder: Path) -> None:
    assert asked() == ([], None)
    left = folder / "fetch.json"
    left.write_bytes(b"{")
    first, cursor = asked()
    assert len(first) == 1
    assert asked(cursor) == ([], cursor)
    assert asked(None)[0] == first, "a lost cursor asks for the same run, which Dagster knows"

    left.write_bytes(b"{}")
    written, cursor = asked(cursor)
    assert len(written) == 1
    assert written != first
    os.utime(left, (1, 1))
    assert asked(cursor)[0] not in ([], written), "another file of the same name and length"


def test_what_waits_is_tried_again(folder: Path) -> None:
    (folder / "taken" / "2025-05-28.00721.aB3dE6gH9jK2.0123456789ab").write_bytes(b"{}")
    first, cursor = asked()
    assert asked(cursor, "2025-05-28T16:04:59Z")[0] == []
    again, _ = asked(cursor, "2025-05-28T16:05:00Z")
    assert len(again) == 1
    assert again != first
