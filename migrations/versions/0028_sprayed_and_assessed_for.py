"""Sign-ins that failed by the login that was tried; what an assessment was made for, and for whom."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

import base.db
from migrations.checks import change_check, one_of

revision: str = "0028"
down_revision: str | None = "0027"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_NEW: Final = "SIGN_IN_ACCOUNTS"
_BEFORE: Final = (
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
)
_AFTER: Final = ("SIGN_IN_FAILURES", _NEW, *_BEFORE[1:])
_SIGNALS: Final = ("incident_warnings", "incident_readings")


def upgrade() -> None:
    """Assessments from before say neither purposes nor recipients, and are asked for none."""
    op.create_table(
        "identity_failed_sign_ins",
        sa.Column("slot_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.CheckConstraint("bucket >= 0", name=op.f("ck_identity_failed_sign_ins_bucket")),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_identity_failed_sign_ins_failures")),
        sa.PrimaryKeyConstraint("slot_at", "bucket", name=op.f("pk_identity_failed_sign_ins")),
    )
    for table in _SIGNALS:
        _signals(table, was=_BEFORE, now=_AFTER)
    for name in ("purposes", "recipients"):
        op.add_column(
            "registry_assessments", sa.Column(name, sa.JSON(), nullable=False, server_default=sa.text("'[]'"))
        )


def downgrade() -> None:
    """Undo it; what was read and warned of is forgotten."""
    for name in ("recipients", "purposes"):
        op.drop_column("registry_assessments", name)
    for table in _SIGNALS:
        op.execute(sa.text(f"DELETE FROM {table} WHERE signal = '{_NEW}'"))  # noqa: S608 - our own words
        _signals(table, was=_AFTER, now=_BEFORE)
    op.drop_table("identity_failed_sign_ins")


def _signals(table: str, *, was: Sequence[str], now: Sequence[str]) -> None:
    change_check(table, f"ck_{table}_signal", was=one_of("signal", was), now=one_of("signal", now))
