"""What answers about lines show, one after the other: which rows are new, and until when each was
seen.

A row that says the same as before is no new one. It was seen without a break where each answer in
between that has its event, and asked for its market, has it too. Of several starts of an event the
one told last counts, for all its rows: once a game runs, it is the real one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec

from pipeline_assets.basketball.line_rows import LAY, Quoted, Row, units_of
from pipeline_assets.basketball.wire.odds import Answer, Event, OddsFormat, Start, Unread


class LineReason(StrEnum):
    """Why what was received is no line of its own."""

    UNCHANGED_PRICE = "unchanged_price"
    """The line before it says the same, and was seen until then."""
    KNOWN_SNAPSHOT = "known_snapshot"
    """A line of this snapshot and key says something else: the one recorded first stays."""
    MALFORMED = "malformed"
    """As in `wire.odds.Misread`."""
    UNKNOWN_OUTCOME = "unknown_outcome"
    """As in `wire.odds.Misread`."""


class Starts:
    """When events begin, by all that has been told of it: the starts of each fetch."""

    def __init__(self, told: Sequence[Iterable[Start]]) -> None:
        in_order = sorted(
            ((start, fetch) for fetch, starts in enumerate(told) for start in starts),
            key=lambda one: (one[0].told_at, one[1]),
        )
        self._fetches: dict[str, dict[datetime, set[int]]] = {}
        for start, fetch in in_order:
            of_event = self._fetches.setdefault(start.event_id, {})
            of_event[start.commence_time] = of_event.pop(start.commence_time, set()) | {fetch}
        self._newest = {
            event_id: next(reversed(of_event.items()))
            for event_id, of_event in self._fetches.items()
        }

    def newest_first(self, event_id: str) -> list[datetime]:
        """Return every start that was told of an event (UTC), the one told last first."""
        return list(reversed(self._fetches[event_id]))

    def newest(self, event_id: str) -> datetime:
        return self._newest[event_id][0]

    def is_confirmed(self, event_id: str) -> bool:
        """Return whether two fetches tell the newest start."""
        return len(self._newest[event_id][1]) > 1


class Seen(msgspec.Struct, gc=False):
    """A row as it was first seen, and the last snapshot that has it. Times are UTC."""

    row: Row
    odds_format: OddsFormat
    is_live: bool
    since: datetime
    until: datetime

    def says(self, row: Row, odds_format: OddsFormat, is_live: bool) -> bool:
        """Return whether a later row says the same: when the vendor updated it does not count."""
        ours, its = self.row, row
        return (
            (ours.prices, ours.is_alternate, ours.duplicate_quote)
            == (its.prices, its.is_alternate, its.duplicate_quote)
            and self.odds_format is odds_format
            and self.is_live is is_live
        )


class Shown(msgspec.Struct, frozen=True, gc=False):
    """A row that an answer has, and what becomes of it: something new, or why it is not."""

    event: Event
    row: Row
    fate: Seen | LineReason


_Key = tuple[Quoted, int]


class _Standing(NamedTuple):
    """What the newest answer has of a market of an event, and of what time it is."""

    at: datetime
    seen: Mapping[_Key, Seen]


@dataclass
class History:
    """What stands of each market of each event, while answers are read."""

    starts: Starts
    _events: dict[str, dict[str, _Standing]] = field(default_factory=dict)
    _known: set[tuple[str, _Key, datetime]] = field(default_factory=set)

    def read(self, answers: Sequence[Answer | Unread]) -> list[Shown | Unread]:
        """Return what the answers have, in their order. They are read in the order of their
        snapshots; each `Seen` is complete when all have been."""
        units: list[list[Shown | Unread]] = [
            [answer] if isinstance(answer, Unread) else [*answer.unread] for answer in answers
        ]
        in_time = [
            (each.snapshot_at, place, each)
            for place, each in enumerate(answers)
            if isinstance(each, Answer)
        ]
        for _, place, answer in sorted(in_time, key=lambda each: each[:2]):
            for event in answer.events:
                units[place].extend(self._event(event, answer))
        return [unit for of_answer in units for unit in of_answer]

    def _event(self, event: Event, answer: Answer) -> list[Shown | Unread]:
        standing, starts = self._events.setdefault(event.id, {}), self.starts.newest(event.id)
        now = {
            # Of two answers of one time the second adds to the first.
            market: dict(was.seen) if was.at == answer.snapshot_at else {}
            for market, was in standing.items()
            if was.at == answer.snapshot_at or _asks_for(answer, market)
        }
        units: list[Shown | Unread] = []
        for one in units_of(event, answer.odds_format):
            if isinstance(one, Unread):
                units.append(one)
                continue
            seen, fate = self._seen(event, one, answer, answer.snapshot_at >= starts)
            of_market = now.setdefault(one.quoted.market, {})
            if seen is not None:
                of_market[one.quoted, one.position] = seen
            units.append(Shown(event, one, fate))
        for market, rows in now.items():
            standing[market] = _Standing(answer.snapshot_at, rows)
        return units

    def _seen(
        self, event: Event, row: Row, answer: Answer, is_live: bool
    ) -> tuple[Seen | None, Seen | LineReason]:
        """Return what the row continues or begins, None where it does neither; and its fate."""
        at, key = answer.snapshot_at, (row.quoted, row.position)
        standing = self._events[event.id].get(row.quoted.market)
        before = standing and standing.seen.get(key)
        if before and before.says(row, answer.odds_format, is_live):
            before.until = at
            return before, LineReason.UNCHANGED_PRICE
        if (event.id, key, at) in self._known:
            return None, LineReason.KNOWN_SNAPSHOT
        self._known.add((event.id, key, at))
        seen = Seen(row, answer.odds_format, is_live, at, at)
        return seen, seen


def _asks_for(answer: Answer, market: str) -> bool:
    """Return whether an answer would have a market if there were prices: exchanges add their own
    to what was asked for."""
    return answer.asked is None or market.removesuffix(LAY) in answer.asked
