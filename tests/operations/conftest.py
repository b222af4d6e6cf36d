"""Days that commands can read: a few simulated minutes, run through the whole chain."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from operations.cli import app
from pipeline_assets.minute import run_minute
from pipeline_assets.plans import PLANS
from resources.embedded_s3 import S3Access
from resources.settings import Settings
from resources.site import Site
from resources.watch_record import record_watch
from simulator.clock import Clock
from simulator.faults import Fault
from simulator.server import serve
from simulator.world import World
from touchline.clock import VirtualClock
from touchline.day import Day, FetchNumber, Minute

START = Minute.parse("2025-05-28T17:00:00Z")
FEED = "football"
_USER, _SECRET = "user-of-tests", "secret-of-tests"


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    exit_code: int
    stdout: bytes
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


@dataclass(frozen=True)
class RunDay:
    """A day of which some minutes were run, and how commands reach it."""

    settings: Settings
    access: S3Access
    matches: list[str]
    """Those of the first live list, in its order."""
    numbers: list[FetchNumber]
    day: Day = START.day

    @property
    def environment(self) -> Mapping[str, str]:
        return {**self.settings.environment(), **self.access.environment()}

    def touchline(self, *arguments: str, **environment: str) -> Answer:
        """Run the command in this process. Raises what it does not turn into an exit code."""
        result = CliRunner().invoke(app, arguments, env={**self.environment, **environment})
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answer(result.exit_code, result.stdout_bytes, result.stderr)

    def site(self) -> Site:
        return Site.open(self.settings, PLANS, self.access)

    @contextmanager
    def at(self, minute: Minute) -> Iterator[Site]:
        """The site at this minute, with its vendor."""
        clock, world = Clock(minute.utc), World(1, len(self.matches))
        with serve(world, user=_USER, secret=_SECRET, clock=clock) as served:
            fed = self.settings.model_copy(update={"feed_url": served.url})
            with closing(Site.open(fed, PLANS, self.access, clock=VirtualClock(minute.utc))) as s:
                yield s


RunMinutes = Callable[..., RunDay]


@pytest.fixture(scope="session")
def run_minutes(s3_server: S3Access, tmp_path_factory: pytest.TempPathFactory) -> RunMinutes:
    """`run_minutes(matches, [[Fault, ...], ...])`: one minute for each list of faults."""

    def run(matches: int, faults: list[list[Fault]]) -> RunDay:
        settings = Settings.load(
            home=tmp_path_factory.mktemp("home"),
            s3_prefix=f"test-{uuid.uuid4().hex[:12]}",
            feed_user=_USER,
            feed_secret=SecretStr(_SECRET),
            origin="simulated",
        )
        clock, world = VirtualClock(START.utc), World(1, matches)
        with serve(world, user=_USER, secret=_SECRET, clock=Clock(START.utc)) as served:
            fed = settings.model_copy(update={"feed_url": served.url})
            site = Site.open(fed, PLANS, s3_server, clock=clock)
            site.ledger.open_interval(FEED, START.utc, "simulated")
            listed = list(world.live(int(START.utc.timestamp())))
            minutes = [START.later(i) for i in range(len(faults))]
            for minute, of_minute in zip(minutes, faults, strict=True):
                clock.set(minute.utc)
                served.clock.set(minute.utc)
                served.faults.replace(of_minute, int(minute.utc.timestamp()))
                run_minute(site, FEED, minute, run_id=f"run-{minute.number}")
            site.ledger.close_interval(FEED, minutes[-1].end)
            record_watch(site.store, site.ledger, FEED)
            site.close()
        return RunDay(settings, s3_server, listed, [minute.number for minute in minutes])

    return run


@pytest.fixture(scope="session")
def run_day(run_minutes: RunMinutes) -> RunDay:
    """Three minutes of four matches; in the second one, the first match cannot be read. Tests
    leave it as it is."""
    return run_minutes(4, [[], [Fault("malformed_match")], []])


@pytest.fixture
def own_day(run_minutes: RunMinutes) -> RunDay:
    """One minute of two matches, for a test to spoil."""
    return run_minutes(2, [[]])
