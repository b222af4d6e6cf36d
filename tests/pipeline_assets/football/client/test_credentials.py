"""Neither user nor secret surfaces: not in what is stored, logged or raised."""

from __future__ import annotations

import json
import logging
from urllib.parse import quote, quote_plus

import pytest

from pipeline_assets.football.client.feed import LIVE_LIST, MATCH_DETAILS, ODDS_HISTORY
from simulator.server import serve
from tests.pipeline_assets.football.client.conftest import (
    FIRST_DAY,
    SECRET,
    SOON,
    USER,
    Site,
    SmallWorld,
)
from touchline.clock import VirtualClock
from touchline.fetch import Envelope

SPELLINGS = [USER, SECRET, quote(SECRET, safe=""), quote_plus(SECRET), json.dumps(SECRET)[1:-1]]


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Everything that any logger says, also those that we keep quiet."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "stamina", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


def everything(logged: pytest.LogCaptureFixture) -> str:
    formatter = logging.Formatter()
    return "\n".join(f"{formatter.format(record)} {record.__dict__}" for record in logged.records)


@pytest.mark.parametrize(
    "faults",
    [
        [],
        [{"kind": "echo_secret", "endpoint": LIVE_LIST}],
        [{"kind": "echo_secret", "endpoint": ODDS_HISTORY}],
        [{"kind": "disconnect"}],
        [{"kind": "timeout", "endpoint": MATCH_DETAILS}],
        [{"kind": "http_500"}],
    ],
    ids=["good", "echo-list", "echo-odds", "disconnect", "timeout", "http_500"],
)
def test_no_trace_in_envelope_or_logs(
    site: Site, logged: pytest.LogCaptureFixture, faults: list[dict[str, str]]
) -> None:
    site.faults(*faults)
    fetched = site.fetch(timeout_seconds=SOON, attempts=1)

    told = everything(logged)
    assert "HTTP Request" in told or any(fault["kind"] == "disconnect" for fault in faults)
    for spelling in SPELLINGS:
        assert spelling not in told
        assert spelling.encode() not in fetched.envelope
        assert spelling not in repr(fetched)


def test_no_trace_when_nobody_listens(
    site: Site, logged: pytest.LogCaptureFixture, free_port: int
) -> None:
    fetched = site.fetch(url=f"http://127.0.0.1:{free_port}/v1/football/")

    assert fetched.reason == "connection"
    for spelling in SPELLINGS:
        assert spelling not in everything(logged)
        assert spelling.encode() not in fetched.envelope


def test_an_echoed_credential_is_masked_and_marked(site: Site) -> None:
    site.faults({"kind": "echo_secret", "endpoint": ODDS_HISTORY, "uuid": "m1"})
    fetched = site.fetch()

    envelope = Envelope(fetched.envelope)
    masked = [entry for entry in envelope.index if entry.masked]
    assert [(entry.endpoint, entry.uuid) for entry in masked] == [(ODDS_HISTORY, "m1")]
    body = envelope.body(masked[0])
    assert body is not None
    assert json.loads(body) == {"err": "Not authorized: user=***&secret=***"}
    assert envelope.damaged() == []


def test_trivial_credentials_leave_the_data_alone() -> None:
    world = SmallWorld({"m1": 2})
    with serve(world, user="m", secret="2") as served:
        site = Site(served, world, FIRST_DAY, VirtualClock(FIRST_DAY))
        plain = site.fetch(user="m", secret="2")
        sent = {call.sha256 for call in served.log.since(0)[0]}
        site.faults({"kind": "echo_secret", "endpoint": ODDS_HISTORY})
        echoed = site.fetch(user="m", secret="2")

    assert {entry.sha256 for entry in Envelope(plain.envelope).index} == sent
    assert not any(entry.masked for entry in Envelope(plain.envelope).index)
    assert b"Not authorized: user=***&secret=***" in echoed.envelope
