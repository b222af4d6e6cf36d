"""A football fetch against the simulator over HTTP: what it asks and what it writes down."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any

import pytest

from pipeline_assets.football.client.feed import (
    COMPETITION,
    COUNTRIES,
    LIVE_LIST,
    MATCH_DETAILS,
    ODDS_HISTORY,
    TEAM,
    FeedSettings,
    FetchedMinute,
)
from tests.pipeline_assets.football.client.conftest import SECRET, SOON, USER, Site, SiteOf
from touchline.accounting import Outcome
from touchline.fetch import Envelope, IndexEntry


def index(fetched: FetchedMinute) -> dict[tuple[str, str | None], IndexEntry]:
    return {(entry.endpoint, entry.uuid): entry for entry in Envelope(fetched.envelope).index}


def footer(fetched: FetchedMinute) -> dict[str, Any]:
    return Envelope(fetched.envelope).footer


def test_every_answer_stands_in_the_envelope_as_the_simulator_sent_it(site: Site) -> None:
    fetched = site.fetch()

    sent = {
        (call.endpoint, call.params.get("uuid")): call.sha256
        for call in site.served.log.since(0)[0]
    }
    stored = index(fetched)
    assert {key: entry.sha256 for key, entry in stored.items()} == sent
    assert Counter(endpoint for endpoint, _ in sent) == {
        LIVE_LIST: 1,
        MATCH_DETAILS: 3,
        ODDS_HISTORY: 3,
        TEAM: 6,
        COMPETITION: 1,
        COUNTRIES: 1,
    }
    assert Envelope(fetched.envelope).damaged() == []
    assert fetched.outcome is Outcome.COMPLETE
    assert not fetched.calls


def test_the_sections_have_their_order_and_references_are_sorted(site: Site) -> None:
    document = json.loads(site.fetch().envelope)

    sections = [key for key in document if key.isupper()]
    assert sections == ["FETCH_HEADER", "REFERENCE_DATA", "RAW_API_DATA", "FETCH_FOOTER"]
    assert list(document["REFERENCE_DATA"]) == ["countries", "competitions", "teams"]
    assert list(document["RAW_API_DATA"]) == ["live_matches", "match_details", "match_odds"]
    teams = [answer["results"][0]["id"] for answer in document["REFERENCE_DATA"]["teams"]]
    assert teams == sorted(teams)
    assert document["FETCH_HEADER"]["fetch_number"] == 781
    assert document["FETCH_HEADER"]["fetch_start"] == "=== RAW API DATA START ==="


def test_the_footer_counts_what_the_list_says(site: Site) -> None:
    fetched = site.fetch()

    said = footer(fetched)
    live_body = json.dumps(
        json.loads(fetched.envelope)["RAW_API_DATA"]["live_matches"], separators=(",", ":")
    ).encode()
    assert said.pop("pipeline_completion_time_seconds") >= 0
    assert said == {
        "fetch_number": 781,
        "random_fetch_id": fetched.ref.fetch_id,
        "nyc_timestamp": f"{site.start:%m/%d/%Y} 01:00:00 PM EDT",
        "fetch_end": "=== RAW API DATA END ===",
        "total_matches": 3,
        "matches_in_play": 2,
        "match_status_breakdown": [
            "Status ID 2 (First half): 1 matches",
            "Status ID 3 (Half-time): 1 matches",
            "Status ID 8 (End): 1 matches",
        ],
        "outcome": "complete",
        "reason": None,
        "calls_failed": {},
        "clock_skew_seconds": 0.0,
        "live_sha256": hashlib.sha256(live_body).hexdigest(),
        "live_unchanged_fetches": 0,
    }


def test_an_empty_list_is_a_complete_fetch_of_no_matches(site: Site) -> None:
    site.faults({"kind": "empty_list", "endpoint": LIVE_LIST})

    fetched = site.fetch()

    assert (fetched.outcome, fetched.reason) == (Outcome.COMPLETE, None)
    assert footer(fetched)["total_matches"] == 0
    assert site.asked() == [(LIVE_LIST, None)]


LIST_FAULTS = [
    ("error_body", "vendor_error"),
    ("error_code", "vendor_error"),
    ("http_429", "rate_limited"),
    ("http_500", "http_status"),
    ("timeout", "timeout"),
    ("cut_off", "not_json"),
    ("disconnect", "connection"),
    ("html", "not_json"),
    ("empty_body", "not_json"),
    ("not_utf8", "not_json"),
    ("bad_gzip", "not_json"),
    ("err_and_results", "vendor_error"),
    ("echo_secret", "vendor_error"),
]


@pytest.mark.parametrize(("kind", "reason"), LIST_FAULTS)
def test_without_the_live_list_the_fetch_has_failed_and_says_why(
    site: Site, kind: str, reason: str
) -> None:
    site.faults({"kind": kind, "endpoint": LIVE_LIST})

    fetched = site.fetch(timeout_seconds=SOON, attempts=1)

    assert (fetched.outcome, fetched.reason) == (Outcome.FAILED, reason)
    said = footer(fetched)
    assert (said["outcome"], said["reason"]) == ("failed", reason)
    assert said["total_matches"] is None
    assert said["calls_failed"] == {reason: 1}
    assert {endpoint for endpoint, _ in site.asked()} == {LIVE_LIST}
    (entry,) = Envelope(fetched.envelope).index
    assert entry.error == reason
    arrived = kind not in ("timeout", "disconnect")
    assert (Envelope(fetched.envelope).body(entry) is not None) == arrived


def test_the_bytes_of_a_spoiled_list_are_kept(site: Site) -> None:
    site.faults({"kind": "not_utf8", "endpoint": LIVE_LIST})

    envelope = Envelope(site.fetch().envelope)

    (call,), _ = site.served.log.since(0)
    body = envelope.body(envelope.index[0])
    assert body is not None
    assert hashlib.sha256(body).hexdigest() == call.sha256
    with pytest.raises(UnicodeDecodeError):
        body.decode()


@pytest.mark.parametrize(("kind", "error"), LIST_FAULTS)
def test_a_failed_call_costs_its_match_alone(site: Site, kind: str, error: str) -> None:
    site.faults(
        {"kind": kind, "endpoint": MATCH_DETAILS, "uuid": "m1"},
        {"kind": kind, "endpoint": ODDS_HISTORY, "uuid": "m3"},
    )

    fetched = site.fetch(timeout_seconds=SOON, attempts=1)

    assert (fetched.outcome, fetched.reason) == (Outcome.PARTIAL, None)
    assert fetched.calls == {error: 2}
    assert footer(fetched)["calls_failed"] == {error: 2}
    failed = {key for key, entry in index(fetched).items() if entry.error}
    assert failed == {(MATCH_DETAILS, "m1"), (ODDS_HISTORY, "m3")}
    # The teams of the match without details are unknown, those of the others are there.
    teams = {uuid for endpoint, uuid in index(fetched) if endpoint == TEAM}
    assert teams == {"home-m2", "away-m2", "home-m3", "away-m3"}


@pytest.mark.parametrize("kind", ["http_429", "http_500", "timeout", "disconnect"])
def test_what_fails_once_is_asked_again(site: Site, kind: str) -> None:
    site.faults({"kind": kind, "endpoint": ODDS_HISTORY, "uuid": "m1", "times": 2})

    fetched = site.fetch(timeout_seconds=SOON)

    assert fetched.outcome is Outcome.COMPLETE
    assert site.asked().count((ODDS_HISTORY, "m1")) == 3


def test_nothing_is_asked_more_often_than_the_settings_say(site: Site) -> None:
    site.faults({"kind": "http_500", "endpoint": ODDS_HISTORY, "uuid": "m1"})

    site.fetch(attempts=2)

    assert site.asked().count((ODDS_HISTORY, "m1")) == 2


@pytest.mark.parametrize("kind", ["error_body", "error_code", "html", "cut_off"])
def test_an_answer_that_asking_again_would_not_change_is_not_asked_for_again(
    site: Site, kind: str
) -> None:
    site.faults({"kind": kind, "endpoint": ODDS_HISTORY, "uuid": "m1"})

    site.fetch()

    assert site.asked().count((ODDS_HISTORY, "m1")) == 1


def test_what_is_slow_is_waited_for(site: Site) -> None:
    site.faults({"kind": "slow", "endpoint": ODDS_HISTORY, "uuid": "m1", "seconds": 0.2})

    assert site.fetch().outcome is Outcome.COMPLETE


def test_at_the_deadline_the_fetch_ends_with_what_it_has(site: Site) -> None:
    site.faults({"kind": "timeout", "endpoint": ODDS_HISTORY, "uuid": "m2"})

    fetched = site.fetch(deadline_seconds=1.0)

    assert fetched.outcome is Outcome.PARTIAL
    errors = {key: entry.error for key, entry in index(fetched).items() if entry.error}
    assert errors.pop((ODDS_HISTORY, "m2")) == "deadline"
    # What the matches refer to could not be asked for any more, and stands there as missing.
    assert set(errors.values()) == {"deadline"}
    assert len([key for key in errors if key[0] == TEAM]) == 6


def test_an_error_that_was_answered_outlives_the_deadline(site: Site) -> None:
    site.faults({"kind": "http_500", "endpoint": LIVE_LIST})

    fetched = site.fetch(deadline_seconds=0.5, backoff_seconds=60.0, backoff_max_seconds=60.0)

    assert fetched.reason == "http_status"


def test_a_feed_that_is_not_there_is_a_failed_fetch(site: Site, free_port: int) -> None:
    fetched = site.fetch(url=f"http://127.0.0.1:{free_port}/v1/football/")

    assert (fetched.outcome, fetched.reason) == (Outcome.FAILED, "connection")
    assert fetched.clock_skew_seconds is None


def test_an_id_that_fits_no_url_costs_its_match_alone(site_of: SiteOf) -> None:
    site = site_of({"m1": 2, "m" * 70_000: 2})

    fetched = site.fetch()

    assert (fetched.outcome, fetched.calls) == (Outcome.PARTIAL, {"connection": 2})
    assert index(fetched)[ODDS_HISTORY, "m1"].error is None


def test_an_id_listed_twice_is_asked_for_once(site: Site) -> None:
    site.faults({"kind": "duplicate_id", "endpoint": LIVE_LIST, "uuid": "m2"})

    fetched = site.fetch()

    assert fetched.outcome is Outcome.COMPLETE
    assert max(Counter(site.asked()).values()) == 1
    assert footer(fetched)["total_matches"] == 4


def test_an_entry_without_an_id_is_left_to_later_stages(site: Site) -> None:
    site.faults({"kind": "no_id", "endpoint": LIVE_LIST, "uuid": "m2"})

    fetched = site.fetch()

    assert fetched.outcome is Outcome.COMPLETE
    assert footer(fetched)["total_matches"] == 2
    assert {uuid for endpoint, uuid in site.asked() if endpoint == ODDS_HISTORY} == {"m1", "m3"}


@pytest.mark.parametrize(
    ("kind", "endpoint"),
    [
        ("malformed_match", LIVE_LIST),
        ("minus_one_corners", LIVE_LIST),
        ("status_disagrees", MATCH_DETAILS),
    ],
)
def test_irregular_content_is_none_of_the_fetch_s_business(
    site: Site, kind: str, endpoint: str
) -> None:
    site.faults({"kind": kind, "endpoint": endpoint, "uuid": "m1"})

    fetched = site.fetch()

    assert fetched.outcome is Outcome.COMPLETE
    assert footer(fetched)["total_matches"] == 3


def test_a_frozen_feed_shows_in_the_hash_of_the_list(site: Site) -> None:
    site.faults({"kind": "frozen"})

    first = site.fetch(0)
    second = site.fetch(1, previous=first)
    third = site.fetch(2, previous=second)
    site.world.statuses["m1"] = 3
    fetches = [first, second, third, site.fetch(3, previous=third)]

    hashes = [footer(fetched)["live_sha256"] for fetched in fetches]
    assert hashes[0] == hashes[1] == hashes[2] != hashes[3]
    assert [footer(fetched)["live_unchanged_fetches"] for fetched in fetches] == [0, 1, 2, 0]


@pytest.mark.parametrize("seconds", [5.0, -7.0])
def test_the_vendor_s_clock_is_compared_with_ours(site: Site, seconds: float) -> None:
    site.faults({"kind": "clock_skew", "seconds": seconds})

    fetched = site.fetch()

    assert fetched.clock_skew_seconds == seconds
    assert footer(fetched)["clock_skew_seconds"] == seconds


def test_one_wrong_clock_among_many_answers_does_not_count(site: Site) -> None:
    site.faults({"kind": "clock_skew", "seconds": 900.0, "endpoint": COUNTRIES})

    assert site.fetch().clock_skew_seconds == 0.0


def test_clocks_that_cannot_be_compared_cost_nothing(site: Site) -> None:
    site.faults({"kind": "bad_headers"}, {"kind": "http_429", "endpoint": ODDS_HISTORY, "times": 1})

    fetched = site.fetch()

    assert fetched.outcome is Outcome.COMPLETE
    assert fetched.clock_skew_seconds is None
    assert footer(fetched)["clock_skew_seconds"] is None
    assert {entry.date_header for entry in index(fetched).values()} == {
        "Wed, 28 May 99999999999999999999 17:00:00 GMT"
    }


def test_a_byte_order_mark_is_kept_and_not_read(site: Site) -> None:
    site.faults({"kind": "byte_order_mark"})

    fetched = site.fetch()

    assert fetched.outcome is Outcome.COMPLETE
    sent = {(c.endpoint, c.params.get("uuid")): c.sha256 for c in site.served.log.since(0)[0]}
    assert len(sent) == 1 + 3 + 3 + 6 + 1 + 1
    assert {key: entry.sha256 for key, entry in index(fetched).items()} == sent
    envelope = Envelope(fetched.envelope)
    assert envelope.damaged() == []
    assert all(
        (envelope.body(entry) or b"").startswith(b"\xef\xbb\xbf{") for entry in envelope.index
    )
    later = site.fetch(1, previous=fetched)
    assert {e.sha256 for k, e in index(later).items() if e.carried_from} <= set(sent.values())


def test_wrong_credentials_are_told_apart_from_an_empty_list(site: Site) -> None:
    fetched = site.fetch(secret="another-secret")

    assert (fetched.outcome, fetched.reason) == (Outcome.FAILED, "vendor_error")
    body = json.loads(fetched.envelope)["RAW_API_DATA"]["live_matches"]
    assert "Authorization failed" in body["err"]


def test_settings_show_no_credentials() -> None:
    settings = FeedSettings(url="http://127.0.0.1:1/v1/football", user=USER, secret=SECRET)

    assert USER not in repr(settings)
    assert SECRET not in repr(settings)
    assert settings.url.endswith("/v1/football/")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://feed/v1/",
        "feed",
        "http:///v1",
        "http://u:hunter22@feed/",
        "http://feed/?secret=hunter22",
    ],
)
def test_a_wrong_url_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="feed's URL") as refused:
        FeedSettings(url=url, user=USER, secret=SECRET)

    assert "hunter22" not in str(refused.value)


def test_sixty_matches_are_asked_for_completely(site_of: SiteOf) -> None:
    site = site_of({f"m{number}": 2 for number in range(60)})
    fetched = site.fetch()

    assert fetched.outcome is Outcome.COMPLETE
    assert len(site.asked()) == 1 + 2 * 60 + 120 + 2
