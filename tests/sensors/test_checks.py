"""When checks are asked for by themselves, and that they then run without anything being made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
import time_machine

from pipeline_assets.jobs import CHECKS_JOBS, SLOT_JOBS
from pipeline_assets.plans import PLANS
from resources.ledger import Ledger
from sensors.checks import check_sensors, slot_of
from tests.chain import FEED, RAW
from tests.resources.ledger_samples import claim
from touchline.day import Day, parse_instant
from touchline.fetch import FetchRef

DAY = Day.parse("2025-05-28")
ENDED_DAYS, FAILED_MINUTES = check_sensors


def test_there_is_a_moment_every_ten_minutes_of_the_day() -> None:
    assert slot_of(parse_instant("2025-05-29T04:09:59Z")) == parse_instant("2025-05-29T04:00:00Z")
    assert slot_of(parse_instant("2025-05-29T04:10:00Z")) == parse_instant("2025-05-29T04:10:00Z")


def test_an_ended_day_is_checked_every_ten_minutes_until_it_is_sealed(ledger: Ledger) -> None:
    assets = [asset.name for asset in PLANS[FEED].assets]
    for asset in assets:
        said = claim(1, asset=asset, ref=FetchRef(FEED, DAY.minute(1), "aB3dE6gH9jK2"))
        ledger.landed(said, "e1", 10, DAY.minute(1).utc)

    assert asked("2025-05-28T17:00:00Z") == [], "it has its minutes"
    assert asked("2025-05-29T04:01:00Z") == [str(DAY)]
    assert asked("2025-05-29T04:09:00Z", "2025-05-29T04:00:00+00:00") == [], "once a slot"
    assert asked("2025-05-29T04:10:00Z", "2025-05-29T04:00:00+00:00") == [str(DAY)]
    for asset in assets:
        ledger.sealed(asset, DAY, number=1, fetches=1, emitted=1, files={}, at=DAY.end)
    assert asked("2025-05-29T05:20:00Z") == []


def asked(now: str, cursor: str | None = None) -> list[str]:
    moment = datetime.fromisoformat(now).astimezone(UTC)
    with time_machine.travel(moment, tick=False):
        said = ENDED_DAYS(dg.build_sensor_context(cursor=cursor))
    assert isinstance(said, dg.SensorResult | dg.SkipReason)
    requests = said.run_requests or [] if isinstance(said, dg.SensorResult) else []
    return [request.tags["dagster/partition"] for request in requests]


def test_a_minute_that_failed_is_followed_by_its_checks() -> None:
    @dg.op
    def raises() -> None:
        raise RuntimeError("a stage that is broken")

    @dg.job(name=SLOT_JOBS[RAW].name)
    def minute() -> None:
        raises()

    with dg.DagsterInstance.ephemeral() as instance:
        failed = minute.execute_in_process(
            instance=instance, raise_on_error=False, tags={"dagster/partition": str(DAY)}
        )
        event = failed.get_run_failure_event()
        context = dg.build_run_status_sensor_context(
            sensor_name=FAILED_MINUTES.name,
            dagster_instance=instance,
            dagster_run=failed.dagster_run,
            dagster_event=event,
        ).for_run_failure()
        said = FAILED_MINUTES(context)
        assert isinstance(said, Iterator)
        (request,) = said
    assert isinstance(request, dg.RunRequest)
    assert request.tags["dagster/partition"] == str(DAY)
    assert FAILED_MINUTES.job_name == CHECKS_JOBS[FEED].name
