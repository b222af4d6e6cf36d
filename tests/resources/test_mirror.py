"""A second copy in another bucket: sent, verified, repaired, refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from resources.appended import Remark
from resources.expired_days import LAKE_TIER, ExpiredDay, expired_key, put_expiry
from resources.lake import Lake, drop_day
from resources.lake.tables import manifest_key, table_key
from resources.ledger import SealRow
from resources.manifests import put_manifest
from resources.mirror import mirror_days
from resources.mirror_copy import MirrorReport
from resources.mirror_marker import MARKER_KEY, STORE_KEY, MirrorRefused, claim_mirror
from resources.origins import origin_key, read_origins
from resources.remarks import remarks_on, store_remark
from resources.store import Store, StoredObject, StoreError
from resources.store.faulty import (
    Effect,
    FaultyStore,
    Request,
    answer_lost,
    away,
    body_changed,
    when,
)
from resources.store.memory import MemoryStore
from resources.watch_layout import missed_key
from resources.watch_record import read_watch, record_watch
from tests.ledgers import sqlite_ledger
from tests.resources.lake_samples import ASSET, AT, DAY, NEXT, keys_of, manifest, seal
from tests.slots import asset_keys, slot_at
from tests.stores import below
from touchline.accounting import MissedReason, sha256_hex
from touchline.day import Day, FetchNumber

RAW = "football/raw_fetches"
ORIGIN_KEY = origin_key("football")
SECOND_BUCKET = "second-copy"


@pytest.fixture
def here(store: MemoryStore) -> MemoryStore:
    """A store with two sealed days."""
    store.put_new(ORIGIN_KEY, b'{"origin":"simulated"}')
    for day, emitted in ((DAY, {1: 2, 3: 1}), (NEXT, {7: 1})):
        seal_raw(store, day)
        seal_rows(store, day, emitted)
    return store


@pytest.fixture
def there(store: MemoryStore) -> MemoryStore:
    there = below(store, f"copies/{store.prefix}", SECOND_BUCKET)
    there.make_bucket()
    return there


@pytest.fixture
def mirror(here: MemoryStore, tmp_path: Path) -> Callable[..., MirrorReport]:
    def run(
        there: Store,
        *,
        source: Store = here,
        seals: dict[tuple[str, Day], SealRow] | None = None,
        deep: bool = False,
    ) -> MirrorReport:
        claim_mirror(source, there, f"store-{source.prefix}")
        return mirror_days(source, there, seals or {}, tmp_path, AT, lambda *_: None, deep=deep)

    return run


def seal_raw(store: MemoryStore, day: Day, number: int = 1) -> None:
    key, body = asset_keys(RAW).log(day), f"the log of {day}, sealed {number} times".encode()
    put_manifest(store, manifest(number, {1: 2}, "", day, RAW))
    said = {"manifest": str(number), "sha256": sha256_hex(body)}
    if number == 1:
        store.put_new(key, body, said)
    else:
        store.replace(key, body, store.head(key).etag, said)
        store.delete(asset_keys(RAW).seal(day, number - 1))
    store.put_new(asset_keys(RAW).seal(day, number), b"")


def seal_rows(store: MemoryStore, day: Day, emitted: dict[int, int], said: str = "") -> None:
    number = seal(Lake(store), emitted, said, day).number
    if number > 1:
        store.delete(asset_keys(ASSET).seal(day, number - 1))
    store.put_new(asset_keys(ASSET).seal(day, number), b"")


def data_file(store: MemoryStore, day: Day = DAY) -> str:
    [item] = store.list(f"{table_key(ASSET)}/date={day}/")
    return item.key


def bodies(store: Store) -> dict[str, bytes]:
    """Every object, but the log of the tables, which is each one's own."""
    keys = [item.key for item in store.list("") if "/_delta_log/" not in item.key]
    return {key: store.get(key).body for key in keys}


def damage(store: MemoryStore, key: str) -> str:
    """Other bytes of the same size, and all that was said of them; the new ETag."""
    found = store.get(key)
    flipped = bytes([found.body[0] ^ 1]) + found.body[1:]
    return store.replace(key, flipped, found.etag, found.metadata)


def test_sealed_days_are_sent_and_read_back_once(
    here: MemoryStore, there: MemoryStore, mirror: Callable[..., MirrorReport]
) -> None:
    report = mirror(there)
    assert (report.differs, report.waiting) == ([], [])
    assert report.days == {DAY, NEXT}
    assert report.objects == report.sent == report.verified == 8
    assert report.bytes_sent == sum(
        len(body)
        for key, body in bodies(here).items()
        if key.startswith(("logs/", "lake/", "lake-manifests/"))
    )
    copied = bodies(there)
    copied.pop(MARKER_KEY)
    assert copied == bodies(here)
    assert keys_of(Lake(there)) == [(1, "0"), (1, "1"), (3, "0")]
    assert keys_of(Lake(there), NEXT) == [(7, "0")]
    assert there.head(asset_keys(RAW).log(DAY)).metadata["manifest"] == "1"

    before = {item.key: item.etag for item in there.list("")}
    again = mirror(there)
    assert (again.objects, again.sent, again.verified, again.days) == (8, 0, 0, {DAY, NEXT})
    deep = mirror(there, deep=True)
    assert (deep.objects, deep.sent, deep.verified, deep.differs) == (8, 0, 8, [])
    assert {item.key: item.etag for item in there.list("")} == before


@pytest.mark.parametrize("dies", ["before", "after"])
def test_a_mirror_that_died_goes_on(
    store: MemoryStore, there: MemoryStore, mirror: Callable[..., MirrorReport], dies: str
) -> None:
    """Broken off before or after each of its writes: what has its mark is whole, the rest comes
    later."""
    here = below(store, f"{there.prefix}-one-day")
    here.put_new(ORIGIN_KEY, b'{"origin":"simulated"}')
    seal_raw(here, DAY)
    seal_rows(here, DAY, {1: 2, 3: 1})
    asked: set[str] = set()

    def died_at(write: int) -> tuple[Store, bool]:
        place = below(there, f"{there.prefix}/{write}")
        writes = 0

        def plan(request: Request) -> Effect | None:
            nonlocal writes
            asked.add(request.operation)
            # A commit of delta-rs is one that goes past the plan.
            writes += request.writes or request.operation == "table"
            if writes <= write:
                return None
            return away(request) if dies == "before" else answer_lost

        try:
            mirror(FaultyStore(place, plan), source=here)
        except StoreError:
            return place, True
        return place, False

    write, died = 0, True
    while died:
        place, died = died_at(write)
        if any(place.list("hot/")):
            assert keys_of(Lake(place)) == keys_of(Lake(here))
        report = mirror(place, source=here)
        assert (report.differs, report.days) == ([], {DAY})
        copied = bodies(place)
        copied.pop(MARKER_KEY)
        assert copied == bodies(here)
        write += 1
    assert write > 10, "as many writes as there are objects, at least"
    assert "delete" not in asked, "no right to delete is needed"


def test_a_day_that_is_sealed_again_follows(
    here: MemoryStore, there: MemoryStore, mirror: Callable[..., MirrorReport]
) -> None:
    mirror(there)
    before = data_file(there)
    seal_raw(here, DAY, 2)
    seal_rows(here, DAY, {1: 2, 2: 1, 3: 1}, "late ")
    report = mirror(there)
    assert (report.differs, report.sent) == ([], 4)
    assert there.get(asset_keys(RAW).log(DAY)).body == here.get(asset_keys(RAW).log(DAY)).body
    assert keys_of(Lake(there)) == keys_of(Lake(here))
    assert before in {item.key for item in there.list("")}, "nothing is deleted there"
    assert mirror(there, deep=True).differs == []


def test_a_day_that_is_being_sealed_waits(
    here: MemoryStore, there: MemoryStore, mirror: Callable[..., MirrorReport]
) -> None:
    seal(Lake(here), {1: 2, 2: 1, 3: 1}, "late ")  # Committed, and its mark not yet put.
    report = mirror(there)
    assert report.waiting == [f"{ASSET} of {DAY} is being sealed"]
    assert (report.days, report.differs) == ({NEXT}, [])
    assert keys_of(Lake(there)) is None


@pytest.mark.parametrize("of", ["log", "manifest", "rows"])
def test_a_damaged_copy_is_named_and_repaired_when_asked(
    here: MemoryStore, there: MemoryStore, mirror: Callable[..., MirrorReport], of: str
) -> None:
    mirror(there)
    key = {
        "log": asset_keys(RAW).log(DAY),
        "manifest": manifest_key(ASSET, DAY, 1),
        "rows": data_file(there),
    }[of]
    damaged = damage(there, key)
    report = mirror(there)
    assert [(each.key, "--deep" in each.detail) for each in report.differs] == [(key, True)]
    assert report.days == {NEXT}
    assert there.head(key).etag == damaged, "only a deep one writes over anything"
    deep = mirror(there, deep=True)
    assert (deep.repaired, deep.differs, deep.sent) == ([key], [], 1)
    assert bodies(there)[key] == bodies(here)[key]


def test_bytes_that_rot_in_their_place_are_found_by_a_deep_one(
    there: MemoryStore, mirror: Callable[..., MirrorReport]
) -> None:
    """Neither size nor ETag changes; the repair is a write over the object that was read."""
    mirror(there)
    key = data_file(there)
    rotten = there.head(key).etag
    rots = body_changed(lambda body: body[:-1] + bytes([body[-1] ^ 1]), noticed=False)
    reads = ("get", "download")
    through = FaultyStore(there, when(lambda r: r.operation in reads and r.key == key, rots))
    assert mirror(through).differs == []
    report = mirror(through, deep=True)
    assert [each.key for each in report.differs] == [key], "still rotten when it is read back"
    assert [request.key for request in through.passed if request.writes] == [key]
    assert there.head(key).etag == rotten
    assert mirror(there, deep=True).differs == []


def test_a_repair_writes_over_nothing_but_what_was_read(
    there: MemoryStore, mirror: Callable[..., MirrorReport]
) -> None:
    mirror(there)
    key = asset_keys(RAW).log(DAY)
    damage(there, key)

    def another_hand_first(ask: Callable[[], Any]) -> Any:
        there.replace(key, b"another hand's", there.head(key).etag)
        return ask()

    through = FaultyStore(there, when(lambda r: r.writes and r.key == key, another_hand_first))
    report = mirror(through, deep=True)
    assert [each.key for each in report.differs] == [key]
    assert there.get(key).body == b"another hand's"


def test_a_copy_that_is_gone_is_sent_again(
    there: MemoryStore, mirror: Callable[..., MirrorReport]
) -> None:
    mirror(there)
    key = manifest_key(ASSET, DAY, 1)
    there.delete(key)
    report = mirror(there)
    assert (report.sent, report.differs) == (1, [])
    for item in list(there.list(f"{table_key(ASSET)}/_delta_log/")):
        there.delete(item.key)
    assert mirror(there).differs == []
    assert keys_of(Lake(there)) == [(1, "0"), (1, "1"), (3, "0")]


@pytest.mark.parametrize("of", ["log", "rows"])
def test_damage_in_the_store_is_never_passed_on(
    here: MemoryStore, there: MemoryStore, mirror: Callable[..., MirrorReport], of: str
) -> None:
    key = asset_keys(RAW).log(DAY) if of == "log" else data_file(here)
    good = here.get(key).body
    damage(here, key)
    report = mirror(there)
    assert [each.key for each in report.differs] == [key]
    assert "damaged in the store" in report.differs[0].detail
    assert key not in {item.key for item in there.list("")}
    assert report.days == {NEXT}
    # Neither does it reach a copy that was made before.
    found = here.get(key)
    here.replace(key, good, found.etag, found.metadata)
    mirror(there)
    damage(here, key)
    assert [each.key for each in mirror(there, deep=True).differs] == [key]
    assert there.get(key).body == good


def test_what_is_not_the_object_that_was_sealed_is_not_sent(
    here: MemoryStore, there: MemoryStore, mirror: Callable[..., MirrorReport]
) -> None:
    key = asset_keys(RAW).log(DAY)
    row = SealRow(RAW, DAY, 1, 1, 2, {key: "another"}, AT, None)
    report = mirror(there, seals={(RAW, DAY): row})
    assert [each.key for each in report.differs] == [key]
    assert asset_keys(RAW).seal(DAY, 1) not in {item.key for item in there.list("")}
    row = replace(row, files={key: here.head(key).etag})
    assert mirror(there, seals={(RAW, DAY): row}).differs == []


def test_other_bytes_under_the_same_name_are_named_and_left(
    here: MemoryStore, there: MemoryStore, mirror: Callable[..., MirrorReport]
) -> None:
    """The store was emptied and sealed its days anew."""
    mirror(there)
    key, body = asset_keys(RAW).log(DAY), b"the day told otherwise"
    here.delete(key)
    here.put_new(key, body, {"manifest": "1", "sha256": sha256_hex(body)})
    before = there.get(key).body
    report = mirror(there, deep=True)
    assert [each.key for each in report.differs] == [key]
    assert there.get(key).body == before


def test_what_expires_here_stays_there(
    here: MemoryStore, there: MemoryStore, mirror: Callable[..., MirrorReport]
) -> None:
    mirror(there)
    held = Lake(here).manifest(ASSET, DAY, 1)
    put_expiry(here, ExpiredDay.of(held, LAKE_TIER, "kept 90 days", AT + timedelta(days=90)))
    drop_day(Lake(here), ASSET, DAY, 1, at=AT)
    here.delete(asset_keys(ASSET).seal(DAY, 1))
    report = mirror(there, deep=True)
    assert (report.differs, report.sent) == ([], 1)
    assert there.get(expired_key(ASSET, DAY)).body == here.get(expired_key(ASSET, DAY)).body
    assert keys_of(Lake(there)) == [(1, "0"), (1, "1"), (3, "0")]
    key = data_file(there)
    damage(there, key)
    [difference] = mirror(there, deep=True).differs
    assert difference.key == key
    assert "does not have it any more" in difference.detail


def test_what_was_expected_missed_and_remarked_is_sent(
    here: MemoryStore, there: MemoryStore, mirror: Callable[..., MirrorReport], tmp_path: Path
) -> None:
    ledger = sqlite_ledger(tmp_path / "ledger.db")
    ledger.open_interval("football", AT, "live")
    ledger.slot_missed(slot_at(DAY.minute(7)), MissedReason.RUN_DIED, AT)
    assert ledger.plan_day("football/scores", DAY, [FetchNumber(1400)], DAY.start)
    record_watch(here, ledger, "football")
    remark = Remark(id="q1", date=str(DAY), by="ann", says="rain")
    assert store_remark(here, "football", DAY, remark)
    assert mirror(there).differs == []
    assert read_watch(there, "football") == read_watch(here, "football")
    assert remarks_on(there, "football", DAY) == [remark]
    assert mirror(there).sent == 0

    ledger.close_interval("football", AT + timedelta(hours=1))
    ledger.slot_missed(slot_at(DAY.minute(9)), MissedReason.STARTED_LATE, AT)
    record_watch(here, ledger, "football")
    assert (mirror(there).sent, mirror(there, deep=True).sent) == (2, 0)
    assert [*read_watch(there, "football").missed[RAW, DAY].minutes] == [7, 9]
    assert read_watch(there, "football") == read_watch(here, "football")


def test_missed_minutes_that_the_store_cannot_read_any_more_are_not_passed_on(
    here: MemoryStore, there: MemoryStore, mirror: Callable[..., MirrorReport], tmp_path: Path
) -> None:
    ledger = sqlite_ledger(tmp_path / "ledger.db")
    ledger.slot_missed(slot_at(DAY.minute(7)), MissedReason.RUN_DIED, AT)
    record_watch(here, ledger, "football")
    mirror(there)
    damage(here, missed_key(RAW, DAY))
    assert [each.key for each in mirror(there).differs] == [missed_key(RAW, DAY)]
    assert [*read_watch(there, "football").missed[RAW, DAY].minutes] == [7]


def test_the_copy_can_be_brought_back(
    store: MemoryStore,
    here: MemoryStore,
    there: MemoryStore,
    mirror: Callable[..., MirrorReport],
) -> None:
    """To a new disk, which is then the store and goes on with the same copy."""
    mirror(there)
    again = below(store, f"{here.prefix}-again")
    assert mirror(again, source=there).differs == []
    assert keys_of(Lake(again)) == keys_of(Lake(here))
    report = mirror(there, source=again)
    assert (report.differs, report.sent, report.days) == ([], 0, {DAY, NEXT})


def test_a_place_that_holds_something_else_is_refused(
    store: MemoryStore,
    here: MemoryStore,
    there: MemoryStore,
    mirror: Callable[..., MirrorReport],
) -> None:
    with pytest.raises(MirrorRefused, match="is where the store itself is"):
        mirror(below(here, "elsewhere"))
    other = below(store, f"{here.prefix}-other")
    with pytest.raises(MirrorRefused, match="says no feed's origin"):
        mirror(there, source=other)
    mirror(there)
    before = {item.key: item.etag for item in there.list("")}
    other.put_new(ORIGIN_KEY, b'{"origin":"simulated"}')
    with pytest.raises(MirrorRefused, match=f"copy of store store-{here.prefix}"):
        mirror(there, source=other)
    origin = here.get(ORIGIN_KEY)
    here.replace(ORIGIN_KEY, b'{"origin":"live"}', origin.etag)
    with pytest.raises(
        MirrorRefused, match=r"\(simulated data of football\).*\(live data of football\)"
    ):
        mirror(there)
    used = below(there, f"{there.prefix}/used")
    used.put_new("raw/football/something", b"of somebody")
    with pytest.raises(MirrorRefused, match="no mirror put there"):
        mirror(used)
    there_now = {item.key: item.etag for item in there.list("") if "/used/" not in f"/{item.key}"}
    assert there_now == before
    assert [item.key for item in used.list("")] == ["raw/football/something"]


def test_a_feed_joins_a_copy_that_an_older_release_marked(
    here: MemoryStore, there: MemoryStore, mirror: Callable[..., MirrorReport]
) -> None:
    here.put_new(STORE_KEY, b'{"store":"one"}')
    there.put_new(MARKER_KEY, b'{"store":"one","origin":"simulated"}')
    mirror(there)
    assert there.get(MARKER_KEY).body == b'{"store":"one","origin":"simulated"}'
    here.put_new(origin_key("league"), b'{"origin":"live"}')
    for _ in range(2):
        assert mirror(there).differs == []
    assert msgspec.json.decode(there.get(MARKER_KEY).body) == {
        "store": "one",
        "origin": "simulated",
        "origins": {"league": "live"},
    }
    assert read_origins(there) == {"football": "simulated", "league": "live"}


def test_a_feed_of_another_origin_than_its_copys_is_refused(
    store: MemoryStore, there: MemoryStore, mirror: Callable[..., MirrorReport]
) -> None:
    """Also where there is no football. The copy is left as it was."""
    source = below(store, f"{there.prefix}-league")
    source.put_new(origin_key("league"), b'{"origin":"live"}')
    mirror(there, source=source)
    before = bodies(there)
    found = source.get(origin_key("league"))
    source.replace(found.key, b'{"origin":"recorded"}', found.etag)
    with pytest.raises(MirrorRefused, match=r"live data of league.*recorded data of league"):
        mirror(there, source=source)
    assert bodies(there) == before


def test_stores_whose_etags_say_nothing_of_bytes_compare_by_what_was_sent(
    there: MemoryStore, mirror: Callable[..., MirrorReport]
) -> None:
    def otherwise(ask: Callable[[], Any]) -> Any:
        match ask():
            case str() as etag:
                return f"of-{etag}"
            case StoredObject() as found:
                return replace(found, etag=f"of-{found.etag}")
            case listed:
                return [replace(item, etag=f"of-{item.etag}") for item in listed]

    tagged = ("put_new", "get", "head", "download", "list")
    through = FaultyStore(there, when(lambda request: request.operation in tagged, otherwise))
    assert mirror(through).sent == 8
    assert through.head(asset_keys(RAW).log(DAY)).etag != there.head(asset_keys(RAW).log(DAY)).etag
    report = mirror(through)
    assert (report.sent, report.verified, report.differs) == (0, 0, [])
    assert mirror(through, deep=True).verified == 8
