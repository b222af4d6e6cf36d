"""The alert rules by worked examples, what they remember, and how a rule becomes an asset."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

import pipeline_assets.football.alerts
from pipeline_assets.football.alerts import three_ou_half, underdog_half
from pipeline_assets.football.alerts.rules import (
    REMEMBERED,
    Alert,
    Facts,
    Fired,
    Side,
    alert_stages,
    all_rules,
)
from pipeline_assets.football.alerts.settling import Result, Settled
from pipeline_assets.football.monitor_central import MonitorRecord
from tests.pipeline_assets.football.examples import (
    as_json,
    content,
    displayed,
    live,
    survive_columns,
    through_storage,
)
from touchline.day import Minute
from touchline.fetch import FetchRef
from touchline.outcomes import State
from touchline.stage import Stage, Staged

DOCS = Path(__file__).parents[3] / "docs" / "rules.md"
HALF_TIME = datetime(2025, 7, 8, 18, 40, tzinfo=UTC)


def fetch(at: datetime = HALF_TIME, fetch_id: str = "Qx7LmA20bTzK") -> FetchRef:
    return FetchRef("football", Minute(at), fetch_id)


def match(
    match_id: str = "9gh1mn4xyz7pqr2",
    *,
    status: int | None = 3,
    score: tuple[int, int] = (0, 0),
    half_time: tuple[int, int] | None = None,
    line: float | None = 3.25,
    prices: tuple[float, float, float] | None = (1.72, 3.4, 4.5),
    company: str = "2",
) -> MonitorRecord:
    """The monitor record of an example in a few words: its odds go through every stage."""
    at_half_time = half_time or score
    sides = [
        [goals, goals_ht, 0, 0, 1, 0, 0]
        for goals, goals_ht in zip(score, at_half_time, strict=True)
    ]
    markets: dict[str, Any] = {}
    if line is not None:
        markets["bs"] = [[2, "3", 0.9, line, 0.9, 2, 0, "0-0"]]
    if prices is not None:
        markets["eu"] = [[1, "", *prices, 1, 0, "0-0"]]
    entry = live(match_id, status=status, home=sides[0], away=sides[1])
    return displayed(entry, odds={match_id: {company: markets}})


EXAMPLES = {
    "A": match("a" * 15),
    "B": match("b" * 15, line=2.75, prices=(2.5, 3.2, 2.6)),
    "C": match("c" * 15, score=(0, 1), line=3.0, prices=(1.5, 4.2, 6.0)),
    "D": match("d" * 15, score=(1, 1), line=3.5, prices=(1.5, 4.2, 6.0)),
    "E": match("e" * 15, line=None, prices=None),
    "F": match("f" * 15, status=4),
    "G": match("g" * 15, line=3.0, prices=(3.1, 3.5, 2.2)),
}


def stage_named(name: str) -> Stage[Alert]:
    (found,) = [stage for stage in alert_stages() if stage.short_name == name]
    return found


def run(
    name: str, *records: MonitorRecord, at: datetime = HALF_TIME, carried: Fired | None = None
) -> Staged[Alert]:
    staged = stage_named(name).by(fetch(at), list(records), carried=carried)
    assert staged.account.conserved
    return staged


def fates(staged: Staged[Alert]) -> dict[str, str]:
    """Example letter -> `fires` or the reason why not."""
    found = {alert.match_id[0].upper(): "fires" for alert in staged.records}
    for reason, keys in staged.dropped.items():
        found |= {key[0].upper(): reason for key in keys}
    return found


def test_3ou_half_on_the_worked_examples() -> None:
    assert fates(run("alert_3ou_half", *EXAMPLES.values())) == {
        "A": "fires",
        "B": "line_low",
        "C": "goals",
        "D": "goals",
        "E": "insufficient_data",
        "F": "not_half_time",
        "G": "fires",
    }


def test_underdog_0half_on_the_worked_examples() -> None:
    staged = run("alert_underdog_0half", *EXAMPLES.values())
    assert fates(staged) == {
        "A": "fires",
        "B": "no_favorite",
        "C": "fires",
        "D": "favorite_scored",
        "E": "insufficient_data",
        "F": "not_half_time",
        "G": "fires",
    }
    facts = {alert.match_id[0]: msgspec.json.decode(alert.facts) for alert in staged.records}
    assert {letter: (of["favorite"], of["gap"]) for letter, of in facts.items()} == {
        "a": ("home", 2.78),
        "c": ("home", 4.5),
        "g": ("away", 0.9),
    }


@pytest.mark.parametrize(
    ("changes", "fate"),
    [
        ({"line": 3.0}, "fires"),
        ({"line": 2.999}, "line_low"),
        ({"score": (0, 0), "half_time": (1, 0)}, "goals"),
        ({"score": (1, 0), "half_time": (0, 0)}, "goals"),
        ({"status": 30}, "not_half_time"),
        ({"status": 2}, "not_half_time"),
        ({"prices": None}, "fires"),
    ],
)
def test_3ou_half_at_its_limits(changes: dict[str, Any], fate: str) -> None:
    assert fates(run("alert_3ou_half", match("x" * 15, **changes))) == {"X": fate}


@pytest.mark.parametrize(
    ("changes", "fate"),
    [
        ({"prices": (2.40, 3.0, 2.60)}, "fires"),
        ({"prices": (2.41, 3.0, 2.60)}, "no_favorite"),
        ({"prices": (2.5, 3.0, 2.5)}, "no_favorite"),
        ({"prices": (2.5, 1.1, 2.9)}, "fires"),
        ({"prices": (1.0, 3.0, 2.5)}, "insufficient_data"),
        ({"score": (1, 0)}, "favorite_scored"),
        ({"score": (0, 2)}, "fires"),
        ({"line": None}, "fires"),
        ({"status": 33}, "not_half_time"),
    ],
)
def test_underdog_0half_at_its_limits(changes: dict[str, Any], fate: str) -> None:
    assert fates(run("alert_underdog_0half", match("x" * 15, **changes))) == {"X": fate}


def test_equal_prices_have_no_favorite_whatever_the_gap_asked_for() -> None:
    even = match(prices=(2.5, 3.0, 2.5))
    parameters = underdog_half.Parameters(min_gap=Decimal(0))
    assert underdog_half.predicate(even, parameters) is underdog_half.Reason.NO_FAVORITE


def unknown(field: str) -> MonitorRecord:
    record = EXAMPLES["A"]
    info = msgspec.structs.replace(record.match_info, **{field: None})
    return msgspec.structs.replace(record, match_info=info)


@pytest.mark.parametrize("field", ["status_id", "home_goals", "away_goals"])
@pytest.mark.parametrize("rule", ["alert_3ou_half", "alert_underdog_0half"])
def test_a_missing_field_is_insufficient_data_and_no_error(rule: str, field: str) -> None:
    assert fates(run(rule, unknown(field))) == {"A": "insufficient_data"}


def test_the_alert_record() -> None:
    (alert,) = run("alert_3ou_half", EXAMPLES["A"]).records
    assert msgspec.json.decode(alert.facts) == {"ou_total": 3.25, "favorite": None}
    assert msgspec.structs.replace(alert, facts=msgspec.Raw(b"")) == Alert(
        alert_id="3ou_half_" + "a" * 15,
        rule_id="3ou_half",
        rule_version=1,
        match_id="a" * 15,
        home_team="Northfield",
        away_team="Southport",
        competition_name="Example League",
        fired_fetch_id="Qx7LmA20bTzK",
        fired_at_utc=HALF_TIME,
        odds_company="bet365",
        ou_total=Decimal("3.25"),
        favorite=None,
        score_at_alert="0-0",
        facts=msgspec.Raw(b""),
        message=(
            "3OU HALF ALERT / Northfield vs Southport / Example League / "
            "Live Score: 0-0 (HT: 0-0) / O/U Total: 3.25 (bet365) / 02:40:00 PM EDT"
        ),
    )


def test_the_message_names_the_favorite_and_another_company() -> None:
    staged = run("alert_underdog_0half", match(prices=(3.1, 3.5, 2.2), company="22"))
    (alert,) = staged.records
    assert alert.favorite == Side.AWAY
    assert alert.message == (
        "UNDERDOG 0 HALF ALERT / Northfield vs Southport / Example League / "
        "Live Score: 0-0 (HT: 0-0) / Favorite: Southport at 2.2 before kick-off, Northfield at 3.1 "
        "(company 22 Pinnacle, fallback) / 02:40:00 PM EDT"
    )


def test_a_match_without_names_still_has_its_alert() -> None:
    info = msgspec.structs.replace(
        EXAMPLES["A"].match_info, home_team=None, away_team=None, competition_name=None
    )
    nameless = msgspec.structs.replace(EXAMPLES["A"], match_info=info)
    (alert,) = run("alert_3ou_half", nameless).records
    assert "unknown vs unknown / unknown competition" in alert.message
    (alert,) = run("alert_underdog_0half", nameless).records
    assert "Favorite: home at 1.72 before kick-off, away at 4.5" in alert.message


def test_a_match_has_one_alert_however_long_half_time_lasts() -> None:
    first = run("alert_3ou_half", EXAMPLES["A"])
    carried = first.carried
    for minute in range(1, 16):
        later = HALF_TIME + timedelta(minutes=minute)
        again = run("alert_3ou_half", EXAMPLES["A"], EXAMPLES["F"], at=later, carried=carried)
        assert fates(again) == {"A": "already_alerted", "F": "not_half_time"}
        assert again.carried == first.carried
        carried = again.carried


def test_what_was_carried_is_left_as_it_was() -> None:
    carried = Fired({"z" * 15: int(HALF_TIME.timestamp())})
    staged = run("alert_3ou_half", EXAMPLES["A"], carried=carried)
    assert list(carried.at) == ["z" * 15]
    assert list(staged.carried.at) == ["z" * 15, "a" * 15]


def test_what_is_remembered_is_bounded() -> None:
    first = run("alert_3ou_half", EXAMPLES["A"])
    kept = run("alert_3ou_half", at=HALF_TIME + REMEMBERED, carried=first.carried)
    assert list(kept.carried.at) == ["a" * 15]
    gone = run(
        "alert_3ou_half", at=HALF_TIME + REMEMBERED + timedelta(minutes=1), carried=kept.carried
    )
    assert gone.carried == Fired({})
    assert timedelta(days=30) < REMEMBERED


@pytest.mark.parametrize("rule", ["alert_3ou_half", "alert_underdog_0half"])
def test_an_error_in_one_record_costs_that_record_alone(rule: str) -> None:
    broken = msgspec.structs.replace(EXAMPLES["C"], odds="?", prematch_money_line="?")  # pyright: ignore
    info = msgspec.structs.replace(broken.match_info, home_goals=0, away_goals=0, away_goals_ht=0)
    broken = msgspec.structs.replace(broken, match_info=info)

    staged = run(rule, broken, EXAMPLES["A"])

    assert [alert.match_id for alert in staged.records] == ["a" * 15]
    assert [one.key for one in staged.quarantined] == ["c" * 15]
    assert list(staged.carried.at) == ["a" * 15]


def test_an_exported_fetch_lists_its_alerts() -> None:
    stage = stage_named("alert_3ou_half")
    staged = run("alert_3ou_half", *EXAMPLES.values())
    assert stage.export is not None
    document = as_json(stage.export(fetch(), content(staged, finished_at=HALF_TIME)))
    assert [alert["match_id"][0] for alert in document["ALERT_DATA"]["alerts"]] == ["a", "g"]
    assert document["ALERT_DATA"]["alerts"][0]["ou_total"] == 3.25
    assert document["FETCH_FOOTER"]["total_alerts"] == 2
    assert document["FETCH_FOOTER"]["account"] == staged.account.as_dict()


def test_records_and_carried_state_survive_their_storage() -> None:
    staged = run("alert_underdog_0half", *EXAMPLES.values())
    assert survive_columns(staged.records)
    assert through_storage(staged.carried) == staged.carried
    assert len(msgspec.msgpack.encode(staged.carried)) < 30 * len(staged.records)


def test_every_rule_has_an_asset_of_its_own() -> None:
    assert [stage.name for stage in alert_stages()] == [
        "football/alert_3ou_half",
        "football/alert_underdog_0half",
    ]
    for stage in alert_stages():
        assert stage.ordered
        assert stage.inputs == ("football/monitor_central",)
        assert stage.carries is Fired


def test_the_code_that_decides_is_the_rules_own_file() -> None:
    modules = [stage.module for stage in alert_stages()]
    assert modules == [three_ou_half.__name__, underdog_half.__name__]


THIRD_RULE = """
from enum import StrEnum
import msgspec
from pipeline_assets.football.alerts.rules import Facts, Rule
from pipeline_assets.football.alerts.settling import Settled
from touchline.outcomes import State

class Reason(StrEnum):
    INSUFFICIENT_DATA = "insufficient_data"
    ALREADY_ALERTED = "already_alerted"
    FEW_CORNERS = "few_corners"

class Parameters(msgspec.Struct, frozen=True):
    min_corners: int = 2

class CornerFacts(Facts, frozen=True):
    corners: int = 0

def predicate(record, parameters):
    if record.corners.total is None:
        return Reason.INSUFFICIENT_DATA
    if record.corners.total < parameters.min_corners:
        return Reason.FEW_CORNERS
    return CornerFacts(corners=record.corners.total)

def outcome(facts, result):
    return Settled(State.WON if result.home + result.away > facts.corners else State.LOST, "goals")

RULE = Rule(
    rule_id="corners", version=1, title="CORNERS", doc="Many corners.", parameters=Parameters(),
    reasons=Reason, predicate=predicate, says=lambda record, facts: f"Corners: {facts.corners}",
    outcome=outcome, makes=CornerFacts,
)
"""


@pytest.fixture
def extra_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose files are rules like those of the package."""
    package = pipeline_assets.football.alerts
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith(f"{package.__name__}.extra")]:
        del sys.modules[name]


def test_a_rule_is_one_file(extra_rules: Path) -> None:
    (extra_rules / "extra_corners.py").write_text(THIRD_RULE)

    assert [rule.rule_id for rule in all_rules()] == ["3ou_half", "corners", "underdog_0half"]
    staged = run("alert_corners", EXAMPLES["A"], EXAMPLES["F"])

    assert [alert.rule_id for alert in staged.records] == ["corners", "corners"]
    assert "Corners: 2 /" in staged.records[0].message
    assert msgspec.json.decode(staged.records[0].facts)["corners"] == 2


def test_the_rule_of_the_docs_works_as_written(extra_rules: Path) -> None:
    text = DOCS.read_text()
    [code] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (extra_rules / "extra_home_held.py").write_text(code)

    even = match("e" * 15, prices=(2.5, 3.2, 2.6))
    staged = run("alert_home_held", EXAMPLES["A"], EXAMPLES["C"], EXAMPLES["F"], even)

    assert fates(staged) == {
        "A": "fires",
        "C": "not_level",
        "F": "not_half_time",
        "E": "price_long",
    }
    [alert] = staged.records
    assert "/ Home at 1.72 /" in alert.message
    [rule] = [rule for rule in all_rules() if rule.rule_id == "home_held"]
    facts = rule.facts_of(bytes(alert.facts))
    for result, settled, profit in (
        (Result(8, 2, 1, 0, 0), Settled(State.WON, "home_won"), Decimal("0.72")),
        (Result(8, 1, 1, 0, 0), Settled(State.LOST, "home_held"), Decimal(-1)),
        (Result(8, 2, 1, 1, 0), Settled(State.VOID, "half_time_score_corrected"), None),
        (Result(12, 0, 0, 0, 0), Settled(State.VOID, "canceled"), None),
    ):
        assert rule.settled(facts, result) == settled
        if profit is not None:
            assert rule.pays is not None
            assert rule.pays(EXAMPLES["A"], facts, result) == profit


def test_two_files_cannot_claim_one_rule_id(extra_rules: Path) -> None:
    for name in ("extra_one.py", "extra_two.py"):
        (extra_rules / name).write_text(THIRD_RULE)
    with pytest.raises(ValueError, match="extra_two"):
        all_rules()


def test_a_rule_without_the_reasons_that_every_rule_needs_is_refused() -> None:
    rule = three_ou_half.RULE
    with pytest.raises(ValueError, match="insufficient_data"):
        type(rule)(
            rule_id="bad",
            version=1,
            title="BAD",
            doc="",
            parameters=rule.parameters,
            reasons=Side,
            predicate=lambda record, parameters: Facts(),
            says=rule.says,
            outcome=rule.outcome,
        )
