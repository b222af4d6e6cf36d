"""Claims while the ledger may be away: fsynced to a file first, brought into the ledger later.

A claim that lies in the file counts as written, so that an unreachable database never stops a
fetch from landing. What was stored meanwhile is confirmed when the claim is brought in, by reading
the object.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from resources.ledger import Claim, Ledger, LedgerUnavailable
from resources.waiting_lines import WaitingLines
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
            self._lines.append(claim)

    def landed(self, claim: Claim, etag: str, size: int, at: datetime) -> None:
        """Confirm in the ledger; while it is away the claim stays pending in the file."""
        try:
            self.ledger.landed(claim, etag, size, at)
        except LedgerUnavailable as error:
            log.error("%s landed; the ledger will be told later: %s", claim.key, error)
            self._lines.append(claim)

    def withdraw(self, claim: Claim, reason: str, at: datetime) -> None:
        try:
            self.ledger.withdraw(claim, reason, at)
        except LedgerUnavailable as error:
            log.error("%s: %s; the ledger was not told: %s", claim.key, reason, error)

    @property
    def waiting(self) -> int:
        """How many claims the file holds."""
        return len(self._lines.read())

    def waiting_of(self, asset: str, day: Day) -> int:
        """How many claims about this asset's day the file holds."""
        return sum(claim.asset == asset and claim.ref.day == day for claim in self._lines.read())

    def bring_in(self, at: datetime) -> list[Claim]:
        """Tell the ledger what waits, and give the claims that are to be confirmed.

        Raises LedgerUnavailable; the file is then as it was.
        """

        def intend(claims: list[Claim]) -> None:
            for claim in claims:
                self.ledger.intend(claim, at)

        return self._lines.hand_over(intend)

    @property
    def _lines(self) -> WaitingLines[Claim]:
        return WaitingLines(self.file, Claim)
