"""Test a feed whose days stay open, and which has several slots at one minute."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from operations.commands.fetch import read_fetch
from operations.commands.report import render
from pipeline_assets.day_state import read_day_state
from pipeline_assets.load import load_table
from pipeline_assets.rotation import rotate
from tests.feeds import cup, league
from tests.feeds.conftest import TUESDAY, of_a_league
from tests.feeds.league import FEED, FORM, LINES, RESULTS, box_scores, game_lines
from tests.feeds.watched import HOUR, Case, Watched
from touchline.accounting import FetchFate
from touchline.errors import Misuse
from touchline.slot import Slot
from touchline.stage import KIND, ODDS_ROWS

WEDNESDAY = TUESDAY.shifted(1)


@pytest.fixture
def watched(watch: Callable[[Case], Watched]) -> Watched:
    return watch(of_a_league())


def test_a_fetch_of_wednesday_stands_in_tuesdays_partition(watched: Watched) -> None:
    """In claims, fates, rows and checks: its date is given and not computed from the clock."""
    watched.live_until(WEDNESDAY.start + 4 * HOUR)
    store = watched.site.store
    assert store.head(f"raw/{FEED}/box_scores/date={TUESDAY}/00001626.json.zst")
    assert store.head(f"hot/{FEED}/date={TUESDAY}/results/00001626.parquet")
    assert watched.site.ledger.fates(box_scores.name, TUESDAY) == {1626: FetchFate.LANDED}
    assert watched.site.ledger.fates(box_scores.name, WEDNESDAY) == {}
    assert watched.numbers(RESULTS.name) == [1626] * 2
    assert watched.numbers(LINES.name) == [546] * 3 + [1081] * 3
    assert watched.findings() == {}


def test_what_is_asked_in_one_minute_is_a_slot_each(watched: Watched) -> None:
    at_nine = WEDNESDAY.start + timedelta(hours=9, minutes=5)
    due = {
        slot
        for raw in watched.plan.raws
        for slot in raw.schedule.due(raw.name, at_nine - timedelta(seconds=5), None)
    }
    assert due == {
        Slot.of(box_scores.name, TUESDAY.shifted(-1), at_nine),
        Slot.of(box_scores.name, TUESDAY, at_nine),
        Slot.of(game_lines.name, WEDNESDAY, at_nine),
    }
    watched.live_until(at_nine)
    for slot in sorted(due):
        raw = watched.plan.raw_of(slot.raw)
        made = {slot.raw, *(stage.name for stage in watched.plan.stages_of(raw))}
        assert watched.run(slot).steps.keys() == made
    ledger = watched.site.ledger
    fates = [ledger.fates(slot.raw, slot.day)[slot.number] for slot in sorted(due)]
    assert fates == [FetchFate.LANDED] * 3


def test_a_day_is_sealed_when_its_last_slot_has_a_fate(watched: Watched) -> None:
    watched.live_until(WEDNESDAY.end + HOUR)
    assert watched.seal().waiting == [f"{TUESDAY} ends at 14:06 UTC on 2026-01-08"]
    watched.live_until(watched.case.over)
    assert watched.seal().waiting == []
    assert watched.numbers(RESULTS.name) == [1626] * 2 + [1986] * 3 + [3426] * 3


def test_a_few_fetches_make_no_window_and_the_spool_lets_go_of_them(watched: Watched) -> None:
    watched.live_until(watched.case.over)
    waited = len(list(watched.site.spool(FEED).entries()))
    watched.clock.set(watched.case.over + HOUR)
    report = rotate(watched.site, FEED)
    assert (report.stored, report.findings, report.cleared) == ([], [], waited)
    assert list(watched.site.spool(FEED).entries()) == []
    assert watched.findings() == {}


def test_the_page_on_feeds_shows_these_feeds() -> None:
    page = (Path(__file__).parents[2] / "docs/feeds.md").read_text()
    shown = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    code = inspect.getsource(league) + inspect.getsource(cup)
    assert len(shown) == 11
    for block in shown:
        lines = [line.strip() for line in block.splitlines()]
        assert "\n".join(lines) in "\n".join(line.strip() for line in code.splitlines())


@pytest.mark.parametrize(("tags", "sections"), [({}, 0), ({KIND: ODDS_ROWS}, 1)])
def test_a_report_has_the_sections_that_the_tags_of_stages_ask_for(
    watch: Callable[[Case], Watched], tags: dict[str, str], sections: int
) -> None:
    case = of_a_league()
    plan = replace(case.plan, raws=(game_lines,), stages=(replace(LINES, tags=tags),))
    watched = watch(replace(case, plan=plan))
    watched.live_until(TUESDAY.end)
    state = read_day_state(watched.site, watched.plan, TUESDAY)
    assert render(state).count("<h2>Odds rows a minute</h2>") == sections
    assert len(state.as_dict()["odds"]) == sections


def test_the_rows_of_one_game_are_read_by_its_id(watched: Watched) -> None:
    watched.live_until(watched.case.over)
    table = load_table(watched.site, RESULTS.name, TUESDAY, subject=f"{TUESDAY}-1")
    assert table.column("home").to_pylist() == [101] * 3
    with pytest.raises(ValueError, match="league/form has no column game_id"):
        load_table(watched.site, FORM.name, TUESDAY, subject="team 1")


def test_one_fetch_is_read_by_its_raw_asset(watched: Watched) -> None:
    watched.live_until(WEDNESDAY.start + 4 * HOUR)
    assert read_fetch(watched.site, box_scores, TUESDAY, 1626).ref.slot.raw == box_scores.name
    with pytest.raises(Misuse, match="1 to 1440, not 1441"):
        read_fetch(watched.site, game_lines, TUESDAY, 1441)
    with pytest.raises(Misuse, match="no fetch 1440 of 2026-01-06"):
        read_fetch(watched.site, game_lines, TUESDAY, 1081 + 359)
