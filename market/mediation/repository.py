"""What is asked about matches that were sent, and about deals."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, func, or_
from sqlmodel import col, select

from base.db import ReadSession, WriteSession, exclusive_lock
from brokers.repository import in_force
from brokers.rules import Side
from brokers.tables import MandateRow
from market.mediation.errors import DealUnknown, PresentationUnknown
from market.mediation.states import OF_TRADE, Stage, stage_of_trade
from market.mediation.tables import Deal, DealEntry, Presentation
from market.orders.tables import Introduction, Trade

MAX_PAGE: Final = 100
_STANDS: Final = func.coalesce(Trade.frozen_from, col(Trade.status))
_MINE: Final = and_(col(Trade.trade_id) == col(Deal.trade_id), col(Trade.broker_id) == col(Deal.broker_id))


async def get_presentation(s: ReadSession, *, presentation_id: str, org_id: str | None) -> Presentation:
    """A list of matches, for its broker and its client; for a supervisor without `org_id`.

    Raises PresentationUnknown, also for everybody else.
    """
    row = await s.get(Presentation, presentation_id)
    if row is None or org_id not in {None, row.broker_id, row.client_id}:
        raise PresentationUnknown("no such list of matches", presentation_id=presentation_id)
    return row


async def presentations_of(
    s: ReadSession,
    *,
    org_id: str | None,
    request_id: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Sequence[Presentation]:
    """What an organisation sent or was sent (or all), newest first, by keyset."""
    query = (
        select(Presentation).order_by(col(Presentation.presentation_id).desc()).limit(min(limit, MAX_PAGE))
    )
    if org_id is not None:
        query = query.where(or_(col(Presentation.broker_id) == org_id, col(Presentation.client_id) == org_id))
    if request_id is not None:
        query = query.where(Presentation.request_id == request_id)
    if after is not None:
        query = query.where(col(Presentation.presentation_id) < after)
    return (await s.exec(query)).all()


async def mandates_between(
    s: ReadSession, *, broker_id: str, client_id: str, side: Side, at: datetime
) -> list[MandateRow]:
    """The mandates in force of a client to a broker for this side, for who only looks."""
    query = select(MandateRow).where(
        MandateRow.broker_id == broker_id,
        MandateRow.client_id == client_id,
        MandateRow.side == side.value,
    )
    return [row for row in await s.exec(query.order_by(MandateRow.mandate_id)) if in_force(row, at)]


async def get_deal(s: ReadSession, *, deal_id: str, org_id: str) -> Deal:
    """A deal, for its broker, and for its client once there is a mandate. Raises DealUnknown."""
    return _seen(await s.get(Deal, deal_id, populate_existing=True), deal_id, org_id)


async def claim_deal(s: WriteSession, *, deal_id: str, org_id: str) -> Deal:
    """`get_deal`, locked against everybody else who would write into it."""
    query = exclusive_lock(select(Deal).where(Deal.deal_id == deal_id))
    return _seen((await s.exec(query.execution_options(populate_existing=True))).first(), deal_id, org_id)


def _seen(deal: Deal | None, deal_id: str, org_id: str) -> Deal:
    if deal is not None and org_id == deal.broker_id:
        return deal
    if deal is None or deal.mandate_id is None or org_id != deal.client_id:
        raise DealUnknown("no such deal", deal_id=deal_id)
    return deal


async def deals_page(
    s: ReadSession,
    *,
    org_id: str,
    stage: Stage | None = None,
    owner_id: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[tuple[Deal, Stage, Trade | None]]:
    """Deals with the stage they are in and their trade, newest first, by keyset.

    A broker's own; of others' the ones in which a mandate makes one the client.
    """
    theirs = and_(col(Deal.client_id) == org_id, col(Deal.mandate_id).is_not(None))
    query: Any = (
        select(Deal, Trade)
        .outerjoin(Trade, _MINE)
        .where(or_(col(Deal.broker_id) == org_id, theirs))
        .order_by(col(Deal.deal_id).desc())
        .limit(min(limit, MAX_PAGE))
    )
    if stage is not None:
        query = query.where(_stands_at(stage))
    if owner_id is not None:
        query = query.where(Deal.owner_id == owner_id)
    if after is not None:
        query = query.where(col(Deal.deal_id) < after)
    return [(deal, stage_of(deal, trade), trade) for deal, trade in (await s.exec(query)).all()]


async def deals_by_stage(s: ReadSession, *, org_id: str, owner_id: str | None = None) -> dict[Stage, int]:
    """How many deals of a broker stand in each stage."""
    of_trade = case(
        {state.value: stage.value for state, stage in OF_TRADE.items()},
        value=_STANDS,
        else_=Stage.LOST.value,
    )
    stands = case(
        (col(Deal.trade_id).is_(None), col(Deal.stage)),
        (col(Trade.trade_id).is_(None), Stage.LOST.value),
        else_=of_trade,
    )
    query: Any = (
        select(stands, func.count())
        .select_from(Deal)
        .outerjoin(Trade, _MINE)
        .where(col(Deal.broker_id) == org_id)
        .group_by(stands)
    )
    if owner_id is not None:
        query = query.where(Deal.owner_id == owner_id)
    return {Stage(stage): count for stage, count in (await s.exec(query)).all()}


def _stands_at(stage: Stage) -> ColumnElement[bool]:
    states = [state.value for state, one in OF_TRADE.items() if one is stage]
    own = and_(col(Deal.trade_id).is_(None), col(Deal.stage) == stage)
    with_trade = and_(col(Trade.trade_id).is_not(None), _STANDS.in_(states))
    if stage is not Stage.LOST:
        return or_(own, with_trade)
    return or_(own, with_trade, and_(col(Deal.trade_id).is_not(None), col(Trade.trade_id).is_(None)))


def stage_of(deal: Deal, trade: Trade | None) -> Stage:
    """Where a deal stands: where its trade does. Whose client took the trade over has lost it."""
    if deal.trade_id is None:
        return deal.stage
    return Stage.LOST if trade is None else stage_of_trade(trade.status, trade.frozen_from)


def lost_by(deal: Deal, trade: Trade | None) -> str | None:
    """Why a deal is lost: the broker's reason, or the end of its trade."""
    if deal.trade_id is None:
        return deal.lost_reason
    if trade is None:
        return "TAKEN_OVER"
    return trade.status.value if stage_of(deal, trade) is Stage.LOST else None


async def trade_of(s: ReadSession, deal: Deal) -> Trade | None:
    """The trade of a deal, while its broker has a seat in it."""
    if deal.trade_id is None:
        return None
    trade = await s.get(Trade, deal.trade_id, populate_existing=True)
    return trade if trade is not None and trade.broker_id == deal.broker_id else None


def _of_same_parties(deal: Deal) -> ColumnElement[bool]:
    """Whether a trade is this broker's for the deal's client and side, of its listing where it names one.

    It is, too, where the client has taken it over since: the broker had brought the two together in it.
    """
    client = Trade.seller_id if deal.side == Side.PROVIDER.value else Trade.buyer_id
    introduced = (
        select(Introduction.source_id)
        .join(MandateRow, col(MandateRow.mandate_id) == col(Introduction.mandate_id))
        .where(
            Introduction.source_id == Trade.trade_id,
            Introduction.broker_id == deal.broker_id,
            MandateRow.side == deal.side,
        )
    )
    has = and_(col(Trade.broker_id) == deal.broker_id, col(Trade.broker_side) == deal.side)
    same = and_(or_(has, introduced.exists()), col(client) == deal.client_id)
    return same if deal.listing_id is None else and_(same, col(Trade.listing_id) == deal.listing_id)


async def contract_came_about(s: ReadSession, deal: Deal) -> bool:
    """Whether the deal's trade was contracted, whoever has it now, or another of its parties since it began.

    The broker alone says which trade a deal has become: what it owes its client rests on no word of its own.
    """
    since = and_(_of_same_parties(deal), col(Trade.contracted_at) >= deal.opened_at)
    its = and_(col(Trade.trade_id) == deal.trade_id, col(Trade.contracted_at).is_not(None))
    return (await s.exec(select(Trade.trade_id).where(or_(its, since)).limit(1))).first() is not None


async def trade_to_link(s: ReadSession, deal: Deal) -> str | None:
    """A trade of the deal's parties that began since it did, has no deal, and has not come to nothing."""
    lost = [state.value for state, stage in OF_TRADE.items() if stage is Stage.LOST]
    kept = select(Deal.trade_id).where(Deal.trade_id == Trade.trade_id)
    query = select(Trade.trade_id).where(
        _of_same_parties(deal),
        col(Trade.broker_id) == deal.broker_id,
        col(Trade.inquired_at) >= deal.opened_at,
        _STANDS.not_in(lost),
        ~kept.exists(),
    )
    return (await s.exec(query.order_by(col(Trade.trade_id)).limit(1))).first()


async def entries_of(s: ReadSession, *, deal_id: str, shared_only: bool) -> Sequence[DealEntry]:
    """What a deal's record holds, first to last; for the client what is shared with it."""
    query = select(DealEntry).where(DealEntry.deal_id == deal_id)
    if shared_only:
        query = query.where(col(DealEntry.shared).is_(True))
    return (await s.exec(query.order_by(col(DealEntry.entry_no)))).all()


async def trades_without_deal(s: ReadSession, *, broker_id: str, limit: int = 50) -> Sequence[Trade]:
    """The trades a broker mediates of which it keeps no deal, newest first."""
    kept = select(Deal.trade_id).where(Deal.trade_id == Trade.trade_id)
    query = select(Trade).where(Trade.broker_id == broker_id, ~kept.exists())
    return (await s.exec(query.order_by(col(Trade.trade_id).desc()).limit(min(limit, MAX_PAGE)))).all()


async def deals_of_trades(s: ReadSession, *, broker_id: str, trade_ids: Sequence[str]) -> dict[str, str]:
    """The deal of each of these trades, where the broker keeps one."""
    found: dict[str, str] = {}
    for start in range(0, len(trade_ids), 500):  # SQLite bounds the parameters of one statement
        query = select(Deal.trade_id, Deal.deal_id).where(
            Deal.broker_id == broker_id, col(Deal.trade_id).in_(trade_ids[start : start + 500])
        )
        found |= {trade_id: deal_id for trade_id, deal_id in (await s.exec(query)).all() if trade_id}
    return found
