"""A person withdraws over running deliveries (R58): they stop, the buyers are told, no other word counts."""

import base64
import hashlib
import secrets
from datetime import timedelta
from typing import Any

import orjson

from cli.exporting import export_bundle
from ledger.bundle import Bundle, Edition
from market.listings.repository import get_listing
from registry.subjects.roots import path_of, root_of
from registry.subjects.rules import TOLD, ConsentKind, listed_entry
from supervision.audit import audit
from tests.registry.assessments.passed import passed
from tests.web.api.conftest import Room
from tests.web.api.refusing import ANSWERS, nothing_stored, only_refused, problem
from tests.web.api.test_deliveries import file_of

ONE, OTHER = "1a" * 32, "2b" * 32
STRANGERS = [f"{number:064x}" for number in range(3)]


async def person(room: Room, pseudonym: str) -> dict[str, Any]:
    """The provider invites somebody, who answers and gets a code."""
    code = secrets.token_hex(16)
    digest = hashlib.sha256(code.upper().encode()).hexdigest()
    provider = await room.desk("provider")
    await provider.act("/persons", {"pseudonym": pseudonym, "invitation_sha256": digest})
    answer = await room.http.post("/api/v1/my-data/accounts", json={"invitation": code})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def by(room: Room, who: dict[str, Any], method: str, path: str = "", body: Any = None) -> Any:
    headers = {"authorization": f"Bearer {who['session']}"}
    return await room.http.request(method, f"/api/v1/my-data{path}", json=body, headers=headers)


async def recorded(room: Room, product_id: str, entries: list[str]) -> str:
    """A record of these persons' consents, which the listing cites from now on."""
    provider = await room.desk("provider")
    now = room.served.clock.now()
    row = await provider.act(
        "/consent-records",
        {
            "object_id": product_id,
            "wording_sha256": "a" * 64,
            "subjects_root": root_of(entries),
            "subjects": len(entries),
            "separate": True,
            "purposes": ["RISK_CONTROL"],
            "valid_from": (now - timedelta(days=1)).isoformat(),
            "valid_until": (now + timedelta(days=300)).isoformat(),
        },
    )
    async with room.database.write() as s:
        listing = await get_listing(s, listing_id=room.ids["listed"])
        said = {"contained": True, "consented": True, "consent_id": row["consent_id"]}
        listing.materials = listing.materials | {"personal": listing.materials["personal"] | said}
        s.add(listing)
    about = {"holder_id": provider.org_id, "object_id": product_id}
    await passed(room.database, **about, now=now)
    return str(row["consent_id"])


async def test_a_withdrawal_stops_running_deliveries_and_tells_the_buyers(room: Room) -> None:
    provider, buyer = await room.desk("provider"), await room.desk("buyer")
    product_id = (await provider.get(f"/listings/{room.ids['listed']}"))["product_id"]
    told = dict.fromkeys(TOLD[ConsentKind.PROCESS], "按法律告知")
    asked = {"kind": "PROCESS", "object_id": product_id, "text": "同意处理上述信息", "told": told}
    wording = await provider.act("/consent-wordings", asked | {"purposes": ["RISK_CONTROL"]})
    one, other = await person(room, ONE), await person(room, OTHER)
    body = {"tie_id": one["tie_id"], "wording_id": wording["wording_id"]}
    given = (await by(room, one, "POST", "/consents", body)).json()
    path = f"/consents/{given['given_id']}"
    entry = (await by(room, one, "GET", path)).json()["entry"]
    await recorded(room, product_id, [*STRANGERS, entry])
    file = await file_of(buyer, room.ids["delivering"])
    assert (await buyer.call("GET", file, range="bytes=0-9")).status_code == 206

    async with nothing_stored(room.database):
        problem(await by(room, other, "GET", path), 404, "subject-record-unknown")
        problem(await by(room, other, "POST", f"{path}/withdraw", {}), 404, "subject-record-unknown")
        problem(await buyer.call("GET", f"/person-{path[1:]}"), 404, "subject-record-unknown")
        wrong = {"session": one["session"][:-1] + "x"}
        problem(await by(room, wrong, "POST", f"{path}/withdraw", {}), 401, "unauthenticated")

    fallen = await by(room, one, "POST", f"{path}/withdraw", {})
    assert (fallen.status_code, fallen.json()["status"]) == (200, "WITHDRAWN")
    problem(await buyer.call("GET", file), 409, "delivery-suspended")
    settled = await file_of(buyer, room.ids["settled"])
    problem(await buyer.call("GET", settled), 409, "delivery-suspended")
    await room.served.node.run_jobs()
    assert (await provider.get(f"/listings/{room.ids['listed']}"))["status"] == "SUSPENDED"
    assert (await buyer.get(f"/trades/{room.ids['delivering']}"))["status"] == "DELIVERY_SUSPENDED"
    duties = await buyer.get("/person-deletions")
    assert {one["trade_id"] for one in duties} == {
        room.ids[name] for name in ("delivering", "delivered", "settled")
    }
    assert all(one["entry"] == listed_entry(one["entry_key"], ONE) for one in duties)
    assert ONE not in str(duties)
    confirm = f"/person-deletions/{duties[0]['deletion_id']}/confirm"
    done = {"rows_deleted": 12, "proof_sha256": "cd" * 32}
    async with nothing_stored(room.database, but=ANSWERS):
        problem(await provider.call("POST", confirm, done), 404, "subject-record-unknown")
    assert (await buyer.act(confirm, done))["status"] == "CONFIRMED"
    seen = (await by(room, one, "GET", path)).json()
    assert sorted(one["status"] for one in seen["told"]) == ["CONFIRMED", "TOLD", "TOLD"]

    lines = {one["code"]: one for one in await buyer.get(f"/trades/{room.ids['delivering']}/contract/duties")}
    assert (lines["protected"]["verdict"], lines["deleted-at-the-end"]["verdict"]) == ("MET", "NOT_YET")
    assert "persons-deleted" not in lines, "the contract was drawn up before its data were of persons"

    await the_holder_settles(room, product_id, f"/person-{path[1:]}", entry)
    problem(await buyer.call("GET", file), 409, "delivery-suspended")
    await nobody_is_on_the_ledger(room, one, given["given_id"])


async def nobody_is_on_the_ledger(room: Room, who: dict[str, Any], given_id: str) -> None:
    """The regulator's bundle is clean, has every step, and no pseudonym, key or code of anybody."""
    tie = (await by(room, who, "GET")).json()["ties"][0]
    await room.served.settle_down()
    await export_bundle(room.served.node, room.folder / "bundle", Edition.REGULATOR)
    assert audit(room.folder / "bundle", [room.served.node.publisher.signer.vkey]).clean
    said = []
    with Bundle(room.folder / "bundle") as bundle:
        for record in bundle.records():
            entry = orjson.loads(record.entry)
            payload = base64.b64decode(entry["envelope"]["payload"])
            whole = payload + (record.opening or b"")
            assert not [one for one in (ONE, tie["did"], who["code"]) if one.encode() in whole]
            statement = orjson.loads(payload)
            if statement["predicate"]["object"] == given_id:
                said.append(statement["predicateType"].split(":")[-2])
    assert [one for one in said if one != "REF.REFUSE"] == [
        *("SGC.GIVE", "SGC.WITHDRAW", "SGC.SHOW", "SGC.SETTLE")
    ]


async def the_holder_settles(room: Room, product_id: str, path: str, entry: str) -> None:
    """A record without the person lets the listing be offered again, once it is shown to be without."""
    provider, operator = await room.desk("provider"), await room.desk("operator")
    resume = f"/listings/{room.ids['listed']}/resume"
    without = await recorded(room, product_id, STRANGERS)
    problem(await operator.call("POST", resume, {"reason_code": "CLEARED"}), 409, "consent-record-missing")
    shown = path_of(STRANGERS, entry).document() | {"consent_id": without}
    assert (await provider.act(f"{path}/show", shown))["status"] == "SETTLED"
    await operator.act(resume, {"reason_code": "CLEARED"})
    await room.served.node.run_jobs()


async def test_a_request_is_answered_or_becomes_a_complaint_that_names_no_person(room: Room) -> None:
    provider = await room.desk("provider")
    one = await person(room, ONE)
    asked = {"tie_id": one["tie_id"], "kind": "ACCESS", "text": "请提供我的个人信息"}
    row = (await by(room, one, "POST", "/requests", asked)).json()
    path = f"/requests/{row['request_id']}"
    complaint = {"text": "拒绝查阅，没有理由"}
    async with only_refused(room.database, "subject-wrong-state"):
        problem(await by(room, one, "POST", f"{path}/complain", complaint), 409, "subject-wrong-state")
    (seen,) = await provider.get("/person-requests")
    assert seen["text"] == asked["text"]
    refusal = {"reason": "NOT_HELD", "text": "未持有"}
    await provider.act(f"/person-requests/{row['request_id']}/refuse", refusal)
    made = (await by(room, one, "POST", f"{path}/complain", complaint)).json()
    followed = await room.http.post("/api/v1/reports/follow-up", json={"code": made["code"]})
    assert followed.json()[0]["matter"] == "PERSONAL_INFORMATION"
    problem(await by(room, one, "POST", f"{path}/complain", complaint), 409, "subject-complaint-filed-before")
    again = await room.http.post("/api/v1/my-data/session", json={"code": one["code"].lower()})
    own = (await by(room, again.json(), "GET")).json()
    assert (await by(room, again.json(), "POST", "/sign-out", {})).status_code == 204
    problem(await by(room, again.json(), "GET"), 401, "unauthenticated")
    assert [(one["status"], one["answer"]) for one in own["requests"]] == [("REFUSED", "未持有")]
