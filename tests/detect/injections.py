"""What is done to a day: objects and rows as they are not stored, claims as they are not made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyarrow as pa

from simulator.faults import Fault as VendorFault
from tests.chain import NOON
from tests.detect.days import MATCHES, NEXT, WATCHED, BusyWorld
from tests.detect.stored import Stored, Told, flipped
from touchline.compression import zstd
from touchline.fetch import FetchRef
from touchline.stage import Stage, Staged

RAW = "raw_fetches"
DETAIL, ODDS = "match/recent/list", "odds/history"
SINGLE = NOON.number + WATCHED[1].start + 1
"""In an object of its own, and long enough ago that no run is at work on it."""
LAST = NOON.number + NEXT - 1
FIRST = NOON.number
"""Of the window."""
WINDOWED = FIRST + 3
GAP = NOON.number + 24
"""A minute that nobody watched."""
NOW = NOON.number + NEXT
IN_WINDOW = 10 * MATCHES
IN_DAY = sum(map(len, WATCHED)) * MATCHES
NO_ETAG = "0" * 32
OVERDUE = 40 + 17
"""A window that ends forty minutes after noon is overdue so many minutes after noon."""

Inject = Callable[[Stored, str], object]
"""Does it to what stands of this asset, which goes by the last part of its name."""
Rows = Callable[[pa.Table], pa.Table]


def deletes(number: int) -> Inject:
    return lambda stored, asset: stored.delete(stored.single(asset, number))


def changes(by: Callable[[bytes], bytes]) -> Inject:
    return lambda stored, asset: stored.change(stored.single(asset, SINGLE), by)


def rots(stored: Stored, asset: str) -> None:
    """Under the ETag that was confirmed and read back."""
    stored.believed(asset, SINGLE, stored.change(stored.single(asset, SINGLE), flipped))


def takes(source: str, number: int) -> Inject:
    """It is replaced by the object of this asset and fetch."""
    return lambda stored, asset: stored.put(
        stored.single(asset, SINGLE), *stored.get(stored.single(source, number))
    )


def rewrites(by: Rows, told: Told, received: int = 0) -> Inject:
    return lambda stored, asset: stored.rewrite(asset, SINGLE, by, told, received)


def one_less(rows: pa.Table) -> pa.Table:
    return rows.slice(1)


def one_twice(rows: pa.Table) -> pa.Table:
    return pa.concat_tables([rows, rows.slice(0, 1)])


def one_for_another(rows: pa.Table) -> pa.Table:
    return pa.concat_tables([rows.slice(1), rows.slice(1, 1)])


def none(rows: pa.Table) -> pa.Table:
    return rows.slice(0, 0)


def one_column_more(rows: pa.Table) -> pa.Table:
    return rows.append_column("added_by_hand", pa.array(["?"] * rows.num_rows))


def edits_claim(**columns: Any) -> Inject:
    return lambda stored, asset: stored.claim(asset, SINGLE, **columns)


def claims_nothing(stored: Stored, asset: str) -> None:
    stored.claim_nothing(asset, SINGLE)


def counts_one_more(stored: Stored, asset: str) -> None:
    stored.count_one_more(asset, WINDOWED)


def runs(statement: str, *values: Any) -> Inject:
    return lambda stored, _: stored.sql(statement, *values)


def forgets_claim(number: int) -> Inject:
    return lambda stored, asset: stored.forget_claim(asset, number)


def only_claimed(stored: Stored, asset: str) -> None:
    """As if its writer had died before the store's answer was told to the ledger."""
    stored.sql(
        "UPDATE ledger_claims SET state = 'intended', pending = landed, landed = NULL,"
        " outcome = NULL, emitted = NULL, received = NULL, explained = NULL, quarantined = NULL,"
        " landed_fetch_id = NULL, etag = NULL, size = NULL, landed_at = NULL, verified_etag = NULL"
        " WHERE asset = ? AND number = ?",
        f"football/{asset}",
        LAST,
    )


def both(*all_of: Inject) -> Inject:
    def inject(stored: Stored, asset: str) -> None:
        for each in all_of:
            each(stored, asset)

    return inject


def counts_twice(stored: Stored, asset: str) -> None:
    """In a minute in which nothing was fetched."""
    stored.count_twice(asset, SINGLE, GAP)


def changes_a_body(stored: Stored, asset: str) -> None:
    body, said = stored.get(stored.single(asset, SINGLE))
    envelope = zstd.decompress(body)
    changed = envelope.replace(b'"id":"match-', b'"id":"hctam-', 1)
    stored.replace(asset, SINGLE, zstd.compress(changed), said, Told.BYTES)


def window_changes(by: Callable[[bytes], bytes], *, believed: bool = False) -> Inject:
    def inject(stored: Stored, asset: str) -> None:
        key = stored.window(asset, WINDOWED)
        etag = stored.change(key, by)
        if believed:
            stored.sql(
                "UPDATE ledger_windows SET etag = ?, verified_etag = ? WHERE key = ?",
                *(etag, etag, key),
            )

    return inject


def of_window(statement: str, *values: Any) -> Inject:
    return lambda stored, asset: stored.sql(
        f"{statement} WHERE key = ?", *values, stored.window(asset, WINDOWED)
    )


def sealed_file(folder: str, ending: str, by: Callable[[bytes], bytes] | None) -> Inject:
    def inject(stored: Stored, _: str) -> None:
        key = stored.first_below(folder, ending)
        if by is None:
            stored.delete(key)
        else:
            stored.change(key, by)

    return inject


def lake_file_rots(stored: Stored, _: str) -> None:
    key = stored.first_below("lake/football/merged/date=", ".parquet")
    etag = stored.change(key, flipped)
    path = f'$."{key}"'
    stored.sql(
        "UPDATE ledger_seals SET files = json_set(files, ?, ?) WHERE asset = 'football/merged'",
        *(path, etag),
    )


def rotation_stops(stored: Stored, _: str) -> None:
    """Nothing is fetched meanwhile either: the next interval begins when the window is overdue."""
    closed = f"{NOON.later(NEXT).utc:%Y-%m-%d %H:%M:%S}.000000"
    opened = f"{NOON.later(OVERDUE).utc:%Y-%m-%d %H:%M:%S}.000000"
    stored.sql("UPDATE ledger_intervals SET closed = ? WHERE closed IS NULL", closed)
    stored.sql(
        "INSERT INTO ledger_intervals (sequence, prefix, feed, origin, opened)"
        " SELECT max(sequence) + 1, prefix, feed, origin, ? FROM ledger_intervals",
        opened,
    )


def spool_swells(stored: Stored, _: str) -> None:
    (stored.spool / f"{GAP:05d}.aaaaaaaaaaaa.txt").write_bytes(bytes(900_000))


def claim_waits(stored: Stored, _: str) -> None:
    stored.waiting_claims.write_text(stored.claimed("merged", SINGLE)["landed"] + "\n")


def ledger_is_no_database(stored: Stored, _: str) -> None:
    for suffix in ("", "-wal", "-shm"):
        stored.home.joinpath(f"ledger.sqlite{suffix}").write_bytes(b"this was a database " * 500)


def fails(fetch: FetchRef, *inputs: Any, **more: Any) -> Staged[Any]:
    raise ZeroDivisionError("a mistake in this stage")


def passes_over_one(stage: Stage[Any]) -> Stage[Any]:
    """The stage is not given the first record, and says nothing of it."""

    def by(fetch: FetchRef, records: Sequence[Any], **more: Any) -> Staged[Any]:
        return stage.by(fetch, records[1:], **more)

    return replace(stage, by=by)


def began_the_day_before(world: BusyWorld) -> None:
    world.began = int((NOON.later(NEXT).utc - timedelta(days=1)).timestamp())


def began_half_an_hour_ago(world: BusyWorld) -> None:
    world.began = int((NOON.later(NEXT).utc - timedelta(minutes=30)).timestamp())


def a_flag_is_no_number(world: BusyWorld) -> None:
    def alter(endpoint: str, answer: Any) -> None:
        if endpoint == DETAIL:
            answer["neutral"] = False

    world.alters = (alter,)


def minutes_have_a_tick(world: BusyWorld) -> None:
    def alter(endpoint: str, answer: Any) -> None:
        if endpoint == ODDS:
            for row in answer["2"]["asia"]:
                row[1] = "3'"

    world.alters = (alter,)


def of_another_shape(count: int) -> tuple[VendorFault, ...]:
    now = int(NOON.later(NEXT).utc.timestamp()) // 60
    return tuple(VendorFault("malformed_match", uuid=f"match-{now - n}") for n in range(count))
