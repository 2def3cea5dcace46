"""Groups of organisations: who is at the top, and who is below it now."""

from typing import Final

from sqlmodel import col, select

from base.db import ReadSession
from identity.repository import get_organisation
from identity.tables import OrganisationRow

_DEEPEST: Final = 32


async def group_of(s: ReadSession, *, org_id: str) -> str:
    """The top of an organisation's group: its controller's controller, and so on; itself without one.

    A controller that is no member, or that closes a ring, is the top.
    """
    seen, top = {org_id}, org_id
    for _ in range(_DEEPEST):
        row = await get_organisation(s, org_id=top)
        above = None if row is None else row.controller_id
        if above is None:
            break
        if above in seen:  # a ring has no top: its first name stands for all of it
            return min(seen)
        seen.add(above)
        top = above
    return top


async def members_of(s: ReadSession, *, org_id: str) -> frozenset[str]:
    """All organisations that are in an organisation's group now, itself among them."""
    found = {await group_of(s, org_id=org_id), org_id}
    fresh = found
    while fresh:
        below = select(OrganisationRow.org_id).where(col(OrganisationRow.controller_id).in_(sorted(fresh)))
        fresh = set((await s.exec(below)).all()) - found
        found = found | fresh
    return frozenset(found)
