"""The ledger's tables, written for SQLite and PostgreSQL alike.

All names begin with `ledger_`, and so does that of the version table, because the ledger may share
a PostgreSQL database with Dagster, which has a table `runs` and an `alembic_version` of its own.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

from resources.ledger.records import Claim, Witness
from resources.manifest import Held
from touchline.accounting import ClaimState, FetchFate, Outcome, RetryReason, RunState, Verdict
from touchline.alerting import AlertState, Hush
from touchline.day import Day, FetchNumber
from touchline.delivery import DeliveryState
from touchline.slot import Slot

REVISION = "0012"
"""The newest migration, written here so that a run's start need not import Alembic."""

VERSION_TABLE = "ledger_version"


class UtcTime(TypeDecorator[datetime]):
    """An aware time, stored in UTC and read back aware (SQLite keeps no zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"the ledger takes times with a zone, not {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class OneOf(TypeDecorator[StrEnum]):
    """A member of an enumeration as its text. Raises ValueError for text that is none."""

    impl = Text
    cache_ok = True

    def __init__(self, members: type[StrEnum]) -> None:
        super().__init__()
        self.members = members
        self._by_text = {member.value: member for member in members}

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        return None if value is None else self.members(value).value

    def process_result_value(self, value: Any | None, dialect: Dialect) -> StrEnum | None:
        if value is None:
            return None
        # A day's claims are read whole each minute: calling the class takes ten times as long.
        found = self._by_text.get(value)
        return self.members(value) if found is None else found


class DayDate(TypeDecorator[Day]):
    """A New York day as a date."""

    impl = Date
    cache_ok = True

    def process_bind_param(self, value: Day | None, dialect: Dialect) -> date | None:
        return None if value is None else value.date

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Day | None:
        return None if value is None else Day(value)


class SlotText(TypeDecorator[Slot]):
    """A slot as its text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Slot | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Slot | None:
        return None if value is None else Slot.parse(value)


class AsJson(TypeDecorator[Any]):
    """A value of one type as JSON text: it is always read and written whole."""

    impl = Text
    cache_ok = True

    def __init__(self, holds: Any) -> None:
        super().__init__()
        self.holds = holds
        self._decoder = msgspec.json.Decoder(holds)

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> str | None:
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Any | None:
        return None if value is None else self._decoder.decode(value)


metadata = MetaData()


def _key(name: str, kind: Any = Text, *, member: str | None = None) -> Column[Any]:
    """`member` is what records call it, where that is not the column's name."""
    return Column(name, kind, primary_key=True, autoincrement=False, key=member)


def _needed(name: str, kind: Any = Text) -> Column[Any]:
    return Column(name, kind, nullable=False)


sequence = Table("ledger_sequence", metadata, _key("id", Integer), _needed("value", BigInteger))

days = Table(
    "ledger_days",
    metadata,
    _key("prefix"),
    _key("asset"),
    _key("day", DayDate),
    _needed("version", BigInteger),
    Column("since", BigInteger),
)

claims = Table(
    "ledger_claims",
    metadata,
    _key("prefix"),
    _key("asset"),
    _key("day", DayDate),
    _key("number", Integer),
    _needed("state", OneOf(ClaimState)),
    _needed("fetch_id"),
    Column("landed", AsJson(Claim)),
    Column("outcome", OneOf(Outcome)),
    Column("emitted", BigInteger),
    Column("landed_fetch_id", Text),
    Column("received", BigInteger),
    Column("explained", BigInteger),
    Column("quarantined", BigInteger),
    Column("etag", Text),
    Column("size", BigInteger),
    Column("landed_at", UtcTime),
    Column("pending", AsJson(Claim)),
    Column("attempts", Integer, nullable=False, default=0),
    Column("failing_code_version", Text),
    Column("last_error", Text),
    Column("verified_etag", Text),
    Column("rebuilt", OneOf(Witness)),
    _needed("sequence", BigInteger),
    _needed("updated_at", UtcTime),
)

Index("ledger_claims_since", *(claims.c[name] for name in ("prefix", "asset", "day", "sequence")))
Index(
    "ledger_claims_pending",
    *(claims.c.prefix, claims.c.asset, claims.c.day, claims.c.number),
    sqlite_where=claims.c.pending.is_not(None),
    postgresql_where=claims.c.pending.is_not(None),
)

claim_history = Table(
    "ledger_claim_history",
    metadata,
    _key("sequence", BigInteger),
    _needed("prefix"),
    _needed("asset"),
    _needed("day", DayDate),
    _needed("number", Integer),
    _needed("state", OneOf(ClaimState)),
    _needed("fetch_id"),
    Column("claim", AsJson(Claim)),
    Column("etag", Text),
    Column("size", BigInteger),
    Column("error", Text),
    Column("code_version", Text),
    _needed("at", UtcTime),
    Index("ledger_claim_history_of", "prefix", "asset", "day", "number"),
)

reads = Table(
    "ledger_reads",
    metadata,
    _key("prefix"),
    _key("asset"),
    _key("day", DayDate),
    _key("read_asset"),
    _key("read_day", DayDate),
    Column("number", Integer),
    Column("sha256", Text),
    Index("ledger_reads_of", "prefix", "read_asset", "read_day"),
)

stale = Table(
    "ledger_stale",
    metadata,
    _key("prefix"),
    _key("asset"),
    _key("day", DayDate),
    _needed("because"),
    _needed("since", UtcTime),
)

plans = Table(
    "ledger_plans",
    metadata,
    _key("prefix"),
    _key("raw"),
    _key("day", DayDate),
    _key("made_at", UtcTime),
    _needed("numbers", AsJson(tuple[FetchNumber, ...])),
)

windows = Table(
    "ledger_windows",
    metadata,
    _key("prefix"),
    _key("key"),
    _needed("asset"),
    _needed("day", DayDate),
    _needed("sha256"),
    _needed("held", AsJson(list[Held])),
    Column("etag", Text),
    Column("size", BigInteger),
    Column("stored_at", UtcTime),
    Column("verified_etag", Text),
    _needed("updated_at", UtcTime),
    Index("ledger_windows_of", "prefix", "asset", "day", "key", "sha256", "etag", "verified_etag"),
)

seals = Table(
    "ledger_seals",
    metadata,
    _key("prefix"),
    _key("asset"),
    _key("day", DayDate),
    _needed("number", Integer),
    _needed("fetches", Integer),
    _needed("emitted", BigInteger),
    _needed("files", AsJson(dict[str, str])),
    _needed("sealed_at", UtcTime),
    Column("cleared_at", UtcTime),
)

expiries = Table(
    "ledger_expiries",
    metadata,
    _key("prefix"),
    _key("asset"),
    _key("day", DayDate),
    _key("tier"),
    _needed("reason"),
    _needed("at", UtcTime),
)

locks = Table(
    "ledger_locks",
    metadata,
    _key("prefix"),
    _key("name"),
    _needed("holder"),
    _needed("until", UtcTime),
)

fetches = Table(
    "ledger_fetches",
    metadata,
    _key("prefix"),
    _key("raw"),
    _key("day", DayDate),
    _key("number", Integer),
    _needed("fate", OneOf(FetchFate)),
    Column("fetch_id", Text),
    Column("outcome", OneOf(Outcome)),
    Column("reason", Text),
    Column("run_id", Text),
    Column("started_at", UtcTime),
    Column("lateness_seconds", Float),
    Column("until", UtcTime),
    _needed("sequence", BigInteger),
    _needed("updated_at", UtcTime),
    Index("ledger_fetches_since", "prefix", "raw", "day", "sequence"),
)

attempts = Table(
    "ledger_attempts",
    metadata,
    _key("prefix"),
    _key("asset"),
    _key("day", DayDate),
    _key("number", Integer),
    _key("run_id"),
    _needed("state", OneOf(RunState)),
    _needed("reason", OneOf(RetryReason)),
    Column("blocked_by", Text),
    Column("until", UtcTime),
    Column("note", Text),
    _needed("started_at", UtcTime),
    _needed("heartbeat_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("inserted", BigInteger),
    Column("updated", BigInteger),
    Column("unchanged", BigInteger),
    Column("placeholder", BigInteger),
    Column("content_hash", Text),
    Column("superseded_by", Text),
    _needed("sequence", BigInteger),
)

intervals = Table(
    "ledger_intervals",
    metadata,
    _key("sequence", BigInteger),
    _needed("prefix"),
    _needed("feed"),
    _needed("origin"),
    _needed("opened", UtcTime),
    Column("closed", UtcTime),
    Index("ledger_intervals_of", "prefix", "feed", "opened"),
)

untold = Table(
    "ledger_untold",
    metadata,
    _key("prefix"),
    _key("key"),
    _needed("feed"),
    _needed("sequence", BigInteger),
)

runs = Table(
    "ledger_runs",
    metadata,
    _key("prefix"),
    _key("run_id"),
    _needed("kind"),
    Column("slot", SlotText),
    _needed("state", OneOf(RunState)),
    Column("reason", Text),
    _needed("commit"),
    _needed("lock_hash"),
    Column("feed", Text),
    Column("host", Text),
    Column("pid", Integer),
    _needed("started_at", UtcTime),
    _needed("heartbeat_at", UtcTime),
    Column("ended_at", UtcTime),
    _needed("sequence", BigInteger),
    Index("ledger_runs_in", "prefix", "state"),
)

verdicts = Table(
    "ledger_verdicts",
    metadata,
    _key("prefix"),
    _key("asset"),
    _key("day", DayDate),
    _key("check"),
    _needed("verdict", OneOf(Verdict)),
    _needed("at", UtcTime),
)

alerts = Table(
    "ledger_alerts",
    metadata,
    _key("prefix"),
    _key("check"),
    _key("asset"),
    _key("day", DayDate),
    _key("cause"),
    _needed("state", OneOf(AlertState)),
    _needed("opened_at", UtcTime),
    _needed("seen_at", UtcTime),
    _needed("count", Integer),
    _needed("suppressed", Integer),
    Column("due_at", UtcTime),
    _needed("is_told", Boolean),
    Column("told_at", UtcTime),
    Column("closed_at", UtcTime),
    Column("recorded", BigInteger),
    Column("landed", BigInteger),
    _needed("fetches", AsJson(tuple[int, ...])),
    Column("muted", AsJson(Hush)),
    Column("acknowledged", AsJson(Hush)),
    Index("ledger_alerts_in", "prefix", "state"),
)

notices = Table(
    "ledger_notices",
    metadata,
    _key("sequence", BigInteger),
    _needed("prefix"),
    _needed("feed"),
    _needed("day", DayDate),
    _needed("title"),
    _needed("body"),
    _needed("about", AsJson(list[str])),
    _needed("made_at", UtcTime),
    _needed("state", OneOf(DeliveryState)),
    _needed("attempts", Integer),
    Column("due_at", UtcTime),
    Column("last_error", Text),
    Column("ended_at", UtcTime),
    Index("ledger_notices_in", "prefix", "state", "due_at"),
)

outbox = Table(
    "ledger_outbox",
    metadata,
    _key("prefix"),
    _key("rule_id"),
    _key("match_id", member="subject_id"),
    _needed("sequence", BigInteger),
    _needed("feed"),
    _needed("asset"),
    _needed("day", DayDate),
    _needed("number", Integer),
    _needed("fetch_id"),
    _needed("fired_at", UtcTime),
    _needed("title"),
    _needed("body"),
    _needed("made_at", UtcTime),
    _needed("state", OneOf(DeliveryState)),
    _needed("attempts", Integer),
    Column("due_at", UtcTime),
    Column("last_error", Text),
    Column("ended_at", UtcTime),
    Index("ledger_outbox_by_sequence", "sequence", unique=True),
    Index("ledger_outbox_in", "prefix", "state", "due_at"),
    Index("ledger_outbox_of", "prefix", "day"),
)
