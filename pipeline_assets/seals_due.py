"""Which days are to be sealed, and which seals to clear up after, as the ledger alone says.

Apart from the sealing itself: sensors and `touchline status` ask, and read no stored day for it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from resources.ledger import Ledger, SealRow
from touchline.day import Day
from touchline.plan import FeedPlan

REPLACED_STAYS = timedelta(days=1)
"""What a seal replaced goes so long after it: whoever has listed it reads it."""


def days_to_seal(ledger: Ledger, plan: FeedPlan, now: datetime) -> list[Day]:
    """Ended days that are not sealed, or of which something landed after their seal, oldest first;
    none of which anything has expired. An asset that was added later keeps no day from being
    sealed. Raises LedgerUnavailable."""
    sealed = {(seal.asset, seal.day) for seal in ledger.seals(plan.name)}
    names = {asset.name for asset in plan.assets}
    begun = {(name, day) for name, day in ledger.asset_days(plan.name) if name in names}
    news = ledger.landed_since_seal(plan.name) | {day for _, day in begun - sealed}
    return [
        day
        for day in ledger.days(plan.name)
        if plan.ends(day) <= now
        and day in news
        and not any(ledger.expiries(asset.name, day) for asset in plan.assets)
        and ledger.has_landed(plan.name, day)
    ]


def seals_to_clear(ledger: Ledger, feed: str, now: datetime) -> list[SealRow]:
    """Seals of which what they replaced may go. Raises LedgerUnavailable."""
    return [
        seal
        for seal in ledger.seals(feed)
        if seal.cleared_at is None and now >= seal.sealed_at + REPLACED_STAYS
    ]
