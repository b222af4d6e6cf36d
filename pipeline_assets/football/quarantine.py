"""Everything that any stage set aside, in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated

import msgspec

from touchline.fetch import FetchRef
from touchline.stage import QuarantinedRecord, Reads, Stage, Staged

Meta = msgspec.Meta


class QuarantineReason(StrEnum):
    """None: what other stages set aside is neither dropped nor set aside here."""


class Quarantined(msgspec.Struct, frozen=True):
    """A record that a stage set aside, with the reason and the start of what it was."""

    fetch_id: str
    stage: str
    ordinal: Annotated[int, Meta(description="place among what this stage set aside")]
    key: Annotated[str | None, Meta(description="the record's key, null where it has none")]
    reason: str
    detail: str
    raw: Annotated[str, Meta(description="the record's first 2,000 bytes, for people")]


def quarantine(
    fetch: FetchRef, by_stage: Mapping[str, Sequence[QuarantinedRecord]]
) -> Staged[Quarantined]:
    """One record for each one set aside, by stage in the order given."""
    staged = Staged[Quarantined]()
    for name, records in by_stage.items():
        staged.emit_many(
            [
                Quarantined(
                    fetch.fetch_id,
                    name,
                    ordinal,
                    record.key,
                    record.reason,
                    record.detail,
                    record.raw,
                )
                for ordinal, record in enumerate(records)
            ]
        )
    return staged


def quarantine_stage(*stages: Stage) -> Stage[Quarantined]:
    """The stage that collects what these set aside."""
    return Stage(
        name="football/quarantine",
        inputs=tuple(stage.name for stage in stages),
        makes=Quarantined,
        by=quarantine,
        key=lambda record: f"{record.stage}/{record.ordinal}",
        reasons=QuarantineReason,
        counts="quarantined records",
        doc="Every record that a stage set aside, with its reason and the start of what it was.",
        reads=Reads.QUARANTINED,
    )
