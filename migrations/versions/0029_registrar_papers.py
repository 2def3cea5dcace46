"""What recognised registrars report, tell and are found to have done."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db

revision: str = "0029"
down_revision: str | None = "0028"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "registry_registrar_papers",
        sa.Column("paper_id", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "REPORT",
                "ASSESSMENT",
                "CHANGE",
                "LEAVE",
                name="paperkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("effective_on", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("document_sha256", sa.Text(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("filed_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("due_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("agreed", sa.Boolean(), nullable=True),
        sa.Column("decided_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["org_id"], ["registry_registrars.org_id"], name=op.f("fk_registry_registrar_papers_org_id")
        ),
        sa.PrimaryKeyConstraint("paper_id", name=op.f("pk_registry_registrar_papers")),
        sa.UniqueConstraint(
            "org_id", "kind", "year", name=op.f("uq_registry_registrar_papers_org_id_kind_year")
        ),
    )
    op.create_index(
        op.f("ix_registry_registrar_papers_org_id"), "registry_registrar_papers", ["org_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("registry_registrar_papers")
