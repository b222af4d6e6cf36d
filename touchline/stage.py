"""A stage: a pure function from records to records and an account, with a name and its inputs.

`Staged` is what such a function fills. Each received record gets exactly one fate through
`one_record`: emitted, dropped with a reason, or quarantined with a reason. An exception while one
record is worked on quarantines that record alone; one bad match once emptied a whole display.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec

from touchline.accounting import Account, Outcome
from touchline.coverage import Coverage
from touchline.day import ONE_MINUTE, Day, FetchNumber
from touchline.day_plan import PlansOf
from touchline.errors import TouchlineError
from touchline.fetch import Envelope, FetchRef
from touchline.retries import Refetch
from touchline.schedule import EveryMinute, Patience, Schedule
from touchline.signs import SignsOfLife
from touchline.slot import Slot

R = TypeVar("R", bound=msgspec.Struct)
SNIPPET_BYTES = 2000
KIND = "touchline/kind"
"""The tag of a stage that says what its records are to people; `alert` is what concerns them,
`outcome` how that turned out, `odds_rows` how busy the markets are."""
ALERT = "alert"
OUTCOME = "outcome"
ODDS_ROWS = "odds_rows"
UNEXPECTED = "unexpected_error"


class QuarantinedRecord(msgspec.Struct, frozen=True):
    """A record set aside: which (None when it has no id), why, and the start of what it was."""

    key: str | None
    reason: str
    detail: str
    raw: str


class Finding(msgspec.Struct, frozen=True):
    """Something a stage noticed that cost no record, such as a history the vendor rewrote.

    `times` is how often, where one finding stands for all of a fetch. Of a field that could not be
    read it is in how many records.
    """

    kind: str
    key: str | None
    detail: str
    times: int = 1


class Telling(msgspec.Struct, frozen=True):
    """What people are told of a record, once for each rule and subject, such as a match."""

    rule_id: str
    subject_id: str
    message: str

    @classmethod
    def of(cls, alert: Any, subject: str) -> Telling:
        """Return what an alert says, whose member `subject` has the id of what it is about."""
        return cls(alert.rule_id, getattr(alert, subject), alert.message)

    @property
    def alert_id(self) -> str:
        return f"{self.rule_id}_{self.subject_id}"


class Span(StrEnum):
    """What one object of a stage holds."""

    FETCH = "fetch"
    """What was made of one fetch, under its number."""
    DAY = "day"
    """The whole day, as it was known with the fetch of its number: a version of the day."""
    AS_OF = "as_of"
    """A version of the day that is made of versions of earlier days alone."""


class VersionRead(msgspec.Struct, frozen=True):
    """What an as-of stage found when it asked for an earlier day of an asset: the number and sha256
    of the day's newest version, or None twice where there was none."""

    asset: str
    date: str
    number: int | None
    sha256: str | None


@dataclass
class Staged(Generic[R]):
    """What a stage made of one fetch."""

    received: int = 0
    records: list[R] = field(default_factory=list)
    dropped: dict[str, Counter[str]] = field(default_factory=dict)
    """reason -> record key -> how many."""
    quarantined: list[QuarantinedRecord] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    carried: Any = None
    """What an ordered stage carries to its next fetch."""
    reads: Sequence[VersionRead] = ()
    """What an as-of stage found of earlier days; filled by who calls it."""
    changes: Mapping[str, int] = field(default_factory=dict)
    """How many records of a version are not those of the version before; filled likewise."""
    _open: list[Callable[[], None]] | None = None
    """The fates given to the record being worked on; exactly one of them may come true."""

    @contextmanager
    def one_record(self, key: str | None, raw: Any = None) -> Iterator[None]:
        """Give one received record its fate; what raises inside quarantines this record alone."""
        self.received += 1
        self._open = []
        try:
            yield
            if len(self._open) != 1:
                raise RuntimeError(f"{len(self._open)} fates for one record, not one")
        except Exception as error:
            self._open = []
            self.quarantine(reason_of(error), key, detail=describe(error), raw=raw)
        (come_true,), self._open = self._open, None
        come_true()

    def emit(self, record: R) -> None:
        self._fate(lambda: self.records.append(record))

    def drop(self, reason: StrEnum, key: str | None) -> None:
        self._fate(lambda: self._count_drop(reason, key or "", 1))

    def quarantine(self, reason: str, key: str | None, *, detail: str, raw: Any = None) -> None:
        record = QuarantinedRecord(key, str(reason), detail, snippet(raw))
        self._fate(lambda: self.quarantined.append(record))

    def _fate(self, fate: Callable[[], None]) -> None:
        if self._open is None:
            raise RuntimeError("a fate is given inside one_record, or with emit_many, drop_many")
        self._open.append(fate)

    def _count_drop(self, reason: str, key: str, count: int) -> None:
        self.dropped.setdefault(str(reason), Counter())[key] += count

    def emit_many(self, records: Sequence[R]) -> None:
        """Emit records that were received outside `one_record` (a stage of many small rows)."""
        self.received += len(records)
        self.records.extend(records)

    def drop_many(self, reason: StrEnum, key: str, count: int) -> None:
        if count:
            self.received += count
            self._count_drop(reason, key, count)

    @property
    def account(self) -> Account:
        return Account(
            received=self.received,
            emitted=len(self.records),
            dropped={reason: sum(keys.values()) for reason, keys in self.dropped.items()},
            quarantined=dict(Counter(record.reason for record in self.quarantined)),
        )


class Unusable(TouchlineError, ValueError):
    """Raised inside `one_record` to quarantine the record with this reason."""

    def __init__(self, reason: StrEnum, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def reason_of(error: BaseException) -> str:
    """Why a record on which this was raised is set aside. Only Unusable says so itself: other
    errors have a `reason` too, and UnicodeDecodeError has a sentence there."""
    return error.reason if isinstance(error, Unusable) else UNEXPECTED


def describe(error: BaseException) -> str:
    """The error and the line that raised it, short enough for an account."""
    if isinstance(error, Unusable):
        return str(error)
    frame = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" at {frame[0].name}:{frame[0].lineno}" if frame else ""
    return f"{type(error).__name__}: {error}{where}"[:500]


def snippet(raw: Any) -> str:
    """The first 2,000 bytes of a record as JSON text, for people who ask what was set aside."""
    if raw is None:
        return ""
    if isinstance(raw, bytes | memoryview | msgspec.Raw):
        data = bytes(raw)[:SNIPPET_BYTES]
    else:
        data = _as_text(raw)[:SNIPPET_BYTES]
    return data.decode("utf-8", "replace")


def _as_text(raw: Any) -> bytes:
    try:
        return msgspec.json.encode(raw)
    except (TypeError, ValueError, RecursionError):
        return repr(raw).encode("utf-8", "replace")  # What was set aside is shown in any case.


@dataclass(frozen=True)
class Content(Generic[R]):
    """One fetch of a stage as it landed, for its entry in the daily log document.

    `finished_at` is when it landed, `seconds` what the stage took for it: None where nobody knows.
    """

    records: Sequence[R]
    quarantined: Sequence[QuarantinedRecord]
    account: Account
    outcome: Outcome = Outcome.COMPLETE
    finished_at: datetime | None = None
    seconds: float | None = None


class Reads(StrEnum):
    """What a stage is given of its inputs."""

    RECORDS = "records"
    QUARANTINED = "quarantined"
    """A mapping of input name to its quarantined records: the stage collects what others set aside,
    so placeholders are no obstacle to it."""


@dataclass(frozen=True)
class RawAsset:
    """What a feed's fetches are: the start of every chain.

    `record_keys` gives one key for each record of an envelope, for counting and digests;
    `schedule` says which slots a day has.
    """

    name: str
    record_keys: Callable[[Envelope], list[str]]
    counts: str
    doc: str
    log_name: str = "all_api"
    export: Callable[[Envelope], Mapping[str, Any]] | None = None
    """A fetch's entry in the daily log document, as of a `Stage`."""
    signs: Callable[[Envelope], SignsOfLife] | None = None
    schedule: Schedule = field(default_factory=EveryMinute)
    refetch: Refetch | None = None
    """That its past can be fetched again; None where a slot that was missed is lost."""

    def __post_init__(self) -> None:
        if self.refetch and self.schedule.every_minute:
            raise ValueError(f"{self.name} is fetched every minute, and its past again: choose one")

    @property
    def patience(self) -> Patience:
        """How long its slots are waited for."""
        return self.schedule.patience

    def slot(self, day: Day, number: int) -> Slot:
        """Return the slot of `day` with this number."""
        return Slot.numbered(self.name, day, number)

    def slots(self, day: Day, plans: PlansOf) -> Iterator[Slot]:
        """Yield every slot of this day, in order; `plans` are of this raw asset's days."""
        return self.schedule.slots(self.name, day, plans)

    def before(self, slot: Slot, count: int, plans: PlansOf) -> list[Slot]:
        """Return the slots before this one, at most so many, newest first."""
        return self.schedule.before(slot, count, plans)

    def ends(self, day: Day) -> datetime:
        """Return when the day and its last slot have passed (UTC)."""
        return self.schedule.ends(day)

    def length(self, day: Day) -> int:
        """Return how many minutes a day is open: no slot of it has a higher number."""
        return int((self.ends(day) - day.start) / ONE_MINUTE)

    def newest_number(self, day: Day, now: datetime) -> int:
        """Return the highest number that a slot of this day may have by now. Where the past can be
        fetched again, every minute since the day began is one."""
        passed = int((now - day.start) / ONE_MINUTE) + 1 if self.refetch else 0
        return max(self.length(day), passed)

    @property
    def feed(self) -> str:
        return self.name.partition("/")[0]

    @property
    def short_name(self) -> str:
        return self.name.rpartition("/")[2]

    @property
    def job(self) -> str:
        """The name of the job that takes its slots; its sensor's name has `_tick` behind it."""
        return f"{self.feed}_{'minute' if self.schedule.every_minute else self.short_name}"

    @property
    def module(self) -> str:
        return self.record_keys.__module__


@dataclass(frozen=True)
class Stage(Generic[R]):
    """What an asset is made by.

    `by` is called with the fetch's `FetchRef` and one argument an input: the `Envelope` where the
    input is a raw asset, else that stage's list of records for the same fetch. An ordered stage is
    also given `carried=` (what the fetch before it left in `Staged.carried`, None at first) and
    sees the fetches in order. `key` names one record within a fetch. `counts` says in the plural
    what a record is.

    One that spans a day is given, for each input, a list of all fetches of the day so far, oldest
    first: pairs of `FetchRef` and what is said above. Of an input that spans a day itself it is
    given the records of its newest version. One that spans a day as of those before it is called
    with its `Day` and `earlier(asset, day)`, which returns the records of the newest version of an
    earlier day, or None where there is none.
    """

    name: str
    inputs: tuple[str, ...]
    makes: type[R]
    by: Callable[..., Staged[R]]
    key: Callable[[R], str]
    reasons: type[StrEnum]
    counts: str
    doc: str
    span: Span = Span.FETCH
    ordered: bool = False
    carries: type[Any] | None = None
    """The type of the carried state of an ordered stage, a msgspec Struct."""
    reads: Reads = Reads.RECORDS
    receives_each: bool = True
    """Whether it receives every record that its first input emitted, once; False for a stage that
    counts something else in them, such as the odds rows of matches."""
    misread: Collection[StrEnum] = ()
    """The reasons that say: the vendor's record has another shape than it is documented to have;
    and the kinds of findings that say the same of a part of a record that was kept."""
    recalls: bool = False
    """True for a stage that may need an earlier fetch of its first input again. It is then called
    with `earlier=`, a function from FetchRef to Envelope, or None where it is not to be had."""
    asks: Callable[[Any, Slot], Sequence[str]] | None = None
    """What an ordered stage wants to know that no fetch would bring: from what it carries, the ids
    that the feed is to ask for in this slot. The answers stand in the slot's fetch."""
    tells: Callable[[Any], Telling | None] | None = None
    """What people are to be told of a record, however late, by a stage that makes no alerts."""
    rules_in: Collection[str] = ()
    """Modules whose code decides beside its own, and that it does not import by name."""
    log_name: str = ""
    """The stage's name in the daily log document; the asset's last part by default."""
    export: Callable[[FetchRef, Content[R]], Mapping[str, Any]] | None = None
    """A fetch's entry in the daily log document: JSON types, Structs, `msgspec.Raw`, and `Decimal`,
    which is written as a number. Its footer, whose name ends in `FOOTER`, has `total_matches`."""
    tags: Mapping[str, str] = field(default_factory=dict)
    covers: Coverage | None = None
    """What a calendar says of the day that a stage spans; None where there is nothing to compare
    it with."""

    @property
    def feed(self) -> str:
        return self.name.partition("/")[0]

    @property
    def short_name(self) -> str:
        return self.name.rpartition("/")[2]

    @property
    def holds_days(self) -> bool:
        """Whether each of its objects is a version of the whole day: the newest one counts."""
        return self.span is not Span.FETCH

    @property
    def takes_fetches(self) -> bool:
        """Whether it makes something of every fetch of its day."""
        return self.span is not Span.AS_OF

    @property
    def inputs_of_its_day(self) -> tuple[str, ...]:
        """Its inputs, where it reads them of its own day."""
        return self.inputs if self.takes_fetches else ()

    def made_of(
        self, number: FetchNumber, there: Mapping[str, Collection[FetchNumber]]
    ) -> list[tuple[str, FetchNumber]]:
        """Return the inputs of its object with this number, by asset and number, the first input's
        own first. `there` has the numbers of the day by input. Empty for a stage that reads no
        fetch of its own day."""
        own = [(name, number) for name in self.inputs_of_its_day]
        if self.span is not Span.DAY:
            return own
        so_far = ((name, each) for name in self.inputs for each in sorted(there[name]))
        return [own[0], *(one for one in so_far if one[1] <= number and one != own[0])]

    @property
    def makes_alerts(self) -> bool:
        """Whether its records are alerts: each has a `rule_id`, the id of its subject under the
        feed's name for it, and a `message`."""
        return self.tags.get(KIND) == ALERT

    @property
    def tells_people(self) -> bool:
        return self.makes_alerts or self.tells is not None

    def tellings(self, records: Sequence[R], subject: str) -> list[Telling]:
        """Return what people are to be told of these records. `subject` is the member of an alert
        that has the id of what it is about."""
        if self.tells is not None:
            return [said for record in records if (said := self.tells(record)) is not None]
        return [Telling.of(record, subject) for record in records] if self.makes_alerts else []

    @property
    def module(self) -> str:
        """The module whose code decides, for the code version."""
        return self.by.__module__
