"""The open list, conditional access to what is opened."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLES = (
    "registry_open_plans",
    "registry_open_checks",
    "registry_open_uses",
    "registry_open_agreements",
    "registry_open_users",
    "registry_open_entries",
)


def upgrade() -> None:
    """Add what was asked for."""
    op.create_table(
        "registry_open_entries",
        sa.Column("open_id", sa.Text(), nullable=False),
        sa.Column("data_id", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "PROPOSED",
                "REVIEWED",
                "OPEN",
                "TARGETED",
                "AUTHORISED",
                "NOT_OPEN",
                "SUSPENDED",
                "RETIRED",
                name="openstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "open_mode",
            sa.Enum(
                "OPEN",
                "TARGETED",
                "AUTHORISED",
                name="mode",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "licence",
            sa.Enum(
                "CC0-1.0",
                "CC-BY-4.0",
                "AGREEMENT",
                name="licence",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("conditions", sa.Text(), nullable=False),
        sa.Column("law", sa.Text(), nullable=False),
        sa.Column("risk_assessment_sha256", sa.Text(), nullable=True),
        sa.Column("covers_from", sa.Date(), nullable=True),
        sa.Column("covers_to", sa.Date(), nullable=True),
        sa.Column("proposed_by", sa.Text(), nullable=True),
        sa.Column("chief_id", sa.Text(), nullable=True),
        sa.Column("security_review_id", sa.Text(), nullable=True),
        sa.Column("file_sha256", sa.Text(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("held_by", sa.Text(), nullable=True),
        sa.Column("proposed_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("changed_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("first_opened_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_open_entries_agency_id")
        ),
        sa.ForeignKeyConstraint(
            ["data_id"], ["registry_data.data_id"], name=op.f("fk_registry_open_entries_data_id")
        ),
        sa.PrimaryKeyConstraint("open_id", name=op.f("pk_registry_open_entries")),
    )
    op.create_index(
        op.f("ix_registry_open_entries_agency_id"), "registry_open_entries", ["agency_id"], unique=False
    )
    op.create_index(
        op.f("ix_registry_open_entries_data_id"), "registry_open_entries", ["data_id"], unique=False
    )
    op.create_index(
        "ix_registry_open_entries_one_live",
        "registry_open_entries",
        ["data_id"],
        unique=True,
        postgresql_where=sa.text("status NOT IN ('NOT_OPEN', 'RETIRED')"),
        sqlite_where=sa.text("status NOT IN ('NOT_OPEN', 'RETIRED')"),
    )
    op.create_index(
        op.f("ix_registry_open_entries_status"), "registry_open_entries", ["status"], unique=False
    )
    op.create_table(
        "registry_open_users",
        sa.Column("open_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("purposes", sa.JSON(), nullable=False),
        sa.Column("until", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("named_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["open_id"], ["registry_open_entries.open_id"], name=op.f("fk_registry_open_users_open_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_open_users_user_id")
        ),
        sa.PrimaryKeyConstraint("open_id", "user_id", name=op.f("pk_registry_open_users")),
    )
    op.create_index(op.f("ix_registry_open_users_user_id"), "registry_open_users", ["user_id"], unique=False)
    op.create_table(
        "registry_open_agreements",
        sa.Column("agreement_id", sa.Text(), nullable=False),
        sa.Column("open_id", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "OFFERED",
                "SIGNED",
                "DECLINED",
                "ENDED",
                "EXPIRED",
                name="agreementstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("purposes", sa.JSON(), nullable=False),
        sa.Column("valid_from", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("valid_to", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("policy", sa.LargeBinary(), nullable=False),
        sa.Column("policy_sha256", sa.Text(), nullable=False),
        sa.Column("offered_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("signed_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("length(policy_sha256) = 64", name=op.f("ck_registry_open_agreements_digest")),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_open_agreements_agency_id")
        ),
        sa.ForeignKeyConstraint(
            ["open_id"], ["registry_open_entries.open_id"], name=op.f("fk_registry_open_agreements_open_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_open_agreements_user_id")
        ),
        sa.PrimaryKeyConstraint("agreement_id", name=op.f("pk_registry_open_agreements")),
    )
    op.create_index(
        op.f("ix_registry_open_agreements_agency_id"), "registry_open_agreements", ["agency_id"], unique=False
    )
    op.create_index(
        op.f("ix_registry_open_agreements_open_id"), "registry_open_agreements", ["open_id"], unique=False
    )
    op.create_index(
        op.f("ix_registry_open_agreements_user_id"), "registry_open_agreements", ["user_id"], unique=False
    )
    op.create_table(
        "registry_open_uses",
        sa.Column("open_id", sa.Text(), nullable=False),
        sa.Column("used_on", sa.Date(), nullable=False),
        sa.Column("taker", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("downloads", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["open_id"], ["registry_open_entries.open_id"], name=op.f("fk_registry_open_uses_open_id")
        ),
        sa.PrimaryKeyConstraint("open_id", "used_on", "taker", "purpose", name=op.f("pk_registry_open_uses")),
    )
    op.create_table(
        "registry_open_checks",
        sa.Column("check_id", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.Text(), nullable=True),
        sa.Column("report", sa.LargeBinary(), nullable=False),
        sa.Column("report_sha256", sa.Text(), nullable=False),
        sa.Column("holds", sa.Boolean(), nullable=False),
        sa.Column("checked_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("check_id", name=op.f("pk_registry_open_checks")),
    )
    op.create_table(
        "registry_open_plans",
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column("plan_year", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("planned_rows", sa.JSON(), nullable=False),
        sa.Column("rows_sha256", sa.Text(), nullable=False),
        sa.Column("chief_id", sa.Text(), nullable=False),
        sa.Column("published_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_registry_open_plans_version")),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_open_plans_agency_id")
        ),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_registry_open_plans")),
        sa.UniqueConstraint(
            "agency_id", "plan_year", name=op.f("uq_registry_open_plans_agency_id_plan_year")
        ),
    )
    op.create_index(
        op.f("ix_registry_open_plans_agency_id"), "registry_open_plans", ["agency_id"], unique=False
    )


def downgrade() -> None:
    """Undo it."""
    for table in _TABLES:
        op.drop_table(table)
