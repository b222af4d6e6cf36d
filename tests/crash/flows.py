"""Every flow whose process is killed, by name."""

from __future__ import annotations

from tests.crash import open_day, sealed_day

FLOWS = {
    flow.name: flow
    for flow in (
        open_day.MINUTE,
        open_day.WINDOWS,
        open_day.BACKFILL,
        open_day.BACKFILL_OF_WINDOWS,
        sealed_day.SEAL,
        sealed_day.BACKFILL,
        sealed_day.SEAL_AGAIN,
        sealed_day.CLEAR,
        open_day.DAGSTER,
    )
}
