"""What the running stack shows of itself: where it listens, whom it calls, what it writes down.

All of it over one minute in which the vendor repeats the caller's credentials in its errors.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import mmap
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from operations.dagster_web import ask_web_server
from pipeline_assets.dagster_health import state_of
from pipeline_assets.dagster_state import DagsterState
from sensors import SENSORS
from tests.stack.stack import (
    FEED,
    ODDS,
    PLAN,
    STORE_KEYS,
    Stack,
    coming_minute,
    command_line,
    until,
)
from touchline.compression import zstd
from touchline.day import Minute

pytestmark = [pytest.mark.daemon, pytest.mark.timeout(900)]

DETAILS = "match/recent/list"
KEY_FILE = Path("s3/identities.json")
"""The one file that holds keys: those of the object store, for its owner alone."""


@dataclass
class Watched:
    """What the processes of the stack had from before a minute's run until after its end."""

    minute: Minute
    listening: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    commands: set[str] = field(default_factory=set)

    def look(self, stack: Stack) -> None:
        for process in stack.processes():
            self.commands.add(command_line(process))
            with suppress(psutil.NoSuchProcess):
                for connection in process.net_connections("inet"):
                    if connection.raddr:
                        self.called.add(connection.raddr.ip)
                    elif connection.laddr:
                        self.listening.add(connection.laddr.ip)


@pytest.fixture(scope="module")
def watched(stack: Stack) -> Watched:
    watched = Watched(coming_minute())

    def has_ended() -> bool:
        watched.look(stack)
        return any(run.minute == watched.minute and run.has_ended for run in stack.runs())

    with stack.faults(*({"kind": "echo_secret", "endpoint": path} for path in (DETAILS, ODDS))):
        until(f"the run of {watched.minute}", has_ended, 300)
    return watched


def test_nothing_listens_or_calls_beyond_loopback(watched: Watched) -> None:
    assert any("spawn_main" in command for command in watched.commands), "no run was seen"
    assert watched.listening
    assert [ip for ip in watched.listening if not is_loopback(ip)] == []
    assert [ip for ip in watched.called if not is_loopback(ip)] == []


def is_loopback(text: str) -> bool:
    address = ipaddress.ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def test_what_the_vendor_echoed_is_masked(stack: Stack, watched: Watched) -> None:
    minute = watched.minute
    with stack.site() as site:
        fetch = site.days(FEED).read_back(PLAN.raws[0].name, minute.day, minute.number).envelope()
    assert b"user=***" in fetch.data
    assert b"secret=***" in fetch.data


def test_no_secret_on_a_command_line(stack: Stack, watched: Watched) -> None:
    assert [line for line in watched.commands if held(line.encode(), forms(stack.secrets))] == []


def test_no_secret_in_a_file(stack: Stack, watched: Watched) -> None:
    """Logs, Dagster's storage, ledger, caches, spool, and the object store's own files."""
    written = {
        path.relative_to(stack.home): path for path in stack.home.rglob("*") if path.is_file()
    }
    assert {"logs", "dagster", "s3"} <= {path.parts[0] for path in written}
    searched = forms(stack.secrets)
    found = {
        str(name): names for name, path in written.items() if (names := in_file(path, searched))
    }
    assert found == {str(KEY_FILE): list(STORE_KEYS)}
    assert (stack.home / KEY_FILE).stat().st_mode & 0o077 == 0


def test_no_secret_in_an_object(stack: Stack, watched: Watched) -> None:
    """Keys, metadata, and bodies as they are and unpacked."""
    searched = forms(stack.secrets)
    found, count = {}, 0
    for key, parts in objects(stack):
        count += 1
        if names := {name for part in parts for name in held(part, searched)}:
            found[key] = names
    assert count > len(PLAN.assets)
    assert found == {}


Forms = dict[str, set[bytes]]


def forms(secrets: dict[str, str]) -> Forms:
    """Each secret as it is, in base64 and quoted for a URL."""
    return {
        name: {
            secret.encode(),
            base64.b64encode(secret.encode()).rstrip(b"="),
            quote(secret, safe="").encode(),
        }
        for name, secret in secrets.items()
    }


def held(content: bytes | mmap.mmap, searched: Forms) -> list[str]:
    """The names of the secrets that stand in it."""
    return [
        name for name, forms in searched.items() if any(content.find(form) >= 0 for form in forms)
    ]


def in_file(path: Path, searched: Forms) -> list[str]:
    # A file may be removed meanwhile, and an empty one cannot be mapped.
    with (
        suppress(FileNotFoundError, ValueError),
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        return held(content, searched)
    return []


def objects(stack: Stack) -> Iterator[tuple[str, list[bytes]]]:
    client, bucket = stack.access.client(), stack.settings.s3_bucket
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for listed in page.get("Contents", []):
            key = listed["Key"]
            got = client.get_object(Bucket=bucket, Key=key)
            body = got["Body"].read()
            yield key, [key.encode(), repr(got["Metadata"]).encode(), body, unpacked(key, body)]


def unpacked(key: str, body: bytes) -> bytes:
    if key.endswith(".zst"):
        return zstd.decompress(body)
    if key.endswith(".parquet"):
        table = pq.read_table(pa.BufferReader(body))
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        return sink.getvalue().to_pybytes()
    return b""


def test_status_finds_nothing_wrong_with_a_stack_at_work(stack: Stack) -> None:
    def all_well() -> bool:
        said = stack.touchline("status", "--json")
        found = json.loads(said.stdout)
        assert said.returncode in (0, 2), found["causes"]
        return said.returncode == 0 and found["causes"] == []

    until("status without a cause", all_well, 240)


def test_the_web_server_tells_of_dagster_what_its_storage_says(stack: Stack) -> None:
    def known(state: DagsterState) -> tuple[list[str], set[tuple[str, int, bool]]]:
        return [daemon.name for daemon in state.daemons], {
            (each.name, each.interval_seconds, each.is_stopped) for each in state.sensors
        }

    told = ask_web_server(stack.url, 60)
    assert told is not None
    with stack.dagster() as instance:
        assert known(told) == known(state_of(instance, SENSORS))
