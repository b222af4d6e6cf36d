"""From real runs' evaluations in Dagster's event log to notices that arrive."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import time_machine

from pipeline_assets import alerting
from pipeline_assets.checks.report import CheckReport, Kind
from pipeline_assets.checks.specs import checks_for
from pipeline_assets.delivery import notifier_of
from pipeline_assets.partitions import daily
from pipeline_assets.plans import PLANS
from pipeline_assets.steps import check_result
from resources.ledger import Ledger
from resources.settings import Origin, Settings
from sensors.check_alerts import check_alerts, newest_evaluations
from tests.resources.ledger_samples import claim
from tests.targets import Target, target
from touchline.alerting import UNPLACED, AlertState
from touchline.day import Day, parse_instant
from touchline.delivery import DeliveryState
from touchline.fetch import FetchRef

FEED = "football"
CHECK = "landed_matches_claimed"
NOON = parse_instant("2025-05-28T16:00:00Z")
DAY = Day.containing(NOON)
ASSETS = ("football/merged", "football/pretty_print")


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with time_machine.travel(NOON):
        yield


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def ledger(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, there: Target) -> Ledger:
    monkeypatch.setenv("TOUCHLINE_ORIGIN", "simulated")
    monkeypatch.setenv("TOUCHLINE_NOTIFY_URLS", there.url)
    return ledger


def report(asset: str, day: Day, *kinds: Kind, check: str = CHECK) -> CheckReport:
    made = CheckReport(check, asset, day, recorded=30, landed=30 - len(kinds))
    for number, kind in enumerate(kinds, 787):
        made.found(kind, number, 1, f"{kind} of {number}")
    return made


def run(
    instance: dg.DagsterInstance,
    day: Day | None,
    *reports: CheckReport,
    partitions: dg.PartitionsDefinition | None = daily,
) -> None:
    """One run of checks that say this; without a day it has no partition."""
    specs = [
        dg.AssetCheckSpec(
            each.check, asset=dg.AssetKey(each.asset.split("/")), partitions_def=partitions
        )
        for each in reports
    ]

    @dg.multi_asset_check(specs=specs)
    def said() -> Iterator[dg.AssetCheckResult]:
        for each in reports:
            yield check_result(each)

    job = dg.define_asset_job("said", dg.AssetSelection.checks(said))
    defs = dg.Definitions(asset_checks=[said], jobs=[job])
    done = defs.resolve_job_def("said").execute_in_process(
        instance=instance, tags={"dagster/partition": str(day)} if day else {}
    )
    assert done.success


def tick(
    instance: dg.DagsterInstance, cursor: str | None = None, *, after: timedelta = timedelta(0)
) -> str | None:
    with time_machine.travel(datetime.now(UTC) + after, tick=False):
        said = check_alerts(dg.build_sensor_context(instance=instance, cursor=cursor))
    assert isinstance(said, dg.SensorResult)
    return said.cursor


LATER = timedelta(seconds=30)


def test_a_finding_is_one_message_and_so_is_its_end(
    instance: dg.DagsterInstance, ledger: Ledger, there: Target
) -> None:
    day = DAY
    run(instance, day, *[report(asset, day, Kind.REAL_LOSS) for asset in ASSETS])
    cursor = tick(instance)
    assert there.posts == [], "the round may go on"
    cursor = tick(instance, cursor, after=LATER)
    assert there.titles == [f"Touchline football {day}: 2 BAD"]
    message = there.posts[0]["message"]
    assert f"BAD: real_loss, {CHECK}: merged, pretty_print" in message
    assert "merged: recorded 30, landed 29, fetches 787" in message
    assert f"next: touchline losses --from {day} --to {day}" in message
    facts = {name: there.posts[0][name] for name in ("feed", "date", "alerts")}
    keys = [f"{CHECK}:{asset}:{day}:real_loss" for asset in ASSETS]
    assert facts == {"feed": FEED, "date": str(day), "alerts": keys}

    for _ in range(3):
        run(instance, day, *[report(asset, day, Kind.REAL_LOSS) for asset in ASSETS])
    run(instance, day, *[report(asset, day) for asset in ASSETS])
    cursor = tick(instance, cursor)
    assert cursor == tick(instance, cursor), "there is nothing new"
    tick(instance, cursor, after=timedelta(minutes=3))
    assert there.titles[1:] == [f"Touchline football {day}: 2 over"]
    assert "8 evaluations, 6 of them not told before" in there.posts[1]["message"]


def test_what_a_check_without_partitions_says_is_of_the_day_of_its_run(
    instance: dg.DagsterInstance, ledger: Ledger
) -> None:
    before = DAY.shifted(-1)
    run(instance, before, report(ASSETS[0], before, Kind.REAL_LOSS), partitions=None)
    tick(instance)
    assert [(a.key.day, a.key.cause) for a in ledger.alerts()] == [(before, Kind.REAL_LOSS)]


def test_what_is_said_of_no_day_is_told_and_ends_nothing(
    instance: dg.DagsterInstance, ledger: Ledger, there: Target
) -> None:
    run(instance, DAY, report(ASSETS[0], DAY, Kind.REAL_LOSS))
    run(instance, None, report(ASSETS[0], DAY), report(ASSETS[1], DAY))
    cursor = tick(instance)
    lost, *unplaced = sorted(ledger.alerts(), key=lambda alert: alert.key.cause != Kind.REAL_LOSS)
    assert lost.is_standing
    assert [(a.key.asset, a.key.cause) for a in unplaced] == [(a, UNPLACED) for a in ASSETS]
    assert (CHECK, ASSETS[1]) not in ledger.newest_verdicts(FEED, DAY)

    # The next minute is good, before anybody was told.
    run(instance, DAY, *[report(asset, DAY) for asset in ASSETS])
    cursor = tick(instance, cursor)
    cursor = tick(instance, cursor, after=LATER)
    assert there.titles == [f"Touchline football {DAY}: 2 could not be checked"]
    message = there.posts[0]["message"]
    assert f"COULD_NOT_CHECK: no_partition, {CHECK}: merged, pretty_print" in message
    assert "next: touchline verify --all" in message
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=1)):
        run(instance, DAY, *[report(asset, DAY) for asset in ASSETS])
        tick(instance, cursor)
        assert not [alert for alert in ledger.alerts() if alert.is_standing]


def test_reading_the_same_events_again_tells_nothing_again(
    instance: dg.DagsterInstance, ledger: Ledger, there: Target
) -> None:
    day = DAY
    run(instance, day, report(ASSETS[0], day, Kind.REAL_LOSS, Kind.DAMAGED))
    tick(instance)
    before = ledger.alerts()
    tick(instance)
    assert ledger.alerts() == before
    assert [alert.key.cause for alert in before] == ["damaged", "real_loss"]


def test_the_log_is_read_in_batches_by_cursor(
    instance: dg.DagsterInstance, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = DAY
    run(instance, day, *[report(asset.name, day) for asset in PLANS[FEED].assets])
    monkeypatch.setattr("sensors.check_alerts.BATCH", 4)
    read, cursor = [], None
    while records := newest_evaluations(instance, cursor, datetime.now(UTC)):
        read += [record.storage_id for record in records]
        cursor = str(read[-1])
        assert len(records) <= 4
    assert len(read) == len(set(read)) == len(PLANS[FEED].assets)
    assert read == sorted(read)


def test_what_could_not_be_checked_three_times_is_told_without_numbers(
    instance: dg.DagsterInstance, ledger: Ledger, there: Target
) -> None:
    day = DAY
    cursor = None
    for count in range(3):
        run(instance, day, report(ASSETS[0], day, Kind.UNCHECKED))
        cursor = tick(instance, cursor)
        (alert,) = ledger.alerts()
        assert alert.state is (AlertState.OPEN if count == 2 else AlertState.SUSPECTED)
    tick(instance, cursor, after=LATER)
    assert there.titles == [f"Touchline football {day}: 1 could not be checked"]
    assert "recorded" not in there.posts[0]["message"]


def test_a_target_that_refuses_gets_it_later_and_the_next_one_when_it_never_takes_it(
    instance: dg.DagsterInstance,
    ledger: Ledger,
    there: Target,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    day = DAY
    run(instance, day, report(ASSETS[0], day, Kind.REAL_LOSS))
    cursor = tick(instance)
    with target() as second:
        monkeypatch.setenv("TOUCHLINE_NOTIFY_URLS", f"{there.url}, {second.url}")
        there.refuses = True
        for minutes in (1, 1.1, 2, 3.6, 7, 12.5, 12.6):
            tick(instance, cursor, after=timedelta(minutes=minutes))
        assert (there.refused, len(second.posts)) == (5, 1), "and 1.1 was too early"
    assert [notice.state for notice in ledger.notices_of(day)] == [DeliveryState.SENT]
    assert "undelivered" in caplog.text
    assert "s3cr3t-value" not in caplog.text


def test_what_nobody_takes_is_failed_and_says_so(
    instance: dg.DagsterInstance,
    ledger: Ledger,
    there: Target,
    caplog: pytest.LogCaptureFixture,
) -> None:
    day = DAY
    run(instance, day, report(ASSETS[0], day, Kind.REAL_LOSS))
    there.refuses = True
    cursor = tick(instance)
    for minutes in (1, 2, 4, 8, 14, 30):
        tick(instance, cursor, after=timedelta(minutes=minutes))
    (notice,) = ledger.notices_of(day)
    assert (notice.state, notice.attempts) == (DeliveryState.FAILED, 5)
    assert notice.last_error
    assert "s3cr3t-value" not in notice.last_error
    errors = [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]
    assert any("undelivered, and is given up" in message for message in errors)


@pytest.mark.parametrize(
    ("origin", "prefix", "known", "targets"),
    [
        ("live", "", ["live"], 2),
        ("live", "", [], 1),
        ("live", "", ["live", "simulated"], 1),
        ("simulated", "", ["live"], 1),
        ("live", "replay/recorded-1", ["live"], 1),
    ],
)
def test_only_live_data_go_beyond_this_machine(
    tmp_path: Path, origin: Origin, prefix: str, known: list[str], targets: int
) -> None:
    settings = Settings.load(
        _env_file=None,
        home=tmp_path,
        origin=origin,
        s3_prefix=prefix,
        notify_urls="json://beyond.invalid, json://127.0.0.1:1",
    )
    with closing(Ledger(settings.ledger_database, prefix)) as ledger:
        ledger.migrate()
        for hour, each in enumerate(known):
            ledger.open_interval(FEED, NOON + timedelta(hours=hour), each)
            ledger.close_interval(FEED, NOON + timedelta(hours=hour, minutes=1))
        ledger.open_interval("league", NOON, "simulated")
        assert notifier_of(settings, ledger, FEED).targets == targets


def test_a_check_that_falls_silent_on_a_watched_day_is_told(
    instance: dg.DagsterInstance, ledger: Ledger, there: Target
) -> None:
    plan = PLANS[FEED]
    day = DAY
    reports = [report(a.name, day, check=c.name) for a in plan.assets for c in checks_for(a)]
    run(instance, day, *reports)
    cursor = tick(instance)
    tick(instance, cursor, after=timedelta(minutes=10))
    assert ledger.alerts() == [], "nothing is watched"

    ledger.open_interval(FEED, NOON - timedelta(minutes=30), "simulated")
    tick(instance, cursor, after=timedelta(minutes=2.5))
    assert ledger.alerts() == []
    tick(instance, cursor, after=timedelta(minutes=4))
    tick(instance, cursor, after=timedelta(minutes=5))
    assert len(ledger.alerts()) == len(reports)
    assert there.titles == [f"Touchline football {day}: {len(reports)} could not be checked"]
    assert "next: touchline ledger runs" in there.posts[0]["message"]


def test_an_ended_day_may_be_silent_for_longer_until_it_is_sealed(
    ledger: Ledger,
) -> None:
    plan = PLANS[FEED]
    day = DAY
    for asset in plan.assets:
        said = claim(1, asset=asset.name, ref=FetchRef(FEED, day.minute(1), "aB3dE6gH9jK2"))
        ledger.landed(said, "e1", 10, day.minute(1).utc)
    early, late = (day.end + timedelta(minutes=minutes) for minutes in (24, 26))
    assert alerting.silences(ledger, PLANS, early) == {}
    silent = alerting.silences(ledger, PLANS, late)
    assert {(asset, on) for _, asset, on in silent} == {(a.name, day) for a in plan.assets}
    assert set(silent.values()) == {day.end}
    for asset in plan.assets:
        ledger.sealed(asset.name, day, number=1, fetches=1, emitted=1, files={}, at=day.end)
    assert alerting.silences(ledger, PLANS, late) == {}


def test_how_a_feed_ended_a_sealed_day_is_over_when_it_is_judged_on_the_next(
    instance: dg.DagsterInstance, ledger: Ledger
) -> None:
    plan, before = PLANS[FEED], DAY.shifted(-1)
    for asset in plan.assets:
        said = claim(1, asset=asset.name, ref=FetchRef(FEED, before.minute(1), "aB3dE6gH9jK2"))
        ledger.landed(said, "e1", 10, before.minute(1).utc)

    def judge(day: Day, *kinds: Kind) -> list[tuple[Day, AlertState]]:
        run(instance, day, report(plan.raws[0].name, day, *kinds, check=alerting.FEED_IS_ALIVE))
        tick(instance)
        found = ledger.alerts(feed=FEED)
        return [(a.key.day, a.state) for a in found if a.key.check == alerting.FEED_IS_ALIVE]

    still = [(before, AlertState.OPEN)]
    assert judge(before, Kind.FEED_FAILS) == still
    assert judge(DAY) == still, "that day is looked at until it is sealed"
    for asset in plan.assets:
        ledger.sealed(asset.name, before, number=1, fetches=1, emitted=1, files={}, at=NOON)
    assert judge(DAY, Kind.FEED_FROZEN) == [(DAY, AlertState.OPEN)]
