"""The pictures of reports, of a day that went well and of one that did not: `make screenshots`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from operations.commands.replay import ReplayOptions
from operations.commands.replay import run_replay as replay
from operations.commands.report import render
from operations.opened import opened
from pipeline_assets.day_state import read_day_state
from pipeline_assets.settings import AllSettings
from resources.embedded_s3 import connected
from resources.watch_record import record_watch
from simulator.clock import Clock
from simulator.faults import Fault
from simulator.server import Served, serve
from simulator.world import World
from tests.chain import FEED
from tests.slots import asset_keys, slot_at
from tests.stack.pages import browsed
from touchline.accounting import MissedReason
from touchline.day import Minute, Window

START = Minute.parse("2025-05-28T17:00:00Z")
MINUTES, MATCHES, SEED = 120, 16, 3
WIDTH, HEIGHT, MARGIN = 1120, 2300, 16
"""Of a picture, in pixels: it ends with a part of the page, which may go on below."""
LIVE_LIST = "match/detail_live"
_USER, _SECRET = "user-of-pictures", "secret-of-pictures"


@dataclass(frozen=True)
class Replayed:
    """A day whose minutes are replayed in stretches, on a vendor that can be told to fail."""

    settings: AllSettings
    vendor: Served

    def minutes(self, first: int, count: int, *faults: Fault) -> None:
        """So many minutes, the first so long after the day's first."""
        start = START.later(first)
        self.vendor.faults.replace(list(faults), int(start.utc.timestamp()))
        options = ReplayOptions(count, start.utc, "live", prefix=self.settings.s3_prefix)
        replay(self.settings, options, tick=lambda so_far: None)

    def missed(self, first: int, count: int, reason: MissedReason) -> None:
        """Minutes that were watched and that nobody fetched."""
        with opened(self.settings) as site:
            minutes = [START.later(first + passed) for passed in range(count)]
            site.ledger.open_interval(FEED, minutes[0].utc, "simulated")
            for minute in minutes:
                site.ledger.slot_missed(slot_at(minute), reason, minute.end)
            site.ledger.close_interval(FEED, minutes[-1].end)
            record_watch(site.store, site.ledger, FEED)

    def lose(self, asset: str, after: int) -> None:
        """Delete a window behind everybody's back."""
        with opened(self.settings) as site:
            window = Window.of(START.day, START.later(after).number)
            site.store.delete(asset_keys(asset).window(window))

    def page(self) -> str:
        with opened(self.settings) as site:
            return render(read_day_state(site, site.plans[FEED], START.day))


@contextmanager
def replayed(home: Path, prefix: str) -> Iterator[Replayed]:
    """A day below this prefix, in a state folder that is made where there is none."""
    clock = Clock(START.utc)
    with serve(World(SEED, MATCHES), user=_USER, secret=_SECRET, clock=clock) as vendor:
        settings = AllSettings.load(
            _env_file=None,
            home=home,
            s3_prefix=prefix,
            feed_url=vendor.url,
            feed_user=_USER,
            feed_secret=SecretStr(_SECRET),
            origin="simulated",
        )
        with connected(settings):
            yield Replayed(settings, vendor)


def pages(home: Path) -> Iterator[tuple[str, str]]:
    """Name and page of both days."""
    with replayed(home, "good") as day:
        day.minutes(0, MINUTES)
        yield "good", day.page()
    with replayed(home, "broken") as day:
        day.minutes(0, 38)
        day.missed(38, 4, MissedReason.NOT_REQUESTED)
        day.minutes(42, 14)
        day.minutes(56, 3, Fault("html", endpoint=LIVE_LIST))
        day.minutes(59, 21, Fault("malformed_match"))
        day.minutes(80, MINUTES - 80)
        day.lose("football/monitor_central", 70)
        day.lose("football/odds_changes", 20)
        yield "broken", day.page()


def take(name: str, page: str, folder: Path) -> None:
    file = folder / f"{name}.html"
    file.write_text(page)
    with browsed(width=WIDTH, pixels=WIDTH) as browser:
        browser.page.goto(file.as_uri())
        bottoms = browser.page.locator("section").evaluate_all(
            "sections => sections.map(section => section.getBoundingClientRect().bottom)"
        )
        height = MARGIN + max(bottom for bottom in bottoms if bottom <= HEIGHT)
        shown: Any = {"x": 0, "y": 0, "width": WIDTH, "height": height}
        browser.page.screenshot(path=folder / f"report-{name}.png", full_page=True, clip=shown)


if __name__ == "__main__":
    docs = Path(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="touchline-") as scratch:
        for name, page in pages(Path(scratch)):
            take(name, page, Path(scratch))
            (Path(scratch) / f"report-{name}.png").replace(docs / f"report-{name}.png")
