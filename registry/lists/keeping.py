"""How an entry of the lists is kept: its versions, whose it is, that it is listed once, what is stated."""

from collections.abc import Mapping
from typing import Any, TypeVar

from sqlmodel import col, select

from base.db import WriteSession, exclusive_lock
from identity.service import require_member
from ledger.recording import Act, Recorded, record
from ledger.statement import Draft
from registry.lists import repository
from registry.lists.contents import content_of
from registry.lists.errors import (
    EntryChanged,
    EntryListedBefore,
    EntryRetired,
    ListMalformed,
    ListWrongRole,
)
from registry.lists.rules import MAX_TEXT, Listed, content_digest
from registry.lists.states import AGENCY
from registry.lists.tables import DataRow, DemandRow, SystemRow, VersionRow

EntryT = TypeVar("EntryT", SystemRow, DataRow, DemandRow)
Entry = SystemRow | DataRow | DemandRow


async def own_agency(s: WriteSession, act: Act) -> str:
    """The agency that acts, share-locked; its acts here go one by one. ListWrongRole, `member-not-active`."""
    if act.role not in AGENCY:
        raise ListWrongRole("an agency keeps its own lists", role=act.role, roles=sorted(AGENCY))
    await require_member(s, org_id=act.actor.org_id)
    await repository.in_turn(s, act.actor.org_id)
    return act.actor.org_id


def check_own(act: Act, agency_id: str) -> None:
    """That the entry is the actor's own. Raises ListWrongRole."""
    if act.role not in AGENCY or act.actor.org_id != agency_id:
        raise ListWrongRole("another agency keeps this entry", agency_id=agency_id)


def check_standing(row: Entry) -> None:
    """That an entry was not retired. Raises EntryRetired."""
    if row.status.value == Listed.RETIRED.value:
        raise EntryRetired("the entry was retired", id=id_of(row))


def check_version(row: Entry, version: int) -> None:
    """That a change began at the newest version of what stands. Raises EntryRetired, EntryChanged."""
    check_standing(row)
    if row.version != version:
        raise EntryChanged("the entry has changed meanwhile", id=id_of(row), version=row.version)


def words(text: str, name: str = "reason") -> str:
    """A text of a bounded length, with something in it. Raises ListMalformed."""
    said = text.strip()
    if not 1 <= len(said) <= MAX_TEXT:
        raise ListMalformed("a text of one to two thousand characters", fields=[name])
    return said


def id_of(row: Entry) -> str:
    """The id of an entry of any list."""
    if isinstance(row, SystemRow):
        return row.system_id
    return row.data_id if isinstance(row, DataRow) else row.demand_id


async def listed_as(s: WriteSession, table: type[EntryT], agency_id: str, key: str) -> EntryT | None:
    """The retired entry of an agency's key, locked, to come back; None where there never was one.

    Raises EntryListedBefore where it stands.
    """
    query = exclusive_lock(select(table).where(col(table.agency_id) == agency_id, col(table.key) == key))
    row: EntryT | None = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is not None and row.status.value != Listed.RETIRED.value:
        raise EntryListedBefore("this agency has listed it before", id=id_of(row))
    return row


async def say(s: WriteSession, act: Act, row: EntryT, key: str, values: Mapping[str, Any]) -> None:
    """Store what an entry says now as its next version; what it said before is kept.

    Raises ListMalformed where it says nothing new, EntryListedBefore where another has the key.
    """
    if row.key != key:
        table = type(row)
        other = select(table).where(col(table.agency_id) == row.agency_id, col(table.key) == key)
        if (await s.exec(other)).first() is not None:
            raise EntryListedBefore("this agency has listed it before", key=key)
        row.key = key
    before = content_of(row) if row.version else None
    stood = row.status.value != Listed.RETIRED.value
    if before is not None:
        s.add(
            VersionRow(
                object_id=id_of(row),
                version=row.version,
                content=before,
                content_sha256=row.content_sha256,
                import_id=row.import_id,
                until=act.occurred_at,
            )
        )
    for name, value in values.items():
        setattr(row, name, value)
    content = content_of(row)
    if stood and content == before:
        raise ListMalformed("this changes nothing", fields=[])
    row.content_sha256 = content_digest(content)
    row.version += 1
    row.import_id = None
    row.changed_at = act.occurred_at
    s.add(row)
    await s.flush()


async def state(
    s: WriteSession, act: Act, event: str, row: Entry, public: Mapping[str, Any] | None = None
) -> Recorded:
    """State what an entry says now; its words are in the opening."""
    shown = {"agency_id": row.agency_id, "version": row.version, **(public or {})}
    return await record(s, act, Draft(event, id_of(row), public=shown, opening={"entry": content_of(row)}))


async def retire(s: WriteSession, act: Act, event: str, row: EntryT, reason: str, **public: Any) -> EntryT:
    """Retire an entry that is locked, and say why."""
    said = words(reason)
    row.status = type(row.status).RETIRED
    row.changed_at = act.occurred_at
    s.add(row)
    await s.flush()
    shown = {"agency_id": row.agency_id, "version": row.version, **public}
    await record(s, act, Draft(event, id_of(row), public=shown, opening={"reason": said}))
    return row
