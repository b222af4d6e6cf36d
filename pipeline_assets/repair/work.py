"""A plan carried out: asset by asset under the day's lock, fetch by fetch, each of them durable.

A process may die anywhere: what is done is done, and the next plan is of what is left. Nothing is
deleted: what is replaced is kept below `conflicts/`, and replaced files of the lake stay as long as
the lake keeps such files. No alert is sent.
"""

from __future__ import annotations

import getpass
import os
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property

from pipeline_assets.checks.specs import Asset
from pipeline_assets.day_lock import day_locked, has_died
from pipeline_assets.raw_step import raw_object
from pipeline_assets.repair.plan import Item, Plan, PlanOutdated, Work
from pipeline_assets.repair.survey import SealState, Survey
from pipeline_assets.run import Batch, Failure, Run, StepReport
from pipeline_assets.sealing import seal_index
from pipeline_assets.stage_step import made_again
from resources.day_index import DayIndex
from resources.day_layout import seal_of
from resources.day_store import DayStore
from resources.day_windows import DayWindows
from resources.fetch_object import FetchObject, UnreadableObject
from resources.site import Site
from resources.spool import Torn
from resources.store import PreconditionFailed, StoreError
from touchline.accounting import RunKind, RunState
from touchline.day import FetchNumber, Window
from touchline.stage import RawAsset


@dataclass
class Done:
    """What was carried out. `steps` are those of assets of which fetches were landed."""

    run_id: str
    steps: dict[str, StepReport] = field(default_factory=dict)
    items: int = 0
    failures: list[str] = field(default_factory=list)


def who() -> str:
    """The person at work, for the books."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def new_run_id(kind: RunKind = RunKind.REPROCESS) -> str:
    """Names person, machine and process: who reads it in a claim knows who made it, and a lock that
    a process left which died can be told from one that is at work."""
    return f"{kind}-{who()}-{os.getpid()}-{uuid.uuid4().hex[:12]}"


def carry_out(
    site: Site,
    plan: Plan,
    *,
    run_id: str,
    reason: str,
    progress: Callable[[str], None] = lambda _: None,
) -> Done:
    """Do what the plan says and nothing else.

    What fails is said and the other assets go on; what needs it then fails too. Raises PlanOutdated
    and DayAtWork before anything of an asset is done, LedgerUnavailable, StoreError.
    """
    done, ledger = Done(run_id), site.ledger
    why = f"{who()}: {reason}"
    for left in ledger.running():
        if has_died(left.run_id):
            ledger.run_ended(left.run_id, RunState.ABANDONED, site.clock.now(), left.reason)
    with site.run(run_id, RunKind.REPROCESS, feed=plan.feed.name, why=why):
        run = Run(site, plan.feed, plan.day, run_id, rebuild=True, repairs=True)
        run.days.in_hand.clear()
        for asset in plan.feed.assets:
            index = _without_damage(run.days, plan.surveys[asset.name])
            run.days.look_at(asset.name, plan.day, index)
        for asset in plan.feed.assets:
            if plan.of(asset.name):
                progress(f"repairing {plan.day} {asset.name}")
                with day_locked(site, asset.name, plan.day, run_id):
                    _Repair(run, plan, asset, why, done).run_all()
    return done


def _without_damage(days: DayStore, found: Survey) -> DayIndex:
    """The day as it is listed now, without what the survey could not rely upon."""
    index = days.index(found.asset.name, found.day).copy()
    for first in found.damaged:
        index.windows.pop(first, None)
    if found.seal is SealState.BROKEN:
        index.seal = None
    elif found.seal is SealState.UNTOLD:
        index.seal = found.index.seal
    return index


@dataclass
class _Repair:
    """One asset's items of a plan."""

    run: Run
    plan: Plan
    asset: Asset
    why: str
    done: Done

    @property
    def site(self) -> Site:
        return self.run.site

    @property
    def days(self) -> DayStore:
        return self.run.days

    @property
    def found(self) -> Survey:
        return self.plan.surveys[self.asset.name]

    @cached_property
    def index(self) -> DayIndex:
        """As the asset's day stands when it is its turn; what lands is added."""
        index = _without_damage(self.days, self.found)
        self.days.look_at(self.asset.name, self.plan.day, index)
        return index

    def run_all(self) -> None:
        self._compare_with_plan()
        for work, do in (
            (Work.CONFIRM, self._confirm),
            (Work.SEAL, self._seal),
            (Work.CLAIM, self._claim),
        ):
            self._each(work, do)
        self._fetches()
        for work, do in (
            (Work.WINDOW, self._window),
            (Work.ASIDE, self._aside),
            (Work.RESEAL, self._reseal),
        ):
            self._each(work, do)

    def _compare_with_plan(self) -> None:
        """Raises PlanOutdated where either book has moved on since the plan was made."""
        asset, day = self.asset.name, self.plan.day
        items = self.plan.of(asset)
        claims = self.site.ledger.claims_of(
            asset, day, [item.number for item in items if item.number is not None]
        )
        there = {
            listed.key: listed.etag
            for listed in self.site.store.list(self.site.keys(asset).folder(day))
        }
        for item in items:
            if item.number is None:
                continue
            if item.key is not None:
                planned = self.found.damaged.get(item.number) or self.found.unconfirmed.get(
                    item.number
                )
                same = there.get(item.key) == (planned and planned[0].etag)
            else:
                place, row = self.index.place(item.number), claims.get(item.number)
                same = item.stood == (place and place.etag, row and row.sequence)
            if not same:
                raise PlanOutdated(
                    f"{asset} of {day}: {item.key or f'fetch {item.number}'} is not what it was "
                    "when the plan was made; nothing of it was done: make another plan"
                )

    def _each(self, work: Work, do: Callable[[Item], None]) -> None:
        for item in self.plan.of(self.asset.name, work):
            try:
                do(item)
            except (StoreError, UnreadableObject) as error:
                what = item.key or f"fetch {item.number}"
                failure = f"{self.asset.name} {what}: {error}"
                self.done.failures.append(failure)
                self.site.record.note(failures=[failure])
            else:
                self.done.items += 1
                self.site.record.note(added=1)

    # --- fetches ---------------------------------------------------------------------------------

    def _fetches(self) -> None:
        asset = self.asset
        items = {
            item.number: item
            for work in (Work.LAND, Work.MAKE)
            for item in self.plan.of(asset.name, work)
            if item.number is not None
        }
        if not items:
            return
        if isinstance(asset, RawAsset):
            made, ordered = self._spooled(asset, items), False
        else:
            on_the_way = self.plan.on_the_way.get(asset.name, ())
            made = made_again(self.run, asset, items, on_the_way=on_the_way)
            ordered = asset.ordered
        report = self.run.land(
            Batch(self.run, asset.name, ordered, self._as_planned(made, items), [])
        )
        self.done.steps[asset.name] = report
        self.done.items += len(report.landed)
        failures = [f"{asset.name}: {failure}" for failure in report.failures]
        if not failures and len(report.landed) < len(items):
            failures = [f"{asset.name}: {len(items) - len(report.landed)} fetches were not made"]
            self.site.record.note(failures=failures)
        self.done.failures += failures

    def _spooled(
        self, raw: RawAsset, items: Mapping[FetchNumber, Item]
    ) -> Iterator[FetchObject | Failure]:
        spool = self.run.spool
        for entry in list(spool.entries(raw.name)):
            if entry.day == self.plan.day and entry.number in items:
                try:
                    yield raw_object(raw, spool.read(entry))
                except (OSError, Torn) as error:
                    yield Failure(entry.number, str(error))

    def _as_planned(
        self, made: Iterator[FetchObject | Failure], items: Mapping[FetchNumber, Item]
    ) -> Iterator[FetchObject | Failure]:
        """What is to be the same as before and is not, is not landed. Of the others the history
        says first who has them made again, and why."""
        for each in made:
            if isinstance(each, Failure):
                yield each
                continue
            same = items[each.ref.number].same
            if same is not None and (each.account, each.digest) != (same.account, same.digest):
                yield Failure(
                    each.ref.number,
                    f"the same code makes {each.account.emitted} records of the same input, and "
                    f"claimed {same.account.emitted}, or others: nothing was replaced; name the "
                    "asset, with a reason, to have it so",
                )
                continue
            now = self.site.clock.now()
            self.site.ledger.repairs(each.claim(self.run.run_id), self.why, now)
            yield each

    def _claim(self, item: Item) -> None:
        assert item.number is not None
        place = self.index.place(item.number)
        assert place is not None
        found = self.days.read_place(self.asset.name, self.plan.day, place)
        claim, now = found.claim(self.run.run_id), self.site.clock.now()
        why = f"{self.why}; the claim is made from the object that stands there"
        self.site.ledger.repairs(claim, why, now)
        self.site.ledger.intend(claim, now)
        self.site.ledger.landed(claim, place.etag, len(found.body), now)
        if isinstance(self.asset, RawAsset):
            reason = found.envelope().footer.get("reason")
            self.site.ledger.fetch_landed(found.ref, found.outcome, reason, now, None)

    # --- windows ---------------------------------------------------------------------------------

    @property
    def _windows(self) -> DayWindows:
        return DayWindows(self.days, self.asset.name, self.plan.day)

    def _confirm(self, item: Item) -> None:
        assert item.number is not None
        self._windows.confirm(Window(self.plan.day, item.number), self.site.clock.now())

    def _window(self, item: Item) -> None:
        """In the place of a damaged one, so that nobody who reads ever finds less than before."""
        assert item.number is not None
        window = Window(self.plan.day, item.number)
        damaged = self.found.damaged.get(item.number)
        if damaged is not None:
            held = sorted(self.found.held(item.number))
        else:
            done = {each.number for each in self.plan.of(self.asset.name) if each.key is None}
            held = sorted(n for n in self.found.standing | done if n is not None and n in window)
        places = [place for number in held if (place := self.index.place(number)) is not None]
        standing = self.site.ledger.standing(self.asset.name, self.plan.day)
        fetches, wrong = self._windows.sound(places, standing)
        if wrong or len(fetches) < len(held):
            raise UnreadableObject("; ".join(wrong) or "fetches of it are not there")
        if damaged is not None:
            self.days.keep_replaced(damaged[0].key)
        self._windows.store(window, fetches, self.site.clock.now(), damaged and damaged[0])

    def _aside(self, item: Item) -> None:
        assert item.number is not None
        listed, _ = self.found.damaged[item.number]
        self.days.keep_replaced(listed.key)
        try:
            self.site.store.delete(listed.key, listed.etag)
        except PreconditionFailed as error:
            raise StoreError(
                f"{listed.key} is not what it was when the plan was made; it was left as it is:"
                " make another plan"
            ) from error

    # --- the sealed day --------------------------------------------------------------------------

    def _seal(self, item: Item) -> None:
        """Read back what is sealed, and that alone; mark it and tell the ledger."""
        asset, day, number = self.asset.name, self.plan.day, self.index.seal
        assert number is not None
        sealed = replace(self.index, singles={}, windows={})
        for listed in list(self.site.store.list(self.site.keys(asset).folder(day))):
            if (seal_of(listed.key) or 0) > number:  # Of a manifest that does not count.
                with suppress(PreconditionFailed):  # It is gone already.
                    self.site.store.delete(listed.key, listed.etag)
        seal_index(self.site, self.plan.feed.name, asset, day, sealed)

    def _reseal(self, item: Item) -> None:
        asset, day = self.asset.name, self.plan.day
        standing = self.site.ledger.standing(asset, day)
        missing = [n for n, row in standing.items() if row.has_landed and not self.index.place(n)]
        if missing:
            raise UnreadableObject(f"{len(missing)} fetches are not there, the first {missing[0]}")
        self.days.sealed_days.forget(asset)
        seal_index(self.site, self.plan.feed.name, asset, day, self.index, rewrite=True)
