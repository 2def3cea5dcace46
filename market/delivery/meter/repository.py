"""What is asked about uses; their entitlement's lock covers them."""

from collections.abc import Sequence
from typing import Final

from sqlmodel import col, select

from base.db import ReadSession
from market.delivery.errors import UseUnknown
from market.delivery.meter.tables import Use

MAX_PAGE: Final = 1000


async def use_by_key(s: ReadSession, *, entitlement_id: str, key: str) -> Use | None:
    """The use that was counted under a caller's key."""
    return (await s.exec(select(Use).where(Use.entitlement_id == entitlement_id, Use.key == key))).first()


async def get_use(s: ReadSession, *, entitlement_id: str, number: int, taken_by: str | None = None) -> Use:
    """One use of a right, by its number; of one taker where it is named. Raises UseUnknown."""
    query = select(Use).where(Use.entitlement_id == entitlement_id, Use.number == number)
    found = (await s.exec(query)).first()
    if found is None or taken_by not in {None, found.taken_by}:
        raise UseUnknown("no such use", entitlement_id=entitlement_id, number=number)
    return found


async def uses_of(
    s: ReadSession, *, entitlement_id: str, after: int = 0, limit: int = 100, taken_by: str | None = None
) -> Sequence[Use]:
    """The uses of a right from a number on, first to last, by keyset; of one taker where it is named."""
    query = select(Use).where(Use.entitlement_id == entitlement_id, col(Use.number) > after)
    if taken_by is not None:
        query = query.where(Use.taken_by == taken_by)
    return (await s.exec(query.order_by(col(Use.number)).limit(min(limit, MAX_PAGE)))).all()
