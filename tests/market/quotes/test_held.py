"""A quote is held as the calculator said it, begins one trade at its price; refused, it moves nothing."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from base.canonical import sha256_hex
from cases.erasing import erase_opening
from cases.errors import OpeningInUse
from ledger.reader import opening, statements_of
from market.listings.conditions import Conditions, Purpose
from market.listings.errors import ListingNotOnOffer
from market.listings.publishing import suspend_listing
from market.listings.quoting import whole_quote
from market.listings.tables import Listing
from market.orders.errors import OwnListing, TermEnded
from market.orders.repository import offers_of
from market.orders.rules import TradeState
from market.orders.statements import terms_of
from market.orders.tables import Trade
from market.quotes import service
from market.quotes.errors import HeldQuoteUnknown, QuoteExpired, QuoteUsed, QuoteWithoutPrice, TooManyQuotes
from market.quotes.repository import get_quote, live_now, quote_for
from market.quotes.tables import HeldQuote
from pricing.methods import quote as priced
from tests.houses import Party
from tests.market.listings.goods import listed
from tests.market.trade.scene import Scene
from tests.standstill import refused, untouched

LISTED_AT = 76_000_000
MODELLING = {"purpose": "授信模型", "scenario": "中小企业信贷"}


async def hold(scene: Scene, who: Party | None = None, **changes: Any) -> HeldQuote:
    said = {
        "listing_id": scene.listing.listing_id,
        "quantity": 1,
        "purpose": Purpose.RISK_CONTROL,
        "term_months": 6,
    } | changes
    return await (who or scene.buyer).do(
        service.hold_quote, role="BUYER", attempted="QTE.HOLD", object_id=said["listing_id"], **said
    )


async def order(scene: Scene, quote: HeldQuote, who: Party | None = None, **more: Any) -> Trade:
    return await (who or scene.buyer).do(
        service.order,
        role="BUYER",
        attempted="TRD.INQUIRE",
        object_id=quote.quote_id,
        quote_id=quote.quote_id,
        **(MODELLING | more),
    )


async def test_what_is_held_is_what_everybody_is_told_and_anyone_with_it_recomputes(scene):
    quote = await hold(scene)
    async with scene.database.read() as s:
        told = await whole_quote(s, scene.listing, quantity=1)
        (said,) = await statements_of(s, object_id=quote.quote_id)
        private = await opening(s, sha256=said.opening_sha256 or "")
    document = orjson.loads(quote.document)
    assert document["quote"] == told.document()
    assert priced(document["method"], document["facts"]) == told
    assert (quote.total_minor, document["nonce"] == "") == (LISTED_AT, False)
    digests = {one["name"]: one["digest"]["sha256"] for one in said.payload["subject"]}
    assert digests["held-quote"] == quote.document_sha256 == sha256_hex(quote.document.encode())
    assert (said.event, said.org_id) == ("QTE.HOLD", scene.house.house.exchange.actor.org_id)
    assert said.predicate | {"opening": 0, "clock": 0} == {
        "event": "QTE.HOLD",
        "object": quote.quote_id,
        "quote_id": quote.quote_id,
        "listing_id": scene.listing.listing_id,
        "seller_id": scene.seller.org_id,
        "buyer_id": scene.buyer.org_id,
        "mechanism": "M1",
        "version": "1",
        "inputs_sha256": told.inputs_sha256,
        "until": "2026-11-19T15:59:59.999Z",
        "actor": said.org_id,
        "role": "EXCHANGE_OPERATOR",
        "occurred_at": "2026-11-16T01:30:00.000Z",
        "opening": 0,
        "clock": 0,
    }
    assert (private["price_minor"], private["quantity"], private["term_months"]) == ("76000000", 1, 6)


async def test_the_broker_of_its_trade_reads_a_quote_and_a_stranger_never(scene):
    buyer = await scene.house.admit("岭南征信", {"BUYER"}, "custodial")
    quote = await hold(scene, buyer)
    readers = (scene.broker, scene.seller, scene.stranger)

    async def reading(party: Party) -> bool:
        async with scene.database.read() as s:
            try:
                return (await quote_for(s, quote_id=quote.quote_id, org_id=party.org_id)) is not None
            except HeldQuoteUnknown:
                return False

    assert [await reading(one) for one in readers] == [False, False, False]
    await order(scene, quote, buyer, broker_id=scene.broker.org_id)
    assert [await reading(one) for one in readers] == [True, True, False]


async def test_an_order_is_an_inquiry_that_names_the_quote_and_an_offer_at_its_price(scene):
    buyer = await scene.house.admit("岭南征信", {"BUYER"}, "custodial")
    quote = await hold(scene, buyer)
    trade = await order(scene, quote, buyer)
    async with scene.database.read() as s:
        said = await statements_of(s, object_id=trade.trade_id)
        (offer,) = await offers_of(s, trade_id=trade.trade_id)
        kept = await get_quote(s, quote_id=quote.quote_id)
        assert await live_now(s, buyer_id=buyer.org_id, at=scene.clock.now()) == 0
        assert (await quote_for(s, quote_id=quote.quote_id, org_id=scene.seller.org_id)) is kept
        with pytest.raises(HeldQuoteUnknown):  # the buyer named no broker
            await quote_for(s, quote_id=quote.quote_id, org_id=scene.broker.org_id)
    assert [one.event for one in said] == ["TRD.INQUIRE", "TRD.COUNTER_OFFER"]
    assert said[0].predicate["held_quote_id"] == quote.quote_id
    assert (offer.price_minor, offer.quantity, offer.term_months, offer.side) == (LISTED_AT, 1, 6, "BUYER")
    assert terms_of(offer).scope.purposes == (Purpose.RISK_CONTROL,)
    assert (trade.status, kept.trade_id, kept.used_at) == (
        TradeState.NEGOTIATING,
        trade.trade_id,
        scene.clock.now(),
    )
    async with refused(scene.database, QuoteUsed):
        await order(scene, quote, buyer)
    ready = await scene.accept(trade.trade_id, scene.seller)
    assert (ready.status, ready.price_minor) == (TradeState.CONTRACT_READY, LISTED_AT)


async def test_a_key_at_home_signs_the_inquiry_and_then_the_offer(sqlite_scene):
    scene = sqlite_scene
    quote = await hold(scene)
    first = await order(scene, quote)
    assert (first.status, first.offer_no) == (TradeState.INQUIRED, 0)
    second = await order(scene, quote)
    assert (second.trade_id, second.offer_no) == (first.trade_id, 1)
    async with refused(scene.database, QuoteUsed):
        await order(scene, quote)
    other = await hold(scene)
    waiting = await order(scene, other)
    scene.clock.move_to(other.until + timedelta(milliseconds=1))
    async with refused(scene.database, QuoteExpired):
        await order(scene, other)
    assert (await scene.trade(waiting.trade_id)).offer_no == 0


async def test_what_cannot_be_held_moves_nothing(sqlite_scene):
    scene = sqlite_scene
    unpriced = await listed(scene.house, scene.seller, salt="unpriced")
    async with scene.database.write() as s:  # as listings of long ago are
        (await s.get_one(Listing, unpriced.listing_id)).list_price_minor = None
    async with refused(scene.database, QuoteWithoutPrice):
        await hold(scene, listing_id=unpriced.listing_id)
    bounds = Conditions(max_term_months=12)
    yearly = await listed(scene.house, scene.seller, salt="yearly", conditions=bounds)
    async with refused(scene.database, TermEnded):
        await hold(scene, term_months=13, listing_id=yearly.listing_id)
    own = await listed(scene.house, scene.stranger, salt="own")
    async with refused(scene.database, OwnListing):
        await hold(scene, scene.stranger, listing_id=own.listing_id)
    for _ in range(20):
        await hold(scene)
    async with refused(scene.database, TooManyQuotes):
        await hold(scene)
    scene.clock.advance(timedelta(days=10))
    await hold(scene)


async def test_late_foreign_or_off_offer_it_begins_nothing(scene):
    quote, late = await hold(scene), await hold(scene)
    async with untouched(scene.database, HeldQuoteUnknown):
        await order(scene, quote, scene.stranger)
    await scene.house.operator.do(
        suspend_listing,
        object_id=scene.listing.listing_id,
        listing_id=scene.listing.listing_id,
        reason_code="COMPLAINT",
    )
    async with refused(scene.database, ListingNotOnOffer):
        await order(scene, quote)
    async with refused(scene.database, ListingNotOnOffer):
        await hold(scene)
    scene.clock.move_to(late.until + timedelta(milliseconds=1))
    async with refused(scene.database, QuoteExpired):
        await order(scene, late)


async def test_what_was_held_is_kept_while_it_is_held_and_can_be_erased_after_it(sqlite_scene):
    scene = sqlite_scene
    quote = await hold(scene)

    async def erase() -> None:
        await scene.house.operator.do(
            erase_opening,
            attempted="OPN.ERASE",
            object_id=quote.statement_id,
            statement_id=quote.statement_id,
            basis="PIPL-47-1",
            reason="the person asked for it",
        )

    async with refused(scene.database, OpeningInUse):
        await erase()
    scene.clock.move_to(quote.until + timedelta(days=1))
    await erase()
    async with scene.database.read() as s:
        gone = await get_quote(s, quote_id=quote.quote_id)
        (said,) = await statements_of(s, object_id=quote.quote_id)
        assert await opening(s, sha256=said.opening_sha256 or "") is None
    assert (gone.document, gone.document_sha256) == ("", quote.document_sha256)
