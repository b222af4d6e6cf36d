"""What the lake refuses, and what it finds damaged. A store that is away raises as ever."""

from __future__ import annotations

from resources.store import StoreError
from touchline.errors import Bad


class LakeError(StoreError):
    """The message names table and day, and says what to do."""

    kind = "lake"
    advice = None


class NotAbove(LakeError):
    """A manifest whose number is not above the one that counts."""


class WouldErase(LakeError):
    """What was made lacks what the sealed day holds, and no account explains it."""


class Unaccounted(LakeError):
    """Rows that are not those of which the manifest's accounts speak."""


class SchemaConflict(LakeError):
    """A column that stands in the table with another type."""


class DamagedLake(Bad, LakeError):
    """A log, manifest or file that is gone, or is not what it was when it was stored."""

    kind = "lake_damaged"
    advice = "touchline verify --all --deep"


class ManifestGone(DamagedLake):
    """There is no manifest of this number."""
