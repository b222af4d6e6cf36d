"""Stages whose objects are versions of a whole day, and days that change under later ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import nan
from typing import Any

import dagster as dg
import msgspec
import pytest

from pipeline_assets import stage_step
from pipeline_assets.assets import assets_of
from pipeline_assets.checks.factory import check_day
from pipeline_assets.collecting import collect_day
from pipeline_assets.day_step import Earlier
from pipeline_assets.drift import drifted_days
from pipeline_assets.expired import has_expired
from pipeline_assets.health import Books, book_signals
from pipeline_assets.inbox import take_inbox
from pipeline_assets.io_manager import S3DayIOManager
from pipeline_assets.load import load_table
from pipeline_assets.partitions import FIRST_DAY
from pipeline_assets.repair.plan import Action
from pipeline_assets.repair.planning import plan_repair
from pipeline_assets.repair.work import carry_out
from pipeline_assets.retention import expire
from pipeline_assets.sealing import clear_replaced, seal_day
from pipeline_assets.slot_run import rebuild_day
from pipeline_assets.stale_days import make_stale_days
from resources.lake import read_day
from resources.stage_codec import decode_stage
from tests.feeds.conftest import TUESDAY, results_of
from tests.feeds.league import (
    FEED,
    FINALS,
    FORM,
    RESULTS,
    League,
    Result,
    box_scores,
    finals,
    league,
)
from tests.feeds.test_let_go import Saying, captured, games
from tests.feeds.watched import HOUR, Case, Watched
from touchline.accounting import Outcome, Verdict
from touchline.day import NEW_YORK, Day
from touchline.fetch import Envelope, FetchRef
from touchline.health import Health, Signal
from touchline.slot import Slot
from touchline.stage import Span, Stage, Staged, VersionRead

LONG = pytest.mark.stack
"""Of what needs no stack, and takes long."""
CORRECTED = TUESDAY.shifted(3)
MARCH = Day.parse("2026-03-02")


@pytest.fixture
def client() -> League:
    return League()


@pytest.fixture
def watched(client: League, watch: Callable[[Case], Watched]) -> Watched:
    return watch(_case(client))


def _case(client: League) -> Case:
    """Watched from the day before Tuesday until its last slot has passed."""
    return Case(
        plan=results_of(client),
        capture=lambda slot: Envelope(client.fetch(slot).envelope),
        day=TUESDAY,
        opened=TUESDAY.shifted(-1).start,
        closed=TUESDAY.shifted(2).start + 10 * HOUR,
        over=TUESDAY.shifted(2).start + 10 * HOUR,
    )


def points(watched: Watched, asset: str, day: Day) -> list[float]:
    watched.site.days(FEED).refresh()
    table = load_table(watched.site, asset, day)
    return table.column("home" if asset == FINALS.name else "points").to_pylist()


def verdict(watched: Watched, day: Day) -> Verdict:
    watched.site.days(FEED).refresh()
    return Verdict.worst(
        report.verdict
        for asset in watched.plan.assets
        for report in check_day(watched.site, watched.plan, asset, day, deep=True)
    )


def teams(watched: Watched, day: Day) -> list[str]:
    watched.site.days(FEED).refresh()
    return load_table(watched.site, FORM.name, day).column("team").to_pylist()


def stale_signal(watched: Watched) -> Signal:
    site = watched.site
    spools = {FEED: site.spool(FEED)}
    books = Books(site.settings, site.plans, site.ledger, site.store, spools, watched.clock.now())
    [signal] = (each for each in book_signals(books) if each.name == f"stale days of {FEED}")
    return signal


def versions(watched: Watched, asset: str, day: Day) -> dict[int, tuple[Outcome, int]]:
    """Of each version of a day, by number, what it is and how many records it holds."""
    rows = watched.site.ledger.claims(asset, day).items()
    return {n: (r.landed.outcome, r.landed.account.emitted) for n, r in rows if r.landed}


def test_every_fetch_makes_a_version_and_says_so_where_nothing_has_changed(
    watched: Watched,
) -> None:
    watched.live_until(watched.case.over)
    same = (Outcome.UNCHANGED, 0)
    assert versions(watched, FINALS.name, TUESDAY) == {
        1626: (Outcome.COMPLETE, 2),
        1986: (Outcome.COMPLETE, 3),
        3426: same,
    }
    last = watched.site.ledger.claim(FINALS.name, TUESDAY, 3426)
    assert last is not None
    assert last.landed is not None
    # Two fetches of two and three results before, and of three now.
    assert last.landed.account.dropped == {"superseded": 5, "unchanged": 3}
    assert watched.numbers(FINALS.name) == [1986] * 3
    changed = decode_stage(FINALS, watched.site.days(FEED).read(FINALS.name, TUESDAY, 1986).body)
    assert changed.changes == {"inserted": 1, "updated": 0, "unchanged": 2, "gone": 0}
    assert watched.findings() == {}


def test_a_capture_that_comes_late_makes_the_later_versions_anew(
    watched: Watched, client: League
) -> None:
    second = Slot.numbered(box_scores.name, TUESDAY, 1986)
    watched.live_until(watched.case.over, but=second)
    assert [*versions(watched, FINALS.name, TUESDAY)] == [1626, 3426]
    client.corrections[f"{TUESDAY}-0"] = 120
    inbox = watched.site.inbox(FEED)
    inbox.folder.mkdir(parents=True)
    (inbox.folder / "late").write_bytes(watched.case.capture(second).data)
    assert take_inbox(watched.site, watched.plan, run_id="inbox").wrong == []
    whole = (Outcome.COMPLETE, 3)
    assert versions(watched, FINALS.name, TUESDAY) == {
        1626: (Outcome.COMPLETE, 2),
        1986: whole,
        3426: whole,
    }
    assert watched.numbers(FINALS.name) == [3426] * 3
    assert watched.findings() == {}


def test_what_is_as_of_a_day_reads_the_days_before_it_alone(watched: Watched) -> None:
    watched.live_until(watched.case.over)
    assert points(watched, FORM.name, TUESDAY.shifted(1)) == [100.0, 101.0, 102.0]
    earlier = Earlier(watched.site, TUESDAY)
    for day in (TUESDAY, TUESDAY.shifted(1)):
        with pytest.raises(ValueError, match="is not before 2026-01-06"):
            earlier(FINALS.name, day)
    with pytest.raises(KeyError, match="has no versions of days"):
        earlier(f"{FEED}/results", TUESDAY.shifted(-1))


@pytest.fixture
def sealed(client: League, watch: Callable[[Case], Watched]) -> Watched:
    """The day before the corrected one and four after it, sealed as far as they have ended."""
    closed = CORRECTED.shifted(4).start + 10 * HOUR
    watched = watch(
        Case(
            plan=results_of(client),
            capture=lambda slot: Envelope(client.fetch(slot).envelope),
            day=CORRECTED,
            opened=CORRECTED.shifted(-1).start,
            closed=closed,
            over=closed,
        )
    )
    watched.live_until(closed)
    for each in range(-1, 2):
        assert seal_day(watched.site, FEED, CORRECTED.shifted(each), run_id="seal").waiting == []
    return watched


def _corrected_in_march(sealed: Watched, client: League) -> Slot:
    client.corrections[f"{CORRECTED}-0"] = 160
    slot = Slot.of(box_scores.name, CORRECTED, MARCH.start + 9 * HOUR)
    report = sealed.run(slot)
    assert [step.failures for step in report.steps.values() if step.failures] == []
    return slot


def test_a_correction_in_march_changes_exactly_the_days_that_read_it(
    sealed: Watched, client: League
) -> None:
    days = [CORRECTED.shifted(each) for each in range(5)]
    before = {day: points(sealed, FORM.name, day) for day in days}
    slot = _corrected_in_march(sealed, client)
    assert points(sealed, FINALS.name, CORRECTED) == [160, 101, 102]
    waiting = sealed.site.ledger.stale(FEED)
    after = [CORRECTED.shifted(each) for each in (1, 2, 3)]
    assert [(each.asset, each.day) for each in waiting] == [(FORM.name, day) for day in after]
    assert waiting[0].because == f"{FINALS.name} of {CORRECTED} has version {slot.number} since"

    assert stale_signal(sealed).state is Health.OK
    sealed.clock.set(MARCH.start + 12 * HOUR)
    assert stale_signal(sealed).state is Health.BAD
    assert {verdict(sealed, day) for day in after} == {Verdict.BAD}
    assert make_stale_days(sealed.site, FEED, run_id="upkeep") == []
    assert sealed.site.ledger.stale(FEED) == []
    changed = {day for day in days if points(sealed, FORM.name, day) != before[day]}
    assert changed == {*after}
    assert points(sealed, FORM.name, after[0]) == [120.0, 101.0, 102.0]
    resealed = {day: seal_day(sealed.site, FEED, day, run_id="seal") for day in days[:2]}
    assert [report.waiting for report in resealed.values() if report.waiting] == []
    named = {day: {*report.sealed} for day, report in resealed.items() if report.sealed}
    assert {day for day, assets in named.items() if FORM.name in assets} == {*after[:1]}
    assert FINALS.name in named[CORRECTED]
    assert {verdict(sealed, day) for day in days[:4]} == {Verdict.OK}
    assert make_stale_days(sealed.site, FEED, run_id="again") == []


@LONG
def test_what_is_collected_in_march_makes_the_days_that_read_it_again(
    sealed: Watched, client: League
) -> None:
    client.corrections[f"{CORRECTED}-0"] = 160
    sealed.clock.set(MARCH.start + 9 * HOUR)
    collected = collect_day(sealed.site, sealed.plan, CORRECTED, [box_scores], run_id="collect")
    assert collected.unsealed == []
    assert sealed.site.ledger.stale(FEED) == []
    assert points(sealed, FORM.name, CORRECTED.shifted(1)) == [120.0, 101.0, 102.0]
    assert verdict(sealed, CORRECTED) is Verdict.OK


@LONG
def test_a_sealed_day_keeps_the_rows_of_its_newest_version_alone(
    sealed: Watched, client: League
) -> None:
    days = sealed.site.days(FEED)
    days.refresh()
    sealed_day = read_day(days.sealed_days.lake, FINALS.name, CORRECTED)
    assert sealed_day is not None
    assert sealed_day.table().num_rows == 3
    held = days.index(FINALS.name, CORRECTED).sealed
    assert {n: each.is_kept for n, each in held.items()} == {1626: False, 1986: True, 3426: True}
    # It can be made again, and is then what it was.
    again = rebuild_day(sealed.site, FEED, CORRECTED, run_id="rebuild")
    assert [step.failures for step in again.values() if step.failures] == []
    assert seal_day(sealed.site, FEED, CORRECTED, run_id="seal").waiting == []
    assert verdict(sealed, CORRECTED) is Verdict.OK
    assert [drift for drift in drifted_days(sealed.site.ledger, sealed.plan) if drift.unmade] == []


@LONG
def test_a_change_while_a_day_is_made_leaves_it_stale(sealed: Watched, client: League) -> None:
    slot = _corrected_in_march(sealed, client)
    ledger, day = sealed.site.ledger, CORRECTED.shifted(1)
    before = sealed.site.days(FEED).read(FORM.name, day, max(versions(sealed, FORM.name, day)))
    ledger.reads(FORM.name, day, decode_stage(FORM, before.body).reads, slot.at)
    ledger.freshen(FORM.name, day)
    [since] = {each.since for each in ledger.stale(FEED) if each.day == day}
    # Another change does not make the wait look shorter than it is.
    client.corrections[f"{CORRECTED}-0"] = 170
    sealed.run(Slot.of(box_scores.name, CORRECTED, slot.at + HOUR))
    assert {each.since for each in ledger.stale(FEED) if each.day == day} == {since}
    sealed.clock.set(slot.at + HOUR + timedelta(minutes=5))
    assert make_stale_days(sealed.site, FEED, run_id="upkeep") == []
    assert ledger.stale(FEED) == []


@pytest.mark.parametrize("order", [(1626, 1986, 3426), (3426, 1986, 1626), (1986, 3426, 1626)])
def test_in_whatever_order_captures_come_the_versions_are_the_same(
    watched: Watched, order: tuple[int, ...]
) -> None:
    watched.clock.set(watched.case.over + HOUR)
    inbox = watched.site.inbox(FEED)
    inbox.folder.mkdir(parents=True)
    for number in order:
        captured = watched.case.capture(Slot.numbered(box_scores.name, TUESDAY, number))
        (inbox.folder / f"{number}").write_bytes(captured.data)
        assert take_inbox(watched.site, watched.plan, run_id=f"inbox {number}").wrong == []
    assert versions(watched, FINALS.name, TUESDAY) == {
        1626: (Outcome.COMPLETE, 2),
        1986: (Outcome.COMPLETE, 3),
        3426: (Outcome.UNCHANGED, 0),
    }
    assert watched.numbers(FINALS.name) == [1986] * 3
    assert watched.findings() == {}


@pytest.mark.parametrize(("asset", "number"), [(FINALS.name, 1986), (FORM.name, 546)])
def test_a_version_that_is_lost_is_named_and_made_again(
    watched: Watched, asset: str, number: int
) -> None:
    watched.live_until(watched.case.over)
    site, before = watched.site, watched.digests()
    key = site.keys(asset).single(TUESDAY, number)
    site.store.delete(key, site.store.head(key).etag)
    site.days(FEED).in_hand.clear()
    assert watched.findings()[asset, "landed_matches_claimed"] == [
        f"{key} was confirmed and is not in the store, nor in a window"
    ]
    plan = plan_repair(site, watched.plan, TUESDAY)
    assert carry_out(site, plan, run_id="repair", reason="lost").failures == []
    assert watched.digests() == before
    assert watched.findings() == {}


def test_an_older_version_of_earlier_days_that_is_lost_is_said_to_be_lost(watched: Watched) -> None:
    watched.live_until(watched.case.over)
    site = watched.site
    key = site.keys(FORM.name).single(TUESDAY, 186)
    site.store.delete(key, site.store.head(key).etag)
    site.days(FEED).in_hand.clear()
    plan = plan_repair(site, watched.plan, TUESDAY)
    [item] = plan.items
    assert (item.asset, item.number, item.action) == (FORM.name, 186, Action.CANNOT)
    assert item.reason.endswith("a later version was made since, of what earlier days are now")


@LONG
def test_a_deep_check_sees_a_stale_day_of_which_nobody_was_told(
    sealed: Watched, client: League
) -> None:
    slot = _corrected_in_march(sealed, client)
    ledger, day = sealed.site.ledger, CORRECTED.shifted(1)
    ledger.reads(FORM.name, day, [], slot.at)
    ledger.freshen(FORM.name, day)
    assert day not in {each.day for each in ledger.stale(FEED)}
    found = check_day(sealed.site, sealed.plan, FORM, day, deep=True)
    assert [each.detail for report in found for each in report.findings] == [
        "it was made before that, and nobody was told: "
        f"{FINALS.name} of {CORRECTED} has version {slot.number} since"
    ]


def test_the_first_partition_is_made_though_no_day_is_before_it(watched: Watched) -> None:
    watched.clock.set(watched.case.over)
    form = dg.AssetKey(FORM.name.split("/"))
    assert dg.materialize(
        assets_of(watched.plan),
        selection=[form],
        partition_key=FIRST_DAY,
        resources={"site": watched.site, "s3_day": S3DayIOManager(watched.site)},
    ).success
    made = versions(watched, FORM.name, Day.parse(FIRST_DAY))
    assert made == {1: (Outcome.COMPLETE, 0)}


@LONG
def test_a_version_that_says_now_that_nothing_has_changed_makes_its_readers_stale(
    watch: Callable[[Case], Watched],
) -> None:
    """A capture that comes late holds what the version that was read held, and more."""
    client = Saying(says={1626: [], 1986: games(a=100), 3426: []})
    watched = watch(_case(client))
    watched.live_until(watched.case.over)
    day = TUESDAY.shifted(1)
    assert "a" in teams(watched, day)
    assert "b" not in teams(watched, day)
    client.says[1700] = games(b=100, a=100)
    captured(watched, 1700)
    assert versions(watched, FINALS.name, TUESDAY)[1986] == (Outcome.UNCHANGED, 0)
    assert day in {each.day for each in watched.site.ledger.stale(FEED)}
    assert make_stale_days(watched.site, FEED, run_id="upkeep") == []
    assert "b" in teams(watched, day)
    assert (watched.site.ledger.stale(FEED), verdict(watched, day)) == ([], Verdict.OK)


@LONG
def test_a_version_on_which_the_code_failed_is_made_by_the_next_code(
    watch: Callable[[Case], Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = True

    def fails_at_first(*given: Any) -> Staged[Result]:
        if broken:
            raise RuntimeError("not yet")
        return finals(*given)

    stage = replace(FINALS, name=f"{FEED}/more_finals", by=fails_at_first)
    plan = league(League())
    watched = watch(replace(_case(League()), plan=replace(plan, stages=(*plan.stages, stage))))
    last = Slot.numbered(box_scores.name, TUESDAY, 3426)
    watched.live_until(last.at)
    assert versions(watched, stage.name, TUESDAY)[1626] == (Outcome.STAGE_FAILED, 0)
    broken = False
    monkeypatch.setattr(stage_step, "version_of", lambda *_: "mended")
    watched.run(last)
    assert versions(watched, stage.name, TUESDAY) == versions(watched, FINALS.name, TUESDAY)


class Seen(msgspec.Struct, frozen=True):
    """A game, and what comes back from the store in another form than it went there."""

    game_id: str
    home: float
    begins: datetime
    handicap: float


def seen(fetch: FetchRef, so_far: Sequence[tuple[FetchRef, list[Result]]]) -> Staged[Seen]:
    begins, staged = datetime(2026, 1, 6, 20, tzinfo=NEW_YORK), Staged[Seen]()
    newest = {result.game_id: result for _, found in so_far for result in found}
    staged.emit_many([Seen(name, each.home, begins, nan) for name, each in sorted(newest.items())])
    return staged


@LONG
def test_times_in_new_york_and_whole_numbers_are_no_change(
    watch: Callable[[Case], Watched],
) -> None:
    stage = Stage(
        name=f"{FEED}/seen",
        inputs=FINALS.inputs,
        makes=Seen,
        by=seen,
        key=lambda game: game.game_id,
        reasons=FINALS.reasons,
        counts="games",
        doc="Games as they are seen.",
        span=Span.DAY,
        receives_each=False,
    )
    plan = league(League())
    watched = watch(replace(_case(League()), plan=replace(plan, stages=(*plan.stages, stage))))
    watched.live_until(watched.case.over)
    assert versions(watched, stage.name, TUESDAY)[3426] == (Outcome.UNCHANGED, 0)


@LONG
def test_a_day_that_is_never_made_as_of_earlier_ones_is_told(
    watch: Callable[[Case], Watched],
) -> None:
    def fails(*given: Any) -> Staged[Result]:
        raise RuntimeError("it cannot be made")

    stage = replace(FORM, name=f"{FEED}/more_form", by=fails)
    plan = league(League())
    watched = watch(replace(_case(League()), plan=replace(plan, stages=(*plan.stages, stage))))
    watched.live_until(watched.case.over)
    assert watched.findings() == {
        (stage.name, "landed_matches_claimed"): [
            "the day was fetched, and nothing was made of the days before it"
        ]
    }


@pytest.mark.parametrize(
    ("stage", "of", "said"),
    [
        (replace(FINALS, span=Span.FETCH), FINALS, "is made of versions of the day"),
        (replace(FINALS, span=Span.FETCH), FORM, "is made of versions of the day"),
        (FINALS, FORM, "is made as of its day, of none"),
    ],
)
def test_what_cannot_be_made_of_versions_is_no_plan(
    stage: Stage[Any], of: Stage[Any], said: str
) -> None:
    plan = league(League())
    more = replace(stage, name=f"{FEED}/more", inputs=(of.name,))
    with pytest.raises(ValueError, match=said):
        replace(plan, stages=(*plan.stages, more))


@LONG
def test_an_earlier_day_that_has_expired_takes_nothing_from_what_was_made_of_it(
    sealed: Watched, client: League
) -> None:
    """The day after the corrected one was made of it and of two days that have expired."""
    after, site, now = CORRECTED.shifted(1), sealed.site, MARCH.start
    sealed.clock.set(now)
    kept = (MARCH.date - CORRECTED.date).days
    site.settings = site.settings.model_copy(update={"keep_lake_days": kept})
    clear_replaced(site, FEED, run_id="clear")
    expire(site, FEED, "expire")
    assert has_expired(site, FINALS.name, CORRECTED.shifted(-1))
    assert not has_expired(site, FINALS.name, CORRECTED)
    before = points(sealed, FORM.name, after)
    _corrected_in_march(sealed, client)
    [wrong, *_] = make_stale_days(site, FEED, run_id="upkeep")
    assert wrong.endswith("of which it was made, is there no more")
    assert points(sealed, FORM.name, after) == before
    assert after in {each.day for each in site.ledger.stale(FEED)}


@LONG
def test_a_day_that_was_first_made_after_an_earlier_one_expired_is_not_stale(
    sealed: Watched,
) -> None:
    sealed.clock.set(MARCH.start)
    site, kept = sealed.site, (MARCH.date - CORRECTED.date).days
    site.settings = site.settings.model_copy(update={"keep_lake_days": kept})
    clear_replaced(site, FEED, run_id="clear")
    expire(site, FEED, "expire")
    read = VersionRead(FINALS.name, str(CORRECTED.shifted(-1)), None, None)
    assert site.ledger.outdated([read]) == []
    site.ledger.reads(FORM.name, CORRECTED.shifted(1), [read], MARCH.start)
    assert site.ledger.stale(FEED) == []


@LONG
def test_a_day_that_has_expired_is_not_fetched_again(sealed: Watched, client: League) -> None:
    sealed.clock.set(MARCH.start)
    site, day = sealed.site, CORRECTED.shifted(-1)
    kept = (MARCH.date - CORRECTED.date).days
    site.settings = site.settings.model_copy(update={"keep_raw_days": kept})
    clear_replaced(site, FEED, run_id="clear")
    expire(site, FEED, "expire")
    asked = len(client.asked)
    collected = collect_day(site, sealed.plan, day, [box_scores], run_id="collect")
    [failure] = collected.steps[box_scores.name].failures
    assert str(failure).endswith(f"of {day} has expired: nothing is fetched for it again")
    assert len(client.asked) == asked


def test_an_input_that_is_lost_takes_nothing_from_later_versions(watched: Watched) -> None:
    watched.live_until(watched.case.over)
    site, before = watched.site, watched.digests()
    first = site.keys(box_scores.name).single(TUESDAY, 1626)
    made = site.keys(RESULTS.name).single(TUESDAY, 1626)
    for key in (first, made):
        site.store.delete(key, site.store.head(key).etag)
    site.spool(FEED).folder.rename(site.spool(FEED).folder.with_name("aside"))
    site.days(FEED).in_hand.clear()
    report = rebuild_day(site, FEED, TUESDAY, run_id="rebuild")[FINALS.name]
    assert report.added == []
    assert report.findings == ["versions from 1626 on stay as they are: an input of theirs is gone"]
    plan = plan_repair(site, watched.plan, TUESDAY, asset=FINALS.name, named=True)
    assert {item.action for item in plan.items} == {Action.CANNOT}
    assert watched.digests() == before
