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

from operations.board.following import Position, read_on
from pipeline_assets.football import odds_changes
from pipeline_assets.football.early_odds import in_range
from pipeline_assets.football.odds_change import OddsChange, change_key
from pipeline_assets.football.prices import Price, overround
from resources.day_store import DayStore
from resources.parquet import records_of
from resources.site import Site
from touchline.fetch import FetchRef

ODDS = odds_changes.stage
SHOWN_MINUTES = 180
KEPT_MATCHES = 16
WIDE, HIGH = 300, 60
"""Of a picture, in its own units."""

_WITHDRAWN = "/withdrawn"


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
    """The latest open quote of a market. `line` is empty on the winner; a price that pays nothing
    is None, and so is `keeps`, the overround, where there is one; `at` is a minute of play."""

    line: str
    at: str
    prices: tuple[tuple[str, Price | None], ...]
    keeps: Fraction | None
    is_suspended: bool
    """Whether betting has been suspended since."""


@dataclass(frozen=True)
class Market:
    title: str
    moved: tuple[Moved, ...]
    quote: Quote


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
_MINUTES = {"": "pre", "midfield": "HT"}
"""How people call what the vendor writes for no minute."""


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
        self._days = DayStore(
            ODDS.feed, self.site.store, self.site.days(ODDS.feed).claims, self.site.stages
        )

    def markets(self, match_id: str, company_id: str, fetch: FetchRef) -> list[Market]:
        """In the `SHOWN_MINUTES` up to this fetch; a market without a quote is left out."""
        rows = self._rows(match_id, company_id, fetch)
        return list(markets_of(rows, fetch.minute.utc))

    def _rows(self, match_id: str, company_id: str, fetch: FetchRef) -> list[OddsChange]:
        earliest = Position.before(fetch.minute.later(-SHOWN_MINUTES))
        read = self._kept.pop((match_id, company_id), None)
        if read is None or read.upto < earliest:
            read = _Read(earliest)
        for table in read_on(self._days, ODDS, read.upto, fetch.day):
            for row in _of_match(table, match_id, company_id):
                name = change_key(row).removesuffix(_WITHDRAWN)
                if row.withdrawn:
                    read.rows.pop(name, None)
                elif in_range(row.v2, row.v3, row.v4):
                    read.rows[name] = row
        self._kept[match_id, company_id] = read
        if len(self._kept) > KEPT_MATCHES:
            self._kept.popitem(last=False)
        return sorted(read.rows.values(), key=lambda row: (row.change_time, row.k))


def _of_match(table: pa.Table, match_id: str, company_id: str) -> list[OddsChange]:
    ours = (pc.field("match_id") == match_id) & (pc.field("company_id") == company_id)
    return records_of(table.filter(ours), OddsChange)


def markets_of(rows: Sequence[OddsChange], until: datetime) -> Iterator[Market]:
    """Of rows in the order of their change times. A quote that stood when the shown time began
    counts from there on."""
    since = int((until - timedelta(minutes=SHOWN_MINUTES)).timestamp())
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
                _quote(shown, ours),
            )


def _quote(shown: _Shown, rows: Sequence[OddsChange]) -> Quote:
    latest = [row for row in rows if not row.closed][-1]
    prices = {side: shown.price(value(latest)) for side, value in shown.sides.items()}
    return Quote(
        f"{shown.line(latest):f}" if shown.line else "",
        _MINUTES.get(latest.minute, f"{latest.minute}'"),
        tuple(prices.items()),
        overround(prices.values()),
        bool(rows[-1].closed),
    )


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
