"""A broker keeps its deals: from a lead to a settled trade, or to nothing, with the reason.

A deal is a working record, not an act on the market: nothing of it is stated. What happens on the market
stays where it is (a request, matches that were sent, a mandate, a trade), and is only pointed to.
"""

from datetime import datetime
from typing import Any

from base.db import ReadSession, WriteSession
from brokers.rules import Side
from identity.repository import get_organisation, get_person
from identity.service import require_member
from ledger.recording import Act
from market.listings.repository import get_listing
from market.mediation import repository
from market.mediation.errors import DealMalformed, DealStageWrong, DealTradeUnfit, DealUnknown
from market.mediation.rules import (
    MAX_TITLE,
    MOST_ENTRIES,
    EntryKind,
    Sides,
    check_expenses,
    check_lost,
    check_open_expenses,
    check_text,
    check_trade,
)
from market.mediation.states import Stage, may_move
from market.mediation.tables import Deal, DealEntry
from market.orders.repository import claim_trade, get_trade
from market.orders.tables import Trade
from market.requests.repository import get_request


async def open_deal(
    s: WriteSession,
    act: Act,
    *,
    title: str,
    client_id: str | None = None,
    side: Side | None = None,
    request_id: str | None = None,
    listing_id: str | None = None,
    trade_id: str | None = None,
    owner_id: str | None = None,
) -> Deal:
    """Open a deal as a broker; of a trade it mediates, with that trade's client and listing.

    The client sees its part as soon as a mandate of it is in force. Raises DealMalformed, DealTradeUnfit,
    RequestUnknown, ListingUnknown, `member-not-active`.
    """
    broker_id = act.actor.org_id
    await require_member(s, org_id=broker_id)
    deal = Deal(
        deal_id=act.new_id("dea"),
        broker_id=broker_id,
        owner_id=await _person(s, broker_id, owner_id or act.actor.user_id),
        title=check_text(title, member="title", limit=MAX_TITLE),
        stage=Stage.LEAD,
        opened_at=act.now,
        touched_at=act.now,
    )
    if request_id is not None:
        request = await get_request(s, request_id=request_id)
        deal.request_id = request_id
        if client_id is None and side is not Side.PROVIDER:
            client_id, side = request.buyer_id, Side.BUYER
    if listing_id is not None:
        await get_listing(s, listing_id=listing_id)
        deal.listing_id = listing_id
    if client_id is not None:
        await _with_client(s, deal, client_id, side)
    if trade_id is not None:
        await _take_trade(s, deal, trade_id)
    await _mandated(s, deal, act.now)
    s.add(deal)
    await s.flush()
    await _enter(s, act, deal, EntryKind.OPENED, shared=True)
    return deal


async def _with_client(s: ReadSession, deal: Deal, client_id: str, side: Side | None) -> None:
    if side is None:
        raise DealMalformed("a client has a side", member="side")
    client = await get_organisation(s, org_id=client_id)
    if client is None or client_id == deal.broker_id:
        raise DealMalformed("a client is another member", member="client_id")
    deal.client_id, deal.side = client_id, side.value


async def _person(s: ReadSession, org_id: str, user_id: str | None) -> str | None:
    """A person of the broker. Raises DealMalformed."""
    if user_id is None:
        return None
    person = await get_person(s, user_id=user_id)
    if person is None or person.org_id != org_id:
        raise DealMalformed("who is in charge is one of the broker's people", member="owner_id")
    return user_id


async def _mandated(s: ReadSession, deal: Deal, at: datetime) -> None:
    """From the first mandate in force on, the client's part is the client's to see."""
    if deal.mandate_id is None and deal.client_id is not None and deal.side is not None:
        rows = await repository.mandates_between(
            s, broker_id=deal.broker_id, client_id=deal.client_id, side=Side(deal.side), at=at
        )
        deal.mandate_id = rows[-1].mandate_id if rows else None


async def _take_trade(s: WriteSession, deal: Deal, trade_id: str) -> None:
    trade = await get_trade(s, trade_id=trade_id)
    if trade.broker_id == deal.broker_id:  # of two deals that want it at once, one is first
        trade = await claim_trade(s, trade_id=trade_id)
    if trade.broker_id != deal.broker_id:
        raise DealTradeUnfit("no such trade of the broker's", reason="broker")
    client = trade.seller_id if trade.broker_side == Side.PROVIDER.value else trade.buyer_id
    check_trade(
        Sides(deal.broker_id, deal.client_id, deal.side),
        Sides(deal.broker_id, client, trade.broker_side),
        listing_id=deal.listing_id,
        of_trade=trade.listing_id,
    )
    kept = await repository.deals_of_trades(s, broker_id=deal.broker_id, trade_ids=[trade_id])
    if kept:
        raise DealTradeUnfit("another deal has this trade", reason="deal", deal_id=kept[trade_id])
    deal.trade_id, deal.listing_id = trade_id, trade.listing_id
    deal.client_id, deal.side = client, trade.broker_side
    deal.mandate_id = deal.mandate_id or trade.mandate_id


async def move_deal(
    s: WriteSession, act: Act, *, deal_id: str, stage: Stage, reason: str | None = None
) -> Deal:
    """Move a deal that has no trade, as its broker; a loss has its reason, and no trade that could be linked.

    Raises DealUnknown, DealStageWrong, DealMalformed.
    """
    deal, _ = await _claimed(s, act, deal_id)
    may_move(deal.stage, stage, has_trade=deal.trade_id is not None)
    lost_reason = check_lost(stage, reason)
    if stage is Stage.LOST and (running := await repository.trade_to_link(s, deal)) is not None:
        raise DealStageWrong("there is a trade of these parties", stage=deal.stage.value, trade_id=running)
    deal.lost_reason = lost_reason
    deal.stage = stage
    said = stage.value if deal.lost_reason is None else f"{stage.value} {deal.lost_reason}"
    return await _entered(s, act, deal, EntryKind.MOVED, text=said, shared=False)


async def link_trade(s: WriteSession, act: Act, *, deal_id: str, trade_id: str) -> Deal:
    """Say which trade a deal has become; from now on its stage is the trade's.

    Raises DealUnknown, DealTradeUnfit, TradeUnknown.
    """
    deal, _ = await _claimed(s, act, deal_id)
    if deal.trade_id is not None or deal.stage is Stage.LOST:
        raise DealTradeUnfit("the deal has its trade, or is lost", reason="deal")
    await _take_trade(s, deal, trade_id)
    return await _entered(s, act, deal, EntryKind.TRADE, text=trade_id, shared=True)


async def plan_deal(
    s: WriteSession,
    act: Act,
    *,
    deal_id: str,
    next_step: str | None = None,
    next_at: datetime | None = None,
    owner_id: str | None = None,
) -> Deal:
    """Say what the broker does next and by when, and who of its people is in charge: its own matter.

    Raises DealUnknown, DealMalformed.
    """
    deal, _ = await _claimed(s, act, deal_id)
    step = (next_step or "").strip() or None
    deal.next_step = check_text(step, member="next_step", limit=MAX_TITLE) if step else None
    deal.next_at = next_at
    if owner_id is not None:
        deal.owner_id = await _person(s, deal.broker_id, owner_id)
    return await _entered(s, act, deal, EntryKind.NEXT, text=deal.next_step, shared=False)


async def write_into_deal(
    s: WriteSession,
    act: Act,
    *,
    deal_id: str,
    text: str,
    sha256: str | None = None,
    shared: bool = True,
) -> Deal:
    """Write into a deal: its broker a note, a message or a document's name and digest; its client a message.

    What the client writes is shared always. Raises DealUnknown, DealMalformed.
    """
    deal = await repository.claim_deal(s, deal_id=deal_id, org_id=act.actor.org_id)
    both = shared or act.actor.org_id != deal.broker_id
    kind = EntryKind.MESSAGE if both else EntryKind.NOTE
    await _mandated(s, deal, act.now)
    return await _entered(
        s,
        act,
        deal,
        EntryKind.DOCUMENT if sha256 is not None else kind,
        text=check_text(text, member="text"),
        sha256=sha256,
        shared=both,
    )


async def put_expenses(s: WriteSession, act: Act, *, deal_id: str, amount_minor: int, text: str) -> Deal:
    """Put to the client what it would owe of the broker's expenses if no contract came about.

    Raises DealUnknown, DealMalformed, ExpensesNotToAgree.
    """
    deal, trade = await _claimed(s, act, deal_id)
    check_expenses(
        amount_minor,
        stage=repository.stage_of(deal, trade),
        trade=trade.status if trade else None,
        agreed=deal.expenses_agreed_at is not None,
    )
    said = check_text(text, member="text", limit=MAX_TITLE)
    deal.expenses_minor = amount_minor
    return await _entered(s, act, deal, EntryKind.EXPENSES, text=said, shared=True)


async def agree_expenses(s: WriteSession, act: Act, *, deal_id: str, amount_minor: int) -> Deal:
    """Agree, as the client, to exactly these expenses.

    Raises DealUnknown, ExpensesNotToAgree, DealMalformed.
    """
    deal = await repository.claim_deal(s, deal_id=deal_id, org_id=act.actor.org_id)
    if act.actor.org_id != deal.client_id:
        raise DealUnknown("no such deal of yours", deal_id=deal_id)
    trade = await repository.trade_of(s, deal)
    check_open_expenses(
        repository.stage_of(deal, trade),
        trade=trade.status if trade else None,
        agreed=deal.expenses_agreed_at is not None,
    )
    if deal.expenses_minor != amount_minor:
        raise DealMalformed("another amount was put to you", member="amount_minor")
    deal.expenses_agreed_at = act.now
    return await _entered(s, act, deal, EntryKind.EXPENSES_AGREED, shared=True)


async def _claimed(s: WriteSession, act: Act, deal_id: str) -> tuple[Deal, Trade | None]:
    """A deal of the actor's own, locked, and its trade. Raises DealUnknown, also for its client."""
    deal = await repository.claim_deal(s, deal_id=deal_id, org_id=act.actor.org_id)
    if act.actor.org_id != deal.broker_id:
        raise DealUnknown("no such deal of yours", deal_id=deal_id)
    await _mandated(s, deal, act.now)
    return deal, await repository.trade_of(s, deal)


async def _entered(s: WriteSession, act: Act, deal: Deal, kind: EntryKind, **entry: Any) -> Deal:
    deal.touched_at = act.now
    s.add(deal)
    await _enter(s, act, deal, kind, **entry)
    return deal


async def _enter(
    s: WriteSession,
    act: Act,
    deal: Deal,
    kind: EntryKind,
    *,
    shared: bool,
    text: str | None = None,
    sha256: str | None = None,
) -> None:
    if deal.entries >= MOST_ENTRIES:
        raise DealMalformed("the deal's record is full", limit=MOST_ENTRIES)
    deal.entries += 1
    s.add(
        DealEntry(
            deal_id=deal.deal_id,
            entry_no=deal.entries,
            kind=kind,
            at=act.now,
            org_id=act.actor.org_id,
            user_id=act.actor.user_id,
            text=text,
            sha256=sha256,
            shared=shared,
        )
    )
    await s.flush()
