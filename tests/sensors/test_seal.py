"""When a seal is asked for: a day has ended and is not sealed, or has news."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg
import pytest
import time_machine

from pipeline_assets.plans import PLANS
from resources.ledger import Ledger
from sensors.seal import seals, slot_of
from tests.resources.ledger_samples import claim
from touchline.day import Day, parse_instant
from touchline.fetch import FetchRef

DAY = Day.parse("2025-05-28")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2025-05-29T04:00:00Z", None),
        ("2025-05-29T04:19:59Z", None),
        ("2025-05-29T04:20:00Z", "2025-05-29T04:20:00Z"),
        ("2025-05-29T04:29:59Z", "2025-05-29T04:20:00Z"),
        ("2025-05-29T06:59:00Z", "2025-05-29T06:50:00Z"),
        ("2025-05-29T07:59:00Z", "2025-05-29T07:00:00Z"),
    ],
)
def test_a_seal_is_asked_for_again_and_again_but_not_all_the_time(
    now: str, expected: str | None
) -> None:
    assert slot_of(parse_instant(now)) == (parse_instant(expected) if expected else None)


def test_the_sensor_asks_while_a_day_is_not_sealed(ledger: Ledger) -> None:
    assets = [asset.name for asset in PLANS["football"].assets]
    at = DAY.minute(1).utc
    for asset in assets:
        said = claim(1, asset=asset, ref=FetchRef("football", DAY.minute(1), "aB3dE6gH9jK2"))
        ledger.landed(said, "e1", 10, at)

    assert len(asked("2025-05-28T17:00:00Z")) == 0, "it has not ended"
    assert len(asked("2025-05-29T04:20:00Z")) == 1
    assert len(asked("2025-05-29T04:25:00Z", "2025-05-29T04:20:00+00:00")) == 0, "once a slot"
    for asset in assets:
        ledger.sealed(asset, DAY, number=1, fetches=1, emitted=1, files={}, at=DAY.end)
    assert len(asked("2025-05-29T05:20:00Z")) == 0
    assert len(asked("2025-05-30T05:20:00Z")) == 1, "what the seal replaced is to go"
    for asset in assets:
        ledger.cleared(asset, DAY, [], DAY.end)
    assert len(asked("2025-05-30T06:20:00Z")) == 0
    late = claim(2, asset=assets[0], ref=FetchRef("football", DAY.minute(2), "aB3dE6gH9jK3"))
    ledger.landed(late, "e2", 10, parse_instant("2025-05-30T06:00:00Z"))
    assert len(asked("2025-05-30T06:30:00Z")) == 1, "news"


def asked(now: str, cursor: str | None = None) -> list[dg.RunRequest]:
    (sensor,) = seals
    moment = datetime.fromisoformat(now).astimezone(UTC)
    with time_machine.travel(moment, tick=False):
        said = sensor(dg.build_sensor_context(cursor=cursor))
    return list(said.run_requests or []) if isinstance(said, dg.SensorResult) else []
