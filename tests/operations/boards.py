"""A board that is served from a landed day, and how tests ask it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from operations.board.server import serving
from pipeline_assets.plans import PLANS
from resources.embedded_s3 import S3Access
from resources.site import Site
from tests.operations.conftest import RunDay
from touchline.clock import VirtualClock

WAIT_SECONDS = 60
"""For what has to come, on a machine under load."""


@dataclass
class Served:
    """A board, and the clock by which it tells the age of what it shows."""

    url: str
    clock: VirtualClock

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
def site_of(
    day: RunDay, clock: VirtualClock, access: S3Access | None = None, **settings: Any
) -> Iterator[Site]:
    changed = day.settings.model_copy(update=settings)
    with closing(Site.open(changed, PLANS, access or day.access, clock=clock)) as site:
        yield site


@contextmanager
def served(
    day: RunDay,
    access: S3Access | None = None,
    *,
    seconds: float = 30,
    port: int = 0,
    **settings: Any,
) -> Iterator[Served]:
    """The board so long after the beginning of the day's last minute."""
    last = day.day.minute(day.numbers[-1])
    clock = VirtualClock(last.utc + timedelta(seconds=seconds))
    with (
        site_of(day, clock, access, **settings) as site,
        serving(site, port, poll_seconds=0.05, pulse_seconds=0.1) as url,
    ):
        yield Served(url, clock)
