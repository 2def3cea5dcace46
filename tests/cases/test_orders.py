"""An order is the authority's own act, and the register names exactly that act."""

from cases.rules import Measure
from cases.service import issue_order
from ledger.reader import opening, statements_of
from market.orders.rules import TradeState
from tests.cases.opening import drop, investigate

FINDING = {
    "finding_id": "fnd_" + "0" * 64,
    "rule_id": "WT1",
    "rule_version": "1",
    "subjects": [],
    "objects": [],
}


async def test_the_register_of_orders_names_the_very_statement_that_carried_the_order_out(scene):
    trade_id = scene.trades["FUNDED"]
    case = await scene.samr.do(investigate, finding=FINDING | {"objects": [trade_id]})

    async def order_freeze(s, act):
        return await issue_order(
            s,
            act,
            case_id=case.case_id,
            measure=Measure.FREEZE_TRADE,
            object_id=trade_id,
            reason_code="WASH_TRADING",
        )

    order = await scene.samr.do(order_freeze)
    async with scene.database.read() as s:
        (freeze,) = [one for one in await statements_of(s, object_id=trade_id) if one.event == "TRD.FREEZE"]
        (entered,) = await statements_of(s, object_id=order.order_id)
    assert order.statement_id == freeze.statement_id
    assert (freeze.org_id, freeze.predicate["order_id"]) == (scene.samr.org_id, order.order_id)
    assert entered.payload["subject"][1] == {"name": "order", "digest": {"sha256": freeze.envelope_sha256}}
    assert (await scene.trade(trade_id)).status is TradeState.FROZEN


async def test_nobody_learns_from_the_public_log_which_finding_became_a_case(scene):
    """A finding's id is the bare digest of rule, window and names: whom it suspects could be tried out."""
    case = await scene.samr.do(investigate, finding=FINDING)
    await scene.samr.do(drop, case_id=case.case_id)
    async with scene.database.read() as s:
        said = await statements_of(s, object_id=case.case_id)
        assert said[0].opening_sha256 is not None
        words = await opening(s, sha256=said[0].opening_sha256)
    assert [one.event for one in said] == [
        "CSE.FILE",
        "CSE.TRIAGE",
        "CSE.VERIFY",
        "CSE.OPEN_CASE",
        "CSE.NO_CASE",
    ]
    assert not any(FINDING["finding_id"].encode() in one.envelope for one in said)
    assert not any("finding_id" in one.predicate for one in said)
    assert words is not None
    assert words["finding_id"] == FINDING["finding_id"]
