"""A day as somebody sees it who has no Touchline: keys in a bucket, tables in SQLite, files.

Faults are injected through this alone, so that no code that is under test has a hand in them. The
keys are those that docs/faults.md names.
"""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from resources.store import Store

FOOTBALL = "football"
WINDOW_MINUTES = 10
Content = dict[str, tuple[str, int]]
"""Key below the prefix -> ETag and size."""


class Told(Enum):
    """How much of what was done the ledger is told."""

    NOTHING = auto()
    BYTES = auto()
    """The ETag and sha256, and not what they hold."""
    ALL = auto()


@dataclass(frozen=True)
class Stored:
    """`day` is like 2025-05-28; assets go by the last part of their name. Of another feed than
    football, `raws` are its raw assets, and `keys` how each record of a stage is known."""

    store: Store
    home: Path
    day: str
    feed: str = FOOTBALL
    raws: Sequence[str] = ("raw_fetches",)
    keys: Mapping[str, Callable[[pa.Table], list[str]]] = field(default_factory=dict)
    midnight: str = "04:00"
    """In New York, by the clock of UTC."""

    # --- objects ---------------------------------------------------------------------------------

    def single(self, asset: str, number: int) -> str:
        digits = 5 if self.feed == FOOTBALL else 8
        return f"{self._folder(asset)}{number:0{digits}d}.{self._ending(asset)}"

    def window(self, asset: str, number: int) -> str:
        """Of the ten minutes to which this one belongs."""
        first = (number - 1) // WINDOW_MINUTES * WINDOW_MINUTES + 1
        last = first + WINDOW_MINUTES - 1
        return f"{self._folder(asset)}{first:05d}-{last:05d}.{self._ending(asset)}"

    def _folder(self, asset: str) -> str:
        if asset not in self.raws:
            return f"hot/{self.feed}/date={self.day}/{asset}/"
        return f"raw/{self.feed}/{'' if self.feed == FOOTBALL else f'{asset}/'}date={self.day}/"

    def _ending(self, asset: str) -> str:
        return "json.zst" if asset in self.raws else "parquet"

    def content(self) -> Content:
        return {item.key: (item.etag, item.size) for item in self.store.list("")}

    def get(self, key: str) -> tuple[bytes, dict[str, str]]:
        found = self.store.get(key)
        return found.body, dict(found.metadata)

    def put(self, key: str, body: bytes, said: Mapping[str, str] | None = None) -> str:
        """The new ETag."""
        self.store.delete(key)
        return self.store.put_new(key, body, said)

    def delete(self, key: str) -> None:
        self.store.delete(key)

    def change(self, key: str, by: Callable[[bytes], bytes]) -> str:
        """Other bytes under the same key, which say of themselves what they said before."""
        body, said = self.get(key)
        return self.put(key, by(body), said)

    def first_below(self, folder: str, ending: str = "") -> str:
        return min(k for k in self.content() if k.startswith(folder) and k.endswith(ending))

    # --- rows ------------------------------------------------------------------------------------

    def rewrite(
        self,
        asset: str,
        number: int,
        by: Callable[[pa.Table], pa.Table],
        told: Told,
        received: int = 0,
    ) -> None:
        """Other rows in a fetch object, which is whole and says so of itself; `received` is how
        many records more it says that the stage was given."""
        key = self.single(asset, number)
        body, said = self.get(key)
        table = pq.read_table(io.BytesIO(body))
        changed = by(table)
        account = json.loads(said["account"])
        if told is not Told.BYTES:
            account["emitted"] = changed.num_rows
            account["received"] += received
            known_by = self.keys.get(asset, lambda rows: rows["match_id"].to_pylist())
            said["digest"] = digest(known_by(changed))
        said["account"] = json.dumps(account)
        metadata = {**(table.schema.metadata or {}), b"touchline.account": said["account"].encode()}
        buffer = io.BytesIO()
        pq.write_table(changed.replace_schema_metadata(metadata), buffer)
        self.replace(asset, number, buffer.getvalue(), said, told)

    def replace(
        self, asset: str, number: int, body: bytes, said: dict[str, str], told: Told
    ) -> None:
        """Another fetch object that is whole, of which the ledger is told so much."""
        said["sha256"] = hashlib.sha256(body).hexdigest()
        etag = self.put(self.single(asset, number), body, said)
        if told is Told.NOTHING:
            return
        account = json.loads(said["account"])
        set_aside = [*account["dropped"].values(), *account["quarantined"].values()]
        claim = json.loads(self.claimed(asset, number)["landed"])
        claim |= {"sha256": said["sha256"], "digest": said["digest"], "account": account}
        self.claim(
            asset,
            number,
            etag=etag,
            verified_etag=None,
            emitted=account["emitted"],
            received=account["received"],
            explained=account["emitted"] + sum(set_aside),
            landed=json.dumps(claim),
        )

    def copied_to(self, asset: str, number: int, other: int) -> str:
        """A fetch's object under another number too, as if it were of that minute; its ETag."""
        body, said = self.get(self.single(asset, number))
        said["minute"] = self.minute(other)
        return self.put(self.single(asset, other), body, said)

    def minute(self, number: int) -> str:
        """When this minute began, on a day of 24 hours, or after it."""
        midnight = datetime.fromisoformat(f"{self.day}T{self.midnight}:00+00:00")
        return f"{midnight + timedelta(minutes=number - 1):%Y-%m-%dT%H:%M:%SZ}"

    # --- the ledger ------------------------------------------------------------------------------

    @contextmanager
    def ledger(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.home / "ledger.sqlite")) as connection, connection:
            connection.row_factory = sqlite3.Row
            yield connection

    def sql(self, statement: str, *values: Any) -> None:
        with self.ledger() as ledger:
            changed = ledger.execute(statement, values).rowcount
            if changed == 0:
                raise LookupError(f"nothing was changed by {statement}")

    def claim(self, asset: str, number: int, **columns: Any) -> None:
        """Write over columns of a claim's row."""
        names = ", ".join(f"{name} = ?" for name in columns)
        self.sql(
            f"UPDATE ledger_claims SET {names} WHERE asset = ? AND number = ?",
            *columns.values(),
            f"{self.feed}/{asset}",
            number,
        )

    def claimed(self, asset: str, number: int) -> dict[str, Any]:
        """A claim's row; empty where there is none."""
        with self.ledger() as ledger:
            row = ledger.execute(
                "SELECT * FROM ledger_claims WHERE asset = ? AND number = ?",
                (f"{self.feed}/{asset}", number),
            ).fetchone()
        return dict(row) if row else {}

    def forget_claim(self, asset: str, number: int) -> None:
        self.sql(
            "DELETE FROM ledger_claims WHERE asset = ? AND number = ?",
            f"{self.feed}/{asset}",
            number,
        )

    def claim_nothing(self, asset: str, number: int) -> None:
        """Of a fetch that has records."""
        claim = json.loads(self.claimed(asset, number)["landed"])
        claim["account"] |= {"received": 0, "emitted": 0}
        counts = {"received": 0, "emitted": 0, "explained": 0}
        self.claim(asset, number, verified_etag=None, landed=json.dumps(claim), **counts)

    def count_one_more(self, asset: str, number: int) -> None:
        row = self.claimed(asset, number)
        counts = {name: row[name] + 1 for name in ("emitted", "received", "explained")}
        self.claim(asset, number, **counts)

    def count_twice(self, asset: str, number: int, other: int) -> None:
        """Under the number of another slot too, object and claim alike."""
        etag = self.copied_to(asset, number, other)
        row = self.claimed(asset, number) | {"number": other, "etag": etag, "verified_etag": etag}
        with self.ledger() as ledger:
            names, places = ", ".join(row), ", ".join("?" * len(row))
            ledger.execute(
                f"INSERT INTO ledger_claims ({names}) VALUES ({places})", list(row.values())
            )

    def believed(self, asset: str, number: int, etag: str) -> None:
        """The ledger takes this object for the one that was confirmed and read back."""
        self.claim(asset, number, etag=etag, verified_etag=etag)

    # --- files -----------------------------------------------------------------------------------

    @property
    def spool(self) -> Path:
        return self.home / "spool" / self.store.prefix / self.feed / f"date={self.day}"

    @property
    def waiting_claims(self) -> Path:
        return self.home / "spool" / self.store.prefix / f"{self.feed}.claims"

    def forget_spooled(self, number: int) -> None:
        for file in self.spool.glob(f"{number:05d}.*"):
            file.unlink()


def digest(keys: list[str]) -> str:
    """The sum of the keys' BLAKE2b-128, modulo 2**128, which is what claims carry."""
    sums = (hashlib.blake2b(key.encode(), digest_size=16).digest() for key in keys)
    return f"{sum(int.from_bytes(each, 'big') for each in sums) % 2**128:032x}"


def flipped(body: bytes) -> bytes:
    half = len(body) // 2
    return body[:half] + bytes([body[half] ^ 1]) + body[half + 1 :]


def cut(body: bytes) -> bytes:
    return body[: len(body) * 2 // 3]
