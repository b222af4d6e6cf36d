"""Processes by recorded id: which one it is, whether it lives, and how it ends with its group.

A pid alone is not an identity, since the system hands it out again; with the time of creation it
is. A kill by name once missed, and a second worker ran beside the first.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from resources.private_json import read_private_json, write_private_json

# The time of creation is derived from the wall clock, which may be stepped meanwhile.
_CLOCK_STEP_SECONDS = 5.0
# After SIGKILL only a process that waits for a disk stays for a while.
_KILL_SECONDS = 5.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class ProcessId:
    """One process: its pid and when it was created (seconds since 1970)."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> ProcessId:
        """Raises psutil.NoSuchProcess."""
        return cls(pid, psutil.Process(pid).create_time())

    @classmethod
    def own(cls) -> ProcessId:
        return cls.of(os.getpid())

    @property
    def alive(self) -> bool:
        """Whether this very process runs; a zombie does not."""
        return (found := self._found()) is not None and runs(found)

    @property
    def group_alive(self) -> bool:
        """Whether it or any process of the group it leads runs."""
        return self.alive or bool(list(self.members()))

    def record(self, path: Path) -> None:
        write_private_json(path, {"pid": self.pid, "created": self.created})

    @classmethod
    def recorded(cls, path: Path) -> ProcessId | None:
        """The process that was recorded there, whether it lives or not."""
        content = read_private_json(path) or {}
        pid, created = content.get("pid"), content.get("created")
        if isinstance(pid, int) and isinstance(created, float):
            return cls(pid, created)
        return None

    def _found(self) -> psutil.Process | None:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.created) < _CLOCK_STEP_SECONDS:
                return process
        return None

    def members(self) -> Iterator[psutil.Process]:
        """The running processes of its group, itself included.

        The system gives out no pid that is still a group's id. So if there is another process with
        this pid, the group had been empty, and the one that bears its id now is somebody else's.
        """
        if psutil.pid_exists(self.pid) and self._found() is None:
            return
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess, ProcessLookupError):
                in_group = os.getpgid(process.pid) == os.getsid(process.pid) == self.pid
                old_enough = process.create_time() > self.created - _CLOCK_STEP_SECONDS
                if in_group and old_enough and runs(process):
                    yield process


def end_groups(grace_seconds: Mapping[ProcessId, float]) -> None:
    """SIGTERM to these processes and the groups they lead, all at once, and SIGKILL to what is left
    of each after its grace.

    For processes that were started in sessions of their own. Nothing of them runs afterwards.
    """
    members = {process: list(process.members()) for process in grace_seconds}
    for group in members.values():
        _signal(group, signal.SIGTERM)
    asked_at = time.monotonic()
    for process, grace in sorted(grace_seconds.items(), key=lambda item: item[1]):
        _wait(members[process], asked_at + grace - time.monotonic())
        # Members may have started others meanwhile.
        left = list(process.members())
        _signal(left, signal.SIGKILL)
        _wait(left, _KILL_SECONDS)


def _wait(processes: list[psutil.Process], seconds: float) -> None:
    """Until none runs or the time is over. A zombie has ended: it waits for its parent alone."""
    deadline = time.monotonic() + seconds
    while any(map(runs, processes)) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def runs(process: psutil.Process) -> bool:
    """Whether it still does or holds anything. A zombie does not, but for the moment in which
    others of its threads, not ended yet, keep its ports and locks."""
    with suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1
    return False


def _signal(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
