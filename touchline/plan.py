"""What the frame knows of a feed: its raw asset, its stages in order, its vendor's client."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from touchline.stage import RawAsset, Stage


@dataclass(frozen=True)
class FeedPlan:
    """A feed. `client` makes the vendor's client from settings, a clock and the object store; it
    imports what it needs when it is called, so that a plan costs nothing to look at."""

    raw: RawAsset
    stages: tuple[Stage[Any], ...]
    client: Callable[..., Any]

    @property
    def name(self) -> str:
        return self.raw.feed

    @property
    def stage_modules(self) -> frozenset[str]:
        return frozenset(stage.module for stage in self.stages)

    @property
    def assets(self) -> tuple[RawAsset | Stage[Any], ...]:
        return (self.raw, *self.stages)
