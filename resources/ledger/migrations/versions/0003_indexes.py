"""Indexes for what each minute asks of a whole day: windows but for what they hold, and claims on
their way."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ledger_windows_of", "ledger_windows")
    op.create_index(
        "ledger_windows_but_held",
        "ledger_windows",
        [
            *("prefix", "asset", "day", "key", "sha256", "etag"),
            *("size", "stored_at", "verified_etag", "updated_at"),
        ],
    )
    pending = sa.text("pending IS NOT NULL")
    op.create_index(
        "ledger_claims_pending",
        "ledger_claims",
        ["prefix", "asset", "day", "number"],
        sqlite_where=pending,
        postgresql_where=pending,
    )
