"""A client takes over from its broker what is not concluded yet: the broker is out of it at once.

Where the certificate is suspended or lost nobody need wait: the client goes on by itself, with the
offers as they stand and without a commission. What is agreed stays with a broker that is certified, whose
reward is earned on settlement: nobody walks around it (Civil Code 965), and its signature is not waited for
any more (`market.orders.lasting`). One without a certificate has brought about no contract (963, 964).
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import and_, or_
from sqlmodel import col, select, update

from base.db import ReadSession, WriteSession
from brokers.errors import MandateWrongRole, MandateWrongState
from brokers.mandates.moving import move
from brokers.mandates.repository import terms_of
from brokers.repository import certificate_in_use, claim_mandate, get_mandate
from brokers.rules import IN_FORCE
from brokers.states import MandateEvent, MandateState, mandate_may_move
from brokers.tables import MandateRow
from identity.service import require_member
from ledger.recording import Act
from market.orders.errors import TradeMovedOn
from market.orders.repository import claim_trade
from market.orders.states import TradeState
from market.orders.tables import Trade

RUNNING: Final = (TradeState.INQUIRED, TradeState.NEGOTIATING)
AWAITS_SIGNATURES: Final = (TradeState.CONTRACT_READY,)
_DISABLED: Final = frozenset({MandateState.FROZEN, MandateState.TERMINATED_BY_CERT_LOSS})


def reach_of(mandate: MandateState, *, certified: bool) -> tuple[TradeState, ...]:
    """The states a take-over reaches, by the mandate's state and whether the broker can act at all. Pure.

    Under a mandate that was taken over before: what stood still then, once it goes on. What was agreed stays
    with a broker that is certified, however the mandate has ended since.
    """
    if mandate is MandateState.TAKEN_OVER:
        return () if certified else AWAITS_SIGNATURES
    disabled = mandate in _DISABLED or not certified
    return RUNNING + AWAITS_SIGNATURES if disabled else RUNNING


async def running_under(s: ReadSession, mandate: MandateRow, reach: Sequence[TradeState]) -> list[str]:
    """The ids of the trades under the mandate that a take-over reaches; of what is negotiated, frozen too."""
    client = Trade.seller_id if mandate.side == "PROVIDER" else Trade.buyer_id
    frozen = [state.value for state in reach if state in RUNNING]
    query = select(Trade.trade_id).where(
        Trade.broker_id == mandate.broker_id,
        Trade.broker_side == mandate.side,
        client == mandate.client_id,
        or_(
            col(Trade.status).in_(reach),
            and_(col(Trade.status) == TradeState.FROZEN, col(Trade.frozen_from).in_(frozen)),
        ),
    )
    if mandate.listing_id is not None:
        query = query.where(Trade.listing_id == mandate.listing_id)
    return list(await s.exec(query.order_by(Trade.trade_id)))


async def take_over(s: WriteSession, act: Act, *, mandate_id: str) -> tuple[MandateRow, list[Trade]]:
    """Take over what the broker does for one under a mandate (MND.TAKE_OVER), which ends with that.

    The statement names every trade, in which the broker has no seat from then on. Answers those as well
    whose contract has to be drawn up anew. Trades are locked before their mandate, so one that begins in
    between is found only now, and the client asks again.

    Raises MandateUnknown, MandateWrongRole, MandateWrongState, TradeMovedOn, `member-not-active`.
    """
    seen = await get_mandate(s, mandate_id=mandate_id)
    if (act.actor.org_id, act.role) != (seen.client_id, seen.side):
        raise MandateWrongRole("the mandate is between others", role=act.role)
    held = await certificate_in_use(s, org_id=seen.broker_id, at=act.now)
    certified = held is not None and held.status in IN_FORCE and act.now <= held.valid_to
    reach = reach_of(seen.status, certified=certified)
    trades = [await claim_trade(s, trade_id=trade_id) for trade_id in await running_under(s, seen, reach)]
    row = await claim_mandate(s, mandate_id=mandate_id)
    mandate_may_move(row.status, MandateEvent.TAKE_OVER, act.role)
    if row.status is not seen.status:
        raise TradeMovedOn("the mandate has moved on in between", mandate_id=mandate_id)
    if begun := set(await running_under(s, row, reach)) - {trade.trade_id for trade in trades}:
        raise TradeMovedOn("a trade has begun under the mandate in between", trades=sorted(begun))
    await require_member(s, org_id=row.client_id)
    taken = [trade for trade in trades if _is_reached(trade, reach)]
    if row.status is MandateState.TAKEN_OVER and not taken:
        raise MandateWrongState("there is nothing more to take over", mandate_id=mandate_id)
    ids = [trade.trade_id for trade in taken]
    await _without_broker(s, taken, broker_id=row.broker_id)
    terms = await terms_of(s, mandate_id=mandate_id)
    row = await move(s, act, row, MandateEvent.TAKE_OVER, terms, said={"trades": ids})
    return row, [trade for trade in taken if trade.status in AWAITS_SIGNATURES]


def _is_reached(trade: Trade, reach: Sequence[TradeState]) -> bool:
    """Asked again under the lock: it may have moved on in between."""
    frozen = {state.value for state in reach if state in RUNNING}
    return trade.status in reach or trade.frozen_from in frozen


async def _without_broker(s: WriteSession, trades: Sequence[Trade], *, broker_id: str) -> None:
    ids = [trade.trade_id for trade in trades]
    changed = await s.exec(
        update(Trade)
        .where(col(Trade.trade_id).in_(ids), col(Trade.broker_id) == broker_id)
        .values(broker_id=None, broker_side=None, mandate_id=None)
    )
    if changed.rowcount != len(ids):
        raise TradeMovedOn("a trade has moved on", trades=ids)
    for trade in trades:
        await s.refresh(trade)
