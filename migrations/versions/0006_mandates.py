"""What brokers may do for whom, and how they conduct themselves: mandates, interests, consents, notices."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db
from migrations.checks import change_check

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add what was asked for."""
    _mandates()
    _conduct()


def downgrade() -> None:
    """Take it away again."""
    _no_conduct()
    _no_mandates()


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
    change_check("brokers_mandates", "ck_brokers_mandates_mandatestate", was=was, now=now)


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
