"""`touchline mirror`: sealed days to another bucket, and what came of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from operations.arguments import Json, Prefix
from operations.console import answer
from operations.errors import BAD
from operations.opened import opened_store
from resources.ledger import LedgerUnavailable
from resources.mirror import Progress as Told
from resources.mirror import mirror_days
from resources.mirror_copy import MirrorReport
from resources.mirror_marker import MirrorRefused, claim_mirror
from resources.settings import PREFIX
from resources.site import Site
from resources.store import NoSuchBucket
from resources.store.s3 import S3Connection, S3Store


def mirror(
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Read every copy back again, and repair what is damaged."),
    ] = False,
    prefix: Prefix = None,
    as_json: Json = False,
) -> None:
    """Send sealed days to another bucket (TOUCHLINE_MIRROR_BUCKET) and verify them there."""
    with opened_store(prefix) as site, _progress_shown() as progress:
        report = _mirror(site, progress, deep=deep)
    said = {
        "days": sorted(map(str, report.days)),
        "incomplete": sorted(map(str, report.incomplete)),
        "objects": report.objects,
        "sent": report.sent,
        "bytes_sent": report.bytes_sent,
        "verified": report.verified,
        "repaired": report.repaired,
        "differs": report.differs,
        "waiting": report.waiting,
    }
    answer(said, _shown(report), as_json=as_json)
    raise typer.Exit(BAD if report.differs else 0)


def _mirror(site: Site, progress: Told, *, deep: bool) -> MirrorReport:
    """Send what is missing there and read it back. Raises SettingsError where no bucket is named,
    MirrorRefused, StoreError, after which the next call goes on."""
    settings = site.settings
    s3 = S3Connection(
        endpoint_url=settings.mirror_endpoint_url, profile_name=settings.mirror_profile
    )
    target = S3Store(s3, settings.require_mirror_bucket(), settings.mirror_prefix)
    try:
        next(target.list(""), None)
    except NoSuchBucket as error:
        raise MirrorRefused(
            f"there is no bucket {target.bucket}: make it, or set {PREFIX}MIRROR_BUCKET"
        ) from error
    claim_mirror(site.store, target, uuid.uuid4().hex)
    try:
        rows = [row for feed in site.plans for row in site.ledger.seals(feed)]
    except LedgerUnavailable:  # As on a new machine.
        rows = []
    seals = {(row.asset, row.day): row for row in rows}
    return mirror_days(
        site.store, target, seals, settings.home, site.clock.now(), progress, deep=deep
    )


@contextmanager
def _progress_shown() -> Iterator[Told]:
    """A bar of the sealed days, each asset's counted by itself."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("mirroring", total=None)
        yield lambda text, done, total: bar.update(
            task, description=text, completed=done, total=total
        )


def _shown(report: MirrorReport) -> Iterator[RenderableType]:
    """One table, then a line for each thing that differs, was repaired or waits."""
    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("days that stand there whole", f"{len(report.days):,}")
    table.add_row("their objects", f"{report.objects:,}")
    table.add_row("sent", f"{report.sent:,}")
    table.add_row("megabytes sent", f"{report.bytes_sent / 1e6:,.1f}")
    table.add_row("read back and compared", f"{report.verified:,}")
    yield table
    yield from (f"differs: {each.key}: {each.detail}" for each in report.differs)
    yield from (f"repaired: {key}" for key in report.repaired)
    yield from (f"waits: {what}" for what in report.waiting)
