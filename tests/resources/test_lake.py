"""Commits to Delta: what is refused, who wins, what a crash leaves."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from resources.embedded_s3 import S3Access
from resources.lake import (
    Committed,
    DamagedLake,
    Lake,
    NotAbove,
    SchemaConflict,
    Unaccounted,
    WouldErase,
    commit_day,
    read_day,
)
from resources.lake.files import write_files
from resources.lake.tables import manifest_key, manifests_key, table_key
from resources.manifest import Manifest, pack_manifest
from resources.store import AccessRefused, NoSuchBucket, Store, StoreError, StoreUnavailable
from resources.store.faulty import FaultyStore, away, refused, when
from tests.resources.lake_samples import (
    ASSET,
    AT,
    DAY,
    NEXT,
    SCHEMA,
    held,
    keys_of,
    lake_at,
    manifest,
    rows,
    seal,
)
from tests.s3_gate import S3Gate
from tests.stores import below
from touchline.compression import zstd
from touchline.day import Day

ROOT = Path(__file__).parents[2]


@pytest.fixture
def s3_lake(s3_server: S3Access, s3_prefix: str) -> Lake:
    return lake_at(s3_server, s3_prefix)


@pytest.fixture
def through(s3_gate: S3Gate, s3_prefix: str) -> Lake:
    """The same behind a gate, whose commits pass it too: delta-rs makes them by itself."""
    return lake_at(s3_gate.access, s3_prefix)


def manifests(lake: Lake, day: Day = DAY) -> list[int]:
    """The numbers of the day's manifest objects, counting or not."""
    listed = lake.store.list(f"{manifests_key(ASSET)}date={day}/")
    return [int(item.key.rpartition("/")[2].split(".")[0]) for item in listed]


def files(lake: Lake) -> int:
    return sum(1 for item in lake.store.list(f"{table_key(ASSET)}/date="))


def test_a_day_is_sealed_and_sealed_again(lake: Lake) -> None:
    assert keys_of(lake) is None
    first = seal(lake, {1: 2, 3: 1})
    assert (first.number, first.written) == (1, True)
    assert keys_of(lake) == [(1, "0"), (1, "1"), (3, "0")]
    assert keys_of(lake, NEXT) is None
    second = seal(lake, {1: 2, 2: 1, 3: 1}, "late ")
    assert (second.number, second.written) == (2, True)
    assert keys_of(lake) == [(1, "late 0"), (1, "late 1"), (2, "late 0"), (3, "late 0")]


def test_sealing_without_news_writes_nothing(lake: Lake) -> None:
    first = seal(lake, {1: 2})
    listed = {item.key: item.etag for item in lake.store.list("")}
    again = seal(lake, {1: 2})
    assert again == Committed(first.manifest, first.files, written=False)
    assert {item.key: item.etag for item in lake.store.list("")} == listed


def test_a_rewrite_stores_the_same_rows_anew(lake: Lake) -> None:
    first = seal(lake, {1: 2})
    lake.store.delete(first.files[0].key)
    with pytest.raises(DamagedLake, match="rewrite the sealed day"):
        keys_of(lake)
    assert seal(lake, {1: 2}, rewrite=True).number == 2
    assert keys_of(lake) == [(1, "0"), (1, "1")]


@pytest.mark.parametrize("text", [b'{"format":7,"of":{}}', None])
def test_a_manifest_of_a_later_format_is_named(lake: Lake, text: bytes | None) -> None:
    seal(lake, {1: 2})
    key = manifest_key(ASSET, DAY, 1)
    later = msgspec.structs.replace(lake.manifest(ASSET, DAY, 1), format=7)
    lake.store.delete(key)
    lake.store.put_new(key, zstd.compress(text) if text else pack_manifest(later))
    with pytest.raises(DamagedLake, match=f"{key}: .*format 7; this version reads 1: use"):
        read_day(lake, ASSET, DAY)


@pytest.mark.parametrize("damage", [None, b"no manifest"])
def test_a_day_without_its_manifest_is_damaged_until_it_is_rewritten(
    lake: Lake, damage: bytes | None
) -> None:
    seal(lake, {1: 2})
    key = manifest_key(ASSET, DAY, 1)
    lake.store.delete(key)
    if damage:
        lake.store.put_new(key, damage)
    with pytest.raises(DamagedLake, match=key):
        read_day(lake, ASSET, DAY)
    with pytest.raises(DamagedLake, match=key):
        seal(lake, {1: 2})
    assert seal(lake, {1: 2}, rewrite=True).number == 2
    assert keys_of(lake) == [(1, "0"), (1, "1")]


@pytest.mark.parametrize("number", [1, 2])
def test_the_same_number_and_a_lower_one_are_refused(lake: Lake, number: int) -> None:
    seal(lake, {1: 1})
    seal(lake, {1: 1, 2: 1})
    emitted = {1: 5, 2: 5}
    with pytest.raises(NotAbove, match=f"{ASSET}@{DAY}: manifest {number} is not above 2"):
        commit_day(lake, ASSET, DAY, lambda *_: (manifest(number, emitted), rows(emitted)), at=AT)
    assert keys_of(lake) == [(1, "0"), (2, "0")]


def test_days_are_replaced_one_by_one(lake: Lake) -> None:
    seal(lake, {1: 2})
    seal(lake, {7: 1}, day=NEXT)
    seal(lake, {1: 2}, "new ")
    assert keys_of(lake) == [(1, "new 0"), (1, "new 1")]
    assert keys_of(lake, NEXT) == [(7, "0")]


@pytest.mark.parametrize(
    ("emitted", "brought", "refusal"),
    [
        pytest.param({1: 2, 2: 1}, {}, WouldErase, id="nothing for what was emitted"),
        pytest.param({1: 2}, {1: 2}, WouldErase, id="a sealed fetch is left out"),
        pytest.param({}, {}, WouldErase, id="every fetch is left out"),
        pytest.param({1: 2, 2: 1}, {1: 1, 2: 1}, Unaccounted, id="a row too few"),
        pytest.param({1: 2, 2: 1}, {1: 2, 2: 2}, Unaccounted, id="a row twice"),
        pytest.param({1: 2, 2: 1}, {1: 2, 2: 1, 3: 1}, Unaccounted, id="a fetch nobody holds"),
    ],
)
def test_what_no_account_explains_replaces_nothing(
    lake: Lake,
    emitted: dict[int, int],
    brought: dict[int, int],
    refusal: type[StoreError],
) -> None:
    seal(lake, {1: 2, 2: 1})
    with pytest.raises(refusal, match=f"{ASSET}@{DAY}"):
        commit_day(lake, ASSET, DAY, lambda n, _: (manifest(n, emitted, "x"), rows(brought)), at=AT)
    assert keys_of(lake) == [(1, "0"), (1, "1"), (2, "0")]


def test_an_empty_day_replaces_rows_where_every_account_says_so(lake: Lake) -> None:
    seal(lake, {1: 2, 2: 1})
    seal(lake, {7: 1}, day=NEXT)
    assert seal(lake, {1: 0, 2: 0}).number == 2
    assert keys_of(lake) == []
    assert keys_of(lake, NEXT) == [(7, "0")]


def test_a_day_may_begin_empty(lake: Lake) -> None:
    assert seal(lake, {1: 0}).number == 1
    assert keys_of(lake) == []
    assert not seal(lake, {1: 0}).written


def test_rows_out_of_order_and_of_another_day_are_refused(lake: Lake) -> None:
    emitted = {1: 1, 2: 1}
    turned = rows(emitted).take([1, 0])
    dated = rows(emitted).append_column("date", pa.array([str(DAY), str(NEXT)]))
    for brought, message in ((turned, "order"), (dated, f"rows of {NEXT}")):
        with pytest.raises(Unaccounted, match=message):
            commit_day(lake, ASSET, DAY, lambda n, _, b=brought: (manifest(n, emitted), b), at=AT)
    assert keys_of(lake) is None


def test_rows_may_carry_their_day(lake: Lake) -> None:
    dated = rows({1: 1}).add_column(0, "date", pa.array([str(DAY)]))
    commit_day(lake, ASSET, DAY, lambda n, _: (manifest(n, {1: 1}), dated), at=AT)
    assert keys_of(lake) == [(1, "0")]


def test_rows_without_their_fetch_are_refused(lake: Lake) -> None:
    with pytest.raises(SchemaConflict, match="fetch_id"):
        commit_day(
            lake,
            ASSET,
            DAY,
            lambda n, _: (manifest(n, {1: 1}), rows({1: 1}).drop_columns(["fetch_id"])),
            at=AT,
        )


def test_a_manifest_of_another_day_is_refused(lake: Lake) -> None:
    with pytest.raises(ValueError, match=str(NEXT)):
        commit_day(
            lake, ASSET, DAY, lambda n, _: (manifest(n, {1: 1}, day=NEXT), rows({1: 1})), at=AT
        )


# --- others at the same table --------------------------------------------------------------------


def after(lake: Lake, others: Callable[[], Any], emitted: dict[int, int]) -> tuple[Committed, list]:
    """Seal a day, and let others commit once after the table was opened for it."""
    seen: list[int | None] = []

    def make(number: int, current: Manifest | None) -> tuple[Manifest, pa.Table]:
        if not seen:
            others()
        seen.append(current.number if current else None)
        return manifest(number, emitted, "ours "), rows(emitted, "ours ")

    return commit_day(lake, ASSET, DAY, make, at=AT), seen


def test_a_commit_of_another_day_in_between_survives(lake: Lake) -> None:
    seal(lake, {1: 1})
    seal(lake, {7: 1}, day=NEXT)
    committed, seen = after(lake, lambda: seal(lake, {7: 2}, "theirs ", NEXT), {1: 1})
    # delta-rs calls it a conflict, since it took rows away; nothing but the work is done again.
    assert (committed.number, {*seen}) == (2, {1})
    assert manifests(lake) == [1, 2]
    assert keys_of(lake) == [(1, "ours 0")]
    assert keys_of(lake, NEXT) == [(7, "theirs 0"), (7, "theirs 1")]


@pytest.mark.parametrize("before", [{}, {1: 0}, {1: 1}])
@pytest.mark.parametrize("theirs", [0, 1])
@pytest.mark.parametrize("ours", [0, 1])
def test_a_commit_of_the_same_day_in_between_makes_it_begin_again(
    lake: Lake, before: dict[int, int], theirs: int, ours: int
) -> None:
    if before:
        seal(lake, before)
    committed, seen = after(lake, lambda: seal(lake, {1: theirs}, "theirs "), {1: ours})
    first = 1 if before else None
    assert seen == [first, 2 if before else 1]
    # Theirs took the number that ours was about to take.
    assert committed.number == (3 if before else 2)
    assert keys_of(lake) == [(1, "ours 0")] * ours


def test_of_two_that_seal_the_same_one_commits(lake: Lake) -> None:
    seal(lake, {7: 1}, day=NEXT)
    committed, seen = after(lake, lambda: seal(lake, {1: 1}, "ours "), {1: 1})
    assert (committed.number, committed.written, seen) == (1, False, [None, 1])
    assert manifests(lake) == [1]


def test_a_column_that_comes_meanwhile_is_kept(lake: Lake) -> None:
    seal(lake, {1: 1})

    def widen() -> None:
        wide = rows({7: 1}).append_column("weather", pa.array(["rain"]))
        commit_day(lake, ASSET, NEXT, lambda n, _: (manifest(n, {7: 1}, day=NEXT), wide), at=AT)

    committed, _ = after(lake, widen, {1: 1})
    assert committed.written
    sealed = read_day(lake, ASSET, NEXT)
    assert sealed is not None
    assert sealed.table(["weather"]).to_pylist() == [{"weather": "rain"}]


def test_commits_that_race_lose_nothing(any_store: Store) -> None:
    """Every writer seals a day of its own, and adds its own fetch to one that all share."""
    writers = range(1, 6)

    def write(number: int) -> None:
        lake = Lake(any_store)
        seal(lake, {number: number}, day=Day.parse(f"2025-06-{number:02d}"))

        def add(manifest_number: int, current: Manifest | None) -> tuple[Manifest, pa.Table]:
            fetches = [*(current.held if current else ()), held(number, number)]
            emitted = {fetch.number: fetch.account.emitted for fetch in fetches}
            return manifest(manifest_number, emitted), rows(emitted)

        commit_day(lake, ASSET, DAY, add, at=AT)

    with ThreadPoolExecutor(len(writers)) as pool:
        list(pool.map(write, writers))
    lake = Lake(any_store)
    assert keys_of(lake) == [(fetch, str(n)) for fetch in writers for n in range(fetch)]
    for number in writers:
        own = keys_of(lake, Day.parse(f"2025-06-{number:02d}"))
        assert own == [(number, str(n)) for n in range(number)]


# --- processes that die --------------------------------------------------------------------------


def test_after_a_crash_between_manifest_and_commit_the_same_goes_on(lake: Lake) -> None:
    seal(lake, {1: 1})
    lake.put_manifest(manifest(2, {1: 1, 2: 1}, "late "))
    assert keys_of(lake) == [(1, "0")]
    assert seal(lake, {1: 1, 2: 1}, "late ").number == 2
    assert keys_of(lake) == [(1, "late 0"), (2, "late 0")]


def test_after_a_crash_another_manifest_takes_the_next_number(lake: Lake) -> None:
    seal(lake, {1: 1})
    lake.put_manifest(manifest(2, {1: 1, 2: 1}, "late "))
    lake.store.put_new(manifest_key(ASSET, DAY, 3), b"half a manif")
    assert seal(lake, {1: 1, 2: 1, 3: 1}, "later ").number == 4
    assert manifests(lake) == [1, 2, 3, 4]
    assert seal(lake, {1: 1, 2: 1, 3: 1}, "later ").written is False


def test_after_a_crash_between_files_and_commit_they_are_used(lake: Lake) -> None:
    seal(lake, {1: 1})
    left = lake.put_manifest(manifest(2, {1: 2}, "x"))
    write_files(lake.store, left, rows({1: 2}, "x").to_reader())
    assert files(lake) == 2
    assert keys_of(lake) == [(1, "0")]
    seal(lake, {1: 2}, "x")
    assert files(lake) == 2
    assert keys_of(lake) == [(1, "x0"), (1, "x1")]


@pytest.mark.stack
def test_a_commit_whose_answer_is_lost_counts_once(
    through: Lake, s3_gate: S3Gate, s3_lake: Lake
) -> None:
    seal(s3_lake, {1: 1})
    lost: list[str] = []

    def once(method: str, path: str) -> bool:
        if method == "PUT" and path.endswith("002.json") and not lost:
            lost.append(path)
            return True
        return False

    s3_gate.loses_answer = once
    seal(through, {1: 2}, "x")
    assert lost
    assert keys_of(s3_lake) == [(1, "x0"), (1, "x1")]
    assert manifests(s3_lake) == [1, 2]


@pytest.mark.parametrize("where", ["lake-manifests", "date="])
def test_a_store_that_fails_at_any_step_leaves_the_day_as_it_was(
    lake: Lake, faulty: FaultyStore, where: str
) -> None:
    seal(lake, {1: 1})
    full = refused(StoreUnavailable("it has no room"))
    faulty.plan = when(lambda request: request.writes and where in request.key, full)
    with pytest.raises(StoreUnavailable):
        seal(Lake(faulty), {1: 2}, "x")
    assert keys_of(lake) == [(1, "0")]
    faulty.plan = None
    assert seal(Lake(faulty), {1: 2}, "x").number == 2


@pytest.mark.stack
def test_a_commit_that_the_store_refuses_leaves_the_day_as_it_was(
    through: Lake, s3_gate: S3Gate, s3_lake: Lake
) -> None:
    seal(s3_lake, {1: 1})
    s3_gate.refuses = lambda method, path: method == "PUT" and "_delta_log" in path
    with pytest.raises(StoreUnavailable):
        seal(through, {1: 2}, "x")
    assert keys_of(s3_lake) == [(1, "0")]
    s3_gate.open()
    assert seal(through, {1: 2}, "x").number == 2


def test_a_store_that_is_away_is_no_empty_lake(faulty: FaultyStore) -> None:
    faulty.plan = away
    with pytest.raises(StoreUnavailable):
        read_day(Lake(faulty), ASSET, DAY)


@pytest.mark.stack
def test_what_delta_says_of_a_failure_is_one_plain_line(
    through: Lake, s3_gate: S3Gate, s3_lake: Lake
) -> None:
    seal(s3_lake, {1: 1})
    s3_gate.refuses = lambda method, path: path.endswith(".json")
    with pytest.raises(StoreUnavailable, match=table_key(ASSET)) as raised:
        read_day(through, ASSET, DAY)
    assert str(raised.value).isprintable()


@pytest.mark.stack
def test_wrong_keys_and_buckets_are_told_apart(s3_server: S3Access, s3_prefix: str) -> None:
    access = S3Access(s3_server.endpoint_url, s3_server.access_key_id, "wrong", s3_server.region)
    with pytest.raises(AccessRefused):
        read_day(lake_at(access, s3_prefix), ASSET, DAY)
    lake = lake_at(s3_server, s3_prefix)
    lake = Lake(below(lake.store, s3_prefix, "no-such-bucket"))
    with pytest.raises(NoSuchBucket, match="TOUCHLINE_S3_BUCKET"):
        read_day(lake, ASSET, DAY)


@pytest.mark.stack
def test_no_keys_at_all_say_what_to_set(
    s3_server: S3Access, s3_prefix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    keyless = lake_at(S3Access(s3_server.endpoint_url, region=s3_server.region), s3_prefix)
    with pytest.raises(AccessRefused, match="AWS_ACCESS_KEY_ID"):
        keyless.open(ASSET)


@pytest.mark.stack
def test_keys_of_a_profile_reach_the_lake(
    s3_server: S3Access, s3_prefix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shared = tmp_path / "credentials"
    shared.write_text(
        f"[analyst]\naws_access_key_id={s3_server.access_key_id}\n"
        f"aws_secret_access_key={s3_server.secret_access_key}\n"
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(shared))
    monkeypatch.setenv("AWS_PROFILE", "analyst")
    lake = lake_at(S3Access(s3_server.endpoint_url, region=s3_server.region), s3_prefix)
    seal(lake, {1: 1})
    assert keys_of(lake) == [(1, "0")]


@pytest.mark.stack
def test_the_own_machine_is_reached_without_a_proxy(
    s3_lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    seal(s3_lake, {1: 1})
    assert keys_of(s3_lake) == [(1, "0")]


def test_a_log_with_a_hole_is_damage(lake: Lake) -> None:
    for said in ("a", "b", "c"):
        seal(lake, {1: 1}, said)
    lake.store.delete(f"{table_key(ASSET)}/_delta_log/{2:020d}.json")
    with pytest.raises(DamagedLake, match=table_key(ASSET)):
        read_day(lake, ASSET, DAY)


# --- columns -------------------------------------------------------------------------------------


def seal_table(lake: Lake, day: Day, table: pa.Table) -> Committed:
    emitted = {1: table.num_rows}
    return commit_day(lake, ASSET, day, lambda n, _: (manifest(n, emitted, day=day), table), at=AT)


def test_a_column_that_comes_later_is_null_before_it(lake: Lake) -> None:
    seal(lake, {1: 1})
    seal_table(lake, NEXT, rows({1: 1}).append_column("weather", pa.array(["rain"])))
    before, since = read_day(lake, ASSET, DAY), read_day(lake, ASSET, NEXT)
    assert before is not None
    assert since is not None
    assert before.table(["key", "weather"]).to_pylist() == [{"key": "0", "weather": None}]
    assert since.table(["key", "weather"]).to_pylist() == [{"key": "0", "weather": "rain"}]
    seal(lake, {1: 2})
    again = read_day(lake, ASSET, NEXT)
    assert again is not None
    assert again.schema.names == since.schema.names


def nested(*names: str) -> pa.Table:
    fields = [pa.field(name, pa.string(), False) for name in names]
    kind = pa.list_(pa.field("item", pa.struct(fields), False))
    value = [{name: name for name in names}]
    return rows({1: 1}).append_column(pa.field("odds", kind, False), pa.array([value], kind))


def test_a_nested_field_may_come_and_go(lake: Lake) -> None:
    for day, names in ((DAY, ("a",)), (NEXT, ("a", "b")), (Day.parse("2025-05-30"), ("b",))):
        seal_table(lake, day, nested(*names))
        sealed = read_day(lake, ASSET, day)
        assert sealed is not None
        assert sealed.table(["odds"]).to_pylist() == [{"odds": [{name: name for name in names}]}]
    table = lake.open(ASSET)
    assert table is not None
    odds = pa.schema(table.schema().to_arrow()).field("odds").type
    assert odds == pa.list_(pa.struct([("a", pa.string()), ("b", pa.string())]))


@pytest.mark.parametrize(
    ("column", "name"),
    [
        (pa.array([1]), "price"),
        (pa.array([["x"]]), "price"),
    ],
)
def test_a_column_keeps_its_type(lake: Lake, column: pa.Array, name: str) -> None:
    seal(lake, {1: 1})
    at = SCHEMA.get_field_index(name)
    with pytest.raises(SchemaConflict, match=f"column {name} is string"):
        seal_table(lake, NEXT, rows({1: 1}).set_column(at, name, column))
    assert keys_of(lake, NEXT) is None


def test_the_table_describes_its_columns(lake: Lake) -> None:
    seal(lake, {1: 1})
    table = lake.open(ASSET)
    assert table is not None
    described = pa.schema(table.schema().to_arrow())
    assert described.field("key").metadata == {b"comment": b"the record's key"}
    assert described.field("price").metadata == {b"stored_as": b"decimal"}


# --- the house -----------------------------------------------------------------------------------

BANNED = {"write_deltalake", "write_delta", "sink_delta", "to_pyarrow_table", "to_pyarrow_dataset"}


def names_used(text: str) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                names.add(name)
    return names


def test_one_file_commits_to_delta_and_nothing_writes_by_uri() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git working tree")
    listing = subprocess.run(
        ["git", "ls-files", "-z", "*.py"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    sought = {*BANNED, "create_write_transaction"}
    texts = {
        name: (ROOT / name).read_text()
        for name in filter(None, listing.stdout.split("\0"))
        if (ROOT / name).exists()
    }
    used = {
        name: names_used(text)
        for name, text in texts.items()
        if any(word in text for word in sought)
    }
    assert {name: found for name, names in used.items() if (found := names & BANNED)} == {}
    committing = [name for name, names in used.items() if "create_write_transaction" in names]
    assert set(committing) <= {"resources/lake/commit.py"}


def test_manifests_are_plain_json(lake: Lake) -> None:
    """For whoever has the bucket and no Touchline."""
    committed = seal(lake, {1: 2})
    text = zstd.decompress(lake.store.get(manifest_key(ASSET, DAY, 1)).body)
    assert msgspec.json.decode(text)["held"][0]["account"]["emitted"] == 2
    assert msgspec.json.decode(text, type=Manifest) == committed.manifest
