"""The trade's negotiation, from the inquiry to the acceptance. The contract is in `market.orders.signing`.

Every verb first locks the trade's row, then the rights it depends on: two acts on one trade are decided
one after the other, each on what the other has left.
"""

from dataclasses import replace

from base.db import WriteSession
from brokers.commission import CAP_BP
from identity.service import require_member
from ledger.reader import statement
from ledger.recording import Act, record
from ledger.statement import Draft
from market.listings.authorised import require_sale
from market.listings.service import require_listed
from market.orders import repository
from market.orders.acting import (
    acting_side,
    commission_due,
    entering_mandate,
    require_fitting,
    require_limits,
)
from market.orders.errors import OwnListing, TradeWrongRole
from market.orders.offering import check_answer_in_time, check_fees_shown, make_offer, priced
from market.orders.rewarding import introduce
from market.orders.rules import (
    TradeEvent,
    TradeState,
    check_acceptance,
    check_note,
    check_refusal,
    check_side,
    check_terms,
    due_in,
    may_move,
    who_owes_answer,
)
from market.orders.scope import territory_of
from market.orders.signing import cancel_unfunded, sign_contract
from market.orders.statements import OfferTerms, named, parties_of, step
from market.orders.tables import Trade
from market.orders.waiting import FUND_TIMEOUT_JOB, TIMEOUT_JOB, await_answer, stop_awaiting_answer
from market.requests.service import require_answered

__all__ = [
    "FUND_TIMEOUT_JOB",
    "TIMEOUT_JOB",
    "OfferTerms",
    "accept_offer",
    "cancel_unfunded",
    "inquire",
    "make_offer",
    "named",
    "parties_of",
    "priced",
    "refuse_trade",
    "sign_contract",
    "step",
    "time_out",
]


async def inquire(
    s: WriteSession,
    act: Act,
    *,
    listing_id: str,
    purpose: str,
    scenario: str,
    quantity: int,
    broker_id: str | None = None,
    buyer_id: str | None = None,
    request_id: str | None = None,
    held_quote_id: str | None = None,
) -> Trade:
    """Open a trade with an inquiry (TRD.INQUIRE), as the buyer or as the buyer's broker.

    A buyer may name a broker, who then acts for whichever party mandated it (the buyer's mandate goes
    first). A broker names its client in `buyer_id`. `request_id` is the buyer's own request that this
    listing answers, `held_quote_id` the quote that it begins with (`market.quotes`). Raises
    `listing-not-on-offer`, `buyer-conditions-unmet`, `member-not-active`, OwnListing, SelfDealing,
    BrokerNotCertified, NoActiveMandate, RequestUnknown, AnswerUnknown.
    """
    may_move(None, TradeEvent.INQUIRE, act.role)
    check_terms(quantity=quantity, term_months=1)
    buyer = buyer_id if act.role == "BROKER" else act.actor.org_id
    broker = act.actor.org_id if act.role == "BROKER" else broker_id
    if buyer is None:
        raise TradeWrongRole("a broker names the buyer it acts for", role=act.role)
    listing = await require_listed(s, listing_id=listing_id, now=act.now)
    if buyer == listing.seller_id:
        raise OwnListing("the buyer is the seller", listing_id=listing_id)
    price_minor = listing.list_price_minor or 0
    await require_sale(s, listing, price_minor=price_minor, unit=listing.unit, users={buyer}, now=act.now)
    await require_fitting(s, act, listing, await require_member(s, org_id=buyer))
    await require_member(s, org_id=listing.seller_id)
    if request_id is not None:
        await require_answered(s, request_id=request_id, buyer_id=buyer, listing_id=listing_id)
    mandate = await entering_mandate(s, act, listing, buyer=buyer, broker=broker) if broker else None
    trade_id = act.new_id("trd")
    due = due_in(TradeState.INQUIRED, act.occurred_at)
    assert due is not None
    trade = Trade(
        trade_id=trade_id,
        status=TradeState.INQUIRED,
        listing_id=listing_id,
        product_id=listing.product_id,
        seller_id=listing.seller_id,
        buyer_id=buyer,
        broker_id=broker,
        broker_side=mandate.side if mandate else None,
        mandate_id=mandate.mandate_id if mandate else None,
        category=listing.category,
        geo=listing.geo,
        level=listing.level,
        purpose=purpose,
        scenario=scenario,
        quantity=quantity,
        unit=listing.unit,
        licence_class=listing.licence_class,
        answer_by=due.deadline.at,
        inquired_at=act.occurred_at,
    )
    s.add(trade)
    await s.flush()
    if mandate is not None:
        await introduce(s, act, source_id=trade_id, mandate=mandate, listing=listing, buyer_id=buyer)
    await record(
        s,
        act,
        Draft(
            "TRD.INQUIRE",
            trade_id,
            public=named(trade)
            | {"product_id": trade.product_id, "mandate_id": trade.mandate_id}
            | ({"request_id": request_id} if request_id else {})
            | ({"held_quote_id": held_quote_id} if held_quote_id else {}),
            opening={"purpose": purpose, "scenario": scenario, "quantity": quantity, "unit": trade.unit},
            after=TradeState.INQUIRED.value,
        ),
    )
    await await_answer(s, trade)
    return trade


async def refuse_trade(
    s: WriteSession, act: Act, *, trade_id: str, reason_code: str, note: str | None = None
) -> Trade:
    """Refuse to deal, with one of the known reasons (TRD.REFUSE; it feeds the rule AB3).

    `note` says more to the other side; it is kept in the statement's opening alone, and erased with it.
    Raises RefusalReasonMissing, OfferMalformed, TradeWrongState, TradeWrongRole, DeadlinePassed.
    """
    trade = await repository.claim_trade_of(s, trade_id=trade_id, org_id=act.actor.org_id)
    side = await acting_side(s, act, trade)
    may_move(trade.status, TradeEvent.REFUSE, act.role)
    check_side(trade.status, TradeEvent.REFUSE, side)
    check_answer_in_time(trade, act)
    reason = check_refusal(reason_code)
    said = check_note(note)
    before = trade.status
    await repository.move(
        s, trade=trade, event=TradeEvent.REFUSE, role=act.role, values={"refusal_code": reason.value}
    )
    refusal = step(trade, TradeEvent.REFUSE, before, reason_code=reason.value)
    await record(s, act, replace(refusal, opening={"note": said}) if said else refusal)
    await stop_awaiting_answer(s, trade, act.now)
    return trade


async def accept_offer(s: WriteSession, act: Act, *, trade_id: str, offer_no: int) -> Trade:
    """Accept the other side's latest, standing offer (TRD.ACCEPT). The prechecks follow (`market.trade`).

    Raises OfferNotLatest, OfferIsOwn, OfferExpired, FeesChanged, DeadlinePassed, TradeWrongState,
    `listing-not-on-offer`, and for a broker what BR1 and BR2 raise.
    """
    trade = await repository.claim_trade_of(s, trade_id=trade_id, org_id=act.actor.org_id)
    side = await acting_side(s, act, trade)
    may_move(trade.status, TradeEvent.ACCEPT, act.role)
    check_answer_in_time(trade, act)
    listing = await require_listed(s, listing_id=trade.listing_id, now=act.now)
    offers = await repository.offers_of(s, trade_id=trade_id)
    check_acceptance([priced(offer) for offer in offers], number=offer_no, side=side, at=act.now)
    latest = offers[-1]
    await require_sale(
        s,
        listing,
        price_minor=latest.price_minor,
        unit=latest.unit,
        users={trade.buyer_id},
        now=act.now,
    )
    places = territory_of(latest.territory)
    await require_limits(s, act, trade, price_minor=latest.price_minor, territories=places)
    commission_bp = await commission_due(s, act, trade, price_minor=latest.price_minor)
    if commission_bp <= CAP_BP:  # what is above the cap is the pre-check's to tell (BR7)
        check_fees_shown(latest, commission_bp)
    before = trade.status
    await repository.move(
        s,
        trade=trade,
        event=TradeEvent.ACCEPT,
        role=act.role,
        values={
            "price_minor": latest.price_minor,
            "quantity": latest.quantity,
            "unit": latest.unit,
            "licence_class": latest.licence_class,
            "purpose": latest.purpose,
            "agreed_at": act.occurred_at,
        },
    )
    # What is accepted is named by what its statement commits to, so that the acceptor signs over its terms.
    offered = await statement(s, statement_id=latest.statement_id)
    terms_sha256 = offered.opening_sha256
    await record(s, act, step(trade, TradeEvent.ACCEPT, before, offer_no=offer_no, offer_sha256=terms_sha256))
    await stop_awaiting_answer(s, trade, act.now)
    return trade


async def time_out(s: WriteSession, act: Act, *, trade_id: str) -> bool:
    """The clock's lapse of a negotiation nobody answered (TRD.TIMEOUT); False when it was answered.

    It states whose silence it is: only the provider's counts as a refusal to deal (AB3).
    """
    trade = await repository.claim_trade(s, trade_id=trade_id)
    waiting = trade.status in {TradeState.INQUIRED, TradeState.NEGOTIATING}
    if not waiting or trade.answer_by is None or act.now <= trade.answer_by:
        return False
    owes = who_owes_answer([priced(offer) for offer in await repository.offers_of(s, trade_id=trade_id)])
    before = trade.status
    await repository.move(s, trade=trade, event=TradeEvent.TIMEOUT, role=act.role)
    await record(s, act, step(trade, TradeEvent.TIMEOUT, before, owed_by=owes.value))
    return True
