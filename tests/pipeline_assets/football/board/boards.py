"""A board that is served from a landed day, how tests ask it, and what they land by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from operations.board_server import serving
from pipeline_assets.football.board.reader import CONVERTED, MONITOR
from pipeline_assets.plans import PLANS
from resources.fetch_object import FetchObject
from resources.site import Site
from resources.stage_codec import decode_stage, encode_stage
from resources.store.faulty import FaultyStore, Plan
from tests.operations.conftest import FEED, RunDay
from touchline.accounting import Outcome, key_digest, sha256_hex
from touchline.clock import VirtualClock
from touchline.fetch import FetchRef
from touchline.stage import Stage, Staged

WAIT_SECONDS = 60
"""For what has to come, on a machine under load."""


@dataclass
class Served:
    """A board, the clock by which it tells the age of what it shows, and what it reads."""

    url: str
    clock: VirtualClock
    store: FaultyStore

    def get(self, path: str = "/", **headers: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", headers=headers, timeout=WAIT_SECONDS)

    @contextmanager
    def events(self, query: str = "") -> Iterator[Iterator[dict[str, Any]]]:
        url = f"{self.url}/events?{query}"
        with httpx.stream("GET", url, timeout=WAIT_SECONDS) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = answer.iter_lines()
            yield (json.loads(line[6:]) for line in lines if line.startswith("data: "))


@contextmanager
def site_of(day: RunDay, clock: VirtualClock, **settings: Any) -> Iterator[Site]:
    changed = day.settings.model_copy(update=settings)
    with closing(Site.open(changed, PLANS, day.access, clock=clock)) as site:
        yield site


@contextmanager
def served(
    day: RunDay,
    plan: Plan | None = None,
    *,
    seconds: float = 30,
    port: int = 0,
    **settings: Any,
) -> Iterator[Served]:
    """The board so long after the beginning of the day's last minute, before a store that fails
    as `plan` says."""
    last = day.day.minute(day.numbers[-1])
    clock = VirtualClock(last.utc + timedelta(seconds=seconds))
    with site_of(day, clock, **settings) as site:
        site.store = store = FaultyStore(site.store, plan)
        with serving(site, port, poll_seconds=0.05, pulse_seconds=0.1) as url:
            yield Served(url, clock, store)


Records = list[Any]


def land_display(day: RunDay, passed: int, changed: Callable[[Records], Records]) -> None:
    """The display so many minutes after the day's last one, and what it is made of, with their
    records changed."""
    last = day.numbers[-1]
    stages: list[Stage[Any]] = [CONVERTED, MONITOR]
    with at_minute(day, passed) as (site, ref):
        for stage in stages:
            stored = site.days(FEED).read_back(stage.name, day.day, last)
            land_by_hand(site, stage, ref, changed(decode_stage(stage, stored.body).records))


@contextmanager
def at_minute(day: RunDay, passed: int) -> Iterator[tuple[Site, FetchRef]]:
    """The site, and a fetch, so many minutes after the day's last one."""
    later = day.day.minute(day.numbers[-1]).later(passed)
    with site_of(day, VirtualClock(later.utc)) as site:
        yield site, FetchRef(FEED, later, f"display-{passed:04d}")


def land_by_hand(site: Site, stage: Stage[Any], ref: FetchRef, records: Records) -> None:
    made = made_of(stage, ref, records)
    site.days(FEED).land(made, run_id="by-hand", at=ref.at, rebuild=False)


def made_of(stage: Stage[Any], ref: FetchRef, records: list[Any]) -> FetchObject:
    staged = Staged[Any]()
    staged.emit_many(records)
    body = encode_stage(stage, ref, staged)
    return FetchObject(
        asset=stage.name,
        ref=ref,
        outcome=Outcome.COMPLETE,
        account=staged.account,
        digest=key_digest(map(stage.key, records)),
        sha256=sha256_hex(body),
        code_version="by-hand",
        upstream_sha256=None,
        etag=None,
        body=body,
    )
