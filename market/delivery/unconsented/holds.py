"""Who holds a right to receive, so that it stands still: a person's fallen consent, or an incident's order.

A right lives again when nobody holds it any more; so whoever lets go asks the others, in whatever order they
came. What stops the trade itself (freeze, suspension, dispute) stands in the trade's status.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlmodel import col, delete, select

from base.db import ReadSession, WriteSession, exclusive_lock, share_lock
from market.delivery.errors import ListingNotDeliverable
from market.delivery.repository import STOPPED, claim, entitlement_of
from market.delivery.rules import EntitlementStatus
from market.delivery.tables import Entitlement
from market.delivery.unconsented.tables import ConsentHold, ProductStop
from market.listings.tables import Product
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


async def stop_product(s: WriteSession, *, product_id: str, by: str, at: datetime) -> bool:
    """Let no delivery of a product begin until this order, which the caller states, is taken back.

    Also of contracts whose offer was withdrawn before. The product is locked: what begins at this moment has
    begun before, and is seen by who asks for it afterwards. False where there is no such product.
    """
    locked = exclusive_lock(select(Product.product_id).where(Product.product_id == product_id))
    if (await s.exec(locked)).first() is None:
        return False
    await s.merge(ProductStop(product_id=product_id, order_id=by, stopped_at=at))
    await s.flush()
    return True


async def free_product(s: WriteSession, *, by: str) -> None:
    """Take an order off whatever it lets no delivery begin of."""
    await s.exec(delete(ProductStop).where(col(ProductStop.order_id) == by))


async def require_not_stopped(s: WriteSession, *, product_id: str) -> None:
    """No order lets no delivery of this product begin. Raises ListingNotDeliverable."""
    await s.exec(share_lock(select(Product.product_id).where(Product.product_id == product_id)))
    query = select(ProductStop.order_id).where(ProductStop.product_id == product_id).limit(1)
    order_id = (await s.exec(query)).first()
    if order_id is not None:
        raise ListingNotDeliverable(
            "an incident's order has stopped the deliveries of this product",
            product_id=product_id,
            order_id=order_id,
        )


async def _right(s: WriteSession, trade_id: str) -> Entitlement | None:
    found = await entitlement_of(s, trade_id=trade_id)
    if found is None:
        return None
    return (await claim(s, entitlement_id=found.entitlement_id, moves_trade=False))[1]
