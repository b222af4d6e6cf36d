"""Indexes for what each minute asks of a whole day: which windows there are, what has changed since
it was read, and which claims are on their way."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ledger_windows_of", "ledger_windows")
    op.create_index(
        "ledger_windows_of",
        "ledger_windows",
        ["prefix", "asset", "day", "key", "sha256", "etag", "verified_etag"],
    )
    for table, of in (("claims", "asset"), ("fetches", "feed")):
        columns = ["prefix", of, "day", "sequence"]
        op.create_index(f"ledger_{table}_since", f"ledger_{table}", columns)
    pending = sa.text("pending IS NOT NULL")
    op.create_index(
        "ledger_claims_pending",
        "ledger_claims",
        ["prefix", "asset", "day", "number"],
        sqlite_where=pending,
        postgresql_where=pending,
    )
