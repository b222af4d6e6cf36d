"""A backtest as a picture: what had been won or lost after each hit, as SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import accumulate
from xml.sax.saxutils import escape

from operations.backtest import Tried
from pipeline_assets.football.backtest import Hit
from touchline.outcomes import State

WIDE, HIGH, MARGIN = 900, 300, 50
_COLORS = {State.WON: "#2f9e78", State.LOST: "#d8334a", State.VOID: "#98a4b1"}
_OTHER = "#4b8fe2"


def plot(tried: Tried) -> str:
    """The sum of profit per unit staked after each hit in turn; of a rule that names no bet, wins
    less losses. Each hit is a dot in the color of its outcome, with its match as its title."""
    hits = tried.found.hits
    has_bet = tried.found.profit is not None
    steps = [_profit(hit) if has_bet else _points(hit) for hit in hits]
    sums = list(accumulate(steps, initial=Decimal(0)))
    what = "profit in units, one staked a hit" if has_bet else "hits won less hits lost"
    title = f"{tried.rule}, {tried.first} to {tried.last}: {what}"
    low, high = min(sums), max(sums)
    span = max(high - low, Decimal(1))

    def x(place: int) -> float:
        return round(MARGIN + place * (WIDE - 2 * MARGIN) / max(1, len(hits)), 1)

    def y(value: Decimal) -> float:
        return round(float(HIGH - MARGIN - (value - low) / span * (HIGH - 2 * MARGIN)), 1)

    line = " ".join(f"{x(place)},{y(value)}" for place, value in enumerate(sums))
    dots = [
        f'<circle cx="{x(place)}" cy="{y(sums[place])}" r="4" '
        f'fill="{_COLORS.get(hit.state, _OTHER)}"><title>{escape(_said(hit))}</title></circle>'
        for place, hit in enumerate(hits, start=1)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" '
            f'font-family="sans-serif" font-size="13">',
            f'<rect width="{WIDE}" height="{HIGH}" fill="#ffffff"/>',
            f'<text x="{MARGIN}" y="25">{escape(title)}</text>',
            *_axis([value for value in (low, Decimal(0), high) if _has_room(value, span)], y),
            f'<polyline points="{line}" fill="none" stroke="#4b5563" stroke-width="1.5"/>',
            *(dots or [f'<text x="{MARGIN}" y="{HIGH // 2}">it never fired</text>']),
            "</svg>",
        ]
    )


def _axis(values: Sequence[Decimal], y: Callable[[Decimal], float]) -> list[str]:
    return [
        f'<line x1="{MARGIN}" x2="{WIDE - MARGIN}" y1="{y(value)}" y2="{y(value)}" '
        f'stroke="#d1d5db"/><text x="{MARGIN - 6}" y="{y(value) + 4}" text-anchor="end">'
        f"{value:+.1f}</text>"
        for value in values
    ]


def _has_room(value: Decimal, span: Decimal) -> bool:
    """Whether its label stands clear of that of zero."""
    return not value or abs(value) / span > Decimal("0.1")


def _profit(hit: Hit) -> Decimal:
    return hit.profit or Decimal(0)


def _points(hit: Hit) -> Decimal:
    return Decimal({State.WON: 1, State.LOST: -1}.get(hit.state, 0))


def _said(hit: Hit) -> str:
    return f"{hit.home_team or 'unknown'} vs {hit.away_team or 'unknown'}: {hit.state}"
