"""Which verdicts somebody is told of, when, and how often: what becomes of checks' evaluations.

An alert is one cause of one check of one asset on one day. It is told once when it opens, counted
while it stands, and told once more when it is over. The text of a message, ids and times never
tell alerts apart: one fault with a number in its text once sent more than 600 mails in 14 hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from touchline.accounting import Verdict
from touchline.day import Day

BLIND = "unchecked"
"""The cause of a check that could not look."""
SILENT = "verdict_outdated"
"""The cause of a check that has said nothing for too long."""
UNPLACED = "no_partition"
"""The cause of a check that said something of no day: nobody knows what it has judged."""
BLIND_IN_A_ROW = 3
"""A check that finds the ledger changing under it looks again a minute later, and sees."""

ROUND = timedelta(seconds=15)
"""The checks of one round report within this time, and are told together."""
STANDS = timedelta(minutes=2)
"""So long everything has to be good until an alert is called over: one that comes back meanwhile
was never gone."""
QUIET = timedelta(minutes=15)
"""One that comes back after that is told again so long after the last word about it at the
earliest."""
REMIND = timedelta(days=1)
"""What is still bad is told again so often."""


class AlertState(StrEnum):
    SUSPECTED = "suspected"
    """Could not be checked, not often enough in a row to tell anybody."""
    OPEN = "open"
    OVER = "over"
    """Good again, which is still to be told."""
    CLOSED = "closed"


@dataclass(frozen=True, order=True)
class AlertKey:
    """What one alert is about. Its text is `check:asset:day:cause`."""

    check: str
    asset: str
    day: Day
    cause: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """From the text of a key as it was copied: broken over lines where it was shown, in quotes,
        with the verdict before it, with the mark that stood behind it. Raises ValueError for
        anything else."""
        parts = _copied(text).split(":")
        if len(parts) != 4 or not all(parts):
            raise ValueError(
                f"{text!r} is no alert's key; write it as `touchline alerts` shows it, "
                "like landed_matches_claimed:football/merged:2025-05-28:real_loss"
            )
        return cls(parts[0], parts[1], Day.parse(parts[2]), parts[3])

    @property
    def feed(self) -> str:
        return self.asset.partition("/")[0]

    @property
    def verdict(self) -> Verdict:
        """What the cause makes of a verdict."""
        return Verdict.COULD_NOT_CHECK if self.cause in (BLIND, SILENT, UNPLACED) else Verdict.BAD

    def __str__(self) -> str:
        return f"{self.check}:{self.asset}:{self.day}:{self.cause}"


_QUOTES = "\"'`\u2018\u2019\u201c\u201d"


def _copied(text: str) -> str:
    """Without what a key has none of: white space, quotation marks, a verdict, punctuation."""
    words = text.strip(f"{_QUOTES} ").split()
    if words and words[0] in [*Verdict]:
        words = words[1:]
    return "".join(words).strip(f"{_QUOTES}:,;.")


@dataclass(frozen=True)
class Evaluation:
    """What one check said of one asset and day at one time. `causes` are the kinds of what it
    found, each once; `recorded` and `landed` count records, `fetches` are fetch numbers."""

    check: str
    asset: str
    day: Day
    at: datetime
    causes: tuple[str, ...] = ()
    recorded: int | None = None
    landed: int | None = None
    fetches: tuple[int, ...] = ()

    @property
    def verdict(self) -> Verdict:
        verdicts = [
            AlertKey(self.check, self.asset, self.day, cause).verdict for cause in self.causes
        ]
        return Verdict.worst([Verdict.OK, *verdicts])


@dataclass(frozen=True)
class Hush:
    """Until when nothing is sent of an alert, who said so, and why."""

    until: datetime
    by: str
    why: str


@dataclass(frozen=True)
class Alert:
    """Where one alert stands. Times are aware; a closed alert that comes back is opened anew."""

    key: AlertKey
    state: AlertState
    opened_at: datetime
    seen_at: datetime
    """When the newest evaluation was made that changed it."""
    count: int
    """Failing evaluations since it opened."""
    suppressed: int
    """Those of them that nobody was told of, since the last notice."""
    due_at: datetime | None
    """When something is to be told; None while nothing is."""
    is_told: bool = False
    """Whether a notice said that it is open."""
    told_at: datetime | None = None
    """When the last notice about it was made, of this time or an earlier one."""
    closed_at: datetime | None = None
    recorded: int | None = None
    landed: int | None = None
    fetches: tuple[int, ...] = ()
    muted: Hush | None = None
    """Nothing is sent, whatever happens to it."""
    acknowledged: Hush | None = None
    """Nothing is sent until it is over, which is told."""

    def is_muted(self, at: datetime) -> bool:
        return self.muted is not None and at < self.muted.until

    def hushed_until(self, at: datetime) -> datetime:
        """From when on something may be sent that is not sent at this time."""
        ends = [hush.until for hush in (self.muted, self.acknowledged) if hush is not None]
        return max([at, *ends])

    @property
    def is_standing(self) -> bool:
        return self.state is AlertState.OPEN


def judged(alerts: Iterable[Alert], said: Evaluation) -> list[Alert]:
    """What the evaluation changes; `alerts` are those of its check, asset and day.

    An evaluation that is no newer than what an alert has seen changes nothing of it, so that the
    same ones may be read twice. A check that could see only half closes nothing.
    """
    known = {alert.key.cause: alert for alert in alerts}
    after = {
        cause: _failing(known.get(cause), AlertKey(said.check, said.asset, said.day, cause), said)
        for cause in said.causes
    }
    for cause, alert in known.items():
        if cause not in after and _ends(alert, said):
            after[cause] = _good(alert, said.at)
    return [alert for cause, alert in after.items() if alert != known.get(cause)]


def _ends(alert: Alert, said: Evaluation) -> bool:
    """Whether an evaluation that does not find this cause says that it is over."""
    if UNPLACED in said.causes:
        return False
    if alert.key.cause == UNPLACED:
        # The next minute's evaluation is good, and may come before anybody was told.
        return alert.is_told
    return alert.key.cause == SILENT or BLIND not in said.causes


def silenced(
    alerts: Iterable[Alert], silent_since: Mapping[tuple[str, str, Day], datetime], now: datetime
) -> list[Alert]:
    """What silence changes; `alerts` are all that say SILENT, and `silent_since` has, by check,
    asset and day, since when a check that should speak does not. One that need not speak any more,
    as when its day was sealed, is over."""
    known = {(alert.key.check, alert.key.asset, alert.key.day): alert for alert in alerts}
    after = [
        _good(alert, now)
        for what, alert in known.items()
        if what not in silent_since and alert.state is AlertState.OPEN
    ]
    for (check, asset, day), since in silent_since.items():
        alert = known.get((check, asset, day))
        if alert is None or alert.state is not AlertState.OPEN:
            said = Evaluation(check, asset, day, now)
            opened = _failing(alert, AlertKey(check, asset, day, SILENT), said)
            if alert is None or alert.state is AlertState.CLOSED:
                opened = replace(opened, opened_at=since)
            after.append(opened)
    return [alert for alert in after if alert not in known.values()]


def _failing(alert: Alert | None, key: AlertKey, said: Evaluation) -> Alert:
    if alert is not None and said.at <= alert.seen_at:
        return alert
    seen = {"recorded": said.recorded, "landed": said.landed, "fetches": said.fetches}
    if alert is None or alert.state is AlertState.CLOSED:
        return _opened(alert, key, said.at, seen)
    alert = replace(
        alert, seen_at=said.at, count=alert.count + 1, suppressed=alert.suppressed + 1, **seen
    )
    if alert.state is AlertState.SUSPECTED and alert.count >= BLIND_IN_A_ROW:
        return replace(alert, state=AlertState.OPEN, due_at=_first_due(alert, said.at))
    if alert.state is AlertState.OVER:
        due = alert.hushed_until((alert.told_at or said.at) + REMIND)
        return replace(alert, state=AlertState.OPEN, closed_at=None, due_at=due)
    return alert


def _opened(before: Alert | None, key: AlertKey, at: datetime, seen: dict[str, Any]) -> Alert:
    is_blind = key.cause == BLIND
    alert = Alert(
        key,
        AlertState.SUSPECTED if is_blind else AlertState.OPEN,
        opened_at=at,
        seen_at=at,
        count=1,
        suppressed=0,
        due_at=None,
        told_at=before.told_at if before else None,
        muted=before.muted if before else None,
        **seen,
    )
    return alert if is_blind else replace(alert, due_at=_first_due(alert, at))


def _first_due(alert: Alert, at: datetime) -> datetime:
    due = at + ROUND
    if alert.told_at is not None:
        due = max(due, alert.told_at + QUIET)
    return alert.hushed_until(due)


def _good(alert: Alert, at: datetime) -> Alert:
    if at <= alert.seen_at or alert.state in (AlertState.OVER, AlertState.CLOSED):
        return alert
    is_to_be_told = alert.is_told and not alert.is_muted(at)
    return replace(
        alert,
        state=AlertState.OVER if is_to_be_told else AlertState.CLOSED,
        seen_at=at,
        closed_at=at,
        due_at=at + STANDS if is_to_be_told else None,
    )


def told(alert: Alert, now: datetime) -> Alert:
    """After a notice that says how it stands."""
    if alert.state is AlertState.OVER:
        return replace(alert, state=AlertState.CLOSED, suppressed=0, told_at=now, due_at=None)
    return replace(alert, is_told=True, suppressed=0, told_at=now, due_at=now + REMIND)


def muted(alert: Alert, hush: Hush, now: datetime) -> Alert:
    """What is still bad when the mute ends alerts again."""
    if alert.state is AlertState.OVER:
        return replace(alert, state=AlertState.CLOSED, muted=hush, due_at=None)
    if alert.state is AlertState.OPEN:
        return replace(alert, muted=hush, due_at=replace(alert, muted=hush).hushed_until(now))
    return replace(alert, muted=hush)


def unmuted(alert: Alert, now: datetime) -> Alert:
    """As when its mute ends: what is still bad alerts again, unless it is acknowledged. One that is
    not muted stays as it is."""
    if not alert.is_muted(now):
        return alert
    alert = replace(alert, muted=None)
    if alert.state is AlertState.OPEN:
        return replace(alert, due_at=alert.hushed_until(now))
    return alert


def acknowledged(alert: Alert, hush: Hush, now: datetime) -> Alert:
    """Of an alert that is open; any other stays as it is."""
    if alert.state is not AlertState.OPEN:
        return alert
    alert = replace(alert, acknowledged=hush)
    return replace(alert, due_at=alert.hushed_until(now))


def due(alerts: Iterable[Alert], now: datetime) -> list[list[Alert]]:
    """What is to be told now: one group a feed and day. What would be due within a round goes
    along, so that a fault that runs through all assets is one message."""
    groups: dict[tuple[Day, str], list[Alert]] = {}
    for alert in sorted(alerts, key=lambda alert: alert.key):
        if alert.due_at is not None and alert.due_at <= now + ROUND:
            groups.setdefault((alert.key.day, alert.key.feed), []).append(alert)
    return [
        group
        for _, group in sorted(groups.items())
        if any(alert.due_at is not None and alert.due_at <= now for alert in group)
    ]
