"""The pictures of a day's page as numbers: rows of minutes, bars of records, a line of odds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline_assets.day_state import TO_LOOK_AT, AssetDay, Cell, DayState, Run
from pipeline_assets.minute_state import LEGEND, MinuteState
from touchline.accounting import Verdict
from touchline.day import ONE_MINUTE, Day, new_york_text

HOUR_MINUTES = 60
CUT_OFF_TIMES = 4
"""A chart whose highest value is so many times all but a twentieth of the others is cut off: the
first fetch of a day has whole histories, and what follows would be flat beside it."""


@dataclass(frozen=True)
class Box:
    """A part of a row of minutes: from `x`, so many minutes wide."""

    x: int
    width: int
    state: MinuteState
    title: str


@dataclass(frozen=True)
class Row:
    """A row of minutes, so many as it is `wide`; what no box covers was not expected."""

    label: str
    wide: int
    boxes: Sequence[Box]
    verdict: Verdict | None = None


@dataclass(frozen=True)
class Part:
    """A part of the records that an asset received: what became of it, `share` in percent."""

    fate: str
    reason: str
    records: int
    share: float


@dataclass(frozen=True)
class Chart:
    """Records minute by minute as the path of a step line, in a box as `wide` as there are minutes
    and 100 high; `top` is the value at its upper edge."""

    asset: str
    wide: int
    path: str
    top: int
    total: int
    peak: int
    peak_at: str
    is_cut_off: bool


class Clock:
    """The minutes that a day is open, as people in New York read them, each with its zone; those
    after the day itself with their date."""

    def __init__(self, day: Day, length: int) -> None:
        """`length` is how many they are."""
        self._texts: list[str] = []
        own_date, *_ = new_york_text(day.start).split()
        for passed in range(length):
            date, time, half, zone = new_york_text(day.start + passed * ONE_MINUTE).split()
            later = f"{date[:5]} " if date != own_date else ""
            self._texts.append(f"{later}{time[:5]} {half} {zone}")
        self._hours_have_zone = len({text[-3:] for text in self._texts}) > 1

    def at(self, number: int) -> str:
        return self._texts[number - 1]

    def hour(self, number: int) -> str:
        """Return an axis label for the full hour of this fetch number.

        It has its zone only on a day with two, since the clock changes by full hours.
        """
        text = self.at(number).replace(":00", "", 1)
        return text if self._hours_have_zone else text.rpartition(" ")[0]

    def between(self, first: int, last: int) -> str:
        return self.at(first) if first == last else f"{self.at(first)} to {self.at(last)}"


def shown_minutes(worst: Sequence[Cell]) -> tuple[int, int]:
    """First and last number of the full hours in which anything was expected; all where nothing
    was."""
    numbers = [n for n, cell in enumerate(worst, 1) if cell.state is not MinuteState.NOT_EXPECTED]
    if not numbers:
        return 1, len(worst)
    first, last = ((n - 1) // HOUR_MINUTES * HOUR_MINUTES for n in (numbers[0], numbers[-1]))
    return first + 1, min(last + HOUR_MINUTES, len(worst))


def hour_rows(
    state: DayState, worst: Sequence[Cell], clock: Clock, first: int, last: int
) -> Iterator[Row]:
    """An hour a row; each minute as the worst of the assets has it."""
    for start in range(first, last + 1, HOUR_MINUTES):
        numbers = range(start, min(start + HOUR_MINUTES, last + 1))
        boxes = [
            Box(place, 1, worst[n - 1].state, _of_minute(state, worst[n - 1], clock, n))
            for place, n in enumerate(numbers)
            if worst[n - 1].state is not MinuteState.NOT_EXPECTED
        ]
        yield Row(clock.hour(start), HOUR_MINUTES, boxes)


def _of_minute(state: DayState, worst: Cell, clock: Clock, number: int) -> str:
    said = f"{clock.at(number)}, fetch {number}: {LEGEND[worst.state]}"
    if worst.state not in TO_LOOK_AT:
        return said
    cells = ((asset, asset.cells[number - 1]) for asset in state.assets)
    names = [
        f"{short(asset.name)} {cell.what}" for asset, cell in cells if cell.state is worst.state
    ]
    return f"{said}\n" + "\n".join(names)


def strip(asset: AssetDay, clock: Clock, first: int, last: int) -> Row:
    """The shown part of an asset's day in one row."""
    boxes = [
        Box(
            run.first - first,
            run.minutes,
            run.state,
            f"{short(asset.name)}\n{clock.between(run.first, run.last)}: {_of_run(run)}",
        )
        for run in asset.runs()
        if run.state is not MinuteState.NOT_EXPECTED
    ]
    return Row(short(asset.name), last - first + 1, boxes, asset.verdict)


def _of_run(run: Run) -> str:
    return ": ".join(filter(None, (LEGEND[run.state], run.what, run.why)))


def parts(asset: AssetDay) -> list[Part]:
    """What became of the records that an asset received, in the order of a bar; what was emitted
    and did not land is a part of its own."""
    account, lost = asset.account, min(asset.lost or 0, asset.account.emitted)
    found = [
        ("emitted", "", account.emitted - lost),
        ("lost", "", lost),
        *(("quarantined", reason, count) for reason, count in _most(account.quarantined)),
        *(("dropped", reason, count) for reason, count in _most(account.dropped)),
        ("unexplained", "", account.received - account.explained),
    ]
    whole = max(account.received, account.explained, 1)
    return [
        Part(fate, reason, count, 100 * count / whole) for fate, reason, count in found if count > 0
    ]


def chart(asset: AssetDay, clock: Clock, first: int, last: int) -> Chart:
    """Records minute by minute; a minute of which nothing stands leaves a gap."""
    values = asset.records[first - 1 : last]
    known = sorted(value for value in values if value is not None)
    peak = known[-1] if known else 0
    usual = known[len(known) * 19 // 20 - 1] if len(known) > 1 else peak
    is_cut_off = peak > CUT_OFF_TIMES * usual > 0
    top = max(1, round(usual * 1.2) if is_cut_off else peak)
    path: list[str] = []
    for place, value in enumerate(values):
        if value is None:
            continue
        begins = place == 0 or values[place - 1] is None
        ends = place + 1 == len(values) or values[place + 1] is None
        height = 100 - 100 * min(value, top) / top
        path.append(f"{f'M{place} 100' if begins else ''}V{height:.1f}H{place + 1}")
        path.append("V100Z" if ends else "")
    at = clock.at(first + values.index(peak)) if known else ""
    return Chart(
        short(asset.name),
        len(values),
        "".join(path),
        top,
        sum(known),
        peak,
        at,
        is_cut_off,
    )


def ticks(clock: Clock, first: int, last: int) -> list[tuple[float, str]]:
    """Where hours begin in percent of the shown part, and their names; fewer of a long one."""
    wide = last - first + 1
    step = HOUR_MINUTES * max(1, wide // (8 * HOUR_MINUTES))
    has_room = last - step // 2 + 1
    return [(100 * (n - first) / wide, clock.hour(n)) for n in range(first, has_room + 1, step)]


def short(asset: str) -> str:
    return asset.rpartition("/")[2]


def _most(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))
