"""What an object of an asset really holds, found out by reading it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from pipeline_assets.checks.specs import Asset
from resources.fetch_object import FetchObject, UnreadableObject
from resources.ledger import Claim
from resources.parquet import schema_of
from resources.stage_codec import decode_stage
from touchline.accounting import Account, key_digest
from touchline.signs import SignsOfLife
from touchline.stage import RawAsset


@dataclass(frozen=True)
class Reading:
    """Kept small: a deep check reads back every object of a day. `account` is the object's own."""

    fetch_id: str
    count: int
    digest: str
    account: Account
    misfits: Sequence[str] = ()
    """Columns that are not as the stage declares them."""
    noticed: Mapping[str, int] = field(default_factory=dict)
    """How many findings of each kind the stage had."""
    misread: Mapping[str, int] = field(default_factory=dict)
    """In how many records a part could not be read, by kind of finding and field."""
    signs: SignsOfLife | None = None

    def agrees_with(self, claim: Claim) -> bool:
        """Whether no other check has anything to say of it as long as it stays as it is."""
        said = (self.fetch_id, self.account)
        return said == (claim.ref.fetch_id, claim.account) and not self.misfits


def reading_of(asset: Asset, found: FetchObject) -> Reading:
    """Records and their digest are counted in the object's own content.

    Raises UnreadableObject, UnreadableFetch, UnreadableStageObject.
    """
    if isinstance(asset, RawAsset):
        envelope = found.envelope()
        damaged = envelope.damaged()
        if damaged:
            raise UnreadableObject(f"{found.key}: {len(damaged)} bodies have changed")
        if found.outcome.is_placeholder:
            return Reading(found.ref.fetch_id, 0, key_digest([]), found.account)
        keys = asset.record_keys(envelope)
        return Reading(
            found.ref.fetch_id,
            len(keys),
            key_digest(keys),
            found.account,
            signs=asset.signs and asset.signs(envelope),
        )
    opened = decode_stage(asset, found.body)
    return Reading(
        found.ref.fetch_id,
        len(opened.records),
        opened.digest,
        opened.account,
        misfits=misfits(opened.table.schema, schema_of(asset.makes)),
        noticed=Counter(finding.kind for finding in opened.findings),
        misread={
            f"{finding.kind} {finding.key}": finding.times
            for finding in opened.findings
            if finding.kind in asset.misread
        },
    )


def misfits(found: pa.Schema, declared: pa.Schema) -> list[str]:
    """How the columns that landed differ from those that are declared. One that is missing is read
    as null, where it may be: the stage had not got it yet."""
    names = {*found.names, *declared.names}
    said = []
    for name in sorted(names):
        if name not in declared.names:
            said.append(f"{name} is not declared")
        elif name not in found.names:
            if not declared.field(name).nullable:
                said.append(f"{name} is missing")
        elif _shape(found.field(name).type) != _shape(declared.field(name).type):
            there, wanted = found.field(name).type, declared.field(name).type
            said.append(f"{name} is {there}, not {wanted}")
    return said


def _shape(kind: pa.DataType) -> pa.DataType:
    """Without what may be null within it, which the lake does not keep, and decoding asks for."""
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(part.name, _shape(part.type)) for part in kind])
    if pa.types.is_list(kind):
        return pa.list_(_shape(kind.value_type))
    return kind
