"""Invoice, filing and trade certificate over HTTP, and the certificate as anyone sees it."""

import base64
from typing import Any

import orjson
import pytest
from sqlmodel import col, update

from base.canonical import sha256_hex
from base.signing import envelope_signed_by, parse_envelope
from ledger.checkpoint import Receipt
from market.filing.rules import Cause
from market.filing.service import require_destruction
from market.orders.states import TradeState
from market.orders.tables import Trade
from pricing.whole import whole_price
from tests.web.api.conftest import Room

NUMBER = "26442000000012345678"


async def terms(room: Room, **changes: Any) -> dict[str, Any]:
    trade = await (await room.desk("buyer")).get(f"/trades/{room.ids['settled']}")
    price = whole_price(trade["price_minor"], commission_bp=0, platform_bp=0)
    said = {
        "invoice_no": NUMBER,
        "issued_on": room.served.clock.now().date().isoformat(),
        "taxpayer": "GENERAL",
        "vat_rate_bp": 600,
        "net_minor": price.net_minor,
        "vat_minor": price.vat_minor,
    }
    return said | changes


async def certified(room: Room) -> dict[str, Any]:
    """The settled trade is invoiced by its provider, who signs at home; the exchange does the rest."""
    trade_id = room.ids["settled"]
    provider = await room.desk("provider")
    made = await provider.act(f"/trades/{trade_id}/invoice", await terms(room))
    assert (made["invoice_no"], made["kind"]) == (NUMBER, "BLUE")
    await room.served.node.run_jobs()
    await room.served.settle_down()
    found: dict[str, Any] = await provider.get(f"/trades/{trade_id}/certificate")
    return found


async def test_an_invoiced_trade_is_filed_and_certified_for_anyone_to_check(room: Room) -> None:
    trade_id = room.ids["settled"]
    certificate = await certified(room)
    buyer = await room.desk("buyer")
    assert (await buyer.get(f"/trades/{trade_id}"))["status"] == "CERTIFIED"
    filing = await buyer.get(f"/trades/{trade_id}/filing")
    answer = await buyer.call("GET", f"/trades/{trade_id}/filing.json")
    assert sha256_hex(answer.content) == filing["filing_sha256"]
    assert orjson.loads(answer.content) == filing["document"]
    assert filing["document"]["invoice"]["invoice_no"] == NUMBER
    (invoice,) = await buyer.get(f"/trades/{trade_id}/invoices")
    assert invoice["net_minor"] + invoice["vat_minor"] == int(filing["document"]["amounts"]["price_minor"])

    number = certificate["certificate_no"]
    public = await room.http.get(f"/api/v1/trade-certificates/{number}")
    assert public.status_code == 200
    seen = public.json()
    assert seen == certificate
    assert seen["status"] == "STANDS"
    envelope = parse_envelope(seen["envelope"])
    genesis = (await room.http.get("/api/v1/ledger/entries/0")).json()["statement"]["predicate"]
    assert genesis["operator_id"] == seen["certificate"]["issuer"]["org_id"]
    assert envelope_signed_by(envelope, base64.b64decode(genesis["exchange_key"]["public_key"]))
    assert orjson.loads(envelope.payload) == seen["certificate"]
    assert sha256_hex(envelope.payload) == seen["certificate_sha256"]
    assert Receipt.parse(seen["receipt"].encode()).index == seen["seq"]
    entry = (await room.http.get(f"/api/v1/ledger/entries/{seen['seq']}")).json()
    assert seen["certificate_sha256"] in entry["statement"]["predicate"].values()
    for secret in ("minor", NUMBER, "price"):
        assert secret not in envelope.payload.decode()


async def test_the_page_of_a_certificate_is_open_to_everybody(room: Room) -> None:
    certificate = await certified(room)
    number = certificate["certificate_no"]
    for lang, word in (("zh", "有效"), ("en", "It stands")):
        page = await room.http.get(f"/{lang}/trade-certificates/{number}")
        assert page.status_code == 200
        assert word in page.text
        for party in certificate["certificate"]["parties"]:
            assert party["name"] in page.text
        assert "¥" not in page.text
    found = await room.http.get(f"/en/trade-certificates?no={number.lower()}")
    assert (found.status_code, found.headers["location"]) == (303, f"/en/trade-certificates/{number}")
    assert (await room.http.get("/zh/trade-certificates?no=JY-1")).status_code == 200
    assert (await room.http.get("/zh/trade-certificates/JY-20261123-0000-0000-0000")).status_code == 404


async def test_a_certificate_of_a_trade_that_was_taken_back_says_so(room: Room) -> None:
    number = (await certified(room))["certificate_no"]
    async with room.database.write() as s:
        refunded = update(Trade).where(col(Trade.trade_id) == room.ids["settled"])
        await s.exec(refunded.values(status=TradeState.REFUNDED))
    assert (await room.http.get(f"/api/v1/trade-certificates/{number}")).json()["status"] == "WITHDRAWN"
    assert "Withdrawn" in (await room.http.get(f"/en/trade-certificates/{number}")).text


@pytest.mark.parametrize(
    ("who", "path", "body", "told"),
    [
        ("provider", "invoice", {"vat_minor": 1}, (409, "invoice-amounts-differ")),
        ("provider", "invoice", {"invoice_no": "1"}, (422, "malformed")),
        ("provider", "invoice", {"vat_rate_bp": 300}, (422, "vat-rate-unknown")),
        ("buyer", "invoice", {}, (403, "forbidden")),
        ("second", "destruction", None, (404, "trade-unknown")),
        ("buyer", "destruction", None, (409, "destruction-not-asked")),
    ],
)
async def test_what_is_refused(room: Room, who, path, body, told) -> None:
    trade_id = room.ids["settled"]
    desk = await room.desk(who)
    asked = {"method": "RETURNED", "proof_sha256": "ab" * 32} if body is None else await terms(room, **body)
    answer = await desk.call("POST", f"/trades/{trade_id}/{path}", asked)
    assert (answer.status_code, answer.json()["code"]) == told, answer.text
    assert (await (await room.desk("buyer")).get(f"/trades/{trade_id}"))["status"] == "SETTLED"
    assert await (await room.desk("buyer")).get(f"/trades/{trade_id}/invoices") == []


async def test_nobody_sees_anothers_filing_and_unknown_numbers_are_unknown(room: Room) -> None:
    trade_id = room.ids["settled"]
    await certified(room)
    second = await room.desk("second")
    for path in ("filing", "filing.json", "invoices", "certificate", "duties"):
        assert (await second.call("GET", f"/trades/{trade_id}/{path}")).status_code == 404
    for number, status in (("JY-20261123-0000-0000-0000", 404), ("JY-1", 422)):
        answer = await room.http.get(f"/api/v1/trade-certificates/{number}")
        assert answer.status_code == status


async def test_the_buyer_proves_that_the_data_is_gone(room: Room) -> None:
    trade_id = room.ids["settled"]
    buyer = await room.desk("buyer")
    async with room.database.write() as s:
        act = room.served.node.house.exchange_act()
        await require_destruction(s, act, trade_id=trade_id, cause=Cause.ORDER)
    (owed,) = await buyer.get("/duties")
    assert (owed["trade_id"], owed["kind"], owed["cause"]) == (trade_id, "DESTRUCTION", "ORDER")
    proved = await buyer.act(
        f"/trades/{trade_id}/destruction", {"method": "MEDIA_DESTROYED", "proof_sha256": "cd" * 32}
    )
    assert (proved["method"], proved["duty_id"]) == ("MEDIA_DESTROYED", owed["duty_id"])
    assert await buyer.get("/duties") == []
    (told,) = await buyer.get(f"/trades/{trade_id}/duties")
    assert told["proven_at"] is not None
