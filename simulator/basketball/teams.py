"""The thirty teams, the former ones that only `/teams` lists, and their names at The Odds API."""

from __future__ import annotations

import msgspec


class Team(msgspec.Struct, frozen=True):
    """A team as balldontlie has it. Former ones have a conference of four blanks."""

    id: int
    conference: str
    division: str
    city: str
    name: str
    full_name: str
    abbreviation: str


_DIVISIONS = {
    "Atlantic": ("East", (2, 3, 20, 23, 28)),
    "Central": ("East", (5, 6, 9, 12, 17)),
    "Southeast": ("East", (1, 4, 16, 22, 30)),
    "Northwest": ("West", (8, 18, 21, 25, 29)),
    "Pacific": ("West", (10, 13, 14, 24, 26)),
    "Southwest": ("West", (7, 11, 15, 19, 27)),
}
_NAMES = (
    "Atlanta|Hawks|ATL Boston|Celtics|BOS Brooklyn|Nets|BKN Charlotte|Hornets|CHA "
    "Chicago|Bulls|CHI Cleveland|Cavaliers|CLE Dallas|Mavericks|DAL Denver|Nuggets|DEN "
    "Detroit|Pistons|DET Golden_State|Warriors|GSW Houston|Rockets|HOU Indiana|Pacers|IND "
    "LA|Clippers|LAC Los_Angeles|Lakers|LAL Memphis|Grizzlies|MEM Miami|Heat|MIA "
    "Milwaukee|Bucks|MIL Minnesota|Timberwolves|MIN New_Orleans|Pelicans|NOP "
    "New_York|Knicks|NYK Oklahoma_City|Thunder|OKC Orlando|Magic|ORL Philadelphia|76ers|PHI "
    "Phoenix|Suns|PHX Portland|Trail_Blazers|POR Sacramento|Kings|SAC San_Antonio|Spurs|SAS "
    "Toronto|Raptors|TOR Utah|Jazz|UTA Washington|Wizards|WAS"
)
_FORMER = (
    "Chicago Stags|CHS;St. Louis Bombers|BOM;Cleveland Rebels|CLR;Detroit Falcons|DEF;"
    "Toronto Huskies|HUS;Washington Capitols|WAS;Providence Steamrollers|PRO;"
    "Pittsburgh Ironmen|PIT;Baltimore Bullets|BAL;Indianapolis Jets|JET;Anderson Packers|AND;"
    "Waterloo Hawks|WAT;Indianapolis Olympians|INO;Denver Nuggets|DN;Sheboygan Redskins|SHE"
)
_FIRST_FORMER_ID = 37

EASTERN_TIP_OFF, MOUNTAIN_TIP_OFF, PACIFIC_TIP_OFF = (19 * 60, 20 * 60), (21 * 60,), (22 * 60,)
_LATE = {8: MOUNTAIN_TIP_OFF, 29: MOUNTAIN_TIP_OFF, 24: MOUNTAIN_TIP_OFF} | dict.fromkeys(
    (10, 13, 14, 25, 26), PACIFIC_TIP_OFF
)


def _current() -> dict[int, Team]:
    places = {id: (place[0], name) for name, place in _DIVISIONS.items() for id in place[1]}
    teams = {}
    for number, text in enumerate(_NAMES.split(), start=1):
        city, name, abbreviation = text.replace("_", " ").split("|")
        full_name = f"{city} {name}"
        teams[number] = Team(number, *places[number], city, name, full_name, abbreviation)
    return teams


def _former() -> list[Team]:
    pairs = [text.split("|") for text in _FORMER.split(";")]
    return [
        Team(number, "    ", "", "", name, name, abbreviation)
        for number, (name, abbreviation) in enumerate(pairs, start=_FIRST_FORMER_ID)
    ]


TEAMS: dict[int, Team] = _current()
"""Today's teams by id."""
ALL_TEAMS: list[Team] = [*TEAMS.values(), *_former()]
"""What `/teams` lists: the same name or abbreviation may stand there twice."""
DIVISIONS: dict[str, list[tuple[int, ...]]] = {
    conference: [ids for of, ids in _DIVISIONS.values() if of == conference]
    for conference in ("East", "West")
}
"""The team ids of each division, by conference."""


def tip_offs(team_id: int) -> tuple[int, ...]:
    """The usual starts of a team's home games, in minutes after New York's midnight."""
    return _LATE.get(team_id, EASTERN_TIP_OFF)


def odds_name(team: Team) -> str:
    """The full name as The Odds API writes it."""
    return "Los Angeles Clippers" if team.full_name == "LA Clippers" else team.full_name
