"""The figures that a rule is judged by."""

from __future__ import annotations

import pytest

from touchline.outcomes import State, Tally, tally, tally_by_rule


def test_every_alert_counts_once_and_the_rate_is_of_those_won_or_lost() -> None:
    states = [*[State.WON] * 3, State.LOST, *[State.VOID] * 2, State.PENDING, State.UNRESOLVED]
    assert tally(states) == Tally(8, 3, 1, 2, 1, 1, 0.75)


def test_without_any_won_or_lost_there_is_no_rate() -> None:
    assert tally([]) == Tally(0, 0, 0, 0, 0, 0, None)
    assert tally([State.VOID, State.PENDING]).win_rate is None


def test_a_rules_alerts_are_summed_up_apart_from_those_nobody_can_tell_of() -> None:
    alerts = [("b", State.WON), ("a", State.LOST), ("b", None), ("b", State.LOST), ("c", None)]
    sums = tally_by_rule(alerts)
    assert list(sums) == ["a", "b"]
    assert str(sums["b"]) == "1 won, 1 lost, 0 void, 0 pending, 0 unresolved; win rate 50%"
    assert str(tally([State.VOID])) == "0 won, 0 lost, 1 void, 0 pending, 0 unresolved; no win rate"


def test_a_state_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="won"):
        tally(["won"])
