"""What came of a scenario of authorised operation: its value and its risks, in the operator's words."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db

revision: str = "0032"
down_revision: str | None = "0031"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
_TABLE = "registry_grant_scenarios"


def upgrade() -> None:
    op.add_column(_TABLE, sa.Column("outcome_value", sa.Text(), nullable=True))
    op.add_column(_TABLE, sa.Column("outcome_risk", sa.Text(), nullable=True))
    op.add_column(_TABLE, sa.Column("outcome_at", base.db.UtcDateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table(_TABLE) as table:
        for name in ("outcome_at", "outcome_risk", "outcome_value"):
            table.drop_column(name)
