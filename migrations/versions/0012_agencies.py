"""Chief data officers, the yearly evaluation of agencies, the quality of their data, maturity levels."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add what was asked for."""
    _chiefs()
    _evaluation()
    _quality()
    _maturity()


def downgrade() -> None:
    """Undo it."""
    for name in (
        "registry_maturity",
        "registry_cross_checks",
        "registry_entry_reports",
        "registry_evaluation_inputs",
        "registry_evaluations",
        "registry_evaluation_periods",
        "registry_chiefs",
    ):
        op.drop_table(name)


def _chiefs() -> None:
    op.create_table(
        "registry_chiefs",
        sa.Column("chief_id", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "STANDING", "ENDED", name="chiefstate", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("document_sha256", sa.Text(), nullable=False),
        sa.Column("appointed_on", sa.Text(), nullable=False),
        sa.Column("began_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("until", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column(
            "ended_as",
            sa.Enum(
                "REPLACED",
                "TERM_OVER",
                "RESIGNED",
                "MOVED_ON",
                "DISMISSED",
                name="chiefend",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_chiefs_agency_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["identity_users.user_id"], name=op.f("fk_registry_chiefs_user_id")
        ),
        sa.PrimaryKeyConstraint("chief_id", name=op.f("pk_registry_chiefs")),
    )
    op.create_index(op.f("ix_registry_chiefs_agency_id"), "registry_chiefs", ["agency_id"], unique=False)
    op.create_index(op.f("ix_registry_chiefs_user_id"), "registry_chiefs", ["user_id"], unique=False)
    op.create_index(
        "uq_registry_chiefs_standing",
        "registry_chiefs",
        ["agency_id"],
        unique=True,
        sqlite_where=sa.text("status = 'STANDING'"),
        postgresql_where=sa.text("status = 'STANDING'"),
    )


def _evaluation() -> None:
    op.create_table(
        "registry_evaluation_periods",
        sa.Column("period_id", sa.Text(), nullable=False),
        sa.Column("authority_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("covers_from", sa.Date(), nullable=False),
        sa.Column("covers_to", sa.Date(), nullable=False),
        sa.Column("opened_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("covers_from <= covers_to", name=op.f("ck_registry_evaluation_periods_covers")),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["identity_orgs.org_id"],
            name=op.f("fk_registry_evaluation_periods_authority_id"),
        ),
        sa.PrimaryKeyConstraint("period_id", name=op.f("pk_registry_evaluation_periods")),
    )
    op.create_index(
        op.f("ix_registry_evaluation_periods_authority_id"),
        "registry_evaluation_periods",
        ["authority_id"],
        unique=False,
    )
    op.create_table(
        "registry_evaluations",
        sa.Column("evaluation_id", sa.Text(), nullable=False),
        sa.Column("period_id", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column("authority_id", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "OPEN",
                "SELF_REPORTED",
                "SCORED",
                "OBJECTED",
                "FINAL",
                "PUBLISHED",
                name="evaluationstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("opened_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("due_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("chief_id", sa.Text(), nullable=True),
        sa.Column("report", sa.Text(), nullable=True),
        sa.Column("report_sha256", sa.Text(), nullable=True),
        sa.Column("reported_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("grade", sa.Text(), nullable=True),
        sa.Column("scored_by", sa.Text(), nullable=True),
        sa.Column("scored_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("objection", sa.Text(), nullable=True),
        sa.Column("objected_as", sa.Text(), nullable=True),
        sa.Column("objected_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("answered_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("published_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("score BETWEEN 0 AND 10000", name=op.f("ck_registry_evaluations_score")),
        sa.CheckConstraint("version >= 0", name=op.f("ck_registry_evaluations_version")),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_evaluations_agency_id")
        ),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_evaluations_authority_id")
        ),
        sa.ForeignKeyConstraint(
            ["period_id"],
            ["registry_evaluation_periods.period_id"],
            name=op.f("fk_registry_evaluations_period_id"),
        ),
        sa.PrimaryKeyConstraint("evaluation_id", name=op.f("pk_registry_evaluations")),
        sa.UniqueConstraint(
            "period_id", "agency_id", name=op.f("uq_registry_evaluations_period_id_agency_id")
        ),
    )
    op.create_index(
        op.f("ix_registry_evaluations_agency_id"), "registry_evaluations", ["agency_id"], unique=False
    )
    op.create_index(op.f("ix_registry_evaluations_status"), "registry_evaluations", ["status"], unique=False)
    op.create_table(
        "registry_evaluation_inputs",
        sa.Column("evaluation_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("inputs", sa.LargeBinary(), nullable=False),
        sa.Column("inputs_sha256", sa.Text(), nullable=False),
        sa.Column("result", sa.LargeBinary(), nullable=False),
        sa.Column("frozen_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["evaluation_id"],
            ["registry_evaluations.evaluation_id"],
            name=op.f("fk_registry_evaluation_inputs_evaluation_id"),
        ),
        sa.PrimaryKeyConstraint("evaluation_id", "version", name=op.f("pk_registry_evaluation_inputs")),
    )
    op.create_index(
        op.f("ix_registry_evaluation_inputs_inputs_sha256"),
        "registry_evaluation_inputs",
        ["inputs_sha256"],
        unique=False,
    )


def _quality() -> None:
    op.create_table(
        "registry_entry_reports",
        sa.Column("report_id", sa.Text(), nullable=False),
        sa.Column("data_id", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("report_sha256", sa.Text(), nullable=False),
        sa.Column("report", sa.LargeBinary(), nullable=False),
        sa.Column("score_tenths", sa.Integer(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("measured_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("score_tenths BETWEEN 0 AND 1000", name=op.f("ck_registry_entry_reports_score")),
        sa.ForeignKeyConstraint(
            ["data_id"], ["registry_data.data_id"], name=op.f("fk_registry_entry_reports_data_id")
        ),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_registry_entry_reports")),
        sa.UniqueConstraint(
            "data_id", "report_sha256", name=op.f("uq_registry_entry_reports_data_id_report_sha256")
        ),
    )
    op.create_index(
        op.f("ix_registry_entry_reports_data_id"), "registry_entry_reports", ["data_id"], unique=False
    )
    op.create_table(
        "registry_cross_checks",
        sa.Column("check_id", sa.Text(), nullable=False),
        sa.Column("left_id", sa.Text(), nullable=False),
        sa.Column("right_id", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("left_sha256", sa.Text(), nullable=False),
        sa.Column("right_sha256", sa.Text(), nullable=False),
        sa.Column("result", sa.LargeBinary(), nullable=False),
        sa.Column("result_sha256", sa.Text(), nullable=False),
        sa.Column("rate", sa.Integer(), nullable=True),
        sa.Column("checked_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("left_id <> right_id", name=op.f("ck_registry_cross_checks_two_sources")),
        sa.CheckConstraint("rate BETWEEN 0 AND 10000", name=op.f("ck_registry_cross_checks_rate")),
        sa.ForeignKeyConstraint(
            ["left_id"], ["registry_data.data_id"], name=op.f("fk_registry_cross_checks_left_id")
        ),
        sa.ForeignKeyConstraint(
            ["made_by"], ["identity_orgs.org_id"], name=op.f("fk_registry_cross_checks_made_by")
        ),
        sa.ForeignKeyConstraint(
            ["right_id"], ["registry_data.data_id"], name=op.f("fk_registry_cross_checks_right_id")
        ),
        sa.PrimaryKeyConstraint("check_id", name=op.f("pk_registry_cross_checks")),
    )
    op.create_index(
        op.f("ix_registry_cross_checks_left_id"), "registry_cross_checks", ["left_id"], unique=False
    )
    op.create_index(
        op.f("ix_registry_cross_checks_right_id"), "registry_cross_checks", ["right_id"], unique=False
    )


def _maturity() -> None:
    op.create_table(
        "registry_maturity",
        sa.Column("maturity_id", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("dcmm_level", sa.Integer(), nullable=False),
        sa.Column("certificate_sha256", sa.Text(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "CLAIMED",
                "CONFIRMED",
                "DECLINED",
                "REVOKED",
                name="maturitystate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("claimed_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("dcmm_level BETWEEN 1 AND 5", name=op.f("ck_registry_maturity_level")),
        sa.CheckConstraint("issued_on <= valid_until", name=op.f("ck_registry_maturity_valid")),
        sa.ForeignKeyConstraint(
            ["org_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_maturity_org_id")
        ),
        sa.PrimaryKeyConstraint("maturity_id", name=op.f("pk_registry_maturity")),
    )
    op.create_index(op.f("ix_registry_maturity_org_id"), "registry_maturity", ["org_id"], unique=False)
