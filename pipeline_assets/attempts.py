"""Attempts at keys whose past can be fetched again: what the ledger decides, and what it is told.

Whatever was fetched lands in its slot. What is decided is whether anybody is asked, and what the
content is to the key: new, the same, or less than had landed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline_assets.calendars import CalendarUnknown, calendar_records
from resources.fetch_object import FetchObject
from resources.ledger import AttemptRow, LedgerUnavailable
from resources.site import Site
from touchline.accounting import Outcome, RetryAction, RetryReason
from touchline.day import utc_text
from touchline.retries import Content, Decision, PriorRun, Refetch, decide, ending
from touchline.slot import Slot
from touchline.stage import describe
from touchline.zeros import Expected


@dataclass(frozen=True)
class Attempt:
    """One attempt of a run at a slot. `forced` is why a person wants it made, whatever is known;
    `findings` are those of the step, `remarks` those of them that no further try changes."""

    site: Site
    refetch: Refetch
    slot: Slot
    run_id: str
    findings: list[str]
    forced: str | None = None
    remarks: list[str] = field(default_factory=list)

    def begin(self) -> Decision:
        """Decide whether the slot is to be fetched, and write it down before it is. While the
        ledger cannot be read it is: what is fetched lands once, however often it is."""
        now = self.site.clock.now()
        try:
            decision = self.site.ledger.begin_attempt(
                self.slot, self.run_id, now, self._decide(None, now), note=self.forced
            )
        except LedgerUnavailable as error:
            self.findings.append(f"whether it was fetched before could not be read: {error}")
            return self._decide(None, now)(None)
        for run_id in decision.abandoned:
            self.findings.append(f"{run_id} fell silent while it fetched and is called abandoned")
        if decision.action is not RetryAction.RUN:
            self.findings.append(f"not fetched: {said(decision)}")
        return decision

    def landed(self, made: FetchObject, at: datetime | None = None) -> Decision | None:
        """Decide what the content that has landed is, and write it down; None where the fetch
        failed, the ledger cannot be told, or an attempt of this slot or a later one counts. `at` is
        when it landed, now by default."""
        now = at or self.site.clock.now()
        try:
            if made.outcome is Outcome.FAILED:
                error = made.envelope().failure or "the fetch failed"
                self.site.ledger.attempt_failed(self.slot, self.run_id, now, error)
                return None
            content = self._content(made)
            decision = self.site.ledger.attempt_landed(
                self.slot,
                self.run_id,
                now,
                self._decide(content, now),
                functools.partial(
                    ending,
                    content=content,
                    records=made.account.received,
                    is_partial=made.outcome is Outcome.PARTIAL,
                ),
            )
        except LedgerUnavailable as error:
            self.findings.append(f"what came of the attempt could not be told: {error}")
            return None
        return decision

    def brought_nothing(self, error: str) -> None:
        """Write down that the attempt ended without landing anything."""
        try:
            self.site.ledger.attempt_failed(self.slot, self.run_id, self.site.clock.now(), error)
        except LedgerUnavailable as unavailable:
            self.findings.append(f"what came of the attempt could not be told: {unavailable}")

    def _decide(
        self, content: Content | None, now: datetime
    ) -> Callable[[Collection[PriorRun] | None], Decision]:
        expected, not_before = self._expects(now)
        return functools.partial(
            decide,
            content=content,
            expected=expected,
            not_before=not_before,
            forced=self.forced,
            is_idempotent=True,
            now=now,
        )

    def _expects(self, now: datetime) -> tuple[Expected, datetime | None]:
        try:
            told = self._calendar(now)
            return self.refetch.expects(self.slot.day, now, *told)
        except CalendarUnknown as error:
            self._remark(f"whether data can exist is not known: {error}")
            return Expected.UNKNOWN, None
        except Exception as error:  # Whatever it is, it may not cost this slot its fetch.
            self._remark(f"whether data can exist is not known: {describe(error)}")
            return Expected.UNKNOWN, None

    def _calendar(self, now: datetime) -> tuple[Sequence[Any], ...]:
        """Return the third argument of `expects`: the calendar's records, in a tuple of one. The
        tuple is empty where there is no calendar. Raises CalendarUnknown."""
        calendar = self.refetch.calendar
        return () if calendar is None else (calendar_records(self.site, calendar, now),)

    def _content(self, made: FetchObject) -> Content | None:
        try:
            return self.refetch.content(made.envelope())
        except Exception as error:  # Whatever it is, what was fetched has landed.
            self._remark(f"what was fetched cannot be compared: {describe(error)}")
            return None

    def _remark(self, said: str) -> None:
        self.findings.append(said)
        self.remarks.append(said)


def alarming(attempts: Collection[AttemptRow]) -> list[AttemptRow]:
    """Return those of a key's attempts, which are in their sequence, that somebody has to look at:
    the newest fetch, where it brought less than had landed, and the newest decision that holds the
    key since nothing comes of it."""
    fetched = [row for row in attempts if row.content_hash is not None]
    found = [row for row in fetched[-1:] if row.reason is RetryReason.SHRINKING_CONTENT]
    return found + _capped(attempts)


def _capped(attempts: Collection[AttemptRow]) -> list[AttemptRow]:
    """The newest hold by the cap, until data come or none are expected any more. Attempts that its
    window lets through and that bring nothing do not end it, or each day would have an alarm of its
    own."""
    for row in reversed(list(attempts)):
        if row.reason is RetryReason.RETRY_CAP:
            return [row]
        if row.as_prior.has_data or row.reason in _ENDS_A_CAP:
            return []
    return []


_ENDS_A_CAP = (
    RetryReason.IDENTICAL_CONTENT,
    RetryReason.SHRINKING_CONTENT,
    RetryReason.NOT_YET,
)


def said(decision: Decision) -> str:
    """Return a decision in words, with its reason and what follows from it."""
    parts = [f"{decision.action}, {decision.reason}"]
    if decision.until is not None:
        parts.append(f"until {utc_text(decision.until)}")
    if decision.blocked_by is not None:
        parts.append(f"by {decision.blocked_by}")
    return " ".join(parts)
