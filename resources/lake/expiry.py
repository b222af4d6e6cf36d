"""A day taken out of its table on purpose."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa

from resources.lake.commit import ATTEMPTS, commit_files
from resources.lake.errors import NotAbove
from resources.lake.tables import Lake, app_id, manifests_key
from resources.manifest import Manifest
from resources.store import Conflicting
from touchline.day import Day


def drop_day(lake: Lake, asset: str, day: Day, number: int, *, at: datetime) -> None:
    """Let nothing of this day count any more, then remove its manifests; `number` is that of the
    manifest that counted. Doing so again finishes what a process that died had begun.

    The commit carries a transaction above every manifest of the day, of which there is no manifest:
    so the day is never taken for one that was not sealed yet, and no manifest of before counts
    again. Its files stay for `Lake.keep`, for who is reading them, and go with the table's upkeep.

    Raises NotAbove when the day has been sealed anew meanwhile, DamagedLake, Conflicting,
    StoreError.
    """
    manifests = [item.key for item in lake.store.list(f"{manifests_key(asset)}date={day}/")]
    above = max([number, *(int(key.rpartition("/")[2].split(".")[0]) for key in manifests)]) + 1
    for _ in range(ATTEMPTS):
        table = lake.open(asset)
        counts = lake.number(table, asset, day) if table else None
        if table is None or counts is None:
            break
        if counts > number:
            if lake.files(table, asset, day):
                raise NotAbove(
                    f"{app_id(asset, day)}: manifest {counts} counts, which is above {number}: "
                    "the day was sealed anew and is left as it is"
                )
            break
        gone = Manifest(asset=asset, date=str(day), number=above, held=[], uploads=[])
        columns = pa.schema(table.schema().to_arrow())
        if commit_files(lake, table, gone, columns, [], at):
            break
    else:
        raise Conflicting(f"{app_id(asset, day)}: others kept committing; nothing was dropped")
    for key in manifests:
        lake.store.delete(key)
