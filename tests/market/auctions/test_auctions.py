"""Sealed auctions of a listing: committed, revealed and awarded, to contracts that cite the award."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from base.canonical import sha256_hex
from brokers.errors import NoActiveMandate, SelfDealing
from brokers.mandates.document import Limits
from brokers.mandates.errors import MandateExceeded
from brokers.rules import Side
from identity.rules import Role
from ledger.reader import statements_of
from market.auctions.closing import award_auction, close_auction
from market.auctions.errors import (
    AuctionHasBids,
    AuctionMalformed,
    AuctionNotYours,
    AuctionPhaseOver,
    AuctionRunning,
    AuctionUnknown,
    AuctionWrongRole,
    AuctionWrongState,
    BidBefore,
    BidRelated,
    BidUnknown,
    CommitmentNotOpened,
    CommitmentTaken,
    RevealedBefore,
    SeedNotPublished,
)
from market.auctions.rules import MOST_UNITS, Mechanism, reserve_commitment, seed_of
from market.auctions.rules import SealedBid as Sealed
from market.auctions.service import cancel_auction, open_auction, reveal_reserve, root_at_close
from market.auctions.states import MOVES, AuctionEvent, AuctionState, may_move
from market.auctions.terms import Goods
from market.listings.errors import ListingNotOnOffer
from market.listings.publishing import withdraw_listing
from market.orders.errors import (
    DeliveryModeNotAllowed,
    OfferMalformed,
    ResaleNotPermitted,
    TerritoryNotPermitted,
)
from market.orders.handover import DeliveryMode, Handover
from market.orders.quoted import quote_of
from market.orders.repository import get_contract, get_trade
from market.orders.rules import TradeState
from market.orders.scope import LicenceScope
from market.trade.accepting import draw_up_again
from pricing.errors import PriceOutOfBounds
from pricing.methods import METHOD_OF, METHODS
from pricing.rsop import side_of
from tests.market.auctions.selling import (
    HOUR,
    as_it_is,
    clock_strikes,
    commit,
    nonce_of,
    opened,
    plan,
    published,
    reveal,
    rsop_plan,
    sealed,
)
from tests.market.trade.scene import Scene, both, certified
from tests.standstill import refused, untouched

ROLES = ("BUYER", "PROVIDER", "BROKER", "EXCHANGE_OPERATOR", "SAMR")


@pytest.mark.parametrize("state", [None, *AuctionState])
@pytest.mark.parametrize("event", AuctionEvent)
@pytest.mark.parametrize("role", ROLES)
def test_what_is_not_in_the_table_is_refused(state, event, role):
    move = MOVES.get((state, event))
    if move is None:
        with pytest.raises(AuctionWrongState) as caught:
            may_move(state, event, role)
        assert caught.value.facts["allowed"] == sorted(one for at, one in MOVES if at is state)
    elif role not in move.roles:
        with pytest.raises(AuctionWrongRole):
            may_move(state, event, role)
    else:
        assert may_move(state, event, role) is move.to


async def said_of(scene: Scene, object_id: str) -> list[str]:
    async with scene.database.read() as s:
        return [one.event for one in await statements_of(s, object_id=object_id)]


async def test_a_second_price_auction_ends_in_a_contract_that_cites_its_award(scene):
    third = await scene.house.admit("岭南征信", {"BUYER"})
    auction = await opened(scene)
    await commit(scene, auction, scene.buyer, 90_000)
    await commit(scene, auction, scene.stranger, 70_000)
    silent = await commit(scene, auction, third, 99_000)
    await clock_strikes(scene, auction.closes_at)
    await reveal(scene, auction, scene.stranger, 70_000)
    await reveal(scene, auction, scene.buyer, 90_000)
    await clock_strikes(scene, auction.reveal_by)
    now, bids = await as_it_is(scene, auction)
    (won,) = [bid for bid in bids if bid.trade_id]
    assert (now.status, won.bidder_id) == (AuctionState.AWARDED, scene.buyer.org_id)
    trade = await scene.trade(won.trade_id)
    assert (trade.status, trade.price_minor) == (TradeState.CONTRACT_READY, 70_000)
    assert await said_of(scene, auction.auction_id) == [
        "AUC.OPEN",
        *["AUC.COMMIT"] * 3,
        "AUC.CLOSE",
        *["AUC.REVEAL"] * 2,
        "AUC.AWARD",
    ]
    assert await said_of(scene, won.trade_id) == ["TRD.AWARD", "TRD.PRECHECK_PASS"]
    async with scene.database.read() as s:
        said = (await statements_of(s, object_id=auction.auction_id))[-1]
        quote = await quote_of(s, trade)
        stated = (await statements_of(s, object_id=quote.quote_id))[-1]
        contract = await get_contract(s, trade_id=won.trade_id)
    # anyone who has the facts makes the same bytes, whose digest stands in the award and in the contract
    assert (
        METHODS[METHOD_OF[quote.mechanism]](orjson.loads(quote.facts)).canonical().decode() == quote.document
    )
    digest = sha256_hex(quote.document.encode())
    assert orjson.loads(contract.document)["price"]["quote_sha256"] == digest
    assert {one["digest"]["sha256"] for one in said.payload["subject"]} >= {digest}
    assert {one["digest"]["sha256"] for one in stated.payload["subject"]} >= {digest}
    assert stated.predicate["auction_id"] == auction.auction_id
    assert said.predicate["withdrawn"] == [silent.bid_id]
    assert said.predicate["inputs_sha256"] == sha256_hex(quote.facts.encode())
    await scene.sign(won.trade_id, scene.seller, scene.buyer)
    await scene.fund(won.trade_id, 70_000)
    assert (await scene.trade(won.trade_id)).status is TradeState.FUNDED


async def test_of_a_few_like_licences_each_winner_pays_the_highest_losing_bid(scene):
    third = await scene.house.admit("岭南征信", {"BUYER"})
    auction = await opened(scene, plan(scene, units=2, reserve_minor=60_000))
    prices = {scene.buyer: 90_000, scene.stranger: 70_000, third: 80_000}
    for who, price in prices.items():
        await commit(scene, auction, who, price)
    await clock_strikes(scene, auction.closes_at)
    for who, price in prices.items():
        await reveal(scene, auction, who, price)
    await clock_strikes(scene, auction.reveal_by)
    _, bids = await as_it_is(scene, auction)
    trades = [await scene.trade(bid.trade_id) for bid in bids if bid.trade_id]
    assert [(one.buyer_id, one.price_minor, one.status) for one in trades] == [
        (scene.buyer.org_id, 70_000, TradeState.CONTRACT_READY),
        (third.org_id, 70_000, TradeState.CONTRACT_READY),
    ]


async def test_a_sealed_reserve_is_opened_or_nothing_is_sold(scene):
    nonce = "5a" * 32
    hidden = reserve_commitment(scene.listing.listing_id, 80_000, nonce)
    for told, failed in ((None, "reserve-not-revealed"), (80_000, "reserve-not-met")):
        auction = await opened(scene, plan(scene, reserve_minor=None, reserve_sha256=hidden))
        await commit(scene, auction, scene.buyer, 79_999)
        await clock_strikes(scene, auction.closes_at)
        await reveal(scene, auction, scene.buyer, 79_999)
        if told is not None:
            about = {"auction_id": auction.auction_id, "nonce": nonce}
            async with refused(scene.database, CommitmentNotOpened):
                await scene.seller.do(reveal_reserve, reserve_minor=79_999, **about)
            await scene.seller.do(reveal_reserve, reserve_minor=told, **about)
            async with refused(scene.database, RevealedBefore):
                await scene.seller.do(reveal_reserve, reserve_minor=told, **about)
        await clock_strikes(scene, auction.reveal_by)
        now, bids = await as_it_is(scene, auction)
        assert (now.status, now.failed_for) == (AuctionState.FAILED, failed)
        assert [bid.trade_id for bid in bids] == [None]


async def bidders(scene: Scene, auction: Any, folder: Any, wanted: str) -> tuple[list[Any], str]:
    """Buyers whose coins fall as wanted once the close is published, and the root that draws them.

    Only who reveals counts for the seed, so more commit than reveal, and the first set that fits is taken.
    """
    parties = [scene.buyer, scene.stranger] + [
        await scene.house.admit(f"竞买人{number}", {"BUYER"}) for number in range(3)
    ]
    for number, who in enumerate(parties):
        await commit(scene, auction, who, 50_000 + 10_000 * number)
    await clock_strikes(scene, auction.closes_at)
    await published(scene, folder)
    now, bids = await as_it_is(scene, auction)
    async with scene.database.read() as s:
        size, root = await root_at_close(s, now)
    assert size > 0
    for mask in range(1, 2 ** len(parties)):
        chosen = [number for number in range(len(parties)) if mask >> number & 1]
        opened_bids = [
            Sealed(bids[number].bidder_id, bids[number].commitment, 1, nonce_of(parties[number]))
            for number in chosen
        ]
        seed = seed_of(auction.auction_id, root, opened_bids)
        sides = {side_of(seed, one.bidder_id) for one in opened_bids}
        if len(sides) == len(wanted) and len(chosen) > 1:
            return [(parties[number], 50_000 + 10_000 * number) for number in chosen], seed
    raise AssertionError("the coins are fair")


async def test_the_seed_of_an_rsop_is_the_logs_root_at_the_close_and_the_revealed_nonces(scene, tmp_path):
    auction = await opened(scene, rsop_plan(scene))
    chosen, seed = await bidders(scene, auction, tmp_path, "AB")
    for who, price in chosen:
        await reveal(scene, auction, who, price)
    await clock_strikes(scene, auction.reveal_by)
    now, bids = await as_it_is(scene, auction)
    assert now.status in {AuctionState.AWARDED, AuctionState.FAILED}
    assert now.failed_for in {None, "nobody-reaches-the-price"}
    async with scene.database.read() as s:
        said = (await statements_of(s, object_id=auction.auction_id))[-1]
    if now.status is AuctionState.AWARDED:
        assert said.predicate["seed"] == seed
        document = orjson.loads(now.document)
        assert document["seed"] == seed
        paid = {bid.bidder_id: (await scene.trade(bid.trade_id)).price_minor for bid in bids if bid.trade_id}
        assert paid == document["payments_minor"]
        for org_id, price in paid.items():
            assert price == document["prices_minor"][document["sides"][org_id]]


async def test_an_rsop_whose_bids_are_all_on_one_side_awards_nothing(scene, tmp_path):
    auction = await opened(scene, rsop_plan(scene))
    chosen, _ = await bidders(scene, auction, tmp_path, "A")
    for who, price in chosen:
        await reveal(scene, auction, who, price)
    await clock_strikes(scene, auction.reveal_by)
    now, bids = await as_it_is(scene, auction)
    assert (now.status, now.failed_for) == (AuctionState.FAILED, "auction-one-sided")
    assert [bid.trade_id for bid in bids] == [None] * len(bids)


async def test_nobody_reveals_before_the_root_that_draws_the_sides_is_public(scene):
    auction = await opened(scene, rsop_plan(scene))
    await commit(scene, auction, scene.buyer, 50_000)
    await clock_strikes(scene, auction.closes_at)
    async with refused(scene.database, SeedNotPublished):
        await reveal(scene, auction, scene.buyer, 50_000)
    await clock_strikes(scene, auction.reveal_by)
    now, _ = await as_it_is(scene, auction)
    assert (now.status, now.failed_for) == (AuctionState.FAILED, "seed-not-published")


async def test_late_double_forged_and_replayed_bids_are_refused_and_nothing_moves(scene):
    auction = await opened(scene)
    first = await commit(scene, auction, scene.buyer, 90_000)
    async with refused(scene.database, BidBefore):
        await commit(scene, auction, scene.buyer, 95_000)
    async with refused(scene.database, CommitmentTaken):  # another's, copied
        await commit(scene, auction, scene.stranger, 1, commitment=first.commitment)
    async with untouched(scene.database, AuctionMalformed):
        await commit(scene, auction, scene.stranger, 1, commitment="AB" * 32)
    async with refused(scene.database, AuctionWrongState):
        await reveal(scene, auction, scene.buyer, 90_000)
    scene.clock.move_to(auction.closes_at + timedelta(milliseconds=1))  # the clock's job has not run yet
    async with refused(scene.database, AuctionPhaseOver):
        await commit(scene, auction, scene.stranger, 70_000)
    await clock_strikes(scene, auction.closes_at)
    async with refused(scene.database, AuctionWrongState):
        await commit(scene, auction, scene.stranger, 70_000)
    for price, nonce in ((90_001, nonce_of(scene.buyer)), (90_000, "00" * 32)):
        async with refused(scene.database, CommitmentNotOpened):
            await reveal(scene, auction, scene.buyer, price, nonce=nonce)
    async with untouched(scene.database, BidUnknown):
        await reveal(scene, auction, scene.stranger, 90_000, nonce=nonce_of(scene.buyer))
    async with untouched(scene.database, BidUnknown):
        await reveal(scene, auction, scene.stranger, 90_000, bidder_id=scene.buyer.org_id)
    async with untouched(scene.database, PriceOutOfBounds):
        await reveal(scene, auction, scene.buyer, 0)
    await reveal(scene, auction, scene.buyer, 90_000)
    async with refused(scene.database, RevealedBefore):
        await reveal(scene, auction, scene.buyer, 90_000)
    scene.clock.move_to(auction.reveal_by + timedelta(milliseconds=1))
    async with refused(scene.database, AuctionPhaseOver):
        await reveal(scene, auction, scene.buyer, 90_000)


async def test_a_commitment_of_another_auction_opens_nothing_here(scene):
    earlier = await opened(scene)
    replayed = sealed(earlier, scene.buyer.org_id, 90_000, nonce_of(scene.buyer))
    await scene.seller.do(cancel_auction, auction_id=earlier.auction_id)
    auction = await opened(scene)
    await commit(scene, auction, scene.buyer, 90_000, commitment=replayed)
    await clock_strikes(scene, auction.closes_at)
    async with refused(scene.database, CommitmentNotOpened):
        await reveal(scene, auction, scene.buyer, 90_000)
    await clock_strikes(scene, auction.reveal_by)
    now, _ = await as_it_is(scene, auction)
    assert (now.status, now.failed_for) == (AuctionState.FAILED, "nothing-revealed")


async def test_neither_the_sellers_group_nor_its_broker_bids_and_an_undertaking_bids_once(scene):
    group = {"controller_id": scene.seller.org_id}
    sister = await scene.house.admit("粤能贸易", {"BUYER"}, **group)
    seller_as_buyer = await scene.house.admit("粤能控股", {"PROVIDER", "BUYER"}, controller_id="某集团")
    twin = await scene.house.admit("粤能二号", {"BUYER"}, controller_id="某集团")
    auction = await opened(scene)
    async with refused(scene.database, BidRelated):
        await commit(scene, auction, sister, 50_000)
    await commit(scene, auction, seller_as_buyer, 50_000)
    async with refused(scene.database, BidBefore):
        await commit(scene, auction, twin, 60_000)
    agent = await scene.house.admit("经纪自营", {"BROKER"})
    await certified(scene.authority, agent, cert_no="GD-DB-M-2-0002")
    await scene.mandate(scene.seller, Side.PROVIDER, broker=agent)
    both_roles = replace(agent, organisation=replace(agent.organisation, roles=frozenset({Role.BUYER})))
    async with refused(scene.database, SelfDealing):
        await commit(scene, auction, both_roles, 60_000)


@pytest.mark.parametrize("own_first", [False, True])
async def test_a_broker_does_not_bid_against_its_client(scene, own_first):
    itself = await scene.house.admit("经纪自营", {"BROKER", "BUYER"})
    agent = replace(itself, organisation=replace(itself.organisation, roles=frozenset({Role.BROKER})))
    await certified(scene.authority, agent, cert_no="GD-DB-M-2-0002")
    await scene.mandate(scene.stranger, Side.BUYER, broker=agent)
    auction = await opened(scene)
    bids = [(agent, {"role": "BROKER", "buyer_id": scene.stranger.org_id}), (itself, {"role": "BUYER"})]
    (first, how), (second, then) = reversed(bids) if own_first else bids
    await commit(scene, auction, first, 60_001, **how)
    async with refused(scene.database, SelfDealing):
        await commit(scene, auction, second, 60_002, **then)


async def test_a_broker_bids_for_the_buyer_that_mandated_it_and_within_the_mandate(scene):
    auction = await opened(scene)
    broker = await scene.house.admit("南岭经纪", {"BROKER"})
    await certified(scene.authority, broker, cert_no="GD-DB-M-2-0002")
    async with refused(scene.database, NoActiveMandate):
        await commit(scene, auction, broker, 50_000, role="BROKER", buyer_id=scene.stranger.org_id)
    await scene.mandate(scene.stranger, Side.BUYER, broker=broker, limits=Limits(price_ceiling_minor=60_000))
    client = {"role": "BROKER", "buyer_id": scene.stranger.org_id}
    own = sealed(auction, scene.stranger.org_id, 60_001, nonce_of(broker))
    bid = await commit(scene, auction, broker, 60_001, commitment=own, **client)
    assert (bid.broker_id, bid.broker_side) == (broker.org_id, "BUYER")
    await clock_strikes(scene, auction.closes_at)
    async with refused(scene.database, MandateExceeded):
        await reveal(scene, auction, broker, 60_001, role="BROKER", bidder_id=scene.stranger.org_id)
    # the client itself is bound by no mandate
    await reveal(scene, auction, scene.stranger, 60_001, nonce=nonce_of(broker))
    await clock_strikes(scene, auction.reveal_by)
    _, (won,) = await as_it_is(scene, auction)
    trade = await scene.trade(won.trade_id)
    assert (trade.broker_id, trade.price_minor) == (broker.org_id, 10_000)
    assert trade.commission_minor == 200
    assert trade.status is TradeState.CONTRACT_READY


async def test_a_client_that_takes_over_signs_for_the_same_award(scene):
    auction = await opened(scene)
    await commit(scene, auction, scene.stranger, 50_000, broker_id=scene.broker.org_id)
    await clock_strikes(scene, auction.closes_at)
    await reveal(scene, auction, scene.stranger, 50_000)
    await clock_strikes(scene, auction.reveal_by)
    _, (won,) = await as_it_is(scene, auction)
    async with scene.database.write() as s:
        trade = await get_trade(s, trade_id=won.trade_id)
        first = await quote_of(s, trade)
        await draw_up_again(s, scene.house.house.exchange_act(), trade)
        again = await quote_of(s, trade)
    assert again.quote_id != first.quote_id
    assert (again.document, again.mechanism) == (first.document, "M6")


async def test_an_auction_is_cancelled_before_the_first_commitment_and_never_after(scene):
    auction = await opened(scene)
    about = {"auction_id": auction.auction_id}
    async with untouched(scene.database, AuctionUnknown):
        await scene.stranger.do(cancel_auction, role="PROVIDER", **about)
    await commit(scene, auction, scene.buyer, 50_000)
    async with refused(scene.database, AuctionHasBids):
        await scene.seller.do(cancel_auction, **about)
    await clock_strikes(scene, auction.closes_at)
    async with refused(scene.database, AuctionWrongState):
        await scene.seller.do(cancel_auction, **about)
    await clock_strikes(scene, auction.reveal_by)
    other = await opened(scene)
    await scene.seller.do(cancel_auction, auction_id=other.auction_id)
    assert await said_of(scene, other.auction_id) == ["AUC.OPEN", "AUC.CANCEL"]
    await clock_strikes(scene, other.reveal_by)
    assert (await as_it_is(scene, other))[0].status is AuctionState.CANCELLED


async def test_without_bids_it_is_over_at_the_close(scene):
    auction = await opened(scene)
    await clock_strikes(scene, auction.closes_at)
    now, _ = await as_it_is(scene, auction)
    assert (now.status, now.failed_for) == (AuctionState.FAILED, "no-bids")
    await clock_strikes(scene, auction.reveal_by)
    assert await said_of(scene, auction.auction_id) == ["AUC.OPEN", "AUC.FAIL"]


async def test_a_listing_that_was_withdrawn_is_sold_to_nobody(scene):
    auction = await opened(scene)
    await commit(scene, auction, scene.buyer, 50_000)
    await scene.seller.do(withdraw_listing, listing_id=scene.listing.listing_id)
    async with refused(scene.database, ListingNotOnOffer):
        await commit(scene, auction, scene.stranger, 50_000)
    await clock_strikes(scene, auction.closes_at)
    await reveal(scene, auction, scene.buyer, 50_000)
    await clock_strikes(scene, auction.reveal_by)
    now, _ = await as_it_is(scene, auction)
    assert (now.status, now.failed_for) == (AuctionState.FAILED, "listing-not-on-offer")


async def test_only_the_seller_opens_one_auction_at_a_time_with_terms_the_listing_allows(scene):
    auction = await opened(scene)
    about = {"listing_id": scene.listing.listing_id, "goods": Goods(term_months=12)}
    async with refused(scene.database, AuctionRunning):
        await opened(scene)
    async with refused(scene.database, AuctionNotYours):
        await scene.stranger.do(open_auction, role="PROVIDER", plan=plan(scene), **about)
    async with refused(scene.database, AuctionWrongRole):
        await scene.stranger.do(open_auction, role="BUYER", plan=plan(scene), **about)
    await scene.seller.do(cancel_auction, auction_id=auction.auction_id)
    now = scene.clock.now()
    for wrong in (
        {"units": 0},
        {"units": MOST_UNITS + 1},
        {"units": None},
        {"reserve_minor": None},
        {"reserve_minor": 0},
        {"reserve_sha256": "00" * 32},
        {"reserve_minor": None, "reserve_sha256": "0g" * 32},
        {"closes_at": now + HOUR - timedelta(seconds=1)},
        {"closes_at": now + timedelta(days=61), "reveal_by": now + timedelta(days=62)},
        {"reveal_by": now + 24 * HOUR},
        {"mechanism": Mechanism.RSOP},
    ):
        async with untouched(scene.database, AuctionMalformed):
            await opened(scene, plan(scene, **wrong))


async def test_terms_beyond_the_listing_are_refused_before_anybody_bids(scene):
    about = {"listing_id": scene.listing.listing_id, "plan": plan(scene)}
    for goods, error in (
        (Goods(term_months=0), OfferMalformed),
        (Goods(term_months=12, scope=LicenceScope(resale_allowed=True)), ResaleNotPermitted),
        (Goods(term_months=12, delivery=Handover(DeliveryMode.LEASE)), DeliveryModeNotAllowed),
    ):
        with pytest.raises(error):
            await scene.seller.do(open_auction, goods=goods, **about)


async def test_a_territory_without_the_bidder_is_refused_to_it(scene):
    auction = await opened(scene, territory="440300")
    async with refused(scene.database, TerritoryNotPermitted):
        await commit(scene, auction, scene.buyer, 50_000)


async def test_the_clock_does_nothing_before_its_time_nor_twice(scene):
    auction = await opened(scene)
    await commit(scene, auction, scene.buyer, 50_000)
    act = scene.house.house.exchange_act
    async with scene.database.write() as s:
        assert await close_auction(s, act(), auction_id=auction.auction_id) is False
    await clock_strikes(scene, auction.closes_at)
    async with scene.database.write() as s:
        assert await close_auction(s, act(), auction_id=auction.auction_id) is False
        assert await award_auction(s, act(), auction_id=auction.auction_id) is None


async def test_an_award_that_comes_before_the_close_makes_up_for_it(scene):
    auction = await opened(scene)
    await commit(scene, auction, scene.buyer, 50_000)
    scene.clock.move_to(auction.reveal_by + HOUR)  # a node that was away; of two runners one takes the award
    async with scene.database.write() as s:
        await award_auction(s, scene.house.house.exchange_act(), auction_id=auction.auction_id)
    now, _ = await as_it_is(scene, auction)
    assert (now.status, now.failed_for) == (AuctionState.FAILED, "nothing-revealed")
    again = await opened(scene)
    assert again.status is AuctionState.OPEN


async def test_who_commits_while_the_auction_closes_is_in_it_or_refused(postgresql_scene):
    """Ten bidders and the clock at once: what AUC.CLOSE counts is what stands, whoever came first."""
    scene = postgresql_scene
    auction = await opened(scene)
    parties = [await scene.house.admit(f"竞买人{number}", {"BUYER"}) for number in range(6)]
    scene.clock.move_to(auction.closes_at)

    async def close() -> Any:
        late = scene.clock.now() + timedelta(milliseconds=1)
        base = scene.house.house.exchange_act()
        async with scene.database.write() as s:
            return await close_auction(s, replace(base, now=late), auction_id=auction.auction_id)

    await commit(scene, auction, scene.buyer, 50_000)
    outcomes = await asyncio.gather(
        *(commit(scene, auction, who, 60_000) for who in parties[:3]),
        close(),
        *(commit(scene, auction, who, 60_000) for who in parties[3:]),
        return_exceptions=True,
    )
    now, bids = await as_it_is(scene, auction)
    kept = [one for one in outcomes if not isinstance(one, BaseException) and one is not True]
    assert [type(one) for one in outcomes if isinstance(one, BaseException)] == [AuctionWrongState] * (
        len(parties) - len(kept)
    )
    assert (now.status, now.bids, len(bids)) == (AuctionState.CLOSED, len(kept) + 1, len(kept) + 1)
    async with scene.database.read() as s:
        said = await statements_of(s, object_id=auction.auction_id)
    close_said = next(one for one in said if one.event == "AUC.CLOSE")
    assert close_said.predicate["bids"] == len(bids)
    assert [one.event for one in said].index("AUC.CLOSE") == len(bids) + 1


async def test_of_two_openings_at_once_one_stands(postgresql_scene):
    scene = postgresql_scene
    found = await both(opened(scene), opened(scene))
    assert sorted(type(one).__name__ for one in found) == ["Auction", "AuctionRunning"]
