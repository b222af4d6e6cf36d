"""Alerts about verdicts: where each stands, what was sent of it, and what each check said last."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def key(name: str, kind: type[sa.types.TypeEngine] = sa.Text) -> sa.Column:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def needed(name: str, kind: sa.types.TypeEngine | type[sa.types.TypeEngine] = sa.Text) -> sa.Column:
    return sa.Column(name, kind, nullable=False)


def upgrade() -> None:
    op.create_table(
        "ledger_verdicts",
        key("prefix"),
        key("asset"),
        key("day", sa.Date),
        key("check"),
        needed("verdict"),
        needed("at", TIME),
    )
    op.create_table(
        "ledger_alerts",
        key("prefix"),
        key("check"),
        key("asset"),
        key("day", sa.Date),
        key("cause"),
        needed("state"),
        needed("opened_at", TIME),
        needed("seen_at", TIME),
        needed("count", sa.Integer),
        needed("suppressed", sa.Integer),
        sa.Column("due_at", TIME),
        needed("is_told", sa.Boolean),
        sa.Column("told_at", TIME),
        sa.Column("closed_at", TIME),
        sa.Column("recorded", sa.BigInteger),
        sa.Column("landed", sa.BigInteger),
        needed("fetches"),
        sa.Column("muted", sa.Text),
        sa.Column("acknowledged", sa.Text),
    )
    op.create_index("ledger_alerts_in", "ledger_alerts", ["prefix", "state"])
    op.create_table(
        "ledger_notices",
        key("sequence", sa.BigInteger),
        needed("prefix"),
        needed("feed"),
        needed("day", sa.Date),
        needed("title"),
        needed("body"),
        needed("about"),
        needed("made_at", TIME),
        needed("state"),
        needed("attempts", sa.Integer),
        sa.Column("due_at", TIME),
        sa.Column("last_error", sa.Text),
        sa.Column("ended_at", TIME),
    )
    op.create_index("ledger_notices_in", "ledger_notices", ["prefix", "state", "due_at"])
