"""Slots that depend on data: a cup's scores are fetched when its fixtures say that games end. Its
table is made from both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

import pipeline_assets.stage_step
from pipeline_assets.collecting import collect_day
from pipeline_assets.day_state import read_day_state
from pipeline_assets.inbox import take_inbox
from pipeline_assets.load import load_table
from pipeline_assets.raw_step import raw_object
from pipeline_assets.repair.plan import Action
from pipeline_assets.repair.planning import plan_repair
from pipeline_assets.run import Batch, Run
from pipeline_assets.seals_due import days_to_seal
from pipeline_assets.slot_run import rebuild_day
from pipeline_assets.stage_step import stage_step
from resources.ledger.faulty import FaultyLedger, away
from resources.watch_record import read_watch
from tests.feeds.conftest import TUESDAY, of_a_cup
from tests.feeds.cup import FIXTURES, TABLE, Cup, Row, cup, fixtures, scores, when_games_end
from tests.feeds.league import MINUTES
from tests.feeds.watched import HOUR, Case, Watched
from touchline.accounting import FetchFate, Verdict
from touchline.day import Day
from touchline.day_plan import POSTPONED, in_force
from touchline.plan import FeedPlan
from touchline.retries import Refetch
from touchline.schedule import Planned
from touchline.slot import Slot
from touchline.stage import Staged

Watch = Callable[[Case], Watched]
EVENING, LATE = TUESDAY.start + 19 * HOUR, TUESDAY.start + 21 * HOUR
THURSDAY = TUESDAY.shifted(2)


def _asked(client: Cup) -> list[tuple[Day, datetime]]:
    return [(slot.day, slot.at) for slot in client.asked if slot.raw == scores.name]


def test_scores_are_fetched_when_the_fixtures_say_that_games_end(watch: Watch) -> None:
    client = Cup({"early": EVENING, "late": LATE})
    watched = watch(of_a_cup(client))
    watched.live_until(watched.case.over)
    ends = [hours * HOUR for hours in (21.5, 23.5, 30.5, 32.5)]
    assert _asked(client) == [(TUESDAY, TUESDAY.start + end) for end in ends]
    assert watched.findings() == {}
    assert watched.seal().waiting == []


def test_a_postponed_game_closes_its_slots_and_opens_those_of_its_new_date(watch: Watch) -> None:
    client = Cup({"early": EVENING, "late": LATE})
    watched = watch(of_a_cup(client))
    watched.live_until(TUESDAY.start + 17 * HOUR)
    client.starts["early"] = THURSDAY.start + 19 * HOUR
    watched.live_until(THURSDAY.end)
    assert _asked(client) == [
        (TUESDAY, LATE + 2.5 * HOUR),
        (TUESDAY, LATE + 11.5 * HOUR),
        (THURSDAY, THURSDAY.start + 21.5 * HOUR),
    ]
    assert watched.findings() == {}
    state = read_day_state(watched.site, watched.plan, TUESDAY)
    [cells] = [asset.cells for asset in state.assets if asset.name == scores.name]
    closed = [number for number, cell in enumerate(cells, 1) if cell.what == POSTPONED]
    assert closed == [int(21.5 * 60) + 1, int(30.5 * 60) + 1]
    assert state.verdict is Verdict.OK


def test_a_game_that_is_postponed_too_late_changes_no_slot_that_was_due(watch: Watch) -> None:
    client = Cup({"before": TUESDAY.start - 9 * HOUR, "early": TUESDAY.start + 12 * HOUR})
    watched = watch(of_a_cup(client))
    watched.live_until(TUESDAY.start + 17 * HOUR)
    client.starts["early"] = THURSDAY.start + 12 * HOUR
    watched.live_until(THURSDAY.start)
    assert _asked(client) == [(TUESDAY, TUESDAY.start + 14.5 * HOUR)]
    [due] = watched.site.ledger.expected(scores, TUESDAY, THURSDAY.start)
    assert due.at == TUESDAY.start + 14.5 * HOUR
    assert watched.findings() == {}


def test_a_run_that_was_asked_for_a_slot_since_closed_fetches_nothing(watch: Watch) -> None:
    client = Cup({"early": EVENING, "late": LATE})
    watched = watch(of_a_cup(client))
    watched.live_until(TUESDAY.start + 17 * HOUR)
    slot = Slot.of(scores.name, TUESDAY, EVENING + 2.5 * HOUR)
    client.starts["early"] = THURSDAY.start + 19 * HOUR
    watched.live_until(slot.at)
    report = watched.run(slot)
    assert any("has no slot" in said for said in report.steps[scores.name].findings)
    assert _asked(client) == []


@pytest.mark.parametrize("broken", ["partial", "failed", "quarantined"])
def test_fixtures_that_did_not_come_whole_open_slots_and_close_none(
    broken: str, watch: Watch
) -> None:
    client = Cup({"before": TUESDAY.start - 9 * HOUR, "early": EVENING, "later": LATE + 24 * HOUR})
    watched = watch(of_a_cup(client))
    watched.live_until(TUESDAY.start + 17 * HOUR)
    del client.starts["early"]
    client.starts["late"] = LATE
    if broken == "quarantined":
        client.odd = "early"
    else:
        client.outcome = broken
    watched.run(Slot.of(fixtures.name, TUESDAY, TUESDAY.start + 17 * HOUR))
    plans = watched.site.ledger.plans(scores.name, TUESDAY)
    opened = [] if broken == "failed" else [LATE + 2.5 * HOUR, LATE + 11.5 * HOUR]
    due = [scores.slot(TUESDAY, number).at for number in in_force(TUESDAY, plans)]
    assert due == sorted([EVENING + 2.5 * HOUR, EVENING + 11.5 * HOUR, *opened])


def test_fixtures_of_no_game_at_all_close_nothing(watch: Watch) -> None:
    client = Cup({"early": EVENING})
    watched = watch(of_a_cup(client))
    watched.live_until(TUESDAY.start + 17 * HOUR)
    client.starts.clear()
    watched.live_until(TUESDAY.end)
    assert _asked(client) == [(TUESDAY, EVENING + 2.5 * HOUR)]


def test_older_fixtures_that_are_read_again_plan_nothing(watch: Watch) -> None:
    client = Cup({"early": EVENING, "late": LATE})
    watched = watch(of_a_cup(client))
    watched.live_until(TUESDAY.start + 17 * HOUR)
    client.starts["early"] = THURSDAY.start + 19 * HOUR
    watched.live_until(TUESDAY.shifted(1).start + 6 * HOUR)
    before = watched.site.ledger.plans(scores.name, THURSDAY)
    feed = watched.plan.name
    rebuilt = rebuild_day(watched.site, feed, TUESDAY, run_id="again", assets=[FIXTURES.name])
    assert rebuilt[FIXTURES.name].landed
    assert watched.site.ledger.plans(scores.name, THURSDAY) == before


def test_a_time_that_its_day_cannot_have_is_said_and_harms_no_other(watch: Watch) -> None:
    client = Cup({"early": EVENING, "odd": THURSDAY.start + HOUR + timedelta(seconds=30)})
    watched = watch(of_a_cup(client))
    [report] = watched.live_until(TUESDAY.start + 6 * HOUR)
    [said] = report.steps[FIXTURES.name].findings
    assert said.startswith(f"{THURSDAY} of {scores.name} could not be planned: the time of a slot")
    assert watched.site.ledger.plans(scores.name, TUESDAY) != []


def test_plans_of_a_lost_ledger_come_back_from_the_store(watch: Watch) -> None:
    client = Cup({"early": EVENING, "late": LATE})
    watched = watch(of_a_cup(client))
    watched.live_until(TUESDAY.start + 17 * HOUR)
    client.starts["early"] = THURSDAY.start + 19 * HOUR
    watched.run(Slot.of(fixtures.name, TUESDAY, TUESDAY.start + 17 * HOUR))
    told = read_watch(watched.site.store, watched.plan.name).plans
    for day in (TUESDAY, THURSDAY):
        plans = watched.site.ledger.plans(scores.name, day)
        assert told[scores.name, day].read() == plans
        assert plans != []


def test_fixtures_that_came_while_the_ledger_was_away_are_planned_from_the_next(
    watch: Watch,
) -> None:
    client = Cup({"early": EVENING})
    watched = watch(of_a_cup(client))
    site = watched.site
    ledger = FaultyLedger(site.settings.ledger_database, site.ledger.prefix)
    watched.site = replace(site, ledger=ledger)
    client.starts["late"] = LATE
    ledger.plan = away
    report = watched.run(Slot.of(fixtures.name, TUESDAY, TUESDAY.start + 5 * HOUR))
    said = report.steps[FIXTURES.name].findings
    assert any("days could not be planned: the ledger" in each for each in said)
    assert report.steps[FIXTURES.name].added != []
    ledger.plan = None
    watched.run(Slot.of(fixtures.name, TUESDAY, TUESDAY.start + 17 * HOUR))
    [plan] = ledger.plans(scores.name, TUESDAY)
    assert len(plan.numbers) == 4
    ledger.close()


def test_what_can_be_fetched_again_is_expected_though_nobody_watched(watch: Watch) -> None:
    """From Tuesday noon until Friday nothing runs; the fixtures of Tuesday planned Thursday."""
    client = Cup({"late": LATE, "later": THURSDAY.start + 12 * HOUR})
    watched = watch(of_a_cup(client))
    site, friday = watched.site, TUESDAY.shifted(3)
    watched.live_until(TUESDAY.start + 6 * HOUR)
    site.ledger.close_interval(watched.plan.name, TUESDAY.start + 12 * HOUR)
    site.ledger.open_interval(watched.plan.name, friday.start, "simulated")
    client.starts["last"] = friday.start + 6 * HOUR
    for slot in (
        Slot.of(fixtures.name, friday, friday.start + 5 * HOUR),
        Slot.of(scores.name, friday, friday.start + 8.5 * HOUR),
    ):
        watched.run(slot)
    missed = [
        (day, number, fate)
        for day in (TUESDAY, THURSDAY)
        for number, fate in site.ledger.fates(scores.name, day).items()
    ]
    assert missed == [
        (TUESDAY, int(23.5 * 60) + 1, FetchFate.MISSED),
        (TUESDAY, int(32.5 * 60) + 1, FetchFate.MISSED),
        (THURSDAY, int(14.5 * 60) + 1, FetchFate.MISSED),
        (THURSDAY, int(23.5 * 60) + 1, FetchFate.MISSED),
    ]
    assert set(site.ledger.fates(fixtures.name, TUESDAY).values()) == {FetchFate.LANDED}
    collected = collect_day(site, watched.plan, TUESDAY, [scores], run_id="collect")
    assert collected.steps[scores.name].added != []
    assert watched.findings() == {}


@pytest.mark.parametrize(
    ("refetch", "meanwhile"),
    [
        (None, "nothing"),
        (scores.refetch, "nothing"),
        (scores.refetch, "collected"),
        (scores.refetch, "watched"),
    ],
)
def test_days_without_a_game_hide_no_slot_that_was_missed_before_them(
    refetch: Refetch | None, meanwhile: str, watch: Watch
) -> None:
    """Nothing runs from Tuesday morning until Monday, and there is no game in between."""
    client = Cup({"late": LATE})
    case = of_a_cup(client)
    alone = replace(scores, refetch=refetch)
    watched = watch(replace(case, plan=replace(case.plan, raws=(fixtures, alone))))
    site, friday, monday = watched.site, TUESDAY.shifted(3), TUESDAY.shifted(6)
    watched.live_until(TUESDAY.start + 6 * HOUR)
    if meanwhile == "watched":
        site.ledger.close_interval(watched.plan.name, TUESDAY.start + 12 * HOUR)
        site.ledger.open_interval(watched.plan.name, friday.start, "simulated")
        site.ledger.close_interval(watched.plan.name, friday.start + HOUR)
        site.ledger.open_interval(watched.plan.name, monday.start, "simulated")
    watched.clock.set(monday.start + HOUR)
    if meanwhile == "collected":
        collect_day(site, watched.plan, friday, [alone], run_id="collect")
    client.starts["next"] = monday.start + 6 * HOUR
    watched.run(Slot.of(fixtures.name, monday, monday.start + 5 * HOUR))
    watched.run(Slot.of(scores.name, monday, monday.start + 8.5 * HOUR))
    assert set(site.ledger.fates(scores.name, TUESDAY).values()) == {FetchFate.MISSED}
    assert len(site.ledger.fates(scores.name, TUESDAY)) == 2


def test_a_raw_asset_is_planned_from_a_stage_of_another() -> None:
    plan = cup(Cup({}))
    itself = Planned("cup/results", when_games_end, days_after=1, patience=MINUTES)
    alone = replace(scores, schedule=itself)
    with pytest.raises(ValueError, match="no stage that takes fetches of another raw"):
        FeedPlan((fixtures, alone), plan.stages, plan.client)


def test_a_stage_of_a_day_reads_what_another_raw_asset_brought_until_then(watch: Watch) -> None:
    client = Cup({"early": EVENING, "late": LATE})
    watched = watch(of_a_cup(client))
    watched.live_until(watched.case.over)
    rows = load_table(watched.site, TABLE.name, TUESDAY).to_pylist()
    assert {row["game_id"]: row["start"] for row in rows} == {"early": EVENING, "late": LATE}
    numbers = [
        row.slot.number for row in watched.site.ledger.fetches(scores.name, TUESDAY).values()
    ]
    assert list(watched.site.ledger.claims(TABLE.name, TUESDAY)) == numbers


def test_what_another_raw_asset_brings_late_changes_the_versions_behind_it(watch: Watch) -> None:
    """The fixtures of 17:00, which say when a game begins, come in after its scores."""
    client = Cup({"early": EVENING})
    watched = watch(of_a_cup(client))
    late = Slot.of(fixtures.name, TUESDAY, TUESDAY.start + 17 * HOUR)
    watched.live_until(watched.case.over, but=late)
    before = watched.digests()
    client.starts["early"] = EVENING + timedelta(minutes=10)
    inbox = watched.site.inbox(late.feed)
    inbox.folder.mkdir(parents=True)
    (inbox.folder / "capture").write_bytes(watched.case.capture(late).data)
    taken = take_inbox(watched.site, watched.plan, run_id="inbox")
    assert (taken.aside, taken.waiting) == ({}, [])
    [row] = load_table(watched.site, TABLE.name, TUESDAY).to_pylist()
    assert row["start"] == EVENING + timedelta(minutes=10)
    after = watched.digests()
    assert {key for key in after if key not in before} == {
        (asset, late.number) for asset in (fixtures.name, FIXTURES.name)
    }
    assert watched.findings() == {}
    assert watched.seal().waiting == []


def test_a_version_that_read_too_little_is_made_again_before_the_day_is_sealed(
    watch: Watch,
) -> None:
    """Another run landed its fetch while this version was made, and no later run looked at it."""
    client = Cup({"early": EVENING})
    watched = watch(of_a_cup(client))
    watched.live_until(watched.case.over)
    site, slot = watched.site, Slot.of(fixtures.name, TUESDAY, TUESDAY.start + 18 * HOUR)
    client.starts["early"] = EVENING + timedelta(minutes=10)
    run = Run(site, watched.plan, TUESDAY, "other")
    made = raw_object(fixtures, watched.case.capture(slot))
    run.land(Batch(run, fixtures.name, False, iter([made]), []))
    run.land(stage_step(run, FIXTURES))
    assert watched.seal().waiting == []
    [row] = load_table(site, TABLE.name, TUESDAY).to_pylist()
    assert row["start"] == EVENING + timedelta(minutes=10)


@pytest.mark.parametrize("hindered", ["it fails", "it takes long"])
def test_a_day_is_not_sealed_around_a_version_that_could_not_be_made_again(
    hindered: str, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Cup({"early": EVENING})
    case, fails = of_a_cup(client), False

    def by(*given: Any) -> Staged[Row]:
        if fails:
            raise RuntimeError("not now")
        return TABLE.by(*given)

    stages = (*case.plan.stages[:-1], replace(TABLE, by=by))
    watched = watch(replace(case, plan=replace(case.plan, stages=stages)))
    watched.live_until(watched.case.over)
    site, slot = watched.site, Slot.of(fixtures.name, TUESDAY, TUESDAY.start + 18 * HOUR)
    client.starts["early"] = EVENING + timedelta(minutes=10)
    run = Run(site, watched.plan, TUESDAY, "other")
    run.land(Batch(run, fixtures.name, False, iter([raw_object(fixtures, case.capture(slot))]), []))
    run.land(stage_step(run, FIXTURES))
    if hindered == "it fails":
        fails = True
        assert watched.seal().sealed == []
        assert days_to_seal(site.ledger, watched.plan, site.clock.now()) == [TUESDAY]
        fails = False
    else:
        monkeypatch.setattr(pipeline_assets.stage_step, "BACKLOG_SECONDS", 0.0)
    assert watched.seal().waiting == []
    [row] = load_table(site, TABLE.name, TUESDAY).to_pylist()
    assert row["start"] == EVENING + timedelta(minutes=10)


def test_nothing_is_made_of_less_where_what_came_in_the_same_minute_is_lost(
    watch: Watch,
) -> None:
    """A game ends at 17:00, when the fixtures are fetched too."""
    client = Cup({"early": TUESDAY.start + 14.5 * HOUR})
    watched = watch(of_a_cup(client))
    watched.live_until(watched.case.over)
    site, number = watched.site, 17 * 60 + 1
    before = watched.digests()
    for asset in (fixtures.name, FIXTURES.name, TABLE.name):
        key = site.keys(asset).single(TUESDAY, number)
        site.store.delete(key, site.store.head(key).etag)
    spool = site.spool(watched.plan.name).folder
    spool.rename(spool.with_name("aside"))
    site.days(watched.plan.name).in_hand.clear()
    plan = plan_repair(site, watched.plan, TUESDAY)
    assert {item.action for item in plan.items} == {Action.CANNOT}
    assert watched.digests() == before
