"""A stage's fetch object: Parquet rows, and in the footer the account of everything else.

The footer holds what the rows cannot: what was dropped and why, the quarantined records, findings,
and the state that an ordered stage carries on. Nothing in these bytes depends on when or how fast
they were made, so that a rebuild by the same code gives the same sha256.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec
import pyarrow as pa

from resources.manifest import About
from resources.parquet import read_parquet, records_of, table_of, write_parquet
from touchline.accounting import Account, key_digest
from touchline.compression import zstd
from touchline.errors import TouchlineError, Unreadable
from touchline.fetch import FetchRef
from touchline.formats import unread
from touchline.stage import Finding, QuarantinedRecord, Stage, Staged, VersionRead

R = TypeVar("R", bound=msgspec.Struct)
PREFIX = "touchline."
FORMAT = 1
READABLE_FORMATS = (1,)


NOT_KEPT = "-"
"""What stands for the carried state of a fetch whose window or sealed day keeps only its last."""


class StateNotKept(TouchlineError, ValueError):
    """The state after this fetch is not stored any more: it has to be made from an earlier one."""


class UnreadableStageObject(Unreadable):
    """Parquet bytes that lack what every stage object carries."""


@dataclass(frozen=True)
class StageObject(Generic[R]):
    """A stage object read back. `dropped` is reason -> record key -> count."""

    stage: Stage[R]
    table: pa.Table
    account: Account
    dropped: dict[str, dict[str, int]]
    quarantined: list[QuarantinedRecord]
    findings: list[Finding]
    carried_text: str
    """The carried state as the footer holds it; empty where there is none."""
    reads: Sequence[VersionRead] = ()
    changes: Mapping[str, int] = field(default_factory=dict)

    @functools.cached_property
    def records(self) -> list[R]:
        return records_of(self.table, self.stage.makes)

    @property
    def carried(self) -> Any:
        """The carried state, None where there is none. Raises StateNotKept."""
        if self.carried_text == NOT_KEPT:
            raise StateNotKept(
                f"{self.stage.name}: of the states that its window or sealed day carries only the "
                "last is kept"
            )
        if not self.carried_text or self.stage.carries is None:
            return None
        packed = zstd.decompress(base64.b64decode(self.carried_text))
        return msgspec.msgpack.decode(packed, type=self.stage.carries)

    @property
    def digest(self) -> str:
        """Of the keys of the rows that are really here."""
        return key_digest(map(self.stage.key, self.records))


def encode_stage(
    stage: Stage[R], ref: FetchRef, staged: Staged[R], table: pa.Table | None = None
) -> bytes:
    """`table` has the records where they are a table already. Raises pyarrow.ArrowException,
    TypeError where a record does not fit its columns."""
    if table is None:
        table = table_of(staged.records, stage.makes)
    carried = ""
    if staged.carried is not None:
        carried = base64.b64encode(
            zstd.compress(msgspec.msgpack.encode(staged.carried), 3)
        ).decode()
    about = About(
        {reason: dict(keys) for reason, keys in staged.dropped.items()},
        staged.quarantined,
        staged.findings,
        list(staged.reads),
        dict(staged.changes),
    )
    return write_stage_object(stage, ref, table, staged.account, about, carried)


def write_stage_object(
    stage: Stage[R], ref: FetchRef, table: pa.Table, account: Account, about: About, carried: str
) -> bytes:
    """The object of rows that are a table already; `carried` as its footer holds it."""
    said = {
        "format": str(FORMAT),
        "stage": stage.name,
        "fetch": _json(ref.header("")),
        "account": _json(account.as_dict()),
        "dropped": _json({r: dict(sorted(k.items())) for r, k in sorted(about.dropped.items())}),
        "quarantined": _json(about.quarantined),
        "findings": _json(about.findings),
        "carried": carried,
    }
    if stage.holds_days:
        said |= {"reads": _json(about.reads), "changes": _json(about.changes)}
    return write_parquet(table, {PREFIX + name: text for name, text in said.items()})


def decode_stage(stage: Stage[R], data: bytes) -> StageObject[R]:
    """Raises UnreadableStageObject for anything but a whole stage object of this stage."""
    try:
        table, metadata = read_parquet(data)
        about = {k.removeprefix(PREFIX): v for k, v in metadata.items() if k.startswith(PREFIX)}
        if why := unread(int(about["format"]), READABLE_FORMATS):
            raise UnreadableStageObject(f"{stage.name}: {why}")
        if about["stage"] != stage.name:
            raise UnreadableStageObject(f"holds {about['stage']}, not {stage.name}")
        return StageObject(
            stage,
            table,
            Account.from_dict(msgspec.json.decode(about["account"])),
            msgspec.json.decode(about["dropped"]),
            msgspec.json.decode(about["quarantined"], type=list[QuarantinedRecord]),
            msgspec.json.decode(about["findings"], type=list[Finding]),
            about["carried"],
            msgspec.json.decode(about.get("reads", "[]"), type=list[VersionRead]),
            msgspec.json.decode(about.get("changes", "{}")),
        )
    except UnreadableStageObject:
        raise
    except (pa.ArrowException, OSError, KeyError, ValueError, msgspec.DecodeError) as error:
        raise UnreadableStageObject(f"not a whole stage object: {error}") from error


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
