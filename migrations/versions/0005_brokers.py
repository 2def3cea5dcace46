"""Certified brokers: what qualification, credentials, mandates and conduct keep."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

import base.db
from base.calendar import shanghai_day
from base.clock import SystemClock

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add what was asked for."""
    _qualification()
    _annual_clocks()
    _credentials()
    _mandates()
    _conduct()


def downgrade() -> None:
    """Take it away again."""
    _no_conduct()
    _no_mandates()
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
    op.create_table('brokers_applications',
    sa.Column('cert_id', sa.Text(), nullable=False),
    sa.Column('org_id', sa.Text(), nullable=False),
    sa.Column('status', sa.Enum(*_ALL_CERTIFICATE_STATES, name='certificatestate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('broker_type', sa.Text(), nullable=False),
    sa.Column('grade', sa.Integer(), nullable=False),
    sa.Column('sectors', sa.JSON(), nullable=False),
    sa.Column('max_level', sa.Text(), nullable=False),
    sa.Column('cross_border', sa.Boolean(), nullable=False),
    sa.Column('claims', sa.JSON(), nullable=False),
    sa.Column('gaps', sa.JSON(), nullable=True),
    sa.Column('asked_at', moment, nullable=True),
    sa.Column('applied_at', moment, nullable=False),
    sa.Column('since', moment, nullable=False),
    sa.Column('due_at', moment, nullable=True),
    sa.Column('notice_until', moment, nullable=True),
    sa.Column('reason_code', sa.Text(), nullable=True),
    sa.CheckConstraint('grade BETWEEN 1 AND 3', name=op.f('ck_brokers_applications_grade')),
    sa.ForeignKeyConstraint(['org_id'], ['identity_orgs.org_id'], name=op.f('fk_brokers_applications_org_id')),
    sa.PrimaryKeyConstraint('cert_id', name=op.f('pk_brokers_applications'))
    )
    op.create_index(op.f('ix_brokers_applications_org_id'), 'brokers_applications', ['org_id'], unique=False)
    op.create_index(op.f('ix_brokers_applications_status'), 'brokers_applications', ['status'], unique=False)
    op.create_table('brokers_evidence',
    sa.Column('statement_id', sa.Text(), nullable=False),
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('cert_id', sa.Text(), nullable=False),
    sa.Column('org_id', sa.Text(), nullable=False),
    sa.Column('event', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('dated_on', sa.Text(), nullable=False),
    sa.Column('back_dated', sa.Boolean(), nullable=False),
    sa.Column('filed_at', moment, nullable=False),
    sa.ForeignKeyConstraint(['org_id'], ['identity_orgs.org_id'], name=op.f('fk_brokers_evidence_org_id')),
    sa.PrimaryKeyConstraint('statement_id', 'number', name=op.f('pk_brokers_evidence'))
    )
    op.create_index(op.f('ix_brokers_evidence_cert_id'), 'brokers_evidence', ['cert_id'], unique=False)
    op.create_index(op.f('ix_brokers_evidence_org_id'), 'brokers_evidence', ['org_id'], unique=False)
    op.create_table('brokers_panel_votes',
    sa.Column('cert_id', sa.Text(), nullable=False),
    sa.Column('person', sa.Text(), nullable=False),
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('approves', sa.Boolean(), nullable=False),
    sa.Column('reasons', sa.Text(), nullable=False),
    sa.Column('voted_at', moment, nullable=False),
    sa.Column('statement_id', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['cert_id'], ['brokers_applications.cert_id'], name=op.f('fk_brokers_panel_votes_cert_id')),
    sa.PrimaryKeyConstraint('cert_id', 'person', name=op.f('pk_brokers_panel_votes'))
    )
    op.create_table('brokers_panel_ties',
    sa.Column('person', sa.Text(), nullable=False),
    sa.Column('org_id', sa.Text(), nullable=False),
    sa.Column('declared_at', moment, nullable=False),
    sa.Column('statement_id', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['org_id'], ['identity_orgs.org_id'], name=op.f('fk_brokers_panel_ties_org_id')),
    sa.PrimaryKeyConstraint('person', 'org_id', name=op.f('pk_brokers_panel_ties'))
    )
    op.create_table('brokers_objections',
    sa.Column('objection_id', sa.Text(), nullable=False),
    sa.Column('cert_id', sa.Text(), nullable=False),
    sa.Column('objector_id', sa.Text(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('filed_at', moment, nullable=False),
    sa.Column('statement_id', sa.Text(), nullable=False),
    sa.Column('upheld', sa.Boolean(), nullable=True),
    sa.Column('answer', sa.Text(), nullable=True),
    sa.Column('decided_at', moment, nullable=True),
    sa.ForeignKeyConstraint(['cert_id'], ['brokers_applications.cert_id'], name=op.f('fk_brokers_objections_cert_id')),
    sa.ForeignKeyConstraint(['objector_id'], ['identity_orgs.org_id'], name=op.f('fk_brokers_objections_objector_id')),
    sa.PrimaryKeyConstraint('objection_id', name=op.f('pk_brokers_objections'))
    )
    op.create_index(op.f('ix_brokers_objections_cert_id'), 'brokers_objections', ['cert_id'], unique=False)
    op.create_index(op.f('ix_brokers_objections_objector_id'), 'brokers_objections', ['objector_id'], unique=False)
    op.create_table('brokers_annual',
    sa.Column('cert_id', sa.Text(), nullable=False),
    sa.Column('year', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('report_sha256', sa.Text(), nullable=False),
    sa.Column('dated_on', sa.Text(), nullable=False),
    sa.Column('filed_at', moment, nullable=False),
    sa.Column('late', sa.Boolean(), nullable=False),
    sa.Column('statement_id', sa.Text(), nullable=False),
    sa.Column('result', sa.Text(), nullable=True),
    sa.Column('reason_code', sa.Text(), nullable=True),
    sa.Column('decided_at', moment, nullable=True),
    sa.Column('rectify_by', moment, nullable=True),
    sa.Column('rectified_at', moment, nullable=True),
    sa.ForeignKeyConstraint(['cert_id'], ['brokers_certificates.cert_id'], name=op.f('fk_brokers_annual_cert_id')),
    sa.PrimaryKeyConstraint('cert_id', 'year', name=op.f('pk_brokers_annual'))
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
    """Change the CHECK of a certificate's state; on SQLite as its manual advises, in the schema's text."""
    name, bind = op.f("ck_brokers_certificates_certificatestate"), op.get_bind()
    old, new = (f"status IN ({', '.join(repr(state) for state in states)})" for states in (was, now))
    if bind.dialect.name != "sqlite":
        op.drop_constraint(name, "brokers_certificates", type_="check")
        op.create_check_constraint(name, "brokers_certificates", new)
        return
    version = bind.scalar(sa.text("PRAGMA schema_version"))
    bind.execute(sa.text("PRAGMA writable_schema = ON"))
    changed = bind.execute(
        sa.text(
            "UPDATE sqlite_master SET sql = replace(sql, :was, :now) "
            "WHERE type = 'table' AND name = 'brokers_certificates' AND instr(sql, :was) > 0"
        ),
        {"was": old, "now": new},
    )
    if changed.rowcount != 1:
        raise RuntimeError(f"{name} is not what it was made as")
    bind.execute(sa.text(f"PRAGMA schema_version = {int(version or 0) + 1}"))
    bind.execute(sa.text("PRAGMA writable_schema = OFF"))


_MANDATE_STATES = (
    "status IN ('DRAFT', 'SIGNED', 'ACTIVE', 'FULFILLED', 'REVOKED_BY_CLIENT', 'EXPIRED', "
    "'TERMINATED_BY_CERT_LOSS')"
)
_ALL_MANDATE_STATES = (
    "status IN ('DRAFT', 'SIGNED', 'ACTIVE', 'FROZEN', 'FULFILLED', 'REVOKED_BY_CLIENT', 'EXPIRED', "
    "'TERMINATED_BY_CERT_LOSS', 'TAKEN_OVER', 'HANDED_OVER')"
)


def _mandates() -> None:
    """The one document of a mandate that both sides sign, and the limits it sets."""
    _mandate_states(_MANDATE_STATES, _ALL_MANDATE_STATES)
    moment = base.db.UtcDateTime(timezone=True)
    op.create_table(
        "brokers_mandate_terms",
        sa.Column("mandate_id", sa.Text(), nullable=False),
        sa.Column("document_sha256", sa.Text(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("powers", sa.JSON(), nullable=False),
        sa.Column("territories", sa.JSON(), nullable=False),
        sa.Column("price_floor_minor", sa.BigInteger(), nullable=True),
        sa.Column("price_ceiling_minor", sa.BigInteger(), nullable=True),
        sa.Column("exclusive", sa.Boolean(), nullable=False),
        sa.Column("signed_by", sa.Text(), nullable=True),
        sa.Column("accepted_at", moment, nullable=True),
        sa.Column("accepted_by", sa.Text(), nullable=True),
        sa.Column("successor_id", sa.Text(), nullable=True),
        sa.CheckConstraint("price_floor_minor >= 0", name=op.f("ck_brokers_mandate_terms_floor")),
        sa.CheckConstraint("price_ceiling_minor >= 0", name=op.f("ck_brokers_mandate_terms_ceiling")),
        sa.ForeignKeyConstraint(
            ["mandate_id"], ["brokers_mandates.mandate_id"], name=op.f("fk_brokers_mandate_terms_mandate_id")
        ),
        sa.PrimaryKeyConstraint("mandate_id", name=op.f("pk_brokers_mandate_terms")),
    )


def _no_mandates() -> None:
    op.drop_table("brokers_mandate_terms")
    op.execute("UPDATE brokers_mandates SET status = 'ACTIVE' WHERE status = 'FROZEN'")
    op.execute(
        "UPDATE brokers_mandates SET status = 'REVOKED_BY_CLIENT' WHERE status IN ('TAKEN_OVER', 'HANDED_OVER')"
    )
    _mandate_states(_ALL_MANDATE_STATES, _MANDATE_STATES)


def _mandate_states(was: str, now: str) -> None:
    """Change the CHECK of a mandate's state; on SQLite as its manual advises, in the schema's text."""
    name, bind = op.f("ck_brokers_mandates_mandatestate"), op.get_bind()
    if bind.dialect.name != "sqlite":
        op.drop_constraint(name, "brokers_mandates", type_="check")
        op.create_check_constraint(name, "brokers_mandates", now)
        return
    version = bind.scalar(sa.text("PRAGMA schema_version"))
    bind.execute(sa.text("PRAGMA writable_schema = ON"))
    changed = bind.execute(
        sa.text(
            "UPDATE sqlite_master SET sql = replace(sql, :was, :now) "
            "WHERE type = 'table' AND name = 'brokers_mandates' AND instr(sql, :was) > 0"
        ),
        {"was": was, "now": now},
    )
    if changed.rowcount != 1:
        raise RuntimeError(f"{name} is not what it was made as")
    bind.execute(sa.text(f"PRAGMA schema_version = {int(version or 0) + 1}"))
    bind.execute(sa.text("PRAGMA writable_schema = OFF"))


def _conduct() -> None:
    """Interests that brokers disclose, consents of parties, and what brokers have to tell."""
    moment = base.db.UtcDateTime(timezone=True)
    op.create_table(
        "brokers_interests",
        sa.Column("interest_id", sa.Text(), nullable=False),
        sa.Column("broker_id", sa.Text(), nullable=False),
        sa.Column("party_id", sa.Text(), nullable=False),
        sa.Column("kind", _kind("interestkind", "OWNERSHIP", "CONTROL", "MANAGEMENT"), nullable=False),
        sa.Column("share_bp", sa.Integer(), nullable=True),
        sa.Column("disclosed_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.CheckConstraint("share_bp BETWEEN 0 AND 10000", name=op.f("ck_brokers_interests_share")),
        *_members("brokers_interests", "broker_id", "party_id"),
        sa.PrimaryKeyConstraint("interest_id", name=op.f("pk_brokers_interests")),
    )
    op.create_table(
        "brokers_conflict_consents",
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("broker_id", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("interests", sa.JSON(), nullable=False),
        sa.Column("consented_at", moment, nullable=False),
        *_members("brokers_conflict_consents", "broker_id", "org_id"),
        sa.PrimaryKeyConstraint("statement_id", name=op.f("pk_brokers_conflict_consents")),
    )
    op.create_table(
        "brokers_notices",
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("broker_id", sa.Text(), nullable=False),
        sa.Column("kind", _kind("noticekind", "SUSPICION", "CHANGE"), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("noticed_at", moment, nullable=True),
        sa.Column("takes_effect_at", moment, nullable=True),
        sa.Column("told_at", moment, nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        *_members("brokers_notices", "broker_id"),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_brokers_notices")),
    )
    for table, columns in _CONDUCT_INDEXES:
        for column in columns:
            op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False)


_CONDUCT_INDEXES = (
    ("brokers_interests", ("broker_id", "party_id")),
    ("brokers_conflict_consents", ("trade_id", "broker_id", "org_id")),
    ("brokers_notices", ("broker_id",)),
)


def _kind(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def _members(table: str, *columns: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([column], ["identity_orgs.org_id"], name=op.f(f"fk_{table}_{column}"))
        for column in columns
    ]


def _no_conduct() -> None:
    for table, _ in reversed(_CONDUCT_INDEXES):
        op.drop_table(table)
