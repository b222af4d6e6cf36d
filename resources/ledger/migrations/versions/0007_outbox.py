"""The outbox of alerts about matches. Notices stand in the same states as they do."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
RENAMED = {"waiting": "pending", "delivered": "sent"}


def key(name: str) -> sa.Column:
    return sa.Column(name, sa.Text, primary_key=True, autoincrement=False)


def needed(name: str, kind: sa.types.TypeEngine | type[sa.types.TypeEngine] = sa.Text) -> sa.Column:
    return sa.Column(name, kind, nullable=False)


def upgrade() -> None:
    op.create_table(
        "ledger_outbox",
        key("prefix"),
        key("rule_id"),
        key("match_id"),
        needed("sequence", sa.BigInteger),
        needed("feed"),
        needed("asset"),
        needed("day", sa.Date),
        needed("number", sa.Integer),
        needed("fetch_id"),
        needed("fired_at", TIME),
        needed("title"),
        needed("body"),
        needed("made_at", TIME),
        needed("state"),
        needed("attempts", sa.Integer),
        sa.Column("due_at", TIME),
        sa.Column("last_error", sa.Text),
        sa.Column("ended_at", TIME),
    )
    op.create_index("ledger_outbox_by_sequence", "ledger_outbox", ["sequence"], unique=True)
    op.create_index("ledger_outbox_in", "ledger_outbox", ["prefix", "state", "due_at"])
    op.create_index("ledger_outbox_of", "ledger_outbox", ["prefix", "day"])
    notices = sa.table("ledger_notices", sa.column("state", sa.Text))
    for before, after in RENAMED.items():
        op.execute(notices.update().where(notices.c.state == before).values(state=after))
