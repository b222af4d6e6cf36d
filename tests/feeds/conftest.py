"""The feeds that the contract holds: football's frame, minute by minute, and a league's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from resources.site import Site
from tests.feeds.cup import Cup, cup
from tests.feeds.league import League, league
from tests.feeds.watched import HOUR, Case, Watched, watched_in
from tests.schedules.world import Client, Vendor, plan_of
from touchline.day import Day, Minute
from touchline.fetch import Envelope
from touchline.plan import FeedPlan

TUESDAY = Day.parse("2026-01-06")


def of_a_league() -> Case:
    """Watched for two days before Tuesday, which is open until Thursday morning."""
    client = League()
    return Case(
        plan=league(client),
        capture=lambda slot: Envelope(client.fetch(slot).envelope),
        day=TUESDAY,
        opened=TUESDAY.start - HOUR,
        closed=None,
        over=TUESDAY.shifted(2).start + 10 * HOUR,
    )


def of_a_cup(client: Cup | None = None) -> Case:
    """Two games on Tuesday, whose scores are fetched when its fixtures say."""
    client = client or Cup({"early": TUESDAY.start + 19 * HOUR, "late": TUESDAY.start + 21 * HOUR})
    return Case(
        plan=cup(client),
        capture=lambda slot: Envelope(client.fetch(slot).envelope),
        day=TUESDAY,
        opened=TUESDAY.start,
        closed=None,
        over=TUESDAY.shifted(2).start + HOUR,
    )


def results_of(client: League) -> FeedPlan:
    """The league without its lines: what tests of its results need to live through."""
    plan = league(client)
    return replace(plan, raws=plan.raws[:1], stages=plan.stages[:-1])


def of_minutes() -> Case:
    """The last six minutes of Tuesday."""
    vendor = Vendor()
    return Case(
        plan=plan_of(Client(vendor, lambda: None)),
        capture=lambda slot: vendor.capture(Minute(slot.at)),
        day=TUESDAY,
        opened=TUESDAY.end - timedelta(minutes=6),
        closed=TUESDAY.end,
        over=TUESDAY.end + HOUR,
    )


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[[Case], Watched]]:
    """Begin to watch a feed."""
    sites: list[Site] = []

    def begin(case: Case) -> Watched:
        watched = watched_in(tmp_path, case)
        sites.append(watched.site)
        ledger, feed = watched.site.ledger, case.plan.name
        ledger.open_interval(feed, case.opened, "simulated")
        if case.closed:
            ledger.close_interval(feed, case.closed)
        return watched

    yield begin
    for site in sites:
        site.close()
