"""What the simulator answered: the other side's book, for tests that compare it with ours."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from itertools import islice

import msgspec


class Call(msgspec.Struct, frozen=True):
    """One vendor answer. `params` are without user and secret; `sha256` and `length` are those of
    the body as sent; `status` is 0 where no answer was given; `at` is the simulator's time."""

    n: int
    endpoint: str
    params: dict[str, str]
    status: int
    sha256: str
    length: int
    at: str


class CallLog:
    """The last `capacity` calls, numbered from 0 since the start or the last clear.

    They are kept encoded, in a third of the memory, since a replay makes thousands an hour.
    """

    def __init__(self, capacity: int = 50_000) -> None:
        self._calls: deque[bytes] = deque(maxlen=capacity)
        self._next = 0

    def add(
        self, endpoint: str, params: Mapping[str, str], status: int, body: bytes, at: datetime
    ) -> None:
        digest = hashlib.sha256(body).hexdigest()
        call = Call(self._next, endpoint, dict(params), status, digest, len(body), at.isoformat())
        self._calls.append(msgspec.json.encode(call))
        self._next += 1

    def since(self, n: int) -> tuple[list[Call], int]:
        """The calls still kept whose number is at least `n`, and the number of the next call."""
        first = self._next - len(self._calls)
        kept = islice(self._calls, max(0, n - first), None)
        return [msgspec.json.decode(call, type=Call) for call in kept], self._next

    def clear(self) -> None:
        self._calls.clear()
        self._next = 0
