"""What a flow is: what was before it, what it does, and who carries on when it has been killed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulator.faults import Fault
from tests.chain import Chain
from tests.crash.effects import Edge
from tests.crash.plans import SMALL, Tested
from touchline.day import Minute


@dataclass(frozen=True)
class Step:
    """Work in a process of its own, so many minutes (and seconds) after the flow's first."""

    passed: int
    work: Callable[[Chain, Minute], Any]
    seconds: float = 0.0
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Flow:
    """`dies` is killed somewhere; then `again`, where it was killed before an effect, and in any
    case `after` are run to their ends. Minutes are counted from the first: `landed` must be there
    in the end, whatever happens; `live` is the one that `dies` fetches and must be there once it
    is fsynced; for `skipped` nobody came; of `captured_twice` one capture lies beside the other."""

    name: str
    past: tuple[Step, ...]
    dies: Step
    after: tuple[Step, ...]
    again: tuple[Step, ...] = ()
    landed: frozenset[int] = frozenset()
    live: int | None = None
    skipped: frozenset[int] = frozenset()
    captured_twice: frozenset[int] = frozenset()
    tested: Tested = SMALL
    kills: int | None = None
    """How many are wanted, where it is not both edges of every effect."""

    def restart(self, edge: Edge) -> tuple[Step, ...]:
        return (*self.again, *self.after) if edge is Edge.BEFORE else self.after

    @property
    def ends(self) -> int:
        """The minute after the last step."""
        return max(step.passed for step in (self.dies, *self.after)) + 1
