"""A slot: one expected fetch. The day that it belongs to is given, not computed from the clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from touchline.day import ONE_MINUTE, Day, FetchNumber, parse_instant, utc_text

_TEXT = re.compile(r"([a-z0-9_]+/[a-z0-9_]+) (\d{4}-\d{2}-\d{2}) (\S+)")


def implied_raw(feed: str) -> str:
    """Return the name of a feed's raw asset where nothing names it: its `raw_fetches`."""
    return f"{feed}/raw_fetches"


@dataclass(frozen=True, order=True, slots=True)
class Slot:
    """One expected fetch of the raw asset `raw`, in the partition `day`, to be made `at` (UTC, a
    whole minute).

    Its `number` is 1 + the whole minutes that have elapsed in UTC from New York midnight of its day
    to `at`, however many days later that is: a fetch at 06:05 of its day is 366, one at 03:05 of
    the next day 1,626, or 1,686 when the clocks go back in between. Slots sort by raw asset, then
    day, then number. Make one with `Slot.of`.
    """

    raw: str
    day: Day
    number: FetchNumber
    at: datetime

    @classmethod
    def of(cls, raw: str, day: Day, at: datetime) -> Slot:
        """Return the slot of `day` at this time.

        Raises ValueError for a time that has no zone or has seconds, or is before the day begins.
        """
        if at.tzinfo is None:
            raise ValueError(f"the time of a slot needs a zone: {at.isoformat()}")
        if at.second or at.microsecond:
            raise ValueError(f"the time of a slot has no seconds: {at.isoformat()}")
        passed = int((at - day.start) / ONE_MINUTE)
        if passed < 0:
            raise ValueError(f"{utc_text(at)} is before {day} begins in New York")
        return cls(raw, day, FetchNumber(passed + 1), at.astimezone(UTC))

    @classmethod
    def numbered(cls, raw: str, day: Day, number: int) -> Slot:
        """Return the slot of `day` with this number."""
        return cls(raw, day, FetchNumber(number), day.start + (number - 1) * ONE_MINUTE)

    @classmethod
    def implied(cls, feed: str, at: datetime) -> Slot:
        """Return the slot meant where only feed and time are told: of the feed's `raw_fetches`, on
        the New York day of `at`. Football's envelopes, objects and run tags tell no more.

        Raises ValueError as `of` does.
        """
        return cls.of(implied_raw(feed), Day.containing(at), at)

    @classmethod
    def told(cls, feed: str, at: datetime, raw_asset: str | None, date: str | None) -> Slot:
        """Return the slot of which this was told; both or none of the last two: see
        `beyond_implied`. Raises ValueError for what names no slot."""
        if raw_asset is None and date is None:
            return cls.implied(feed, at)
        if raw_asset is None or date is None or raw_asset.partition("/")[0] != feed:
            raise ValueError(f"no slot of {feed}: raw asset {raw_asset}, date {date}")
        return cls.of(raw_asset, Day.parse(date), at)

    @classmethod
    def parse(cls, text: str) -> Slot:
        """Read the form of `str(slot)`. Raises ValueError for anything else."""
        found = _TEXT.fullmatch(text)
        if found is None:
            raise ValueError(
                f"{text!r} is no slot; write it like "
                "'football/raw_fetches 2025-05-28 2025-05-28T17:00:00Z'"
            )
        raw, day, at = found.groups()
        return cls.of(raw, Day.parse(day), parse_instant(at))

    @property
    def feed(self) -> str:
        return self.raw.partition("/")[0]

    @property
    def beyond_implied(self) -> dict[str, str]:
        """Return what has to be told of it beside its feed and time: nothing where `implied` gives
        it, else its `raw_asset` and `date`."""
        if self == Slot.implied(self.feed, self.at):
            return {}
        return {"raw_asset": self.raw, "date": str(self.day)}

    def __str__(self) -> str:
        return f"{self.raw} {self.day} {utc_text(self.at)}"
