"""A file of what waits for the ledger to come back, one item a line, shared by processes."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from touchline.formats import UNREADABLE_JSON

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class WaitingLines(Generic[T]):
    """Items of one type, oldest first."""

    file: Path
    kind: type[T]

    def append(self, *items: T) -> None:
        """Durable on return. Raises OSError."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        lines = b"".join(msgspec.json.encode(item) + b"\n" for item in items)
        with self._locked(), self.file.open("ab") as file:
            # The line before may have been cut short: it must not swallow this one.
            file.write(b"\n" + lines)
            file.flush()
            os.fsync(file.fileno())

    def read(self) -> list[T]:
        """A line that a crash cut short was never called written, so it is passed over."""
        try:
            lines = self.file.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []  # Another process has just taken them.
        items = []
        for line in filter(None, lines):
            try:
                items.append(msgspec.json.decode(line, type=self.kind))
            except UNREADABLE_JSON:
                log.warning("%s holds a line that was cut short", self.file)
        return items

    def hand_over(self, to: Callable[[list[T]], object]) -> list[T]:
        """Give all of them away, and forget them when that did not raise."""
        if not self.file.exists():
            return []
        with self._locked():
            items = self.read()
            to(items)
            self.file.unlink(missing_ok=True)
        return items

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self.file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
