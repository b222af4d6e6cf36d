"""What each minute's checks ask of a claim as columns: its counts, and which fetch landed."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COUNTS = ("received", "explained", "quarantined")
KEY = ("prefix", "asset", "day", "number")


def upgrade() -> None:
    op.add_column("ledger_claims", sa.Column("landed_fetch_id", sa.Text))
    for name in COUNTS:
        op.add_column("ledger_claims", sa.Column(name, sa.BigInteger))
    _fill_from_claims()


def _fill_from_claims() -> None:
    kinds = {"day": sa.Date, "number": sa.Integer, **dict.fromkeys(COUNTS, sa.BigInteger)}
    names = (*KEY, "landed", "landed_fetch_id", *COUNTS)
    claims = sa.table(
        "ledger_claims", *(sa.column(name, kinds.get(name, sa.Text)()) for name in names)
    )
    connection = op.get_bind()
    rows = connection.execute(sa.select(claims).where(claims.c.landed.is_not(None))).all()
    if not rows:
        return
    fill = (
        sa.update(claims)
        .where(*(claims.c[name] == sa.bindparam(f"of_{name}") for name in KEY))
        .values({name: sa.bindparam(f"new_{name}") for name in ("landed_fetch_id", *COUNTS)})
    )
    connection.execute(fill, [_filled(row) for row in rows])


def _filled(row: sa.Row) -> dict[str, object]:
    landed = json.loads(row.landed)
    account = landed["account"]
    quarantined = sum(account["quarantined"].values())
    return {
        **{f"of_{name}": getattr(row, name) for name in KEY},
        "new_landed_fetch_id": landed["ref"]["fetch_id"],
        "new_received": account["received"],
        "new_explained": account["emitted"] + sum(account["dropped"].values()) + quarantined,
        "new_quarantined": quarantined,
    }
