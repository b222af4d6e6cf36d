"""What a check says: a verdict on one asset and day, both numbers, and each thing it found."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from touchline.accounting import Verdict
from touchline.alerting import BLIND
from touchline.day import Day


class Kind(StrEnum):
    """What a check found."""

    REAL_LOSS = "real_loss"
    """Claimed as landed, and the store does not have it."""
    TRACKING_ERROR = "tracking_error"
    """The store has it, and no claim speaks of it."""
    OVERWRITTEN = "overwritten"
    """Not the object that was confirmed."""
    DAMAGED = "damaged"
    """Bytes that are not what was stored, or cannot be read."""
    COUNT_DIFFERS = "count_differs"
    DIGEST_DIFFERS = "digest_differs"
    NOT_CONSERVED = "not_conserved"
    """Records that went in and came to no end, or more ends than records."""
    OTHER_FETCH = "other_fetch"
    """Made of another fetch than the one that landed, of one twice, or of none."""
    UNEXPLAINED_ZERO = "unexplained_zero"
    """Nothing where much was to be expected, and nobody knows why."""
    SCHEMA_DIFFERS = "schema_differs"
    """Columns that are not as the stage declares them."""
    SCHEMA_DRIFTS = "schema_drifts"
    """Many of the vendor's records have another shape than they are documented to have."""
    FEED_FAILS = "feed_fails"
    """The newest fetches all failed."""
    FEED_FROZEN = "feed_frozen"
    """The vendor answers, and says the same again and again while much is in play."""
    FEED_OUTDATED = "feed_outdated"
    """Most of what is in play began another day."""
    CLOCK_SKEW = "clock_skew"
    """The vendor's clock and ours are far apart."""
    NOT_LANDED = "not_landed"
    """Claimed, or tried, and long enough ago that it should have landed."""
    NO_FATE = "no_fate"
    """An expected minute of which nothing is known."""
    SHRINKING_CONTENT = "shrinking_content"
    """The newest fetch of what can be fetched again brought less than had landed."""
    RETRY_CAP = "retry_cap"
    """Nothing comes of what can be fetched again, and it is not asked for any more."""
    INCOMPLETE = "incomplete"
    """The calendar has it, it is due, and the day does not hold it."""
    CONTRADICTED = "contradicted"
    """The day holds what the calendar does not have: one of the two is wrong."""
    WINDOW_OVERDUE = "window_overdue"
    """Ten minutes that should stand in one window by now, and do not."""
    SPOOL_FILLS_UP = "spool_fills_up"
    """The spool comes near its bound, or is beyond it."""
    UNCHECKED = BLIND
    """One of the two sources could not be read."""


class Found(msgspec.Struct, frozen=True):
    """One finding. `records` is how many it concerns, None when that is not known."""

    kind: Kind
    fetch_number: int | None
    records: int | None
    detail: str
    recoverable: bool = True
    key: str | None = None
    """The window, or object of the sealed day, that it is about and not one fetch's own."""
    falls_short: bool = False
    """Of `count_differs`: that fewer records are there than were claimed."""


@dataclass
class CheckReport:
    """A check's verdict on one asset and day, with both numbers."""

    check: str
    asset: str
    day: Day
    deep: bool = False
    """Whether everything is read back, and not only what was not read since it last changed."""
    verdict: Verdict = Verdict.OK
    recorded: int | None = None
    landed: int | None = None
    fetches_expected: int | None = None
    fetches_present: int | None = None
    findings: list[Found] = field(default_factory=list)
    details: dict[str, float | str] = field(default_factory=dict)
    """What this check alone tells besides, such as how full the spool is."""

    @property
    def fetch_numbers(self) -> list[int]:
        """The fetches that something was found about."""
        numbers = {found.fetch_number for found in self.findings}
        return sorted(number for number in numbers if number is not None)

    @property
    def kinds(self) -> list[Kind]:
        """What was found, each kind once."""
        return sorted({found.kind for found in self.findings})

    def know_nothing(self, why: str) -> None:
        """Say that it could not be checked, and take back every number: what is not known is not
        0."""
        self.recorded = self.landed = self.fetches_expected = self.fetches_present = None
        self.details = {}
        self.found(Kind.UNCHECKED, None, None, why)

    def found(
        self,
        kind: Kind,
        number: int | None,
        records: int | None,
        detail: str,
        key: str | None = None,
        *,
        falls_short: bool = False,
    ) -> None:
        found = Found(kind, number, records, detail, key=key, falls_short=falls_short)
        self.findings.append(found)
        said = Verdict.COULD_NOT_CHECK if kind is Kind.UNCHECKED else Verdict.BAD
        self.verdict = Verdict.worst([self.verdict, said])
