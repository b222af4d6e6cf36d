"""The active players of the league and their teams, as is known on a date."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from typing import Annotated

import msgspec

from pipeline_assets.basketball.wire.fields import (
    Malformed,
    Player,
    Reader,
    Team,
    Unread,
    listed,
)
from touchline.fetch import Envelope, FetchRef
from touchline.schedule import PATIENCE, TimesOfDay
from touchline.stage import Finding, RawAsset, Stage, Staged, Unusable

Meta = msgspec.Meta

ACTIVE = "players/active"
"""The endpoint."""
ROSTER_SIZE = range(500, 701)
"""How many active players are plausible: 523 were measured."""
ODD_SIZE = "roster_size"
"""The kind of finding of a snapshot that has more or fewer."""


class RosterReason(StrEnum):
    MALFORMED = "malformed"
    IN_TWO_TEAMS = "in_two_teams"
    """Listed more than once, with other teams: nobody can tell which."""
    DUPLICATE = "duplicate"
    """Listed before, with the same team."""


class RosterPlayer(msgspec.Struct, frozen=True, kw_only=True):
    """An active player, as is known on the date of the snapshot. Texts are as received."""

    snapshot_date: Annotated[str, Meta(description="in New York")]
    player_id: int
    first_name: str | None
    last_name: str | None
    position: Annotated[str | None, Meta(description="such as G or F-C, may be empty")]
    jersey: Annotated[str | None, Meta(description="0 and 00 are two numbers")]
    team_id: int | None
    team_name: Annotated[str | None, Meta(description="full name, such as LA Clippers")]
    team_abbreviation: str | None


class _Team(msgspec.Struct, frozen=True):
    team: Team | None = None


@dataclass(frozen=True)
class _Active:
    player: Player
    team: Team | None
    raw: msgspec.Raw

    @property
    def key(self) -> str:
        return str(self.player.id)

    @property
    def team_id(self) -> int | None:
        return self.team and self.team.id


_player: Reader[Player] = Reader(Player)
_team: Reader[_Team] = Reader(_Team)


def player_keys(raw: Envelope) -> list[str]:
    """One key for each player of all pages: the id, or `#PLACE` where it cannot be read. Never
    raises."""
    return [each.key for each in _active(raw)]


def _active(raw: Envelope) -> Iterator[_Active | Unread]:
    for place, record in listed(raw, ACTIVE):
        if isinstance(record, Unread):
            yield record
            continue
        try:
            yield _Active(_player(record, "player"), _team(record, "player").team, record)
        except Malformed as error:
            yield Unread(place, record, str(error))


def roster(fetch: FetchRef, raw: Envelope) -> Staged[RosterPlayer]:
    """One record an active player. One who is listed in two teams is set aside."""
    staged = Staged[RosterPlayer]()
    found = list(_active(raw))
    teams: dict[str, set[int | None]] = {}
    for each in found:
        if isinstance(each, _Active):
            teams.setdefault(each.key, set()).add(each.team_id)
    seen: set[str] = set()
    for each in found:
        with staged.one_record(each.key, each.raw):
            if isinstance(each, Unread):
                raise Unusable(RosterReason.MALFORMED, each.why)
            if len(teams[each.key]) > 1:
                raise Unusable(RosterReason.IN_TWO_TEAMS, f"player.team.id: {teams[each.key]}")
            if each.key in seen:
                staged.drop(RosterReason.DUPLICATE, each.key)
            else:
                staged.emit(_record(str(fetch.day), each))
                seen.add(each.key)
    staged.findings += _size(staged.records)
    return staged


def _size(players: Sequence[RosterPlayer]) -> list[Finding]:
    if len(players) in ROSTER_SIZE:
        return []
    least, most = ROSTER_SIZE[0], ROSTER_SIZE[-1]
    return [Finding(ODD_SIZE, None, f"{len(players)} active players, not {least} to {most}")]


def _record(date: str, active: _Active) -> RosterPlayer:
    player, team = active.player, active.team
    return RosterPlayer(
        snapshot_date=date,
        player_id=player.id,
        first_name=player.first_name,
        last_name=player.last_name,
        position=player.position,
        jersey=player.jersey,
        team_id=active.team_id,
        team_name=team and team.full_name,
        team_abbreviation=team and team.abbreviation,
    )


rosters = RawAsset(
    name="basketball/rosters",
    record_keys=player_keys,
    counts="players",
    doc="The active players of the league on a date, page by page, byte for byte.",
    schedule=TimesOfDay(((0, time(6, 5)),), PATIENCE),
)
stage = Stage(
    name="basketball/raw_roster",
    inputs=(rosters.name,),
    makes=RosterPlayer,
    by=roster,
    key=lambda player: f"{player.snapshot_date}/{player.player_id}",
    reasons=RosterReason,
    counts="players",
    doc="The active players of the league and their teams.",
    misread=(RosterReason.MALFORMED,),
)
