"""The recorded poll with one of three matches made hostile, for every stage's property test.

Whatever stands in one match, the other two must come through as if nothing were wrong.
"""

from __future__ import annotations

import copy
import functools
import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from pipeline_assets.football.wire.codes import VAR_TYPE
from tests.pipeline_assets.football.fetches import POLL, envelope, recorded
from tests.pipeline_assets.odd_json import changed
from touchline.fetch import Envelope

MATCHES = 3


@dataclass(frozen=True)
class MutatedPoll:
    """A fetch in which everything about `victim` may be wrong and nothing about the others is."""

    envelope: Envelope
    victim: str
    others: tuple[str, ...]


@dataclass
class _Match:
    """What the vendor says of one match, as `results`."""

    entry: Any
    detail: Any
    odds: Any
    home_team: Any
    away_team: Any
    competition: Any


_PARTS = tuple(_Match.__annotations__)


@functools.cache
def _three_matches() -> dict[str, _Match]:
    """Three recorded matches with odds and incidents, VAR where there are such, and no competition
    in common. Of the odds two companies are kept, and eight rows a market: an example costs little.
    """
    film, at = recorded(), int(POLL.timestamp())
    entries = [json.loads(film.live_entry(match_id, at)) for match_id in film.live(at)]
    entries.sort(key=lambda entry: all(i["type"] != VAR_TYPE for i in entry["incidents"]))
    found: dict[str, _Match] = {}
    competitions = set()
    for entry in entries:
        detail = json.loads(film.detail(entry["id"], at) or b"{}")
        odds = json.loads(film.odds(entry["id"], at) or b"{}")
        competition_id = detail["competition_id"]
        if competition_id in competitions or not entry["incidents"] or not odds:
            continue
        competitions.add(competition_id)
        found[entry["id"]] = _Match(
            entry,
            [detail],
            {
                company: {market: rows[-8:] for market, rows in odds[company].items()}
                for company in [*odds][:2]
            },
            [json.loads(film.team(detail["home_team_id"]) or b"{}")],
            [json.loads(film.team(detail["away_team_id"]) or b"{}")],
            [json.loads(film.competition(competition_id) or b"{}")],
        )
        if len(found) == MATCHES:
            break
    return found


@functools.cache
def _identified() -> dict[str, tuple[str, str, str]]:
    """The ids that the client asks for, of each match: home team, away team, competition."""
    return {
        match_id: (match.home_team[0]["id"], match.away_team[0]["id"], match.competition[0]["id"])
        for match_id, match in _three_matches().items()
    }


@functools.cache
def untouched() -> Envelope:
    """The three matches as the vendor described them."""
    return _fetch(_three_matches())


@functools.cache
def _countries() -> list[Any]:
    """The countries of the three matches: all 212 would cost more than the rest."""
    needed = {match.competition[0]["country_id"] for match in _three_matches().values()}
    return [c for c in json.loads(recorded().countries()) if c["id"] in needed]


def _fetch(matches: dict[str, _Match]) -> Envelope:
    ids = _identified()
    teams = {}
    for match_id, match in matches.items():
        teams[ids[match_id][0]] = match.home_team
        teams[ids[match_id][1]] = match.away_team
    return envelope(
        [match.entry for match in matches.values()],
        {match_id: match.detail for match_id, match in matches.items()},
        {match_id: match.odds for match_id, match in matches.items()},
        teams,
        {ids[match_id][2]: match.competition for match_id, match in matches.items()},
        _countries(),
    )


@st.composite
def mutated_polls(draw: st.DrawFn) -> MutatedPoll:
    """One to four changes anywhere in what the vendor says of one match."""
    matches = _three_matches()
    victim = draw(st.sampled_from(sorted(matches)))
    match = copy.deepcopy(matches[victim])
    for _ in range(draw(st.integers(1, 4))):
        part = draw(st.sampled_from(_PARTS))
        setattr(match, part, changed(draw, getattr(match, part)))
    others = tuple(match_id for match_id in matches if match_id != victim)
    return MutatedPoll(_fetch({**matches, victim: match}), victim, others)
