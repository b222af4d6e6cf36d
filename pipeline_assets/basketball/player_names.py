"""Which player a bookmaker's spelling of a name is, within the two rosters of a game.

Books write one man in two ways in one event, with and without accents, Jr. or the whole first name
(4 of 46 recorded spellings of 2024-02-23). Both sides are folded: box scores mix accents too.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from pipeline_assets.basketball.team_names import Game, MatchState


class MatchedBy(StrEnum):
    """What of a player's name was compared."""

    NAME = "name"
    INITIAL = "initial"
    """The surname and the first letter of the first name."""


class Player(Protocol):
    """A player of a roster."""

    @property
    def player_id(self) -> Any: ...
    @property
    def first_name(self) -> str | None: ...
    @property
    def last_name(self) -> str | None: ...
    @property
    def team_id(self) -> Any: ...


class PlayerMatch(NamedTuple):
    """The id of a player; both are None where the state is not `matched`."""

    state: MatchState
    player_id: Any = None
    matched_by: MatchedBy | None = None


class Folded(NamedTuple):
    """A player and the words of the name, folded."""

    player_id: Any
    initial: str
    surname: tuple[str, ...]
    name: tuple[str, ...]


SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "v"})
_NO_ACCENT = str.maketrans({"đ": "d", "ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "\u0131": "i"})
"""Letters that Unicode does not take apart into a letter and an accent."""
_BLANK = re.compile(r"[\W_]+")


@functools.lru_cache(maxsize=4096)
def folded(name: str) -> tuple[str, ...]:
    """Return the words of a name without accents, case, punctuation and suffixes at its end.

    Punctuation counts as a blank: `P.J.` is two words. A suffix is no name by itself.
    """
    apart = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(each for each in apart if not unicodedata.combining(each))
    words = _BLANK.sub(" ", letters.translate(_NO_ACCENT)).split()
    while len(words) > 1 and words[-1] in SUFFIXES:
        words.pop()
    return tuple(words)


class Rosters:
    """Players by team, of each the newest record: `players` are in the order of being told."""

    def __init__(self, players: Iterable[Player]) -> None:
        newest = {player.player_id: player for player in players}
        self._teams: dict[Any, list[Folded]] = {}
        for player in newest.values():
            self._teams.setdefault(player.team_id, []).append(_fold(player))

    def player_of(self, name: str | None, game: Game) -> PlayerMatch:
        """Return the player of that name in either team of the game: by the whole name, else by
        surname and initial."""
        home, away = (self._teams.get(team) for team in (game.home_id, game.away_id))
        if not home or not away:
            return PlayerMatch(MatchState.ROSTER_MISSING)
        words = folded(name or "")
        if not words:
            return PlayerMatch(MatchState.PLAYER_UNMATCHED)
        players = (*home, *away)
        if named := [player for player in players if player.name == words]:
            return _only(named, MatchedBy.NAME)
        return _only([player for player in players if _is_short(words, player)], MatchedBy.INITIAL)


def _fold(player: Player) -> Folded:
    told = player.first_name or "", player.last_name or ""
    first, last = map(folded, told)
    whole = folded(" ".join(told))
    return Folded(player.player_id, first[0][:1] if first else "", last, whole)


def _is_short(words: tuple[str, ...], player: Folded) -> bool:
    """Return whether a name ends with the player's surname and begins with the initial."""
    before = len(words) - len(player.surname)
    if not player.surname or not player.initial or before < 1:
        return False
    return words[before:] == player.surname and words[0].startswith(player.initial)


def _only(found: list[Folded], by: MatchedBy) -> PlayerMatch:
    if len(found) == 1:
        return PlayerMatch(MatchState.MATCHED, found[0].player_id, by)
    return PlayerMatch(MatchState.PLAYER_AMBIGUOUS if found else MatchState.PLAYER_UNMATCHED)
