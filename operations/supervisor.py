"""Child processes: started, watched, started again when they die, and ended with all they started.

Each child leads a session of its own and is recorded by pid and time of creation in a file, so that
a later supervisor can end what an earlier one left behind when it was killed. Its output goes to a
log file, rotated by size. A child that dies comes back after 5 s, then 10, 20, 40, 80; after 5
restarts within an hour it stays down, loudly, while the others go on. One that hangs is ended like
one that died: it is asked for a sign of life every 30 s, and four times it gave none.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from resources.processes import ProcessId, end_groups, start_in_session
from touchline.errors import TouchlineError

logger = logging.getLogger(__name__)

RESTARTS_AN_HOUR = 5
FIRST_DELAY_SECONDS = 5.0
ASKED_EVERY_SECONDS = 30.0
UNANSWERED_BEFORE_HUNG = 4
"""Asked, not waited for: who was stopped himself for an hour has not asked in that hour."""
LOG_MEGABYTES = 16
LOGS_KEPT = 3
_HOUR_SECONDS = 3600.0
_POLL_SECONDS = 0.1
_RECORD = ".child.json"
# Their supervisor was killed, so there is no order to keep, and the next one waits.
_LEFTOVERS_GRACE_SECONDS = 5.0


class UpError(TouchlineError):
    """Touchline cannot start; the text says what to do, in one line for each thing to do."""


class ChildFailed(UpError):
    """A child ended or was not ready in time; the text says which, and where its log is."""


class Stopping(TouchlineError):
    """A start was given up because an end was asked for."""


@dataclass(frozen=True)
class ChildSpec:
    """What to start. `command` is made at each start; secrets belong in `environment`."""

    name: str
    command: Callable[[], Sequence[str]]
    ready: Callable[[], bool]
    """Asks the child itself, within a second or two; False while it does not answer."""
    environment: Mapping[str, str]
    folder: Path
    """Its working directory."""
    on_start: Callable[[ProcessId], None] = lambda process: None
    grace_seconds: float | None = None
    """Between SIGTERM and SIGKILL; None for the supervisor's."""
    lives: Callable[[], bool | None] | None = None
    """Asks a child that was ready for a sign of life, and None says that it could not be asked.
    Where this is not given, `ready` is asked."""

    def gives_sign_of_life(self) -> bool | None:
        return self.ready() if self.lives is None else self.lives()


class Restarts:
    """When a child that died may come back. Times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def next_at(self, now: float) -> float | None:
        """The time of the next restart, which is counted; None when the hour's restarts are used
        up."""
        while self._times and self._times[0] <= now - _HOUR_SECONDS:
            self._times.popleft()
        if len(self._times) == RESTARTS_AN_HOUR:
            return None
        at = now + FIRST_DELAY_SECONDS * 2 ** len(self._times)
        self._times.append(at)
        return at


@dataclass
class _Child:
    spec: ChildSpec
    popen: subprocess.Popen[bytes]
    id: ProcessId
    asked_at: float
    """When it is asked for a sign of life next."""
    unanswered: int = 0
    restarts: Restarts = field(default_factory=Restarts)
    restart_at: float | None = None
    given_up: bool = False

    @property
    def state(self) -> str:
        if self.given_up:
            return "down"
        return "restarting" if self.restart_at is not None else "running"


class Supervisor:
    """The children of one process. `report` gets one line for people a death, restart or end."""

    def __init__(
        self,
        run_folder: Path,
        logs_folder: Path,
        *,
        startup_timeout_seconds: float,
        grace_seconds: float,
        report: Callable[[str], None] = logger.warning,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run_folder = run_folder
        self._logs_folder = logs_folder
        self._startup_timeout_seconds = startup_timeout_seconds
        self._grace_seconds = grace_seconds
        self._report = report
        self._clock = clock
        self._children: dict[str, _Child] = {}
        for folder in (run_folder, logs_folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def states(self) -> dict[str, str]:
        """`running`, `restarting` or `down`, by name, in the order they were started."""
        return {name: child.state for name, child in self._children.items()}

    def log_of(self, name: str) -> Path:
        return self._logs_folder / f"{name}.log"

    def start(self, *specs: ChildSpec, stopping: Callable[[], bool] = lambda: False) -> None:
        """Start these at once and wait until all are ready.

        Raises ChildFailed for the first that ends or is late, and Stopping when `stopping`, asked
        while waiting, says so. Either way what was started runs on until `end`.
        """
        for spec in specs:
            try:
                self._children[spec.name] = self._spawn(spec)
            except OSError as error:
                raise ChildFailed(f"{spec.name} does not start: {error}") from None
        deadline = time.monotonic() + self._startup_timeout_seconds
        waiting = list(specs)
        while waiting := [spec for spec in waiting if not spec.ready()]:
            if stopping():
                raise Stopping
            for spec in waiting:
                self._check_start(spec, late=time.monotonic() > deadline)
            time.sleep(_POLL_SECONDS)

    def _check_start(self, spec: ChildSpec, *, late: bool) -> None:
        log = self.log_of(spec.name)
        if self._children[spec.name].popen.poll() is not None:
            raise ChildFailed(f"{spec.name} ended at its start: {_last_line(log)} (see {log})")
        if late:
            timeout = f"{self._startup_timeout_seconds:g} s"
            raise ChildFailed(f"{spec.name} is not ready after {timeout}: see {log}")

    def watch(self) -> None:
        """One look at every child: notes deaths and hangs, restarts what is due, rotates logs."""
        for child in self._children.values():
            _rotate(self.log_of(child.spec.name))
            if child.given_up:
                continue
            if child.restart_at is None:
                if child.popen.poll() is not None:
                    self._come_back(child, _how_it_ended(child.popen.returncode))
                elif self._hangs(child):
                    silent = f"{UNANSWERED_BEFORE_HUNG * ASKED_EVERY_SECONDS:g} s"
                    self._come_back(child, f"has given no sign of life for {silent} and is ended")
            elif self._clock() >= child.restart_at:
                self._restart(child)

    def end(self, *names: str) -> None:
        """End these children, all at once, with all processes of their groups."""
        children = [child for name in names if (child := self._children.pop(name, None))]
        self._end_groups(children)
        for child in children:
            self._record_file(child.spec.name).unlink(missing_ok=True)

    def end_leftovers(self) -> list[str]:
        """End what an earlier supervisor of this folder started and left; the names of it."""
        files = sorted(self._run_folder.glob(f"*{_RECORD}"))
        recorded = {file: ProcessId.recorded(file) for file in files}
        left = {
            file: process for file, process in recorded.items() if process and process.group_alive
        }
        end_groups(dict.fromkeys(left.values(), _LEFTOVERS_GRACE_SECONDS))
        for file in files:
            file.unlink()
        return [file.name.removesuffix(_RECORD) for file in left]

    def _spawn(self, spec: ChildSpec) -> _Child:
        with self.log_of(spec.name).open("ab") as log:
            popen = start_in_session(spec.command(), spec.environment, spec.folder, log)
        process = ProcessId.of(popen.pid)
        try:
            process.record(self._record_file(spec.name))
            spec.on_start(process)
        except BaseException:
            # What nobody has on record would run beside the next one.
            end_groups({process: 0.0})
            popen.wait()
            raise
        asked_at = self._clock() + max(ASKED_EVERY_SECONDS, self._startup_timeout_seconds)
        return _Child(spec, popen, process, asked_at)

    def _hangs(self, child: _Child) -> bool:
        if self._clock() < child.asked_at:
            return False
        answer = child.spec.gives_sign_of_life()
        child.asked_at = self._clock() + ASKED_EVERY_SECONDS
        if answer is not None:
            child.unanswered = 0 if answer else child.unanswered + 1
        return child.unanswered >= UNANSWERED_BEFORE_HUNG

    def _come_back(self, child: _Child, how: str) -> None:
        name, now = child.spec.name, self._clock()
        # What it started would go on without it, beside that of the next one.
        self._end_groups([child])
        child.restart_at = child.restarts.next_at(now)
        if child.restart_at is None:
            child.given_up = True
            self._report(
                f"{name} {how} and stays DOWN after {RESTARTS_AN_HOUR} restarts within an hour:"
                f" see {self.log_of(name)}, then start Touchline again"
            )
        else:
            self._report(f"{name} {how}; it is started again in {child.restart_at - now:g} s")

    def _restart(self, child: _Child) -> None:
        name = child.spec.name
        child.restart_at = None
        try:
            self._children[name] = replace(self._spawn(child.spec), restarts=child.restarts)
        except Exception as error:  # The other parts go on, whatever it is.
            self._report(f"{name} does not start: {error}")
        else:
            self._report(f"{name} was started again")

    def _end_groups(self, children: Sequence[_Child]) -> None:
        end_groups({child.id: self._grace_of(child.spec) for child in children})
        for child in children:
            child.popen.wait()

    def _grace_of(self, spec: ChildSpec) -> float:
        return self._grace_seconds if spec.grace_seconds is None else spec.grace_seconds

    def _record_file(self, name: str) -> Path:
        return self._run_folder / f"{name}{_RECORD}"


def _how_it_ended(returncode: int) -> str:
    return f"was killed by signal {-returncode}" if returncode < 0 else f"ended with {returncode}"


def _last_line(log: Path) -> str:
    lines = log.read_bytes()[-4000:].decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


def _rotate(log: Path) -> None:
    """Copy and truncate, as the child keeps the file open for appending: a line written in between
    may be lost. Where the disk is full, the log grows on, and the next look tries again."""
    part = log.with_name(f"{log.name}.part")
    try:
        if log.stat().st_size < LOG_MEGABYTES * 1_000_000:
            return
        shutil.copyfile(log, part)
        for number in range(LOGS_KEPT - 1, 0, -1):
            older = log.with_name(f"{log.name}.{number}")
            if older.exists():
                older.replace(log.with_name(f"{log.name}.{number + 1}"))
        part.replace(log.with_name(f"{log.name}.1"))
        os.truncate(log, 0)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
