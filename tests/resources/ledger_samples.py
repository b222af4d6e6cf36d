"""Claims for the ledger's tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from resources.ledger import Claim, ClaimRow, Ledger
from resources.manifest import Held
from touchline.accounting import Account, Outcome, sha256_hex
from touchline.day import Day
from touchline.fetch import FetchRef

DAY = Day.parse("2025-05-28")
AT = datetime(2025, 5, 28, 17, 0, 3, 250_000, tzinfo=UTC)
ASSET = "football/merged"
WINDOW = f"hot/football/date={DAY}/merged/00001-00010.parquet"


def ref(number: int, fetch_id: str = "aB3dE6gH9jK2") -> FetchRef:
    return FetchRef("football", DAY.minute(number), fetch_id)


def claim(number: int, content: str = "", asset: str = ASSET, **changes: Any) -> Claim:
    made = Claim(
        asset=asset,
        ref=ref(number),
        key=f"hot/football/date={DAY}/{asset.rpartition('/')[2]}/{number:05d}.parquet",
        sha256=sha256_hex(content.encode()),
        account=Account(102, 99, {"not_live": 2}, {"bad_odds": 1}),
        digest="0" * 32,
        outcome=Outcome.COMPLETE,
        code_version="v1",
        upstream_sha256=sha256_hex(b"raw"),
        run_id="run-1",
        format=1,
    )
    return replace(made, **changes)


def held(number: int, **changes: Any) -> Held:
    """A fetch as a window holds it."""
    said = claim(number)
    made = Held(
        number=number,
        fetch_id=said.ref.fetch_id,
        minute=str(said.ref.minute),
        outcome=said.outcome,
        account=said.account,
        digest=said.digest,
        sha256=said.sha256,
        etag=f"e{number}",
        code_version=said.code_version,
        upstream_sha256=said.upstream_sha256,
    )
    return msgspec.structs.replace(made, **changes)


def only(ledger: Ledger) -> ClaimRow:
    """The one row of the day."""
    [row] = ledger.claims(ASSET, DAY).values()
    return row
