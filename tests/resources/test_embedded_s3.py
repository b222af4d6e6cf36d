"""The embedded object store: its life, its keys, and what it keeps when it is killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from resources.embedded_s3 import (
    EmbeddedS3Error,
    S3Access,
    Server,
    probe,
    room_of,
    running,
)
from resources.processes import ProcessId
from resources.settings import Settings
from tests.s3_gate import S3Gate

pytestmark = pytest.mark.stack

BUCKET = "touchline"


def put(client: Any, key: str, body: bytes = b"x", **condition: str) -> str:
    return client.put_object(Bucket=BUCKET, Key=key, Body=body, **condition)["ETag"]


def test_its_answers_headers_need_not_make_sense(s3_gate: S3Gate, s3_prefix: str) -> None:
    nonsense = dict.fromkeys(("date", "last-modified", "x-amz-tagging-count"), "9" * 30)
    s3_gate.alters = lambda method, path, answer: replace(answer, headers=answer.headers | nonsense)
    probe(s3_gate.access.client(), BUCKET, s3_prefix)


def test_it_lives_as_long_as_it_is_used_and_keeps_data_and_keys(tmp_path: Path) -> None:
    server = Server(tmp_path)
    with running(tmp_path, BUCKET) as access:
        assert listens_beyond_loopback(server) == set()
        for secret in ("identities.json", "ports.json"):
            assert stat.S_IMODE((tmp_path / secret).stat().st_mode) == 0o600
        process = server.process
        assert process
        assert access.secret_access_key
        assert access.secret_access_key not in repr(access)
        assert access.secret_access_key not in " ".join(psutil.Process(process.pid).cmdline())
        # A second user joins, and leaving does not stop it.
        with running(tmp_path, BUCKET) as joined:
            assert joined == access
        assert server.process == process
        put(access.client(), "kept", b"body")

        # What was answered survives SIGKILL; the next user starts it again.
        answered = write_until_killed(access, process.pid)
        assert answered
        with running(tmp_path, BUCKET) as again:
            assert again == access
            client = again.client()
            for key, body in {**answered, "kept": b"body"}.items():
                assert client.get_object(Bucket=BUCKET, Key=key)["Body"].read() == body
    assert server.process is None
    assert not process.group_alive


def write_until_killed(access: S3Access, pid: int) -> dict[str, bytes]:
    """PUTs of several sizes by two writers, SIGKILL in their midst; those that were answered."""
    answered: dict[str, bytes] = {}
    enough = threading.Event()

    def write(name: int) -> None:
        client = access.client()
        number = 0
        try:
            while True:
                key, body = f"w{name}/{number}", os.urandom((10, 5_000, 1_000_000)[number % 3])
                put(client, key, body, IfNoneMatch="*")
                answered[key] = body
                number += 1
                if number == 6:
                    enough.set()
        except (ClientError, BotoCoreError):
            pass

    writers = [threading.Thread(target=write, args=(i,)) for i in range(2)]
    for writer in writers:
        writer.start()
    enough.wait(30)
    os.kill(pid, signal.SIGKILL)
    for writer in writers:
        writer.join()
    return answered


def listens_beyond_loopback(server: Server) -> set[str]:
    process = server.process
    assert process
    connections = psutil.Process(process.pid).net_connections("inet")
    listening = [c for c in connections if c.status == psutil.CONN_LISTEN]
    assert listening
    return {c.laddr.ip for c in listening} - {"127.0.0.1"}


def test_nobody_starts_a_supervised_server(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.prepare()
    with server.supervise():
        server.start_unless_running()
        assert server.process is None


def test_one_that_ends_just_as_it_is_joined_is_started_again(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.prepare()
    with subprocess.Popen(["sleep", "1"]) as dying:
        joined = ProcessId.of(dying.pid)
        server.record(joined)
        with running(tmp_path) as access:
            assert access.client().list_buckets()["Buckets"]
            assert server.process != joined


def test_taken_ports_are_chosen_anew_and_free_ones_kept(tmp_path: Path) -> None:
    server = Server(tmp_path)
    before = server.prepare()
    assert server.prepare() == before
    assert not server.is_ready(BUCKET)
    port = json.loads((tmp_path / "ports.json").read_text())["s3"]
    with socket.create_server(("127.0.0.1", port)):
        after = server.prepare()
        server.start_unless_running()
        try:
            server.wait_ready(BUCKET)
        finally:
            server.stop()
    assert after.endpoint_url != before.endpoint_url
    assert after.secret_access_key == before.secret_access_key


def test_one_that_does_not_start_says_where_to_look(tmp_path: Path) -> None:
    (tmp_path / "data" / "filerldb2").mkdir(parents=True)
    (tmp_path / "data" / "filerldb2" / "00").write_text("a file where the filer has a folder")
    with pytest.raises(EmbeddedS3Error, match=r"see .*weed\.log"), running(tmp_path):
        pass


def test_a_folder_without_a_server_says_so(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedS3Error, match="touchline up"):
        _ = Server(tmp_path).access


def test_only_the_embedded_server_is_asked_for_its_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings.load(_env_file=None, home=tmp_path)
    elsewhere = S3Access("https://s3.example.com")
    assert room_of(settings, elsewhere) is None
    access = Server(settings.s3_folder).prepare()
    assert room_of(settings, elsewhere) is None
    # A run is told the endpoint alone.
    room = room_of(settings, S3Access(access.endpoint_url))
    assert room
    # As measured on disks that had filled up, and one that has not.
    for total, free, full in [
        (1_572_864_000, 461 << 20, True),
        (314_572_800, 40 << 20, True),
        (1_572_864_000, 900 << 20, False),
    ]:
        disk = SimpleNamespace(total=total, free=free)
        monkeypatch.setattr("shutil.disk_usage", lambda folder, disk=disk: disk)
        assert (room() <= 0) is full
