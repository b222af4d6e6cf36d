"""Football's slots, as most tests need them."""

from __future__ import annotations

from resources.day_layout import AssetKeys
from touchline.day import Minute
from touchline.schedule import EveryMinute
from touchline.slot import Slot

RAW = "football/raw_fetches"
PATIENCE = EveryMinute().patience


def slot_at(minute: Minute) -> Slot:
    """The slot of football's raw fetch at this minute."""
    return Slot.implied("football", minute.utc)


def asset_keys(asset: str) -> AssetKeys:
    """The keys of an asset that is numbered by its feed's `raw_fetches`, as football's are."""
    return AssetKeys.of(asset, {})
