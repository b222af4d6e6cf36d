"""Kills the run of a slot at any of its writes, and lives on in another process.

What is outside of a process changes with its writes alone. Killed before one of them, it leaves
what it leaves that is killed after the one before: so every edge of every write is tried once.
"""

from __future__ import annotations

import os
import shutil
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from resources.ledger.faulty import FaultyLedger, Operation
from resources.site import Site
from resources.spool import Spool, Spooled, Torn
from resources.store.faulty import FaultyStore, Request
from tests.feeds.watched import Case, Watched, watched_in
from touchline.fetch import FetchRef
from touchline.slot import Slot


class Gone(BaseException):
    """The process is gone."""


@dataclass
class Death:
    """Comes in the place of the write number `at`, from 0, or never. Nothing passes after it: a
    process that is gone tidies nothing up."""

    at: int | None = None
    writes: int = 0

    def meets_store(self, request: Request) -> None:
        """The plan of a store."""
        self.meets(is_write=request.writes)

    def meets_ledger(self, operation: Operation) -> None:
        """The plan of a ledger."""
        self.meets(is_write=operation == "write")

    def meets(self, *, is_write: bool = True) -> None:
        """Raises Gone."""
        self.writes += is_write
        if self.at is not None and self.writes > self.at:
            raise Gone


@dataclass(frozen=True)
class MortalSpool(Spool):
    """Its writer may die with nothing written, and with half of it."""

    death: Death

    def write(self, ref: FetchRef, envelope: bytes) -> Spooled:
        self.death.meets()
        spooled = super().write(ref, envelope)
        try:
            self.death.meets()
        except Gone:
            os.truncate(spooled.path, len(envelope) // 2)
            raise
        return spooled


@dataclass
class MortalSite(Site):
    death: Death = field(default_factory=Death)

    def spool(self, feed: str) -> Spool:
        return MortalSpool(super().spool(feed).folder, feed, self.death)


def run_until(death: Death, watched: Watched, slot: Slot) -> bool:
    """Run a slot until its process dies; whether its fetch outlives that."""
    site = watched.site
    ledger = FaultyLedger(
        site.settings.ledger_database, site.settings.s3_prefix, death.meets_ledger
    )
    store = FaultyStore(site.store, death.meets_store)
    mortal = MortalSite(site.settings, site.plans, site.clock, store, ledger, death=death)
    with closing(mortal), suppress(Gone):
        replace(watched, site=mortal).run(slot)
    spool = site.spool(slot.feed)
    with suppress(Torn):
        return any(spool.read(each) for each in spool.entries() if each.slot == slot)
    return False


def copied(watched: Watched, folder: Path, case: Case) -> Watched:
    """Return the same past in another folder, of a feed that is watched alike."""
    shutil.copytree(watched.site.settings.home, folder / "home")
    there = watched_in(folder, case)
    for item in watched.site.store.list(""):
        found = watched.site.store.get(item.key)
        there.site.store.put_new(found.key, found.body, found.metadata)
    return there
