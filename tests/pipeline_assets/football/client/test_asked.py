"""Matches that are asked for by their id because the live list has lost them."""

from __future__ import annotations

from pipeline_assets.football.client.feed import LIVE_LIST, MATCH_DETAILS, ODDS_HISTORY
from pipeline_assets.football.raw_fetches import match_keys
from pipeline_assets.football.wire.fetched import Fetched
from tests.pipeline_assets.football.client.conftest import Site, SiteOf
from touchline.accounting import Outcome
from touchline.fetch import Envelope


def details_asked(site: Site) -> list[str | None]:
    return [uuid for endpoint, uuid in site.asked() if endpoint == MATCH_DETAILS]


def test_the_answer_is_a_detail_like_any_other_and_the_match_is_not_counted(site: Site) -> None:
    site.world.left = {"gone": 8}

    fetched = site.fetch(ask=["gone", "m1", "gone"])

    envelope = Envelope(fetched.envelope)
    assert sorted(map(str, details_asked(site))) == ["gone", "m1", "m2", "m3"]
    assert bytes(Fetched(envelope).detail("gone").raw) in fetched.envelope
    assert b"gone" in fetched.envelope
    assert envelope.damaged() == []
    assert match_keys(envelope) == ["m1", "m2", "m3"]
    assert envelope.footer["total_matches"] == 3
    assert not any("gone" in (uuid or "") for e, uuid in site.asked() if e != MATCH_DETAILS)
    assert fetched.outcome is Outcome.COMPLETE


def test_what_is_not_answered_costs_nothing_else(site: Site) -> None:
    site.faults({"kind": "html", "endpoint": MATCH_DETAILS, "uuid": "gone"})

    fetched = site.fetch(ask=["gone", "unknown"])

    by_id = {e.uuid: e for e in Envelope(fetched.envelope).entries(MATCH_DETAILS)}
    assert {uuid: entry.error for uuid, entry in by_id.items() if uuid} == {
        "m1": None,
        "m2": None,
        "m3": None,
        "gone": "not_json",
        "unknown": None,
    }
    assert fetched.outcome is Outcome.PARTIAL


def test_they_are_asked_for_when_the_list_is_empty(site_of: SiteOf) -> None:
    site = site_of({})
    site.world.left = {"gone": 8}
    site.fetch(ask=["gone"])
    assert site.asked() == [(LIVE_LIST, None), (MATCH_DETAILS, "gone")]


def test_without_a_list_nothing_is_asked(site: Site) -> None:
    site.faults({"kind": "error_body", "endpoint": LIVE_LIST})
    site.fetch(ask=["gone"])
    assert site.asked() == [(LIVE_LIST, None)]


def test_they_cost_nothing_of_the_odds_quota(site: Site) -> None:
    fetched = site.fetch(ask=["gone"], odds_calls_per_minute=3)
    odds = list(Envelope(fetched.envelope).entries(ODDS_HISTORY))
    assert [entry.error for entry in odds] == [None, None, None]
