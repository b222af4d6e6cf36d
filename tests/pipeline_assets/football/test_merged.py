"""Merging a raw fetch: joins by id, named missing parts, quarantine of single matches."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest

from pipeline_assets.football.merged import MergedMatch, MissingPart, OddsIssue, merged, stage
from pipeline_assets.football.wire.fetched import DETAIL, ODDS, TEAM
from resources.stage_codec import decode_stage, encode_stage
from tests.pipeline_assets.football.examples import (
    AWAY,
    COUNTRY,
    HOME,
    LEAGUE,
    MATCH,
    content,
    detail,
    live,
)
from tests.pipeline_assets.football.fetches import (
    MINUTE,
    POLL,
    envelope,
    failed,
    needs_poll,
    recorded_fetch,
)
from touchline.fetch import Call, Envelope
from touchline.stage import Staged

OTHER = "8fa0lm3wvu6opq1"


def entry(match_id: Any = MATCH, status: Any = 3, **changed: Any) -> dict[str, Any]:
    return live(match_id, status=status) | {"incidents": []} | changed


TEAMS = {
    HOME: [{"id": HOME, "name": "Northfield ", "short_name": "", "country_id": ""}],
    AWAY: [{"id": AWAY, "name": "Southport"}],
}
LEAGUES = {LEAGUE: [{"id": LEAGUE, "name": "Example League", "country_id": COUNTRY}]}
COUNTRIES = [{"id": COUNTRY, "name": "Exampleland"}]
ODDS_BODY = {"2": {"eu": [[1751997180, "3", 1.72, 3.4, 4.5, 2, 0, "0-0"]]}, "22": {}}


def fetched(entries: Any, **changed: Any) -> Envelope:
    parts = {
        "details": {MATCH: detail()},
        "odds": {MATCH: ODDS_BODY},
        "teams": TEAMS,
        "competitions": LEAGUES,
        "countries": COUNTRIES,
    }
    return envelope(entries, **{**parts, **changed})


def staged(raw: Envelope) -> Staged[MergedMatch]:
    made = merged(raw.ref, raw)
    assert made.account.conserved
    return made


def only(raw: Envelope) -> MergedMatch:
    (match,) = staged(raw).records
    return match


def quarantined(raw: Envelope) -> list[tuple[str | None, str]]:
    return [(record.key, record.reason) for record in staged(raw).quarantined]


def missing(match: MergedMatch) -> dict[str, str]:
    return {part.part: part.reason for part in match.missing}


def test_everything_of_a_match_is_joined_by_id() -> None:
    match = only(fetched([entry()]))
    assert match.missing == []
    assert match.match_id == MATCH
    assert match.status_id == 3
    assert not match.status_conflict
    score = match.live_data.parsed_score
    assert score is not None
    assert score.home_detailed is not None
    assert score.home_detailed.corners == 4
    assert score.kickoff_timestamp is None, "0 stands for an unknown kick-off"
    details = match.match_details.parsed_details
    assert details is not None
    assert (details.home_team_name, details.away_team_name) == ("Northfield", "Southport")
    assert (details.competition_name, details.country_name) == ("Example League", "Exampleland")
    assert details.season_id is None, "an empty id is unknown"
    assert match.home_team.parsed_team is not None
    assert match.home_team.parsed_team.country_id is None
    assert match.odds is not None
    assert match.odds.company_ids == ["2", "22"]


def test_odds_are_a_reference_to_the_raw_fetch() -> None:
    raw = fetched([entry()])
    odds = only(raw).odds
    assert odds is not None
    there = odds.raw_odds_data
    body = raw.data[there.offset : there.offset + there.length]
    assert msgspec.json.decode(body)["results"] == ODDS_BODY


def test_a_carried_odds_body_says_so() -> None:
    body = b'{"code":0,"results":{"2":{}}}'
    carried = Call(ODDS, {"uuid": MATCH}, body, carried_from="Ab12Cd34Ef56", age_seconds=61.5)
    odds = only(fetched([entry()], odds={MATCH: carried})).odds
    assert odds is not None
    assert odds.raw_odds_data.carried_from == "Ab12Cd34Ef56"
    assert odds.raw_odds_data.odds_age_s == 61.5


def test_corners_without_data_are_null_and_not_minus_one() -> None:
    score = [MATCH, 2, [1, 0, 0, 2, -1, 0, 0], [0, 0, 1, 1, 3, 0, 0], 1752000000, ""]
    parsed = only(fetched([entry(score=score)])).live_data.parsed_score
    assert parsed is not None
    assert parsed.home_detailed is not None
    assert parsed.away_detailed is not None
    assert parsed.home_detailed.corners is None
    assert parsed.away_detailed.corners == 3
    assert parsed.kickoff_timestamp == 1752000000


@pytest.mark.parametrize(
    ("score", "has_score", "has_sides"),
    [
        ([MATCH, 3], False, False),
        ([MATCH, 3, [0, 0, 0]], False, False),
        ([MATCH, 3, [0, 0, 0], [0, 0, 0]], True, False),
        ([MATCH, 3, [0] * 7, [0] * 7, 0], True, True),
    ],
)
def test_a_short_score_array_gives_what_it_has(
    score: list[Any], has_score: bool, has_sides: bool
) -> None:
    match = only(fetched([entry(score=score)]))
    parsed = match.live_data.parsed_score
    assert match.status_id == 3
    assert (parsed is not None) == has_score
    assert (parsed is not None and parsed.home_detailed is not None) == has_sides


@pytest.mark.parametrize(
    ("listed", "detailed", "shown", "conflict"),
    [(3, 3, 3, False), (3, 2, 3, True), (None, 4, 4, False), (3, None, 3, False)],
)
def test_the_live_list_has_the_status_and_the_detail_is_the_fallback(
    listed: int | None, detailed: int | None, shown: int, conflict: bool
) -> None:
    raw = fetched([entry(status=listed)], details={MATCH: detail(status_id=detailed)})
    match = only(raw)
    assert (match.status_id, match.status_conflict) == (shown, conflict)


@pytest.mark.parametrize(
    "score",
    [
        [],
        [MATCH],
        None,
        {"0": MATCH, "1": 3},
        [MATCH, "3", [0] * 7, [0] * 7, 0, ""],
        [None, 3, [0] * 7, [0] * 7, 0, ""],
        [OTHER, 3, [0] * 7, [0] * 7, 0, ""],
    ],
)
def test_a_malformed_match_is_set_aside_alone(score: Any) -> None:
    raw = fetched([entry(score=score), entry(OTHER)])
    assert quarantined(raw) == [(MATCH, "bad_score")]
    assert [match.match_id for match in staged(raw).records] == [OTHER]


def test_what_is_wrong_with_a_score_is_named() -> None:
    made = staged(fetched([entry(score=[MATCH, "3", [0] * 7, [0] * 7, 0, ""])]))
    assert "score status" in made.quarantined[0].detail


ALL = ["home.score_regular", "home.corners"]


@pytest.mark.parametrize(
    ("home", "kick_off", "unknown", "received", "corners"),
    [
        ([0, 0, 0, 1, None, 0, 0], 0, ["home.corners"], [0, 0, 0, 1, None, 0, 0], None),
        ([0, 0, 0, 1, "4", 0, 0], 0, ["home.corners"], [0, 0, 0, 1, None, 0, 0], None),
        ([0, 0, 0, 1, -1, 0, 0], 0, [], [0, 0, 0, 1, -1, 0, 0], None),
        ([0, 0, 0, 1, -2, 0, 0], 0, ["home.corners"], [0, 0, 0, 1, -2, 0, 0], None),
        ([-1, 0, 0, 1, 4, 0, 0], 0, ["home.score_regular"], [-1, 0, 0, 1, 4, 0, 0], 4),
        ([1.5, 0, 0, 1, 4, 0, 0], 0, ["home.score_regular"], [None, 0, 0, 1, 4, 0, 0], 4),
        ([10**30, 0, 0, 1, True, 0, 0], 0, ALL, [None, 0, 0, 1, None, 0, 0], None),
        ([0, 0, 0], 0, ["home"], [0, 0, 0], None),
        ({"0": 1}, 0, ["home"], [], None),
        (None, 0, ["home"], [], None),
        ([0, 0, 0, 1, 4, 0, 0], "0", ["kick_off"], [0, 0, 0, 1, 4, 0, 0], 4),
        ([0, 0, 0, 1, 4, 0, 0], -5, ["kick_off"], [0, 0, 0, 1, 4, 0, 0], 4),
        ([0, 0, 0, 1, 4, 0, 0], None, ["kick_off"], [0, 0, 0, 1, 4, 0, 0], 4),
    ],
)
def test_a_figure_that_cannot_be_read_is_unknown_counted_and_costs_nothing_else(
    home: Any, kick_off: Any, unknown: list[str], received: list[int | None], corners: int | None
) -> None:
    score = [MATCH, 4, home, [2, 1, 0, 0, 3, 0, 0], kick_off, ""]
    made = staged(fetched([entry(score=score), entry(OTHER, score=[OTHER, *score[1:]])]))
    assert (len(made.records), made.quarantined) == (2, [])
    parsed = made.records[0].live_data.parsed_score
    assert parsed is not None
    assert parsed.home_stats == received
    assert (parsed.home_detailed and parsed.home_detailed.corners) == corners
    assert parsed.away_detailed is not None
    assert (parsed.away_detailed.score_regular, parsed.away_detailed.corners) == (2, 3)
    assert [(f.kind, f.key, f.times) for f in made.findings] == [
        ("unknown_figure", figure, 2) for figure in unknown
    ]
    assert all(f.detail == f"2 times, first in {MATCH}" for f in made.findings)
    stored = decode_stage(stage, encode_stage(stage, fetched([]).ref, made)).records
    assert msgspec.json.encode(stored) == msgspec.json.encode(made.records)


@pytest.mark.parametrize(
    ("part", "kept", "named"),
    [
        ({"incidents": {}}, [], None),
        ({"incidents": None}, None, None),
        ({"incidents": {"1": {"type": 28}}}, None, "match.incidents"),
        ({"incidents": "none"}, None, "match.incidents"),
        ({"incidents": [[28], {"type": 9}]}, [[28], {"type": 9}], "incidents.type"),
        ({"incidents": [{"type": "28"}]}, [{"type": "28"}], "incidents.type"),
        ({"incidents": [{}, None]}, [{}, None], "incidents.type"),
        ({"stats": {}}, [], None),
        ({"stats": [{"type": "x"}]}, [], None),
        ({"tlive": "none"}, [], None),
    ],
)
def test_a_part_that_cannot_be_read_is_named_and_costs_nothing_else(
    part: dict[str, Any], kept: Any, named: str | None
) -> None:
    made = staged(fetched([entry(**part), entry(OTHER)]))
    assert (len(made.records), made.quarantined) == (2, [])
    incidents = made.records[0].live_data.incidents
    assert (incidents and msgspec.json.decode(incidents)) == kept
    expected = [("unread_field", named, 1)] if named else []
    assert [(f.kind, f.key, f.times) for f in made.findings] == expected


NAMELESS = [entry(match_id) for match_id in (None, "", "  ", 7, [], {})]


@pytest.mark.parametrize("nothing", [*NAMELESS, None, 7, "match", []])
def test_a_match_without_an_id_or_what_is_no_match_at_all_is_set_aside(nothing: Any) -> None:
    assert quarantined(fetched([nothing, entry()])) == [(None, "no_match_id")]


def test_the_second_entry_of_an_id_is_set_aside() -> None:
    raw = fetched([entry(), entry(OTHER), entry(status=8)])
    assert quarantined(raw) == [(MATCH, "duplicate_match_id")]
    assert [match.status_id for match in staged(raw).records] == [3, 3]


@pytest.mark.parametrize("entries", [{}, [], None])
def test_no_live_match_is_an_empty_result(entries: Any) -> None:
    assert staged(fetched(entries)).account.received == 0


@pytest.mark.parametrize("entries", ["none", 3, {"id": MATCH}])
def test_a_live_list_that_is_none_is_set_aside_as_a_whole(entries: Any) -> None:
    assert quarantined(fetched(entries)) == [(None, "no_live_list")]


@pytest.mark.parametrize(
    ("changed", "reasons"),
    [
        ({"odds": {}}, {"odds": "not_fetched"}),
        ({"odds": {MATCH: failed(ODDS, MATCH)}}, {"odds": "timeout"}),
        ({"odds": {MATCH: {}}}, {"odds": "no_odds"}),
        ({"odds": {MATCH: []}}, {"odds": "no_odds"}),
        ({"odds": {MATCH: None}}, {"odds": "no_odds"}),
        ({"odds": {MATCH: [1]}}, {"odds": "malformed"}),
        ({"teams": {AWAY: TEAMS[AWAY]}}, {"home_team": "not_fetched"}),
        ({"teams": {**TEAMS, AWAY: failed(TEAM, AWAY)}}, {"away_team": "timeout"}),
        ({"teams": {**TEAMS, HOME: []}}, {"home_team": "no_results"}),
        ({"teams": {**TEAMS, HOME: [{"id": 4, "name": "A"}]}}, {"home_team": "malformed"}),
        ({"teams": {**TEAMS, HOME: [{"id": HOME, "name": 4}]}}, {}),
        ({"teams": {**TEAMS, HOME: TEAMS[AWAY]}}, {"home_team": "id_mismatch"}),
        ({"competitions": {}}, {"competition": "not_fetched"}),
        ({"countries": None}, {"country": "not_fetched"}),
        ({"countries": []}, {"country": "not_listed"}),
        ({"countries": [None, {"id": 3}, *COUNTRIES]}, {}),
        ({"countries": [{"id": 3}]}, {"country": "malformed"}),
        ({"details": {MATCH: detail(home_team_id="")}}, {"home_team": "no_id"}),
    ],
)
def test_a_match_is_kept_without_what_is_missing(
    changed: dict[str, Any], reasons: dict[str, str]
) -> None:
    match = only(fetched([entry()], **changed))
    assert missing(match) == reasons
    if "home_team" in reasons:
        assert match.home_team.parsed_team is None


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        ({}, "not_fetched"),
        ({MATCH: failed(DETAIL, MATCH)}, "timeout"),
        ({MATCH: []}, "no_results"),
        ({MATCH: detail(OTHER)}, "detail_id_mismatch"),
        ({MATCH: detail(id=7)}, "malformed"),
        ({MATCH: "x"}, "malformed"),
    ],
)
def test_a_match_is_kept_without_its_detail(details: dict[str, Any], reason: str) -> None:
    match = only(fetched([entry()], details=details))
    assert match.match_details.parsed_details is None
    assert missing(match) == {
        "match_details": reason,
        "home_team": "no_id",
        "away_team": "no_id",
        "competition": "no_id",
    }
    assert match.odds is not None, "the odds do not depend on the detail"


def test_one_odd_field_of_every_detail_costs_no_name() -> None:
    """As a vendor writes it whose language has one word for no and for nothing."""
    odd = {"neutral": False, "note": False, "status_id": "3"}
    details = {match_id: detail(match_id, **odd) for match_id in (MATCH, OTHER)}
    made = staged(fetched([entry(), entry(OTHER)], details=details))
    for match in made.records:
        parsed = match.match_details.parsed_details
        assert parsed is not None
        assert (parsed.home_team_name, parsed.competition_name) == ("Northfield", "Example League")
        assert (parsed.neutral, parsed.note, parsed.status_id) == (None, None, None)
    assert [(f.kind, f.key, f.times) for f in made.findings] == [
        ("unread_field", f"detail.{name}", 2) for name in ("status_id", "neutral", "note")
    ]
    assert "first in 9gh1mn4xyz7pqr2: match detail.neutral: Expected" in made.findings[1].detail


def test_what_could_not_be_read_of_an_answer_is_counted_beside_the_match() -> None:
    details = {MATCH: detail(), OTHER: detail("another")}
    teams = {HOME: [{"id": HOME, "name": 4}], AWAY: "none"}
    raw = fetched([entry(), entry(OTHER)], details=details, teams=teams, countries=[{"id": 3}])
    assert {(f.key, f.times) for f in staged(raw).findings} == {
        ("home_team.name", 1),
        ("away_team", 1),
        ("country", 1),
        ("detail", 1),
    }


def test_odds_that_are_a_list_are_named_as_an_issue() -> None:
    match = only(fetched([entry()], odds={MATCH: [[1]]}))
    assert match.odds is None
    assert [issue.reason for issue in match.odds_issues] == ["malformed"]
    assert isinstance(match.odds_issues[0], OddsIssue)


def test_a_fifa_competition_is_of_no_country() -> None:
    leagues = {LEAGUE: [{"id": LEAGUE, "name": "FIFA World Cup", "country_id": COUNTRY}]}
    details = only(fetched([entry()], competitions=leagues)).match_details.parsed_details
    assert details is not None
    assert details.country_name == "World Cup"


def test_a_merged_team_is_followed_to_the_one_that_survives() -> None:
    old = [{"id": HOME, "name": "Old Name", "uid": "survivor"}]
    teams = {**TEAMS, HOME: old, "survivor": [{"id": "survivor", "name": "New Name"}]}
    team = only(fetched([entry()], teams=teams)).home_team.parsed_team
    assert team is not None
    assert team.name == "New Name"
    alone = only(fetched([entry()], teams={**TEAMS, HOME: old})).home_team.parsed_team
    assert alone is not None
    assert alone.name == "Old Name"


@pytest.mark.parametrize(
    ("into", "name"),
    [
        ({HOME: "b"}, "Name of b"),
        ({HOME: "b", "b": "c", "c": "d"}, "Name of d"),
        ({HOME: HOME}, f"Name of {HOME}"),
        ({HOME: ""}, f"Name of {HOME}"),
        ({HOME: "b", "b": HOME}, f"Name of {HOME}"),
        ({HOME: "b", "b": "c", "c": "b"}, f"Name of {HOME}"),
        ({HOME: "b", "b": "never fetched"}, "Name of b"),
    ],
)
def test_merges_are_followed_as_far_as_the_fetch_tells(into: dict[str, str], name: str) -> None:
    records = {
        uuid: [{"id": uuid, "name": f"Name of {uuid}", "uid": into.get(uuid)}]
        for uuid in (HOME, "b", "c", "d")
    }
    match = only(fetched([entry()], teams={**TEAMS, **records}))
    assert match.home_team.parsed_team is not None
    assert match.home_team.parsed_team.name == name


def test_unknown_fields_and_codes_are_found_once_and_kept() -> None:
    odd = entry(
        status=77,
        weather="new",
        incidents=[{"type": 99, "position": 1, "time": 3}, {"type": 28, "var_reason": 44}],
        score=[MATCH, 77, [0] * 8, [0] * 7, 0, "", "more"],
    )
    made = staged(fetched([odd, entry(OTHER, weather="new")]))
    found = {(finding.kind, finding.key) for finding in made.findings}
    assert found == {
        ("unknown_field", "match.weather"),
        ("unknown_field", "score[6]"),
        ("unknown_field", "figures[7]"),
        ("unknown_code", "status 77"),
        ("unknown_code", "type 99"),
        ("unknown_code", "var_reason 44"),
    }
    raw_score = made.records[0].live_data.raw_score_array
    assert msgspec.json.decode(raw_score)[6] == "more"


def test_the_document_counts_the_matches_it_holds() -> None:
    raw = fetched([entry(), entry(OTHER, status=8), entry(None)])
    made = staged(raw)
    assert stage.export is not None
    document = stage.export(raw.ref, content(made, finished_at=POLL, seconds=0.1234))
    footer = document["FETCH_FOOTER"]
    assert document["FETCH_HEADER"]["fetch_number"] == MINUTE.number
    assert footer["total_matches"] == len(document["MERGED_DATA"]["matches"]) == 2
    assert footer["matches_in_play"] == 1
    assert footer["match_status_breakdown"] == [
        "Status ID 3 (Half-time): 1 matches",
        "Status ID 8 (End): 1 matches",
    ]
    assert footer["merge_completion_time_seconds"] == 0.123
    (aside,) = document["MERGED_DATA"]["quarantined"]
    assert (aside["fetch_id"], aside["match_id"]) == (raw.ref.fetch_id, None)
    text = msgspec.json.decode(msgspec.json.encode(document))
    assert text["MERGED_DATA"]["matches"][0]["live_data"]["raw_score_array"][0] == MATCH


def test_missing_parts_carry_a_reason_each() -> None:
    match = only(fetched([entry()], odds={MATCH: failed(ODDS, MATCH)}))
    assert match.missing == [MissingPart("odds", "timeout", "timeout")]


@needs_poll
def test_the_recorded_poll_merges_whole() -> None:
    raw = recorded_fetch(at=int(POLL.timestamp()))
    made = staged(raw)
    assert made.account.as_dict() == {
        "received": 102, "emitted": 102, "dropped": {}, "quarantined": {}
    }  # fmt: skip
    parts = Counter((part.part, part.reason) for m in made.records for part in m.missing)
    assert parts == {("odds", "no_odds"): 14}
    assert not any(match.status_conflict for match in made.records)
    assert made.findings == []
    companies = [match.odds.company_ids for match in made.records if match.odds]
    assert sum("2" in ids for ids in companies) == 68
    stored = decode_stage(stage, encode_stage(stage, raw.ref, made))
    assert msgspec.json.encode(stored.records) == msgspec.json.encode(made.records)
