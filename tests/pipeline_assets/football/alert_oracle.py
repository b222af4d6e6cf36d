"""Which matches qualify for an alert, read from the vendor's answers as they came.

It shares no code with the stages that it judges.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from tests.pipeline_assets.football.odds_oracle import before_a_goal, chosen, company_of

HALF_TIME = 3
LEAST_TOTAL = Decimal("3.0")
LEAST_GAP = Decimal("0.20")


@dataclass(frozen=True)
class Qualifies:
    """A match for a rule; `because` is the goal line, or the side that is the favorite."""

    rule_id: str
    match_id: str
    because: str


def qualifying(
    live: list[Any], details: Mapping[str, bytes | None], odds: Mapping[str, bytes | None]
) -> set[Qualifies]:
    """Of one fetch: from the entries of the live list, and by match the `results` of its detail and
    of its odds, None where the call failed."""
    found: set[Qualifies] = set()
    for entry in live:
        match_id, score = entry.get("id"), entry.get("score")
        if not match_id or not is_whole(score):
            continue
        status = score[1] if score[1] is not None else status_in(details[match_id])
        home, away = score[2][:2], score[3][:2]
        if status != HALF_TIME or (home[0] and away[0]):
            continue  # Whoever the favorite is has scored.
        for rule_id, because in qualifies(home, away, msgspec.json.decode(odds[match_id] or "{}")):
            found.add(Qualifies(rule_id, match_id, because))
    return found


def qualifies(home: list[int], away: list[int], odds: dict[str, Any]) -> list[tuple[str, str]]:
    """Which rules a match fires at half-time, and why. Goals are those now and at half-time."""
    company, found = company_of(odds), list[tuple[str, str]]()
    if company is None:
        return found
    _, line = chosen(odds[company].get("bs", []), before_a_goal)
    if line and exact(line[3]) >= LEAST_TOTAL and [*home, *away] == [0, 0, 0, 0]:
        found.append(("3ou_half", str(exact(line[3]))))
    before = [row for row in odds[company].get("eu", []) if row[1] == ""]
    _, closing = chosen(before, before_a_goal)
    side = favorite(exact(closing[2]), exact(closing[4])) if closing else None
    if side and (home if side == "home" else away)[0] == 0:
        found.append(("underdog_0half", side))
    return found


def favorite(home: Decimal, away: Decimal) -> str | None:
    """The side with the clearly shorter decimal price; a price of 1 pays nothing and is none."""
    if min(home, away) <= 1 or abs(home - away) < LEAST_GAP:
        return None
    return "home" if home < away else "away"


def is_whole(score: Any) -> bool:
    """Whether it says in numbers how the match stands."""
    if not isinstance(score, list) or len(score) < 4:
        return False
    sides = [isinstance(side, list) and {*map(type, side)} == {int} for side in score[2:4]]
    return all(sides) and type(score[1]) in (int, type(None))


def status_in(detail: bytes | None) -> int | None:
    return msgspec.json.decode(detail)[0]["status_id"] if detail else None


def exact(number: float) -> Decimal:
    """The number as it was written, which is its shortest text."""
    return Decimal(str(number))
