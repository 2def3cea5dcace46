"""Registration and grading, second round: evidence by holder, the same bytes elsewhere, caps by their day."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

import base.db
from migrations.checks import one_of

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_LEVELS: Final = ("core", "important", "general-4", "general-3", "general-2", "general-1")


def upgrade() -> None:
    """Add what was asked for."""
    _evidence()
    _caps()


def downgrade() -> None:
    """Undo it; on SQLite by a copy of the table, for a column with a CHECK is not dropped there."""
    op.drop_table("registry_grant_caps")
    with op.batch_alter_table("registry_grades") as batch:
        batch.drop_constraint(op.f("ck_registry_grades_same_bytes"), type_="check")
        batch.drop_column("same_bytes")
    op.drop_table("registry_grade_evidence")


def _level(name: str) -> sa.Enum:
    return sa.Enum(*_LEVELS, name=name, native_enum=False, create_constraint=True, length=40)


def _evidence() -> None:
    op.create_table(
        "registry_grade_evidence",
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("declared", _level("declared"), nullable=True),
        sa.Column("scanned", _level("scanned"), nullable=False),
        sa.Column("shown_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_grade_evidence_holder_id")
        ),
        sa.PrimaryKeyConstraint(
            "object_id", "holder_id", "file_sha256", name=op.f("pk_registry_grade_evidence")
        ),
    )
    op.create_index(
        op.f("ix_registry_grade_evidence_file_sha256"),
        "registry_grade_evidence",
        ["file_sha256"],
        unique=False,
    )
    # In one statement: SQLite takes a CHECK beside a new column, and none afterwards.
    check = f"CONSTRAINT ck_registry_grades_same_bytes CHECK ({one_of('same_bytes', _LEVELS)})"
    op.execute(f"ALTER TABLE registry_grades ADD COLUMN same_bytes VARCHAR(40) {check}")


def _caps() -> None:
    op.create_table(
        "registry_grant_caps",
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("set_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("cap_minor", sa.BigInteger(), nullable=False),
        sa.Column("trial", sa.Boolean(), nullable=False),
        sa.Column("document_sha256", sa.Text(), nullable=False),
        sa.CheckConstraint("cap_minor >= 0", name=op.f("ck_registry_grant_caps_cap")),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["registry_grant_products.product_id"],
            name=op.f("fk_registry_grant_caps_product_id"),
        ),
        sa.PrimaryKeyConstraint("product_id", "set_at", name=op.f("pk_registry_grant_caps")),
    )
