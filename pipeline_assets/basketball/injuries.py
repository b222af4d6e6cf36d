"""Who is injured, as is known on a date."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from typing import Annotated

import msgspec

from pipeline_assets.basketball.wire.fields import Int, Malformed, Reader, Unread, listed
from touchline.fetch import Envelope, FetchRef
from touchline.schedule import PATIENCE, TimesOfDay
from touchline.stage import RawAsset, Stage, Staged, Unusable

Meta = msgspec.Meta

INJURIES = "player_injuries"
"""The endpoint."""


class InjuryReason(StrEnum):
    MALFORMED = "malformed"
    DUPLICATE = "duplicate"
    """The same entry once more."""


class Injury(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the list of injuries, as is known on the date of the snapshot. Texts are as
    received."""

    snapshot_date: Annotated[str, Meta(description="in New York")]
    player_id: int
    nth: Annotated[int, Meta(description="1 for the first entry of this player")]
    first_name: str | None
    last_name: str | None
    position: str | None
    team_id: int | None
    status: Annotated[str | None, Meta(description="such as Out or Day-To-Day")]
    return_date: Annotated[str | None, Meta(description="a text, such as Jan 12")]
    description: str | None


class _Injured(msgspec.Struct, frozen=True):
    id: Int
    first_name: str | None = None
    last_name: str | None = None
    position: str | None = None
    team_id: Int | None = None


class _Told(msgspec.Struct, frozen=True):
    player: _Injured
    status: str | None = None
    return_date: str | None = None
    description: str | None = None


@dataclass(frozen=True)
class _Entry:
    told: _Told
    raw: msgspec.Raw

    @property
    def key(self) -> str:
        return str(self.told.player.id)


_told: Reader[_Told] = Reader(_Told)


def injury_keys(raw: Envelope) -> list[str]:
    """One key for each entry of all pages: the player's id, or `#PLACE` where it cannot be read.
    Never raises."""
    return [each.key for each in _entries(raw)]


def _entries(raw: Envelope) -> Iterator[_Entry | Unread]:
    for place, record in listed(raw, INJURIES):
        if isinstance(record, Unread):
            yield record
            continue
        try:
            yield _Entry(_told(record, "injury"), record)
        except Malformed as error:
            yield Unread(place, record, str(error))


def injuries_of(fetch: FetchRef, raw: Envelope) -> Staged[Injury]:
    """One record an entry; a player may have several."""
    staged = Staged[Injury]()
    before: Counter[str] = Counter()
    seen: set[_Told] = set()
    for each in _entries(raw):
        with staged.one_record(each.key, each.raw):
            if isinstance(each, Unread):
                raise Unusable(InjuryReason.MALFORMED, each.why)
            if each.told in seen:
                staged.drop(InjuryReason.DUPLICATE, each.key)
            else:
                seen.add(each.told)
                before[each.key] += 1
                staged.emit(_record(str(fetch.day), each.told, before[each.key]))
    return staged


def _record(date: str, told: _Told, nth: int) -> Injury:
    player = told.player
    return Injury(
        snapshot_date=date,
        player_id=player.id,
        nth=nth,
        first_name=player.first_name,
        last_name=player.last_name,
        position=player.position,
        team_id=player.team_id,
        status=told.status,
        return_date=told.return_date,
        description=told.description,
    )


injuries = RawAsset(
    name="basketball/injuries",
    record_keys=injury_keys,
    counts="injuries",
    doc="The list of injured players on a date, page by page, byte for byte.",
    schedule=TimesOfDay(((0, time(6, 5)),), PATIENCE),
)
stage = Stage(
    name="basketball/raw_injury",
    inputs=(injuries.name,),
    makes=Injury,
    by=injuries_of,
    key=lambda injury: f"{injury.snapshot_date}/{injury.player_id}/{injury.nth}",
    reasons=InjuryReason,
    counts="injuries",
    doc="Who is injured, how badly, and when he is expected back.",
    misread=(InjuryReason.MALFORMED,),
)
