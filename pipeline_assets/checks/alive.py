"""feed_is_alive: the newest fetch is news."""

from __future__ import annotations

from datetime import timedelta

from pipeline_assets.checks.books import DayBooks
from pipeline_assets.checks.reading import reading_of
from pipeline_assets.checks.report import CheckReport, Kind
from touchline.day import FetchNumber
from touchline.fetch import UnreadableFetch
from touchline.signs import SignsOfLife

FAILED_IN_A_ROW = 3
FROZEN_FETCHES = 3
FROZEN_IN_PLAY = 10
"""With so much in play, nothing at all stays the same for three minutes."""
FROZEN_FETCHES_OF_FEW = 60
"""A single match may, but for its half-time."""
SKEW_SECONDS = 30.0
ANOTHER_DAY = timedelta(hours=12)
"""No period of play lasts so long, nor begins so much later than it is told of."""


def feed_is_alive(books: DayBooks, report: CheckReport) -> None:
    """What the vendor says is held against the clock and against what it said before. Speaks of the
    day's newest fetch alone: a feed that has come back is alive."""
    landed = [number for number, row in books.claims.items() if row.has_landed]
    newest = landed[-FAILED_IN_A_ROW:]
    if len(newest) == FAILED_IN_A_ROW and all(books.claims[n].is_placeholder for n in newest):
        detail = f"the newest {FAILED_IN_A_ROW} fetches all failed, the last with"
        report.found(Kind.FEED_FAILS, newest[-1], None, f"{detail} {_failure(books, newest[-1])}")
    if not landed or books.claims[landed[-1]].is_placeholder:
        return
    number = landed[-1]
    signs = _signs(books, number)
    if signs is None:
        if not (books.expired or books.is_gone):
            report.found(Kind.UNCHECKED, number, None, "the newest fetch could not be read")
        return
    _judge(books, number, signs, report)


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
    if signs.newest and abs(signs.newest - books.day.minute(number).utc) > ANOTHER_DAY:
        detail = f"all that is in play began before or at {signs.newest:%Y-%m-%d %H:%M} UTC"
        report.found(Kind.FEED_OUTDATED, number, None, detail)
