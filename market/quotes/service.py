"""Holding a quote of the calculator, and beginning a trade with it: the buyer's own first offer at its price.

What is held is what everybody was told (`market.listings.quoting`): no fact of the price says who asks. A
held quote binds the exchange to nothing but its word of what the price was; the seller answers the offer as
any other, and is shown that the price was its own.
"""

from dataclasses import replace
from typing import Any

from base.canonical import canonical, sha256_hex
from base.clock import rfc3339
from base.db import ReadSession, WriteSession
from base.errors import DomainError
from identity.repository import lock_organisation
from identity.service import require_member
from ledger.recording import Act, record
from ledger.statement import Draft
from market.listings.conditions import Purpose
from market.listings.history import versions_of
from market.listings.quoting import quote_facts, whole_quote
from market.listings.repository import conditions_of, get_listing
from market.listings.rules import ListingState
from market.listings.service import require_listed
from market.listings.tables import Listing
from market.orders.errors import OwnListing, TradeWrongRole
from market.orders.repository import claim_trade
from market.orders.rules import TradeState
from market.orders.scope import default_scope
from market.orders.service import OfferTerms, inquire, make_offer
from market.orders.tables import Trade
from market.quotes import repository
from market.quotes.errors import QuoteUsed, QuoteWithoutPrice
from market.quotes.rules import check_asked, check_in_time, check_live, held_until, offered_until
from market.quotes.tables import HeldQuote
from pricing.methods import quote as priced
from pricing.quote import check_price


async def hold_quote(
    s: WriteSession, act: Act, *, listing_id: str, quantity: int, purpose: Purpose, term_months: int
) -> HeldQuote:
    """Hold the price of a listing for a buyer, in the exchange's words (QTE.HOLD).

    Raises TradeWrongRole, OwnListing, OfferMalformed, PurposeNotPermitted, TermEnded, QuoteWithoutPrice,
    TooManyQuotes, `listing-unknown`, `listing-not-on-offer`, `member-not-active`, and what pricing the
    quantity raises.
    """
    if act.role != "BUYER":
        raise TradeWrongRole("a quote is held by a buyer", role=act.role)
    buyer_id = act.actor.org_id
    listing = await require_listed(s, listing_id=listing_id, now=act.now)
    if buyer_id == listing.seller_id:
        raise OwnListing("the buyer is the seller", listing_id=listing_id)
    conditions = await conditions_of(s, listing_id=listing_id)
    check_asked(conditions, quantity=quantity, purpose=purpose, term_months=term_months)
    await lock_organisation(s, org_id=buyer_id, alone=True)  # its quotes are counted one by one
    await require_member(s, org_id=buyer_id)
    check_live(await repository.live_now(s, buyer_id=buyer_id, at=act.now), at=act.now)
    found = await quote_facts(s, listing, quantity=quantity)
    if found is None:
        raise QuoteWithoutPrice("the provider names a price when you inquire", listing_id=listing_id)
    method, facts = found
    quote = priced(method, facts)
    check_price(quote.total_minor)
    held = HeldQuote(
        quote_id=act.new_id("hqt"),
        listing_id=listing_id,
        buyer_id=buyer_id,
        seller_id=listing.seller_id,
        quantity=quantity,
        purpose=purpose,
        term_months=term_months,
        total_minor=quote.total_minor,
        mechanism=quote.mechanism,
        document="",
        document_sha256="",
        held_at=act.occurred_at,
        until=held_until(act.occurred_at),
        statement_id="",
    )
    document = canonical(
        _terms(held, listing)
        | {"method": method, "facts": facts, "quote": quote.document(), "nonce": act.nonce()}
    )
    held.document, held.document_sha256 = document.decode(), sha256_hex(document)
    said = Draft(
        "QTE.HOLD",
        held.quote_id,
        public={
            "quote_id": held.quote_id,
            "listing_id": listing_id,
            "seller_id": held.seller_id,
            "buyer_id": buyer_id,
            "mechanism": quote.mechanism,
            "version": quote.version,
            "inputs_sha256": quote.inputs_sha256,
            "until": rfc3339(held.until),
        },
        opening=_terms(held, listing) | {"price_minor": str(held.total_minor)},
        subjects={"held-quote": held.document_sha256},
    )
    held.statement_id = (await record(s, act.as_exchange(), said)).statement_id
    s.add(held)
    await s.flush()
    return held


async def order(
    s: WriteSession,
    act: Act,
    *,
    quote_id: str,
    purpose: str,
    scenario: str,
    territory: str | None = None,
    broker_id: str | None = None,
) -> Trade:
    """Begin a trade with a held quote: TRD.INQUIRE that names it, and TRD.COUNTER_OFFER at its price.

    A buyer whose key is in its own hands signs one statement at a time: the first call inquires, the second
    makes the offer. Raises HeldQuoteUnknown, QuoteUsed, QuoteExpired, and what inquiring and
    offering raise.
    """
    quote = await repository.claim_quote_of(s, quote_id=quote_id, buyer_id=act.actor.org_id)
    if quote.trade_id is None:
        check_in_time(until=quote.until, at=act.now)
        trade = await inquire(
            s,
            act,
            listing_id=(await listing_for(s, quote)).listing_id,
            purpose=purpose,
            scenario=scenario,
            quantity=quote.quantity,
            broker_id=broker_id,
            held_quote_id=quote_id,
        )
        await repository.use(s, quote, trade_id=trade.trade_id, at=act.occurred_at)
        if not act.pen.custodial:
            return trade
    else:
        trade = await claim_trade(s, trade_id=quote.trade_id)
        if trade.status is not TradeState.INQUIRED:
            raise QuoteUsed("one quote begins one trade", quote_id=quote_id, trade_id=trade.trade_id)
        check_in_time(until=quote.until, at=act.now)
    terms = await _offer(s, act, quote, trade, territory=territory)
    await make_offer(s, act, trade_id=trade.trade_id, terms=terms)
    return trade


async def listing_for(s: ReadSession, quote: HeldQuote) -> Listing:
    """What a quote is used for: its listing, or the version on offer where the seller has ended that one.

    A listing's price never changes; another price is another version. A version for another unit or under
    another class of licence is another product to this.
    """
    listing = await get_listing(s, listing_id=quote.listing_id)
    newest = await _newest(s, listing) if listing.status is ListingState.DELISTED else None
    return newest or listing


async def price_today(s: ReadSession, quote: HeldQuote) -> int | None:
    """What the held quantity costs by the newest version on offer, in fen; None where nothing says it."""
    newest = await _newest(s, await get_listing(s, listing_id=quote.listing_id))
    try:
        found = None if newest is None else await whole_quote(s, newest, quantity=quote.quantity)
    except DomainError:  # a plan of today may have no price for this quantity
        return None
    return None if found is None else found.total_minor


async def _newest(s: ReadSession, listing: Listing) -> Listing | None:
    versions = await versions_of(s, product_id=listing.product_id, seller_id=listing.seller_id)
    for newer in (version.listing for version in versions):
        same = (newer.unit, newer.licence_class) == (listing.unit, listing.licence_class)
        if same and newer.status is ListingState.LISTED:
            return newer
    return None


async def _offer(
    s: ReadSession, act: Act, quote: HeldQuote, trade: Trade, *, territory: str | None
) -> OfferTerms:
    """The buyer's own first offer: the held price, quantity, use and term, and the listing's usual."""
    conditions = await conditions_of(s, listing_id=trade.listing_id)
    return OfferTerms(
        price_minor=quote.total_minor,
        quantity=quote.quantity,
        unit=trade.unit,
        licence_class=trade.licence_class,
        term_months=quote.term_months,
        purpose=trade.purpose,
        territory=territory or ",".join(conditions.territory) or "CN",
        expires_at=offered_until(act.occurred_at),
        scope=replace(default_scope(conditions), purposes=(quote.purpose,)),
    )


def _terms(quote: HeldQuote, listing: Listing) -> dict[str, Any]:
    """What is held, as the opening and the document say it."""
    return {
        "quote_id": quote.quote_id,
        "listing_id": quote.listing_id,
        "buyer_id": quote.buyer_id,
        "seller_id": quote.seller_id,
        "quantity": quote.quantity,
        "unit": listing.unit,
        "licence_class": listing.licence_class,
        "purpose": quote.purpose.value,
        "term_months": quote.term_months,
        "held_at": rfc3339(quote.held_at),
        "until": rfc3339(quote.until),
    }
