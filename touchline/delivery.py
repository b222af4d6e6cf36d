"""Messages on their way to people: when their delivery is tried, where, and how it stands.

Notices about checks and alerts about matches take the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

import msgspec

from touchline.day import Day, FetchNumber, utc_text
from touchline.fetch import FetchRef
from touchline.stage import Stage

TRIES = 5
"""So often a target is tried before the next one is."""
GAPS = (30, 90, 180, 300)
"""Seconds between the tries: ten minutes in all."""
LATE = timedelta(minutes=10)
"""An alert about a match that is so old at its first try is news to nobody."""
OVERDUE = timedelta(minutes=2)
"""What is due is tried by its run, or by a sensor within seconds: after this, by nobody."""
FAILURE_SHOWN = timedelta(days=1)
"""So long an alert that could not be delivered calls for somebody."""
ALERT_CHARACTERS = 600
"""Names come from the vendor. So much fits into one message of every chat channel, also when each
character of it is escaped by six. A channel that takes less, such as SMS, gets less."""


class DeliveryState(StrEnum):
    PENDING = "pending"
    """For its first try, or for the next one."""
    SENT = "sent"
    FAILED = "failed"
    """Every target had its tries."""
    SEEN = "seen"
    """Failed, and acknowledged by a person."""
    KEPT = "kept"
    """There is nowhere to send it to."""
    LATE = "late"
    """Too old at its first try, and not sent."""
    UNKNOWN = "delivery_unknown"
    """Made anew from the past: nobody knows whether it was sent then."""

    @property
    def said(self) -> str:
        """How people are told of it."""
        return _SAID[self]


_SAID = {
    DeliveryState.PENDING: "to be sent",
    DeliveryState.SENT: "sent",
    DeliveryState.FAILED: "not delivered",
    DeliveryState.SEEN: "not delivered, acknowledged",
    DeliveryState.KEPT: "not sent: no notification target for it",
    DeliveryState.LATE: "not sent: too late by then",
    DeliveryState.UNKNOWN: "made again later and not sent; perhaps sent before",
}


def clipped(text: str, characters: int) -> str:
    """The text, cut with `…` to so many characters at most."""
    return text if len(text) <= characters else f"{text[: characters - 1].rstrip()}…"


def next_try(failed: int, at: datetime, targets: int) -> datetime | None:
    """When to try again after so many failures, the last of them at this time; None when every
    target has had its tries."""
    if failed >= TRIES * targets:
        return None
    tries = failed % TRIES
    return at if tries == 0 else at + timedelta(seconds=GAPS[tries - 1])


def target_of(failed: int) -> int:
    """The index of the target that is tried after so many failures."""
    return failed // TRIES


@dataclass(frozen=True, kw_only=True)
class Message:
    """What somebody is to be told of one feed and day, in plain text, and how that stands."""

    sequence: int
    feed: str
    day: Day
    title: str
    body: str
    made_at: datetime
    state: DeliveryState
    attempts: int
    """Those that failed."""
    due_at: datetime | None
    """When its delivery is tried next. Whoever tries it moves this on first, so that no other one
    does; should he die, it is due again then."""
    last_error: str | None
    ended_at: datetime | None

    @property
    def facts(self) -> dict[str, Any]:
        """What a machine reads instead of the text, as JSON values."""
        return {"feed": self.feed, "date": str(self.day)}

    @property
    def is_undelivered(self) -> bool:
        """Whether somebody should have been told by now and was not."""
        return self.state is DeliveryState.FAILED or (
            self.state is DeliveryState.PENDING and self.attempts > 0
        )

    @property
    def target(self) -> int | None:
        """The target that was tried last, the first of them 1; None before any was."""
        if self.state is DeliveryState.SENT:
            return target_of(self.attempts) + 1
        return target_of(self.attempts - 1) + 1 if self.attempts else None

    @property
    def tries(self) -> int:
        """How often it was tried, also when that worked."""
        return self.attempts + (self.state is DeliveryState.SENT)

    def unsent(self, now: datetime, targets: int) -> Self | None:
        """What becomes of it when it is not to be tried at all; None when it is."""
        is_kept = targets == 0 and self.attempts == 0
        return self.ended(DeliveryState.KEPT, now) if is_kept else None

    def ended(self, state: DeliveryState, at: datetime) -> Self:
        return replace(self, state=state, due_at=None, ended_at=at)

    def refused(self, error: str, targets: int, at: datetime) -> Self:
        """After a try that failed: due again, or failed."""
        attempts = self.attempts + 1
        again = next_try(attempts, at, targets)
        after = replace(self, attempts=attempts, last_error=error, due_at=again)
        return after if again else after.ended(DeliveryState.FAILED, at)


class MatchAlert(msgspec.Struct, frozen=True):
    """A rule that fired for a subject, such as a match, seen in this fetch of the rule's asset.
    There is one of each rule and subject, whichever fetch shows it first."""

    asset: str
    ref: FetchRef
    rule_id: str
    subject_id: str = msgspec.field(name="match_id")
    """Whatever the feed: what is held in a file has the name that it always had."""
    message: str
    is_news: bool
    """Whether it was seen live. One that is made anew may have been sent long ago."""
    is_lasting: bool = False
    """Whether it is news however late, such as that somebody has to look at something."""

    @property
    def title(self) -> str:
        return f"Touchline {self.ref.feed}: {self.rule_id}"

    @property
    def text(self) -> str:
        """As it is sent: one line, so that no name passes for more, and not too long."""
        return clipped(" ".join(self.message.split()), ALERT_CHARACTERS)


def match_alerts(
    stage: Stage[Any], ref: FetchRef, records: Sequence[Any], subject: str, *, is_news: bool
) -> list[MatchAlert]:
    """What people are to be told of one fetch's records of this stage, by the member `subject` of
    its alerts."""
    return [
        MatchAlert(
            stage.name,
            ref,
            each.rule_id,
            each.subject_id,
            each.message,
            is_news,
            is_lasting=not stage.makes_alerts,
        )
        for each in stage.tellings(records, subject)
    ]


@dataclass(frozen=True, kw_only=True)
class AlertDelivery(Message):
    """An alert about a subject, such as a match, on its way."""

    asset: str
    number: FetchNumber
    fetch_id: str
    rule_id: str
    subject_id: str
    fired_at: datetime
    """The scheduled minute of the fetch that showed it; of what is news however late, when it was
    put into the outbox."""

    @property
    def alert_id(self) -> str:
        return f"{self.rule_id}_{self.subject_id}"

    @property
    def facts(self) -> dict[str, Any]:
        return super().facts | {
            "fetch_number": self.number,
            "asset": self.asset,
            "rule_id": self.rule_id,
            "subject_id": self.subject_id,
            "fired_at": utc_text(self.fired_at),
        }

    def unsent(self, now: datetime, targets: int) -> Self | None:
        if self.attempts == 0 and now - self.fired_at >= LATE:
            return self.ended(DeliveryState.LATE, now)
        return super().unsent(now, targets)

    def is_alarming(self, now: datetime) -> bool:
        """Whether it should have reached somebody and did not, or nobody even tries."""
        if self.state is DeliveryState.FAILED:
            return self.ended_at is None or now < self.ended_at + FAILURE_SHOWN
        waits = self.due_at is not None and now - self.due_at > OVERDUE
        return self.state is DeliveryState.PENDING and (waits or self.attempts > 0)
