"""The lists of agencies: systems, data, items, demands, requests to share."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

import base.db

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLES = (
    "registry_import_faults",
    "registry_imports",
    "registry_census_returns",
    "registry_censuses",
    "registry_share_uses",
    "registry_shares",
    "registry_item_claims",
    "registry_items",
    "registry_list_versions",
    "registry_demands",
    "registry_data",
    "registry_systems",
    "registry_list_files",
)


def upgrade() -> None:
    """Add what was asked for."""
    _entries()
    _items()
    _shares()
    _censuses()


def downgrade() -> None:
    """Undo it."""
    for table in _TABLES:
        op.drop_table(table)


def _entries() -> None:
    """Systems, data and demands, with their versions and the files that agencies brought."""
    op.create_table(
        "registry_list_files",
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("stored_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("bytes > 0", name=op.f("ck_registry_list_files_not_empty")),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_registry_list_files_digest")),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_list_files_owner_id")
        ),
        sa.PrimaryKeyConstraint("file_id", name=op.f("pk_registry_list_files")),
    )
    op.create_index(
        op.f("ix_registry_list_files_owner_id"), "registry_list_files", ["owner_id"], unique=False
    )
    op.create_table(
        "registry_systems",
        sa.Column("system_id", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("capability", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text(), nullable=True),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        sa.Column("import_id", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("LISTED", "RETIRED", name="listed", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("listed_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("changed_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_registry_systems_version")),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_systems_agency_id")
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["registry_systems.system_id"], name=op.f("fk_registry_systems_parent_id")
        ),
        sa.PrimaryKeyConstraint("system_id", name=op.f("pk_registry_systems")),
        sa.UniqueConstraint("agency_id", "key", name=op.f("uq_registry_systems_agency_id_key")),
    )
    op.create_index(op.f("ix_registry_systems_parent_id"), "registry_systems", ["parent_id"], unique=False)
    op.create_table(
        "registry_data",
        sa.Column("data_id", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column("system_id", sa.Text(), nullable=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("abstract", sa.Text(), nullable=False),
        sa.Column("theme", sa.Text(), nullable=False),
        sa.Column(
            "base_library",
            sa.Enum(
                "population",
                "legal-person",
                "spatial",
                "licence",
                "credit",
                name="baselibrary",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "TABLE",
                "FILE",
                "API",
                "VIDEO",
                "IOT",
                name="datakind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column(
            "update_rate",
            sa.Enum(
                "NEVER",
                "REAL_TIME",
                "DAILY",
                "WEEKLY",
                "MONTHLY",
                "QUARTERLY",
                "YEARLY",
                "IRREGULAR",
                name="update",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column(
            "level",
            sa.Enum(
                "core",
                "important",
                "general-4",
                "general-3",
                "general-2",
                "general-1",
                name="level",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "share",
            sa.Enum(
                "UNCONDITIONAL",
                "CONDITIONAL",
                "NOT_SHARED",
                name="sharekind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("share_reason", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("sla_wd", sa.Integer(), nullable=True),
        sa.Column("resource_sha256", sa.Text(), nullable=True),
        sa.Column("resource_file_id", sa.Text(), nullable=True),
        sa.Column("resource_interface", sa.Text(), nullable=True),
        sa.Column("mounted_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("flag", sa.Text(), nullable=True),
        sa.Column("mount_by", sa.Date(), nullable=True),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        sa.Column("import_id", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("LISTED", "RETIRED", name="listed", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("listed_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("changed_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_registry_data_version")),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_data_agency_id")
        ),
        sa.ForeignKeyConstraint(
            ["resource_file_id"],
            ["registry_list_files.file_id"],
            name=op.f("fk_registry_data_resource_file_id"),
        ),
        sa.ForeignKeyConstraint(
            ["system_id"], ["registry_systems.system_id"], name=op.f("fk_registry_data_system_id")
        ),
        sa.PrimaryKeyConstraint("data_id", name=op.f("pk_registry_data")),
        sa.UniqueConstraint("agency_id", "key", name=op.f("uq_registry_data_agency_id_key")),
    )
    op.create_index(
        op.f("ix_registry_data_resource_file_id"), "registry_data", ["resource_file_id"], unique=False
    )
    op.create_index(op.f("ix_registry_data_system_id"), "registry_data", ["system_id"], unique=False)
    op.create_table(
        "registry_demands",
        sa.Column("demand_id", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("system_id", sa.Text(), nullable=True),
        sa.Column("data_id", sa.Text(), nullable=True),
        sa.Column("owner_id", sa.Text(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        sa.Column("import_id", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "OPEN",
                "MATCHED",
                "RETIRED",
                name="demandstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("listed_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("changed_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status <> 'MATCHED' OR data_id IS NOT NULL", name=op.f("ck_registry_demands_matched_with")
        ),
        sa.CheckConstraint("version >= 1", name=op.f("ck_registry_demands_version")),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_demands_agency_id")
        ),
        sa.ForeignKeyConstraint(
            ["data_id"], ["registry_data.data_id"], name=op.f("fk_registry_demands_data_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_demands_owner_id")
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_demands_provider_id")
        ),
        sa.ForeignKeyConstraint(
            ["system_id"], ["registry_systems.system_id"], name=op.f("fk_registry_demands_system_id")
        ),
        sa.PrimaryKeyConstraint("demand_id", name=op.f("pk_registry_demands")),
        sa.UniqueConstraint("agency_id", "key", name=op.f("uq_registry_demands_agency_id_key")),
    )
    op.create_index(op.f("ix_registry_demands_data_id"), "registry_demands", ["data_id"], unique=False)
    op.create_index(op.f("ix_registry_demands_owner_id"), "registry_demands", ["owner_id"], unique=False)
    op.create_index(
        op.f("ix_registry_demands_provider_id"), "registry_demands", ["provider_id"], unique=False
    )
    op.create_index(op.f("ix_registry_demands_system_id"), "registry_demands", ["system_id"], unique=False)
    op.create_table(
        "registry_list_versions",
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        sa.Column("import_id", sa.Text(), nullable=True),
        sa.Column("until", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("object_id", "version", name=op.f("pk_registry_list_versions")),
    )


def _items() -> None:
    """The dictionary of items, and who claims to be the source of one."""
    op.create_table(
        "registry_items",
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("synonyms", sa.JSON(), nullable=False),
        sa.Column("meaning", sa.Text(), nullable=False),
        sa.Column("value_type", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "PROPOSED",
                "SOURCE_ASSIGNED",
                "CONFIRMED",
                "CONFLICT",
                "RESOLVED",
                "RETIRED",
                name="itemstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=True),
        sa.Column("assigned_by", sa.Text(), nullable=True),
        sa.Column("function_named", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("data_id", sa.Text(), nullable=True),
        sa.Column("rival_id", sa.Text(), nullable=True),
        sa.Column("decide_by", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("proposed_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("changed_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["data_id"], ["registry_data.data_id"], name=op.f("fk_registry_items_data_id")
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by"], ["identity_orgs.org_id"], name=op.f("fk_registry_items_proposed_by")
        ),
        sa.ForeignKeyConstraint(
            ["rival_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_items_rival_id")
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_items_source_id")
        ),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_registry_items")),
    )
    op.create_index(op.f("ix_registry_items_data_id"), "registry_items", ["data_id"], unique=False)
    op.create_index(op.f("ix_registry_items_name_key"), "registry_items", ["name_key"], unique=False)
    op.create_index(op.f("ix_registry_items_rival_id"), "registry_items", ["rival_id"], unique=False)
    op.create_index(op.f("ix_registry_items_source_id"), "registry_items", ["source_id"], unique=False)
    op.create_index(op.f("ix_registry_items_status"), "registry_items", ["status"], unique=False)
    op.create_table(
        "registry_item_claims",
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column("function_named", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("data_id", sa.Text(), nullable=True),
        sa.Column("claimed_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("won", sa.Boolean(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_item_claims_agency_id")
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["registry_items.item_id"], name=op.f("fk_registry_item_claims_item_id")
        ),
        sa.PrimaryKeyConstraint("item_id", "agency_id", name=op.f("pk_registry_item_claims")),
    )
    op.create_index(
        op.f("ix_registry_item_claims_agency_id"), "registry_item_claims", ["agency_id"], unique=False
    )


def _shares() -> None:
    """Requests to share, and how often data was had under them."""
    op.create_table(
        "registry_shares",
        sa.Column("share_id", sa.Text(), nullable=False),
        sa.Column("data_id", sa.Text(), nullable=False),
        sa.Column("requester_id", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "SHARE",
                "CORRECTION",
                "BACKFLOW",
                name="sharetype",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("demand_id", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "SUBMITTED",
                "ANSWERED_GRANT",
                "ANSWERED_REFUSE",
                "OVERDUE",
                "ESCALATED",
                "SERVED",
                "CLOSED",
                name="sharestate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("submitted_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("answer_by", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("answered_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("late_answer", sa.Boolean(), nullable=False),
        sa.Column(
            "ground",
            sa.Enum(
                "LAW",
                "BEYOND_DUTY",
                "SECURITY",
                "NOT_HELD",
                "CORRECT_AS_IS",
                name="refusalground",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("chief_id", sa.Text(), nullable=True),
        sa.Column("contested", sa.Boolean(), nullable=False),
        sa.Column("escalated_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("serve_by", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("served_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("served_sha256", sa.Text(), nullable=True),
        sa.Column("late_service", sa.Boolean(), nullable=False),
        sa.Column("due_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("closed_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["data_id"], ["registry_data.data_id"], name=op.f("fk_registry_shares_data_id")
        ),
        sa.ForeignKeyConstraint(
            ["demand_id"], ["registry_demands.demand_id"], name=op.f("fk_registry_shares_demand_id")
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_shares_provider_id")
        ),
        sa.ForeignKeyConstraint(
            ["requester_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_shares_requester_id")
        ),
        sa.PrimaryKeyConstraint("share_id", name=op.f("pk_registry_shares")),
    )
    op.create_index(op.f("ix_registry_shares_data_id"), "registry_shares", ["data_id"], unique=False)
    op.create_index(op.f("ix_registry_shares_demand_id"), "registry_shares", ["demand_id"], unique=False)
    op.create_index(op.f("ix_registry_shares_provider_id"), "registry_shares", ["provider_id"], unique=False)
    op.create_index(
        op.f("ix_registry_shares_requester_id"), "registry_shares", ["requester_id"], unique=False
    )
    op.create_index(op.f("ix_registry_shares_status"), "registry_shares", ["status"], unique=False)
    op.create_table(
        "registry_share_uses",
        sa.Column("share_id", sa.Text(), nullable=False),
        sa.Column("used_on", sa.Date(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("took_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["share_id"], ["registry_shares.share_id"], name=op.f("fk_registry_share_uses_share_id")
        ),
        sa.PrimaryKeyConstraint("share_id", "used_on", name=op.f("pk_registry_share_uses")),
    )


def _censuses() -> None:
    """Censuses and what agencies returned; imports and the rows that were not taken."""
    op.create_table(
        "registry_censuses",
        sa.Column("census_id", sa.Text(), nullable=False),
        sa.Column("authority_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("opened_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("closed_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_censuses_authority_id")
        ),
        sa.PrimaryKeyConstraint("census_id", name=op.f("pk_registry_censuses")),
    )
    op.create_table(
        "registry_census_returns",
        sa.Column("census_id", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column("said_systems", sa.Integer(), nullable=True),
        sa.Column("said_entries", sa.Integer(), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=True),
        sa.Column("returned_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_census_returns_agency_id")
        ),
        sa.ForeignKeyConstraint(
            ["census_id"], ["registry_censuses.census_id"], name=op.f("fk_registry_census_returns_census_id")
        ),
        sa.PrimaryKeyConstraint("census_id", "agency_id", name=op.f("pk_registry_census_returns")),
    )
    op.create_index(
        op.f("ix_registry_census_returns_agency_id"), "registry_census_returns", ["agency_id"], unique=False
    )
    op.create_table(
        "registry_imports",
        sa.Column("import_id", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.Text(), nullable=False),
        sa.Column("list_name", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("headings", sa.JSON(), nullable=False),
        sa.Column("ignored", sa.JSON(), nullable=False),
        sa.Column("good", sa.Integer(), nullable=False),
        sa.Column("bad", sa.Integer(), nullable=False),
        sa.Column("rows_file_id", sa.Text(), nullable=True),
        sa.Column("rows_sha256", sa.Text(), nullable=False),
        sa.Column("read_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("entered_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("added", sa.Integer(), nullable=True),
        sa.Column("changed", sa.Integer(), nullable=True),
        sa.Column("unchanged", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["identity_orgs.org_id"], name=op.f("fk_registry_imports_agency_id")
        ),
        sa.ForeignKeyConstraint(
            ["rows_file_id"], ["registry_list_files.file_id"], name=op.f("fk_registry_imports_rows_file_id")
        ),
        sa.PrimaryKeyConstraint("import_id", name=op.f("pk_registry_imports")),
    )
    op.create_index(op.f("ix_registry_imports_agency_id"), "registry_imports", ["agency_id"], unique=False)
    op.create_index(
        op.f("ix_registry_imports_rows_file_id"), "registry_imports", ["rows_file_id"], unique=False
    )
    op.create_table(
        "registry_import_faults",
        sa.Column("import_id", sa.Text(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("heading", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["registry_imports.import_id"], name=op.f("fk_registry_import_faults_import_id")
        ),
        sa.PrimaryKeyConstraint("import_id", "row_number", name=op.f("pk_registry_import_faults")),
    )
