"""A client takes over from its broker what is being negotiated, above all when the certificate is gone."""

import asyncio
from datetime import timedelta

import pytest

from brokers.errors import BrokerNotCertified, MandateWrongRole, MandateWrongState, NoActiveMandate
from brokers.mandates.document import Limits
from brokers.mandates.errors import MandateExceeded
from brokers.mandating import end_mandate
from brokers.repository import get_mandate
from brokers.rules import MandateState, Side
from brokers.service import revoke_certificate, revoke_mandate, suspend_certificate
from ledger.reader import statements_of
from market.orders import taking_over
from market.orders.errors import FeesChanged, TradeMovedOn, TradeUnknown
from market.orders.repository import get_contract, signatures_of
from market.orders.rules import TradeState
from market.orders.taking_over import AWAITS_SIGNATURES, RUNNING, reach_of
from market.trade.freezing import freeze_trade, unfreeze_trade
from market.trade.taking_over import take_over
from tests.market.trade.scene import COMMISSION, ENDS_AT, PRICE
from tests.standstill import refused


async def taken(scene, who=None, role="PROVIDER", mandate_id=None):
    about = mandate_id or scene.mandate_id
    return await (who or scene.seller).do(
        take_over, role=role, attempted="MND.TAKE_OVER", object_id=about, mandate_id=about
    )


async def test_after_a_suspension_the_client_goes_on_at_once_by_itself(scene):
    trade_id = (await scene.inquire()).trade_id
    agreed = await scene.trade(scene.trades["FUNDED"])
    await scene.authority.do(suspend_certificate, cert_id=scene.cert_id, reason_code="WT1")
    mandate = await taken(scene)
    assert mandate.status is MandateState.TAKEN_OVER
    async with scene.database.read() as s:
        said = (await statements_of(s, object_id=scene.mandate_id))[-1]
    assert (said.event, said.org_id) == ("MND.TAKE_OVER", scene.seller.org_id)
    assert trade_id in said.predicate["trades"]
    assert scene.trades["NEGOTIATING"] in said.predicate["trades"]
    trade = await scene.trade(trade_id)
    assert (trade.broker_id, trade.broker_side, trade.mandate_id) == (None, None, None)
    await scene.offer(trade_id, scene.seller)
    trade = await scene.accept(trade_id, scene.buyer)
    assert (trade.status, trade.commission_minor) == (TradeState.CONTRACT_READY, 0)
    trade = await scene.sign(trade_id, scene.seller, scene.buyer)
    assert trade.status is TradeState.CONTRACTED
    after = await scene.trade(scene.trades["FUNDED"])  # what was agreed stays with its broker
    assert (after.broker_id, after.commission_minor) == (agreed.broker_id, agreed.commission_minor)
    assert after.broker_id == scene.broker.org_id


async def test_the_broker_has_no_seat_in_what_was_taken_over(scene):
    trade_id = scene.trades["NEGOTIATING"]
    await taken(scene)
    with pytest.raises(TradeUnknown):
        await scene.offer(trade_id, scene.broker, PRICE - 1, role="BROKER")


async def test_only_the_client_takes_over_and_only_once(scene):
    for who, role in ((scene.buyer, "BUYER"), (scene.broker, "BROKER")):
        async with refused(scene.database, MandateWrongRole):
            await taken(scene, who, role)
    await taken(scene)
    async with refused(scene.database, MandateWrongState):
        await taken(scene)


@pytest.mark.parametrize(("price", "reason"), [(PRICE - 1, "price-floor"), (PRICE + 101, "price-ceiling")])
async def test_a_broker_offers_and_accepts_within_the_mandate_only(scene, price, reason):
    async with scene.database.read() as s:
        old = await get_mandate(s, mandate_id=scene.mandate_id)
    await taken(scene)  # the wide mandate is gone
    limits = Limits(price_floor_minor=PRICE, price_ceiling_minor=PRICE + 100)
    await scene.mandate(scene.seller, Side(old.side), limits=limits)
    trade_id = (await scene.inquire()).trade_id
    async with refused(scene.database, MandateExceeded) as caught:
        await scene.offer(trade_id, scene.broker, price, role="BROKER")
    assert caught.value.facts["reason"] == reason
    await scene.offer(trade_id, scene.broker, PRICE, role="BROKER")
    await scene.offer(trade_id, scene.buyer, price)
    async with refused(scene.database, MandateExceeded):
        await scene.accept(trade_id, scene.broker, 2, role="BROKER")
    assert (await scene.trade(trade_id)).status is TradeState.NEGOTIATING


async def test_a_broker_offers_only_for_the_mandates_territory(scene):
    await taken(scene)
    await scene.mandate(scene.seller, Side.PROVIDER, limits=Limits(territories=frozenset({"440000"})))
    trade_id = (await scene.inquire()).trade_id
    async with refused(scene.database, MandateExceeded) as caught:
        await scene.offer(trade_id, scene.broker, role="BROKER")
    assert caught.value.facts["reason"] == "territory"


@pytest.mark.postgresql
async def test_a_trade_that_begins_while_the_client_takes_over_does_not_keep_its_broker(
    postgresql_scene, monkeypatch
):
    """An inquiry holds the mandate while the client, who has looked already, waits for it."""
    scene = postgresql_scene
    listed, go, real = asyncio.Event(), asyncio.Event(), taking_over.running_under

    async def slow(s, mandate, reach):
        found = await real(s, mandate, reach)
        listed.set()
        await go.wait()
        return found

    monkeypatch.setattr(taking_over, "running_under", slow)
    taking = asyncio.create_task(taken(scene))
    await listed.wait()
    trade_id = (await scene.inquire()).trade_id
    go.set()
    with pytest.raises(TradeMovedOn) as caught:
        await taking
    assert caught.value.facts["trades"] == [trade_id]
    assert (await taken(scene)).status is MandateState.TAKEN_OVER
    assert (await scene.trade(trade_id)).broker_id is None


@pytest.mark.parametrize("state", MandateState)
@pytest.mark.parametrize("certified", [True, False])
def test_what_is_taken_over_by_the_state_of_the_mandate(state, certified):
    lost = {MandateState.FROZEN, MandateState.TERMINATED_BY_CERT_LOSS} if certified else set(MandateState)
    expected = RUNNING + AWAITS_SIGNATURES if state in lost else RUNNING
    if state is MandateState.TAKEN_OVER:
        expected = () if certified else AWAITS_SIGNATURES
    assert reach_of(state, certified=certified) == expected
    assert {TradeState.CONTRACTED, TradeState.FUNDED}.isdisjoint(reach_of(state, certified=certified))


async def brokers_of(scene):
    return {name: (await scene.trade(trade_id)).broker_id for name, trade_id in scene.trades.items()}


async def run_out(scene):
    """The mandate's time is over, and the clock has said so."""
    scene.clock.move_to(ENDS_AT + timedelta(milliseconds=1))
    async with scene.database.write() as s:
        assert await end_mandate(s, scene.house.house.exchange_act(), mandate_id=scene.mandate_id)


async def end(scene, how):
    """The broker cannot act any more: by a suspension, a revocation, or both its certificate and mandate."""
    if how == "EXPIRED":
        await run_out(scene)
    await scene.authority.do(suspend_certificate, cert_id=scene.cert_id, reason_code="WT1")
    if how == "TERMINATED_BY_CERT_LOSS":
        await scene.authority.do(revoke_certificate, cert_id=scene.cert_id, reason_code="WT1")


@pytest.mark.parametrize("how", ["FROZEN", "TERMINATED_BY_CERT_LOSS", "EXPIRED"])
async def test_a_contract_the_broker_cannot_sign_is_drawn_up_without_it(scene, how):
    trade_id = scene.trades["CONTRACT_READY"]
    before = await brokers_of(scene)
    await scene.sign(trade_id, scene.seller, scene.broker)
    async with scene.database.read() as s:
        former = (await get_contract(s, trade_id=trade_id)).contract_sha256
    await end(scene, how)
    async with refused(scene.database, BrokerNotCertified):
        await scene.sign(trade_id, scene.buyer)
    await taken(scene)
    trade = await scene.trade(trade_id)
    assert (trade.status, trade.broker_id, trade.commission_minor) == (TradeState.CONTRACT_READY, None, 0)
    assert (trade.price_minor, trade.mandate_id) == (PRICE, None)
    async with scene.database.read() as s:
        contract = await get_contract(s, trade_id=trade_id)
        assert await signatures_of(s, trade_id=trade_id) == []
    assert contract.contract_sha256 != former
    assert scene.broker.org_id not in contract.document
    assert (await scene.events(trade_id))[-1] == "TRD.PRECHECK_PASS"
    with pytest.raises(TradeUnknown):
        await scene.sign(trade_id, scene.broker)
    assert (await scene.sign(trade_id, scene.seller, scene.buyer)).status is TradeState.CONTRACTED
    left = {"INQUIRED", "NEGOTIATING", "CONTRACT_READY"}
    assert await brokers_of(scene) == {name: None if name in left else who for name, who in before.items()}


@pytest.mark.parametrize("takes_over", [True, False])
@pytest.mark.parametrize("stated", [True, False])
async def test_nobody_waits_out_the_mandate_of_what_is_agreed(scene, takes_over, stated):
    """Its broker signs what was agreed in the mandate's time, and keeps seat and commission."""
    trade_id = scene.trades["CONTRACT_READY"]
    if stated:
        await run_out(scene)
    else:
        scene.clock.move_to(ENDS_AT + timedelta(milliseconds=1))  # the clock's statement comes later
    if takes_over:
        await taken(scene)
        assert (await scene.trade(scene.trades["NEGOTIATING"])).broker_id is None
    trade = await scene.sign(trade_id, scene.seller, scene.broker, scene.buyer)
    assert trade.status is TradeState.CONTRACTED
    assert (trade.broker_id, trade.commission_minor) == (scene.broker.org_id, COMMISSION)


async def test_nobody_walks_around_a_broker_that_can_sign(scene):
    """Nor by taking the mandate back first: what is agreed waits for the broker's signature."""
    await scene.seller.do(revoke_mandate, mandate_id=scene.mandate_id, attempted="MND.REVOKE")
    await taken(scene)
    trade = await scene.trade(scene.trades["CONTRACT_READY"])
    assert (trade.broker_id, trade.commission_minor) == (scene.broker.org_id, COMMISSION)
    assert (await scene.trade(scene.trades["NEGOTIATING"])).broker_id is None
    async with refused(scene.database, MandateWrongState):
        await taken(scene)


async def test_what_stood_still_at_its_contract_is_taken_over_once_it_goes_on(scene):
    trade_id = scene.trades["CONTRACT_READY"]
    order = {"order_id": "ord_k", "reason_code": "SUSPECTED_WASH"}
    await scene.samr.do(freeze_trade, trade_id=trade_id, **order)
    await end(scene, "FROZEN")
    await taken(scene)
    assert (await scene.trade(trade_id)).broker_id == scene.broker.org_id
    async with refused(scene.database, MandateWrongState):
        await taken(scene)
    await scene.samr.do(unfreeze_trade, trade_id=trade_id, **order)
    await taken(scene)
    async with scene.database.read() as s:
        said = (await statements_of(s, object_id=scene.mandate_id))[-1]
    assert said.predicate["trades"] == [trade_id]
    trade = await scene.sign(trade_id, scene.seller, scene.buyer)
    assert (trade.status, trade.broker_id) == (TradeState.CONTRACTED, None)


async def test_a_mandate_for_one_deal_is_spent_by_it_and_fulfilled_when_it_is_settled(scene):
    await taken(scene)  # the wide mandate is gone
    mandate_id = await scene.mandate(scene.seller, Side.PROVIDER, limits=Limits(one_deal=True))
    waiting = await scene.walk(TradeState.NEGOTIATING)
    trade_id = await scene.walk(TradeState.CONTRACT_READY)
    async with refused(scene.database, NoActiveMandate):
        await scene.inquire()
    async with refused(scene.database, FeesChanged):
        await scene.accept(waiting, scene.buyer)
    await scene.sign(trade_id)
    for step in (scene.fund, scene.start_delivery, scene.confirm, scene.accept_goods):
        await step(trade_id)
    await scene.run_jobs(scene.clock.now() + timedelta(days=1))  # T+1
    await scene.settle(trade_id)
    async with scene.database.read() as s:
        assert (await get_mandate(s, mandate_id=mandate_id)).status is MandateState.ACTIVE
    for _ in range(2):
        await scene.run_jobs(scene.clock.now() + timedelta(days=1))
    async with scene.database.read() as s:
        assert (await get_mandate(s, mandate_id=mandate_id)).status is MandateState.FULFILLED
        said = [one for one in await statements_of(s, object_id=mandate_id) if one.event == "MND.FULFIL"]
    assert [one.predicate["trade_id"] for one in said] == [trade_id]
