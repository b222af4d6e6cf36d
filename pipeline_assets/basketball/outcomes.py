"""What a box score is at the time it was fetched: nothing yet, a roster, or the final figures.

The same call brings nothing, games that are to come, a roster without minutes or the final figures,
each of them valid JSON with status 200. A game is judged by its content alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

import msgspec

from pipeline_assets.basketball.wire.fields import Malformed, Unread
from pipeline_assets.basketball.wire.games import Game, Side, box_scores_of
from pipeline_assets.basketball.wire.player_rows import Row, read_row
from touchline.fetch import Envelope
from touchline.stage import Finding

PERIODS_WITH_COLUMN = 7
"""Four quarters and three overtimes: the points of further overtimes have no column."""


class GameState(StrEnum):
    """What a fetch says of a game."""

    NOT_YET = "not_yet"
    """It has not begun, or is being played."""
    UNKNOWN_STATE = "unknown_state"
    """Not final, and its period is not told: null is "not known" and never "started"."""
    PLACEHOLDER_ONLY = "placeholder_only"
    """Nobody who is listed has minutes or any statistic."""
    FINAL = "final"
    DEGRADED = "degraded"
    """Final, and something does not add up: its rows are loaded, and it is asked for again."""

    @property
    def is_loaded(self) -> bool:
        return self in (GameState.FINAL, GameState.DEGRADED)


class Broken(StrEnum):
    """Why a final game is degraded."""

    TEAM_POINTS = "team_points_differ"
    """The points of a team's players are not its score."""
    QUARTER_POINTS = "quarter_points_differ"
    """The points of quarters and overtimes are not the score."""
    ROW_POINTS = "row_points_differ"
    """2 * fgm + fg3m + ftm is not pts, in a player's row."""
    ROW_REBOUNDS = "row_rebounds_differ"
    """oreb + dreb is not reb, in a player's row."""
    TEAM_WITHOUT_MINUTES = "team_without_minutes"
    MINUTES_MISSING = "minutes_missing"
    """Nobody has minutes, and there are statistics."""


class BoxReason(StrEnum):
    """Why a row of a game, or a game, is dropped or set aside."""

    MALFORMED = "malformed"
    STAT_WITHOUT_MINUTES = "stat_without_minutes"
    IN_BOTH_TEAMS = "in_both_teams"
    LISTED_TWICE = "listed_twice"
    """Twice in one team, with other figures."""
    DUPLICATE = "duplicate"
    """The same row once more."""
    SUPERSEDED = "superseded"
    """A later fetch has the game."""
    SHRINKING = "shrinking"
    """Fewer players played than an earlier fetch has: it never overwrites a fuller one."""
    NOT_YET = "not_yet"
    UNKNOWN_STATE = "unknown_state"
    PLACEHOLDER_ONLY = "placeholder_only"
    DEGRADED = "degraded"
    """It does not add up, and an earlier fetch does."""


class DateOutcome(StrEnum):
    """What the answer for a date is, of all its games."""

    EMPTY = "empty"
    NOT_YET = "not_yet"
    PLACEHOLDER_ONLY = "placeholder_only"
    FINAL = "final"
    PARTIAL = "partial"
    """Some games are final: those are loaded, and the date is asked for again."""


class Fault(NamedTuple):
    """Why a row is not emitted, whichever fetch counts."""

    reason: BoxReason
    detail: str


@dataclass(frozen=True)
class Entry:
    """A row of a game. `key` is `GAME/PLAYER_ID`, or `GAME/#PLACE` where it cannot be read."""

    key: str
    raw: msgspec.Raw
    is_home: bool
    row: Row | None
    fault: Fault | None = None


class Break(NamedTuple):
    """One thing that does not add up: in which game or row, and how."""

    reason: Broken
    key: str
    detail: str


@dataclass(frozen=True)
class Judged:
    """A game of one fetch, its state and its rows, those of the home team first."""

    game: Game
    state: GameState
    entries: Sequence[Entry]
    breaks: Sequence[Break] = ()

    @property
    def reasons(self) -> list[Broken]:
        """Why it is degraded, each reason once."""
        return list(dict.fromkeys(each.reason for each in self.breaks))

    @cached_property
    def rows(self) -> Sequence[tuple[Entry, Row]]:
        """The rows that can be emitted."""
        return rows_of(self.entries)

    def played(self, row: Row) -> bool:
        """Whether the player played: by minutes, or by statistics where nobody has minutes."""
        if Broken.MINUTES_MISSING in self.reasons:
            return row.has_statistics
        return bool(row.minutes)

    @cached_property
    def played_rows(self) -> int:
        return sum(self.played(row) for _, row in self.rows)

    def listed(self, *, is_home: bool) -> int:
        return sum(each.is_home is is_home for each in self.entries)

    def with_minutes(self, *, is_home: bool) -> int:
        return sum(each.is_home is is_home and bool(row.minutes) for each, row in self.rows)


def judge(game: Game) -> Judged:
    """Return what a fetch says of a game."""
    entries = _told_once(list(_entries(game)))
    rows = [each.row for each in entries if each.row]
    has_minutes = any(row.minutes for row in rows)
    has_statistics = any(row.has_statistics for row in rows)
    if not game.is_final:
        return Judged(game, _before_the_end(game, rows, has_minutes or has_statistics), entries)
    if not has_minutes and not has_statistics:
        return Judged(game, GameState.PLACEHOLDER_ONLY, entries)
    if has_minutes:
        entries = [_with_minutes(each) for each in entries]
    breaks = [*_of_teams(game, entries, has_minutes), *_of_rows(rows_of(entries))]
    if not has_minutes:
        breaks.append(Break(Broken.MINUTES_MISSING, game.key, "all minutes are zero"))
    state = GameState.DEGRADED if breaks else GameState.FINAL
    return Judged(game, state, entries, breaks)


def _entries(game: Game) -> Iterator[Entry]:
    place = 0
    for side in game.sides:
        for raw in side.players:
            place += 1
            is_home = side is game.home
            try:
                row = read_row(raw)
            except Malformed as error:
                fault = Fault(BoxReason.MALFORMED, str(error))
                yield Entry(f"{game.key}/#{place}", raw, is_home, None, fault)
            else:
                yield Entry(f"{game.key}/{row.player.id}", raw, is_home, row)


def _told_once(entries: Sequence[Entry]) -> list[Entry]:
    """Find the players that are listed more than once."""
    alike: dict[str, list[Entry]] = {}
    for each in entries:
        alike.setdefault(each.key, []).append(each)
    told: list[Entry] = []
    first: set[str] = set()
    for each in entries:
        others = alike[each.key]
        if len({other.is_home for other in others}) > 1:
            fault = Fault(BoxReason.IN_BOTH_TEAMS, f"player.id: {each.key} is in both teams")
        elif any(other.row != each.row for other in others):
            fault = Fault(BoxReason.LISTED_TWICE, f"player.id: {each.key} has two rows that differ")
        elif each.key in first:
            fault = Fault(BoxReason.DUPLICATE, f"player.id: {each.key} is listed twice")
        else:
            fault = each.fault
        first.add(each.key)
        told.append(replace(each, fault=fault))
    return told


def _with_minutes(entry: Entry) -> Entry:
    row = entry.row
    if entry.fault or row is None or row.minutes or not row.has_statistics:
        return entry
    detail = f"player row.min: {row.min!r}, and there are statistics"
    return replace(entry, fault=Fault(BoxReason.STAT_WITHOUT_MINUTES, detail))


def _before_the_end(game: Game, rows: Sequence[Row], has_figures: bool) -> GameState:
    if game.period is None:
        return GameState.UNKNOWN_STATE
    if game.period == 0 and rows and not has_figures:
        return GameState.PLACEHOLDER_ONLY
    return GameState.NOT_YET


def rows_of(entries: Iterable[Entry]) -> list[tuple[Entry, Row]]:
    """The rows that can be emitted."""
    return [(each, each.row) for each in entries if each.row and not each.fault]


def _of_teams(game: Game, entries: Sequence[Entry], has_minutes: bool) -> Iterator[Break]:
    """The identities of the teams of a final game, over the rows that can be emitted: what is set
    aside is missing from their sum."""
    for name, side in (("home", game.home), ("visitor", game.visitor)):
        rows = [row for each, row in rows_of(entries) if each.is_home is (side is game.home)]
        points = sum(row.pts or 0 for row in rows)
        if points != side.score:
            detail = f"{name} team: players have {points} points, the score is {side.score}"
            yield Break(Broken.TEAM_POINTS, game.key, detail)
        if (quarters := _quarters_differ(game, side)) is not None:
            detail = f"{name} team: quarters have {quarters} points, the score is {side.score}"
            yield Break(Broken.QUARTER_POINTS, game.key, detail)
        if has_minutes and not any(row.minutes for row in rows):
            yield Break(Broken.TEAM_WITHOUT_MINUTES, game.key, f"{name} team")


def _quarters_differ(game: Game, side: Side) -> int | None:
    """Return the sum of quarters and overtimes where it cannot be that of the score."""
    if side.quarters is None or side.score is None or None in side.quarters:
        return None
    points = sum(each or 0 for each in (*side.quarters, *(side.overtimes or ())))
    if (game.period or 0) > PERIODS_WITH_COLUMN:
        return points if points > side.score else None
    return points if points != side.score else None


def _of_rows(rows: Iterable[tuple[Entry, Row]]) -> Iterator[Break]:
    """The identities of each row of who played. There null is no zero."""
    for each, row in rows:
        if not row.minutes and not row.has_statistics:
            continue
        if row.points != row.pts or row.pts is None:
            detail = f"fgm {row.fgm}, fg3m {row.fg3m}, ftm {row.ftm}, pts {row.pts}"
            yield Break(Broken.ROW_POINTS, each.key, detail)
        if row.rebounds != row.reb or row.reb is None:
            detail = f"oreb {row.oreb}, dreb {row.dreb}, reb {row.reb}"
            yield Break(Broken.ROW_REBOUNDS, each.key, detail)


def outcome_of(states: Iterable[GameState], unread: int = 0) -> DateOutcome:
    """Return what the answer for a date is, from the states of its games and how many of them
    cannot be read."""
    found = Counter(states)
    games = sum(found.values()) + unread
    if not games:
        return DateOutcome.EMPTY
    if found[GameState.FINAL] == games:
        return DateOutcome.FINAL
    if any(state.is_loaded for state in found):
        return DateOutcome.PARTIAL
    return (
        DateOutcome.PLACEHOLDER_ONLY if found[GameState.PLACEHOLDER_ONLY] else DateOutcome.NOT_YET
    )


@dataclass(frozen=True)
class Coverage:
    """How many rows a game that is over has at least.

    Of 21 games on two dates 33 to 37 players were listed and 18 to 26 had minutes, by team 16 to 19
    and 9 to 14. A gate of 20 players with minutes would have failed three of the ten complete games
    of 2026-01-09, which had 19: the limits lie below what was measured.
    """

    listed_ok: int = 26
    listed_at_least: int = 20
    """From here to `listed_ok` it is a warning, and below it is bad."""
    with_minutes: int = 16
    with_minutes_by_team: int = 8


COVERAGE = Coverage()


class Seen(StrEnum):
    """Kinds of findings about games that are over."""

    FEW_LISTED = "few_listed"
    """A warning."""
    TOO_FEW_LISTED = "too_few_listed"
    TOO_FEW_WITH_MINUTES = "too_few_with_minutes"


def coverage_of(judged: Judged, limits: Coverage = COVERAGE) -> list[Finding]:
    """Return where a game that is over has fewer rows than games have."""
    if not judged.state.is_loaded:
        return []
    found: list[Finding] = []
    key, listed = judged.game.key, len(judged.entries)
    if listed < limits.listed_ok:
        kind = Seen.FEW_LISTED if listed >= limits.listed_at_least else Seen.TOO_FEW_LISTED
        found.append(Finding(kind, key, f"{listed} players are listed"))
    home, visitor = judged.with_minutes(is_home=True), judged.with_minutes(is_home=False)
    if home + visitor < limits.with_minutes or min(home, visitor) < limits.with_minutes_by_team:
        detail = f"{home} players of the home team have minutes, {visitor} of the visitor's"
        found.append(Finding(Seen.TOO_FEW_WITH_MINUTES, key, detail))
    return found


def judged_in(raw: Envelope) -> list[Judged | Unread]:
    """Return the games of a fetch of box scores, in its order. Never raises."""
    return [each if isinstance(each, Unread) else judge(each) for each in box_scores_of(raw)]
