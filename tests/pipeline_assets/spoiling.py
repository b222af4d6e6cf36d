"""A day that is spoiled by hand, past all rules, and what the checks say of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

from pipeline_assets.checks.report import CheckReport, Kind
from resources.day_store import Landing
from resources.fetch_object import FetchObject
from resources.site import Site
from resources.stage_codec import encode_stage
from tests.chain import FEED, Chain
from tests.pipeline_assets.small_plan import HEADS as HEADS_STAGE
from tests.pipeline_assets.small_plan import Head
from tests.slots import slot_at
from touchline.accounting import Verdict, key_digest, sha256_hex
from touchline.fetch import FetchRef
from touchline.stage import Staged

HEADS = HEADS_STAGE.name


def found(report: CheckReport) -> list[tuple[Kind, int | None, int | None]]:
    return [(f.kind, f.fetch_number, f.records) for f in report.findings]


def only_bad(checks: dict[tuple[str, str], CheckReport]) -> tuple[str, str]:
    """The one check that is not OK."""
    [key] = [key for key, report in checks.items() if report.verdict is not Verdict.OK]
    return key


def numbers(report: CheckReport) -> tuple[int | None, int | None]:
    return report.recorded, report.landed


@contextmanager
def by_hand(
    chain: Chain, asset: str = HEADS, passed: int = 0
) -> Iterator[tuple[Site, FetchObject]]:
    """Past all rules: the site, and an object of it."""
    with chain.process() as site:
        yield site, site.days(FEED).read_back(asset, chain.day, chain.number + passed)


def put(site: Site, made: FetchObject, **said: str) -> None:
    """Write over an object, with what it says of itself."""
    there = site.store.head(made.key)
    site.store.replace(made.key, made.body, there.etag, {**made.metadata(), **said})


def heads_object(chain: Chain, names: list[str], **lies: Any) -> FetchObject:
    """The next minute's object of heads, with these rows; `lies` are what it says of itself."""
    with by_hand(chain) as (_, made):
        ref = FetchRef.of(slot_at(chain.start.later(2)), made.ref.fetch_id)
        staged = Staged[Head]()
        staged.emit_many([Head(name) for name in names])
        body = encode_stage(HEADS_STAGE, ref, staged)
        truth = replace(
            made,
            ref=ref,
            body=body,
            sha256=sha256_hex(body),
            account=staged.account,
            digest=key_digest(names),
        )
        return replace(truth, **lies)


def land(chain: Chain, made: FetchObject) -> None:
    with chain.process() as site:
        landing = site.days(FEED).land(made, run_id="x", at=site.clock.now(), rebuild=False)
        assert landing is Landing.LANDED


def rewrite(chain: Chain, statement: str, *values: Any) -> None:
    """Change the ledger behind its back."""
    with closing(sqlite3.connect(chain.home / "ledger.sqlite")) as ledger:
        changed = ledger.execute(statement, values)
        assert changed.rowcount > 0, "nothing was changed"
        ledger.commit()
