"""What the board says of one match: texts, worked out without I/O from what the display holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from pipeline_assets.football.alerts.rules import shown_by
from pipeline_assets.football.early_odds import MarketState
from pipeline_assets.football.monitor_central import MonitorRecord
from pipeline_assets.football.pretty_print_conversion import MoneyLine, Spread, Total
from pipeline_assets.football.wire.codes import (
    IN_PLAY,
    SIDES,
    status_name,
    var_reason_text,
    var_result_text,
)
from pipeline_assets.football.wire.fields import Malformed, known
from pipeline_assets.football.wire.live import read_incident

_BEFORE = {2: 0, 4: 45, 5: 90}
"""Minutes of play before each period that has a clock, by the status of a match in it."""
_REGULAR = {2: 45, 4: 90, 5: 120}
"""The last minute of each without stoppage."""
_MOST_STOPPAGE = 30
_REVISION_SECONDS = 60
_HALF_TIME = 3
_BEFORE_HALF_TIME = (1, 2)
_IN_ORDER = (2, 3, 4, 5, 6, 7, 10, 9, 1, 13, 8, 11, 12, 0)
"""Of statuses: what is played first, what is over last."""


_WHY_NONE = {
    MarketState.CLOSED: ("closed", "only suspended prices"),
    MarketState.GOAL_SCORED: ("goal scored", "only prices from after a goal"),
    MarketState.IN_DOUBT: (
        "possible goal",
        "the price jumped and the score has not changed yet: it may be from after a goal",
    ),
    MarketState.UNKNOWN_PHASE: (
        "pre-match or live?",
        "the feed gives no minute and does not say whether the match had started",
    ),
}
"""Why a market shows no line, for people: in short, and in a sentence's end."""


@dataclass(frozen=True)
class ShownLine:
    """One market's early line. `line` is empty on the winner, and where nothing is shown; then the
    state says why."""

    market: str
    state: MarketState
    line: str = ""
    prices: tuple[tuple[str, str], ...] = ()
    at: str = ""

    @property
    def said(self) -> str:
        return f"{self.market} {self.line}".rstrip()

    @property
    def tag(self) -> str:
        """Return why there is no line in two or three words, empty where there are no quotes."""
        return _WHY_NONE.get(self.state, ("", ""))[0]

    @property
    def why(self) -> str:
        """Return why there is no line, for a reader who asks."""
        return _WHY_NONE.get(self.state, ("", "no early prices"))[1]


@dataclass(frozen=True)
class ShownMatch:
    """A match as its row shows it; an empty text is unknown."""

    match_id: str
    league_id: str
    league: str
    home: str
    away: str
    status_id: int | None
    status: str
    is_in_play: bool
    minute: str
    score: str
    half_time: str
    corners: str
    company_id: str | None
    company: str
    is_fallback: bool
    lines: tuple[ShownLine, ...]
    environment: tuple[str, ...]
    incidents: tuple[str, ...]

    @property
    def place(self) -> tuple[int, str, str, str]:
        """Where it stands on the board: by status, league and home team."""
        known_status = self.status_id if self.status_id is not None else -1
        order = _IN_ORDER.index(known_status) if known_status in _IN_ORDER else len(_IN_ORDER)
        return order, self.league.casefold(), self.home.casefold(), self.match_id


def shown_match(record: MonitorRecord, kickoff: int | None, at: datetime) -> ShownMatch:
    """Of the display's record. `kickoff` is that of the current period, Unix s; `at` the fetch's
    minute, of which everything on the row is true."""
    info, company = record.match_info, record.odds_company
    status = info.status_id
    return ShownMatch(
        match_id=info.match_id,
        league_id=info.competition_id or "",
        league=info.competition_name or "",
        home=info.home_team or "",
        away=info.away_team or "",
        status_id=status,
        status="" if status is None else status_name(status),
        is_in_play=status in IN_PLAY,
        minute=minute_of_play(status, kickoff, at),
        score=_pair(info.home_goals, info.away_goals),
        # Until then the vendor's half-time figures follow the score.
        half_time=""
        if status in _BEFORE_HALF_TIME
        else _pair(info.home_goals_ht, info.away_goals_ht),
        corners=_pair(record.corners.home, record.corners.away),
        company_id=company and company.id,
        company=shown_by(record) if company else "",
        is_fallback=company is not None and company.fallback,
        lines=tuple(_lines(record)),
        environment=tuple(_environment(record)),
        incidents=tuple(_incidents(record)),
    )


def minute_of_play(status: int | None, kickoff: int | None, at: datetime) -> str:
    """The vendor's rule: whole minutes since the period's kick-off plus one, and what was played
    before it. Beyond the period's length the rest is stoppage: `45+2'`.

    Empty where the kick-off cannot be right: after `at` by more than the minute by which the vendor
    revises it, or with more than 30 minutes of stoppage. A half lasts some 60 minutes at most with
    its stoppage, and the vendor's own minutes end at 120, which is 90 and 30; a break in play that
    takes longer has a status of its own.
    """
    if status == _HALF_TIME:
        return "HT"
    if status not in _BEFORE or kickoff is None:
        return ""
    seconds = int(at.timestamp()) - kickoff
    passed = max(0, seconds) // 60 + 1
    minute, last = _BEFORE[status] + passed, _REGULAR[status]
    if seconds < -_REVISION_SECONDS or minute > last + _MOST_STOPPAGE:
        return ""
    return f"{minute}'" if minute <= last else f"{last}+{minute - last}'"


def _pair(home: int | None, away: int | None) -> str:
    if home is None and away is None:
        return ""
    return f"{'?' if home is None else home}-{'?' if away is None else away}"


def _lines(record: MonitorRecord) -> Iterator[ShownLine]:
    states, odds = record.odds_states, record.odds
    if states is None:
        return
    for market, state, shown in (
        ("Spread", states.spread, odds and odds.spread),
        ("MoneyLine", states.money_line, odds and odds.money_line),
        ("O/U", states.over_under, odds and odds.over_under),
        ("Corners", states.corners, odds and odds.corners),
    ):
        yield _line(market, state, shown)


def _line(market: str, state: MarketState, shown: Spread | MoneyLine | Total | None) -> ShownLine:
    match shown:
        case Spread():
            line, prices = _plain(shown.spread), (("H", shown.home), ("A", shown.away))
        case MoneyLine():
            line, prices = "", (("H", shown.home), ("D", shown.tie), ("A", shown.away))
        case Total():
            line, prices = _plain(shown.total), (("O", shown.over), ("U", shown.under))
        case None:
            return ShownLine(market, state)
    at = f"{shown.time_of_match}'" if shown.time_of_match else "pre"
    return ShownLine(market, state, line, tuple((of, price or "-") for of, price in prices), at)


def _plain(line: Decimal) -> str:
    return f"{line:f}"


def _environment(record: MonitorRecord) -> Iterator[str]:
    here = record.environment
    for told in (here.weather, here.temperature_f, here.wind, here.humidity, here.pressure):
        if told:
            yield told


def _incidents(record: MonitorRecord) -> Iterator[str]:
    for text in record.incidents:
        try:
            incident = read_incident(text, "incident").value
        except Malformed:
            yield "an incident that cannot be read"
            continue
        side = SIDES.get(incident.position, f"Unknown position ({incident.position})")
        player = known(incident.player_name)
        yield (
            f"{incident.time}' {side}: {var_reason_text(incident.var_reason)},"
            f" {var_result_text(incident.var_result)}{f' ({player})' if player else ''}"
        )
