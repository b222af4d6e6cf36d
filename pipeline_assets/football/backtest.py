"""A rule over days that have passed: where it would have fired, and how that turned out.

The display's records are what a rule sees live, so that the same rule over the same records fires
where it fired then, and a rule of today fires where it would have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from pipeline_assets.football.alerts.returns import NoReturn
from pipeline_assets.football.alerts.rules import ALREADY_ALERTED, Facts, Rule
from pipeline_assets.football.alerts.settling import (
    Result,
    Scoreline,
    Settled,
    Sighting,
    sighted,
)
from pipeline_assets.football.monitor_central import MonitorRecord
from touchline.day import Minute
from touchline.outcomes import State, Tally, tally

CENTS = Decimal("0.0001")


class Hit(msgspec.Struct, frozen=True):
    """A match for which the rule fires, once. Goals are null while its end is not known; `profit`
    is of one unit staked, null where it is neither won nor lost, and where `no_return` says why."""

    at_utc: datetime
    match_id: str
    home_team: str | None
    away_team: str | None
    competition_name: str | None
    facts: Facts
    state: State
    reason: str
    final_home: int | None
    final_away: int | None
    profit: Decimal | None
    no_return: str | None = None


class Backtest(msgspec.Struct, frozen=True):
    """What came of it. `fates` counts what the rule said of each record: `fires` or why not;
    `staked` and `profit` are in units, of the hits that have a return."""

    hits: list[Hit]
    fates: dict[str, int]
    fetches: int
    tally: Tally
    staked: int
    profit: Decimal | None

    @property
    def yield_per_unit(self) -> Decimal | None:
        """Profit per unit staked, None where nothing was."""
        if self.profit is None or not self.staked:
            return None
        return (self.profit / self.staked).quantize(CENTS)


def backtest(
    rule: Rule[Any],
    fetches: Iterable[tuple[Minute, Sequence[MonitorRecord]]],
    known: Mapping[str, Scoreline],
    *,
    until: datetime,
) -> Backtest:
    """Run a rule over the display's records, oldest first.

    `known` are the ends that were landed as outcomes, by match. A match that is not among them is
    followed in the records, by the same two agreeing looks that outcomes need. From `until` on
    nothing fires any more, and reading ends when every hit is settled. A record over which the rule
    raises is counted as `error`: one bad record costs no other.
    """
    fired: dict[str, tuple[Minute, MonitorRecord, Facts]] = {}
    seen: dict[str, Sighting] = {}
    ends = dict(known)
    fates: Counter[str] = Counter()
    count = 0
    for minute, records in fetches:
        is_over = minute.utc >= until
        if is_over and fired.keys() <= ends.keys():
            break
        count += not is_over
        for record in records:
            match_id = record.match_id
            if not is_over:
                facts = _facts(rule, record, match_id in fired)
                if isinstance(facts, Facts):
                    fired[match_id] = (minute, record, facts)
                fates["fires" if isinstance(facts, Facts) else facts] += 1
            if match_id in fired and match_id not in ends:
                _follow(record, int(minute.utc.timestamp()), seen, ends)
    hits = [_hit(rule, *of_match, ends.get(match_id)) for match_id, of_match in fired.items()]
    paid = [hit.profit for hit in hits if hit.profit is not None]
    return Backtest(
        hits=hits,
        fates=dict(fates.most_common()),
        fetches=count,
        tally=tally(hit.state for hit in hits),
        staked=len(paid),
        profit=sum(paid, Decimal(0)) if rule.pays else None,
    )


def _facts(rule: Rule[Any], record: MonitorRecord, has_fired: bool) -> Facts | str:
    try:
        facts = rule.predicate(record, rule.parameters)
    except Exception:  # A rule may be as wrong as it likes about one record.
        return "error"
    if isinstance(facts, Facts):
        return ALREADY_ALERTED if has_fired else facts
    return str(facts)


def _follow(
    record: MonitorRecord, at: int, seen: dict[str, Sighting], ends: dict[str, Scoreline]
) -> None:
    match = record.match_info
    if match.status_id is None:
        return
    shown = Scoreline(
        match.status_id,
        match.home_goals,
        match.away_goals,
        match.home_goals_ht,
        match.away_goals_ht,
    )
    sighting = seen[record.match_id] = sighted(seen.get(record.match_id), shown, at)
    if sighting.result.is_part_of(shown) and sighting.is_believed(at):
        ends[record.match_id] = shown


def _hit(
    rule: Rule[Any], minute: Minute, record: MonitorRecord, facts: Facts, end: Scoreline | None
) -> Hit:
    settled = (end and rule.settled(facts, end)) or Settled(State.PENDING, "no_end_seen")
    profit, no_return = None, None
    if end and end.result and settled.state in (State.WON, State.LOST):
        profit, no_return = _return(rule, record, facts, end.result)
    match = record.match_info
    return Hit(
        at_utc=minute.utc,
        match_id=match.match_id,
        home_team=match.home_team,
        away_team=match.away_team,
        competition_name=match.competition_name,
        facts=facts,
        state=settled.state,
        reason=settled.reason,
        final_home=end and end.home,
        final_away=end and end.away,
        profit=profit if profit is None else profit.quantize(CENTS),
        no_return=no_return,
    )


def _return(
    rule: Rule[Any], record: MonitorRecord, facts: Facts, result: Result
) -> tuple[Decimal | None, str | None]:
    """What one unit staked on a hit that was won or lost has brought, or why nobody can say."""
    if rule.pays is None:
        return None, None
    try:
        profit = rule.pays(record, facts, result)
    except NoReturn as error:
        return None, str(error)
    return profit, "no price is shown" if profit is None else None
