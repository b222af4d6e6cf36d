"""The NBA's client against the simulated services: what each raw asset asks, what it costs, and
that a refusal is never an empty answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import msgspec
import pytest

from pipeline_assets.basketball.client.feed import Balldontlie, BasketballFeed, OddsApi
from pipeline_assets.basketball.plan import basketball
from simulator.basketball.app import Keys
from simulator.basketball.faults import Fault
from simulator.basketball.season import Season
from simulator.clock import Clock
from simulator.server import Served, serve
from simulator.world import World
from touchline.accounting import Outcome
from touchline.clock import VirtualClock
from touchline.day import Day
from touchline.fetch import Envelope
from touchline.slot import Slot

KEYS = Keys("bdl-key-1234567", "odds-key-7654321")
DAY = Day.parse("2026-01-09")
MORNING = DAY.start + timedelta(hours=9, minutes=5)
AFTER = DAY.end + timedelta(hours=3, minutes=5)
REFUSALS = ("status_500", "http_429", "truncated", "html_403", "not_json", "error_body")

Ask = Callable[..., BasketballFeed]


@pytest.fixture(scope="module")
def services() -> Iterator[Served]:
    with serve(
        World(1, 2), user="u", secret="s", clock=Clock(MORNING), basketball=Season(1), keys=KEYS
    ) as served:
        yield served


@pytest.fixture
def served(services: Served) -> Iterator[Served]:
    services.clock.set(MORNING)
    services.log.clear()
    yield services
    assert services.basketball is not None
    services.basketball.faults.replace([])


@pytest.fixture
def client(served: Served) -> Ask:
    def made(*, key: str = KEYS.balldontlie, reserve: int = 50) -> BasketballFeed:
        return BasketballFeed(
            Balldontlie(url=served.balldontlie_url, key=key, attempts=1),
            OddsApi(url=served.odds_api_url, key=KEYS.odds_api, reserve=reserve, attempts=1),
            clock=VirtualClock(served.clock.now()),
            new_id=lambda: "abcdefghijkl",
        )

    return made


def slot(raw: str, at: datetime = MORNING, day: Day = DAY) -> Slot:
    return Slot.of(f"basketball/{raw}", day, at)


def asked(served: Served) -> Counter[str]:
    calls, _ = served.log.since(0)
    return Counter(call.endpoint.partition("/")[2] for call in calls)


def spoil(served: Served, kind: str, endpoint: str = "*") -> None:
    assert served.basketball is not None
    fault = msgspec.convert({"kind": kind, "endpoint": endpoint}, Fault)
    served.basketball.faults.replace([fault])


def records(envelope: bytes, raw: str) -> int:
    [asset] = [each for each in basketball.raws if each.name == f"basketball/{raw}"]
    return len(asset.record_keys(Envelope(envelope)))


def test_a_season_comes_page_by_page(served: Served, client: Ask) -> None:
    fetched = client().fetch(slot("calendar"))
    assert fetched.outcome is Outcome.COMPLETE
    assert records(fetched.envelope, "calendar") == 1_231
    assert asked(served) == {"games": 13}


def test_box_scores_are_those_of_the_date(served: Served, client: Ask) -> None:
    served.clock.set(AFTER)
    fetched = client().fetch(slot("box_scores", AFTER))
    assert fetched.outcome is Outcome.COMPLETE
    assert records(fetched.envelope, "box_scores") > 100
    assert asked(served) == {"box_scores": 1}


def test_lines_cost_what_is_told_and_the_headers_say_what_is_left(
    served: Served, client: Ask
) -> None:
    fetched = Envelope(client().fetch(slot("game_lines")).envelope)
    events, odds = fetched.index
    left = [int(entry.headers["x-requests-remaining"]) for entry in (events, odds)]
    assert left[0] - left[1] == 3
    assert fetched.footer["credits_remaining"] == left[1]


def test_props_are_asked_for_event_by_event(served: Served, client: Ask) -> None:
    fetched = client().fetch(slot("player_props"))
    games = asked(served).total() - 1
    assert fetched.outcome is Outcome.COMPLETE
    assert games > 2
    served.log.clear()
    evening = MORNING + timedelta(hours=9, minutes=25)
    served.clock.set(evening)
    client().fetch(slot("player_props", evening))
    assert 0 < asked(served).total() - 1 < games, "of those that begin within the hour"


def test_the_reserve_is_never_spent(served: Served, client: Ask) -> None:
    assert served.basketball is not None
    all_of_them = int(served.basketball.credits.headers(0, MORNING)["x-requests-remaining"])
    lines = client(reserve=all_of_them).fetch(slot("game_lines"))
    assert lines.outcome is Outcome.PARTIAL
    assert [entry.error for entry in Envelope(lines.envelope).index] == [None, "quota"]
    props = client(reserve=all_of_them - 20).fetch(slot("player_props"))
    errors = Counter(entry.error for entry in Envelope(props.envelope).index)
    assert (errors[None], errors["quota"] > 0) == (3, True), "the events, and two of 9 credits each"
    assert asked(served)["sports/basketball_nba/odds"] == 0


@pytest.mark.parametrize("kind", REFUSALS)
@pytest.mark.parametrize("raw", [each.short_name for each in basketball.raws])
def test_could_not_reach_is_never_an_empty_answer(
    served: Served, client: Ask, raw: str, kind: str
) -> None:
    spoil(served, kind)
    fetched = client().fetch(slot(raw))
    assert fetched.outcome is Outcome.FAILED
    assert Envelope(fetched.envelope).failure
    assert records(fetched.envelope, raw) == 0


def test_a_list_that_breaks_off_is_partial(served: Served, client: Ask) -> None:
    assert served.basketball is not None
    spoil(served, "status_500", "odds_api/*odds")
    fetched = client().fetch(slot("game_lines"))
    assert fetched.outcome is Outcome.PARTIAL
    assert Envelope(fetched.envelope).footer["calls_failed"] == {"http_status": 1}


def test_a_wrong_key_is_refused_and_no_key_is_kept(served: Served, client: Ask) -> None:
    probed = client(key="wrong-key-99").probe()
    assert (probed.endpoint, probed.error) == ("games", "http_status")
    assert client().probe().error is None
    for raw in ("box_scores", "game_lines"):
        envelope = client(key="wrong-key-99").fetch(slot(raw)).envelope
        for key in ("wrong-key-99", *KEYS):
            assert key.encode() not in envelope
