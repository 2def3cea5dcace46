"""Erasing over HTTP: on a ground, by whom it is for, with every file and every bundle that comes after."""

from typing import Any

import orjson
import pytest

from cli.audit_database import rows_of
from cli.exporting import export_bundle
from ledger.bundle import Bundle, Edition
from ledger.reader import Statement, opening, statements_of
from supervision.audit import audit
from supervision.evidence.derive import derive
from supervision.evidence.facts import opened_entries
from tests.web.api.conftest import Room
from tests.web.api.desk import Desk
from tests.web.api.refusing import problem

ORDER = {"basis": "ORDER", "reason": "ordered to delete", "order_ref": "GD-2026-3"}


async def said(room: Room, object_id: str, event: str) -> Statement:
    async with room.database.read() as s:
        return [one for one in await statements_of(s, object_id=object_id) if one.event == event][-1]


async def nonce_of(room: Room, statement: Statement) -> bytes:
    assert statement.opening_sha256 is not None
    async with room.database.read() as s:
        document = await opening(s, sha256=statement.opening_sha256)
    assert document is not None
    return str(document["nonce"]).encode()


def on_disk(room: Room) -> bytes:
    """Every file of the node: the database and its log, what was published, the object store, the keys."""
    return b"".join(path.read_bytes() for path in sorted(room.folder.rglob("*")) if path.is_file())


async def test_an_opening_is_erased_with_every_copy_the_node_has(room: Room) -> None:
    provider = await room.desk("provider")
    asked = {
        "price_minor": 75_000_000,
        "quantity": 1,
        "unit": "set",
        "licence_class": "internal-use",
        "term_months": 12,
        "purpose": "words-of-an-offer-51c2",
        "expires_at": "2026-11-20T00:00:00Z",
    }
    path = f"/trades/{room.ids['inquired']}/offers"
    prepared = await provider.call("POST", path, asked, key="prepare")
    assert prepared.status_code == 202
    assert b"words-of-an-offer-51c2" in prepared.content
    submitted = await provider.submit(prepared.content)
    assert submitted.status_code == 201
    await provider.act(f"/trades/{room.ids['inquired']}/refuse", {"reason_code": "CAPACITY"})
    offer = await said(room, room.ids["inquired"], "TRD.OFFER")
    nonce = await nonce_of(room, offer)
    await room.served.settle_down()
    before = on_disk(room)
    assert nonce in before
    assert b"words-of-an-offer-51c2" in before
    operator = await room.desk("operator")
    answer = await operator.call(
        "POST",
        f"/ledger/statements/{offer.statement_id}/erase-opening",
        {"basis": "PIPL-47-3", "reason": "consent was withdrawn"},
    )
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["event"], told["opening_sha256"], told["basis_list"]) == (
        "TRD.OFFER",
        offer.opening_sha256,
        "opening-erasure/1",
    )
    assert told["answers"] >= 3  # the prepared offer with its opening, the offer, the refusal to deal
    assert await room.served.node.run_jobs() >= 1
    left = on_disk(room)
    assert nonce not in left
    assert b"words-of-an-offer-51c2" not in left
    problem(await provider.call("POST", path, asked, key="prepare"), 404, "answer-erased")
    openings = await provider.get(f"/trades/{room.ids['inquired']}/openings")
    assert openings[offer.opening_sha256] is None


async def test_the_same_call_after_an_erasure_is_not_done_a_second_time(room: Room) -> None:
    buyer = await room.desk("buyer")
    asked = {"purpose": "something", "scenario": "somewhere", "quantity": 1}
    path = f"/listings/{room.ids['listed']}/inquiries"
    first = await buyer.call("POST", path, asked, key="once")
    trade_id = first.json()["trade_id"]
    await (await room.desk("provider")).act(f"/trades/{trade_id}/refuse", {"reason_code": "CAPACITY"})
    inquiry = await said(room, trade_id, "TRD.INQUIRE")
    operator = await room.desk("operator")
    await operator.act(
        f"/ledger/statements/{inquiry.statement_id}/erase-opening", {"basis": "ECL-24", "reason": "closed"}
    )
    problem(await buyer.call("POST", path, asked, key="once"), 404, "answer-erased")


async def test_after_an_erasure_chain_and_database_verify_and_no_bundle_has_it(room: Room, tmp_path) -> None:
    trade_id = room.ids["settled"]
    samr = await room.desk("samr")
    gone = {}
    for event in ("TRD.INQUIRE", "TRD.SIGN", "TRD.CONTRACT", "TRD.OFFER", "TRD.COUNTER_OFFER"):
        statement = await said(room, trade_id, event)
        gone[statement.opening_sha256] = await nonce_of(room, statement)
        await room.served.prove(room.market.samr)
        erased = await samr.call("POST", f"/ledger/statements/{statement.statement_id}/erase-opening", ORDER)
        assert erased.status_code == 200, erased.text
    node = room.served.node
    size = await export_bundle(node, tmp_path / "regulator", Edition.REGULATOR)
    with Bundle(tmp_path / "regulator") as bundle:
        openings = [record.opening for record in bundle.records() if record.opening is not None]
    text = b"\n".join(openings)
    assert len(openings) > 20
    assert [nonce for nonce in gone.values() if nonce in text] == []
    rows, _ = await rows_of(node.settings.database_url, size=size)
    report = audit(tmp_path / "regulator", [node.publisher.signer.vkey], rows=rows)
    assert report.clean, report.document()
    assert report.openings_absent == 7  # the three parties signed one text
    with Bundle(tmp_path / "regulator") as bundle:
        derived = derive(opened_entries(bundle.records()), tmp_path / "evidence")
    assert derived.openings_missing == 7
    contract = await samr.call("GET", f"/trades/{trade_id}/contract")
    problem(contract, 404, "contract-erased")
    assert (await samr.get(f"/trades/{trade_id}"))["price_minor"] == 68_000_000


@pytest.mark.parametrize(
    ("who", "body", "status", "code"),
    [
        ("operator", {"basis": "PIPL-47-1", "reason": "x"}, 409, "retention-not-over"),
        ("operator", ORDER, 403, "erasure-beyond-power"),
        ("samr", {"basis": "ORDER", "reason": "x"}, 422, "malformed"),
        ("samr", {"basis": "PIPL-47-1", "reason": "x"}, 403, "erasure-beyond-power"),
        ("operator", {"basis": "NO-LAW", "reason": "x"}, 422, "malformed"),
        ("operator", {"basis": "PIPL-47-1", "reason": ""}, 422, "malformed"),
        ("buyer", {"basis": "PIPL-47-1", "reason": "x"}, 403, "forbidden"),
        ("auditor", ORDER, 403, "forbidden"),
    ],
)
async def test_who_may_not_erase_and_what_stays(
    room: Room, who: str, body: Any, status: int, code: str
) -> None:
    inquiry = await said(room, room.ids["settled"], "TRD.INQUIRE")
    desk: Desk = await room.desk(who)
    answer = await desk.call("POST", f"/ledger/statements/{inquiry.statement_id}/erase-opening", body)
    problem(answer, status, code)
    assert await nonce_of(room, inquiry)


async def test_an_erasure_asks_for_a_fresh_proof_of_its_own(room: Room) -> None:
    inquiry = await said(room, room.ids["settled"], "TRD.INQUIRE")
    samr = await room.desk("samr", proved=False)
    path = f"/ledger/statements/{inquiry.statement_id}/erase-opening"
    problem(await samr.call("POST", path, ORDER), 403, "step-up-needed")
    await samr.step_up()
    assert (await samr.call("POST", path, ORDER)).status_code == 200
    offer = await said(room, room.ids["settled"], "TRD.OFFER")
    second = await samr.call("POST", f"/ledger/statements/{offer.statement_id}/erase-opening", ORDER)
    problem(second, 403, "step-up-needed")


async def test_the_legal_bases_are_listed_for_everybody_who_signs_in(room: Room) -> None:
    listed = await (await room.desk("buyer")).get("/erasures/bases")
    assert listed["basis_list"] == "opening-erasure/1"
    by_code = {basis["code"]: basis for basis in listed["bases"]}
    assert by_code["PIPL-47-3"]["says"]["zh"] == "个人撤回同意"
    assert [code for code, basis in by_code.items() if basis["by_order"]] == ["ORDER", "JUDGMENT"]
    assert orjson.dumps(listed)
