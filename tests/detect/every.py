"""Every kind of fault at every asset of the NBA that it applies to, by a rule for each kind.

No asset is named here: a kind says what an object must be for it, such as a fetch, rows of which
one can be lost, or another object of the same asset that day. Kinds of football's list that need
ten-minute windows or a fetch a minute apply to no asset of a feed that has neither.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any, NamedTuple

from pipeline_assets.checks.report import Kind
from simulator.basketball.faults import Fault as NbaFault
from simulator.basketball.faults import Kind as NbaKind
from tests.detect.fault import CLAIMED, Fault, Named, Seen
from tests.detect.faults import ALIVE, CADENCE, CONSERVED, LANDED, ONCE, SCHEMA, ZERO
from tests.detect.injections import (
    NO_ETAG,
    none,
    one_column_more,
    one_for_another,
    one_less,
    one_twice,
)
from tests.detect.stored import Stored, Told, cut, flipped
from tests.feeds.nba import FIRST_CALLS
from touchline.compression import zstd
from touchline.plan import FeedPlan

OTHER_ID = "aN0therFetch"


@dataclass(frozen=True)
class Target:
    """An object of the day: `emitted` are its records."""

    asset: str
    number: int
    is_raw: bool
    is_version: bool
    """Of the whole day."""
    receives_each: bool
    """Whether what it was given is what the asset before emitted, or the vendor sent."""
    received: int
    emitted: int
    other: int | None
    """Another number of the same asset, with other content."""
    sibling: str | None
    """Another asset of the same sort that has an object of this number."""
    free: int
    """A number between slots."""
    made: Sequence[str]
    """The stages that are made of it first of all."""


Blow = Callable[[Stored, Target], object]
Says = Callable[[Target], Sequence[Named]]


@dataclass(frozen=True)
class KindOfFault:
    name: str
    touches: str
    blow: Blow
    says: Says
    applies: Rule
    seen: Seen = Seen.VERIFY
    missed_because: str = ""

    def at(self, target: Target) -> Fault:
        return Fault(
            f"{self.name} ({target.number})",
            target.asset,
            self.touches,
            tuple(self.says(target)),
            inject=lambda stored, _: self.blow(stored, target),
            seen=self.seen,
            missed_because=self.missed_because,
        )


def landed(kind: Kind, records: int | None = CLAIMED) -> Says:
    return lambda target: [Named(LANDED, kind, target.number, records)]


def said(check: str, kind: Kind, records: int | None = CLAIMED) -> Says:
    return lambda target: [Named(check, kind, target.number, records)]


DAMAGED = landed(Kind.DAMAGED)


def nothing(_: Target) -> Sequence[Named]:
    return ()


def swapped(target: Target) -> Sequence[Named]:
    """A fetch of another raw asset can be read, and holds no record of this one."""
    if target.is_raw:
        return [Named(LANDED, Kind.OVERWRITTEN, target.number, 0)]
    return DAMAGED(target)


def all_lost(target: Target) -> Sequence[Named]:
    """A stage may make nothing of what it drops, or of what counts otherwise than its records."""
    is_zero = target.receives_each and target.received == target.emitted
    check, kind = (ZERO, Kind.REAL_LOSS) if is_zero else (CONSERVED, Kind.NOT_CONSERVED)
    return [Named(check, kind, target.number, CLAIMED)]


def of_another_fetch(target: Target) -> Sequence[Named]:
    """What is made of a fetch is compared with it: it is named there."""
    assets = target.made if target.is_raw else [target.asset]
    return [Named(ONCE, Kind.OTHER_FETCH, target.number, CLAIMED, asset) for asset in assets]


class Rule(NamedTuple):
    """Which objects a kind applies to, in words and as a function of them."""

    words: str
    holds: Callable[[Target], bool]


any_object = Rule("every object", lambda _: True)
a_fetch = Rule("every fetch", lambda target: target.is_raw)
of_a_stage = Rule("every object of a stage", lambda target: not target.is_raw)
records = Rule("what holds a record", lambda target: target.emitted > 0)
rows = Rule(
    "objects of stages with rows, one of which can be lost",
    lambda target: not target.is_raw and target.emitted > 1,
)
rows_of_each = Rule(
    "such of one fetch, whose stage was given each record of it",
    lambda target: rows.holds(target) and target.receives_each and not target.is_version,
)
has_other = Rule("what has another object that day", lambda target: target.other is not None)
has_sibling = Rule(
    "what was made in the same minute as another asset's of its sort",
    lambda target: target.sibling is not None,
)


def _changes(by: Callable[[bytes], bytes]) -> Blow:
    return lambda stored, at: stored.change(stored.single(at.asset, at.number), by)


def _rewrites(by: Callable[[Any], Any], told: Told, received: int = 0) -> Blow:
    return lambda stored, at: stored.rewrite(at.asset, at.number, by, told, received)


def _claims(**columns: Any) -> Blow:
    return lambda stored, at: stored.claim(at.asset, at.number, **columns)


def _fates(statement: str) -> Blow:
    return lambda stored, at: stored.sql(
        f"{statement} WHERE raw = ? AND number = ?", f"{stored.feed}/{at.asset}", at.number
    )


def _deleted(stored: Stored, at: Target) -> None:
    stored.delete(stored.single(at.asset, at.number))
    stored.forget_spooled(at.number)


def _rots(stored: Stored, at: Target) -> None:
    key = stored.single(at.asset, at.number)
    stored.believed(at.asset, at.number, stored.change(key, flipped))


def _overwritten(stored: Stored, at: Target) -> None:
    assert at.other is not None
    other = stored.get(stored.single(at.asset, at.other))
    stored.put(stored.single(at.asset, at.number), *other)


def _swapped(stored: Stored, at: Target) -> None:
    assert at.sibling is not None
    other = stored.get(stored.single(at.sibling, at.number))
    stored.put(stored.single(at.asset, at.number), *other)


def _foreign(stored: Stored, at: Target) -> None:
    stored.put(stored.single(at.asset, at.number), b"not ours")


def _body_changed(stored: Stored, at: Target) -> None:
    body, told = stored.get(stored.single(at.asset, at.number))
    envelope = zstd.decompress(body)
    index = json.loads(envelope)["index"][0]
    place = index["offset"] + index["length"] // 2
    changed = envelope[:place] + bytes([envelope[place] ^ 1]) + envelope[place + 1 :]
    stored.replace(at.asset, at.number, zstd.compress(changed), told, Told.BYTES)


def _kept_beside(stored: Stored, at: Target) -> None:
    key = f"conflicts/{stored.single(at.asset, at.number)}.{OTHER_ID}.0"
    stored.put(key, b"the other one")


KINDS: Sequence[KindOfFault] = (
    KindOfFault("object deleted", "object", _deleted, landed(Kind.REAL_LOSS), any_object),
    KindOfFault("object truncated", "object", _changes(cut), DAMAGED, any_object),
    KindOfFault("object emptied", "object", _changes(lambda _: b""), DAMAGED, any_object),
    KindOfFault("bit flipped", "object", _changes(flipped), DAMAGED, any_object),
    KindOfFault(
        "bit rot below a verified ETag",
        "object, ledger_claims",
        _rots,
        DAMAGED,
        any_object,
        seen=Seen.DEEP,
    ),
    KindOfFault("overwritten with another fetch's", "object", _overwritten, DAMAGED, has_other),
    KindOfFault("overwritten with another asset's", "object", _swapped, swapped, has_sibling),
    KindOfFault("a foreign object under its key", "object", _foreign, DAMAGED, any_object),
    KindOfFault(
        "object there without a claim",
        "object",
        lambda stored, at: stored.copied_to(at.asset, at.number, at.free),
        lambda at: [Named(LANDED, Kind.TRACKING_ERROR, at.free, at.emitted)],
        any_object,
    ),
    KindOfFault(
        "a vendor's answer changed inside a fetch",
        "fetch, ledger_claims",
        _body_changed,
        DAMAGED,
        a_fetch,
    ),
    KindOfFault(
        "another capture kept beside it",
        "other capture",
        _kept_beside,
        nothing,
        a_fetch,
        missed_because="nothing is lost: of two captures one counts, and the other is kept",
    ),
    KindOfFault(
        "record dropped, the ledger not told",
        "object",
        _rewrites(one_less, Told.NOTHING),
        lambda at: [Named(LANDED, Kind.OVERWRITTEN, at.number, at.emitted - 1)],
        rows,
    ),
    KindOfFault(
        "record dropped, the ledger told of the bytes",
        "object, ledger_claims",
        _rewrites(one_less, Told.BYTES),
        landed(Kind.COUNT_DIFFERS, 1),
        rows,
    ),
    KindOfFault(
        "record doubled",
        "object, ledger_claims",
        _rewrites(one_twice, Told.BYTES),
        landed(Kind.COUNT_DIFFERS, 1),
        rows,
    ),
    KindOfFault(
        "record swapped at equal count",
        "object, ledger_claims",
        _rewrites(one_for_another, Told.BYTES),
        landed(Kind.DIGEST_DIFFERS),
        rows,
    ),
    KindOfFault(
        "N claimed, none there",
        "object, ledger_claims",
        _rewrites(none, Told.BYTES),
        landed(Kind.COUNT_DIFFERS),
        rows,
    ),
    KindOfFault(
        "record lost inside a stage, all books agreeing",
        "object, ledger_claims",
        _rewrites(one_less, Told.ALL),
        said(CONSERVED, Kind.NOT_CONSERVED, 1),
        rows,
    ),
    KindOfFault(
        "record lost between two stages, all books agreeing",
        "object, ledger_claims",
        _rewrites(one_less, Told.ALL, -1),
        said(CONSERVED, Kind.NOT_CONSERVED, 1),
        rows_of_each,
    ),
    KindOfFault(
        "record doubled between two stages, all books agreeing",
        "object, ledger_claims",
        _rewrites(one_twice, Told.ALL, 1),
        said(CONSERVED, Kind.NOT_CONSERVED, 1),
        rows_of_each,
    ),
    KindOfFault(
        "all records lost inside a stage, all books agreeing",
        "object, ledger_claims",
        _rewrites(none, Told.ALL),
        all_lost,
        rows,
    ),
    KindOfFault(
        "a column that nobody declared",
        "object, ledger_claims",
        _rewrites(one_column_more, Told.ALL),
        said(SCHEMA, Kind.SCHEMA_DIFFERS),
        rows,
    ),
    KindOfFault(
        "0 claimed, N there",
        "ledger_claims",
        lambda stored, at: stored.claim_nothing(at.asset, at.number),
        landed(Kind.COUNT_DIFFERS),
        records,
    ),
    KindOfFault(
        "claim missing",
        "ledger_claims",
        lambda stored, at: stored.forget_claim(at.asset, at.number),
        landed(Kind.TRACKING_ERROR),
        any_object,
    ),
    KindOfFault(
        "claim stale",
        "ledger_claims",
        _claims(etag=NO_ETAG, verified_etag=NO_ETAG),
        landed(Kind.OVERWRITTEN),
        any_object,
    ),
    KindOfFault(
        "claim made anew, and nobody vouches for it",
        "ledger_claims",
        _claims(rebuilt="nobody"),
        landed(Kind.UNCHECKED),
        any_object,
    ),
    KindOfFault(
        "count not known",
        "ledger_claims",
        _claims(received=None),
        said(CONSERVED, Kind.UNCHECKED, None),
        of_a_stage,
    ),
    KindOfFault(
        "claim of another fetch",
        "ledger_claims",
        _claims(landed_fetch_id=OTHER_ID),
        of_another_fetch,
        any_object,
    ),
    KindOfFault(
        "fetch counted under two numbers",
        "object, ledger_claims",
        lambda stored, at: stored.count_twice(at.asset, at.number, at.free),
        lambda at: [Named(ONCE, Kind.OTHER_FETCH, at.free, at.emitted)],
        any_object,
    ),
    KindOfFault(
        "tally of a claim that was verified edited",
        "ledger_claims",
        lambda stored, at: stored.count_one_more(at.asset, at.number),
        landed(Kind.COUNT_DIFFERS, 1),
        records,
        seen=Seen.DEEP,
    ),
    KindOfFault(
        "slot told of another fetch",
        "ledger_fetches",
        _fates(f"UPDATE ledger_fetches SET fetch_id = '{OTHER_ID}'"),
        said(ONCE, Kind.OTHER_FETCH),
        a_fetch,
    ),
    KindOfFault(
        "fate of a slot missing",
        "ledger_fetches",
        _fates("DELETE FROM ledger_fetches"),
        said(CADENCE, Kind.TRACKING_ERROR, None),
        a_fetch,
    ),
    KindOfFault(
        "slot that landed told as missed",
        "ledger_fetches",
        _fates("UPDATE ledger_fetches SET fate = 'missed'"),
        said(CADENCE, Kind.TRACKING_ERROR, None),
        a_fetch,
    ),
)


def targets(plan: FeedPlan, stored: Stored) -> list[Target]:
    """Every object of the day, which is all that the ledger has."""
    with stored.ledger() as ledger:
        told = ledger.execute(
            "SELECT asset, number, emitted, received FROM ledger_claims ORDER BY asset, number"
        ).fetchall()
    claims = {(row["asset"].rpartition("/")[2], row["number"]): row for row in told}
    stages = {stage.short_name: stage for stage in plan.stages}
    found: list[Target] = []
    for (asset, number), row in claims.items():
        stage = stages.get(asset)
        others = [n for name, n in claims if name == asset and n != number]
        beside = [
            name
            for name, n in claims
            if n == number and name != asset and (name in stages) == (asset in stages)
        ]
        found.append(
            Target(
                asset=asset,
                number=number,
                is_raw=stage is None,
                is_version=stage is not None and stage.holds_days,
                receives_each=stage is not None and stage.receives_each,
                emitted=row["emitted"],
                received=row["received"],
                other=others[0] if others else None,
                sibling=beside[0] if beside else None,
                free=number + 7,
                made=[
                    each.short_name
                    for each in plan.stages
                    if each.inputs[0] == f"{plan.name}/{asset}"
                ],
            )
        )
    return found


REFUSALS: Sequence[NbaKind] = (
    "status_500",
    "http_429",
    "truncated",
    "disconnect",
    "html_403",
    "not_json",
    "error_body",
)
CONTROLS = (
    Fault("no fault at all", "every asset", "nothing", seen=Seen.VERIFY),
    Fault("no fault, in depth", "every asset", "nothing", seen=Seen.DEEP),
)
NAMES = (*(kind.name for kind in KINDS), *REFUSALS)


def refused(kind: NbaKind, asset: str, number: int) -> Fault:
    """What a service answers in the place of the first call of a fetch."""
    return Fault(
        f"{kind} ({number})",
        asset,
        "the vendor",
        (Named(ALIVE, Kind.FEED_FAILS, number),),
        services=NbaFault(kind, FIRST_CALLS[asset]),
        seen=Seen.VERIFY,
    )


def faults_at_every_asset(
    plan: FeedPlan, stored: Stored, slots: Mapping[str, int], rng: random.Random
) -> list[Fault]:
    """Each kind at one object of each asset that it applies to, by the seed of `rng`: an asset of
    every kind, then another of every kind. `slots` are the numbers in which services refuse."""
    there = targets(plan, stored)
    by_kind: list[list[Fault]] = []
    for kind in KINDS:
        fit = [target for target in there if kind.applies.holds(target)]
        assets = sorted({target.asset for target in fit})
        rng.shuffle(assets)
        by_kind.append(
            [kind.at(rng.choice([t for t in fit if t.asset == asset])) for asset in assets]
        )
    for refusal in REFUSALS:
        at = [refused(refusal, asset, number) for asset, number in slots.items()]
        by_kind.append(rng.sample(at, len(at)))
    return [fault for each in zip_longest(*by_kind) for fault in each if fault is not None]


A_FETCH = Target("a", 1, True, False, False, 9, 9, 2, "b", 8, ("what is made of it",))
AN_OBJECT = Target("a", 1, False, False, True, 9, 9, 2, "b", 8, ())
A_SHARE = replace(AN_OBJECT, received=10)


def as_markdown() -> str:
    """The table of docs/faults.md."""
    lines = ["| fault | what is changed | at | what names it | seen by |", "|---" * 5 + "|"]
    for kind in KINDS:
        said = [
            f"`{named.check}`: `{named.kind}`"
            + (f" at {named.asset}" if named.asset in target.made else "")
            for target in (A_FETCH, AN_OBJECT, A_SHARE)
            if kind.applies.holds(target)
            for named in kind.says(target)
        ]
        names = " or ".join(dict.fromkeys(said)) or f"nothing: {kind.missed_because}"
        told = (kind.name, kind.touches, kind.applies.words, names, str(kind.seen))
        lines.append(f"| {' | '.join(told)} |")
    lines += [
        f"| {kind} | the vendor's first answer | every fetch | `{ALIVE}`: `feed_fails` | verify |"
        for kind in REFUSALS
    ]
    return "\n".join(lines) + "\n"
