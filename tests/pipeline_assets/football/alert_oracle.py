"""Which matches qualify for an alert, read from the vendor's answers as they came.

It shares no code with the stages that it judges.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.pipeline_assets.football.odds_oracle import chosen, company_of, history_of
from tests.pipeline_assets.football.score_reference import Reference, is_open

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
    live: list[Any],
    details: Mapping[str, bytes | None],
    odds: Mapping[str, bytes | None],
    at: int,
) -> set[Qualifies]:
    """Of one fetch: from the entries of the live list, and by match the `results` of its detail and
    of its odds, None where the call failed. The odds arrived at `at` (Unix s)."""
    found: set[Qualifies] = set()
    for entry in live:
        match_id, score = entry.get("id"), entry.get("score")
        if not match_id or not is_whole(score):
            continue
        status = score[1] if score[1] is not None else status_in(details[match_id])
        home, away = score[2][:2], score[3][:2]
        if status != HALF_TIME or (home[0] and away[0]):
            continue  # Whoever the favorite is has scored.
        quoted = json.loads(odds[match_id] or "{}", parse_float=Decimal)
        company = company_of(quoted)
        if company is None:
            continue
        history = history_of(quoted, company, at, scheduled_in(details[match_id]))
        for rule_id, because in qualifies(home, away, history):
            found.add(Qualifies(rule_id, match_id, because))
    return found


def qualifies(home: list[int], away: list[int], history: Reference) -> Iterator[tuple[str, str]]:
    """Which rules a match fires at half-time, and why. Goals are those now and at half-time."""
    _, line = chosen(history, "bs")
    if line and line[3] >= LEAST_TOTAL and [*home, *away] == [0, 0, 0, 0]:
        yield "3ou_half", str(line[3])
    prices = [row for row in history.early("eu")[1] if row[1] == "" and is_open(row)]
    side = favorite(prices[-1][2], prices[-1][4]) if prices else None
    if side and (home if side == "home" else away)[0] == 0:
        yield "underdog_0half", side


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
    return json.loads(detail)[0]["status_id"] if detail else None


def scheduled_in(detail: bytes | None) -> int | None:
    """The match's scheduled start."""
    return json.loads(detail)[0].get("match_time") if detail else None
