"""The regulator's work: complaints, reports, cases; and what statistics ask of members."""

from collections.abc import Sequence

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add what was asked for."""


def downgrade() -> None:
    """Undo it."""
