"""The whole trade room: every state of a trade, and what each of them keeps."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db
from ledger import triggers

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TRADE_STATES = (
    "INQUIRED NEGOTIATING REFUSED LAPSED ACCEPTED BLOCKED CONTRACT_READY CONTRACTED CANCELLED FUNDED DELIVERING "
    "DELIVERED ACCEPTED_GOODS SETTLED FROZEN"
).split()
_ALL_TRADE_STATES = (
    "INQUIRED NEGOTIATING REFUSED LAPSED ACCEPTED BLOCKED CONTRACT_READY CONTRACTED CANCELLED FUNDED DELIVERING "
    "DELIVERY_SUSPENDED DELIVERED DISPUTED ACCEPTED_GOODS PARTIAL_SETTLE SETTLED FILED CERTIFIED CLOSED "
    "REFUND_PENDING REFUNDED FROZEN VOIDED"
).split()


def upgrade() -> None:
    """Add what the trade room keeps."""
    _trades()
    _money()
    _policies()
    _disputes()
    _filing()
    _deliveries()
    _negotiation()
    _together()


def downgrade() -> None:
    """Take it away again."""
    _without_together()
    _without_negotiation()
    _without_deliveries()
    _without_filing()
    _without_disputes()
    _without_policies()
    _without_money()
    _without_trades()


def _together() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for statement in triggers.TOGETHER_POSTGRESQL:
            op.execute(statement)


def _without_together() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for statement in triggers.NOT_TOGETHER_POSTGRESQL:
            op.execute(statement)


def _trades() -> None:
    _values("market_trades", "status", "tradestate", _TRADE_STATES, _ALL_TRADE_STATES)
    op.add_column("market_trades", sa.Column("deliver_by", base.db.UtcDateTime(timezone=True), nullable=True))


def _without_trades() -> None:
    op.drop_column("market_trades", "deliver_by")
    _values("market_trades", "status", "tradestate", _ALL_TRADE_STATES, _TRADE_STATES)


_INSTRUCTION_STATES = ("INSTRUCTED", "PAID", "REJECTED")
_ALL_INSTRUCTION_STATES = (*_INSTRUCTION_STATES, "EXPIRED")
_INSTRUCTION_KINDS = ("SETTLE", "SPLIT", "REFUND", "FEE_BACK")


def _money() -> None:
    """What goes back to a buyer: instructions of every kind, divided prices, claims; accounts by day."""
    _values(
        "market_instructions",
        "status",
        "instructionstate",
        _INSTRUCTION_STATES,
        _ALL_INSTRUCTION_STATES,
    )
    op.execute(
        "ALTER TABLE market_instructions ADD COLUMN kind VARCHAR(40) DEFAULT 'SETTLE' NOT NULL CONSTRAINT "
        f"ck_market_instructions_instructionkind CHECK ({_check('kind', _INSTRUCTION_KINDS)})"
    )
    op.add_column(
        "market_instructions", sa.Column("expires_at", base.db.UtcDateTime(timezone=True), nullable=True)
    )
    op.drop_index("uq_market_instructions_standing", "market_instructions")
    for name, column, where, unique in _INSTRUCTION_INDEXES:
        condition = sa.text(where)
        op.create_index(
            name,
            "market_instructions",
            [column],
            unique=unique,
            sqlite_where=condition,
            postgresql_where=condition,
        )
    op.create_table(
        "market_splits",
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("refund_minor", sa.BigInteger(), nullable=False),
        sa.Column("seller_minor", sa.BigInteger(), nullable=False),
        sa.Column("commission_minor", sa.BigInteger(), nullable=False),
        sa.Column("platform_fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("release_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("refund_minor > 0 AND seller_minor >= 0", name=op.f("ck_market_splits_parts")),
        sa.ForeignKeyConstraint(
            ["trade_id"], ["market_trades.trade_id"], name=op.f("fk_market_splits_trade_id")
        ),
        sa.PrimaryKeyConstraint("trade_id", name=op.f("pk_market_splits")),
    )
    op.create_table(
        "market_claims",
        sa.Column("claim_id", sa.Text(), nullable=False),
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("debtor_id", sa.Text(), nullable=False),
        sa.Column("payee", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("OPEN", "PAID", name="claimstatus", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("opened_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("due_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("paid_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_market_claims_amount")),
        sa.ForeignKeyConstraint(
            ["trade_id"], ["market_trades.trade_id"], name=op.f("fk_market_claims_trade_id")
        ),
        sa.ForeignKeyConstraint(
            ["debtor_id"], ["identity_orgs.org_id"], name=op.f("fk_market_claims_debtor_id")
        ),
        sa.PrimaryKeyConstraint("claim_id", name=op.f("pk_market_claims")),
    )
    op.create_index("ix_market_claims_trade_id", "market_claims", ["trade_id"])
    op.create_index("ix_market_claims_debtor_id", "market_claims", ["debtor_id"])
    op.create_table(
        "ledger_day_balances",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("upto_id", sa.BigInteger(), nullable=False),
        sa.Column("balance_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_in_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_out_minor", sa.BigInteger(), nullable=False),
        sa.Column("movements", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account", "day", name=op.f("pk_ledger_day_balances")),
    )
    op.create_table(
        "market_account_statements",
        sa.Column("stated_id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("to_day", sa.Date(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("stated_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("stated_id", name=op.f("pk_market_account_statements")),
        sa.UniqueConstraint("account", "sha256", name=op.f("uq_market_account_statements_account_sha256")),
    )


_INSTRUCTION_INDEXES = (
    (
        "uq_market_instructions_under_way",
        "trade_id",
        "status = 'INSTRUCTED' AND kind <> 'FEE_BACK'",
        True,
    ),
    (
        "uq_market_instructions_released",
        "trade_id",
        "status = 'PAID' AND kind IN ('SETTLE', 'SPLIT')",
        True,
    ),
    ("ix_market_instructions_expires_at", "expires_at", "status = 'INSTRUCTED'", False),
)


def _without_money() -> None:
    for table in ("market_account_statements", "ledger_day_balances", "market_claims", "market_splits"):
        op.drop_table(table)
    for name, *_ in _INSTRUCTION_INDEXES:
        op.drop_index(name, "market_instructions")
    op.drop_column("market_instructions", "expires_at")
    op.drop_column("market_instructions", "kind")
    _values(
        "market_instructions",
        "status",
        "instructionstate",
        _ALL_INSTRUCTION_STATES,
        _INSTRUCTION_STATES,
    )
    standing = sa.text("status <> 'REJECTED'")
    op.create_index(
        "uq_market_instructions_standing",
        "market_instructions",
        ["trade_id"],
        unique=True,
        sqlite_where=standing,
        postgresql_where=standing,
    )


def _values(table: str, column: str, kind: str, before: Sequence[str], after: Sequence[str]) -> None:
    """Change which values a column takes (its CHECK), where no row has one that goes.

    SQLite has no statement for this, and a table that others refer to cannot be made anew while references
    are enforced; what its manual advises for a CHECK is to correct the text of the schema.
    """
    name, was, now = f"ck_{table}_{kind}", _check(column, before), _check(column, after)
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint(op.f(name), table, type_="check")
        op.create_check_constraint(op.f(name), table, now)
        return
    bind = op.get_bind()
    version = bind.scalar(sa.text("PRAGMA schema_version"))
    bind.execute(sa.text("PRAGMA writable_schema = ON"))
    changed = bind.execute(
        sa.text(
            "UPDATE sqlite_master SET sql = replace(sql, :was, :now) "
            "WHERE type = 'table' AND name = :table AND instr(sql, :was) > 0"
        ),
        {"was": was, "now": now, "table": table},
    )
    if changed.rowcount != 1:
        raise RuntimeError(f"{name} is not what it was made as")
    bind.execute(sa.text(f"PRAGMA schema_version = {int(version or 0) + 1}"))
    bind.execute(sa.text("PRAGMA writable_schema = OFF"))


def _check(column: str, values: Sequence[str]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def _policies() -> None:
    """What a listing lets be done at most, and the usage policy of each contract."""
    for table, key, owner, more in (
        ("market_listing_conditions", "listing_id", "market_listings", ()),
        (
            "market_contract_policies",
            "trade_id",
            "market_trades",
            (sa.Column("policy_sha256", sa.Text(), nullable=False),),
        ),
    ):
        op.create_table(
            table,
            sa.Column(key, sa.Text(), nullable=False),
            *more,
            sa.Column("document", sa.Text(), nullable=False),
            sa.ForeignKeyConstraint([key], [f"{owner}.{key}"], name=op.f(f"fk_{table}_{key}")),
            sa.PrimaryKeyConstraint(key, name=op.f(f"pk_{table}")),
        )
    op.add_column("market_downloads", sa.Column("purpose", sa.Text(), nullable=True))
    op.add_column("market_downloads", sa.Column("recipient", sa.Text(), nullable=True))


def _without_policies() -> None:
    op.drop_column("market_downloads", "recipient")
    op.drop_column("market_downloads", "purpose")
    op.drop_table("market_contract_policies")
    op.drop_table("market_listing_conditions")


_GROUNDS = (
    "NOT_DELIVERED NOT_AS_DESCRIBED DIGEST SCHEMA ROWS QUALITY ILLEGAL_SOURCE CONSENT_WITHDRAWN "
    "REGULATOR_ORDER DUPLICATE UNUSED_QUOTA PAYMENT OTHER"
).split()
_OUTCOMES = ("ACCEPT", "PARTIAL", "REFUND")
_MEASURES = (
    "FREEZE_TRADE",
    "UNFREEZE_TRADE",
    "SUSPEND_CERTIFICATE",
    "REINSTATE_CERTIFICATE",
    "SUSPEND_LISTING",
    "RESUME_LISTING",
)
_ALL_MEASURES = (*_MEASURES, "SUSPEND_DELIVERY", "RESUME_DELIVERY", "REFUND_TRADE", "VOID_TRADE")


def _one_of(name: str, values: Sequence[str]) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def _disputes() -> None:
    """Disputes with their proposals and votes, refunds after the release, what orders can do to a trade."""
    _values("case_orders", "measure", "measure", _MEASURES, _ALL_MEASURES)
    moment = base.db.UtcDateTime(timezone=True)
    op.create_table(
        "market_disputes",
        sa.Column("dispute_id", sa.Text(), nullable=False),
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("status", _one_of("disputestate", ("OPEN", "ENDED")), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("side", _one_of("side", ("BUYER", "PROVIDER", "EXCHANGE")), nullable=False),
        sa.Column("ground", _one_of("ground", _GROUNDS), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("opened_at", moment, nullable=False),
        sa.Column("mediate_by", moment, nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.Column("outcome", _one_of("outcome", _OUTCOMES), nullable=True),
        sa.Column("basis", _one_of("basis", ("AGREED", "PANEL", "COURT", "VOID")), nullable=True),
        sa.Column("refund_minor", sa.BigInteger(), nullable=True),
        sa.Column("award_sha256", sa.Text(), nullable=True),
        sa.Column("ended_at", moment, nullable=True),
        sa.CheckConstraint(
            "refund_minor IS NULL OR refund_minor >= 0", name=op.f("ck_market_disputes_refund")
        ),
        sa.ForeignKeyConstraint(
            ["trade_id"], ["market_trades.trade_id"], name=op.f("fk_market_disputes_trade_id")
        ),
        sa.PrimaryKeyConstraint("dispute_id", name=op.f("pk_market_disputes")),
        sa.UniqueConstraint("trade_id", name=op.f("uq_market_disputes_trade_id")),
    )
    op.create_index("ix_market_disputes_status", "market_disputes", ["status"])
    for table, key, more in (
        (
            "market_dispute_proposals",
            "number",
            (
                sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
                sa.Column("side", _one_of("side", ("BUYER", "PROVIDER", "EXCHANGE")), nullable=False),
                sa.Column("note", sa.Text(), nullable=False),
                sa.Column(
                    "status",
                    _one_of("proposalstate", ("OPEN", "REPLACED", "WITHDRAWN", "AGREED", "LAPSED")),
                    nullable=False,
                ),
                sa.Column("made_at", moment, nullable=False),
                sa.Column("closed_at", moment, nullable=True),
            ),
        ),
        (
            "market_dispute_votes",
            "officer_id",
            (
                sa.Column("officer_id", sa.Text(), nullable=False),
                sa.Column("reasons", sa.Text(), nullable=False),
                sa.Column("voted_at", moment, nullable=False),
            ),
        ),
    ):
        op.create_table(
            table,
            sa.Column("dispute_id", sa.Text(), nullable=False),
            *more,
            sa.Column("outcome", _one_of("outcome", _OUTCOMES), nullable=False),
            sa.Column("refund_minor", sa.BigInteger(), nullable=False),
            sa.Column("statement_id", sa.Text(), nullable=False),
            sa.CheckConstraint("refund_minor >= 0", name=op.f(f"ck_{table}_refund")),
            sa.ForeignKeyConstraint(
                ["dispute_id"], ["market_disputes.dispute_id"], name=op.f(f"fk_{table}_dispute_id")
            ),
            sa.PrimaryKeyConstraint("dispute_id", key, name=op.f(f"pk_{table}")),
        )
    op.create_table(
        "market_officer_ties",
        sa.Column("officer_id", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("declared_at", moment, nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["org_id"], ["identity_orgs.org_id"], name=op.f("fk_market_officer_ties_org_id")
        ),
        sa.PrimaryKeyConstraint("officer_id", "org_id", name=op.f("pk_market_officer_ties")),
    )
    op.create_table(
        "market_late_refunds",
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("ground", _one_of("ground", _GROUNDS), nullable=False),
        sa.Column("refund_minor", sa.BigInteger(), nullable=False),
        sa.Column("fault", sa.JSON(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("award_sha256", sa.Text(), nullable=True),
        sa.Column("decided_at", moment, nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.CheckConstraint("refund_minor > 0", name=op.f("ck_market_late_refunds_refund")),
        sa.ForeignKeyConstraint(
            ["trade_id"], ["market_trades.trade_id"], name=op.f("fk_market_late_refunds_trade_id")
        ),
        sa.PrimaryKeyConstraint("trade_id", name=op.f("pk_market_late_refunds")),
    )


def _without_disputes() -> None:
    for table in (
        "market_late_refunds",
        "market_officer_ties",
        "market_dispute_votes",
        "market_dispute_proposals",
        "market_disputes",
    ):
        op.drop_table(table)
    _values("case_orders", "measure", "measure", _ALL_MEASURES, _MEASURES)


_DESTRUCTIONS = ("OVERWRITTEN", "CRYPTO_ERASED", "MEDIA_DESTROYED", "RETURNED")


def _filing() -> None:
    """Invoices, what is filed, trade certificates, and what is owed after a trade."""
    moment = base.db.UtcDateTime(timezone=True)
    op.create_index(
        "ix_market_trades_unfiled",
        "market_trades",
        ["settled_at"],
        sqlite_where=sa.text("status = 'SETTLED'"),
        postgresql_where=sa.text("status = 'SETTLED'"),
    )
    op.create_table(
        "market_invoices",
        sa.Column("invoice_no", sa.Text(), nullable=False),
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("kind", _one_of("invoicekind", ("BLUE", "RED")), nullable=False),
        sa.Column("reverses", sa.Text(), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("taxpayer", _one_of("taxpayer", ("GENERAL", "SMALL_SCALE")), nullable=False),
        sa.Column("vat_rate_bp", sa.Integer(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("vat_minor", sa.BigInteger(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=True),
        sa.Column("told_at", moment, nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.CheckConstraint("length(invoice_no) = 20", name=op.f("ck_market_invoices_number")),
        sa.CheckConstraint("(kind = 'BLUE') = (net_minor > 0)", name=op.f("ck_market_invoices_sign")),
        sa.CheckConstraint(
            "(kind = 'RED') = (reverses IS NOT NULL)", name=op.f("ck_market_invoices_reverses")
        ),
        sa.ForeignKeyConstraint(
            ["trade_id"], ["market_trades.trade_id"], name=op.f("fk_market_invoices_trade_id")
        ),
        sa.ForeignKeyConstraint(
            ["reverses"], ["market_invoices.invoice_no"], name=op.f("fk_market_invoices_reverses")
        ),
        sa.PrimaryKeyConstraint("invoice_no", name=op.f("pk_market_invoices")),
        sa.UniqueConstraint("trade_id", "kind", name=op.f("uq_market_invoices_trade_id_kind")),
    )
    op.create_table(
        "market_filings",
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("filing_no", sa.Text(), nullable=False),
        sa.Column("filing_sha256", sa.Text(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("filed_at", moment, nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["trade_id"], ["market_trades.trade_id"], name=op.f("fk_market_filings_trade_id")
        ),
        sa.PrimaryKeyConstraint("trade_id", name=op.f("pk_market_filings")),
        sa.UniqueConstraint("filing_no", name=op.f("uq_market_filings_filing_no")),
    )
    op.create_table(
        "market_trade_certificates",
        sa.Column("certificate_no", sa.Text(), nullable=False),
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("certificate_sha256", sa.Text(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", moment, nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["trade_id"], ["market_trades.trade_id"], name=op.f("fk_market_trade_certificates_trade_id")
        ),
        sa.PrimaryKeyConstraint("certificate_no", name=op.f("pk_market_trade_certificates")),
        sa.UniqueConstraint("trade_id", name=op.f("uq_market_trade_certificates_trade_id")),
    )
    op.create_table(
        "market_duties",
        sa.Column("duty_id", sa.Text(), nullable=False),
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("kind", _one_of("dutykind", ("DESTRUCTION", "RED_INVOICE")), nullable=False),
        sa.Column("cause", _one_of("cause", ("LICENCE_END", "REFUND", "VOID", "ORDER")), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("due_at", moment, nullable=False),
        sa.Column("asked_statement_id", sa.Text(), nullable=False),
        sa.Column("proven_at", moment, nullable=True),
        sa.Column("method", _one_of("method", _DESTRUCTIONS), nullable=True),
        sa.Column("proof_sha256", sa.Text(), nullable=True),
        sa.Column("statement_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["trade_id"], ["market_trades.trade_id"], name=op.f("fk_market_duties_trade_id")
        ),
        sa.ForeignKeyConstraint(["org_id"], ["identity_orgs.org_id"], name=op.f("fk_market_duties_org_id")),
        sa.PrimaryKeyConstraint("duty_id", name=op.f("pk_market_duties")),
    )
    op.create_index("ix_market_duties_trade_id", "market_duties", ["trade_id"])
    op.create_index("ix_market_duties_org_id", "market_duties", ["org_id"])
    op.create_index(
        "uq_market_duties_open",
        "market_duties",
        ["trade_id", "kind"],
        unique=True,
        sqlite_where=sa.text("proven_at IS NULL"),
        postgresql_where=sa.text("proven_at IS NULL"),
    )


def _without_filing() -> None:
    for table in ("market_duties", "market_trade_certificates", "market_filings", "market_invoices"):
        op.drop_table(table)
    op.drop_index("ix_market_trades_unfiled", "market_trades")


def _deliveries() -> None:
    """Deliveries that are suspended, and the acceptance tests of what was delivered."""
    op.create_table(
        "market_delivery_stops",
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column(
            "cause",
            sa.Enum("BASIS", "ORDER", name="cause", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("suspended_by", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("suspended_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("given_days", sa.Integer(), nullable=False),
        sa.CheckConstraint("given_days >= 0", name=op.f("ck_market_delivery_stops_given_days")),
        sa.ForeignKeyConstraint(
            ["trade_id"], ["market_trades.trade_id"], name=op.f("fk_market_delivery_stops_trade_id")
        ),
        sa.PrimaryKeyConstraint("trade_id", name=op.f("pk_market_delivery_stops")),
    )
    op.create_table(
        "market_acceptance_checks",
        sa.Column("check_id", sa.Text(), nullable=False),
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("report", sa.LargeBinary(), nullable=False),
        sa.Column("report_sha256", sa.Text(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("checked_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["trade_id"], ["market_trades.trade_id"], name=op.f("fk_market_acceptance_checks_trade_id")
        ),
        sa.ForeignKeyConstraint(
            ["made_by"], ["identity_orgs.org_id"], name=op.f("fk_market_acceptance_checks_made_by")
        ),
        sa.PrimaryKeyConstraint("check_id", name=op.f("pk_market_acceptance_checks")),
        sa.UniqueConstraint("statement_id", name=op.f("uq_market_acceptance_checks_statement_id")),
    )
    op.create_index("ix_market_acceptance_checks_trade_id", "market_acceptance_checks", ["trade_id"])


def _without_deliveries() -> None:
    op.drop_table("market_acceptance_checks")
    op.drop_table("market_delivery_stops")


_CATEGORIES = (
    "agriculture commerce culture-tourism e-commerce education energy environment equipment finance geography "
    "health industry logistics meteorology population telecom transport"
).split()
_PRODUCT_TYPES = "DATASET API REPORT SERVICE TOOL PRIVACY COMPUTE CERT".split()
_PURPOSES = (
    "INTERNAL_USE RISK_CONTROL MODEL_TRAINING RESEARCH PRODUCT_DEVELOPMENT MARKETING PUBLIC_SERVICE"
).split()
_REQUEST_STATES = "OPEN FULFILLED WITHDRAWN EXPIRED".split()


def _negotiation() -> None:
    """The whole terms of an offer, whom a listing is sold to, and what buyers look for."""
    for name, kind in _OFFER_TERMS:
        op.add_column("market_offers", sa.Column(name, kind, nullable=True))
    op.create_table(
        "market_listing_buyers",
        sa.Column("listing_id", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["market_listings.listing_id"], name=op.f("fk_market_listing_buyers_listing_id")
        ),
        sa.PrimaryKeyConstraint("listing_id", name=op.f("pk_market_listing_buyers")),
    )
    op.create_table(
        "market_requests",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("buyer_id", sa.Text(), nullable=False),
        sa.Column("status", _one_of("requeststate", _REQUEST_STATES), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("category", _one_of("category", _CATEGORIES), nullable=False),
        sa.Column("geo", sa.Text(), nullable=False),
        sa.Column("product_type", _one_of("producttype", _PRODUCT_TYPES), nullable=True),
        sa.Column("purpose", _one_of("purpose", _PURPOSES), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("volume", sa.Text(), nullable=False),
        sa.Column("budget_min_minor", sa.BigInteger(), nullable=True),
        sa.Column("budget_max_minor", sa.BigInteger(), nullable=True),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.Column("fulfilled_by", sa.Integer(), nullable=True),
        sa.Column("published_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("until", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("answers >= 0", name=op.f("ck_market_requests_answers")),
        sa.CheckConstraint(
            "(status = 'FULFILLED') = (fulfilled_by IS NOT NULL)", name=op.f("ck_market_requests_fulfilled")
        ),
        sa.ForeignKeyConstraint(
            ["buyer_id"], ["identity_orgs.org_id"], name=op.f("fk_market_requests_buyer_id")
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_market_requests")),
    )
    for columns in _REQUEST_INDEXES:
        op.create_index(f"ix_market_requests_{'_'.join(columns)}", "market_requests", columns)
    op.create_table(
        "market_request_answers",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("answer_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("listing_id", sa.Text(), nullable=False),
        sa.Column("seller_id", sa.Text(), nullable=False),
        sa.Column("broker_id", sa.Text(), nullable=True),
        sa.Column("mandate_id", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("answered_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.{key}"], name=op.f(f"fk_market_request_answers_{column}")
            )
            for column, table, key in (
                ("request_id", "market_requests", "request_id"),
                ("listing_id", "market_listings", "listing_id"),
                ("seller_id", "identity_orgs", "org_id"),
                ("broker_id", "identity_orgs", "org_id"),
            )
        ),
        sa.PrimaryKeyConstraint("request_id", "answer_no", name=op.f("pk_market_request_answers")),
        sa.UniqueConstraint(
            "request_id", "listing_id", name=op.f("uq_market_request_answers_request_id_listing_id")
        ),
    )
    op.create_index("ix_market_request_answers_listing_id", "market_request_answers", ["listing_id"])


_OFFER_TERMS = (
    ("scope", sa.Text()),
    ("delivery_mode", sa.Text()),
    ("delivery_days", sa.Integer()),
    ("commission_bp", sa.Integer()),
)
_REQUEST_INDEXES = (
    ["status", "request_id"],
    ["status", "category", "request_id"],
    ["buyer_id", "request_id"],
)


def _without_negotiation() -> None:
    for table in ("market_request_answers", "market_requests", "market_listing_buyers"):
        op.drop_table(table)
    for name, _ in _OFFER_TERMS:
        op.drop_column("market_offers", name)
