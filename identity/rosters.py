"""Who holds a role, and who is locked for an act that rests on him or her."""

from sqlmodel import col, select

from base.db import ReadSession, share_lock
from identity.repository import MAX_PAGE, Organisation, Person, organisation_of, person_of
from identity.tables import OrganisationRow, PersonRow


async def organisations_in_role(
    s: ReadSession, *, role: str, after: str | None = None, limit: int = MAX_PAGE
) -> list[Organisation]:
    """Members that have a role, active or not, in the order of their ids, after an id."""
    query = select(OrganisationRow).where(col(OrganisationRow.roles).contains(f'"{role}"'))
    if after is not None:
        query = query.where(OrganisationRow.org_id > after)
    query = query.order_by(OrganisationRow.org_id).limit(min(limit, MAX_PAGE))
    return [organisation_of(row) for row in await s.exec(query)]


async def lock_person(s: ReadSession, *, user_id: str) -> Person | None:
    """One person as he or she is now, share-locked: the login is not closed while an act rests on it."""
    query = share_lock(select(PersonRow).where(PersonRow.user_id == user_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    return None if row is None else person_of(row)
