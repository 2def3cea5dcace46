"""A right is registered over HTTP, an offer rests on it, and falls when it falls (issue: states §3.1)."""

from datetime import timedelta
from typing import Any

import pytest

from cli.exporting import export_bundle
from ledger.bundle import Edition
from supervision.audit import audit
from tests.market.listings.goods import CLEAN, DECLARED
from tests.web.api import goods
from tests.web.api.conftest import Room
from tests.web.api.desk import Desk
from tests.web.api.refusing import nothing_stored, only_refused, problem
from tests.web.market import upload

DECLARATION: dict[str, Any] = {
    "name": "2025年广东省工业企业月度用电指数数据集",
    "abstract": "按行业和县区汇总，每格不少于十家企业",
    "industry": "D44",
    "source": "SELF_COLLECTED",
    "region": "440000",
    "covers_from": "2025-01-01",
    "covers_to": "2025-12-31",
    "update": "MONTHLY",
    "volume_rows": 252_000,
    "volume_bytes": 18_000_000,
    "form": "STRUCTURED",
    "sample_sha256": "a" * 64,
    "source_proof_sha256": "b" * 64,
}
SEAT = {
    "region": "44",
    "agency": "1",
    "enterprise": True,
    "paid_in_capital_minor": 10_000_000_000,
    "experience_years": 2,
    "staff_experience_years": 3,
    "mlps": 3,
    "clean_years": 3,
}


async def officers(room: Room) -> tuple[str, Desk, Desk]:
    """A recognised registrar and two of its people."""
    registrar = await room.served.admit("广东数据登记中心", {"REGISTRAR"}, login="registrar")
    desks = []
    for login in ("officer-lin", "officer-he"):
        await room.served.colleague(registrar, login)
        desks.append(await Desk(room.http, login).sign_in())
    authority = await room.desk("authority")
    await authority.act(f"/registrars/{registrar.org_id}", SEAT)
    return registrar.org_id, desks[0], desks[1]


async def registered(room: Room, registrar_id: str, officer: Desk, product_id: str | None = None) -> dict:
    provider = await room.desk("provider")
    claims = [{"holder_id": provider.org_id, "right": right} for right in ("HOLD", "USE", "OPERATE")]
    body = {"kind": "PROPERTY_RIGHT", "registrar_id": registrar_id, "declaration": DECLARATION}
    row = await provider.act("/registrations", body | {"claims": claims, "data_id": product_id})
    path = f"/registrations/{row['registration_id']}"
    await officer.act(f"{path}/accept")
    await officer.act(f"{path}/publish", {})
    room.served.clock.advance(timedelta(days=8))
    await officer.sign_in()
    return await officer.act(f"{path}/issue")


async def offered(room: Room, basis_ref: str, *, expect: int = 200) -> str:
    """A listing that cites a registration, reviewed and on offer."""
    provider, operator = await room.desk("provider"), await room.desk("operator")
    raw = CLEAN.replace("4401", "4406").encode()
    file_id = await upload(room.served, room.market.provider, "rights.csv", raw)
    listing_id: str = (await provider.act("/listings", goods.drafted(file_id)))["listing_id"]
    await provider.act(f"/listings/{listing_id}/measure", DECLARED.document())
    said = goods.SUBMITTED | {"basis_ref": basis_ref}
    if expect != 200:
        answer = await provider.call("POST", f"/listings/{listing_id}/submit", said)
        assert answer.status_code == expect, answer.text
        return answer.json()["code"]
    await provider.act(f"/listings/{listing_id}/submit", said)
    await operator.act(f"/listings/{listing_id}/review", {"decision": "APPROVE"})
    await operator.act(f"/listings/{listing_id}/publish")
    return listing_id


async def status_of(room: Room, listing_id: str) -> str:
    return (await (await room.desk("operator")).get(f"/listings/{listing_id}"))["status"]


async def test_an_offer_rests_on_its_registration_and_falls_and_comes_back_with_it(room: Room) -> None:
    registrar_id, lin, he = await officers(room)
    row = await registered(room, registrar_id, lin)
    assert row["number"] == "SJ4412026110001"
    seen = (await room.http.get(f"/api/v1/registrations/by-number/{row['number']}")).json()
    assert (seen["status"], seen["name"]) == ("REGISTERED", DECLARATION["name"])
    assert {right["right"] for right in seen["rights"]} == {"HOLD", "USE", "OPERATE"}
    listing_id = await offered(room, row["number"])
    assert await status_of(room, listing_id) == "LISTED"

    room.served.clock.advance(timedelta(hours=1))
    second = await room.served.colleague(room.market.people["second"], "objector-qiu")
    objector = await Desk(room.http, second.login).sign_in()
    path = f"/registrations/{row['registration_id']}"
    objection = await objector.act(f"{path}/objections", {"text": "侵犯我司权益", "evidence": ["9" * 64]})
    buyer = await room.desk("buyer")
    inquiry = {"purpose": "p", "scenario": "s", "quantity": 1}
    async with only_refused(room.database, "registration-lapsed"):  # before any clock has looked
        answer = await buyer.call("POST", f"/listings/{listing_id}/inquiries", inquiry)
    assert problem(answer, 409, "registration-lapsed")["status"] == 409
    await room.served.node.run_jobs()
    assert await status_of(room, listing_id) == "SUSPENDED"

    named = {"objection_ids": [objection["objection_id"]], "answer": "异议不成立", "keep": True}
    await he.sign_in()
    await he.act(f"{path}/resolve", named)
    operator = await room.desk("operator")
    await operator.act(f"/listings/{listing_id}/resume", {"reason_code": "CAUSE_CLEARED"})
    assert await status_of(room, listing_id) == "LISTED"
    await buyer.act(f"/listings/{listing_id}/inquiries", inquiry)


async def test_a_number_given_here_is_looked_up_and_another_registrys_is_cited(room: Room) -> None:
    registrar_id, lin, _ = await officers(room)
    assert await offered(room, "SJ4412026110001", expect=409) == "registration-lapsed"
    assert await offered(room, "SJ3112026090001")  # of Shanghai: not ours to look up
    del registrar_id, lin


async def test_what_is_not_on_notice_is_nobodys_to_read(room: Room) -> None:
    registrar_id, lin, _ = await officers(room)
    provider = await room.desk("provider")
    claims = [{"holder_id": provider.org_id, "right": "OPERATE"}]
    body = {"kind": "PROPERTY_RIGHT", "registrar_id": registrar_id, "declaration": DECLARATION}
    row = await provider.act("/registrations", body | {"claims": claims})
    path = f"/registrations/{row['registration_id']}"
    stranger = await room.desk("second")
    for answer in (await room.http.get(f"/api/v1{path}/notice"), await stranger.call("GET", path)):
        problem(answer, 404, "not-found")
    assert (await room.http.get("/api/v1/registration-notices")).json() == []
    await lin.act(f"{path}/accept")
    await lin.act(f"{path}/publish", {"withheld": ["abstract"]})
    (seen,) = (await room.http.get("/api/v1/registration-notices")).json()
    assert (seen["registration_id"], seen["abstract"]) == (row["registration_id"], None)
    assert (await provider.get(path))["declaration"]["abstract"] == DECLARATION["abstract"]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"name": "名" * 41}, 422, "malformed"),
        ({"industry": "电力"}, 422, "malformed"),
        ({"source": "ON_BEHALF"}, 409, "right-not-registrable"),
        ({"covers_to": "2024-12-31"}, 422, "registration-malformed"),
        (
            {"source": "AUTHORISED_OPERATION", "public_registration_no": "GS4412026110001"},
            409,
            "public-registration-unknown",
        ),
    ],
)
async def test_a_declaration_that_does_not_hold_is_a_problem_and_moves_nothing(
    room: Room, change: dict, status: int, code: str
) -> None:
    registrar_id, _, _ = await officers(room)
    provider = await room.desk("provider")
    claims = [{"holder_id": provider.org_id, "right": "OPERATE"}]
    body = {"kind": "PROPERTY_RIGHT", "registrar_id": registrar_id, "declaration": DECLARATION | change}
    before = nothing_stored if status == 422 else None
    if before is not None:
        async with before(room.database):
            answer = await provider.call("POST", "/registrations", body | {"claims": claims})
    else:
        async with only_refused(room.database, code):
            answer = await provider.call("POST", "/registrations", body | {"claims": claims})
    problem(answer, status, code)


async def test_the_audit_follows_a_registration_step_by_step(room: Room) -> None:
    registrar_id, lin, _ = await officers(room)
    await registered(room, registrar_id, lin)
    await room.served.settle_down()
    bundle = room.folder / "bundle"
    await export_bundle(room.served.node, bundle, Edition.REGULATOR)
    assert audit(bundle, [room.served.node.publisher.signer.vkey]).clean
