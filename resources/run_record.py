"""What becomes of a run, from before it begins its work to how it ended; written in one place.

The record costs two commits of the ledger. A ledger that is away costs the run nothing: what could
not be said at its beginning is said at its end.
"""

from __future__ import annotations

import functools
import logging
import os
import socket
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from resources.ledger import Ledger, LedgerUnavailable
from touchline.accounting import RunKind, RunState, sha256_hex
from touchline.clock import Clock
from touchline.slot import Slot
from touchline.stage import describe

log = logging.getLogger(__name__)

BEATS_EVERY = timedelta(minutes=5)
"""A run that takes longer says so often that it is alive; a minute's run never does."""
_ROOT = Path(__file__).parents[1]
_UNKNOWN = "unknown"


@dataclass
class RunRecord:
    """How a run is going. What is noted of it decides how it is said to have ended."""

    added: int = 0
    unchanged: int = 0
    failures: list[str] = field(default_factory=list)
    sending_seconds: float = 0.0
    """How long it has waited for alerts to be taken."""
    _beat: Callable[[], None] = lambda: None

    def note(self, *, added: int = 0, unchanged: int = 0, failures: Iterable[str] = ()) -> None:
        self.added += added
        self.unchanged += unchanged
        self.failures += failures

    def beat(self) -> None:
        """The run is alive; said to the ledger every few minutes."""
        self._beat()

    def end(self, *, makes_data: bool) -> tuple[RunState, str | None]:
        """How it ended, and why."""
        did = self.added + self.unchanged
        if self.failures:
            return RunState.PARTIAL if did else RunState.FAILED, "; ".join(self.failures)
        if makes_data and not did:
            return RunState.NO_DATA, "there was nothing to add"
        return RunState.SUCCESS, None


@contextmanager
def recorded(
    ledger: Ledger,
    clock: Clock,
    run_id: str,
    kind: RunKind,
    *,
    feed: str | None = None,
    slot: Slot | None = None,
    why: str | None = None,
) -> Iterator[RunRecord]:
    """A run at work. `why` is who began it and for what, where a person did."""
    began = clock.now()

    def start() -> None:
        ledger.run_started(
            run_id,
            slot,
            kind,
            commit(),
            lock_hash(),
            began,
            why,
            feed=feed,
            host=socket.gethostname(),
            pid=os.getpid(),
        )

    started = _tell(start)
    record = RunRecord(_beat=_beating(ledger, clock, run_id, began))
    state, reason = RunState.FAILED, None
    try:
        yield record
        state, reason = record.end(makes_data=kind.makes_data)
    except BaseException as error:
        reason = describe(error) if isinstance(error, Exception) else type(error).__name__
        raise
    finally:
        if started or _tell(start):
            said = "; ".join(filter(None, (why, reason))) or None
            _tell(lambda: ledger.run_ended(run_id, state, clock.now(), said))


def _beating(ledger: Ledger, clock: Clock, run_id: str, began: datetime) -> Callable[[], None]:
    last = began

    def beat() -> None:
        nonlocal last
        now = clock.now()
        if now - last >= BEATS_EVERY:
            last = now
            _tell(lambda: ledger.run_heartbeat(run_id, now))

    return beat


def _tell(what: Callable[[], object]) -> bool:
    try:
        what()
    except LedgerUnavailable as error:
        log.error("a run could not be recorded: %s", error)
        return False
    return True


@functools.cache
def commit() -> str:
    """Of the code that runs; `unknown` where it is not a checkout."""
    try:
        found = subprocess.run(
            ["git", "-C", str(_ROOT), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return _UNKNOWN
    return found.stdout.strip()


@functools.cache
def lock_hash() -> str:
    """Of the pinned dependencies, 16 hexadecimal characters; `unknown` without them."""
    try:
        return sha256_hex((_ROOT / "requirements.lock").read_bytes())[:16]
    except OSError:
        return _UNKNOWN
