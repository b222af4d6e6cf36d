"""`touchline board`: what its rows say, what its viewers hear, and what it does when something is
away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from pipeline_assets.football.board.lines import ODDS, SHOWN_MINUTES, LineBook, Market, markets_of
from pipeline_assets.football.board.match import ShownMatch, minute_of_play, shown_match
from pipeline_assets.football.board.page import Board, Filter, Freshness, freshness, lines_html
from pipeline_assets.football.board.reader import CONVERTED, MONITOR, Reader, Seen
from pipeline_assets.football.odds_change import OddsChange
from pipeline_assets.landed_alerts import AlertShown
from pipeline_assets.load import load_table
from pipeline_assets.minute_state import MinuteState
from resources.store.faulty import FaultyStore, away
from simulator.faults import Fault
from tests.operations.conftest import FEED, START, RunDay, RunMinutes
from tests.operations.html_read import HOSTILE, Read
from tests.pipeline_assets.football.board.boards import served, site_of
from tests.pipeline_assets.football.examples import MARKETS, MATCH, detail, displayed, live
from touchline.clock import VirtualClock
from touchline.day import FetchNumber, Minute
from touchline.delivery import DeliveryState
from touchline.fetch import FetchRef
from touchline.stage import ALERT, KIND

AT = datetime(2025, 5, 28, 17, 30, tzinfo=UTC)
FETCH = FetchRef(FEED, Minute(AT), "Qx7LmA20bTzK")


def until(events: Iterator[dict[str, Any]], is_it: Callable[[dict[str, Any]], bool]) -> Any:
    """The first event that is what is waited for; each answer has a time-out of its own."""
    return next(event for event in events if is_it(event))


def rows(html: str) -> dict[str, Mapping[str, str | None]]:
    """The attributes of each row, by match."""
    elements = Read.page(html).elements
    found = [given for tag, given in elements if tag == "article"]
    return {str(given["data-match"]): given for given in found}


def match_of(**changed: Any) -> ShownMatch:
    return replace(shown_match(displayed(live()), None, AT), **changed)


def board_of(*matches: ShownMatch, **changed: Any) -> Board:
    return Board().after(replace(Seen(FETCH, tuple(matches)), **changed))


def text_of(board: Board, chosen: Filter | None = None) -> str:
    return Read.page(board.page(chosen or Filter(), 1.0, nonce="n", prefix="")).text


# --- a row ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "seconds", "minute"),
    [
        (2, 0, "1'"),
        (2, 59, "1'"),
        (2, 60, "2'"),
        (2, 44 * 60, "45'"),
        (2, 45 * 60, "45+1'"),
        (3, 3600, "HT"),
        (4, 0, "46'"),
        (4, 48 * 60, "90+4'"),
        (5, 0, "91'"),
        (2, -60, "1'"),
        (2, -61, ""),
        (4, -3600, ""),
        (2, 75 * 60 - 1, "45+30'"),
        (2, 75 * 60, ""),
        (4, 75 * 60 - 1, "90+30'"),
        (4, 75 * 60, ""),
        (5, 60 * 60 - 1, "120+30'"),
        (5, 60 * 60, ""),
        (2, 24 * 3600, ""),
        (7, 60, ""),
        (8, 60, ""),
        (None, 60, ""),
        (2, None, ""),
    ],
)
def test_the_minute_of_play_is_told_as_people_do(
    status: int | None, seconds: int | None, minute: str
) -> None:
    kickoff = None if seconds is None else int(AT.timestamp()) - seconds
    assert minute_of_play(status, kickoff, AT) == minute


def test_a_row_says_what_the_display_holds() -> None:
    match = match_of()
    assert (match.home, match.away, match.score, match.corners) == (
        "Northfield",
        "Southport",
        "0-0",
        "4-2",
    )
    assert [(line.said, line.prices, line.at) for line in match.lines] == [
        ("Spread 0.75", (("H", "-105"), ("A", "-118")), "3'"),
        ("MoneyLine", (("H", "-139"), ("D", "+240"), ("A", "+350")), "3'"),
        ("O/U 3.25", (("O", "+105"), ("U", "-120")), "3'"),
        ("Corners", (), ""),
    ]
    assert match.incidents == ("35' home: goal awarded, goal canceled (Example Player)",)
    assert "66 F" in match.environment


def test_a_fallback_company_is_named_with_its_line() -> None:
    fallback = shown_match(displayed(live(), odds={MATCH: {"22": MARKETS}}), None, AT)
    page = board_of(fallback).page(Filter(), 1.0, nonce="n", prefix="")
    titles = [given.get("title") or "" for _, given in Read.page(page).elements]
    assert any(title.startswith("O/U 3.25 (company 22 Pinnacle, fallback)") for title in titles)
    assert "company 22 Pinnacle, fallback" in Read.page(page).text


def test_a_market_that_shows_nothing_says_why() -> None:
    closed = {"bs": [[1748450580, "3", 1.05, 3.25, 0.83, 2, 1, "0-0"]]}
    scored = {"asia": [[1748450640, "4", 0.95, 0.75, 0.85, 2, 0, "1-0"]]}
    match = shown_match(displayed(live(), odds={MATCH: {"2": closed | scored}}), None, AT)
    states = {line.market: str(line.state) for line in match.lines}
    assert states == {
        "Spread": "goal_scored",
        "MoneyLine": "absent",
        "O/U": "closed",
        "Corners": "absent",
    }
    said = text_of(board_of(match))
    assert "closed" in said
    assert "goal scored" in said
    assert "no odds" in text_of(
        board_of(shown_match(displayed(live(), odds={MATCH: {}}), None, AT))
    )


def test_a_possible_goal_and_an_unclear_kick_off_are_told_in_words() -> None:
    now = int(FETCH.minute.utc.timestamp())
    jumped = {
        "bs": [
            [now - 60, "9", 0.9, 3.75, 0.95, 2, 0, "0-0"],
            [now - 80, "9", 0.9, 2.75, 0.95, 2, 1, "0-0"],
            [now - 90, "9", 0.9, 2.75, 0.95, 2, 0, "0-0"],
        ],
        "asia": [[now - 50, "9", 0.9, 0.5, 0.95, 2, 0, "0-0"]],
        "eu": [[now - 4000, "", 3.1, 3.0, 2.4, 13, 0, "0-0"]],
    }
    [start] = detail(match_time=now - 5000)
    record = displayed(live(), odds={MATCH: {"2": jumped}}, details={MATCH: [start]})
    match = shown_match(record, None, AT)
    tags = {line.market: (str(line.state), line.tag) for line in match.lines}
    assert tags == {
        "Spread": ("in_doubt", "possible goal"),
        "MoneyLine": ("unknown_phase", "pre-match or live?"),
        "O/U": ("ok", ""),
        "Corners": ("absent", ""),
    }
    said = text_of(board_of(match))
    assert "possible goal" in said
    assert "pre-match or live?" in said


def test_what_is_unknown_is_never_told_as_nothing() -> None:
    record = displayed(live(status=None, home=[2, 1]), details={MATCH: []}, odds={MATCH: {}})
    match = shown_match(record, None, AT)
    assert (match.home, match.league, match.score, match.corners) == ("", "", "?-0", "?-2")
    assert "unknown league" in text_of(board_of(match))


def test_names_of_the_vendor_do_nothing() -> None:
    hostile = match_of(
        match_id=HOSTILE,
        league_id=HOSTILE,
        league=HOSTILE,
        home="\u202egnihton si siht" + HOSTILE,
        away="x" * 5000,
        company=HOSTILE,
        incidents=(HOSTILE,),
        environment=(HOSTILE,),
    )
    alert = AlertShown("football/a", FetchNumber(1), HOSTILE, HOSTILE, HOSTILE)
    board = board_of(
        hostile, alerts={HOSTILE: (alert,)}, origin=HOSTILE, trouble=HOSTILE, failed=HOSTILE
    )
    chosen = Filter(status="", league=HOSTILE, search=HOSTILE)
    page = board.page(chosen, 1.0, nonce="n", prefix=HOSTILE)
    event = board.change(chosen, -1, 1.0)
    quoted = list(markets_of([quote(10, "2.5", minute=HOSTILE)], AT))
    lines = lines_html(hostile, quoted, FETCH)
    for html in (page, event["head"], event["filters"], *event["rows"].values(), lines):
        read = Read.page(html)
        scripts = [given for tag, given in read.elements if tag == "script"]
        assert all(given == {"nonce": "n"} for given in scripts)
        assert "img" not in {tag for tag, _ in read.elements}
        assert not [name for _, given in read.elements for name in given if name.startswith("on")]
        assert not [given for _, given in read.elements if "style" in given]
        assert HOSTILE in read.text
    assert event["order"] == [HOSTILE]


# --- what a viewer needs -------------------------------------------------------------------------


def test_a_viewer_gets_what_has_changed_since_and_the_order_of_all() -> None:
    first, second = match_of(match_id="a", home="A"), match_of(match_id="b", home="B")
    before = board_of(first, second)
    after = before.after(replace(before.seen, matches=(first, replace(second, score="1-0"))))
    event = after.change(Filter(), before.version, 1.0)
    assert (list(event["rows"]), event["order"]) == (["b"], ["a", "b"])
    assert list(after.change(Filter(), -1, 1.0)["rows"]) == ["a", "b"]
    assert after.version_of(before.token) == before.version
    assert after.version_of(Board().token) == -1, "another process counts for itself"
    assert after.version_of("nonsense") == -1
    assert after.after(after.seen) is after


def test_matches_are_chosen_by_status_and_league() -> None:
    matches = (
        match_of(match_id="a", status_id=2, is_in_play=True, league_id="x"),
        match_of(match_id="b", status_id=8, is_in_play=False, league_id="x"),
        match_of(match_id="c", status_id=8, is_in_play=False, league_id="y"),
    )
    board = board_of(*matches)
    for chosen, ids in [
        (Filter(), "abc"),
        (Filter("in_play"), "a"),
        (Filter("8"), "bc"),
        (Filter("8", "x"), "b"),
        (Filter("8", "nobody"), ""),
    ]:
        assert "".join(row.match.match_id for row in board.chosen(chosen)) == ids


def test_matches_are_searched_by_team_league_and_id() -> None:
    league = "Fußball-Liga Süd"
    board = board_of(
        match_of(match_id="a1", home="Atlético Norte", away="Southport", league="Primera"),
        match_of(match_id="b2", home="Northfield", away="Átlas", league=league),
        match_of(match_id="c3", home="", away="", league="", league_id="x", status_id=8),
    )
    for search, ids in [
        ("", "a1b2c3"),
        ("  ", "a1b2c3"),
        ("atletico", "a1"),
        ("ATL", "a1b2"),
        ("sud fussball", "b2"),
        ("primera southport", "a1"),
        ("primera atlas", ""),
        ("C3", "c3"),
        ("(.*", ""),
    ]:
        found = board.chosen(Filter(search=search))
        assert "".join(row.match.match_id for row in found) == ids, search
    assert board.chosen(Filter("8", "", "a1")) == []
    assert "No match fits this search." in text_of(board, Filter(search="nobody"))


def test_data_are_late_after_two_minutes_and_bad_after_four() -> None:
    assert [freshness(age) for age in (None, 0, 120, 120.1, 240, 240.1)] == [
        Freshness.UNKNOWN,
        Freshness.FRESH,
        Freshness.FRESH,
        Freshness.WARNING,
        Freshness.WARNING,
        Freshness.BAD,
    ]


# --- a landed day --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def board_day(run_minutes: RunMinutes) -> RunDay:
    """Two minutes of 22 matches, one of them with an alert. Tests leave it as it is."""
    return run_minutes(22, [[], []])


def test_every_match_of_the_newest_fetch_is_on_the_page(board_day: RunDay) -> None:
    with served(board_day) as board:
        read = Read.page(board.get().text)
        shown = rows(board.get().text)
    with closing(board_day.site()) as site:
        records = load_table(site, MONITOR.name, board_day.day, [board_day.numbers[-1]])
    matches = [info.as_py() for info in records["match_info"]]
    assert sorted(shown) == sorted(info["match_id"] for info in matches)
    for info in matches:
        assert info["home_team"] in read.text
        assert shown[info["match_id"]]["data-score"] == f"{info['home_goals']}-{info['away_goals']}"
    assert any(f"{minute}'" in read.text for minute in range(1, 91)), "minutes of play"
    assert "30 s old" in read.text
    assert "simulated" in read.text


def test_an_address_chooses_matches_for_the_page_and_its_events(board_day: RunDay) -> None:
    with served(board_day) as board:
        everything = rows(board.get().text)
        status = next(iter(everything.values()))["data-status"]
        wanted = {name for name, given in everything.items() if given["data-status"] == status}
        assert 0 < len(wanted) < len(everything)
        assert set(rows(board.get(f"/?status={status}").text)) == wanted
        with board.events(f"status={status}") as events:
            first = until(events, lambda event: "rows" in event)
        assert set(first["order"]) == set(first["rows"]) == wanted
        assert rows(board.get("/?league=nobody").text) == {}


def test_the_next_minute_comes_as_an_event_of_what_has_changed(own_day: RunDay) -> None:
    with served(own_day) as board, board.events() as events:
        first = until(events, lambda event: "rows" in event)
        own_day.land(1)
        second = until(events, lambda event: "rows" in event)
        assert second["fetch"] != first["fetch"]
        assert second["token"] != first["token"]
        fresh = {**first["rows"], **second["rows"]}
        assert {name for name in second["order"] if fresh[name] != first["rows"].get(name)} == {
            *second["rows"]
        }
        with board.events(f"since={first['token']}") as late:
            assert until(late, lambda event: "rows" in event)["rows"] == second["rows"]
        with board.events(f"since={second['token']}") as pulses:
            assert "rows" not in next(pulses), "it has all there is"


def test_a_store_that_is_away_is_told_and_what_was_read_stays(board_day: RunDay) -> None:
    with served(board_day, away) as board, board.events() as events:
        assert "cannot be read" in Read.page(board.get().text).text, "from the beginning on"
        board.store.plan = None
        first = until(events, lambda event: bool(event.get("order")))
        board.store.plan = away
        told = until(events, lambda event: "cannot be read" in event.get("head", ""))
        assert (told["order"], told["rows"]) == (first["order"], {})
        assert set(rows(board.get().text)) == set(first["order"])
        [match] = [name for name, row in first["rows"].items() if "moves" in row][:1]
        assert board.get(f"/lines?match={match}").status_code == 503
        board.store.plan = None
        back = until(events, lambda event: "head" in event)
        assert "cannot be read" not in back["head"]


def test_what_could_not_be_shown_is_looked_at_again(board_day: RunDay) -> None:
    clock = VirtualClock(board_day.day.minute(board_day.numbers[-1]).end)
    with site_of(board_day, clock) as site:
        site.store = store = FaultyStore(site.store)
        reader = Reader(site)
        store.plan = lambda request: away(request) if CONVERTED.short_name in request.key else None
        assert reader.read().fetch is None
        assert reader.seen.trouble
        store.plan = None
        assert reader.read().fetch is not None
        assert not reader.seen.trouble


def test_the_ledger_may_be_away(board_day: RunDay) -> None:
    nobody = SecretStr("postgresql+psycopg://127.0.0.1:9/nobody")
    with served(board_day, ledger_url=nobody) as board:
        assert len(rows(board.get().text)) == len(board_day.matches)


def test_a_failed_fetch_leaves_the_last_display_and_is_named(run_minutes: RunMinutes) -> None:
    failed = Fault("html", endpoint="match/detail_live")
    day = run_minutes(2, [[], [failed]])
    with served(day) as board:
        page = board.get().text
        assert len(rows(page)) == len(day.matches)
        assert "No display of 05/28/2025 01:01:00 PM EDT" in Read.page(page).text
        with board.events() as events:
            assert next(events)["age"] == 90, "that of what is shown"


def test_a_store_of_nothing_says_so(board_day: RunDay) -> None:
    with served(board_day, s3_prefix="nothing-here") as board:
        read = Read.page(board.get().text)
        assert "Nothing has landed yet" in read.text
        assert "no data yet" in read.text
        assert board.get("/lines?match=x").status_code == 404


def test_a_look_at_nothing_new_is_one_listing(board_day: RunDay) -> None:
    last = board_day.day.minute(board_day.numbers[-1])
    with site_of(board_day, VirtualClock(last.end)) as site:
        reader = Reader(site)
        first = reader.read()
        before = dict(site.store.requests.by_operation)
        assert reader.read() == first
        after = site.store.requests.by_operation
        assert {name: n - before[name] for name, n in after.items() if n != before[name]} == {
            "LIST": 1
        }


def test_it_goes_on_over_midnight(own_day: RunDay) -> None:
    until_midnight = own_day.day.length - START.number
    last = START.later(until_midnight)
    own_day.land(until_midnight)
    clock = VirtualClock(last.utc)
    with site_of(own_day, clock) as site:
        reader = Reader(site)
        before = reader.read().fetch
        assert before is not None
        assert before.minute == last
        clock.set(last.end)
        assert reader.read().fetch == before, "until the new day's first fetch has landed"
        own_day.land(until_midnight + 1)
        after = reader.read().fetch
    assert after is not None
    assert (after.day, after.number) == (own_day.day.shifted(1), 1)


def test_the_last_hour_is_drawn_minute_by_minute(board_day: RunDay) -> None:
    last = board_day.day.minute(board_day.numbers[-1])
    with site_of(board_day, VirtualClock(last.end + timedelta(seconds=150))) as site:
        hour = Reader(site).read().hour
    assert hour is not None
    assert [(box.x, box.state) for box in hour.boxes] == [
        (55, MinuteState.LANDED),
        (56, MinuteState.LANDED),
    ], "watched no longer, and so not expected, since"
    assert hour.boxes[0].title == "01:00 PM EDT: landed"


def test_alerts_stand_at_their_match_whenever_the_board_begins(board_day: RunDay) -> None:
    """A match has its alert in one fetch alone, and may be played for an hour after it."""
    with closing(board_day.site()) as site:
        alerts = [
            (stage.name, alert)
            for stage in site.plans[FEED].stages
            if stage.tags.get(KIND) == ALERT
            for alert in load_table(site, stage.name, board_day.day).to_pylist()
        ]
    assert {alert["fetch_number"] for _, alert in alerts} == {board_day.numbers[0]}
    with served(board_day) as board, board.events() as events:
        shown = until(events, lambda event: "rows" in event)["rows"]
    for _, alert in alerts:
        read = Read.page(shown[alert["match_id"]])
        assert alert["rule_id"] in read.text
        assert alert["message"] in read.text
        assert DeliveryState.KEPT in read.text, "there is nowhere to send it to"
    told = [name for name, row in shown.items() if 'class="alert"' in row]
    assert set(told) == {alert["match_id"] for _, alert in alerts}


# --- lines ---------------------------------------------------------------------------------------


def quote(second: int, line: str, **changed: Any) -> OddsChange:
    """Of the goal line, so long after the shown time began."""
    given: dict[str, Any] = {
        "match_id": MATCH,
        "company_id": "2",
        "market": "bs",
        "change_time": int(AT.timestamp()) - 60 * SHOWN_MINUTES + second,
        "k": 0,
        "minute": "3",
        "v2": Decimal("0.9"),
        "v3": Decimal(line),
        "v4": Decimal("0.9"),
        "status": 2,
        "closed": 0,
        "score": "0-0",
        "prematch": False,
        "withdrawn": False,
        "fetch_number": 811,
        "fetch_id": "Qx7LmA20bTzK",
        "first_seen_utc": AT,
    }
    return OddsChange(**(given | changed))


def test_a_line_steps_where_it_moved_and_has_a_gap_while_suspended() -> None:
    hour = 3600
    moves = [
        quote(-500, "2.5"),
        quote(hour, "3.0"),
        quote(2 * hour, "3.0", closed=1),
        quote(2 * hour + 1800, "2.75"),
    ]
    [market] = markets_of(moves, AT)
    [moved] = market.moved
    assert (market.title, moved.first, moved.last, moved.changes) == ("O/U", "2.5", "2.75", 2)
    assert (moved.lowest, moved.highest) == ("2.5", "3.0")
    assert moved.path == "M0.0 60.0H100.0V0.0H200.0M250.0 30.0H300.0"


def told(market: Market) -> list[str]:
    """Its rows of the table, as a viewer reads them."""
    html = lines_html(match_of(), [market], FETCH)
    body = html.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = re.findall(r"<tr>.*?</tr>", body.replace("</t", " </t"), re.DOTALL)
    return [" ".join(Read.page(row).text.split()) for row in rows]


def test_the_latest_open_quote_is_told_in_every_notation() -> None:
    moves = [
        quote(10, "2.5"),
        quote(20, "3.25", v2=Decimal("1.05"), v4=Decimal("0.83"), minute="12"),
        quote(30, "3.5", closed=1),
    ]
    [total] = markets_of(moves, AT)
    assert told(total) == [
        "O/U 3.25 12' at 0-0, suspended since; overround 3.4 %",
        "over +105 2.05 1.05 21/20 48.8 %",
        "under -120 1.83 0.83 83/100 54.6 %",
    ]


def test_the_winner_is_quoted_decimal_and_has_no_line() -> None:
    row = quote(10, "3.4", market="eu", v2=Decimal("1.72"), v4=Decimal("4.5"), minute="", status=1)
    [winner] = markets_of([row], AT)
    assert told(winner) == [
        "MoneyLine pre; overround 9.8 %",
        "home -139 1.72 0.72 18/25 58.1 %",
        "draw +240 3.4 2.4 12/5 29.4 %",
        "away +350 4.5 3.5 7/2 22.2 %",
    ]


def test_a_price_that_pays_nothing_says_so_and_leaves_no_overround() -> None:
    [winner] = markets_of([quote(10, "1.00", market="eu", v2=Decimal(1), v4=Decimal(5))], AT)
    assert told(winner) == [
        "MoneyLine 3' at 0-0",
        "home pays nothing",
        "draw pays nothing",
        "away +400 5 4 4/1 20.0 %",
    ]


GOAL_AT = 60 * SHOWN_MINUTES - 100
"""Seconds into the shown time, so that price and text of a goal are not far behind it."""
SUSPENDED = quote(GOAL_AT - 20, "2.5", closed=1)
SCORED = {"score": "1-0"}
UNCLEAR = "pre-match or live: the feed does not say"


@pytest.mark.parametrize(
    ("moves", "said"),
    [
        ([quote(GOAL_AT, "3.5", score="1-0")], "3' at 1-0"),
        (
            [SUSPENDED, quote(GOAL_AT, "3.5")],
            "3' at 0-0 possible goal: the price jumped and the score has not changed yet",
        ),
        (
            [SUSPENDED, quote(GOAL_AT, "3.5"), quote(GOAL_AT + 9, "3.5", **SCORED, market="asia")],
            "3' at 1-0",
        ),
        (
            [quote(GOAL_AT, "2.5", v2=Decimal("0.8"), **SCORED, company_id="22")],
            "3' at 1-0 goal shown, but the price has not moved yet",
        ),
        (
            [quote(GOAL_AT, "3.5", **SCORED), quote(GOAL_AT + 4, "3.5", closed=1)],
            "3', suspended since quoted around a goal that was taken back",
        ),
        ([quote(GOAL_AT, "2.75", minute="", status=13)], f"? {UNCLEAR}"),
        ([quote(GOAL_AT, "2.75", minute="", status=2)], "live at 0-0"),
        ([quote(GOAL_AT, "2.75", minute="03")], f"03' {UNCLEAR}"),
    ],
)
def test_a_quote_says_at_which_score_it_was_made_and_when_that_is_not_sure(
    moves: list[OddsChange], said: str
) -> None:
    first = quote(10, "2.5", company_id=moves[0].company_id)
    *_, total = markets_of([first, *moves], AT)
    heading = told(total)[0].replace("; overround", "#").partition("#")
    line, _, rest = heading[0], heading[1], heading[2].partition("%")[2]
    assert f"{line.split(maxsplit=2)[2]}{rest}" == said


def test_goals_are_marked_in_the_pictures() -> None:
    moves = [
        quote(3600, "2.5"),
        quote(7200, "3.5", score="1-0"),
        quote(7204, "2.5", score="0-0"),
        quote(9000, "3.5", score="0-1"),
    ]
    [market] = markets_of(moves, AT)
    assert [(mark.at, mark.score, mark.is_taken_back) for mark in market.goals] == [
        (200.0, "1-0", True),
        (250.0, "0-1", False),
    ]
    assert "a dashed line is a goal: 1-0 (taken back), 0-1" in Read.page(
        lines_html(match_of(), [market], FETCH)
    ).text.replace("\n", " ")


def test_a_market_without_an_open_quote_is_left_out() -> None:
    assert list(markets_of([quote(10, "2.5", closed=1)], AT)) == []
    assert list(markets_of([], AT)) == []


def test_the_lines_of_a_match_are_those_that_landed_and_are_read_once(own_day: RunDay) -> None:
    first = own_day.day.minute(own_day.numbers[0])
    with site_of(own_day, VirtualClock(first.end)) as site:
        odds = load_table(site, ODDS.name, own_day.day).to_pandas()
        open_rows = odds[(odds.closed == 0) & (odds.market == "bs")]
        match, company = open_rows.iloc[0][["match_id", "company_id"]]
        book = LineBook(site)
        ref = FetchRef(FEED, first, "unused")
        [total] = [m for m in book.markets(match, company, ref) if m.title == "O/U"]
        ours = open_rows[(open_rows.match_id == match) & (open_rows.company_id == company)]
        newest = ours.sort_values(["change_time", "k"]).iloc[-1]
        assert total.moved[0].last in (str(newest.v3), "suspended")

        before = dict(site.store.requests.by_operation)
        assert book.markets(match, company, ref)
        after = site.store.requests.by_operation
        assert after["GET"] == before["GET"], "what was read is not read again"

        own_day.land(1)
        book.markets(match, company, FetchRef(FEED, first.later(1), "unused"))
        assert after["GET"] == before["GET"] + 1, "the new fetch alone"
