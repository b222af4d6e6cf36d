"""Claims while the ledger may be away: fsynced to a file first, brought into the ledger later.

A claim that lies in the file counts as written, so that an unreachable database never stops a
fetch from landing. What was stored meanwhile is confirmed when the claim is brought in, by reading
the object.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from resources.ledger import Claim, Ledger, LedgerUnavailable
from touchline.day import Day

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ClaimBook:
    """The ledger's claims, with a file beside the spool for the time that it is away."""

    ledger: Ledger
    file: Path

    def intend(self, claim: Claim, at: datetime) -> None:
        """Durable on return, in the ledger or in the file."""
        try:
            self.ledger.intend(claim, at)
        except LedgerUnavailable as error:
            log.error("the claim on %s waits in %s: %s", claim.key, self.file.name, error)
            self._append(claim)

    def landed(self, claim: Claim, etag: str, size: int, at: datetime) -> None:
        """Confirm in the ledger; while it is away the claim stays pending in the file."""
        try:
            self.ledger.landed(claim, etag, size, at)
        except LedgerUnavailable as error:
            log.error("%s landed; the ledger will be told later: %s", claim.key, error)
            self._append(claim)

    def withdraw(self, claim: Claim, reason: str, at: datetime) -> None:
        try:
            self.ledger.withdraw(claim, reason, at)
        except LedgerUnavailable as error:
            log.error("%s: %s; the ledger was not told: %s", claim.key, reason, error)

    @property
    def waiting(self) -> int:
        """How many claims the file holds."""
        return len(self._read())

    def waiting_of(self, asset: str, day: Day) -> int:
        """How many claims about this asset's day the file holds."""
        return sum(claim.asset == asset and claim.ref.day == day for claim in self._read())

    def bring_in(self, at: datetime) -> list[Claim]:
        """Tell the ledger what waits, and give the claims that are to be confirmed.

        Raises LedgerUnavailable; the file is then as it was.
        """
        if not self.file.exists():
            return []
        with self._locked():
            claims = self._read()
            for claim in claims:
                self.ledger.intend(claim, at)
            self.file.unlink(missing_ok=True)
        return claims

    def _append(self, claim: Claim) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self._locked(), self.file.open("ab") as file:
            # The line before may have been cut short: it must not swallow this one.
            file.write(b"\n" + msgspec.json.encode(claim) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _read(self) -> list[Claim]:
        """A line that a crash cut short was never called written, so it is passed over."""
        try:
            lines = self.file.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []  # Another process has just brought them in.
        claims = []
        for line in filter(None, lines):
            try:
                claims.append(msgspec.json.decode(line, type=Claim))
            except msgspec.DecodeError:
                log.warning("%s holds a line that was cut short", self.file)
        return claims

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self.file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
