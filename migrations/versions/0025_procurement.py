"""Government procurement: the bases that public agencies state for what they buy."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db

revision: str = "0025"
down_revision: str | None = "0024"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add what agencies state."""
    op.create_table(
        "market_procurements",
        sa.Column("procurement_id", sa.Text(), nullable=False),
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("buyer_id", sa.Text(), nullable=False),
        sa.Column(
            "method",
            sa.Enum(
                "OPEN_TENDER",
                "INVITED_TENDER",
                "COMPETITIVE_NEGOTIATION",
                "INQUIRY",
                "SINGLE_SOURCE",
                "FRAMEWORK",
                "BELOW_THRESHOLD",
                name="method",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("budget_reference", sa.Text(), nullable=True),
        sa.Column("budget_minor", sa.BigInteger(), nullable=True),
        sa.Column("document_sha256", sa.Text(), nullable=False),
        sa.Column("seen", sa.Text(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "SHARE_REFUSED",
                "NOT_SHAREABLE",
                "OTHER_PERIOD",
                "OTHER_SCOPE",
                "URGENT",
                name="reason",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("stated_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.CheckConstraint("budget_minor > 0", name=op.f("ck_market_procurements_budget")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_market_procurements_number")),
        sa.ForeignKeyConstraint(
            ["buyer_id"], ["identity_orgs.org_id"], name=op.f("fk_market_procurements_buyer_id")
        ),
        sa.ForeignKeyConstraint(
            ["trade_id"], ["market_trades.trade_id"], name=op.f("fk_market_procurements_trade_id")
        ),
        sa.PrimaryKeyConstraint("procurement_id", name=op.f("pk_market_procurements")),
        sa.UniqueConstraint("trade_id", "number", name=op.f("uq_market_procurements_trade_id_number")),
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_table("market_procurements")
