"""A census of public data (普查): the data authority opens it, agencies return their lists, it is closed."""

from collections.abc import Sequence
from datetime import date

from sqlmodel import select

from base.calendar import shanghai_day
from base.db import WriteSession
from identity.service import require_member
from ledger.recording import Act, record
from ledger.statement import Draft
from registry.lists import repository
from registry.lists.counting import facts_of
from registry.lists.errors import CensusClosed, LinkBroken, ListMalformed, ListWrongRole
from registry.lists.keeping import check_own
from registry.lists.rules import MAX_NAME, normal
from registry.lists.states import AUTHORITY
from registry.lists.tables import CensusReturnRow, CensusRow

MOST_AGENCIES = 2_000


async def open_census(
    s: WriteSession, act: Act, *, name: str, due_on: date, agency_ids: Sequence[str]
) -> CensusRow:
    """Open a census of these agencies (CEN.OPEN), as the data authority.

    Raises ListMalformed, LinkBroken for who is no agency, ListWrongRole, `member-not-active`.
    """
    _check_authority(act)
    wanted = sorted(set(agency_ids))
    wrong = [
        ("name", not 1 <= len(name) <= MAX_NAME or not normal(name)),
        ("due_on", due_on < shanghai_day(act.now)),
        ("agency_ids", not 1 <= len(wanted) <= MOST_AGENCIES),
    ]
    if any(is_wrong for _, is_wrong in wrong):
        raise ListMalformed(
            "the census is not of its form", fields=[member for member, is_wrong in wrong if is_wrong]
        )
    row = CensusRow(
        census_id=act.new_id("cen"),
        authority_id=act.actor.org_id,
        name=name,
        due_on=due_on,
        opened_at=act.occurred_at,
    )
    s.add(row)
    await s.flush()
    for agency_id in wanted:
        member = await require_member(s, org_id=agency_id)
        if "PUBLIC_AGENCY" not in {role.value for role in member.roles}:
            raise LinkBroken("a census asks agencies", agency_id=agency_id)
        s.add(CensusReturnRow(census_id=row.census_id, agency_id=agency_id))
    await s.flush()
    public = {"name": name, "due_on": due_on.isoformat(), "agencies": len(wanted)}
    await record(s, act, Draft("CEN.OPEN", row.census_id, public=public, opening={"agency_ids": wanted}))
    return row


async def return_lists(
    s: WriteSession, act: Act, *, census_id: str, systems: int, entries: int
) -> CensusReturnRow:
    """Say how many systems and data entries the agency has (CEN.RETURN); what its lists show is kept with it.

    Until the census is closed the last word counts. Raises CensusClosed, ListWrongRole.
    """
    census = await repository.claim_census(s, census_id=census_id)
    agency_id = act.actor.org_id
    check_own(act, agency_id)
    query = select(CensusReturnRow).where(
        CensusReturnRow.census_id == census_id, CensusReturnRow.agency_id == agency_id
    )
    row = (await s.exec(query)).first()
    if census.closed_at is not None or row is None:
        raise CensusClosed("the census is over, or this agency is not in it", census_id=census_id)
    facts = await facts_of(s, agency_id=agency_id, since=census.opened_at, until=act.now)
    row.said_systems, row.said_entries = systems, entries
    row.facts, row.returned_at = facts.document(), act.occurred_at
    s.add(row)
    await s.flush()
    public = {
        "agency_id": agency_id,
        "systems": systems,
        "entries": entries,
        "listed_systems": facts.systems,
        "listed_entries": facts.entries,
        "complete_entries": facts.entries_complete,
        "late": shanghai_day(act.now) > census.due_on,
    }
    await record(s, act, Draft("CEN.RETURN", census_id, public=public))
    return row


async def close_census(s: WriteSession, act: Act, *, census_id: str) -> CensusRow:
    """Close a census (CEN.CLOSE), as the data authority: its returns stand. Raises CensusClosed."""
    _check_authority(act)
    row = await repository.claim_census(s, census_id=census_id)
    if row.closed_at is not None:
        raise CensusClosed("the census is over", census_id=census_id)
    returns = await repository.returns_of(s, census_id=census_id)
    row.closed_at = act.occurred_at
    s.add(row)
    await s.flush()
    missing = [one.agency_id for one in returns if one.returned_at is None]
    public = {"returned": len(returns) - len(missing), "missing": len(missing)}
    await record(s, act, Draft("CEN.CLOSE", census_id, public=public, opening={"missing": missing}))
    return row


def _check_authority(act: Act) -> None:
    if act.role not in AUTHORITY:
        raise ListWrongRole("the data authority holds a census", role=act.role)
