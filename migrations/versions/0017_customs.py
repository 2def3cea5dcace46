"""Data customs: declarations, evidence, counters, registers, and what left."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db
from migrations.checks import change_check, one_of

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_ROUTES_WERE = ("DOMESTIC", "EXEMPT", "REFUSED")
_ROUTES = ("DOMESTIC", "EXEMPT", "CLEARED", "REFUSED")
_TABLES = (
    "market_customs_egress",
    "market_customs_endpoints",
    "market_negative_lists",
    "market_customs_documents",
    "market_person_lists",
    "market_declarations",
    "market_customs_groups",
)


def upgrade() -> None:
    """Add what customs keeps beside its decision on each delivery."""
    change_check(
        "market_customs_decisions",
        "ck_market_customs_decisions_route",
        was=one_of("route", _ROUTES_WERE),
        now=one_of("route", _ROUTES),
    )
    op.add_column("market_customs_decisions", sa.Column("clearance_id", sa.Text(), nullable=True))
    _declarations()
    _registers()


def _declarations() -> None:
    """Groups, declarations, lists of persons."""
    op.create_table(
        "market_customs_groups",
        sa.Column("group_id", sa.Text(), nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("group_id", name=op.f("pk_market_customs_groups")),
    )
    op.create_table(
        "market_declarations",
        sa.Column("declaration_id", sa.Text(), nullable=False),
        sa.Column("exporter_id", sa.Text(), nullable=False),
        sa.Column("group_id", sa.Text(), nullable=False),
        sa.Column("declared_by", sa.Text(), nullable=True),
        sa.Column("recipient_id", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "ORDINARY",
                "RESEARCH",
                "FOREIGN_REQUEST",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("trade_id", sa.Text(), nullable=True),
        sa.Column("product_id", sa.Text(), nullable=True),
        sa.Column("said", sa.JSON(), nullable=False),
        sa.Column("persons", sa.BigInteger(), nullable=False),
        sa.Column("sensitive_persons", sa.BigInteger(), nullable=False),
        sa.Column("volume_bytes", sa.BigInteger(), nullable=False),
        sa.Column("volume_uses", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "DECLARED",
                "ROUTED",
                "UNDER_CHECK",
                "UNDER_REVIEW",
                "UNDER_ASSESSMENT",
                "CLEARED",
                "IN_TRANSIT",
                "COMPLETED",
                "HALTED",
                "REJECTED",
                "REVOKED",
                "EXPIRED",
                name="declarationstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "way",
            sa.Enum(
                "PROHIBIT",
                "ASSESSMENT",
                "GBA_STANDARD_CONTRACT",
                "CONTRACT_OR_CERTIFICATION",
                "EXEMPT_COLLECTED_ABROAD",
                "EXEMPT_NO_PERSONAL",
                "EXEMPT_CONTRACT",
                "EXEMPT_EMPLOYEES",
                "EXEMPT_EMERGENCY",
                "EXEMPT_ZONE",
                "EXEMPT_SMALL",
                "MANUAL",
                name="way",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("rule_id", sa.Text(), nullable=True),
        sa.Column("trace", sa.JSON(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("risk", sa.JSON(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("sent_year", sa.Integer(), nullable=True),
        sa.Column("declared_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("valid_from", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("valid_to", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("due_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("taken_by", sa.Text(), nullable=True),
        sa.Column("taken_org", sa.Text(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("lot_salt", sa.Text(), nullable=False),
        sa.Column("sent_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sent_uses", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "persons >= 0 AND sensitive_persons >= 0", name=op.f("ck_market_declarations_persons")
        ),
        sa.CheckConstraint(
            "sent_bytes >= 0 AND sent_uses >= 0 AND sent_bytes <= volume_bytes AND sent_uses <= volume_uses",
            name=op.f("ck_market_declarations_declared"),
        ),
        sa.ForeignKeyConstraint(
            ["exporter_id"], ["identity_orgs.org_id"], name=op.f("fk_market_declarations_exporter_id")
        ),
        sa.PrimaryKeyConstraint("declaration_id", name=op.f("pk_market_declarations")),
    )
    op.create_index(
        "ix_market_declarations_about",
        "market_declarations",
        ["exporter_id", "recipient_id", "status"],
        unique=False,
    )
    op.create_index(
        op.f("ix_market_declarations_exporter_id"), "market_declarations", ["exporter_id"], unique=False
    )
    op.create_index("ix_market_declarations_group", "market_declarations", ["group_id", "year"], unique=False)
    op.create_index(op.f("ix_market_declarations_status"), "market_declarations", ["status"], unique=False)
    op.create_index(
        op.f("ix_market_declarations_trade_id"), "market_declarations", ["trade_id"], unique=False
    )
    op.create_table(
        "market_person_lists",
        sa.Column("declaration_id", sa.Text(), nullable=False),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.Column("source_file_id", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("starts", sa.JSON(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["declaration_id"],
            ["market_declarations.declaration_id"],
            name=op.f("fk_market_person_lists_declaration_id"),
        ),
        sa.PrimaryKeyConstraint("declaration_id", "sensitive", name=op.f("pk_market_person_lists")),
    )


def _registers() -> None:
    """The authority's documents and lists, endpoints, and what left."""
    op.create_table(
        "market_customs_documents",
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "STANDARD_CONTRACT",
                "GBA_CONTRACT",
                "CERTIFICATE",
                "ASSESSMENT",
                "ZONE",
                "APPROVAL",
                name="documentkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("exporter_ids", sa.JSON(), nullable=False),
        sa.Column("recipient_name", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.Column("persons", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("issued_on", sa.Text(), nullable=False),
        sa.Column("filed_on", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.Text(), nullable=True),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("entered_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["identity_orgs.org_id"], name=op.f("fk_market_customs_documents_entered_by")
        ),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_market_customs_documents")),
        sa.UniqueConstraint("number", name=op.f("uq_market_customs_documents_number")),
    )
    op.create_index(
        op.f("ix_market_customs_documents_entered_by"),
        "market_customs_documents",
        ["entered_by"],
        unique=False,
    )
    op.create_table(
        "market_negative_lists",
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("entries", sa.JSON(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("effective_from", sa.Text(), nullable=False),
        sa.Column("effective_to", sa.Text(), nullable=True),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("entered_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_market_negative_lists_version")),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["identity_orgs.org_id"], name=op.f("fk_market_negative_lists_entered_by")
        ),
        sa.PrimaryKeyConstraint("zone", "version", name=op.f("pk_market_negative_lists")),
    )
    op.create_index(
        op.f("ix_market_negative_lists_entered_by"), "market_negative_lists", ["entered_by"], unique=False
    )
    op.create_table(
        "market_customs_endpoints",
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("declared_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["org_id"], ["identity_orgs.org_id"], name=op.f("fk_market_customs_endpoints_org_id")
        ),
        sa.PrimaryKeyConstraint("org_id", name=op.f("pk_market_customs_endpoints")),
    )
    op.create_table(
        "market_customs_egress",
        sa.Column("egress_id", sa.Text(), nullable=False),
        sa.Column("declaration_id", sa.Text(), nullable=False),
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("recipient_id", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("left_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("carried", sa.Text(), nullable=True),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("told", sa.Text(), nullable=True),
        sa.CheckConstraint("bytes >= 0", name=op.f("ck_market_customs_egress_bytes")),
        sa.ForeignKeyConstraint(
            ["declaration_id"],
            ["market_declarations.declaration_id"],
            name=op.f("fk_market_customs_egress_declaration_id"),
        ),
        sa.PrimaryKeyConstraint("egress_id", name=op.f("pk_market_customs_egress")),
    )
    op.create_index(
        "ix_market_customs_egress_carried", "market_customs_egress", ["carried", "recipient_id"], unique=False
    )
    op.create_index(
        "ix_market_customs_egress_untold", "market_customs_egress", ["declaration_id", "told"], unique=False
    )


def downgrade() -> None:
    """Forget declarations; a delivery that rested on one is exempt in the older words."""
    for table in _TABLES:
        op.drop_table(table)
    op.execute("UPDATE market_customs_decisions SET route = 'EXEMPT' WHERE route = 'CLEARED'")
    op.drop_column("market_customs_decisions", "clearance_id")
    change_check(
        "market_customs_decisions",
        "ck_market_customs_decisions_route",
        was=one_of("route", _ROUTES),
        now=one_of("route", _ROUTES_WERE),
    )
