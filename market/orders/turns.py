"""The trades in which something may be somebody's turn, with what tells whose it is: in three questions."""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from sqlalchemy import or_
from sqlmodel import col, select

from base.db import ReadSession
from market.orders.states import TradeState
from market.orders.tables import ContractSignature, Offer, Trade

RUNNING: Final = frozenset(
    {
        TradeState.INQUIRED,
        TradeState.NEGOTIATING,
        TradeState.CONTRACT_READY,
        TradeState.CONTRACTED,
        TradeState.FUNDED,
        TradeState.DELIVERING,
        TradeState.DELIVERED,
        TradeState.DISPUTED,
        TradeState.SETTLED,
    }
)
"""The states in which a party can be asked to do something."""


class Turn(NamedTuple):
    """A trade, the offer on its table, and whether the organisation that asks has signed."""

    trade: Trade
    latest: Offer | None
    has_signed: bool


async def running_of(
    s: ReadSession, *, org_id: str, statuses: Collection[TradeState] = RUNNING, limit: int = 50
) -> Sequence[Turn]:
    """An organisation's trades in these states, newest first."""
    query = (
        select(Trade, Offer)
        .outerjoin(
            Offer,
            (col(Offer.trade_id) == col(Trade.trade_id)) & (col(Offer.offer_no) == col(Trade.offer_no)),
        )
        .where(
            or_(
                col(Trade.seller_id) == org_id, col(Trade.buyer_id) == org_id, col(Trade.broker_id) == org_id
            ),
            col(Trade.status).in_(sorted(statuses)),
        )
        .order_by(col(Trade.trade_id).desc())
        .limit(min(limit, 100))
    )
    rows = (await s.exec(query)).all()
    ready = [trade.trade_id for trade, _ in rows if trade.status is TradeState.CONTRACT_READY]
    signed: set[str] = set()
    if ready:
        of_ours = select(ContractSignature.trade_id).where(
            col(ContractSignature.trade_id).in_(ready), ContractSignature.org_id == org_id
        )
        signed = set((await s.exec(of_ours)).all())
    return [Turn(trade, latest, trade.trade_id in signed) for trade, latest in rows]
