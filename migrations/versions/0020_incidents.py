"""Incidents, warnings and bulletins."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add what was asked for."""
    op.create_table(
        "registry_incident_records",
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("detected_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["org_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_incident_records_org_id")
        ),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_registry_incident_records")),
    )
    op.create_index(
        op.f("ix_registry_incident_records_org_id"), "registry_incident_records", ["org_id"], unique=False
    )
    op.create_table(
        "incident_warnings",
        sa.Column("warning_id", sa.Text(), nullable=False),
        sa.Column(
            "signal",
            sa.Enum(
                "SIGN_IN_FAILURES",
                "REFUSED_ACCESSES",
                "EGRESS_VOLUME",
                "EGRESS_DECLARED",
                "GATEWAY_FAILURES",
                "MARK_HIT",
                "WITNESS_LAG",
                "SPLIT_VIEW",
                "AUDIT_PROBLEMS",
                "STORAGE_INTEGRITY",
                "RESTORE_REFUSED",
                "WEAKNESS",
                name="signal",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column(
            "colour",
            sa.Enum(
                "BLUE",
                "YELLOW",
                "ORANGE",
                "RED",
                name="colour",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "RAISED",
                "ACKNOWLEDGED",
                "DISMISSED",
                "ESCALATED",
                name="warningstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("numbers", sa.JSON(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("raised_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ack_by", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("taken_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("overdue_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("decided_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.Text(), nullable=True),
        sa.Column("named", sa.Boolean(), nullable=False),
        sa.Column("code_mark", sa.Text(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("warning_id", name=op.f("pk_incident_warnings")),
    )
    op.create_index(op.f("ix_incident_warnings_code_mark"), "incident_warnings", ["code_mark"], unique=False)
    op.create_index(
        "ix_incident_warnings_open", "incident_warnings", ["signal", "about", "status"], unique=False
    )
    op.create_index(op.f("ix_incident_warnings_status"), "incident_warnings", ["status"], unique=False)
    op.create_table(
        "incident_readings",
        sa.Column(
            "signal",
            sa.Enum(
                "SIGN_IN_FAILURES",
                "REFUSED_ACCESSES",
                "EGRESS_VOLUME",
                "EGRESS_DECLARED",
                "GATEWAY_FAILURES",
                "MARK_HIT",
                "WITNESS_LAG",
                "SPLIT_VIEW",
                "AUDIT_PROBLEMS",
                "STORAGE_INTEGRITY",
                "RESTORE_REFUSED",
                "WEAKNESS",
                name="signal",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("read_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("signal", "about", "read_at", name=op.f("pk_incident_readings")),
    )
    op.create_table(
        "incidents",
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "DETECTED",
                "GRADED",
                "REPORTED",
                "CONTAINED",
                "SUBJECTS_NOTIFIED",
                "ERADICATED",
                "REVIEWED",
                "CLOSED",
                "DISMISSED",
                name="incidentstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "LEAK",
                "INTRUSION",
                "MALWARE",
                "OUTAGE",
                "TAMPERING",
                "MISUSE",
                "DEFECT",
                "OTHER",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "level",
            sa.Enum(
                "GENERAL",
                "LARGER",
                "MAJOR",
                "EXTREME",
                name="level",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "highest",
            sa.Enum(
                "GENERAL",
                "LARGER",
                "MAJOR",
                "EXTREME",
                name="level",
                native_enum=False,
                create_constraint=False,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("cited", sa.JSON(), nullable=False),
        sa.Column("detected_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("opened_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=True),
        sa.Column("graded_by", sa.Text(), nullable=True),
        sa.Column("warning_id", sa.Text(), nullable=True),
        sa.Column("spared", sa.Boolean(), nullable=False),
        sa.Column("notice_ordered", sa.Boolean(), nullable=False),
        sa.Column("notified", sa.BigInteger(), nullable=False),
        sa.Column("reviewed_by", sa.Text(), nullable=True),
        sa.Column("review", sa.Text(), nullable=False),
        sa.Column("closed_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(level IS NULL) = (status IN ('DETECTED', 'DISMISSED'))", name=op.f("ck_incidents_graded")
        ),
        sa.ForeignKeyConstraint(["org_id"], ["identity_orgs.org_id"], name=op.f("fk_incidents_org_id")),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_incidents")),
    )
    op.create_index(op.f("ix_incidents_org_id"), "incidents", ["org_id"], unique=False)
    op.create_index(op.f("ix_incidents_status"), "incidents", ["status"], unique=False)
    op.create_table(
        "incident_duties",
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column(
            "matter",
            sa.Enum(
                "GRADE",
                "REPORT",
                "REPORT_SECURITY",
                "REPORT_DATA",
                "FORWARD",
                "DEFECT",
                "SUBJECTS",
                "SUMMARY",
                name="matter",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "receiver",
            sa.Enum(
                "CAC",
                "DATA_AUTHORITY",
                "PUBLIC_SECURITY",
                name="receiver",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("due_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("cited", sa.Text(), nullable=False),
        sa.Column("met_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("overdue_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("dropped_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.incident_id"], name=op.f("fk_incident_duties_incident_id")
        ),
        sa.PrimaryKeyConstraint("incident_id", "matter", name=op.f("pk_incident_duties")),
    )
    op.create_index(op.f("ix_incident_duties_due_at"), "incident_duties", ["due_at"], unique=False)
    op.create_table(
        "incident_reports",
        sa.Column("report_id", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "FIRST",
                "FOLLOW_UP",
                "FINAL",
                name="reportkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "receiver",
            sa.Enum(
                "CAC",
                "DATA_AUTHORITY",
                "PUBLIC_SECURITY",
                name="receiver",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("reported_by", sa.Text(), nullable=False),
        sa.Column("reported_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("forwarded", sa.Boolean(), nullable=False),
        sa.Column("received_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("received_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.incident_id"], name=op.f("fk_incident_reports_incident_id")
        ),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_incident_reports")),
    )
    op.create_index(
        op.f("ix_incident_reports_incident_id"), "incident_reports", ["incident_id"], unique=False
    )
    op.create_table(
        "incident_measures",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column(
            "measure",
            sa.Enum(
                "STOP_DELIVERIES",
                "STOP_DELIVERY",
                "SUSPEND_LISTING",
                "HALT_CLEARANCE",
                "REVOKE_KEY",
                "FREEZE_TRADE",
                name="measure",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("stopped", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ordered_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.incident_id"], name=op.f("fk_incident_measures_incident_id")
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_incident_measures")),
    )
    op.create_index(
        op.f("ix_incident_measures_incident_id"), "incident_measures", ["incident_id"], unique=False
    )
    op.create_table(
        "incident_evidence",
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.incident_id"], name=op.f("fk_incident_evidence_incident_id")
        ),
        sa.PrimaryKeyConstraint("incident_id", "sha256", name=op.f("pk_incident_evidence")),
    )
    op.create_table(
        "bulletins",
        sa.Column("bulletin_id", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "ISSUED",
                "WITHDRAWN",
                name="bulletinstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "colour",
            sa.Enum(
                "BLUE",
                "YELLOW",
                "ORANGE",
                "RED",
                name="colour",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("remediation", sa.Text(), nullable=False),
        sa.Column("named", sa.JSON(), nullable=False),
        sa.Column("address", sa.JSON(), nullable=False),
        sa.Column("addressed", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Text(), nullable=True),
        sa.Column("issued_by", sa.Text(), nullable=False),
        sa.Column("issued_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("receive_by", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["issued_by"], ["identity_orgs.org_id"], name=op.f("fk_bulletins_issued_by")),
        sa.PrimaryKeyConstraint("bulletin_id", name=op.f("pk_bulletins")),
    )
    op.create_index(op.f("ix_bulletins_issued_by"), "bulletins", ["issued_by"], unique=False)
    op.create_table(
        "bulletin_addressees",
        sa.Column("bulletin_id", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("received_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("received_by", sa.Text(), nullable=True),
        sa.Column("reminded_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["bulletin_id"], ["bulletins.bulletin_id"], name=op.f("fk_bulletin_addressees_bulletin_id")
        ),
        sa.ForeignKeyConstraint(
            ["org_id"], ["identity_orgs.org_id"], name=op.f("fk_bulletin_addressees_org_id")
        ),
        sa.PrimaryKeyConstraint("bulletin_id", "org_id", name=op.f("pk_bulletin_addressees")),
    )
    op.create_index(op.f("ix_bulletin_addressees_org_id"), "bulletin_addressees", ["org_id"], unique=False)
    op.create_table(
        "bulletin_subscriptions",
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("sectors", sa.JSON(), nullable=False),
        sa.Column("since", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["org_id"], ["identity_orgs.org_id"], name=op.f("fk_bulletin_subscriptions_org_id")
        ),
        sa.PrimaryKeyConstraint("org_id", name=op.f("pk_bulletin_subscriptions")),
    )


def downgrade() -> None:
    """Undo it."""
    op.drop_table("bulletin_subscriptions")
    op.drop_table("bulletin_addressees")
    op.drop_table("bulletins")
    op.drop_table("incident_evidence")
    op.drop_table("incident_measures")
    op.drop_table("incident_reports")
    op.drop_table("incident_duties")
    op.drop_table("incidents")
    op.drop_table("incident_readings")
    op.drop_table("incident_warnings")
    op.drop_table("registry_incident_records")
