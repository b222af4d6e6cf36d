"""What the sensor asks Dagster for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import time_machine

from pipeline_assets.jobs import slot_job
from pipeline_assets.partitions import SLOT
from sensors.slot_tick import slot_tick, slot_ticks
from tests.feeds.cup import Cup, cup, scores
from tests.ledgers import sqlite_ledger
from touchline.day import Day
from touchline.slot import Slot


def test_the_sensor_asks_for_a_live_run_of_the_day_s_partition() -> None:
    (sensor,) = slot_ticks
    with time_machine.travel(datetime(2025, 5, 28, 16, 59, 55, tzinfo=UTC), tick=False):
        first = sensor(dg.build_sensor_context())
    assert isinstance(first, dg.SensorResult)
    (request,) = first.run_requests or []
    slot = "football/raw_fetches 2025-05-28 2025-05-28T17:00:00Z"
    assert request.run_key == slot
    assert request.partition_key == "2025-05-28"
    assert request.tags[SLOT] == slot
    assert first.cursor == slot

    with time_machine.travel(datetime(2025, 5, 28, 16, 59, 58, tzinfo=UTC), tick=False):
        again = sensor(dg.build_sensor_context(cursor=first.cursor))
    assert isinstance(again, dg.SkipReason)


def test_the_sensor_asks_for_the_slots_of_a_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLINE_HOME", str(tmp_path))
    ledger, day = sqlite_ledger(tmp_path / "ledger.sqlite", ""), Day.parse("2026-01-06")
    slot = Slot.of(scores.name, day, day.end + timedelta(hours=2))
    assert ledger.plan_day(scores.name, day, [slot.number], day.start)
    plan = cup(Cup({}))
    sensor = slot_tick(scores, slot_job(plan, scores))
    with time_machine.travel(slot.at - timedelta(seconds=5), tick=False):
        said = sensor(dg.build_sensor_context())
    assert isinstance(said, dg.SensorResult)
    asked = [(run.run_key, run.partition_key) for run in said.run_requests or []]
    assert asked == [(str(slot), str(day))]


def test_a_cursor_from_before_there_were_slots_is_read_as_none() -> None:
    (sensor,) = slot_ticks
    with time_machine.travel(datetime(2025, 5, 28, 16, 59, 55, tzinfo=UTC), tick=False):
        said = sensor(dg.build_sensor_context(cursor="2025-05-28T16:59:00Z"))
    assert isinstance(said, dg.SensorResult)
    assert len(said.run_requests or []) == 1
