"""Days that commands can read: a few simulated minutes, run through the whole chain."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from operations.cli import app
from pipeline_assets.plans import PLANS
from pipeline_assets.sealing import seal_day
from pipeline_assets.settings import AllSettings
from pipeline_assets.slot_run import run_slot
from resources.embedded_s3 import S3Access
from resources.site import Site, store_at
from resources.stage_codec import StageObject, decode_stage
from resources.watch_record import record_watch
from simulator.clock import Clock
from simulator.faults import Fault
from simulator.server import serve
from simulator.source import Source
from simulator.world import World
from tests.ledgers import put_ledger
from tests.pipeline_assets.conftest import imports_stay as imports_stay
from tests.slots import slot_at
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

    settings: AllSettings
    access: S3Access
    matches: list[str] = field(default_factory=list)
    """Those of the first live list, in its order."""
    numbers: list[FetchNumber] = field(default_factory=list)
    start: Minute = START

    @property
    def day(self) -> Day:
        return self.start.day

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

    def opened(self, asset: str, number: int) -> StageObject[Any]:
        """A derived object as it landed."""
        with closing(self.site()) as site:
            found = site.days(FEED).read_back(asset, self.day, FetchNumber(number))
            return decode_stage(site.stages[asset], found.body)

    @contextmanager
    def at(self, minute: Minute, world: Source | None = None, *faults: Fault) -> Iterator[Site]:
        """The site at this minute, with its vendor."""
        clock, world = Clock(minute.utc), world or World(1, len(self.matches))
        with serve(world, user=_USER, secret=_SECRET, clock=clock) as served:
            served.faults.replace([*faults], int(minute.utc.timestamp()))
            fed = self.settings.model_copy(update={"feed_url": served.url})
            with closing(Site.open(fed, PLANS, self.access, clock=VirtualClock(minute.utc))) as s:
                yield s

    def land(self, passed: int, *faults: Fault, world: Source | None = None) -> Minute:
        """Run one more minute, so many after the first, and return it. It is watched alone."""
        minute = self.start.later(passed)
        with self.at(minute, world, *faults) as site:
            site.ledger.open_interval(FEED, minute.utc, "simulated")
            run_slot(site, slot_at(minute), run_id=f"run-{minute.number}")
            site.ledger.close_interval(FEED, minute.end)
            record_watch(site.store, site.ledger, FEED)
        return minute

    def seal(self) -> None:
        """Seal the day, on the next one."""
        clock = VirtualClock(self.start.later(24 * 60).utc)
        with closing(Site.open(self.settings, PLANS, self.access, clock=clock)) as site:
            assert seal_day(site, FEED, self.day, run_id="seal").waiting == []

    def copy(self, home: Path) -> RunDay:
        """The same day in this home, and in a bucket of its own, for a test to spoil."""
        shutil.copytree(self.settings.home, home)
        own = {"home": home, "s3_bucket": f"copy-{uuid.uuid4().hex[:12]}"}
        copied = replace(self, settings=self.settings.model_copy(update=own))
        ours, theirs = (store_at(day.settings, self.access) for day in (self, copied))
        theirs.make_bucket()
        for item in ours.list(""):
            found = ours.get(item.key)
            theirs.put_new(found.key, found.body, found.metadata)
        return copied


RunMinutes = Callable[..., RunDay]


def run_on(access: S3Access, home: Path) -> RunMinutes:
    """`run(matches, [[Fault, ...], ...])`: one minute for each list of faults, none for None."""

    def run(matches: int, faults: list[list[Fault] | None], start: Minute = START) -> RunDay:
        name = f"test-{uuid.uuid4().hex[:12]}"
        settings = AllSettings.load(
            home=home / name,
            s3_prefix=name,
            feed_user=_USER,
            feed_secret=SecretStr(_SECRET),
            origin="simulated",
        )
        clock, world = VirtualClock(start.utc), World(1, matches)
        numbers = []
        put_ledger(settings.ledger_file)
        with serve(world, user=_USER, secret=_SECRET, clock=Clock(start.utc)) as served:
            fed = settings.model_copy(update={"feed_url": served.url})
            with closing(Site.open(fed, PLANS, access, clock=clock)) as site:
                site.ledger.open_interval(FEED, start.utc, "simulated")
                for passed, of_minute in enumerate(faults):
                    if of_minute is None:
                        continue
                    minute = start.later(passed)
                    clock.set(minute.utc)
                    served.clock.set(minute.utc)
                    served.faults.replace(of_minute, int(minute.utc.timestamp()))
                    run_slot(site, slot_at(minute), run_id=f"run-{minute.number}")
                    numbers.append(minute.number)
                site.ledger.close_interval(FEED, start.later(len(faults) - 1).end)
                record_watch(site.store, site.ledger, FEED)
        listed = [*world.live(int(start.utc.timestamp()))]
        return RunDay(settings, access, listed, numbers, start)

    return run


@pytest.fixture(scope="session")
def run_minutes(s3_in_memory: S3Access, tmp_path_factory: pytest.TempPathFactory) -> RunMinutes:
    return run_on(s3_in_memory, tmp_path_factory.mktemp("days"))


@pytest.fixture(scope="session")
def run_day(run_minutes: RunMinutes) -> RunDay:
    """Three minutes of four matches; in the second one, the first match cannot be read. Tests
    leave it as it is."""
    return run_minutes(4, [[], [Fault("malformed_match")], []])


@pytest.fixture(scope="session")
def served_day(s3_server: S3Access, tmp_path_factory: pytest.TempPathFactory) -> RunDay:
    """A minute of two matches on the S3 server, for other processes to read."""
    return run_on(s3_server, tmp_path_factory.mktemp("served"))(2, [[]])


@pytest.fixture(scope="session")
def small_day(run_minutes: RunMinutes) -> RunDay:
    return run_minutes(2, [[]])


@pytest.fixture
def own_day(small_day: RunDay, tmp_path: Path) -> RunDay:
    """One minute of two matches, for a test to spoil."""
    return small_day.copy(tmp_path / "own")
