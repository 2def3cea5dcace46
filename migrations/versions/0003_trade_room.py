"""The whole trade room: every state of a trade, and what each of them keeps."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TRADE_STATES = (
    "INQUIRED NEGOTIATING REFUSED LAPSED ACCEPTED BLOCKED CONTRACT_READY CONTRACTED CANCELLED FUNDED DELIVERING "
    "DELIVERED ACCEPTED_GOODS SETTLED FROZEN"
).split()
_ALL_TRADE_STATES = (
    "INQUIRED NEGOTIATING REFUSED LAPSED ACCEPTED BLOCKED CONTRACT_READY CONTRACTED CANCELLED FUNDED DELIVERING "
    "DELIVERY_SUSPENDED DELIVERED DISPUTED ACCEPTED_GOODS PARTIAL_SETTLE SETTLED FILED CERTIFIED CLOSED "
    "REFUND_PENDING REFUNDED FROZEN VOIDED"
).split()


def upgrade() -> None:
    """Add what the trade room keeps."""
    _trades()


def downgrade() -> None:
    """Take it away again."""
    _without_trades()


def _trades() -> None:
    _values("market_trades", "status", "tradestate", _TRADE_STATES, _ALL_TRADE_STATES)
    op.add_column("market_trades", sa.Column("deliver_by", base.db.UtcDateTime(timezone=True), nullable=True))


def _without_trades() -> None:
    op.drop_column("market_trades", "deliver_by")
    _values("market_trades", "status", "tradestate", _ALL_TRADE_STATES, _TRADE_STATES)


def _values(table: str, column: str, kind: str, before: Sequence[str], after: Sequence[str]) -> None:
    """Change which values a column takes (its CHECK), where no row has one that goes.

    SQLite has no statement for this, and a table that others refer to cannot be made anew while references
    are enforced; what its manual advises for a CHECK is to correct the text of the schema.
    """
    name, was, now = f"ck_{table}_{kind}", _check(column, before), _check(column, after)
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint(op.f(name), table, type_="check")
        op.create_check_constraint(op.f(name), table, now)
        return
    bind = op.get_bind()
    version = bind.scalar(sa.text("PRAGMA schema_version"))
    bind.execute(sa.text("PRAGMA writable_schema = ON"))
    changed = bind.execute(
        sa.text(
            "UPDATE sqlite_master SET sql = replace(sql, :was, :now) "
            "WHERE type = 'table' AND name = :table AND instr(sql, :was) > 0"
        ),
        {"was": was, "now": now, "table": table},
    )
    if changed.rowcount != 1:
        raise RuntimeError(f"{name} is not what it was made as")
    bind.execute(sa.text(f"PRAGMA schema_version = {int(version or 0) + 1}"))
    bind.execute(sa.text("PRAGMA writable_schema = OFF"))


def _check(column: str, values: Sequence[str]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"
