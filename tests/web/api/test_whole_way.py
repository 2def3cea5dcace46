"""SC-1 from admission to settlement on T+1: over real HTTP, keys held at home, beside a real bank process."""

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from base.canonical import canonical, sha256_hex
from base.clock import SHANGHAI, rfc3339
from cli.audit_database import rows_of
from cli.exporting import export_bundle
from ledger.balances import totals
from ledger.bundle import Edition
from supervision.audit import audit
from tests.identity.unmoved import statements
from tests.web.api import goods
from tests.web.api.desk import Desk
from tests.web.api.live import Live, live
from tests.web.market import PAPERS

SIP = httpx.AsyncHTTPTransport(socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)])


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Live]:
    if request.param == "sqlite":
        async with live(tmp_path, at(9, 9)) as made:
            yield made
        return
    server = request.getfixturevalue("postgres")
    name = f"whole_way_{tmp_path.name[:20]}"
    url = await server.create(name)
    try:
        async with live(tmp_path, at(9, 9), database_url=url) as made:
            yield made
    finally:
        await server.drop(name)


async def test_a_trade_goes_its_whole_way_and_the_books_the_ledger_and_the_bank_agree(world: Live) -> None:
    provider = await world.admit("粤能数科", "PROVIDER", money_minor=0)
    buyer = await world.admit("湾区普惠银行", "BUYER", money_minor=10**9)
    broker = await world.admit("珠江数据经纪", "BROKER", money_minor=0)
    authority = await world.admit("广州市数据局", "DATA_AUTHORITY", self_held=False)
    listing_id = await list_goods(world, provider)
    await mandate(world, provider, broker, authority)
    trade_id = await negotiate(world, listing_id, provider=provider, buyer=buyer, broker=broker)
    await contract(world, trade_id, provider, buyer, broker)
    await fund(world, trade_id, buyer)
    await deliver(world, trade_id, provider, buyer)
    await settle(world, trade_id, provider)
    await check_ledger(world)


async def list_goods(world: Live, provider: Desk) -> str:
    file = await provider.upload(goods.TABLE, name="%E7%94%A8%E7%94%B5%E6%8C%87%E6%95%B0.csv")
    assert (file["name"], file["bytes"]) == ("用电指数.csv", len(goods.TABLE))
    draft = await provider.act("/listings", goods.drafted(file["file_id"]))
    listing_id: str = draft["listing_id"]
    measured = await provider.act(f"/listings/{listing_id}/measure", goods.DECLARED)
    assert measured["report"]["table"]["rows"] == goods.ROWS
    submitted = await provider.act(f"/listings/{listing_id}/submit", goods.SUBMITTED)
    assert submitted["status"] == "COMPLIANCE_REVIEW"
    anyone = await world.http.get(f"/api/v1/listings/{listing_id}")
    assert (anyone.status_code, anyone.json()["code"]) == (404, "listing-unknown")
    await world.operator.act(f"/listings/{listing_id}/review", {"decision": "APPROVE"})
    listed = await world.operator.act(f"/listings/{listing_id}/publish")
    assert listed["status"] == "LISTED"
    assert (await world.http.get("/api/v1/listings?q=用电")).json()["listings"][0]["listing_id"] == listing_id
    return listing_id


async def mandate(world: Live, provider: Desk, broker: Desk, authority: Desk) -> None:
    now = world.clock.now()
    await authority.act(
        "/certificates",
        {
            "org_id": broker.org_id,
            "cert_no": "GD-2026-T-0008",
            "broker_type": "T",
            "grade": 2,
            "sectors": ["energy"],
            "max_level": "general-2",
            "valid_from": rfc3339(now),
            "valid_to": rfc3339(now + timedelta(days=700)),
            "decided_on": "2025-12-01",
            "decision_sha256": "de" * 32,
        },
    )
    signed = await provider.act(
        "/mandates",
        {
            "broker_id": broker.org_id,
            "side": "PROVIDER",
            "scope": "就本产品撮合与磋商",
            "fee_bp": 200,
            "ends_at": rfc3339(now + timedelta(days=90)),
        },
    )
    path = f"/mandates/{signed['mandate_id']}"
    read = sha256_hex(canonical(await broker.get(f"{path}/document")))
    accepted = await broker.act(f"{path}/accept", {"document_sha256": read})
    assert accepted["status"] == "ACTIVE"


async def negotiate(world: Live, listing_id: str, *, provider: Desk, buyer: Desk, broker: Desk) -> str:
    await world.move_to(at(10, 9, 30))
    trade = await buyer.act(
        f"/listings/{listing_id}/inquiries",
        {"purpose": "信用风险建模", "scenario": "内部建模", "quantity": 1, "broker_id": broker.org_id},
    )
    trade_id: str = trade["trade_id"]
    for desk, price in ((broker, 76_000_000), (buyer, 62_000_000), (broker, 68_000_000)):
        expires_at = rfc3339(world.clock.now() + timedelta(days=7))
        await desk.act(f"/trades/{trade_id}/offers", goods.offer(price, expires_at))
    agreed = await buyer.act(f"/trades/{trade_id}/accept", {"offer_no": 3})
    assert agreed["status"] == "CONTRACT_READY"
    assert len(agreed["recorded"]) >= 4  # the acceptance, the quote, the customs route, the checks
    strangers = await provider.call("GET", "/trades/trd_00000000000000000000000000")
    assert strangers.status_code == 404
    return trade_id


async def contract(world: Live, trade_id: str, *parties: Desk) -> None:
    await world.move_to(at(13, 10))
    checked = await parties[-1].act(f"/trades/{trade_id}/source-check", PAPERS)
    assert checked["keep_until"].startswith("2046-11-13")
    for desk in parties:
        signed = await desk.act(f"/trades/{trade_id}/sign")
    assert signed["status"] == "CONTRACTED"
    assert (signed["commission_minor"], signed["platform_fee_minor"]) == (1_360_000, 680_000)
    dsse = await parties[0].get(f"/trades/{trade_id}/contract.dsse.json")
    assert len(dsse["signatures"]) == 3


async def fund(world: Live, trade_id: str, buyer: Desk) -> None:
    await world.move_to(at(16, 10))
    for number, amount in enumerate((67_999_900, 68_000_100)):
        odd = await world.pay(buyer, amount_minor=amount, reference=trade_id, name=f"ODD{number}")
        assert (odd["status"], odd["reason_code"]) == ("returned", "AM09")
        assert (await buyer.get(f"/trades/{trade_id}"))["status"] == "CONTRACTED"
    paid = await world.pay(buyer, amount_minor=68_000_000, reference=trade_id, name="FUND")
    assert paid["status"] == "booked"
    again = await world.pay(buyer, amount_minor=68_000_000, reference=trade_id, name="AGAIN")
    assert (again["status"], again["reason_code"]) == ("returned", "AM05")
    assert (await buyer.get(f"/trades/{trade_id}"))["status"] == "FUNDED"


async def deliver(world: Live, trade_id: str, provider: Desk, buyer: Desk) -> None:
    await world.move_to(at(17, 9))
    right = await provider.act(f"/trades/{trade_id}/start-delivery")
    path = f"/api/v1/entitlements/{right['entitlement_id']}/file"
    headers = {"authorization": f"Bearer {buyer.token}"}
    async with (
        httpx.AsyncClient(transport=SIP, base_url=world.http.base_url) as sipping,
        sipping.stream("GET", path, headers=headers) as answer,
    ):
        assert (answer.status_code, answer.headers["content-length"]) == (200, str(len(goods.TABLE)))
        tag, had = answer.headers["etag"], b""
        async for piece in answer.aiter_bytes():
            had += piece
            if len(had) > 700_000:
                break
    assert len(had) < len(goods.TABLE)  # what else left the server is in buffers of the system's
    rest = await world.http.get(path, headers=headers | {"range": f"bytes={len(had)}-", "if-range": tag})
    assert rest.status_code == 206
    assert rest.headers["content-range"] == f"bytes {len(had)}-{len(goods.TABLE) - 1}/{len(goods.TABLE)}"
    whole = had + rest.content
    assert hashlib.sha256(whole).hexdigest() == right["sha256"]
    assert whole == goods.TABLE
    assert (await buyer.get(f"/trades/{trade_id}"))["status"] == "DELIVERED"
    (mine,) = await buyer.get("/entitlements")
    assert mine["used"] == 1
    await world.move_to(at(20, 10))
    accepted = await buyer.act(
        f"/trades/{trade_id}/accept-goods", {"file_sha256": right["sha256"], "rows": goods.ROWS}
    )
    assert accepted["settle_at"] == "2026-11-23T01:00:00Z"


async def settle(world: Live, trade_id: str, provider: Desk) -> None:
    await world.move_to(at(22, 23))
    await world.work()
    assert (await provider.get(f"/trades/{trade_id}"))["status"] == "ACCEPTED_GOODS"
    await world.move_to(at(23, 9))
    world.bank.kill()  # due, and nobody at home: it is asked again when it is back
    await world.node.run_jobs()
    assert (await provider.get(f"/trades/{trade_id}"))["status"] == "ACCEPTED_GOODS"
    await asyncio.to_thread(world.bank.restart)
    await world.move_to(at(23, 9, 5))
    await world.work()
    assert (await provider.get(f"/trades/{trade_id}"))["status"] == "SETTLED"
    await world.move_to(at(24, 2))
    await world.work()
    reconciled = [said["predicate"] for said in await statements(world.node.database, "PAY.RECONCILE")]
    assert [(day["day"], day["matched"], day["mismatches"]) for day in reconciled] == [
        (f"2026-11-{day}", True, 0) for day in range(16, 24)
    ]
    async with world.node.database.read() as s:
        assert await totals(s) == (0, 0)


async def check_ledger(world: Live) -> None:
    out = world.folder / "bundle"
    size = await export_bundle(world.node, out, Edition.REGULATOR)
    vkey = world.node.publisher.signer.vkey
    rows, moved = await rows_of(world.node.settings.database_url, size=size)
    report = audit(out, [vkey], rows=rows)
    assert (report.clean, report.pinned, moved) == (True, True, 0), report.document()
    said = [said["predicate"]["event"] for said in await statements(world.node.database)]
    assert [said.count(event) for event in ("TRD.SETTLE", "DLV.DOWNLOAD", "TRD.CONTRACT")] == [1, 1, 1]
    assert said.count("REF.REFUSE") == 2  # the same refusal of two odd payments, and one payment too many
