"""What is agreed outlasts its mandate (Civil Code 965): nobody walks around the broker, nor waits for it."""

from datetime import timedelta

import orjson
import pytest

from brokers.errors import BrokerNotCertified
from brokers.rules import MandateState
from brokers.service import reinstate_certificate, suspend_certificate
from ledger.reader import statements_of
from market.listings.publishing import resume_listing, suspend_listing
from market.orders.errors import SignedBefore, TradeUnknown, TradeWrongState
from market.orders.repository import get_contract
from market.orders.rules import TradeState
from market.trade.freezing import freeze_trade, unfreeze_trade
from market.trade.taking_over import conclude_left, end_mandate, revoke_mandate, take_over
from tests.market.trade.scene import COMMISSION, ENDS_AT, SELLER_PART, Scene
from tests.standstill import refused


async def ended(scene: Scene, how: str) -> None:
    """The mandate ends: by its client, or by its time."""
    verbs = {"revoked": (revoke_mandate, "MND.REVOKE"), "taken over": (take_over, "MND.TAKE_OVER")}
    if how == "expired":
        scene.clock.move_to(ENDS_AT + timedelta(days=1))
        async with scene.database.write() as s:
            assert await end_mandate(s, scene.house.house.exchange_act(), mandate_id=scene.mandate_id)
    else:
        verb, event = verbs[how]
        about = {"mandate_id": scene.mandate_id}
        await scene.seller.do(verb, role="PROVIDER", attempted=event, object_id=scene.mandate_id, **about)


async def concluded(scene: Scene, trade_id: str) -> dict:
    async with scene.database.read() as s:
        said = [one for one in await statements_of(s, object_id=trade_id) if one.event == "TRD.CONTRACT"]
    assert len(said) == 1
    return said[0].predicate


ENDS = ["revoked", "taken over", "expired"]


@pytest.mark.parametrize("how", ENDS)
async def test_after_the_mandate_the_contract_is_concluded_without_the_broker_which_is_paid(scene, how):
    trade_id = scene.trades["CONTRACT_READY"]
    async with scene.database.read() as s:
        former = (await get_contract(s, trade_id=trade_id)).contract_sha256
    await ended(scene, how)
    await scene.sign(trade_id, scene.seller)
    assert (await scene.trade(trade_id)).status is TradeState.CONTRACT_READY
    trade = await scene.sign(trade_id, scene.buyer)
    assert (trade.status, trade.broker_id) == (TradeState.CONTRACTED, scene.broker.org_id)
    assert trade.commission_minor == COMMISSION
    said = await concluded(scene, trade_id)
    assert (said["unsigned"], len(said["signatures"])) == ([scene.broker.org_id], 2)
    assert said["contract_sha256"] == former  # the very contract that showed the commission
    await scene.fund(trade_id)
    for step in (scene.start_delivery, scene.confirm, scene.accept_goods):
        await step(trade_id)
    await scene.run_jobs((await scene.trade(trade_id)).settle_at)
    paid = {
        leg["end_to_end_id"][-1]: int(leg["amount_minor"])
        for leg in (await scene.instruction(trade_id)).payouts
    }
    assert (paid["B"], paid["S"]) == (COMMISSION, SELLER_PART)


@pytest.mark.parametrize("how", ENDS)
async def test_what_both_principals_have_signed_is_concluded_with_the_end_itself(scene, how):
    trade_id = scene.trades["CONTRACT_READY"]
    await scene.sign(trade_id, scene.seller, scene.buyer)
    assert (await scene.trade(trade_id)).status is TradeState.CONTRACT_READY  # the broker's is awaited
    await ended(scene, how)
    assert (await scene.trade(trade_id)).status is TradeState.CONTRACTED
    assert (await concluded(scene, trade_id))["unsigned"] == [scene.broker.org_id]
    events = await scene.events(trade_id)
    assert events[-1] == "TRD.CONTRACT"


@pytest.mark.parametrize("how", ENDS)
async def test_the_brokers_signature_of_before_stands_and_it_may_still_sign(scene, how):
    early = scene.trades["CONTRACT_READY"]
    late = await scene.walk(TradeState.CONTRACT_READY)
    await scene.sign(early, scene.broker)
    await ended(scene, how)
    await scene.sign(early, scene.buyer, scene.seller)
    said = await concluded(scene, early)
    assert ("unsigned" in said, len(said["signatures"])) == (False, 3)
    await scene.sign(late, scene.broker, scene.buyer)
    trade = await scene.sign(late, scene.seller)
    assert (trade.status, trade.commission_minor) == (TradeState.CONTRACTED, COMMISSION)
    async with refused(scene.database, TradeWrongState):
        await scene.sign(late, scene.broker)


async def test_while_the_mandate_runs_the_brokers_signature_is_awaited(scene):
    trade_id = scene.trades["CONTRACT_READY"]
    await scene.sign(trade_id, scene.seller, scene.buyer)
    async with refused(scene.database, SignedBefore):
        await scene.sign(trade_id, scene.buyer)
    async with scene.database.write() as s:
        await conclude_left(s, scene.house.house.exchange_act())
    assert (await scene.trade(trade_id)).status is TradeState.CONTRACT_READY


async def test_a_broker_without_a_certificate_keeps_only_what_was_earned_before(scene):
    """Revoked first, suspended then: nothing is concluded with it; taken over, nothing is owed to it."""
    trade_id, funded = scene.trades["CONTRACT_READY"], scene.trades["FUNDED"]
    await ended(scene, "revoked")
    await scene.sign(trade_id, scene.seller)
    await scene.authority.do(suspend_certificate, cert_id=scene.cert_id, reason_code="WT1")
    async with refused(scene.database, BrokerNotCertified):
        await scene.sign(trade_id, scene.buyer)
    await ended(scene, "taken over")
    trade = await scene.trade(trade_id)
    assert (trade.broker_id, trade.commission_minor) == (None, 0)
    with pytest.raises(TradeUnknown):
        await scene.sign(trade_id, scene.broker)
    assert (await scene.sign(trade_id, scene.seller, scene.buyer)).status is TradeState.CONTRACTED
    kept = await scene.trade(funded)
    assert (kept.broker_id, kept.commission_minor) == (scene.broker.org_id, COMMISSION)


@pytest.mark.parametrize("waits_for", ["listing", "certificate", "freeze"])
async def test_what_waited_for_something_else_is_concluded_once_that_is_over(scene, waits_for):
    trade_id, operator = scene.trades["CONTRACT_READY"], scene.house.operator
    order = {"trade_id": trade_id, "order_id": "ord_w", "reason_code": "SUSPECTED_WASH"}
    about = {"listing_id": scene.listing.listing_id, "reason_code": "COMPLAINT"}
    await scene.sign(trade_id, scene.seller, scene.buyer)
    if waits_for == "listing":
        await operator.do(suspend_listing, **about)
    elif waits_for == "certificate":
        await scene.authority.do(suspend_certificate, cert_id=scene.cert_id, reason_code="WT1")
    else:
        await scene.samr.do(freeze_trade, **order)
    await ended(scene, "revoked")
    assert (await scene.trade(trade_id)).status is not TradeState.CONTRACTED
    if waits_for == "listing":
        await operator.do(resume_listing, **about)
    elif waits_for == "certificate":
        await scene.authority.do(reinstate_certificate, cert_id=scene.cert_id, reason_code="CLEARED")
    else:
        await scene.samr.do(unfreeze_trade, **order)
    async with scene.database.write() as s:
        await conclude_left(s, scene.house.house.exchange_act())
    assert (await scene.trade(trade_id)).status is TradeState.CONTRACTED


async def test_the_end_of_a_mandate_touches_no_contract_under_another(scene):
    trade_id = await scene.walk(TradeState.CONTRACT_READY, broker_id=None)
    mine = scene.trades["CONTRACT_READY"]
    await scene.sign(mine, scene.seller)
    await ended(scene, "revoked")
    for one in (mine, trade_id):
        assert (await scene.trade(one)).status is TradeState.CONTRACT_READY
    async with scene.database.read() as s:
        said = orjson.dumps((await statements_of(s, object_id=scene.mandate_id))[-1].predicate)
    assert MandateState.REVOKED_BY_CLIENT.value.encode() in said
