"""The credits of The Odds API: what is left of them, and that a reserve is never spent.

Its free endpoints say in their headers how many are left, so each fetch knows before it spends.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from touchline.fetch import Call

REMAINING = "x-requests-remaining"
USED = "x-requests-used"
LAST = "x-requests-last"
HEADERS = (REMAINING, USED, LAST)
"""Headers of every answer, in credits: how many are left, how many were used since the account's
last reset, and how many this call cost."""


class Credits:
    """Counts the credits that one fetch spends. It never goes below `reserve` credits."""

    def __init__(self, reserve: int) -> None:
        self._reserve = reserve
        self.remaining: int | None = None
        """As the last answer said, less what was asked for since; None before one said it."""

    def learn(self, call: Call) -> None:
        """Take over what an answer says is left, unless more than that is thought to be spent."""
        said = call.headers.get(REMAINING, "").partition(".")[0]
        if said.isdecimal() and (self.remaining is None or int(said) < self.remaining):
            self.remaining = int(said)

    def spend(self, cost: int) -> bool:
        """Count `cost` credits as spent and return True; False where the reserve would be touched,
        or nobody knows how many are left."""
        if self.remaining is None or self.remaining - cost < self._reserve:
            return False
        self.remaining -= cost
        return True

    async def admit(self, cost: int) -> AbstractContextManager[object] | None:
        """Admit a call, as `resources.vendor.http.Admission` says, if its cost may be spent."""
        return nullcontext() if self.spend(cost) else None
