"""The recorded poll with one of three matches made hostile, for every stage's property test.

Whatever stands in one match, the other two must come through as if nothing were wrong.
"""

from __future__ import annotations

import copy
import functools
import json
import os
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from pipeline_assets.football.wire.codes import VAR_TYPE
from tests.pipeline_assets.football.fetches import POLL, envelope, recorded
from touchline.fetch import Envelope

EXAMPLES = int(os.environ.get("TOUCHLINE_HYPOTHESIS_EXAMPLES", "100"))
examples = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
"""Decorates a property test: 100 examples, or as many as TOUCHLINE_HYPOTHESIS_EXAMPLES says."""

patience = pytest.mark.timeout(120 + EXAMPLES)
"""Gives a property test time for its examples; the usual limit is for 300 of them."""

HOSTILE_TEXTS = (
    "",
    " ",
    "*bold* _it_ [link](http://x) `code` # head",
    "<script>alert('x')</script>&amp;\"",
    "two\nlines\r\nand\ta tab",
    "\u202eright to left\u202c \u0645\u0628\u0627\u0631\u0627\u0629",
    "nul\x00byte",
    "19\N{DEGREE SIGN}C \N{SOCCER BALL} \U0001f1ea\U0001f1f8",
    "'; DROP TABLE claims; --",
    "../../etc/passwd",
    "x" * 5_000,
)
HOSTILE_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**63,
    10**30,
    1.5,
    1e308,
    "1",
    [],
    {},
    [None],
    [[]],
    {"": None},
    [0] * 3_000,
    [[1748452491, "3", 0.9, 0.75, 0.92, 2, 0, "0-0"]] * 500,
    {str(n): n for n in range(500)},
    functools.reduce(lambda inner, _: [inner], range(100), []),
)
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
        setattr(match, part, _changed(draw, getattr(match, part)))
    others = tuple(match_id for match_id in matches if match_id != victim)
    return MutatedPoll(_fetch({**matches, victim: match}), victim, others)


_hostile = st.one_of(
    st.sampled_from(HOSTILE_TEXTS),
    st.sampled_from(HOSTILE_VALUES),
    st.text(max_size=20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(),
)


def _changed(draw: st.DrawFn, tree: Any) -> Any:
    """A copy of a JSON value with one place of it replaced, left out, doubled or added to."""
    here = [*tree] if isinstance(tree, list) else {**tree} if isinstance(tree, dict) else None
    if not here or draw(st.integers(0, 5)) == 0:
        return draw(_hostile)
    place = draw(st.sampled_from(range(len(here)) if isinstance(here, list) else sorted(here)))
    match draw(st.sampled_from(("descend", "descend", "descend", "descend", "leave out", "add"))):
        case "descend":
            here[place] = _changed(draw, here[place])
        case "leave out":
            del here[place]
        case "add" if isinstance(here, list):
            here.insert(place, draw(st.one_of(st.just(here[place]), _hostile)))
        case "add" if isinstance(here, dict):
            here[draw(st.sampled_from(HOSTILE_TEXTS))] = draw(_hostile)
    return here
