"""What an alert rule is, and the asset that each rule gets.

A rule is data and two pure functions. One sees a monitor record at a time, reads typed fields
alone, and either fires with the facts that made it fire or says why it does not. The other says
from those facts and the match's end how the alert has turned out.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Generic, TypeVar

import msgspec

import pipeline_assets.football.alerts
from pipeline_assets.football.alerts.settling import (
    NOT_PLAYED_OUT,
    Result,
    Scoreline,
    Settled,
)
from pipeline_assets.football.documents import fetch_document, record_counts
from pipeline_assets.football.monitor_central import MonitorRecord
from touchline.fetch import FetchRef
from touchline.outcomes import State
from touchline.stage import ALERT, KIND, Content, Stage, Staged

Meta = msgspec.Meta

REMEMBERED = timedelta(days=32)
"""How long an alert keeps its match from a second one: 30 days after the end of a match that was
interrupted at half-time and ended two days later. Half-time lasts many fetches."""

INSUFFICIENT_DATA = "insufficient_data"
"""The reason of every rule for a record that lacks a field it needs."""

ALREADY_ALERTED = "already_alerted"
"""The reason given to a record for which the rule fires, in a match that has had its alert."""

HALF_TIME_SCORE_CORRECTED = "half_time_score_corrected"
"""Why an alert is void whose half-time goals, as the vendor has them in the end, would not have
made it fire."""


class Side(StrEnum):
    HOME = "home"
    AWAY = "away"


class Facts(msgspec.Struct, frozen=True):
    """What made a rule fire; a rule with more to say makes a subclass."""

    ou_total: Annotated[Decimal | None, Meta(description="shown goal line")] = None
    favorite: Annotated[Side | None, Meta(description="by closing pre-match odds")] = None


class Alert(msgspec.Struct, frozen=True):
    """A rule that fired for a match, once. Delivery and outcome are recorded elsewhere."""

    alert_id: Annotated[str, Meta(description="rule id and match id, of which there is one alert")]
    rule_id: str
    rule_version: int
    match_id: str
    home_team: str | None
    away_team: str | None
    competition_name: str | None
    fired_fetch_id: str
    fired_at_utc: Annotated[datetime, Meta(description="the fetch's scheduled minute")]
    odds_company: Annotated[str | None, Meta(description="name of the company whose odds it saw")]
    ou_total: Decimal | None
    favorite: Annotated[str | None, Meta(description="home or away, by pre-match odds")]
    score_at_alert: str
    facts: Annotated[msgspec.Raw, Meta(description="all that made the rule fire, as JSON")]
    message: Annotated[str, Meta(description="plain text, not yet escaped for any channel")]


class Fired(msgspec.Struct, frozen=True):
    """For each match that has had its alert, when: Unix s of the fetch's scheduled minute."""

    at: dict[str, int] = {}


P = TypeVar("P", bound=msgspec.Struct)


@dataclass(frozen=True)
class Rule(Generic[P]):
    """A rule as data.

    `predicate` returns the facts when the rule fires, else the member of `reasons` that says why
    not. `reasons` needs the members `insufficient_data` and `already_alerted`. `title` begins the
    message, and `says` gives the line of it that is this rule's own. `outcome` is asked once the
    match has ended, with the facts, which are of the type `makes`: WON, LOST or VOID. `pays` is
    what one unit staked on the bet that the rule stands for would have brought at the odds that the
    record shows, -1 where it is lost, None where they are not shown; for a backtest alone. It may
    raise NoReturn, which says why there is none.
    """

    rule_id: str
    version: int
    title: str
    doc: str
    parameters: P
    reasons: type[StrEnum]
    predicate: Callable[[MonitorRecord, P], Facts | StrEnum]
    says: Callable[[MonitorRecord, Any], str]
    outcome: Callable[[Any, Result], Settled]
    makes: type[Facts] = Facts
    pays: Callable[[MonitorRecord, Any, Result], Decimal | None] | None = None

    def __post_init__(self) -> None:
        self.reasons(INSUFFICIENT_DATA)
        self.reasons(ALREADY_ALERTED)

    def message(self, fetch: FetchRef, record: MonitorRecord, facts: Facts) -> str:
        """Plain text of one line; unknown names are said to be unknown."""
        match = record.match_info
        parts = (
            f"{self.title} ALERT",
            f"{match.home_team or 'unknown'} vs {match.away_team or 'unknown'}",
            match.competition_name or "unknown competition",
            match.live_score or "unknown score",
            self.says(record, facts),
            fetch.nyc_timestamp.partition(" ")[2],
        )
        return " / ".join(parts)

    def settled(self, facts: Facts, end: Scoreline) -> Settled | None:
        """How an alert with these facts has turned out, of a match that stands so in the end; None
        where a goal is unknown.

        A match that was not played out is void for every rule.
        """
        if (why := NOT_PLAYED_OUT.get(end.status_id)) is not None:
            return Settled(State.VOID, why)
        result = end.result
        return result and self.outcome(facts, result)

    def facts_of(self, text: bytes | str) -> Facts:
        """The facts of an alert from its JSON. Raises msgspec.DecodeError."""
        return msgspec.json.decode(text, type=self.makes)


def shown_by(record: MonitorRecord) -> str:
    """Whose odds the record shows, for a message."""
    company = record.odds_company
    if company is None:
        return "no company"
    return f"company {company.id} {company.name}, fallback" if company.fallback else company.name


def stage_of(rule: Rule[Any]) -> Stage[Alert]:
    """The asset of a rule: every monitor record fires it or is dropped with the rule's reason.

    An exception in one record quarantines that record for this rule alone.
    """

    def alerts(
        fetch: FetchRef, monitor: Iterable[MonitorRecord], *, carried: Fired | None
    ) -> Staged[Alert]:
        now = int(fetch.at.timestamp())
        kept_from = now - int(REMEMBERED.total_seconds())
        before = carried.at if carried else {}
        fired = {match_id: at for match_id, at in before.items() if at >= kept_from}
        staged = Staged[Alert]()
        for record in monitor:
            with staged.one_record(record.match_id, raw=record):
                facts = rule.predicate(record, rule.parameters)
                if not isinstance(facts, Facts):
                    staged.drop(rule.reasons(facts), record.match_id)
                elif record.match_id in fired:
                    staged.drop(rule.reasons(ALREADY_ALERTED), record.match_id)
                else:
                    staged.emit(_alert(rule, fetch, record, facts))
                    fired[record.match_id] = now
        staged.carried = Fired(fired)
        return staged

    name = f"football/alert_{rule.rule_id}"
    # The code that decides is the rule's file, not this one.
    alerts.__module__ = rule.predicate.__module__
    return Stage(
        name=name,
        inputs=("football/monitor_central",),
        makes=Alert,
        by=alerts,
        key=lambda alert: alert.match_id,
        reasons=rule.reasons,
        counts="monitor records",
        doc=rule.doc,
        ordered=True,
        carries=Fired,
        tags={KIND: ALERT},
        export=functools.partial(alerts_document, stage=name),
    )


_facts_encoder = msgspec.json.Encoder(decimal_format="number")


def _alert(rule: Rule[Any], fetch: FetchRef, record: MonitorRecord, facts: Facts) -> Alert:
    match = record.match_info
    return Alert(
        alert_id=f"{rule.rule_id}_{match.match_id}",
        rule_id=rule.rule_id,
        rule_version=rule.version,
        match_id=match.match_id,
        home_team=match.home_team,
        away_team=match.away_team,
        competition_name=match.competition_name,
        fired_fetch_id=fetch.fetch_id,
        fired_at_utc=fetch.at,
        odds_company=record.odds_company and record.odds_company.name,
        ou_total=facts.ou_total,
        favorite=facts.favorite,
        score_at_alert="-".join(
            "?" if goals is None else str(goals) for goals in (match.home_goals, match.away_goals)
        ),
        facts=msgspec.Raw(_facts_encoder.encode(facts)),
        message=rule.message(fetch, record, facts),
    )


def alerts_document(fetch: FetchRef, content: Content[Alert], *, stage: str) -> dict[str, Any]:
    """The documented JSON of one fetch of a rule's asset, whose name is `stage`."""
    alerts = [msgspec.structs.asdict(alert) for alert in content.records]
    return fetch_document(
        fetch,
        content,
        stage=stage,
        title="alert",
        body={"alerts": alerts},
        counts={**record_counts(alerts), "total_alerts": len(alerts)},
    )


def all_rules() -> list[Rule[Any]]:
    """The `RULE` of every file in this folder that has one, by rule id.

    Raises ValueError when two files claim one rule id.
    """
    rules: dict[str, Rule[Any]] = {}
    package = pipeline_assets.football.alerts
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        rule = getattr(importlib.import_module(found.name), "RULE", None)
        if rule is None:
            continue
        if rule.rule_id in rules:
            raise ValueError(f"two files define the alert rule {rule.rule_id}: {found.name}")
        rules[rule.rule_id] = rule
    return [rules[rule_id] for rule_id in sorted(rules)]


def alert_stages() -> list[Stage[Alert]]:
    """The asset of every rule, by rule id."""
    return [stage_of(rule) for rule in all_rules()]
