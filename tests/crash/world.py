"""A vendor whose matches change with every minute, so that no minute can pass for another."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tests.pipeline_assets.football.client.conftest import SmallWorld
from touchline.day import Minute

LASTS_MINUTES = 3


class RollingWorld(SmallWorld):
    """In each minute one match begins and one has ended; each live one gets an odds row."""

    def __init__(self, first: Minute, minutes: int) -> None:
        began = int(first.utc.timestamp()) // 60
        ids = (f"match-{n}" for n in range(began - LASTS_MINUTES, began + minutes))
        super().__init__(dict.fromkeys(ids, 2), teams_named=False)

    def live(self, at: int) -> Sequence[str]:
        return [f"match-{at // 60 - back}" for back in range(LASTS_MINUTES)]

    def odds(self, match_id: str, at: int) -> bytes:
        began = int(match_id.removeprefix("match-"))
        rows = [
            [minute * 60, "", 0.9, 0.5, 0.9, 1, 0, "0-0"]
            for minute in range(at // 60, began - 1, -1)
        ]
        return msgspec.json.encode({"2": {"asia": rows}})


def live_in(minute: Minute) -> list[str]:
    """The ids of the matches that are live in this minute, each the minute that it began in."""
    return [f"match-{minute_of_epoch(minute) - back}" for back in range(LASTS_MINUTES)]


def odds_rows_in(minute: Minute, since: Minute | None) -> list[str]:
    """The match of each odds row that this minute shows and the one before it did not."""
    shown = minute_of_epoch(since) if since else 0
    return [
        match
        for match in live_in(minute)
        for made in range(int(match.removeprefix("match-")), minute_of_epoch(minute) + 1)
        if made > shown
    ]


def minute_of_epoch(minute: Minute) -> int:
    return int(minute.utc.timestamp()) // 60
