"""Where a stage's day lies in the object store; the same for every feed.

    raw/<feed>/date=D/NNNNN.json.zst, NNNNN-NNNNN.json.zst          fetch objects and windows
    hot/<feed>/date=D/<asset>/NNNNN.parquet, NNNNN-NNNNN.parquet    the same of derived stages
    logs/<feed>/<log name>/<log name>_json_log_D.json.zst           a sealed raw day
    lake/<feed>/<asset>/                                            sealed derived days
    logs/<feed>/manifests/<log name>/date=D/NNNNN.json.zst          what a sealed raw day holds

An empty object `sealed-NNNNN` in a day's folder says that the day is sealed, with the manifest of
this number, so that whoever lists the folder knows it.
"""

from __future__ import annotations

import re

from touchline.day import Day, FetchNumber, Window

RAW = "raw_fetches"
LOG_NAME = "all_api"
_SINGLE = re.compile(r"(\d{5})\.(?:json\.zst|parquet)")
_SEAL = re.compile(r"sealed-(\d{5})")
_WINDOW = re.compile(r"(\d{5})-\d{5}\.(?:json\.zst|parquet)")


def is_raw(asset: str) -> bool:
    return asset.rpartition("/")[2] == RAW


def day_prefix(asset: str, day: Day) -> str:
    feed, _, name = asset.partition("/")
    if is_raw(asset):
        return f"raw/{feed}/date={day}/"
    return f"hot/{feed}/date={day}/{name}/"


def object_key(asset: str, day: Day, number: int) -> str:
    return f"{day_prefix(asset, day)}{number:05d}.{_ending(asset)}"


def window_key(asset: str, window: Window) -> str:
    return f"{day_prefix(asset, window.day)}{window}.{_ending(asset)}"


def seal_key(asset: str, day: Day, manifest: int) -> str:
    return f"{day_prefix(asset, day)}sealed-{manifest:05d}"


def log_key(asset: str, day: Day) -> str:
    feed = asset.partition("/")[0]
    return f"logs/{feed}/{LOG_NAME}/{LOG_NAME}_json_log_{day}.json.zst"


def log_manifest_key(asset: str, day: Day, number: int) -> str:
    feed = asset.partition("/")[0]
    return f"logs/{feed}/manifests/{LOG_NAME}/date={day}/{number:05d}.json.zst"


def number_of(key: str) -> FetchNumber | None:
    """The fetch number of a fetch object's key; None for anything else below a day."""
    found = _SINGLE.fullmatch(key.rpartition("/")[2])
    return FetchNumber(int(found[1])) if found else None


def first_of_window(key: str) -> FetchNumber | None:
    """The first number of a window's key; None for anything else below a day."""
    found = _WINDOW.fullmatch(key.rpartition("/")[2])
    return FetchNumber(int(found[1])) if found else None


def seal_of(key: str) -> int | None:
    """The manifest's number of a seal's key; None for anything else below a day."""
    found = _SEAL.fullmatch(key.rpartition("/")[2])
    return int(found[1]) if found else None


def _ending(asset: str) -> str:
    return "json.zst" if is_raw(asset) else "parquet"
