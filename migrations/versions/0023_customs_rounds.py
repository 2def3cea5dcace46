"""Data customs: withdrawals, hand-overs, samples, files of hashes to be destroyed, networks abroad."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db
from migrations.checks import change_check, one_of

revision: str = "0023"
down_revision: str | None = "0022"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_STATES_WERE = (
    *("DECLARED", "ROUTED", "UNDER_CHECK", "UNDER_REVIEW", "UNDER_ASSESSMENT", "CLEARED", "IN_TRANSIT"),
    *("COMPLETED", "HALTED", "REJECTED", "REVOKED", "EXPIRED"),
)
_STATES = (*_STATES_WERE, "WITHDRAWN", "LAPSED")
_STATE = "ck_market_declarations_declarationstate"


def upgrade() -> None:
    """Add states and columns of declarations, what is fetched again, leftovers, networks."""
    change_check(
        "market_declarations", _STATE, was=one_of("status", _STATES_WERE), now=one_of("status", _STATES)
    )
    op.add_column(
        "market_declarations", sa.Column("taken_at", base.db.UtcDateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "market_customs_egress", sa.Column("fetched", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.create_table(
        "market_customs_leftovers",
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("declaration_id", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.Column("persons", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("noted_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("destroyed_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("statement_id", sa.Text(), nullable=True),
        sa.CheckConstraint("form IN ('RAW', 'KEYED')", name=op.f("ck_market_customs_leftovers_form")),
        sa.ForeignKeyConstraint(
            ["declaration_id"],
            ["market_declarations.declaration_id"],
            name=op.f("fk_market_customs_leftovers_declaration_id"),
        ),
        sa.PrimaryKeyConstraint("file_id", name=op.f("pk_market_customs_leftovers")),
    )
    op.create_index(
        op.f("ix_market_customs_leftovers_declaration_id"),
        "market_customs_leftovers",
        ["declaration_id"],
        unique=False,
    )
    op.create_table(
        "market_customs_networks",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entries", sa.JSON(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("entered_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_market_customs_networks_version")),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["identity_orgs.org_id"], name=op.f("fk_market_customs_networks_entered_by")
        ),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_market_customs_networks")),
    )
    op.create_index(
        op.f("ix_market_customs_networks_entered_by"), "market_customs_networks", ["entered_by"], unique=False
    )


def downgrade() -> None:
    """Take them away; a declaration that was withdrawn or lapsed was rejected, for those before."""
    op.drop_table("market_customs_networks")
    op.drop_table("market_customs_leftovers")
    op.drop_column("market_customs_egress", "fetched")
    op.drop_column("market_declarations", "taken_at")
    op.execute("UPDATE market_declarations SET status = 'REJECTED' WHERE status IN ('WITHDRAWN', 'LAPSED')")
    change_check(
        "market_declarations", _STATE, was=one_of("status", _STATES), now=one_of("status", _STATES_WERE)
    )
