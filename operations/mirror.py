"""`touchline mirror`: sealed days to another bucket, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from operations.errors import BAD
from resources.ledger import LedgerUnavailable, SealRow
from resources.mirror import Mirror
from resources.mirror import Progress as Told
from resources.mirror_copy import MirrorReport
from resources.mirror_marker import MirrorRefused, claim_mirror
from resources.settings import PREFIX, Settings
from resources.site import Site
from resources.store import NoSuchBucket, Store
from resources.store.s3 import S3Connection, S3Store
from touchline.day import Day


def mirror_store(settings: Settings) -> Store:
    """The place for the second copy. Raises SettingsError when no bucket is named."""
    s3 = S3Connection(
        endpoint_url=settings.mirror_endpoint_url, profile_name=settings.mirror_profile
    )
    return S3Store(s3, settings.require_mirror_bucket(), settings.mirror_prefix)


def mirror(site: Site, *, deep: bool, new_name: str, told: Told) -> MirrorReport:
    """Send what is missing there and read it back. `new_name` becomes the store's where it has
    none. Raises SettingsError, MirrorRefused, StoreError, after which the next call goes on."""
    target = mirror_store(site.settings)
    try:
        next(target.list(""), None)
    except NoSuchBucket as error:
        raise MirrorRefused(
            f"there is no bucket {target.bucket}: make it, or set {PREFIX}MIRROR_BUCKET"
        ) from error
    claim_mirror(site.store, target, new_name)
    work = Mirror(site.store, target, _seals(site), site.settings.home, deep)
    return work.run(site.clock.now(), told)


def _seals(site: Site) -> dict[tuple[str, Day], SealRow]:
    """What the ledger knows of sealed days. Without it, as on a new machine, they are compared with
    what they say of themselves."""
    try:
        rows = [row for feed in site.plans for row in site.ledger.seals(feed)]
    except LedgerUnavailable:
        return {}
    return {(row.asset, row.day): row for row in rows}


@contextmanager
def shown(console: Console) -> Iterator[Told]:
    """A bar of the sealed days, each asset's counted by itself."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("mirroring", total=None)
        yield lambda text, done, total: bar.update(
            task, description=text, completed=done, total=total
        )


def code_of(report: MirrorReport) -> int:
    return BAD if report.differs else 0


def as_json(report: MirrorReport) -> dict[str, Any]:
    """The shape that scripts rely on."""
    return {
        "days": sorted(map(str, report.days)),
        "incomplete": sorted(map(str, report.incomplete)),
        "objects": report.objects,
        "sent": report.sent,
        "bytes_sent": report.bytes_sent,
        "verified": report.verified,
        "repaired": report.repaired,
        "differs": [{"key": each.key, "detail": each.detail} for each in report.differs],
        "waiting": report.waiting,
    }


def show(report: MirrorReport, console: Console) -> None:
    """One table, then a line for each thing that differs, was repaired or waits."""
    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in (
        ("days that stand there whole", f"{len(report.days):,}"),
        ("their objects", f"{report.objects:,}"),
        ("sent", f"{report.sent:,}"),
        ("megabytes sent", f"{report.bytes_sent / 1e6:,.1f}"),
        ("read back and compared", f"{report.verified:,}"),
    ):
        table.add_row(name, value)
    console.print(table)
    lines = [f"differs: {each.key}: {each.detail}" for each in report.differs]
    lines += [f"repaired: {key}" for key in report.repaired]
    lines += [f"waits: {what}" for what in report.waiting]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
