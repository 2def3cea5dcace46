"""A delivery's stops, failure and tests over HTTP; and what a state does not take, through the doors."""

from datetime import datetime, timedelta

import pytest

from base.canonical import sha256_hex
from market.orders.rules import TradeState, allowed_events
from tests.web.api.conftest import Room
from tests.web.api.desk import Desk
from tests.web.api.refusing import only_refused, problem

OWN = {  # what is done to a trade, by whom, with which body
    "accept": ("buyer", {"offer_no": 1}),
    "refuse": ("provider", {"reason_code": "CAPACITY"}),
    "sign": ("buyer", None),
    "start-delivery": ("provider", None),
    "confirm-receipt": ("buyer", None),
    "delivery-failed": ("buyer", None),
    "suspend-delivery": ("operator", {"reason_code": "COMPLAINT"}),
    "resume-delivery": ("operator", {"reason_code": "CLEARED"}),
    "accept-goods": ("buyer", {}),
    "checks": ("buyer", {"milestones": [{"name": "标注", "there": True}]}),
}
TAKEN = {  # the states of the market's trades, and what their doors take there
    "inquired": ("INQUIRED", {"refuse"}),
    "negotiating": ("NEGOTIATING", {"accept", "refuse"}),
    "ready": ("CONTRACT_READY", {"sign"}),
    "delivering": ("DELIVERING", {"confirm-receipt", "delivery-failed", "suspend-delivery"}),
    "delivered": ("DELIVERED", {"accept-goods", "checks"}),
    "settled": ("SETTLED", set()),
}


async def file_of(desk: Desk, trade_id: str) -> str:
    (found,) = [one for one in await desk.get("/entitlements") if one["trade_id"] == trade_id]
    return f"/entitlements/{found['entitlement_id']}/file"


async def test_the_exchange_stops_a_delivery_and_lets_it_go_on(room: Room) -> None:
    trade_id = room.ids["delivering"]
    operator, buyer = await room.desk("operator"), await room.desk("buyer")
    file = await file_of(buyer, trade_id)
    stopped = await operator.act(f"/trades/{trade_id}/suspend-delivery", {"reason_code": "CONSENT_WITHDRAWN"})
    assert stopped["status"] == "DELIVERY_SUSPENDED"
    problem(await buyer.call("GET", file), 409, "delivery-suspended")
    term = datetime.fromisoformat((await buyer.get(f"/trades/{trade_id}"))["deliver_by"])
    room.served.clock.advance(timedelta(days=1))
    operator, buyer = await room.desk("operator"), await room.desk("buyer")
    gone_on = await operator.act(f"/trades/{trade_id}/resume-delivery", {"reason_code": "CAUSE_CLEARED"})
    assert gone_on["status"] == "DELIVERING"
    assert datetime.fromisoformat(gone_on["deliver_by"]) > term
    assert (await buyer.call("GET", file)).status_code == 200


async def test_a_listing_that_is_suspended_stops_its_deliveries(room: Room) -> None:
    trade_id, listing_id = room.ids["delivering"], room.ids["listed"]
    operator, buyer = await room.desk("operator"), await room.desk("buyer")
    file = await file_of(buyer, trade_id)
    await operator.act(f"/listings/{listing_id}/suspend", {"reason_code": "GRANT_ENDED"})
    problem(await buyer.call("GET", file), 409, "listing-not-deliverable")
    await room.served.node.run_jobs()
    assert (await buyer.get(f"/trades/{trade_id}"))["status"] == "DELIVERY_SUSPENDED"
    await operator.act(f"/listings/{listing_id}/resume", {"reason_code": "CAUSE_CLEARED"})
    await room.served.node.run_jobs()
    assert (await buyer.get(f"/trades/{trade_id}"))["status"] == "DELIVERING"
    assert (await buyer.call("GET", file)).status_code == 200


async def test_what_was_downloaded_is_tested_by_itself_and_both_sides_read_the_report(room: Room) -> None:
    trade_id = room.ids["delivering"]
    buyer, provider = await room.desk("buyer"), await room.desk("provider")
    assert (await buyer.call("GET", await file_of(buyer, trade_id))).status_code == 200
    assert await buyer.get(f"/trades/{trade_id}/checks") == []
    await room.served.node.run_jobs()
    (check,) = await provider.get(f"/trades/{trade_id}/checks")
    assert (check["role"], check["passed"]) == ("EXCHANGE_OPERATOR", True)
    report = await buyer.call("GET", f"/trades/{trade_id}/checks/{check['check_id']}")
    assert (report.status_code, report.headers["content-type"]) == (200, "application/json")
    assert sha256_hex(report.content) == check["report_sha256"]
    assert report.headers["etag"] == f'"{check["report_sha256"]}"'
    assert (report.json()["failed"], report.json()["product_type"]) == ([], "DATASET")
    said = [one for one in await buyer.get(f"/trades/{trade_id}/timeline") if one["event"] == "DLV.CHECK"]
    assert [one["predicate"]["report_sha256"] for one in said] == [check["report_sha256"]]
    other = await room.desk("second")
    problem(await other.call("GET", f"/trades/{trade_id}/checks"), 404, "trade-unknown")
    missing = f"/trades/{room.ids['delivered']}/checks/{check['check_id']}"
    problem(await buyer.call("GET", missing), 404, "check-unknown")


async def test_a_data_set_is_tested_by_no_facts_of_its_buyer(room: Room) -> None:
    buyer = await room.desk("buyer")
    path = f"/trades/{room.ids['delivered']}/checks"
    for body in (
        {},
        {"milestones": [{"name": "标注", "there": True}]},
        {"calls": [{"ok": True, "latency_ms": 1}]},
    ):
        answer = await buyer.call("POST", path, body)
        assert problem(answer, 422, "facts-of-another-type")["product_type"] == "DATASET"
    for body in ({"calls": []}, {"calls": [{"ok": 1, "latency_ms": -1}]}, {"scope": [{"name": "\x00"}]}):
        assert (await buyer.call("POST", path, body)).status_code == 422


async def test_the_buyer_ends_a_delivery_that_does_not_come(room: Room) -> None:
    trade_id = room.ids["delivering"]
    buyer = await room.desk("buyer")
    file = await file_of(buyer, trade_id)
    path = f"/trades/{trade_id}/delivery-failed"
    async with only_refused(room.database, "trade-deadline-not-reached"):
        problem(await buyer.call("POST", path), 409, "trade-deadline-not-reached")
    room.served.clock.advance(timedelta(days=10))
    buyer = await room.desk("buyer")
    assert (await buyer.act(path))["status"] == "REFUND_PENDING"
    problem(await buyer.call("GET", file), 409, "entitlement-revoked")
    problem(await buyer.call("POST", path), 409, "trade-wrong-state")


@pytest.mark.parametrize("name", TAKEN)
async def test_what_a_state_does_not_take_is_answered_with_the_state_and_what_it_takes(
    room: Room, name: str
) -> None:
    state, taken = TAKEN[name]
    trade_id = room.ids[name]
    desks = {who: await room.desk(who) for who in ("provider", "buyer", "operator")}
    for step, (who, body) in OWN.items():
        if step in taken:
            continue
        await room.desk(who)  # proved anew: a proof is spent once
        answer = await desks[who].call("POST", f"/trades/{trade_id}/{step}", body)
        document = problem(answer, 409, "trade-wrong-state")
        assert document["state"] == state, step
        assert document["allowed"] == [event.value for event in allowed_events(TradeState(state))]
    assert (await desks["buyer"].get(f"/trades/{trade_id}"))["status"] == state


async def test_what_is_anothers_is_answered_with_403(room: Room) -> None:
    trade_id = room.ids["delivering"]
    for step, who in (
        ("suspend-delivery", "provider"),
        ("delivery-failed", "provider"),
        ("checks", "broker"),
    ):
        desk = await room.desk(who)
        answer = await desk.call("POST", f"/trades/{trade_id}/{step}", OWN[step][1])
        problem(answer, 403, "forbidden")
