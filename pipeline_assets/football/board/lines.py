"""How a match's lines moved: the quotes of one company in the last hours, drawn small, and the
latest of them in every notation.

Made when somebody asks, and bounded: no more than `SHOWN_MINUTES` of fetches are read, and what was
read of a match is kept, so that asking again a minute later reads that minute alone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from operator import attrgetter

import pyarrow as pa
import pyarrow.compute as pc

from pipeline_assets.football import odds_changes
from pipeline_assets.football.board.following import Position, read_on
from pipeline_assets.football.early_odds import in_range
from pipeline_assets.football.goal_moments import (
    PRICE_FIRST_COMPANIES,
    ScoreHistory,
    score_history,
)
from pipeline_assets.football.odds_change import OddsChange, apply
from pipeline_assets.football.prices import Price, overround
from pipeline_assets.football.wire.odds import Phase, phase_of, score_of
from resources.day_store import DayStore
from resources.parquet import records_of
from resources.site import Site
from touchline.fetch import FetchRef

ODDS = odds_changes.stage
SHOWN_MINUTES = 180
KEPT_MATCHES = 16
WIDE, HIGH = 300, 60
"""Of a picture, in its own units."""


@dataclass(frozen=True)
class Moved:
    """One value of one market in time: a step line from `first` to `last`, with a gap where betting
    was suspended. `path` lies in a box `WIDE` by `HIGH`, `lowest` at its lower edge."""

    name: str
    path: str
    first: str
    last: str
    lowest: str
    highest: str
    changes: int


@dataclass(frozen=True)
class Quote:
    """The latest open quote of a market.

    `line` is empty on the winner; a price that pays nothing is None, and so is `keeps`, the
    overround, where there is one. `at` is a minute of play, `score` the score it was quoted at and
    `caution` why not to trust it as a price at that score; both are empty where there is none.
    """

    line: str
    at: str
    prices: tuple[tuple[str, Price | None], ...]
    keeps: Fraction | None
    is_suspended: bool
    """Whether betting has been suspended since."""
    score: str = ""
    caution: str = ""


@dataclass(frozen=True)
class GoalMark:
    """A goal in the pictures: where from the left, in units of `WIDE`, and the score after it."""

    at: float
    score: str
    is_taken_back: bool


@dataclass(frozen=True)
class Market:
    title: str
    moved: tuple[Moved, ...]
    quote: Quote
    goals: tuple[GoalMark, ...] = ()


_Value = Callable[[OddsChange], Decimal]


@dataclass(frozen=True)
class _Shown:
    """How a market's rows are read: where the price of each side stands and in which notation, and
    where the line does if there is one."""

    title: str
    sides: Mapping[str, _Value]
    price: Callable[[Decimal], Price | None]
    line: _Value | None

    @property
    def drawn(self) -> Mapping[str, _Value]:
        return {"line": self.line} if self.line else self.sides


_first, _middle, _last = map(attrgetter, ("v2", "v3", "v4"))
_WINNER = {"home": _first, "draw": _middle, "away": _last}
_HANDICAP = {"home": _first, "away": _last}
_TOTAL = {"over": _first, "under": _last}
_MARKETS = {
    "asia": _Shown("Spread", _HANDICAP, Price.of_hong_kong, _middle),
    "eu": _Shown("MoneyLine", _WINNER, Price.of_decimal, None),
    "bs": _Shown("O/U", _TOTAL, Price.of_hong_kong, _middle),
    "cr": _Shown("Corners", _TOTAL, Price.of_hong_kong, _middle),
}
_MINUTES = {"midfield": "HT"}
"""What people call a minute that the vendor writes as a word."""
_NO_MINUTE = {Phase.PRE_MATCH: "pre", Phase.IN_PLAY: "live", Phase.UNKNOWN: "?"}
_UNKNOWN_PHASE = "pre-match or live: the feed does not say"
_IN_DOUBT = "possible goal: the price jumped and the score has not changed yet"
_CATCHING_UP = "goal shown, but the price has not moved yet"
_TAKEN_BACK = "quoted around a goal that was taken back"


@dataclass
class _Read:
    """What is known of one match and company: its rows by key, up to a fetch."""

    upto: Position
    rows: dict[str, OddsChange] = field(default_factory=dict)


@dataclass
class LineBook:
    """Reads lines for one thread. Raises StoreError, UnreadableObject, UnreadableStageObject."""

    site: Site
    _kept: OrderedDict[tuple[str, str], _Read] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        # Its own: the board's reader works on the site's at the same time.
        site = self.site
        claims = site.days(ODDS.feed).claims
        self._days = DayStore(ODDS.feed, site.store, claims, site.stages, site.raws)

    def markets(self, match_id: str, company_id: str, fetch: FetchRef) -> list[Market]:
        """In the `SHOWN_MINUTES` up to this fetch; a market without a quote is left out."""
        rows = self._rows(match_id, company_id, fetch)
        return list(markets_of(rows, fetch.at))

    def _rows(self, match_id: str, company_id: str, fetch: FetchRef) -> list[OddsChange]:
        earliest = Position.before(fetch.minute.later(-SHOWN_MINUTES))
        read = self._kept.pop((match_id, company_id), None)
        if read is None or read.upto < earliest:
            read = _Read(earliest)
        for table in read_on(self._days, ODDS, read.upto, fetch.day):
            found = _of_match(table, match_id, company_id)
            apply((row for row in found if in_range(row.v2, row.v3, row.v4)), read.rows)
        self._kept[match_id, company_id] = read
        if len(self._kept) > KEPT_MATCHES:
            self._kept.popitem(last=False)
        return sorted(read.rows.values(), key=lambda row: (row.change_time, row.k))


def _of_match(table: pa.Table, match_id: str, company_id: str) -> list[OddsChange]:
    ours = (pc.field("match_id") == match_id) & (pc.field("company_id") == company_id)
    return records_of(table.filter(ours), OddsChange)


def markets_of(rows: Sequence[OddsChange], until: datetime) -> Iterator[Market]:
    """Yield each market with an open quote, from rows of one company in the order of their change
    times.

    A quote that stood when the shown time began counts from there on.
    """
    since = int((until - timedelta(minutes=SHOWN_MINUTES)).timestamp())
    history = _score_history(rows, until)
    goals = tuple(
        GoalMark(
            _across(goal.moment, since),
            "-".join(map(str, goal.after)),
            goal.taken_back is not None,
        )
        for goal in history.goals
        if goal.moment >= since
    )
    for key, shown in _MARKETS.items():
        ours = [row for row in rows if row.market == key]
        before = [row for row in ours if row.change_time < since]
        ours = before[-1:] + ours[len(before) :]
        if any(not row.closed for row in ours):
            yield Market(
                shown.title,
                tuple(
                    _moved(name, ours, value, since, until) for name, value in shown.drawn.items()
                ),
                _quote(shown, ours, history),
                goals,
            )


def _score_history(rows: Sequence[OddsChange], until: datetime) -> ScoreHistory:
    """Read the score from what was known when the newest answer came."""
    if not rows:
        return ScoreHistory()
    known = max(until, *(row.first_seen_utc for row in rows))
    markets: dict[str, list[OddsChange]] = {market: [] for market in _MARKETS}
    for row in rows:
        if row.market in markets and score_of(row.score) is not None:
            markets[row.market].append(row)
    is_price_first = rows[0].company_id in PRICE_FIRST_COMPANIES
    return score_history(markets, int(known.timestamp()), is_price_first=is_price_first)


def _quote(shown: _Shown, rows: Sequence[OddsChange], history: ScoreHistory) -> Quote:
    latest = [row for row in rows if not row.closed][-1]
    prices = {side: shown.price(value(latest)) for side, value in shown.sides.items()}
    phase = latest.phase or phase_of(latest.minute, latest.status, latest.change_time, None)
    minute = _MINUTES.get(latest.minute, f"{latest.minute}'")
    score = None if phase is Phase.UNKNOWN else history.score_at(latest.change_time)
    return Quote(
        f"{shown.line(latest):f}" if shown.line else "",
        minute if latest.minute else _NO_MINUTE[phase],
        tuple(prices.items()),
        overround(prices.values()),
        bool(rows[-1].closed),
        "-".join(map(str, score)) if score and phase is Phase.IN_PLAY else "",
        _caution(latest, phase, history),
    )


def _caution(row: OddsChange, phase: Phase, history: ScoreHistory) -> str:
    if phase is Phase.UNKNOWN:
        return _UNKNOWN_PHASE
    if history.is_in_doubt(row.change_time):
        return _IN_DOUBT
    if history.is_catching_up(row.market, row.change_time):
        return _CATCHING_UP
    return _TAKEN_BACK if history.score_at(row.change_time) is None else ""


def _moved(
    name: str,
    rows: Sequence[OddsChange],
    value: Callable[[OddsChange], Decimal],
    since: int,
    until: datetime,
) -> Moved:
    quoted = [value(row) for row in rows if not row.closed]
    low, high = min(quoted), max(quoted)
    path, is_open, last = [], False, None
    for row, upto in pairwise([*rows, None]):
        assert row is not None
        end = int(until.timestamp()) if upto is None else upto.change_time
        if row.closed:
            is_open = False
            continue
        left, right = _across(row.change_time, since), _across(end, since)
        level = HIGH / 2 if low == high else float(HIGH * (high - value(row)) / (high - low))
        path.append(f"{'V' if is_open else f'M{left:.1f} '}{level:.1f}H{right:.1f}")
        is_open, last = True, value(row)
    steps = [quote for quote, after in pairwise(quoted) if quote != after]
    return Moved(
        name,
        "".join(path),
        f"{quoted[0]:f}",
        "suspended" if rows[-1].closed or last is None else f"{last:f}",
        f"{low:f}",
        f"{high:f}",
        len(steps),
    )


def _across(instant: int, since: int) -> float:
    share = (instant - since) / (SHOWN_MINUTES * 60)
    return WIDE * min(1.0, max(0.0, share))
