"""When a raw asset is fetched: the slots of a day, which of them to ask for now, and how long each
is waited for.

Where slots depend on data, they are those of the day's plans, which methods take as `plans`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Protocol

from touchline.day import NEW_YORK, ONE_MINUTE, Day, FetchNumber
from touchline.day_plan import PlansOf, in_force, no_plans
from touchline.slot import Slot

Intervals = Iterable[tuple[datetime, datetime | None]]
"""Watch intervals in UTC, disjoint and in order; the end is None while an interval is open."""

DAY_BEFORE_IS_OPEN = timedelta(hours=2)
"""After midnight, for so long, each run looks for what the day before has left undone."""
ASK_BEFORE = timedelta(seconds=10)
"""A run is asked for so long before its slot. Dagster's daemon looks at sensors every 5 s, so each
slot is seen at least once in this time."""


@dataclass(frozen=True)
class Patience:
    """How long a slot is waited for, counted from its time."""

    start_within: timedelta
    """A slot whose fetch has not started by then is missed."""
    max_runtime: timedelta
    """A run is no longer at work on its slot after this."""
    ask_until: timedelta
    """A slot that nobody asked for in time may still be asked for until then."""
    speedup: float = 1.0
    """How many times as fast as the machine's the clock runs by which all three are told."""

    @property
    def at_work(self) -> timedelta:
        """How long a run may be at work by the machine's clock."""
        return self.max_runtime / self.speedup

    def times(self, speedup: float) -> Patience:
        """Return the same patience on a clock that runs so many times as fast."""
        return Patience(
            self.start_within * speedup,
            self.max_runtime * speedup,
            self.ask_until * speedup,
            self.speedup * speedup,
        )


PATIENCE = Patience(
    start_within=timedelta(seconds=55),
    max_runtime=timedelta(seconds=150),
    ask_until=timedelta(seconds=30),
)
"""Of a slot whose fetch has to begin in its own minute."""


class Schedule(Protocol):
    """When the fetches of a raw asset are made."""

    @property
    def patience(self) -> Patience: ...

    @property
    def source(self) -> str | None:
        """The asset whose records the plans of its days are made from; None where it needs none."""
        ...

    def slots(self, raw: str, day: Day, plans: PlansOf = no_plans) -> Iterator[Slot]:
        """Yield every slot of this day, in order."""
        ...

    def before(self, slot: Slot, count: int, plans: PlansOf = no_plans) -> list[Slot]:
        """Return the slots whose times come before this one's, at most so many, newest first."""
        ...

    def ends(self, day: Day) -> datetime:
        """Return when the day and its last slot have passed (UTC)."""
        ...

    def open_days(self, day: Day, now: datetime) -> list[Day]:
        """Return the days of which something may be on its way while a run of `day` works, oldest
        first."""
        ...

    @property
    def every_minute(self) -> bool:
        """Whether a slot follows every minute: ten of them are then stored as one object, and
        silence of some minutes is an alarm."""
        ...

    def due(
        self, raw: str, now: datetime, asked: Slot | None, plans: PlansOf = no_plans
    ) -> list[Slot]:
        """Return the slots to ask for now, in the order of their times. `asked` is the one that
        was asked for last. A slot is never due before its day begins: its partition does not exist
        until then."""
        ...


@dataclass(frozen=True)
class EveryMinute:
    """A slot at every minute of a day: 1,440, or 1,380 and 1,500 where the clocks change."""

    patience: Patience = PATIENCE

    @property
    def source(self) -> None:
        return None

    def slots(self, raw: str, day: Day, plans: PlansOf = no_plans) -> Iterator[Slot]:
        """Yield every slot of this day, in order."""
        start = day.start
        return (
            Slot(raw, day, FetchNumber(passed + 1), start + passed * ONE_MINUTE)
            for passed in range(day.length)
        )

    def before(self, slot: Slot, count: int, plans: PlansOf = no_plans) -> list[Slot]:
        """Return the slots of the minutes before this one's, so many, newest first."""
        times = (slot.at - back * ONE_MINUTE for back in range(1, count + 1))
        return [Slot.of(slot.raw, Day.containing(at), at) for at in times]

    def ends(self, day: Day) -> datetime:
        """Return when the day has passed (UTC)."""
        return day.end

    def open_days(self, day: Day, now: datetime) -> list[Day]:
        """Return this day and, for two hours after midnight, the day before; oldest first."""
        early = now < day.start + DAY_BEFORE_IS_OPEN
        return [day.shifted(-1), day] if early else [day]

    @property
    def every_minute(self) -> bool:
        return True

    def due(
        self, raw: str, now: datetime, asked: Slot | None, plans: PlansOf = no_plans
    ) -> list[Slot]:
        """Return the coming minute when it is near, or the current one if the sensor passed over
        it between two looks: then the minute before it was the last one asked for. After a pause
        it was not, and the current minute is left alone."""
        current = now.replace(second=0, microsecond=0)
        coming = current + ONE_MINUTE
        today = Day.containing(now)
        if coming - now <= ASK_BEFORE and coming < today.end:
            slot = Slot.of(raw, today, coming)
            return [slot] if asked is None or slot.at > asked.at else []
        passed_over = asked is not None and asked.at == current - ONE_MINUTE
        if passed_over and now - current <= self.patience.ask_until:
            return [Slot.of(raw, today, current)]
        return []


@dataclass(frozen=True)
class TimesOfDay:
    """Slots at times of the New York clock, on the day itself or on days after it.

    `times` are pairs of days after the slot's day (0 for the day itself) and time of day, in the
    order in which they pass. A time that the clocks skip in spring is an hour later that day; one
    that passes twice in autumn is the second.
    """

    times: tuple[tuple[int, time], ...]
    patience: Patience

    def __post_init__(self) -> None:
        if list(self.times) != sorted(set(self.times)) or not self.times or self.times[0][0] < 0:
            raise ValueError(f"times of day that are not in order, each once: {self.times}")

    @property
    def source(self) -> None:
        return None

    def slots(self, raw: str, day: Day, plans: PlansOf = no_plans) -> Iterator[Slot]:
        """Yield every slot of this day, in order."""
        for days_after, at in self.times:
            clock = datetime.combine(day.shifted(days_after).date, at)
            yield Slot.of(raw, day, NEW_YORK.normalize(NEW_YORK.localize(clock, is_dst=False)))

    def before(self, slot: Slot, count: int, plans: PlansOf = no_plans) -> list[Slot]:
        """Return the slots whose times come before this one's, at most so many, newest first."""
        days = (slot.day.shifted(away) for away in range(-count, self.times[-1][0] + 1))
        earlier = (one for day in days for one in self.slots(slot.raw, day) if one.at < slot.at)
        return sorted(earlier, key=lambda one: (one.at, one.day), reverse=True)[:count]

    def ends(self, day: Day) -> datetime:
        """Return when the day and its last slot have passed (UTC)."""
        *_, last = self.slots("", day)
        return max(day.end, last.at + ONE_MINUTE)

    def open_days(self, day: Day, now: datetime) -> list[Day]:
        """Return the days whose last slot is to come, or came on the day before, and this one."""
        return _open_days(day, now, self.times[-1][0])

    @property
    def every_minute(self) -> bool:
        return False

    def due(
        self, raw: str, now: datetime, asked: Slot | None, plans: PlansOf = no_plans
    ) -> list[Slot]:
        """Return the slots whose time is near or has just passed, and is after that of `asked`."""
        days = _days_back(now, self.times[-1][0])
        return _near((slot for day in days for slot in self.slots(raw, day)), self, now, asked)


@dataclass(frozen=True)
class Planned:
    """Slots that depend on data, such as a calendar of games: those of the day's plans.

    Plans are made of the records of `source`, a stage of another raw asset, whenever a fetch of it
    has landed. `times` returns from them when each day is to be fetched (UTC, whole minutes), of
    the days that the records speak of: one that has a plan, lies between the first and the last of
    them and is not among them is to have no slot any more. No slot is later than the end of the day
    `days_after` days after its own.
    """

    source: str
    times: Callable[[Sequence[Any]], Mapping[Day, Iterable[datetime]]]
    days_after: int
    patience: Patience

    def slots(self, raw: str, day: Day, plans: PlansOf = no_plans) -> Iterator[Slot]:
        """Yield every slot that the plans of this day have, in order."""
        return (Slot.numbered(raw, day, number) for number in in_force(day, plans(day)))

    def before(self, slot: Slot, count: int, plans: PlansOf = no_plans) -> list[Slot]:
        """Return the slots of the same day before this one, at most so many, newest first."""
        earlier = [each for each in self.slots(slot.raw, slot.day, plans) if each.at < slot.at]
        return earlier[::-1][:count]

    def ends(self, day: Day) -> datetime:
        """Return when the last day on which a plan may have a slot has passed (UTC)."""
        return day.shifted(self.days_after).end

    def open_days(self, day: Day, now: datetime) -> list[Day]:
        """Return the days that a plan may still have a slot for, or had on the day before, and this
        one."""
        return _open_days(day, now, self.days_after)

    @property
    def every_minute(self) -> bool:
        return False

    def due(
        self, raw: str, now: datetime, asked: Slot | None, plans: PlansOf = no_plans
    ) -> list[Slot]:
        """Return the slots whose time is near or has just passed, and is after that of `asked`."""
        days = _days_back(now, self.days_after)
        return _near(
            (slot for day in days for slot in self.slots(raw, day, plans)), self, now, asked
        )


def _open_days(day: Day, now: datetime, days_after: int) -> list[Day]:
    return sorted({day, *_days_back(now, days_after + 1)})


def _days_back(now: datetime, count: int) -> list[Day]:
    today = Day.containing(now)
    return [today.shifted(-back) for back in range(count + 1)]


def _near(
    slots: Iterable[Slot], schedule: Schedule, now: datetime, asked: Slot | None
) -> list[Slot]:
    near = (
        slot
        for slot in slots
        if -schedule.patience.ask_until <= slot.at - now <= ASK_BEFORE
        and (asked is None or slot.at > asked.at)
    )
    return sorted(near, key=lambda slot: (slot.at, slot.day))


def expected_slots(slots: Iterable[Slot], intervals: Intervals, until: datetime) -> Iterator[Slot]:
    """Yield those of `slots`, which are in order, that begin inside a watch interval and before
    `until`."""
    spans = list(intervals)
    for slot in slots:
        if slot.at >= until:
            return
        if any(
            opened <= slot.at and (closed is None or slot.at < closed) for opened, closed in spans
        ):
            yield slot
