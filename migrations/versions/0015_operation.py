"""Authorised operation: schemes, agreements, scenarios, use, disclosure."""

from collections.abc import Sequence

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add what was asked for."""


def downgrade() -> None:
    """Undo it."""
