"""Which versions of earlier days a version was made of, and which days are to be made again."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def key(name: str, kind: type[sa.types.TypeEngine] = sa.Text) -> sa.Column:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def upgrade() -> None:
    op.create_table(
        "ledger_reads",
        key("prefix"),
        key("asset"),
        key("day", sa.Date),
        key("read_asset"),
        key("read_day", sa.Date),
        sa.Column("number", sa.Integer),
        sa.Column("sha256", sa.Text),
    )
    op.create_index("ledger_reads_of", "ledger_reads", ["prefix", "read_asset", "read_day"])
    op.create_table(
        "ledger_stale",
        key("prefix"),
        key("asset"),
        key("day", sa.Date),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    )
