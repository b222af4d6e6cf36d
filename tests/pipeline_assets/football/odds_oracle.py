"""Which rows of a company's odds are shown, read from the vendor's JSON as it came.

It shares no code with the stages that it judges. Numbers are exact where the JSON was read with
`parse_float=Decimal`.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.pipeline_assets.football.score_reference import Reference, Row, is_open

PREFERENCE = ["3", "4", "5", "6", "7", "8", "9", "10", "2", "1", "0", ""]
"""Of the minutes that have an open row, the first of these is shown; "" is before kick-off."""


def company_of(odds: dict[str, Any]) -> str | None:
    """The company whose odds of a match are shown."""
    quoting = [company for company in odds if any(odds[company].values())]
    if not quoting:
        return None
    return "2" if "2" in quoting else str(min(map(int, quoting)))


def history_of(odds: dict[str, Any], company: str, at: int, scheduled: int | None) -> Reference:
    """What was known of a company's odds at `at` (Unix s)."""
    return Reference(odds[company], at, price_first=company == "2", scheduled=scheduled)


def chosen(history: Reference, market: str) -> tuple[str, Row | None]:
    """The state of a market, and the row of it that is shown."""
    state, kept = history.early(market)
    open_rows = [row for row in kept if is_open(row)]
    minute = next((m for m in PREFERENCE if any(row[1] == m for row in open_rows)), None)
    return state, next((row for row in reversed(open_rows) if row[1] == minute), None)


def american(profit: Decimal) -> str | None:
    if profit <= 0:
        return None
    magnitude = 100 * profit if profit >= 1 else 100 / profit
    rounded = int(magnitude.quantize(Decimal(1), ROUND_HALF_UP))
    return f"+{rounded}" if profit >= 1 or rounded == 100 else f"-{rounded}"
