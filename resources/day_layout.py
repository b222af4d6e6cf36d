"""Where a stage's day lies in the object store; the same for every feed.

    raw/<feed>/<raw asset>/date=D/NNNNNNNN.json.zst                   fetch objects
    hot/<feed>/date=D/<asset>/NNNNNNNN.parquet                        the same of derived stages
    logs/<feed>/<raw asset>/<raw asset>_json_log_D.json.zst           a sealed raw day
    lake/<feed>/<asset>/                                              sealed derived days
    logs/<feed>/manifests/<raw asset>/date=D/NNNNN.json.zst           what a sealed raw day holds

Windows stand beside fetch objects, as NNNNNNNN-NNNNNNNN. An empty object `sealed-NNNNN` in a day's
folder says that the day is sealed, with the manifest of this number, so that whoever lists the
folder knows it.

What comes from a raw asset named `raw_fetches`, which football has, has numbers of five digits; its
fetches stand in `raw/<feed>/date=D/`, and its log is called `all_api`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from touchline.day import Day, FetchNumber, Window
from touchline.slot import implied_raw

LOG_NAME = "all_api"
_NUMBER = r"(\d{8}|\d{5})"
_SINGLE = re.compile(rf"{_NUMBER}\.(?:json\.zst|parquet)")
_SEAL = re.compile(r"sealed-(\d{5})")
_WINDOW = re.compile(rf"{_NUMBER}-{_NUMBER}\.(?:json\.zst|parquet)")


@dataclass(frozen=True, order=True)
class AssetKeys:
    """The keys of one asset. `raw` is the raw asset whose slots number its fetches; a raw asset's
    own name where it is one."""

    asset: str
    raw: str

    @classmethod
    def of(cls, asset: str, raws: Mapping[str, str]) -> AssetKeys:
        """Return the keys of an asset. `raws` has by asset the raw asset that numbers its fetches;
        what it does not name is numbered by its feed's `raw_fetches`."""
        return cls(asset, raws.get(asset) or implied_raw(asset.partition("/")[0]))

    @property
    def is_raw(self) -> bool:
        return self.asset == self.raw

    def folder(self, day: Day) -> str:
        """Return the prefix below which everything of a day stands that is not sealed away."""
        feed, _, name = self.asset.partition("/")
        if self.is_raw:
            return f"raw/{feed}/date={day}/" if self._implied else f"raw/{feed}/{name}/date={day}/"
        return f"hot/{feed}/date={day}/{name}/"

    def single(self, day: Day, number: int) -> str:
        """Return the key of a fetch object."""
        return f"{self.folder(day)}{self._digits(number)}.{self._ending}"

    def window(self, window: Window) -> str:
        span = f"{self._digits(window.first)}-{self._digits(window.last)}"
        return f"{self.folder(window.day)}{span}.{self._ending}"

    def beside(self, day: Day, number: int, fetch_id: str) -> str:
        """Return the prefix below which this fetch's result is kept beside another that counts."""
        return f"conflicts/{self.single(day, number)}.{fetch_id}."

    def seal(self, day: Day, manifest: int) -> str:
        return f"{self.folder(day)}sealed-{manifest:05d}"

    def log(self, day: Day) -> str:
        """Return the key of a sealed raw day."""
        feed, name = self.asset.partition("/")[0], self._log_name
        return f"logs/{feed}/{name}/{name}_json_log_{day}.json.zst"

    def log_manifest(self, day: Day, number: int) -> str:
        """Return the key of the manifest of a sealed raw day."""
        feed = self.asset.partition("/")[0]
        return f"logs/{feed}/manifests/{self._log_name}/date={day}/{number:05d}.json.zst"

    @property
    def _implied(self) -> bool:
        return self.raw == implied_raw(self.raw.partition("/")[0])

    @property
    def _log_name(self) -> str:
        return LOG_NAME if self._implied else self.asset.partition("/")[2]

    @property
    def _ending(self) -> str:
        return "json.zst" if self.is_raw else "parquet"

    def _digits(self, number: int) -> str:
        return f"{number:05d}" if self._implied else f"{number:08d}"


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
