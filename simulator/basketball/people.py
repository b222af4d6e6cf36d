"""Invented players, with the oddities of the real lists: accents, suffixes, nulls and blanks."""

from __future__ import annotations

import unicodedata
from random import Random

import msgspec

from simulator.basketball.seeded import chance
from simulator.basketball.teams import TEAMS


class Player(msgspec.Struct, frozen=True):
    """A player as balldontlie has him."""

    id: int
    first_name: str
    last_name: str
    position: str
    height: str
    weight: str | None
    jersey_number: str | None
    college: str | None
    country: str | None
    draft_year: int | None
    draft_round: int | None
    draft_number: int | None

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}"


SHORT_NAMES = {
    "Cameron": "Cam",
    "Nicolas": "Nic",
    "Jonathan": "J.",
    "Alexander": "Alex",
    "Matthew": "Matt",
    "Joshua": "Josh",
    "Gregory": "G.",
    "Isaiah": "I.",
}
"""Given names that some books shorten."""
_LONG_GIVEN = (
    "Andre Bryce Caleb Damon Desmond Devin Elias Emeka Felix Gabe Héctor Ivo Jabari Jalen Jarek "
    "Jordi Kelvin Keon Landry Luís Malik Marko Miles Noé Omari Pascal Quincy Rashad Rémi Silas "
    "Soren Tavon Théo Trey Ulrich Vasco Wendell Xavi Yannick Zeke"
)
_FIRST = (
    "Alder Barrow Brack Cotter Dun Elm Fen Gars Hollin Ickle Kel Low Mars Nor Os Penn Quar Rud "
    "Stan Thorn Ull Vex Wim Yar Zell"
)
_SECOND = "by combe dale ford ley mere rick sett wick worth ić ová ès"
_GIVEN = [*SHORT_NAMES, *_LONG_GIVEN.split()]
_FIRST_HALVES, _SECOND_HALVES = _FIRST.split(), _SECOND.split()
SUFFIXES = ("Jr.", "III", "II")
_COLLEGES = "Arden State|Bellmont|Carrow|Dunmore|Eastvale|Farrow A&M|Glenholt|Hartwick Tech"
_COUNTRIES = ("USA", "USA", "USA", "USA", "Canada", "France", "Serbia", "Spain", "Australia")
_BLANK_COLLEGE = " " * 35
TEAM_SIZE = 17


def rosters(seed: int) -> dict[int, list[Player]]:
    """The players of each team at the season's start, 17 or 18 with the two-way ones.

    No two have the same name. Among them are the jerseys "0" and "00", a college of 35 blanks, a
    position of none, and rows with nulls.
    """
    random = chance(seed, "people")
    taken: set[str] = set()
    listed: dict[int, list[Player]] = {}
    count = 0
    for team_id in TEAMS:
        listed[team_id] = []
        for place in range(TEAM_SIZE + (random.random() < 0.45)):
            count += 1
            # The service gave small ids to those it knew first.
            id = 2 + 7 * count if random.random() < 0.6 else 1_057_260_000 + 13 * count
            listed[team_id].append(_player(random, id, place, taken))
    return listed


def _player(random: Random, id: int, place: int, taken: set[str]) -> Player:
    given, family = _name(random, taken)
    drafted = random.random() < 0.8
    college = random.choice(_COLLEGES.split("|"))
    return Player(
        id,
        given,
        family,
        "" if random.random() < 0.01 else random.choice(("G", "G", "F", "F", "C", "G-F", "F-C")),
        f"6-{random.randrange(12)}",
        None if random.random() < 0.02 else str(random.randrange(175, 280)),
        # A two-way player may have no number yet.
        None if place >= TEAM_SIZE - 1 and random.random() < 0.2 else _JERSEYS[place],
        _BLANK_COLLEGE if random.random() < 0.01 else None if random.random() < 0.1 else college,
        random.choice(_COUNTRIES),
        random.randrange(2008, 2025) if drafted else None,
        random.randrange(1, 3) if drafted else None,
        random.randrange(1, 61) if drafted else None,
    )


def _name(random: Random, taken: set[str]) -> tuple[str, str]:
    while True:
        given = random.choice(_GIVEN)
        family = random.choice(_FIRST_HALVES) + random.choice(_SECOND_HALVES)
        if random.random() < 0.03:
            family += "-" + random.choice(_FIRST_HALVES)
        plain = f"{given} {family}"
        if plain in taken:
            continue
        taken.add(plain)
        if random.random() < 0.06:
            family += " " + random.choice(SUFFIXES)
        return given, family


def without_accents(text: str) -> str:
    """As some books write a name."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(character for character in decomposed if not unicodedata.combining(character))


_JERSEYS = ("0", "00", *map(str, range(1, TEAM_SIZE)))
