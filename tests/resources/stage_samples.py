"""A small stage, and fetch objects as it makes them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec

from resources.fetch_object import FetchObject, pack
from resources.stage_codec import encode_stage
from touchline.accounting import Account, Outcome, key_digest, sha256_hex
from touchline.day import Day
from touchline.fetch import Call, FetchRef, write_envelope
from touchline.stage import Stage, Staged

DAY = Day.parse("2025-05-28")
RAW = "football/raw_fetches"


class Name(msgspec.Struct, frozen=True):
    name: str


class Seen(msgspec.Struct, frozen=True):
    names: list[str]


class Reason(StrEnum):
    DULL = "dull"


def names(fetch: FetchRef, raw: Any, *, carried: Seen | None) -> Staged[Name]:
    raise NotImplementedError


STAGE = Stage(
    name="football/names",
    inputs=(RAW,),
    makes=Name,
    by=names,
    key=lambda record: record.name,
    reasons=Reason,
    counts="names",
    doc="Names.",
    ordered=True,
    carries=Seen,
)


def ref(number: int, fetch_id: str = "Qx7LmA20bTzK", day: Day = DAY) -> FetchRef:
    return FetchRef("football", day.minute(number), fetch_id)


def staged(emitted: Sequence[str], dropped: int = 0, carried: Seen | None = None) -> Staged[Name]:
    made = Staged[Name](carried=carried)
    made.emit_many([Name(name) for name in emitted])
    made.drop_many(Reason.DULL, "m1", dropped)
    return made


def stage_object(
    number: int,
    emitted: Sequence[str] = ("a", "b"),
    *,
    fetch_id: str = "Qx7LmA20bTzK",
    outcome: Outcome = Outcome.COMPLETE,
    code_version: str = "v1",
    account: Account | None = None,
    digest: str | None = None,
) -> FetchObject:
    """A derived fetch object; `account` and `digest` may lie about its rows."""
    made = staged(emitted)
    body = encode_stage(STAGE, ref(number, fetch_id), made)
    return FetchObject(
        asset=STAGE.name,
        ref=ref(number, fetch_id),
        outcome=outcome,
        account=account or made.account,
        digest=digest or key_digest(emitted),
        sha256=sha256_hex(body),
        code_version=code_version,
        upstream_sha256=sha256_hex(b"raw"),
        etag=None,
        body=body,
    )


def envelope(
    number: int, body: bytes = b'{"code":0,"results":[]}', *, fetch_id: str = "Qx7LmA20bTzK"
) -> bytes:
    return write_envelope(
        ref(number, fetch_id),
        {"RAW_API_DATA": {"live_matches": Call("match/detail_live", {}, body, 200)}},
        {"outcome": "complete", "reason": None},
        start_line="=== RAW API DATA START ===",
    )


def raw_object(number: int, *, fetch_id: str = "Qx7LmA20bTzK") -> FetchObject:
    body = pack(envelope(number, fetch_id=fetch_id))
    return FetchObject(
        asset=RAW,
        ref=ref(number, fetch_id),
        outcome=Outcome.COMPLETE,
        account=Account(),
        digest=key_digest([]),
        sha256=sha256_hex(body),
        code_version="v1",
        upstream_sha256=None,
        etag=None,
        body=body,
    )
