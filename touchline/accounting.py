"""What became of every record: accounts, fates, verdicts and digests of record keys.

For each stage and fetch `received = emitted + dropped(by reason) + quarantined(by reason)`. An
account that does not add up is an error; a count that is not known is None and never 0, because a
default of zero once turned 347 stored rows into "0 records".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

_DIGEST_BITS = 128


class Verdict(StrEnum):
    """What a check found. `COULD_NOT_CHECK` alerts like `BAD` does."""

    OK = "OK"
    BAD = "BAD"
    COULD_NOT_CHECK = "COULD_NOT_CHECK"

    @staticmethod
    def worst(verdicts: Iterable[Verdict]) -> Verdict:
        """BAD over COULD_NOT_CHECK over OK. Raises ValueError for none: silence is no verdict."""
        found = set(verdicts)
        if not found:
            raise ValueError("no verdicts to compare")
        return next(v for v in (Verdict.BAD, Verdict.COULD_NOT_CHECK, Verdict.OK) if v in found)


class ClaimState(StrEnum):
    """Where a stage's claim about one fetch stands."""

    INTENDED = "intended"
    LANDED = "landed"
    FAILED = "failed"


class FetchFate(StrEnum):
    """What became of a scheduled minute, as far as the ledger knows."""

    STARTED = "started"
    LANDED = "landed"
    MISSED = "missed"
    HELD = "held"
    """Not fetched on purpose: what can be fetched again was not to be asked for then."""


class RunState(StrEnum):
    """How a run stands. `no_data` is a state of its own, not a success."""

    RUNNING = "running"
    SUCCESS = "success"
    NO_DATA = "no_data"
    PARTIAL = "partial"
    FAILED = "failed"
    SKIPPED = "skipped"
    ABANDONED = "abandoned"


class RetryAction(StrEnum):
    """What is decided of a key that may be run again."""

    RUN = "run"
    SKIP = "skip"
    """There is nothing to do."""
    HOLD = "hold"
    """Ask again later."""
    SET_ASIDE = "set_aside"
    """Keep the content at hand beside what has landed, for a person to look at."""


class RetryReason(StrEnum):
    """Why a key is run again or not: the rows of the table in `touchline/retries.py`, in order."""

    LOOKUP_FAILED = "lookup_failed"
    FORCED = "forced"
    IN_PROGRESS = "in_progress"
    STALE_RUNNER = "stale_runner"
    IDENTICAL_CONTENT = "identical_content"
    NOT_YET = "not_yet"
    CALENDAR_UNKNOWN = "calendar_unknown"
    RETRY_CAP = "retry_cap"
    BACKOFF = "backoff"
    NEW_CONTENT = "new_content"
    SHRINKING_CONTENT = "shrinking_content"
    PARTIAL = "partial"
    ZERO_RECORDS = "zero_records"
    UNKNOWN_COUNT = "unknown_count"
    PLACEHOLDER_ONLY = "placeholder_only"
    FIRST_OR_FAILED = "first_or_failed"


class RunKind(StrEnum):
    """What a run is for; one spelling for those who write it and those who look it up."""

    MINUTE = "minute"
    REBUILD = "rebuild"
    COLLECT = "collect"
    CHECKS = "checks"
    ROTATION = "rotation"
    SEAL = "seal"
    REPROCESS = "reprocess"
    INBOX = "inbox"
    HOUSEKEEPING = "housekeeping"
    LEDGER_REBUILD = "ledger-rebuild"

    @property
    def makes_data(self) -> bool:
        """Whether it is no success when it adds nothing."""
        return self in (RunKind.MINUTE, RunKind.REBUILD, RunKind.COLLECT)


class Outcome(StrEnum):
    """What a landed object stands for. Failures are placeholders, which a later success
    replaces."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    UNCHANGED = "unchanged"
    """The version before holds the same records: they are accounted for as dropped, with this for
    their reason, and are not stored again."""
    FAILED = "failed"
    STAGE_FAILED = "stage_failed"
    UPSTREAM_FAILED = "upstream_failed"

    @property
    def is_placeholder(self) -> bool:
        return self not in (Outcome.COMPLETE, Outcome.PARTIAL, Outcome.UNCHANGED)

    @property
    def holds_records(self) -> bool:
        """Whether what was made is in it, though that may be nothing."""
        return self in (Outcome.COMPLETE, Outcome.PARTIAL)


class MissedReason(StrEnum):
    """Why a scheduled minute has no fetch."""

    NOT_REQUESTED = "not_requested"
    STARTED_LATE = "started_late"
    RUN_DIED = "run_died"
    STILL_BUSY = "still_busy"


class LossClass(StrEnum):
    """What it is that is not as it should be, from evidence, source and target together."""

    TRACKING_ERROR = "tracking_error"
    """The records are there, and the books say otherwise."""
    REAL_LOSS = "real_loss"
    NOT_YET = "not_yet"
    LEGITIMATELY_EMPTY = "legitimately_empty"
    UNKNOWN = "unknown"
    """The evidence is missing or contradicts itself. It alerts and is never another class."""


class Withdrawn(StrEnum):
    """Why a claim was taken back: what stands in the store counts, and ours is kept beside it."""

    DUPLICATE_MINUTE = "duplicate_minute"
    """Another capture of the same minute had landed."""
    OTHER_RESULT = "other_result"
    """Another result for the same fetch had landed."""


@dataclass(frozen=True)
class Account:
    """The counts of one stage and fetch; reasons are lower snake case."""

    received: int = 0
    emitted: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    quarantined: Mapping[str, int] = field(default_factory=dict)

    @property
    def conserved(self) -> bool:
        return self.received == self.explained

    @property
    def explained(self) -> int:
        return self.emitted + sum(self.dropped.values()) + sum(self.quarantined.values())

    def __add__(self, other: Account) -> Account:
        return Account(
            self.received + other.received,
            self.emitted + other.emitted,
            _sum_counts(self.dropped, other.dropped),
            _sum_counts(self.quarantined, other.quarantined),
        )

    def as_dict(self) -> dict[str, Any]:
        return {
            "received": self.received,
            "emitted": self.emitted,
            "dropped": dict(sorted(self.dropped.items())),
            "quarantined": dict(sorted(self.quarantined.items())),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Account:
        """Raises KeyError when a count is missing: an unknown count is never read as 0."""
        return cls(
            data["received"], data["emitted"], dict(data["dropped"]), dict(data["quarantined"])
        )


def _sum_counts(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, int]:
    return {reason: a.get(reason, 0) + b.get(reason, 0) for reason in sorted({*a, *b})}


def key_digest(keys: Iterable[str]) -> str:
    """A digest of record keys that does not depend on their order but does on their multiplicity.

    The sum, modulo 2**128, of each key's BLAKE2b-128: 32 hexadecimal characters. A record swapped
    for another at equal count changes it, and so does one stored twice.
    """
    total = 0
    for key in keys:
        total += int.from_bytes(hashlib.blake2b(key.encode(), digest_size=16).digest(), "big")
    return f"{total % (1 << _DIGEST_BITS):032x}"


def sha256_hex(data: bytes | memoryview) -> str:
    return hashlib.sha256(data).hexdigest()
