"""The ledger as anyone may check it over HTTP: head, proofs, receipts, files, and where they are found."""

import asyncio
import base64

import orjson
import pytest

from ledger.checkpoint import VerifierKey, open_checkpoint, verify_receipt
from ledger.errors import ProofInvalid
from ledger.sequencer import root_at
from ledger.tiles import unpack_entries
from ledger.tree import leaf_hash, verify_inclusion
from tests.web.api.conftest import Room
from tests.web.api.refusing import problem


async def test_the_particulars_lead_an_auditor_to_everything(room: Room) -> None:
    found = (await room.http.get("/.well-known/databourse")).json()
    head = (await room.http.get("/api/v1/ledger")).json()
    assert found["origin"] == head["origin"] == "exchange.example/test"
    assert [key["vkey"] for key in found["vkeys"]] == [head["vkey"]]
    for name in ("checkpoint", "api"):
        assert (await room.http.get(found[name])).status_code == 200
    note = await room.http.get(found["checkpoint"])
    assert note.headers["cache-control"] == "public, max-age=5"
    signed = open_checkpoint(note.content, [VerifierKey.parse(head["vkey"])], origin=head["origin"])
    assert (signed.checkpoint.size, signed.checkpoint.root.hex()) == (head["size"], head["root"])
    genesis = (await room.http.get("/api/v1/ledger/entries/0")).json()
    assert genesis["statement"]["predicate"]["exchange_key"]["keyid"] == found["exchange_keyid"]


async def test_every_entry_is_proved_in_every_tree_that_holds_it(room: Room) -> None:
    size = (await room.http.get("/api/v1/ledger")).json()["size"]
    entries = [
        base64.b64decode((await room.http.get(f"/api/v1/ledger/entries/{seq}")).json()["entry"])
        for seq in range(size)
    ]
    async with room.database.read() as s:
        roots = {n: await root_at(s, n) for n in (1, 2, 3, size // 2, size - 1, size)}
    for n, root in roots.items():
        for seq in {0, n // 3, n // 2, n - 1}:
            proof = (await room.http.get(f"/api/v1/ledger/entries/{seq}/proof?size={n}")).json()
            path = [bytes.fromhex(step) for step in proof["path"]]
            verify_inclusion(seq, n, leaf_hash(entries[seq]), path, root)
    newest = (await room.http.get("/api/v1/ledger/entries/0/proof")).json()
    assert (newest["size"], newest["root"]) == (size, roots[size].hex())


async def test_a_receipt_verifies_with_the_log_s_key_alone(room: Room) -> None:
    particulars = (await room.http.get("/.well-known/databourse")).json()
    key = VerifierKey.parse(particulars["vkeys"][0]["vkey"])
    for seq in (0, 7):
        entry = base64.b64decode((await room.http.get(f"/api/v1/ledger/entries/{seq}")).json()["entry"])
        receipt = await room.http.get(f"/api/v1/ledger/entries/{seq}/receipt")
        assert receipt.headers["content-disposition"] == f'attachment; filename="entry-{seq}.tlog-proof"'
        verify_receipt(receipt.content, entry, [key])
        with pytest.raises(ProofInvalid):
            verify_receipt(receipt.content, entry + b" ", [key])


async def test_tiles_are_served_as_published_and_nothing_else_of_the_disk(room: Room) -> None:
    size = (await room.http.get("/api/v1/ledger")).json()["size"]
    tile = await room.http.get(f"/tile/entries/000.p/{size}")
    assert tile.headers["cache-control"] == "public, max-age=31536000, immutable"
    entries = list(unpack_entries(tile.content))
    assert [orjson.loads(entry)["seq"] for entry in entries] == list(range(size))
    hashes = await room.http.get(f"/tile/0/000.p/{size}")
    assert hashes.content == b"".join(leaf_hash(entry) for entry in entries)
    for path in (
        "/tile/0/999",
        "/tile/../keys/checkpoint.key",
        "/tile/%2e%2e/keys/checkpoint.key",
        "/tile/..%2fkeys%2fcheckpoint.key",
        "/tile//etc/passwd",
        "/tile/0/000.p/0",
        "/tile/entries/000.p/256",
        "/tile/0/000.p/%00",
        "/tile/9/x",
    ):
        problem(await room.http.get(path), 404, "not-found")


async def test_numbers_that_no_entry_has_are_not_found_or_malformed(room: Room) -> None:
    size = (await room.http.get("/api/v1/ledger")).json()["size"]
    for path, status, code in (
        (f"entries/{size}", 404, "statement-unknown"),
        (f"entries/{size}/proof", 404, "statement-unknown"),
        (f"entries/{size}/receipt", 404, "not-found"),
        (f"entries/0/proof?size={size + 1}", 404, "statement-unknown"),
        (f"entries/0/proof?size={2**53}", 404, "statement-unknown"),
        ("entries/-1", 422, "malformed"),
        (f"entries/{2**70}", 422, "malformed"),
        ("entries/0/proof?size=0", 422, "malformed"),
        ("entries?limit=0", 422, "malformed"),
        ("entries?before=-1", 422, "malformed"),
    ):
        problem(await room.http.get(f"/api/v1/ledger/{path}"), status, code)


async def test_entries_are_paged_by_keyset_and_filtered_by_event(room: Room) -> None:
    seen: list[int] = []
    before = ""
    while page := (await room.http.get(f"/api/v1/ledger/entries?limit=30{before}")).json():
        seen += [entry["seq"] for entry in page]
        before = f"&before={seen[-1]}"
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] == 0
    settled = (await room.http.get("/api/v1/ledger/entries?event=TRD.SETTLE")).json()
    assert [entry["event"] for entry in settled] == ["TRD.SETTLE"]


async def test_an_act_names_its_statements_and_their_seq_is_told_when_they_are_sealed(room: Room) -> None:
    buyer = await room.desk("buyer")
    asked = {"purpose": "p", "scenario": "s", "quantity": 1}
    done = await buyer.act(f"/listings/{room.ids['listed']}/inquiries", asked)
    (recorded,) = done["recorded"]
    path = f"/ledger/statements/{recorded['statement_id']}"
    assert (await buyer.get(path))["seq"] is None
    waiting = asyncio.create_task(buyer.get(f"{path}?wait=sealed"))
    await room.served.settle_down()
    told = await waiting
    assert (told["event"], told["object"]) == ("TRD.INQUIRE", done["trade_id"])
    entry = (await room.http.get(f"/api/v1/ledger/entries/{told['seq']}")).json()
    assert entry["statement"] == told["statement"]
    problem(await buyer.call("GET", f"{path}?wait=long"), 422, "malformed")
    problem(await room.http.get(f"/api/v1{path}"), 401, "unauthenticated")


async def test_no_price_or_person_is_on_the_public_ledger(room: Room) -> None:
    size = (await room.http.get("/api/v1/ledger")).json()["size"]
    whole = (await room.http.get(f"/tile/entries/000.p/{size}")).content
    said = b"".join(
        base64.b64decode(orjson.loads(entry)["envelope"]["payload"]) for entry in unpack_entries(whole)
    )
    for private in (
        b"68000000",
        b"62000000",
        b"680000.00",
        "信贷风险模型".encode(),
        b"CN25BANK",
        b'operator"',
    ):
        assert private not in said


async def test_the_monitor_s_figures_are_those_of_the_log(room: Room) -> None:
    head = (await room.http.get("/api/v1/ledger")).json()
    ready = (await room.http.get("/ready")).json()
    assert ready == {"status": "ready", "origin": head["origin"], "size": head["size"]}
    text = (await room.http.get("/metrics")).text
    assert f"databourse_ledger_entries {head['size']}\n" in text
    assert "databourse_ledger_pending 0\n" in text
