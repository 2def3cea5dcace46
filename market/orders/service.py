"""The trade's negotiation and contract, from the inquiry to the last signature.

A broker may act for the side whose mandate it holds; at every act its certificate and the mandate are
asked again, under lock (BR1, BR2).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from brokers.rules import Side as ClientSide
from brokers.service import first_mandate, require_certified, require_mandate
from brokers.tables import MandateRow
from identity.service import require_member
from ledger.recording import Act, record
from ledger.statement import Draft
from market.listings.service import require_listed
from market.listings.tables import Listing
from market.orders import repository
from market.orders.contract import signing_draft
from market.orders.errors import (
    ContractNotDrawnUp,
    NotAParty,
    OwnListing,
    SignedBefore,
    TradeWrongRole,
)
from market.orders.rules import (
    Side,
    TradeEvent,
    TradeState,
    check_acceptance,
    check_refusal,
    check_side,
    check_terms,
    check_trade_offer,
    due_in,
    may_move,
    side_of,
)
from market.orders.tables import Contract, ContractSignature, Offer, Trade
from pricing.negotiated import Offer as PricedOffer
from registry.rules import Level

TIMEOUT_JOB: Final = "trade.timeout"
FUND_TIMEOUT_JOB: Final = "trade.fund-timeout"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferTerms:
    """The terms of one offer. `price_minor` is the whole price in fen, tax and fees included."""

    price_minor: int
    quantity: int
    unit: str
    licence_class: str
    term_months: int
    purpose: str
    territory: str
    expires_at: datetime


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
) -> Trade:
    """Open a trade with an inquiry (TRD.INQUIRE), as the buyer or as the buyer's broker.

    A buyer may name a broker, who then acts for whichever party mandated it (the buyer's mandate goes
    first). A broker names its client in `buyer_id`. Raises `listing-not-on-offer`,
    `member-not-active`, OwnListing, BrokerNotCertified, NoActiveMandate.
    """
    may_move(None, TradeEvent.INQUIRE, act.role)
    check_terms(quantity=quantity, term_months=1)
    buyer = buyer_id if act.role == "BROKER" else act.actor.org_id
    broker = act.actor.org_id if act.role == "BROKER" else broker_id
    if buyer is None:
        raise TradeWrongRole("a broker names the buyer it acts for", role=act.role)
    listing = await require_listed(s, listing_id=listing_id)
    if buyer == listing.seller_id:
        raise OwnListing("the buyer is the seller", listing_id=listing_id)
    await require_member(s, org_id=buyer)
    await require_member(s, org_id=listing.seller_id)
    mandate = await _mandate_of(s, act, listing, buyer=buyer, broker=broker) if broker else None
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
    await record(
        s,
        act,
        Draft(
            "TRD.INQUIRE",
            trade_id,
            public=named(trade) | {"product_id": trade.product_id, "mandate_id": trade.mandate_id},
            opening={"purpose": purpose, "scenario": scenario, "quantity": quantity, "unit": trade.unit},
            after=TradeState.INQUIRED.value,
        ),
    )
    await _await_answer(s, trade)
    return trade


async def make_offer(s: WriteSession, act: Act, *, trade_id: str, terms: OfferTerms) -> Offer:
    """Offer, or answer the other side's offer with one's own (TRD.OFFER, TRD.COUNTER_OFFER).

    Raises TradeWrongState, TradeWrongRole, OfferOutOfTurn, PriceAboveCap, `listing-not-on-offer`, and
    for a broker what BR1 and BR2 raise.
    """
    trade = await repository.get_trade_of(s, trade_id=trade_id, org_id=act.actor.org_id)
    side = await acting_side(s, act, trade)
    offers = await repository.offers_of(s, trade_id=trade_id)
    new = PricedOffer(len(offers) + 1, side, terms.price_minor, act.occurred_at, terms.expires_at)
    may_move(trade.status, TradeEvent.COUNTER_OFFER, act.role)
    listing = await require_listed(s, listing_id=trade.listing_id)
    cap = listing.cap_minor if listing.public_data else None
    event = check_trade_offer(
        trade.status, [priced(offer) for offer in offers], new, role=act.role, cap_minor=cap
    )
    check_terms(quantity=terms.quantity, term_months=terms.term_months)
    before = trade.status
    due = due_in(TradeState.NEGOTIATING, act.occurred_at)
    assert due is not None
    await repository.move(
        s,
        trade=trade,
        event=event,
        role=act.role,
        values={"offer_no": new.number, "answer_by": due.deadline.at},
    )
    recorded = await record(
        s,
        act,
        Draft(
            f"TRD.{event.value}",
            trade_id,
            public=named(trade) | {"offer_no": new.number},
            opening=_terms_document(terms),
            before=before.value,
            after=trade.status.value,
        ),
    )
    offer = Offer(
        trade_id=trade_id,
        offer_no=new.number,
        by_org=act.actor.org_id,
        side=side.value,
        made_at=act.occurred_at,
        statement_id=recorded.statement_id,
        price_minor=terms.price_minor,
        quantity=terms.quantity,
        unit=terms.unit,
        licence_class=terms.licence_class,
        term_months=terms.term_months,
        purpose=terms.purpose,
        territory=terms.territory,
        expires_at=terms.expires_at,
    )
    s.add(offer)
    await s.flush()
    await _await_answer(s, trade)
    return offer


async def refuse_trade(s: WriteSession, act: Act, *, trade_id: str, reason_code: str) -> Trade:
    """Refuse to deal, with one of the known reasons (TRD.REFUSE; it feeds the rule AB3)."""
    trade = await repository.get_trade_of(s, trade_id=trade_id, org_id=act.actor.org_id)
    side = await acting_side(s, act, trade)
    reason = check_refusal(reason_code)
    check_side(trade.status, TradeEvent.REFUSE, side)
    before = trade.status
    await repository.move(
        s, trade=trade, event=TradeEvent.REFUSE, role=act.role, values={"refusal_code": reason.value}
    )
    await record(s, act, step(trade, TradeEvent.REFUSE, before, reason_code=reason.value))
    return trade


async def accept_offer(s: WriteSession, act: Act, *, trade_id: str, offer_no: int) -> Trade:
    """Accept the other side's latest, standing offer (TRD.ACCEPT). The prechecks follow (`market.trade`).

    Raises OfferNotLatest, OfferIsOwn, OfferExpired, TradeWrongState, `listing-not-on-offer`.
    """
    trade = await repository.get_trade_of(s, trade_id=trade_id, org_id=act.actor.org_id)
    side = await acting_side(s, act, trade)
    may_move(trade.status, TradeEvent.ACCEPT, act.role)
    await require_listed(s, listing_id=trade.listing_id)
    offers = await repository.offers_of(s, trade_id=trade_id)
    check_acceptance([priced(offer) for offer in offers], number=offer_no, side=side, at=act.now)
    latest = offers[-1]
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
    await record(s, act, step(trade, TradeEvent.ACCEPT, before, offer_no=offer_no))
    return trade


async def sign_contract(s: WriteSession, act: Act, *, trade_id: str) -> Trade:
    """Sign the contract as a party (TRD.SIGN); the last signature concludes it (TRD.CONTRACT).

    Raises TradeWrongState, NotAParty, SignedBefore, and for a broker what BR1 and BR2 raise.
    """
    trade = await repository.get_trade_of(s, trade_id=trade_id, org_id=act.actor.org_id)
    may_move(trade.status, TradeEvent.SIGN, act.role)
    await acting_side(s, act, trade)
    contract = await repository.get_contract(s, trade_id=trade_id)
    if contract is None:
        raise ContractNotDrawnUp("there is no contract to sign yet", trade_id=trade_id)
    parties = parties_of(trade)
    signed = await repository.signatures_of(s, trade_id=trade_id)
    if act.actor.org_id in {signature.org_id for signature in signed}:
        raise SignedBefore("this party has signed", trade_id=trade_id, org_id=act.actor.org_id)
    await repository.move(s, trade=trade, event=TradeEvent.SIGN, role=act.role)
    recorded = await record(
        s,
        act,
        signing_draft(
            trade_id=trade_id,
            contract_sha256=contract.contract_sha256,
            parties=parties,
            opening=contract.opening,
        ),
    )
    s.add(
        ContractSignature(
            envelope_sha256=recorded.digest,
            trade_id=trade_id,
            org_id=act.actor.org_id,
            statement_id=recorded.statement_id,
            signed_at=act.occurred_at,
        )
    )
    await s.flush()
    digests = [signature.envelope_sha256 for signature in signed] + [recorded.digest]
    if len(digests) == len(parties):
        await _conclude(s, act.as_exchange(), trade=trade, contract=contract, digests=digests)
    return trade


async def _conclude(
    s: WriteSession, act: Act, *, trade: Trade, contract: Contract, digests: list[str]
) -> None:
    """The exchange states that all have signed, and from when the escrow has to be funded."""
    due = due_in(TradeState.CONTRACTED, act.occurred_at)
    assert due is not None
    before = trade.status
    await repository.move(
        s,
        trade=trade,
        event=TradeEvent.CONTRACT,
        role=act.role,
        values={
            "contracted_at": act.occurred_at,
            "fund_by": due.deadline.at,
            "payment_reference": trade.trade_id,
        },
    )
    await record(
        s,
        act,
        Draft(
            "TRD.CONTRACT",
            trade.trade_id,
            public=named(trade)
            | {
                "product_id": trade.product_id,
                "quote_id": trade.quote_id,
                "contract_sha256": contract.contract_sha256,
                "signatures": digests,
            },
            opening={
                "amount_minor": str(trade.price_minor),
                "commission_minor": str(trade.commission_minor),
                "platform_fee_minor": str(trade.platform_fee_minor),
                "quantity": trade.quantity,
                "unit": trade.unit,
                "licence_class": trade.licence_class,
                "contract_dated_at": rfc3339(contract.drawn_up_at),
                "fund_by": rfc3339(due.deadline.at),
            },
            subjects={"contract": contract.contract_sha256},
            before=before.value,
            after=trade.status.value,
        ),
    )
    await enqueue(
        s,
        kind=FUND_TIMEOUT_JOB,
        key=trade.trade_id,
        run_at=after(due.deadline.at),
        payload={"trade_id": trade.trade_id},
    )


async def time_out(s: WriteSession, act: Act, *, trade_id: str) -> bool:
    """The clock's lapse of a negotiation nobody answered (TRD.TIMEOUT); False when it was answered."""
    trade = await repository.get_trade(s, trade_id=trade_id)
    waiting = trade.status in {TradeState.INQUIRED, TradeState.NEGOTIATING}
    if not waiting or trade.answer_by is None or act.now <= trade.answer_by:
        return False
    before = trade.status
    await repository.move(s, trade=trade, event=TradeEvent.TIMEOUT, role=act.role)
    await record(s, act, step(trade, TradeEvent.TIMEOUT, before))
    return True


async def cancel_unfunded(s: WriteSession, act: Act, *, trade_id: str) -> bool:
    """The clock's end of a contract that was not funded in time (TRD.FUND_TIMEOUT)."""
    trade = await repository.get_trade(s, trade_id=trade_id)
    if trade.status is not TradeState.CONTRACTED or trade.fund_by is None or act.now <= trade.fund_by:
        return False
    before = trade.status
    await repository.move(s, trade=trade, event=TradeEvent.FUND_TIMEOUT, role=act.role)
    await record(s, act, step(trade, TradeEvent.FUND_TIMEOUT, before))
    return True


async def acting_side(s: WriteSession, act: Act, trade: Trade) -> Side:
    """On whose side the actor acts in this trade, its broker's licence and mandate asked again.

    Raises NotAParty for a role the actor does not have in this trade.
    """
    own = {"PROVIDER": trade.seller_id, "BUYER": trade.buyer_id, "BROKER": trade.broker_id}.get(act.role)
    if own != act.actor.org_id:
        raise NotAParty("you are no party of this trade in that role", role=act.role)
    side = side_of(act.role, trade.broker_side)
    if act.role == "BROKER":
        await _require_broker(s, act, trade, side)
    else:
        await require_member(s, org_id=act.actor.org_id)
    return side


async def _require_broker(s: WriteSession, act: Act, trade: Trade, side: Side) -> None:
    await require_certified(
        s, org_id=act.actor.org_id, at=act.now, sector=trade.category, level=Level(trade.level)
    )
    client = trade.seller_id if side is Side.PROVIDER else trade.buyer_id
    await require_mandate(
        s,
        broker_id=act.actor.org_id,
        client_id=client,
        side=ClientSide(side.value),
        listing_id=trade.listing_id,
        at=act.now,
    )


async def _mandate_of(s: WriteSession, act: Act, listing: Listing, *, buyer: str, broker: str) -> MandateRow:
    """The mandate a broker comes into the trade with: the buyer's, else the provider's."""
    await require_certified(s, org_id=broker, at=act.now, sector=listing.category, level=Level(listing.level))
    clients = [(ClientSide.BUYER, buyer)]
    if act.role != "BROKER":
        clients.append((ClientSide.PROVIDER, listing.seller_id))
    return await first_mandate(s, broker=broker, clients=clients, listing_id=listing.listing_id, at=act.now)


async def _await_answer(s: WriteSession, trade: Trade) -> None:
    assert trade.answer_by is not None
    await enqueue(
        s,
        kind=TIMEOUT_JOB,
        key=f"{trade.trade_id}:{trade.offer_no}",
        run_at=after(trade.answer_by),
        payload={"trade_id": trade.trade_id},
    )


def parties_of(trade: Trade) -> list[str]:
    """Who has to sign, in the order of the contract: seller, buyer, broker."""
    return [org for org in (trade.seller_id, trade.buyer_id, trade.broker_id) if org is not None]


def named(trade: Trade) -> dict[str, Any]:
    """The parties of a trade as its statements name them."""
    return {
        "trade_id": trade.trade_id,
        "listing_id": trade.listing_id,
        "seller_id": trade.seller_id,
        "buyer_id": trade.buyer_id,
        "broker_id": trade.broker_id,
    }


def step(trade: Trade, event: TradeEvent, before: TradeState, **public: Any) -> Draft:
    """The statement of a step that carries nothing private."""
    return Draft(
        f"TRD.{event.value}",
        trade.trade_id,
        public=named(trade) | public,
        before=before.value,
        after=trade.status.value,
    )


def after(deadline: datetime) -> datetime:
    """The first moment that is late: the deadline itself is in time."""
    return deadline + timedelta(milliseconds=1)


def priced(offer: Offer) -> PricedOffer:
    """An offer's row as the rules of negotiation take it."""
    return PricedOffer(offer.offer_no, Side(offer.side), offer.price_minor, offer.made_at, offer.expires_at)


def _terms_document(terms: OfferTerms) -> dict[str, Any]:
    return {
        "price_minor": str(terms.price_minor),
        "quantity": terms.quantity,
        "unit": terms.unit,
        "licence_class": terms.licence_class,
        "term_months": terms.term_months,
        "purpose": terms.purpose,
        "territory": terms.territory,
        "expires_at": rfc3339(terms.expires_at),
    }
