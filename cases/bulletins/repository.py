"""What is asked about bulletins."""

from collections.abc import Collection, Sequence

from sqlmodel import col, func, select

from base.db import ReadSession, WriteSession, exclusive_lock
from cases.bulletins.errors import BulletinUnknown
from cases.bulletins.tables import AddresseeRow, BulletinRow, SubscriptionRow

MAX_PAGE = 100


async def get_bulletin(s: ReadSession, *, bulletin_id: str) -> BulletinRow:
    """A bulletin by id. Raises BulletinUnknown."""
    row = await s.get(BulletinRow, bulletin_id, populate_existing=True)
    if row is None:
        raise BulletinUnknown("no such bulletin", bulletin_id=bulletin_id)
    return row


async def claim_bulletin(s: WriteSession, *, bulletin_id: str) -> BulletinRow:
    """A bulletin, locked until the transaction ends. Raises BulletinUnknown."""
    query = exclusive_lock(select(BulletinRow).where(BulletinRow.bulletin_id == bulletin_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise BulletinUnknown("no such bulletin", bulletin_id=bulletin_id)
    return row


async def bulletins(
    s: ReadSession,
    *,
    reader_id: str | None = None,
    issued_by: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Sequence[BulletinRow]:
    """Bulletins, newest first: addressed to a reader, or issued by an organisation, or (with neither) all."""
    query = select(BulletinRow).order_by(col(BulletinRow.bulletin_id).desc()).limit(min(limit, MAX_PAGE))
    if reader_id is not None:
        mine = select(AddresseeRow.bulletin_id).where(AddresseeRow.org_id == reader_id)
        found = col(BulletinRow.bulletin_id).in_(mine)
        query = query.where(found if issued_by is None else found | (BulletinRow.issued_by == issued_by))
    if after is not None:
        query = query.where(col(BulletinRow.bulletin_id) < after)
    return (await s.exec(query)).all()


async def addressee(s: ReadSession, *, bulletin_id: str, org_id: str) -> AddresseeRow | None:
    """A member that a bulletin is for, if it is."""
    return await s.get(AddresseeRow, (bulletin_id, org_id), populate_existing=True)


async def receipts_of(
    s: ReadSession, *, bulletin_ids: Collection[str], org_id: str
) -> dict[str, AddresseeRow]:
    """Of these bulletins those that are for a member, with its receipt, by their ids."""
    query = select(AddresseeRow).where(
        col(AddresseeRow.bulletin_id).in_(bulletin_ids), AddresseeRow.org_id == org_id
    )
    return {row.bulletin_id: row for row in (await s.exec(query)).all()}


async def addressees(s: ReadSession, *, bulletin_id: str, waiting: bool = False) -> Sequence[AddresseeRow]:
    """Whom a bulletin is for; `waiting`: who has not stated the receipt."""
    query = select(AddresseeRow).where(AddresseeRow.bulletin_id == bulletin_id)
    if waiting:
        query = query.where(col(AddresseeRow.received_at).is_(None))
    return (await s.exec(query.order_by(col(AddresseeRow.org_id)))).all()


async def count_received(s: ReadSession, *, bulletin_ids: Collection[str]) -> dict[str, int]:
    """How many have stated the receipt of each of these bulletins."""
    received = col(AddresseeRow.bulletin_id).in_(bulletin_ids), col(AddresseeRow.received_at).is_not(None)
    query = select(AddresseeRow.bulletin_id, func.count()).where(*received)
    counted = dict((await s.exec(query.group_by(col(AddresseeRow.bulletin_id)))).all())
    return {one: counted.get(one, 0) for one in bulletin_ids}


async def subscription_of(s: ReadSession, *, org_id: str) -> SubscriptionRow | None:
    """A member's subscription, if one stands."""
    row = await s.get(SubscriptionRow, org_id, populate_existing=True)
    return row if row is not None and row.ended_at is None else None


async def subscriptions(s: ReadSession) -> dict[str, list[str]]:
    """The sectors of every subscription that stands, by member."""
    query = select(SubscriptionRow).where(col(SubscriptionRow.ended_at).is_(None))
    return {row.org_id: row.sectors for row in (await s.exec(query)).all()}
