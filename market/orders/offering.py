"""Offers and counter-offers: their terms made whole, their price taken apart, what they may not say refused.

An offer that leaves scope, delivery or acceptance open has the usual ones of listing and type; what is
stated and kept is always whole, so both sides sign and accept the same terms.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from base.clock import rfc3339
from base.db import ReadSession, WriteSession
from ledger.recording import Act, record
from market.listings.authorised import require_sale
from market.listings.errors import SandboxTermsMissing
from market.listings.repository import sandbox_of
from market.listings.service import require_listed
from market.listings.tables import Listing
from market.orders import repository
from market.orders.acceptance import agreed_acceptance
from market.orders.acting import acting_side, commission_due, commission_seen, require_limits
from market.orders.bounding import require_within, usual_scope
from market.orders.errors import FeesChanged, NegotiationTooLong, TradeMovedOn
from market.orders.handover import DeliveryMode, agreed_handover
from market.orders.parting import require_part
from market.orders.rules import Offer as PricedOffer
from market.orders.rules import (
    Side,
    TradeState,
    check_in_time,
    check_terms,
    check_trade_offer,
    due_in,
    may_move,
    offer_event,
)
from market.orders.scope import territory_of
from market.orders.statements import OfferTerms, offer_of, offered
from market.orders.tables import Offer, Trade
from market.orders.waiting import await_answer
from pricing.errors import OfferExpired
from pricing.negotiated import MOST_OFFERS
from pricing.whole import PLATFORM_FEE_BP, WholePrice, price_for_seller, whole_price


async def make_offer(
    s: WriteSession, act: Act, *, trade_id: str, terms: OfferTerms, shown_bp: int | None = None
) -> Offer:
    """Offer, or answer the other side's offer with one's own (TRD.OFFER, TRD.COUNTER_OFFER).

    `shown_bp` is the commission that whoever offers was shown the price taken apart with. Raises
    FeesChanged, TradeWrongState, TradeWrongRole, TradeMovedOn, NegotiationTooLong, OfferOutOfTurn,
    OfferExpired, DeadlinePassed, PriceAboveCap, `listing-not-on-offer`, DeliveryModeNotAllowed, what
    `market.orders.scope.check_within` raises, what `require_offerable` raises where it is sold under a grant,
    and for a broker what BR1 and BR2 raise.
    """
    trade = await repository.claim_trade_of(s, trade_id=trade_id, org_id=act.actor.org_id)
    side = await acting_side(s, act, trade)
    earlier = [priced(offer) for offer in await repository.offers_of(s, trade_id=trade_id)]
    may_move(trade.status, offer_event(trade.status, earlier, side), act.role)
    check_answer_in_time(trade, act)
    if earlier and act.occurred_at < earlier[-1].made_at:
        raise TradeMovedOn("another offer came while this one was signed", offer_no=earlier[-1].number)
    if len(earlier) >= MOST_OFFERS:
        raise NegotiationTooLong("accept the latest offer, or let it lapse", offers=len(earlier))
    listing = await require_listed(s, listing_id=trade.listing_id, now=act.now)
    new = PricedOffer(len(earlier) + 1, side, terms.price_minor, act.occurred_at, terms.expires_at)
    cap = listing.cap_minor if listing.public_data else None
    event = check_trade_offer(trade.status, earlier, new, role=act.role, cap_minor=cap)
    terms = await _whole_terms(s, trade, listing, terms, now=act.now)
    await require_sale(
        s,
        listing,
        price_minor=terms.price_minor,
        unit=terms.unit,
        users={trade.buyer_id, *(terms.scope.recipients if terms.scope else ())},
        now=act.now,
    )
    places = territory_of(terms.territory)
    await require_limits(s, act, trade, price_minor=terms.price_minor, territories=places)
    if not new.stands(act.now):
        raise OfferExpired("the offer ended before it came", expires_at=rfc3339(terms.expires_at))
    commission_bp = await commission_due(s, act, trade, price_minor=terms.price_minor)
    if shown_bp is not None and shown_bp != commission_bp:
        raise FeesChanged(
            "the broker's commission is not the one that was shown", shown_bp=shown_bp, now_bp=commission_bp
        )
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
    whole = taken_apart(terms.price_minor, commission_bp)
    recorded = await record(s, act, offered(trade, event, before, terms, whole))
    offer = offer_of(
        trade,
        terms,
        by_org=act.actor.org_id,
        side=side,
        made_at=act.occurred_at,
        commission_bp=commission_bp,
        statement_id=recorded.statement_id,
    )
    s.add(offer)
    await s.flush()
    await await_answer(s, trade)
    return offer


async def _whole_terms(
    s: WriteSession, trade: Trade, listing: Listing, terms: OfferTerms, *, now: datetime
) -> OfferTerms:
    """The terms with what they leave open filled in, all of it allowed."""
    check_terms(quantity=terms.quantity, term_months=terms.term_months)
    scope = terms.scope or await usual_scope(s, listing_id=listing.listing_id)
    delivery = agreed_handover(terms.delivery, listing.product_type)
    if delivery.mode is DeliveryMode.SANDBOX and await sandbox_of(s, listing_id=listing.listing_id) is None:
        raise SandboxTermsMissing("the listing has no terms of a sandbox", listing_id=listing.listing_id)
    await require_part(s, listing, delivery.part)
    acceptance = agreed_acceptance(terms.acceptance, listing.product_type, terms.quantity)
    await require_within(
        s, trade, scope=scope, territory=terms.territory, term_months=terms.term_months, now=now
    )
    return replace(terms, scope=scope, delivery=delivery, acceptance=acceptance)


def taken_apart(price_minor: int, commission_bp: int) -> WholePrice:
    """A price in fen as it is shown before anyone commits, and as it will be settled (`rules.md` §2.7)."""
    return whole_price(price_minor, commission_bp=commission_bp, platform_bp=PLATFORM_FEE_BP)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a price would come to in a trade, at the commission the broker's mandate gives now."""

    whole: WholePrice
    commission_bp: int
    platform_bp: int = PLATFORM_FEE_BP


async def preview(s: ReadSession, trade: Trade, *, price_minor: int, at: datetime) -> Preview:
    """A price taken apart, before anybody offers or accepts it. Raises PriceOutOfBounds."""
    commission_bp = await commission_seen(s, trade, at=at, price_minor=price_minor)
    return Preview(taken_apart(price_minor, commission_bp), commission_bp)


async def preview_for_seller(s: ReadSession, trade: Trade, *, seller_minor: int, at: datetime) -> Preview:
    """The lowest price that leaves the provider so much, taken apart. Raises PriceOutOfBounds."""
    commission_bp = await commission_seen(s, trade, at=at)
    price = price_for_seller(seller_minor, commission_bp=commission_bp, platform_bp=PLATFORM_FEE_BP)
    less_bp = await commission_seen(s, trade, at=at, price_minor=price)
    if less_bp != commission_bp:  # the lower price bears no reward either (`market.orders.rewarding`)
        commission_bp = less_bp
        price = price_for_seller(seller_minor, commission_bp=commission_bp, platform_bp=PLATFORM_FEE_BP)
    return Preview(taken_apart(price, commission_bp), commission_bp)


def check_fees_shown(offer: Offer, commission_bp: int) -> None:
    """Refuse an acceptance at another commission than the offer showed, with FeesChanged.

    Whoever made the offer was shown its parts; the other side makes an offer of its own, with the new ones.
    """
    if offer.commission_bp is not None and offer.commission_bp != commission_bp:
        raise FeesChanged(
            "the broker's commission has changed since the offer",
            offer_no=offer.offer_no,
            shown_bp=offer.commission_bp,
            now_bp=commission_bp,
        )


class Standing(StrEnum):
    """How an offer stands: an expired one cannot be accepted, and its side may renew it."""

    STANDING = "STANDING"
    EXPIRED = "EXPIRED"
    ANSWERED = "ANSWERED"
    ACCEPTED = "ACCEPTED"
    OVER = "OVER"


def standing_of(offer: Offer, trade: Trade, *, at: datetime) -> Standing:
    """How an offer of a trade stands at a moment."""
    if offer.offer_no != trade.offer_no:
        return Standing.ANSWERED
    if trade.agreed_at is not None:
        return Standing.ACCEPTED
    if trade.status is not TradeState.NEGOTIATING and trade.frozen_from != TradeState.NEGOTIATING.value:
        return Standing.OVER
    return Standing.STANDING if at <= offer.expires_at else Standing.EXPIRED


def priced(offer: Offer) -> PricedOffer:
    """An offer's row as the rules of negotiation take it."""
    return PricedOffer(offer.offer_no, Side(offer.side), offer.price_minor, offer.made_at, offer.expires_at)


def check_answer_in_time(trade: Trade, act: Act) -> None:
    """What lapses at a moment can be answered until then, also while the clock's job has not run yet."""
    assert trade.answer_by is not None
    check_in_time(trade.answer_by, act.now)
