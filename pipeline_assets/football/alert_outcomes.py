"""What became of every alert: won, lost, void, or why that is not known yet.

The live list shows a match for a while after its end, and may lose it before. What has left the
list is asked for by its id; the answer stands in the fetch like any other, so that outcomes depend
on landed fetches alone and can be made again from them.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import chain
from typing import Annotated, Any

import msgspec

from pipeline_assets.football.alerts.rules import Alert, Rule
from pipeline_assets.football.alerts.settling import Settled, Sighting, is_end, sighted
from pipeline_assets.football.documents import records_document
from pipeline_assets.football.match_looks import Look, Source, looks_at
from pipeline_assets.football.wire.codes import IN_PLAY, NOT_STARTED
from pipeline_assets.football.wire.fetched import PartMissing
from pipeline_assets.football.wire.fields import Malformed, Noticed, Unread
from touchline.day import ONE_MINUTE, new_york_text
from touchline.fetch import Envelope, FetchRef
from touchline.outcomes import State
from touchline.slot import Slot
from touchline.stage import KIND, OUTCOME, Finding, Stage, Staged, Telling

Meta = msgspec.Meta

ENDS_WITHIN = timedelta(minutes=65)
"""When a match is over that is at half-time: the break, the second half, stoppage."""
POLLED_OFTEN = timedelta(hours=3)
"""How long after that a match is asked for every five minutes; then every hour."""
OFTEN, SELDOM = timedelta(minutes=5), timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(hours=48)
"""An alert is followed so long, and no longer: it never stays pending for ever."""
MOST_ASKED = 20
"""How many matches one fetch asks for beside those of the live list; the others come next."""


class Waits(StrEnum):
    """Why an alert is still pending."""

    IN_PLAY = "in_play"
    TO_BE_CONFIRMED = "to_be_confirmed"
    """The end was seen once."""
    HELD_UP = "held_up"
    """Delayed, interrupted, to be determined or abnormal."""
    NO_ANSWER = "no_answer"
    """Neither the live list nor the answer to its id says how it stands, or a goal of its end."""


NO_END = "no_end_in_48_hours"
NO_SUCH_RULE = "no_such_rule"
TO_DO = {
    NO_END: "no end was seen in 48 hours: look up how it ended",
    NO_SUCH_RULE: "its rule is gone: put the file back, or settle it by hand",
}
"""What people are told of an alert without an outcome, by the reason."""


class OutcomeReason(StrEnum):
    """Why an alert that is followed is no record of this fetch."""

    UNCHANGED = "unchanged"


class AlertOutcome(msgspec.Struct, frozen=True):
    """An alert whose outcome, or the reason why it has none yet, is another than before.

    Status and goals are those of the last look once the outcome is known, and null until then; a
    goal that cannot be read stays null.
    """

    alert_id: str
    match_id: str
    rule_id: str
    state: State
    reason: Annotated[str, Meta(description="why it has this state, or is still pending")]
    final_status_id: int | None
    final_home: Annotated[int | None, Meta(description="regular time, stoppage included")]
    final_away: Annotated[int | None, Meta(description="regular time, stoppage included")]
    ht_home: Annotated[int | None, Meta(description="at half-time, as the vendor has it now")]
    ht_away: Annotated[int | None, Meta(description="at half-time, as the vendor has it now")]
    goals_after_half_time: int | None
    decided_from: Annotated[str | None, Meta(description="live_list or recent_list")]
    decided_at_utc: datetime | None
    last_checked_utc: Annotated[datetime | None, Meta(description="last look that was answered")]
    next_check_utc: datetime | None
    checks: Annotated[int, Meta(description="looks that were answered")]
    message: Annotated[
        str | None, Meta(description="what people are told of one that is UNRESOLVED, plain text")
    ] = None


class OpenAlert(msgspec.Struct, frozen=True):
    """An alert that is followed. Times are Unix s; `facts` is the rule's own JSON."""

    rule_id: str
    match_id: str
    facts: str
    fired: int
    next_check: int
    listed: bool = True
    waits: Waits = Waits.IN_PLAY
    checks: int = 0
    last_check: int | None = None
    source: Source | None = None
    seen: Sighting | None = None
    teams: str = ""
    """For people; empty in what was carried before they were kept."""


class OpenAlerts(msgspec.Struct, frozen=True):
    """The alerts that have no outcome yet, by alert id."""

    alerts: dict[str, OpenAlert]


def follow(
    fetch: FetchRef,
    raw: Envelope,
    *fired: Sequence[Alert],
    carried: OpenAlerts | None,
    rules: Mapping[str, Rule[Any]],
) -> Staged[AlertOutcome]:
    """Look at the match of every alert that has no outcome yet.

    `received` counts these alerts, those of this fetch included. One is a record when its state or
    the reason for it changes, else it is dropped as unchanged. An error over one of them, as in a
    rule, sets it aside in this fetch, and it is looked at again in the next.
    """
    staged = Staged[AlertOutcome]()
    known = carried.alerts if carried else {}
    open_alerts = dict(known)
    for alert in chain(*fired):
        open_alerts.setdefault(alert.alert_id, _opened(alert))
    still = dict(open_alerts)
    staged.carried = OpenAlerts(still)
    looks: dict[str, Look] = {}
    noticed = Noticed()
    try:
        if open_alerts:
            matches = {alert.match_id for alert in open_alerts.values()}
            looks = looks_at(fetch, raw, matches, noticed)
    except (PartMissing, Malformed) as error:
        staged.findings.append(Finding("no_live_list", None, str(error)))
    now = int(fetch.at.timestamp())
    for alert_id, before in open_alerts.items():
        with staged.one_record(alert_id, before):
            after = _looked(before, looks.get(before.match_id), now)
            still[alert_id] = after
            settled = _settled(after, rules.get(after.rule_id), now)
            if settled is not None:
                del still[alert_id]
                if settled.state is State.UNRESOLVED:
                    staged.findings.append(Finding("unresolved_alert", alert_id, settled.reason))
            elif alert_id in known and after.waits is before.waits:
                staged.drop(OutcomeReason.UNCHANGED, alert_id)
                continue
            staged.emit(_record(alert_id, after, settled, fetch.at))
    staged.findings.extend(noticed.findings())
    return staged


def wanted(carried: OpenAlerts, slot: Slot) -> list[str]:
    """The matches off the live list that it is time to ask for, the longest due first."""
    due = [
        alert
        for alert in carried.alerts.values()
        if not alert.listed and alert.next_check <= slot.at.timestamp()
    ]
    due.sort(key=lambda alert: alert.next_check)
    return list(dict.fromkeys(alert.match_id for alert in due))[:MOST_ASKED]


def _opened(alert: Alert) -> OpenAlert:
    fired = int(alert.fired_at_utc.timestamp())
    return OpenAlert(
        alert.rule_id,
        alert.match_id,
        bytes(alert.facts).decode(),
        fired,
        fired,
        teams=f"{alert.home_team or 'unknown'} vs {alert.away_team or 'unknown'}",
    )


def _looked(alert: OpenAlert, look: Look | None, now: int) -> OpenAlert:
    """The alert after a look at its match."""
    if look is None:
        return alert
    replace = functools.partial(msgspec.structs.replace, alert, listed=look.listed)
    if look.listed:
        next_check = now + _seconds(ONE_MINUTE)
    elif look.asked:
        often = now < alert.fired + _seconds(ENDS_WITHIN + POLLED_OFTEN)
        next_check = now + _seconds(OFTEN if often else SELDOM)
    else:
        return replace()  # Its time to be asked for has come, and the next fetch does it.
    if look.shown is None:
        return replace(waits=Waits.NO_ANSWER, next_check=next_check)
    status = look.shown.status_id
    seen = sighted(alert.seen, look.shown, look.at)
    if is_end(status) and not seen.result.is_part_of(look.shown):
        return replace(waits=Waits.NO_ANSWER, next_check=next_check)
    return replace(
        waits=_waits(status),
        next_check=next_check,
        checks=alert.checks + 1,
        last_check=look.at,
        source=look.source,
        seen=seen,
    )


def _waits(status: int) -> Waits:
    if is_end(status):
        return Waits.TO_BE_CONFIRMED
    return Waits.IN_PLAY if status in IN_PLAY or status == NOT_STARTED else Waits.HELD_UP


def _settled(alert: OpenAlert, rule: Rule[Any] | None, now: int) -> Settled | None:
    """None while it is pending. Raises what the rule raises."""
    if rule is None:
        return Settled(State.UNRESOLVED, NO_SUCH_RULE)
    if now - alert.fired >= _seconds(GIVEN_UP_AFTER):
        return Settled(State.UNRESOLVED, NO_END)
    if alert.seen is None or not alert.seen.is_believed(alert.last_check or 0):
        return None
    return rule.settled(rule.facts_of(alert.facts), alert.seen.result)


def _record(alert_id: str, alert: OpenAlert, settled: Settled | None, at: datetime) -> AlertOutcome:
    final = alert.seen.result if settled and alert.seen else None
    known = final and final.result
    return AlertOutcome(
        alert_id=alert_id,
        match_id=alert.match_id,
        rule_id=alert.rule_id,
        state=settled.state if settled else State.PENDING,
        reason=settled.reason if settled else alert.waits,
        final_status_id=final and final.status_id,
        final_home=final and final.home,
        final_away=final and final.away,
        ht_home=final and final.ht_home,
        ht_away=final and final.ht_away,
        goals_after_half_time=known and known.goals_after_half_time,
        decided_from=alert.source if settled else None,
        decided_at_utc=at if settled else None,
        last_checked_utc=_instant(alert.last_check),
        next_check_utc=None if settled else _instant(alert.next_check),
        checks=alert.checks,
        message=_message(alert, settled),
    )


def _message(alert: OpenAlert, settled: Settled | None) -> str | None:
    """One line, with names last, which are the vendor's and may be of any length."""
    if settled is None or settled.state is not State.UNRESOLVED:
        return None
    fired = new_york_text(datetime.fromtimestamp(alert.fired, UTC))
    parts = ("UNRESOLVED", alert.rule_id, f"match {alert.match_id}", f"alert of {fired}")
    return " / ".join(
        filter(None, (*parts, TO_DO.get(settled.reason, settled.reason), alert.teams))
    )


def _telling(outcome: AlertOutcome) -> Telling | None:
    """Under a name of its own: of its rule and match there was the alert."""
    if outcome.message is None:
        return None
    return Telling(f"{outcome.rule_id}_unresolved", outcome.match_id, outcome.message)


def _seconds(length: timedelta) -> int:
    return int(length.total_seconds())


def _instant(at: int | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)


def outcomes_stage(
    rules: Sequence[Rule[Any]], alerts: Sequence[Stage[Alert]]
) -> Stage[AlertOutcome]:
    """The stage that follows the alerts of these rules, which the stages `alerts` make."""
    by_id = {rule.rule_id: rule for rule in rules}

    def alert_outcomes(
        fetch: FetchRef, raw: Envelope, *fired: Sequence[Alert], carried: OpenAlerts | None
    ) -> Staged[AlertOutcome]:
        return follow(fetch, raw, *fired, carried=carried, rules=by_id)

    return Stage(
        name="football/alert_outcomes",
        inputs=("football/raw_fetches", *(stage.name for stage in alerts)),
        makes=AlertOutcome,
        by=alert_outcomes,
        key=lambda outcome: outcome.alert_id,
        reasons=OutcomeReason,
        counts="alerts without an outcome before this fetch",
        doc=(
            "How every alert has turned out, and until then why that is not known: a record for "
            "each change. A match that has left the live list is asked for by its id; an outcome "
            "needs two agreeing looks at least five minutes apart, and none within 48 hours is one "
            "that people have to look at."
        ),
        receives_each=False,
        misread=(*Unread,),
        ordered=True,
        carries=OpenAlerts,
        asks=wanted,
        tells=_telling,
        rules_in=frozenset(stage.module for stage in alerts),
        tags={KIND: OUTCOME},
        export=functools.partial(records_document, stage="football/alert_outcomes"),
    )
