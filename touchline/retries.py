"""Whether a key whose past can be fetched again is to be run again: the decision table.

A key is a feed, a stage and a partition. The rows are asked from the top, over all prior runs of
the key that are not superseded. The first row that matches decides; row 4 marks and goes on.

     1  the prior runs could not be read         run where the write is idempotent, else hold; alert
     2  somebody forces it, with a reason        run
     3  a run is at work, and beats              skip
     4  a run is at work, and is silent          mark it abandoned, go on
     5  the same content has landed              skip
     6  no data can exist yet                    hold until they can
     7  nobody can tell whether data can exist   run within the cap
     8  too many attempts without data           hold, alert once
     9  the last attempt was just now            hold until its time
    10  other content than has landed            run; on success it supersedes the older
    11  other content that is less               set aside, alert
    12  what is there is partial                 run
    13  only runs of zero records                run
    14  only runs of unknown counts              run; the target is counted again first
    15  only placeholders                        run
    16  only failures, or nothing                run

A run with data never blocks but the same content: a first, empty success once blocked the full file
of the next day. A count that is None is neither zero nor data.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from touchline.accounting import RetryAction, RetryReason, RunState
from touchline.fetch import Envelope
from touchline.zeros import Expected


@dataclass(frozen=True)
class RetryLimits:
    """How often a key without data is tried, and when a run counts as dead: the numbers of rows 3,
    8 and 9 of the field's table. Without them one day was tried 7,139 times in 20 hours, before its
    games had ended."""

    silent_after: timedelta = timedelta(minutes=15)
    """A run whose last heartbeat is older has died: three of its beats (`BEATS_EVERY`) are
    missing."""
    attempts: int = 3
    """So many attempts without data within the window, and there are no more."""
    window: timedelta = timedelta(hours=24)
    back_off: tuple[timedelta, ...] = (
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(minutes=120),
    )
    """How long after the first, second, ... attempt without data the next may follow; the last
    holds for all that come after it."""


LIMITS = RetryLimits()


@dataclass(frozen=True)
class PriorRun:
    """A recorded run of the key. Times are in UTC; `sequence` is that of the ledger and never ties.

    The counts are of units and are None where nobody knows; `placeholder` is how many of the others
    are placeholders. `content_hash` is over what counts in the content, so that two empty answers
    share one; None where nothing was fetched. `reason` is why it was decided upon.
    """

    run_id: str
    sequence: int
    state: RunState
    heartbeat: datetime
    ended: datetime | None = None
    inserted: int | None = None
    updated: int | None = None
    unchanged: int | None = None
    placeholder: int | None = None
    content_hash: str | None = None
    superseded: bool = False
    reason: RetryReason | None = None

    @property
    def rows(self) -> int | None:
        """How many units it stored, placeholders too; None where a count of them is unknown."""
        if self.inserted is None or self.updated is None or self.unchanged is None:
            return None
        return self.inserted + self.updated + self.unchanged

    @property
    def real(self) -> int | None:
        """How many of its units are no placeholders; None where a count is unknown."""
        if self.rows is None or self.placeholder is None:
            return None
        return self.rows - self.placeholder

    @property
    def has_data(self) -> bool:
        """Whether it surely stored real units. A skip counts those of the run that blocked it."""
        return self.state is not RunState.SKIPPED and (self.real or 0) > 0

    @property
    def time(self) -> datetime:
        """When it ended, or was last heard of."""
        return self.ended or self.heartbeat


@dataclass(frozen=True)
class Content:
    """What was fetched and has not landed yet: its `PriorRun.content_hash`, how many of its units
    are no placeholders, and whether its source says that it is newer than what has landed."""

    hash: str
    units: int
    is_newer: bool = False


@dataclass(frozen=True)
class Calendar:
    """A stage of another raw asset whose records say when something is to happen. `fresh_for` is
    how old the newest fetch of it may be; what an older one says is not relied upon."""

    stage: str
    fresh_for: timedelta


@dataclass(frozen=True)
class Refetch:
    """That the past of a raw asset can be fetched again, and what is decided by.

    Both are pure functions. `content` is of a fetch that did not fail; its units are those of the
    fetch's records that are no placeholders. `expects` says of a day, at a time (UTC), whether data
    can exist, and from when on, where that is known. Where there is a `calendar`, it is given the
    newest records of that as a third argument, and not asked while there are none: whether data can
    exist is then unknown.
    """

    content: Callable[[Envelope], Content]
    expects: Callable[..., tuple[Expected, datetime | None]]
    calendar: Calendar | None = None


@dataclass(frozen=True)
class Decision:
    """What to do with the key, and what to record of it."""

    action: RetryAction
    reason: RetryReason
    blocked_by: str | None = None
    """The run that makes it a skip."""
    until: datetime | None = None
    """When to ask again, of a hold; None where nobody can say."""
    alert: bool = False
    abandoned: tuple[str, ...] = ()
    """The runs to mark `abandoned`, for the reason `stale_runner`; in their sequence."""


@dataclass(frozen=True)
class Ending:
    """How an attempt ended that fetched something, all of which has landed in its slot.

    The counts are of records, as in `PriorRun`. `supersedes` is whether its content takes the place
    of all that was landed before.
    """

    state: RunState
    inserted: int | None = None
    updated: int | None = None
    unchanged: int | None = None
    placeholder: int | None = None
    content_hash: str | None = None
    supersedes: bool = False


def ending(
    decision: Decision, content: Content | None, *, records: int, is_partial: bool = False
) -> Ending:
    """Return how an attempt ended whose content brought this decision. `records` is how many
    records were fetched; `content` is None where nobody can tell what they are."""
    if content is None:
        return Ending(RunState.SUCCESS)
    if decision.action is RetryAction.SET_ASIDE:
        return Ending(RunState.SKIPPED, 0, 0, 0, 0, content.hash)
    placeholder = max(records - content.units, 0)
    if decision.reason is RetryReason.IDENTICAL_CONTENT:
        return Ending(RunState.SKIPPED, 0, 0, records, placeholder, content.hash)
    state = RunState.SUCCESS if content.units else RunState.NO_DATA
    return Ending(
        RunState.PARTIAL if is_partial else state,
        inserted=max(records, content.units),
        updated=0,
        unchanged=0,
        placeholder=placeholder,
        content_hash=content.hash,
        supersedes=state is RunState.SUCCESS and not is_partial,
    )


def decide(
    runs: Collection[PriorRun] | None,
    content: Content | None,
    *,
    expected: Expected,
    not_before: datetime | None,
    forced: str | None,
    is_idempotent: bool,
    now: datetime,
    limits: RetryLimits = LIMITS,
) -> Decision:
    """Return the decision for a key, by the first row of the table that matches.

    `runs` are all that are recorded of the key, in any order, or None where they could not be read.
    `content` is None before the fetch. `expected` says whether data can exist, and `not_before`
    from when on (UTC; None where that is not known). `forced` is the written reason of somebody who
    wants it run, if anybody does; blank is none. `is_idempotent` says that writing content that has
    landed before changes nothing.
    """
    if runs is None:
        action = RetryAction.RUN if is_idempotent else RetryAction.HOLD
        return Decision(action, RetryReason.LOOKUP_FAILED, alert=True)
    if forced and forced.strip():
        return Decision(RetryAction.RUN, RetryReason.FORCED)
    prior = sorted((run for run in runs if not run.superseded), key=lambda run: run.sequence)
    at_work = [run for run in prior if run.state is RunState.RUNNING]
    alive = [run for run in at_work if now - run.heartbeat <= limits.silent_after]
    if alive:
        return Decision(RetryAction.SKIP, RetryReason.IN_PROGRESS, blocked_by=alive[-1].run_id)
    ended = [
        replace(run, state=RunState.ABANDONED) if run.state is RunState.RUNNING else run
        for run in prior
    ]
    decision = _Key(ended, content, now, limits).decision(expected, not_before)
    return replace(decision, abandoned=tuple(run.run_id for run in at_work))


@dataclass(frozen=True)
class _Key:
    """The table from row 5 on. `runs` are in their sequence, and none of them is at work."""

    runs: Sequence[PriorRun]
    content: Content | None
    now: datetime
    limits: RetryLimits

    def decision(self, expected: Expected, not_before: datetime | None) -> Decision:
        if (same := self._same_content()) is not None:
            return Decision(RetryAction.SKIP, RetryReason.IDENTICAL_CONTENT, blocked_by=same.run_id)
        is_empty = self.content is None or self.content.units == 0
        if expected in (Expected.NOT_YET, Expected.NONE) and is_empty:
            return Decision(RetryAction.HOLD, RetryReason.NOT_YET, until=not_before)
        held = None if self._has_new_content() else self._held()
        if expected is Expected.UNKNOWN and held is None and not self._is_less():
            return Decision(RetryAction.RUN, RetryReason.CALENDAR_UNKNOWN)
        if held is not None:
            return held
        if self._is_less():
            return Decision(RetryAction.SET_ASIDE, RetryReason.SHRINKING_CONTENT, alert=True)
        return Decision(RetryAction.RUN, self._why_run())

    # --- content ---------------------------------------------------------------------------------

    def _same_content(self) -> PriorRun | None:
        """The newest run that landed the content at hand. Only a success did: one that is partial,
        or failed after it had stored some of it, never blocks that it is completed."""
        landed = (
            run
            for run in reversed(self.runs)
            if run.state is RunState.SUCCESS
            and run.has_data
            and self.content is not None
            and run.content_hash == self.content.hash
        )
        return next(landed, None)

    def _has_new_content(self) -> bool:
        """Whether no run has tried to land the content at hand. A skip has not tried."""
        tried = {run.content_hash for run in self.runs if run.state is not RunState.SKIPPED}
        return self.content is not None and self.content.hash not in tried

    def _units_of_others(self) -> int:
        """The most units that a run stored of other content than that at hand."""
        hash_ = self.content and self.content.hash
        return max(
            (run.real or 0 for run in self.runs if run.has_data and run.content_hash != hash_),
            default=0,
        )

    def _is_less(self) -> bool:
        """Whether the content at hand has fewer units than other content that was stored. Newer
        content may have fewer, but not none: data are never replaced by nothing."""
        if self.content is None or (self.content.is_newer and self.content.units):
            return False
        return self.content.units < self._units_of_others()

    # --- the cap ---------------------------------------------------------------------------------

    def _held(self) -> Decision | None:
        """A hold by the cap or the back-off, where there is no new content."""
        attempts, limits = self._attempts(), self.limits
        if not attempts:
            return None
        recent = sorted(run.time for run in attempts if run.time > self.now - limits.window)
        if len(recent) >= limits.attempts:
            told = any(
                run.reason is RetryReason.RETRY_CAP and run.sequence > attempts[-1].sequence
                for run in self.runs
            )
            until = recent[-limits.attempts] + limits.window
            return Decision(RetryAction.HOLD, RetryReason.RETRY_CAP, until=until, alert=not told)
        waits = limits.back_off[min(len(attempts), len(limits.back_off)) - 1]
        until = attempts[-1].time + waits
        if self.now < until:
            return Decision(RetryAction.HOLD, RetryReason.BACKOFF, until=until)
        return None

    def _attempts(self) -> list[PriorRun]:
        """The runs that failed or left the key without confirmed data, from the last on that
        brought new content. A skip is no attempt."""
        seen: set[str] = set()
        since: list[PriorRun] = []
        for run in self.runs:
            if run.state is RunState.SKIPPED:
                continue
            if run.content_hash is not None and run.content_hash not in seen:
                seen.add(run.content_hash)
                since.clear()
            since.append(run)
        return [run for run in since if run.state in _FAILURES or not run.has_data]

    # --- why it runs -----------------------------------------------------------------------------

    def _why_run(self) -> RetryReason:
        """Rows 10 and 12 to 16. Of runs of several kinds, the reason is the one that asks for the
        most care."""
        if self.content is not None and self._units_of_others():
            return RetryReason.NEW_CONTENT
        told = [run for run in self.runs if run.state in _TELL_OF_CONTENT]
        if not told:
            return RetryReason.FIRST_OR_FAILED
        stored = [run for run in told if run.has_data or run.state is RunState.PARTIAL]
        if stored and stored[-1].state is RunState.PARTIAL:
            return RetryReason.PARTIAL
        if stored:
            # Nothing is at hand: only a fetch shows whether there is other content.
            return RetryReason.NEW_CONTENT
        if any(run.real is None for run in told):
            return RetryReason.UNKNOWN_COUNT
        if any(run.rows for run in told):
            return RetryReason.PLACEHOLDER_ONLY
        return RetryReason.ZERO_RECORDS


_FAILURES = (RunState.FAILED, RunState.ABANDONED)
_TELL_OF_CONTENT = (RunState.SUCCESS, RunState.NO_DATA, RunState.PARTIAL)
