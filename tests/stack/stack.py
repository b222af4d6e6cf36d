"""The whole stack for real: `touchline up` on a state folder and a port of its own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urljoin

import dagster as dg
import httpx
import psutil

from operations.dagster_home import opened_dagster
from pipeline_assets.checks.specs import checks_for
from pipeline_assets.partitions import SLOT
from pipeline_assets.plans import PLANS
from pipeline_assets.settings import AllSettings
from resources.embedded_s3 import S3Access, Server
from resources.ledger import FetchRow
from resources.ports import choose_ports
from resources.processes import ProcessId
from resources.settings import PREFIX
from resources.site import Site
from tests.slots import RAW
from touchline.accounting import FetchFate
from touchline.day import Minute
from touchline.slot import Slot

FEED = "football"
PLAN = PLANS[FEED]
LIVE_LIST = "match/detail_live"
ODDS = "odds/history"
CHECKS = {(asset.name, check.name) for asset in PLAN.assets for check in checks_for(asset)}
"""Every check of every asset."""
STORE_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_POLL_SECONDS = 0.3

T = TypeVar("T")


def until(
    what: str, condition: Callable[[], T | None], seconds: float, every: float = _POLL_SECONDS
) -> T:
    """What `condition` answers as soon as it is true; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(every)
    return answer


@dataclass(frozen=True)
class MinuteRun:
    """One run of the minute job; times are seconds since 1970."""

    run_id: str
    minute: Minute
    status: dg.DagsterRunStatus
    started: float | None
    ended: float | None

    @property
    def has_ended(self) -> bool:
        return self.ended is not None

    @property
    def seconds(self) -> float:
        assert self.started is not None
        assert self.ended is not None
        return self.ended - self.started


@dataclass
class Stack:
    """See the module. `given` are settings of its own, such as a vendor's URL and credentials;
    `store` is an object store that is not up's own."""

    home: Path
    given: Mapping[str, str] = field(default_factory=dict)
    store: S3Access | None = None
    port: int = field(default_factory=lambda: choose_ports(1)[0])
    _lists: list[tuple[Minute, str]] = field(default_factory=list)
    _calls_read: int = 0

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: text for name, text in os.environ.items() if not name.startswith(PREFIX)}
        # A machine under load is no reason to give up.
        waits = {f"{PREFIX}STARTUP_TIMEOUT_SECONDS": "240", f"{PREFIX}SHUTDOWN_GRACE_SECONDS": "20"}
        store = self.store.environment() if self.store else {}
        return {**inherited, **waits, **self.given, **store, f"{PREFIX}HOME": str(self.home)}

    def touchline(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "operations.cli", *arguments]
        return subprocess.run(
            command,
            env=self.environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def up(self) -> None:
        """Start it, in the background, and come back when all of it is ready."""
        started = self.touchline("up", "--detach", "--port", str(self.port))
        assert started.returncode == 0, started.stderr

    def down(self) -> None:
        ended = self.touchline("down")
        assert ended.returncode == 0, ended.stderr

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def state(self) -> dict[str, Any]:
        return json.loads((self.home / "run" / "up.json").read_text())

    def child(self, name: str) -> ProcessId:
        process = ProcessId.recorded(self.home / "run" / f"{name}.child.json")
        assert process
        return process

    @property
    def children(self) -> list[ProcessId]:
        return [self.child(name) for name in self.state["children"]]

    def processes(self) -> list[psutil.Process]:
        """`up` and everything it started, runs included."""
        running = psutil.Process(self.state["pid"])
        return [running, *running.children(recursive=True)]

    def runs_at_work(self) -> list[psutil.Process]:
        """The processes of the runs under way, which the code server starts, oldest first."""
        below = psutil.Process(self.child("code-server").pid).children()
        found = [process for process in below if "spawn_main" in command_line(process)]
        return sorted(found, key=lambda process: process.create_time())

    def kill(self, name: str) -> None:
        """`kill -9` of one part, which the supervisor is to bring back."""
        killed = self.child(name)
        os.kill(killed.pid, signal.SIGKILL)

        def is_back() -> bool:
            return self.child(name) != killed and self.state["children"][name] == "running"

        until(f"another {name}", is_back, 120)

    @property
    def settings(self) -> AllSettings:
        given: dict[str, Any] = {
            name.removeprefix(PREFIX).lower(): text for name, text in self.given.items()
        }
        return AllSettings.load(home=self.home, **given)

    @property
    def access(self) -> S3Access:
        return self.store or Server(self.settings.s3_folder).access

    @contextmanager
    def site(self) -> Iterator[Site]:
        with closing(Site.open(self.settings, PLANS, self.access)) as site:
            yield site

    def fates(self, minutes: Iterable[Minute]) -> dict[Minute, FetchRow]:
        """What the ledger knows of these minutes."""
        wanted = set(minutes)
        with self.site() as site:
            rows = [
                row
                for day in sorted({minute.day for minute in wanted})
                for row in site.ledger.fetches(RAW, day).values()
            ]
        fates = {Minute(row.slot.at): row for row in rows}
        return {minute: row for minute, row in fates.items() if minute in wanted}

    def spooled(self) -> list[Minute]:
        with self.site() as site:
            return [entry.day.minute(entry.number) for entry in site.spool(FEED).entries()]

    def waiting(self) -> list[Minute]:
        """What of the spool has not landed; the rest waits there for its window alone."""
        spooled = self.spooled()
        fates = self.fates(spooled)
        landed = {minute for minute, row in fates.items() if row.fate is FetchFate.LANDED}
        return [minute for minute in spooled if minute not in landed]

    @contextmanager
    def dagster(self) -> Iterator[dg.DagsterInstance]:
        with opened_dagster(self.settings) as instance:
            yield instance

    def graphql(self, query: str, **variables: Any) -> Any:
        """What the webserver answers, as the pages ask it."""
        asked = {"query": query, "variables": variables}
        answer = httpx.post(f"{self.url}/graphql", json=asked, timeout=60, trust_env=False).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def runs(self) -> list[MinuteRun]:
        """All runs of the minute job, in the order of their minutes."""
        with self.dagster() as instance:
            records = instance.get_run_records(dg.RunsFilter(job_name=f"{FEED}_minute"))
        found = [
            MinuteRun(
                record.dagster_run.run_id,
                Minute(Slot.parse(record.dagster_run.tags[SLOT]).at),
                record.dagster_run.status,
                record.start_time,
                record.end_time,
            )
            for record in records
        ]
        return sorted(found, key=lambda run: run.minute)

    def ended_run(self, minute: Minute) -> MinuteRun:
        """The one run of this minute, when it has ended."""

        def ended() -> list[MinuteRun]:
            return [run for run in self.runs() if run.minute == minute and run.has_ended]

        (run,) = until(f"the run of {minute}", ended, 240)
        return run

    def verdicts(self, run: MinuteRun) -> dict[tuple[str, str], str]:
        """What each check of the run said, by asset and check: OK, BAD or COULD_NOT_CHECK."""
        return self._verdicts(run.run_id)

    def verdicts_alone(self, after: datetime) -> dict[tuple[str, str], str]:
        """The same of the first run of the checks alone that was asked for after this."""
        asked = dg.RunsFilter(job_name=f"{FEED}_checks_alone", created_after=after)
        with self.dagster() as instance:
            records = instance.get_run_records(asked, ascending=True, limit=1)
        return self._verdicts(records[0].dagster_run.run_id) if records else {}

    def causes(self, run: MinuteRun) -> set[str]:
        """The kinds of what the checks of the run found."""
        return {
            cause
            for said in self._evaluations(run.run_id)
            if not said.passed
            for cause in cast(list[str], said.metadata["causes"].value)
        }

    def _verdicts(self, run_id: str) -> dict[tuple[str, str], str]:
        verdicts = {}
        for said in self._evaluations(run_id):
            verdict = str(said.metadata["verdict"].value)
            assert said.passed == (verdict == "OK")
            verdicts[said.asset_key.to_user_string(), said.check_name] = verdict
        return verdicts

    def _evaluations(self, run_id: str) -> Iterator[dg.AssetCheckEvaluation]:
        with self.dagster() as instance:
            records = instance.get_records_for_run(
                run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
            ).records
        for record in records:
            event = record.event_log_entry.dagster_event
            assert event
            yield event.asset_check_evaluation_data

    def is_green(self, run: MinuteRun) -> bool:
        """Whether every check of every asset ran and passed."""
        return self.verdicts(run) == dict.fromkeys(CHECKS, "OK")

    def green_after(self, minute: Minute) -> MinuteRun:
        """The first run of a later minute that succeeded with all checks green."""

        def green() -> MinuteRun | None:
            ended = (run for run in self.runs() if run.minute > minute and run.has_ended)
            good = (run for run in ended if run.status is dg.DagsterRunStatus.SUCCESS)
            return next(filter(self.is_green, good), None)

        return until(f"green checks after {minute}", green, 180)

    @property
    def _resolved(self) -> dict[str, str]:
        """The environment that `up` gave its children."""
        return psutil.Process(self.child("code-server").pid).environ()

    @property
    def secrets(self) -> dict[str, str]:
        """What must stand nowhere, by its name."""
        given = self._resolved
        names = (f"{PREFIX}FEED_USER", f"{PREFIX}FEED_SECRET", *STORE_KEYS)
        return {name: given[name] for name in names}

    def vendor(self, method: str, path: str, **sent: Any) -> Any:
        """A call to the simulator's control."""
        url = urljoin(self._resolved[f"{PREFIX}FEED_URL"], f"/_control/{path}")
        return httpx.request(method, url, timeout=20, trust_env=False, **sent).json()

    @contextmanager
    def faults(self, *faults: Mapping[str, Any]) -> Iterator[None]:
        assert self.vendor("PUT", "faults", json=faults)
        try:
            yield
        finally:
            self.vendor("DELETE", "faults")

    def lists_answered(self) -> list[tuple[Minute, str]]:
        """The minute and the sha256 of every live list that the vendor gave out. It remembers its
        last calls alone, so that this wants to be asked every few minutes."""
        said = self.vendor("GET", f"log?since={self._calls_read}")
        if said["calls"]:
            assert said["calls"][0]["n"] == self._calls_read, "the simulator has forgotten calls"
        self._calls_read = said["next"]
        self._lists += [
            (Minute.containing(datetime.fromisoformat(call["at"])), call["sha256"])
            for call in said["calls"]
            if call["endpoint"] == LIVE_LIST
        ]
        return list(self._lists)


def current_minute() -> Minute:
    return Minute.containing(datetime.now(UTC))


def coming_minute() -> Minute:
    """The first minute that a stack which is ready now can be held to: runs are asked for 10 to 5 s
    before their minute."""
    return Minute.containing(datetime.now(UTC) + timedelta(seconds=20)).later(1)


@contextmanager
def stack_up(
    given: Mapping[str, str] | None = None,
    store: S3Access | None = None,
    *,
    before: Callable[[Stack], None] = lambda stack: None,
    keep: Callable[[], bool] = lambda: False,
) -> Iterator[Stack]:
    """A stack of its own for as long as this; `before` prepares its state folder, `keep`, asked at
    the end, spares it."""
    # Not below pytest's folders: the object store's sockets need a short path.
    stack = Stack(Path(tempfile.mkdtemp(prefix="tl-")), given or {}, store)
    try:
        before(stack)
        stack.up()
        yield stack
    finally:
        stack.down()
        if keep():
            print(f"the state folder is kept, with its logs: {stack.home}")
        else:
            shutil.rmtree(stack.home)


@dataclass
class Vendor:
    """A simulator with so few matches that a minute costs little, or with more of them later, at
    the same place."""

    port: int = field(default_factory=lambda: choose_ports(1)[0])
    feed: dict[str, str] = field(default_factory=dict)
    """The settings that name it."""
    _process: subprocess.Popen[str] | None = None

    def __post_init__(self) -> None:
        self.feed = {
            f"{PREFIX}FEED_USER": secrets.token_hex(8),
            f"{PREFIX}FEED_SECRET": secrets.token_hex(16),
        }

    def serve(self, matches: int) -> None:
        """So many in every live list from now on."""
        self.end()
        command = ["-m", "simulator", "--port", str(self.port), "--matches", str(matches)]
        self._process = subprocess.Popen(
            [sys.executable, *command],
            env={**os.environ, **self.feed},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.feed[f"{PREFIX}FEED_URL"] = json.loads(self._process.stdout.readline())["url"]

    def end(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()


@contextmanager
def vendor_of(matches: int) -> Iterator[Vendor]:
    vendor = Vendor()
    try:
        vendor.serve(matches)
        yield vendor
    finally:
        vendor.end()


def command_line(process: psutil.Process) -> str:
    """Empty for a process that has ended meanwhile."""
    with suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""
