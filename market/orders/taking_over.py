"""A client takes over from its broker what is being negotiated: the broker is out of it at once.

Where the certificate is suspended or lost nobody need wait: the client goes on by itself, with the
offers as they stand and without a commission. What is agreed stays with its broker, whose reward is earned.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import and_, or_
from sqlmodel import col, select, update

from base.db import ReadSession, WriteSession
from brokers.errors import MandateWrongRole
from brokers.mandates.moving import move
from brokers.mandates.repository import terms_of
from brokers.repository import claim_mandate, get_mandate
from brokers.states import MandateEvent, mandate_may_move
from brokers.tables import MandateRow
from identity.service import require_member
from ledger.recording import Act
from market.orders.errors import TradeMovedOn
from market.orders.repository import claim_trade
from market.orders.states import TradeState
from market.orders.tables import Trade

RUNNING: Final = (TradeState.INQUIRED, TradeState.NEGOTIATING)


async def running_under(s: ReadSession, mandate: MandateRow) -> list[str]:
    """The ids of the trades that the broker negotiates for this client under the mandate, frozen ones too."""
    client = Trade.seller_id if mandate.side == "PROVIDER" else Trade.buyer_id
    states = [state.value for state in RUNNING]
    query = select(Trade.trade_id).where(
        Trade.broker_id == mandate.broker_id,
        Trade.broker_side == mandate.side,
        client == mandate.client_id,
        or_(
            col(Trade.status).in_(RUNNING),
            and_(col(Trade.status) == TradeState.FROZEN, col(Trade.frozen_from).in_(states)),
        ),
    )
    if mandate.listing_id is not None:
        query = query.where(Trade.listing_id == mandate.listing_id)
    return list(await s.exec(query.order_by(Trade.trade_id)))


async def take_over(s: WriteSession, act: Act, *, mandate_id: str) -> MandateRow:
    """Take over what the broker negotiates for one under a mandate (MND.TAKE_OVER), which ends with that.

    The statement names every trade, in which the broker has no seat from then on. Trades are locked before
    their mandate, so one that begins in between is found only now, and the client asks again.

    Raises MandateUnknown, MandateWrongRole, MandateWrongState, TradeMovedOn, `member-not-active`.
    """
    seen = await get_mandate(s, mandate_id=mandate_id)
    if (act.actor.org_id, act.role) != (seen.client_id, seen.side):
        raise MandateWrongRole("the mandate is between others", role=act.role)
    trades = [await claim_trade(s, trade_id=trade_id) for trade_id in await running_under(s, seen)]
    row = await claim_mandate(s, mandate_id=mandate_id)
    mandate_may_move(row.status, MandateEvent.TAKE_OVER, act.role)
    if begun := set(await running_under(s, row)) - {trade.trade_id for trade in trades}:
        raise TradeMovedOn("a trade has begun under the mandate in between", trades=sorted(begun))
    await require_member(s, org_id=row.client_id)
    taken = [trade.trade_id for trade in trades if _runs(trade)]
    await _without_broker(s, taken, broker_id=row.broker_id)
    terms = await terms_of(s, mandate_id=mandate_id)
    return await move(s, act, row, MandateEvent.TAKE_OVER, terms, said={"trades": taken})


def _runs(trade: Trade) -> bool:
    """Asked again under the lock: it may have been agreed in between."""
    return trade.status in RUNNING or trade.frozen_from in {state.value for state in RUNNING}


async def _without_broker(s: WriteSession, trade_ids: Sequence[str], *, broker_id: str) -> None:
    changed = await s.exec(
        update(Trade)
        .where(col(Trade.trade_id).in_(trade_ids), col(Trade.broker_id) == broker_id)
        .values(broker_id=None, broker_side=None, mandate_id=None)
    )
    if changed.rowcount != len(trade_ids):
        raise TradeMovedOn("a trade has moved on", trades=list(trade_ids))
