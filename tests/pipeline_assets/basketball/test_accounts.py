"""Both directions of the account, at every asset: what was claimed and is not there, and what is
there and was claimed as nothing. Either is named by the first check that looks."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from pipeline_assets.basketball.box_scores import box_scores
from pipeline_assets.basketball.plan import basketball
from pipeline_assets.repair.survey import Fault, survey
from resources.fetch_object import FetchObject, pack
from resources.ledger import Ledger
from resources.stage_codec import encode_stage
from simulator.basketball.season import Season
from tests.feeds.watched import Watched
from tests.pipeline_assets.basketball.nba import nba
from touchline.accounting import LossClass, sha256_hex
from touchline.day import Day, FetchNumber
from touchline.fetch import write_envelope
from touchline.stage import Staged

pytestmark = pytest.mark.stack  # They need no stack, and take long.

FRIDAY = Day.parse("2026-01-09")
ASSETS = [asset.name for asset in basketball.assets]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A simulated day, of which each raw asset was fetched once."""
    with nba(tmp_path_factory.mktemp("accounts"), Season(1), FRIDAY) as lived:
        watched = lived.watched
        done: set[str] = set()
        for slot in watched.slots(watched.case.over):
            of_day = slot.day == FRIDAY and slot.raw not in done
            if of_day and (slot.raw != box_scores.name or slot.at > FRIDAY.end):
                watched.run(slot)
                done.add(slot.raw)
        watched.clock.set(watched.case.over)
        yield watched


@dataclass
class Standing:
    """What stands of an asset, of which there is one object, in both books."""

    watched: Watched
    asset: str

    @property
    def made(self) -> FetchObject:
        days = self.watched.site.days("basketball")
        days.refresh()
        [number] = days.index(self.asset, FRIDAY).numbers
        return days.read_back(self.asset, FRIDAY, number)

    def found(self, number: FetchNumber) -> Fault:
        """What one run of the asset's checks says of the object. Other slots were not fetched."""
        plan = self.watched.plan
        [asset] = [each for each in plan.assets if each.name == self.asset]
        return survey(self.watched.site, plan, asset, FRIDAY).faults[number]

    @contextmanager
    def ledger(self) -> Iterator[sqlite3.Connection]:
        file = self.watched.site.settings.home / "ledger.sqlite"
        with closing(sqlite3.connect(file)) as ledger:
            ledger.row_factory = sqlite3.Row
            yield ledger
            ledger.commit()

    def row(self) -> dict[str, Any]:
        with self.ledger() as ledger:
            asked = "SELECT * FROM ledger_claims WHERE asset = ?"
            [row] = ledger.execute(asked, (self.asset,)).fetchall()
        return dict(row)

    def claim(self, **columns: Any) -> None:
        names = ", ".join(f"{name} = ?" for name in columns)
        with self.ledger() as ledger:
            ledger.execute(
                f"UPDATE ledger_claims SET {names} WHERE asset = ?",
                (*columns.values(), self.asset),
            )
        # As another process sees it: this one knows what it has read of a sequence.
        site = self.watched.site
        site.ledger.close()
        site.ledger = Ledger(site.settings.ledger_database, site.ledger.prefix)
        site._days.clear()

    @contextmanager
    def spoiled(self) -> Iterator[FetchObject]:
        """The object, which is put back afterwards, with its claim."""
        store, made, row = self.watched.site.store, self.made, self.row()
        try:
            yield made
        finally:
            store.delete(made.key)
            etag = store.put_new(made.key, made.body, made.metadata())
            self.claim(**{**row, "etag": etag, "verified_etag": None})


@pytest.fixture(params=ASSETS)
def standing(lived: Watched, request: pytest.FixtureRequest) -> Standing:
    return Standing(lived, request.param)


def claimed(row: Mapping[str, Any], **changes: Any) -> str:
    return json.dumps(json.loads(row["landed"]) | changes)


def test_what_was_claimed_as_nothing_and_is_there_is_mistracked(standing: Standing) -> None:
    with standing.spoiled() as made:
        assert made.account.emitted > 0
        row = standing.row()
        account = json.loads(row["landed"])["account"] | {"received": 0, "emitted": 0}
        landed = claimed(row, account=account)
        counts = {"received": 0, "emitted": 0, "explained": 0}
        standing.claim(landed=landed, verified_etag=None, **counts)
        fault = standing.found(made.ref.number)
        assert (fault.loss, fault.records) == (LossClass.TRACKING_ERROR, made.account.emitted)


def test_what_was_claimed_and_has_gone_is_lost(standing: Standing) -> None:
    with standing.spoiled() as made:
        standing.watched.site.store.delete(made.key)
        fault = standing.found(made.ref.number)
        assert (fault.loss, fault.records) == (LossClass.REAL_LOSS, made.account.emitted)


def test_what_was_claimed_and_holds_nothing_is_lost(standing: Standing) -> None:
    with standing.spoiled() as made:
        store, body = standing.watched.site.store, nothing_of(standing, made)
        empty = replace(made, body=body, sha256=sha256_hex(body))
        etag = store.replace(made.key, body, store.head(made.key).etag, empty.metadata())
        landed = claimed(standing.row(), sha256=empty.sha256)
        standing.claim(landed=landed, etag=etag, verified_etag=None)
        fault = standing.found(made.ref.number)
        assert (fault.loss, fault.records) == (LossClass.REAL_LOSS, made.account.emitted)


def nothing_of(standing: Standing, made: FetchObject) -> bytes:
    """The bytes of the same object without a record."""
    stage = standing.watched.site.stages.get(standing.asset)
    if stage is not None:
        return encode_stage(stage, made.ref, Staged())
    return pack(write_envelope(made.ref, {}, {"outcome": "complete"}, start_line=""))
