"""What a notice about checks says."""

from __future__ import annotations

import shlex
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any

from touchline.accounting import Verdict
from touchline.alerting import SILENT, UNPLACED, Alert, AlertState
from touchline.day import Day, utc_text
from touchline.delivery import Message

SHOWN = 12
"""Assets, or fetches, that a line names."""

SEEN_BY_REPAIR = frozenset(
    {"real_loss", "tracking_error", "overwritten", "damaged", "count_differs", "digest_differs"}
    | {"not_conserved", "not_landed", "other_fetch", "no_fate"}
)
"""Causes of which `touchline losses` says what they are and whether they can be put right."""
_NEXT = "next: "
_MORE = "more: touchline alerts"
FEED_FAILS = "feed_fails"
"""The cause that `touchline doctor` asks the vendor about."""


@dataclass(frozen=True, kw_only=True)
class Notice(Message):
    """A message about alerts of one feed and day."""

    about: list[str]
    """The keys of the alerts, as text."""

    @property
    def facts(self) -> dict[str, Any]:
        return super().facts | {"alerts": self.about}


def title(group: Sequence[Alert]) -> str:
    """Of the alerts of one feed and day."""
    standing = [alert for alert in group if alert.is_standing]
    counted = [
        (len([a for a in standing if a.key.verdict is Verdict.BAD]), "BAD"),
        (len([a for a in standing if a.key.verdict is not Verdict.BAD]), "could not be checked"),
        (len(group) - len(standing), "over"),
    ]
    said = ", ".join(f"{count} {what}" for count, what in counted if count)
    first = group[0].key
    return f"Touchline {first.feed} {first.day}: {said}"


def body(group: Sequence[Alert], prefix: str) -> str:
    """A paragraph for each cause, the worst first, with the assets it was found in; then what to
    run next."""
    ordered = sorted(group, key=_paragraph_of)
    paragraphs = [_paragraph([*alerts]) for _, alerts in groupby(ordered, key=_paragraph_of)]
    causes = {alert.key.cause for alert in group if alert.is_standing}
    commands = "\n".join(
        f"{_NEXT}{command}" for command in next_commands(causes, group[0].key.day, prefix)
    )
    return "\n\n".join([*paragraphs, commands] if commands else paragraphs)


def shortened(body: str, fits: Callable[[str], bool]) -> str:
    """Return the body if it fits, else as much of its beginning as does, and how to see the rest.

    Whole causes are kept, and the last line counts those that are left out. A first cause that does
    not fit is cut behind a line of it, or else within the first one, with `…` at the cut. A text
    must not fit where a shorter one does not. Where none fits, the shortest one is returned.
    """
    if fits(body):
        return body
    causes = body.split("\n\n")
    if len(causes) > 1 and causes[-1].startswith(_NEXT):
        causes.pop()

    def whole(count: int) -> str:
        return "\n\n".join([*causes[:count], _rest(len(causes) - count)])

    if count := _most(len(causes), whole, fits):
        return whole(count)
    lines = causes[0].split("\n")

    def of_lines(count: int) -> str:
        return "\n".join([*lines[:count], "…", _rest(len(causes) - 1)])

    if count := _most(len(lines) - 1, of_lines, fits):
        return of_lines(count)

    def of_characters(count: int) -> str:
        return f"{lines[0][:count].rstrip()}…\n{_rest(len(causes) - 1)}"

    return of_characters(_most(len(lines[0]), of_characters, fits))


def _rest(count: int) -> str:
    return f"and {count} {_MORE}" if count else _MORE


def _most(limit: int, text: Callable[[int], str], fits: Callable[[str], bool]) -> int:
    """The highest number up to the limit whose text fits; 0 for none."""
    return bisect_left(range(1, limit + 1), True, key=lambda count: not fits(text(count)))


def next_commands(causes: set[str], day: Day, prefix: str) -> list[str]:
    """What a person runs to see more of these causes."""
    of_prefix = f" --prefix {shlex.quote(prefix)}" if prefix else ""
    commands = []
    if causes & SEEN_BY_REPAIR:
        commands.append(f"touchline losses --from {day} --to {day}{of_prefix}")
    if causes - SEEN_BY_REPAIR - {SILENT, UNPLACED}:
        commands.append(f"touchline verify --date {day}{of_prefix}")
    if FEED_FAILS in causes:
        commands.append("touchline doctor")
    if UNPLACED in causes:
        commands.append(f"touchline verify --all{of_prefix}")
    if SILENT in causes:
        commands.append(f"touchline ledger runs{of_prefix}")
    return commands


def _paragraph_of(alert: Alert) -> tuple[bool, Verdict, str, str]:
    # A silence is one thing, whichever checks it takes along.
    check = "" if alert.key.cause == SILENT else alert.key.check
    return alert.state is AlertState.OVER, alert.key.verdict, alert.key.cause, check


def _paragraph(alerts: Sequence[Alert]) -> str:
    first = alerts[0]
    is_over, is_silent = first.state is AlertState.OVER, first.key.cause == SILENT
    checks = dict.fromkeys(alert.key.check for alert in alerts)
    check = f"{len(checks)} checks" if len(checks) > 1 else first.key.check
    assets = dict.fromkeys(_last(alert.key.asset) for alert in alerts)
    verdict = "over" if is_over else str(first.key.verdict)
    lines = [f"{verdict}: {first.key.cause}, {check}: {_few([*assets])}"]
    if not (is_over or is_silent):
        lines += [line for alert in alerts[:SHOWN] if (line := _numbers(alert))]
    return "\n".join([*lines, _stood(alerts, is_over)])


def _numbers(alert: Alert) -> str:
    said = [
        f"{name} {count}"
        for name, count in (("recorded", alert.recorded), ("landed", alert.landed))
        if count is not None
    ]
    if alert.fetches:
        said.append(f"fetches {_few([str(number) for number in alert.fetches])}")
    return f"{_last(alert.key.asset)}: {', '.join(said)}" if said else ""


def _last(asset: str) -> str:
    return asset.partition("/")[2]


def _stood(alerts: Sequence[Alert], is_over: bool) -> str:
    opened = min(alert.opened_at for alert in alerts)
    count, suppressed = (sum(getattr(a, n) for a in alerts) for n in ("count", "suppressed"))
    evaluations = f"{count} evaluations" if count != 1 else "1 evaluation"
    if suppressed:
        evaluations += f", {suppressed} of them not told before"
    if not is_over:
        return f"since {utc_text(opened.replace(microsecond=0))}, {evaluations}"
    closed = max(alert.closed_at or alert.seen_at for alert in alerts)
    return f"lasted {lasted(closed - opened)}, {evaluations}"


def lasted(duration: timedelta) -> str:
    """In words, to the minute, or the second for less than a minute."""
    seconds = int(duration.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _few(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
