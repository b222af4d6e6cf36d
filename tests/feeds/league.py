"""A feed of a league: results of a day's games, which go on changing for two days, and the lines on
them. Two raw assets at times of day of their own, a stage of each.

It is no real league's: the same frame carries it as carries football.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from touchline.accounting import sha256_hex
from touchline.day import Day
from touchline.fetch import Call, Envelope, FetchRef, write_envelope
from touchline.plan import FeedPlan
from touchline.retries import Content, Refetch
from touchline.schedule import PATIENCE as MINUTES
from touchline.schedule import TimesOfDay
from touchline.slot import Slot
from touchline.stage import ALERT, KIND, RawAsset, Span, Stage, Staged
from touchline.zeros import Expected

FEED = "league"


DAYS_OF_FORM = 3


class Reason(StrEnum):
    NOT_FINAL = "not_final"
    SUPERSEDED = "superseded"
    """A later fetch has the game too."""


class Result(msgspec.Struct, frozen=True):
    """A game that is over."""

    game_id: str
    team: str
    home: int
    away: int


class Form(msgspec.Struct, frozen=True):
    """How many points a team made at home on the days before, on the average."""

    team: str
    games: int
    points: float


class Line(msgspec.Struct, frozen=True):
    """The price of a home win at a bookmaker."""

    game_id: str
    price: float


def games(raw: Envelope) -> list[dict[str, Any]]:
    """The games that a fetch brought."""
    [entry] = raw.entries("games")
    return msgspec.json.decode(raw.stored(entry))


def game_keys(raw: Envelope) -> list[str]:
    return [game["id"] for game in games(raw)]


def results(fetch: FetchRef, raw: Envelope) -> Staged[Result]:
    """The games that are final."""
    staged = Staged[Result]()
    for game in games(raw):
        with staged.one_record(game["id"], game):
            if game["final"]:
                staged.emit(Result(game["id"], game["team"], game["home"], game["away"]))
            else:
                staged.drop(Reason.NOT_FINAL, game["id"])
    return staged


def finals(fetch: FetchRef, so_far: Sequence[tuple[FetchRef, list[Result]]]) -> Staged[Result]:
    """Each game of the day as the newest fetch has it."""
    staged, newest = Staged[Result](), {}
    for at, (_, found) in enumerate(so_far):
        newest |= {result.game_id: at for result in found}
    for at, (_, found) in enumerate(so_far):
        for result in found:
            with staged.one_record(result.game_id, result):
                if newest[result.game_id] == at:
                    staged.emit(result)
                else:
                    staged.drop(Reason.SUPERSEDED, result.game_id)
    return staged


def form(day: Day, earlier: Callable[[str, Day], Sequence[Result] | None]) -> Staged[Form]:
    """Return the average points of each team at home over the days before."""
    points: dict[str, list[int]] = {}
    for back in range(DAYS_OF_FORM, 0, -1):
        for result in earlier(FINALS.name, day.shifted(-back)) or ():
            points.setdefault(result.team, []).append(result.home)
    staged = Staged[Form]()
    staged.emit_many(
        [Form(team, len(made), sum(made) / len(made)) for team, made in sorted(points.items())]
    )
    return staged


def lines(fetch: FetchRef, raw: Envelope) -> Staged[Line]:
    staged = Staged[Line]()
    for game in games(raw):
        with staged.one_record(game["id"], game):
            staged.emit(Line(game["id"], game["price"]))
    return staged


def final_games(raw: Envelope) -> Content:
    """Return the games that are over and how they ended: a change of nothing else counts."""
    final = [game for game in games(raw) if game["final"]]
    return Content(sha256_hex(msgspec.json.encode(final)), len(final))


def games_end(day: Day, now: datetime) -> tuple[Expected, datetime]:
    """No game is over before 21:00."""
    first = day.start + timedelta(hours=21)
    return (Expected.SOME if now >= first else Expected.NOT_YET), first


box_scores = RawAsset(
    name=f"{FEED}/box_scores",
    record_keys=game_keys,
    counts="games",
    doc="The games of a date, as the league tells them.",
    # On the mornings after: games end late, and are corrected.
    schedule=TimesOfDay(((1, time(3, 5)), (1, time(9, 5)), (2, time(9, 5))), MINUTES),
    refetch=Refetch(final_games, games_end),
)
game_lines = RawAsset(
    name=f"{FEED}/game_lines",
    record_keys=game_keys,
    counts="games",
    doc="The lines on the games of a date.",
    schedule=TimesOfDay(((0, time(9, 5)), (0, time(18, 0))), MINUTES),
)
RESULTS = Stage(
    name=f"{FEED}/results",
    inputs=(box_scores.name,),
    makes=Result,
    by=results,
    key=lambda result: result.game_id,
    reasons=Reason,
    counts="results",
    doc="Games that are over.",
)
FINALS = Stage(
    name=f"{FEED}/finals",
    inputs=(RESULTS.name,),
    makes=Result,
    by=finals,
    key=lambda result: result.game_id,
    reasons=Reason,
    counts="results",
    doc="The games of a date that are over, each once.",
    span=Span.DAY,
)
FORM = Stage(
    name=f"{FEED}/form",
    inputs=(FINALS.name,),
    makes=Form,
    by=form,
    key=lambda team: team.team,
    reasons=Reason,
    counts="teams",
    doc="What teams made at home on the three days before a date.",
    span=Span.AS_OF,
    receives_each=False,
)
LINES = Stage(
    name=f"{FEED}/lines",
    inputs=(game_lines.name,),
    makes=Line,
    by=lines,
    key=lambda line: line.game_id,
    reasons=Reason,
    counts="lines",
    doc="Prices of home wins.",
)


class Rout(msgspec.Struct, frozen=True):
    """An alert: the guests are beaten by ten points or more, and nobody expected it."""

    rule_id: str
    game_id: str
    message: str


class NoRout(StrEnum):
    EXPECTED = "expected"


def routs(fetch: FetchRef, found: Sequence[Result]) -> Staged[Rout]:
    staged = Staged[Rout]()
    for result in found:
        with staged.one_record(result.game_id, result):
            if result.team == "team 0":
                staged.drop(NoRout.EXPECTED, result.game_id)
            else:
                said = f"{result.team} wins {result.home}:{result.away}"
                staged.emit(Rout("rout", result.game_id, said))
    return staged


ROUTS = Stage(
    name=f"{FEED}/routs",
    inputs=(RESULTS.name,),
    makes=Rout,
    by=routs,
    key=lambda rout: rout.game_id,
    reasons=NoRout,
    counts="results",
    doc="Games that a team wins unexpectedly; no part of the feed, unless a test adds it.",
    tags={KIND: ALERT},
)


@dataclass(frozen=True)
class Fetched:
    envelope: bytes


@dataclass
class League:
    """A client that gives the same answer whenever a slot is asked for."""

    asked: list[Slot] = field(default_factory=list)
    corrections: dict[str, int] = field(default_factory=dict)
    """What the league says since of the points of a game, by its id."""

    def fetch(
        self, slot: Slot, *, previous: Envelope | None = None, ask: Sequence[str] = ()
    ) -> Fetched:
        self.asked.append(slot)
        nth = sum(each == slot for each in self.asked)
        ref = FetchRef.of(slot, f"n{slot.number:08d}nth{nth:02d}")
        call = Call("games", {"date": str(slot.day)}, msgspec.json.encode(self._games(slot)), 200)
        sections: Mapping[str, Any] = {"RAW_API_DATA": {"games": call}}
        return Fetched(write_envelope(ref, sections, {"outcome": "complete"}, start_line=""))

    def _games(self, slot: Slot) -> list[dict[str, Any]]:
        morning = slot.number > 1440 + 300
        return [
            {
                "id": f"{slot.day}-{nth}",
                "team": f"team {nth}",
                "final": nth < 2 or morning,
                "home": self.corrections.get(f"{slot.day}-{nth}", 100 + nth),
                "away": 90 + nth,
                "price": 1.5 + nth / 4,
            }
            for nth in range(3)
        ]

    def probe(self) -> Call:
        return Call("games", {}, b"[]", 200)


def league(client: League) -> FeedPlan:
    """The feed, with who answers it."""
    return FeedPlan(
        raws=(box_scores, game_lines),
        stages=(RESULTS, FINALS, FORM, LINES),
        client=lambda *_: client,
        subject="game_id",
    )
