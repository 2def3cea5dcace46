"""Authorised operation: grants, their data, scenarios, uses, products, years and breaches."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLES = (
    "registry_grant_breaches",
    "registry_grant_years",
    "registry_grant_products",
    "registry_grant_uses",
    "registry_grant_scenarios",
    "registry_grant_resources",
    "registry_grants",
)


def upgrade() -> None:
    """Add what is kept of grants."""
    op.create_table(
        "registry_grants",
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("authority_id", sa.Text(), nullable=False),
        sa.Column("operator_id", sa.Text(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "SCHEME_DRAFT",
                "SCHEME_APPROVED",
                "OPERATOR_SELECTED",
                "GRANTED",
                "ACTIVE",
                "RECTIFYING",
                "SUSPENDED",
                "TERMINATED",
                "EXPIRED",
                name="grantstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scheme", sa.JSON(), nullable=False),
        sa.Column("decision", sa.JSON(), nullable=True),
        sa.Column("selection", sa.JSON(), nullable=True),
        sa.Column("agreement", sa.JSON(), nullable=True),
        sa.Column("drafted_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("granted_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("active_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("starts_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("ends_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("rectify_by", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("suspended_role", sa.Text(), nullable=True),
        sa.Column("price_basis", sa.JSON(), nullable=True),
        sa.Column("review_by", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("caps_due", sa.Boolean(), nullable=False),
        sa.Column("evaluation", sa.JSON(), nullable=True),
        sa.Column("evaluated_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_grants_authority_id")
        ),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_grants_operator_id")
        ),
        sa.PrimaryKeyConstraint("grant_id", name=op.f("pk_registry_grants")),
    )
    op.create_index(
        op.f("ix_registry_grants_authority_id"), "registry_grants", ["authority_id"], unique=False
    )
    op.create_index(op.f("ix_registry_grants_operator_id"), "registry_grants", ["operator_id"], unique=False)
    op.create_index(op.f("ix_registry_grants_status"), "registry_grants", ["status"], unique=False)
    op.create_table(
        "registry_grant_resources",
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("data_id", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column("consented_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("registration_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_grant_resources_agency_id")
        ),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["registry_grants.grant_id"], name=op.f("fk_registry_grant_resources_grant_id")
        ),
        sa.PrimaryKeyConstraint("grant_id", "data_id", name=op.f("pk_registry_grant_resources")),
    )
    op.create_index(
        op.f("ix_registry_grant_resources_agency_id"), "registry_grant_resources", ["agency_id"], unique=False
    )
    op.create_index(
        op.f("ix_registry_grant_resources_data_id"), "registry_grant_resources", ["data_id"], unique=False
    )
    op.create_index(
        op.f("ix_registry_grant_resources_registration_id"),
        "registry_grant_resources",
        ["registration_id"],
        unique=False,
    )
    op.create_table(
        "registry_grant_scenarios",
        sa.Column("scenario_id", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "ASKED",
                "APPROVED",
                "REFUSED",
                "ENDED",
                name="scenariostate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("users", sa.JSON(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("starts", sa.Text(), nullable=False),
        sa.Column("ends", sa.Text(), nullable=False),
        sa.Column("asked_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("uses", sa.BigInteger(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("uses >= 0 AND calls >= 0", name=op.f("ck_registry_grant_scenarios_counted")),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["registry_grants.grant_id"], name=op.f("fk_registry_grant_scenarios_grant_id")
        ),
        sa.PrimaryKeyConstraint("scenario_id", name=op.f("pk_registry_grant_scenarios")),
    )
    op.create_index(
        op.f("ix_registry_grant_scenarios_grant_id"), "registry_grant_scenarios", ["grant_id"], unique=False
    )
    op.create_table(
        "registry_grant_uses",
        sa.Column("use_id", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("scenario_id", sa.Text(), nullable=False),
        sa.Column("data_id", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("used_by", sa.Text(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("used_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["registry_grants.grant_id"], name=op.f("fk_registry_grant_uses_grant_id")
        ),
        sa.ForeignKeyConstraint(
            ["scenario_id"],
            ["registry_grant_scenarios.scenario_id"],
            name=op.f("fk_registry_grant_uses_scenario_id"),
        ),
        sa.PrimaryKeyConstraint("use_id", name=op.f("pk_registry_grant_uses")),
    )
    op.create_index(
        op.f("ix_registry_grant_uses_grant_id"), "registry_grant_uses", ["grant_id"], unique=False
    )
    op.create_index(
        op.f("ix_registry_grant_uses_scenario_id"), "registry_grant_uses", ["scenario_id"], unique=False
    )
    op.create_table(
        "registry_grant_products",
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("scenario_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column(
            "product_class",
            sa.Enum(
                "FREE", "PAID", name="productclass", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column(
            "unit",
            sa.Enum(
                "PRODUCT",
                "USE",
                "TIME",
                "CALL",
                "THOUSAND_CALLS",
                name="priceunit",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("cap_minor", sa.BigInteger(), nullable=True),
        sa.Column("expected_units", sa.BigInteger(), nullable=True),
        sa.Column("trial", sa.Boolean(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=True),
        sa.Column("added_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("code_by", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("coded_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "cap_minor IS NULL OR cap_minor >= 0", name=op.f("ck_registry_grant_products_cap")
        ),
        sa.CheckConstraint(
            "price_minor IS NULL OR price_minor >= 0", name=op.f("ck_registry_grant_products_price")
        ),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["registry_grants.grant_id"], name=op.f("fk_registry_grant_products_grant_id")
        ),
        sa.ForeignKeyConstraint(
            ["scenario_id"],
            ["registry_grant_scenarios.scenario_id"],
            name=op.f("fk_registry_grant_products_scenario_id"),
        ),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_registry_grant_products")),
    )
    op.create_index(
        op.f("ix_registry_grant_products_grant_id"), "registry_grant_products", ["grant_id"], unique=False
    )
    op.create_table(
        "registry_grant_years",
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column("year_of", sa.Integer(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=True),
        sa.Column("subsidy_minor", sa.BigInteger(), nullable=True),
        sa.Column("actual_minor", sa.BigInteger(), nullable=True),
        sa.Column("off_exchange_minor", sa.BigInteger(), nullable=True),
        sa.Column("disclosure_sha256", sa.Text(), nullable=True),
        sa.Column("disclosed_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("permitted_minor", sa.BigInteger(), nullable=True),
        sa.Column("excess_minor", sa.BigInteger(), nullable=True),
        sa.Column("deviation_bp", sa.BigInteger(), nullable=True),
        sa.Column("caps_must_change", sa.Boolean(), nullable=True),
        sa.Column("report_sha256", sa.Text(), nullable=True),
        sa.Column("reported_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["registry_grants.grant_id"], name=op.f("fk_registry_grant_years_grant_id")
        ),
        sa.PrimaryKeyConstraint("grant_id", "year_of", name=op.f("pk_registry_grant_years")),
    )
    op.create_table(
        "registry_grant_breaches",
        sa.Column("breach_id", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "SCOPE",
                "REDEVELOPMENT",
                "PRICE",
                "SECURITY",
                "EXCLUSION",
                "NOT_DISCLOSED",
                name="breachkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("found_by", sa.Text(), nullable=False),
        sa.Column("found_role", sa.Text(), nullable=False),
        sa.Column("found_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("rectify_by", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("rectified", sa.Text(), nullable=True),
        sa.Column("rectified_evidence", sa.JSON(), nullable=True),
        sa.Column("rectified_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("cleared_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["found_by"], ["identity_orgs.org_id"], name=op.f("fk_registry_grant_breaches_found_by")
        ),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["registry_grants.grant_id"], name=op.f("fk_registry_grant_breaches_grant_id")
        ),
        sa.PrimaryKeyConstraint("breach_id", name=op.f("pk_registry_grant_breaches")),
    )
    op.create_index(
        op.f("ix_registry_grant_breaches_found_by"), "registry_grant_breaches", ["found_by"], unique=False
    )
    op.create_index(
        "ix_registry_grant_breaches_open", "registry_grant_breaches", ["grant_id", "cleared_at"], unique=False
    )


def downgrade() -> None:
    """Undo it."""
    for table in _TABLES:
        op.drop_table(table)
