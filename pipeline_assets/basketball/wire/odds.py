"""The answers of The Odds API v4: events, bookmakers, markets, outcomes.

What cannot be read is set aside by itself: an answer, an event, a bookmaker, a market or an
outcome, named by `Malformed`. All else of the answer is read. Sources: the vendor's documentation
of v4, and recorded answers of 2022 to 2026.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from pipeline_assets.basketball.wire.odds_fields import (
    Instant,
    Malformed,
    Misread,
    Reader,
    number_of,
    plausible,
)
from touchline.fetch import Envelope, IndexEntry

EVENTS = "events"
ODDS = "odds"
EVENT_ODDS = "event_odds"
"""Endpoints, as the calls of a fetch name them: the ids of events, lines of all events, and player
props of one event."""

NULL = msgspec.Raw(b"null")


class OddsFormat(StrEnum):
    """The notation of the prices of an answer, as was asked for."""

    AMERICAN = "american"
    DECIMAL = "decimal"


class Side(StrEnum):
    """Which price of a line an outcome is."""

    OVER = "over"
    """Or Yes."""
    UNDER = "under"
    """Or No."""
    HOME = "home"
    AWAY = "away"


NAMES = {"over": Side.OVER, "under": Side.UNDER, "yes": Side.OVER, "no": Side.UNDER}
"""Outcomes that are no teams, in small letters."""


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """A price that a bookmaker quotes. `point` is the outcome's own: of a spread the visitors' is
    the home team's with the other sign. `last_update` is the market's, else the bookmaker's."""

    bookmaker: str
    market: str
    side: Side
    player: str | None
    price: Decimal
    point: Decimal | None
    last_update: datetime | None


class Unread(msgspec.Struct, frozen=True):
    """A part that is set aside: `key` says where it stands."""

    key: str
    error: Malformed
    raw: bytes


class UnreadField(msgspec.Struct, frozen=True):
    """A field that is taken for unknown, and costs nothing else."""

    field: str
    detail: str


class Event(msgspec.Struct, frozen=True, eq=False):
    """A game as a bookmakers' event, with its outcomes in the order received. Times are UTC."""

    id: str
    commence_time: datetime
    home_team: str
    away_team: str
    outcomes: list[Outcome]
    unread: list[Unread]
    unread_fields: list[UnreadField]


class Answer(msgspec.Struct, frozen=True):
    """One answer about lines. `snapshot_at` (UTC) is when the vendor says that it was so, else when
    the answer was received; `asked` the markets that were asked for, None where that is not
    recorded. `unread` has the events that cannot be read."""

    snapshot_at: datetime
    odds_format: OddsFormat
    asked: frozenset[str] | None
    events: list[Event]
    unread: list[Unread]


class Start(msgspec.Struct, frozen=True):
    """When an event begins (UTC), as was said at `told_at`."""

    event_id: str
    told_at: datetime
    commence_time: datetime


class _Event(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(min_length=1)]
    commence_time: Instant
    home_team: str
    away_team: str
    bookmakers: list[msgspec.Raw] | None = None


class _Bookmaker(msgspec.Struct):
    key: Annotated[str, msgspec.Meta(min_length=1)]
    markets: list[msgspec.Raw]
    last_update: msgspec.Raw = NULL


class _Market(msgspec.Struct):
    key: Annotated[str, msgspec.Meta(min_length=1)]
    outcomes: list[msgspec.Raw]
    last_update: msgspec.Raw = NULL


class _Outcome(msgspec.Struct):
    name: str
    price: Any
    description: str | None = None
    point: Any = None


_members: Reader[dict[str, msgspec.Raw]] = Reader(dict[str, msgspec.Raw])
_elements: Reader[list[msgspec.Raw]] = Reader(list[msgspec.Raw])
_instant: Reader[datetime] = Reader(Instant)
_instant_or_null: Reader[datetime | None] = Reader(Instant | None)
_event: Reader[_Event] = Reader(_Event)
_bookmaker: Reader[_Bookmaker] = Reader(_Bookmaker)
_market: Reader[_Market] = Reader(_Market)
_outcome: Reader[_Outcome] = Reader(_Outcome)


def answers_in(raw: Envelope, endpoint: str) -> list[Answer | Unread]:
    """Return the answers of an endpoint, in the order of the calls. A call that failed has none."""
    answers: list[Answer | Unread] = []
    for place, entry in enumerate(raw.entries(endpoint)):
        where = f"{endpoint}#{place}"
        try:
            if not entry.error:
                answers.append(_answer(raw, entry, where))
        except Malformed as error:
            answers.append(Unread(where, error, bytes(raw.stored(entry))))
    return answers


def starts_in(raw: Envelope, endpoint: str) -> list[Start]:
    """Return when events begin by the answers of an endpoint; what cannot be read says nothing."""
    starts: list[Start] = []
    for entry in raw.entries(endpoint):
        with contextlib.suppress(Malformed):
            if entry.error:
                continue
            at, texts = _snapshot(raw, entry, endpoint)
            for text in texts:
                with contextlib.suppress(Malformed):
                    event = _event(text, "event")
                    begins = plausible(event.commence_time, "event.commence_time")
                    starts.append(Start(event.id, at, begins))
    return starts


def _answer(raw: Envelope, entry: IndexEntry, where: str) -> Answer:
    at, texts = _snapshot(raw, entry, where)
    asked = entry.params.get("markets")
    markets = frozenset(asked.split(",")) if asked else None
    answer = Answer(at, _format(entry, where), markets, [], [])
    for place, text in enumerate(texts):
        try:
            answer.events.append(_read_event(bytes(text)))
        except Malformed as error:
            answer.unread.append(Unread(f"{where}|#{place}", error, bytes(text)))
    return answer


def _format(entry: IndexEntry, where: str) -> OddsFormat:
    """Return the notation that was asked for; it is never guessed from a price."""
    asked = entry.params.get("oddsFormat")
    try:
        return OddsFormat(asked or "")
    except ValueError:
        raise Malformed(f"{where}: oddsFormat is {asked!r}, not american or decimal") from None


def _snapshot(raw: Envelope, entry: IndexEntry, where: str) -> tuple[datetime, list[msgspec.Raw]]:
    """Return what time an answer is of, and its events as text: a list of them, one alone, or
    either in the wrapper of a historical answer. Raises Malformed."""
    body = msgspec.Raw(bytes(raw.stored(entry)))
    if _is_object(body):
        members = _members(body, where)
        if "data" in members:
            told = _instant(members.get("timestamp", NULL), f"{where}.timestamp")
            return plausible(told, f"{where}.timestamp"), _events(members["data"], f"{where}.data")
    try:
        received = entry.received_at
    except ValueError:
        received = None
    if received is None:
        raise Malformed(f"{where}: when it was received is not recorded")
    return received, _events(body, where)


def _events(data: msgspec.Raw, where: str) -> list[msgspec.Raw]:
    return [data] if _is_object(data) else _elements(data, where)


def _is_object(text: msgspec.Raw) -> bool:
    return bytes(text).lstrip()[:1] == b"{"


@functools.lru_cache(maxsize=128)  # A run reads what it has fetched three times.
def _read_event(text: bytes) -> Event:
    """Read an event, and set aside what of it cannot be read. Raises Malformed for one without its
    id, start or teams."""
    found = _event(text, "event")
    home, away = found.home_team.strip(), found.away_team.strip()
    if not home or not away or home == away:
        raise Malformed(f"event.home_team: {home!r} against {away!r}")
    begins = plausible(found.commence_time, "event.commence_time")
    event = Event(found.id, begins, home, away, [], [], [])
    for place, bookmaker in enumerate(found.bookmakers or ()):
        where = f"{event.id}|#{place}"
        try:
            _read_bookmaker(bookmaker, event)
        except Malformed as error:
            event.unread.append(Unread(where, error, bytes(bookmaker)))
    return event


def _read_bookmaker(text: msgspec.Raw, event: Event) -> None:
    bookmaker = _bookmaker(text, "bookmaker")
    updated = _last_update(bookmaker.last_update, "bookmaker.last_update", event)
    for place, raw in enumerate(bookmaker.markets):
        where = f"{event.id}|{bookmaker.key}|#{place}"
        try:
            market = _market(raw, "market")
        except Malformed as error:
            event.unread.append(Unread(where, error, bytes(raw)))
            continue
        since = _last_update(market.last_update, "market.last_update", event) or updated
        event.outcomes.extend(_outcomes(market, bookmaker.key, since, event))


def _outcomes(
    market: _Market, bookmaker: str, updated: datetime | None, event: Event
) -> Iterator[Outcome]:
    for place, raw in enumerate(market.outcomes):
        try:
            found = _outcome(raw, "outcome")
            yield Outcome(
                bookmaker=bookmaker,
                market=market.key,
                side=_side(found.name.strip(), event),
                player=(found.description or "").strip() or None,
                price=number_of(found.price, "outcome.price"),
                point=None if found.point is None else number_of(found.point, "outcome.point"),
                last_update=updated,
            )
        except Malformed as error:
            where = f"{event.id}|{bookmaker}|{market.key}|#{place}"
            event.unread.append(Unread(where, error, bytes(raw)))


def _side(name: str, event: Event) -> Side:
    if name == event.home_team:
        return Side.HOME
    if name == event.away_team:
        return Side.AWAY
    if side := NAMES.get(name.casefold()):
        return side
    raise Malformed(f"outcome.name: {name!r}", Misread.UNKNOWN_OUTCOME)


def _last_update(text: msgspec.Raw, field: str, event: Event) -> datetime | None:
    """Return when prices were last updated (UTC); one that cannot be read is not known."""
    try:
        found = _instant_or_null(text, field)
        return found and plausible(found, field)
    except Malformed as error:
        event.unread_fields.append(UnreadField(field, str(error)))
        return None
