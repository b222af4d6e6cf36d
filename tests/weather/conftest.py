"""A chain, its minutes in whatever weather, and the same minutes in fair weather."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline_assets.rotation import rotate
from pipeline_assets.sealing import SealReport, seal_day
from pipeline_assets.slot_run import SlotReport, run_slot
from resources.embedded_s3 import S3Access
from resources.settings import Settings
from resources.site import store_at
from resources.store.faulty import FaultyStore, Plan
from simulator.server import serve
from tests.chain import FEED, NOON, RAW, SECRET, USER, Chain, all_ok
from tests.pipeline_assets.conftest import imports_stay as imports_stay
from tests.pipeline_assets.football.client.conftest import SmallWorld
from tests.pipeline_assets.small_plan import small_plan
from tests.s3_gate import S3Gate
from tests.slots import slot_at
from touchline.accounting import Account, Outcome

MATCHES = {f"match-{n}": 2 for n in range(5)}

Landed = dict[tuple[str, int], tuple[str, Account, Outcome]]
"""(asset, fetch number) -> the digest of its record keys, its account, how it ended."""


class ChangingWorld(SmallWorld):
    """Each minute has other matches than the one before, so that no fetch is like its neighbour."""

    def live(self, at: int) -> Sequence[str]:
        minute = at // 60
        return [match for n, match in enumerate(MATCHES) if (minute * 7 + n * n) % 5 < 3]


@dataclass
class Weather:
    """Minutes of a chain, each in a process of its own, on a store that does as `plan` says;
    windows are made every fifth minute."""

    chain: Chain
    plan: Plan | None = None
    passed: int = 0
    """How many minutes have run."""
    requests: int = 0
    """How many requests of the last one reached the store."""

    def minutes(self, count: int) -> list[SlotReport]:
        """The next minutes; what they reported."""
        return [self._minute() for _ in range(count)]

    def _minute(self) -> SlotReport:
        chain, minute = self.chain, self.chain.start.later(self.passed)
        chain.at(minute)
        with chain.process() as site:
            site.store = store = FaultyStore(site.store, self.plan)
            report = run_slot(site, slot_at(minute), run_id=f"run-{self.passed}")
            if self.passed % 5 == 4:
                rotate(site, FEED)
        self.requests = len(store.passed)
        self.passed += 1
        return report

    def clears(self, minutes: int = 3) -> SlotReport:
        """From here on the store does as it should; what the last of these minutes reported."""
        self.plan = None
        self.minutes(minutes - 1)
        self.chain.rotate(self.passed - 1, seconds=30)
        return self.minutes(1)[0]

    def day_ends(self) -> SealReport:
        """Nobody watches any more; the last windows are made, and the day after it is sealed."""
        chain = self.chain
        with chain.process() as site:
            site.ledger.close_interval(FEED, chain.start.later(self.passed).utc)
        chain.rotate(self.passed + 20)
        chain.at(chain.start.later(24 * 60))
        with chain.process() as site:
            return seal_day(site, FEED, chain.day, run_id="seal")

    @property
    def numbers(self) -> list[int]:
        return [self.chain.number + n for n in range(self.passed)]

    @property
    def asked(self) -> int:
        """How often the vendor was asked for its live list."""
        calls, _ = self.chain.vendor.log.since(0)
        return sum(call.endpoint == "match/detail_live" for call in calls)

    def nothing_is_lost(self, fair: Landed) -> bool:
        """Every minute was fetched once and stands once in every asset, as in fair weather; every
        book agrees, to the last byte."""
        chain = self.chain
        assert self.asked == self.passed
        for asset in chain.plan.assets:
            assert chain.numbers(asset.name) == self.numbers, asset.name
        assert [key for key in chain.objects() if key.startswith("conflicts/")] == []
        assert landed(chain) == {key: what for key, what in fair.items() if key[1] in self.numbers}
        with chain.process() as site:
            raw = site.days(FEED)
            for spooled in site.spool(FEED).entries():
                found = raw.read(RAW, spooled.day, spooled.number)
                assert found.ref.fetch_id == spooled.fetch_id
            assert raw.claims.waiting == 0
        return all_ok(chain.checks(deep=True))


def landed(chain: Chain) -> Landed:
    with chain.process() as site:
        days = site.days(FEED)
        return {
            (asset.name, number): (found.digest, found.account, found.outcome)
            for asset in chain.plan.assets
            for number in chain.numbers(asset.name)
            for found in [days.read(asset.name, chain.day, number)]
        }


ChainAt = Callable[[Path], Chain]


@contextmanager
def chains_on(access: S3Access) -> Iterator[ChainAt]:
    """Watched chains, each with its state in a folder and a prefix of its own."""
    world = ChangingWorld(MATCHES, teams_named=False)
    connected: Any = store_at(Settings.load(_env_file=None), access)
    connected.make_bucket()

    def make(home: Path) -> Chain:
        served.log.clear()
        prefix = f"weather-{uuid.uuid4().hex[:12]}"
        chain = Chain(access, served, home, prefix, small_plan(), NOON, connected)
        chain.watch()
        return chain

    with serve(world, user=USER, secret=SECRET) as served:
        yield make


@pytest.fixture(scope="session")
def chain_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChainAt]:
    with chains_on(S3Access(f"memory:{tmp_path_factory.mktemp('memory')}")) as make:
        yield make


@pytest.fixture(scope="session")
def fair(chain_at: ChainAt, tmp_path_factory: pytest.TempPathFactory) -> Landed:
    """What the minutes land when nothing happens."""
    chain = chain_at(tmp_path_factory.mktemp("fair"))
    with chain.process() as site:
        for passed in range(36):
            chain.at(chain.start.later(passed))
            run_slot(site, slot_at(chain.start.later(passed)), run_id=f"run-{passed}")
    return landed(chain)


@pytest.fixture
def weather(fair: Landed, chain_at: ChainAt, tmp_path: Path) -> Weather:
    return Weather(chain_at(tmp_path))


@pytest.fixture
def on_the_wire(fair: Landed, s3_gate: S3Gate, tmp_path: Path) -> Iterator[Weather]:
    """The real server, whose weather is made by a gate before it."""
    with chains_on(s3_gate.access) as make:
        yield Weather(make(tmp_path))
