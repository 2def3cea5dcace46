"""A client takes over from its broker what is being negotiated, above all when the certificate is gone."""

import asyncio

import pytest

from brokers.errors import MandateWrongRole, MandateWrongState
from brokers.mandates.document import Limits
from brokers.mandates.errors import MandateExceeded
from brokers.repository import get_mandate
from brokers.rules import MandateState, Side
from brokers.service import suspend_certificate
from ledger.reader import statements_of
from market.orders import taking_over
from market.orders.errors import TradeMovedOn, TradeUnknown
from market.orders.rules import TradeState
from market.orders.taking_over import take_over
from tests.market.trade.scene import PRICE
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

    async def slow(s, mandate):
        found = await real(s, mandate)
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
