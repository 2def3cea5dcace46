"""Who goes around a broker that introduced it owes the reward (Civil Code 965); who does not owes nothing."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from brokers.mandates.document import Limits
from brokers.mandating import fulfil_mandate
from brokers.rules import Side
from brokers.service import (
    hand_over_mandate,
    reinstate_certificate,
    revoke_certificate,
    suspend_certificate,
)
from ledger.reader import opening, statements_of
from market.orders.errors import (
    ContestClosed,
    FeesChanged,
    NotAParty,
    NothingToContest,
    OfficerRelated,
    RewardContested,
    TradeUnknown,
)
from market.orders.offering import preview, preview_for_seller
from market.orders.repository import get_contract, latest_offer
from market.orders.rules import TradeState
from market.orders.tables import Introduction, OfficerTie
from market.trade.contesting import (
    answer_contest,
    contest_reward,
    decide_contest,
    release_reward,
    withdraw_contest,
)
from market.trade.taking_over import revoke_mandate, take_over
from tests.market.listings.goods import CLEAN, listed
from tests.market.trade.scene import COMMISSION, ENDS_AT, PRICE, SELLER_PART, Scene, certified
from tests.standstill import refused

WHY = "双方此前已自行接洽"
OTHER = CLEAN + CLEAN.splitlines()[-1] + "\n"


@pytest.fixture
async def fresh(scene: Scene) -> Scene:
    """Another product, over which the broker has brought seller and buyer together, and nothing more."""
    scene.listing = await listed(scene.house, scene.seller, OTHER)
    scene.trades["INTRODUCED"] = (await scene.inquire()).trade_id
    return scene


async def revoked(scene: Scene) -> None:
    await scene.seller.do(
        revoke_mandate, role="PROVIDER", attempted="MND.REVOKE", mandate_id=scene.mandate_id
    )


async def taken(scene: Scene) -> None:
    await scene.seller.do(take_over, role="PROVIDER", attempted="MND.TAKE_OVER", mandate_id=scene.mandate_id)


async def bought(scene: Scene, *, price: int = PRICE, trade_id: str | None = None) -> Any:
    """A purchase without a broker, agreed; as it stands then."""
    about = trade_id or (await scene.inquire(broker_id=None)).trade_id
    await scene.offer(about, scene.seller, price)
    return await scene.accept(about, scene.buyer)


async def said(scene: Scene, object_id: str, event: str) -> list[Any]:
    async with scene.database.read() as s:
        return [one for one in await statements_of(s, object_id=object_id) if one.event == event]


async def test_a_purchase_after_the_mandate_was_taken_back_pays_the_broker(fresh):
    await revoked(fresh)
    fresh.clock.advance(timedelta(days=30))
    trade = await bought(fresh)
    assert (trade.broker_id, trade.reward_to) == (None, fresh.broker.org_id)
    assert (trade.status, trade.commission_minor) == (TradeState.CONTRACT_READY, COMMISSION)
    (claim,) = await said(fresh, trade.trade_id, "RWD.CLAIM")
    assert claim.predicate["source_id"] == fresh.trades["INTRODUCED"]
    assert (claim.predicate["client_id"], claim.predicate["mandate_id"]) == (
        fresh.seller.org_id,
        fresh.mandate_id,
    )
    async with fresh.database.read() as s:
        told = await opening(s, sha256=claim.opening_sha256)
        contract = await get_contract(s, trade_id=trade.trade_id)
    assert (told["fee_bp"], told["commission_minor"]) == (200, str(COMMISSION))
    assert '"rule":"BR-BYPASS"' in contract.document  # and both sign that
    trade = await fresh.sign(trade.trade_id, fresh.seller, fresh.buyer)  # the broker has no seat
    assert trade.status is TradeState.CONTRACTED
    await fresh.fund(trade.trade_id)
    for step in (fresh.start_delivery, fresh.confirm, fresh.accept_goods):
        await step(trade.trade_id)
    await fresh.run_jobs((await fresh.trade(trade.trade_id)).settle_at)
    legs = (await fresh.instruction(trade.trade_id)).payouts
    paid = {leg["end_to_end_id"][-1]: int(leg["amount_minor"]) for leg in legs}
    assert (paid["B"], paid["S"]) == (COMMISSION, SELLER_PART)
    await fresh.settle(trade.trade_id)
    (settled,) = await said(fresh, trade.trade_id, "TRD.SETTLE")
    assert settled.predicate["reward_to"] == fresh.broker.org_id
    assert await fresh.held(trade.trade_id) == 0


async def test_it_is_shown_before_anybody_offers(fresh):
    trade = await fresh.inquire(broker_id=None)
    async with fresh.database.read() as s:
        shown = await preview(s, trade, price_minor=PRICE, at=fresh.clock.now())
        asked = await preview_for_seller(s, trade, seller_minor=SELLER_PART, at=fresh.clock.now())
    assert (shown.commission_bp, shown.whole.commission_minor) == (200, COMMISSION)
    assert asked.whole.price_minor == PRICE
    await fresh.offer(trade.trade_id, fresh.seller)
    async with fresh.database.read() as s:
        assert (await latest_offer(s, trade_id=trade.trade_id)).commission_bp == 200


@pytest.mark.parametrize("how", ["runs", "revoked", "taken over", "expired"])
async def test_however_the_mandate_ended(fresh, how):
    if how == "revoked":
        await revoked(fresh)
    elif how == "taken over":
        await taken(fresh)
    elif how == "expired":
        fresh.clock.move_to(ENDS_AT + timedelta(days=30))
    assert (await bought(fresh)).commission_minor == COMMISSION


async def test_what_is_taken_over_from_a_broker_that_can_act_is_walked_around_nobody(fresh):
    await taken(fresh)
    trade = await bought(fresh, trade_id=fresh.trades["INTRODUCED"])
    assert (trade.broker_id, trade.reward_to, trade.commission_minor) == (
        None,
        fresh.broker.org_id,
        COMMISSION,
    )


@pytest.mark.parametrize(("days", "owed"), [(182, COMMISSION), (184, 0)])
async def test_the_period_is_six_months_from_the_end(fresh, days, owed):
    """From 16 November 2026 to 16 May 2027 there are 181 days; and so much more, of the mandate's own end."""
    fresh.clock.move_to(ENDS_AT - timedelta(days=1))
    await revoked(fresh)  # on 29 June 2027: until 29 December
    fresh.clock.advance(timedelta(days=days))
    assert (await bought(fresh)).commission_minor == owed


async def another_product(scene: Scene) -> None:
    scene.listing = await listed(scene.house, scene.seller, OTHER + OTHER.splitlines()[-1] + "\n")


async def certificate_gone(scene: Scene) -> None:
    await revoked(scene)
    await scene.authority.do(suspend_certificate, cert_id=scene.cert_id, reason_code="WT1")


async def out_with_a_suspension(scene: Scene) -> None:
    await scene.authority.do(suspend_certificate, cert_id=scene.cert_id, reason_code="WT1")
    await taken(scene)
    await scene.authority.do(reinstate_certificate, cert_id=scene.cert_id, reason_code="CLEARED")


async def lost_with_the_certificate(scene: Scene) -> None:
    await scene.authority.do(suspend_certificate, cert_id=scene.cert_id, reason_code="WT1")
    await scene.authority.do(revoke_certificate, cert_id=scene.cert_id, reason_code="WT1")


async def handed_over(scene: Scene) -> None:
    other = await scene.house.admit("接手经纪", {"BROKER"})
    await certified(scene.authority, other, cert_no="GD-DB-M-2-0002")
    successor = await scene.mandate(scene.seller, Side.PROVIDER, broker=other)
    await scene.broker.do(hand_over_mandate, mandate_id=scene.mandate_id, successor_id=successor)


async def rewarded_before(scene: Scene) -> None:
    await scene.sign(await scene.walk(TradeState.CONTRACT_READY))


@pytest.mark.parametrize(
    "spared",
    [
        another_product,
        certificate_gone,
        out_with_a_suspension,
        lost_with_the_certificate,
        handed_over,
        rewarded_before,
    ],
)
async def test_near_it_nothing_is_owed(fresh, spared):
    await spared(fresh)
    trade = await bought(fresh)
    assert (trade.status, trade.reward_to, trade.commission_minor) == (TradeState.CONTRACT_READY, None, 0)
    assert not await said(fresh, trade.trade_id, "RWD.CLAIM")
    assert (await fresh.sign(trade.trade_id, fresh.seller, fresh.buyer)).status is TradeState.CONTRACTED


async def test_a_small_contract_first_saves_nothing_on_a_large_one(fresh):
    small = (await fresh.inquire()).trade_id
    await fresh.offer(small, fresh.seller, 100)
    await fresh.accept(small, fresh.buyer)
    await fresh.sign(small)
    await revoked(fresh)
    assert (await bought(fresh, price=100)).commission_minor == 0
    assert (await bought(fresh)).commission_minor == COMMISSION


async def test_who_had_begun_by_themselves_owe_nothing_and_other_pairs_neither(scene):
    scene.listing = await listed(scene.house, scene.seller, OTHER)
    await scene.inquire(broker_id=None)
    scene.clock.advance(timedelta(seconds=1))
    await scene.inquire()
    assert (await bought(scene)).commission_minor == 0
    stranger = await scene.inquire(who=scene.stranger, broker_id=None)
    await scene.offer(stranger.trade_id, scene.seller)
    agreed = await scene.accept(stranger.trade_id, scene.stranger, role="BUYER")
    assert agreed.commission_minor == 0


async def test_one_controllers_organisation_buys_for_the_introduced_one(fresh):
    """And where its own sister buys under a mandate of another broker, that one mediates."""
    async with fresh.database.write() as s:
        rows = (
            await s.exec(select(Introduction).where(Introduction.source_id == fresh.trades["INTRODUCED"]))
        ).all()
    assert len(rows) == 1
    straw = await fresh.house.admit("湾区数据采购", {"BUYER"}, controller_id=fresh.buyer.org_id)
    trade = await fresh.inquire(who=straw, broker_id=None)
    await fresh.offer(trade.trade_id, fresh.seller)
    assert (await fresh.accept(trade.trade_id, straw)).commission_minor == COMMISSION


async def test_the_reward_is_that_of_the_mandate_and_a_changed_one_is_shown_anew(fresh):
    trade_id = (await fresh.inquire(broker_id=None)).trade_id
    await fresh.offer(trade_id, fresh.seller)
    await fresh.authority.do(suspend_certificate, cert_id=fresh.cert_id, reason_code="WT1")
    async with refused(fresh.database, FeesChanged):
        await fresh.accept(trade_id, fresh.buyer)
    await fresh.offer(trade_id, fresh.buyer, PRICE)
    assert (await fresh.accept(trade_id, fresh.seller, 2)).commission_minor == 0


# -- contested


async def contest(scene: Scene, trade_id: str, who: Any = None, role: str = "BUYER") -> Any:
    return await (who or scene.buyer).do(
        contest_reward, role=role, attempted="RWD.CONTEST", object_id=trade_id, trade_id=trade_id, reasons=WHY
    )


async def decided(scene: Scene, contest_id: str, *, upheld: bool, who: Any = None) -> Any:
    return await (who or scene.house.operator).do(
        decide_contest,
        role="EXCHANGE_OPERATOR",
        attempted="RWD.DECIDE",
        object_id=contest_id,
        contest_id=contest_id,
        upheld=upheld,
        reasons="经查双方确已自行接洽" if upheld else "无证据",
    )


async def test_what_is_contested_is_not_concluded_before_it_is_decided(fresh):
    trade = await bought(fresh)
    former = trade.price_minor
    row = await contest(fresh, trade.trade_id)
    async with refused(fresh.database, RewardContested):
        await contest(fresh, trade.trade_id, fresh.seller, "PROVIDER")
    await fresh.sign(trade.trade_id, fresh.seller)
    async with refused(fresh.database, RewardContested):
        await fresh.sign(trade.trade_id, fresh.buyer)
    await fresh.broker.do(
        answer_contest, role="BROKER", attempted="RWD.ANSWER", contest_id=row.contest_id, text="由我方撮合"
    )
    await decided(fresh, row.contest_id, upheld=True)
    trade = await fresh.trade(trade.trade_id)
    assert (trade.status, trade.reward_to, trade.commission_minor) == (TradeState.CONTRACT_READY, None, 0)
    assert trade.price_minor == former
    assert (await fresh.sign(trade.trade_id, fresh.seller, fresh.buyer)).status is TradeState.CONTRACTED
    assert (await bought(fresh)).commission_minor == 0  # it is no claim any more
    async with refused(fresh.database, ContestClosed):
        await decided(fresh, row.contest_id, upheld=False)


@pytest.mark.parametrize("how", ["dismissed", "withdrawn", "late"])
async def test_a_contest_that_fails_leaves_the_reward(fresh, how):
    trade = await bought(fresh)
    row = await contest(fresh, trade.trade_id)
    if how == "dismissed":
        await decided(fresh, row.contest_id, upheld=False)
    elif how == "withdrawn":
        await fresh.buyer.do(withdraw_contest, attempted="RWD.WITHDRAW", contest_id=row.contest_id)
    else:
        fresh.clock.move_to(row.due_at + timedelta(milliseconds=1))
    trade = await fresh.sign(trade.trade_id, fresh.seller, fresh.buyer)
    assert (trade.status, trade.commission_minor) == (TradeState.CONTRACTED, COMMISSION)
    async with refused(fresh.database, NothingToContest):
        await contest(fresh, trade.trade_id)


async def test_who_may_not_contest_answer_or_decide(fresh):
    trade = await bought(fresh)
    with pytest.raises(TradeUnknown):
        await contest(fresh, trade.trade_id, fresh.stranger)
    row = await contest(fresh, trade.trade_id)
    about = {"contest_id": row.contest_id}
    async with refused(fresh.database, NotAParty):
        await fresh.seller.do(answer_contest, role="PROVIDER", attempted="RWD.ANSWER", text="x", **about)
    async with refused(fresh.database, NotAParty):
        await fresh.seller.do(withdraw_contest, role="PROVIDER", attempted="RWD.WITHDRAW", **about)
    async with refused(fresh.database, NotAParty):
        await fresh.broker.do(
            decide_contest, role="BROKER", attempted="RWD.DECIDE", upheld=False, reasons="x", **about
        )
    async with fresh.database.write() as s:
        broker_id, now = fresh.broker.org_id, fresh.clock.now()
        s.add(OfficerTie(officer_id="usr_1", org_id=broker_id, declared_at=now, statement_id="x"))
        act = fresh.house.operator.act("EXCHANGE_OPERATOR")
        act = replace(act, actor=replace(act.actor, user_id="usr_1"))
        with pytest.raises(OfficerRelated):
            await decide_contest(s, act, upheld=False, reasons="x", **about)
    none = await fresh.inquire(who=fresh.stranger, broker_id=None)
    async with refused(fresh.database, NothingToContest):
        await contest(fresh, none.trade_id, fresh.stranger)


async def test_a_broker_gives_its_claim_up(fresh):
    trade = await bought(fresh)
    async with refused(fresh.database, NothingToContest):
        await fresh.stranger.do(
            release_reward, role="BUYER", attempted="RWD.RELEASE", trade_id=trade.trade_id
        )
    await fresh.broker.do(release_reward, role="BROKER", attempted="RWD.RELEASE", trade_id=trade.trade_id)
    trade = await fresh.trade(trade.trade_id)
    assert (trade.reward_to, trade.commission_minor) == (None, 0)
    assert (await fresh.sign(trade.trade_id, fresh.seller, fresh.buyer)).status is TradeState.CONTRACTED


async def test_a_mandate_for_one_deal_that_is_fulfilled_owes_nothing_later(scene):
    await revoked(scene)
    mandate_id = await scene.mandate(scene.seller, Side.PROVIDER, limits=Limits(one_deal=True))
    scene.listing = await listed(scene.house, scene.seller, OTHER)
    introduced = (await scene.inquire()).trade_id
    async with scene.database.write() as s:
        exchange = scene.house.house.exchange_act()
        assert await fulfil_mandate(s, exchange, mandate_id=mandate_id, trade_id=introduced)
    assert (await bought(scene)).commission_minor == 0


async def test_the_same_file_under_another_product_is_the_same_product(fresh):
    fresh.listing = await listed(fresh.house, fresh.seller, OTHER, salt="again")
    assert (await bought(fresh)).commission_minor == COMMISSION
