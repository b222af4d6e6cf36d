"""`python -m simulator`: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.stack

SECRET = "kept-out-of-sight"


@contextmanager
def simulator(*arguments: str, hash_seed: str = "0") -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {
        "TOUCHLINE_FEED_USER": "tester",
        "TOUCHLINE_FEED_SECRET": SECRET,
        "PYTHONHASHSEED": hash_seed,
    }
    command = [sys.executable, "-m", "simulator", *arguments]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def listening(process: subprocess.Popen[str]) -> dict[str, str]:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_announces_itself_in_one_line_and_ends_with_0(ending: signal.Signals) -> None:
    with simulator("--matches", "3", "--now", "2025-07-08T12:00:00Z") as process:
        announced = listening(process)
        assert announced["url"].startswith("http://127.0.0.1:")
        assert announced["url"].endswith("/v1/football/")
        assert announced["control"].endswith("/_control/")
        assert httpx.get(announced["control"] + "clock").json()["frozen"] is True
        credentials = {"user": "tester", "secret": SECRET}
        answer = httpx.get(announced["url"] + "match/detail_live", params=credentials)
        assert answer.json()["code"] == 0
        assert httpx.get(announced["url"] + "match/detail_live").json().get("err")
        process.send_signal(ending)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out, err) == (0, "", "")


def test_two_processes_answer_with_the_same_bytes() -> None:
    bodies = []
    for hash_seed in ("1", "2"):
        with simulator("--matches", "2", "--seed", "7", hash_seed=hash_seed) as process:
            announced = listening(process)
            httpx.put(announced["control"] + "clock", json={"now": "2025-03-30T21:15:00Z"})
            with httpx.Client(
                base_url=announced["url"], params={"user": "tester", "secret": SECRET}
            ) as client:
                live = client.get("match/detail_live")
                calls = [live]
                for entry in live.json()["results"]:
                    for endpoint in ("match/recent/list", "odds/history"):
                        calls.append(client.get(endpoint, params={"uuid": entry["id"]}))
                calls += [client.get("team/additional/list"), client.get("country/list")]
                bodies.append([call.content for call in calls])
    assert len(bodies[0]) > 5
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("arguments", [[], ["--data", "nowhere"]])
def test_a_missing_recording_is_one_line_and_exit_code_1(arguments: list[str]) -> None:
    with simulator("--source", "recorded", *arguments) as process:
        out, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("simulator: no recorded poll in ")


def test_a_port_in_use_is_one_line_and_exit_code_1() -> None:
    with simulator("--matches", "1") as first:
        port = listening(first)["url"].split(":")[2].split("/")[0]
        with simulator("--matches", "1", "--port", port) as second:
            _, err = second.communicate(timeout=20)
    assert second.returncode == 1
    assert err.count("\n") == 1


def test_the_recording_can_be_served(poll_directory: Path) -> None:
    with simulator("--source", "recorded", "--data", str(poll_directory)) as process:
        announced = listening(process)
        answer = httpx.get(
            announced["url"] + "match/detail_live", params={"user": "tester", "secret": SECRET}
        )
        assert len(answer.json()["results"]) == 102
