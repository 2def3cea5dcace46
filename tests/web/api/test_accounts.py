"""Statements of account over HTTP: one's own, as JSON and CSV, signed; the house's for its operator alone."""

import csv
import io

from base.canonical import sha256_hex
from ledger.bundle import Record
from ledger.reader import export_rows, tree_head
from supervision.account import check_account
from tests.web.api.conftest import Room
from tests.web.api.refusing import nothing_stored, problem
from tests.web.pages.browsing import Browser

PERIOD = "from=2026-01-01"


async def test_a_party_reads_signs_and_checks_its_own_account(room: Room) -> None:
    seller = await room.desk("provider")
    shown = await seller.get(f"/organisations/me/statement?{PERIOD}")
    document = shown["document"]
    assert document["account"] == f"escrow:{seller.org_id}"
    assert [line["kind"] for line in document["lines"]].count("SELLER") == len(document["lines"]) > 0
    assert (shown.keys(), shown["open_claims"]) == ({"document", "open_claims"}, [])
    period = {"from": document["from"], "to": document["to"]}
    await room.served.node.seal()
    signed = await seller.act("/organisations/me/statement", period)
    again = await seller.act("/organisations/me/statement", period)
    assert signed["stated_id"] == again["stated_id"]
    raw = await seller.call("GET", f"/account-statements/{signed['stated_id']}/document")
    assert sha256_hex(raw.content) == signed["sha256"]
    await room.served.node.seal()
    async with room.database.read() as s:
        size = (await tree_head(s)).size
        records = [Record(*row) async for row in export_rows(s, size=size)]
    found = check_account(raw.content, records)
    assert (found.problems, found.lines) == ([], len(document["lines"]))
    assert (await seller.get("/account-statements"))[0]["sha256"] == signed["sha256"]


async def test_the_same_as_csv_by_accept_or_by_name(room: Room) -> None:
    buyer = await room.desk("buyer")
    by_accept = await buyer.call("GET", f"/organisations/me/statement?{PERIOD}", accept="text/csv")
    by_name = await buyer.call("GET", f"/organisations/me/statement?{PERIOD}&format=csv")
    assert by_accept.content == by_name.content
    assert by_accept.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(by_accept.text, newline="")))
    assert (rows[0]["kind"], rows[-1]["kind"]) == ("OPENING", "CLOSING")
    assert {row["kind"] for row in rows[1:-1]} == {"FUNDED"}


async def test_nobody_reads_the_account_of_another_and_the_house_is_its_operators(room: Room) -> None:
    seller, buyer = await room.desk("provider"), await room.desk("buyer")
    operator = await room.desk("operator")
    await room.served.node.seal()
    shown = await seller.get(f"/organisations/me/statement?{PERIOD}")
    period = {"from": shown["document"]["from"], "to": shown["document"]["to"]}
    signed = await seller.act("/organisations/me/statement", period)
    async with nothing_stored(room.database):
        for path in ("", "/document"):
            answer = await buyer.call("GET", f"/account-statements/{signed['stated_id']}{path}")
            problem(answer, 404, "account-statement-unknown")
        for book in ("platform-fee", "escrow"):
            problem(await seller.call("GET", f"/accounts/{book}/statement"), 403, "forbidden")
        late = await seller.call("GET", "/organisations/me/statement?from=2026-01-02&to=2026-01-01")
        problem(late, 422, "period-malformed")
    for book, kind in (("platform-fee", {"PLATFORM_FEE"}), ("escrow", {"FUNDED", "SETTLED"})):
        document = (await operator.get(f"/accounts/{book}/statement?{PERIOD}"))["document"]
        assert {line["kind"] for line in document["lines"]} == kind
    house = await operator.act("/accounts/escrow/statement", period)
    assert (await operator.get(f"/account-statements/{house['stated_id']}"))["account"] == "bank:escrow"


async def test_the_page_shows_the_movements_and_has_them_signed(room: Room) -> None:
    await room.served.node.seal()
    browser = Browser(room.served, room.market.people["provider"])
    page = await browser.get("/account/statement?from=2026-01-01")
    assert "Provider's proceeds" in page.words
    await browser.send(page, "/account/statement/sign")
    page = await browser.get("/account/statement?from=2026-01-01")
    assert "Signed by the exchange" in page.words
    await browser.get("/account/statement?book=escrow", expect=403)
    operator = Browser(room.served, room.market.people["operator"])
    page = await operator.get("/account/statement?book=platform-fee&from=2026-01-01")
    assert "Platform fee" in page.words
