"""`touchline export`: the daily log document of an asset, composed from what landed.

The document is written fetch by fetch, since a raw day is some 11 GB of JSON; what counts the
fetches therefore stands behind them. Nothing is counted but what is written.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import msgspec
import typer

from operations.arguments import DayOption, Prefix
from operations.console import progress, whole
from operations.opened import opened_store
from pipeline_assets.expired import refuse_expired
from pipeline_assets.load import find_asset
from resources.ledger import LedgerUnavailable
from resources.site import Site
from resources.stage_codec import decode_stage
from touchline.day import Day, FetchNumber, Window, new_york_text, parse_instant
from touchline.errors import Misuse
from touchline.stage import Content, RawAsset, Stage

StoredAt = Callable[[Window], datetime | None]
"""When a window was stored (UTC); None where nobody knows."""

_encode = msgspec.json.Encoder(decimal_format="number").encode


def export(
    asset: Annotated[str, typer.Option(help="Asset, like football/merged or merged.")],
    date: DayOption,
    out: Annotated[
        Path | None,
        typer.Option(help="File, or folder for the document's own name. [default: stdout]"),
    ] = None,
    prefix: Prefix = None,
) -> None:
    """Write the daily log document of an asset as JSON."""
    with opened_store(prefix) as site:
        exported = asset_to_export(site, asset)
        if out is not None and out.is_dir():
            out = out / document_name(exported, date)
        with whole(out) as file:
            known = stored_at(site, exported, date)
            uploads = write_document(site, exported, date, file, stored_at=known, progress=progress)
    fetches, matches = sum(u.fetches for u in uploads), sum(u.matches for u in uploads)
    progress(f"{fetches:,} fetches in {len(uploads)} uploads, {matches:,} matches")


def document_name(asset: RawAsset | Stage[Any], day: Day) -> str:
    """`merge_json_log_2025-05-28.json`"""
    return f"{asset.log_name or asset.short_name}_json_log_{day}.json"


def asset_to_export(site: Site, name: str) -> RawAsset | Stage[Any]:
    """Raises UnknownAsset, Misuse where it has no documented form."""
    full = find_asset(site, name)
    (asset,) = (a for plan in site.plans.values() for a in plan.assets if a.name == full)
    if asset.export is None:
        raise Misuse(f"{full} has no form in the daily log")
    return asset


def write_document(
    site: Site,
    asset: RawAsset | Stage[Any],
    day: Day,
    out: BinaryIO,
    *,
    stored_at: StoredAt = lambda window: None,
    progress: Callable[[str], None] = lambda text: None,
) -> list[Upload]:
    """Write one upload for each ten-minute window with fetches, and return them.

    An upload whose time `stored_at` does not know bears the end of its window's last minute, before
    which it cannot have been stored. Raises Misuse where nothing of the day is there, DayExpired,
    StoreError, UnreadableObject, UnreadableFetch, UnreadableStageObject: what was written is then
    no document.
    """
    refuse_expired(site, asset.name, day)
    entries = _entries(site, asset, day)
    numbers = sorted(site.days(asset.feed).index(asset.name, day).numbers)
    if not numbers:
        raise Misuse(f"nothing of {asset.name} on {day} is in {site.where}")
    uploads: list[Upload] = []
    out.write(b'{"uploads":[')
    for window, of_window in itertools.groupby(numbers, lambda number: Window.of(day, number)):
        at = stored_at(window) or window.end
        upload = Upload(len(uploads) + 1, new_york_text(at))
        out.write(b",\n" if uploads else b"\n")
        upload.write(out, map(entries, of_window))
        uploads.append(upload)
        progress(f"{window}: {upload.fetches} fetches")
    metadata = {
        "date": str(day),
        "total_uploads_today": len(uploads),
        "total_matches_today": sum(upload.matches for upload in uploads),
        "first_upload_today": uploads[0].timestamp,
        "last_upload": uploads[-1].timestamp,
        "matches_in_this_upload": uploads[-1].matches,
    }
    out.write(b'\n],"daily_metadata":' + _encode(metadata) + b"}\n")
    return uploads


def stored_at(site: Site, asset: RawAsset | Stage[Any], day: Day) -> StoredAt:
    """When a window of this day was stored, as the sealed day says or the store. Raises
    StoreError, UnreadableObject."""
    days = site.days(asset.feed)
    index = days.index(asset.name, day)
    sealed = days.sealed_days.current(asset.name, day) if index.seal is not None else None
    if sealed is not None:
        known = {upload.first: parse_instant(upload.stored_at) for upload in sealed.uploads}
    else:
        known = {int(first): item.last_modified for first, item in index.windows.items()}
    return lambda window: known.get(window.first)


@dataclass
class Upload:
    """A window of the document, counted while it is written."""

    sequence: int
    timestamp: str
    fetches: int = 0
    matches: int = 0

    def write(self, out: BinaryIO, entries: Iterator[Mapping[str, Any]]) -> None:
        begin = _encode({"upload_sequence": self.sequence, "upload_timestamp": self.timestamp})
        out.write(begin[:-1] + b',"fetch_data":[')
        for entry in entries:
            out.write(b",\n" if self.fetches else b"\n")
            out.write(_encode(entry))
            self.fetches += 1
            self.matches += _total_matches(entry)
        counts = {"matches_in_upload": self.matches, "fetches_in_upload": self.fetches}
        out.write(b"\n]," + _encode(counts)[1:])


def _total_matches(entry: Mapping[str, Any]) -> int:
    """Return the `total_matches` of the footer; 0 where it is not known, as in a failed fetch."""
    (footer,) = (part for name, part in entry.items() if name.endswith("FOOTER"))
    return footer["total_matches"] or 0


def _entries(
    site: Site, asset: RawAsset | Stage[Any], day: Day
) -> Callable[[FetchNumber], Mapping[str, Any]]:
    """Return the function that makes the log entry of one fetch."""
    days = site.days(asset.feed)
    if isinstance(asset, RawAsset):
        of_envelope = asset.export
        assert of_envelope is not None
        return lambda number: of_envelope(days.read(asset.name, day, number).envelope())
    export = asset.export
    assert export is not None
    landed_at = _landed_at(site, asset.name, day)

    def entry(number: FetchNumber) -> Mapping[str, Any]:
        found = days.read(asset.name, day, number)
        read = decode_stage(asset, found.body)
        content = Content(
            read.records,
            read.quarantined,
            read.account,
            found.outcome,
            finished_at=landed_at.get(number),
        )
        return export(found.ref, content)

    return entry


def _landed_at(site: Site, asset: str, day: Day) -> Mapping[FetchNumber, datetime | None]:
    """When each fetch landed. The ledger alone knows, and a document is made without it too."""
    try:
        return {number: row.landed_at for number, row in site.ledger.claims(asset, day).items()}
    except LedgerUnavailable:
        return {}
