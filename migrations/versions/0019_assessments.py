"""Duties of security: reviews, yearly risk assessments, assessors, confidential information."""

from collections.abc import Callable, Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

import base.db

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLES: Final = (
    "registry_confidential_accesses",
    "registry_confidential_readers",
    "registry_confidential",
    "registry_catalogue_rounds",
    "registry_assessors",
    "registry_risk_assessments",
    "registry_assessment_findings",
)
_KEPT: Final = (
    "assessment_id, holder_id, object_id, status, kind, outcome, report_sha256, findings, assessed_at,"
    " valid_until, keep_until, recorded_at"
)


def upgrade() -> None:
    """Assessments become workflows, and the other duties have their tables.

    What was recorded before stays as it was, and was made for no use: it carries nothing anew.
    """
    _anew(_assessments, f"{_KEPT}, uses, contents, writers", f"{_KEPT}, '[]', '{{}}', '[]'")
    _duties()


def downgrade() -> None:
    """Drop them, who refers first; of the assessments what was concluded is left."""
    for table in _TABLES:
        op.drop_table(table)
    _anew(_records, _KEPT, _KEPT, "status IN ('STANDING', 'ENDED') AND valid_until IS NOT NULL")


def _anew(create: Callable[[], None], into: str, taken: str, where: str = "1 = 1") -> None:
    """The table made anew with what it held: SQLite changes no CHECK in place."""
    op.execute("CREATE TABLE registry_assessments_before AS SELECT * FROM registry_assessments")
    op.drop_table("registry_assessments")
    create()
    op.execute(
        f"INSERT INTO registry_assessments ({into})"  # noqa: S608 - our own columns
        f" SELECT {taken} FROM registry_assessments_before WHERE {where}"
    )
    op.drop_table("registry_assessments_before")


def _records() -> None:
    op.create_table(
        "registry_assessments",
        sa.Column("assessment_id", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "STANDING",
                "ENDED",
                name="assessmentstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("report_sha256", sa.Text(), nullable=False),
        sa.Column("findings", sa.Integer(), nullable=False),
        sa.Column("assessed_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("valid_until", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("keep_until", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_assessments_holder_id")
        ),
        sa.PrimaryKeyConstraint("assessment_id", name=op.f("pk_registry_assessments")),
    )
    op.create_index(
        op.f("ix_registry_assessments_holder_id"), "registry_assessments", ["holder_id"], unique=False
    )
    op.create_index(
        op.f("ix_registry_assessments_object_id"), "registry_assessments", ["object_id"], unique=False
    )


def _assessments() -> None:
    op.create_table(
        "registry_assessments",
        sa.Column("assessment_id", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "DRAFT",
                "SUBMITTED",
                "RETURNED",
                "STANDING",
                "SUSPENDED",
                "FAILED",
                "WITHDRAWN",
                "ENDED",
                name="assessmentstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("uses", sa.JSON(), nullable=False),
        sa.Column("contents", sa.JSON(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=True),
        sa.Column("writers", sa.JSON(), nullable=False),
        sa.Column("reviewer_id", sa.Text(), nullable=True),
        sa.Column("reviewed_by", sa.Text(), nullable=True),
        sa.Column("opinion", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("report_sha256", sa.Text(), nullable=True),
        sa.Column("findings", sa.Integer(), nullable=False),
        sa.Column("due_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("assessed_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("valid_until", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("keep_until", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_assessments_holder_id")
        ),
        sa.ForeignKeyConstraint(
            ["reviewer_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_assessments_reviewer_id")
        ),
        sa.PrimaryKeyConstraint("assessment_id", name=op.f("pk_registry_assessments")),
    )
    op.create_index(
        op.f("ix_registry_assessments_holder_id"), "registry_assessments", ["holder_id"], unique=False
    )
    op.create_index(
        op.f("ix_registry_assessments_object_id"), "registry_assessments", ["object_id"], unique=False
    )
    op.create_index(
        op.f("ix_registry_assessments_reviewer_id"), "registry_assessments", ["reviewer_id"], unique=False
    )


def _duties() -> None:
    op.create_table(
        "registry_assessment_findings",
        sa.Column("assessment_id", sa.Text(), nullable=False),
        sa.Column("finding_no", sa.Integer(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("due_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=True),
        sa.Column("evidence_sha256", sa.Text(), nullable=True),
        sa.Column("remedied_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("remedied_by", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("closed_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["assessment_id"],
            ["registry_assessments.assessment_id"],
            name=op.f("fk_registry_assessment_findings_assessment_id"),
        ),
        sa.PrimaryKeyConstraint("assessment_id", "finding_no", name=op.f("pk_registry_assessment_findings")),
    )
    op.create_table(
        "registry_risk_assessments",
        sa.Column("risk_id", sa.Text(), nullable=False),
        sa.Column("handler_id", sa.Text(), nullable=False),
        sa.Column("of_year", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "PLANNED",
                "RUNNING",
                "REPORTED",
                "RECTIFYING",
                "RECTIFIED",
                "ARCHIVED",
                "LAPSED",
                name="riskstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("entries", sa.JSON(), nullable=False),
        sa.Column("assessor_id", sa.Text(), nullable=True),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("report_sha256", sa.Text(), nullable=True),
        sa.Column("order_text", sa.Text(), nullable=True),
        sa.Column("rectification", sa.Text(), nullable=True),
        sa.Column("evidence_sha256", sa.Text(), nullable=True),
        sa.Column("planned_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("completed_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("reported_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("forwarded_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("finished_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("due_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("overdue_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("forward_by", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("forward_overdue_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("keep_until", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["assessor_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_risk_assessments_assessor_id")
        ),
        sa.ForeignKeyConstraint(
            ["handler_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_risk_assessments_handler_id")
        ),
        sa.PrimaryKeyConstraint("risk_id", name=op.f("pk_registry_risk_assessments")),
        sa.UniqueConstraint(
            "handler_id", "of_year", name=op.f("uq_registry_risk_assessments_handler_id_of_year")
        ),
    )
    op.create_index(
        op.f("ix_registry_risk_assessments_assessor_id"),
        "registry_risk_assessments",
        ["assessor_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_registry_risk_assessments_handler_id"),
        "registry_risk_assessments",
        ["handler_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_registry_risk_assessments_status"), "registry_risk_assessments", ["status"], unique=False
    )
    op.create_table(
        "registry_assessors",
        sa.Column("assessor_id", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "APPLIED",
                "REGISTERED",
                "SUSPENDED",
                "REFUSED",
                "ENDED",
                name="assessorstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("trades", sa.JSON(), nullable=False),
        sa.Column("staff", sa.Integer(), nullable=False),
        sa.Column("years", sa.Integer(), nullable=False),
        sa.Column("certificate_sha256", sa.Text(), nullable=False),
        sa.Column("applied_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("registered_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("valid_until", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("staff >= 0 AND years >= 0", name=op.f("ck_registry_assessors_qualified")),
        sa.ForeignKeyConstraint(
            ["org_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_assessors_org_id")
        ),
        sa.PrimaryKeyConstraint("assessor_id", name=op.f("pk_registry_assessors")),
    )
    op.create_index(op.f("ix_registry_assessors_org_id"), "registry_assessors", ["org_id"], unique=False)
    op.create_index(op.f("ix_registry_assessors_status"), "registry_assessors", ["status"], unique=False)
    op.create_table(
        "registry_catalogue_rounds",
        sa.Column("round_id", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("sector", sa.Text(), nullable=False),
        sa.Column("of_year", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "OPEN",
                "OVERDUE",
                "ANSWERED",
                name="roundstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("chief_id", sa.Text(), nullable=True),
        sa.Column("opened_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("due_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("answered_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["identity_orgs.org_id"],
            name=op.f("fk_registry_catalogue_rounds_department_id"),
        ),
        sa.PrimaryKeyConstraint("round_id", name=op.f("pk_registry_catalogue_rounds")),
        sa.UniqueConstraint(
            "department_id",
            "sector",
            "of_year",
            name=op.f("uq_registry_catalogue_rounds_department_id_sector_of_year"),
        ),
    )
    op.create_index(
        op.f("ix_registry_catalogue_rounds_department_id"),
        "registry_catalogue_rounds",
        ["department_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_registry_catalogue_rounds_status"), "registry_catalogue_rounds", ["status"], unique=False
    )
    op.create_table(
        "registry_confidential",
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "MARKED",
                "LIFTED",
                "EXPIRED",
                name="itemstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "secrecy",
            sa.Enum(
                "TRADE_SECRET",
                "BUSINESS_INFORMATION",
                name="secrecy",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=True),
        sa.Column("file_id", sa.Text(), nullable=True),
        sa.Column("file_bytes", sa.BigInteger(), nullable=True),
        sa.Column("until", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("accesses", sa.Integer(), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("marked_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_confidential_holder_id")
        ),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_registry_confidential")),
    )
    op.create_index(
        op.f("ix_registry_confidential_holder_id"), "registry_confidential", ["holder_id"], unique=False
    )
    op.create_index(
        op.f("ix_registry_confidential_object_id"), "registry_confidential", ["object_id"], unique=False
    )
    op.create_table(
        "registry_confidential_readers",
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("admitted_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["registry_confidential.item_id"],
            name=op.f("fk_registry_confidential_readers_item_id"),
        ),
        sa.ForeignKeyConstraint(
            ["org_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_confidential_readers_org_id")
        ),
        sa.PrimaryKeyConstraint("item_id", "org_id", name=op.f("pk_registry_confidential_readers")),
    )
    op.create_index(
        op.f("ix_registry_confidential_readers_org_id"),
        "registry_confidential_readers",
        ["org_id"],
        unique=False,
    )
    op.create_table(
        "registry_confidential_accesses",
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("access_no", sa.Integer(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.Column("read_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["registry_confidential.item_id"],
            name=op.f("fk_registry_confidential_accesses_item_id"),
        ),
        sa.PrimaryKeyConstraint("item_id", "access_no", name=op.f("pk_registry_confidential_accesses")),
    )
