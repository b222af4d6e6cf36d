"""What the ledger takes and gives: claims, fates of minutes, objects and runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

import msgspec

from resources.manifest import Held, HeldBriefly
from touchline.accounting import (
    Account,
    ClaimState,
    FetchFate,
    Outcome,
    RetryReason,
    RunState,
)
from touchline.day import Day, FetchNumber
from touchline.fetch import FetchRef
from touchline.retries import LIMITS, PriorRun
from touchline.slot import Slot

_HELD = msgspec.json.Decoder(list[Held])
_HELD_BRIEFLY = msgspec.json.Decoder(list[HeldBriefly])
_PLACEHOLDERS = frozenset(outcome.value for outcome in Outcome if outcome.is_placeholder)
_GOOD = frozenset(outcome.value for outcome in Outcome) - _PLACEHOLDERS


@dataclass(frozen=True)
class Claim:
    """What a stage says it is about to store for one fetch.

    `asset` is like `football/merged`, `key` the object's key below the prefix, `sha256` that of the
    object's bytes, `digest` that of its record keys. `upstream_sha256` is None for a raw fetch.
    """

    asset: str
    ref: FetchRef
    key: str
    sha256: str
    account: Account
    digest: str
    outcome: Outcome
    code_version: str
    upstream_sha256: str | None
    run_id: str
    format: int


NO_OBJECT = "not-in-the-store"
"""The ETag of what landed and does not stand there any more."""


class Witness(StrEnum):
    """Who vouches for a claim that was made anew from the store: it cannot vouch for the object it
    was read from."""

    NOBODY = "nobody"
    DAGSTER = "dagster"
    """The materialization of the run that stored it says the same."""
    DOWNSTREAM = "downstream"
    """What other stages made of it names the bytes it was made of."""


@dataclass(frozen=True)
class RebuiltClaim:
    """A landed claim that was made anew. `etag` is `NO_OBJECT` where what stands in the
    store is not what landed, or nothing does; `size` in bytes is None where it is not known."""

    claim: Claim
    etag: str
    size: int | None
    landed_at: datetime
    witness: Witness

    def replaces(self, landed: Claim) -> bool:
        """Whether it is of something else than what is known, and not on its own word."""
        is_other = self.claim.sha256 != landed.sha256
        return is_other and self.stands and self.witness is not Witness.NOBODY

    @property
    def stands(self) -> bool:
        return self.etag != NO_OBJECT


@dataclass(frozen=True)
class ClaimRow:
    """Where one asset stands with one fetch.

    The object in the store is the one `landed` describes, with `etag` and `size`, or the one
    `pending` describes if its writer died before it could say so: a writer claims first, then
    stores, then confirms. `landed` is None until something has landed and never becomes None
    again; `pending` is None when no claim is on its way. Both are None where the stage failed
    before it had anything to claim.
    """

    asset: str
    number: FetchNumber
    fetch_id: str
    """That of the latest transition; `landed` may be of an older capture of its slot."""
    state: ClaimState
    """`landed` as soon as anything has landed, whatever is claimed or fails afterwards."""
    landed: Claim | None
    etag: str | None
    size: int | None
    landed_at: datetime | None
    pending: Claim | None
    attempts: int
    """Failures by `failing_code_version` since the last landing that was not a placeholder."""
    failing_code_version: str | None
    last_error: str | None
    verified_etag: str | None
    """The ETag of the object last read back; what landed is verified when it equals `etag`."""
    sequence: int
    updated_at: datetime
    rebuilt: Witness | None = None
    """Who vouches for what landed, where its claim was made anew; None where its writer claimed
    it."""

    @property
    def is_verified(self) -> bool:
        return self.etag is not None and self.etag == self.verified_etag


@dataclass(frozen=True)
class Transition:
    """One entry of a claim's history. `claim` is None where it is that of the entry before."""

    sequence: int
    state: ClaimState
    fetch_id: str
    claim: Claim | None
    etag: str | None
    size: int | None
    error: str | None
    code_version: str | None
    at: datetime


@dataclass(frozen=True)
class FetchRow:
    """What became of one slot.

    `reason` is a `MissedReason` for a missed slot, a `RetryReason` for a held one, the fetch's own
    reason code for a landed one. `until` is when a held one may be asked for again, if that is
    known.
    `lateness_seconds` is how long after the time of its slot the fetch started.
    """

    slot: Slot
    fetch_id: str | None
    fate: FetchFate
    outcome: Outcome | None
    reason: str | None
    run_id: str | None
    started_at: datetime | None
    lateness_seconds: float | None
    until: datetime | None
    sequence: int
    updated_at: datetime

    @property
    def number(self) -> FetchNumber:
        return self.slot.number


@dataclass(frozen=True)
class AttemptRow:
    """An attempt at a key whose past can be fetched again, in the slot with this number.

    `reason` says why it ran or did not, and `note` who forced it and why, or what went wrong. The
    counts are of records and None where nobody knows; see `PriorRun`. `superseded_by` is the run
    whose content took the place of what this one landed.
    """

    run_id: str
    number: int
    state: RunState
    reason: RetryReason
    blocked_by: str | None
    until: datetime | None
    note: str | None
    started_at: datetime
    heartbeat_at: datetime
    ended_at: datetime | None
    inserted: int | None
    updated: int | None
    unchanged: int | None
    placeholder: int | None
    content_hash: str | None
    superseded_by: str | None
    sequence: int

    @property
    def has_fetched(self) -> bool:
        """Whether it brought an answer, which stands in its slot."""
        done = (RunState.SUCCESS, RunState.NO_DATA, RunState.PARTIAL)
        return self.state in done or self.content_hash is not None

    def is_at_work(self, now: datetime) -> bool:
        """Whether its run has not ended, and was not silent for too long."""
        return self.state is RunState.RUNNING and now - self.heartbeat_at <= LIMITS.silent_after

    @property
    def as_prior(self) -> PriorRun:
        """This attempt as the decision table takes it."""
        return PriorRun(
            run_id=self.run_id,
            sequence=self.sequence,
            state=self.state,
            heartbeat=self.heartbeat_at,
            ended=self.ended_at,
            inserted=self.inserted,
            updated=self.updated,
            unchanged=self.unchanged,
            placeholder=self.placeholder,
            content_hash=self.content_hash,
            superseded=self.superseded_by is not None,
            reason=self.reason,
        )


@dataclass(frozen=True)
class IntervalRow:
    """A watch interval as it was opened, and closed."""

    opened: datetime
    closed: datetime | None
    origin: str


@dataclass(frozen=True)
class StaleDay:
    """A day of an asset that is to be made again, because what it was made of has changed."""

    asset: str
    day: Day
    because: str
    since: datetime


class Standing(NamedTuple):
    """What is needed of a claim minute by minute: the row without its claims.

    `outcome` (an `Outcome`'s text), `etag`, `fetch_id` and the counts of records are those of what
    has landed, None before anything has. `explained` counts what was emitted, dropped and
    quarantined.
    """

    number: FetchNumber
    outcome: str | None
    emitted: int | None
    etag: str | None
    verified_etag: str | None
    is_pending: int
    fetch_id: str | None
    received: int | None
    explained: int | None
    quarantined: int | None
    rebuilt: str | None = None
    """Who vouches for what landed (a `Witness`'s text), where its claim was made anew."""

    @property
    def has_landed(self) -> bool:
        return self.outcome is not None

    @property
    def is_good(self) -> bool:
        return self.outcome in _GOOD

    @property
    def holds_records(self) -> bool:
        return self.outcome is not None and Outcome(self.outcome).holds_records

    @property
    def is_placeholder(self) -> bool:
        return self.outcome in _PLACEHOLDERS


@dataclass(frozen=True)
class WindowRow:
    """A window that was announced, and, once there is an `etag`, confirmed by the store.

    `held` leaves out what the window itself says at length (`about`); it is JSON in the row, and
    decoded when it is asked for. `size` is in bytes.
    """

    key: str
    asset: str
    day: Day
    sha256: str
    held_json: str
    etag: str | None
    size: int | None
    stored_at: datetime | None
    verified_etag: str | None
    """The ETag of the object that was read back and compared with what it was made of."""
    updated_at: datetime

    @cached_property
    def held(self) -> list[Held]:
        return _HELD.decode(self.held_json)

    @cached_property
    def etags(self) -> dict[FetchNumber, str]:
        """Of the fetch objects that it holds, by number."""
        briefly = _HELD_BRIEFLY.decode(self.held_json)
        return {FetchNumber(each.number): each.etag for each in briefly}

    @property
    def is_verified(self) -> bool:
        return self.etag is not None and self.etag == self.verified_etag


@dataclass(frozen=True)
class SealRow:
    """A sealed day of an asset, verified by reading it back. `number` is its manifest's, `files`
    the sha256 of each object that holds it, by key."""

    asset: str
    day: Day
    number: int
    fetches: int
    emitted: int
    files: dict[str, str]
    sealed_at: datetime
    cleared_at: datetime | None
    """When the fetch objects and windows that it replaced were removed."""


@dataclass(frozen=True)
class Expiry:
    """A tier of an asset's day that was removed on purpose, and why."""

    asset: str
    day: Day
    tier: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class RunRow:
    """One run of a job. `reason` says why it has no data, was skipped, failed or abandoned, and
    while it is at work who began it and why, where a person did."""

    run_id: str
    kind: str
    slot: Slot | None
    """The one that it was to fetch; None for a run that fetches nothing."""
    state: RunState
    reason: str | None
    commit: str
    lock_hash: str
    started_at: datetime
    heartbeat_at: datetime
    ended_at: datetime | None
    sequence: int
    feed: str | None = None
    host: str | None = None
    pid: int | None = None
