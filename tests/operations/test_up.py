"""`touchline up` and `down`: what stops a start, and the life of the whole stack."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
from pydantic import SecretStr

from operations.stack import child_environment
from operations.up import UpError, UpOptions, down, first_day, up
from pipeline_assets.plans import PLANS
from pipeline_assets.settings import AllSettings
from resources.embedded_s3 import S3Access, Server
from resources.ports import choose_ports
from resources.processes import ProcessId
from resources.site import Site
from resources.up_record import Up
from tests.s3_gate import Answer, S3Gate
from tests.stack.stack import Stack, until
from touchline.day import Day


@pytest.fixture
def settings(home: Path) -> AllSettings:
    return AllSettings.load(home=home / "home")


def refused(settings: AllSettings, options: UpOptions | None = None) -> str:
    """The one line with which `up` gives up; nothing of it runs afterwards."""
    if options is None:
        options = UpOptions(port=choose_ports(1)[0])
    text = "\n".join(refused_in_lines(settings, options))
    assert "\n" not in text
    assert not list(settings.run_folder.glob("*.child.json"))
    return text


class Disk(NamedTuple):
    mountpoint: str
    fstype: str


def refused_in_lines(
    settings: AllSettings,
    options: UpOptions | None = None,
    *,
    home_is: str = "ext4",
) -> list[str]:
    """Whatever the disk of the tests is, the state folder lies on one of this kind."""
    disks = [Disk("/", home_is)]
    with pytest.raises(UpError) as caught:
        up(
            settings,
            options or UpOptions(port=choose_ports(1)[0]),
            stop=threading.Event(),
            progress=print,
            ready=print,
            partitions=lambda: disks,
        )
    return str(caught.value).split("\n")


def test_a_taken_port_is_told(settings: AllSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refused(settings, UpOptions(port=port)).startswith(f"port {port} is taken")


VENDOR = "https://vendor.example/v1/football/"


@pytest.mark.parametrize(
    ("changed", "options", "said"),
    [
        ({"minimum_free_disk_megabytes": 10**12}, {}, "MB free on the disk of"),
        ({}, {"source": "live"}, "TOUCHLINE_FEED_URL is not set"),
        ({"feed_url": VENDOR}, {}, "TOUCHLINE_FEED_USER is not set"),
        (
            {},
            {"source": "recorded", "data": Path("/nowhere")},
            "no recordings in /nowhere: choose them with --data",
        ),
        ({"s3_endpoint_url": "http://127.0.0.1:9"}, {}, "check TOUCHLINE_S3_ENDPOINT_URL"),
    ],
)
def test_what_stops_a_start_is_told(
    settings: AllSettings,
    monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, Any],
    options: dict[str, Any],
    said: str,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    chosen = UpOptions(port=choose_ports(1)[0], **options)
    assert said in refused(settings.model_copy(update=changed), chosen)


@pytest.mark.parametrize(
    ("credentials", "said"),
    [
        (
            {"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "hush-hush"},
            "check AWS_ACCESS_KEY_ID",
        ),
        ({"AWS_PROFILE": "nobody"}, "cannot be asked: no S3 credentials"),
    ],
)
def test_wrong_and_missing_keys_of_the_store_are_told(
    settings: AllSettings,
    s3_server: S3Access,
    monkeypatch: pytest.MonkeyPatch,
    credentials: dict[str, str],
    said: str,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in credentials.items():
        monkeypatch.setenv(name, value)
    elsewhere = settings.model_copy(update={"s3_endpoint_url": s3_server.endpoint_url})
    text = refused(elsewhere)
    assert said in text
    assert "hush-hush" not in text


def test_a_state_folder_that_cannot_be_written_is_told(settings: AllSettings) -> None:
    settings.home.write_text("a file")
    with pytest.raises(UpError, match="set TOUCHLINE_HOME"):
        up(settings, UpOptions(), stop=threading.Event(), progress=print, ready=print)


def test_a_database_of_dagster_that_does_not_answer_is_told(settings: AllSettings) -> None:
    url = SecretStr("postgresql://somebody:hush-hush@127.0.0.1:9/nothing")
    text = refused(AllSettings.load(home=settings.home, dagster_url=url))
    assert text.startswith(
        "Dagster's storage at postgresql://somebody:***@127.0.0.1:9/nothing cannot be used: "
    )
    assert "check TOUCHLINE_DAGSTER_URL" in text
    assert "hush-hush" not in text


def test_each_promise_that_the_store_breaks_is_a_line(
    settings: AllSettings, s3_gate: S3Gate, s3_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_gate.access.environment().items():
        monkeypatch.setenv(name, value)
    behind = {"s3_endpoint_url": s3_gate.access.endpoint_url, "s3_prefix": s3_prefix}
    behind_the_gate = settings.model_copy(update=behind)

    def accepted(method: str, path: str, answer: Answer) -> Answer:
        is_refused = method == "PUT" and answer.status == 412
        return Answer(200, {"etag": '"0"'}) if is_refused else answer

    s3_gate.alters = accepted
    first, *lines = refused_in_lines(behind_the_gate)
    assert first.startswith("s3://touchline at http://127.0.0.1:")
    assert first.endswith(" breaks what Touchline rests on")
    assert [line.partition(":")[0] for line in lines] == ["If-None-Match", "If-Match"]
    assert not list(behind_the_gate.run_folder.glob("*.child.json"))


def test_a_spool_in_memory_is_told(settings: AllSettings) -> None:
    [line] = refused_in_lines(settings, home_is="tmpfs")
    assert line.startswith(f"{settings.spool_folder} lies in memory (tmpfs)")
    assert "TOUCHLINE_HOME" in line


def test_a_store_that_another_command_uses_is_left_alone(settings: AllSettings) -> None:
    with Server(settings.s3_folder).lock_for_use():
        assert "another command uses the object store" in refused(settings)


@pytest.mark.stack
def test_what_had_started_ends_when_another_part_does_not_start(
    settings: AllSettings, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    options = UpOptions(choose_ports(1)[0], source="recorded", data=tmp_path / "empty")
    text = refused(settings, options)
    assert text.startswith("simulator ended at its start: simulator: no recorded poll in")
    assert Server(settings.s3_folder).process is None
    found = Up.read(settings)
    assert found
    assert (found.state, found.error) == ("failed", text)


def test_a_dagster_home_that_cannot_be_written_is_told(settings: AllSettings) -> None:
    (settings.dagster_home / "dagster.yaml").mkdir(parents=True)
    text = refused(settings)
    assert text.startswith("Dagster's home cannot be written: ")
    assert str(settings.dagster_home / "dagster.yaml") in text


def test_partitions_begin_with_the_first_day_known_or_chosen(settings: AllSettings) -> None:
    nowhere = S3Access("http://127.0.0.1:1", "key", "secret", "us-east-1")
    today = Day.containing(datetime.now(UTC))
    assert first_day(settings, nowhere) in (today, today.shifted(1))

    with closing(Site.open(settings, PLANS, nowhere)) as site:
        site.ledger.open_interval("football", datetime(2025, 5, 28, 12, tzinfo=UTC), "simulated")
    assert first_day(settings, nowhere) == Day.parse("2025-05-28")

    def chosen(day: Day) -> AllSettings:
        return settings.model_copy(update={"first_day": str(day)})

    assert first_day(chosen(Day.parse("2025-06-01")), nowhere) == Day.parse("2025-06-01")
    with pytest.raises(UpError, match="has not begun"):
        first_day(chosen(today.shifted(3)), nowhere)


def test_nothing_to_end_is_no_error(settings: AllSettings) -> None:
    assert down(settings, print) is False


def test_children_are_given_what_was_resolved(
    settings: AllSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of another account")
    monkeypatch.setenv("NO_PROXY", "intranet.example")
    chosen = settings.model_copy(
        update={"feed_secret": SecretStr("hush"), "feed_url": "http://127.0.0.1:1/v1/football/"}
    )
    access = S3Access("http://127.0.0.1:2", "key", "secret", "us-east-1")
    environment = child_environment(chosen, access)
    for name in ("PYTHONDONTWRITEBYTECODE", "AWS_SESSION_TOKEN"):
        assert name not in environment
        monkeypatch.delenv(name)
    assert environment["NO_PROXY"] == "intranet.example,127.0.0.1,localhost"
    assert environment["DAGSTER_HOME"] == str(settings.dagster_home)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    in_child = AllSettings.load()
    assert in_child == chosen.model_copy(update={"s3_endpoint_url": "http://127.0.0.1:2"})


# The whole stack, with small definitions of its own.

DEFINITIONS = """
import os, pathlib, time
import dagster as dg

@dg.asset
def long(context):
    (pathlib.Path(os.environ["TOUCHLINE_HOME"]) / "run.pid").write_text(str(os.getpid()))
    time.sleep(600)

defs = dg.Definitions(assets=[long], jobs=[dg.define_asset_job("long_job", [long])])
"""
LAUNCH = """mutation { launchRun(executionParams: {
  selector: {repositoryLocationName: "touchline", repositoryName: "__repository__",
             pipelineName: "long_job"}, runConfigData: {}
}) { __typename } }"""


@pytest.fixture
def stack(
    tmp_path: Path, settings: AllSettings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stack]:
    """One whose definitions are those of above, and which does not run yet."""
    (tmp_path / "small.py").write_text(DEFINITIONS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    settings.home.mkdir()
    stack = Stack(settings.home)
    yield stack
    stack.touchline("down")


def up_of(stack: Stack) -> list[str]:
    return ["up", "--port", str(stack.port), "--definitions", "small"]


@pytest.mark.daemon
@pytest.mark.timeout(400)
def test_up_and_down(stack: Stack) -> None:
    started = stack.touchline(*up_of(stack), "--detach")
    assert started.returncode == 0, started.stderr
    assert stack.url in started.stdout
    parts = {"object-store", "simulator", "code-server", "webserver", "daemon"}
    assert set(stack.state["children"]) == parts
    assert all(child.alive for child in stack.children)
    assert not stack.child("daemon").created > time.time()

    second = stack.touchline(*up_of(stack))
    assert second.returncode == 1
    assert "already runs" in second.stderr
    assert len(second.stderr.strip().splitlines()) == 1

    # The object store comes back by itself, at the same place and with the same keys.
    access = Server(stack.home / "s3").access
    access.client().put_object(Bucket="touchline", Key="kept", Body=b"body")
    stack.kill("object-store")
    assert Server(stack.home / "s3").access == access
    until("an object store", lambda: Server(stack.home / "s3").is_ready("touchline"), 60)
    assert access.client().get_object(Bucket="touchline", Key="kept")["Body"].read() == b"body"

    # A run in flight ends with the rest.
    assert stack.graphql(LAUNCH)["launchRun"]["__typename"] == "LaunchRunSuccess"
    pid_file = stack.home / "run.pid"
    until("a run", pid_file.exists, 60)
    run = ProcessId.of(int(pid_file.read_text()))
    children = stack.children
    stopped = stack.touchline("down")
    assert stopped.returncode == 0, stopped.stderr
    assert not run.alive
    assert not any(child.group_alive for child in children)
    assert not list((stack.home / "run").glob("*.child.json"))
    assert stack.state["state"] == "ended"


@pytest.mark.daemon
@pytest.mark.timeout(400)
def test_leftovers_of_a_killed_up_are_replaced_and_ctrl_c_ends_all(stack: Stack) -> None:
    assert stack.touchline(*up_of(stack), "--detach").returncode == 0
    left = stack.children
    os.kill(stack.state["pid"], signal.SIGKILL)

    # As a shell starts a background job: with SIGINT ignored.
    command = [sys.executable, "-m", "operations.cli", *up_of(stack)]
    ignoring = ["env", "--ignore-signal=INT", *command]
    with subprocess.Popen(
        ignoring, env=stack.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as again:
        until("another up", lambda: stack.state["pid"] == again.pid, 60)
        until("that it is ready", lambda: stack.state["state"] == "ready", 240)
        assert not any(process.group_alive for process in left)
        children = stack.children
        again.send_signal(signal.SIGINT)
        out, err = again.communicate(timeout=60)
    assert again.returncode == 0, err
    assert stack.url.encode() in out
    assert b"Ended what an earlier run had left: code-server" in err
    assert not any(child.group_alive for child in children)
    assert "Daemon threads shut down" in (stack.home / "logs" / "daemon.log").read_text()


@pytest.mark.daemon
@pytest.mark.timeout(400)
def test_definitions_that_do_not_load_are_one_line(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "small.py").write_text("import nothing_of_this_name\n")
    failed = stack.touchline(*up_of(stack), "--detach")
    assert failed.returncode == 1
    assert failed.stdout == ""
    (line,) = failed.stderr.strip().splitlines()
    assert "the definitions do not load: " in line
    assert "nothing_of_this_name" in line
    until("its end", lambda: not psutil.pid_exists(stack.state["pid"]), 60)
    assert not list((stack.home / "run").glob("*.child.json"))
