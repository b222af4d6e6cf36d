"""The lines of a day: prices that bookmakers quoted, of which game and player, and for how long."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from pipeline_assets.basketball.line_history import History, LineReason, Seen, Shown, Starts
from pipeline_assets.basketball.line_rows import Quoted, row_key
from pipeline_assets.basketball.player_names import MatchedBy, Player, PlayerMatch, Rosters
from pipeline_assets.basketball.team_names import Calendar, Game, GameMatch, MatchState
from pipeline_assets.basketball.wire.odds import (
    EVENTS,
    Answer,
    Event,
    OddsFormat,
    Unread,
    answers_in,
    starts_in,
)
from touchline.day import utc_text
from touchline.fetch import Envelope, FetchRef
from touchline.stage import Finding, Staged

MISREAD = (LineReason.MALFORMED, LineReason.UNKNOWN_OUTCOME)


class Line(msgspec.Struct, frozen=True, gc=False):
    """Prices that a bookmaker quoted on an event, from one snapshot to another. Times are UTC."""

    event_id: str
    game_id: Annotated[str | None, Meta(description="Of the calendar's game.")]
    snapshot_at: Annotated[datetime, Meta(description="The first snapshot that has it.")]
    commence_time: Annotated[datetime, Meta(description="The event's start, as told last.")]
    start_confirmed: Annotated[bool, Meta(description="Whether two fetches tell that start.")]
    bookmaker: str
    market: str
    player_name: Annotated[str | None, Meta(description="As the book spells it.")]
    player_id: int | None
    point: Annotated[Decimal | None, Meta(description="Of a spread, the home team's.")]
    over_price: Annotated[Decimal | None, Meta(description="Also of Yes.")]
    under_price: Annotated[Decimal | None, Meta(description="Also of No.")]
    home_price: Decimal | None
    away_price: Decimal | None
    odds_format: Annotated[OddsFormat, Meta(description="The notation of the prices.")]
    last_update: Annotated[datetime | None, Meta(description="As the vendor says.")]
    position: Annotated[int, Meta(description="Among equal quotes of the book, from 1.")]
    is_alternate: Annotated[bool, Meta(description="Not the main line of market, player, book.")]
    is_live: Annotated[bool, Meta(description="First seen at or after the start.")]
    duplicate_quote: Annotated[bool, Meta(description="The book lists it more than once.")]
    match_state: MatchState
    matched_by: MatchedBy | None
    seen_until: Annotated[datetime, Meta(description="The last snapshot that has it.")]


def line_key(line: Line) -> str:
    """Return the key of a line within its day."""
    quoted = Quoted(line.bookmaker, line.market, line.player_name, line.point)
    return f"{row_key(line.event_id, quoted, line.position)}|{_utc_text(line.snapshot_at)}"


_utc_text = functools.lru_cache(maxsize=256)(utc_text)  # Of the same few snapshots of a day.


def lines_of(
    fetches: Sequence[tuple[FetchRef, Envelope]],
    endpoint: str,
    games: Iterable[Game],
    players: Iterable[Player] | None = None,
) -> Staged[Line]:
    """Return the lines in the answers of an endpoint, of all fetches of a day so far.

    What is received are rows, and parts of answers that are set aside, as `row_keys` counts them.
    `games` and `players` are in the order of being told; `players` is None where lines name none.
    """
    answers = [answers_in(raw, endpoint) for _, raw in fetches]
    starts = Starts([[*starts_in(raw, EVENTS), *starts_in(raw, endpoint)] for _, raw in fetches])
    matches = _Matches(starts, Calendar(games), None if players is None else Rosters(players))
    staged = Staged[Line]()
    for unit in History(starts).read([each for of_fetch in answers for each in of_fetch]):
        _settle(unit, matches, staged)
    staged.findings.extend(matches.findings())
    staged.findings.extend(_unread_fields(each for of_fetch in answers for each in of_fetch))
    return staged


def _settle(unit: Shown | Unread, matches: _Matches, staged: Staged[Line]) -> None:
    """Give one unit its fate."""
    if isinstance(unit, Unread):
        error = unit.error  # Not raised: it is kept with its event, and would keep this frame.
        with staged.one_record(unit.key):
            staged.quarantine(error.reason, unit.key, detail=str(error), raw=unit.raw)
        return
    key = row_key(unit.event.id, unit.row.quoted, unit.row.position)
    with staged.one_record(key):
        if isinstance(unit.fate, Seen):
            staged.emit(matches.line(unit, unit.fate))
        else:
            staged.drop(unit.fate, key)


class _Matches:
    """Makes lines of rows, and notes which names are not known."""

    def __init__(self, starts: Starts, calendar: Calendar, rosters: Rosters | None) -> None:
        self._starts = starts
        self._calendar = calendar
        self._rosters = rosters
        self._games: dict[tuple[str, str, str], GameMatch] = {}
        self._players: dict[tuple[str, str | None], PlayerMatch] = {}
        self._unknown: Counter[tuple[MatchState, str]] = Counter()

    def line(self, shown: Shown, seen: Seen) -> Line:
        event, row = shown.event, shown.row
        match = self._game(event)
        player = self._player(match, row.quoted.player)
        return Line(
            event_id=event.id,
            game_id=None if match.game is None else str(match.game.game_id),
            snapshot_at=seen.since,
            commence_time=self._starts.newest(event.id),
            start_confirmed=self._starts.is_confirmed(event.id),
            bookmaker=row.quoted.bookmaker,
            market=row.quoted.market,
            player_name=row.quoted.player,
            player_id=player.player_id,
            point=row.quoted.point,
            over_price=row.prices.over,
            under_price=row.prices.under,
            home_price=row.prices.home,
            away_price=row.prices.away,
            odds_format=seen.odds_format,
            last_update=row.last_update,
            position=row.position,
            is_alternate=row.is_alternate,
            is_live=seen.is_live,
            duplicate_quote=row.duplicate_quote,
            match_state=player.state,
            matched_by=player.matched_by,
            seen_until=seen.until,
        )

    def findings(self) -> list[Finding]:
        """Return the names of teams and players that could not be matched, and of how many lines
        each is."""
        return [
            Finding(state, name, f"{times} lines", times)
            for (state, name), times in sorted(self._unknown.items())
        ]

    def _game(self, event: Event) -> GameMatch:
        key = (event.id, event.home_team, event.away_team)
        if key not in self._games:
            starts = self._starts.newest_first(event.id)
            self._games[key] = self._calendar.game_of(event.home_team, event.away_team, starts)
        match = self._games[key]
        for name in match.unknown:
            self._unknown[match.state, name] += 1
        return match

    def _player(self, match: GameMatch, name: str | None) -> PlayerMatch:
        """Return the player; of a line that names none, or of no known game, the game's state."""
        if match.game is None or self._rosters is None:
            return PlayerMatch(match.state)
        key = (str(match.game.game_id), name)
        if key not in self._players:
            self._players[key] = self._rosters.player_of(name, match.game)
        player = self._players[key]
        if player.state in (MatchState.PLAYER_UNMATCHED, MatchState.PLAYER_AMBIGUOUS):
            self._unknown[player.state, name or ""] += 1
        return player


def _unread_fields(answers: Iterable[Answer | Unread]) -> list[Finding]:
    """Return the fields that were taken for unknown, each once."""
    times: Counter[str] = Counter()
    first: dict[str, str] = {}
    for answer in answers:
        for event in answer.events if isinstance(answer, Answer) else ():
            for found in event.unread_fields:
                times[found.field] += 1
                first.setdefault(found.field, found.detail)
    return [Finding("unread_field", name, first[name], times[name]) for name in sorted(times)]
