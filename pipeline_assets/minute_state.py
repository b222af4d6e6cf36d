"""How an asset stands with a minute, and a picture of a day of it for Dagster's pages."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from itertools import groupby

from pipeline_assets.checks.report import CheckReport, Kind
from resources.ledger import Standing
from touchline.accounting import FetchFate
from touchline.day import NEW_YORK, Day, FetchNumber


class MinuteState(StrEnum):
    """How an asset stands with a minute. Of several, the first of these is what to look at."""

    BAD = "bad"
    """A check found something about it."""
    UNCHECKED = "unchecked"
    """A check could not look."""
    MISSED = "missed"
    """Nobody fetched it, and why is known."""
    PLACEHOLDER = "placeholder"
    """An object says that the fetch or the stage failed."""
    PENDING = "pending"
    """Expected or claimed, and not there: late, or on its way."""
    LANDED = "landed"
    EMPTY = "empty"
    """Landed without a record, and by the account there was to be none."""
    EXPIRED = "expired"
    """It had landed, and was removed on purpose."""
    NOT_EXPECTED = "not_expected"
    """No fetch was due: unwatched, still to come, before the asset was added, or held back."""


LEGEND = {
    MinuteState.BAD: "a check failed",
    MinuteState.UNCHECKED: "could not be checked",
    MinuteState.MISSED: "missed, and why is known",
    MinuteState.PLACEHOLDER: "a placeholder: fetch or stage failed",
    MinuteState.PENDING: "late, or on its way",
    MinuteState.LANDED: "landed",
    MinuteState.EMPTY: "landed, explained as empty",
    MinuteState.EXPIRED: "removed on purpose",
    MinuteState.NOT_EXPECTED: "not expected",
}
"""What a legend calls each state."""

_HOUR_MINUTES = 60
_WIDE, _HIGH = 12, 12
"""A minute in the picture, in pixels."""
_LEFT, _TOP = 44, 16
"""Room for the hours and the minutes beside it."""
_LEGEND_WIDE, _LEGEND_HIGH = 240, 16
_HOURS_LABELLED = 3
"""Every so many rows have their hour beside them: each check of a minute keeps its picture."""
_COLORS = {
    MinuteState.BAD: "#d8334a",
    MinuteState.UNCHECKED: "#d7b400",
    MinuteState.MISSED: "#8259cf",
    MinuteState.PLACEHOLDER: "#e79a2d",
    MinuteState.PENDING: "#4b8fe2",
    MinuteState.LANDED: "#2f9e78",
    MinuteState.EMPTY: "#8fcdb3",
    MinuteState.EXPIRED: "#98a4b1",
    MinuteState.NOT_EXPECTED: "#98a4b133",
}


def states_at_once(
    length: int,
    fates: Mapping[FetchNumber, FetchFate],
    claims: Mapping[FetchNumber, Standing],
    reports: Iterable[CheckReport],
) -> list[MinuteState]:
    """A raw day of so many minutes from what each minute's checks have read anyway. It tells less
    than a `DayState`: a minute without a fate that no check names counts as not expected."""
    states = {
        number: MinuteState.MISSED if fate is FetchFate.MISSED else MinuteState.PENDING
        for number, fate in fates.items()
        if fate is not FetchFate.HELD
    }
    for number, row in claims.items():
        if row.has_landed:
            good = MinuteState.LANDED if row.emitted else MinuteState.EMPTY
            states[number] = MinuteState.PLACEHOLDER if row.is_placeholder else good
    findings = [found for report in reports for found in report.findings]
    for found in sorted(findings, key=lambda found: found.kind is not Kind.UNCHECKED):
        if found.fetch_number is not None:
            blind = found.kind is Kind.UNCHECKED
            states[FetchNumber(found.fetch_number)] = (
                MinuteState.UNCHECKED if blind else MinuteState.BAD
            )
    numbers = map(FetchNumber, range(1, length + 1))
    return [states.get(number, MinuteState.NOT_EXPECTED) for number in numbers]


def picture(day: Day, states: Sequence[MinuteState]) -> str:
    """Draw a day's minutes: an hour of New York a row, a minute a column, a legend below.

    Returns Markdown with the image in it, at most 21 kB.
    """
    lines: dict[MinuteState, list[str]] = {}
    number = 0
    for (hour, state), group in groupby(
        enumerate(states), key=lambda each: (each[0] // _HOUR_MINUTES, each[1])
    ):
        minutes = sum(1 for _ in group)
        place = f"M{number % _HOUR_MINUTES} {hour}.5h{minutes}"
        lines.setdefault(state, []).append(place)
        number += minutes
    hours = -(-len(states) // _HOUR_MINUTES)
    paths = "".join(
        f'<path stroke="{_COLORS[state]}" d="{"".join(places)}"/>'
        for state, places in lines.items()
    )
    legend_top = _TOP + hours * _HIGH + _LEGEND_HIGH
    legend = [state for state in MinuteState if state in lines]
    columns = _HOUR_MINUTES * _WIDE // _LEGEND_WIDE
    high = legend_top + -(-len(legend) // columns) * _LEGEND_HIGH
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _HOUR_MINUTES * _WIDE}" '
        f'height="{high}" font-family="sans-serif" font-size="10" fill="#7a8794">'
        f"{''.join(_labels(day, hours))}"
        f'<g transform="translate({_LEFT} {_TOP})scale({_WIDE} {_HIGH})" stroke-width=".8">{paths}'
        f"</g>{''.join(_legend(legend, columns, legend_top))}</svg>"
    )
    image = base64.b64encode(svg.encode()).decode()
    return f"![{day}, an hour of New York a row](data:image/svg+xml;base64,{image})"


def _labels(day: Day, hours: int) -> Iterator[str]:
    for minute in range(0, _HOUR_MINUTES, 15):
        yield f'<text x="{_LEFT + minute * _WIDE}" y="10">:{minute:02}</text>'
    for row in range(0, hours, _HOURS_LABELLED):
        begins = (day.start + row * timedelta(hours=1)).astimezone(NEW_YORK)
        yield f'<text y="{_TOP + row * _HIGH + 9}">{begins:%I %p}</text>'


def _legend(states: Sequence[MinuteState], columns: int, top: int) -> Iterator[str]:
    for place, state in enumerate(states):
        x, y = _LEFT + place % columns * _LEGEND_WIDE, top + place // columns * _LEGEND_HIGH
        yield f'<path stroke="{_COLORS[state]}" stroke-width="10" d="M{x} {y - 4}h12"/>'
        yield f'<text x="{x + 18}" y="{y}">{LEGEND[state]}</text>'
