"""The record of an odds change, and what is carried from fetch to fetch to tell the new ones."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import msgspec

from pipeline_assets.football.wire.odds import Phase

Meta = msgspec.Meta


class OddsReason(StrEnum):
    """Why a row is no new record, or is set aside."""

    ALREADY_SEEN = "already_seen"
    BAD_ROW = "bad_row"
    MALFORMED_ODDS = "malformed_odds"


class OddsChange(msgspec.Struct, frozen=True, gc=False):
    """A quote, once, or the withdrawal of one.

    A quote is named by match, company, market, change time and `k`. What `v2` to `v4` are depends
    on the market: asia home price, handicap, away price; eu home, draw, away price; bs and cr over
    price, line, under price. Prices of eu are decimal, all others Hong Kong.
    """

    match_id: str
    company_id: str
    market: Annotated[str, Meta(description="asia, eu, bs (goals) or cr (corners)")]
    change_time: Annotated[int, Meta(description="Unix s")]
    k: Annotated[
        int, Meta(description="ordinal among the list's rows of equal change time, oldest 0")
    ]
    minute: Annotated[str, Meta(description="minute of play as received, empty where none is told")]
    v2: Decimal
    v3: Decimal
    v4: Decimal
    status: Annotated[int, Meta(description="match status id at that moment")]
    closed: Annotated[int, Meta(description="1 while betting is suspended, else 0")]
    score: Annotated[str, Meta(description="goals at that moment, corners in market cr")]
    prematch: Annotated[bool, Meta(description="whether the phase is pre_match")]
    withdrawn: Annotated[bool, Meta(description="the vendor took this row back")]
    fetch_number: int
    fetch_id: str
    first_seen_utc: Annotated[datetime, Meta(description="when the answer that shows it arrived")]
    phase: Annotated[
        Phase | None,
        Meta(
            description="pre_match, in_play or unknown; null in rows from before it was told apart"
        ),
    ] = None


class SeenList(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What was seen of one market of one company.

    `length` and `digest` are of the list's text behind its opening bracket. `newest` is the latest
    change time and `at_newest` how many rows have it.
    """

    count: int
    length: int
    digest: bytes
    newest: int
    at_newest: int


class SeenMatch(msgspec.Struct, frozen=True, array_like=True):
    """What was seen of one match; times are Unix minutes.

    `asked` is when the match was last asked for. `body` is the digest of the answer last read,
    which had `rows` rows and came with fetch `fetch_id` of minute `read`.
    """

    asked: int
    body: bytes
    rows: int
    read: int
    fetch_id: str
    lists: dict[str, dict[str, SeenList]]


class SeenOdds(msgspec.Struct, frozen=True):
    """What was seen of every match asked for in the last 48 hours."""

    matches: dict[str, SeenMatch]


def row_key(change: OddsChange) -> str:
    """Name the vendor's row that a change is of."""
    return f"{change.match_id}/{change.company_id}/{change.market}/{change.change_time}/{change.k}"


def change_key(change: OddsChange) -> str:
    """Name a change within one fetch: the row's key, and whether it was taken back."""
    row = row_key(change)
    return f"{row}/withdrawn" if change.withdrawn else row


def apply(changes: Iterable[OddsChange], quotes: dict[str, OddsChange]) -> None:
    """Bring the quotes that stand, by row key, up to date with changes in the order in which they
    came."""
    for change in changes:
        if change.withdrawn:
            quotes.pop(row_key(change), None)
        else:
            quotes[row_key(change)] = change
