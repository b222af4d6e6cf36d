"""Each cause that `touchline status` knows, for real: it is named within 30 s of crossing its
limit, what follows from it says so, and what is promised to heal heals.

One stack with an object store and a vendor of others, in the order of this file.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import psutil
import pytest

from resources.embedded_s3 import Server
from resources.processes import runs
from resources.settings import PREFIX
from tests.slots import PATIENCE, slot_at
from tests.stack.stack import (
    FEED,
    LIVE_LIST,
    PLAN,
    Stack,
    Vendor,
    coming_minute,
    stack_up,
    until,
    vendor_of,
)
from touchline.accounting import FetchFate, MissedReason
from touchline.day import Minute
from touchline.health import ALIVE, LATE

pytestmark = [pytest.mark.signals, pytest.mark.timeout(1800)]

NAMED_WITHIN_SECONDS = 30
HEALS_WITHIN_SECONDS = 240
RESTARTED_WITHIN_SECONDS = 480
"""A part that has just been started has the start-up time of a `Stack` before it is asked."""
LOOKS_EVERY_SECONDS = 3.0
FEW, MANY = 5, 60
"""Matches of an ordinary minute, and of a Saturday afternoon, which a feed must not freeze in."""
SPOOL_MEGABYTES = 40
"""Twice what waits in the spool of `FEW` matches for its windows, and some minutes of `MANY`."""
WINDOWED_WITHIN_SECONDS = 1500
TICK = f"sensor {FEED}_minute_tick"
RAW = PLAN.raws[0].name
STAGES = [asset.name for asset in PLAN.assets]

TURN_ON = "mutation($of: SensorSelector!) { startSensor(sensorSelector: $of) { __typename } }"
TURN_OFF = "mutation($id: String!) { stopSensor(id: $id) { __typename } }"
END_RUN = (
    "mutation($id: String!) { terminateRun(runId: $id) {"
    " __typename ... on TerminateRunFailure { message } ... on PythonError { message } } }"
)
STATE = (
    "query($of: SensorSelector!)"
    " { sensorOrError(sensorSelector: $of) { ... on Sensor { sensorState { id status } } } }"
)


@dataclass
class Site:
    """A stack, and what belongs to others."""

    stack: Stack
    vendor: Vendor
    store: psutil.Process

    def status(self) -> dict[str, Any]:
        said = self.stack.touchline("status", "--json")
        assert said.stdout, said.stderr
        return json.loads(said.stdout)

    def named(self, cause: str, seconds: float) -> dict[str, Any]:
        """What is said as soon as it names this cause, its limit having been crossed or being
        crossed in so many seconds."""
        return self.says(f"{cause} as a cause", lambda said: cause in said["causes"], seconds)

    def follow(self, cause: str, names: Iterable[str], seconds: float) -> None:
        """None of these signals is good any more, and from this cause alone."""
        wanted = set(names)
        said = self.says(
            f"{wanted} not good",
            lambda said: all(signal(said, name)["state"] != "OK" for name in wanted),
            seconds,
        )
        assert {cause for name in wanted for cause in signal(said, name)["because"]} == {cause}
        assert said["causes"] == [cause]

    def heals(self, seconds: float = HEALS_WITHIN_SECONDS) -> None:
        self.says("all is well", lambda said: said["verdict"] == "OK", seconds)

    def says(
        self, what: str, of: Callable[[dict[str, Any]], bool], seconds: float
    ) -> dict[str, Any]:
        last: dict[str, Any] = {}

        def said() -> dict[str, Any] | None:
            last.update(self.status())
            return last if of(last) else None

        try:
            return until(what, said, seconds + NAMED_WITHIN_SECONDS, LOOKS_EVERY_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}: {not_good(last)}") from None

    def turn(self, name: str, on: bool) -> None:
        """As the switch on the sensor's page does, which goes back where Dagster writes down a tick
        in that very moment."""
        of = {
            "repositoryLocationName": "touchline",
            "repositoryName": "__repository__",
            "sensorName": name,
        }
        wanted = "RUNNING" if on else "STOPPED"

        def is_turned() -> bool:
            found = self._dagster(STATE, of=of)["sensorOrError"]["sensorState"]
            if found["status"] == wanted:
                return True
            if on:
                self._dagster(TURN_ON, of=of)
            else:
                self._dagster(TURN_OFF, id=found["id"])
            return False

        until(f"{name} {wanted}", is_turned, 30)

    def _dagster(self, query: str, seconds: float = 60, **variables: Any) -> Any:
        asked = {"query": query, "variables": variables}
        url = f"{self.stack.url}/graphql"
        answer = httpx.post(url, json=asked, timeout=seconds, trust_env=False).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def end_run(self, run_id: str) -> None:
        """As *Terminate* on its page does, which waits for an answer that does not come."""
        with suppress(httpx.ReadTimeout):
            said = self._dagster(END_RUN, seconds=20, id=run_id)["terminateRun"]
            assert said["__typename"] == "TerminateRunSuccess", said

    @contextmanager
    def turned_off(self, name: str) -> Iterator[None]:
        self.turn(name, on=False)
        try:
            yield
        finally:
            self.turn(name, on=True)


def signal(said: dict[str, Any], name: str) -> dict[str, Any]:
    return next(of[name] for of in said["signals"].values() if name in of)


def not_good(said: dict[str, Any]) -> dict[str, Any]:
    return {
        name: (of["state"], of["detail"], of["because"])
        for signals in said.get("signals", {}).values()
        for name, of in signals.items()
        if of["state"] != "OK"
    }


@contextmanager
def stopped(process: psutil.Process) -> Iterator[None]:
    """It does nothing and refuses nothing, as what hangs does."""
    process.suspend()
    try:
        yield
    finally:
        if process.is_running():
            process.resume()


@pytest.fixture(scope="module")
def site(
    no_settings_of_ours: None,
    a_test_failed: Callable[[], bool],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    server = Server(tmp_path_factory.mktemp("store"))
    server.start_unless_running()
    try:
        with vendor_of(FEW) as vendor:
            settings = {**vendor.feed, f"{PREFIX}SPOOL_LIMIT_MEGABYTES": str(SPOOL_MEGABYTES)}
            with stack_up(settings, server.access, keep=a_test_failed) as stack:
                assert server.process
                site = Site(stack, vendor, psutil.Process(server.process.pid))
                site.heals()
                yield site
    finally:
        server.stop()


def test_a_sensor_is_paused(site: Site) -> None:
    with site.turned_off(f"{FEED}_minute_tick"):
        site.named(TICK, 0)
        site.follow(TICK, STAGES, LATE.total_seconds() + 60)
    site.heals()


def test_the_heartbeat_grows_old(site: Site) -> None:
    with site.turned_off("heartbeat"):
        site.named("sensor heartbeat", 0)
        site.follow("sensor heartbeat", [f"heartbeat {FEED}"], ALIVE.total_seconds())
    site.heals()


def test_the_ledger_is_locked(site: Site) -> None:
    with closing(sqlite3.connect(site.stack.home / "ledger.sqlite", isolation_level=None)) as held:
        held.execute("BEGIN EXCLUSIVE")
        said = site.named("ledger", 0)
        assert said["causes"] == ["ledger"]
        for name in (RAW, "runs", f"feed {FEED}", "open verdicts", f"pending in {FEED}"):
            assert signal(said, name)["because"] == ["ledger"]
    site.heals()


def test_the_daemon_stops(site: Site) -> None:
    """`touchline up` starts another one."""
    daemon = site.stack.child("daemon")
    with stopped(psutil.Process(daemon.pid)):
        site.named("daemon", ALIVE.total_seconds())
        site.follow("daemon", [TICK], ALIVE.total_seconds())
        until(
            "another daemon",
            lambda: site.stack.child("daemon") != daemon,
            RESTARTED_WITHIN_SECONDS,
        )
    site.heals()


def test_a_run_hangs(site: Site) -> None:
    """The watchdog ends it, and its minute is named."""
    with hung_run(site) as run:
        said = site.named("runs", PATIENCE.max_runtime.total_seconds())
        assert signal(said, "runs")["do"].startswith("end the run")
        until("its end", lambda: not runs(run.process), 120)
    site.heals()
    row = next(iter(site.stack.fates([run.minute]).values()))
    assert (row.fate, row.reason) == (FetchFate.MISSED, MissedReason.RUN_DIED)


def test_somebody_ends_a_run_that_hangs_in_the_ui(site: Site) -> None:
    """The code server waits for it and starts no other run; `touchline up` starts another one."""
    server = site.stack.child("code-server")
    with hung_run(site) as run:
        site.end_run(run.run_id)
        until(
            "another code server",
            lambda: site.stack.child("code-server") != server,
            RESTARTED_WITHIN_SECONDS,
        )
    assert not runs(run.process)
    site.heals()


@dataclass(frozen=True)
class HungRun:
    minute: Minute
    run_id: str
    process: psutil.Process


@contextmanager
def hung_run(site: Site) -> Iterator[HungRun]:
    """The run of a minute, stopped while it waits for the vendor: it holds no database then."""
    stack, minute = site.stack, coming_minute()
    stack.ended_run(minute.later(-1))
    stack.vendor("DELETE", "log")
    with stack.faults({"kind": "timeout", "endpoint": LIVE_LIST}):
        until(f"the fetch of {minute}", lambda: stack.vendor("GET", "log")["calls"], 120, 0.5)
    with stack.site() as books:
        (row,) = (run for run in books.ledger.running() if run.slot == slot_at(minute))
    assert row.pid
    process = psutil.Process(row.pid)
    with stopped(process):
        yield HungRun(minute, row.run_id, process)


def test_the_store_hangs_until_the_spool_is_full(site: Site) -> None:
    """All that waits lands when it is back; it leaves the spool with its windows."""
    site.vendor.serve(MANY)
    with stopped(site.store):
        said = site.named("store", 0)
        assert said["causes"] == ["store"]
        assert signal(said, f"heartbeat {FEED}")["because"] == ["store"]
        site.follow("store", [RAW], LATE.total_seconds() + 60)
        site.follow("store", [f"spool of {FEED}"], 600)
    spool = f"spool of {FEED}"
    site.says(
        "nothing but the spool is left, and what its check says",
        lambda said: (
            set(not_good(said)) <= {spool, "open verdicts"} and set(said["causes"]) <= {spool}
        ),
        HEALS_WITHIN_SECONDS,
    )


def test_the_feed_is_frozen(site: Site) -> None:
    first = coming_minute()
    with site.stack.faults({"kind": "frozen"}):
        site.stack.ended_run(first.later(2))
        said = site.named(f"feed {FEED}", 0)
        assert signal(said, "open verdicts")["because"] == [f"feed {FEED}"]
    site.vendor.serve(FEW)
    site.heals(WINDOWED_WITHIN_SECONDS)
