"""Teams, competitions and countries of a fetch: asked for, kept, refreshed, never made up."""

from __future__ import annotations

import logging

import msgspec
import pytest

from pipeline_assets.football.client.feed import COMPETITION, COUNTRIES, TEAM, FetchedMinute
from pipeline_assets.football.client.references import MERGES_FOLLOWED
from pipeline_assets.football.wire.fetched import Fetched
from resources.vendor.reference_cache import MemoryBlob
from tests.pipeline_assets.football.client.conftest import SOON, Site
from touchline.accounting import Outcome
from touchline.compression import zstd
from touchline.fetch import Envelope, IndexEntry

REFERENCES = (COUNTRIES, COMPETITION, TEAM)
HOURS = 60


def references(fetched: FetchedMinute) -> dict[tuple[str, str | None], IndexEntry]:
    index = Envelope(fetched.envelope).index
    return {(e.endpoint, e.uuid): e for e in index if e.endpoint in REFERENCES}


def asked(site: Site) -> set[str]:
    return {endpoint for endpoint, _ in site.asked()} & set(REFERENCES)


def test_what_is_kept_stands_in_every_later_fetch_without_being_asked_for(site: Site) -> None:
    first = site.fetch(0)
    second = site.fetch(2)

    assert asked(site) == set()
    assert second.outcome is Outcome.COMPLETE
    assert references(first).keys() == references(second).keys()
    for key, entry in references(second).items():
        original = references(first)[key]
        assert (entry.carried_from, entry.age_s) == (first.ref.fetch_id, 120.0)
        assert (entry.sha256, entry.date_header) == (original.sha256, original.date_header)
        assert entry.received_at_utc == original.received_at_utc
        assert not entry.stale


@pytest.mark.parametrize(
    ("hours", "expired"),
    [(23.9, set()), (24, {TEAM, COMPETITION}), (167.9, {TEAM, COMPETITION}), (168, {*REFERENCES})],
)
def test_each_kind_is_asked_for_anew_when_its_time_is_over(
    site: Site, hours: float, expired: set[str]
) -> None:
    first = site.fetch(0)
    later = site.fetch(hours * HOURS)

    assert asked(site) == expired
    carried = {e for (e, _), entry in references(later).items() if entry.carried_from}
    assert carried == set(REFERENCES) - expired
    assert references(later).keys() == references(first).keys()


@pytest.mark.parametrize("kind", ["error_body", "http_500", "html", "empty_list", "timeout"])
def test_an_expired_answer_serves_as_stale_while_there_is_no_new_one(site: Site, kind: str) -> None:
    first = site.fetch(0)
    site.faults({"kind": kind, "endpoint": TEAM})
    later = site.fetch(30 * HOURS, timeout_seconds=SOON, attempts=1)

    teams = {key: entry for key, entry in references(later).items() if key[0] == TEAM}
    assert len(teams) == 6
    for key, entry in teams.items():
        assert (entry.stale, entry.error) == (True, None)
        assert entry.carried_from == first.ref.fetch_id
        assert entry.sha256 == references(first)[key].sha256
    assert later.outcome is Outcome.COMPLETE


@pytest.mark.parametrize("kind", ["error_body", "error_code", "html", "empty_body", "empty_list"])
def test_only_good_answers_are_kept(site: Site, kind: str) -> None:
    site.faults({"kind": kind, "endpoint": TEAM}, {"kind": kind, "endpoint": COUNTRIES})
    site.fetch(0)
    site.faults()
    later = site.fetch(1)

    assert asked(site) == {TEAM, COUNTRIES}
    assert later.outcome is Outcome.COMPLETE
    assert not any(e.carried_from for (name, _), e in references(later).items() if name == TEAM)


def test_a_failure_is_remembered_for_less_than_a_minute(site: Site) -> None:
    site.faults({"kind": "error_body", "endpoint": COMPETITION})
    site.fetch(0)
    site.faults()
    soon = site.fetch(0.4)

    assert asked(site) == set()
    assert references(soon)[COMPETITION, "league"].error == "vendor_error"
    assert soon.calls == {"vendor_error": 1}

    assert site.fetch(0.6).outcome is Outcome.COMPLETE
    assert asked(site) == {COMPETITION}


def test_a_missed_deadline_is_not_held_against_a_team(site: Site) -> None:
    site.faults({"kind": "timeout", "endpoint": TEAM})
    # Time enough for the rest on a machine that is busy.
    missed = site.fetch(0, deadline_seconds=3)
    site.faults()

    assert missed.calls == {"deadline": 6}
    assert site.fetch(0.1).outcome is Outcome.COMPLETE


def test_another_record_s_answer_is_not_kept_under_this_id(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site.world, "team", lambda team_id: b'{"id":"other","name":"Other"}')
    site.fetch(0)
    site.fetch(1)

    assert asked(site) == {TEAM}


def test_matches_without_names_ask_for_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    detail = b'{"id":"%s","competition_id":"","home_team_id":null}'
    monkeypatch.setattr(site.world, "detail", lambda match_id, at: detail % match_id.encode())
    fetched = site.fetch()

    assert references(fetched) == {}
    assert fetched.outcome is Outcome.COMPLETE


ENDLESS = [f"t{n}" for n in range(MERGES_FOLLOWED)]
"""What is asked for of merges that go on and on."""


def merges(into: dict[str, str]) -> list[dict[str, str]]:
    """Faults by which each of these records was merged into another."""
    return [{"kind": "merged", "uuid": uuid, "into": uid} for uuid, uid in into.items()]


@pytest.mark.parametrize(
    ("into", "more", "shown"),
    [
        ({"home-m1": "t1"}, {"t1"}, "t1"),
        ({"home-m1": "t1", "away-m2": "t1", "t1": "t2", "t2": "t3"}, {"t1", "t2", "t3"}, "t3"),
        ({"home-m1": "away-m1"}, set(), "away-m1"),
        ({"home-m1": "t1", "t1": "home-m1", "away-m1": "away-m1"}, {"t1"}, "home-m1"),
        ({"home-m1": "t0"} | {f"t{n}": f"t{n + 1}" for n in range(9)}, {*ENDLESS}, ENDLESS[-1]),
    ],
    ids=["one", "chain", "into one that is asked anyway", "loop", "without end"],
)
def test_merged_teams_are_followed_to_the_one_that_survives(
    site: Site, into: dict[str, str], more: set[str], shown: str
) -> None:
    site.faults(*merges(into))
    first = site.fetch(0)

    teams = [uuid for endpoint, uuid in site.asked() if endpoint == TEAM]
    known = {f"{side}-{match}" for side in ("home", "away") for match in ("m1", "m2", "m3")}
    assert sorted(map(str, teams)) == sorted(known | more), "each is asked for once"
    assert first.outcome is Outcome.COMPLETE
    assert {uuid for endpoint, uuid in references(first) if endpoint == TEAM} == known | more
    alone = Fetched(Envelope(first.envelope))
    assert alone.team("home-m1").value.name == f"Ñandú {shown}", "as the fetch by itself tells"

    second = site.fetch(1)
    assert asked(site) == set(), "the cache keeps what was merged and what survives"
    assert references(second).keys() == references(first).keys()


def test_a_merged_competition_is_followed_too(site: Site) -> None:
    site.faults(*merges({"league": "cup"}))

    assert (COMPETITION, "cup") in references(site.fetch())


def test_a_survivor_that_cannot_be_had_costs_nothing_else(site: Site) -> None:
    site.faults(*merges({"home-m1": "t1"}), {"kind": "error_body", "uuid": "t1"})
    fetched = site.fetch()

    assert fetched.calls == {"vendor_error": 1}
    assert references(fetched)[TEAM, "home-m1"].error is None


class Broken:
    """A blob whose store does not answer."""

    def read(self) -> tuple[bytes, str] | None:
        raise OSError("no route to the store")

    def replace(self, data: bytes, etag: str | None) -> bool:
        raise OSError("no route to the store")


def test_without_its_cache_a_fetch_asks_the_vendor(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.blob = Broken()  # pyright: ignore[reportAttributeAccessIssue]
    with caplog.at_level(logging.WARNING):
        first = site.fetch(0)
        second = site.fetch(1)

    assert first.outcome is second.outcome is Outcome.COMPLETE
    assert asked(site) == set(REFERENCES)
    assert "no route to the store" in caplog.text


@pytest.mark.parametrize(
    "damaged",
    [
        b"\x00 not zstd",
        zstd.compress(b'{"format":1,"entries":'),
        zstd.compress(msgspec.json.encode({"format": 99, "entries": {}})),
        zstd.compress(b'{"format":1,"entries":{}}')[:-4],
    ],
)
def test_a_damaged_cache_is_named_and_replaced(
    site: Site, damaged: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    site.blob = MemoryBlob(damaged)
    with caplog.at_level(logging.WARNING):
        assert site.fetch(0).outcome is Outcome.COMPLETE
    assert "reference cache" in caplog.text

    caplog.clear()
    site.fetch(1)
    assert asked(site) == set()
    assert caplog.text == ""
