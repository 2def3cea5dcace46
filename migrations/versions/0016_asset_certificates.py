"""Public-data asset certificates: types, authorisations, certificates, uses."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add what was asked for."""
    op.create_table(
        "registry_voucher_types",
        sa.Column("type_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("proposer_id", sa.Text(), nullable=False),
        sa.Column("chief_id", sa.Text(), nullable=True),
        sa.Column(
            "scenario",
            sa.Enum(
                "CREDIT",
                "BIDDING",
                "LICENCE",
                name="scenario",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "mode",
            sa.Enum(
                "VALUES",
                "RANGES",
                "VERIFY_ONLY",
                name="mode",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("purposes", sa.JSON(), nullable=False),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column("issuers", sa.JSON(), nullable=False),
        sa.Column(
            "max_level",
            sa.Enum(
                "core",
                "important",
                "general-4",
                "general-3",
                "general-2",
                "general-1",
                name="level",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("min_quality_tenths", sa.Integer(), nullable=False),
        sa.Column("max_months", sa.Integer(), nullable=False),
        sa.Column("valid_days", sa.Integer(), nullable=False),
        sa.Column("max_uses", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "PROPOSED",
                "IN_FORCE",
                "REFUSED",
                "REVOKED",
                name="typestate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("proposed_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["proposer_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_voucher_types_proposer_id")
        ),
        sa.PrimaryKeyConstraint("type_id", name=op.f("pk_registry_voucher_types")),
        sa.UniqueConstraint("code", name=op.f("uq_registry_voucher_types_code")),
    )
    op.create_index(
        op.f("ix_registry_voucher_types_proposer_id"), "registry_voucher_types", ["proposer_id"], unique=False
    )
    op.create_index(
        op.f("ix_registry_voucher_types_status"), "registry_voucher_types", ["status"], unique=False
    )
    op.create_table(
        "registry_voucher_issuers",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("did", sa.Text(), nullable=False),
        sa.Column("keyid", sa.Text(), nullable=False),
        sa.Column("sealed_private", sa.LargeBinary(), nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.Column("since", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("retired_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["org_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_voucher_issuers_org_id")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_registry_voucher_issuers")),
        sa.UniqueConstraint("did", name=op.f("uq_registry_voucher_issuers_did")),
    )
    op.create_index(
        op.f("ix_registry_voucher_issuers_org_id"), "registry_voucher_issuers", ["org_id"], unique=False
    )
    op.create_table(
        "registry_vouchers",
        sa.Column("voucher_id", sa.Text(), nullable=False),
        sa.Column("type_id", sa.Text(), nullable=False),
        sa.Column(
            "subject_kind",
            sa.Enum(
                "MEMBER", "PERSON", name="subjectkind", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column("period_from", sa.Text(), nullable=False),
        sa.Column("period_to", sa.Text(), nullable=False),
        sa.Column("valid_days", sa.Integer(), nullable=False),
        sa.Column("max_uses", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("challenge", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "REQUESTED",
                "AUTHORISED",
                "GENERATED",
                "STORED",
                "PRESENTED",
                "VERIFIED",
                "EXHAUSTED",
                "EXPIRED",
                "REVOKED",
                "SUPERSEDED",
                "CLOSED",
                name="voucherstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("requested_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("due_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("authorised_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("authorisation_sha256", sa.Text(), nullable=True),
        sa.Column("holder_did", sa.Text(), nullable=True),
        sa.Column("holder_keyid", sa.Text(), nullable=True),
        sa.Column("sealed_holder", sa.LargeBinary(), nullable=True),
        sa.Column("data_id", sa.Text(), nullable=True),
        sa.Column("data_sha256", sa.Text(), nullable=True),
        sa.Column(
            "data_level",
            sa.Enum(
                "core",
                "important",
                "general-4",
                "general-3",
                "general-2",
                "general-1",
                name="level",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("quality_tenths", sa.Integer(), nullable=True),
        sa.Column("generated_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("issuer_number", sa.Integer(), nullable=True),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("credential_sha256", sa.Text(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("presented_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("presentation_sha256", sa.Text(), nullable=True),
        sa.Column("sealed_presentation", sa.LargeBinary(), nullable=True),
        sa.Column("ended_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column(
            "cause",
            sa.Enum(
                "WITHDRAWN",
                "ERROR",
                "COURT",
                name="cause",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("replaces", sa.Text(), nullable=True),
        sa.Column("replaced_by", sa.Text(), nullable=True),
        sa.CheckConstraint("used BETWEEN 0 AND max_uses", name=op.f("ck_registry_vouchers_used")),
        sa.ForeignKeyConstraint(
            ["issuer_number"],
            ["registry_voucher_issuers.number"],
            name=op.f("fk_registry_vouchers_issuer_number"),
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_vouchers_provider_id")
        ),
        sa.ForeignKeyConstraint(
            ["type_id"], ["registry_voucher_types.type_id"], name=op.f("fk_registry_vouchers_type_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_vouchers_user_id")
        ),
        sa.PrimaryKeyConstraint("voucher_id", name=op.f("pk_registry_vouchers")),
        sa.UniqueConstraint("credential_sha256", name=op.f("uq_registry_vouchers_credential_sha256")),
        sa.UniqueConstraint("issuer_number", "place", name=op.f("uq_registry_vouchers_issuer_number_place")),
    )
    op.create_index(op.f("ix_registry_vouchers_data_id"), "registry_vouchers", ["data_id"], unique=False)
    op.create_index(
        op.f("ix_registry_vouchers_provider_id"), "registry_vouchers", ["provider_id"], unique=False
    )
    op.create_index(op.f("ix_registry_vouchers_status"), "registry_vouchers", ["status"], unique=False)
    op.create_index(
        op.f("ix_registry_vouchers_subject_id"), "registry_vouchers", ["subject_id"], unique=False
    )
    op.create_index(op.f("ix_registry_vouchers_type_id"), "registry_vouchers", ["type_id"], unique=False)
    op.create_index(op.f("ix_registry_vouchers_user_id"), "registry_vouchers", ["user_id"], unique=False)
    op.create_table(
        "registry_voucher_uses",
        sa.Column("voucher_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("used_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_voucher_uses_user_id")
        ),
        sa.ForeignKeyConstraint(
            ["voucher_id"], ["registry_vouchers.voucher_id"], name=op.f("fk_registry_voucher_uses_voucher_id")
        ),
        sa.PrimaryKeyConstraint("voucher_id", "number", name=op.f("pk_registry_voucher_uses")),
    )
    op.create_index(
        op.f("ix_registry_voucher_uses_user_id"), "registry_voucher_uses", ["user_id"], unique=False
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_table("registry_voucher_uses")
    op.drop_table("registry_vouchers")
    op.drop_table("registry_voucher_issuers")
    op.drop_table("registry_voucher_types")
