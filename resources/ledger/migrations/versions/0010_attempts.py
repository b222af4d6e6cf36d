"""Attempts at keys whose past can be fetched again, and slots that were held."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def key(name: str, kind: sa.types.TypeEngine | type[sa.types.TypeEngine] = sa.Text) -> sa.Column:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def upgrade() -> None:
    op.create_table(
        "ledger_attempts",
        key("prefix"),
        key("asset"),
        key("day", sa.Date),
        key("number", sa.Integer),
        key("run_id"),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("blocked_by", sa.Text),
        sa.Column("until", TIME),
        sa.Column("note", sa.Text),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("heartbeat_at", TIME, nullable=False),
        sa.Column("ended_at", TIME),
        sa.Column("inserted", sa.BigInteger),
        sa.Column("updated", sa.BigInteger),
        sa.Column("unchanged", sa.BigInteger),
        sa.Column("placeholder", sa.BigInteger),
        sa.Column("content_hash", sa.Text),
        sa.Column("superseded_by", sa.Text),
        sa.Column("sequence", sa.BigInteger, nullable=False),
    )
    op.add_column("ledger_fetches", sa.Column("until", TIME))
