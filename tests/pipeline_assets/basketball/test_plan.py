"""Test the feed's stages in the frame: a date that is fetched, made again, collected and sealed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline_assets.basketball import calendar, injuries, raw_game, raw_player_box, rosters
from pipeline_assets.basketball.box_scores import box_scores
from pipeline_assets.load import load_table
from pipeline_assets.slot_run import rebuild_day
from resources.site import Site
from tests.feeds.watched import Case, Watched, watched_in
from tests.pipeline_assets.basketball.boxes import (
    AFTER,
    DAY,
    answer,
    game,
    not_yet,
    row,
    rows,
    team,
)
from touchline.accounting import FetchFate, Outcome
from touchline.fetch import Call, Envelope, FetchRef, write_envelope
from touchline.plan import FeedPlan
from touchline.slot import Slot

LAST = 1986
"""The number of 09:05 on the day after."""


@dataclass(frozen=True)
class Fetched:
    envelope: bytes


@dataclass
class Vendor:
    """Answers of a season of one date with two games; `later` is what is said of it from 06:05 of
    the next day on."""

    later: list[Any] = field(default_factory=lambda: [game(1), game(2, rows(300), rows(400))])

    def fetch(
        self, slot: Slot, *, previous: Envelope | None = None, ask: Sequence[str] = ()
    ) -> Fetched:
        ref = FetchRef.of(slot, f"n{slot.number:08d}x")
        sections: Mapping[str, Any] = {"RAW_API_DATA": self._calls(slot)}
        return Fetched(write_envelope(ref, sections, {"outcome": "complete"}, start_line=""))

    def _calls(self, slot: Slot) -> Mapping[str, Any]:
        if slot.raw == box_scores.name:
            params = {"date": str(slot.day)}
            return {"box_scores": Call("box_scores", params, answer(self._games(slot)), 200)}
        if slot.raw == calendar.calendar.name:
            listed = [not_yet(nth, home_team=team(1), visitor_team=team(2)) for nth in (1, 2)]
            return {"games": [Call("games", {}, answer(listed), 200)]}
        if slot.raw == rosters.rosters.name:
            listed = [{**row(100 + nth)["player"], "team": team(1)} for nth in range(500)]
            return {"active_players": [Call("players/active", {}, answer(listed), 200)]}
        hurt = [{"player": {"id": 100, "team_id": 1}, "status": "Out"}]
        return {"injuries": [Call("player_injuries", {}, answer(hurt), 200)]}

    def _games(self, slot: Slot) -> list[Any]:
        if slot.day != DAY:
            return []
        if slot.number > AFTER:
            return self.later
        over = slot.number == AFTER
        return [game(1) if over else not_yet(1), not_yet(2, home_team=team(3, []))]

    def probe(self) -> Call:
        return Call("games", {}, json.dumps({"data": []}).encode(), 200)


def plan(vendor: Vendor) -> FeedPlan:
    return FeedPlan(
        raws=(calendar.calendar, box_scores, rosters.rosters, injuries.injuries),
        stages=(
            calendar.stage,
            raw_game.stage,
            raw_player_box.stage,
            rosters.stage,
            injuries.stage,
        ),
        client=lambda *_: vendor,
        subject="game_id",
    )


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[[FeedPlan], Watched]]:
    """Begin to watch a plan: from the beginning of the date until its last slot has passed."""
    sites: list[Site] = []

    def begin(plan: FeedPlan) -> Watched:
        vendor = plan.client()
        case = Case(
            plan=plan,
            capture=lambda slot: Envelope(vendor.fetch(slot).envelope),
            day=DAY,
            opened=DAY.start,
            closed=None,
            over=DAY.shifted(1).start + timedelta(hours=11),
        )
        watched = watched_in(tmp_path, case)
        sites.append(watched.site)
        watched.site.ledger.open_interval("basketball", case.opened, "simulated")
        return watched

    yield begin
    for site in sites:
        site.close()


def versions(watched: Watched, asset: str) -> dict[int, tuple[Outcome, int]]:
    rows = watched.site.ledger.claims(asset, DAY).items()
    return {n: (r.landed.outcome, r.landed.account.emitted) for n, r in rows if r.landed}


def test_a_date_is_replayed_through_the_frame(watch: Callable[[FeedPlan], Watched]) -> None:
    watched = watch(plan(Vendor()))
    reports = watched.live_until(watched.case.over)
    steps = [step for report in reports for step in report.steps.values()]
    assert [failure for step in steps for failure in step.failures] == []
    assert all(step.account.conserved for step in steps)
    ledger = watched.site.ledger
    assert ledger.fates(box_scores.name, DAY) == {
        366: FetchFate.HELD,
        546: FetchFate.HELD,
        AFTER: FetchFate.LANDED,
        AFTER + 180: FetchFate.LANDED,
        LAST: FetchFate.LANDED,
    }
    assert versions(watched, raw_player_box.stage.name) == {
        AFTER: (Outcome.COMPLETE, 34),
        AFTER + 180: (Outcome.COMPLETE, 68),
        LAST: (Outcome.UNCHANGED, 0),
    }
    assert versions(watched, raw_game.stage.name)[AFTER] == (Outcome.COMPLETE, 2)
    table = load_table(watched.site, raw_player_box.stage.name, DAY, subject="1")
    assert table.column("pts").to_pylist().count(10) == 18
    for stage, count in ((calendar.stage, 2), (rosters.stage, 500), (injuries.stage, 1)):
        assert versions(watched, stage.name) == {366: (Outcome.COMPLETE, count)}
    assert watched.findings() == {}
    _make_again_and_seal(watched)


def _make_again_and_seal(watched: Watched) -> None:
    before = watched.digests()
    rebuilt = rebuild_day(watched.site, "basketball", DAY, run_id="rebuild")
    assert [failure for step in rebuilt.values() for failure in step.failures] == []
    sealed = watched.seal()
    assert (sealed.waiting, sealed.sealed) == ([], [each.name for each in watched.plan.assets])
    assert watched.digests() == before
    assert watched.findings() == {}


def test_a_shrinking_fetch_is_set_aside_by_raw_asset_and_stage(
    watch: Callable[[FeedPlan], Watched],
) -> None:
    client = Vendor()
    whole = plan(client)
    watched = watch(replace(whole, raws=whole.raws[:2], stages=whole.stages[:3]))
    for slot in watched.slots(watched.case.over):
        if (slot.day, slot.number) == (DAY, LAST):
            client.later = [game(1, home=rows(100)[1:]), client.later[1]]
        watched.run(slot)
    watched.clock.set(watched.case.over)
    assert versions(watched, raw_player_box.stage.name)[LAST] == (Outcome.UNCHANGED, 0)
    [[said]] = watched.findings().values()
    assert said == "it brought less than an earlier fetch, and is set aside"
