"""Every object that holds a day, damaged in every way: it is named, and nothing is made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import ParameterSet

from pipeline_assets.football.raw_fetches import raw_fetches
from pipeline_assets.repair.planning import plan_repair
from pipeline_assets.repair.work import carry_out
from pipeline_assets.slot_run import run_slot
from resources.embedded_s3 import S3Access
from resources.lake.tables import manifest_key
from resources.site import Site
from resources.stage_codec import decode_stage
from resources.store import Store, StoreError
from resources.store.faulty import Effect, FaultyStore, Request, body_changed
from simulator.server import Served
from tests.chain import FEED, NOON, RAW, Chain
from tests.pipeline_assets.small_plan import HEADS
from tests.schedules.world import Client, Vendor
from tests.slots import asset_keys, slot_at
from touchline.accounting import Verdict
from touchline.day import Day, FetchNumber, Minute, Window
from touchline.plan import FeedPlan

A_DAY = 24 * 60
DAY = NOON.day
FETCHED = (0, 1, 10, 11, 30, 31, A_DAY)
"""Minutes of two days: in the first two windows, and two fetches in objects of their own."""

Content = dict[tuple[str, Minute], Any]
"""(asset, minute) -> the envelope, or the rows; None where it cannot be read."""


# --- the days that are damaged -------------------------------------------------------------------


@pytest.fixture(scope="module")
def open_day(
    access: S3Access,
    connected: Store,
    shared_vendor: Served,
    tmp_path_factory: pytest.TempPathFactory,
) -> Chain:
    home = tmp_path_factory.mktemp("open")
    plan = FeedPlan((raw_fetches,), (HEADS,), lambda *_: Client(Vendor(), lambda: None))
    chain = Chain(access, shared_vendor, home, home.name, plan, NOON, connected)
    for passed in FETCHED[:-1]:
        fetch(chain, passed)
    chain.rotate(22)
    chain.rotate(36)
    return chain


@pytest.fixture(scope="module")
def sealed_days(open_day: Chain, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    home = tmp_path_factory.mktemp("sealed")
    chain = open_day.copy(home, home.name)
    fetch(chain, A_DAY)
    for day in (DAY, DAY.shifted(1)):
        chain.seal(2 * A_DAY, day)
    chain.clear(4 * A_DAY)
    return chain


@contextmanager
def at(chain: Chain, passed: int) -> Iterator[Site]:
    chain.at(NOON.later(passed))
    with chain.process() as site:
        yield site


def fetch(chain: Chain, passed: int) -> None:
    """A minute that is watched, and none after it."""
    minute = NOON.later(passed)
    with at(chain, passed) as site:
        site.ledger.open_interval(FEED, minute.utc, "simulated")
        site.ledger.close_interval(FEED, minute.utc + timedelta(minutes=1))
        run_slot(site, slot_at(minute), run_id=f"run-{passed}")


def seal_and_rebuild(chain: Chain, passed: int) -> None:
    """The next minutes each seal the day, make it anew, and seal it again."""
    chain.seal(passed)
    chain.at(NOON.later(passed + 1))
    chain.rebuild()
    chain.seal(passed + 2)


def reprocess(chain: Chain, passed: int, days: tuple[Day, ...]) -> None:
    """What is lost of these days is made again, and nothing else."""
    for day in days:
        with at(chain, passed) as site:
            plan = plan_repair(site, chain.plan, day, deep=True)
            done = carry_out(site, plan, run_id=f"reprocess-{day}", reason="it is damaged")
        assert done.failures == []


# --- what is damaged, and how --------------------------------------------------------------------


@dataclass(frozen=True)
class Tier:
    """Objects that hold part of `asset`'s first day; `keys` are one of them and its neighbour."""

    name: str
    asset: str
    keys: Callable[[Site], tuple[str, str]]
    holds: frozenset[int]
    """The minutes of which the first one speaks."""
    sealed: bool = False


def _singles(asset: str) -> Callable[[Site], tuple[str, str]]:
    first = NOON.later(30).number
    return lambda _: (
        asset_keys(asset).single(DAY, first),
        asset_keys(asset).single(DAY, first + 1),
    )


def _windows(asset: str) -> Callable[[Site], tuple[str, str]]:
    first = Window.of(DAY, NOON.number)
    second = Window.of(DAY, FetchNumber(first.first + 10))
    return lambda _: (asset_keys(asset).window(first), asset_keys(asset).window(second))


def _both_days(key: Callable[[Day], str]) -> Callable[[Site], tuple[str, str]]:
    return lambda _: (key(DAY), key(DAY.shifted(1)))


def _lake_files(site: Site) -> tuple[str, str]:
    rows = (site.ledger.seal(HEADS.name, day) for day in (DAY, DAY.shifted(1)))
    first, second = (next(key for key in row.files if "manifest" not in key) for row in rows if row)
    return first, second


WINDOW, DAYS = frozenset({0, 1}), frozenset(FETCHED[:-1])
TIERS = [
    Tier("raw fetch", RAW, _singles(RAW), frozenset({30})),
    Tier("derived fetch", HEADS.name, _singles(HEADS.name), frozenset({30})),
    Tier("raw window", RAW, _windows(RAW), WINDOW),
    Tier("derived window", HEADS.name, _windows(HEADS.name), WINDOW),
    Tier("daily log", RAW, _both_days(lambda d: asset_keys(RAW).log(d)), DAYS, sealed=True),
    Tier(
        "manifest of a log",
        RAW,
        _both_days(lambda d: asset_keys(RAW).log_manifest(d, 1)),
        DAYS,
        sealed=True,
    ),
    Tier("lake file", HEADS.name, _lake_files, DAYS, sealed=True),
    Tier(
        "manifest in the lake",
        HEADS.name,
        _both_days(lambda d: manifest_key(HEADS.name, d, 1)),
        DAYS,
        sealed=True,
    ),
]


class Damage(StrEnum):
    FLIPPED = "a bit flipped, with another ETag"
    ROTTEN = "a bit flipped below the store, with the same ETag"
    TRUNCATED = "truncated"
    DELETED = "deleted"
    SWAPPED = "swapped with its neighbour"


LEFT_TO_REPROCESS = {
    *((name, how) for name in ("lake file", "manifest in the lake") for how in Damage),
    *(("derived window", how) for how in Damage if how is not Damage.DELETED),
}
"""A rebuild works beside windows and sealed days and does not take their place while they stand: it
says that nothing was made, and the checks go on saying what is wrong, until a person has the day
repaired."""


def flipped(body: bytes) -> bytes:
    half = len(body) // 2
    return body[:half] + bytes([body[half] ^ 1]) + body[half + 1 :]


def damage(store: Store, how: Damage, key: str, neighbour: str) -> None:
    one, other = store.get(key), store.get(neighbour)
    match how:
        case Damage.FLIPPED:
            store.replace(key, flipped(one.body), one.etag, one.metadata)
        case Damage.TRUNCATED:
            store.replace(key, one.body[: len(one.body) * 2 // 3], one.etag, one.metadata)
        case Damage.DELETED:
            store.delete(key)
        case Damage.SWAPPED:
            store.replace(key, other.body, one.etag, other.metadata)
            store.replace(neighbour, one.body, other.etag, one.metadata)


def rotten(store: Store, key: str) -> FaultyStore:
    """This store, which gives one object with a flipped bit until that is stored again."""
    is_rotten = True

    def plan(request: Request) -> Effect | None:
        nonlocal is_rotten
        is_rotten = is_rotten and not request.puts(key)
        if not is_rotten or not request.reads(key):
            return None
        return body_changed(flipped, noticed=request.operation != "get_range")

    return FaultyStore(store, plan)


# --- what is seen of it --------------------------------------------------------------------------


def contents(chain: Chain, days: tuple[Day, ...]) -> Content:
    found: Content = {}
    for asset in (RAW, HEADS.name):
        for minute in (NOON.later(passed) for passed in FETCHED):
            if minute.day in days:
                with chain.process() as site:
                    found[asset, minute] = _content(site, asset, minute)
    return found


def _content(site: Site, asset: str, minute: Minute) -> Any:
    try:
        there = site.days(FEED).read_back(asset, minute.day, minute.number)
        if asset_keys(asset).is_raw:
            return there.envelope().data
        return decode_stage(HEADS, there.body).table.to_pylist()
    except (StoreError, ValueError):
        return None


def complaints(chain: Chain, *, deep: bool) -> list[tuple[int | None, str]]:
    """Fetch number and text of everything that the checks of the first day find."""
    return [
        (found.fetch_number, f"{asset} {found.kind}: {found.detail}")
        for (asset, _), report in chain.checks(DAY, deep=deep).items()
        if report.verdict is not Verdict.OK
        for found in report.findings
    ]


def cases() -> Iterator[ParameterSet]:
    """Every damage of every tier; in the first tier of tests each damage and each tier once."""
    for row, tier in enumerate(TIERS):
        for column, how in enumerate(Damage):
            is_drawn = row % len(Damage) == column
            marks = () if is_drawn else pytest.mark.stack
            yield pytest.param(tier, how, marks=marks, id=f"{tier.name}-{how.name.lower()}")


@pytest.mark.parametrize(("tier", "how"), [*cases()])
def test_damage_is_named_and_goes_nowhere(
    tier: Tier,
    how: Damage,
    open_day: Chain,
    sealed_days: Chain,
    tmp_path: Path,
    s3_prefix: str,
) -> None:
    past = sealed_days if tier.sealed else open_day
    chain = past.copy(tmp_path / "home", s3_prefix)
    days = (DAY, DAY.shifted(1)) if tier.sealed else (DAY,)
    before = contents(chain, days)
    assert None not in before.values()
    with chain.process() as site:
        key, neighbour = tier.keys(site)
        if how is Damage.ROTTEN:
            chain = replace(chain, connected=rotten(chain.store, key))
        else:
            damage(site.store, how, key, neighbour)
    chain.clock.set(past.clock.now())

    said = complaints(chain, deep=how is Damage.ROTTEN)
    named = {NOON.later(passed).number for passed in tier.holds}
    assert any(key in text or number in named for number, text in said), said

    if not tier.sealed:
        chain.rotate(60)
    now = 5 * A_DAY
    seal_and_rebuild(chain, now)
    after = contents(chain, days)
    spread = [where for where, what in after.items() if what not in (None, before[where])]
    assert not spread, "what was damaged is read as if it were not"
    said = complaints(chain, deep=True)
    if tier.asset == RAW:
        assert said, "a loss is never sealed over"
        assert all(what for (asset, _), what in after.items() if asset != RAW)
        return
    if (tier.name, how) in LEFT_TO_REPROCESS:
        assert said
        reprocess(chain, now + 3, days)
        after, said = contents(chain, days), complaints(chain, deep=True)
    assert after == before, "what is made of intact fetches is made again"
    assert said == []


@pytest.mark.parametrize("becomes", [None, 2], ids=["deleted", "another manifest's"])
@pytest.mark.parametrize("asset", [RAW, HEADS.name], ids=["raw", "derived"])
def test_a_seal_that_is_not_the_one_made_is_named(
    asset: str, becomes: int | None, sealed_days: Chain, tmp_path: Path, s3_prefix: str
) -> None:
    chain = sealed_days.copy(tmp_path / "home", s3_prefix)
    before = contents(chain, (DAY,))
    with chain.process() as site:
        site.store.delete(asset_keys(asset).seal(DAY, 1))
        if becomes:
            site.store.put_new(asset_keys(asset).seal(DAY, becomes), b"")
    said = complaints(chain, deep=False)
    assert any(asset.rpartition("/")[2] in text for _, text in said), said
    seal_and_rebuild(chain, 5 * A_DAY)
    after = contents(chain, (DAY,))
    assert [where for where, what in after.items() if what not in (None, before[where])] == []
    reprocess(chain, 5 * A_DAY + 3, (DAY,))
    assert contents(chain, (DAY,)) == before
    assert complaints(chain, deep=True) == []
