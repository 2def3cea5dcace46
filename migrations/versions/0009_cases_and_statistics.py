"""The regulator's work: complaints, reports, cases; and what statistics ask of members."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db
from migrations.checks import change_check, one_of

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


_STATES_WERE = ("RECEIVED", "INVESTIGATING", "CLOSED_NO_CASE", "DECIDED")
_STATES = (
    "RECEIVED",
    "TRIAGED",
    "TRANSFERRED",
    "JURISDICTION",
    "REFUSED",
    "MEDIATING",
    "CLOSED_AGREED",
    "CLOSED_NO_AGREEMENT",
    "VERIFYING",
    "CLOSED_NO_CASE",
    "INVESTIGATING",
    "SUSPENDED_COMMITMENT",
    "CLOSED_COMMITMENT",
    "PENALTY_NOTICE",
    "HEARD",
    "DECIDED",
    "APPEALED",
    "UPHELD",
    "CHANGED",
    "REVOKED",
    "EXECUTED",
    "PUBLISHED",
    "EXPIRED_DISPLAY",
)
_MEASURES_WERE = (
    "FREEZE_TRADE",
    "UNFREEZE_TRADE",
    "SUSPEND_CERTIFICATE",
    "REINSTATE_CERTIFICATE",
    "SUSPEND_LISTING",
    "RESUME_LISTING",
    "SUSPEND_DELIVERY",
    "RESUME_DELIVERY",
    "REFUND_TRADE",
    "VOID_TRADE",
)
_NEW_MEASURES = ("REVOKE_CERTIFICATE", "DELIST_LISTING", "FREEZE_EVIDENCE", "FREEZE_FUNDS", "INTERVIEW")
_MEASURES = (*_MEASURES_WERE, *_NEW_MEASURES)
_CASE_TABLES = ("case_messages", "case_reporters", "case_evidence", "case_deadlines", "case_papers")
_CASE_COLUMNS = (
    "received_at",
    "grave",
    "acted_on",
    "reporter_sha256",
    "sibling_id",
    "handler",
    "authority",
    "matter",
    "kind",
)
_CLOSED = "('REFUSED', 'CLOSED_AGREED', 'CLOSED_NO_AGREEMENT', 'CLOSED_COMMITMENT', 'REVOKED')"
_DECIDED = "('APPEALED', 'UPHELD', 'CHANGED', 'EXECUTED', 'PUBLISHED', 'EXPIRED_DISPLAY')"


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
        sa.UniqueConstraint(
            "org_id", "year", "answer_no", name=op.f("uq_market_survey_answers_org_id_year_answer_no")
        ),
    )
    op.create_index(op.f("ix_market_survey_answers_year"), "market_survey_answers", ["year"])


def upgrade() -> None:
    """Add what was asked for."""
    _surveys()
    _cases()


def downgrade() -> None:
    """Undo it."""
    op.drop_table("market_survey_answers")
    _no_cases()


def _cases() -> None:
    """The whole procedure: papers, deadlines, evidence, who reported."""
    moment = base.db.UtcDateTime(timezone=True)
    change_check(
        "cases", "ck_cases_casestate", was=one_of("status", _STATES_WERE), now=one_of("status", _STATES)
    )
    for table in ("case_orders", "case_order_proposals"):
        was, now = one_of("measure", _MEASURES_WERE), one_of("measure", _MEASURES)
        change_check(table, f"ck_{table}_measure", was=was, now=now)
    named = sa.String(length=40)
    op.add_column("cases", sa.Column("kind", named, server_default="REPORT", nullable=False))
    op.add_column("cases", sa.Column("matter", named, server_default="MARKET_RULE", nullable=False))
    for name in ("authority", "handler", "sibling_id", "reporter_sha256", "acted_on"):
        op.add_column("cases", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("cases", sa.Column("grave", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("cases", sa.Column("received_at", moment, nullable=True))
    op.execute("UPDATE cases SET received_at = filed_at, handler = opened_by")
    seqs = sa.Column("seqs", sa.JSON(), server_default="[]", nullable=False)
    op.add_column("case_order_proposals", seqs)
    op.add_column("case_order_proposals", sa.Column("held_at", moment, nullable=True))
    _of_case(
        "case_papers",
        "paper_id",
        sa.Column("paper_id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("at", moment, nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
    )
    op.create_index(op.f("ix_case_papers_case_id"), "case_papers", ["case_id"])
    _of_case(
        "case_deadlines",
        ("case_id", "matter"),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("matter", sa.Text(), nullable=False),
        sa.Column("due_at", moment, nullable=False),
        sa.Column("set_at", moment, nullable=False),
        sa.Column("met_at", moment, nullable=True),
        sa.Column("overdue_at", moment, nullable=True),
    )
    op.create_index(op.f("ix_case_deadlines_due_at"), "case_deadlines", ["due_at"])
    _of_case(
        "case_evidence",
        ("case_id", "seq"),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("leaf_sha256", sa.Text(), nullable=False),
        sa.Column("tree_size", sa.BigInteger(), nullable=False),
        sa.Column("root_sha256", sa.Text(), nullable=False),
        sa.Column("proof", sa.JSON(), nullable=False),
        sa.Column("pinned_at", moment, nullable=False),
    )
    _of_case(
        "case_reporters",
        "case_id",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("named", sa.Boolean(), nullable=False),
        sa.Column("code_mark", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("forgotten_at", moment, nullable=True),
    )
    op.create_index(op.f("ix_case_reporters_code_mark"), "case_reporters", ["code_mark"])
    _of_case(
        "case_messages",
        "message_id",
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("from_reporter", sa.Boolean(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
    )
    op.create_index(op.f("ix_case_messages_case_id"), "case_messages", ["case_id"])


def _of_case(table: str, key: str | tuple[str, ...], *columns: sa.Column[object]) -> None:
    """A table about cases."""
    keys = (key,) if isinstance(key, str) else key
    op.create_table(
        table,
        *columns,
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name=op.f(f"fk_{table}_case_id")),
        sa.PrimaryKeyConstraint(*keys, name=op.f(f"pk_{table}")),
    )


def _no_cases() -> None:
    """The states that stay are the nearest; what people have filed has no finding, and goes."""
    for table in _CASE_TABLES:
        op.drop_table(table)
    op.execute(
        "DELETE FROM case_flags WHERE case_id IN (SELECT case_id FROM cases WHERE finding_id = case_id)"
    )
    for table in ("case_orders", "case_order_proposals"):
        op.execute(f"DELETE FROM {table} WHERE measure IN {_NEW_MEASURES}")  # noqa: S608 - names of ours
        op.execute(
            f"DELETE FROM {table} WHERE case_id IN (SELECT case_id FROM cases WHERE finding_id = case_id)"  # noqa: S608
        )
    op.execute("DELETE FROM cases WHERE finding_id = case_id")
    op.execute(f"UPDATE cases SET status = 'CLOSED_NO_CASE' WHERE status IN {_CLOSED}")  # noqa: S608
    op.execute(f"UPDATE cases SET status = 'DECIDED' WHERE status IN {_DECIDED}")  # noqa: S608
    op.execute(
        "UPDATE cases SET status = 'INVESTIGATING' WHERE status IN "
        "('SUSPENDED_COMMITMENT', 'PENALTY_NOTICE', 'HEARD')"
    )
    op.execute(
        "UPDATE cases SET status = 'RECEIVED' WHERE status IN "
        "('TRIAGED', 'TRANSFERRED', 'JURISDICTION', 'MEDIATING', 'VERIFYING')"
    )
    op.drop_column("case_order_proposals", "held_at")
    op.drop_column("case_order_proposals", "seqs")
    for name in _CASE_COLUMNS:
        op.drop_column("cases", name)
    for table in ("case_orders", "case_order_proposals"):
        was, now = one_of("measure", _MEASURES), one_of("measure", _MEASURES_WERE)
        change_check(table, f"ck_{table}_measure", was=was, now=now)
    change_check(
        "cases", "ck_cases_casestate", was=one_of("status", _STATES), now=one_of("status", _STATES_WERE)
    )
