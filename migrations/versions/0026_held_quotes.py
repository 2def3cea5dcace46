"""Quotes of the calculator that are held for a buyer."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db

revision: str = "0026"
down_revision: str | None = "0025"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "market_held_quotes",
        sa.Column("quote_id", sa.Text(), nullable=False),
        sa.Column("listing_id", sa.Text(), nullable=False),
        sa.Column("buyer_id", sa.Text(), nullable=False),
        sa.Column("seller_id", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum(
                "INTERNAL_USE",
                "RISK_CONTROL",
                "MODEL_TRAINING",
                "RESEARCH",
                "PRODUCT_DEVELOPMENT",
                "MARKETING",
                "PUBLIC_SERVICE",
                name="purpose",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("term_months", sa.Integer(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("mechanism", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("document_sha256", sa.Text(), nullable=False),
        sa.Column("held_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("until", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("trade_id", sa.Text(), nullable=True),
        sa.Column("used_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.CheckConstraint("(trade_id IS NULL) = (used_at IS NULL)", name=op.f("ck_market_held_quotes_used")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_market_held_quotes_quantity")),
        sa.CheckConstraint("term_months > 0", name=op.f("ck_market_held_quotes_term")),
        sa.CheckConstraint("total_minor > 0", name=op.f("ck_market_held_quotes_total")),
        sa.ForeignKeyConstraint(
            ["buyer_id"], ["identity_orgs.org_id"], name=op.f("fk_market_held_quotes_buyer_id")
        ),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["market_listings.listing_id"], name=op.f("fk_market_held_quotes_listing_id")
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["identity_orgs.org_id"], name=op.f("fk_market_held_quotes_seller_id")
        ),
        sa.ForeignKeyConstraint(
            ["trade_id"], ["market_trades.trade_id"], name=op.f("fk_market_held_quotes_trade_id")
        ),
        sa.PrimaryKeyConstraint("quote_id", name=op.f("pk_market_held_quotes")),
        sa.UniqueConstraint("trade_id", name=op.f("uq_market_held_quotes_trade_id")),
    )
    op.create_index(
        "ix_market_held_quotes_buyer_id_quote_id",
        "market_held_quotes",
        ["buyer_id", "quote_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_market_held_quotes_listing_id"), "market_held_quotes", ["listing_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("market_held_quotes")
