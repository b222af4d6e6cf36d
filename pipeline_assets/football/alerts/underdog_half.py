"""The favorite is without a goal at half-time."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import msgspec

from pipeline_assets.football.alerts.returns import either
from pipeline_assets.football.alerts.rules import (
    HALF_TIME_SCORE_CORRECTED,
    Facts,
    Rule,
    Side,
    shown_by,
)
from pipeline_assets.football.alerts.settling import Result, Settled
from pipeline_assets.football.monitor_central import MonitorRecord
from pipeline_assets.football.prices import Price
from pipeline_assets.football.wire.codes import HALF_TIME
from touchline.outcomes import State


class Parameters(msgspec.Struct, frozen=True):
    min_gap: Annotated[
        Decimal, msgspec.Meta(description="least difference of both sides' decimal prices")
    ] = Decimal("0.20")


class Reason(StrEnum):
    """Why the rule does not fire."""

    INSUFFICIENT_DATA = "insufficient_data"
    NOT_HALF_TIME = "not_half_time"
    NO_FAVORITE = "no_favorite"
    FAVORITE_SCORED = "favorite_scored"
    UNDERDOG_BEHIND = "underdog_behind"
    ALREADY_ALERTED = "already_alerted"


class UnderdogFacts(Facts, frozen=True):
    gap: Decimal = Decimal(0)


def predicate(record: MonitorRecord, parameters: Parameters) -> UnderdogFacts | Reason:
    """Fires at half-time when the side with the clearly shorter closing pre-match price has not
    scored. The draw price plays no part."""
    match = record.match_info
    if match.status_id is None:
        return Reason.INSUFFICIENT_DATA
    if match.status_id != HALF_TIME:
        return Reason.NOT_HALF_TIME
    prices = record.prematch_money_line
    home_goals, away_goals = match.home_goals, match.away_goals
    if prices is None or prices.home_decimal is None or prices.away_decimal is None:
        return Reason.INSUFFICIENT_DATA
    if home_goals is None or away_goals is None:
        return Reason.INSUFFICIENT_DATA
    gap = abs(prices.home_decimal - prices.away_decimal)
    if gap == 0 or gap < parameters.min_gap:
        return Reason.NO_FAVORITE
    favorite = Side.HOME if prices.home_decimal < prices.away_decimal else Side.AWAY
    by_home = favorite is Side.HOME
    favorite_goals, underdog_goals = (
        (home_goals, away_goals) if by_home else (away_goals, home_goals)
    )
    if favorite_goals > 0:
        return Reason.FAVORITE_SCORED
    # Always level or leading here; it stays right if the condition above is ever relaxed.
    if underdog_goals < favorite_goals:
        return Reason.UNDERDOG_BEHIND
    shown = record.odds and record.odds.over_under
    return UnderdogFacts(ou_total=shown and shown.total, favorite=favorite, gap=gap)


def says(record: MonitorRecord, facts: UnderdogFacts) -> str:
    match, prices = record.match_info, record.prematch_money_line
    names = {Side.HOME: match.home_team, Side.AWAY: match.away_team}
    favorite, other = (
        (Side.HOME, Side.AWAY) if facts.favorite is Side.HOME else (Side.AWAY, Side.HOME)
    )
    text = f"Favorite: {names[favorite] or favorite}"
    if prices and prices.home_decimal is not None and prices.away_decimal is not None:
        shorter, longer = sorted((prices.home_decimal, prices.away_decimal))
        text += f" at {shorter} before kick-off, {names[other] or other} at {longer}"
    return f"{text} ({shown_by(record)})"


def outcome(facts: UnderdogFacts, result: Result) -> Settled:
    """WON when the favorite does not win in regular time."""
    home, away = (result.home, result.ht_home), (result.away, result.ht_away)
    favorite, underdog = (home, away) if facts.favorite is Side.HOME else (away, home)
    if favorite[1] > 0:
        return Settled(State.VOID, HALF_TIME_SCORE_CORRECTED)
    if underdog[0] < favorite[0]:
        return Settled(State.LOST, "favorite_won")
    level = underdog[0] == favorite[0]
    return Settled(State.WON, "level_at_the_end" if level else "underdog_won")


def pays(record: MonitorRecord, facts: UnderdogFacts, result: Result) -> Decimal | None:
    """The draw and the underdog at the closing pre-match prices, staked so that both pay alike."""
    prices = record.prematch_money_line
    if prices is None:
        return None
    shown = prices.away_decimal if facts.favorite is Side.HOME else prices.home_decimal
    if shown is None or prices.draw_decimal is None:
        return None
    underdog, draw = Price.of_decimal(shown), Price.of_decimal(prices.draw_decimal)
    if underdog is None or draw is None:
        return None
    favorite_won = outcome(facts, result).state is State.LOST
    return Decimal(-1) if favorite_won else either(underdog, draw)


RULE = Rule(
    rule_id="underdog_0half",
    version=1,
    title="UNDERDOG 0 HALF",
    doc="The pre-match favorite has not scored by half-time.",
    parameters=Parameters(),
    reasons=Reason,
    predicate=predicate,
    says=says,
    outcome=outcome,
    makes=UnderdogFacts,
    pays=pays,
)
