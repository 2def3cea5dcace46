"""Systems: entered, changed, retired by the agency that runs them; and the links between them."""

from sqlmodel import col, select

from base.calendar import shanghai_day
from base.db import WriteSession
from ledger.recording import Act
from registry.lists import repository
from registry.lists.contents import system_values
from registry.lists.errors import EntryInUse, LinkBroken
from registry.lists.keeping import (
    check_own,
    check_standing,
    check_version,
    listed_as,
    own_agency,
    retire,
    say,
    state,
)
from registry.lists.rules import DemandState, Listed, SystemEntry, check_circle, check_system, key_of
from registry.lists.tables import DataRow, DemandRow, SystemRow


async def enter_system(s: WriteSession, act: Act, *, system: SystemEntry) -> SystemRow:
    """List a system (SYS.ENTER), as the agency that runs it; one that was retired comes back.

    Raises ListMalformed, LinkBroken, EntryListedBefore, ListWrongRole, `member-not-active`.
    """
    agency_id = await own_agency(s, act)
    check_system(system, shanghai_day(act.now))
    key, values = key_of(system.code, system.name), system_values(system)
    new_id = act.new_id("sys")
    row = await listed_as(s, SystemRow, agency_id, key)
    await check_parent(s, agency_id, row.system_id if row else new_id, system.parent_id)
    row = row or SystemRow(
        system_id=new_id,
        agency_id=agency_id,
        key=key,
        version=0,
        status=Listed.RETIRED,
        listed_at=act.occurred_at,
        content_sha256="",
        **values,
    )
    await say(s, act, row, key, {**values, "status": Listed.LISTED})
    await state(s, act, "SYS.ENTER", row, {"parent_id": row.parent_id})
    return row


async def change_system(
    s: WriteSession, act: Act, *, system_id: str, version: int, system: SystemEntry
) -> SystemRow:
    """Say a system anew (SYS.CHANGE), from its newest `version` on.

    Raises EntryChanged, EntryRetired, and what `enter_system` does.
    """
    row = await repository.claim_system(s, system_id=system_id)
    check_own(act, row.agency_id)
    check_version(row, version)
    check_system(system, shanghai_day(act.now))
    await check_parent(s, row.agency_id, system_id, system.parent_id)
    await say(s, act, row, key_of(system.code, system.name), system_values(system))
    await state(s, act, "SYS.CHANGE", row, {"parent_id": row.parent_id})
    return row


async def retire_system(s: WriteSession, act: Act, *, system_id: str, reason: str) -> SystemRow:
    """Take a system off the list (SYS.RETIRE). Raises EntryInUse while data, systems, demands hang on it."""
    row = await repository.claim_system(s, system_id=system_id)
    check_own(act, row.agency_id)
    check_standing(row)
    for query in (
        select(DataRow.data_id).where(DataRow.system_id == system_id, DataRow.status == Listed.LISTED),
        select(SystemRow.system_id).where(
            SystemRow.parent_id == system_id, SystemRow.status == Listed.LISTED
        ),
        select(DemandRow.demand_id).where(
            DemandRow.system_id == system_id, DemandRow.status != DemandState.RETIRED
        ),
    ):
        hanging = (await s.exec(query.limit(1))).first()
        if hanging is not None:
            raise EntryInUse("an entry hangs on this system", system_id=system_id, entry=hanging)
    return await retire(s, act, "SYS.RETIRE", row, reason)


async def check_parent(s: WriteSession, agency_id: str, own_id: str, parent_id: str | None) -> None:
    """What stands above a system is a listed one of the agency, and no way up leads back. LinkBroken.

    The agency's systems are locked in order, so that two changes at once close no circle.
    """
    if parent_id is None:
        return
    mine = select(SystemRow.system_id).where(SystemRow.agency_id == agency_id)
    await s.exec(mine.order_by(col(SystemRow.system_id)).with_for_update())
    await check_system_link(s, agency_id, parent_id)
    check_circle(own_id, parent_id, await repository.parents_of(s, agency_id=agency_id))


async def check_system_link(s: WriteSession, agency_id: str, system_id: str | None) -> None:
    """A link to a system names a listed one of the agency, share-locked. Raises LinkBroken."""
    if system_id is None:
        return
    query = select(SystemRow).where(SystemRow.system_id == system_id).with_for_update(read=True)
    row = (await s.exec(query)).first()
    if row is None or row.agency_id != agency_id or row.status is not Listed.LISTED:
        raise LinkBroken("no such system of this agency is listed", system_id=system_id)
