"""Alerts about verdicts and about matches, and what of them could not be delivered."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from msgspec import structs
from rich.console import Console
from rich.markup import escape

from operations.arguments import said_clearly
from operations.errors import BAD, UNKNOWN
from operations.match_alerts import match_alert_as_json, match_alert_lines, read_match_alerts
from resources.ledger import Ledger
from touchline.accounting import Verdict
from touchline.alerting import Alert, AlertKey, Hush
from touchline.day import Day, utc_second_text, utc_text
from touchline.delivery import AlertDelivery, DeliveryState
from touchline.errors import Misuse
from touchline.notices import Notice, lasted, next_commands
from touchline.outcomes import State, Tally, tally_by_rule


@dataclass(frozen=True)
class Found:
    prefix: str
    alerts: list[Alert]
    notices: list[Notice]
    """Those that are not delivered, and all of a day that was asked for."""
    matches: list[AlertDelivery]
    """Alerts about matches: the same."""
    outcomes: Mapping[str, State] = field(default_factory=dict)
    """How they have turned out, by alert id, as far as that is known."""

    @property
    def tallies(self) -> dict[str, Tally]:
        """By rule, how its alerts among them have turned out."""
        return tally_by_rule((a.rule_id, self.outcomes.get(a.alert_id)) for a in self.matches)


def read(ledger: Ledger, day: Day | None, now: datetime) -> Found:
    """Raises LedgerUnavailable."""
    undelivered = ledger.notices(DeliveryState.PENDING, DeliveryState.FAILED, DeliveryState.KEPT)
    notices = undelivered if day is None else ledger.notices_of(day)
    matches = read_match_alerts(ledger, day, now)
    return Found(ledger.prefix, ledger.alerts(day), notices, matches)


def code_of(found: Found, now: datetime) -> int:
    """1 while something is bad that nobody has muted or acknowledged, or could not be delivered; 2
    while something could not be checked; else 0."""
    if any(notice.is_undelivered for notice in found.notices):
        return BAD
    if any(alert.is_alarming(now) for alert in found.matches):
        return BAD
    standing = [a for a in found.alerts if a.is_standing and a.hushed_until(now) == now]
    worst = Verdict.worst([Verdict.OK, *(alert.key.verdict for alert in standing)])
    return {Verdict.OK: 0, Verdict.BAD: BAD, Verdict.COULD_NOT_CHECK: UNKNOWN}[worst]


def as_json(found: Found) -> dict[str, Any]:
    return {
        "checks": [_alert_as_json(alert) for alert in found.alerts],
        "notices": [_plain(asdict(notice)) for notice in found.notices],
        "alerts": [
            match_alert_as_json(alert, found.outcomes.get(alert.alert_id))
            for alert in found.matches
        ],
        "tallies": {rule: structs.asdict(sums) for rule, sums in found.tallies.items()},
    }


def hush(
    ledger: Ledger,
    text: str,
    length: timedelta,
    why: str,
    how: Callable[[Alert, Hush, datetime], Alert],
    now: datetime,
) -> Alert:
    """Mute or acknowledge, and return the alert as it is then. Raises Misuse,
    LedgerUnavailable."""
    key = said_clearly(AlertKey.parse, text)
    if not why.strip():
        raise Misuse("--why is empty: say what is known, for whoever looks next")
    until = (now + length).replace(microsecond=0)
    after = ledger.hush(key, Hush(until, getpass.getuser(), why.strip()), how, now)
    return _known(key, after)


def unmute(ledger: Ledger, text: str, now: datetime) -> Alert:
    """Lift a mute, and return the alert as it is then. Raises Misuse, LedgerUnavailable."""
    key = said_clearly(AlertKey.parse, text)
    return _known(key, ledger.unmute(key, now))


def _known(key: AlertKey, alert: Alert | None) -> Alert:
    if alert is None:
        raise Misuse(f"there is no alert {key}: `touchline alerts --date {key.day}` shows all")
    return alert


def hushed_as_json(alert: Alert, now: datetime) -> dict[str, Any]:
    """The alert as `as_json` has it, and until when nothing is sent of it."""
    until = alert.hushed_until(now)
    return {"alert": _alert_as_json(alert), "silent_until": None if until == now else _plain(until)}


def hushed_text(alert: Alert, now: datetime) -> str:
    """What `mute` or `acknowledge` has done, in one line."""
    until = alert.hushed_until(now)
    if until == now:
        return "it is not open; what could not be delivered of it counts as seen"
    return f"nothing is sent until {utc_text(until)}: {_hushed(alert, now)}"


def unmuted_text(alert: Alert, now: datetime) -> str:
    """How an alert stands that is not muted, in one line."""
    until = alert.hushed_until(now)
    if until > now:
        return f"not muted any more; still acknowledged until {utc_text(until)}"
    return "not muted any more: what is still bad alerts again"


def show(found: Found, now: datetime, console: Console) -> None:
    """A line each, since a key is there to be copied."""
    lines = [line for alert in found.alerts for line in _lines(alert, now)]
    standing = [alert for alert in found.alerts if alert.is_standing]
    for day in sorted({alert.key.day for alert in standing}):
        causes = {alert.key.cause for alert in standing if alert.key.day == day}
        lines += [f"next: {command}" for command in next_commands(causes, day, found.prefix)]
    for notice in found.notices:
        error = f": {notice.last_error}" if notice.last_error else ""
        lines.append(
            f"{utc_second_text(notice.made_at)} {notice.state.said}: {notice.title}{error}"
        )
    for alert in found.matches:
        lines += match_alert_lines(alert, found.outcomes.get(alert.alert_id))
    for rule, sums in found.tallies.items():
        lines.append(f"{rule}: {sums.alerts} {'alert' if sums.alerts == 1 else 'alerts'}: {sums}")
    for line in lines or ["nothing is wrong. Alerts about matches: touchline alerts --date DAY"]:
        console.print(escape(line), soft_wrap=True, highlight=False)


def _lines(alert: Alert, now: datetime) -> list[str]:
    stood = lasted((alert.closed_at or now) - alert.opened_at)
    times = "once" if alert.count == 1 else f"{alert.count} times"
    said = f"{alert.key.verdict} {alert.key} {alert.state}, {stood}, seen {times}"
    hushed = _hushed(alert, now)
    return [said, f"  {hushed}"] if hushed else [said]


def _hushed(alert: Alert, now: datetime) -> str:
    said = []
    for what, hush in (("muted", alert.muted), ("acknowledged", alert.acknowledged)):
        if hush is not None and now < hush.until:
            said.append(f"{what} until {utc_text(hush.until)} by {hush.by}: {hush.why}")
    return "; ".join(said)


def _alert_as_json(alert: Alert) -> dict[str, Any]:
    key = {"key": str(alert.key), "feed": alert.key.feed, "verdict": str(alert.key.verdict)}
    columns = {name: value for name, value in asdict(alert).items() if name != "key"}
    return _plain({**key, **asdict(alert.key), **columns})


def _plain(value: Any) -> Any:
    """As JSON has it: days and times as text."""
    if isinstance(value, dict):
        # `asdict` takes a day apart, too.
        if set(value) == {"date"}:
            return str(value["date"])
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return utc_text(value) if isinstance(value, datetime) else value
