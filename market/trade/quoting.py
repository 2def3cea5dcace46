"""The quote that a contract cites, by the mechanism that made its price."""

from typing import Any

from base.canonical import canonical
from base.clock import rfc3339
from base.db import WriteSession
from ledger.recording import Act, record
from ledger.statement import Draft
from market.listings.tables import Listing
from market.orders import repository
from market.orders.service import named
from market.orders.tables import Offer, QuoteRow, Trade
from pricing.cap import capped_quote
from pricing.fixed import fixed_quote
from pricing.negotiated import negotiated_quote
from pricing.quote import Quote
from pricing.whole import PLATFORM_FEE_BP


async def make_quote(
    s: WriteSession, act: Act, trade: Trade, listing: Listing, *, commission_bp: int
) -> QuoteRow:
    """The quote the contract cites, by the mechanism that made the price (M13, M1 or M5)."""
    offers = list(await repository.offers_of(s, trade_id=trade.trade_id))
    facts = _quote_facts(act, trade, listing, offers, commission_bp)
    quote: Quote
    if listing.public_data:
        quote = capped_quote(facts)
    elif "offers" in facts:
        quote = negotiated_quote(facts)
    else:
        quote = fixed_quote(facts)
    assert quote.total_minor == trade.price_minor
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
            },
            opening={
                "price_minor": str(trade.price_minor),
                "quantity": trade.quantity,
                "unit": trade.unit,
                "licence_class": trade.licence_class,
                "reasons": [reason.document() for reason in quote.reasons],
            },
        ),
    )
    row = QuoteRow(
        quote_id=quote_id,
        trade_id=trade.trade_id,
        mechanism=quote.mechanism,
        document=quote.canonical().decode(),
        facts=canonical(facts).decode(),
        quoted_at=act.occurred_at,
        statement_id=recorded.statement_id,
    )
    s.add(row)
    await s.flush()
    return row


def _quote_facts(
    act: Act, trade: Trade, listing: Listing, offers: list[Offer], commission_bp: int
) -> dict[str, Any]:
    latest = offers[-1]
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
        return facts | {"price_minor": latest.price_minor, "cap_minor": listing.cap_minor}
    if len(offers) == 1 and latest.price_minor == listing.list_price_minor:
        return facts | {"price_minor": latest.price_minor}
    accepted_by = "BUYER" if latest.side == "PROVIDER" else "PROVIDER"
    return facts | {
        "offers": [
            {
                "by": offer.side,
                "price_minor": offer.price_minor,
                "made_at": rfc3339(offer.made_at),
                "expires_at": rfc3339(offer.expires_at),
            }
            for offer in offers
        ],
        "accepted": {
            "offer_no": latest.offer_no,
            "by": accepted_by,
            "at": rfc3339(trade.agreed_at or act.occurred_at),
        },
    }
