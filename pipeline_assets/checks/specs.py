"""Which checks every asset has. What they do stands beside it, imported by runs alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from touchline.stage import RawAsset, Stage

Asset = RawAsset | Stage[Any]


@dataclass(frozen=True)
class CheckSpec:
    """A check by its name, which is that of its function, of every asset that `applies`."""

    name: str
    doc: str
    applies: Callable[[Asset], bool] = lambda asset: True


CHECKS = (
    CheckSpec(
        "landed_matches_claimed",
        "What the ledger says was claimed is what the store shows when it is read back.",
    ),
    CheckSpec(
        "cadence",
        "Every expected minute of the day has a fate: a fetch that landed, or a named miss.",
        applies=lambda asset: isinstance(asset, RawAsset),
    ),
    CheckSpec(
        "spool_within_bounds",
        "What waits on the local disk stays below its bound, in size and in age.",
        applies=lambda asset: isinstance(asset, RawAsset),
    ),
)


def checks_for(asset: Asset) -> list[CheckSpec]:
    return [check for check in CHECKS if check.applies(asset)]
