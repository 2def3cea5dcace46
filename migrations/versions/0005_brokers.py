"""Certified brokers: what qualification, credentials, mandates and conduct keep."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add what was asked for."""
    _credentials()


def downgrade() -> None:
    """Take it away again."""
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
