"""The measured cost of a command includes every process that it has started."""

from __future__ import annotations

import subprocess
import sys

import pytest

from operations.cost import Cost, measured

MEGABYTES = 64
CPU_SECONDS = 0.3
WORKS = f"""
import sys, time
held = bytearray({MEGABYTES} << 20)
held[::4096] = b"x" * len(held[::4096])
while time.process_time() < {CPU_SECONDS}:
    pass
print("done", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("waited_for", [True, False], ids=["waited for", "zombie"])
def test_a_child_counts_whether_it_was_waited_for_or_not(waited_for: bool) -> None:
    before = Cost()
    before.sample()
    with measured() as cost:
        child = subprocess.Popen(
            [sys.executable, "-c", WORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == "done\n"
        cost.sample()
        child.stdin.close()
        child.stdout.read()
        if waited_for:
            child.wait()
    child.wait()
    child.stdout.close()
    assert cost.peak_bytes >= before.peak_bytes + (MEGABYTES << 20)
    assert cost.cpu_seconds >= before.cpu_seconds + CPU_SECONDS
