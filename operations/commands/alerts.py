"""Alerts about verdicts and about matches, and what of them could not be delivered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import typer
from msgspec import structs

from operations.arguments import Json, OptionalDay, Prefix
from operations.console import answer, progress
from operations.errors import BAD, EXIT_CODES
from operations.opened import opened_ledger, opened_store
from pipeline_assets.landed_alerts import states_of
from pipeline_assets.plans import PLANS
from resources.ledger import Ledger
from resources.site import Site
from touchline.accounting import Verdict
from touchline.alerting import Alert
from touchline.day import Day, utc_second_text, utc_text
from touchline.delivery import AlertDelivery, DeliveryState
from touchline.errors import Unavailable
from touchline.notices import Notice, lasted, next_commands
from touchline.outcomes import State, Tally, tally_by_rule
from touchline.plan import about, subject_of, subject_word
from touchline.stage import KIND, OUTCOME


def alerts(date: OptionalDay = None, prefix: Prefix = None, as_json: Json = False) -> None:
    """Show what checks alert about, and what could not be delivered of that and of alerts about
    matches; of a day, also what is over, and every match that was told of, with its outcome."""
    with opened_ledger(prefix) as ledger:
        now = datetime.now(UTC)
        found = _read(ledger, date, now)
    if found.matches:
        try:  # All else needs the ledger alone.
            with opened_store(prefix) as site:
                found = replace(found, outcomes=_outcomes(site, found.matches))
        except Unavailable as error:
            progress(f"how they turned out cannot be read: {error}")
    answer(_as_dict(found), _lines(found, now), as_json=as_json)
    raise typer.Exit(_code_of(found, now))


@dataclass(frozen=True)
class Found:
    prefix: str
    alerts: list[Alert]
    notices: list[Notice]
    """The notices that are not delivered; with a day, all notices of that day."""
    matches: list[AlertDelivery]
    """The match alerts that are not delivered; with a day, all of that day."""
    outcomes: Mapping[str, State] = field(default_factory=dict)
    """The outcome of each match alert by its id, where it is known."""

    @property
    def tallies(self) -> dict[str, Tally]:
        """Count the outcomes of the match alerts by rule."""
        return tally_by_rule((a.rule_id, self.outcomes.get(a.alert_id)) for a in self.matches)


def _read(ledger: Ledger, day: Day | None, now: datetime) -> Found:
    """All of a day; without one, what somebody should have heard of by now and has not. Raises
    LedgerUnavailable."""
    if day is not None:
        notices, matches = ledger.notices_of(day), ledger.match_alerts(day)
    else:
        waiting = (DeliveryState.PENDING, DeliveryState.FAILED, DeliveryState.KEPT)
        notices, matches = ledger.notices(*waiting), ledger.undelivered_alerts(now)
    return Found(ledger.prefix, ledger.alerts(day), notices, matches)


def _code_of(found: Found, now: datetime) -> int:
    """1 while something is bad that nobody has muted or acknowledged, or could not be delivered; 2
    while something could not be checked; else 0."""
    if any(notice.is_undelivered for notice in found.notices):
        return BAD
    if any(alert.is_alarming(now) for alert in found.matches):
        return BAD
    standing = [a for a in found.alerts if a.is_standing and a.hushed_until(now) == now]
    worst = Verdict.worst([Verdict.OK, *(alert.key.verdict for alert in standing)])
    return EXIT_CODES[worst]


def _as_dict(found: Found) -> dict[str, Any]:
    return {
        "checks": [alert_as_dict(alert) for alert in found.alerts],
        "notices": [_plain(asdict(notice)) for notice in found.notices],
        "alerts": [
            _match_alert_as_dict(alert, found.outcomes.get(alert.alert_id))
            for alert in found.matches
        ],
        "tallies": {rule: structs.asdict(sums) for rule, sums in found.tallies.items()},
    }


def _lines(found: Found, now: datetime) -> Iterator[str]:
    """A line each, since a key is there to be copied."""
    if not (found.alerts or found.notices or found.matches):
        yield "nothing is wrong. Alerts about matches: touchline alerts --date DAY"
    for alert in found.alerts:
        stood = lasted((alert.closed_at or now) - alert.opened_at)
        times = "once" if alert.count == 1 else f"{alert.count} times"
        yield f"{alert.key.verdict} {alert.key} {alert.state}, {stood}, seen {times}"
        if hushed := who_hushed(alert, now):
            yield f"  {hushed}"
    standing = [alert for alert in found.alerts if alert.is_standing]
    for day in sorted({alert.key.day for alert in standing}):
        causes = {alert.key.cause for alert in standing if alert.key.day == day}
        for command in next_commands(causes, day, found.prefix):
            yield f"next: {command}"
    for notice in found.notices:
        error = f": {notice.last_error}" if notice.last_error else ""
        yield f"{utc_second_text(notice.made_at)} {notice.state.said}: {notice.title}{error}"
    for alert in found.matches:
        yield from _match_alert_lines(alert, found.outcomes.get(alert.alert_id))
    for rule, sums in found.tallies.items():
        yield f"{rule}: {sums.alerts} {'alert' if sums.alerts == 1 else 'alerts'}: {sums}"


def who_hushed(alert: Alert, now: datetime) -> str:
    """Until when an alert is muted or acknowledged, by whom and why; empty where it is neither."""
    said = []
    for what, hush in (("muted", alert.muted), ("acknowledged", alert.acknowledged)):
        if hush is not None and now < hush.until:
            said.append(f"{what} until {utc_text(hush.until)} by {hush.by}: {hush.why}")
    return "; ".join(said)


def alert_as_dict(alert: Alert) -> dict[str, Any]:
    """The alert as scripts rely on it."""
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


def _outcomes(site: Site, alerts: Sequence[AlertDelivery]) -> dict[str, State]:
    """Return the outcome of each alert by its id, without alerts that have none yet.

    Raises StoreError, LedgerUnavailable."""
    outcomes: dict[str, State] = {}
    for feed, day in sorted({(alert.feed, alert.day) for alert in alerts}):
        for stage in site.stages.values():
            if stage.feed != feed or stage.tags.get(KIND) != OUTCOME:
                continue
            states = states_of(site, stage, day)
            for alert in alerts:
                if states is not None and (alert.feed, alert.day) == (feed, day):
                    outcomes[alert.alert_id] = states.get(alert.alert_id, State.PENDING)
    return outcomes


def _match_alert_as_dict(alert: AlertDelivery, outcome: State | None) -> dict[str, Any]:
    is_sent = alert.state is DeliveryState.SENT
    return {
        "alert_id": alert.alert_id,
        "rule_id": alert.rule_id,
        **about(subject_of(PLANS, alert.feed), alert.subject_id),
        "asset": alert.asset,
        "day": str(alert.day),
        "fetch_number": alert.number,
        "fired_fetch_id": alert.fetch_id,
        "fired_at_utc": utc_text(alert.fired_at),
        "message": alert.body,
        "outcome": outcome,
        "delivery": {
            "state": str(alert.state),
            "attempts": alert.tries,
            "target": alert.target,
            "last_error": alert.last_error,
            "sent_at_utc": utc_text(alert.ended_at) if is_sent and alert.ended_at else None,
            "next_try_utc": utc_text(alert.due_at) if alert.due_at else None,
        },
    }


def _match_alert_lines(alert: AlertDelivery, outcome: State | None) -> Iterator[str]:
    word = subject_word(subject_of(PLANS, alert.feed))
    said = f"{utc_text(alert.fired_at)} {alert.body} ({word} {alert.subject_id})"
    turned_out = f"; outcome: {outcome}" if outcome else ""
    yield f"{said}; {alert.state.said}{turned_out}"
    if alert.state is not DeliveryState.SENT and alert.last_error:
        tries = "once" if alert.tries == 1 else f"{alert.tries} times"
        yield f"  tried {tries}: {alert.last_error}"
