"""Sessions, passwords and second factors."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "identity_second_factors",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("offered_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["identity_users.user_id"], name=op.f("fk_identity_second_factors_user_id")
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_identity_second_factors")),
    )
    op.create_table(
        "identity_recovery_codes",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("used_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("length(digest) = 64", name=op.f("ck_identity_recovery_codes_digest_length")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["identity_users.user_id"], name=op.f("fk_identity_recovery_codes_user_id")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_identity_recovery_codes")),
    )
    op.create_index(op.f("ix_identity_recovery_codes_user_id"), "identity_recovery_codes", ["user_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_identity_recovery_codes_user_id"), table_name="identity_recovery_codes")
    op.drop_table("identity_recovery_codes")
    op.drop_table("identity_second_factors")
