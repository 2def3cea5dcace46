"""An order is the authority's own act, and the register names exactly that act."""

from cases.rules import Measure
from cases.service import file_case, issue_order, open_case
from ledger.reader import statements_of
from market.orders.rules import TradeState

FINDING = {
    "finding_id": "fnd_" + "0" * 64,
    "rule_id": "WT1",
    "rule_version": "1",
    "subjects": [],
    "objects": [],
}


async def test_the_register_of_orders_names_the_very_statement_that_carried_the_order_out(scene):
    trade_id = scene.trades["FUNDED"]
    case = await scene.samr.do(file_case, finding=FINDING | {"objects": [trade_id]})
    await scene.samr.do(open_case, case_id=case.case_id)

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
