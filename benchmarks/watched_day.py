"""A day of the full football plan on a real store: its minutes and windows, and a past for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.measured import Cost, MeteredS3, costing
from pipeline_assets.plans import PLANS
from pipeline_assets.rotation import rotate
from pipeline_assets.settings import AllSettings
from pipeline_assets.slot_run import run_slot
from resources.embedded_s3 import S3Access
from resources.garbage import collect_less_garbage
from resources.site import Site
from resources.store import Requests
from touchline.accounting import Verdict
from touchline.clock import VirtualClock
from touchline.day import Day, Minute
from touchline.slot import Slot

FEED = "football"
PLAN = PLANS[FEED]
VENDOR_USER, VENDOR_SECRET = "watcher", "film"
DAY = Day.parse("2025-05-29")


class NotAsItShould(RuntimeError):
    """A minute or a rotation that did not do its work measures nothing; the message says why."""


@dataclass(frozen=True)
class Watched:
    """Where a day lies: a prefix of a store, a folder, and the vendor that is asked."""

    access: S3Access
    home: Path
    prefix: str
    vendor_url: str | None = None

    @contextmanager
    def at(self, minute: Minute) -> Iterator[tuple[Site, MeteredS3]]:
        """The site at this minute, and what counts its requests."""
        settings = AllSettings.load(
            _env_file=None,
            home=self.home,
            s3_prefix=self.prefix,
            feed_url=self.vendor_url,
            feed_user=VENDOR_USER,
            feed_secret=VENDOR_SECRET,
            origin="recorded",
        )
        site = Site.open(settings, PLANS, self.access, clock=VirtualClock(minute.utc))
        metered = MeteredS3(
            endpoint_url=self.access.endpoint_url,
            region_name=self.access.region,
            aws_access_key_id=self.access.access_key_id,
            aws_secret_access_key=self.access.secret_access_key,
        )
        site.store = replace(site.store, s3=metered, requests=Requests())
        try:
            yield site, metered
        finally:
            site.close()

    def minute(self, minute: Minute) -> Cost:
        """Run it in this process. Raises NotAsItShould."""
        with self.at(minute) as (site, metered):
            collect_less_garbage()  # As the resources of a run do.
            with costing(metered.wire) as cost:
                slot = Slot.implied(FEED, minute.utc)
                report = run_slot(site, slot, run_id=f"minute-{minute}")
            failures = [str(f) for step in report.steps.values() for f in step.failures]
            # A recorded poll that is shown all day long is no news, and its check says so.
            checks = [check for check in report.checks if check.check != "feed_is_alive"]
            failures += [str(found) for check in checks for found in check.findings]
            landed = all(minute.number in step.landed for step in report.steps.values())
            if failures or not landed or {c.verdict for c in checks} != {Verdict.OK}:
                raise NotAsItShould(f"minute {minute.number} of {minute.day}: {failures[:3]}")
        return cost

    def rotated(self, minute: Minute) -> Cost:
        """Make the windows that are due after this minute. Raises NotAsItShould."""
        with self.at(minute) as (site, metered):
            with costing(metered.wire) as cost:
                report = rotate(site, FEED)
            if report.findings:
                raise NotAsItShould(f"rotation at {minute}: {report.findings[:3]}")
        return cost
