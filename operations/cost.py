"""Measure what a command costs: CPU and memory of its process and of every process below it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

_SAMPLED_EVERY_SECONDS = 1.0
"""A look takes 5 ms. The system keeps each peak while its process lives, so that only a process
which lives for less is missed."""


class Cost:
    """The cost of this process since it began. Shared memory counts for each process that maps it,
    so that `peak_bytes` may be too high and not too low."""

    def __init__(self) -> None:
        self.cpu_seconds = 0.0
        self.peak_bytes = 0

    def sample(self) -> None:
        """Look at all processes now. A child that has been waited for is in its parent's CPU time;
        its memory counts as it was when it was last seen."""
        cpu, memory = 0.0, 0
        for process in _processes():
            with suppress(psutil.NoSuchProcess):
                cpu += sum(process.cpu_times()[:4])  # Its own and that of children it waited for.
                memory += _peak_bytes(process)
        self.cpu_seconds = cpu
        self.peak_bytes = max(self.peak_bytes, memory)


@contextmanager
def measured() -> Iterator[Cost]:
    """Sample until the end of the block, and once more there."""
    cost, ended = Cost(), threading.Event()

    def sample() -> None:
        while not ended.wait(_SAMPLED_EVERY_SECONDS):
            cost.sample()

    thread = threading.Thread(target=sample, name="cost", daemon=True)
    thread.start()
    try:
        yield cost
    finally:
        ended.set()
        thread.join()
        cost.sample()


def _processes() -> list[psutil.Process]:
    """This one and all below it, also those that have ended and wait for their parent."""
    own = psutil.Process()
    return [own, *own.children(recursive=True)]


def _peak_bytes(process: psutil.Process) -> int:
    """The most that it has held, of which Linux keeps count (VmHWM, proc_pid_status(5)); elsewhere
    what it holds now. 0 for one that has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
        return 0
    with suppress(psutil.ZombieProcess):
        return process.memory_info().rss
    return 0
