"""Chief data officers and the yearly evaluation of agencies."""

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


def downgrade() -> None:
    """Undo it."""
    op.drop_table("registry_chiefs")


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
