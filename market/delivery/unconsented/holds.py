"""Whether a person's fallen consent holds a right to receive: asked by whatever lets one live."""

from sqlmodel import col, select

from base.db import ReadSession
from market.delivery.tables import Entitlement
from market.delivery.unconsented.tables import ConsentHold
from registry.grading.errors import ConsentMissing


async def is_held(s: ReadSession, *, entitlement_id: str) -> bool:
    """Whether a right to receive stands still on a person's account."""
    query = select(ConsentHold.given_id).where(ConsentHold.entitlement_id == entitlement_id).limit(1)
    return (await s.exec(query)).first() is not None


async def require_not_held(s: ReadSession, *, trade_id: str) -> None:
    """What a trade sold carries nobody who has withdrawn. Raises ConsentMissing."""
    query = select(ConsentHold.given_id).join(
        Entitlement, col(Entitlement.entitlement_id) == col(ConsentHold.entitlement_id)
    )
    given_id = (await s.exec(query.where(Entitlement.trade_id == trade_id).limit(1))).first()
    if given_id is not None:
        raise ConsentMissing("a person has withdrawn", given_id=given_id, why="withdrawn-by-a-person")
