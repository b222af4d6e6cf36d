"""Cards and corners of a match as they were at its end, which nothing changes that comes later.

Of 78 messages of an end that the vendor repeated, 75 had the cards and corners of home and away
swapped, the goals right. An end by mistake was seen too: once play goes on, so do the figures.
"""

from __future__ import annotations

import msgspec

from pipeline_assets.football.wire.codes import ENDED, IN_PLAY, NOT_STARTED
from pipeline_assets.football.wire.live import ParsedScore, SideFigures
from touchline.stage import Finding

KEPT_MINUTES = 48 * 60
"""How long the figures of a match are remembered after it was last listed: matches come back."""
END_FIGURES_CHANGED = "end_figures_changed"
"""The kind of the finding."""


class Figures(msgspec.Struct, frozen=True, array_like=True):
    """Cards and corners of one side; what cannot be read, and corners without data, are None."""

    red: int | None
    yellow: int | None
    corners: int | None

    @classmethod
    def of(cls, side: SideFigures) -> Figures:
        return cls(side.red_cards, side.yellow_cards, side.corners)

    def or_else(self, before: Figures) -> Figures:
        """These; one that is unknown now is as it was before."""
        both = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(before), strict=True)
        return Figures(*(was if now is None else now for now, was in both))

    def __str__(self) -> str:
        named = ("red", self.red), ("yellow", self.yellow), ("corners", self.corners)
        return ", ".join(f"{name} {'unknown' if one is None else one}" for name, one in named)


class BothSides(msgspec.Struct, frozen=True, array_like=True):
    """What the vendor says of both sides."""

    home: Figures
    away: Figures

    @classmethod
    def of(cls, score: ParsedScore | None) -> BothSides | None:
        """None where not both have their seven figures."""
        if score is None or score.home_detailed is None or score.away_detailed is None:
            return None
        return cls(Figures.of(score.home_detailed), Figures.of(score.away_detailed))

    def or_else(self, before: BothSides) -> BothSides:
        return BothSides(self.home.or_else(before.home), self.away.or_else(before.away))

    def __str__(self) -> str:
        return f"home {self.home}; away {self.away}"


class EndedMatch(msgspec.Struct, frozen=True, array_like=True):
    """A match that is over; `listed` is the Unix minute of its last live list."""

    listed: int
    at_end: BothSides
    others: BothSides | None = None
    """What the vendor says now, where that is not the same."""


class EndedMatches(msgspec.Struct, frozen=True):
    """Every match that was over when it was listed last, if that was in the last 48 hours."""

    matches: dict[str, EndedMatch]

    def kept(self, minute: int) -> dict[str, EndedMatch]:
        """Those that are still remembered in this Unix minute, by id."""
        return {
            match_id: ended
            for match_id, ended in self.matches.items()
            if minute - ended.listed <= KEPT_MINUTES
        }


def seen(
    before: EndedMatch | None, status: int | None, score: ParsedScore | None, minute: int
) -> EndedMatch | None:
    """A match after a look in this Unix minute; None while it is not over.

    It is over from the first record with status 8 that has both sides, until it is in play or not
    started again. Another status, or none, does not say that play goes on.

    A figure that is unknown at the end stays so, since what comes later may have the sides swapped.
    One that is unknown later is no change.
    """
    now = BothSides.of(score)
    if status in IN_PLAY or status == NOT_STARTED:
        return None
    if before is None:
        return EndedMatch(minute, now) if now and status == ENDED else None
    latest = before.others or before.at_end
    if now is not None:
        latest = now.or_else(latest)
    return EndedMatch(minute, before.at_end, latest if latest != before.at_end else None)


def changed(match_id: str, before: EndedMatch | None, after: EndedMatch | None) -> Finding | None:
    """What is told of figures that are others than at the end, once for each change of them."""
    if after is None or after.others is None or (before and before.others == after.others):
        return None
    detail = f"at the end: {after.at_end}. Now: {after.others}. Those at the end are shown"
    return Finding(END_FIGURES_CHANGED, match_id, detail)
