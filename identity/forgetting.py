"""What identity keeps of openings, emptied when an opening is erased."""

from collections.abc import Collection
from datetime import datetime

from sqlmodel import col, delete, or_, update

from base.db import WriteSession
from identity.tables import OrganisationRow, PreparedRow


async def forget_controller(s: WriteSession, *, org_id: str) -> None:
    """Who controls an organisation, and what else was said of it when it was admitted."""
    await s.exec(
        update(OrganisationRow).where(col(OrganisationRow.org_id) == org_id).values(controller_id=None)
    )


async def forget_prepared(s: WriteSession, *, object_ids: Collection[str], now: datetime) -> None:
    """Acts about these objects that were prepared for a signature and are used or have expired."""
    over = or_(col(PreparedRow.used_at).is_not(None), col(PreparedRow.expires_at) <= now)
    await s.exec(delete(PreparedRow).where(col(PreparedRow.object_id).in_(object_ids), over))
