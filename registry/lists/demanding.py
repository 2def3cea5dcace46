"""Demands: entered, changed, matched with an entry or planned as a gap, retired (需求对接)."""

from datetime import date
from typing import Any

from base.calendar import shanghai_day
from base.db import WriteSession
from identity.service import require_member
from ledger.recording import Act
from registry.lists import repository
from registry.lists.contents import demand_of, demand_values
from registry.lists.entering import check_system_link
from registry.lists.errors import LinkBroken, ListMalformed, ListWrongRole
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
from registry.lists.rules import Demand, DemandState, Listed, check_demand, key_of
from registry.lists.states import AUTHORITY
from registry.lists.tables import DemandRow


async def enter_demand(s: WriteSession, act: Act, *, demand: Demand) -> DemandRow:
    """List what an agency needs (DEM.ENTER): matched with an entry, or a gap.

    Raises ListMalformed, LinkBroken, EntryListedBefore, ListWrongRole, `member-not-active`.
    """
    agency_id = await own_agency(s, act)
    await _check(s, act, agency_id, demand)
    key, values = key_of(demand.code, demand.name), _values(demand)
    new_id = act.new_id("dem")
    row = await listed_as(s, DemandRow, agency_id, key)
    row = row or DemandRow(
        demand_id=new_id,
        agency_id=agency_id,
        key=key,
        version=0,
        status=DemandState.RETIRED,
        listed_at=act.occurred_at,
        content_sha256="",
        **{name: value for name, value in values.items() if name != "status"},
    )
    await say(s, act, row, key, values)
    await state(s, act, "DEM.ENTER", row, demand_facts(row))
    return row


async def change_demand(
    s: WriteSession, act: Act, *, demand_id: str, version: int, demand: Demand
) -> DemandRow:
    """Say a demand anew (DEM.CHANGE), from its newest `version` on. Raises what `enter_demand` does."""
    row = await repository.claim_demand(s, demand_id=demand_id)
    check_own(act, row.agency_id)
    check_version(row, version)
    await _check(s, act, row.agency_id, demand)
    await say(s, act, row, key_of(demand.code, demand.name), _values(demand))
    await state(s, act, "DEM.CHANGE", row, demand_facts(row))
    return row


async def match(s: WriteSession, act: Act, *, demand_id: str, data_id: str) -> DemandRow:
    """Name the entry that meets a demand (DEM.MATCH): its agency, who sees to it, or the data authority.

    Raises LinkBroken where no such entry is listed, ListWrongRole, EntryRetired.
    """
    row = await repository.claim_demand(s, demand_id=demand_id)
    _check_concerned(act, row)
    check_standing(row)
    await _check_data(s, data_id)
    await say(s, act, row, row.key, {"data_id": data_id, "status": DemandState.MATCHED})
    await state(s, act, "DEM.MATCH", row, demand_facts(row))
    return row


async def plan(s: WriteSession, act: Act, *, demand_id: str, owner_id: str, due_on: date) -> DemandRow:
    """Say who sees to an open gap by when (DEM.PLAN): its agency, or the data authority, of any agency.

    Raises ListMalformed for a day that is over, ListWrongRole, `member-not-active`.
    """
    row = await repository.claim_demand(s, demand_id=demand_id)
    _check_concerned(act, row)
    check_standing(row)
    if row.status is DemandState.MATCHED or due_on < shanghai_day(act.now):
        raise ListMalformed("an open gap is planned, for a day to come", fields=["due_on"])
    await require_member(s, org_id=owner_id)
    await say(s, act, row, row.key, {"owner_id": owner_id, "due_on": due_on})
    await state(s, act, "DEM.PLAN", row, demand_facts(row))
    return row


async def retire_demand(s: WriteSession, act: Act, *, demand_id: str, reason: str) -> DemandRow:
    """Take a demand off the list (DEM.RETIRE), as its agency."""
    row = await repository.claim_demand(s, demand_id=demand_id)
    check_own(act, row.agency_id)
    check_standing(row)
    return await retire(s, act, "DEM.RETIRE", row, reason)


def demand_facts(row: DemandRow) -> dict[str, Any]:
    """What is public of a demand."""
    said = demand_of(row)
    return {
        "status": row.status.value,
        "data_id": said.data_id,
        "provider_id": said.provider_id,
        "owner_id": said.owner_id,
        "due_on": said.due_on.isoformat() if said.due_on else None,
    }


def _values(demand: Demand) -> dict[str, Any]:
    status = DemandState.OPEN if demand.data_id is None else DemandState.MATCHED
    return {**demand_values(demand), "status": status}


def _check_concerned(act: Act, row: DemandRow) -> None:
    if act.role not in AUTHORITY and act.actor.org_id not in {row.agency_id, row.owner_id}:
        raise ListWrongRole("its agency, who sees to it, or the data authority", agency_id=row.agency_id)


async def _check(s: WriteSession, act: Act, agency_id: str, demand: Demand) -> None:
    check_demand(demand, shanghai_day(act.now))
    if demand.data_id is None and (demand.owner_id is None) != (demand.due_on is None):
        raise ListMalformed("a gap has an owner and a date, or neither yet", fields=["owner_id", "due_on"])
    await check_system_link(s, agency_id, demand.system_id)
    for org_id in sorted({demand.provider_id, demand.owner_id} - {None}, key=str):
        await require_member(s, org_id=str(org_id))
    if demand.data_id is not None:
        await _check_data(s, demand.data_id)


async def _check_data(s: WriteSession, data_id: str) -> None:
    row = await repository.resting_on_entry(s, data_id=data_id)
    if row.status is not Listed.LISTED:
        raise LinkBroken("no such entry is listed", data_id=data_id)
