"""Wrong codes of a second factor are counted apart from wrong passwords."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db

revision: str = "0027"
down_revision: str | None = "0026"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLE = "identity_second_factors"


def upgrade() -> None:
    """Nothing was counted there before."""
    # In one statement: SQLite takes a CHECK beside a new column, and none afterwards.
    check = f"CONSTRAINT ck_{_TABLE}_failures CHECK (failures >= 0)"
    op.execute(f"ALTER TABLE {_TABLE} ADD COLUMN failures INTEGER DEFAULT 0 NOT NULL {check}")
    op.add_column(_TABLE, sa.Column("waits_until", base.db.UtcDateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Undo it; on SQLite by a copy of the table, for a column with a CHECK is not dropped there."""
    with op.batch_alter_table(_TABLE) as batch:
        batch.drop_constraint(op.f(f"ck_{_TABLE}_failures"), type_="check")
        batch.drop_column("waits_until")
        batch.drop_column("failures")
