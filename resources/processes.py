"""Processes by recorded id: which one it is, whether it lives, and how it ends with its group.

A pid alone is not an identity, since the system hands it out again; with the time of creation it
is, which Linux counts from the boot. A kill by name once missed, and a second worker ran beside the
first.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from resources.private_json import read_private_json, write_private_json

# Where there is only a wall clock, it may be stepped meanwhile.
_CLOCK_STEP_SECONDS = 5.0
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_START_TIME = 19
"""Of the fields of /proc/PID/stat behind the name: `starttime` (proc_pid_stat(5))."""
# After SIGKILL only a process that waits for a disk stays for a while.
_KILL_SECONDS = 5.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class ProcessId:
    """One process: its pid and when it was created (seconds since 1970, as the clock then was)."""

    pid: int
    created: float
    boot: str = ""
    """Which boot of the machine it belongs to; empty where the system does not tell."""
    tick: int = 0
    """Of that boot's clock at its creation, which no step of the wall clock moves."""

    @classmethod
    def of(cls, pid: int) -> ProcessId:
        """Raises psutil.NoSuchProcess."""
        created = psutil.Process(pid).create_time()
        boot, tick = _boot_and_tick(pid) or ("", 0)
        return cls(pid, created, boot, tick)

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

    @property
    def content(self) -> dict[str, Any]:
        """As it is recorded."""
        return asdict(self)

    def record(self, path: Path) -> None:
        write_private_json(path, self.content)

    @classmethod
    def recorded(cls, path: Path) -> ProcessId | None:
        """The process that was recorded there, whether it lives or not."""
        content = read_private_json(path) or {}
        pid, created = content.get("pid"), content.get("created")
        boot, tick = content.get("boot", ""), content.get("tick", 0)  # An older version wrote none.
        if isinstance(pid, int) and isinstance(created, float):
            return cls(pid, created, boot, tick)
        return None

    def _found(self) -> psutil.Process | None:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            if abs(self._older_by(process)) < _CLOCK_STEP_SECONDS:
                return process
        return None

    def _older_by(self, process: psutil.Process) -> float:
        """How many seconds it was created before that one; endlessly after one of another boot."""
        found = _boot_and_tick(process.pid)
        if not self.boot or found is None:
            return process.create_time() - self.created
        boot, tick = found
        return (tick - self.tick) / os.sysconf("SC_CLK_TCK") if boot == self.boot else -math.inf

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
                if not in_group or self._older_by(process) <= -_CLOCK_STEP_SECONDS:
                    continue
                if runs(process):
                    yield process


def _boot_and_tick(pid: int) -> tuple[str, int] | None:
    """Of Linux alone."""
    with suppress(OSError):
        status = Path(f"/proc/{pid}/stat").read_bytes()  # A name may be cut within a character.
        tick = int(status.rpartition(b")")[2].split()[_START_TIME])
        return _BOOT_ID.read_text().strip(), tick
    return None


def start_in_session(
    command: Sequence[str],
    environment: Mapping[str, str] | None,
    folder: Path | None,
    log: IO[bytes],
) -> subprocess.Popen[bytes]:
    """Start a process that leads a session of its own, reads nothing and says all to this log.
    Without an environment or a folder it has ours. Raises OSError."""
    return subprocess.Popen(
        command,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


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
