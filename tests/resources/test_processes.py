"""Which process it is, and when it has ended."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from resources.private_json import write_private_json
from resources.processes import ProcessId, end_groups, runs

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


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as child:
        yield child
        child.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="no other system tells the boot")
def test_a_step_of_the_clock_makes_no_other_process_of_it(child: subprocess.Popen[bytes]) -> None:
    here = ProcessId.of(child.pid)
    stepped = replace(here, created=here.created - 3600)
    assert stepped.alive
    assert not replace(here, tick=here.tick + 6000).alive, "a minute later, with its pid"
    assert not replace(here, boot="another").alive, "at this time after another boot"
    assert list(replace(here, boot="another").members()) == []
    end_groups({stepped: 5.0})
    assert not here.alive


def test_a_name_that_is_no_text_hides_no_process(tmp_path: Path) -> None:
    """The kernel keeps 15 bytes of a name, which may end within a character."""
    named = tmp_path / os.fsdecode("ä".encode() * 7 + b"\xc3")
    named.symlink_to(sys.executable)
    sleeps = [named, "-S", "-c", "import time; time.sleep(600)"]
    with subprocess.Popen(sleeps, start_new_session=True) as child:
        here = ProcessId.of(child.pid)
        assert here.alive
        end_groups({here: 5.0})
        assert not here.alive


def test_a_process_is_known_by_its_record_also_by_an_older_one(
    child: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    here, file = ProcessId.of(child.pid), tmp_path / "a.json"
    here.record(file)
    assert ProcessId.recorded(file) == here
    write_private_json(file, {"pid": here.pid, "created": here.created})
    older = ProcessId.recorded(file)
    assert older
    assert older.alive
    assert not replace(older, created=older.created - 3600).alive


def _becomes(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
