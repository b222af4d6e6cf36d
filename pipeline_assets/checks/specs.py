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
    is_of_now: bool = False
    """Whether it speaks of this machine as it is, whatever is known of the day."""


def _is_raw(asset: Asset) -> bool:
    return isinstance(asset, RawAsset)


CHECKS = (
    # First of all, since it reads back what others look at too.
    CheckSpec(
        "landed_matches_claimed",
        "What the ledger says was claimed is what the store shows when it is read back.",
    ),
    CheckSpec(
        "cadence",
        "Every expected minute of the day has a fate: a fetch that landed, or a named miss.",
        applies=_is_raw,
    ),
    CheckSpec(
        "records_conserved",
        "Every record that went in was emitted, dropped or quarantined, and what went in is what "
        "came out before.",
    ),
    CheckSpec(
        "every_fetch_once",
        "Each fetch counts once in every asset, under its own number and id.",
    ),
    CheckSpec(
        "zero_is_explained",
        "Where nothing came out of a fetch, there was nothing, or all of it was left out for a "
        "reason.",
    ),
    CheckSpec(
        "calendar_is_covered",
        "What the calendar says of the day is there, each game of it.",
        applies=lambda asset: isinstance(asset, Stage) and asset.covers is not None,
    ),
    CheckSpec(
        "schema_holds",
        "What lands has the columns that are declared, and the vendor's records their shape.",
    ),
    CheckSpec(
        "feed_is_alive",
        "The newest fetch is news: it came, its content moves, its clock and its events are of "
        "today.",
        applies=_is_raw,
    ),
    CheckSpec(
        "spool_within_bounds",
        "What waits on the local disk stays below its bound, in size and in age.",
        applies=_is_raw,
        is_of_now=True,
    ),
)


def checks_for(asset: Asset) -> list[CheckSpec]:
    return [check for check in CHECKS if check.applies(asset)]
