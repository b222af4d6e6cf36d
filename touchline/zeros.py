"""What it means that nothing is there, from three independent inputs.

One and the same zero was reported as some 6,000 lost rows, then as 2,344 runs without records, then
as no loss at all: none of these had looked at what could exist, what had arrived and what was
stored.
"""

from __future__ import annotations

from enum import StrEnum

from touchline.accounting import LossClass


class Expected(StrEnum):
    """Whether data could exist, as the calendar or the feed says."""

    SOME = "some"
    NONE = "none"
    NOT_YET = "not_yet"
    UNKNOWN = "unknown"
    """Nobody can tell, or those who can contradict each other."""


class Source(StrEnum):
    """What has arrived of it, judged by content."""

    DATA = "data"
    NOTHING = "nothing"
    """No object, an empty one, or a placeholder."""
    UNKNOWN = "unknown"


def classify(
    expected: Expected, source: Source, rows: int | None, *, recorded: int | None, full: int = 1
) -> LossClass | None:
    """The class of a key, None where nothing is wrong with it.

    `rows` is how many the target holds and `recorded` how many the run said, None where that is not
    known; `full` is how many rows are all that could be.
    """
    if rows is None:
        return LossClass.UNKNOWN
    if rows >= full:
        return None if recorded else LossClass.TRACKING_ERROR
    if Expected.UNKNOWN is expected or Source.UNKNOWN is source:
        return LossClass.UNKNOWN
    if expected is Expected.SOME:
        return LossClass.REAL_LOSS
    if source is Source.NOTHING and rows == 0:
        is_early = expected is Expected.NOT_YET
        return LossClass.NOT_YET if is_early else LossClass.LEGITIMATELY_EMPTY
    return LossClass.UNKNOWN
