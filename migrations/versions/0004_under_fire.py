"""The trade room under fire: what load, doubt and hostility asked for."""

from collections.abc import Sequence

from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add what was asked for."""
    _messages_as_they_are()


def downgrade() -> None:
    """Take it away again."""
    _messages_compressed()


def _messages_as_they_are() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE market_bank_messages SET (toast_tuple_target = 8160)")


def _messages_compressed() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE market_bank_messages RESET (toast_tuple_target)")
