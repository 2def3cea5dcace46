"""The first-level market: registrars, registrations with claims, objections, requests and notes."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db
from migrations.checks import change_check, one_of

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_REGISTRATION = (
    "registry_notes",
    "registry_wishes",
    "registry_objections",
    "registry_claims",
    "registry_registrations",
    "registry_registrars",
    "registry_series",
)


_STATES_WERE = (
    "RECEIVED",
    "TRIAGED",
    "TRANSFERRED",
    "JURISDICTION",
    "REFUSED",
    "MEDIATING",
    "CLOSED_AGREED",
    "CLOSED_NO_AGREEMENT",
    "VERIFYING",
    "CLOSED_NO_CASE",
    "INVESTIGATING",
    "SUSPENDED_COMMITMENT",
    "CLOSED_COMMITMENT",
    "PENALTY_NOTICE",
    "HEARD",
    "DECIDED",
    "APPEALED",
    "UPHELD",
    "CHANGED",
    "REVOKED",
    "EXECUTED",
    "PUBLISHED",
    "EXPIRED_DISPLAY",
)
_BEFORE = _STATES_WERE.index("UPHELD")
_STATES = (
    *_STATES_WERE[:_BEFORE],
    "APPEALED_EXECUTED",
    "APPEALED_PUBLISHED",
    *_STATES_WERE[_BEFORE:],
)


def _cases(was: Sequence[str], now: Sequence[str]) -> None:
    """A decision is executed and published while it is appealed."""
    change_check("cases", "ck_cases_casestate", was=one_of("status", was), now=one_of("status", now))


def upgrade() -> None:
    """Add what was asked for."""
    _cases(_STATES_WERE, _STATES)
    _registration()
    op.add_column("registry_rights", sa.Column("registration_id", sa.Text(), nullable=True))
    op.create_index(op.f("ix_registry_rights_registration_id"), "registry_rights", ["registration_id"])
    _sessions()
    op.create_index(op.f("ix_market_listings_broker_id"), "market_listings", ["broker_id"])


def downgrade() -> None:
    """Undo it."""
    op.drop_index(op.f("ix_market_listings_broker_id"), "market_listings")
    op.drop_table("identity_sessions")
    op.execute("UPDATE cases SET status = 'EXECUTED' WHERE status = 'APPEALED_EXECUTED'")
    op.execute("UPDATE cases SET status = 'PUBLISHED' WHERE status = 'APPEALED_PUBLISHED'")
    _cases(_STATES, _STATES_WERE)
    op.drop_index(op.f("ix_registry_rights_registration_id"), "registry_rights")
    op.drop_column("registry_rights", "registration_id")
    for table in _REGISTRATION:
        op.drop_table(table)


def _sessions() -> None:
    """Where people are signed in, so that they can end it."""
    moment = base.db.UtcDateTime(timezone=True)
    op.create_table(
        "identity_sessions",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("started_at", moment, nullable=False),
        sa.Column("ends_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["identity_users.user_id"], name=op.f("fk_identity_sessions_user_id")
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_identity_sessions")),
    )
    for column in ("user_id", "ends_at"):
        op.create_index(op.f(f"ix_identity_sessions_{column}"), "identity_sessions", [column])


def _registration() -> None:
    """Who registers, what was applied for, and what became of it."""
    op.create_table(
        "registry_series",
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("series", name=op.f("pk_registry_series")),
    )
    op.create_table(
        "registry_registrars",
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("recognised_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["org_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_registrars_org_id")
        ),
        sa.PrimaryKeyConstraint("org_id", name=op.f("pk_registry_registrars")),
    )
    op.create_table(
        "registry_registrations",
        sa.Column("registration_id", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "PROPERTY_RIGHT",
                "PUBLIC_RESOURCE",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("applicant_id", sa.Text(), nullable=False),
        sa.Column("applied_by", sa.Text(), nullable=True),
        sa.Column("registrar_id", sa.Text(), nullable=False),
        sa.Column("data_id", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "SUBMITTED",
                "NEEDS_SUPPLEMENT",
                "UNDER_REVIEW",
                "PUBLIC_NOTICE",
                "OBJECTED",
                "REFUSED",
                "CLOSED",
                "REGISTERED",
                "DISPUTED",
                "EXPIRED",
                "CANCELLED",
                "REVOKED",
                name="registrationstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sample_sha256", sa.Text(), nullable=False),
        sa.Column("declaration", sa.JSON(), nullable=False),
        sa.Column("gaps", sa.JSON(), nullable=True),
        sa.Column("withheld", sa.JSON(), nullable=False),
        sa.Column("applied_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("since", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("due_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("extended", sa.Boolean(), nullable=False),
        sa.Column("reviewed_by", sa.Text(), nullable=True),
        sa.Column("notice_until", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("registered_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("valid_to", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["applicant_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_registrations_applicant_id")
        ),
        sa.ForeignKeyConstraint(
            ["registrar_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_registrations_registrar_id")
        ),
        sa.PrimaryKeyConstraint("registration_id", name=op.f("pk_registry_registrations")),
        sa.UniqueConstraint("number", name=op.f("uq_registry_registrations_number")),
    )
    op.create_index(
        op.f("ix_registry_registrations_applicant_id"),
        "registry_registrations",
        ["applicant_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_registry_registrations_data_id"), "registry_registrations", ["data_id"], unique=False
    )
    op.create_index(
        op.f("ix_registry_registrations_registrar_id"),
        "registry_registrations",
        ["registrar_id"],
        unique=False,
    )
    op.create_index(
        "ix_registry_registrations_sample", "registry_registrations", ["sample_sha256"], unique=False
    )
    op.create_index(
        op.f("ix_registry_registrations_status"), "registry_registrations", ["status"], unique=False
    )
    op.create_table(
        "registry_claims",
        sa.Column("registration_id", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Text(), nullable=False),
        sa.Column("right_claimed", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=True),
        sa.Column("limits", sa.Text(), nullable=False),
        sa.Column("proof_sha256", sa.Text(), nullable=True),
        sa.Column("confirmed_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_claims_holder_id")
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registry_registrations.registration_id"],
            name=op.f("fk_registry_claims_registration_id"),
        ),
        sa.PrimaryKeyConstraint(
            "registration_id", "holder_id", "right_claimed", name=op.f("pk_registry_claims")
        ),
    )
    op.create_index(op.f("ix_registry_claims_holder_id"), "registry_claims", ["holder_id"], unique=False)
    op.create_table(
        "registry_notes",
        sa.Column("note_id", sa.Text(), nullable=False),
        sa.Column("registration_id", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "TERM",
                "PRESERVATION",
                "CONTROL",
                "STATUTORY",
                "OTHER",
                "PLEDGE",
                name="notekind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("holder_id", sa.Text(), nullable=True),
        sa.Column("right_noted", sa.Text(), nullable=True),
        sa.Column("creditor_id", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("document_sha256", sa.Text(), nullable=False),
        sa.Column("noted_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("released_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registry_registrations.registration_id"],
            name=op.f("fk_registry_notes_registration_id"),
        ),
        sa.PrimaryKeyConstraint("note_id", name=op.f("pk_registry_notes")),
    )
    op.create_index(
        op.f("ix_registry_notes_registration_id"), "registry_notes", ["registration_id"], unique=False
    )
    op.create_table(
        "registry_objections",
        sa.Column("objection_id", sa.Text(), nullable=False),
        sa.Column("registration_id", sa.Text(), nullable=False),
        sa.Column("objector_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("filed_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("tell_by", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("upheld", sa.Boolean(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("decided_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["objector_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_objections_objector_id")
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registry_registrations.registration_id"],
            name=op.f("fk_registry_objections_registration_id"),
        ),
        sa.PrimaryKeyConstraint("objection_id", name=op.f("pk_registry_objections")),
    )
    op.create_index(
        op.f("ix_registry_objections_objector_id"), "registry_objections", ["objector_id"], unique=False
    )
    op.create_index(
        op.f("ix_registry_objections_registration_id"),
        "registry_objections",
        ["registration_id"],
        unique=False,
    )
    op.create_table(
        "registry_wishes",
        sa.Column("wish_id", sa.Text(), nullable=False),
        sa.Column("registration_id", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column(
            "wish",
            sa.Enum(
                "CHANGE",
                "TRANSFER",
                "RENEW",
                "CANCEL",
                name="wish",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("must_agree", sa.JSON(), nullable=False),
        sa.Column("agreed", sa.JSON(), nullable=False),
        sa.Column("asked_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("due_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=True),
        sa.Column("decided_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["asked_by"], ["identity_orgs.org_id"], name=op.f("fk_registry_wishes_asked_by")
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registry_registrations.registration_id"],
            name=op.f("fk_registry_wishes_registration_id"),
        ),
        sa.PrimaryKeyConstraint("wish_id", name=op.f("pk_registry_wishes")),
    )
    op.create_index(op.f("ix_registry_wishes_asked_by"), "registry_wishes", ["asked_by"], unique=False)
    op.create_index(
        op.f("ix_registry_wishes_registration_id"), "registry_wishes", ["registration_id"], unique=False
    )
