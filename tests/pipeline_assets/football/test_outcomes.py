"""How alerts turn out: what rules say, what is believed, who is asked, what is given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from pipeline_assets.football.alert_outcomes import (
    GIVEN_UP_AFTER,
    MOST_ASKED,
    AlertOutcome,
    OpenAlerts,
    outcomes_stage,
    wanted,
)
from pipeline_assets.football.alerts import three_ou_half, underdog_half
from pipeline_assets.football.alerts.rules import Alert, Facts, Side, alert_stages, all_rules
from pipeline_assets.football.alerts.settling import Result, Settled
from pipeline_assets.football.wire.fetched import DETAIL
from tests.pipeline_assets.football.examples import (
    MATCH,
    as_json,
    content,
    survive_columns,
    through_storage,
)
from tests.pipeline_assets.football.fetches import answer, envelope
from tests.slots import slot_at
from touchline.day import ONE_MINUTE, Minute
from touchline.fetch import Call, Envelope
from touchline.outcomes import State
from touchline.stage import Staged

HALF_TIME = Minute(datetime(2025, 7, 8, 18, 40, tzinfo=UTC))
STAGE = outcomes_stage(all_rules(), alert_stages())
ALERT_ID = f"3ou_half_{MATCH}"
ENDED, PLAYING = 8, 4


def alert(rule_id: str = "3ou_half", match_id: str = MATCH, **facts: Any) -> Alert:
    return Alert(
        alert_id=f"{rule_id}_{match_id}",
        rule_id=rule_id,
        rule_version=1,
        match_id=match_id,
        home_team=None,
        away_team=None,
        competition_name=None,
        fired_fetch_id="Qx7LmA20bTzK",
        fired_at_utc=HALF_TIME.utc,
        odds_company=None,
        ou_total=None,
        favorite=None,
        score_at_alert="0-0",
        facts=msgspec.Raw(msgspec.json.encode(facts)),
        message="",
    )


def sides(goals: str | list[Any], half_time: str = "0-0", overtime: str = "0-0") -> list[list[Any]]:
    """Both sides' figures; in place of goals, those of home as the vendor writes them, goals first,
    beside no goal of away."""
    if isinstance(goals, list):
        return [(goals + [0] * 7)[:7], [0] * 7]
    parts = [text.split("-") for text in (goals, half_time, overtime)]
    return [[int(g), int(h), 0, 0, -1, int(o), 0] for g, h, o in zip(*parts, strict=True)]


class Followed:
    """Alerts that are followed through fetches of our own making, minute by minute."""

    def __init__(self, *alerts: Alert) -> None:
        self.alerts: Sequence[Alert] = alerts
        self.carried: OpenAlerts | None = None
        self.emitted: list[AlertOutcome] = []
        self.said: dict[int, tuple[str, str]] = {}
        """The states by the minutes after half-time in which they came."""
        self.stage = STAGE

    def see(
        self,
        minutes: int,
        status: int | None = None,
        goals: str | list[Any] = "0-0",
        *,
        asked: Any = None,
        match_id: str = MATCH,
        **more: str,
    ) -> Staged[AlertOutcome]:
        """One fetch so long after half-time; in the live list with this status, or not; `asked` is
        what the match's detail says: the same in words, a Call, or nothing asked."""
        minute = HALF_TIME.later(minutes)
        entries = []
        if status is not None:
            score = [match_id, status, *sides(goals, **more), 0, ""]
            entries = [{"id": match_id, "score": score}]
        at = minute.utc + timedelta(seconds=4)

        def call(results: Any) -> Call:
            return Call(DETAIL, {"uuid": match_id}, answer(results), 200, received_at=at)

        details = {}
        if asked is not None:
            said = asked if isinstance(asked, Call) else call([detail(*asked, match_id=match_id)])
            details[match_id] = said
        live = Call("match/detail_live", {}, answer(entries), 200, received_at=at)
        return self.through(envelope(live, details, minute=minute))

    def through(self, raw: Envelope) -> Staged[AlertOutcome]:
        fired = [
            [each for each in self.alerts if each.rule_id in name] for name in STAGE.inputs[1:]
        ]
        self.alerts = ()
        staged = self.stage.by(raw.ref, raw, *fired, carried=self.carried)
        assert staged.account.conserved
        self.carried = through_storage(staged.carried)
        self.emitted += staged.records
        if staged.records:
            self.said[(raw.ref.at - HALF_TIME.utc) // ONE_MINUTE] = self.states[-1]
        return staged

    @property
    def states(self) -> list[tuple[str, str]]:
        return [(str(record.state), record.reason) for record in self.emitted]

    def asks(self, minutes: int) -> list[str]:
        assert self.carried is not None
        return wanted(self.carried, slot_at(HALF_TIME.later(minutes)))


def detail(status: int, goals: str = "0-0", match_id: str = MATCH, **more: str) -> dict[str, Any]:
    home, away = sides(goals, **more)
    return {"id": match_id, "status_id": status, "home_scores": home, "away_scores": away}


@pytest.mark.parametrize(
    ("result", "settled"),
    [
        (Result(8, 1, 0, 0, 0), Settled(State.WON, "goal_after_half_time")),
        (Result(8, 0, 0, 0, 0), Settled(State.LOST, "no_goal")),
        (Result(8, 1, 0, 1, 0), Settled(State.VOID, "half_time_score_corrected")),
        (Result(11, 1, 0, 0, 0), Settled(State.VOID, "cut_in_half")),
        (Result(12, 0, 0, 0, 0), Settled(State.VOID, "canceled")),
    ],
)
def test_3ou_half_says_how_it_turned_out(result: Result, settled: Settled) -> None:
    assert three_ou_half.RULE.settled(Facts(), result) == settled


@pytest.mark.parametrize(
    ("favorite", "result", "settled"),
    [
        (Side.HOME, Result(8, 0, 0, 0, 0), Settled(State.WON, "level_at_the_end")),
        (Side.HOME, Result(8, 1, 2, 0, 1), Settled(State.WON, "underdog_won")),
        (Side.HOME, Result(8, 2, 1, 0, 1), Settled(State.LOST, "favorite_won")),
        (Side.AWAY, Result(8, 2, 1, 0, 0), Settled(State.WON, "underdog_won")),
        (Side.AWAY, Result(8, 0, 1, 0, 0), Settled(State.LOST, "favorite_won")),
        (Side.AWAY, Result(8, 1, 1, 0, 1), Settled(State.VOID, "half_time_score_corrected")),
        (Side.AWAY, Result(12, 1, 1, 0, 0), Settled(State.VOID, "canceled")),
    ],
)
def test_underdog_0half_says_how_it_turned_out(
    favorite: Side, result: Result, settled: Settled
) -> None:
    facts = underdog_half.UnderdogFacts(favorite=favorite)
    assert underdog_half.RULE.settled(facts, result) == settled


# --- the worked examples -------------------------------------------------------------------------


def seen_to_the_end(status: int, goals: str = "0-0", **more: str) -> Followed:
    followed = Followed(alert())
    followed.see(0, 3)
    followed.see(10, PLAYING)
    for minutes in range(60, 67):
        followed.see(minutes, status, goals, **more)
    return followed


def test_a_goal_after_half_time_wins() -> None:
    followed = seen_to_the_end(ENDED, "1-0")
    assert followed.states == [
        ("PENDING", "in_play"),
        ("PENDING", "to_be_confirmed"),
        ("WON", "goal_after_half_time"),
    ]
    first, _, last = followed.emitted
    assert first.next_check_utc == HALF_TIME.later(1).utc
    assert (first.final_status_id, first.decided_from, first.decided_at_utc) == (None, None, None)
    assert last == AlertOutcome(
        alert_id=ALERT_ID,
        match_id=MATCH,
        rule_id="3ou_half",
        state=State.WON,
        reason="goal_after_half_time",
        final_status_id=8,
        final_home=1,
        final_away=0,
        ht_home=0,
        ht_away=0,
        goals_after_half_time=1,
        decided_from="live_list",
        decided_at_utc=HALF_TIME.later(65).utc,
        last_checked_utc=HALF_TIME.later(65).utc + timedelta(seconds=4),
        next_check_utc=None,
        checks=8,
    )
    assert followed.carried == OpenAlerts({})


@pytest.mark.parametrize(
    ("status", "score", "settled"),
    [
        (ENDED, {}, ("LOST", "no_goal")),
        (12, {}, ("VOID", "canceled")),
        (ENDED, {"overtime": "1-0"}, ("LOST", "no_goal")),
        (ENDED, {"goals": "1-0", "half_time": "1-0"}, ("VOID", "half_time_score_corrected")),
    ],
    ids=["no goal", "canceled", "goals of overtime do not count", "half-time score corrected"],
)
def test_how_an_end_settles_it(
    status: int, score: dict[str, str], settled: tuple[str, str]
) -> None:
    assert seen_to_the_end(status, **score).states[-1] == settled


def test_a_match_that_left_the_list_is_settled_by_its_detail() -> None:
    followed = Followed(alert())
    followed.see(0, 3)
    followed.see(9, PLAYING)
    followed.see(10)
    assert followed.asks(11) == [MATCH]
    followed.see(11, asked=(PLAYING, "1-0"))
    assert followed.asks(15) == []
    assert followed.asks(16) == [MATCH]
    followed.see(60, asked=(ENDED, "2-1"))
    assert followed.asks(64) == []
    assert followed.asks(65) == [MATCH]
    followed.see(65, asked=(ENDED, "2-1"))
    last = followed.emitted[-1]
    assert (last.state, last.decided_from) == ("WON", "recent_list")
    assert (last.final_home, last.final_away, last.checks) == (2, 1, 5)
    assert followed.asks(200) == []


def test_an_interrupted_match_is_given_up_after_two_days() -> None:
    followed = Followed(alert())
    followed.see(0, 3)
    two_days = int(GIVEN_UP_AFTER.total_seconds() / 60)
    for minutes in (10, 600, two_days - 1):
        followed.see(minutes, 10)
    assert followed.states == [("PENDING", "in_play"), ("PENDING", "held_up")]
    staged = followed.see(two_days, 10)
    assert followed.states[-1] == ("UNRESOLVED", "no_end_in_48_hours")
    assert followed.emitted[-1].final_status_id == 10
    assert [finding.kind for finding in staged.findings] == ["unresolved_alert"]
    assert followed.carried == OpenAlerts({})


# --- what is believed ----------------------------------------------------------------------------


IN_PLAY, CONFIRM = ("PENDING", "in_play"), ("PENDING", "to_be_confirmed")
WON, LOST = ("WON", "goal_after_half_time"), ("LOST", "no_goal")
BELIEVED = {
    "two looks that agree are five minutes apart": (
        [(60, ENDED, "1-0"), (64, ENDED, "1-0"), (65, ENDED, "1-0")],
        {60: CONFIRM, 65: WON},
    ),
    "an end that goes back to play counts for nothing": (
        [(60, ENDED), (61, PLAYING), (66, ENDED, "1-0"), (71, ENDED, "1-0")],
        {60: CONFIRM, 61: IN_PLAY, 66: CONFIRM, 71: WON},
    ),
    "a goal taken back after the end begins the wait anew": (
        [(60, ENDED, "1-0"), (63, ENDED), (65, ENDED), (68, ENDED)],
        {60: CONFIRM, 68: LOST},
    ),
    "a minute out of the list takes nothing back": (
        [(60, ENDED, "1-0"), (62,), (65, ENDED, "1-0")],
        {60: CONFIRM, 65: WON},
    ),
    "a goal that cannot be read decides nothing": (
        [(51, PLAYING, [None, 0]), (60, ENDED, [None, 0]), (66, ENDED, [-1, 0])],
        {60: CONFIRM},
    ),
    "a goal that cannot be read takes nothing back": (
        [(60, ENDED, [1, 0]), (66, ENDED, [1, "0"]), (67, ENDED, [1, 0])],
        {60: CONFIRM, 66: ("PENDING", "no_answer"), 67: WON},
    ),
    "a status beside a goal that cannot be read is seen": (
        [(60, ENDED, [1, 0]), (63, PLAYING, [None, 0]), (66, ENDED, [1, 0])],
        {60: CONFIRM, 63: IN_PLAY, 66: CONFIRM},
    ),
}
"""What the live list shows in which minutes, and when what is said of it."""


@pytest.mark.parametrize(("looks", "said"), BELIEVED.values(), ids=BELIEVED)
def test_what_is_believed_of_an_end(
    looks: list[tuple[Any, ...]], said: dict[int, tuple[str, str]]
) -> None:
    followed = Followed(alert())
    followed.see(0, 3)
    for look in looks:
        followed.see(*look)
    assert followed.said == {0: IN_PLAY, **said}


# --- asking --------------------------------------------------------------------------------------


def test_after_three_hours_a_match_is_asked_for_by_the_hour() -> None:
    followed = Followed(alert())
    followed.see(0, 3)
    followed.see(1)
    late = 65 + 180
    followed.see(late - 1, asked=(PLAYING,))
    assert followed.asks(late + 4) == [MATCH]
    followed.see(late + 4, asked=(PLAYING,))
    assert followed.asks(late + 63) == []
    assert followed.asks(late + 64) == [MATCH]


NOTHING = Call(DETAIL, {"uuid": MATCH}, answer([]), 200)
FAILED = Call(DETAIL, {"uuid": MATCH}, None, error="timeout")


@pytest.mark.parametrize("said", [NOTHING, FAILED])
def test_no_answer_is_asked_for_again_and_given_up_in_the_end(said: Call) -> None:
    followed = Followed(alert())
    followed.see(0, 3)
    followed.see(10)
    assert followed.states == [("PENDING", "in_play")], "leaving the list alone says nothing"
    followed.see(11, asked=said)
    assert followed.states[-1] == ("PENDING", "no_answer")
    assert followed.asks(16) == [MATCH]
    followed.see(int(GIVEN_UP_AFTER.total_seconds() / 60))
    assert followed.states[-1] == ("UNRESOLVED", "no_end_in_48_hours")
    assert followed.emitted[-1].final_status_id == 3, "what was seen last"


def test_a_match_that_comes_back_to_the_list_is_not_asked_for() -> None:
    followed = Followed(alert())
    followed.see(0, 3)
    followed.see(10)
    followed.see(11, PLAYING)
    assert followed.asks(12) == []


def test_one_fetch_asks_for_a_bounded_number_the_longest_due_first() -> None:
    names = [f"match{number:010d}" for number in range(MOST_ASKED + 5)]
    followed = Followed(*(alert(match_id=name) for name in names))
    followed.see(0)
    assert followed.asks(1) == names[:MOST_ASKED]
    for name in names[:3]:
        followed.see(1, asked=(PLAYING,), match_id=name)
    assert followed.asks(2) == names[3 : MOST_ASKED + 3]


def test_two_rules_on_one_match_ask_once() -> None:
    followed = Followed(alert(), alert("underdog_0half", favorite="home", gap=1.2))
    followed.see(0)
    assert followed.asks(1) == [MATCH]
    for minutes in (60, 65):
        followed.see(minutes, asked=(ENDED, "1-0"))
    assert followed.states[-2:] == [("WON", "goal_after_half_time"), ("LOST", "favorite_won")]


# --- what is wrong with the data costs no alert its outcome --------------------------------------


def test_a_score_that_cannot_be_read_is_read_from_the_detail() -> None:
    followed = Followed(alert())
    followed.see(0, 3)
    for minutes in (60, 65):
        at = HALF_TIME.later(minutes)
        live = [{"id": MATCH, "score": [MATCH, 8, "?"]}]
        followed.through(envelope(live, {MATCH: [detail(ENDED, "1-0")]}, minute=at))
    assert followed.states[-1][0] == "PENDING", "both came at one time"
    live = Call("match/detail_live", {}, b'{"err": "no"}', error="vendor_error")
    raw = envelope(live, minute=HALF_TIME.later(66))
    assert [finding.kind for finding in followed.through(raw).findings] == ["no_live_list"]
    followed.see(67, ENDED, "1-0")
    assert followed.states[-1] == ("WON", "goal_after_half_time")


def test_figures_that_no_outcome_needs_cost_none() -> None:
    followed = Followed(alert())
    followed.see(0, 3)
    for minutes in (60, 65):
        staged = followed.see(minutes, ENDED, [1, 0, None, "2", -7, False, {}])
        assert staged.findings == []
    assert followed.states[-1] == ("WON", "goal_after_half_time")


def test_a_canceled_match_is_void_without_its_goals() -> None:
    followed = Followed(alert())
    followed.see(0, 3)
    for minutes in (60, 65):
        followed.see(minutes, 12, [None, 0])
    assert followed.states[-1] == ("VOID", "canceled")
    last = followed.emitted[-1]
    assert (last.final_home, last.final_away, last.goals_after_half_time) == (None, 0, None)
    assert survive_columns(followed.emitted)


def test_a_goal_that_the_live_list_does_not_say_is_read_from_the_detail() -> None:
    followed = Followed(alert())
    followed.see(0, 3)
    for minutes in (60, 66):
        followed.see(minutes, ENDED, [None, 0], asked=(ENDED, "1-0"))
    assert followed.states[-1] == ("WON", "goal_after_half_time")
    assert followed.emitted[-1].decided_from == "recent_list"


@pytest.mark.parametrize("said", [(PLAYING, "1-0"), (ENDED, "1-1")])
def test_a_detail_that_disagrees_with_the_live_list_fills_in_nothing(said: Any) -> None:
    followed = Followed(alert())
    followed.see(0, 3)
    for minutes in (60, 66):
        followed.see(minutes, ENDED, [None, 0], asked=said)
    assert followed.states[-1] == ("PENDING", "to_be_confirmed")


def test_what_cannot_be_read_of_a_detail_that_was_asked_for_is_counted() -> None:
    followed = Followed(alert())
    followed.see(0, 3)
    followed.see(10)
    odd = detail(ENDED, "1-0") | {"status_id": "8", "home_scores": [1, None, None, 0, -1, 0, 0]}
    call = Call(DETAIL, {"uuid": MATCH}, answer([odd]), 200)
    staged = followed.see(60, asked=call)
    assert [(f.kind, f.key) for f in staged.findings] == [
        ("unread_field", "detail.status_id"),
        ("unknown_figure", "detail.home_scores.score_halftime"),
    ]
    assert followed.states[-1] == ("PENDING", "no_answer")


def test_an_error_in_a_rule_costs_that_alert_alone_and_is_made_good() -> None:
    def mistaken(facts: Facts, result: Result) -> Settled:
        raise ZeroDivisionError("a mistake")

    rules = [replace(three_ou_half.RULE, outcome=mistaken), underdog_half.RULE]
    followed = Followed(alert(), alert("underdog_0half", favorite="home", gap=1.2))
    followed.see(0, 3)
    followed.see(60, ENDED)
    followed.stage = outcomes_stage(rules, alert_stages())
    staged = followed.see(65, ENDED)
    assert [one.key for one in staged.quarantined] == [ALERT_ID]
    assert [record.rule_id for record in staged.records] == ["underdog_0half"]
    followed.stage = STAGE
    followed.see(66, ENDED)
    assert followed.states[-1] == ("LOST", "no_goal")


def test_an_alert_whose_rule_is_gone_is_unresolved() -> None:
    followed = Followed(alert())
    followed.see(0, 3)
    assert followed.carried is not None
    gone = outcomes_stage([], [])
    raw = envelope([], minute=HALF_TIME.later(1))
    [record] = gone.by(raw.ref, raw, carried=followed.carried).records
    assert (record.state, record.reason) == ("UNRESOLVED", "no_such_rule")
    assert gone.tells is not None
    told = gone.tells(record)
    assert told is not None
    assert "its rule is gone" in told.message


def test_a_fetch_without_open_alerts_receives_nothing() -> None:
    staged = Followed().see(0, 3)
    assert (staged.received, staged.carried) == (0, OpenAlerts({}))


def test_what_is_unchanged_is_dropped() -> None:
    followed = Followed(alert())
    followed.see(0, 3)
    staged = followed.see(1, PLAYING)
    assert staged.account.as_dict() == {
        "received": 1,
        "emitted": 0,
        "dropped": {"unchanged": 1},
        "quarantined": {},
    }


def test_records_survive_their_storage_and_export() -> None:
    emitted = seen_to_the_end(ENDED, "1-0").emitted
    assert survive_columns(emitted)
    assert STAGE.export is not None
    staged = Staged[AlertOutcome](records=emitted)
    document = as_json(STAGE.export(envelope([]).ref, content(staged)))
    assert document["ALERT_OUTCOMES_DATA"]["alert_outcomes"][-1]["state"] == "WON"
