"""Three goals were expected, and none came by half-time."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec

from pipeline_assets.football.alerts.returns import over
from pipeline_assets.football.alerts.rules import (
    HALF_TIME_SCORE_CORRECTED,
    Facts,
    Rule,
    shown_by,
)
from pipeline_assets.football.alerts.settling import Result, Settled
from pipeline_assets.football.monitor_central import MonitorRecord
from pipeline_assets.football.prices import Price
from pipeline_assets.football.wire.codes import HALF_TIME
from touchline.outcomes import State


class Parameters(msgspec.Struct, frozen=True):
    min_total: Decimal = Decimal("3.0")


class Reason(StrEnum):
    """Why the rule does not fire."""

    INSUFFICIENT_DATA = "insufficient_data"
    NOT_HALF_TIME = "not_half_time"
    GOALS = "goals"
    LINE_LOW = "line_low"
    ALREADY_ALERTED = "already_alerted"


def predicate(record: MonitorRecord, parameters: Parameters) -> Facts | Reason:
    """Fires at half-time without a goal when the shown goal line is at least `min_total`."""
    match = record.match_info
    if match.status_id is None:
        return Reason.INSUFFICIENT_DATA
    if match.status_id != HALF_TIME:
        return Reason.NOT_HALF_TIME
    goals = (match.home_goals, match.away_goals, match.home_goals_ht, match.away_goals_ht)
    if None in goals:
        return Reason.INSUFFICIENT_DATA
    if any(goals):
        return Reason.GOALS
    shown = record.odds and record.odds.over_under
    if shown is None:
        return Reason.INSUFFICIENT_DATA
    if shown.total < parameters.min_total:
        return Reason.LINE_LOW
    return Facts(ou_total=shown.total)


def says(record: MonitorRecord, facts: Facts) -> str:
    return f"O/U Total: {facts.ou_total} ({shown_by(record)})"


def outcome(facts: Facts, result: Result) -> Settled:
    """WON by a goal after half-time; overtime and shoot-outs do not count."""
    if result.ht_home or result.ht_away:
        return Settled(State.VOID, HALF_TIME_SCORE_CORRECTED)
    if result.goals_after_half_time > 0:
        return Settled(State.WON, "goal_after_half_time")
    return Settled(State.LOST, "no_goal")


def pays(record: MonitorRecord, facts: Facts, result: Result) -> Decimal | None:
    """Over the shown line at the shown price."""
    shown = record.odds and record.odds.over_under
    if shown is None or shown.over is None:
        return None
    price = Price.of_american(shown.over)
    if price is None:
        return None
    return over(shown.total, price.hong_kong, result.home + result.away)


RULE = Rule(
    rule_id="3ou_half",
    version=1,
    title="3OU HALF",
    doc="Goalless at half-time although the goal line before the first goal was 3 or more.",
    parameters=Parameters(),
    reasons=Reason,
    predicate=predicate,
    says=says,
    outcome=outcome,
    pays=pays,
)
