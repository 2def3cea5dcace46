"""Anyone checks what was issued here: by number, digest, receipt or file; and sheets of paper lead there."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from io import BytesIO
from urllib.parse import quote

import pytest

from ledger import reader
from ledger.checkpoint import Checkpoint, Receipt, sign_checkpoint
from market.filing import repository as filing
from market.filing.tables import TradeCertificate
from tests.web.market import Market
from tests.web.pages.browsing import Browser, Page
from tests.web.pages.findings import with_findings
from tests.web.pages.test_every_page import structure
from web.limits import CHECKS
from web.pages import checking

UNKNOWN = "ab" * 32


async def digests(market: Market) -> dict[str, str]:
    """Digests that the settled trade and its product left on the ledger."""
    async with market.served.node.database.read() as s:
        trade = await reader.statements_of(s, object_id=market.ids["settled"])
        listing = await reader.statements_of(s, object_id=market.ids["listed"])
    said = {one.event: one.predicate for one in (*trade, *listing)}
    return {
        "Contract": said["TRD.CONTRACT"]["contract_sha256"],
        "Quality report": said["REG.MEASURE"]["report_sha256"],
        "File of a product": said["LST.DRAFT"]["file"]["sha256"],
        "Statement": trade[0].envelope_sha256,
    }


async def checked(browser: Browser, ref: str) -> Page:
    await browser.get(f"/verify?q=+{ref}+", expect=303)
    return await browser.follow()


async def test_digests_lead_to_what_they_are_of_and_to_the_ledger(market: Market) -> None:
    browser = Browser(market.served)
    for what, digest in (await digests(market)).items():
        page = await checked(browser, digest)
        assert structure(page, "en") == []
        assert f"{what} " in page.words
        assert "The ledger names it" in page.words
        assert "It is genuine" not in page.words  # whether it stands is nothing that was asked
        assert "holds: An entry of the ledger names it" in page.words
        assert "holds: That entry's proof holds" in page.words
        assert "does not hold" not in page.words
    page = await checked(browser, digest.upper())
    assert "Statement" in page.words
    page = await checked(browser, market.ids["settled"])
    assert page.words.count("The ledger names it") > 5


async def test_what_is_unknown_is_said_so_and_an_entry_is_gone_to(market: Market) -> None:
    browser = Browser(market.served)
    for unknown in (UNKNOWN, "JY-20261123-0000-0000-0000", "GZ-DB-1999-0001", "trd_nothing", "无"):
        await browser.get(f"/verify/{unknown}", expect=404)
        assert "Nothing here has the number or the digest" in Page(browser.last.text).words
    await browser.get("/verify/7", expect=303)
    assert browser.location == "/en/ledger/7"
    for odd, place in (("//evil.example", "evil.example"), ("a?b#c d", "a%3Fb%23c%20d")):
        await browser.get(f"/verify?q={quote(odd)}", expect=303)
        assert browser.location == f"/en/verify/{place}"
    contract = await market.served.api(market.buyer, "GET", f"/trades/{market.ids['ready']}/contract")
    await browser.get(f"/verify/{contract['contract_sha256']}", expect=404)  # drawn up, not concluded


async def send(browser: Browser, content: bytes, expect: int) -> Page:
    page = await browser.get("/verify")
    form = next(form for form in page.forms if form.method == "post" and form.action.endswith("/verify"))
    answer = await browser.client.post(
        form.action, data={"csrf": form.values["csrf"]}, files={"file": ("x", BytesIO(content), "text/csv")}
    )
    return browser._seen(answer, expect)


async def test_a_file_is_hashed_and_a_receipt_checked_itself(market: Market, monkeypatch) -> None:
    browser, node = Browser(market.served), market.served.node
    content = b"a,b\n1,2\n"
    await send(browser, content, 303)
    assert browser.location == f"/en/verify/{hashlib.sha256(content).hexdigest()}"
    receipt = (await browser.client.get("/api/v1/ledger/entries/40/receipt")).content
    page = await send(browser, receipt, 200)
    assert "Receipt #40" in page.words
    assert page.words.count(" holds: ") == 4
    kept = Receipt.parse(receipt)
    head = Checkpoint(node.publisher.signer.name, 50, b"\1" * 32)
    forged = Receipt(40, kept.path, sign_checkpoint(head, node.publisher.signer)).text()
    page = await send(browser, forged, 200)
    assert "Not everything holds." in page.words
    assert "does not hold: The log still begins with its checkpoint" in page.words
    elsewhere = Checkpoint("other.example/log", 50, b"\1" * 32)
    signer = type(node.publisher.signer)("other.example/log", node.publisher.signer.key)
    for bad in (Receipt(40, (), sign_checkpoint(elsewhere, signer)).text(), receipt[:60]):
        page = await send(browser, bad, 422)
        assert page.named("h1")
    monkeypatch.setattr(checking, "MOST_BYTES", 10)
    page = await send(browser, b"x" * 11, 413)
    assert "hash it yourself" in page.words
    monkeypatch.setattr(checking, "_hashing", [0] * 4)
    await send(browser, b"x", 503)


async def test_a_file_that_does_not_come_holds_no_place_for_long(market: Market, monkeypatch) -> None:
    browser = Browser(market.served)
    form = next(one for one in (await browser.get("/verify")).forms if one.method == "post")
    monkeypatch.setattr(checking, "_PATIENCE_S", 0.05)
    held: list[int] = []

    async def dripping(csrf: str) -> AsyncIterator[bytes]:
        yield f'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{csrf}\r\n'.encode()
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\na'
        held.append(len(checking._hashing))
        await asyncio.Event().wait()

    headers = {"content-type": "multipart/form-data; boundary=b"}
    for csrf, place in ((form.values["csrf"], 1), ("another", 0)):
        content = dripping(csrf)
        answer = await browser.client.post("/en/verify", content=content, headers=headers)
        await content.aclose()
        assert held[place:] == [1] * (1 - place)  # whose form it is not is asked first
        assert checking._hashing == []
        assert (answer.status_code == 422) == bool(place)
        assert ("the file came too slowly" in answer.text) == bool(place)


@pytest.fixture
async def certified(market: Market) -> tuple[Market, str]:
    """The settled trade, invoiced, filed and certified."""
    served = market.served
    parts = await served.api(market.provider, "GET", f"/trades/{market.ids['settled']}")
    paid = parts["price_minor"]
    net = (paid * 100 + 53) // 106
    await served.api(
        market.provider,
        "POST",
        f"/trades/{market.ids['settled']}/invoice",
        {
            "invoice_no": "26442000000000000001",
            "issued_on": "2026-11-17",
            "net_minor": net,
            "vat_minor": paid - net,
        },
    )
    while await served.node.run_jobs():
        pass
    await served.settle_down()
    async with served.node.database.read() as s:
        row = await filing.certificate_of(s, trade_id=market.ids["settled"])
    return market, row.certificate_no


async def test_a_trade_certificate_is_checked_printed_and_found_forged(certified) -> None:
    market, no = certified
    browser = Browser(market.served)
    page = await browser.get(f"/certificates/{no}")
    assert structure(page, "en") == []
    assert "Place of the seal" in page.words
    assert f"http://pages.test/en/verify/{no}" in page.words
    assert [img for img in page.named("img") if img["src"].startswith("data:image/svg+xml")]
    page = await browser.get(f"/verify/{no.lower()}")
    assert "It is genuine and stands" in page.words
    for step in (
        "Its bytes give its digest",
        "The exchange signed it",
        "It stands",
        "That entry's proof holds",
    ):
        assert f" holds: {step}" in page.words
    async with market.served.node.database.write() as s:
        row = await s.get(TradeCertificate, no)
        at = row.envelope.index(b'"sig":"') + 7
        row.envelope = (
            row.envelope[:at] + (b"B" if row.envelope[at : at + 1] == b"A" else b"A") + row.envelope[at + 1 :]
        )
        s.add(row)
    page = await browser.get(f"/verify/{no}")
    assert "Not everything holds." in page.words
    assert "does not hold: The exchange signed it" in page.words


async def test_a_brokers_certificate_has_a_sheet_and_says_when_it_does_not_stand(market: Market) -> None:
    browser, broker = Browser(market.served), Browser(market.served, market.broker)
    await broker.get("/broker/certificate", expect=303)
    assert broker.location == "/en/certificates/GZ-DB-2026-0001"
    page = await broker.follow()
    assert structure(page, "en") == []
    assert "It does not stand" not in page.words
    page = await browser.get("/verify/gz-db-2026-0001")
    assert "It is genuine and stands" in page.words
    await Browser(market.served, market.buyer).get("/broker/certificate", expect=403)
    await browser.get("/certificates/GZ-DB-1999-0001", expect=404)
    await market.served.api(
        market.authority,
        "POST",
        f"/certificates/{market.ids['certificate']}/suspend",
        {"reason_code": "CONDUCT"},
    )
    await market.served.settle_down()
    assert "It does not stand" in (await browser.get("/certificates/GZ-DB-2026-0001")).words
    page = await browser.get("/verify/GZ-DB-2026-0001")
    assert "does not hold: It stands" in page.words


async def test_a_finding_is_printed_for_the_file(market: Market) -> None:
    finding_id = with_findings(market)
    page = await Browser(market.served, market.samr).get(f"/reg/findings/{finding_id}/report")
    assert structure(page, "en") == []
    findings = market.served.node.settings.data_dir / "supervision" / "findings.json"
    assert hashlib.sha256(findings.read_bytes()).hexdigest() in page.words
    assert finding_id in page.words
    async with market.served.node.database.read() as s:
        assert (await reader.entry(s, seq=58)).leaf_hash.hex() in page.words
    await Browser(market.served, market.buyer).get(f"/reg/findings/{finding_id}/report", expect=403)
    await Browser(market.served, market.samr).get(f"/reg/findings/{'0' * 64}/report", expect=404)


async def test_one_address_has_only_so_much_checked(market: Market) -> None:
    browser = Browser(market.served)
    page = await browser.get("/verify")
    for _ in range(CHECKS - 1):
        market.served.app.state.checks.count("127.0.0.1")
    assert (await browser.client.get("/en/verify/nothing")).status_code == 404
    answer = await browser.client.get("/en/verify/nothing")
    assert (answer.status_code, int(answer.headers["retry-after"])) == (429, 10)
    assert "Too many checks from your address" in answer.text
    page = await browser.send_file(page, "/verify", "a.txt", b"x", field_name="file", expect=429)
    assert "too-many-checks" in page.words
