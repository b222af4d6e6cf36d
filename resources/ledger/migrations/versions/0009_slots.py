"""Fates by raw asset, and the whole slot of a run: no day is computed from a time any more."""

from datetime import UTC

import sqlalchemy as sa
from alembic import op

from touchline.slot import Slot

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

RUNS = sa.table(
    "ledger_runs",
    sa.column("prefix", sa.Text),
    sa.column("run_id", sa.Text),
    sa.column("feed", sa.Text),
    sa.column("minute", sa.DateTime(timezone=True)),
    sa.column("slot", sa.Text),
)
FETCHES = sa.table("ledger_fetches", sa.column("raw", sa.Text))
UNNAMED = "football"
"""The one feed there was when runs did not name theirs yet."""


def upgrade() -> None:
    op.alter_column("ledger_fetches", "feed", new_column_name="raw")
    op.execute(FETCHES.update().values(raw=FETCHES.c.raw + "/raw_fetches"))
    op.add_column("ledger_runs", sa.Column("slot", sa.Text))
    connection = op.get_bind()
    runs = connection.execute(sa.select(RUNS).where(RUNS.c.minute.is_not(None))).all()
    if runs:
        this = (RUNS.c.prefix == sa.bindparam("of"), RUNS.c.run_id == sa.bindparam("run"))
        connection.execute(
            RUNS.update().where(*this).values(slot=sa.bindparam("text")),
            [{"of": run.prefix, "run": run.run_id, "text": _slot(run)} for run in runs],
        )
    op.drop_column("ledger_runs", "minute")


def _slot(run: sa.Row) -> str:
    at = run.minute
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return str(Slot.implied(run.feed or UNNAMED, at))
