"""Questions over HTTP: asked by the buyer, seen by the seller, refused to everybody else."""

import csv
import io

from base.canonical import canonical, sha256_hex
from market.listings.tables import ListingSandbox
from tests.market.delivery.sandboxed import TERMS, by_terms
from tests.web.api.conftest import Room
from tests.web.api.goods import drafted
from tests.web.market import Market, _trade, upload

# So dear that the noise is nearly nothing: what is tested here is the way, not the noise.
DEAR = {"epsilon_query_micro": 50_000_000, "epsilon_total_micro": 60_000_000}
SQL = "select county, count(*) n from data where month >= '2025-03' group by county order by county"


async def trade_by_sandbox(market: Market, **other: object) -> str:
    """A trade of the listed product whose delivery by sandbox has begun."""
    document = canonical(by_terms(**(DEAR | other)).document()).decode()
    async with market.served.node.database.write() as s:
        s.add(ListingSandbox(listing_id=market.ids["listed"], document=document))
    delivery = {"mode": "sandbox", "days": 5}
    return await _trade(market, "DELIVERING", delivery=delivery, scope={"max_count": 9})


async def sold_by_sandbox(room: Room, **other: object) -> str:
    """A trade of the listed product that is delivered by sandbox; answers the right."""
    trade_id = await trade_by_sandbox(room.market, **other)
    buyer = await room.desk("buyer")
    contract = await buyer.get(f"/trades/{trade_id}/contract")
    assert contract["document"]["delivery"]["sandbox"]["epsilon_total_micro"] == 60_000_000
    return next(
        one["entitlement_id"] for one in await buyer.get("/entitlements") if one["trade_id"] == trade_id
    )


async def test_a_buyer_asks_and_a_seller_sees_what_was_asked_and_not_with_what(room):
    right = await sold_by_sandbox(room)
    buyer, seller, second = [await room.desk(name) for name in ("buyer", "provider", "second")]
    path = f"/entitlements/{right}"
    asked = await buyer.call("POST", f"{path}/queries", {"sql": SQL}, key="one")
    assert asked.status_code == 201, asked.text
    told = asked.json()
    assert len(told["answer"]["rows"]) == 10
    assert (told["epsilon_micro"], told["spent_micro"]) == (50_000_000, 50_000_000)
    again = await buyer.call("POST", f"{path}/queries", {"sql": SQL}, key="one")
    assert again.json() == told
    raw = await buyer.call("GET", f"{path}/queries/{told['query_id']}")
    assert sha256_hex(raw.content) == told["result_sha256"]
    table = await buyer.call("GET", f"{path}/queries/{told['query_id']}?format=csv")
    rows = list(csv.reader(io.StringIO(table.text)))
    assert rows[0] == ["county", "n"]
    assert [row[0] for row in rows[1:]] == [row[0] for row in told["answer"]["rows"]]
    assert await buyer.get(f"{path}/privacy-budget") == {
        "spent_micro": 50_000_000,
        "held_micro": 0,
        "left_micro": 10_000_000,
        "total_micro": 60_000_000,
        "questions": 1,
        "max_queries": 20,
    }
    (mine,), (theirs,) = await buyer.get(f"{path}/queries"), await seller.get(f"{path}/queries")
    assert mine["query"]["where"] == {"column": "month", "op": ">=", "value": "2025-03"}
    assert theirs["query"]["where"] == {"column": "month", "op": ">=", "value": "?"}
    assert "2025-03" not in str(theirs)
    for who, status in ((seller, 403), (second, 403)):
        assert (await who.call("GET", f"{path}/queries/{told['query_id']}")).status_code == status
    assert (await second.call("GET", f"{path}/queries")).status_code == 404
    assert (await seller.call("POST", f"{path}/queries", {"sql": SQL})).status_code == 403
    file = await buyer.call("GET", f"{path}/file")
    assert (file.status_code, file.json()["code"]) == (409, "delivered-otherwise")


async def test_what_a_seller_opens_does_not_say_what_a_question_compares_with_nor_for_whom(room):
    trade_id = await trade_by_sandbox(room.market)
    buyer, seller = await room.desk("buyer"), await room.desk("provider")
    right = next(
        one["entitlement_id"] for one in await buyer.get("/entitlements") if one["trade_id"] == trade_id
    )
    asked = await buyer.call("POST", f"/entitlements/{right}/queries", {"sql": SQL}, key="one")
    assert asked.status_code == 201, asked.text
    told = [str(await one.get(f"/trades/{trade_id}/openings")) for one in (buyer, seller)]
    assert ["2025-03" in one for one in told] == [True, False]
    assert ["query_nonce': '" in one for one in told] == [True, False]


async def test_what_is_no_question_is_refused_with_its_name_and_the_budget_too(room):
    right = await sold_by_sandbox(room)
    buyer = await room.desk("buyer")
    for body, status, code, reason in (
        ({"sql": "copy data to '/tmp/x'"}, 409, "question-refused", "copy"),
        ({"sql": "select * from data"}, 409, "question-refused", "row-level"),
        ({"sql": "x" * 8193}, 422, None, None),
        (
            {"sql": "select count(*) from data", "epsilon_micro": 50_000_001},
            409,
            "question-refused",
            "epsilon",
        ),
        ({}, 422, "malformed", None),
        ({"algorithm_id": "alg_00000000000000000000000000"}, 404, "algorithm-unknown", None),
    ):
        answer = await buyer.call("POST", f"/entitlements/{right}/queries", body)
        assert answer.status_code == status, answer.text
        if code:
            assert answer.json()["code"] == code
        if reason:
            assert answer.json()["reason"] == reason
    assert (await buyer.get(f"/entitlements/{right}/privacy-budget"))["questions"] == 0
    answer = await buyer.http.post(
        f"/api/v1/entitlements/{right}/queries",
        json={"sql": "select count(*) from data"},
        headers={"authorization": f"Bearer {buyer.token}"},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-missing")


async def test_a_prepared_question_runs_once_the_seller_has_approved_it(room):
    right = await sold_by_sandbox(room, approval=True)
    buyer, seller, second = [await room.desk(name) for name in ("buyer", "provider", "second")]
    path = f"/entitlements/{right}"
    refused = await buyer.call("POST", f"{path}/queries", {"sql": SQL})
    assert refused.json()["code"] == "algorithm-not-approved"
    prepared = await buyer.act(f"{path}/algorithms", {"sql": SQL})
    early = await buyer.call("POST", f"{path}/queries", {"algorithm_id": prepared["algorithm_id"]})
    assert early.json()["code"] == "algorithm-not-approved"
    (seen,) = await seller.get(f"{path}/algorithms")
    assert seen["query"]["where"]["value"] == "2025-03"  # approved is what is seen whole
    approve = f"/algorithms/{prepared['algorithm_id']}/approve"
    assert (await second.call("POST", approve)).status_code == 403
    approved = await seller.act(approve)
    assert approved["approved_at"] is not None
    told = await buyer.act(f"{path}/queries", {"algorithm_id": prepared["algorithm_id"]})
    assert told["algorithm_sha256"] == prepared["algorithm_sha256"]


async def test_terms_come_with_the_draft_and_everybody_reads_them(room):
    seller, second = await room.desk("provider"), await room.desk("second")
    file_id = await upload(
        room.served, room.market.provider, "more.csv", b"county,month,index\n4401,2025-01,1\n"
    )
    wrong = drafted(file_id, sandbox=TERMS | {"min_group": 0})
    assert (await seller.call("POST", "/listings", wrong)).status_code == 422
    listing = await seller.act("/listings", drafted(file_id, sandbox=TERMS))
    path = f"/listings/{listing['listing_id']}/sandbox"
    assert await seller.get(path) == by_terms().document()
    hidden = await second.call("GET", path)
    assert hidden.json()["code"] == "sandbox-terms-missing"
    assert (await second.call("GET", f"/listings/{room.ids['listed']}/sandbox")).status_code == 409
