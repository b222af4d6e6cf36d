"""`touchline board`: what its server answers and refuses, and how it begins and ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from dataclasses import replace

import httpx
import pytest

from operations.board_server import serving
from tests.operations.conftest import FEED, RunDay
from tests.pipeline_assets.football.board.boards import WAIT_SECONDS, served
from touchline.errors import Misuse

# --- safety --------------------------------------------------------------------------------------


def test_prometheus_reads_how_it_is(run_day: RunDay) -> None:
    with served(run_day) as board:
        answer = board.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'touchline_health{kind="liveness",signal="ledger"} 0.0' in answer.text
    assert 'touchline_cause{kind="liveness",signal="touchline"} 1.0' in answer.text


def test_another_host_is_refused_and_answers_are_locked_down(run_day: RunDay) -> None:
    with served(run_day) as board:
        for path in ("/", "/events", "/lines"):
            assert board.get(path, Host="evil.example").status_code == 400
        assert board.get(Host=f"localhost:{board.url.rpartition(':')[2]}").status_code == 200
        answers = [board.get(), board.get()]
        policies = [answer.headers["content-security-policy"] for answer in answers]
        assert policies[0] != policies[1], "a nonce is used once"
        for policy in policies:
            assert "unsafe" not in policy
            assert policy.startswith("default-src 'none'; ")
        for answer in (*answers, board.get("/nothing"), board.get("/lines")):
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"
            assert "default-src 'none'" in answer.headers["content-security-policy"]
        for word in ("http:", "https:", "url(", "@import", "style="):
            assert word not in answers[0].text, word


# --- the command ---------------------------------------------------------------------------------


@pytest.mark.stack
def test_it_prints_its_url_and_ends_with_its_streams(served_day: RunDay) -> None:
    command = [sys.executable, "-m", "operations.cli", "board", "--port", "0"]
    with subprocess.Popen(
        command,
        env={**os.environ, **served_day.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        url = process.stdout.readline().split()[-1]
        with httpx.stream("GET", f"{url}/events", timeout=WAIT_SECONDS) as answer:
            lines = answer.iter_lines()
            assert next(lines).startswith("data: ")
            process.send_signal(signal.SIGINT)
            for _ in lines:
                pass
        assert process.wait(WAIT_SECONDS) == 0
        assert process.stderr
        assert process.stderr.read() == "End it with Ctrl-C\n"


def test_a_port_that_is_taken_is_named(run_day: RunDay) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        answer = run_day.touchline("board", "--port", port)
    assert (answer.exit_code, answer.stdout) == (1, b"")
    assert port in answer.stderr
    assert "--port" in answer.stderr


def test_where_no_feed_brings_a_board_it_says_so(run_day: RunDay) -> None:
    with closing(run_day.site()) as site:
        site.plans = {FEED: replace(site.plans[FEED], board=None)}
        with pytest.raises(Misuse, match="none of these feeds brings a board: football"):
            serving(site, 0).__enter__()
