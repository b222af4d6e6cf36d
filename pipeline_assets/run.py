"""One run over one day of a feed, and how it lands what its steps make.

A failure of data or of the store becomes a line of the step's report, never an exception out of the
step: the checks must still run and say so.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from resources.day_store import DayStore, FetchObject, Landing, is_raw
from resources.ledger import LedgerUnavailable
from resources.object_store import StoreError
from resources.site import Site
from resources.spool import Spool
from touchline.accounting import Account
from touchline.day import Day, FetchNumber, Minute
from touchline.plan import FeedPlan

log = logging.getLogger(__name__)

BACKLOG_SECONDS = 20.0
"""How long one run may work on what earlier minutes left: the live minute comes first."""


@dataclass(frozen=True)
class Failure:
    """Why one fetch did not land in one asset, this time."""

    number: FetchNumber
    error: str


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
    seconds: float = 0.0
    lateness_seconds: float | None = None
    """How long after its minute's beginning the live fetch began."""

    @property
    def added(self) -> list[FetchNumber]:
        new = (Landing.LANDED, Landing.REPLACED)
        return [number for number, landing in self.landed.items() if landing in new]


@dataclass
class Run:
    """`minute` is the one to fetch live, None to fetch nothing; `rebuild` makes every stage of the
    day anew from what landed upstream and replaces what differs."""

    site: Site
    plan: FeedPlan
    day: Day
    run_id: str
    minute: Minute | None = None
    rebuild: bool = False
    sleep: Callable[[float], None] = time.sleep
    fetch_started: datetime | None = None
    """When this run's own fetch began; None while it has none."""

    @property
    def days(self) -> DayStore:
        return self.site.days(self.plan.name)

    @property
    def spool(self) -> Spool:
        return self.site.spool(self.plan.name)

    def land(self, batch: Batch) -> StepReport:
        """Land each fetch as it is made; an ordered stage stops at the first that does not."""
        report = StepReport(batch.asset, findings=batch.findings)
        started = time.monotonic()
        for made in batch.made:
            failure = made if isinstance(made, Failure) else self._land_one(made, report)
            if failure is not None:
                log.error("%s: fetch %s: %s", batch.asset, failure.number, failure.error)
                report.failures.append(failure)
                if batch.ordered:
                    break
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

    def _land_one(self, made: FetchObject, report: StepReport) -> Failure | None:
        number = made.ref.number
        if not made.account.conserved:
            report.findings.append(f"fetch {number}: {made.account} does not add up")
        try:
            landing = self.days.land(
                made, run_id=self.run_id, at=self.site.clock.now(), rebuild=self.rebuild
            )
        except StoreError as error:
            return Failure(number, str(error))
        report.landed[number] = landing
        if landing in (Landing.LANDED, Landing.REPLACED):
            report.account += made.account
        if is_raw(made.asset):
            self._fetch_has_landed(made, report)
        return None

    def _fetch_has_landed(self, made: FetchObject, report: StepReport) -> None:
        """Write the minute's fate down; let go of the spool's copy once it was read back."""
        ref = made.ref
        if self.fetch_started and ref.minute == self.minute:
            report.lateness_seconds = (self.fetch_started - ref.minute.utc).total_seconds()
        try:
            there = self.days.read_back(made.asset, ref.day, ref.number)
            self.site.ledger.fetch_landed(
                there.ref,
                there.outcome,
                there.envelope().footer.get("reason"),
                self.site.clock.now(),
                report.lateness_seconds,
            )
        except (StoreError, ValueError, LedgerUnavailable) as error:
            report.findings.append(f"fetch {ref.number} stays in the spool: {error}")
            return
        for spooled in self.spool.entries():
            if (spooled.day, spooled.number) == (ref.day, ref.number):
                # Of two captures of one minute the landed one counts; the other lies in conflicts.
                self.spool.clear(spooled)
