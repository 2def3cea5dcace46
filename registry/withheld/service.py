"""A fallen consent withholds what may carry the person; a record shown to lack the person lets it go."""

from collections.abc import Collection
from datetime import datetime

from sqlmodel import col, select

from base.db import ReadSession, WriteSession
from registry.withheld.tables import WithheldRow


async def withhold(
    s: WriteSession,
    *,
    given_id: str,
    object_id: str,
    holder_id: str,
    since: datetime,
    recipients: Collection[str] = (),
    abroad: bool = False,
) -> None:
    """From now on nothing rests on the holder's records of this object; the caller states it."""
    s.add(
        WithheldRow(
            given_id=given_id,
            object_id=object_id,
            holder_id=holder_id,
            recipients=sorted(recipients),
            abroad=abroad,
            since=since,
        )
    )
    await s.flush()


async def let_go(s: WriteSession, *, given_id: str, recorded_at: datetime) -> None:
    """Records from this moment on carry again: one of it was shown to lack the person."""
    row = await s.get(WithheldRow, given_id, populate_existing=True)
    if row is not None and (row.free_since is None or recorded_at < row.free_since):
        row.free_since = recorded_at
        s.add(row)
        await s.flush()


async def withheld_by(
    s: ReadSession,
    *,
    object_id: str,
    holder_id: str,
    recorded_at: datetime | None,
    recipients: Collection[str] = (),
    abroad: bool = False,
) -> str | None:
    """The id of a fallen consent for which a record of this moment carries nothing; None where none does.

    Without a record (`recorded_at` None) whatever was shown since lets it go. One that names recipients is
    asked of those; one that concerns what goes abroad alone where something would go there (`abroad`).
    """
    query = select(WithheldRow).where(
        WithheldRow.object_id == object_id,
        WithheldRow.holder_id == holder_id,
        col(WithheldRow.abroad).is_(abroad),
    )
    for row in (await s.exec(query.order_by(col(WithheldRow.given_id)))).all():
        free = row.free_since is not None and (recorded_at is None or row.free_since <= recorded_at)
        if not free and (not row.recipients or set(row.recipients) & set(recipients)):
            return row.given_id
    return None
