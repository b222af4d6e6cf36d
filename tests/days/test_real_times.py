"""The 954 fetches of a real day and a half, made when they were made.

Each is taken as it came: some began late in their minute, two in the minute of another, and in two
outages none was made at all. (Before, 95 % of these were merged, 83 % reached the monitor, and
56 % the alerts.)
"""

from __future__ import annotations

import itertools
import json
import os
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pipeline_assets.rotation import rotate
from pipeline_assets.slot_run import run_slot
from simulator.world import World
from tests.chain import FEED, RAW, Chain, all_ok
from tests.days.conftest import ChainAt
from tests.slots import slot_at
from touchline.accounting import FetchFate
from touchline.compression import zstd
from touchline.day import Minute
from touchline.fetch import Envelope

FETCHES = (
    Path(os.environ.get("TOUCHLINE_REAL_DATA", "../shared/data"))
    / "football/timing/954_fetches_2025-07-08_to_09.jsonl.zst"
)
MATCHES = 1
A_RUN_TAKES = 20
"""Fetches that one run takes from the spool: every stage has as much to do with them as with so
many runs, the checks a twentieth."""
OUTAGES = (2543, 5555)
"""The seconds between the fetches before and after each."""

pytestmark = [
    pytest.mark.days,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not FETCHES.exists(), reason=f"no recording at {FETCHES.name}"),
]


def real_times() -> list[datetime]:
    rows = map(json.loads, zstd.decompress(FETCHES.read_bytes()).splitlines())
    said = (row["created_at"].replace("EDT", "-0400") for row in rows)
    return [datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p %z") for text in said]


def test_every_minute_of_954_real_fetches_is_in_every_stage(chain_at: ChainAt) -> None:
    times = real_times()
    assert (len(times), times) == (954, sorted(times))
    fetched = Counter(Minute.containing(time) for time in times)
    minutes = sorted(fetched)
    chain = chain_at(minutes[0], World(1, MATCHES))
    for first in range(0, len(times), A_RUN_TAKES):
        _take(chain, times[first : first + A_RUN_TAKES])
    with chain.process() as site:
        site.ledger.close_interval(FEED, minutes[-1].end)

    days = sorted({minute.day for minute in minutes})
    assert len(minutes) == 952
    for asset in chain.plan.assets:
        numbers = {day.minute(n) for day in days for n in chain.numbers(asset.name, day)}
        assert numbers == set(minutes), asset.name

    missed = _missed(chain, minutes)
    assert len(missed) == 174
    in_outages = [m for m in missed for begun, ended in _outages(times) if begun < m.utc < ended]
    assert len(in_outages) == 134

    twice = [minute for minute, captures in fetched.items() if captures == 2]
    assert len(twice) == 2
    with chain.process() as site:
        beside = [item.key for item in site.store.list("conflicts/")]
        for minute in twice:
            history = site.ledger.history(RAW, minute.day, minute.number)
            said = [each.error for each in history if each.error]
            assert [text.startswith("duplicate_minute") for text in said] == [True]
    assert len(beside) == 2
    for day in days:
        assert all_ok(chain.checks(day))


def _take(chain: Chain, times: list[datetime]) -> None:
    """Captures made at these moments, and the run that finds them in the spool."""
    with chain.process() as site:
        for time in times:
            minute = Minute.containing(time)
            chain.clock.set(time)
            chain.vendor.clock.set(time)
            envelope = Envelope(site.feed(FEED).fetch(slot_at(minute), previous=None).envelope)
            site.spool(FEED).write(envelope.ref, envelope.data)
        chain.clock.set(times[-1] + timedelta(seconds=5))
        last = Minute.containing(times[-1])
        report = run_slot(site, slot_at(last), run_id=f"run-{last}")
        assert not [failure for step in report.steps.values() for failure in step.failures]
        rotate(site, FEED)


def _missed(chain: Chain, minutes: list[Minute]) -> list[Minute]:
    """With a reason each."""
    with chain.process() as site:
        rows = [
            row
            for day in sorted({minute.day for minute in minutes})
            for row in site.ledger.fetches(RAW, day).values()
            if row.fate is FetchFate.MISSED
        ]
    assert all(row.reason for row in rows)
    return [Minute(row.slot.at) for row in rows]


def _outages(times: list[datetime]) -> list[tuple[datetime, datetime]]:
    pairs = itertools.pairwise(times)
    return [(a, b) for a, b in pairs if int((b - a).total_seconds()) in OUTAGES]
