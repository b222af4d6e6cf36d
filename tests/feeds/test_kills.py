"""A slot whose run is killed anywhere is taken up by the runs after it.

In the end all is as if nobody had died; or, where its fetch was not in the spool yet, as if nobody
had asked for that slot.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from pipeline_assets.load import load_table
from pipeline_assets.slot_run import rebuild_day
from pipeline_assets.stale_days import make_stale_days
from tests.feeds.conftest import TUESDAY, of_a_cup, of_a_league, of_minutes
from tests.feeds.cup import fixtures, scores
from tests.feeds.kills import Death, copied, run_until
from tests.feeds.league import ROUTS, League, box_scores, game_lines, league
from tests.feeds.nba_kills import of_box_scores, of_prices
from tests.feeds.watched import HOUR, Case, Watched, watched_in
from touchline.accounting import FetchFate
from touchline.day import ONE_MINUTE
from touchline.slot import Slot

pytestmark = pytest.mark.filterwarnings(
    # Generators of the process that is gone are closed all the same, and get no further.
    "ignore::pytest.PytestUnraisableExceptionWarning"
)

Everything = Mapping[Any, Any]


class Corrected(League):
    """A client that is told of other points on the last morning: a version follows, and days that
    read the one before it are stale."""

    def _games(self, slot: Slot) -> list[dict[str, Any]]:
        more = slot.number > 2 * 1440
        return [game | {"home": game["home"] + more} for game in super()._games(slot)]


def of_a_corrected_league() -> Case:
    return replace(
        of_a_league(), plan=league(Corrected()), over=TUESDAY.shifted(3).start + 4 * HOUR
    )


def of_a_league_that_tells() -> Case:
    case = of_a_league()
    return replace(case, plan=replace(case.plan, stages=(*case.plan.stages, ROUTS)))


MINUTE = pytest.param(of_minutes, "football/raw_fetches", 1436, id="a minute")
RESULTS = pytest.param(of_a_league_that_tells, box_scores.name, 1626, id="results")
CORRECTION = pytest.param(of_a_corrected_league, box_scores.name, 3426, id="a correction")
FIXTURES = pytest.param(of_a_cup, fixtures.name, 301, id="fixtures")
SCORES = pytest.param(of_a_cup, scores.name, 1411, id="scores")
LINES = pytest.param(of_a_league, game_lines.name, 1081, id="lines")
NBA_CALENDAR = pytest.param(of_prices, "basketball/calendar", 366, id="the NBA's calendar")
NBA_PROPS = pytest.param(of_prices, "basketball/player_props", 1111, id="the NBA's props")
NBA_CORRECTION = pytest.param(of_box_scores, "basketball/box_scores", 1806, id="a correction of it")
NBA = (NBA_CALENDAR, NBA_PROPS, NBA_CORRECTION)


@dataclass
class Killed:
    """A slot before which lies one past, to be killed in as many ways as are wanted."""

    case: Callable[[], Case]
    slot: Slot
    past: Watched
    folder: Path
    _copies: Iterator[int] = field(default_factory=itertools.count)

    @contextmanager
    def then(self, death: Death | None) -> Iterator[tuple[Watched, bool]]:
        """The days to their end, when the slot's run has died so, or nobody ran it at all; and
        whether its fetch had outlived that."""
        folder = self.folder / str(next(self._copies))
        before = copied(self.past, folder, self.case())
        outlives = death is not None and run_until(death, before, self.slot)
        before.site.close()
        after = watched_in(folder, before.case)
        for slot in after.slots(after.case.over):
            if slot.at > self.slot.at:
                after.run(slot)
        after.clock.set(after.case.over)
        assert make_stale_days(after.site, self.slot.feed, run_id="upkeep") == []
        try:
            yield after, outlives
        finally:
            after.site.close()

    @cached_property
    def undisturbed(self) -> tuple[Everything, range]:
        """Return the store and ledger at the end of a run that is not killed, and its writes."""
        never = Death()
        with self.then(never) as (watched, _):
            return everything(watched), range(never.writes)

    @cached_property
    def unasked(self) -> Everything:
        """Return the store and ledger at the end if the slot is never run."""
        with self.then(None) as (watched, _):
            return everything(watched)

    def amiss(self, at: int) -> tuple[bool, dict[str, object]]:
        """Whether the fetch outlives that its run is killed at this write, and what is wrong in the
        end."""
        with self.then(Death(at)) as (watched, outlives):
            return outlives, amiss(watched, self.undisturbed[0] if outlives else self.unasked)

    def fate_in(self, found: Everything) -> FetchFate:
        return found[self.slot.raw, self.slot.day][self.slot.number]


def everything(watched: Watched) -> Everything:
    """What stands in store and ledger, and what was told. Of days as of earlier ones, their rows
    alone: a version that is made later may be made of later ones, and be the first."""
    site, plan = watched.site, watched.plan
    as_of = [stage for stage in plan.stages if not stage.takes_fetches]
    found: dict[Any, Any] = {
        item.key: item.etag
        for tier in ("raw/", "hot/")
        for item in site.store.list(tier)
        if not any(f"/{stage.short_name}/" in item.key for stage in as_of)
    }
    for day in {slot.day for slot in watched.slots(watched.case.over)}:
        found["told", day] = {alert.alert_id for alert in site.ledger.match_alerts(day)}
        for raw in plan.raws:
            found[raw.name, day] = site.ledger.fates(raw.name, day)
        for stage in as_of:
            rows = load_table(site, stage.name, day)
            found[stage.name, day] = rows.drop_columns(["fetch_number", "fetch_id"]).to_pylist()
        for asset in plan.assets:
            for number, row in site.ledger.claims(asset.name, day).items():
                assert row.landed, "a claim is left on its way"
                assert row.pending is None
                assert row.landed.account.conserved
                if asset not in as_of:
                    found[asset.name, day, number] = row.landed.digest
    return found


def amiss(watched: Watched, wanted: Everything) -> dict[str, object]:
    """What is wrong with the days, and with the one in question made again and sealed."""
    found, digests, day = everything(watched), watched.digests(), watched.case.day
    verified = watched.findings()
    rebuilt = rebuild_day(watched.site, watched.plan.name, day, run_id="rebuild")
    waiting = watched.seal().waiting
    said = {
        "is otherwise": {
            key for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key)
        },
        "verify finds": verified,
        "is not made again": [failure for step in rebuilt.values() for failure in step.failures],
        "is not sealed": waiting,
        "has become otherwise": digests.items() ^ watched.digests().items(),
        "verify finds in the sealed day": watched.findings(),
    }
    return {what: wrong for what, wrong in said.items() if wrong}


@pytest.fixture
def killed(
    case: Callable[[], Case],
    raw: str,
    number: int,
    watch: Callable[[Case], Watched],
    tmp_path: Path,
) -> Killed:
    """The other runs of the slot's minute are over when its own begins."""
    past = watch(case())
    slot = Slot.numbered(raw, past.case.day, number)
    past.live_until(slot.at + ONE_MINUTE, but=slot)
    return Killed(case, slot, past, tmp_path)


def wrong_of(killed: Killed, writes: Collection[int]) -> tuple[set[bool], dict[int, Any]]:
    said = {at: killed.amiss(at) for at in writes}
    outlived = {outlives for outlives, _ in said.values()}
    return outlived, {at: wrong for at, (_, wrong) in said.items() if wrong}


@pytest.mark.stack  # They need no stack, and take long.
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("case", "raw", "number"), [MINUTE, RESULTS, CORRECTION, LINES, FIXTURES, SCORES, *NBA]
)
def test_a_slot_killed_at_any_of_its_writes_is_taken_up(killed: Killed) -> None:
    found, writes = killed.undisturbed
    assert killed.fate_in(found) is FetchFate.LANDED
    assert killed.fate_in(killed.unasked) is FetchFate.MISSED
    outlived, wrong = wrong_of(killed, writes)
    assert wrong == {}
    assert outlived == {True, False}


@pytest.mark.parametrize(("case", "raw", "number"), [MINUTE, RESULTS, NBA_CORRECTION])
def test_a_slot_killed_at_some_of_its_writes_is_taken_up(killed: Killed) -> None:
    _, writes = killed.undisturbed
    _, wrong = wrong_of(killed, random.Random(11).sample(writes, 2))
    assert wrong == {}
