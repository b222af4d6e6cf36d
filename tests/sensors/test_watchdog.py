"""The watchdog ends a run that hangs, and nothing else."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from pipeline_assets.jobs import DAGSTER_WAITS_SECONDS, JOBS
from pipeline_assets.partitions import LANE
from pipeline_assets.recovery import ALLOWANCE, LONGEST
from resources.ledger import Ledger
from sensors.watchdog import LOOKS_EVERY_SECONDS, end_hung_runs
from tests.slots import RAW, slot_at
from touchline.accounting import RunKind, RunState
from touchline.day import Minute

FEED = "football"
TOO_LONG = LONGEST[RunKind.MINUTE] + timedelta(seconds=1) + ALLOWANCE


@pytest.fixture
def stuck() -> Iterator[psutil.Process]:
    """A child that does not even hear SIGTERM."""
    child = subprocess.Popen(["sleep", "600"])
    child.send_signal(signal.SIGSTOP)
    yield psutil.Process(child.pid)
    child.kill()
    child.wait()


def begun(
    ledger: Ledger,
    process: psutil.Process,
    kind: RunKind = RunKind.MINUTE,
    after: timedelta = timedelta(),
    host: str | None = None,
) -> datetime:
    """A run of this process, which began its minute's fetch so long after the process."""
    now = datetime.now(UTC) + after
    minute = Minute.containing(now)
    ledger.run_started(
        "run-1", slot_at(minute), kind, "c", "l", now, feed=FEED, host=host, pid=process.pid
    )
    ledger.start_fetch(slot_at(minute), "run-1", now)
    return now


def test_a_run_that_hangs_is_ended_and_its_minute_waits_for_nobody(
    ledger: Ledger, stuck: psutil.Process
) -> None:
    began = begun(ledger, stuck)
    minute = Minute.containing(began)
    assert end_hung_runs({stuck.pid: stuck}, began + TOO_LONG) == ["run-1"]
    assert stuck.wait(timeout=10) == -signal.SIGKILL
    run = ledger.run("run-1")
    assert run is not None
    assert (run.state, run.reason) == (RunState.FAILED, "it hung: it was ended after 171 s")
    assert ledger.died(RAW, minute.day) == {minute.number}
    assert end_hung_runs({stuck.pid: stuck}, began + TOO_LONG) == [], "it is told once"


def test_it_may_end_by_itself_first(ledger: Ledger, stuck: psutil.Process) -> None:
    began = begun(ledger, stuck)
    in_time = began + TOO_LONG - timedelta(seconds=2)
    assert end_hung_runs({stuck.pid: stuck}, in_time) == []
    assert stuck.is_running()


def test_what_a_person_began_takes_what_it_takes(ledger: Ledger, stuck: psutil.Process) -> None:
    began = begun(ledger, stuck, RunKind.REPROCESS)
    assert end_hung_runs({stuck.pid: stuck}, began + timedelta(hours=9)) == []
    assert stuck.is_running()


def test_a_seal_that_was_called_abandoned_is_ended_when_it_has_had_its_time(
    ledger: Ledger, stuck: psutil.Process
) -> None:
    began = begun(ledger, stuck, RunKind.SEAL)
    silent = began + timedelta(minutes=16)
    ledger.run_started("run-2", None, RunKind.MINUTE, "c", "l", silent, feed=FEED)
    run = ledger.run("run-1")
    assert run is not None
    assert run.state is RunState.ABANDONED
    assert end_hung_runs({stuck.pid: stuck}, silent) == []

    late = began + LONGEST[RunKind.SEAL] + ALLOWANCE + timedelta(seconds=1)
    assert "run-1" in end_hung_runs({stuck.pid: stuck}, late)
    assert stuck.wait(timeout=10) == -signal.SIGKILL
    run = ledger.run("run-1")
    assert run is not None
    assert run.state is RunState.FAILED
    assert end_hung_runs({stuck.pid: stuck}, late) == [], "it is told once"


def test_a_clock_that_was_set_forward_does_not_hide_a_run_that_hangs(
    ledger: Ledger, stuck: psutil.Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = begun(ledger, stuck)
    boot_time = psutil.boot_time() + 20
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot_time)
    monkeypatch.setattr("psutil._psplatform.boot_time", lambda: boot_time)
    assert psutil.Process(stuck.pid).create_time() > began.timestamp() + 10
    assert end_hung_runs({stuck.pid: stuck}, began + TOO_LONG) == ["run-1"]
    assert stuck.wait(timeout=10) == -signal.SIGKILL


def test_somebody_elses_process_is_left_alone(ledger: Ledger, stuck: psutil.Process) -> None:
    began = begun(ledger, stuck)
    assert end_hung_runs({}, began + TOO_LONG) == [], "no child of ours has this pid"
    assert stuck.is_running()


def test_a_pid_that_was_given_again_is_not_the_run(ledger: Ledger, stuck: psutil.Process) -> None:
    an_hour_before = timedelta(hours=-1)
    began = begun(ledger, stuck, after=an_hour_before)
    assert end_hung_runs({stuck.pid: stuck}, began + TOO_LONG) == []
    assert stuck.is_running()


def test_a_run_whose_process_is_gone_is_at_work_no_more(ledger: Ledger) -> None:
    """It was killed with the code server, and Dagster, which canceled it, tells nobody."""
    gone = subprocess.Popen(["sleep", "600"])
    began = begun(ledger, psutil.Process(gone.pid), host=socket.gethostname())
    gone.kill()
    gone.wait()
    assert end_hung_runs({}, began) == []
    assert end_hung_runs({}, began + TOO_LONG) == ["run-1"]
    run = ledger.run("run-1")
    assert run is not None
    assert (run.state, run.reason) == (RunState.FAILED, "its process is gone")
    assert ledger.died(RAW, Minute.containing(began).day) == {Minute.containing(began).number}


def test_a_process_of_another_machine_is_not_known_here(ledger: Ledger) -> None:
    gone = subprocess.Popen(["sleep", "0"])
    began = begun(ledger, psutil.Process(gone.pid), host="elsewhere")
    gone.wait()
    assert end_hung_runs({}, began + TOO_LONG) == []


def test_every_lane_has_its_longest_time_and_dagster_waits_longer_than_the_watchdog() -> None:
    tags = [getattr(job, "run_tags", None) or job.tags for job in JOBS]
    said = {
        tag[LANE].partition("/")[0]: timedelta(seconds=int(tag["dagster/max_runtime"]))
        for tag in tags
    }
    waits = timedelta(seconds=DAGSTER_WAITS_SECONDS)
    assert said == {str(kind): longest + waits for kind, longest in LONGEST.items()}
    assert waits > ALLOWANCE + timedelta(seconds=3 * LOOKS_EVERY_SECONDS)
