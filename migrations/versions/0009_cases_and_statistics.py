"""The regulator's work: complaints, reports, cases; and what statistics ask of members."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def _surveys() -> None:
    """What units answer to the data-asset survey."""
    op.create_table(
        "market_survey_answers",
        sa.Column("survey_id", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("answer_no", sa.Integer(), nullable=False),
        sa.Column("corrects", sa.Text(), nullable=True),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.Column("expenditure_minor", sa.BigInteger(), nullable=True),
        sa.Column("explained", sa.Text(), nullable=True),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("answered_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.CheckConstraint("answer_no >= 1", name=op.f("ck_market_survey_answers_answer_no")),
        sa.ForeignKeyConstraint(
            ["org_id"], ["identity_orgs.org_id"], name=op.f("fk_market_survey_answers_org_id")
        ),
        sa.PrimaryKeyConstraint("survey_id", name=op.f("pk_market_survey_answers")),
        sa.UniqueConstraint("org_id", "year", "answer_no", name=op.f("uq_market_survey_answers_org_id")),
    )
    op.create_index(op.f("ix_market_survey_answers_year"), "market_survey_answers", ["year"])


def upgrade() -> None:
    """Add what was asked for."""
    _surveys()


def downgrade() -> None:
    """Undo it."""
    op.drop_table("market_survey_answers")
