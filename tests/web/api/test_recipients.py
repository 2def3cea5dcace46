"""Whom a contract names beside the buyer takes by itself: over the API and from its page of trades."""

import hashlib

from tests.web.api.conftest import Room
from tests.web.market import _trade
from tests.web.pages.browsing import Browser


async def test_a_named_recipient_finds_and_takes_what_another_has_bought_and_sees_nothing_of_the_trade(
    room: Room,
) -> None:
    friend = room.market.second
    trade_id = await _trade(room.market, "DELIVERING", scope={"recipients": [friend.org_id]})
    second, buyer = await room.desk("second"), await room.desk("buyer")
    (right,) = await second.get("/entitlements/named")
    assert (right["trade_id"], right["used"]) == (trade_id, 0)
    assert await second.get("/entitlements") == []
    path = f"/entitlements/{right['entitlement_id']}/file"
    assert (await second.call("HEAD", path)).headers["content-length"] == str(right["bytes"])
    part = await second.call("GET", path, range="bytes=0-99")
    assert (part.status_code, len(part.content)) == (206, 100)
    for hidden in (f"/trades/{trade_id}", f"/trades/{trade_id}/contract", f"/trades/{trade_id}/checks"):
        assert (await second.call("GET", hidden)).status_code == 404
    browser = Browser(room.served, friend)
    page = await browser.get("/trades")
    assert "Data that the contracts of others name you for" in page.words
    (form,) = [one for one in page.forms if one.action.endswith(f"/received/{right['entitlement_id']}/file")]
    taken = await browser.client.get(form.action)
    assert (taken.status_code, hashlib.sha256(taken.content).hexdigest()) == (200, right["sha256"])
    rights = {one["trade_id"]: one for one in await buyer.get("/entitlements")}
    assert rights[trade_id]["used"] == 1
    assert (await buyer.get(f"/trades/{trade_id}"))["status"] == "DELIVERING"  # the buyer has nothing yet
    told = await Browser(room.served, room.market.buyer).get(f"/trades/{trade_id}")
    assert "岭南征信" in told.words


async def test_a_named_recipient_sees_the_receipts_of_its_own_uses_and_no_account_of_the_right(
    room: Room,
) -> None:
    friend = room.market.second
    await _trade(
        room.market,
        "DELIVERING",
        delivery={"mode": "credential", "days": 3},
        scope={"recipients": [friend.org_id], "max_count": 10},
    )
    second, buyer = await room.desk("second"), await room.desk("buyer")
    (right,) = await second.get("/entitlements/named")
    path = f"/entitlements/{right['entitlement_id']}"
    for desk in (buyer, second):
        key = (await desk.call("POST", f"{path}/keys", {"days": 1})).json()
        token = (await desk.get(f"/keys/{key['key_id']}/token"))["token"]
        async with room.served.client(headers={"authorization": f"Bearer {token}"}) as http:
            answer = await http.get(f"/gateway/{right['entitlement_id']}/rows?limit=1")
        assert answer.status_code == 200, answer.text
    assert [one["number"] for one in await buyer.get(f"{path}/uses")] == [1, 2]
    assert [one["number"] for one in await second.get(f"{path}/uses")] == [2]
    assert (await second.get(f"{path}/uses/2/receipt"))["taken_by"] == friend.org_id
    for hidden in ("/uses/1/receipt", "/usage", "/service-level"):
        assert (await second.call("GET", path + hidden)).status_code == 404
        assert (await buyer.call("GET", path + hidden)).status_code == 200
    codes = {(await second.call("GET", f"{path}/uses/{n}/proof")).json()["code"] for n in (1, 2)}
    assert codes == {"use-unknown", "use-not-stated"}  # another's, and its own before the night
    assert (await second.call("POST", f"{path}/usage", {})).status_code == 404
    page = await Browser(room.served, friend).get(f"{path}/keys")
    links = {one.get("href", "") for one in page.named("a")}
    assert f"/api/v1{path}/uses/2/receipt" in links
    assert f"/api/v1{path}/uses/1/receipt" not in links
