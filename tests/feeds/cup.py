"""A feed of a cup: its fixtures, and scores that are fetched when these say that games end.

It is no real cup's. Games that are postponed move to another date before they begin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from tests.feeds.league import MINUTES, Fetched, game_keys, games
from touchline.accounting import sha256_hex
from touchline.day import Day
from touchline.fetch import Call, Envelope, FetchRef, write_envelope
from touchline.plan import FeedPlan
from touchline.retries import Content, Refetch
from touchline.schedule import Planned, TimesOfDay
from touchline.slot import Slot
from touchline.stage import RawAsset, Span, Stage, Staged
from touchline.zeros import Expected

FEED = "cup"
GAME_LASTS = timedelta(hours=2, minutes=30)
LOOKED_AT_AGAIN = timedelta(hours=9)
"""So long after a game's end its score is fetched once more: it may have been corrected."""


class Reason(StrEnum):
    SUPERSEDED = "superseded"
    """A later fetch has the game too."""


class Fixture(msgspec.Struct, frozen=True):
    game_id: str
    start: datetime


class Score(msgspec.Struct, frozen=True):
    game_id: str
    home: int


class Row(msgspec.Struct, frozen=True):
    game_id: str
    start: datetime | None
    home: int


def fixtures_of(fetch: FetchRef, raw: Envelope) -> Staged[Fixture]:
    staged = Staged[Fixture]()
    for game in games(raw):
        with staged.one_record(game["id"], game):
            staged.emit(Fixture(game["id"], datetime.fromisoformat(game["start"])))
    return staged


def scores_of(fetch: FetchRef, raw: Envelope) -> Staged[Score]:
    staged = Staged[Score]()
    for game in games(raw):
        with staged.one_record(game["id"], game):
            staged.emit(Score(game["id"], game["home"]))
    return staged


def when_games_end(fixtures: Sequence[Fixture]) -> Mapping[Day, Iterable[datetime]]:
    """Return when the scores of each date are fetched: at the end of each game, and later on."""
    times: dict[Day, list[datetime]] = {}
    for fixture in fixtures:
        end = fixture.start + GAME_LASTS
        times.setdefault(Day.containing(fixture.start), []).extend([end, end + LOOKED_AT_AGAIN])
    return times


def content_of(raw: Envelope) -> Content:
    return Content(sha256_hex(msgspec.json.encode(games(raw))), len(games(raw)))


def any_time(day: Day, now: datetime) -> tuple[Expected, datetime | None]:
    return Expected.SOME, None


def table_of(
    fetch: FetchRef,
    scores: Sequence[tuple[FetchRef, list[Score]]],
    fixtures: Sequence[tuple[FetchRef, list[Fixture]]],
) -> Staged[Row]:
    """The newest score of each game of the day, beside when it was to begin."""
    staged = Staged[Row]()
    starts = {each.game_id: each.start for _, told in fixtures for each in told}
    newest = {each.game_id: at for at, (_, told) in enumerate(scores) for each in told}
    for at, (_, told) in enumerate(scores):
        for score in told:
            with staged.one_record(score.game_id, score):
                if newest[score.game_id] == at:
                    staged.emit(Row(score.game_id, starts.get(score.game_id), score.home))
                else:
                    staged.drop(Reason.SUPERSEDED, score.game_id)
    return staged


fixtures = RawAsset(
    name=f"{FEED}/fixtures",
    record_keys=game_keys,
    counts="games",
    doc="Every game of the season, as is known now.",
    schedule=TimesOfDay(((0, time(5, 0)), (0, time(17, 0))), MINUTES),
)
FIXTURES = Stage(
    name=f"{FEED}/calendar",
    inputs=(fixtures.name,),
    makes=Fixture,
    by=fixtures_of,
    key=lambda fixture: fixture.game_id,
    reasons=Reason,
    counts="games",
    doc="When each game begins.",
)
scores = RawAsset(
    name=f"{FEED}/scores",
    record_keys=game_keys,
    counts="games",
    doc="The games of a date and their scores.",
    schedule=Planned(FIXTURES.name, when_games_end, days_after=1, patience=MINUTES),
    refetch=Refetch(content_of, any_time),
)
SCORES = Stage(
    name=f"{FEED}/results",
    inputs=(scores.name,),
    makes=Score,
    by=scores_of,
    key=lambda score: score.game_id,
    reasons=Reason,
    counts="scores",
    doc="Scores of games.",
)


TABLE = Stage(
    name=f"{FEED}/table",
    inputs=(SCORES.name, FIXTURES.name),
    makes=Row,
    by=table_of,
    key=lambda row: row.game_id,
    reasons=Reason,
    counts="games",
    doc="The games of a date, each once, with scores and when they were to begin.",
    span=Span.DAY,
)


@dataclass
class Cup:
    """A client that tells fixtures as they are now, and scores of a date's games."""

    starts: dict[str, datetime]
    """When each game begins, by its id: changed as games are postponed."""
    asked: list[Slot] = field(default_factory=list)
    outcome: str = "complete"
    odd: str | None = None
    """The id of a game that is told without its beginning."""

    def fetch(
        self, slot: Slot, *, previous: Envelope | None = None, ask: Sequence[str] = ()
    ) -> Fetched:
        self.asked.append(slot)
        ref = FetchRef.of(slot, f"n{slot.number:08d}")
        told = [
            {"id": game, "start": start.isoformat(), "home": slot.number}
            for game, start in self.starts.items()
            if slot.raw == fixtures.name or Day.containing(start) == slot.day
        ]
        if self.odd:
            told.append({"id": self.odd, "start": "soon", "home": 0})
        call = Call("games", {"date": str(slot.day)}, msgspec.json.encode(told), 200)
        sections: Mapping[str, Any] = {"RAW_API_DATA": {"games": call}}
        return Fetched(write_envelope(ref, sections, {"outcome": self.outcome}, start_line=""))

    def probe(self) -> Call:
        return Call("games", {}, b"[]", 200)


def cup(client: Cup) -> FeedPlan:
    return FeedPlan(
        raws=(fixtures, scores),
        stages=(FIXTURES, SCORES, TABLE),
        client=lambda *_: client,
        subject="game_id",
    )
