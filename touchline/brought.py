"""What a feed brings to people: commands, a live board, and how the simulator stands in for its
vendors; without what calls and serves them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Told:
    """A command's answer: `said` is its JSON object, `shown` what rich prints for people instead;
    `files` are written before either."""

    said: object
    shown: Iterable[Any]
    files: Mapping[Path, bytes] = field(default_factory=dict)


Work = Callable[[Any, Callable[[str], None]], Told]
"""What a command does with an open site; it says how it gets on to the function."""
Command = Callable[[], Callable[..., Work]]
"""Loads a command when it is called; its docstring is the command's help. What it gives takes the
command's options, declared for Typer, refuses what makes no sense, and returns the work."""


@dataclass(frozen=True)
class StandIn:
    """How the simulator stands in for a feed's vendors.

    `keys` returns fresh credentials, as settings by name; the simulator reads them from the
    variables of these settings. `urls` has the path of each vendor on the simulator by the name of
    the setting that says where the vendor is.
    """

    keys: Callable[[], dict[str, Any]]
    urls: Mapping[str, str]

    def at(self, origin: str) -> dict[str, str]:
        """Return the settings that say where the vendors are, on a simulator with this origin, such
        as `http://127.0.0.1:8000`."""
        return {name: origin + path for name, path in self.urls.items()}


class BoardState(Protocol):
    """What a board shows at one moment; it never changes."""

    @property
    def version(self) -> int: ...

    def version_of(self, token: str) -> int:
        """Return the version that a viewer names; -1 for one of another board."""
        ...

    def age_seconds(self, now: datetime) -> float | None:
        """Return how old it is; None before the first fetch."""
        ...

    def page(self, chosen: Any, age: float | None, *, nonce: str, prefix: str) -> str:
        """Return the whole page as HTML, whose styles and scripts carry the nonce."""
        ...

    def change(self, chosen: Any, since: int, age: float | None) -> dict[str, Any]:
        """Return what a viewer who has the version `since` needs to have this one, for JSON."""
        ...


@dataclass(frozen=True)
class LiveBoard:
    """A feed's board on one site. One thread calls `read`, another one the `parts`.

    `first` is shown before anything was read; `read` returns the state after another one, the same
    where nothing is new, and raises nothing. `chosen` makes of a query what a viewer wants to see
    of every state. `parts` are what a page asks for, by path: from a state and a query to HTML and
    its HTTP status.
    """

    first: BoardState
    read: Callable[[Any], BoardState]
    chosen: Callable[[Mapping[str, str]], Any]
    parts: Mapping[str, Callable[[Any, Mapping[str, str]], tuple[str, int]]]
