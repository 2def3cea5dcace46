"""An order that stops a product's deliveries stands beside it: none begins that had not yet.

Revision ID: 0030
Revises: 0029
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db

revision: str = "0030"
down_revision: str | None = "0029"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLE = "market_product_stops"


def upgrade() -> None:
    """Orders that stand already stop what had begun, as they did."""
    op.create_table(
        _TABLE,
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("stopped_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["market_products.product_id"], name=op.f("fk_market_product_stops_product_id")
        ),
        sa.PrimaryKeyConstraint("product_id", "order_id", name=op.f("pk_market_product_stops")),
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_table(_TABLE)
