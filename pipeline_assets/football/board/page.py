"""The board as HTML: a page, and what has changed since an earlier state of it.

Every row carries the version of the board in which it last changed. What a viewer needs follows
from the version that it has and from nothing else, so that no viewer costs a queue, and one that
was away gets what it missed.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline_assets.football.board.lines import HIGH, WIDE, Market
from pipeline_assets.football.board.match import ShownMatch
from pipeline_assets.football.board.reader import Seen
from pipeline_assets.football.prices import percent
from pipeline_assets.football.wire.codes import status_name
from pipeline_assets.pages import templates
from pipeline_assets.subject_names import folded
from touchline.fetch import FetchRef
from touchline.notices import lasted

WARNING_SECONDS = 120
"""From this age on the data are late: a minute has not come."""
BAD_SECONDS = 240
SILENT_SECONDS = 15
"""A page that has heard nothing for so long says that the board is gone."""
IN_PLAY = "in_play"


class Freshness(StrEnum):
    UNKNOWN = "unknown"
    FRESH = "fresh"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True)
class Filter:
    """Which matches a viewer wants: those in play or of one status id, of one league, and with
    every word of a search in their teams, league or id; empty is all."""

    status: str = ""
    league: str = ""
    search: str = ""

    @cached_property
    def _words(self) -> list[str]:
        return folded(self.search).split()

    def takes(self, match: ShownMatch) -> bool:
        if self.league and match.league_id != self.league:
            return False
        if self._words:
            text = folded(f"{match.home} {match.away} {match.league} {match.match_id}")
            if not all(word in text for word in self._words):
                return False
        if self.status == IN_PLAY:
            return match.is_in_play
        return not self.status or str(match.status_id) == self.status


@dataclass(frozen=True)
class Row:
    match: ShownMatch
    html: str
    version: int


@dataclass(frozen=True)
class Board:
    """A state of the board. `epoch` names the process: the versions of another one say nothing."""

    seen: Seen = field(default_factory=Seen)
    rows: Mapping[str, Row] = field(default_factory=dict)
    version: int = 0
    epoch: str = field(default_factory=lambda: secrets.token_hex(4))

    @property
    def token(self) -> str:
        """What a viewer says to name this state."""
        return f"{self.epoch}-{self.version}"

    def version_of(self, token: str) -> int:
        """The version that a viewer has; -1 where it has none of this board."""
        epoch, _, version = token.partition("-")
        if epoch != self.epoch or not version.isdecimal() or len(version) > 9:
            return -1
        return int(version)

    def age_seconds(self, now: datetime) -> float | None:
        return self.seen.age_seconds(now)

    def after(self, seen: Seen) -> Board:
        """The next state; this one where nothing has changed."""
        if seen == self.seen:
            return self
        version, rows = self.version + 1, {}
        for match in seen.matches:
            before = self.rows.get(match.match_id)
            html = _ROW.render(match=match, alerts=seen.alerts.get(match.match_id, ()))
            since = before.version if before and before.html == html else version
            rows[match.match_id] = Row(match, html, since)
        return Board(seen, rows, version, self.epoch)

    def chosen(self, chosen: Filter) -> list[Row]:
        return [row for row in self.rows.values() if chosen.takes(row.match)]

    def page(self, chosen: Filter, age: float | None, *, nonce: str, prefix: str) -> str:
        return _PAGE.render(
            board=self,
            nonce=nonce,
            prefix=prefix,
            rows=self.chosen(chosen),
            head=self._head(),
            filters=self._filters(chosen),
            search=chosen.search,
            age=age,
            old=lasted(timedelta(seconds=age or 0)),
            freshness=freshness(age),
            warning=WARNING_SECONDS,
            bad=BAD_SECONDS,
            silent=SILENT_SECONDS,
        )

    def change(self, chosen: Filter, since: int, age: float | None) -> dict[str, Any]:
        """For a viewer that has the state `since`: the rows that have changed, the ids of all of
        its rows in order, and the parts that stand above them."""
        rows = self.chosen(chosen)
        return {
            "token": self.token,
            "fetch": self.seen.fetch and self.seen.fetch.fetch_id,
            "age": age,
            "head": self._head(),
            "filters": self._filters(chosen),
            "order": [row.match.match_id for row in rows],
            "rows": {row.match.match_id: row.html for row in rows if row.version > since},
        }

    def _head(self) -> str:
        matches = self.seen.matches
        return _HEAD.render(
            seen=self.seen,
            figures=[
                (len(matches), "matches"),
                (sum(match.is_in_play for match in matches), "in play"),
                (sum(bool(match.lines) for match in matches), "with odds"),
                (sum(match.is_fallback for match in matches), "of a fallback company"),
                (sum(len(match.incidents) for match in matches), "VAR incidents"),
                (sum(map(len, self.seen.alerts.values())), "alerts"),
            ],
        )

    def _filters(self, chosen: Filter) -> str:
        matches = self.seen.matches
        statuses = Counter(m.status_id for m in matches if m.status_id is not None)
        leagues = Counter((m.league, m.league_id) for m in matches if m.league_id)
        return _FILTERS.render(
            chosen=chosen,
            statuses=[
                ("", "All", len(matches)),
                (IN_PLAY, "In play", sum(match.is_in_play for match in matches)),
                *((str(s), status_name(s), n) for s, n in sorted(statuses.items())),
            ],
            leagues=[
                ("", "All leagues", len(matches)),
                *((key, name or key, n) for (name, key), n in sorted(leagues.items())),
            ],
        )


def freshness(age: float | None) -> Freshness:
    if age is None:
        return Freshness.UNKNOWN
    if age > BAD_SECONDS:
        return Freshness.BAD
    return Freshness.WARNING if age > WARNING_SECONDS else Freshness.FRESH


def lines_html(match: ShownMatch, markets: Sequence[Market], fetch: FetchRef) -> str:
    """What the match's lines are and how they moved, for below its row."""
    return _LINES.render(
        match=match, markets=markets, fetch=fetch, wide=WIDE, high=HIGH, percent=percent
    )


_environment = templates(Path(__file__).parent)
_PAGE = _environment.get_template("board.html.jinja")
_HEAD = _environment.get_template("head.html.jinja")
_FILTERS = _environment.get_template("filters.html.jinja")
_ROW = _environment.get_template("row.html.jinja")
_LINES = _environment.get_template("lines.html.jinja")
