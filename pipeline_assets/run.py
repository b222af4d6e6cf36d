"""One run over one day of a feed, and how it lands what its steps make.

A failure of data or of the store becomes a line of the step's report, never an exception out of the
step: the checks must still run and say so.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from pipeline_assets.attempts import Attempt, said
from pipeline_assets.day_lock import DayAtWork, day_locked
from pipeline_assets.delivery import deliver_alerts, notifier_of
from pipeline_assets.planning import plan_days
from resources.day_store import DayStore, Landing
from resources.fetch_object import FetchObject
from resources.ledger import Claim, LedgerUnavailable
from resources.site import Site
from resources.spool import Spool
from resources.store import StoreError
from touchline.accounting import Account, RetryAction
from touchline.day import Day, FetchNumber
from touchline.delivery import match_alerts
from touchline.errors import Misuse, Unavailable
from touchline.fetch import FetchRef
from touchline.plan import FeedPlan
from touchline.retries import Decision
from touchline.slot import Slot
from touchline.stage import Stage, describe

log = logging.getLogger(__name__)

BACKLOG_SECONDS = 20.0
"""How long one run may work on what earlier minutes left: the live minute comes first."""
SENDING_SECONDS = 3.0
"""How long one run may wait for its alerts to be taken; a sensor sends what is left."""


@dataclass(frozen=True)
class Failure:
    """Why one fetch did not land in one asset, this time; or, without a number, the whole step."""

    number: FetchNumber | None
    error: str

    def __str__(self) -> str:
        return self.error if self.number is None else f"fetch {self.number}: {self.error}"


@dataclass
class Batch:
    """What a step of a run makes, one fetch at a time while it is landed."""

    run: Run
    asset: str
    ordered: bool
    made: Iterator[FetchObject | Failure]
    findings: list[str]


@dataclass
class StepReport:
    """What one step did; `account` sums what it added."""

    asset: str
    landed: dict[FetchNumber, Landing] = field(default_factory=dict)
    account: Account = field(default_factory=Account)
    failures: list[Failure] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    """Of what it added."""
    seconds: float = 0.0
    lateness_seconds: float | None = None
    """How long after the time of its slot the live fetch began."""

    @property
    def added(self) -> list[FetchNumber]:
        new = (Landing.LANDED, Landing.REPLACED)
        return [number for number, landing in self.landed.items() if landing in new]


@dataclass
class Run:
    """`slot` is the one to fetch live, None to fetch nothing; `rebuild` makes every stage of the
    day anew from what landed upstream and replaces what differs."""

    site: Site
    plan: FeedPlan
    day: Day
    run_id: str
    slot: Slot | None = None
    rebuild: bool = False
    repairs: bool = False
    """Whether a rebuild repairs a day: who began it holds the day's lock, and what it replaces is
    kept."""
    sleep: Callable[[float], None] = time.sleep
    fetch_started: datetime | None = None
    """When this run's own fetch began; None while it has none."""
    forced: str | None = None
    """Why a person wants a key fetched again, whatever is known of it."""
    decided: dict[Slot, Decision] = field(default_factory=dict)
    """The last decision on each attempt of this run."""
    remarks: list[str] = field(default_factory=list)
    """Findings of its steps about what has landed all the same, and that no further try changes."""
    repaired: set[tuple[Day, FetchNumber]] = field(default_factory=set)
    """Fetches of which this run has replaced a placeholder in some stage."""

    @property
    def days(self) -> DayStore:
        return self.site.days(self.plan.name)

    @property
    def spool(self) -> Spool:
        return self.site.spool(self.plan.name)

    @property
    def is_live(self) -> bool:
        return self.slot is not None and not self.rebuild

    def attempt(self, slot: Slot, findings: list[str]) -> Attempt | None:
        """Return this run's attempt at a slot; None of what cannot be fetched again."""
        refetch = self.plan.raw_of(slot.raw).refetch
        if refetch is None:
            return None
        return Attempt(self.site, refetch, slot, self.run_id, findings, self.forced, self.remarks)

    def post(self, stage: Stage[Any], ref: FetchRef, records: Sequence[Any]) -> bool:
        """Put a fetch's alerts into the outbox, before anything of them lands; whether the ledger
        took them. Raises OSError where they could not even be held."""
        alerts = match_alerts(stage, ref, records, self.plan.subject, is_news=self.is_live)
        return not alerts or self.site.outbox(stage.feed).post(alerts, self.site.clock.now())

    def land(self, batch: Batch) -> StepReport:
        """Land each fetch as it is made; an ordered stage stops at the first that does not.

        Raises SettingsError and WrongOrigin, which people have to put right.
        """
        report = StepReport(batch.asset, findings=batch.findings)
        started = time.monotonic()
        try:
            with self._alone(batch.asset):
                self._land_each(batch, report)
        except DayAtWork as error:
            report.failures.append(Failure(None, f"{error}: nothing was rebuilt; do it again"))
        except Misuse as error:
            self.site.record.note(failures=[f"{batch.asset}: {error}"])
            raise
        except Exception as error:
            log.exception("%s", batch.asset)
            report.failures.append(Failure(None, describe(error)))
        if self.is_live and (stage := self.site.stages.get(batch.asset)) and stage.tells_people:
            self._send_alerts(report)
        self.site.record.note(
            added=len(report.added),
            unchanged=len(report.landed) - len(report.added),
            failures=(f"{batch.asset}: {failure}" for failure in report.failures),
        )
        report.seconds = time.monotonic() - started
        log.info(
            "%s: %d added, received %d, emitted %d, %d failed, %.2f s",
            batch.asset,
            len(report.added),
            report.account.received,
            report.account.emitted,
            len(report.failures),
            report.seconds,
        )
        for finding in report.findings:
            log.warning("%s: %s", batch.asset, finding)
        return report

    def _send_alerts(self, report: StepReport) -> None:
        """Those that were just made, and what is due besides."""
        site, started = self.site, time.monotonic()
        try:
            deliver_alerts(
                site.outbox(self.plan.name),
                site.plans,
                partial(notifier_of, site.settings, site.ledger),
                site.clock.now(),
                seconds=SENDING_SECONDS - site.record.sending_seconds,
            )
        except LedgerUnavailable as error:
            report.findings.append(f"no alert is sent: {error}")
        site.record.sending_seconds += time.monotonic() - started

    def _alone(self, asset: str) -> AbstractContextManager[None]:
        """A rebuild works on a day while nobody seals it."""
        if self.rebuild and not self.repairs and not self.days.keys(asset).is_raw:
            return day_locked(self.site, asset, self.day, self.run_id)
        return nullcontext()

    def _land_each(self, batch: Batch, report: StepReport) -> None:
        for made in batch.made:
            self.site.record.beat()
            failure = made if isinstance(made, Failure) else self._land_one(made, report)
            if failure is not None:
                log.error("%s: %s", batch.asset, failure)
                report.failures.append(failure)
                if batch.ordered:
                    break

    def _land_one(self, made: FetchObject, report: StepReport) -> Failure | None:
        number = made.ref.number
        if not made.account.conserved:
            report.findings.append(f"fetch {number}: {made.account} does not add up")
        # Before it lands: a run that is killed in between leaves it to the next one, to plan again.
        report.findings += plan_days(self.site, self.plan, made)
        try:
            landing = self.days.land(
                made,
                run_id=self.run_id,
                at=self.site.clock.now(),
                rebuild=self.rebuild or (made.ref.day, number) in self.repaired,
                keep=self.repairs,
            )
        except StoreError as error:
            return Failure(number, str(error))
        report.landed[number] = landing
        if made.reads:
            self._is_made_again(made, report)
        if landing is Landing.REPLACED and not made.is_raw:
            self.repaired.add((made.ref.day, number))
        if landing in (Landing.LANDED, Landing.REPLACED):
            report.account += made.account
            report.claims.append(made.claim(self.run_id))
        if made.is_raw:
            self._fetch_has_landed(made, report)
        return None

    def _is_made_again(self, made: FetchObject, report: StepReport) -> None:
        try:
            self.site.ledger.freshen(made.asset, made.ref.day)
        except LedgerUnavailable as error:
            report.findings.append(f"that {made.ref.day} is up to date could not be told: {error}")

    def _fetch_has_landed(self, made: FetchObject, report: StepReport) -> None:
        """Write the slot's fate down. The spool's copy stays until the window that holds the
        fetch was compared with it: the store's own disk may not have it yet."""
        ref, lateness = made.ref, None
        if self.fetch_started and ref.slot == self.slot:
            lateness = (self.fetch_started - ref.at).total_seconds()
            report.lateness_seconds = lateness
        try:
            # Of two captures of a slot the first counts.
            there = self.days.read(made.asset, ref.day, ref.number)
            self.site.ledger.fetch_landed(
                there.ref,
                there.outcome,
                there.envelope().footer.get("reason"),
                self.site.clock.now(),
                lateness,
            )
        except (Unavailable, ValueError) as error:
            report.findings.append(f"the fate of fetch {ref.number} could not be told: {error}")
        attempt = self.attempt(ref.slot, report.findings)
        if attempt and (decision := attempt.landed(made)):
            if ref.slot in self.decided and decision.action is not RetryAction.RUN:
                report.findings.append(f"fetch {ref.number}: {said(decision)}")
            self.decided[ref.slot] = decision
