"""Four kinds of delivery under one right and one meter."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db
from migrations.checks import one_of

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_KEYS = {
    "identity_orgs": "org_id",
    "market_listings": "listing_id",
    "market_trades": "trade_id",
    "market_entitlements": "entitlement_id",
}
_KINDS = ("FILE", "SHARE", "API", "QUERY")


def upgrade() -> None:
    """Add what was asked for."""
    _kinds()
    _meter()
    _access_keys()
    _interfaces()
    _usages()
    _tables_made()
    _parts()
    _packages()
    _marks()
    _sandbox()
    _auctions()
    _rewards()


def downgrade() -> None:
    """Take it away again."""
    _no_rewards()
    _no_marks()
    for table in ("prepared_questions", "questions", "privacy_budgets", "listing_sandboxes"):
        op.drop_table(f"market_{table}")
    op.drop_table("market_auction_bids")
    op.drop_table("market_auctions")
    op.drop_column("market_offers", "delivery_part")
    op.drop_column("market_entitlements", "part")
    op.drop_table("market_table_files")
    op.drop_table("market_key_releases")
    op.drop_table("market_packages")
    for table in ("usages", "interface_calls", "interfaces", "interface_secrets"):
        op.drop_table(f"market_{table}")
    op.drop_table("market_access_keys")
    op.drop_table("market_uses")
    op.drop_column("market_entitlements", "kind")


def _kinds() -> None:
    """A right says how it is exercised; those that are there are rights to a file."""
    op.add_column(
        "market_entitlements",
        sa.Column("kind", sa.String(length=40), server_default="FILE", nullable=False),
    )


def _meter() -> None:
    op.create_table(
        "market_uses",
        sa.Column("use_id", sa.Text(), nullable=False),
        sa.Column("entitlement_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("request_sha256", sa.Text(), nullable=False),
        sa.Column("answer_sha256", sa.Text(), nullable=False),
        sa.Column("epsilon_micro", sa.BigInteger(), nullable=False),
        sa.Column("used_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("usage_id", sa.Text(), nullable=True),
        sa.CheckConstraint(one_of("kind", _KINDS), name=op.f("ck_market_uses_deliverykind")),
        sa.CheckConstraint(
            "number > 0 AND units >= 0 AND bytes >= 0 AND epsilon_micro >= 0",
            name=op.f("ck_market_uses_counted"),
        ),
        sa.ForeignKeyConstraint(
            ["entitlement_id"],
            ["market_entitlements.entitlement_id"],
            name=op.f("fk_market_uses_entitlement_id"),
        ),
        sa.PrimaryKeyConstraint("use_id", name=op.f("pk_market_uses")),
        sa.UniqueConstraint("entitlement_id", "key", name="uq_market_uses_key"),
        sa.UniqueConstraint("entitlement_id", "number", name="uq_market_uses_number"),
    )
    op.create_index("ix_market_uses_usage", "market_uses", ["entitlement_id", "usage_id"])


def _access_keys() -> None:
    op.create_table(
        "market_access_keys",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("entitlement_id", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("issued_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("statement_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["entitlement_id"],
            ["market_entitlements.entitlement_id"],
            name=op.f("fk_market_access_keys_entitlement_id"),
        ),
        sa.ForeignKeyConstraint(
            ["org_id"],
            ["identity_orgs.org_id"],
            name=op.f("fk_market_access_keys_org_id"),
        ),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_market_access_keys")),
    )
    op.create_index(op.f("ix_market_access_keys_entitlement_id"), "market_access_keys", ["entitlement_id"])


def _packages() -> None:
    op.create_table(
        "market_packages",
        sa.Column("entitlement_id", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["entitlement_id"],
            ["market_entitlements.entitlement_id"],
            name=op.f("fk_market_packages_entitlement_id"),
        ),
        sa.PrimaryKeyConstraint("entitlement_id", name=op.f("pk_market_packages")),
    )
    op.create_table(
        "market_key_releases",
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("entitlement_id", sa.Text(), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=True),
        sa.Column("age_recipient", sa.Text(), nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.Column("released_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["entitlement_id"],
            ["market_entitlements.entitlement_id"],
            name=op.f("fk_market_key_releases_entitlement_id"),
        ),
        sa.PrimaryKeyConstraint("release_id", name=op.f("pk_market_key_releases")),
        sa.UniqueConstraint(
            "entitlement_id", "taken_by", "age_recipient", name="uq_market_key_releases_taker"
        ),
    )
    op.create_index(op.f("ix_market_key_releases_entitlement_id"), "market_key_releases", ["entitlement_id"])


def _parts() -> None:
    """What of a shared table an offer lets out, and the right that came of it."""
    op.add_column("market_offers", sa.Column("delivery_part", sa.Text(), nullable=True))
    op.add_column("market_entitlements", sa.Column("part", sa.Text(), server_default="", nullable=False))


def _tables_made() -> None:
    op.create_table(
        "market_table_files",
        sa.Column("made_of", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.CheckConstraint("bytes > 0", name=op.f("ck_market_table_files_not_empty")),
        sa.PrimaryKeyConstraint("made_of", name=op.f("pk_market_table_files")),
        sa.UniqueConstraint("file_id", name=op.f("uq_market_table_files_file_id")),
    )


def _refers(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    key = _KEYS[other]
    return sa.ForeignKeyConstraint([column], [f"{other}.{key}"], name=op.f(f"fk_{table}_{column}"))


def _interfaces() -> None:
    """How interfaces are answered, and their calls."""
    op.create_table(
        "market_interface_secrets",
        sa.Column("secret_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("header", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("kept_at", base.db.UtcDateTime(timezone=True), nullable=False),
        _refers("market_interface_secrets", "owner_id", "identity_orgs"),
        sa.PrimaryKeyConstraint("secret_id", name=op.f("pk_market_interface_secrets")),
    )
    op.create_table(
        "market_interfaces",
        sa.Column("listing_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("declared_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_market_interfaces_number")),
        _refers("market_interfaces", "listing_id", "market_listings"),
        sa.PrimaryKeyConstraint("listing_id", "number", name=op.f("pk_market_interfaces")),
    )
    op.create_table(
        "market_interface_calls",
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("entitlement_id", sa.Text(), nullable=False),
        sa.Column("use_id", sa.Text(), nullable=True),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("latency_ms", sa.Integer(), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("called_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "latency_ms >= 0 AND repeats >= 0", name=op.f("ck_market_interface_calls_counted")
        ),
        _refers("market_interface_calls", "entitlement_id", "market_entitlements"),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_market_interface_calls")),
        sa.UniqueConstraint("use_id", name=op.f("uq_market_interface_calls_use_id")),
    )
    op.create_index("ix_market_interface_calls_of", "market_interface_calls", ["entitlement_id", "call_id"])


def _sandbox() -> None:
    """What may be asked of tables, what was, and what it cost."""
    moment = base.db.UtcDateTime(timezone=True)
    op.create_table(
        "market_listing_sandboxes",
        sa.Column("listing_id", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        _refers("market_listing_sandboxes", "listing_id", "market_listings"),
        sa.PrimaryKeyConstraint("listing_id", name=op.f("pk_market_listing_sandboxes")),
    )
    op.create_table(
        "market_privacy_budgets",
        sa.Column("buyer_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("spent_micro", sa.BigInteger(), nullable=False),
        sa.Column("questions", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "spent_micro >= 0 AND questions >= 0", name=op.f("ck_market_privacy_budgets_counted")
        ),
        _refers("market_privacy_budgets", "buyer_id", "identity_orgs"),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["market_products.product_id"],
            name=op.f("fk_market_privacy_budgets_product_id"),
        ),
        sa.PrimaryKeyConstraint("buyer_id", "product_id", name=op.f("pk_market_privacy_budgets")),
    )
    op.create_table(
        "market_questions",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("query_id", "entitlement_id")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("buyer_id", "product_id")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("key", "asked_by")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("purpose", "recipient")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("form", "form_sha256", "nonce")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("query_sha256", "algorithm_sha256")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("epsilon_micro", "delta_pico")),
        sa.Column("status", sa.String(length=40), nullable=False),
        *(sa.Column(name, moment, nullable=False) for name in ("asked_at", "lapses_at")),
        sa.Column("answered_at", moment, nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("result_sha256", sa.Text(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("spent_micro", sa.BigInteger(), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("use_id", "statement_id")),
        sa.CheckConstraint(
            one_of("status", ("RUNNING", "ANSWERED", "BROKEN", "FAILED", "LAPSED")),
            name=op.f("ck_market_questions_questionstatus"),
        ),
        sa.CheckConstraint("epsilon_micro >= 0 AND delta_pico >= 0", name=op.f("ck_market_questions_priced")),
        sa.CheckConstraint(
            "status != 'ANSWERED' OR result_sha256 IS NOT NULL", name=op.f("ck_market_questions_answered")
        ),
        _refers("market_questions", "entitlement_id", "market_entitlements"),
        sa.PrimaryKeyConstraint("query_id", name=op.f("pk_market_questions")),
        sa.UniqueConstraint("entitlement_id", "key", name="uq_market_questions_key"),
    )
    op.create_index("ix_market_questions_budget", "market_questions", ["buyer_id", "product_id", "status"])
    op.create_index("ix_market_questions_form", "market_questions", ["entitlement_id", "form_sha256"])
    op.create_table(
        "market_prepared_questions",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("algorithm_id", "entitlement_id")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("prepared_by", "form", "nonce")),
        sa.Column("epsilon_micro", sa.BigInteger(), nullable=False),
        sa.Column("algorithm_sha256", sa.Text(), nullable=False),
        sa.Column("prepared_at", moment, nullable=False),
        sa.Column("approved_at", moment, nullable=True),
        sa.Column("statement_id", sa.Text(), nullable=True),
        _refers("market_prepared_questions", "entitlement_id", "market_entitlements"),
        _refers("market_prepared_questions", "prepared_by", "identity_orgs"),
        sa.PrimaryKeyConstraint("algorithm_id", name=op.f("pk_market_prepared_questions")),
        sa.UniqueConstraint("algorithm_sha256", name=op.f("uq_market_prepared_questions_algorithm_sha256")),
    )
    op.create_index(
        op.f("ix_market_prepared_questions_entitlement_id"), "market_prepared_questions", ["entitlement_id"]
    )


def _usages() -> None:
    """What the exchange has stated of the uses of a right."""
    op.create_table(
        "market_usages",
        sa.Column("usage_id", sa.Text(), nullable=False),
        sa.Column("entitlement_id", sa.Text(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("units_so_far", sa.BigInteger(), nullable=False),
        sa.Column("charge_minor", sa.BigInteger(), nullable=True),
        sa.Column("charged_minor", sa.BigInteger(), nullable=True),
        sa.Column("stated_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "first > 0 AND last >= first AND units >= 0 AND units_so_far >= units",
            name=op.f("ck_market_usages_counted"),
        ),
        _refers("market_usages", "entitlement_id", "market_entitlements"),
        sa.PrimaryKeyConstraint("usage_id", name=op.f("pk_market_usages")),
        sa.UniqueConstraint("entitlement_id", "first", name="uq_market_usages_first"),
        sa.UniqueConstraint("statement_id", name=op.f("uq_market_usages_statement_id")),
    )


def _key_to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def _auctions() -> None:
    """Sealed auctions of listings, and what is committed to in them."""
    states = ("OPEN", "CLOSED", "AWARDED", "FAILED", "CANCELLED")
    moment = base.db.UtcDateTime(timezone=True)
    op.create_table(
        "market_auctions",
        sa.Column("auction_id", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("mechanism", sa.String(length=40), nullable=False),
        sa.Column("listing_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("seller_id", sa.Text(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=True),
        sa.Column("reserve_minor", sa.BigInteger(), nullable=True),
        sa.Column("reserve_sha256", sa.Text(), nullable=True),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("bids", sa.Integer(), nullable=False),
        sa.Column("opened_at", moment, nullable=False),
        sa.Column("closes_at", moment, nullable=False),
        sa.Column("reveal_by", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("failed_for", sa.Text(), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=True),
        sa.CheckConstraint(one_of("status", states), name=op.f("ck_market_auctions_auctionstate")),
        sa.CheckConstraint(
            one_of("mechanism", ("second-price", "rsop")), name=op.f("ck_market_auctions_mechanism")
        ),
        sa.CheckConstraint("bids >= 0", name=op.f("ck_market_auctions_bids")),
        sa.CheckConstraint(
            "reserve_minor IS NULL OR reserve_minor > 0", name=op.f("ck_market_auctions_reserve")
        ),
        sa.CheckConstraint("closes_at < reveal_by", name=op.f("ck_market_auctions_times")),
        _key_to("market_auctions", "listing_id", "market_listings.listing_id"),
        _key_to("market_auctions", "seller_id", "identity_orgs.org_id"),
        sa.PrimaryKeyConstraint("auction_id", name=op.f("pk_market_auctions")),
    )
    for column in ("listing_id", "seller_id"):
        op.create_index(op.f(f"ix_market_auctions_{column}"), "market_auctions", [column])
    op.create_index("ix_market_auctions_status_auction_id", "market_auctions", ["status", "auction_id"])
    running = sa.text("status IN ('OPEN', 'CLOSED')")
    op.create_index(
        "uq_market_auctions_running",
        "market_auctions",
        ["listing_id"],
        unique=True,
        sqlite_where=running,
        postgresql_where=running,
    )
    op.create_table(
        "market_auction_bids",
        sa.Column("bid_id", sa.Text(), nullable=False),
        sa.Column("auction_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("bidder_id", sa.Text(), nullable=False),
        sa.Column("broker_id", sa.Text(), nullable=True),
        sa.Column("broker_side", sa.Text(), nullable=True),
        sa.Column("mandate_id", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("scenario", sa.Text(), nullable=False),
        sa.Column("commitment", sa.Text(), nullable=False),
        sa.Column("committed_at", moment, nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=True),
        sa.Column("nonce", sa.Text(), nullable=True),
        sa.Column("revealed_at", moment, nullable=True),
        sa.Column("trade_id", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(price_minor IS NULL) = (nonce IS NULL)", name=op.f("ck_market_auction_bids_opened")
        ),
        _key_to("market_auction_bids", "auction_id", "market_auctions.auction_id"),
        _key_to("market_auction_bids", "trade_id", "market_trades.trade_id"),
        _key_to("market_auction_bids", "bidder_id", "identity_orgs.org_id"),
        _key_to("market_auction_bids", "broker_id", "identity_orgs.org_id"),
        sa.PrimaryKeyConstraint("bid_id", name=op.f("pk_market_auction_bids")),
        sa.UniqueConstraint("auction_id", "bidder_id", name="uq_market_auction_bids_bidder"),
        sa.UniqueConstraint("auction_id", "commitment", name="uq_market_auction_bids_commitment"),
    )
    for column in ("bidder_id", "trade_id"):
        op.create_index(op.f(f"ix_market_auction_bids_{column}"), "market_auction_bids", [column])


_MARK_STATES = ("PENDING", "MARKED", "UNMARKED")


def _marks() -> None:
    """Buyers' own copies: marked files that nobody uploaded."""
    op.add_column("market_listing_files", sa.Column("copy_of", sa.Text(), nullable=True))
    op.create_table(
        "market_marks",
        sa.Column("entitlement_id", sa.Text(), nullable=False),
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("source_file_id", sa.Text(), nullable=False),
        sa.Column("source_sha256", sa.Text(), nullable=False),
        sa.Column("source_bytes", sa.BigInteger(), nullable=False),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("plan", sa.Text(), nullable=True),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("copy_sha256", sa.Text(), nullable=True),
        sa.Column("report_sha256", sa.Text(), nullable=True),
        sa.Column("commitment", sa.Text(), nullable=True),
        sa.Column("statement_id", sa.Text(), nullable=True),
        sa.Column("asked_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("made_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(one_of("status", _MARK_STATES), name=op.f("ck_market_marks_markstate")),
        sa.CheckConstraint(
            "(status = 'MARKED') = (commitment IS NOT NULL)", name=op.f("ck_market_marks_marked")
        ),
        _refers("market_marks", "entitlement_id", "market_entitlements"),
        sa.ForeignKeyConstraint(
            ["trade_id"], ["market_trades.trade_id"], name=op.f("fk_market_marks_trade_id")
        ),
        sa.ForeignKeyConstraint(
            ["source_file_id"],
            ["market_listing_files.file_id"],
            name=op.f("fk_market_marks_source_file_id"),
        ),
        sa.PrimaryKeyConstraint("entitlement_id", name=op.f("pk_market_marks")),
        sa.UniqueConstraint("trade_id", name=op.f("uq_market_marks_trade_id")),
    )
    op.create_index(op.f("ix_market_marks_source_sha256"), "market_marks", ["source_sha256"])
    op.create_index(op.f("ix_market_marks_copy_sha256"), "market_marks", ["copy_sha256"])


def _no_marks() -> None:
    op.drop_table("market_marks")
    op.drop_column("market_listing_files", "copy_of")


def _rewards() -> None:
    """Whom a broker has brought together over what, who is owed for it without a seat, and what is contested."""
    moment = base.db.UtcDateTime(timezone=True)
    for table, columns in (
        (
            "market_introductions",
            (
                sa.Column("introduction_id", sa.Text(), nullable=False),
                sa.Column("source_id", sa.Text(), nullable=False),
                sa.Column("broker_id", sa.Text(), nullable=False),
                sa.Column("mandate_id", sa.Text(), nullable=False),
                sa.Column("product_id", sa.Text(), nullable=False),
                sa.Column("seller_id", sa.Text(), nullable=False),
                sa.Column("buyer_id", sa.Text(), nullable=False),
                sa.Column("introduced_at", moment, nullable=False),
                sa.Column("released_at", moment, nullable=True),
            ),
        ),
        (
            "market_reward_contests",
            (
                sa.Column("contest_id", sa.Text(), nullable=False),
                sa.Column("trade_id", sa.Text(), nullable=False),
                sa.Column("broker_id", sa.Text(), nullable=False),
                sa.Column("mandate_id", sa.Text(), nullable=False),
                sa.Column("contester_id", sa.Text(), nullable=False),
                sa.Column("opened_at", moment, nullable=False),
                sa.Column("due_at", moment, nullable=False),
                sa.Column("answered_at", moment, nullable=True),
                sa.Column("upheld", sa.Boolean(), nullable=True),
                sa.Column("withdrawn", sa.Boolean(), nullable=False),
                sa.Column("decided_at", moment, nullable=True),
            ),
        ),
    ):
        orgs = (
            ("broker_id", "seller_id", "buyer_id")
            if table == "market_introductions"
            else ("broker_id", "contester_id")
        )
        rules = [_refers(table, name, "identity_orgs") for name in orgs]
        if table == "market_reward_contests":
            rules.append(_refers(table, "trade_id", "market_trades"))
        key = columns[0].name
        op.create_table(table, *columns, *rules, sa.PrimaryKeyConstraint(key, name=op.f(f"pk_{table}")))
        for name in orgs:
            op.create_index(op.f(f"ix_{table}_{name}"), table, [name])
    op.create_index(op.f("ix_market_introductions_source_id"), "market_introductions", ["source_id"])
    op.create_index(
        "ix_market_introductions_product_id_seller_id", "market_introductions", ["product_id", "seller_id"]
    )
    op.create_index(op.f("ix_market_reward_contests_trade_id"), "market_reward_contests", ["trade_id"])
    op.execute(
        "INSERT INTO market_introductions (introduction_id, source_id, broker_id, mandate_id, product_id, "
        "seller_id, buyer_id, introduced_at) SELECT replace(trade_id, 'trd_', 'itr_'), trade_id, broker_id, "
        "mandate_id, product_id, seller_id, buyer_id, inquired_at FROM market_trades "
        "WHERE broker_id IS NOT NULL AND mandate_id IS NOT NULL"
    )
    op.add_column("market_trades", sa.Column("reward_to", sa.Text(), nullable=True))
    withdrawn = sa.Column("withdrawn_at", moment, nullable=True)
    op.add_column("case_order_proposals", withdrawn)
    op.create_index(op.f("ix_market_trades_reward_to"), "market_trades", ["reward_to"])


def _no_rewards() -> None:
    op.drop_index(op.f("ix_market_trades_reward_to"), "market_trades")
    op.drop_column("market_trades", "reward_to")
    op.drop_column("case_order_proposals", "withdrawn_at")
    op.drop_table("market_reward_contests")
    op.drop_table("market_introductions")
