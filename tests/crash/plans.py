"""The feeds whose flows are killed, and what their assets must hold in the end.

What must be there is worked out from the vendor's world alone, and never from what was stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline_assets.plans import PLANS
from tests.chain import FEED, RAW, Rows
from tests.crash.world import live_in, odds_rows_in
from tests.pipeline_assets.small_plan import Head, small_plan
from touchline.day import Day
from touchline.fetch import FetchRef
from touchline.plan import FeedPlan
from touchline.stage import Staged


@dataclass(frozen=True)
class Tested:
    """A plan; which column has a record's key in those of its assets that are compared row by row;
    and their rows when the fetches of these numbers have landed."""

    plan: FeedPlan
    key_columns: Mapping[str, str]
    rows: Callable[[Day, Iterable[int]], Rows]


def echoes_but_the_last(fetch: FetchRef, heads: Sequence[Head]) -> Staged[Head]:
    staged = Staged[Head]()
    for head in heads:
        with staged.one_record(head.match_id):
            if head is heads[-1]:
                raise ZeroDivisionError("a mistake over the last match")
            staged.emit(head)
    return staged


def plan_of_echoes(**by: Callable[..., Staged[Any]]) -> FeedPlan:
    """The small plan, with something set aside in every fetch."""
    return small_plan(echoes=echoes_but_the_last, **by)


def small_rows(day: Day, numbers: Iterable[int]) -> Rows:
    every = live_rows(day, numbers)
    seen: dict[str, tuple[int, str]] = {}
    for number, key in every:
        seen.setdefault(key, (number, key))
    last = {(number, live_in(day.minute(number))[-1]) for number, _ in every}
    return {
        RAW: every,
        "football/heads": every,
        "football/newcomers": list(seen.values()),
        "football/echoes": [row for row in every if row not in last],
        "football/quarantine": [row for row in every if row in last],
    }


def football_rows(day: Day, numbers: Iterable[int]) -> Rows:
    every = live_rows(day, numbers)
    minutes = [day.minute(number) for number in sorted(numbers)]
    odds: list[tuple[int, str]] = [
        (minute.number, match)
        for before, minute in zip([None, *minutes], minutes, strict=False)
        for match in odds_rows_in(minute, before)
    ]
    return {RAW: every, "football/merged": every, "football/odds_changes": odds}


def live_rows(day: Day, numbers: Iterable[int]) -> list[tuple[int, str]]:
    return [(number, key) for number in sorted(numbers) for key in live_in(day.minute(number))]


SMALL = Tested(
    plan_of_echoes(),
    {
        "football/heads": "match_id",
        "football/newcomers": "match_id",
        "football/echoes": "match_id",
        "football/quarantine": "key",
    },
    small_rows,
)
FOOTBALL = Tested(
    PLANS[FEED],
    {"football/merged": "match_id", "football/odds_changes": "match_id"},
    football_rows,
)
