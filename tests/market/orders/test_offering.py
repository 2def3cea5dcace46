"""The whole terms of an offer: scope, delivery, every fee; how it stands; what a refusal and a lapse say."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from brokers.rules import Side
from brokers.service import revoke_mandate
from ledger.reader import opening, statements_of
from market.listings.categories import ProductType
from market.listings.conditions import Conditions, Purpose
from market.orders.deadlines import DELIVER_WORKING_DAYS
from market.orders.errors import (
    DeliveryModeNotAllowed,
    FeesChanged,
    OfferMalformed,
    PurposeNotPermitted,
    RecipientNotPermitted,
    ResaleNotPermitted,
)
from market.orders.handover import MAX_DELIVERY_DAYS, DeliveryMode, Handover, agreed_handover, modes_of
from market.orders.offering import Standing, make_offer, preview, preview_for_seller, standing_of
from market.orders.parts import Comparison, Condition, View
from market.orders.repository import get_contract, latest_offer, offers_of
from market.orders.rules import MAX_NOTE, TradeState
from market.orders.scope import LicenceScope
from market.orders.service import refuse_trade
from market.orders.statements import terms_of
from pricing.errors import OfferExpired
from pricing.whole import whole_price
from tests.market.listings.goods import listed
from tests.market.trade.scene import Scene, terms
from tests.standstill import refused, untouched

ODD = 12_345_679  # no fee of it comes out even


async def said_last(scene: Scene, trade_id: str, event: str):
    """The last statement of an event about a trade, and what it commits to."""
    async with scene.database.read() as s:
        said = [one for one in await statements_of(s, object_id=trade_id) if one.event == event][-1]
        private = await opening(s, sha256=said.opening_sha256) if said.opening_sha256 else None
    return said, private


async def test_scope_and_delivery_are_offered_agreed_and_contracted(scene):
    trade_id = scene.trades["INQUIRED"]
    scope = LicenceScope(purposes=(Purpose.MODEL_TRAINING, Purpose.RISK_CONTROL), max_count=7)
    offer = await scene.offer(trade_id, scene.seller, scope=scope, delivery=Handover(days=12))
    assert (terms_of(offer).scope, terms_of(offer).delivery) == (scope, Handover(DeliveryMode.DOWNLOAD, 12))
    _, private = await said_last(scene, trade_id, "TRD.OFFER")
    assert private["scope"] == scope.document()
    assert private["delivery"] == {"mode": "download", "days": 12}
    await scene.accept(trade_id, scene.buyer)
    async with scene.database.read() as s:
        contract = await get_contract(s, trade_id=trade_id)
    assert '"purposes":["MODEL_TRAINING","RISK_CONTROL"]' in contract.document
    assert '"delivery":{"mode":"download","within_wd":12}' in contract.document
    said, _ = await said_last(scene, trade_id, "TRD.ACCEPT")
    offered, _ = await said_last(scene, trade_id, "TRD.OFFER")
    assert said.predicate["offer_sha256"] == offered.opening_sha256


def of_rows(column: str, value: str) -> View:
    return View(rows=(Condition(column, Comparison.EQ, (value,)),))


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"scope": LicenceScope(resale_allowed=True)}, ResaleNotPermitted),
        ({"scope": LicenceScope(recipients=("org_00000000000000000000000000",))}, RecipientNotPermitted),
        ({"delivery": Handover(DeliveryMode.LEASE)}, DeliveryModeNotAllowed),
        ({"delivery": Handover(DeliveryMode.DOWNLOAD, part=View(("county",)))}, OfferMalformed),
        ({"delivery": Handover(DeliveryMode.SHARE, part=View(("county", "nobody")))}, OfferMalformed),
        ({"delivery": Handover(DeliveryMode.SHARE, part=of_rows("nobody", "1"))}, OfferMalformed),
        ({"delivery": Handover(DeliveryMode.SHARE, part=of_rows("index", "many"))}, OfferMalformed),
        ({"delivery": Handover(days=0)}, OfferMalformed),
        ({"delivery": Handover(days=MAX_DELIVERY_DAYS + 1)}, OfferMalformed),
    ],
)
async def test_terms_that_no_offer_may_have_are_refused_and_nothing_moves(sqlite_scene, changes, refusal):
    scene = sqlite_scene
    stopped = untouched if refusal is OfferMalformed else refused
    async with stopped(scene.database, refusal):
        await scene.offer(scene.trades["INQUIRED"], scene.seller, **changes)


async def test_an_offer_stays_inside_what_the_listing_lets_be_done(sqlite_scene):
    scene = sqlite_scene
    only = Conditions(purposes=frozenset({Purpose.RESEARCH}), max_count=2, delete_within_wd=5)
    listing = await listed(scene.house, scene.seller, salt="bounded", conditions=only)
    trade = await scene.inquire(listing_id=listing.listing_id, broker_id=None)
    async with refused(scene.database, PurposeNotPermitted):
        await scene.offer(trade.trade_id, scene.seller, scope=LicenceScope())
    offer = await scene.offer(trade.trade_id, scene.seller)  # what it leaves open is the listing's usual
    assert terms_of(offer).scope == LicenceScope(
        purposes=(Purpose.RESEARCH,), max_count=2, delete_within_wd=5
    )


def test_each_type_of_product_has_its_kinds_of_delivery_and_the_file():
    for product_type in ProductType:
        own, *others = modes_of(product_type)
        assert agreed_handover(None, product_type) == Handover(own, DELIVER_WORKING_DAYS)
        assert DeliveryMode.DOWNLOAD in {own, *others}
        for mode in set(DeliveryMode) - {own, *others}:
            with pytest.raises(DeliveryModeNotAllowed):
                agreed_handover(Handover(mode), product_type)


async def test_an_offer_from_before_there_were_such_terms_reads_with_the_usual_and_is_accepted(scene):
    trade_id = scene.trades["NEGOTIATING"]
    async with scene.database.write() as s:
        await (await s.connection()).execute(
            text(
                "UPDATE market_offers SET scope = NULL, delivery_mode = NULL, delivery_days = NULL, "
                "commission_bp = NULL WHERE trade_id = :trade"
            ),
            {"trade": trade_id},
        )
    async with scene.database.read() as s:
        offer = await latest_offer(s, trade_id=trade_id)
    old = terms_of(offer)
    assert (old.scope, old.delivery) == (None, Handover(DeliveryMode.DOWNLOAD, DELIVER_WORKING_DAYS))
    trade = await scene.accept(trade_id, scene.buyer)
    assert trade.status is TradeState.CONTRACT_READY
    async with scene.database.read() as s:
        contract = await get_contract(s, trade_id=trade_id)
    assert '"delivery":{"mode":"download","within_wd":5}' in contract.document
    assert '"purposes":["INTERNAL_USE"]' in contract.document


@pytest.mark.parametrize("brokered", [True, False])
async def test_what_was_shown_is_what_was_settled_to_the_fen(scene, brokered):
    """Shown before the offer, stated in it, contracted, paid out by the bank: the same five amounts."""
    trade = await scene.inquire(**({} if brokered else {"broker_id": None}))
    trade_id = trade.trade_id
    async with scene.database.read() as s:
        shown = (await preview(s, trade, price_minor=ODD, at=scene.clock.now())).whole
    assert shown == whole_price(ODD, commission_bp=200 if brokered else 0, platform_bp=100)
    await scene.offer(trade_id, scene.seller, ODD)
    _, private = await said_last(scene, trade_id, "TRD.OFFER")
    assert private["whole_price"] == {
        "net_minor": "11646867",
        "vat_minor": "698812",
        "commission_minor": "246914" if brokered else "0",
        "platform_fee_minor": "123457",
        "seller_minor": "11975308" if brokered else "12222222",
    }
    await scene.accept(trade_id, scene.buyer)
    parties = (scene.seller, scene.buyer, scene.broker) if brokered else (scene.seller, scene.buyer)
    await scene.sign(trade_id, *parties)
    await scene.fund(trade_id, ODD)
    await scene.start_delivery(trade_id)
    await scene.confirm(trade_id)
    await scene.accept_goods(trade_id)
    await scene.run_jobs((await scene.trade(trade_id)).settle_at)
    await scene.settle(trade_id)
    _, paid = await said_last(scene, trade_id, "TRD.SETTLE")
    assert {name: int(paid[name]) for name in ("commission_minor", "platform_fee_minor", "seller_minor")} == {
        "commission_minor": shown.commission_minor,
        "platform_fee_minor": shown.platform_fee_minor,
        "seller_minor": shown.seller_minor,
    }
    assert int(paid["amount_minor"]) == shown.price_minor == shown.net_minor + shown.vat_minor


async def test_the_price_for_what_the_provider_wants_to_receive(sqlite_scene):
    scene = sqlite_scene
    trade = await scene.trade(scene.trades["INQUIRED"])
    async with scene.database.read() as s:
        shown = await preview_for_seller(s, trade, seller_minor=65_960_000, at=scene.clock.now())
    assert (shown.whole.price_minor, shown.commission_bp) == (68_000_000, 200)


async def test_an_offer_is_not_made_at_other_fees_than_were_shown(sqlite_scene):
    scene = sqlite_scene
    trade_id = scene.trades["INQUIRED"]
    await scene.seller.do(revoke_mandate, mandate_id=scene.mandate_id)
    await scene.mandate(scene.seller, Side.PROVIDER, fee_bp=300)
    says = terms(expires_at=scene.clock.now() + timedelta(days=5))
    async with refused(scene.database, FeesChanged):
        await scene.seller.do(
            make_offer,
            attempted="TRD.OFFER",
            object_id=trade_id,
            trade_id=trade_id,
            terms=says,
            shown_bp=200,
        )
    offer = await scene.seller.do(make_offer, trade_id=trade_id, terms=says, shown_bp=300)
    assert offer.commission_bp == 300


async def test_an_expired_offer_is_shown_so_cannot_be_accepted_and_is_renewed(scene):
    trade_id = scene.trades["NEGOTIATING"]
    trade = await scene.trade(trade_id)
    async with scene.database.read() as s:
        (offer,) = await offers_of(s, trade_id=trade_id)
    assert standing_of(offer, trade, at=offer.expires_at) is Standing.STANDING
    scene.clock.move_to(offer.expires_at + timedelta(seconds=1))
    assert standing_of(offer, trade, at=scene.clock.now()) is Standing.EXPIRED
    async with refused(scene.database, OfferExpired):
        await scene.accept(trade_id, scene.buyer)
    renewed = await scene.offer(trade_id, scene.seller)
    trade = await scene.accept(trade_id, scene.buyer, 2)
    assert standing_of(renewed, trade, at=scene.clock.now()) is Standing.ACCEPTED
    assert standing_of(offer, trade, at=scene.clock.now()) is Standing.ANSWERED


async def test_an_offer_in_a_trade_that_was_refused_is_over(sqlite_scene):
    scene = sqlite_scene
    trade = await scene.trade(scene.trades["REFUSED"])
    async with scene.database.read() as s:
        offer = await latest_offer(s, trade_id=trade.trade_id)
    assert standing_of(offer, trade, at=scene.clock.now()) is Standing.OVER


async def test_a_refusal_says_more_to_the_other_side_and_not_to_the_public(scene):
    trade_id = scene.trades["INQUIRED"]
    facts = {
        "attempted": "TRD.REFUSE",
        "object_id": trade_id,
        "trade_id": trade_id,
        "reason_code": "CAPACITY",
    }
    async with untouched(scene.database, OfferMalformed):
        await scene.seller.do(refuse_trade, note="x" * (MAX_NOTE + 1), **facts)
    await scene.seller.do(refuse_trade, note="  明年第一季度前无产能 ", **facts)
    said, private = await said_last(scene, trade_id, "TRD.REFUSE")
    assert said.predicate["reason_code"] == "CAPACITY"
    assert "note" not in said.predicate
    assert private["note"] == "明年第一季度前无产能"


@pytest.mark.parametrize(
    ("state", "owed_by"), [("INQUIRED", "PROVIDER"), ("NEGOTIATING", "BUYER")], ids=["inquiry", "offer"]
)
async def test_a_lapse_says_whose_silence_it_was(sqlite_scene, state, owed_by):
    scene = sqlite_scene
    trade_id = scene.trades[state]
    await scene.run_jobs((await scene.trade(trade_id)).answer_by + timedelta(seconds=1))
    said, _ = await said_last(scene, trade_id, "TRD.TIMEOUT")
    assert said.predicate["owed_by"] == owed_by
