"""The ledger for everybody: entries found, proved step by step, and a forged one shown as forged."""

import base64
import re

import pytest
from sqlalchemy import text

from ledger.checkpoint import verify_receipt
from ledger.reader import statements_by, statements_of
from ledger.tree import leaf_hash
from tests.web.market import Market
from tests.web.pages.browsing import Browser, Page
from tests.web.pages.test_every_page import structure
from web.pages import proving


async def seqs_of(market: Market, object_id: str) -> list[int]:
    async with market.served.node.database.read() as s:
        said = await statements_of(s, object_id=object_id)
    return [one.seq for one in said if one.seq is not None]


def linked(page: Page) -> list[int]:
    """The entries that a page links to, in its order."""
    links = [a.get("href", "") for a in page.named("a") if not a.get("rel")]
    return [int(link.rpartition("/")[2]) for link in links if re.search(r"/ledger/\d+$", link)]


def marks(page: Page) -> list[str]:
    """✓ and ✗ of the proof, in its order."""
    return re.findall("[✓✗]", "".join(page.text))[1:]


async def test_entries_go_from_the_newest_to_the_first_by_pages(market: Market) -> None:
    browser = Browser(market.served)
    page, seen = await browser.get("/ledger"), []
    while True:
        seen += [
            int(a["href"].rpartition("/")[2])
            for a in page.named("a")
            if re.search(r"/ledger/\d+$", a.get("href", ""))
        ]
        further = [a["href"] for a in page.named("a") if a.get("rel") == "next"]
        if not further:
            break
        page = await browser.get(further[0])
    assert seen == list(range(len(seen)))[::-1]
    assert len(seen) > 90


async def test_entries_are_filtered_by_event(market: Market) -> None:
    page = await Browser(market.served, lang="zh").get("/ledger?event=TRD.SETTLE")
    assert len(linked(page)) == 1
    page = await Browser(market.served).get("/ledger?event=NO.SUCH")
    assert "No entry to show" in page.words


async def test_a_search_finds_by_number_id_digest_and_object(market: Market) -> None:
    browser = Browser(market.served)
    await browser.get("/ledger?q=7", expect=303)
    assert browser.location == "/en/ledger/7"
    async with market.served.node.database.read() as s:
        said = (await statements_of(s, object_id=market.ids["settled"]))[0]
    for asked in (said.statement_id, said.envelope_sha256, f" {said.envelope_sha256.upper()} "):
        await browser.get(f"/ledger?q={asked}", expect=303)
        assert browser.location == f"/en/ledger/{said.seq}"
    page = await browser.get(f"/ledger?q={market.ids['settled']}")
    found = linked(page)
    assert found == await seqs_of(market, market.ids["settled"])
    for nothing in ("999999999", "trd_nothing", "0" * 64, "%E6%97%A0", "x" * 150):
        assert "No sealed entry" in (await browser.get(f"/ledger?q={nothing}")).words


async def test_an_unsealed_statement_is_nobodys_to_find(market: Market) -> None:
    await market.served.prove(market.buyer)
    await market.served.api(
        market.buyer,
        "POST",
        f"/listings/{market.ids['listed']}/inquiries",
        {"purpose": "x", "scenario": "y", "quantity": 1},
    )
    trades = await market.served.api(market.buyer, "GET", "/trades")
    page = await Browser(market.served).get(f"/ledger?q={trades[0]['trade_id']}")
    assert "No sealed entry" in page.words
    room = await Browser(market.served, market.buyer).get(f"/trades/{trades[0]['trade_id']}")
    assert "not sealed yet" in room.words


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_every_entry_says_a_sentence_and_proves_itself(market: Market, lang) -> None:
    browser = Browser(market.served, lang=lang)
    (settled,) = (await seqs_of(market, market.ids["settled"]))[-1:]
    for seq in (0, 1, settled):
        page = await browser.get(f"/ledger/{seq}")
        assert set(marks(page)) == {"✓"}
        assert len(marks(page)) >= 5
    assert market.ids["settled"] in page.words
    assert "databourse audit BUNDLE --vkey" in page.words


async def test_the_receipt_of_an_entry_verifies_elsewhere(market: Market) -> None:
    browser = Browser(market.served)
    seq = (await seqs_of(market, market.ids["settled"]))[-1]
    page = await browser.get(f"/ledger/{seq}")
    link = next(a["href"] for a in page.named("a") if a.get("href", "").endswith("/receipt"))
    receipt = (await browser.client.get(link)).content
    document = (await browser.client.get(f"/api/v1/ledger/entries/{seq}")).json()
    entry = base64.b64decode(document["entry"])
    opened = verify_receipt(receipt, entry, [market.served.node.publisher.signer.vkey])
    assert opened.checkpoint.origin == "exchange.example/test"


async def forge(market: Market, seq: int) -> None:
    """Change an entry in the database, past every guard."""
    async with market.served.node.database.engine.begin() as connection:
        triggers = await connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
        for (name,) in triggers.all():
            await connection.execute(text(f'DROP TRIGGER "{name}"'))
        at = {"seq": seq}
        found = await connection.execute(text("SELECT entry FROM ledger_entries WHERE seq = :seq"), at)
        forged = found.scalar_one().replace(b'"v":1}', b'"v":2}')
        change = text("UPDATE ledger_entries SET entry = :forged WHERE seq = :seq")
        await connection.execute(change, at | {"forged": forged})


async def test_a_changed_entry_is_shown_as_one_that_does_not_hold(market: Market) -> None:
    seq = (await seqs_of(market, market.ids["settled"]))[0]
    await forge(market, seq)
    page = await Browser(market.served).get(f"/ledger/{seq}")
    assert "The proof does not hold" in page.words
    assert "✗" in marks(page)
    assert page.words.count("does not hold: The entry's bytes give the hash in the tree") == 1
    after = await Browser(market.served).get(f"/ledger/{seq + 1}")
    assert "does not hold: The entry names the hash of the one before it" in after.words


async def test_an_entry_that_is_not_published_yet_says_so(market: Market) -> None:
    await market.served.prove(market.buyer)
    await market.served.api(
        market.buyer,
        "POST",
        f"/listings/{market.ids['listed']}/inquiries",
        {"purpose": "x", "scenario": "y", "quantity": 1},
    )
    await market.served.node.seal()
    page = await Browser(market.served).get("/ledger")
    page = await Browser(market.served).get(f"/ledger/{linked(page)[0]}")
    assert "Not under a published checkpoint yet" in page.words
    assert not [a for a in page.named("a") if a.get("href", "").endswith("/receipt")]


async def test_checkpoints_are_listed_with_their_notes(market: Market) -> None:
    page = await Browser(market.served).get("/ledger/checkpoints")
    assert "exchange.example/test" in page.words
    assert str(market.served.node.publisher.signer.vkey) in page.words


async def test_a_proof_names_the_step_that_fails(market: Market) -> None:
    vkey = market.served.node.publisher.signer.vkey
    other = type(vkey)(vkey.name, bytes(32))
    async with market.served.node.database.read() as s:
        entry = await proving.reader.entry(s, seq=5)
        good = await proving.prove_present(s, entry, proving.Trusted(vkey))
        bad = await proving.prove_present(s, entry, proving.Trusted(other))
    assert good.holds
    assert not bad.holds
    assert [check.says for check in bad.checks if check.holds is False] == [
        proving.INCLUSION,
        proving.CHECKPOINT,
    ]
    assert good.checks[0].values[0][1] == leaf_hash(entry.entry).hex()


async def test_entries_are_found_by_organisation_and_days(market: Market) -> None:
    browser = Browser(market.served)
    page = await browser.get("/ledger?actor=湾区&event=TRD.INQUIRE")
    assert structure(page, "en") == []
    async with market.served.node.database.read() as s:
        expected = [
            one.seq
            for one in await statements_by(s, org_id=market.buyer.org_id)
            if one.event == "TRD.INQUIRE"
        ]
    assert linked(page) == sorted(expected, reverse=True)
    assert linked(await browser.get("/ledger?actor=湾区&from=2026-11-16&to=2026-11-18&event=TRD.INQUIRE"))
    for nothing in ("actor=nobody", "to=2026-11-01", "actor=湾区&q=trd_nothing"):
        assert "No sealed entry" in (await browser.get(f"/ledger?{nothing}")).words


async def test_the_ledger_asks_for_all_events_only_where_somebody_narrows_by_them(market: Market) -> None:
    browser = Browser(market.served)
    page = await browser.get("/ledger?q=trd_nothing")
    assert page.named("select") == []
    assert "/en/ledger?more=yes&q=trd_nothing" in [a.get("href") for a in page.named("a")]
    for asked in ("more=yes", "event=TRD.SETTLE", "actor=湾区", "from=nonsense"):
        (select,) = (await browser.get(f"/ledger?{asked}")).named("select")
        assert select["name"] == "event"
