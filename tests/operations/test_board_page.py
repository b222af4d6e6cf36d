"""Our own pages in a real browser: a board of a hundred matches, what comes while one looks, and
its death; and a report."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from playwright.sync_api import Page, expect

from operations.commands.report import render
from pipeline_assets.football.board.page import SILENT_SECONDS
from pipeline_assets.football.monitor_central import MonitorRecord
from pipeline_assets.football.pretty_print_conversion import ConvertedMatch
from tests.operations.conftest import RunDay, RunMinutes
from tests.operations.html_read import HOSTILE
from tests.operations.test_report import all_landed, day_state
from tests.pipeline_assets.football.board.boards import Records, Served, land_display, served
from tests.stack.pages import LOAD_MS, Browsed, NoBrowser, browsed, is_required

pytestmark = pytest.mark.browser

COPIES = 18


@pytest.fixture(scope="module")
def crowded_day(run_minutes: RunMinutes) -> RunDay:
    """Two minutes: six matches with their odds, then each of them eighteen times. A test that lands
    more does so a minute after the tests before it."""
    day = run_minutes(6, [[]])
    land_display(day, 1, lambda records: [each for one in records for each in copies(one)])
    newest = day.day.minute(day.numbers[-1]).later(1)
    return replace(day, numbers=[*day.numbers, newest.number])


@pytest.fixture(params=[380])
def browser(request: pytest.FixtureRequest) -> Iterator[Browsed]:
    """As wide as a phone, unless a test says otherwise."""
    try:
        with browsed(width=request.param, pixels=request.param) as seen:
            yield seen
    except NoBrowser as missing:
        if is_required():
            raise
        pytest.skip(str(missing))


def opened(browser: Browsed, board: Served, path: str = "/") -> Page:
    browser.page.goto(f"{board.url}{path}")
    return browser.page


def copies(record: Any) -> Records:
    """A match and others like it."""
    names = [record.match_id, *(f"{record.match_id}{copy}" for copy in range(1, COPIES))]
    if isinstance(record, ConvertedMatch):
        return [msgspec.structs.replace(record, match_id=name) for name in names]
    infos = (msgspec.structs.replace(record.match_info, match_id=name) for name in names)
    return [msgspec.structs.replace(record, match_info=info) for info in infos]


def scored(records: Records) -> Records:
    """The first match has scored; the others stand as they did."""
    return [shown_as(records[0], home_goals=9, away_goals=7), *records[1:]]


def hostile(records: Records) -> Records:
    names = (HOSTILE, "\u202eesrever " + HOSTILE, "W" * 2000, "long " * 400)
    return [
        shown_as(
            record,
            home_team=names[place % 4],
            away_team=names[(place + 1) % 4],
            competition_name=names[(place + 2) % 4],
            competition_id=HOSTILE,
        )
        for place, record in enumerate(records)
    ]


def shown_as(record: Any, **changed: Any) -> Any:
    """What the display says of a match, otherwise; what that is made of stays as it is."""
    if not isinstance(record, MonitorRecord):
        return record
    info = msgspec.structs.replace(record.match_info, **changed)
    return msgspec.structs.replace(record, match_info=info)


def width_of(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth")


def test_a_hundred_matches_are_kept_up_to_date_without_loading_again(
    browser: Browsed, crowded_day: RunDay
) -> None:
    crowd = COPIES * len(crowded_day.matches)
    assert crowd > 100
    with served(crowded_day) as board:
        page = opened(browser, board)
        rows = page.locator(".match")
        expect(rows).to_have_count(crowd)
        assert width_of(page) <= 380
        page.locator(".moves").first.click()
        expect(page.locator(".lines svg").first).to_be_visible(timeout=LOAD_MS)
        expect(page.get_by_role("region", name="Latest quotes")).to_contain_text("overround")
        assert width_of(page) <= 380, "the table scrolls inside its own box"
        rows.evaluate_all("rows => rows.forEach(row => { row.seenBefore = true; })")
        still = page.locator(".match:not(.playing)").count()

        land_display(crowded_day, 1, scored)
        expect(page.locator('[data-score="9-7"]')).to_have_class(
            re.compile("scored"), timeout=LOAD_MS
        )
        expect(rows).to_have_count(crowd)
        kept = rows.evaluate_all("rows => rows.filter(row => row.seenBefore).length")
        assert kept >= still - 1 > 0, "a row that says the same is not touched"
        expect(page.locator(".lines svg").first).to_be_visible(timeout=LOAD_MS)
        assert (browser.errors, browser.hosts) == ([], {board.url.partition("//")[2]})


def test_names_of_the_vendor_are_text_and_fit_a_phone(
    browser: Browsed, crowded_day: RunDay
) -> None:
    with served(crowded_day) as board:
        page = opened(browser, board)
        page.on("dialog", lambda dialog: browser.errors.append(dialog.message))
        land_display(crowded_day, 2, hostile)
        expect(page.get_by_text(HOSTILE, exact=True).first).to_be_visible(timeout=LOAD_MS)
        page.reload()
        expect(page.get_by_text(HOSTILE, exact=True).first).to_be_visible(timeout=LOAD_MS)
        assert width_of(page) <= 380
        assert page.locator("#matches script, #matches img, #filters img").count() == 0
        assert browser.errors == []


def test_it_says_when_its_data_are_old_and_when_the_board_has_died(
    browser: Browsed, crowded_day: RunDay
) -> None:
    browser.page.clock.install()
    stale, badge = browser.page.locator("#stale"), browser.page.locator("#age")
    land_display(crowded_day, 3, list)
    began = crowded_day.day.minute(crowded_day.numbers[-1]).later(3)
    with served(crowded_day) as board:
        page = opened(browser, board)
        expect(badge).to_have_class("badge fresh")
        expect(stale).to_be_hidden()
        for minutes, kind in ((3, "warning"), (5, "bad")):
            board.clock.set(began.later(minutes).utc)
            expect(badge).to_have_class(f"badge {kind}", timeout=LOAD_MS)
            expect(stale).to_contain_text(f"more than {2 if kind == 'warning' else 4} minutes old")
        assert browser.errors == []
        port = int(board.url.rpartition(":")[2])
    page.clock.fast_forward((SILENT_SECONDS + 2) * 1000)
    expect(stale).to_contain_text("does not answer any more", timeout=LOAD_MS)
    expect(page).to_have_title("STALE: live football")
    with served(crowded_day, port=port):
        page.clock.fast_forward(5000)
        expect(stale).not_to_contain_text("does not answer", timeout=LOAD_MS)


def test_a_search_shows_its_matches_and_is_kept(browser: Browsed, crowded_day: RunDay) -> None:
    land_display(crowded_day, 5, named)
    with served(crowded_day) as board:
        page = opened(browser, board)
        rows, search = page.locator(".match"), page.get_by_label("Search")
        crowd = COPIES * len(crowded_day.matches)
        expect(rows).to_have_count(crowd, timeout=LOAD_MS)
        assert width_of(page) <= 380

        page.keyboard.press("/")
        expect(search).to_be_focused()
        page.keyboard.type("atletico")
        expect(rows).to_have_count(1, timeout=LOAD_MS)
        expect(rows).to_contain_text("Atlético Norte")
        expect(page.locator("#found")).to_have_text("1 found")
        expect(search).to_be_focused()
        assert width_of(page) <= 380

        land_display(crowded_day, 6, lambda records: scored(named(records)))
        expect(page.locator('[data-score="9-7"]')).to_have_count(1, timeout=LOAD_MS)
        expect(rows).to_have_count(1)
        expect(search).to_have_value("atletico")
        expect(search).to_be_focused()

        page.keyboard.press("Enter")
        page.reload()
        expect(search).to_have_value("atletico")
        expect(rows).to_have_count(1)

        match = rows.first.get_attribute("data-match")
        search.fill(f" {match} ")
        expect(page.locator(".id").first).to_have_text(match or "")
        page.wait_for_url(f"**/?search={match}")
        search.fill("nobody plays here")
        expect(rows).to_have_count(0, timeout=LOAD_MS)
        expect(page.get_by_text("No match fits this search.")).to_be_visible()

        search.press("Escape")
        expect(rows).to_have_count(crowd, timeout=LOAD_MS)
        expect(page.locator("#found")).to_be_hidden()
        playing = page.locator(".match.playing").count()
        search.fill("e")
        page.get_by_label("Status").select_option("in_play")
        page.wait_for_url("**/?status=in_play&*search=e")
        expect(search).to_have_value("e")
        assert 0 < rows.count() <= playing
        assert (browser.errors, browser.hosts) == ([], {board.url.partition("//")[2]})


def named(records: Records) -> Records:
    """The first match has a name that no other has."""
    return [shown_as(records[0], home_team="Atlético Norte"), *records[1:]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("browser", [1120, 390], indirect=True)
def test_a_report_is_shown_without_a_word_and_without_scrolling_sideways(
    browser: Browsed, tmp_path: Path, scheme: Literal["light", "dark"]
) -> None:
    file = tmp_path / "page.html"
    file.write_text(render(day_state("2025-11-02", all_landed("2025-11-02"))))
    browser.page.emulate_media(color_scheme=scheme)
    browser.page.goto(file.as_uri())
    body = browser.page.locator("body")
    paper = body.evaluate("body => getComputedStyle(body).backgroundColor")
    assert (paper == "rgb(14, 20, 27)") is (scheme == "dark")
    size = browser.page.viewport_size
    assert size is not None
    assert body.evaluate("body => body.scrollWidth") <= size["width"]
    assert (browser.errors, browser.hosts) == ([], {""})
