"""Versions whose rows a sealed day has let go of: what follows from them is made all the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from pipeline_assets.checks.factory import check_day
from pipeline_assets.checks.report import Kind
from pipeline_assets.inbox import take_inbox
from pipeline_assets.load import load_table
from pipeline_assets.sealing import clear_replaced, seal_day
from pipeline_assets.slot_run import rebuild_day
from pipeline_assets.stale_days import make_stale_days
from tests.feeds.conftest import TUESDAY, results_of
from tests.feeds.league import FEED, FINALS, FORM, League, Reason, Result, box_scores
from tests.feeds.watched import HOUR, Case, Watched
from touchline.accounting import Outcome, Verdict
from touchline.day import Day, FetchNumber
from touchline.fetch import Envelope, FetchRef
from touchline.slot import Slot
from touchline.stage import Span, Stage, Staged

pytestmark = pytest.mark.stack  # They need no stack, and take long.

Games = list[dict[str, Any]]
WEDNESDAY = TUESDAY.shifted(1)


def games(**points: int) -> Games:
    """Games that are over, by their id."""
    return [
        {"id": name, "team": name, "final": True, "home": home, "away": 90, "price": 1.5}
        for name, home in points.items()
    ]


@dataclass
class Saying(League):
    """A client that says of some slots of Tuesday what a test has it say."""

    says: dict[int, Games] = field(default_factory=dict)

    def _games(self, slot: Slot) -> Games:
        said = self.says.get(slot.number) if slot.day == TUESDAY else None
        return super()._games(slot) if said is None else said


def most(fetch: FetchRef, so_far: Sequence[tuple[FetchRef, Sequence[Result]]]) -> Staged[Result]:
    """Each game as most fetches have it."""
    said: dict[str, list[Result]] = {}
    for _, found in so_far:
        for result in found:
            said.setdefault(result.game_id, []).append(result)
    staged = Staged[Result]()
    staged.emit_many([max(each[::-1], key=each.count) for each in said.values()])
    return staged


def same(fetch: FetchRef, found: Sequence[Result]) -> Staged[Result]:
    staged = Staged[Result]()
    staged.emit_many(found)
    return staged


MOST: Stage[Result] = replace(
    FINALS, name=f"{FEED}/most", by=most, receives_each=False, reasons=Reason, span=Span.DAY
)
AGAIN: Stage[Result] = replace(FINALS, name=f"{FEED}/again", inputs=(FINALS.name,), by=same)


@pytest.fixture
def client() -> Saying:
    return Saying()


@pytest.fixture
def watched(client: Saying, watch: Callable[[Case], Watched]) -> Watched:
    """Tuesday and Wednesday, sealed."""
    client.says = {1626: games(a=100), 1986: games(a=120), 3426: games(a=120)}
    plan = results_of(client)
    case = Case(
        plan=replace(plan, stages=(*plan.stages, MOST, AGAIN)),
        capture=lambda slot: Envelope(client.fetch(slot).envelope),
        day=TUESDAY,
        opened=TUESDAY.shifted(-1).start,
        closed=None,
        over=TUESDAY.shifted(3).start + 10 * HOUR,
    )
    watched = watch(case)
    watched.live_until(case.over)
    for day in (TUESDAY, WEDNESDAY):
        assert seal_day(watched.site, FEED, day, run_id="seal").waiting == []
    return watched


@pytest.fixture
def cleared(watched: Watched) -> Watched:
    """Nothing stands beside the sealed days any more."""
    watched.clock.set(watched.case.over + 48 * HOUR)
    assert clear_replaced(watched.site, FEED, run_id="clear") > 0
    watched.site.days(FEED).in_hand.clear()
    return watched


def captured(watched: Watched, *numbers: int) -> None:
    """Captures of Tuesday that come late."""
    inbox = watched.site.inbox(FEED)
    inbox.folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        data = watched.case.capture(Slot.numbered(box_scores.name, TUESDAY, number)).data
        (inbox.folder / f"{number}").write_bytes(data)
    taken = take_inbox(watched.site, watched.plan, run_id=f"inbox {numbers}")
    assert (taken.wrong, taken.waiting) == ([], [])


def points(watched: Watched, asset: str, day: Day = TUESDAY) -> list[float]:
    watched.site.days(FEED).refresh()
    watched.site.days(FEED).in_hand.clear()
    table = load_table(watched.site, asset, day)
    return table.column("points" if asset == FORM.name else "home").to_pylist()


def are_well(watched: Watched) -> bool:
    watched.site.days(FEED).refresh()
    reports = [
        report
        for day in (TUESDAY, WEDNESDAY)
        for asset in watched.plan.assets
        for report in check_day(watched.site, watched.plan, asset, day, deep=True)
    ]
    return all(report.verdict is Verdict.OK for report in reports)


def test_a_day_as_of_earlier_ones_is_made_again_beside_a_version_that_is_let_go(
    cleared: Watched, client: Saying
) -> None:
    again = rebuild_day(cleared.site, FEED, WEDNESDAY, run_id="rebuild")
    assert [step.failures for step in again.values() if step.failures] == []
    assert again[FORM.name].added == [], "what comes out is what stands there"
    client.says[1700] = games(b=80)
    captured(cleared, 1700)
    assert make_stale_days(cleared.site, FEED, run_id="upkeep") == []
    assert cleared.site.ledger.stale(FEED) == []
    assert sorted(points(cleared, FORM.name, WEDNESDAY))[:2] == [80.0, 100.0]
    for day in (TUESDAY, WEDNESDAY):
        assert seal_day(cleared.site, FEED, day, run_id="seal").waiting == []
    assert are_well(cleared)


def test_a_day_made_of_versions_of_the_day_is_made_of_one_that_is_let_go(
    cleared: Watched, client: Saying
) -> None:
    client.says |= {1700: games(a=100), 3500: games(a=130)}
    captured(cleared, 1700)
    assert points(cleared, AGAIN.name) == points(cleared, FINALS.name) == [120]
    captured(cleared, 3500)
    assert points(cleared, AGAIN.name) == points(cleared, FINALS.name) == [130]
    assert make_stale_days(cleared.site, FEED, run_id="upkeep") == []
    assert are_well(cleared)


def test_a_day_that_is_again_what_it_was_in_a_version_that_is_let_go_can_be_read(
    cleared: Watched, client: Saying
) -> None:
    assert points(cleared, MOST.name) == [120]
    client.says |= {1700: games(a=100), 1800: games(a=100)}
    captured(cleared, 1700, 1800)
    claims = cleared.site.ledger.claims(MOST.name, TUESDAY)
    said = {int(number): row.landed.outcome for number, row in claims.items() if row.landed}
    assert said[1986] is Outcome.UNCHANGED
    assert points(cleared, MOST.name) == [100]
    assert seal_day(cleared.site, FEED, TUESDAY, run_id="seal").waiting == []
    assert points(cleared, MOST.name) == [100]
    assert make_stale_days(cleared.site, FEED, run_id="upkeep") == []
    assert are_well(cleared)


def test_a_version_that_a_day_went_back_to_since_it_was_sealed_stays(
    watched: Watched, client: Saying
) -> None:
    client.says |= {1700: games(a=100), 1800: games(a=100)}
    watched.clock.set(watched.case.over + 48 * HOUR)
    captured(watched, 1700, 1800)
    clear_replaced(watched.site, FEED, run_id="clear")
    assert points(watched, MOST.name) == [100]
    assert seal_day(watched.site, FEED, TUESDAY, run_id="seal").waiting == []
    watched.clock.set(watched.case.over + 96 * HOUR)
    assert clear_replaced(watched.site, FEED, run_id="clear") > 0
    assert points(watched, MOST.name) == [100]


def test_a_version_that_readers_are_given_and_that_is_let_go_is_a_loss(
    cleared: Watched, client: Saying
) -> None:
    client.says[3500] = games(a=130)
    captured(cleared, 3500)
    assert seal_day(cleared.site, FEED, TUESDAY, run_id="seal").waiting == []
    ledger, newest = cleared.site.ledger, FetchNumber(3500)
    claim = ledger.claims(FINALS.name, TUESDAY)[newest].landed
    assert claim is not None
    said = replace(claim, outcome=Outcome.UNCHANGED)
    etag = cleared.site.days(FEED).index(FINALS.name, TUESDAY).sealed[newest].etag
    ledger.landed(said, etag, 1)
    found = check_day(cleared.site, cleared.plan, FINALS, TUESDAY)
    kinds = {(each.kind, each.fetch_number) for report in found for each in report.findings}
    assert (Kind.REAL_LOSS, 1986) in kinds
