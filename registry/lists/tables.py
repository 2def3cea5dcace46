"""What is kept of the lists: entries with versions, items and claims, share requests, censuses, imports."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Integer,
    Text,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from registry.lists.rules import BaseLibrary, DataKind, DemandState, Listed, ShareKind
from registry.lists.sharing_rules import RefusalGround, ShareType
from registry.lists.states import ItemState, ShareState
from registry.registration.rules import Update
from registry.rules import Level


def _org(*, index: bool = True) -> Column[str]:
    return Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=index)


def _maybe(target: str) -> Column[str | None]:
    return Column(Text, ForeignKey(target), nullable=True, index=True)


def _text() -> Column[str]:
    return Column(Text, nullable=False)


def _at() -> Column[datetime]:
    return Column(UtcDateTime, nullable=False)


def _maybe_at() -> Column[datetime | None]:
    return Column(UtcDateTime, nullable=True)


class ListFileRow(SQLModel, table=True):
    """A file that an agency brought, to be mounted or imported. Its bytes are in the object store."""

    __tablename__ = "registry_list_files"
    __table_args__ = (
        CheckConstraint("bytes > 0", name="not_empty"),
        CheckConstraint("length(sha256) = 64", name="digest"),
    )

    file_id: str = Field(sa_column=Column(Text, primary_key=True))
    owner_id: str = Field(sa_column=_org())
    bytes: int = Field(sa_column=Column(BigInteger, nullable=False))
    sha256: str = Field(sa_column=_text())
    name: str = Field(sa_column=_text())
    media_type: str = Field(sa_column=_text())
    stored_at: datetime = Field(sa_column=_at())


class SystemRow(SQLModel, table=True):
    """An information system of an agency (系统清单), in its newest version."""

    __tablename__ = "registry_systems"
    __table_args__ = (
        UniqueConstraint("agency_id", "key"),
        CheckConstraint("version >= 1", name="version"),
    )

    system_id: str = Field(sa_column=Column(Text, primary_key=True))
    agency_id: str = Field(sa_column=_org(index=False))
    key: str = Field(sa_column=_text())
    name: str = Field(sa_column=_text())
    code: str = Field(sa_column=_text())
    purpose: str = Field(sa_column=_text())
    region: str = Field(sa_column=_text())
    host: str = Field(sa_column=_text())
    since: date | None = Field(default=None, sa_column=Column(Date))
    capability: str = Field(default="", sa_column=_text())
    parent_id: str | None = Field(default=None, sa_column=_maybe("registry_systems.system_id"))
    content_sha256: str = Field(sa_column=_text())
    import_id: str | None = Field(default=None, sa_column=Column(Text))
    version: int = Field(sa_column=Column(Integer, nullable=False))
    status: Listed = Field(sa_column=Column(text_enum(Listed), nullable=False))
    listed_at: datetime = Field(sa_column=_at())
    changed_at: datetime = Field(sa_column=_at())


class DataRow(SQLModel, table=True):
    """An entry of the data list (数据清单), in its newest version, with how it is shared.

    `fields` is a list of {name, type, meaning, item_id, personal}. It is mounted where there is a
    `resource_sha256` with its `resource_file_id`, or a `resource_interface`; else `flag` says why not.
    """

    __tablename__ = "registry_data"
    __table_args__ = (
        UniqueConstraint("agency_id", "key"),
        CheckConstraint("version >= 1", name="version"),
    )

    data_id: str = Field(sa_column=Column(Text, primary_key=True))
    agency_id: str = Field(sa_column=_org(index=False))
    system_id: str | None = Field(default=None, sa_column=_maybe("registry_systems.system_id"))
    key: str = Field(sa_column=_text())
    name: str = Field(sa_column=_text())
    code: str = Field(default="", sa_column=_text())
    abstract: str = Field(sa_column=_text())
    theme: str = Field(default="", sa_column=_text())
    base_library: BaseLibrary | None = Field(
        default=None, sa_column=Column(text_enum(BaseLibrary), nullable=True)
    )
    kind: DataKind = Field(sa_column=Column(text_enum(DataKind), nullable=False))
    region: str = Field(sa_column=_text())
    update: Update = Field(sa_column=Column("update_rate", text_enum(Update), nullable=False))
    fields: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    level: Level = Field(sa_column=Column(text_enum(Level), nullable=False))
    share: ShareKind = Field(sa_column=Column(text_enum(ShareKind), nullable=False))
    share_reason: str = Field(default="", sa_column=_text())
    service: str = Field(default="", sa_column=_text())
    sla_wd: int | None = Field(default=None, sa_column=Column(Integer))
    resource_sha256: str | None = Field(default=None, sa_column=Column(Text))
    resource_file_id: str | None = Field(default=None, sa_column=_maybe("registry_list_files.file_id"))
    resource_interface: str | None = Field(default=None, sa_column=Column(Text))
    mounted_at: datetime | None = Field(default=None, sa_column=_maybe_at())
    flag: str | None = Field(default=None, sa_column=Column(Text))
    mount_by: date | None = Field(default=None, sa_column=Column(Date))
    content_sha256: str = Field(sa_column=_text())
    import_id: str | None = Field(default=None, sa_column=Column(Text))
    version: int = Field(sa_column=Column(Integer, nullable=False))
    status: Listed = Field(sa_column=Column(text_enum(Listed), nullable=False))
    listed_at: datetime = Field(sa_column=_at())
    changed_at: datetime = Field(sa_column=_at())


class DemandRow(SQLModel, table=True):
    """An entry of the demand list (需求清单): matched with a data entry, or a gap with owner and date."""

    __tablename__ = "registry_demands"
    __table_args__ = (
        UniqueConstraint("agency_id", "key"),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("status <> 'MATCHED' OR data_id IS NOT NULL", name="matched_with"),
    )

    demand_id: str = Field(sa_column=Column(Text, primary_key=True))
    agency_id: str = Field(sa_column=_org(index=False))
    key: str = Field(sa_column=_text())
    name: str = Field(sa_column=_text())
    code: str = Field(default="", sa_column=_text())
    purpose: str = Field(sa_column=_text())
    fields: list[str] = Field(sa_column=Column(JSON, nullable=False))
    provider_id: str | None = Field(default=None, sa_column=_maybe("identity_orgs.org_id"))
    system_id: str | None = Field(default=None, sa_column=_maybe("registry_systems.system_id"))
    data_id: str | None = Field(default=None, sa_column=_maybe("registry_data.data_id"))
    owner_id: str | None = Field(default=None, sa_column=_maybe("identity_orgs.org_id"))
    due_on: date | None = Field(default=None, sa_column=Column(Date))
    content_sha256: str = Field(sa_column=_text())
    import_id: str | None = Field(default=None, sa_column=Column(Text))
    version: int = Field(sa_column=Column(Integer, nullable=False))
    status: DemandState = Field(sa_column=Column(text_enum(DemandState), nullable=False))
    listed_at: datetime = Field(sa_column=_at())
    changed_at: datetime = Field(sa_column=_at())


class VersionRow(SQLModel, table=True):
    """What an entry said in a version that is no longer the newest."""

    __tablename__ = "registry_list_versions"

    object_id: str = Field(sa_column=Column(Text, primary_key=True))
    version: int = Field(sa_column=Column(Integer, primary_key=True))
    content: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    content_sha256: str = Field(sa_column=_text())
    import_id: str | None = Field(default=None, sa_column=Column(Text))
    until: datetime = Field(sa_column=_at())


class ItemRow(SQLModel, table=True):
    """An item of the dictionary and its one source (一数一源).

    `assigned_by` is the organisation whose word made the source; the other of the two confirms it.
    """

    __tablename__ = "registry_items"

    item_id: str = Field(sa_column=Column(Text, primary_key=True))
    code: str = Field(sa_column=_text())
    name: str = Field(sa_column=_text())
    name_key: str = Field(sa_column=Column(Text, nullable=False, index=True))
    synonyms: list[str] = Field(sa_column=Column(JSON, nullable=False))
    meaning: str = Field(sa_column=_text())
    value_type: str = Field(sa_column=_text())
    status: ItemState = Field(sa_column=Column(text_enum(ItemState), nullable=False, index=True))
    proposed_by: str = Field(sa_column=_org(index=False))
    source_id: str | None = Field(default=None, sa_column=_maybe("identity_orgs.org_id"))
    assigned_by: str | None = Field(default=None, sa_column=Column(Text))
    function: str = Field(default="", sa_column=Column("function_named", Text, nullable=False))
    basis: str = Field(default="", sa_column=_text())
    data_id: str | None = Field(default=None, sa_column=_maybe("registry_data.data_id"))
    rival_id: str | None = Field(default=None, sa_column=_maybe("identity_orgs.org_id"))
    decide_by: datetime | None = Field(default=None, sa_column=_maybe_at())
    proposed_at: datetime = Field(sa_column=_at())
    changed_at: datetime = Field(sa_column=_at())


class ItemClaimRow(SQLModel, table=True):
    """An agency's word that it is the source of an item; `won` is None while that is open."""

    __tablename__ = "registry_item_claims"

    item_id: str = Field(sa_column=Column(Text, ForeignKey("registry_items.item_id"), primary_key=True))
    agency_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), primary_key=True, index=True)
    )
    function: str = Field(sa_column=Column("function_named", Text, nullable=False))
    basis: str = Field(sa_column=_text())
    data_id: str | None = Field(default=None, sa_column=Column(Text))
    claimed_at: datetime = Field(sa_column=_at())
    won: bool | None = Field(default=None, sa_column=Column(Boolean))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    decided_at: datetime | None = Field(default=None, sa_column=_maybe_at())


class ShareRow(SQLModel, table=True):
    """A share request (共享申请). `late_answer` and `late_service` count against the provider."""

    __tablename__ = "registry_shares"

    share_id: str = Field(sa_column=Column(Text, primary_key=True))
    data_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_data.data_id"), nullable=False, index=True)
    )
    requester_id: str = Field(sa_column=_org())
    provider_id: str = Field(sa_column=_org())
    kind: ShareType = Field(sa_column=Column(text_enum(ShareType), nullable=False))
    demand_id: str | None = Field(default=None, sa_column=_maybe("registry_demands.demand_id"))
    purpose: str = Field(sa_column=_text())
    basis: str = Field(sa_column=_text())
    fields: list[str] = Field(sa_column=Column(JSON, nullable=False))
    status: ShareState = Field(sa_column=Column(text_enum(ShareState), nullable=False, index=True))
    submitted_at: datetime = Field(sa_column=_at())
    answer_by: datetime | None = Field(default=None, sa_column=_maybe_at())
    answered_at: datetime | None = Field(default=None, sa_column=_maybe_at())
    late_answer: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    ground: RefusalGround | None = Field(
        default=None, sa_column=Column(text_enum(RefusalGround), nullable=True)
    )
    answer: str | None = Field(default=None, sa_column=Column(Text))
    chief_id: str | None = Field(default=None, sa_column=Column(Text))
    contested: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    escalated_at: datetime | None = Field(default=None, sa_column=_maybe_at())
    serve_by: datetime | None = Field(default=None, sa_column=_maybe_at())
    served_at: datetime | None = Field(default=None, sa_column=_maybe_at())
    served_sha256: str | None = Field(default=None, sa_column=Column(Text))
    late_service: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    due_at: datetime | None = Field(default=None, sa_column=_maybe_at())
    closed_at: datetime | None = Field(default=None, sa_column=_maybe_at())


class ShareUseRow(SQLModel, table=True):
    """How often data was had under a share on a day, how much, how often not, and how long it took (R16)."""

    __tablename__ = "registry_share_uses"

    share_id: str = Field(sa_column=Column(Text, ForeignKey("registry_shares.share_id"), primary_key=True))
    day: date = Field(sa_column=Column("used_on", Date, primary_key=True))
    calls: int = Field(sa_column=Column(Integer, nullable=False))
    failed: int = Field(sa_column=Column(Integer, nullable=False))
    bytes: int = Field(sa_column=Column(BigInteger, nullable=False))
    took_ms: int = Field(sa_column=Column(BigInteger, nullable=False))


class CensusRow(SQLModel, table=True):
    """A census (普查): which agencies return their lists by when."""

    __tablename__ = "registry_censuses"

    census_id: str = Field(sa_column=Column(Text, primary_key=True))
    authority_id: str = Field(sa_column=_org(index=False))
    name: str = Field(sa_column=_text())
    due_on: date = Field(sa_column=Column(Date, nullable=False))
    opened_at: datetime = Field(sa_column=_at())
    closed_at: datetime | None = Field(default=None, sa_column=_maybe_at())


class CensusReturnRow(SQLModel, table=True):
    """An agency of a census: how many systems and entries it says it has, and what its lists showed then."""

    __tablename__ = "registry_census_returns"

    census_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_censuses.census_id"), primary_key=True)
    )
    agency_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), primary_key=True, index=True)
    )
    said_systems: int | None = Field(default=None, sa_column=Column(Integer))
    said_entries: int | None = Field(default=None, sa_column=Column(Integer))
    facts: dict[str, int] | None = Field(default=None, sa_column=Column(JSON))
    returned_at: datetime | None = Field(default=None, sa_column=_maybe_at())


class ImportRow(SQLModel, table=True):
    """A file of list rows: read (nothing is listed yet), then entered by a signed act, once.

    `rows_file_id` holds the good rows as they were read; `rows_sha256` is the digest over them in order.
    """

    __tablename__ = "registry_imports"

    import_id: str = Field(sa_column=Column(Text, primary_key=True))
    agency_id: str = Field(sa_column=_org())
    list_name: str = Field(sa_column=_text())
    file_sha256: str = Field(sa_column=_text())
    file_name: str = Field(sa_column=_text())
    form: str = Field(sa_column=_text())
    headings: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    ignored: list[str] = Field(sa_column=Column(JSON, nullable=False))
    good: int = Field(sa_column=Column(Integer, nullable=False))
    bad: int = Field(sa_column=Column(Integer, nullable=False))
    rows_file_id: str | None = Field(default=None, sa_column=_maybe("registry_list_files.file_id"))
    rows_sha256: str = Field(sa_column=_text())
    read_at: datetime = Field(sa_column=_at())
    entered_at: datetime | None = Field(default=None, sa_column=_maybe_at())
    added: int | None = Field(default=None, sa_column=Column(Integer))
    changed: int | None = Field(default=None, sa_column=Column(Integer))
    unchanged: int | None = Field(default=None, sa_column=Column(Integer))


class ImportFaultRow(SQLModel, table=True):
    """A row of an imported file that was not taken: where, in which column, why."""

    __tablename__ = "registry_import_faults"

    import_id: str = Field(sa_column=Column(Text, ForeignKey("registry_imports.import_id"), primary_key=True))
    row: int = Field(sa_column=Column("row_number", Integer, primary_key=True))
    heading: str = Field(sa_column=_text())
    why: str = Field(sa_column=_text())
