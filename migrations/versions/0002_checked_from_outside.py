"""What lets others check the log: witnesses, further keys, erased openings."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add what lets others check the log."""
    _witnesses()


def downgrade() -> None:
    """Take it away again."""
    _without_witnesses()


def _witnesses() -> None:
    op.add_column("ledger_tree", sa.Column("halted", sa.Text(), nullable=True))
    op.add_column("ledger_checkpoints", sa.Column("witnessed", sa.Boolean(), nullable=True))
    op.create_table(
        "ledger_witnesses",
        sa.Column("vkey", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("cosigned_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("asked_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("vkey", name=op.f("pk_ledger_witnesses")),
    )
    op.create_table(
        "ledger_witnessed",
        sa.Column("origin_sha256", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("cosigned_at_s", sa.BigInteger(), nullable=False),
        sa.Column("recorded_size", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("origin_sha256", name=op.f("pk_ledger_witnessed")),
        sa.UniqueConstraint("origin", name=op.f("uq_ledger_witnessed_origin")),
    )
    op.create_table(
        "ledger_federated",
        sa.Column("origin_sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["ledger_statements.statement_id"],
            name=op.f("fk_ledger_federated_statement_id"),
        ),
        sa.PrimaryKeyConstraint("origin_sha256", "size", name=op.f("pk_ledger_federated")),
    )


def _without_witnesses() -> None:
    op.drop_table("ledger_federated")
    op.drop_table("ledger_witnessed")
    op.drop_table("ledger_witnesses")
    op.drop_column("ledger_checkpoints", "witnessed")
    op.drop_column("ledger_tree", "halted")
