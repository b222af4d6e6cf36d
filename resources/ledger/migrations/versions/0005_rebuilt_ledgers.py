"""What a ledger that is made anew rests on: what the store was not told yet of watching, and who
vouches for a claim that was read from its own object."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def key(name: str) -> sa.Column:
    return sa.Column(name, sa.Text, primary_key=True, autoincrement=False)


def needed(name: str, kind: type[sa.types.TypeEngine] = sa.Text) -> sa.Column:
    return sa.Column(name, kind, nullable=False)


def upgrade() -> None:
    op.create_table(
        "ledger_untold",
        key("prefix"),
        key("key"),
        needed("feed"),
        needed("sequence", sa.BigInteger),
    )
    for column in ("feed", "host"):
        op.add_column("ledger_runs", sa.Column(column, sa.Text))
    op.add_column("ledger_runs", sa.Column("pid", sa.Integer))
    op.add_column("ledger_claims", sa.Column("rebuilt", sa.Text))
