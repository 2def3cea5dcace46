"""Orders that undo a trade: void, paid back after the release, a delivery that stands still."""

from typing import Any

import pytest

from cases.errors import OrderBeyondPower, OrderMalformed
from cases.rules import Measure
from cases.service import issue_order
from ledger.erasure import ERASED
from ledger.reader import statements_about, statements_of
from market.disputes import repository
from market.disputes.errors import DisputeMalformed, RefundBeyondPaid
from market.disputes.panel import declare_tie
from market.disputes.rules import Fault
from market.orders.errors import TradeWrongState
from market.orders.officers import ties_of
from market.orders.states import TradeState
from market.settlement.errors import PaymentUnderWay
from tests.cases.opening import drop, investigate
from tests.cases.test_erasing import erase
from tests.cases.test_orders import FINDING
from tests.houses import Party
from tests.market.disputes.staging import as_officer, claims, dispute, propose, vote
from tests.market.trade.scene import PRICE, Scene
from tests.standstill import refused, untouched


async def investigation(scene: Scene, who: Party) -> str:
    case = await who.do(investigate, finding=FINDING)
    return case.case_id


async def order(who: Party, case_id: str, measure: Measure, object_id: str, reason: str, **more: Any) -> Any:
    async def bound(s: Any, act: Any) -> Any:
        facts = {"measure": measure, "object_id": object_id, "reason_code": reason}
        return await issue_order(s, act, case_id=case_id, **facts, **more)

    return await who.do(bound, attempted="ORD.ISSUE", object_id=case_id)


async def carried_out(scene: Scene, order_id: str, object_id: str, event: str) -> dict[str, Any]:
    """The order's own statement, which the register names."""
    async with scene.database.read() as s:
        said = [one for one in await statements_of(s, object_id=object_id) if one.event == event][-1]
        (entered,) = await statements_of(s, object_id=order_id)
    assert entered.payload["subject"][1]["digest"] == {"sha256": said.envelope_sha256}
    assert said.predicate["order_id"] == order_id
    return dict(said.predicate)


async def test_an_order_makes_a_contract_void(scene):
    trade_id = scene.trades["DELIVERED"]
    case_id = await investigation(scene, scene.samr)
    issued = await order(scene.samr, case_id, Measure.VOID_TRADE, trade_id, "ILLEGAL_CONTRACT")
    said = await carried_out(scene, issued.order_id, trade_id, "TRD.VOID")
    assert (said["actor"], said["case_id"]) == (scene.samr.org_id, case_id)
    assert (await scene.trade(trade_id)).status is TradeState.VOIDED
    await scene.run_jobs(scene.clock.now())
    await scene.settle(trade_id)
    assert await scene.held(trade_id) == 0


async def test_an_order_has_a_settled_trade_paid_back(scene):
    trade_id = scene.trades["SETTLED"]
    case_id = await investigation(scene, scene.authority)
    issued = await order(
        scene.authority,
        case_id,
        Measure.REFUND_TRADE,
        trade_id,
        "ILLEGAL_SOURCE",
        refund_minor=PRICE,
        fault=[Fault.SELLER],
    )
    said = await carried_out(scene, issued.order_id, trade_id, "TRD.POST_REFUND")
    assert (said["ground"], said["fault"], said["role"]) == ("ILLEGAL_SOURCE", ["SELLER"], "DATA_AUTHORITY")
    assert sum(claim.amount_minor for claim in await claims(scene, trade_id)) == PRICE


async def test_an_order_suspends_a_delivery_and_lets_it_go_on(sqlite_scene):
    scene = sqlite_scene
    trade_id = scene.trades["DELIVERING"]
    case_id = await investigation(scene, scene.samr)
    stopped = await order(scene.samr, case_id, Measure.SUSPEND_DELIVERY, trade_id, "CONSENT_WITHDRAWN")
    await carried_out(scene, stopped.order_id, trade_id, "TRD.SUSPEND")
    assert (await scene.trade(trade_id)).status is TradeState.DELIVERY_SUSPENDED
    lifted = await order(scene.samr, case_id, Measure.RESUME_DELIVERY, trade_id, "CAUSE_CLEARED")
    await carried_out(scene, lifted.order_id, trade_id, "TRD.RESUME")
    assert (await scene.trade(trade_id)).status is TradeState.DELIVERING


async def test_orders_that_do_not_fit_are_refused_and_nothing_moves(sqlite_scene):
    scene = sqlite_scene
    samr, settled = scene.samr, scene.trades["SETTLED"]
    case_id = await investigation(scene, samr)
    refund = Measure.REFUND_TRADE
    async with untouched(scene.database, OrderMalformed):
        await order(samr, case_id, refund, settled, "QUALITY")
    async with untouched(scene.database, OrderMalformed):
        await order(samr, case_id, Measure.VOID_TRADE, settled, "QUALITY", refund_minor=5)
    async with untouched(scene.database, DisputeMalformed):
        await order(samr, case_id, refund, settled, "BECAUSE", refund_minor=5)
    async with refused(scene.database, RefundBeyondPaid):
        await order(samr, case_id, refund, settled, "QUALITY", refund_minor=PRICE + 1)
    async with refused(scene.database, TradeWrongState):
        await order(samr, case_id, refund, scene.trades["FUNDED"], "QUALITY", refund_minor=5)
    async with refused(scene.database, OrderBeyondPower):
        await order(scene.house.operator, case_id, refund, settled, "QUALITY", refund_minor=5)
    await scene.run_jobs()
    accepted = scene.trades["ACCEPTED_GOODS"]
    due = (await scene.trade(accepted)).settle_at
    assert due is not None
    await scene.run_jobs(due)
    async with refused(scene.database, PaymentUnderWay):
        await order(samr, case_id, Measure.VOID_TRADE, accepted, "ILLEGAL_CONTRACT")


@pytest.mark.parametrize("event", ["TRD.DISPUTE", "DSP.PROPOSE", "DSP.VOTE", "DSP.RECUSE"])
async def test_what_was_said_in_a_dispute_can_be_forgotten(sqlite_scene, event):
    scene, trade_id = sqlite_scene, sqlite_scene.trades["DELIVERED"]
    opened = await dispute(scene, trade_id)
    await propose(scene, trade_id, scene.buyer, "REFUND")
    await vote(scene, trade_id, "usr_1", "REFUND")
    await as_officer(scene, "usr_2", declare_tie, org_id=scene.stranger.org_id)
    case_id = await investigation(scene, scene.samr)
    await order(scene.samr, case_id, Measure.VOID_TRADE, trade_id, "ILLEGAL_CONTRACT")
    await scene.samr.do(drop, case_id=case_id)
    async with scene.database.read() as s:
        about = await statements_about(s, object_ids=[trade_id, scene.stranger.org_id])
        (one,) = [statement for statement in about if statement.event == event]
    await erase(scene, one)
    async with scene.database.read() as s:
        kept = await repository.dispute_of(s, trade_id=trade_id)
        (proposal,) = await repository.proposals_of(s, dispute_id=opened.dispute_id)
        (cast,) = await repository.votes_of(s, dispute_id=opened.dispute_id)
        ties = await ties_of(s, officer_ids={"usr_2"})
    gone = {
        "TRD.DISPUTE": kept.text == ERASED and not kept.evidence,
        "DSP.PROPOSE": proposal.note == ERASED,
        "DSP.VOTE": cast.reasons == ERASED and cast.officer_id != "usr_1",
        "DSP.RECUSE": not ties,
    }
    assert [name for name, is_gone in gone.items() if is_gone] == [event]
    assert (proposal.refund_minor, cast.refund_minor) == (PRICE, PRICE)  # why money would have moved stays
