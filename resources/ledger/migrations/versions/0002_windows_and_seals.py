"""Windows, sealed days, expiries and locks; what each minute asks of a claim as columns.

The inventory goes: claims say which fetch objects there should be, and windows and seals say the
rest.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def key(name: str, kind: type[sa.types.TypeEngine] = sa.Text) -> sa.Column:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def needed(name: str, kind: type[sa.types.TypeEngine] | sa.DateTime = sa.Text) -> sa.Column:
    return sa.Column(name, kind, nullable=False)


def upgrade() -> None:
    op.add_column("ledger_claims", sa.Column("outcome", sa.Text))
    op.add_column("ledger_claims", sa.Column("emitted", sa.BigInteger))
    _fill_from_claims()
    op.drop_table("ledger_inventory")
    op.create_table(
        "ledger_windows",
        key("prefix"),
        key("key"),
        needed("asset"),
        needed("day", sa.Date),
        needed("sha256"),
        needed("held"),
        sa.Column("etag", sa.Text),
        sa.Column("size", sa.BigInteger),
        sa.Column("stored_at", TIME),
        sa.Column("verified_etag", sa.Text),
        needed("updated_at", TIME),
    )
    op.create_index("ledger_windows_of", "ledger_windows", ["prefix", "asset", "day"])
    op.create_table(
        "ledger_seals",
        key("prefix"),
        key("asset"),
        key("day", sa.Date),
        needed("number", sa.Integer),
        needed("fetches", sa.Integer),
        needed("emitted", sa.BigInteger),
        needed("files"),
        needed("sealed_at", TIME),
        sa.Column("cleared_at", TIME),
    )
    op.create_table(
        "ledger_expiries",
        key("prefix"),
        key("asset"),
        key("day", sa.Date),
        key("tier"),
        needed("reason"),
        needed("at", TIME),
    )
    op.create_table(
        "ledger_locks",
        key("prefix"),
        key("name"),
        needed("holder"),
        needed("until", TIME),
    )


def _fill_from_claims() -> None:
    names = ("prefix", "asset", "day", "number", "landed", "outcome", "emitted")
    kinds = {"day": sa.Date, "number": sa.Integer, "emitted": sa.BigInteger}
    claims = sa.table(
        "ledger_claims", *(sa.column(name, kinds.get(name, sa.Text)()) for name in names)
    )
    connection = op.get_bind()
    rows = connection.execute(sa.select(claims).where(claims.c.landed.is_not(None))).all()
    for row in rows:
        landed = json.loads(row.landed)
        connection.execute(
            sa.update(claims)
            .where(*(claims.c[name] == getattr(row, name) for name in names[:4]))
            .values(outcome=landed["outcome"], emitted=landed["account"]["emitted"])
        )
