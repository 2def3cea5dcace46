"""Brokers at work: their register, deals and scores; and what the trade room still lacked."""

import json
from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa
from alembic import op

import base.db
from migrations.checks import change_check, one_of

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add what was asked for."""
    _conduct()
    _mandate_ends()
    _vouching()
    _two_officers()
    _ended_rights()
    _mediation()
    _instruction_order()
    _recipients()
    op.add_column("market_offers", sa.Column("acceptance", sa.Text(), nullable=True))
    _price_plans()


def downgrade() -> None:
    """Take it away again."""
    op.drop_column("market_offers", "acceptance")
    _no_recipients()
    op.drop_table("market_listing_plans")
    _no_instruction_order()
    _no_mediation()
    op.drop_column("registry_rights", "ended_at")
    op.drop_column("registry_rights", "ended_as")
    op.drop_table("case_order_proposals")
    _no_vouching()
    _no_mandate_ends()
    _no_conduct()


def _mandate_ends() -> None:
    """A mandate may be for one deal; the clock is asked to state the end of those that are there."""
    op.add_column(
        "brokers_mandate_terms",
        sa.Column("one_deal", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    moment, bind = base.db.UtcDateTime(timezone=True), op.get_bind()
    given = sa.table(
        "brokers_mandates", sa.column("mandate_id"), sa.column("status"), sa.column("ends_at", moment)
    )
    jobs = sa.table(
        "jobs",
        *(sa.column(name) for name in ("kind", "key", "status", "attempts")),
        sa.column("payload", sa.JSON()),
        sa.column("run_at", moment),
        sa.column("due_at", moment),
    )
    live = sa.select(given).where(given.c.status.in_(("SIGNED", "ACTIVE", "FROZEN")))
    for row in bind.execute(live).all():
        run_at = row.ends_at + timedelta(milliseconds=1)
        bind.execute(
            jobs.insert().values(
                kind=_MANDATE_END_JOB,
                key=row.mandate_id,
                payload={"mandate_id": row.mandate_id},
                status="QUEUED",
                attempts=0,
                run_at=run_at,
                due_at=run_at,
            )
        )


def _no_mandate_ends() -> None:
    op.execute(f"DELETE FROM jobs WHERE kind = '{_MANDATE_END_JOB}'")  # noqa: S608 - a constant
    op.drop_column("brokers_mandate_terms", "one_deal")


_MANDATE_END_JOB = "brokers.mandate-end"


def _vouching() -> None:
    """Who confirms whose login it is, and who objects."""
    moment = base.db.UtcDateTime(timezone=True)
    op.add_column("identity_users", sa.Column("confirmed_by", sa.Text(), nullable=True))
    op.create_table(
        "identity_contests",
        *_texts("contest_id", "mark", "user_id"),
        sa.Column("contested_at", moment, nullable=False),
        sa.Column("struck", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", moment, nullable=True),
        _refers("identity_contests", "user_id", "identity_users"),
        sa.PrimaryKeyConstraint("contest_id", name=op.f("pk_identity_contests")),
    )
    op.create_index(op.f("ix_identity_contests_mark"), "identity_contests", ["mark"])


def _two_officers() -> None:
    """Orders that wait for a second officer."""
    moment = base.db.UtcDateTime(timezone=True)
    op.create_table(
        "case_order_proposals",
        *_texts("order_id", "case_id"),
        sa.Column("measure", _one_of("measure", *_MEASURES), nullable=False),
        *_texts("object_id", "reason_code"),
        sa.Column("refund_minor", sa.BigInteger(), nullable=True),
        sa.Column("fault", sa.JSON(), nullable=False),
        *_texts("proposed_by", "officer_id"),
        sa.Column("proposed_at", moment, nullable=False),
        *_texts("digest"),
        *_texts("confirmed_by", nullable=True),
        sa.Column("confirmed_at", moment, nullable=True),
        _refers("case_order_proposals", "case_id", "cases"),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_case_order_proposals")),
    )
    op.create_index(op.f("ix_case_order_proposals_case_id"), "case_order_proposals", ["case_id"])


def _ended_rights() -> None:
    """A registered right that ended, and how."""
    moment = base.db.UtcDateTime(timezone=True)
    op.add_column("registry_rights", sa.Column("ended_as", sa.Text(), nullable=True))
    op.add_column("registry_rights", sa.Column("ended_at", moment, nullable=True))


_MEASURES = (
    *("FREEZE_TRADE", "UNFREEZE_TRADE", "SUSPEND_CERTIFICATE", "REINSTATE_CERTIFICATE", "SUSPEND_LISTING"),
    *("RESUME_LISTING", "SUSPEND_DELIVERY", "RESUME_DELIVERY", "REFUND_TRADE", "VOID_TRADE"),
)


def _no_vouching() -> None:
    op.drop_table("identity_contests")
    op.drop_column("identity_users", "confirmed_by")


def _price_plans() -> None:
    """How the price of a listing follows from the quantity."""
    op.create_table(
        "market_listing_plans",
        sa.Column("listing_id", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        _refers("market_listing_plans", "listing_id", "market_listings"),
        sa.PrimaryKeyConstraint("listing_id", name=op.f("pk_market_listing_plans")),
    )


def _mediation() -> None:
    """What more a request wants, matches that brokers sent, and their deals."""
    moment = base.db.UtcDateTime(timezone=True)
    op.create_table(
        "market_request_wishes",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        _refers("market_request_wishes", "request_id", "market_requests"),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_market_request_wishes")),
    )
    op.create_table(
        "market_presentations",
        *_texts("presentation_id", "request_id", "broker_id", "client_id", "mandate_id", "rule_version"),
        sa.Column("listing_ids", sa.JSON(), nullable=False),
        sa.Column("related", sa.JSON(), nullable=False),
        sa.Column("departs", sa.Boolean(), nullable=False),
        *_texts("reason", "document", nullable=True),
        *_texts("order_sha256", "statement_id"),
        sa.Column("sent_at", moment, nullable=False),
        _refers("market_presentations", "request_id", "market_requests"),
        _refers("market_presentations", "broker_id", "identity_orgs", "org_id"),
        _refers("market_presentations", "client_id", "identity_orgs", "org_id"),
        sa.PrimaryKeyConstraint("presentation_id", name=op.f("pk_market_presentations")),
    )
    op.create_table(
        "market_deals",
        *_texts("deal_id", "broker_id", "title"),
        *_texts("owner_id", "client_id", "side", "mandate_id", "request_id", "listing_id", nullable=True),
        *_texts("trade_id", "lost_reason", "next_step", nullable=True),
        sa.Column("stage", _one_of("stage", *_STAGES), nullable=False),
        sa.Column("next_at", moment, nullable=True),
        sa.Column("expenses_minor", sa.BigInteger(), nullable=True),
        sa.Column("expenses_agreed_at", moment, nullable=True),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("opened_at", moment, nullable=False),
        sa.Column("touched_at", moment, nullable=False),
        sa.CheckConstraint("(stage = 'LOST') = (lost_reason IS NOT NULL)", name=op.f("ck_market_deals_lost")),
        sa.CheckConstraint("expenses_minor > 0", name=op.f("ck_market_deals_expenses")),
        sa.CheckConstraint(
            "stage IN ('LEAD', 'MATCHED', 'PROPOSED', 'LOST')", name=op.f("ck_market_deals_own_stage")
        ),
        sa.UniqueConstraint("trade_id", name=op.f("uq_market_deals_trade_id")),
        _refers("market_deals", "broker_id", "identity_orgs", "org_id"),
        _refers("market_deals", "client_id", "identity_orgs", "org_id"),
        sa.PrimaryKeyConstraint("deal_id", name=op.f("pk_market_deals")),
    )
    op.create_table(
        "market_deal_entries",
        *_texts("deal_id", "org_id"),
        sa.Column("entry_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", _one_of("entrykind", *_ENTRIES), nullable=False),
        sa.Column("at", moment, nullable=False),
        *_texts("user_id", "text", "sha256", nullable=True),
        sa.Column("shared", sa.Boolean(), nullable=False),
        _refers("market_deal_entries", "deal_id", "market_deals"),
        sa.PrimaryKeyConstraint("deal_id", "entry_no", name=op.f("pk_market_deal_entries")),
    )
    for table, columns in _MEDIATION_INDEXES:
        op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns), unique=False)


_STAGES = ("LEAD", "MATCHED", "PROPOSED", "NEGOTIATING", "CONTRACTED", "SETTLED", "LOST")
_ENTRIES = (
    *("OPENED", "MOVED", "MESSAGE", "NOTE", "DOCUMENT", "MATCHES", "TRADE", "NEXT", "EXPENSES"),
    "EXPENSES_AGREED",
)
_MEDIATION_INDEXES = (
    ("market_presentations", ("request_id",)),
    ("market_presentations", ("broker_id", "presentation_id")),
    ("market_presentations", ("client_id", "presentation_id")),
    ("market_deals", ("broker_id", "deal_id")),
    ("market_deals", ("client_id", "deal_id")),
)


def _no_mediation() -> None:
    for table in ("market_deal_entries", "market_deals", "market_presentations", "market_request_wishes"):
        op.drop_table(table)


def _texts(*names: str, nullable: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=nullable) for name in names]


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def _refers(table: str, column: str, other: str, key: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.{key or column}"], name=op.f(f"fk_{table}_{column}"))


_CASE_STATES = ("RECEIVED", "INVESTIGATING", "CLOSED_NO_CASE")


def _conduct() -> None:
    """What a broker has checked before a contract; a case may be decided, by another than opened it."""
    moment = base.db.UtcDateTime(timezone=True)
    op.create_table(
        "brokers_source_checks",
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("broker_id", sa.Text(), nullable=False),
        sa.Column("source_sha256", sa.Text(), nullable=False),
        sa.Column("seller_sha256", sa.Text(), nullable=False),
        sa.Column("buyer_sha256", sa.Text(), nullable=False),
        sa.Column("documents", sa.JSON(), nullable=False),
        sa.Column("checked_at", moment, nullable=False),
        sa.Column("keep_until", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["broker_id"], ["identity_orgs.org_id"], name=op.f("fk_brokers_source_checks_broker_id")
        ),
        sa.PrimaryKeyConstraint("statement_id", name=op.f("pk_brokers_source_checks")),
        sa.UniqueConstraint(
            "trade_id", "broker_id", name=op.f("uq_brokers_source_checks_trade_id_broker_id")
        ),
    )
    op.create_index(op.f("ix_brokers_source_checks_broker_id"), "brokers_source_checks", ["broker_id"])
    op.add_column("cases", sa.Column("opened_by", sa.Text(), nullable=True))
    _case_states(_CASE_STATES, (*_CASE_STATES, "DECIDED"))


def _no_conduct() -> None:
    op.execute("UPDATE cases SET status = 'INVESTIGATING', closed_at = NULL WHERE status = 'DECIDED'")
    _case_states((*_CASE_STATES, "DECIDED"), _CASE_STATES)
    op.drop_column("cases", "opened_by")
    op.drop_table("brokers_source_checks")


def _case_states(was: Sequence[str], now: Sequence[str]) -> None:
    change_check("cases", "ck_cases_casestate", was=one_of("status", was), now=one_of("status", now))


def _instruction_order() -> None:
    """The instructions of a trade are numbered in the order in which they were given."""
    table = "market_instructions"
    op.add_column(table, sa.Column("number", sa.Integer(), server_default="1", nullable=False))
    op.execute(_NUMBER_INSTRUCTIONS)
    op.drop_index(op.f("ix_market_instructions_trade_id"), table)
    op.create_index("uq_market_instructions_number", table, ["trade_id", "number"], unique=True)


def _no_instruction_order() -> None:
    table = "market_instructions"
    op.drop_index("uq_market_instructions_number", table)
    op.create_index(op.f("ix_market_instructions_trade_id"), table, ["trade_id"])
    op.drop_column(table, "number")


_NUMBER_INSTRUCTIONS = """
UPDATE market_instructions SET number = (
    SELECT count(*) FROM market_instructions AS earlier
    WHERE earlier.trade_id = market_instructions.trade_id AND (
        earlier.instructed_at < market_instructions.instructed_at
        OR (earlier.instructed_at = market_instructions.instructed_at
            AND earlier.message_id <= market_instructions.message_id)
    )
)
"""


def _recipients() -> None:
    """Whom a contract names beside its buyer may take for itself; each taker has a download of its own."""
    table, downloads = "market_contract_recipients", "market_downloads"
    op.create_table(
        table,
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        _refers(table, "trade_id", "market_trades"),
        _refers(table, "org_id", "identity_orgs"),
        sa.PrimaryKeyConstraint("trade_id", "org_id", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f(f"ix_{table}_org_id"), table, ["org_id"])
    bind = op.get_bind()
    named = sa.table(table, sa.column("trade_id"), sa.column("org_id"))
    members = set(bind.execute(sa.text("SELECT org_id FROM identity_orgs")).scalars())
    policies = sa.text(
        "SELECT p.trade_id, t.buyer_id, p.document FROM market_contract_policies AS p "
        "JOIN market_trades AS t ON t.trade_id = p.trade_id WHERE p.document <> ''"
    )
    for trade_id, buyer_id, document in bind.execute(policies).all():
        for org_id in sorted((_named_in(document) & members) - {buyer_id}):
            bind.execute(named.insert().values(trade_id=trade_id, org_id=org_id))
    op.add_column(downloads, sa.Column("taken_by", sa.Text(), nullable=True))
    op.execute(
        "UPDATE market_downloads SET taken_by = (SELECT e.buyer_id FROM market_entitlements AS e "
        "WHERE e.entitlement_id = market_downloads.entitlement_id) WHERE status = 'OPEN'"
    )
    _open_downloads("entitlement_id", "taken_by")


def _no_recipients() -> None:
    # One open download of a right was all that there could be: the others are over, and were no use.
    op.execute(
        "DELETE FROM market_downloads WHERE status = 'OPEN' AND taken_by IS NOT NULL AND taken_by <> ("
        "SELECT e.buyer_id FROM market_entitlements AS e "
        "WHERE e.entitlement_id = market_downloads.entitlement_id)"
    )
    _open_downloads("entitlement_id")
    op.drop_column("market_downloads", "taken_by")
    op.drop_table("market_contract_recipients")


def _open_downloads(*columns: str) -> None:
    is_open = sa.text("status = 'OPEN'")
    op.drop_index("uq_market_downloads_open", "market_downloads")
    op.create_index(
        "uq_market_downloads_open",
        "market_downloads",
        list(columns),
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )


def _named_in(document: str) -> set[str]:
    """The organisations that a usage policy names as recipients."""
    bounds = [one for rule in json.loads(document)["permission"] for one in rule["constraint"]]
    named = [iri["@id"] for one in bounds if one["leftOperand"] == "recipient" for iri in one["rightOperand"]]
    return {iri.removeprefix("urn:databourse:org:") for iri in named}
