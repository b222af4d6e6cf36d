"""Which match somebody means: its id, or a part of a team's name."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from operations.errors import Ambiguous
from pipeline_assets.football.merged import stage as MERGED
from pipeline_assets.load import load_table
from resources.expired_days import DayExpired
from resources.known_days import known_days
from resources.selection import column_at
from resources.site import Site
from resources.store import NotFound
from touchline.day import Day
from touchline.errors import Unreadable

SHOWN = 20
_NAME = ("parsed_team", "name")


@dataclass
class MatchNamed:
    """A match and what its teams were called on which days; no name where nobody knows one."""

    match_id: str
    names: dict[str, None] = field(default_factory=dict)
    """Such as `Northfield vs Southport`, in the order in which they came."""
    days: dict[Day, None] = field(default_factory=dict)

    @property
    def name(self) -> str | None:
        return next(reversed(self.names), None)

    @property
    def said(self) -> str:
        return f"{self.name}, {', '.join(map(str, self.days))}"


def match_meant(
    site: Site, asked: str, day: Day | None, progress: Callable[[str], None]
) -> MatchNamed:
    """The match with this id, else the one whose teams' names have this part, case and accents
    aside; on one day, or any. One that nobody knows has neither name nor days: it may have been set
    aside before its names were known, and be found by its id.

    Raises Ambiguous, StoreError, LedgerUnavailable.
    """
    known: dict[str, MatchNamed] = {}
    for each in known_days(site, MERGED.feed) if day is None else [day]:
        progress(f"reading the names of {each}")
        try:
            for match_id, home, away in _teams(site, each):
                match = known.setdefault(match_id, MatchNamed(match_id))
                match.names[f"{home or 'unknown'} vs {away or 'unknown'}"] = None
                match.days[each] = None
        except (NotFound, Unreadable, DayExpired) as error:
            progress(f"the names of {each} cannot be read: {error}")
    if asked in known:
        return known[asked]
    found = _fitting(known, asked)
    if len(found) > 1:
        more = f" (the {SHOWN} newest are shown)" if len(found) > SHOWN else ""
        raise Ambiguous(
            f"{asked!r} fits {len(found)} matches{more}: say which by its id",
            {match.match_id: match.said for match in found[:SHOWN]},
        )
    return found[0] if found else MatchNamed(asked)


def folded(text: str) -> str:
    """The text without case, accents and repeated white space: `ATLÉTICO  Madrid` and
    `atletico madrid` are one."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in parts if not unicodedata.combining(c)).split())


def _teams(site: Site, day: Day) -> Iterable[tuple[str, str | None, str | None]]:
    """Each match and the names of its teams, once."""
    columns = ["match_id", "home_team", "away_team"]
    table = load_table(site, MERGED.name, day, columns=columns)
    paths = [columns[:1], *([side, *_NAME] for side in columns[1:])]
    names = [column_at(table, path).to_pylist() for path in paths]
    return dict.fromkeys(zip(*names, strict=True))


def _fitting(known: Mapping[str, MatchNamed], asked: str) -> list[MatchNamed]:
    """The newest first."""
    part = folded(asked)
    fitting = [m for m in known.values() if any(part in folded(name) for name in m.names)]
    return sorted(fitting, key=lambda match: [*match.days][-1], reverse=True) if part else []
