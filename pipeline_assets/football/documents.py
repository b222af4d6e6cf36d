"""What one fetch of a stage looks like in the daily log document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from touchline.day import new_york_text
from touchline.fetch import FetchRef
from touchline.football.codes import IN_PLAY, status_breakdown
from touchline.stage import QuarantinedRecord


def fetch_document(
    fetch: FetchRef,
    *,
    stage: str,
    matches: Sequence[dict[str, Any]],
    quarantined: Sequence[QuarantinedRecord],
    statuses: Iterable[int | None],
    finished_at: datetime,
    seconds: float,
) -> dict[str, Any]:
    """Header, matches and footer. Values are JSON types, Structs, `msgspec.Raw` and `Decimal`,
    which is to be written as a number. Footer counts are computed from the matches written.

    `stage` is the asset's last part, `seconds` what it took for this fetch.
    """
    title = stage.replace("_", " ").upper()
    return {
        "FETCH_HEADER": fetch.header(f"=== {title} DATA START ==="),
        f"{stage.upper()}_DATA": {
            "matches": matches,
            "quarantined": quarantined_documents(fetch, f"football/{stage}", quarantined),
        },
        "FETCH_FOOTER": {
            "fetch_number": fetch.number,
            "random_fetch_id": fetch.fetch_id,
            "nyc_timestamp": new_york_text(finished_at),
            f"{stage}_completion_time_seconds": round(seconds, 3),
            **match_counts(statuses),
            "fetch_end": f"=== {title} DATA END ===",
        },
    }


def match_counts(statuses: Iterable[int | None]) -> dict[str, Any]:
    """The counts of a footer: matches, those in play, and how many have which status."""
    found = list(statuses)
    known = [status for status in found if status is not None]
    return {
        "total_matches": len(found),
        "matches_in_play": sum(status in IN_PLAY for status in known),
        "match_status_breakdown": status_breakdown(known),
    }


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
