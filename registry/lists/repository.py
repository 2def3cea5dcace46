"""What is asked about the lists."""

import hashlib
from collections.abc import Collection, Sequence
from typing import Any, TypeVar

from sqlalchemy import Text, cast
from sqlalchemy import text as sql
from sqlmodel import SQLModel, col, func, select

from base.db import ReadSession, WriteSession, exclusive_lock, share_lock
from base.errors import NotFound
from registry.lists.errors import (
    CensusUnknown,
    DataEntryUnknown,
    DemandUnknown,
    ImportUnknown,
    ItemUnknown,
    ShareUnknown,
    SystemUnknown,
)
from registry.lists.rules import BaseLibrary, DataKind, DemandState, Listed, ShareKind
from registry.lists.sharing_rules import ShareType
from registry.lists.states import ItemState, ShareState
from registry.lists.tables import (
    CensusReturnRow,
    CensusRow,
    DataRow,
    DemandRow,
    ImportFaultRow,
    ImportRow,
    ItemClaimRow,
    ItemRow,
    ListFileRow,
    ShareRow,
    SystemRow,
    VersionRow,
)

RowT = TypeVar("RowT", bound=SQLModel)


async def _get(s: ReadSession, table: type[RowT], own_id: str, missing: type[NotFound]) -> RowT:
    row = await s.get(table, own_id, populate_existing=True)
    if row is None:
        raise missing(missing.title.lower(), id=own_id)
    return row


async def _claimed(
    s: WriteSession, table: type[RowT], key: Any, own_id: str, missing: type[NotFound]
) -> RowT:
    query = exclusive_lock(select(table).where(key == own_id))
    row: RowT | None = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise missing(missing.title.lower(), id=own_id)
    return row


async def system(s: ReadSession, *, system_id: str) -> SystemRow:
    """A system by id. Raises SystemUnknown."""
    return await _get(s, SystemRow, system_id, SystemUnknown)


async def claim_system(s: WriteSession, *, system_id: str) -> SystemRow:
    """A system, locked. Raises SystemUnknown."""
    return await _claimed(s, SystemRow, col(SystemRow.system_id), system_id, SystemUnknown)


async def data_entry(s: ReadSession, *, data_id: str) -> DataRow:
    """An entry of the data list by id, also one that was retired. Raises DataEntryUnknown."""
    return await _get(s, DataRow, data_id, DataEntryUnknown)


async def claim_data_entry(s: WriteSession, *, data_id: str) -> DataRow:
    """An entry of the data list, locked against every act that rests on it. Raises DataEntryUnknown."""
    return await _claimed(s, DataRow, col(DataRow.data_id), data_id, DataEntryUnknown)


async def resting_on_entry(s: ReadSession, *, data_id: str) -> DataRow:
    """An entry, share-locked for an act that depends on it. Raises DataEntryUnknown."""
    query = share_lock(select(DataRow).where(DataRow.data_id == data_id))
    row: DataRow | None = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise DataEntryUnknown("no such data entry", id=data_id)
    return row


async def demand(s: ReadSession, *, demand_id: str) -> DemandRow:
    """A demand by id. Raises DemandUnknown."""
    return await _get(s, DemandRow, demand_id, DemandUnknown)


async def claim_demand(s: WriteSession, *, demand_id: str) -> DemandRow:
    """A demand, locked. Raises DemandUnknown."""
    return await _claimed(s, DemandRow, col(DemandRow.demand_id), demand_id, DemandUnknown)


async def item(s: ReadSession, *, item_id: str) -> ItemRow:
    """An item of the dictionary by id. Raises ItemUnknown."""
    return await _get(s, ItemRow, item_id, ItemUnknown)


async def claim_item(s: WriteSession, *, item_id: str) -> ItemRow:
    """An item, locked. Raises ItemUnknown."""
    return await _claimed(s, ItemRow, col(ItemRow.item_id), item_id, ItemUnknown)


async def share(s: ReadSession, *, share_id: str) -> ShareRow:
    """A share request by id. Raises ShareUnknown."""
    return await _get(s, ShareRow, share_id, ShareUnknown)


async def claim_share(s: WriteSession, *, share_id: str) -> ShareRow:
    """A share request, locked. Raises ShareUnknown."""
    return await _claimed(s, ShareRow, col(ShareRow.share_id), share_id, ShareUnknown)


async def census(s: ReadSession, *, census_id: str) -> CensusRow:
    """A census by id. Raises CensusUnknown."""
    return await _get(s, CensusRow, census_id, CensusUnknown)


async def claim_census(s: WriteSession, *, census_id: str) -> CensusRow:
    """A census, locked. Raises CensusUnknown."""
    return await _claimed(s, CensusRow, col(CensusRow.census_id), census_id, CensusUnknown)


async def import_of(s: ReadSession, *, import_id: str) -> ImportRow:
    """An import by id. Raises ImportUnknown."""
    return await _get(s, ImportRow, import_id, ImportUnknown)


async def claim_import(s: WriteSession, *, import_id: str) -> ImportRow:
    """An import, locked. Raises ImportUnknown."""
    return await _claimed(s, ImportRow, col(ImportRow.import_id), import_id, ImportUnknown)


async def list_file(s: ReadSession, *, file_id: str) -> ListFileRow | None:
    """A file that an agency brought."""
    return await s.get(ListFileRow, file_id)


async def systems(
    s: ReadSession,
    *,
    agency_id: str | None = None,
    status: Listed | None = Listed.LISTED,
    after: str | None = None,
    limit: int = 50,
) -> Sequence[SystemRow]:
    """Systems, newest first: of an agency, in a status (None: also the retired)."""
    query = select(SystemRow)
    if agency_id is not None:
        query = query.where(SystemRow.agency_id == agency_id)
    if status is not None:
        query = query.where(SystemRow.status == status)
    if after is not None:
        query = query.where(col(SystemRow.system_id) < after)
    return (await s.exec(query.order_by(col(SystemRow.system_id).desc()).limit(limit))).all()


async def data_of(
    s: ReadSession, *, agency_id: str, status: Listed | None = Listed.LISTED
) -> Sequence[DataRow]:
    """All data entries of an agency, oldest first; they may be many: `data_entries` goes page by page."""
    query = select(DataRow).where(DataRow.agency_id == agency_id)
    if status is not None:
        query = query.where(DataRow.status == status)
    return (await s.exec(query.order_by(col(DataRow.data_id)))).all()


async def data_entries(
    s: ReadSession,
    *,
    agency_id: str | None = None,
    system_id: str | None = None,
    kind: DataKind | None = None,
    base_library: BaseLibrary | None = None,
    share: ShareKind | None = None,
    theme: str | None = None,
    mounted: bool | None = None,
    words: str = "",
    status: Listed | None = Listed.LISTED,
    after: str | None = None,
    limit: int = 50,
) -> Sequence[DataRow]:
    """Data entries, newest first. `words` stand in the name; `mounted`: with a real resource, or without."""
    query = select(DataRow)
    for column, wanted in (
        (DataRow.agency_id, agency_id),
        (DataRow.system_id, system_id),
        (DataRow.kind, kind),
        (DataRow.base_library, base_library),
        (DataRow.share, share),
        (DataRow.theme, theme or None),
        (DataRow.status, status),
    ):
        if wanted is not None:
            query = query.where(col(column) == wanted)
    if mounted is not None:
        at = col(DataRow.mounted_at)
        query = query.where(at.is_not(None) if mounted else at.is_(None))
    for word in words.split():
        query = query.where(col(DataRow.name).contains(word, autoescape=True))
    if after is not None:
        query = query.where(col(DataRow.data_id) < after)
    return (await s.exec(query.order_by(col(DataRow.data_id).desc()).limit(limit))).all()


async def demands(
    s: ReadSession,
    *,
    agency_id: str | None = None,
    owner_id: str | None = None,
    data_id: str | None = None,
    status: DemandState | None = None,
    standing: bool = False,
    after: str | None = None,
    limit: int = 50,
) -> Sequence[DemandRow]:
    """Demands, newest first: of an agency, seen to by one, met by an entry; `standing`: none retired."""
    query = select(DemandRow)
    for column, wanted in (
        (DemandRow.agency_id, agency_id),
        (DemandRow.owner_id, owner_id),
        (DemandRow.data_id, data_id),
        (DemandRow.status, status),
    ):
        if wanted is not None:
            query = query.where(col(column) == wanted)
    if standing:
        query = query.where(DemandRow.status != DemandState.RETIRED)
    if after is not None:
        query = query.where(col(DemandRow.demand_id) < after)
    return (await s.exec(query.order_by(col(DemandRow.demand_id).desc()).limit(limit))).all()


async def versions_of(s: ReadSession, *, object_id: str) -> Sequence[VersionRow]:
    """What an entry said before, oldest first."""
    query = select(VersionRow).where(VersionRow.object_id == object_id)
    return (await s.exec(query.order_by(col(VersionRow.version)))).all()


async def items(
    s: ReadSession,
    *,
    source_id: str | None = None,
    states: Collection[ItemState] = (),
    words: str = "",
    after: str | None = None,
    limit: int = 50,
) -> Sequence[ItemRow]:
    """Items of the dictionary, newest first: of a source, in these states, with these words in the name."""
    query = select(ItemRow)
    if source_id is not None:
        query = query.where(ItemRow.source_id == source_id)
    if states:
        query = query.where(col(ItemRow.status).in_(sorted(states)))
    for word in words.split():
        query = query.where(col(ItemRow.name).contains(word, autoescape=True))
    if after is not None:
        query = query.where(col(ItemRow.item_id) < after)
    return (await s.exec(query.order_by(col(ItemRow.item_id).desc()).limit(limit))).all()


async def standing_items(s: ReadSession) -> Sequence[ItemRow]:
    """Every item that was not retired: what a proposal is compared with."""
    query = select(ItemRow).where(ItemRow.status != ItemState.RETIRED)
    return (await s.exec(query.order_by(col(ItemRow.item_id)))).all()


async def items_named(s: ReadSession, *, item_ids: Collection[str]) -> dict[str, ItemRow]:
    """Items by id; an unknown one is left out."""
    if not item_ids:
        return {}
    rows = (await s.exec(select(ItemRow).where(col(ItemRow.item_id).in_(sorted(item_ids))))).all()
    return {row.item_id: row for row in rows}


async def claims_of(s: ReadSession, *, item_id: str) -> Sequence[ItemClaimRow]:
    """Who said to be the source of an item, in the order they did."""
    query = select(ItemClaimRow).where(ItemClaimRow.item_id == item_id)
    return (await s.exec(query.order_by(col(ItemClaimRow.claimed_at), col(ItemClaimRow.agency_id)))).all()


async def shares(
    s: ReadSession,
    *,
    of: str | None = None,
    provider_id: str | None = None,
    data_id: str | None = None,
    kind: ShareType | None = None,
    states: Collection[ShareState] = (),
    after: str | None = None,
    limit: int = 50,
) -> Sequence[ShareRow]:
    """Share requests, newest first; `of` an organisation: those it made and those it is to answer."""
    query = select(ShareRow)
    if of is not None:
        query = query.where((col(ShareRow.requester_id) == of) | (col(ShareRow.provider_id) == of))
    for column, wanted in (
        (ShareRow.provider_id, provider_id),
        (ShareRow.data_id, data_id),
        (ShareRow.kind, kind),
    ):
        if wanted is not None:
            query = query.where(col(column) == wanted)
    if states:
        query = query.where(col(ShareRow.status).in_(sorted(states)))
    if after is not None:
        query = query.where(col(ShareRow.share_id) < after)
    return (await s.exec(query.order_by(col(ShareRow.share_id).desc()).limit(limit))).all()


async def censuses(s: ReadSession) -> Sequence[CensusRow]:
    """All censuses, newest first."""
    return (await s.exec(select(CensusRow).order_by(col(CensusRow.census_id).desc()))).all()


async def returns_of(s: ReadSession, *, census_id: str) -> Sequence[CensusReturnRow]:
    """The agencies of a census, with what they returned."""
    query = select(CensusReturnRow).where(CensusReturnRow.census_id == census_id)
    return (await s.exec(query.order_by(col(CensusReturnRow.agency_id)))).all()


async def imports(s: ReadSession, *, agency_id: str, limit: int = 20) -> Sequence[ImportRow]:
    """An agency's imports, newest first."""
    query = select(ImportRow).where(ImportRow.agency_id == agency_id)
    return (await s.exec(query.order_by(col(ImportRow.import_id).desc()).limit(limit))).all()


async def faults_of(
    s: ReadSession, *, import_id: str, after: int = 0, limit: int = 200
) -> Sequence[ImportFaultRow]:
    """The rows of an import that were not taken, in the order of the file."""
    query = select(ImportFaultRow).where(
        ImportFaultRow.import_id == import_id, col(ImportFaultRow.row) > after
    )
    return (await s.exec(query.order_by(col(ImportFaultRow.row)).limit(limit))).all()


async def parents_of(s: ReadSession, *, agency_id: str) -> dict[str, str | None]:
    """What stands above each system of an agency."""
    query = select(SystemRow.system_id, SystemRow.parent_id).where(SystemRow.agency_id == agency_id)
    return dict((await s.exec(query)).all())


async def count(s: ReadSession, query: Any) -> int:
    """How many rows a question has."""
    return int((await s.exec(select(func.count()).select_from(query.subquery()))).one())


async def entry_with_item(s: ReadSession, *, item_id: str) -> str | None:
    """A listed entry one of whose fields holds an item, if there is one; JSON is looked through as text."""
    text = cast(col(DataRow.fields), Text)
    query = select(DataRow.data_id).where(DataRow.status == Listed.LISTED, text.contains(item_id))
    return (await s.exec(query.limit(1))).first()


async def in_turn(s: WriteSession, what: str) -> None:
    """Wait for others who enter the same: an agency's lists, the words of the dictionary."""
    if s.get_bind().dialect.name == "postgresql":  # SQLite's one writer has it already
        number = int.from_bytes(hashlib.sha256(f"lists/{what}".encode()).digest()[:8], signed=True)
        await (await s.connection()).execute(sql("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


async def system_names(s: ReadSession, *, system_ids: Collection[str]) -> dict[str, str]:
    """The names of systems by id; an unknown one is left out."""
    if not system_ids:
        return {}
    query = select(SystemRow.system_id, SystemRow.name).where(
        col(SystemRow.system_id).in_(sorted(system_ids))
    )
    return dict((await s.exec(query)).all())
