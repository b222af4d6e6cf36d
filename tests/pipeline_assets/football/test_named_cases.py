"""The irregular cases that vendors are known for, each through every stage of football: what the
display shows, who is alerted, and how it turns out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from pipeline_assets.football.alert_outcomes import AlertOutcome
from pipeline_assets.football.monitor_central import MonitorRecord
from pipeline_assets.football.plan import football
from pipeline_assets.football.raw_fetches import raw_fetches
from pipeline_assets.football.wire.fetched import DETAIL
from simulator.server import Served, serve
from tests.chain import FEED, NOON, SECRET, USER
from tests.pipeline_assets.conftest import ChainOf
from tests.pipeline_assets.football.examples import MATCH, fetched, live, through_storage
from tests.pipeline_assets.football.fetches import MINUTE, failed
from tests.pipeline_assets.football.lined_world import LinedWorld
from touchline.accounting import Verdict
from touchline.fetch import Envelope
from touchline.stage import Reads, Staged

OTHER = "b" * 15
BOTH_RULES = ["3ou_half", "underdog_0half"]
GOALLESS = (0, 0, 0, 1, 4)
"""Goals, goals at half-time, red and yellow cards, corners."""


@dataclass
class Football:
    """Every stage, fetch after fetch; what they carry is stored between."""

    carried: dict[str, Any] = field(default_factory=dict)
    alerts: list[tuple[str, str]] = field(default_factory=list)
    """Rule and match of each, in order."""
    messages: list[str] = field(default_factory=list)
    outcomes: list[AlertOutcome] = field(default_factory=list)
    found: Counter[str] = field(default_factory=Counter)
    """How many findings of each kind."""

    def sees(self, minutes: int, *entries: dict[str, Any], **parts: Any) -> list[MonitorRecord]:
        """What is displayed of a fetch so many minutes after the first."""
        return self.through(fetched(*entries, minute=MINUTE.later(minutes), **parts))

    def through(self, raw: Envelope) -> list[MonitorRecord]:
        made: dict[str, Staged[Any]] = {}
        for stage in football.stages:
            if stage.reads is Reads.QUARANTINED:
                inputs = [{name: made[name].quarantined for name in stage.inputs if name in made}]
            else:
                inputs = [
                    raw if name == raw_fetches.name else made[name].records for name in stage.inputs
                ]
            more: dict[str, Any] = {"earlier": None} if stage.recalls else {}
            if stage.ordered:
                more["carried"] = self.carried.get(stage.name)
            staged = made[stage.name] = stage.by(raw.ref, *inputs, **more)
            assert staged.account.conserved
            if stage.carries is not None:
                self.carried[stage.name] = through_storage(staged.carried)
            self.found.update(finding.kind for finding in staged.findings)
            if stage.makes_alerts:
                self.alerts += [(alert.rule_id, alert.match_id) for alert in staged.records]
                self.messages += [alert.message for alert in staged.records]
        self.outcomes += made["football/alert_outcomes"].records
        aside = {record.stage for record in made["football/quarantine"].records}
        assert aside <= {"football/reference", "football/var_incidents"}, "never a match"
        return made["football/monitor_central"].records

    def outcome(self, rule_id: str) -> list[tuple[str, str]]:
        """What became of the example's alert, change after change."""
        return [
            (str(each.state), each.reason)
            for each in self.outcomes
            if (each.rule_id, each.match_id) == (rule_id, MATCH)
        ]


def at(
    status: int,
    home: Sequence[Any] = GOALLESS,
    away: Sequence[int] = GOALLESS,
    match_id: str = MATCH,
) -> dict[str, Any]:
    return live(match_id, status=status, home=[*home, 0, 0], away=[*away, 0, 0])


def test_one_failed_detail_call_costs_a_match_its_names_alone() -> None:
    football = Football()
    nameless, named = football.sees(
        0, at(3), at(3, match_id=OTHER), details={MATCH: failed(DETAIL, MATCH)}
    )
    assert (nameless.match_info.home_team, named.match_info.home_team) == (None, "Northfield")
    assert nameless.match_info.status == named.match_info.status == "Status ID: 3 (Half-time)"
    assert nameless.odds is not None
    assert sorted(football.alerts) == [(r, m) for r in BOTH_RULES for m in (MATCH, OTHER)]
    assert football.messages[0].startswith("3OU HALF ALERT / unknown vs unknown / ")
    football.sees(60, at(8))
    football.sees(66, at(8))
    assert football.outcome("3ou_half")[-1] == ("LOST", "no_goal")


@pytest.mark.parametrize("nothing", [{}, [], None, failed("odds/history", MATCH)])
def test_null_odds_at_half_time_cost_that_match_its_alert_alone(nothing: Any) -> None:
    football = Football()
    without, other = football.sees(0, at(3), at(3, match_id=OTHER), odds={MATCH: nothing})
    assert (without.odds, without.odds_company) == (None, None)
    assert other.odds is not None
    assert sorted(football.alerts) == [(rule, OTHER) for rule in BOTH_RULES]
    football.sees(1, at(3), at(3, match_id=OTHER))
    assert sorted(football.alerts) == sorted(
        [(rule, OTHER) for rule in BOTH_RULES] + [(rule, MATCH) for rule in BOTH_RULES]
    ), "as soon as it has them"


@pytest.mark.parametrize(
    "odd",
    [
        {"incidents": {}},
        {"incidents": "none"},
        {"incidents": [7, {"type": None}]},
        {"stats": 7, "tlive": {}},
        {"score": [MATCH, 3, [0, 0, None, "1", -3, 0, 0], [0, 0, 0, 0, None, {}, -1], "", 7]},
    ],
)
def test_parts_that_no_rule_needs_cost_no_alert_at_half_time(odd: dict[str, Any]) -> None:
    football = Football()
    [shown] = football.sees(0, at(3) | odd)
    assert sorted(football.alerts) == [(rule, MATCH) for rule in BOTH_RULES]
    assert shown.match_info.live_score == "Live Score: 0-0 (HT: 0-0)"
    assert shown.match_info.home_team == "Northfield"


@pytest.mark.parametrize("unknown", [None, -1, "0", 0.5, False])
def test_no_rule_fires_on_a_goal_that_cannot_be_read(unknown: Any) -> None:
    football = Football()
    [shown] = football.sees(0, at(3, (unknown, 0, 0, 1, 4)))
    assert football.alerts == []
    assert (shown.match_info.home_goals, shown.match_info.live_score) == (None, None)
    assert shown.corners.total == 8
    football.sees(1, at(3))
    assert sorted(football.alerts) == [(rule, MATCH) for rule in BOTH_RULES]


def test_a_repeated_end_with_home_and_away_swapped_changes_nothing_that_is_shown() -> None:
    football = Football()
    football.sees(0, at(3))
    home, away = (1, 0, 1, 3, 7), (0, 0, 0, 1, 4)
    football.sees(60, at(8, home, away))
    swapped = at(8, (1, 0, *away[2:]), (0, 0, *home[2:]))
    for minutes in (61, 62, 66):
        [shown] = football.sees(minutes, swapped)
        assert (shown.corners.home, shown.corners.away, shown.corners.total) == (7, 4, 11)
        assert shown.match_info.live_score == "Live Score: 1-0 (HT: 0-0)"
        assert shown.figures_conflict
    assert football.found["end_figures_changed"] == 1
    assert football.outcome("3ou_half")[-1] == ("WON", "goal_after_half_time"), "goals are right"


def test_a_goal_taken_back_at_half_time_makes_the_match_goalless() -> None:
    football = Football()
    [shown] = football.sees(0, at(3, (1, 1, 0, 1, 4)))
    assert shown.match_info.home_goals == 1
    assert ("3ou_half", MATCH) not in football.alerts
    [shown] = football.sees(1, at(3))
    assert (shown.match_info.home_goals, shown.match_info.home_goals_ht) == (0, 0)
    assert ("3ou_half", MATCH) in football.alerts


def test_a_match_that_leaves_the_list_and_comes_back_is_alerted_and_settled_once() -> None:
    football = Football()
    football.sees(0, at(3))
    assert football.sees(1) == []
    football.sees(2, at(3))
    assert sorted(football.alerts) == [(rule, MATCH) for rule in BOTH_RULES]
    football.sees(60, at(8, (1, 0, 0, 1, 7)))
    assert football.sees(61) == []
    [shown] = football.sees(66, at(8, (1, 0, 0, 1, 4)))
    assert shown.corners.home == 7, "as at its end"
    football.sees(67, at(8, (1, 0, 0, 1, 4)))
    states = [state for state, _ in football.outcome("3ou_half")]
    assert (states[-1], states.count("WON")) == ("WON", 1)


# --- what the vendor does not document -----------------------------------------------------------


@dataclass
class OddWorld(LinedWorld):
    """One match of which the vendor says things that it has never said."""

    def live_entry(self, match_id: str, at: int) -> bytes:
        entry = msgspec.json.decode(super().live_entry(match_id, at))
        return msgspec.json.encode(entry | ({"mood": "tense"} if match_id == "m-odd" else {}))

    def odds(self, match_id: str, at: int) -> bytes | None:
        if match_id != "m-odd":
            return super().odds(match_id, at)
        quoted = int(NOON.utc.timestamp()) - 40 * 60
        row = [quoted, "injury", 1.05, 3.25, 0.83, 2, 0, "0-0"]
        return msgspec.json.encode({"777": {"bs": [row]}})


@dataclass
class FalseWorld(LinedWorld):
    """A vendor whose language has one word for no and for nothing."""

    def detail(self, match_id: str, at: int) -> bytes | None:
        found = msgspec.json.decode(super().detail(match_id, at) or b"{}")
        return msgspec.json.encode(found | {"neutral": False})


@pytest.fixture
def vendor() -> Iterator[Served]:
    world = OddWorld({"m-odd": 31, "m-half": 3})
    with serve(world, user=USER, secret=SECRET) as served:
        yield served


def test_what_the_vendor_does_not_document_is_told_by_schema_holds_and_costs_nothing(
    chain_of: ChainOf, vendor: Served
) -> None:
    chain = chain_of(NOON, football, vendor)
    report = chain.minute(0)
    said = {
        check.asset: check
        for check in report.checks
        if check.check == "schema_holds" and check.asset.startswith(FEED)
    }
    assert {check.verdict for check in said.values()} == {Verdict.OK}
    assert said["football/merged"].details["unknown_field"] == 1
    assert said["football/merged"].details["unknown_code"] == 2, "the status, and the company"
    assert said["football/odds_changes"].details["unknown_code"] == 1, "the company"
    assert said["football/odds_changes"].details["unread_field"] == 1
    noticed = [
        (each.kind, each.key)
        for asset in ("merged", "odds_changes")
        for each in chain.opened(f"football/{asset}", chain.number).findings
    ]
    assert noticed == [
        ("unknown_field", "match.mood"),
        ("unknown_code", "status 31"),
        ("unknown_code", "company 777"),
        ("unknown_code", "company 777"),
        ("unread_field", "odds.minute"),
    ]
    shown = {
        record.match_id: record
        for record in chain.opened("football/monitor_central", chain.number).records
    }
    assert shown["m-odd"].match_info.status == "Status ID: 31 (Unknown Status)"
    assert shown["m-odd"].odds_company.name == "Company 777"
    fired = chain.opened("football/alert_3ou_half", chain.number).records
    assert [alert.match_id for alert in fired] == ["m-half"]


def test_a_field_that_is_odd_in_every_match_is_told_by_schema_holds_and_costs_no_name(
    chain_of: ChainOf,
) -> None:
    world = FalseWorld({f"m-{number}": 2 for number in range(5)})
    with serve(world, user=USER, secret=SECRET) as served:
        chain = chain_of(NOON, football, served)
        report = chain.minute(0)
    [found] = [check for check in report.checks if check.verdict is not Verdict.OK]
    assert (found.asset, found.check, found.verdict) == (
        "football/merged",
        "schema_holds",
        Verdict.BAD,
    )
    assert found.details["unread_field detail.neutral"] == 5
    [said] = found.findings
    assert said.detail == "unread_field detail.neutral: it could not be read in 5 of 5 records"
    shown = chain.opened("football/monitor_central", chain.number).records
    assert {record.match_info.competition_name for record in shown} == {"Example League"}
    assert {record.match_info.home_team for record in shown} == {
        f"Ñandú home-m-{number}" for number in range(5)
    }
