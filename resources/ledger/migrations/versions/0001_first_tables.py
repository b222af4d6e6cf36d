"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def key(name: str, kind: type[sa.types.TypeEngine] = sa.Text) -> sa.Column:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def needed(name: str, kind: type[sa.types.TypeEngine] | sa.DateTime = sa.Text) -> sa.Column:
    return sa.Column(name, kind, nullable=False)


def upgrade() -> None:
    sequence = op.create_table(
        "ledger_sequence", key("id", sa.Integer), needed("value", sa.BigInteger)
    )
    op.bulk_insert(sequence, [{"id": 1, "value": 0}])
    op.create_table(
        "ledger_days",
        key("prefix"),
        key("asset"),
        key("day", sa.Date),
        needed("version", sa.BigInteger),
    )
    op.create_table(
        "ledger_claims",
        key("prefix"),
        key("asset"),
        key("day", sa.Date),
        key("number", sa.Integer),
        needed("state"),
        needed("fetch_id"),
        sa.Column("landed", sa.Text),
        sa.Column("etag", sa.Text),
        sa.Column("size", sa.BigInteger),
        sa.Column("landed_at", TIME),
        sa.Column("pending", sa.Text),
        needed("attempts", sa.Integer),
        sa.Column("failing_code_version", sa.Text),
        sa.Column("last_error", sa.Text),
        sa.Column("verified_etag", sa.Text),
        needed("sequence", sa.BigInteger),
        needed("updated_at", TIME),
    )
    op.create_table(
        "ledger_claim_history",
        key("sequence", sa.BigInteger),
        needed("prefix"),
        needed("asset"),
        needed("day", sa.Date),
        needed("number", sa.Integer),
        needed("state"),
        needed("fetch_id"),
        sa.Column("claim", sa.Text),
        sa.Column("etag", sa.Text),
        sa.Column("size", sa.BigInteger),
        sa.Column("error", sa.Text),
        sa.Column("code_version", sa.Text),
        needed("at", TIME),
    )
    op.create_index(
        "ledger_claim_history_of", "ledger_claim_history", ["prefix", "asset", "day", "number"]
    )
    op.create_table(
        "ledger_inventory",
        key("prefix"),
        key("key"),
        needed("asset"),
        needed("day", sa.Date),
        needed("etag"),
        needed("size", sa.BigInteger),
        needed("updated_at", TIME),
    )
    op.create_index("ledger_inventory_of", "ledger_inventory", ["prefix", "asset", "day"])
    op.create_table(
        "ledger_fetches",
        key("prefix"),
        key("feed"),
        key("day", sa.Date),
        key("number", sa.Integer),
        needed("fate"),
        sa.Column("fetch_id", sa.Text),
        sa.Column("outcome", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("run_id", sa.Text),
        sa.Column("started_at", TIME),
        sa.Column("lateness_seconds", sa.Float),
        needed("sequence", sa.BigInteger),
        needed("updated_at", TIME),
    )
    op.create_table(
        "ledger_intervals",
        key("sequence", sa.BigInteger),
        needed("prefix"),
        needed("feed"),
        needed("origin"),
        needed("opened", TIME),
        sa.Column("closed", TIME),
    )
    op.create_index("ledger_intervals_of", "ledger_intervals", ["prefix", "feed", "opened"])
    op.create_table(
        "ledger_runs",
        key("prefix"),
        key("run_id"),
        needed("kind"),
        sa.Column("minute", TIME),
        needed("state"),
        sa.Column("reason", sa.Text),
        needed("commit"),
        needed("lock_hash"),
        needed("started_at", TIME),
        needed("heartbeat_at", TIME),
        sa.Column("ended_at", TIME),
        needed("sequence", sa.BigInteger),
    )
    op.create_index("ledger_runs_in", "ledger_runs", ["prefix", "state"])
