"""Dagster's code server as `touchline up` starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from operations.stack import code_server
from resources.settings import Settings

pytestmark = pytest.mark.stack

ROOT = Path(__file__).parents[2]

LOOKS = """
import contextlib, gc, tempfile
from dagster import DagsterInstance, instance_for_test

def contexts():
    gc.collect()
    return sum(isinstance(each, contextlib.ExitStack) for each in gc.get_objects())

with tempfile.TemporaryDirectory() as home, instance_for_test(temp_dir=home) as instance:
    # The instance is opened before, and so may the code server's be.
    from operations.code_server import leave_no_alembic_context
    leave_no_alembic_context()
    counts = []
    for _ in range(3):
        with DagsterInstance.from_ref(instance.get_ref()) as again:
            again.get_runs_count(), again.all_asset_keys(), again.all_instigator_state()
        counts.append(contexts())
print(counts)
"""


def test_a_look_into_dagsters_storage_leaves_no_context_behind(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", LOOKS], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout.splitlines()[-1])
    assert len(set(counts[1:])) == 1, counts


def test_a_run_does_not_inherit_the_allocator_of_the_code_server(tmp_path: Path) -> None:
    """A module is loaded by the code server, from whose environment that of a run is taken."""
    say = "import os; print('has', os.environ.get('PYTHONMALLOC'), flush=True); os._exit(0)"
    (tmp_path / "small.py").write_text(say)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    part = code_server(Settings.load(_env_file=None, home=tmp_path), 1, "small", environment)
    assert (part.environment or {})["PYTHONMALLOC"] == "malloc"
    command = [word for word in part.command() if word != "--lazy-load-user-code"]

    done = subprocess.run(
        command, cwd=tmp_path, env=part.environment, capture_output=True, text=True
    )

    assert done.stdout.splitlines()[-1:] == ["has None"], done.stderr
