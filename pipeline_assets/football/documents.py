"""What one fetch of a stage looks like in the daily log document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from pipeline_assets.football.wire.codes import IN_PLAY, status_breakdown
from touchline.day import new_york_text
from touchline.fetch import FetchRef
from touchline.stage import Content, QuarantinedRecord


def fetch_document(
    fetch: FetchRef,
    content: Content[Any],
    *,
    stage: str,
    body: Mapping[str, Any],
    counts: Mapping[str, Any],
    title: str = "",
    step: str = "",
) -> dict[str, Any]:
    """Header, body and footer of an asset, whose full name is `stage`.

    `counts` are of the records in `body`, never copied. The lines at both ends and the body are
    named after `title`, the time that it took after `step`: both the asset's last part by default.
    """
    title = title or stage.rpartition("/")[2]
    said = title.replace("_", " ").upper()
    return {
        "FETCH_HEADER": fetch.header(f"=== {said} DATA START ==="),
        f"{title.upper()}_DATA": {
            **body,
            "quarantined": quarantined_documents(fetch, stage, content.quarantined),
        },
        "FETCH_FOOTER": {
            "fetch_number": fetch.number,
            "random_fetch_id": fetch.fetch_id,
            "nyc_timestamp": finished(content),
            f"{step or title}_completion_time_seconds": seconds(content),
            **counts,
            **fate(content),
            "fetch_end": f"=== {said} DATA END ===",
        },
    }


def records_document(fetch: FetchRef, content: Content[Any], *, stage: str) -> dict[str, Any]:
    """Of an asset whose records stand in the document as they are, under the asset's name."""
    records = [msgspec.structs.asdict(record) for record in content.records]
    return fetch_document(
        fetch,
        content,
        stage=stage,
        body={stage.rpartition("/")[2]: records},
        counts=record_counts(records),
    )


def match_counts(statuses: Iterable[int | None]) -> dict[str, Any]:
    """The counts of a footer: matches, those in play, and how many have which status."""
    found = list(statuses)
    known = [status for status in found if status is not None]
    return {
        "total_matches": len(found),
        "matches_in_play": sum(status in IN_PLAY for status in known),
        "match_status_breakdown": status_breakdown(known),
    }


def record_counts(records: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """The counts of records that are no matches themselves: they, and the matches they are of."""
    matches = {record.get("match_id") for record in records} - {None}
    return {"total_matches": len(matches), "total_records": len(records)}


def finished(content: Content[Any]) -> str | None:
    """When it landed, as people read it; null where nobody knows."""
    return content.finished_at and new_york_text(content.finished_at)


def seconds(content: Content[Any]) -> float | None:
    """What the stage took, to the millisecond. What nobody measured is null, never a constant."""
    return None if content.seconds is None else round(content.seconds, 3)


def fate(content: Content[Any]) -> dict[str, Any]:
    """What became of all that was received; a placeholder is not taken for an empty success."""
    return {"outcome": content.outcome, "account": content.account.as_dict()}


def quarantined_documents(
    fetch: FetchRef, stage: str, quarantined: Sequence[QuarantinedRecord]
) -> list[dict[str, Any]]:
    return [
        {
            "fetch_id": fetch.fetch_id,
            "stage": stage,
            "match_id": record.key,
            "reason": record.reason,
            "detail": record.detail,
            "raw": record.raw,
        }
        for record in quarantined
    ]
