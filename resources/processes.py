"""Processes by recorded id: which one it is, whether it lives, and how it ends with its group.

A pid alone is not an identity, since the system hands it out again; with the time of creation it
is. A kill by name once missed, and a second worker ran beside the first.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import psutil

# The time of creation is derived from the wall clock, which may be stepped meanwhile.
_CLOCK_STEP_SECONDS = 5.0


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
        return (found := self._found()) is not None and _runs(found)

    @property
    def group_alive(self) -> bool:
        """Whether it or any process of the group it leads runs."""
        return self.alive or bool(list(self._members()))

    def end_group(self, grace_seconds: float) -> bool:
        """SIGTERM to the process and the group it leads, SIGKILL to what is left after the grace.

        For processes that were started in a session of their own. Returns whether all ended within
        the grace; nothing of it runs afterwards either way.
        """
        members = list(self._members())
        _signal(members, signal.SIGTERM)
        _, left = psutil.wait_procs(members, timeout=grace_seconds)
        # Members may have started others meanwhile.
        left = [*filter(_runs, left), *self._members()]
        _signal(left, signal.SIGKILL)
        psutil.wait_procs(left, timeout=grace_seconds)
        return not left

    def _found(self) -> psutil.Process | None:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.created) < _CLOCK_STEP_SECONDS:
                return process
        return None

    def _members(self) -> Iterator[psutil.Process]:
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
                if in_group and old_enough and _runs(process):
                    yield process


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def _signal(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
