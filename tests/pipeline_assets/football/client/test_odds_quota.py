"""More matches than the vendor's odds quota allows, against the simulator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipeline_assets.football.client.answers import LiveMatch, odds_order
from pipeline_assets.football.client.feed import ODDS_HISTORY, FetchedMinute
from tests.pipeline_assets.football.client.conftest import Site, SiteOf
from tests.slots import slot_at
from touchline.accounting import Outcome
from touchline.day import Minute
from touchline.fetch import Envelope, IndexEntry

STATUSES = {"ended": 8, "first": 2, "half1": 3, "second": 4, "half2": 3}
FIRST_SERVED = {"half1", "half2", "first"}


def odds(fetched: FetchedMinute) -> dict[str | None, IndexEntry]:
    return {entry.uuid: entry for entry in Envelope(fetched.envelope).entries(ODDS_HISTORY)}


def odds_asked(site: Site) -> list[str | None]:
    return [uuid for endpoint, uuid in site.asked() if endpoint == ODDS_HISTORY]


def test_half_time_is_served_first_then_play_then_the_rest(site_of: SiteOf) -> None:
    site = site_of(STATUSES)
    fetched = site.fetch(odds_calls_per_minute=3)

    assert set(odds_asked(site)) == FIRST_SERVED
    errors = {uuid: entry.error for uuid, entry in odds(fetched).items() if entry.error}
    assert errors == {"second": "quota", "ended": "quota"}
    assert list(odds(fetched)) == list(STATUSES)
    assert fetched.outcome is Outcome.PARTIAL
    assert fetched.calls == {"quota": 2}


def test_the_others_keep_the_odds_of_the_fetch_before(site_of: SiteOf) -> None:
    site = site_of(STATUSES)
    first = site.fetch(0)
    site.world.odds_version = 1
    second = site.fetch(1, previous=first, odds_calls_per_minute=3)
    third = site.fetch(2, previous=second, odds_calls_per_minute=3)

    assert second.outcome is third.outcome is Outcome.COMPLETE
    # Those in play take turns; the ended one waits until there is room.
    for later, waiting in ((second, {"second", "ended"}), (third, {"first", "ended"})):
        carried = {uuid: e for uuid, e in odds(later).items() if e.carried_from}
        assert set(carried) == waiting
    for later, uuid, brought, age in (
        (second, "second", first, 60.0),
        (third, "first", second, 60.0),
        # The id is that of the fetch that brought the body, however often it is carried.
        (third, "ended", first, 120.0),
    ):
        entry, original = odds(later)[uuid], odds(brought)[uuid]
        assert (entry.carried_from, entry.age_s) == (brought.ref.fetch_id, age)
        assert entry.sha256 == original.sha256
        assert entry.received_at_utc == original.received_at_utc
    assert Envelope(third.envelope).damaged() == []


def test_what_waited_longest_is_served_first_among_equals() -> None:
    matches = [LiveMatch(f"m{n}", [f"m{n}", 2]) for n in range(4)]
    answered: dict[str | None, str] = {
        "m0": "2025-05-28T17:02:00Z",
        "m1": "2025-05-28T17:00:00Z",
        "m2": "2025-05-28T17:01:00Z",
    }

    assert odds_order(matches, answered) == ["m3", "m1", "m2", "m0"]


def test_odds_that_failed_before_are_not_carried(site_of: SiteOf) -> None:
    site = site_of(STATUSES)
    site.faults({"kind": "error_body", "endpoint": ODDS_HISTORY, "uuid": "ended"})
    first = site.fetch(0)
    second = site.fetch(1, previous=first, odds_calls_per_minute=3)

    assert odds(second)["ended"].error == "quota"
    assert odds(second)["second"].carried_from == first.ref.fetch_id


def test_asking_again_counts_as_a_call(site_of: SiteOf) -> None:
    site = site_of(STATUSES)
    site.faults({"kind": "http_500", "endpoint": ODDS_HISTORY})
    fetched = site.fetch(odds_calls_per_minute=7)

    assert len(odds_asked(site)) == 7
    # A call that was refused another attempt says what its last answer was.
    assert {entry.error for entry in odds(fetched).values()} == {"http_status"}


def test_a_call_that_failed_without_an_answer_is_not_taken_for_one_not_made(
    site_of: SiteOf,
) -> None:
    site = site_of({"m1": 2})
    first = site.fetch(0)
    site.faults({"kind": "disconnect", "endpoint": ODDS_HISTORY})
    second = site.fetch(1, previous=first, odds_calls_per_minute=1)

    assert odds(second)["m1"].error == "connection"


def test_the_vendor_s_own_refusal_is_not_papered_over(site_of: SiteOf) -> None:
    site = site_of({f"m{number}": 2 for number in range(61)})
    site.world.teams_named = False
    first = site.fetch(0)
    # As if another machine used the same account: our book has room, the vendor's has not.
    second = site.fetch(0.5, previous=first, odds_calls_per_minute=240)

    assert second.outcome is Outcome.PARTIAL
    assert second.calls == {"rate_limited": 2}
    assert not any(entry.carried_from for entry in odds(second).values())


def test_minutes_of_one_budget_never_meet_the_vendor_s_limit(site_of: SiteOf) -> None:
    site = site_of({f"m{number:03}": 2 for number in range(130)})
    site.world.teams_named = False
    first = site.fetch(0)
    second = site.fetch(0.5, previous=first)
    third = site.fetch(1, previous=second)

    for fetched, new in ((first, 120), (second, 0), (third, 120)):
        asked = [e for e in odds(fetched).values() if not e.carried_from and not e.error]
        assert len(asked) == new
    assert first.calls == second.calls == {"quota": 10}
    # Those that went without came first, so that every match has had its odds by now.
    assert third.calls == {}
    assert not any(entry.error for entry in odds(third).values())


@pytest.mark.parametrize("status", [True, "3", None])
def test_a_status_that_is_no_number_comes_last(site_of: SiteOf, status: int) -> None:
    site = site_of({"odd": status, "half": 3})
    fetched = site.fetch(odds_calls_per_minute=1)

    assert odds_asked(site) == ["half"]
    assert odds(fetched)["odd"].error == "quota"


class ShiftedClock:
    """A clock that runs, so many seconds beside the system's."""

    def __init__(self, seconds: float) -> None:
        self.shift = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.shift


@pytest.mark.parametrize(
    ("seconds_ago", "wait", "outcome"),
    [(59.5, 15.0, Outcome.COMPLETE), (30.0, 15.0, Outcome.PARTIAL), (59.5, 0.0, Outcome.PARTIAL)],
)
def test_a_budget_that_soon_becomes_free_is_waited_for(
    site: Site, seconds_ago: float, wait: float, outcome: Outcome
) -> None:
    def fetch(clock: ShiftedClock) -> FetchedMinute:
        feed = site.feed(clock=clock, odds_calls_per_minute=3, odds_wait_seconds=wait)
        return feed.fetch(slot_at(Minute.containing(clock.now())))

    assert fetch(ShiftedClock(-seconds_ago)).outcome is Outcome.COMPLETE
    assert fetch(ShiftedClock(0)).outcome is outcome
