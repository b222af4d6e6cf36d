"""When a process has ended."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import psutil

from resources.processes import ProcessId, runs

FIRST_THREAD_ENDS = """
import ctypes, sys, threading
threading.Thread(target=sys.stdin.read).start()
ctypes.CDLL(None).pthread_exit(None)
"""


def test_a_process_runs_as_long_as_any_of_its_threads_does() -> None:
    """One that is killed looks like a zombie while its last threads still hold its ports."""
    with subprocess.Popen(
        [sys.executable, "-c", FIRST_THREAD_ENDS], stdin=subprocess.PIPE
    ) as child:
        process, recorded = psutil.Process(child.pid), ProcessId.of(child.pid)
        _becomes(lambda: process.status() == psutil.STATUS_ZOMBIE)
        assert runs(process)
        assert recorded.alive
        assert child.stdin
        child.stdin.close()
        _becomes(lambda: not runs(process))
        assert process.is_running(), "nobody has asked how it ended"
        assert not recorded.alive


def _becomes(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
