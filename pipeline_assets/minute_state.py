"""How an asset stands with a minute, and a picture of a day of it for Dagster's pages."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import groupby

from pipeline_assets.checks.report import CheckReport, Kind
from resources.ledger import Standing
from touchline.accounting import FetchFate
from touchline.day import FetchNumber


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
    """Nobody watched, or it has not begun."""


_HOUR_MINUTES = 60
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


def picture(states: Sequence[MinuteState]) -> str:
    """An hour a row, a minute a column, as Markdown with the image in it: at most 20 kB."""
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
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 {hours}" width="720" '
        f'height="{hours * 12}" preserveAspectRatio="none" stroke-width=".8">{paths}</svg>'
    )
    image = base64.b64encode(svg.encode()).decode()
    return f"![the day, an hour a row](data:image/svg+xml;base64,{image})"
