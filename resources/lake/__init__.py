"""Sealed derived days: one Delta table an asset, one commit a sealed day, a manifest beside it.

    lake/<feed>/<asset>/date=D/NNNNN-PPP-<sha256>.parquet     rows, in the order of fetches
    lake/<feed>/<asset>/_delta_log/                           what counts of them
    lake-manifests/<feed>/<asset>/date=D/NNNNN.json.zst       the fetches of a sealed day

NNNNN is the manifest's number, PPP the part's. Which manifest of a day counts is said by the table
itself, as the version of the transaction `<asset>@D` in the commit that brought the rows. So rows
and manifest always agree, whatever dies in between.

delta-rs keeps the log; the Parquet files are written and read here through `Store`.
*Measured* (1.6.6): `write_deltalake` shuffles the rows, and an ordered stage's rows mean something
only in their order; given a URI and not a handle it erases what others committed meanwhile;
`to_pyarrow_table()` aborts the process at its end in up to half of the runs. None is used.
"""

from resources.lake.adoption import adopt_day
from resources.lake.commit import Committed, commit_day
from resources.lake.errors import (
    DamagedLake,
    LakeError,
    NotAbove,
    SchemaConflict,
    Unaccounted,
    WouldErase,
)
from resources.lake.expiry import drop_day
from resources.lake.reading import SealedDay, file_digests, read_day
from resources.lake.tables import DataFile, Lake
from resources.lake.upkeep import Upkeep, maintain

__all__ = [
    "Committed",
    "DamagedLake",
    "DataFile",
    "Lake",
    "LakeError",
    "NotAbove",
    "SchemaConflict",
    "SealedDay",
    "Unaccounted",
    "Upkeep",
    "WouldErase",
    "adopt_day",
    "commit_day",
    "drop_day",
    "file_digests",
    "maintain",
    "read_day",
]
