"""Who controls whom, by the exchange's own pseudonyms of ultimate controllers."""

from collections.abc import Collection
from typing import Final

from sqlmodel import col, select

from base.db import ReadSession
from identity.tables import OrganisationRow

_AT_ONCE: Final = 500


async def controllers_of(s: ReadSession, *, org_ids: Collection[str]) -> dict[str, str]:
    """The ultimate controllers of these organisations by id; who has none on record is left out."""
    found: dict[str, str] = {}
    ids = sorted(org_ids)
    for begin in range(0, len(ids), _AT_ONCE):
        query = select(OrganisationRow.org_id, OrganisationRow.controller_id).where(
            col(OrganisationRow.org_id).in_(ids[begin : begin + _AT_ONCE])
        )
        found |= {org_id: controller for org_id, controller in await s.exec(query) if controller}
    return found
