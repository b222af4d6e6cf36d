"""Everything that any stage set aside, in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from pipeline_assets.football.documents import fetch_document, record_counts
from touchline.fetch import FetchRef
from touchline.stage import Content, QuarantinedRecord, Reads, Stage, Staged

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


def quarantine_document(fetch: FetchRef, content: Content[Quarantined]) -> dict[str, Any]:
    """The documented JSON of all that was set aside of one fetch."""
    quarantined = [
        {
            "fetch_id": record.fetch_id,
            "stage": record.stage,
            "match_id": record.key,
            "reason": record.reason,
            "detail": record.detail,
            "raw": record.raw,
        }
        for record in content.records
    ]
    return fetch_document(
        fetch,
        content,
        stage="football/quarantine",
        body={"quarantine": quarantined},
        counts=record_counts(quarantined),
    )


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
        export=quarantine_document,
    )
