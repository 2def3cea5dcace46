"""A closed log in the explorer: its entries by their numbers, each proved under the log's last checkpoint."""

import re
from pathlib import Path

import pytest

from base.clock import SimulatedClock
from cli.node_keys import next_log, rotate_log
from ledger import reader
from ledger.checkpoint import verify_receipt
from ledger.log_keys import past_entry, past_keys
from ledger.tiles import WIDTH
from tests.web.nodes import opened, serving
from tests.web.pages.browsing import Browser
from tests.web.pages.test_every_page import structure
from tests.web.pages.test_explorer import marks

NOT_ASKED = {
    "en": "The ledger names it; its proof was not asked here",
    "zh": "账本载明它；此处未检验其证明",
}


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_entries_of_a_closed_log_are_found_and_proved(
    tmp_path: Path, clock: SimulatedClock, lang: str
) -> None:
    async with serving(tmp_path, clock) as served:
        seller = await served.admit("粤能数科", {"PROVIDER"})
        await served.settle_down()
        node = served.node
        origin = node.publisher.signer.name
        name = origin.rpartition("/")[2]
        await rotate_log(node, "ed25519-sha256")
        await next_log(node)
    async with opened(tmp_path, clock) as served:
        served.operator = seller
        await served.settle_down()
        async with served.node.database.read() as s:
            keys = (await past_keys(s, number=1)).windows
            said = await reader.statements_of(s, object_id=seller.org_id)
        browser = Browser(served, lang=lang)
        page = await browser.get("/ledger")
        (log,) = {a["href"] for a in page.named("a") if "/closed/" in a.get("href", "")}
        assert log == f"/{lang}/ledger/closed/{name}"

        page = await browser.get(log.removeprefix(f"/{lang}"))
        assert structure(page, lang) == []
        links = [a["href"] for a in page.named("a") if re.search(r"/closed/.*/\d+$", a.get("href", ""))]
        seqs = [int(link.rpartition("/")[2]) for link in links]
        assert seqs == list(range(len(seqs)))[::-1]
        assert 5 < len(seqs) < WIDTH

        for seq in (0, 5, seqs[0]):
            page = await browser.get(f"/ledger/closed/{name}/{seq}")
            assert structure(page, lang) == []
            assert set(marks(page)) == {"✓"}
            assert "✗" not in page.words
            hrefs = [a.get("href", "") for a in page.named("a")]
            there = [f"{log}/{at}" for at in (seq - 1, seq + 1) if 0 <= at < len(seqs)]
            assert [href for href in hrefs if re.fullmatch(rf"{log}/\d+", href)] == there
            (receipt,) = [href for href in hrefs if href.endswith("/receipt")]
            async with served.client() as http, served.node.database.read() as s:
                one, _ = await past_entry(s, number=1, seq=seq)
                text = (await http.get(receipt)).content
            proven = verify_receipt(text, one.entry, [window.vkey for window in keys]).checkpoint
            assert proven.size == len(seqs)

        for asked in (said[0].statement_id, said[0].envelope_sha256):
            await browser.get(f"/ledger?q={asked}", expect=303)
            assert re.fullmatch(rf"{log}/\d+", browser.location)
            page = await browser.get(f"/verify/{asked}")
            for said_there in (NOT_ASKED[lang], f"{log}/"):
                assert said_there in browser.last.text
            assert "badge good" not in browser.last.text
        page = await browser.get(f"/ledger?q={origin}")
        found = [a["href"] for a in page.named("a") if a.get("href", "").startswith(f"{log}/")]
        assert found[-1] == f"{log}/{seqs[0]}"  # LOG.CLOSE
        assert len(found) > 1
        for nothing in (f"{name}/{len(seqs)}", f"{name}/999999", "elsewhere", "elsewhere/0"):
            await browser.get(f"/ledger/closed/{nothing}", expect=404)

        for tile in served.node.settings.log_dir.glob("tile/0/000.p/*"):
            tile.write_bytes(bytes(len(tile.read_bytes())))
        page = await browser.get(f"/ledger/closed/{name}/5")
        assert "✗" in marks(page)  # what was published is not what was sealed
