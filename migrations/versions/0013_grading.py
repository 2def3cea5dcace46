"""Grading decided by people, the catalogue of important data, consents."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLES = (
    "registry_assessments",
    "registry_consents",
    "registry_important_matches",
    "registry_important",
    "registry_gradings",
    "registry_lineage",
    "registry_grades",
)


def upgrade() -> None:
    """Add what is known of levels, gradings, catalogue and records."""
    op.create_table(
        "registry_grades",
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Text(), nullable=False),
        sa.Column(
            "declared",
            sa.Enum(
                "core",
                "important",
                "general-4",
                "general-3",
                "general-2",
                "general-1",
                name="declared",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "scanned",
            sa.Enum(
                "core",
                "important",
                "general-4",
                "general-3",
                "general-2",
                "general-1",
                name="scanned",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "decided",
            sa.Enum(
                "core",
                "important",
                "general-4",
                "general-3",
                "general-2",
                "general-1",
                name="decided",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "matched",
            sa.Enum(
                "core",
                "important",
                "general-4",
                "general-3",
                "general-2",
                "general-1",
                name="matched",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "inherited",
            sa.Enum(
                "core",
                "important",
                "general-4",
                "general-3",
                "general-2",
                "general-1",
                name="inherited",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "effective",
            sa.Enum(
                "core",
                "important",
                "general-4",
                "general-3",
                "general-2",
                "general-1",
                name="effective",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("grading_id", sa.Text(), nullable=True),
        sa.Column("sector", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=True),
        sa.Column("scanned_sha256", sa.Text(), nullable=True),
        sa.Column("hints", sa.JSON(), nullable=False),
        sa.Column("scanned_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("changed_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_grades_holder_id")
        ),
        sa.PrimaryKeyConstraint("object_id", name=op.f("pk_registry_grades")),
    )
    op.create_index(op.f("ix_registry_grades_file_sha256"), "registry_grades", ["file_sha256"], unique=False)
    op.create_index(op.f("ix_registry_grades_holder_id"), "registry_grades", ["holder_id"], unique=False)
    op.create_table(
        "registry_lineage",
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("object_id", "source", name=op.f("pk_registry_lineage")),
    )
    op.create_index(op.f("ix_registry_lineage_source"), "registry_lineage", ["source"], unique=False)
    op.create_table(
        "registry_gradings",
        sa.Column("grading_id", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Text(), nullable=False),
        sa.Column("declared_by", sa.Text(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "DECLARED",
                "TO_CONFIRM",
                "IN_FORCE",
                "REVIEW_DUE",
                "RETURNED",
                "WITHDRAWN",
                "SUPERSEDED",
                name="gradingstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "declared_level",
            sa.Enum(
                "core",
                "important",
                "general-4",
                "general-3",
                "general-2",
                "general-1",
                name="declared_level",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("grounds", sa.JSON(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("sector", sa.Text(), nullable=False),
        sa.Column("data_class", sa.Text(), nullable=False),
        sa.Column("persons", sa.BigInteger(), nullable=False),
        sa.Column("sensitive_persons", sa.BigInteger(), nullable=False),
        sa.Column("joined", sa.Integer(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=True),
        sa.Column("desensitised_sha256", sa.Text(), nullable=True),
        sa.Column(
            "computed_level",
            sa.Enum(
                "core",
                "important",
                "general-4",
                "general-3",
                "general-2",
                "general-1",
                name="computed_level",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.Column(
            "scanned_level",
            sa.Enum(
                "core",
                "important",
                "general-4",
                "general-3",
                "general-2",
                "general-1",
                name="scanned_level",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "decided_level",
            sa.Enum(
                "core",
                "important",
                "general-4",
                "general-3",
                "general-2",
                "general-1",
                name="decided_level",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("opinion", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_org", sa.Text(), nullable=True),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("declared_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("review_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "persons >= 0 AND sensitive_persons >= 0 AND joined >= 0",
            name=op.f("ck_registry_gradings_amounts"),
        ),
        sa.CheckConstraint("version > 0", name=op.f("ck_registry_gradings_version")),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_gradings_holder_id")
        ),
        sa.PrimaryKeyConstraint("grading_id", name=op.f("pk_registry_gradings")),
        sa.UniqueConstraint("object_id", "version", name=op.f("uq_registry_gradings_object_id_version")),
    )
    op.create_index(op.f("ix_registry_gradings_holder_id"), "registry_gradings", ["holder_id"], unique=False)
    op.create_index(op.f("ix_registry_gradings_object_id"), "registry_gradings", ["object_id"], unique=False)
    op.create_index(op.f("ix_registry_gradings_status"), "registry_gradings", ["status"], unique=False)
    op.create_table(
        "registry_important",
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "IDENTIFIED",
                "REPORTED",
                "CONFIRMED",
                "CHANGED",
                "REMOVED",
                name="entrystate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("sector", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column(
            "entry_level",
            sa.Enum(
                "core",
                "important",
                "general-4",
                "general-3",
                "general-2",
                "general-1",
                name="entry_level",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("objects", sa.JSON(), nullable=False),
        sa.Column("digests", sa.JSON(), nullable=False),
        sa.Column("keywords", sa.JSON(), nullable=False),
        sa.Column("patterns", sa.JSON(), nullable=False),
        sa.Column("chief_id", sa.Text(), nullable=True),
        sa.Column("asked", sa.JSON(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("identified_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("changed_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_important_department_id")
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_registry_important")),
    )
    op.create_index(
        op.f("ix_registry_important_department_id"), "registry_important", ["department_id"], unique=False
    )
    op.create_index(op.f("ix_registry_important_sector"), "registry_important", ["sector"], unique=False)
    op.create_index(op.f("ix_registry_important_status"), "registry_important", ["status"], unique=False)
    op.create_table(
        "registry_important_matches",
        sa.Column("match_id", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "MATCHED",
                "NEAR",
                "UPHELD",
                "DISMISSED",
                "LAPSED",
                name="matchstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("grounds", sa.JSON(), nullable=False),
        sa.Column("found_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("entry_version", sa.Integer(), nullable=True),
        sa.Column("file_sha256", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["registry_important.entry_id"], name=op.f("fk_registry_important_matches_entry_id")
        ),
        sa.PrimaryKeyConstraint("match_id", name=op.f("pk_registry_important_matches")),
        sa.UniqueConstraint(
            "entry_id", "object_id", name=op.f("uq_registry_important_matches_entry_id_object_id")
        ),
    )
    op.create_index(
        op.f("ix_registry_important_matches_entry_id"),
        "registry_important_matches",
        ["entry_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_registry_important_matches_object_id"),
        "registry_important_matches",
        ["object_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_registry_important_matches_status"), "registry_important_matches", ["status"], unique=False
    )
    op.create_table(
        "registry_consents",
        sa.Column("consent_id", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "STANDING",
                "WITHDRAWN",
                "ENDED",
                name="consentstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("wording_sha256", sa.Text(), nullable=False),
        sa.Column("separately", sa.Boolean(), nullable=False),
        sa.Column("purposes", sa.JSON(), nullable=False),
        sa.Column("recipients", sa.JSON(), nullable=False),
        sa.Column("subjects", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn", sa.BigInteger(), nullable=False),
        sa.Column("subjects_root", sa.Text(), nullable=False),
        sa.Column("valid_from", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("valid_until", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "subjects > 0 AND withdrawn >= 0 AND withdrawn <= subjects",
            name=op.f("ck_registry_consents_counts"),
        ),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_consents_holder_id")
        ),
        sa.PrimaryKeyConstraint("consent_id", name=op.f("pk_registry_consents")),
    )
    op.create_index(op.f("ix_registry_consents_holder_id"), "registry_consents", ["holder_id"], unique=False)
    op.create_index(op.f("ix_registry_consents_object_id"), "registry_consents", ["object_id"], unique=False)
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


def downgrade() -> None:
    """Drop them, who refers first."""
    for table in _TABLES:
        op.drop_table(table)
