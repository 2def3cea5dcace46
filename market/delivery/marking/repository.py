"""What is asked about marked copies."""

from collections.abc import Sequence

import orjson
from sqlmodel import col, select

from base.db import ReadSession
from market.delivery.errors import CopyBeingMade
from market.delivery.marking.tables import Mark, MarkState
from market.orders import repository as trades
from market.orders.tables import Trade


async def mark_of(s: ReadSession, *, entitlement_id: str) -> Mark | None:
    """The mark of a delivery, where its contract allows one."""
    return await s.get(Mark, entitlement_id, populate_existing=True)


async def mark_of_trade(s: ReadSession, *, trade_id: str) -> Mark | None:
    """The mark of a trade's delivery, where its contract allows one."""
    return (await s.exec(select(Mark).where(Mark.trade_id == trade_id))).first()


async def require_made(s: ReadSession, *, entitlement_id: str) -> Mark | None:
    """The mark, once it is known whether there is one. Raises CopyBeingMade."""
    mark = await mark_of(s, entitlement_id=entitlement_id)
    if mark is not None and mark.status is MarkState.PENDING:
        raise CopyBeingMade("the buyer's own copy is being made", entitlement_id=entitlement_id)
    return mark


async def marked_copies(s: ReadSession) -> Sequence[tuple[Mark, Trade]]:
    """Every marked copy with its trade, in the order of the deliveries."""
    query = select(Mark, Trade).join(Trade, col(Trade.trade_id) == col(Mark.trade_id))
    query = query.where(Mark.status == MarkState.MARKED)
    return (await s.exec(query.order_by(col(Mark.entitlement_id)))).all()


async def sold_sha256(s: ReadSession, *, entitlement_id: str, sha256: str) -> str:
    """The digest of what was sold: of a marked copy that of its source, by which the contract knows it."""
    mark = await mark_of(s, entitlement_id=entitlement_id)
    return sha256 if mark is None else mark.source_sha256


async def tolerant_columns(s: ReadSession, *, trade_id: str) -> tuple[str, ...]:
    """The columns that a trade's contract lets be marked; none of a contract that was erased."""
    contract = await trades.get_contract(s, trade_id=trade_id)
    if contract is None or not contract.document:
        return ()
    return tuple(orjson.loads(contract.document)["delivery"].get("marking", ()))
