"""The odds of more matches than the vendor's quota allows: who is asked for, who keeps old odds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime

import anyio

from resources.vendor.http import CallError
from resources.vendor.quota import Budget, BudgetSpent, Quota, Ticket
from touchline.clock import Clock
from touchline.fetch import Call, Envelope

ODDS_HISTORY = "odds/history"

_POLL_SECONDS = 0.25
_SHORTEST_SECONDS = 0.001  # long enough for a running clock to show that it runs


class OddsBudget:
    """Lets odds calls through as the quota allows, in the order in which they came."""

    def __init__(self, quota: Quota, budget: Budget, clock: Clock, wait_seconds: float) -> None:
        self._quota = quota
        self._budget = budget
        self._clock = clock
        self._give_up_at = anyio.current_time() + wait_seconds
        self._turn = anyio.Lock()
        self._is_spent = False

    async def admit(self) -> AbstractContextManager[None] | None:
        async with self._turn:
            while not self._is_spent:
                now = self._clock.now()
                try:
                    ticket = self._quota.take(self._budget, now)
                except BudgetSpent as spent:
                    self._is_spent = not await self._frees(spent.wait_seconds, now)
                else:
                    return self._until_ended(ticket)
        return None

    async def _frees(self, seconds: float, now: datetime) -> bool:
        """Wait for the budget; False when it would take too long, or the clock stands still."""
        if anyio.current_time() + seconds > self._give_up_at:
            return False
        await anyio.sleep(min(max(seconds, _SHORTEST_SECONDS), _POLL_SECONDS))
        return self._clock.now() > now

    @contextmanager
    def _until_ended(self, ticket: Ticket) -> Iterator[None]:
        try:
            yield
        finally:
            self._quota.ended(ticket, self._clock.now())


class OldOdds:
    """The odds bodies of an earlier fetch, for the matches that the quota does not reach."""

    def __init__(self, previous: Envelope | None, now: datetime) -> None:
        self._previous = previous
        self._now = now
        entries = previous.entries(ODDS_HISTORY) if previous else ()
        self._entries = {entry.uuid: entry for entry in entries if entry.error is None}

    @property
    def answered(self) -> dict[str | None, str]:
        """When each match's odds came, as ISO 8601 in UTC."""
        return {
            uuid: entry.received_at_utc
            for uuid, entry in self._entries.items()
            if entry.received_at_utc
        }

    def instead_of(self, call: Call) -> Call:
        """The call itself, unless it was not made because of the quota and old odds are at hand."""
        entry = self._entries.get(call.params["uuid"])
        if call.error != CallError.QUOTA or entry is None or self._previous is None:
            return call
        received_at = entry.received_at
        return Call(
            call.endpoint,
            call.params,
            self._previous.body(entry),
            http_status=entry.http_status,
            date_header=entry.date_header,
            received_at=received_at,
            carried_from=entry.carried_from or self._previous.ref.fetch_id,
            age_seconds=(self._now - received_at).total_seconds() if received_at else None,
            masked=entry.masked,
        )
