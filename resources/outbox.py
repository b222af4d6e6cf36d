"""Alerts about matches on their way out, with a file for the time that the ledger is away.

What was told before is known to the ledger alone. While it cannot be read nothing goes out: an
alert that is held may be late, one that is taken for new was once sent again every minute of
half-time.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from resources.ledger import Ledger, LedgerUnavailable
from resources.settings import Settings
from resources.waiting_lines import WaitingLines
from touchline.delivery import MatchAlert

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outbox:
    """One feed's, below one prefix."""

    ledger: Ledger
    held: WaitingLines[MatchAlert]

    @classmethod
    def of(cls, settings: Settings, ledger: Ledger, feed: str) -> Outbox:
        return cls(ledger, WaitingLines(settings.prefix_folder / f"{feed}.alerts", MatchAlert))

    def post(self, alerts: list[MatchAlert], at: datetime) -> bool:
        """Durable on return, in the ledger or in the file; whether it was the ledger, from where
        they go out. Raises OSError."""
        try:
            self.ledger.post(alerts, at)
        except LedgerUnavailable as error:
            log.error("%d alerts are held in %s: %s", len(alerts), self.held.file.name, error)
            self.held.append(*alerts)
            return False
        return True

    def bring_in(self, at: datetime) -> None:
        """Give the ledger what was held. Raises LedgerUnavailable; it is then held as before."""
        self.held.hand_over(lambda alerts: self.ledger.post(alerts, at))
