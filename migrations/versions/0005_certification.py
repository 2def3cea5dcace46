"""Certified brokers: what qualification and credentials keep."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

import base.db
from base.calendar import shanghai_day
from base.clock import SystemClock
from migrations.checks import change_check, one_of

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add what was asked for."""
    _qualification()
    _annual_clocks()
    _credentials()


def downgrade() -> None:
    """Take it away again."""
    _no_annual_clocks()
    _no_qualification()
    _no_credentials()


def _credentials() -> None:
    """Who issues credentials, what was issued, and where each stands in its status list."""
    moment = base.db.UtcDateTime(timezone=True)
    op.create_table(
        "brokers_issuers",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("did", sa.Text(), nullable=False),
        sa.Column("keyid", sa.Text(), nullable=False),
        sa.Column("sealed_private", sa.LargeBinary(), nullable=True),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.Column("since", moment, nullable=False),
        sa.Column("retired_at", moment, nullable=True),
        sa.CheckConstraint(
            "(retired_at IS NULL) = (sealed_private IS NOT NULL)", name=op.f("ck_brokers_issuers_sealed")
        ),
        sa.ForeignKeyConstraint(["org_id"], ["identity_orgs.org_id"], name=op.f("fk_brokers_issuers_org_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_brokers_issuers")),
        sa.UniqueConstraint("did", name=op.f("uq_brokers_issuers_did")),
    )
    op.create_table(
        "brokers_credentials",
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("cert_id", sa.Text(), nullable=False),
        sa.Column("issuer_number", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        sa.Column("issued_at", moment, nullable=False),
        sa.Column("withdrawn_at", moment, nullable=True),
        sa.CheckConstraint(
            "(withdrawn_at IS NULL) = (document IS NOT NULL)", name=op.f("ck_brokers_credentials_document")
        ),
        sa.ForeignKeyConstraint(
            ["cert_id"],
            ["brokers_certificates.cert_id"],
            name=op.f("fk_brokers_credentials_cert_id"),
        ),
        sa.ForeignKeyConstraint(
            ["issuer_number"],
            ["brokers_issuers.number"],
            name=op.f("fk_brokers_credentials_issuer_number"),
        ),
        sa.PrimaryKeyConstraint("credential_id", name=op.f("pk_brokers_credentials")),
    )
    op.create_index(op.f("ix_brokers_credentials_cert_id"), "brokers_credentials", ["cert_id"], unique=False)
    op.create_table(
        "brokers_status_places",
        sa.Column("issuer_number", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.CheckConstraint("place >= 0", name=op.f("ck_brokers_status_places_place")),
        sa.CheckConstraint(
            "purpose IN ('revocation', 'suspension')", name=op.f("ck_brokers_status_places_purpose")
        ),
        sa.ForeignKeyConstraint(
            ["credential_id"],
            ["brokers_credentials.credential_id"],
            name=op.f("fk_brokers_status_places_credential_id"),
        ),
        sa.ForeignKeyConstraint(
            ["issuer_number"],
            ["brokers_issuers.number"],
            name=op.f("fk_brokers_status_places_issuer_number"),
        ),
        sa.PrimaryKeyConstraint("issuer_number", "place", name=op.f("pk_brokers_status_places")),
    )
    op.create_index(
        op.f("ix_brokers_status_places_credential_id"),
        "brokers_status_places",
        ["credential_id"],
        unique=False,
    )


def _no_credentials() -> None:
    op.drop_table("brokers_status_places")
    op.drop_table("brokers_credentials")
    op.drop_table("brokers_issuers")


_CERTIFICATE_STATES = (
    "APPLIED",
    "UNDER_REVIEW",
    "REFUSED",
    "PUBLIC_NOTICE",
    "ACTIVE",
    "RECTIFYING",
    "SUSPENDED",
    "REVOKED",
    "EXPIRED",
    "EXITING",
    "EXITED",
)
_ALL_CERTIFICATE_STATES = (
    "APPLIED",
    "CORRECTING",
    "UNDER_REVIEW",
    "REFUSED",
    "LAPSED",
    "WITHDRAWN",
    "PUBLIC_NOTICE",
    "OBJECTED",
    *_CERTIFICATE_STATES[4:],
)


def _qualification() -> None:
    """Applications with their evidence, the panel's votes, objections, annual reports; bars and ends."""
    moment = base.db.UtcDateTime(timezone=True)
    _certificate_states(_CERTIFICATE_STATES, _ALL_CERTIFICATE_STATES)
    op.add_column("brokers_certificates", sa.Column("emergency_until", moment, nullable=True))
    op.add_column("brokers_certificates", sa.Column("suspended_from", sa.Text(), nullable=True))
    op.add_column("brokers_certificates", sa.Column("exits_at", moment, nullable=True))
    op.add_column("brokers_certificates", sa.Column("barred_until", moment, nullable=True))
    op.add_column("brokers_certificates", sa.Column("barred_controller", sa.Text(), nullable=True))
    op.create_table(
        "brokers_applications",
        sa.Column("cert_id", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                *_ALL_CERTIFICATE_STATES,
                name="certificatestate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("broker_type", sa.Text(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=False),
        sa.Column("sectors", sa.JSON(), nullable=False),
        sa.Column("max_level", sa.Text(), nullable=False),
        sa.Column("cross_border", sa.Boolean(), nullable=False),
        sa.Column("claims", sa.JSON(), nullable=False),
        sa.Column("gaps", sa.JSON(), nullable=True),
        sa.Column("asked_at", moment, nullable=True),
        sa.Column("applied_at", moment, nullable=False),
        sa.Column("since", moment, nullable=False),
        sa.Column("due_at", moment, nullable=True),
        sa.Column("notice_until", moment, nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.CheckConstraint("grade BETWEEN 1 AND 3", name=op.f("ck_brokers_applications_grade")),
        sa.ForeignKeyConstraint(
            ["org_id"], ["identity_orgs.org_id"], name=op.f("fk_brokers_applications_org_id")
        ),
        sa.PrimaryKeyConstraint("cert_id", name=op.f("pk_brokers_applications")),
    )
    op.create_index(op.f("ix_brokers_applications_org_id"), "brokers_applications", ["org_id"], unique=False)
    op.create_index(op.f("ix_brokers_applications_status"), "brokers_applications", ["status"], unique=False)
    op.create_table(
        "brokers_evidence",
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("cert_id", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("dated_on", sa.Text(), nullable=False),
        sa.Column("back_dated", sa.Boolean(), nullable=False),
        sa.Column("filed_at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["org_id"], ["identity_orgs.org_id"], name=op.f("fk_brokers_evidence_org_id")
        ),
        sa.PrimaryKeyConstraint("statement_id", "number", name=op.f("pk_brokers_evidence")),
    )
    op.create_index(op.f("ix_brokers_evidence_cert_id"), "brokers_evidence", ["cert_id"], unique=False)
    op.create_index(op.f("ix_brokers_evidence_org_id"), "brokers_evidence", ["org_id"], unique=False)
    op.create_table(
        "brokers_panel_votes",
        sa.Column("cert_id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("approves", sa.Boolean(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("voted_at", moment, nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cert_id"], ["brokers_applications.cert_id"], name=op.f("fk_brokers_panel_votes_cert_id")
        ),
        sa.PrimaryKeyConstraint("cert_id", "person", name=op.f("pk_brokers_panel_votes")),
    )
    op.create_table(
        "brokers_panel_ties",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("declared_at", moment, nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["org_id"], ["identity_orgs.org_id"], name=op.f("fk_brokers_panel_ties_org_id")
        ),
        sa.PrimaryKeyConstraint("person", "org_id", name=op.f("pk_brokers_panel_ties")),
    )
    op.create_table(
        "brokers_objections",
        sa.Column("objection_id", sa.Text(), nullable=False),
        sa.Column("cert_id", sa.Text(), nullable=False),
        sa.Column("objector_id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("filed_at", moment, nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.Column("upheld", sa.Boolean(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("decided_at", moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["cert_id"], ["brokers_applications.cert_id"], name=op.f("fk_brokers_objections_cert_id")
        ),
        sa.ForeignKeyConstraint(
            ["objector_id"], ["identity_orgs.org_id"], name=op.f("fk_brokers_objections_objector_id")
        ),
        sa.PrimaryKeyConstraint("objection_id", name=op.f("pk_brokers_objections")),
    )
    op.create_index(op.f("ix_brokers_objections_cert_id"), "brokers_objections", ["cert_id"], unique=False)
    op.create_index(
        op.f("ix_brokers_objections_objector_id"), "brokers_objections", ["objector_id"], unique=False
    )
    op.create_table(
        "brokers_annual",
        sa.Column("cert_id", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("report_sha256", sa.Text(), nullable=False),
        sa.Column("dated_on", sa.Text(), nullable=False),
        sa.Column("filed_at", moment, nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("decided_at", moment, nullable=True),
        sa.Column("rectify_by", moment, nullable=True),
        sa.Column("rectified_at", moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["cert_id"], ["brokers_certificates.cert_id"], name=op.f("fk_brokers_annual_cert_id")
        ),
        sa.PrimaryKeyConstraint("cert_id", "year", name=op.f("pk_brokers_annual")),
    )


def _no_qualification() -> None:
    for table in ("annual", "objections", "panel_ties", "panel_votes", "evidence", "applications"):
        op.drop_table(f"brokers_{table}")
    for column in ("barred_controller", "barred_until", "exits_at", "suspended_from", "emergency_until"):
        op.drop_column("brokers_certificates", column)
    _certificate_states(_ALL_CERTIFICATE_STATES, _CERTIFICATE_STATES)


def _annual_clocks() -> None:
    """Have the clock ask the certificates that are there already for their next report, as new ones."""
    moment, bind, now = base.db.UtcDateTime(timezone=True), op.get_bind(), SystemClock().now()
    held = sa.table(
        "brokers_certificates",
        sa.column("cert_id"),
        sa.column("status"),
        sa.column("valid_from", moment),
        sa.column("valid_to", moment),
    )
    events = sa.table(
        "brokers_certificate_events", sa.column("cert_id"), sa.column("event"), sa.column("at", moment)
    )
    jobs = sa.table(
        "jobs",
        *(sa.column(name) for name in ("kind", "key", "status", "attempts")),
        sa.column("payload", sa.JSON()),
        sa.column("run_at", moment),
        sa.column("due_at", moment),
    )
    entered = sa.select(events.c.cert_id, events.c.at).where(events.c.event == "CERTIFY")
    certified = {row.cert_id: row.at for row in bind.execute(entered).all()}
    for row in bind.execute(sa.select(held).where(held.c.status.in_(("ACTIVE", "SUSPENDED")))).all():
        day = shanghai_day(max(row.valid_from, certified.get(row.cert_id, row.valid_from)))
        year = day.year if day.month <= _LAST_MONTH_OF_A_FIRST_YEAR else day.year + 1
        while _after_31_march(year) <= now:  # a report that nobody could file is not missed
            year += 1
        run_at = _after_31_march(year)
        if run_at > row.valid_to:
            continue
        bind.execute(
            jobs.insert().values(
                kind=_ANNUAL_JOB,
                key=f"{row.cert_id} {year}",
                payload={"cert_id": row.cert_id, "year": year},
                status="QUEUED",
                attempts=0,
                run_at=run_at,
                due_at=run_at,
            )
        )


def _after_31_march(year: int) -> datetime:
    """A millisecond after the last moment of the report on a year: 1 April begins in Shanghai."""
    return datetime(year + 1, 3, 31, 15, 59, 59, 999_000, tzinfo=UTC) + timedelta(milliseconds=1)


def _no_annual_clocks() -> None:
    op.execute(f"DELETE FROM jobs WHERE kind = '{_ANNUAL_JOB}'")  # noqa: S608 - a constant


_ANNUAL_JOB = "brokers.annual-report-due"
_LAST_MONTH_OF_A_FIRST_YEAR = 9


def _certificate_states(was: Sequence[str], now: Sequence[str]) -> None:
    name = "ck_brokers_certificates_certificatestate"
    change_check("brokers_certificates", name, was=one_of("status", was), now=one_of("status", now))
