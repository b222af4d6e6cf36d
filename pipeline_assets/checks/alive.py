"""feed_is_alive: the newest fetch is news."""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline_assets.checks.books import DayBooks
from pipeline_assets.checks.reading import reading_of
from pipeline_assets.checks.report import CheckReport, Kind
from touchline.day import FetchNumber
from touchline.fetch import UnreadableFetch
from touchline.signs import SignsOfLife
from touchline.stage import RawAsset

FAILED_IN_A_ROW = 3
"""Of a fetch a minute. Where the next slot is an hour or a day away, one is enough: a list that
comes once a day would never fail three times on one."""
FROZEN_FETCHES = 3
FROZEN_IN_PLAY = 10
"""With so much in play, nothing at all stays the same for three minutes."""
FROZEN_FETCHES_OF_FEW = 60
"""A single match may, but for its half-time."""
SKEW_SECONDS = 30.0
OUTDATED_SHARE = 0.5
"""Where more than this of what is going on began another day, it is the feed, not a mistake."""
SHOWN_MATCHES = 5
SHOWN_CHARACTERS = 100


def feed_is_alive(books: DayBooks, report: CheckReport) -> None:
    """What the vendor says is held against the clock and against what it said before. Speaks of the
    day's newest fetch alone: a feed that has come back is alive. Of a raw asset without signs of
    life, only whether it came."""
    landed = [number for number, row in books.claims.items() if row.has_landed]
    enough = FAILED_IN_A_ROW if _is_every_minute(books) else 1
    newest = landed[-enough:]
    if len(newest) == enough and all(books.claims[n].is_placeholder for n in newest):
        many = f"the newest {enough} fetches all failed, the last with"
        detail = many if enough > 1 else "the newest fetch failed, with"
        report.found(Kind.FEED_FAILS, newest[-1], None, f"{detail} {_failure(books, newest[-1])}")
    if not landed or books.claims[landed[-1]].is_placeholder or not _tells_signs(books):
        return
    number = landed[-1]
    signs = _signs(books, number)
    if signs is None:
        if not (books.expired or books.is_gone):
            report.found(Kind.UNCHECKED, number, None, "the newest fetch could not be read")
        return
    _judge(books, number, signs, report)


def _is_every_minute(books: DayBooks) -> bool:
    asset = books.asset
    return isinstance(asset, RawAsset) and asset.schedule.every_minute


def _tells_signs(books: DayBooks) -> bool:
    asset = books.asset
    return isinstance(asset, RawAsset) and asset.signs is not None


def _failure(books: DayBooks, number: FetchNumber) -> str:
    """In the vendor's words. Raises StoreError, UnreadableObject."""
    place = books.index.place(number)
    if place is None:
        return "what the store does not hold"
    try:
        found = books.days.read_place(books.asset.name, books.day, place)
        return found.envelope().failure or str(found.outcome)
    except UnreadableFetch as error:
        return f"what cannot be read: {error}"


def _signs(books: DayBooks, number: FetchNumber) -> SignsOfLife | None:
    """As the landing check has just read them; else the fetch is read once more. Raises StoreError,
    UnreadableObject."""
    reading = (books.readings or {}).get(number)
    if reading is None:
        place = books.index.place(number)
        if place is None:
            return None
        try:
            found = books.days.read_place(books.asset.name, books.day, place)
            reading = reading_of(books.asset, found)
        except UnreadableFetch:
            return None
    return reading.signs


def _judge(books: DayBooks, number: FetchNumber, signs: SignsOfLife, report: CheckReport) -> None:
    numbers = {
        "unchanged_fetches": signs.unchanged,
        "in_play": signs.in_play,
        "clock_skew_seconds": signs.skew_seconds,
    }
    report.details = {name: value for name, value in numbers.items() if value is not None}
    if signs.unread_date is not None:
        header = signs.unread_date[:SHOWN_CHARACTERS]
        detail = f"clock skew could not be checked: the Date header of fetch {number} is {header!r}"
        report.found(Kind.UNCHECKED, None, None, detail)
    if signs.unchanged and signs.in_play:
        few = signs.in_play < FROZEN_IN_PLAY
        if signs.unchanged + 1 >= (FROZEN_FETCHES_OF_FEW if few else FROZEN_FETCHES):
            same = signs.unchanged + 1
            detail = f"{same} fetches in a row say the same, with {signs.in_play} in play"
            report.found(Kind.FEED_FROZEN, number, None, detail)
    if signs.skew_seconds is not None and abs(signs.skew_seconds) > SKEW_SECONDS:
        ahead = "ahead of" if signs.skew_seconds > 0 else "behind"
        detail = f"the vendor's clock is {abs(signs.skew_seconds):.0f} s {ahead} ours"
        report.found(Kind.CLOCK_SKEW, number, None, detail)
    if not signs.far:
        return
    began = "; ".join(f"{key} {_when(at)}" for key, at in [*signs.far.items()][:SHOWN_MATCHES])
    if len(signs.far) > OUTDATED_SHARE * signs.dated:
        detail = f"{len(signs.far)} of {signs.dated} in play began another day: {began}"
        report.found(Kind.FEED_OUTDATED, number, None, detail)
    else:
        report.details["began_another_day"] = began


def _when(at: int) -> str:
    """A time in Unix s as people read it; one of no calendar as it is."""
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        return f"at {at} s"
