"""Who holds a right to receive, so that it stands still: a person's fallen consent, or an incident's order.

A right lives again when nobody holds it any more; so whoever lets go asks the others, in whatever order they
came. What stops the trade itself (freeze, suspension, dispute) stands in the trade's status.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlmodel import col, delete, select

from base.db import ReadSession, WriteSession
from market.delivery.repository import STOPPED, claim, entitlement_of
from market.delivery.rules import EntitlementStatus
from market.delivery.tables import Entitlement
from market.delivery.unconsented.tables import ConsentHold
from market.orders.rules import TradeState
from market.orders.tables import Trade
from registry.grading.errors import ConsentMissing

_NOT_OVER: Final = frozenset({EntitlementStatus.ACTIVE, EntitlementStatus.USED_UP, EntitlementStatus.FROZEN})
_A_PERSONS: Final = "sgc_"
_AN_ORDERS: Final = "ino_"
INCIDENT: Final = "INCIDENT"
"""The reason of a delivery that an incident's order stops."""


async def is_held(s: ReadSession, *, entitlement_id: str) -> bool:
    """Whether a right to receive stands still on anybody's account."""
    query = select(ConsentHold.given_id).where(ConsentHold.entitlement_id == entitlement_id).limit(1)
    return (await s.exec(query)).first() is not None


async def require_not_held(s: ReadSession, *, trade_id: str) -> None:
    """What a trade sold carries nobody who has withdrawn. Raises ConsentMissing."""
    query = select(ConsentHold.given_id).join(
        Entitlement, col(Entitlement.entitlement_id) == col(ConsentHold.entitlement_id)
    )
    persons = Entitlement.trade_id == trade_id, col(ConsentHold.given_id).startswith(_A_PERSONS)
    given_id = (await s.exec(query.where(*persons).limit(1))).first()
    if given_id is not None:
        raise ConsentMissing("a person has withdrawn", given_id=given_id, why="withdrawn-by-a-person")


async def order_holding(s: ReadSession, *, trade_id: str) -> str | None:
    """The first incident's order that holds the right of a trade; None where none does."""
    query = (
        select(ConsentHold.given_id)
        .join(Entitlement, col(Entitlement.entitlement_id) == col(ConsentHold.entitlement_id))
        .where(Entitlement.trade_id == trade_id, col(ConsentHold.given_id).startswith(_AN_ORDERS))
    )
    return (await s.exec(query.order_by(col(ConsentHold.given_id)).limit(1))).first()


async def hold_right(s: WriteSession, *, trade_id: str, by: str, at: datetime) -> bool:
    """Hold the right to receive of a trade that the caller has locked, by an order that it has stated.

    Held besides by others or not; False where there is no right, it is over, or this order holds it already.
    """
    right = await _right(s, trade_id)
    if right is None or right.status not in _NOT_OVER:
        return False
    if await s.get(ConsentHold, (right.entitlement_id, by)) is not None:
        return False
    s.add(ConsentHold(entitlement_id=right.entitlement_id, given_id=by, held_at=at))
    right.status = EntitlementStatus.FROZEN
    s.add(right)
    await s.flush()
    return True


async def release_right(s: WriteSession, *, trade_id: str, by: str) -> None:
    """Take an order's hold off a trade's right: it lives again where nothing else stops it."""
    right = await _right(s, trade_id)
    if right is not None:
        await release(s, right, by=by)


async def release(s: WriteSession, right: Entitlement, *, by: str) -> None:
    """Take one hold off a right that is locked; it lives again where nobody holds it, nor its trade stops."""
    gone = col(ConsentHold.entitlement_id) == right.entitlement_id, col(ConsentHold.given_id) == by
    await s.exec(delete(ConsentHold).where(*gone))
    trade = await s.get(Trade, right.trade_id, populate_existing=True)
    assert trade is not None  # a foreign key
    if (
        trade.status in STOPPED
        or right.status is not EntitlementStatus.FROZEN
        or await is_held(s, entitlement_id=right.entitlement_id)
    ):
        return
    spent = right.used == right.max_downloads
    right.status = EntitlementStatus.USED_UP if spent else EntitlementStatus.ACTIVE
    s.add(right)
    await s.flush()


async def not_held_by(s: ReadSession, *, product_id: str, by: str, limit: int) -> Sequence[str]:
    """The trades of a product whose right to receive is not over, but those of deliveries under way.

    Also of what another has suspended or frozen already, for that may end first; not of what `by` holds.
    """
    held = select(ConsentHold.entitlement_id).where(ConsentHold.given_id == by)
    query = (
        select(Trade.trade_id)
        .join(Entitlement, col(Entitlement.trade_id) == col(Trade.trade_id))
        .where(
            Trade.product_id == product_id,
            Trade.status != TradeState.DELIVERING,
            col(Entitlement.status).in_(_NOT_OVER),
            col(Entitlement.entitlement_id).not_in(held),
        )
    )
    return (await s.exec(query.order_by(col(Trade.trade_id)).limit(limit))).all()


async def _right(s: WriteSession, trade_id: str) -> Entitlement | None:
    found = await entitlement_of(s, trade_id=trade_id)
    if found is None:
        return None
    return (await claim(s, entitlement_id=found.entitlement_id, moves_trade=False))[1]
