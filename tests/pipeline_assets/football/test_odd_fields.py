"""One odd field costs nothing else: every field of every body of the vendor, replaced by a value of
every other JSON type, one at a time.

The match keeps its place, what does not depend on the field is shown as before, and a field that is
used is counted by its name. One invented match is tried whole, the recorded fetch of 102 matches at
places that are the same each time; TOUCHLINE_ODD_FIELDS=full tries all of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from pipeline_assets.football.odds_changes import odds_changes
from pipeline_assets.football.var_incidents import var_incidents
from pipeline_assets.football.wire.fields import Unread
from tests.pipeline_assets.football.examples import (
    AWAY,
    COUNTRY,
    HOME,
    LEAGUE,
    MARKETS,
    MATCH,
    VAR,
    chain,
    detail,
    live,
)
from tests.pipeline_assets.football.fetches import POLL, envelope, needs_poll, recorded
from tests.pipeline_assets.football.odd_fields_oracle import Bodies, Cost, cost
from tests.pipeline_assets.odd_json import FULL, flat, odd_values, replaced
from touchline.fetch import Envelope
from touchline.stage import Staged

ONE_IN = 1 if FULL else 400
"""Of the recorded fetch, so many places to one that is tried."""


def fetch_of(bodies: Bodies, ids: dict[str, str]) -> Envelope:
    """The fetch of these bodies, each asked for by the id that it has of right."""
    match_id = ids["match"]
    return envelope(
        [bodies["live"]],
        {match_id: bodies["detail"]},
        {match_id: bodies["odds"]},
        {ids["home_team"]: bodies["home_team"], ids["away_team"]: bodies["away_team"]},
        {ids["competition"]: bodies["competition"]},
        bodies["country"],
    )


@dataclass(frozen=True)
class Seen:
    """What the display shows of the one match, flat, None where it has lost its place; and all that
    was counted of parts that could not be read."""

    shown: dict[str, Any] | None
    counted: set[str]
    quarantined: list[str]


def seen(raw: Envelope, changed: str = "") -> Seen:
    """Of a fetch in which this body was changed."""
    made = chain(raw)
    display: list[Staged[Any]] = [made.merged, made.reduced, made.converted, made.monitor]
    others: list[Staged[Any]] = []
    if changed == "live":
        others.append(var_incidents(raw.ref, raw, carried=None))
    if changed == "odds":
        others.append(odds_changes(raw.ref, raw, carried=None))
    assert all(staged.account.conserved for staged in (*display, *others))
    counted = {
        finding.key or ""
        for staged in (*display, *others)
        for finding in staged.findings
        if finding.kind in {*Unread}
    }
    counted |= {record.reason for staged in others for record in staged.quarantined}
    records = made.monitor.records
    shown = dict(flat(json.loads(msgspec.json.encode(records[0])))) if records else None
    quarantined = [record.reason for staged in display for record in staged.quarantined]
    return Seen(shown, counted, quarantined)


def problems(bodies: Bodies, ids: dict[str, str], one_in: int = 1) -> list[str]:
    """What is wrong where a field of this match is replaced, at one of so many places."""
    before = seen(fetch_of(bodies, ids))
    assert before.shown is not None
    wrong = []
    for body, whole in bodies.items():
        for path, new, where in odd_values(whole, f"{ids['match']} {body}", one_in):
            odd = {**bodies, body: replaced(whole, path, new)}
            after = seen(fetch_of(odd, ids), body)
            expected = cost(body, path, new, bodies)
            wrong += [f"{where}: {said}" for said in compared(before, after, expected)]
    return wrong


def compared(before: Seen, after: Seen, expected: Cost) -> Iterator[str]:
    if expected.place:
        return
    assert before.shown is not None
    if after.shown is None or after.quarantined:
        yield f"it lost its place: {after.quarantined}"
        return
    for name in {**before.shown, **after.shown}:
        if before.shown.get(name) != after.shown.get(name) and not name.startswith(expected.shows):
            yield f"{name} is {after.shown.get(name)!r}"
    counted = after.counted - before.counted
    if expected.counted is None and counted:
        yield f"it is said of what nobody needs: {counted}"
    if expected.counted is not None and expected.counted not in after.counted:
        yield f"{expected.counted} is not counted: {counted}"


def test_an_odd_field_of_an_invented_match_costs_nothing_else() -> None:
    ids = {"match": MATCH, "home_team": HOME, "away_team": AWAY, "competition": LEAGUE}
    assert problems(INVENTED, ids) == []


@needs_poll
@pytest.mark.timeout(3600 if FULL else 120)
def test_an_odd_field_of_the_recorded_fetch_costs_nothing_else() -> None:
    wrong = []
    for bodies in recorded_matches():
        detail = bodies["detail"][0]
        ids = {part: detail[f"{part}_id"] for part in ("home_team", "away_team", "competition")}
        wrong += problems(bodies, {"match": detail["id"], **ids}, ONE_IN)
    assert wrong == []


def recorded_matches() -> Iterator[Bodies]:
    """The bodies of each match; of the odds two companies and two rows a market."""
    film, at = recorded(), int(POLL.timestamp())
    countries = {each["id"]: each for each in json.loads(film.countries())}
    for match_id in film.live(at):
        detail = json.loads(film.detail(match_id, at) or b"{}")
        competition = json.loads(film.competition(detail["competition_id"]) or b"{}")
        odds = json.loads(film.odds(match_id, at) or b"{}") or {}
        yield {
            "live": json.loads(film.live_entry(match_id, at)),
            "detail": [detail],
            "home_team": [json.loads(film.team(detail["home_team_id"]) or b"{}")],
            "away_team": [json.loads(film.team(detail["away_team_id"]) or b"{}")],
            "competition": [competition],
            "country": [countries.get(competition["country_id"]) or {"id": "none", "name": ""}],
            "odds": {
                company: {market: rows[-2:] for market, rows in odds[company].items()}
                for company in [*odds][:2]
            },
        }


def team(team_id: str, name: str) -> dict[str, Any]:
    return {
        "id": team_id,
        "competition_id": LEAGUE,
        "country_id": COUNTRY,
        "name": name,
        "short_name": name[:3],
        "logo": "",
        "national": 0,
        "foundation_time": 1901,
        "market_value": 7,
        "uid": "",
        "gender": 1,
        "updated_at": 1751990000,
    }


INVENTED: Bodies = {
    "live": live(
        status=4,
        home=[2, 1, 0, 1, 4, 0, 0],
        away=[1, 0, 1, 2, 3, 0, 0],
        incidents=[
            {"type": 1, "position": 1, "time": 12, "home_score": 1, "player_name": "Someone"},
            {**VAR, "add_time": 1, "reason_type": 1},
            {"type": 3, "position": 2, "time": 40, "reason_type": 1, "second": 9},
        ],
    ),
    "detail": detail(
        season_id="s" * 15,
        status_id=4,
        venue_id="v" * 15,
        referee_id="r" * 15,
        home_scores=[2, 1, 0, 1, 4, 0, 0],
        away_scores=[1, 0, 1, 2, 3, 0, 0],
        home_position="3",
        coverage={"mlive": 1, "lineup": 0},
        round={"stage_id": "", "round_num": 3, "group_num": 0},
        updated_at=1748452000,
        agg_score=[1, 2],
    ),
    "home_team": [team(HOME, "Northfield")],
    "away_team": [team(AWAY, "Southport")],
    "competition": [
        {
            "id": LEAGUE,
            "category_id": "c" * 15,
            "country_id": COUNTRY,
            "name": "Example League",
            "short_name": "EXL",
            "logo": "",
            "type": 1,
            "cur_round": 3,
            "title_holder": [HOME, 2],
            "most_titles": [[HOME, AWAY], 9],
            "newcomers": [[AWAY], []],
            "host": {},
            "uid": "",
        }
    ],
    "country": [{"id": COUNTRY, "category_id": "", "name": "Exampleland", "logo": ""}],
    "odds": {"2": MARKETS, "22": {"cr": [[1751997180, "3", 0.8, 7.5, 1.0, 2, 0, "0-0"]]}},
}
