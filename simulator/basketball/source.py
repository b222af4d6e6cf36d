"""What the HTTP side asks of the NBA services: simulated and recorded ones both answer it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol

from simulator.basketball.asking import Params
from touchline.errors import TouchlineError


class Priced(NamedTuple):
    """A body of The Odds API, and what it costs in credits."""

    body: bytes
    cost: int = 0


class RefusedError(TouchlineError):
    """The Odds API refuses a call, with its own code and an HTTP status."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Basketball(Protocol):
    """Both services as functions of the time: the same `at` (UTC) always gives the same bytes."""

    def balldontlie(self, endpoint: str, params: Params, at: datetime) -> bytes | None:
        """The answer below /v1/, None for an unknown path. Raises UnreadParameterError."""
        ...

    def odds_api(self, endpoint: str, params: Params, at: datetime) -> Priced | None:
        """The answer below /v4/, None for an unknown path.

        Raises UnreadParameterError, RefusedError.
        """
        ...
