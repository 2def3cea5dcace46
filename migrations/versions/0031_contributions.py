"""Joint products: who gives data to a product of another, on what right, for which share."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db

revision: str = "0031"
down_revision: str | None = "0030"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "registry_contributions",
        sa.Column("contribution_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Text(), nullable=False),
        sa.Column("contributor_id", sa.Text(), nullable=False),
        sa.Column("share_bp", sa.Integer(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "ASKED",
                "AGREED",
                "REFUSED",
                "CANCELLED",
                "WITHDRAWN",
                name="contributionstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "basis_kind",
            sa.Enum(
                "REGISTRATION",
                "GRANT",
                "STATEMENT",
                name="basiskind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("basis_reference", sa.Text(), nullable=True),
        sa.Column(
            "basis_source",
            sa.Enum(
                "SELF_COLLECTED",
                "OWN_ACTIVITY",
                "UTILITY",
                "PUBLIC_CRAWL",
                "AGREEMENT",
                "FUSION",
                "DERIVED",
                "AUTHORISED_OPERATION",
                "PUBLIC_DUTY",
                "ON_BEHALF",
                "UNLAWFUL",
                name="source",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("statement_sha256", sa.Text(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("asked_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("agreed_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status <> 'AGREED' OR basis_kind IS NOT NULL", name=op.f("ck_registry_contributions_founded")
        ),
        sa.CheckConstraint("holder_id <> contributor_id", name=op.f("ck_registry_contributions_another")),
        sa.CheckConstraint(
            "share_bp >= 0 AND share_bp < 10000", name=op.f("ck_registry_contributions_share")
        ),
        sa.ForeignKeyConstraint(
            ["contributor_id"],
            ["identity_orgs.org_id"],
            name=op.f("fk_registry_contributions_contributor_id"),
        ),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_contributions_holder_id")
        ),
        sa.PrimaryKeyConstraint("contribution_id", name=op.f("pk_registry_contributions")),
    )
    op.create_index(
        op.f("ix_registry_contributions_basis_reference"),
        "registry_contributions",
        ["basis_reference"],
        unique=False,
    )
    op.create_index(
        op.f("ix_registry_contributions_contributor_id"),
        "registry_contributions",
        ["contributor_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_registry_contributions_holder_id"), "registry_contributions", ["holder_id"], unique=False
    )
    op.create_index(
        "ix_registry_contributions_product_id_holder_id",
        "registry_contributions",
        ["product_id", "holder_id"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_table("registry_contributions")
