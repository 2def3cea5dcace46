"""What is asked about trades, and the one door through which a trade's status moves."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, or_
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import col, delete, select, update

from base.db import ReadSession, WriteSession, exclusive_lock
from base.rows import Plan, Select, Update
from brokers.states import MandateState
from brokers.tables import MandateRow
from market.orders.errors import TradeMovedOn, TradeUnknown
from market.orders.rules import TradeEvent, TradeState, check_takeover, check_unfreeze, may_move
from market.orders.states import NOTHING_CAME_OF_IT, OVER
from market.orders.tables import Contract, ContractPolicy, ContractRecipient, ContractSignature, Offer, Trade

# Made once: to compose a question anew costs more than to ask it.
_CLAIM: Final = exclusive_lock(
    select(Trade).where(col(Trade.trade_id) == bindparam("trade_id"))
).execution_options(populate_existing=True)
_CLAIM_OF: Final = _CLAIM.where(
    bindparam("org_id").in_([col(Trade.seller_id), col(Trade.buyer_id), col(Trade.broker_id)])
)
_OFFERS: Final = (
    select(Offer).where(col(Offer.trade_id) == bindparam("trade_id")).order_by(col(Offer.offer_no))
)
_SETTLE: Final = Update(Trade, "status", "settled_at", key="trade_id", expected="status")


async def get_trade(s: ReadSession, *, trade_id: str) -> Trade:
    """The trade. Raises NotFound `trade-unknown`."""
    trade = await s.get(Trade, trade_id, populate_existing=True)
    if trade is None:
        raise TradeUnknown("no such trade", trade_id=trade_id)
    return trade


async def get_trade_of(s: ReadSession, *, trade_id: str, org_id: str) -> Trade:
    """The trade, for one of its parties. To anyone else it does not exist."""
    trade = await get_trade(s, trade_id=trade_id)
    if org_id not in {trade.seller_id, trade.buyer_id, trade.broker_id}:
        raise TradeUnknown("no such trade", trade_id=trade_id)
    return trade


async def claim_trade(s: WriteSession, *, trade_id: str) -> Trade:
    """The trade, locked against every other act on it. Raises TradeUnknown.

    Whoever moves a trade takes this lock first, before the rights the act depends on.
    """
    trade = (await s.exec(_CLAIM, params={"trade_id": trade_id})).first()
    if trade is None:
        raise TradeUnknown("no such trade", trade_id=trade_id)
    return trade


async def claim_trade_of(s: WriteSession, *, trade_id: str, org_id: str) -> Trade:
    """`claim_trade` for one of its parties. To anyone else it does not exist, and is not locked."""
    trade = (await s.exec(_CLAIM_OF, params={"trade_id": trade_id, "org_id": org_id})).first()
    if trade is None:
        raise TradeUnknown("no such trade", trade_id=trade_id)
    return trade


async def move(
    s: WriteSession, *, trade: Trade, event: TradeEvent, role: str, values: dict[str, Any] | None = None
) -> Trade:
    """Move a trade's status by an event of an actor's role, and write `values` in the same UPDATE.

    The row is claimed by the status it is expected in, so of two callers one wins. Raises Conflict
    `trade-wrong-state` when the table of states does not allow it, `trade-moved-on` for the loser.
    """
    target = may_move(trade.status, event, role)
    if target is None:
        raise AssertionError("FREEZE and UNFREEZE name their target: use freeze and unfreeze")
    return await _claim(s, trade, target, values or {})


async def freeze(s: WriteSession, *, trade: Trade, role: str, at: datetime) -> Trade:
    """Stop a trade where it stands and remember where that was, and who stopped it when.

    A trade that the exchange has stopped is taken over: it stands still since then, now by this role.
    """
    may_move(trade.status, TradeEvent.FREEZE, role)
    if trade.status is TradeState.FROZEN:
        check_takeover(frozen_by=trade.frozen_by or role)
        return await _claim(s, trade, TradeState.FROZEN, {"frozen_by": role})
    values = {"frozen_from": trade.status.value, "frozen_by": role, "frozen_at": at}
    return await _claim(s, trade, TradeState.FROZEN, values)


async def unfreeze(
    s: WriteSession, *, trade: Trade, role: str, values: dict[str, Any] | None = None
) -> Trade:
    """Let a frozen trade go on from where it stood; `values` are its moved deadlines."""
    may_move(trade.status, TradeEvent.UNFREEZE, role)
    assert trade.frozen_from is not None
    check_unfreeze(frozen_by=trade.frozen_by or role, role=role)
    melted = {"frozen_from": None, "frozen_by": None, "frozen_at": None}
    return await _claim(s, trade, TradeState(trade.frozen_from), (values or {}) | melted)


async def _claim(s: WriteSession, trade: Trade, target: TradeState, values: dict[str, Any]) -> Trade:
    claimed = await s.exec(
        update(Trade)
        .where(col(Trade.trade_id) == trade.trade_id, col(Trade.status) == trade.status)
        .values(status=target, **values)
    )
    if claimed.rowcount != 1:
        raise TradeMovedOn("the trade has moved on", trade_id=trade.trade_id, expected=trade.status)
    for name, value in {"status": target, **values}.items():
        set_committed_value(trade, name, value)  # what the UPDATE wrote; reading it back would say the same
    return trade


class Claimed(NamedTuple):
    """What of a trade is asked to settle it."""

    trade_id: str
    status: TradeState
    listing_id: str
    seller_id: str
    buyer_id: str
    broker_id: str | None
    price_minor: int | None
    commission_minor: int | None
    platform_fee_minor: int | None
    reward_to: str | None


CLAIM: Final = Select(Trade, *Claimed._fields, key="trade_id", lock="FOR UPDATE")
"""Trades by their ids, locked in the order of these; `Claimed(*row)` is one of them."""


def settle_all(plan: Plan, *, moves: Sequence[tuple[Claimed, datetime]], role: str) -> None:
    """Plan `move` by SETTLE for many trades, each at its moment. Raises what `may_move` raises.

    The plan breaks when one is not in its state any more.
    """
    rows = [
        (trade.trade_id, trade.status, may_move(trade.status, TradeEvent.SETTLE, role), at)
        for trade, at in moves
    ]
    plan.add(_SETTLE, rows, each=True)


async def offers_of(s: ReadSession, *, trade_id: str) -> Sequence[Offer]:
    """All offers of a trade, first to last."""
    return (await s.exec(_OFFERS, params={"trade_id": trade_id})).all()


async def latest_offer(s: ReadSession, *, trade_id: str) -> Offer | None:
    """The offer on the table, if there is one."""
    query = select(Offer).where(Offer.trade_id == trade_id).order_by(col(Offer.offer_no).desc()).limit(1)
    return (await s.exec(query)).first()


async def get_contract(s: ReadSession, *, trade_id: str) -> Contract | None:
    """The contract of a trade, once it is drawn up."""
    return await s.get(Contract, trade_id)


async def trade_of_contract(s: ReadSession, *, contract_sha256: str) -> str | None:
    """The trade whose contract has this digest."""
    query = select(Contract.trade_id).where(Contract.contract_sha256 == contract_sha256)
    return (await s.exec(query)).first()


async def signatures_of(s: ReadSession, *, trade_id: str) -> Sequence[ContractSignature]:
    """The signatures so far, in the order they were made."""
    query = select(ContractSignature).where(ContractSignature.trade_id == trade_id)
    in_order = query.order_by(col(ContractSignature.signed_at), col(ContractSignature.org_id))
    return (await s.exec(in_order)).all()


async def trades_owed_to(s: ReadSession, *, org_id: str, status: TradeState) -> Sequence[Trade]:
    """The trades in a state of which an organisation is seller or broker, oldest first."""
    query = select(Trade).where(
        or_(col(Trade.seller_id) == org_id, col(Trade.broker_id) == org_id), Trade.status == status
    )
    return (await s.exec(query.order_by(col(Trade.trade_id)))).all()


async def trades_of(
    s: ReadSession, *, org_id: str | None = None, after: str | None = None, limit: int = 50
) -> Sequence[Trade]:
    """The trades of an organisation (or all), newest first, by keyset: `after` is the last id seen."""
    query = select(Trade).order_by(col(Trade.trade_id).desc()).limit(min(limit, 100))
    if org_id is not None:
        query = query.where(
            or_(col(Trade.seller_id) == org_id, col(Trade.buyer_id) == org_id, col(Trade.broker_id) == org_id)
        )
    if after is not None:
        query = query.where(col(Trade.trade_id) < after)
    return (await s.exec(query)).all()


async def agreed_under(s: ReadSession, *, mandate_ids: Collection[str]) -> Sequence[Trade]:
    """The trades that were agreed under one of these mandates and have not come to nothing, oldest first."""
    query = select(Trade).where(
        col(Trade.mandate_id).in_(list(mandate_ids)),
        col(Trade.agreed_at).is_not(None),
        col(Trade.status).not_in(sorted(NOTHING_CAME_OF_IT)),
    )
    return (await s.exec(query.order_by(Trade.trade_id))).all()


async def ready_under(s: ReadSession, *, mandate_id: str) -> list[str]:
    """The ids of the contracts that are to be signed under a mandate, in their order."""
    query = select(Trade.trade_id).where(
        Trade.mandate_id == mandate_id, Trade.status == TradeState.CONTRACT_READY
    )
    return list(await s.exec(query.order_by(Trade.trade_id)))


async def ended_with_ready(s: ReadSession, *, at: datetime) -> list[str]:
    """The ids of the mandates that have ended while a contract under them is to be signed."""
    live = (MandateState.ACTIVE, MandateState.FROZEN)
    query = (
        select(MandateRow.mandate_id)
        .join(Trade, col(Trade.mandate_id) == col(MandateRow.mandate_id))
        .where(
            Trade.status == TradeState.CONTRACT_READY,
            or_(col(MandateRow.status).not_in(live), col(MandateRow.ends_at) < at),
        )
    )
    return list(await s.exec(query.distinct().order_by(MandateRow.mandate_id)))


async def ready_with_reward(s: ReadSession, *, broker_id: str | None = None) -> list[str]:
    """The ids of the contracts to be signed that show a reward, of one broker or of any, in their order."""
    query = select(Trade.trade_id).where(
        Trade.status == TradeState.CONTRACT_READY, col(Trade.reward_to).is_not(None)
    )
    if broker_id is not None:
        query = query.where(Trade.reward_to == broker_id)
    return list(await s.exec(query.order_by(Trade.trade_id)))


async def discard_contract(s: WriteSession, *, trade_id: str) -> None:
    """Take a contract that is not concluded away, with what was signed of it: another is drawn up."""
    for table in (ContractSignature, ContractRecipient, ContractPolicy, Contract):
        await s.exec(delete(table).where(col(table.trade_id) == trade_id))


async def contracted_of_broker(s: ReadSession, *, broker_id: str) -> Sequence[str]:
    """The trades of a broker that came to a contract, by id, whatever became of them."""
    query = select(Trade.trade_id).where(Trade.broker_id == broker_id, col(Trade.contracted_at).is_not(None))
    return (await s.exec(query)).all()


async def running_of_broker(s: ReadSession, *, broker_id: str, limit: int = 100) -> list[str]:
    """The ids of the trades a broker mediates that are not over yet: what it has to finish or hand over."""
    query = select(Trade.trade_id).where(Trade.broker_id == broker_id, col(Trade.status).not_in(sorted(OVER)))
    return list((await s.exec(query.order_by(Trade.trade_id).limit(limit))).all())
