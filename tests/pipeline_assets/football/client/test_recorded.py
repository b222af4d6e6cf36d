"""Fetches of the recorded poll: the real answers of the real vendor, over HTTP."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulator.recorded import Recorded
from simulator.server import serve
from tests.pipeline_assets.football.client.conftest import SECRET, USER, Site, SmallWorld
from touchline.accounting import Outcome
from touchline.clock import VirtualClock
from touchline.fetch import Envelope

POLL = (
    Path(os.environ.get("TOUCHLINE_REAL_DATA", "../shared/data"))
    / "football"
    / "poll-2025-05-28T1730Z"
)
# From here on the film shows the poll as it was recorded.
RECORDED = datetime(2025, 5, 28, 17, 32, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not POLL.is_dir(), reason=f"no recorded data in {POLL}")


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return Recorded(POLL)


@pytest.fixture
def site(recorded: Recorded) -> Iterator[Site]:
    with serve(recorded, user=USER, secret=SECRET) as served:
        yield Site(served, SmallWorld({}), RECORDED, VirtualClock(RECORDED))


@pytest.mark.stack
def test_the_whole_poll_arrives_unchanged(site: Site) -> None:
    first = site.fetch()
    sent = {call.sha256 for call in site.served.log.since(0)[0]}
    second = site.fetch(1, previous=first)

    envelope = Envelope(first.envelope)
    assert first.outcome is second.outcome is Outcome.COMPLETE
    assert {entry.sha256 for entry in envelope.index} == sent
    assert not any(entry.masked for entry in envelope.index)
    assert (envelope.footer["total_matches"], envelope.footer["matches_in_play"]) == (102, 80)
    assert len(envelope.index) == 1 + 2 * 102 + 204 + 41 + 1
    # The second fetch asks for matches alone, and is as complete by itself.
    assert len(site.asked()) == 1 + 2 * 102
    assert len(Envelope(second.envelope).index) == len(envelope.index)
