"""Which rows of a company's odds are shown, read from the vendor's JSON as it came.

It shares no code with the stages that it judges. Numbers are exact where the JSON was read with
`parse_float=Decimal`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

PREFERENCE = ["3", "4", "5", "6", "7", "8", "9", "10", "2", "1", "0", ""]
"""Of the minutes that have an open row, the first of these is shown; "" is before kick-off."""
Row = list[Any]


def company_of(odds: dict[str, Any]) -> str | None:
    """The company whose odds of a match are shown."""
    quoting = [company for company in odds if any(odds[company].values())]
    if not quoting:
        return None
    return "2" if "2" in quoting else str(min(map(int, quoting)))


def before_a_goal(row: Row) -> bool:
    return row[7] == "0-0"


def chosen(rows: list[Row], qualifies: Callable[[Row], bool]) -> tuple[str, Row | None]:
    """The state of a market, and the row of it that is shown."""
    early = [row for row in rows if row[1] == "" or re.fullmatch("10|[0-9]", row[1])]
    good = [row for row in early if qualifies(row)]
    if not good:
        return ("goal_scored" if early else "absent"), None
    open_rows = [row for row in good if row[6] == 0]
    if not open_rows:
        return "closed", None
    minute = next(m for m in PREFERENCE if any(row[1] == m for row in open_rows))
    candidates = [row for row in open_rows if row[1] == minute]
    # The list is newest first, also among rows of one moment.
    if minute == "":
        return "ok", next(r for r in candidates if r[0] == max(c[0] for c in candidates))
    return "ok", [r for r in candidates if r[0] == min(c[0] for c in candidates)][-1]
