"""The box scores of a game date, as they were fetched on it and on the morning after."""

from __future__ import annotations

from datetime import time

from pipeline_assets.basketball.content import content_of
from pipeline_assets.basketball.expected import CALENDAR, box_scores_expected
from pipeline_assets.basketball.outcomes import judged_in
from pipeline_assets.basketball.wire.fields import Unread
from touchline.fetch import Envelope
from touchline.retries import Refetch
from touchline.schedule import PATIENCE, TimesOfDay
from touchline.stage import RawAsset


def row_keys(raw: Envelope) -> list[str]:
    """One key for each player's row: `GAME/PLAYER_ID`, `GAME/#PLACE` for one that cannot be read;
    one for each game that cannot be read, or answer. Never raises."""
    keys: list[str] = []
    for each in judged_in(raw):
        keys += [each.key] if isinstance(each, Unread) else [entry.key for entry in each.entries]
    return keys


box_scores = RawAsset(
    name="basketball/box_scores",
    record_keys=row_keys,
    counts="player rows",
    doc="The games of a date and the row of each player in them, byte for byte: nothing, games "
    "that are to come, or the final figures, and corrections of them in the morning.",
    schedule=TimesOfDay(
        ((0, time(6, 5)), (0, time(9, 5)), (1, time(3, 5)), (1, time(6, 5)), (1, time(9, 5))),
        PATIENCE,
    ),
    refetch=Refetch(content_of, box_scores_expected, CALENDAR),
)
