"""How alerts turn out, and how many of which: the figures that a rule is judged by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

import msgspec


class State(StrEnum):
    """How an alert has turned out; all but PENDING are for good."""

    PENDING = "PENDING"
    WON = "WON"
    LOST = "LOST"
    VOID = "VOID"
    """There is nothing to win or lose, such as of a match that was not played out."""
    UNRESOLVED = "UNRESOLVED"
    """No end could be seen in time."""


class Tally(msgspec.Struct, frozen=True):
    """How many alerts of a rule there were and what became of them.

    `win_rate` is the share of WON among those that were won or lost, None where none was.
    """

    alerts: int
    won: int
    lost: int
    void: int
    pending: int
    unresolved: int
    win_rate: float | None

    def __str__(self) -> str:
        rate = "no win rate" if self.win_rate is None else f"win rate {self.win_rate:.0%}"
        return (
            f"{self.won} won, {self.lost} lost, {self.void} void, {self.pending} pending, "
            f"{self.unresolved} unresolved; {rate}"
        )


def tally(states: Iterable[str]) -> Tally:
    """Of the states of a rule's alerts, each once. Raises ValueError for what is none."""
    counts = Counter(map(State, states))
    won, lost = counts[State.WON], counts[State.LOST]
    return Tally(
        alerts=counts.total(),
        won=won,
        lost=lost,
        void=counts[State.VOID],
        pending=counts[State.PENDING],
        unresolved=counts[State.UNRESOLVED],
        win_rate=won / (won + lost) if won + lost else None,
    )


def tally_by_rule(alerts: Iterable[tuple[str, str | None]]) -> dict[str, Tally]:
    """Of rule and state of each alert, by rule; one whose state nobody knows is left out. Raises
    ValueError for what is no state."""
    states: dict[str, list[str]] = {}
    for rule, state in alerts:
        if state is not None:
            states.setdefault(rule, []).append(state)
    return {rule: tally(states[rule]) for rule in sorted(states)}
