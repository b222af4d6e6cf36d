"""Runs flows in forked children, kills them at their points, and has the next ones carry on."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipeline_assets.code_version import code_version
from resources.embedded_s3 import S3Access
from resources.store import Store
from simulator.server import Served
from tests.chain import NOON, Chain
from tests.crash.account import DayAccount, account_of, complaints
from tests.crash.children import ChildFailed, WasKilled, in_child
from tests.crash.effects import Effect, Kind, Observer, Point
from tests.crash.flow import Flow, Step
from touchline.day import Minute


@dataclass
class Rig:
    """This process prepares, copies, forks and compares; all that is tested happens in children.

    What a library starts at its first use (a pool of threads, a runtime) does not survive a fork:
    so nothing here reads or writes a table.
    """

    vendor: Served
    access: S3Access
    folder: Path
    ours: Store
    """For copying prefixes."""
    childrens: Store
    kills: int = 0
    _prepared: dict[str, Chain] = field(default_factory=dict)

    def effects(self, flow: Flow) -> list[Effect]:
        """Everything that the flow's process does to the world, in order, when it is let live.

        Raises AssertionError when its day is not well in the end.
        """
        observer, chain = self._observer(flow, None)
        self._step(chain, flow.dies, observer)
        assert observer.effects == observer.done
        wrong = self._carried_on(flow, chain, observer, flow.after)
        assert not wrong, "\n".join(wrong)
        return observer.effects

    def killed(self, flow: Flow, point: Point) -> list[str]:
        """Kill the flow's process at the point, carry on, and say what is wrong in the end."""
        observer, chain = self._observer(flow, point)
        try:
            self._step(chain, flow.dies, observer)
            return ["this point was not reached"]
        except WasKilled:
            self.kills += 1
        except ChildFailed as error:
            return [str(error)]
        try:
            wrong = self._carried_on(flow, chain, observer, flow.restart(point.edge))
        except ChildFailed as error:
            wrong = [str(error)]
        if not wrong:
            shutil.rmtree(chain.home)
        return wrong

    def _carried_on(
        self, flow: Flow, chain: Chain, observer: Observer, steps: Sequence[Step]
    ) -> list[str]:
        for step in steps:
            self._step(chain, step)
        keys = flow.tested.key_columns
        looks = Step(flow.ends, lambda chain, _: account_of(chain, keys))
        found: DayAccount = self._step(chain, looks)
        must, may_miss, may_be_torn = set(flow.landed), set(flow.skipped), set[int]()
        if flow.live is not None:
            is_fetched_anew = flow.dies.passed in {step.passed for step in steps}
            is_ours = is_durable(observer.done, chain.start.later(flow.live))
            (must if is_ours or is_fetched_anew else may_miss).add(flow.live)
            may_be_torn |= set() if is_ours else {flow.live}
        return complaints(
            found,
            flow.tested.rows(chain.day, found.landed),
            landed=numbers(must),
            may_be_missed=numbers(may_miss),
            captured_twice=numbers(flow.captured_twice),
            may_be_torn=numbers(may_be_torn),
        )

    def _observer(self, flow: Flow, point: Point | None) -> tuple[Observer, Chain]:
        """For a process that is about to begin on a copy of the flow's past."""
        past = self._prepared.get(flow.name) or self._prepare(flow)
        home, prefix = self.folder / uuid.uuid4().hex[:12], f"crash-{uuid.uuid4().hex[:12]}"
        chain = past.copy(home, prefix)
        return Observer(home, point), chain

    def _prepare(self, flow: Flow) -> Chain:
        plan = flow.tested.plan
        for asset in plan.assets:
            code_version(asset.module, plan.stage_modules - {asset.module})
        prefix = f"past-{uuid.uuid4().hex[:12]}"
        home = self.folder / prefix
        chain = Chain(self.access, self.vendor, home, prefix, plan, NOON, self.ours)
        self._step(chain, Step(0, lambda chain, _: chain.watch()))
        for step in flow.past:
            self._step(chain, step)
        self._prepared[flow.name] = chain
        return chain

    def _step(self, chain: Chain, step: Step, observer: Observer | None = None) -> Any:
        """In a child; the vendor is ours and so is its clock."""
        minute = chain.start.later(step.passed)
        chain.at(minute, step.seconds)
        chain.faults(*step.faults)
        store = observer.before(self.childrens) if observer else self.childrens
        theirs = replace(chain, connected=store)
        theirs.clock.set(chain.clock.now())
        return in_child(lambda: step.work(theirs, minute), observer)


def numbers(passed: Iterable[int]) -> set[int]:
    """Of the minutes so many after the first."""
    return {NOON.later(minutes).number for minutes in passed}


def is_durable(done: Sequence[Effect], minute: Minute) -> bool:
    """Whether this minute's fetch had been fsynced into the spool."""
    name = f"{minute.number:05d}."
    return any(effect.kind is Kind.FSYNC and name in effect.name for effect in done)
