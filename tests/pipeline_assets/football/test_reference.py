"""Reference records: what was asked anew is stored, what was carried on is counted."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest

from pipeline_assets.football.reference import Reference, reference, stage
from pipeline_assets.football.wire.fetched import COUNTRY, TEAM
from tests.pipeline_assets.football.examples import survive_columns
from tests.pipeline_assets.football.fetches import (
    POLL,
    answer,
    envelope,
    needs_poll,
    recorded_fetch,
)
from touchline.fetch import Call, Envelope
from touchline.stage import Staged

TEAM_ID, LEAGUE_ID = "2pw6yx0jk8lmq3d", "3kx8lm2de5vwjq0"


def staged(raw: Envelope) -> Staged[Reference]:
    made = reference(raw.ref, raw)
    assert made.account.conserved
    return made


def team(**changed: Any) -> dict[str, Any]:
    return {"id": TEAM_ID, "name": " Northfield (W) ", "country_id": "", "national": 0, **changed}


def test_a_team_is_trimmed_and_an_empty_text_is_unknown() -> None:
    (record,) = staged(envelope([], teams={TEAM_ID: [team(gender=2)]})).records
    assert (record.kind, record.id, record.name) == ("team", TEAM_ID, "Northfield (W)")
    assert record.country_id is None
    assert (record.national, record.gender) == (0, 2)
    assert msgspec.json.decode(record.raw)["name"] == " Northfield (W) "


def test_a_competitions_arrays_have_names() -> None:
    league = {
        "id": LEAGUE_ID,
        "name": "Example League",
        "type": 1,
        "title_holder": [TEAM_ID, 5],
        "most_titles": [[TEAM_ID, "another"], 14],
        "newcomers": [["a", "b"], []],
        "divisions": [],
        "host": {"country": "Exampleland"},
    }
    (record,) = staged(envelope([], competitions={LEAGUE_ID: [league]})).records
    assert (record.title_holder_id, record.title_holder_titles) == (TEAM_ID, 5)
    assert (record.most_titles_ids, record.most_titles) == ([TEAM_ID, "another"], 14)
    assert record.newcomers == [["a", "b"], []]
    assert record.divisions is None
    assert record.host is not None
    assert msgspec.json.decode(record.host) == {"country": "Exampleland"}


def test_a_competition_without_titles_has_none() -> None:
    league = {"id": LEAGUE_ID, "title_holder": [], "most_titles": [], "host": {}}
    (record,) = staged(envelope([], competitions={LEAGUE_ID: [league]})).records
    assert record.title_holder_id is record.most_titles_ids is record.host is record.name is None


def test_every_country_of_the_list_is_a_record() -> None:
    countries = [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}, {"name": "no id"}]
    made = staged(envelope([], countries=countries))
    assert [stage.key(record) for record in made.records] == ["country/a", "country/b"]
    assert [r.reason for r in made.quarantined] == ["malformed"]


def test_what_was_carried_on_is_counted_and_not_stored_again() -> None:
    carried = Call(TEAM, {"uuid": TEAM_ID}, answer([team()]), carried_from="Ab12Cd34Ef56")
    countries = Call(COUNTRY, {}, answer([{"id": "a"}, {"id": "b"}]), carried_from="Ab12Cd34Ef56")
    made = staged(envelope([], teams={TEAM_ID: carried}, countries=countries))
    assert made.records == []
    assert made.dropped == {"carried": {"country": 2, f"team/{TEAM_ID}": 1}}


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        (Call(TEAM, {"uuid": TEAM_ID}, None, error="timeout"), "timeout"),
        (Call(TEAM, {"uuid": TEAM_ID}, b"<html>", error="not_json"), "not_json"),
        (Call(TEAM, {"uuid": TEAM_ID}, None, error="something_new"), "call_failed"),
        ([], "no_results"),
        ("team", "malformed"),
        ([{"name": "no id"}], "malformed"),
        ([team(id="another")], "id_mismatch"),
    ],
)
def test_a_record_that_did_not_come_is_set_aside_alone(results: Any, reason: str) -> None:
    made = staged(envelope([], teams={TEAM_ID: results, "b": [team(id="b")]}))
    assert [(r.key, r.reason) for r in made.quarantined] == [(f"team/{TEAM_ID}", reason)]
    assert [record.id for record in made.records] == ["b"]


def test_a_failed_country_list_is_one_record() -> None:
    made = staged(envelope([], countries=Call(COUNTRY, {}, None, error="deadline")))
    assert [(r.key, r.reason) for r in made.quarantined] == [("country", "deadline")]


def test_a_field_that_cannot_be_read_is_null_and_counted() -> None:
    odd = team(name=7, foundation_time=10**30, website="a.example")
    league = {"id": LEAGUE_ID, "name": "League", "title_holder": ["x", "y"]}
    made = staged(envelope([], teams={TEAM_ID: [odd]}, competitions={LEAGUE_ID: [league]}))
    found = {record.kind: record for record in made.records}
    assert (found["team"].name, found["team"].foundation_time) == (None, None)
    assert found["team"].website == "a.example"
    assert msgspec.json.decode(found["team"].raw)["name"] == 7
    assert (found["competition"].name, found["competition"].title_holder_id) == ("League", None)
    assert {(f.kind, f.key) for f in made.findings} == {
        ("unread_field", "team.name"),
        ("unread_field", "team.foundation_time"),
        ("unread_field", "competition.title_holder"),
    }


def test_unknown_fields_are_found_and_kept() -> None:
    made = staged(envelope([], teams={TEAM_ID: [team(mascot="owl")]}))
    assert [(f.kind, f.key) for f in made.findings] == [("unknown_field", "team.mascot")]
    assert msgspec.json.decode(made.records[0].raw)["mascot"] == "owl"


@needs_poll
def test_all_references_of_the_recorded_poll_are_read() -> None:
    made = staged(recorded_fetch(at=int(POLL.timestamp())))
    kinds = Counter(record.kind for record in made.records)
    assert kinds == {"team": 204, "competition": 41, "country": 212}
    assert (made.quarantined, made.findings) == ([], [])
    assert sum(r.kind == "team" and r.country_id is None for r in made.records) == 24
    assert survive_columns(made.records)
