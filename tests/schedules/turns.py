"""Threads that take turns: one runs at a time, and another only where the store is asked.

Each thread stands for a process of its own. Which of them goes on, and past how many requests, is
given from outside, so that the same turns have the same outcome every time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, repeat

from sqlalchemy import Pool, event

from tests.slots import PATIENCE
from touchline.clock import VirtualClock

HANGS_SECONDS = 60
"""A turn that takes longer waits for somebody who cannot go on."""

Pause = Callable[[], None]
"""To be called where others may go on."""
Turn = tuple[int, int | None]
"""Who goes on, counted among those that can; past how many pauses, None for all of them."""


class Abandoned(BaseException):
    """The others are not wanted any more. No handler of errors takes it for one of its own."""


@dataclass(frozen=True)
class Task:
    """Work that begins at this time. `may_take` says how long after it what it does next is done,
    as a minute is fetched early in its minute or not at all."""

    name: str
    at: datetime
    work: Callable[[Pause], None]
    may_take: Callable[[], timedelta] = lambda: PATIENCE.max_runtime


def take_turns(tasks: Sequence[Task], turns: Iterable[Turn], clock: VirtualClock) -> list[str]:
    """Run these tasks, which come in the order of their times; whose turns there were, in order.

    Whoever begins moves the clock to its time, and nobody begins while another has been at work for
    as long as it may. After the last turn each goes on to its end, one after another. Raises what a
    task raised.
    """
    waiting, running, taken = list(tasks), list[_Thread](), list[str]()
    with _connections_counted():
        try:
            for who, pauses in chain(turns, repeat((0, None))):
                if not waiting and not running:
                    return taken
                can = [*running, *_may_begin(waiting, running)]
                one = can[who % len(can)]
                if isinstance(one, Task):
                    clock.set(max(clock.now(), one.at))
                    one = _Thread(waiting.pop(0))
                    running.append(one)
                one.turn(pauses)
                taken.append(f"{one.task.name}: {'to its end' if one.has_ended else pauses}")
                if one.has_ended:
                    running.remove(one)
                    if one.error is not None:
                        raise one.error
        finally:
            for one in running:
                one.abandon()
    raise AssertionError("turns never end")


def _may_begin(waiting: Sequence[Task], running: Sequence[_Thread]) -> Sequence[Task]:
    first = waiting[:1]
    if first and any(first[0].at >= other.task.at + other.task.may_take() for other in running):
        return []
    return first


@dataclass
class _Thread:
    """A task at work."""

    task: Task
    has_ended: bool = False
    error: BaseException | None = None
    _left: int | None = None
    """How many pauses the present turn goes past; None for all of them."""
    _is_abandoned: bool = False
    _goes: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _stands: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, name=self.task.name, daemon=True)
        self._thread.start()

    def turn(self, pauses: int | None) -> None:
        self._left = pauses
        self._goes.release()
        assert self._stands.acquire(timeout=HANGS_SECONDS), f"{self.task.name} hangs"

    def abandon(self) -> None:
        self._is_abandoned = True
        self._goes.release()
        self._thread.join(HANGS_SECONDS)

    def _run(self) -> None:
        try:
            self._wait()
            self.task.work(self._pause)
        except BaseException as error:
            self.error = error
        self.has_ended = True
        self._stands.release()

    def _pause(self) -> None:
        assert not _connections.in_use, "others would wait for a transaction that cannot end"
        if self._left is None:
            return
        if self._left > 0:
            self._left -= 1
            return
        self._stands.release()
        self._wait()

    def _wait(self) -> None:
        self._goes.acquire()
        if self._is_abandoned:
            raise Abandoned


class _Connections(threading.local):
    """Connections to a ledger's database that this thread has in use."""

    in_use = 0


_connections = _Connections()


@contextmanager
def _connections_counted() -> Iterator[None]:
    def out(*_: object) -> None:
        _connections.in_use += 1

    def back(*_: object) -> None:
        _connections.in_use -= 1

    event.listen(Pool, "checkout", out)
    event.listen(Pool, "checkin", back)
    try:
        yield
    finally:
        event.remove(Pool, "checkout", out)
        event.remove(Pool, "checkin", back)
