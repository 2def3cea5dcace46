"""Inquiry, offers, refusal, acceptance: whose turn it is, what an offer may say, who may speak for whom."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from brokers.errors import BrokerNotCertified, NoActiveMandate, SelfDealing
from brokers.rules import Side
from brokers.service import revoke_mandate, suspend_certificate
from identity.errors import MemberNotActive
from ledger.reader import opening, statements_of
from ledger.tables import StatementRow
from market.listings.errors import ListingNotOnOffer
from market.listings.publishing import suspend_listing
from market.orders.acting import acting_side
from market.orders.errors import (
    DeadlinePassed,
    NegotiationTooLong,
    NotAParty,
    OfferMalformed,
    OwnListing,
    RefusalReasonMissing,
    TradeUnknown,
    TradeWrongRole,
    TradeWrongState,
)
from market.orders.repository import get_trade, latest_offer, offers_of, trades_of
from market.orders.rules import TradeState
from market.orders.service import inquire, refuse_trade
from market.orders.tables import Offer, Trade
from pricing.errors import (
    OfferExpired,
    OfferIsOwn,
    OfferNotLatest,
    OfferOutOfTurn,
    OfferTimesMalformed,
    PriceAboveCap,
    PriceOutOfBounds,
)
from tests.market.listings.goods import listed
from tests.market.trade.scene import PRICE, Scene, both, certified
from tests.standstill import refused, untouched

CAP = 50_000_000


async def suspend(scene: Scene) -> None:
    await scene.authority.do(
        suspend_certificate,
        attempted="BRK.SUSPEND",
        object_id=scene.cert_id,
        cert_id=scene.cert_id,
        reason_code="ANNUAL_FAIL",
    )


async def test_a_buyer_may_begin_by_answering_the_list_price(scene):
    trade_id = scene.trades["INQUIRED"]
    offer = await scene.offer(trade_id, scene.buyer, 60_000_000)
    assert (offer.offer_no, offer.side, offer.by_org) == (1, "BUYER", scene.buyer.org_id)
    trade = await scene.accept(trade_id, scene.seller)
    assert (trade.status, trade.price_minor) == (TradeState.CONTRACT_READY, 60_000_000)
    assert await scene.events(trade_id) == [
        "TRD.INQUIRE",
        "TRD.COUNTER_OFFER",
        "TRD.ACCEPT",
        "TRD.PRECHECK_PASS",
    ]


async def test_an_offer_is_stated_without_its_terms_which_stay_in_the_opening(scene):
    trade_id = scene.trades["INQUIRED"]
    offer = await scene.offer(trade_id, scene.seller, 76_000_000)
    async with scene.database.read() as s:
        said = (await statements_of(s, object_id=trade_id))[-1]
        assert said.statement_id == offer.statement_id
        private = await opening(s, sha256=said.opening_sha256)
    assert said.predicate["offer_no"] == 1
    assert not {"price_minor", "purpose", "territory", "scope", "delivery"} & said.predicate.keys()
    assert private | {"nonce": ""} == {
        "price_minor": "76000000",
        "quantity": 1,
        "unit": "set",
        "licence_class": "internal-use",
        "term_months": 12,
        "purpose": "内部建模",
        "territory": "CN",
        "expires_at": "2026-11-21T01:30:00.000Z",
        "scope": {
            "purposes": ["INTERNAL_USE"],
            "recipients": [],
            "derivative_allowed": False,
            "resale_allowed": False,
            "max_count": 3,
            "delete_within_wd": 10,
        },
        "delivery": {"mode": "download", "days": 5},
        "acceptance": {"within_wd": 5, "bounds": {}},
        "whole_price": {
            "net_minor": "71698113",
            "vat_minor": "4301887",
            "commission_minor": "1520000",
            "platform_fee_minor": "760000",
            "seller_minor": "73720000",
        },
        "nonce": "",
    }
    assert len(private["nonce"]) == 64


async def test_offers_alternate_and_only_an_expired_one_is_renewed(scene):
    trade_id = scene.trades["NEGOTIATING"]
    async with refused(scene.database, OfferOutOfTurn):
        await scene.offer(trade_id, scene.seller)
    scene.clock.advance(timedelta(days=5, seconds=1))
    renewed = await scene.offer(trade_id, scene.seller, 70_000_000)
    assert renewed.offer_no == 2
    assert (await scene.events(trade_id))[-1] == "TRD.OFFER"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"price_minor": 0}, PriceOutOfBounds),
        ({"quantity": 0}, OfferMalformed),
        ({"term_months": 0}, OfferMalformed),
        ({"term_months": 61}, OfferMalformed),
    ],
)
async def test_an_offer_without_form_leaves_no_trace(sqlite_scene, changes, kind):
    scene = sqlite_scene
    async with untouched(scene.database, kind):
        await scene.offer(
            scene.trades["INQUIRED"], scene.seller, changes.pop("price_minor", PRICE), **changes
        )


async def test_an_offer_that_ends_before_it_begins_leaves_no_trace(sqlite_scene):
    scene = sqlite_scene
    async with untouched(scene.database, OfferTimesMalformed):
        await scene.offer(scene.trades["INQUIRED"], scene.seller, expires_at=scene.clock.now())


async def test_a_price_of_public_data_above_its_cap_is_refused_for_either_side(scene):
    listing = await listed(
        scene.house,
        scene.seller,
        salt="public",
        public_data=True,
        grant_id="aog_1",
        cap_minor=CAP,
        list_price_minor=CAP,
    )
    trade = await scene.inquire(listing_id=listing.listing_id, broker_id=None)
    async with refused(scene.database, PriceAboveCap):
        await scene.offer(trade.trade_id, scene.seller, CAP + 1)
    async with refused(scene.database, PriceAboveCap):
        await scene.offer(trade.trade_id, scene.buyer, CAP + 1)
    await scene.offer(trade.trade_id, scene.seller, CAP)
    ready = await scene.accept(trade.trade_id, scene.buyer)
    assert (ready.status, ready.price_minor) == (TradeState.CONTRACT_READY, CAP)
    async with scene.database.read() as s:
        (quote,) = await statements_of(s, object_id=ready.quote_id)
    assert quote.predicate["mechanism"] == "M13"


async def test_the_list_price_taken_as_it_is_is_a_fixed_price(scene):
    trade = await scene.inquire()
    await scene.offer(trade.trade_id, scene.seller, 76_000_000)
    ready = await scene.accept(trade.trade_id, scene.buyer)
    async with scene.database.read() as s:
        (quote,) = await statements_of(s, object_id=ready.quote_id)
    assert quote.predicate["mechanism"] == "M1"


async def test_only_the_other_sides_latest_standing_offer_can_be_accepted(scene):
    trade_id = scene.trades["NEGOTIATING"]
    async with refused(scene.database, OfferIsOwn):
        await scene.accept(trade_id, scene.seller)
    async with refused(scene.database, OfferIsOwn):  # the broker speaks for the seller
        await scene.accept(trade_id, scene.broker)
    await scene.offer(trade_id, scene.buyer, 60_000_000)
    for number in (1, 3):
        async with refused(scene.database, OfferNotLatest):
            await scene.accept(trade_id, scene.seller, number)
    scene.clock.advance(timedelta(days=5, milliseconds=1))
    async with refused(scene.database, OfferExpired):
        await scene.accept(trade_id, scene.seller, 2)
    assert (await scene.trade(trade_id)).status is TradeState.NEGOTIATING


async def test_nothing_is_answered_after_the_deadline_even_before_the_clocks_job_has_run(scene):
    trade_id = scene.trades["NEGOTIATING"]
    answer_by = (await scene.trade(trade_id)).answer_by
    assert answer_by.isoformat() == "2026-12-14T15:59:59.999000+00:00"  # twenty working days
    scene.clock.move_to(answer_by + timedelta(milliseconds=1))
    async with refused(scene.database, DeadlinePassed):
        await scene.offer(trade_id, scene.buyer)
    async with refused(scene.database, DeadlinePassed):
        await scene.accept(trade_id, scene.buyer)
    async with refused(scene.database, DeadlinePassed):
        await refuse(scene, trade_id)
    await scene.run_jobs()
    assert (await scene.trade(trade_id)).status is TradeState.LAPSED
    assert (await scene.events(trade_id))[-1] == "TRD.TIMEOUT"
    await scene.run_jobs()
    assert (await scene.events(trade_id)).count("TRD.TIMEOUT") == 1


async def test_a_negotiation_has_no_more_offers_than_its_quote_can_replay(scene, monkeypatch):
    monkeypatch.setattr("market.orders.offering.MOST_OFFERS", 2)
    trade_id = scene.trades["NEGOTIATING"]
    await scene.offer(trade_id, scene.buyer, 60_000_000)
    async with refused(scene.database, NegotiationTooLong):
        await scene.offer(trade_id, scene.seller)
    assert (await scene.accept(trade_id, scene.seller, 2)).status is TradeState.CONTRACT_READY


async def test_an_answer_sets_the_clock_going_anew(scene):
    trade_id = scene.trades["NEGOTIATING"]
    scene.clock.advance(timedelta(days=21))
    await scene.offer(trade_id, scene.buyer, 60_000_000)
    await scene.run_jobs((await scene.trade(scene.trades["INQUIRED"])).answer_by + timedelta(seconds=1))
    assert (await scene.trade(scene.trades["INQUIRED"])).status is TradeState.LAPSED
    assert (await scene.trade(trade_id)).status is TradeState.NEGOTIATING


async def refuse(scene: Scene, trade_id: str, reason_code: str = "CAPACITY", who=None) -> Trade:
    return await (who or scene.seller).do(
        refuse_trade,
        attempted="TRD.REFUSE",
        object_id=trade_id,
        trade_id=trade_id,
        reason_code=reason_code,
    )


async def test_a_refusal_to_deal_gives_its_reason(scene):
    trade_id = scene.trades["NEGOTIATING"]
    for reason in ("", "BECAUSE"):
        async with refused(scene.database, RefusalReasonMissing) as caught:
            await refuse(scene, trade_id, reason)
        assert caught.value.rule_id == "AB3"
    async with refused(scene.database, TradeWrongRole):
        await refuse(scene, trade_id, who=scene.buyer)
    trade = await refuse(scene, trade_id)
    assert (trade.status, trade.refusal_code) == (TradeState.REFUSED, "CAPACITY")
    async with refused(scene.database, TradeWrongState):  # a counter-offer to a closed negotiation
        await scene.offer(trade_id, scene.buyer)


async def test_a_trade_does_not_exist_for_others_and_no_party_acts_in_anothers_role(scene):
    trade_id = scene.trades["NEGOTIATING"]
    for act in (
        scene.offer(trade_id, scene.stranger, role="BUYER"),
        scene.accept(trade_id, scene.stranger, role="BUYER"),
        scene.sign(trade_id, scene.authority),
    ):
        async with untouched(scene.database, TradeUnknown):
            await act
    async with untouched(scene.database, TradeUnknown):
        await scene.offer("trd_unknown", scene.buyer)
    async with scene.database.write() as s:  # the seller of this trade is admitted as a buyer as well
        act = scene.house.house.act(scene.seller.actor, "BUYER", scene.seller.pen)
        with pytest.raises(NotAParty):
            await acting_side(s, act, await get_trade(s, trade_id=trade_id))


async def test_nobody_buys_from_itself_and_a_broker_is_no_party(scene):
    both_sides = await scene.house.admit("两面科技", {"PROVIDER", "BUYER", "BROKER"})
    await certified(scene.authority, both_sides, cert_no="GD-DB-M-2-0009")
    own = await listed(scene.house, both_sides, salt="own")
    with_broker = {"broker_id": None}
    async with refused(scene.database, OwnListing):
        await scene.inquire(who=both_sides, listing_id=own.listing_id, **with_broker)
    async with refused(scene.database, SelfDealing) as caught:
        await scene.inquire(listing_id=own.listing_id, broker_id=both_sides.org_id)
    assert caught.value.rule_id == "BR5"


async def test_an_inquiry_needs_a_listing_on_offer_an_active_buyer_and_a_sound_quantity(scene):
    blocked = await listed(scene.house, scene.seller, salt="blocked")
    await scene.house.operator.do(
        suspend_listing,
        attempted="LST.SUSPEND",
        object_id=blocked.listing_id,
        listing_id=blocked.listing_id,
        reason_code="COMPLAINT",
    )
    async with refused(scene.database, ListingNotOnOffer):
        await scene.inquire(listing_id=blocked.listing_id)
    async with untouched(scene.database, OfferMalformed):
        await scene.buyer.do(
            inquire,
            attempted="TRD.INQUIRE",
            listing_id=scene.listing.listing_id,
            purpose="x",
            scenario="y",
            quantity=0,
        )
    mandated = await scene.mandate(scene.buyer, Side.BUYER)
    assert mandated
    async with refused(scene.database, TradeWrongRole):  # a broker says for whom
        await scene.inquire(who=scene.broker, role="BROKER", broker_id=None)
    async with refused(scene.database, MemberNotActive):
        await scene.inquire(who=scene.broker, role="BROKER", broker_id=None, buyer_id="org_unknown")


async def test_a_broker_inquires_for_the_buyer_that_mandated_it_and_for_nobody_else(scene):
    facts = {"who": scene.broker, "role": "BROKER", "broker_id": None, "buyer_id": scene.buyer.org_id}
    async with refused(scene.database, NoActiveMandate):  # the provider's mandate is not the buyer's
        await scene.inquire(**facts)
    mandate_id = await scene.mandate(scene.buyer, Side.BUYER, dual_consent=True)
    trade = await scene.inquire(**facts)
    assert (trade.buyer_id, trade.broker_id, trade.broker_side, trade.mandate_id) == (
        scene.buyer.org_id,
        scene.broker.org_id,
        "BUYER",
        mandate_id,
    )
    await scene.offer(trade.trade_id, scene.seller)
    counter = await scene.offer(trade.trade_id, scene.broker, 60_000_000)
    assert (counter.side, counter.by_org) == ("BUYER", scene.broker.org_id)


async def test_a_suspended_certificate_refuses_the_brokers_very_next_act_in_every_stage(scene):
    await suspend(scene)
    for act in (
        scene.inquire(),
        scene.offer(scene.trades["INQUIRED"], scene.broker),
        scene.sign(scene.trades["CONTRACT_READY"], scene.broker),
        refuse(scene, scene.trades["NEGOTIATING"], who=scene.broker),
        scene.accept(scene.trades["NEGOTIATING"], scene.broker),
    ):
        async with refused(scene.database, BrokerNotCertified) as caught:
            await act
        assert (caught.value.rule_id, caught.value.facts["reason"]) == ("BR1", "state")
    await scene.offer(scene.trades["INQUIRED"], scene.seller)  # the client takes over itself


async def test_a_mandate_taken_back_refuses_the_brokers_very_next_act(scene):
    await scene.seller.do(
        revoke_mandate,
        attempted="MND.REVOKE",
        object_id=scene.mandate_id,
        mandate_id=scene.mandate_id,
    )
    for act in (
        scene.inquire(),
        scene.offer(scene.trades["INQUIRED"], scene.broker),
    ):
        async with refused(scene.database, NoActiveMandate) as caught:
            await act
        assert caught.value.rule_id == "BR2"


async def test_a_suspended_listing_stops_its_negotiations_and_contracts(scene):
    await scene.house.operator.do(
        suspend_listing,
        attempted="LST.SUSPEND",
        object_id=scene.listing.listing_id,
        listing_id=scene.listing.listing_id,
        reason_code="COMPLAINT",
    )
    for act in (
        scene.offer(scene.trades["INQUIRED"], scene.seller),
        scene.accept(scene.trades["NEGOTIATING"], scene.buyer),
        scene.sign(scene.trades["CONTRACT_READY"], scene.seller),
    ):
        async with refused(scene.database, ListingNotOnOffer):
            await act


async def test_of_two_acceptances_at_once_one_wins_and_the_other_changes_nothing(scene):
    trade_id = scene.trades["NEGOTIATING"]
    answers = await both(scene.accept(trade_id, scene.buyer), scene.accept(trade_id, scene.buyer))
    assert sorted(type(answer).__name__ for answer in answers) == ["Trade", "TradeWrongState"]
    events = await scene.events(trade_id)
    assert events.count("TRD.ACCEPT") == 1
    assert events.count("TRD.PRECHECK_PASS") == 1
    assert events.count("REF.REFUSE") == 1


async def test_of_two_offers_at_once_each_has_its_number_or_is_out_of_turn(scene):
    trade_id = scene.trades["NEGOTIATING"]
    answers = await both(
        scene.offer(trade_id, scene.buyer, 60_000_000), scene.offer(trade_id, scene.buyer, 61_000_000)
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Offer", "OfferOutOfTurn"]
    async with scene.database.read() as s:
        assert [offer.offer_no for offer in await offers_of(s, trade_id=trade_id)] == [1, 2]


async def test_what_is_accepted_is_the_latest_offer_also_when_another_comes_at_the_same_time(scene):
    trade_id = scene.trades["NEGOTIATING"]
    answers = await both(
        scene.offer(trade_id, scene.buyer, 60_000_000), scene.accept(trade_id, scene.buyer, 1)
    )
    async with scene.database.read() as s:
        latest = await latest_offer(s, trade_id=trade_id)
    trade = await scene.trade(trade_id)
    if isinstance(answers[1], Trade):  # the acceptance came first: the negotiation is closed
        assert (trade.price_minor, latest.offer_no) == (PRICE, 1)
        assert type(answers[0]) is TradeWrongState
    else:
        assert isinstance(answers[0], Offer)
        assert type(answers[1]) is OfferNotLatest
        assert (trade.price_minor, latest.offer_no) == (None, 2)


async def test_no_acceptance_is_recorded_after_the_suspension_it_should_have_seen(scene):
    trade_id = scene.trades["NEGOTIATING"]
    await scene.offer(trade_id, scene.buyer, 60_000_000)
    accepted, _ = await both(scene.accept(trade_id, scene.broker, 2), suspend(scene))
    async with scene.database.read() as s:
        query = select(StatementRow.event).order_by(col(StatementRow.id).desc()).limit(12)
        order = list(reversed((await s.exec(query)).all()))
    if isinstance(accepted, Trade):
        assert accepted.status is TradeState.CONTRACT_READY
        assert order.index("TRD.PRECHECK_PASS") < order.index("BRK.SUSPEND")
    else:
        assert isinstance(accepted, BrokerNotCertified)
        assert "TRD.ACCEPT" not in order[order.index("BRK.SUSPEND") :]


async def test_the_trades_of_an_organisation_come_newest_first_page_by_page(sqlite_scene):
    scene = sqlite_scene
    async with scene.database.read() as s:
        mine = await trades_of(s, org_id=scene.buyer.org_id)
        first = await trades_of(s, org_id=scene.buyer.org_id, limit=5)
        rest = await trades_of(s, org_id=scene.buyer.org_id, after=first[-1].trade_id)
        assert await trades_of(s, org_id=scene.stranger.org_id) == []
        assert len(await trades_of(s)) == len(scene.trades)
    assert [trade.trade_id for trade in mine] == sorted(scene.trades.values(), reverse=True)
    assert [*first, *rest] == list(mine)
