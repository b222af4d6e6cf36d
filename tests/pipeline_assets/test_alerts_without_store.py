"""The object store stops for five minutes of half-times: each alert goes out in its minute.

A server of its own is really stopped; the clock of the runs goes on as they do.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from pipeline_assets.plans import PLANS
from pipeline_assets.slot_run import run_slot
from resources.embedded_s3 import Server, running
from resources.notifier import Notifier
from resources.site import STORE_RESTS_SECONDS, store_at
from simulator.server import serve
from tests.chain import FEED, NOON, SECRET, USER, Chain, all_ok
from tests.half_times import HalfTimes, Key, told_of
from tests.slots import slot_at
from tests.stores import s3_store
from tests.targets import Target, target
from touchline.clock import VirtualClock
from touchline.day import ONE_MINUTE, Minute
from touchline.delivery import DeliveryState

pytestmark = pytest.mark.stack

BUCKET = "touchline"
STOPPED = range(2, 7)
"""The minutes without a store."""
MINUTES = 9
SEED = 38
"""With it a match qualifies for the first time in each of these minutes."""
ANSWERS_WITHIN_SECONDS = 2.0
"""So long the store is waited for, here; 20 s otherwise."""


class TickingClock(VirtualClock):
    """Goes on from where it was set."""

    def set(self, instant: datetime) -> None:
        super().set(instant)
        self._since = time.monotonic()

    def now(self) -> datetime:
        return super().now() + (time.monotonic() - self._since) * ONE_MINUTE / 60


def ended(server: Server) -> Callable[[], None]:
    """From here on it refuses connections; how to bring it back."""
    server.stop()

    def again() -> None:
        with server.starting():
            server.start_unless_running()
        server.wait_ready(BUCKET)

    return again


def halted(server: Server) -> Callable[[], None]:
    """From here on it takes connections and says nothing; how to bring it back."""
    process = server.process
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)
    return lambda: os.kill(process.pid, signal.SIGCONT)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path / "s3", BUCKET):
        yield Server(tmp_path / "s3")


@pytest.fixture
def there() -> Iterator[Target]:
    with target() as taken:
        assert Notifier((taken.url,), is_live=False).targets, "and Apprise is imported"
        yield taken


@pytest.fixture
def chain(server: Server, tmp_path: Path) -> Iterator[Chain]:
    with serve(HalfTimes(SEED), user=USER, secret=SECRET) as vendor:
        store = s3_store(server.access)
        chain = Chain(server.access, vendor, tmp_path / "home", "", PLANS[FEED], NOON, store)
        chain.clock = TickingClock(NOON.utc)
        chain.watch()
        yield chain


def run(chain: Chain, passed: int, there: Target) -> None:
    now = chain.start.later(passed)
    chain.at(now)
    with chain.process(notify_urls=there.url) as site:
        site.store = store_at(
            site.settings,
            chain.access,
            answers_within=ANSWERS_WITHIN_SECONDS,
            rest_seconds=STORE_RESTS_SECONDS,
        )
        run_slot(site, slot_at(now), run_id=f"run-{passed}")


@pytest.mark.parametrize("stopped", [ended, halted])
def test_while_the_store_is_stopped_every_alert_goes_out_in_its_minute(
    stopped: Callable[[Server], Callable[[], None]], chain: Chain, server: Server, there: Target
) -> None:
    told = list[tuple[Key, Minute]]()

    def arrives() -> None:
        post = there.posts[-1]
        said = f"{post['title']} {post['message']}"
        told.append((told_of(said), Minute.containing(chain.clock.now())))

    there.on_post = arrives
    for passed in range(STOPPED.start):
        run(chain, passed, there)
    again = stopped(server)
    for passed in STOPPED:
        run(chain, passed, there)
    assert chain.spooled() == [chain.number + passed for passed in range(STOPPED.stop)]
    again()
    for passed in range(STOPPED.stop, MINUTES):
        run(chain, passed, there)

    world, qualified = chain.vendor.source, dict[Key, Minute]()
    assert isinstance(world, HalfTimes)
    for passed in range(MINUTES):
        for found in world.qualifying(chain.start.later(passed)):
            qualified.setdefault((found.rule_id, found.match_id), chain.start.later(passed))
    assert sorted(told) == sorted(qualified.items())
    while_stopped = {(at.utc - NOON.utc) // ONE_MINUTE for at in qualified.values()} & {*STOPPED}
    assert while_stopped == {*STOPPED}, "in each of these minutes one was told of"
    landed = [
        ((alert.rule_id, alert.match_id), chain.day.minute(number))
        for stage in chain.plan.stages
        if stage.makes_alerts
        for number in chain.numbers(stage.name)
        for alert in chain.opened(stage.name, number).records
    ]
    assert sorted(landed) == sorted(told)
    for asset in chain.plan.assets:
        assert chain.numbers(asset.name) == [chain.number + passed for passed in range(MINUTES)]
    with chain.process() as site:
        rows = site.ledger.match_alerts(chain.day)
    assert {row.state for row in rows} == {DeliveryState.SENT}
    assert all_ok(chain.checks(deep=True))
