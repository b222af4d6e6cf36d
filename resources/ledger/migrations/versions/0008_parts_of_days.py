"""Since which change of the ledger an asset is part of a day: what landed before is not due."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ledger_days", sa.Column("since", sa.BigInteger))
    days = sa.table("ledger_days", sa.column("since", sa.BigInteger))
    op.execute(days.update().values(since=0))
