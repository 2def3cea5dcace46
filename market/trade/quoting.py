"""The quote that a contract cites, by the mechanism that made its price."""

from collections.abc import Sequence
from typing import Any

import orjson

from base.canonical import canonical, sha256_hex
from base.clock import rfc3339
from base.db import WriteSession
from ledger.recording import Act, record
from ledger.statement import Draft
from market.auctions.tables import Auction
from market.listings.plans import PricePlan
from market.listings.tables import Listing
from market.orders import repository
from market.orders.service import named
from market.orders.tables import Offer, QuoteRow, Trade
from pricing.methods import quote as priced
from pricing.quote import Quote
from pricing.whole import PLATFORM_FEE_BP


async def make_quote(
    s: WriteSession,
    act: Act,
    trade: Trade,
    listing: Listing,
    *,
    commission_bp: int,
    plan: PricePlan | None = None,
) -> QuoteRow:
    """The quote the contract cites, by the mechanism that made the price.

    M13 for public data; the listing's plan, or M1, where its price was taken as it is; M5 else.
    """
    offers = list(await repository.offers_of(s, trade_id=trade.trade_id))
    method, facts = _quote_facts(act, trade, listing, offers, commission_bp=commission_bp, plan=plan)
    quote = priced(method, facts)
    assert quote.total_minor == trade.price_minor
    return await _stated(s, act, trade, quote, facts)


async def state_award(s: WriteSession, act: Act, trade: Trade, auction: Auction) -> QuoteRow:
    """The quote that the contract of an auction's winner cites: the award's, the same bytes for all."""
    assert auction.facts is not None
    facts = orjson.loads(auction.facts)
    quote = priced(auction.mechanism.value, facts)
    assert quote.results["payments_minor"][trade.buyer_id] == trade.price_minor
    return await _stated(s, act, trade, quote, facts, auction_id=auction.auction_id)


async def _stated(
    s: WriteSession, act: Act, trade: Trade, quote: Quote, facts: dict[str, Any], **public: str
) -> QuoteRow:
    document = quote.canonical()
    quote_id = act.new_id("quo")
    recorded = await record(
        s,
        act,
        Draft(
            "QTE.QUOTE",
            quote_id,
            public=named(trade)
            | {
                "quote_id": quote_id,
                "mechanism": quote.mechanism,
                "version": quote.version,
                "inputs_sha256": quote.inputs_sha256,
                **public,
            },
            opening={
                "price_minor": str(trade.price_minor),
                "quantity": trade.quantity,
                "unit": trade.unit,
                "licence_class": trade.licence_class,
                "reasons": [reason.document() for reason in quote.reasons],
            },
            subjects={"quote": sha256_hex(document)},
        ),
    )
    row = QuoteRow(
        quote_id=quote_id,
        trade_id=trade.trade_id,
        mechanism=quote.mechanism,
        document=document.decode(),
        facts=canonical(facts).decode(),
        quoted_at=act.occurred_at,
        statement_id=recorded.statement_id,
    )
    s.add(row)
    await s.flush()
    return row


def taken_as_planned(trade: Trade, offers: Sequence[Offer], plan: PricePlan | None) -> bool:
    """Whether the one offer that was made says what the listing's plan gives for its quantity."""
    latest = offers[-1]
    return plan is not None and len(offers) == 1 and latest.price_minor == plan.price_of(trade.quantity)


def _quote_facts(
    act: Act,
    trade: Trade,
    listing: Listing,
    offers: list[Offer],
    *,
    commission_bp: int,
    plan: PricePlan | None,
) -> tuple[str, dict[str, Any]]:
    """The method and its facts. No fact says who the buyer is."""
    latest, agreed_at = offers[-1], trade.agreed_at or act.occurred_at
    facts: dict[str, Any] = {
        "blind": act.nonce(),  # the hash of the facts is public, and what they say else can be guessed
        "listing_id": listing.listing_id,
        "product_id": listing.product_id,
        "licence_class": trade.licence_class,
        "unit": trade.unit,
        "commission_bp": commission_bp,
        "platform_bp": PLATFORM_FEE_BP,
    }
    if listing.public_data:
        return "capped", facts | {"price_minor": latest.price_minor, "cap_minor": listing.cap_minor}
    if plan is not None and taken_as_planned(trade, offers, plan):
        return plan.method.value, facts | plan.facts(trade.quantity)
    if plan is None and len(offers) == 1 and latest.price_minor == listing.list_price_minor:
        return "fixed", facts | {"price_minor": latest.price_minor}
    accepted_by = "BUYER" if latest.side == "PROVIDER" else "PROVIDER"
    return "negotiated", facts | {
        "offers": [
            {
                "by": offer.side,
                "price_minor": offer.price_minor,
                "made_at": rfc3339(offer.made_at),
                "expires_at": rfc3339(offer.expires_at),
            }
            for offer in offers
        ],
        "accepted": {"offer_no": latest.offer_no, "by": accepted_by, "at": rfc3339(agreed_at)},
    }
