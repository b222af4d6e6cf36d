"""What a process that lives for ever gives back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
USES_AND_FREES = """
import gc, json, weakref
import psutil
from resources.garbage import give_back_memory

class Thing:
    def __init__(self):
        self.me = self

def resident():
    return psutil.Process().memory_info().rss / 1e6

give_back_memory()
gc.disable()
began, things = resident(), []
for _ in range(2):
    thing = Thing()
    things.append(weakref.ref(thing))
    del thing
    rows = [bytes(1000) for _ in range(100_000)]
    rows = rows[::100]  # Between what is kept, all is free.
    used = resident()
    give_back_memory()
    left = resident()
print(json.dumps({
    "alive": sum(each() is not None for each in things), "used": used - began, "left": left - began
}))
"""


@pytest.mark.stack
def test_garbage_and_what_lies_free_between_what_is_kept_goes_back(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", USES_AND_FREES],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["alive"] == 0
    assert said["used"] > 80
    assert said["left"] < 20, said
