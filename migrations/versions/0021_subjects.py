"""What a data subject consents to, asks for and complains of."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add what data subjects say, and what it stops."""
    op.create_table(
        "registry_withheld",
        sa.Column("given_id", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Text(), nullable=False),
        sa.Column("recipients", sa.JSON(), nullable=False),
        sa.Column("abroad_only", sa.Boolean(), nullable=False),
        sa.Column("withheld_since", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("free_since", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_withheld_holder_id")
        ),
        sa.PrimaryKeyConstraint("given_id", name=op.f("pk_registry_withheld")),
    )
    op.create_index(op.f("ix_registry_withheld_holder_id"), "registry_withheld", ["holder_id"], unique=False)
    op.create_index(op.f("ix_registry_withheld_object_id"), "registry_withheld", ["object_id"], unique=False)
    op.create_table(
        "registry_subjects",
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("code_mark", sa.Text(), nullable=False),
        sa.Column("opened_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("signed_out_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("subject_id", name=op.f("pk_registry_subjects")),
        sa.UniqueConstraint("code_mark", name=op.f("uq_registry_subjects_code_mark")),
    )
    op.create_table(
        "registry_subject_ties",
        sa.Column("tie_id", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Text(), nullable=False),
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("code_mark", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=True),
        sa.Column("did", sa.Text(), nullable=True),
        sa.Column("keyid", sa.Text(), nullable=True),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=True),
        sa.Column("challenge", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "INVITED",
                "TIED",
                "LAPSED",
                name="tiestate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("invited_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("due_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(status = 'TIED') = (subject_id IS NOT NULL)", name=op.f("ck_registry_subject_ties_tied")
        ),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_subject_ties_holder_id")
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["registry_subjects.subject_id"], name=op.f("fk_registry_subject_ties_subject_id")
        ),
        sa.PrimaryKeyConstraint("tie_id", name=op.f("pk_registry_subject_ties")),
        sa.UniqueConstraint("code_mark", name=op.f("uq_registry_subject_ties_code_mark")),
        sa.UniqueConstraint(
            "holder_id", "pseudonym", name=op.f("uq_registry_subject_ties_holder_id_pseudonym")
        ),
    )
    op.create_index(
        op.f("ix_registry_subject_ties_holder_id"), "registry_subject_ties", ["holder_id"], unique=False
    )
    op.create_index(
        op.f("ix_registry_subject_ties_subject_id"), "registry_subject_ties", ["subject_id"], unique=False
    )
    op.create_table(
        "registry_subject_wordings",
        sa.Column("wording_id", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "PROCESS",
                "PROVIDE",
                "PUBLISH",
                "SENSITIVE",
                "EXPORT",
                name="consentkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "IN_FORCE",
                "RETIRED",
                name="wordingstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("purposes", sa.JSON(), nullable=False),
        sa.Column("recipients", sa.JSON(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("published_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version > 0 AND months > 0", name=op.f("ck_registry_subject_wordings_counts")),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_subject_wordings_holder_id")
        ),
        sa.PrimaryKeyConstraint("wording_id", name=op.f("pk_registry_subject_wordings")),
        sa.UniqueConstraint(
            "holder_id",
            "object_id",
            "kind",
            "version",
            name=op.f("uq_registry_subject_wordings_holder_id_object_id_kind_version"),
        ),
    )
    op.create_index(
        op.f("ix_registry_subject_wordings_holder_id"),
        "registry_subject_wordings",
        ["holder_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_registry_subject_wordings_object_id"),
        "registry_subject_wordings",
        ["object_id"],
        unique=False,
    )
    op.create_table(
        "registry_subject_consents",
        sa.Column("given_id", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("tie_id", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("wording_id", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "PROCESS",
                "PROVIDE",
                "PUBLISH",
                "SENSITIVE",
                "EXPORT",
                name="consentkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "GIVEN",
                "WITHDRAWN",
                "SETTLED",
                "ENDED",
                name="givenstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("purposes", sa.JSON(), nullable=False),
        sa.Column("recipients", sa.JSON(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("valid_from", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("valid_until", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("word", sa.LargeBinary(), nullable=False),
        sa.Column("sig", sa.LargeBinary(), nullable=False),
        sa.Column("withdrawn_word", sa.LargeBinary(), nullable=True),
        sa.Column("withdrawn_sig", sa.LargeBinary(), nullable=True),
        sa.Column("fallen_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("settle_by", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("overdue", sa.Boolean(), nullable=False),
        sa.Column("settled_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("valid_from < valid_until", name=op.f("ck_registry_subject_consents_period")),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_subject_consents_holder_id")
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"],
            ["registry_subjects.subject_id"],
            name=op.f("fk_registry_subject_consents_subject_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tie_id"], ["registry_subject_ties.tie_id"], name=op.f("fk_registry_subject_consents_tie_id")
        ),
        sa.ForeignKeyConstraint(
            ["wording_id"],
            ["registry_subject_wordings.wording_id"],
            name=op.f("fk_registry_subject_consents_wording_id"),
        ),
        sa.PrimaryKeyConstraint("given_id", name=op.f("pk_registry_subject_consents")),
    )
    op.create_index(
        op.f("ix_registry_subject_consents_holder_id"),
        "registry_subject_consents",
        ["holder_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_registry_subject_consents_object_id"),
        "registry_subject_consents",
        ["object_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_registry_subject_consents_status"), "registry_subject_consents", ["status"], unique=False
    )
    op.create_index(
        op.f("ix_registry_subject_consents_subject_id"),
        "registry_subject_consents",
        ["subject_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_registry_subject_consents_tie_id"), "registry_subject_consents", ["tie_id"], unique=False
    )
    op.create_index(
        "uq_registry_subject_consents_standing",
        "registry_subject_consents",
        ["tie_id", "object_id", "kind"],
        unique=True,
        sqlite_where=sa.text("status = 'GIVEN'"),
        postgresql_where=sa.text("status = 'GIVEN'"),
    )
    op.create_table(
        "registry_subject_shown",
        sa.Column("given_id", sa.Text(), nullable=False),
        sa.Column("consent_id", sa.Text(), nullable=False),
        sa.Column("present", sa.Boolean(), nullable=False),
        sa.Column("path", sa.JSON(), nullable=False),
        sa.Column("shown_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["consent_id"],
            ["registry_consents.consent_id"],
            name=op.f("fk_registry_subject_shown_consent_id"),
        ),
        sa.ForeignKeyConstraint(
            ["given_id"],
            ["registry_subject_consents.given_id"],
            name=op.f("fk_registry_subject_shown_given_id"),
        ),
        sa.PrimaryKeyConstraint("given_id", "consent_id", name=op.f("pk_registry_subject_shown")),
    )
    op.create_table(
        "registry_subject_deletions",
        sa.Column("deletion_id", sa.Text(), nullable=False),
        sa.Column("given_id", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Text(), nullable=False),
        sa.Column("receiver_id", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("entry_key", sa.Text(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "TOLD",
                "OVERDUE",
                "CONFIRMED",
                name="deletionstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("told_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("due_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("rows_deleted", sa.Integer(), nullable=True),
        sa.Column("proof_sha256", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["given_id"],
            ["registry_subject_consents.given_id"],
            name=op.f("fk_registry_subject_deletions_given_id"),
        ),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_subject_deletions_holder_id")
        ),
        sa.ForeignKeyConstraint(
            ["receiver_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_subject_deletions_receiver_id")
        ),
        sa.PrimaryKeyConstraint("deletion_id", name=op.f("pk_registry_subject_deletions")),
        sa.UniqueConstraint(
            "given_id",
            "trade_id",
            "receiver_id",
            name=op.f("uq_registry_subject_deletions_given_id_trade_id_receiver_id"),
        ),
    )
    op.create_index(
        op.f("ix_registry_subject_deletions_holder_id"),
        "registry_subject_deletions",
        ["holder_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_registry_subject_deletions_receiver_id"),
        "registry_subject_deletions",
        ["receiver_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_registry_subject_deletions_status"), "registry_subject_deletions", ["status"], unique=False
    )
    op.create_index(
        op.f("ix_registry_subject_deletions_trade_id"),
        "registry_subject_deletions",
        ["trade_id"],
        unique=False,
    )
    op.create_table(
        "registry_subject_requests",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("tie_id", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "ACCESS",
                "COPY",
                "CORRECT",
                "DELETE",
                "PORT",
                "EXPLAIN",
                "RESTRICT",
                name="askedkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "SUBMITTED",
                "ESCALATED",
                "ANSWERED",
                "REFUSED",
                "DONE",
                name="askedstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_answer", sa.LargeBinary(), nullable=True),
        sa.Column(
            "reason",
            sa.Enum(
                "SECRET_BY_LAW",
                "RETENTION_BY_LAW",
                "TECHNICALLY_IMPOSSIBLE",
                "NOT_HELD",
                "NOT_THE_PERSON",
                "CONDITIONS_NOT_MET",
                name="refusalreason",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("submitted_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("due_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("answered_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("done_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("case_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_subject_requests_holder_id")
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"],
            ["registry_subjects.subject_id"],
            name=op.f("fk_registry_subject_requests_subject_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tie_id"], ["registry_subject_ties.tie_id"], name=op.f("fk_registry_subject_requests_tie_id")
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_registry_subject_requests")),
    )
    op.create_index(
        op.f("ix_registry_subject_requests_holder_id"),
        "registry_subject_requests",
        ["holder_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_registry_subject_requests_status"), "registry_subject_requests", ["status"], unique=False
    )
    op.create_index(
        op.f("ix_registry_subject_requests_subject_id"),
        "registry_subject_requests",
        ["subject_id"],
        unique=False,
    )
    op.create_table(
        "market_consent_holds",
        sa.Column("entitlement_id", sa.Text(), nullable=False),
        sa.Column("given_id", sa.Text(), nullable=False),
        sa.Column("held_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["entitlement_id"],
            ["market_entitlements.entitlement_id"],
            name=op.f("fk_market_consent_holds_entitlement_id"),
        ),
        sa.PrimaryKeyConstraint("entitlement_id", "given_id", name=op.f("pk_market_consent_holds")),
    )
    op.create_index(
        op.f("ix_market_consent_holds_given_id"), "market_consent_holds", ["given_id"], unique=False
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_table("market_consent_holds")
    op.drop_table("registry_subject_requests")
    op.drop_table("registry_subject_deletions")
    op.drop_table("registry_subject_shown")
    op.drop_table("registry_subject_consents")
    op.drop_table("registry_subject_wordings")
    op.drop_table("registry_subject_ties")
    op.drop_table("registry_subjects")
    op.drop_table("registry_withheld")
