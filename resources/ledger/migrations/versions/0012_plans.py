"""When raw assets are to be fetched for a day, where data such as a calendar say that."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_plans",
        sa.Column("prefix", sa.Text, primary_key=True),
        sa.Column("raw", sa.Text, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("made_at", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("numbers", sa.Text, nullable=False),
    )
