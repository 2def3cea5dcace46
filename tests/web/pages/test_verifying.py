"""The checkpoint that a reader saw last is held against the log, by the server and by the browser."""

from datetime import timedelta

import pytest

from base.signing import SigningKey
from ledger.checkpoint import (
    COSIGNATURE,
    Checkpoint,
    Note,
    NoteSignature,
    NoteSigner,
    VerifierKey,
    sign_checkpoint,
)
from ledger.tree import verify_consistency
from tests.web.market import Market
from tests.web.pages.browsing import Browser
from web.pages import proving
from web.pages.seeing import COOKIE, Seen


def last_seen(browser: Browser) -> Seen | None:
    return Seen.read(browser.client.cookies.get(COOKIE, ""))


def remembering(browser: Browser, seen: Seen | str) -> None:
    browser.client.cookies.delete(COOKIE)
    text = seen if isinstance(seen, str) else seen.text()
    browser.client.cookies.set(COOKIE, text, domain="pages.test", path="/")


async def test_what_a_browser_saw_last_is_remembered_and_held_against_the_log(market: Market) -> None:
    browser, node = Browser(market.served), market.served.node
    page = await browser.get("/ledger/3")
    assert "it remembers this one from now on" in page.words
    seen = last_seen(browser)
    async with node.database.read() as s:
        head = await proving.reader.tree_head(s)
        older = await proving.reader.root_after(s, seq=29)
    assert seen == Seen(node.publisher.signer.vkey.key_id, head.size, bytes.fromhex(head.root))
    page = await browser.get("/ledger/4")
    assert "holds: The log still begins with the checkpoint that you saw last" in page.words
    remembering(browser, Seen(seen.key_id, 30, older))
    page = await browser.get("/ledger/4")
    assert "holds: The log still begins with the checkpoint that you saw last" in page.words
    assert last_seen(browser) == seen  # the newer one


async def test_a_log_that_is_not_the_one_seen_before_is_an_alarm_and_is_not_remembered(
    market: Market,
) -> None:
    browser, vkey = Browser(market.served), market.served.node.publisher.signer.vkey
    async with market.served.node.database.read() as s:
        head = await proving.reader.tree_head(s)
    for forked in (
        Seen(vkey.key_id, 30, b"\1" * 32),
        Seen(vkey.key_id, head.size, b"\1" * 32),
        Seen(vkey.key_id, head.size + 1, bytes.fromhex(head.root)),  # it was longer once
    ):
        remembering(browser, forked)
        page = await browser.get("/ledger/4")
        assert "The proof does not hold. Tell the data authority." in page.words
        assert "does not hold: The log still begins with the checkpoint that you saw last" in page.words
        assert [a for a in page.named("a") if a.get("href") == "/en/report"]
        assert last_seen(browser) == forked
    await browser.send(await browser.get("/ledger/checkpoints"), "/ledger/forget")
    assert last_seen(browser) is None
    assert "it remembers this one from now on" in (await browser.get("/ledger/4")).words
    other = Seen(b"\0\0\0\0", 30, b"\1" * 32)  # the exchange was founded anew
    remembering(browser, other)
    page = await browser.get("/ledger/4")
    assert "signed by another key" in page.words
    assert "Not everything holds." in page.words
    assert "The proof does not hold. Tell the data authority." in page.words
    assert last_seen(browser) == other  # nothing is remembered in its stead until the reader says so
    await browser.send(page, "/ledger/forget")
    assert "Everything holds." in (await browser.get("/ledger/4")).words


@pytest.mark.parametrize("odd", ["", "x", "00.1.00", "0" * 8 + ".-1." + "0" * 64, "0" * 8 + ".٣." + "0" * 64])
def test_a_cookie_that_says_nothing_is_none(odd) -> None:
    assert Seen.read(odd) is None
    assert Seen.read("0" * 8 + ".0." + "0" * 64) is None


def test_witnesses_hold_fail_or_were_not_asked() -> None:
    signer = NoteSigner("log.example/a", SigningKey.generate())
    witness = VerifierKey("w.example", SigningKey.generate().public, COSIGNATURE)
    note = sign_checkpoint(Checkpoint("log.example/a", 3, b"\2" * 32), signer)
    assert proving.cosigned(note, proving.Trusted(signer.vkey)).why == proving.UNASKED
    asked = proving.Trusted(signer.vkey, [witness])
    assert proving.cosigned(note, asked).why == proving.UNKNOWN_WITNESS
    parsed = Note.parse(note)
    bad = Note(parsed.text, (*parsed.signatures, NoteSignature(witness.name, witness.key_id, bytes(72))))
    assert proving.cosigned(bytes(bad), asked).holds is False


async def test_a_checkpoint_shows_who_signed_and_is_held_against_another(market: Market) -> None:
    served = market.served
    async with served.node.database.read() as s:
        first = (await proving.reader.tree_head(s)).size
    served.clock.advance(timedelta(hours=2))  # one an hour is kept
    await served.prove(market.buyer)
    inquiry = {"purpose": "x", "scenario": "y", "quantity": 1}
    await served.api(market.buyer, "POST", f"/listings/{market.ids['listed']}/inquiries", inquiry)
    await served.settle_down()
    browser = Browser(served)
    page = await browser.get("/ledger/checkpoints")
    async with served.node.database.read() as s:
        second = (await proving.reader.tree_head(s)).size
    for size in (first, second):
        assert [a for a in page.named("a") if a.get("href") == f"/en/ledger/checkpoints/{size}"]
    await browser.get(f"/ledger/checkpoints?size={first}&with={second}", expect=303)
    page = await browser.follow()
    assert page.words.count("not asked:") == 2  # nothing seen before, no witness
    assert "holds: The log's entries up to there give the checkpoint's root" in page.words
    assert "holds: The larger tree extends the smaller one" in page.words
    assert last_seen(browser).size == first
    for size in (1, second + 1, 2**62):
        await browser.get(f"/ledger/checkpoints/{size}", expect=404)
    await browser.get(f"/ledger/checkpoints/{first}?with=1", expect=404)
    await browser.get("/ledger/checkpoints/0", expect=422)


async def test_a_checkpoint_of_another_tree_is_an_alarm(market: Market) -> None:
    node = market.served.node
    async with node.database.write() as s:
        (row,) = await proving.reader.checkpoints(s, limit=1)
        forged = Checkpoint(node.publisher.signer.name, row.size, b"\3" * 32)
        row.note = sign_checkpoint(forged, node.publisher.signer).decode()
        s.add(row)
        size = row.size
    browser = Browser(market.served)
    page = await browser.get(f"/ledger/checkpoints/{size}")
    assert "The checkpoint does not hold." in page.words
    assert "does not hold: The log's entries up to there give the checkpoint's root" in page.words
    assert last_seen(browser) is None


async def test_the_proof_that_a_tree_grew_is_anybodys_to_ask(market: Market) -> None:
    async with market.served.node.database.read() as s:
        head = await proving.reader.tree_head(s)
        roots = {size: await proving.reader.root_after(s, seq=size - 1) for size in (1, 7, 64, head.size)}
    async with market.served.client() as client:
        for old, root in roots.items():
            answer = await client.get(f"/api/v1/ledger/consistency?old={old}&size={head.size}")
            path = [bytes.fromhex(step) for step in answer.json()["path"]]
            verify_consistency(old, head.size, root, bytes.fromhex(head.root), path)
        for odd in ("old=0&size=3", "old=3", "old=4&size=x"):
            assert (await client.get(f"/api/v1/ledger/consistency?{odd}")).status_code == 422
        for unknown in ("old=4&size=3", f"old=1&size={head.size + 1}"):
            assert (await client.get(f"/api/v1/ledger/consistency?{unknown}")).status_code == 404
        exact = await client.get("/api/v1/ledger/entries/7/entry.json")
        assert (
            proving.leaf_hash(exact.content).hex()
            == ((await client.get("/api/v1/ledger/entries/7")).json()["leaf_hash"])
        )
