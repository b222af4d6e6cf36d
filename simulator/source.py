"""What the HTTP side asks of a world: the recorded one and the simulated one both answer it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from simulator.history import MarketRows
from touchline.errors import TouchlineError


class DataDirectoryError(TouchlineError):
    """The recorded poll cannot be read from the given directory; the text says which file."""

    def __init__(self, directory: Path, reason: str) -> None:
        super().__init__(f"no recorded poll in {directory}: {reason}")


class Source(Protocol):
    """A football world as a function of time: the same `at` (Unix s) always gives the same bytes.

    Answers are compact JSON: one element of the vendor's `results`, without the envelope.
    """

    def live(self, at: int) -> Sequence[str]:
        """Ids of the matches in the live list."""
        ...

    def live_entry(self, match_id: str, at: int) -> bytes:
        """The entry of match/detail_live."""
        ...

    def recent(self, at: int, since: int | None = None) -> Sequence[str]:
        """Ids of the vendor's 30-day window, or of those that changed at or after `since`."""
        ...

    def detail(self, match_id: str, at: int) -> bytes | None:
        """The entry of match/recent/list, None for an unknown id."""
        ...

    def odds(self, match_id: str, at: int) -> bytes | None:
        """The whole `results` object of odds/history, None for an unknown id."""
        ...

    def odds_rows(self, match_id: str, after: int, until: int) -> Sequence[MarketRows]:
        """The rows that became visible in (after, until]."""
        ...

    def teams(self) -> Sequence[str]: ...

    def team(self, team_id: str) -> bytes | None:
        """The entry of team/additional/list, None for an unknown id."""
        ...

    def competitions(self) -> Sequence[str]: ...

    def competition(self, competition_id: str) -> bytes | None:
        """The entry of competition/additional/list, None for an unknown id."""
        ...

    def countries(self) -> bytes:
        """The whole `results` list of country/list."""
        ...
