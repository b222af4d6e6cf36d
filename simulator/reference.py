"""Teams, competitions and countries of the simulated world, the same for every seed."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from simulator.ids import Ids
from simulator.names import (
    CATEGORIES,
    CLUB_FORMS,
    COUNTRIES,
    LEAGUES,
    ODD_NAMES,
    TOWNS,
    League,
)

TEAMS_PER_LEAGUE = 26
_LOGOS = "https://img.thesports.com/football"
_WRITTEN_AT = 1_740_000_000  # newest updated_at, Unix s
_YEAR_SECONDS = 365 * 86_400

# One id space; a number's residue says what it names.
_KINDS = ("competition", "team", "country", "category", "season", "venue", "coach", "stage")


class Reference:
    """Names and records behind the ids that matches carry.

    Shares of unknowns ("" or 0) follow the recorded feed: a fifth of teams without short name, an
    eighth without country, a fifth without competition, four fifths without market value.
    """

    def __init__(self) -> None:
        self._ids = Ids(seed=0)
        self._country_ids: dict[str, str] = {}
        self._countries = msgspec.json.encode(self._country_rows())
        self._competitions: dict[str, bytes] = {}
        self._teams: dict[str, bytes] = {}
        self.competition_ids: list[str] = []
        self.team_ids: list[list[str]] = []
        self.season_ids: list[str] = []
        taken: Counter[tuple[int, str]] = Counter()
        for number, league in enumerate(LEAGUES):
            ordinal = taken[league.region, league.team_suffix]
            taken[league.region, league.team_suffix] += 1
            self._add_league(number, league, _team_names(number, league, ordinal))

    def id(self, kind: str, number: int) -> str:
        """The id of a thing that has no record of its own here, such as a venue."""
        return self._ids.encode(number * len(_KINDS) + _KINDS.index(kind))

    def teams(self) -> list[str]:
        return list(self._teams)

    def team(self, team_id: str) -> bytes | None:
        return self._teams.get(team_id)

    def competitions(self) -> list[str]:
        return list(self._competitions)

    def competition(self, competition_id: str) -> bytes | None:
        return self._competitions.get(competition_id)

    def countries(self) -> bytes:
        return self._countries

    def _country_rows(self) -> list[dict[str, Any]]:
        rows = []
        for category, names in enumerate(COUNTRIES):
            for name in names.split("|"):
                identifier = self.id("country", len(rows))
                self._country_ids[name] = identifier
                rows.append(
                    {
                        "id": identifier,
                        "category_id": self.id("category", category),
                        "name": name,
                        "logo": _logo("country", name),
                        "updated_at": _WRITTEN_AT - _YEAR_SECONDS,
                    }
                )
        return rows

    def _add_league(self, number: int, league: League, names: Sequence[str]) -> None:
        rng = random.Random(f"league/{number}")
        identifier = self.id("competition", number)
        country = self._country_ids.get(league.country, "")
        teams = [self.id("team", number * TEAMS_PER_LEAGUE + index) for index in range(len(names))]
        season = self.id("season", number) if rng.random() < 0.68 else ""
        self.competition_ids.append(identifier)
        self.team_ids.append(teams)
        self.season_ids.append(season)
        women = league.team_suffix.lower() == " (w)"
        for index, (team_id, name) in enumerate(zip(teams, names, strict=True)):
            owner = identifier if rng.random() < 0.81 else ""
            home = country if rng.random() < 0.9 else ""
            self._teams[team_id] = self._team(
                rng, team_id, name, owner, home, women, number * TEAMS_PER_LEAGUE + index
            )
        titled = rng.random() < 0.4
        color = f"#{rng.randrange(1 << 24):06x}"
        self._competitions[identifier] = msgspec.json.encode(
            {
                "id": identifier,
                "category_id": self.id("category", min(league.region, len(CATEGORIES) - 1)),
                "country_id": country,
                "name": league.name,
                "short_name": _short_name(league),
                "logo": _logo("competition", league.name),
                "type": league.kind,
                "cur_season_id": season,
                "cur_stage_id": self.id("stage", number) if season else "",
                "cur_round": rng.randrange(1, 31) if season else 0,
                "round_count": 34 if season else 0,
                "title_holder": [teams[0], rng.randrange(1, 15)] if titled else [],
                "most_titles": [[teams[0], teams[3]], 15] if titled else [],
                "newcomers": [teams[-2:], teams[-4:-2]] if titled else [],
                "divisions": [teams[4:6], []] if titled else [],
                "host": {"country": league.country} if titled and league.country else {},
                **({"gender": 2 if women else 1} if rng.random() < 0.5 else {}),
                "primary_color": color if titled else "",
                "secondary_color": "",
                "updated_at": _WRITTEN_AT - rng.randrange(6 * _YEAR_SECONDS),
            }
        )

    def _team(
        self,
        rng: random.Random,
        team_id: str,
        name: str,
        competition: str,
        country: str,
        women: bool,
        number: int,
    ) -> bytes:
        value = rng.randrange(1, 400) * 25_000 if rng.random() < 0.2 else 0
        players = rng.randrange(17, 34) if rng.random() < 0.6 else 0
        return msgspec.json.encode(
            {
                "id": team_id,
                "competition_id": competition,
                "country_id": country,
                "name": name,
                "short_name": name if rng.random() < 0.79 else "",
                "logo": _logo("team", name),
                "national": 0,
                "country_logo": "",
                "foundation_time": rng.randrange(1899, 2012) if rng.random() < 0.4 else 0,
                "website": "",
                "coach_id": self.id("coach", number) if rng.random() < 0.5 else "",
                "venue_id": self.id("venue", number) if rng.random() < 0.6 else "",
                "market_value": value,
                "market_value_currency": "€" if value else "",
                "total_players": players,
                "foreign_players": rng.randrange(8) if players else 0,
                "national_players": rng.randrange(5) if players else 0,
                "virtual": 0,
                "gender": 2 if women else 1,
                "updated_at": _WRITTEN_AT - rng.randrange(_YEAR_SECONDS),
            }
        )


def _team_names(number: int, league: League, ordinal: int) -> list[str]:
    """26 names that no other league has: two club forms of each town of one list."""
    lists = TOWNS[league.region]
    towns = lists[ordinal % len(lists)]
    forms = CLUB_FORMS[league.region]
    first = 2 * (ordinal // len(lists))
    names = [form.format(town) for town in towns for form in forms[first : first + 2]]
    names = [name + league.team_suffix for name in names]
    if number in ODD_NAMES:
        names[0] = ODD_NAMES[number] + league.team_suffix
    return names


def _short_name(league: League) -> str:
    first, _, rest = league.name.partition(" ")
    return f"{first[:3].upper()} {rest}".strip()


def _logo(kind: str, name: str) -> str:
    return f"{_LOGOS}/{kind}/{hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()}.png"
