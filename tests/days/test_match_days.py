"""Every match that qualifies for an alert is alerted exactly once, over days of simulated football.

The stages run one after the other without a store, and their state is carried as a run does; what
qualifies is read from the vendor's answers by an oracle of its own.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from pipeline_assets.football.alerts.rules import Alert
from pipeline_assets.plans import PLANS
from tests.chain import FEED
from tests.days.match_days import SPOILERS, MatchDays
from tests.pipeline_assets.football.alert_oracle import qualifying
from touchline.day import Day, Minute
from touchline.fetch import Envelope
from touchline.plan import FeedPlan
from touchline.stage import Stage

DAYS = int(os.environ.get("TOUCHLINE_MATCH_DAYS", "4"))
SEED = 7
FIRST = Day.parse("2025-03-08")
LEAST_ALERTS = {"3ou_half": DAYS // 4, "underdog_0half": DAYS}

Key = tuple[str, str]
"""Rule and match."""
Why = tuple[Minute, str]
"""The first minute, and the goal line or the favorite that it was for."""

pytestmark = [pytest.mark.stack, pytest.mark.timeout(3600)]


@dataclass
class AlertStages:
    """The stages that lead to alerts, in the order of the chain."""

    plan: FeedPlan
    carried: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        wanted: set[str] = set()
        for stage in reversed(self.plan.stages):
            if stage.makes_alerts or stage.name in wanted:
                wanted.update((stage.name, *stage.inputs))
        self.stages: list[Stage[Any]] = [s for s in self.plan.stages if s.name in wanted]

    def take(self, raw: Envelope) -> Iterator[Alert]:
        """The alerts of the next fetch."""
        made: dict[str, Any] = {self.plan.raws[0].name: raw}
        for stage in self.stages:
            more = {"carried": self._carried(stage)} if stage.ordered else {}
            staged = stage.by(raw.ref, *(made[name] for name in stage.inputs), **more)
            assert staged.account.conserved
            made[stage.name], self.carried[stage.name] = staged.records, staged.carried
            if stage.makes_alerts:
                yield from staged.records

    def _carried(self, stage: Stage[Any]) -> Any:
        """As it comes back from where it was stored."""
        left = self.carried.get(stage.name)
        return left and msgspec.msgpack.decode(msgspec.msgpack.encode(left), type=stage.carries)


def test_every_match_that_qualifies_is_alerted_once_and_at_once() -> None:
    days, stages = MatchDays(SEED, FIRST, DAYS), AlertStages(PLANS[FEED])
    qualified = dict[Key, Why]()
    told = list[tuple[Key, Why]]()
    fetches = again = 0
    for answers in days:
        fetches += 1
        at = int(answers.minute.utc.timestamp())
        for found in qualifying(answers.live, answers.details, answers.odds, at):
            key = found.rule_id, found.match_id
            again += key in qualified
            qualified.setdefault(key, (answers.minute, found.because))
        for alert in stages.take(answers.envelope):
            because = alert.ou_total if alert.rule_id == "3ou_half" else alert.favorite
            told.append(((alert.rule_id, alert.match_id), (answers.minute, str(because))))
    alerts = Counter(rule_id for (rule_id, _), _ in told)
    print(f"\n{DAYS} match days, {fetches:,} fetches, seed {SEED}")
    print(f"alerts: {shown(alerts)}; a match that had its alert qualified {again:,} times more")
    print(f"irregularities: {shown(days.met)}")
    assert sorted(told) == sorted(qualified.items())
    assert all(alerts[rule_id] >= least for rule_id, least in LEAST_ALERTS.items())
    assert all(days.met[what] for what in (*days.met, *SPOILERS))


def shown(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))
