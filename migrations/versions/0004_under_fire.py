"""The trade room under fire: what load, doubt and hostility asked for."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db
from migrations.checks import change_check
from base.calendar import shanghai_day

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add what was asked for."""
    _messages_as_they_are()
    _payments_in_doubt()
    _statements_fetched_again()
    _several_red_invoices()
    _no_snapshots()
    _natural_persons()


def downgrade() -> None:
    """Take it away again."""
    _logins_alone()
    _snapshots()
    _one_red_invoice()
    _no_payments_in_doubt()
    _messages_compressed()


def _messages_as_they_are() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE market_bank_messages SET (toast_tuple_target = 8160)")


def _messages_compressed() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE market_bank_messages RESET (toast_tuple_target)")


_INSTRUCTION_STATES = "status IN ('INSTRUCTED', 'PAID', 'REJECTED', 'EXPIRED')"
_ALL_INSTRUCTION_STATES = "status IN ('INSTRUCTED', 'PAID', 'REJECTED', 'EXPIRED', 'NOT_PAID')"


def _payments_in_doubt() -> None:
    """The bank's statements are kept, and what officers find in them about a payment in doubt."""
    moment = base.db.UtcDateTime(timezone=True)
    _instruction_states(_INSTRUCTION_STATES, _ALL_INSTRUCTION_STATES)
    op.add_column("market_instructions", sa.Column("answered_at", moment, nullable=True))
    op.add_column("market_reconciled_days", sa.Column("envelope", sa.LargeBinary(), nullable=True))
    found = sa.Enum(
        "PAID", "NOT_PAID", "OTHERWISE", name="found", native_enum=False, create_constraint=True, length=40
    )
    op.create_table(
        "market_payment_words",
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("officer_id", sa.Text(), nullable=False),
        sa.Column("found", found, nullable=False),
        sa.Column("statement_sha256", sa.Text(), nullable=False),
        sa.Column("said_at", moment, nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["market_instructions.message_id"],
            name=op.f("fk_market_payment_words_message_id"),
        ),
        sa.PrimaryKeyConstraint("message_id", "officer_id", name=op.f("pk_market_payment_words")),
    )


def _statements_fetched_again() -> None:
    """What was compared before kept no statement: days of payments that may be in doubt are asked for anew."""
    bind, moment = op.get_bind(), base.db.UtcDateTime(timezone=True)
    given = sa.table(
        "market_instructions",
        sa.column("kind", sa.Text()),
        sa.column("status", sa.Text()),
        sa.column("instructed_at", moment),
    )
    jobs = sa.table(
        "jobs",
        *(sa.column(name, sa.Text()) for name in ("kind", "key", "status", "lease")),
        *(sa.column(name, moment) for name in ("run_at", "due_at", "finished_at")),
        sa.column("attempts", sa.Integer()),
    )
    oldest = bind.scalar(
        sa.select(given.c.instructed_at)
        .where(given.c.status.in_(["INSTRUCTED", "EXPIRED"]), given.c.kind != "FEE_BACK")
        .order_by(given.c.instructed_at)
        .limit(1)
    )
    if oldest is None:
        return
    since = shanghai_day(oldest).isoformat()
    compared = (jobs.c.kind == "settlement.reconcile", jobs.c.status == "DONE", jobs.c.key >= since)
    afresh = {"status": "QUEUED", "attempts": 0, "lease": None, "finished_at": None, "due_at": jobs.c.run_at}
    bind.execute(sa.update(jobs).where(*compared).values(**afresh))


def _no_payments_in_doubt() -> None:
    op.drop_table("market_payment_words")
    op.drop_column("market_reconciled_days", "envelope")
    op.drop_column("market_instructions", "answered_at")
    op.execute("UPDATE market_instructions SET status = 'REJECTED' WHERE status = 'NOT_PAID'")
    _instruction_states(_ALL_INSTRUCTION_STATES, _INSTRUCTION_STATES)


def _instruction_states(was: str, now: str) -> None:
    change_check("market_instructions", "ck_market_instructions_instructionstate", was=was, now=now)


_ONE_OF_A_KIND = "CONSTRAINT uq_market_invoices_trade_id_kind UNIQUE (trade_id, kind)"


def _several_red_invoices() -> None:
    """A trade has one invoice, and as many red-letter ones as take parts of it back."""
    if op.get_bind().dialect.name == "sqlite":
        _made_anew(f", \n\t{_ONE_OF_A_KIND}", "")
    else:
        op.drop_constraint(op.f("uq_market_invoices_trade_id_kind"), "market_invoices", type_="unique")
    blue = sa.text("kind = 'BLUE'")
    op.create_index("ix_market_invoices_trade_id", "market_invoices", ["trade_id"])
    op.create_index(
        "uq_market_invoices_blue",
        "market_invoices",
        ["trade_id"],
        unique=True,
        sqlite_where=blue,
        postgresql_where=blue,
    )


def _one_red_invoice() -> None:
    op.drop_index("uq_market_invoices_blue", "market_invoices")
    op.drop_index("ix_market_invoices_trade_id", "market_invoices")
    if op.get_bind().dialect.name == "sqlite":
        _made_anew("\n)", f", \n\t{_ONE_OF_A_KIND}\n)")
    else:
        op.create_unique_constraint(
            op.f("uq_market_invoices_trade_id_kind"), "market_invoices", ["trade_id", "kind"]
        )


def _made_anew(was: str, now: str) -> None:
    """The table of invoices, defined otherwise, with the same rows (SQLite; only it refers to itself)."""
    bind = op.get_bind()
    made = bind.scalar(sa.text("SELECT sql FROM sqlite_master WHERE name = 'market_invoices'"))
    if made is None or made.count(was) != 1:
        raise RuntimeError("market_invoices is not what it was made as")
    bind.exec_driver_sql("CREATE TEMPORARY TABLE kept AS SELECT * FROM market_invoices")
    bind.exec_driver_sql("DELETE FROM market_invoices")
    bind.exec_driver_sql("DROP TABLE market_invoices")
    bind.exec_driver_sql(made.replace(was, now))
    bind.exec_driver_sql("INSERT INTO market_invoices SELECT * FROM kept")
    bind.exec_driver_sql("DROP TABLE kept")


def _no_snapshots() -> None:
    """Nothing took them any more since days are rolled up; a balance can be summed without."""
    op.drop_table("ledger_balances")


def _snapshots() -> None:
    op.create_table(
        "ledger_balances",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("upto_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("balance_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "upto_id", name=op.f("pk_ledger_balances")),
    )


def _natural_persons() -> None:
    op.add_column("identity_users", sa.Column("mark", sa.Text(), nullable=True))
    op.add_column("identity_users", sa.Column("enrolled_by", sa.Text(), nullable=True))
    op.add_column("identity_users", sa.Column("identified_by", sa.Text(), nullable=True))
    op.create_index(op.f("ix_identity_users_mark"), "identity_users", ["mark"])


def _logins_alone() -> None:
    op.drop_index(op.f("ix_identity_users_mark"), "identity_users")
    op.drop_column("identity_users", "identified_by")
    op.drop_column("identity_users", "enrolled_by")
    op.drop_column("identity_users", "mark")
