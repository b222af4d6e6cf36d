"""The supervisor: restarts with a growing delay, at most five an hour, and ends all it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import pytest

import operations.supervisor as supervisor_module
from operations.supervisor import (
    RESTARTS_AN_HOUR,
    ChildFailed,
    ChildSpec,
    Restarts,
    Stopping,
    Supervisor,
)
from resources.processes import ProcessId
from tests.stack.stack import until

pytestmark = pytest.mark.stack


@dataclass
class House:
    """A supervisor with a clock that stands still, and what it reported."""

    folder: Path
    startup_timeout_seconds: float = 20
    now: float = 0.0
    reports: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(
            self.folder / "run",
            self.folder / "logs",
            startup_timeout_seconds=self.startup_timeout_seconds,
            grace_seconds=5,
            report=self.reports.append,
            clock=lambda: self.now,
        )

    def spec(
        self, name: str, script: str, ready: Callable[[], bool] | None = None, grace: float = 5
    ) -> ChildSpec:
        """A child in Python that is ready when it has made the file `<name>.ready`."""
        flag = self.folder / f"{name}.ready"
        command = [sys.executable, "-S", "-c", script, str(flag)]
        return ChildSpec(
            name,
            lambda: command,
            ready or flag.exists,
            dict(os.environ),
            self.folder,
            grace_seconds=grace,
        )

    def process(self, name: str) -> ProcessId:
        process = ProcessId.recorded(self.folder / "run" / f"{name}.child.json")
        assert process
        return process

    def kill(self, name: str) -> ProcessId:
        """SIGKILL to this child alone, and a wait until the system says that it has ended."""
        process = self.process(name)
        os.kill(process.pid, signal.SIGKILL)
        until("its end", lambda: not process.alive, 20)
        return process


SLEEPS = "import sys, time; open(sys.argv[1], 'w').close(); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPS
# Starts another process in its group and waits.
PARENT = (
    "import subprocess, sys; child = subprocess.Popen(['sleep', '600']);"
    "print(child.pid, flush=True); open(sys.argv[1], 'w').close(); child.wait()"
)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.supervisor.end(*house.supervisor.states)


def test_a_child_that_ends_at_its_start_is_told_with_its_last_words(house: House) -> None:
    with pytest.raises(ChildFailed, match=r"a ended at its start: no such place \(see .*a\.log\)"):
        house.supervisor.start(house.spec("a", "raise SystemExit('no such place')"))


def test_a_child_that_is_never_ready_is_told(tmp_path: Path) -> None:
    house = House(tmp_path, startup_timeout_seconds=0)
    with pytest.raises(ChildFailed, match="a is not ready after 0 s"):
        house.supervisor.start(house.spec("a", SLEEPS, ready=lambda: False))
    house.supervisor.end("a")


def test_a_command_that_does_not_exist_is_told(house: House) -> None:
    spec = ChildSpec("a", lambda: [str(house.folder / "nothing")], lambda: True, {}, house.folder)
    with pytest.raises(ChildFailed, match="a does not start"):
        house.supervisor.start(spec)


def test_waiting_ends_when_an_end_is_asked_for(house: House) -> None:
    with pytest.raises(Stopping):
        house.supervisor.start(house.spec("a", SLEEPS, ready=lambda: False), stopping=lambda: True)


def test_one_that_dies_comes_back_after_its_delay(house: House) -> None:
    house.supervisor.start(house.spec("a", SLEEPS), house.spec("b", SLEEPS))
    other = house.process("b")
    first = house.kill("a")
    house.supervisor.watch()
    assert house.supervisor.states == {"a": "restarting", "b": "running"}
    assert house.reports == ["a was killed by signal 9; it is started again in 5 s"]
    house.now = 4.9
    house.supervisor.watch()
    assert house.supervisor.states["a"] == "restarting"
    house.now = 5
    house.supervisor.watch()
    assert house.supervisor.states["a"] == "running"
    assert house.process("a") != first
    assert house.process("a").alive
    assert house.process("b") == other


def test_after_five_restarts_in_an_hour_it_stays_down_and_the_rest_goes_on(house: House) -> None:
    house.supervisor.start(house.spec("a", SLEEPS), house.spec("b", SLEEPS))
    for delay in (5, 10, 20, 40, 80):
        house.kill("a")
        house.supervisor.watch()
        assert house.reports[-1].endswith(f"in {delay} s")
        house.now += delay
        house.supervisor.watch()
    house.kill("a")
    house.supervisor.watch()
    assert "a was killed by signal 9 and stays DOWN after 5 restarts" in house.reports[-1]
    house.now += 4000
    house.supervisor.watch()
    assert house.supervisor.states == {"a": "down", "b": "running"}
    assert house.process("b").alive


def looks(house: House, count: int) -> None:
    for _ in range(count):
        house.now += supervisor_module.ASKED_EVERY_SECONDS
        house.supervisor.watch()


def test_one_that_hangs_is_ended_and_comes_back(house: House) -> None:
    house.supervisor.start(house.spec("a", SLEEPS), house.spec("b", SLEEPS))
    first, other = house.process("a"), house.process("b")
    os.kill(first.pid, signal.SIGSTOP)
    (house.folder / "a.ready").unlink()
    looks(house, 3)
    assert house.supervisor.states["a"] == "running"
    assert first.alive
    looks(house, 1)
    assert house.reports == [
        "a has given no sign of life for 120 s and is ended; it is started again in 5 s"
    ]
    assert not first.alive, "nothing runs beside the next one"
    looks(house, 1)
    assert house.supervisor.states == {"a": "running", "b": "running"}
    assert (house.process("a") != first, house.process("b") == other) == (True, True)


def test_one_that_answers_again_was_only_slow(house: House) -> None:
    house.supervisor.start(house.spec("a", SLEEPS))
    flag = house.folder / "a.ready"
    flag.unlink()
    looks(house, 3)
    flag.touch()
    looks(house, 1)
    flag.unlink()
    looks(house, 3)
    assert house.reports == []
    flag.touch()
    looks(house, 1)
    flag.unlink()
    house.now += 4000
    house.supervisor.watch()
    assert house.reports == [], "a supervisor that was stopped itself has not asked"
    could_not_be_asked = replace(house.spec("b", SLEEPS), lives=lambda: None)
    house.supervisor.end("a")
    house.supervisor.start(could_not_be_asked)
    looks(house, 10)
    assert house.reports == []


def test_restarts_of_an_hour_ago_no_longer_count() -> None:
    restarts = Restarts()
    assert [restarts.next_at(0) for _ in range(6)] == [5, 10, 20, 40, 80, None]
    assert restarts.next_at(3605) == 3605 + 80
    assert restarts.next_at(9000) == 9005


def test_the_end_takes_all_that_the_child_started(house: House) -> None:
    house.supervisor.start(house.spec("a", PARENT))
    grandchild = ProcessId.of(int(house.supervisor.log_of("a").read_text()))
    assert grandchild.alive
    house.supervisor.end("a")
    assert not grandchild.alive
    assert house.supervisor.states == {}
    assert list((house.folder / "run").iterdir()) == []


def test_what_a_dead_child_had_started_ends_before_the_next_begins(house: House) -> None:
    house.supervisor.start(house.spec("a", PARENT))
    grandchild = ProcessId.of(int(house.supervisor.log_of("a").read_text()))
    house.kill("a")
    assert grandchild.alive
    house.supervisor.watch()
    assert not grandchild.alive


def test_one_that_ignores_sigterm_is_killed_after_its_own_grace(house: House) -> None:
    house.supervisor.start(house.spec("a", STUBBORN, grace=0.2), house.spec("b", SLEEPS))
    process = house.process("a")
    house.supervisor.end("a", "b")
    assert not process.alive


def test_leftovers_of_a_killed_supervisor_are_ended_and_nothing_else(house: House) -> None:
    house.supervisor.start(house.spec("a", PARENT))
    grandchild = ProcessId.of(int(house.supervisor.log_of("a").read_text()))
    stranger = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        # Its pid stands in a record, but it was created at another time.
        ProcessId(stranger.pid, time.time() - 3600).record(house.folder / "run" / "b.child.json")
        (house.folder / "run" / "c.child.json").write_text("torn")
        house.kill("a")

        successor = House(house.folder)
        assert successor.supervisor.end_leftovers() == ["a"]
        assert not grandchild.alive
        assert ProcessId.of(stranger.pid).alive
        assert successor.supervisor.end_leftovers() == []
    finally:
        stranger.kill()
        stranger.wait()


def test_logs_are_rotated_by_size_while_the_child_writes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "LOG_MEGABYTES", 0)
    speaks = (
        "import pathlib, sys\nflag = pathlib.Path(sys.argv[1])\nprint('before', flush=True)\n"
        "flag.touch()\nwhile flag.exists(): pass\nprint('after', flush=True)\n"
        "flag.touch()\nwhile True: pass"
    )
    house.supervisor.start(house.spec("a", speaks))
    house.supervisor.watch()
    log, flag = house.supervisor.log_of("a"), house.folder / "a.ready"
    assert log.with_name("a.log.1").read_text() == "before\n"
    flag.unlink()
    until("that it speaks again", flag.exists, 20)
    assert log.read_text() == "after\n"
    for _ in range(4):
        house.supervisor.watch()
    kept = sorted(path.name for path in log.parent.iterdir())
    assert kept == ["a.log", "a.log.1", "a.log.2", "a.log.3"]


def test_a_log_that_cannot_be_rotated_ends_nothing_and_costs_no_older_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a full disk, at every look."""
    monkeypatch.setattr(supervisor_module, "LOG_MEGABYTES", 0)
    house.supervisor.start(house.spec("a", SLEEPS))
    log = house.supervisor.log_of("a")
    log.with_name("a.log.1").write_text("older")
    log.with_name("a.log.part").mkdir()
    for _ in range(3):
        house.supervisor.watch()
    assert house.supervisor.states == {"a": "running"}
    assert log.with_name("a.log.1").read_text() == "older"


def test_a_start_that_fails_in_any_way_is_told_and_counted(house: House) -> None:
    def command() -> list[str]:
        if house.process("a").alive:
            raise AssertionError
        raise RuntimeError("no room for it")

    spec = house.spec("a", SLEEPS)
    house.supervisor.start(spec, house.spec("b", SLEEPS))
    object.__setattr__(spec, "command", command)
    house.kill("a")
    for _ in range(RESTARTS_AN_HOUR + 1):
        house.supervisor.watch()
        house.now += 100
        house.supervisor.watch()
    assert "a does not start: no room for it" in house.reports
    assert house.supervisor.states == {"a": "down", "b": "running"}


def test_what_could_not_be_recorded_does_not_run(house: House) -> None:
    started: list[ProcessId] = []
    spec = replace(house.spec("a", SLEEPS), on_start=started.append)
    record = house.folder / "run" / "a.child.json"
    record.mkdir()
    with pytest.raises(ChildFailed, match="does not start"):
        house.supervisor.start(spec)
    assert [p for p in psutil.process_iter() if str(house.folder) in " ".join(_command(p))] == []
    assert started == []
    record.rmdir()


def _command(process: psutil.Process) -> list[str]:
    with suppress(psutil.NoSuchProcess):
        return process.cmdline()
    return []
