"""The log as a stranger takes it: plain HTTP, C2SP tlog-tiles, nothing of our code between wire and root."""

import asyncio
import base64
import gzip
import hashlib
import http.client
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from base.signing import sign_envelope
from cli.prepared import examine
from ledger.checkpoint import VerifierKey, open_checkpoint, verify_receipt
from ledger.statement import PAYLOAD_TYPE
from ledger.tiles import Tile
from tests.ledger.foreign_auditor import parse_vkey, verify
from tests.ledger.seeds import statement
from tests.web.api.conftest import Room
from tests.web.api.live import free_port
from tests.web.api.live import served as on_a_port
from tests.web.api.refusing import problem
from tests.web.nodes import Served

FOR_EVER = "public, max-age=31536000, immutable"


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def root_over(hashes: list[bytes]) -> bytes:
    """RFC 6962 §2.1, as it is written there."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b"\x01" + root_over(hashes[:split]) + root_over(hashes[split:]))


def spelled(index: int) -> str:
    """A tile's number as tlog-tiles spells it."""
    digits = f"{index:0{(len(str(index)) + 2) // 3 * 3}}"
    *front, last = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([f"x{part}" for part in front] + [last])


class Stranger:
    """One who has an address and a vkey, and speaks HTTP."""

    def __init__(self, port: int) -> None:
        self.port = port

    def call(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, headers={n.replace("_", "-"): v for n, v in headers.items()})
            answer = connection.getresponse()
            body = answer.read()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body
        finally:
            connection.close()

    def checkpoint(self, vkey: str, prefix: str = "") -> tuple[int, bytes]:
        """Size and root, when the pinned key signed them."""
        status, headers, note = self.call(f"{prefix}/checkpoint")
        assert (status, headers["content-type"]) == (200, "text/plain; charset=utf-8")
        assert headers["cache-control"] == "public, max-age=5"
        name, keyhash, public = parse_vkey(vkey)
        text, _, signatures = note.decode().partition("\n\n")
        origin, size, root = text.split("\n")
        assert origin == name
        for line in signatures.splitlines():
            _, who, told = line.split(" ")
            raw = base64.b64decode(told)
            if who == name and raw[:4] == keyhash:
                verify(public, f"{text}\n".encode(), raw[4:], "checkpoint")
                return int(size), base64.b64decode(root)
        raise AssertionError("the pinned key signed nothing")

    def tile(self, level: str, index: int, width: int, prefix: str = "") -> bytes:
        partial = "" if width == 256 else f".p/{width}"
        path = f"{prefix}/tile/{level}/{spelled(index)}{partial}"
        status, headers, body = self.call(path, accept_encoding="gzip, identity")
        assert (status, headers["content-type"]) == (200, "application/octet-stream"), path
        assert headers["cache-control"] == FOR_EVER
        zipped = headers.get("content-encoding") == "gzip"
        assert zipped == (level == "entries")
        return gzip.decompress(body) if zipped else body

    def whole_log(self, vkey: str, prefix: str = "") -> list[bytes]:
        """Every entry, each proved to be in the tree of the signed checkpoint; every hash tile is right."""
        size, root = self.checkpoint(vkey, prefix)
        entries: list[bytes] = []
        row = []
        for index in range((size + 255) // 256):
            width = min(256, size - 256 * index)
            packed = self.tile("entries", index, width, prefix)
            before = len(entries)
            while packed:
                length = int.from_bytes(packed[:2])
                entries.append(packed[2 : 2 + length])
                packed = packed[2 + length :]
            assert len(entries) - before == width
            row += [sha256(b"\x00" + entry) for entry in entries[before:]]
        assert root_over(row) == root
        for level in range(64):
            for index in range((len(row) + 255) // 256):
                part = row[256 * index : 256 * (index + 1)]
                assert self.tile(str(level), index, len(part), prefix) == b"".join(part)
            row = [root_over(row[at : at + 256]) for at in range(0, len(row) // 256 * 256, 256)]
            if not row:
                return entries
        raise AssertionError("a tree without a top")


@asynccontextmanager
async def on_the_wire(made: Served) -> AsyncIterator[Stranger]:
    port = free_port()
    async with on_a_port(made.node, port):
        yield Stranger(port)


async def grow(made: Served, names: range) -> None:
    async with made.node.database.write() as s:
        for number in names:
            await statement(s, f"sta_{number}")
    await made.settle_down()


async def test_a_stranger_takes_the_whole_log_and_proves_it(both: Served) -> None:
    await grow(both, range(700))
    async with on_the_wire(both) as stranger:
        _, _, told = await asyncio.to_thread(stranger.call, "/.well-known/databourse")
        vkey = json.loads(told)["vkeys"][0]["vkey"]
        entries = await asyncio.to_thread(stranger.whole_log, vkey)
        assert len(entries) > 700
        before = [hashlib.sha256(b"\x00" + entry).hexdigest() for entry in entries]
        documents = [json.loads(entry) for entry in entries]
        assert [one["seq"] for one in documents] == list(range(len(entries)))
        assert [one["prev"] for one in documents] == ["0" * 64, *before[:-1]]
        await grow(both, range(700, 705))
        more = await asyncio.to_thread(stranger.whole_log, vkey, "/test")  # the shard by its own prefix
        assert more[: len(entries)] == entries
        assert len(more) == len(entries) + 5


async def test_tiles_are_answered_as_http_and_tlog_tiles_would_have_it(served: Served) -> None:
    await grow(served, range(300))
    async with on_the_wire(served) as stranger, served.client() as there:

        async def call(path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
            return await asyncio.to_thread(stranger.call, path, method, **headers)

        status, headers, whole = await call("/tile/entries/000")
        assert (status, headers["vary"]) == (200, "accept-encoding")
        assert "content-encoding" not in headers  # compressed for whoever asks only
        assert headers["access-control-allow-origin"] == "*"
        tag = headers["etag"]

        status, headers, nothing = await call("/tile/entries/000", if_none_match=f'"x", W/{tag}')
        assert (status, nothing, headers["etag"]) == (304, b"", tag)
        assert headers["cache-control"] == FOR_EVER
        assert (await call("/tile/entries/000", if_none_match='"x"'))[0] == 200

        status, headers, nothing = await call("/tile/entries/000", "HEAD")
        assert (status, nothing, headers["content-length"]) == (200, b"", str(len(whole)))
        assert (await call("/checkpoint", "HEAD"))[1]["content-length"] != "0"

        status, headers, zipped = await call("/tile/entries/000", accept_encoding="br, gzip;q=0.5")
        assert (gzip.decompress(zipped), headers["etag"]) == (whole, tag[:-1] + '-gzip"')
        assert len(zipped) < len(whole) / 2
        assert "content-encoding" not in (await call("/tile/entries/000", accept_encoding="gzip;q=0"))[1]
        assert "content-encoding" not in (await call("/tile/0/000", accept_encoding="gzip"))[1]

        status, headers, part = await call("/tile/entries/000", range="bytes=10-29", accept_encoding="gzip")
        assert (status, part) == (206, whole[10:30])
        assert headers["content-range"] == f"bytes 10-29/{len(whole)}"
        assert (await call("/tile/entries/000", range="bytes=10-29", if_range='"other"'))[2] == whole
        assert (await call("/tile/entries/000", range=f"bytes={len(whole)}-"))[0] == 416

        for method in ("POST", "PUT", "DELETE"):
            assert (await call("/checkpoint", method))[0] == 405
        for path in ("/tile/0/002", "/tile/0/001.p/200", "/tile/entries/x000/000", "/no/checkpoint"):
            problem(await there.get(path), 404, "not-found")


async def test_a_partial_tile_that_gave_way_to_its_full_one_is_still_answered(served: Served) -> None:
    """Whoever holds an earlier checkpoint finds its tiles: they are the beginning of the full ones."""
    await grow(served, range(100))
    async with served.client() as there:
        size = (await there.get("/api/v1/ledger")).json()["size"]
        paths = [f"/tile/{level}/000.p/{size}" for level in ("entries", "0")]
        early = [(await there.get(path)).content for path in paths]
        await grow(served, range(100, 400))
        folder = served.node.publisher.folder
        for path, data in zip(paths, early, strict=True):
            assert not (folder / path[1:]).exists()
            assert (await there.get(path)).content == data
        problem(await there.get("/tile/0/001.p/255"), 404, "not-found")  # no full tile to cut it from


async def test_an_earlier_shard_is_served_under_its_own_prefix(served: Served) -> None:
    await grow(served, range(3))
    folder = served.node.publisher.folder / "2025"
    tile = Tile(0, 0, 7)
    (folder / tile.path).parent.mkdir(parents=True)
    (folder / tile.path).write_bytes(b"\x01" * 224)
    async with served.client() as there:
        problem(await there.get(f"/2025/{tile.path}"), 404, "not-found")  # its checkpoint comes last
        (folder / "checkpoint").write_text("exchange.example/2025\n7\n…\n")
        assert (await there.get(f"/2025/{tile.path}")).content == b"\x01" * 224
        assert (await there.get("/2025/checkpoint")).text.startswith("exchange.example/2025\n")
        assert (await there.get("/test/checkpoint")).content == (await there.get("/checkpoint")).content
        for path in ("/tile/checkpoint", "/..%2f2025/checkpoint", "/2026/checkpoint", "/2025/tile/0/000.p/6"):
            problem(await there.get(path), 404, "not-found")


async def test_every_statement_has_its_receipt_by_its_id(room: Room) -> None:
    key = VerifierKey.parse((await room.http.get("/api/v1/ledger")).json()["vkey"])
    seller = await room.desk("provider")
    for said in await seller.get(f"/trades/{room.ids['settled']}/timeline"):
        entry = (await room.http.get(f"/api/v1/ledger/entries/{said['seq']}")).json()
        found = await room.http.get(f"/api/v1/ledger/statements/{said['statement_id']}/receipt")
        assert found.headers["content-disposition"].endswith(f'"entry-{said["seq"]}.tlog-proof"')
        verify_receipt(found.content, base64.b64decode(entry["entry"]), [key])
        told = await seller.get(f"/ledger/statements/{said['statement_id']}")
        assert told["receipt"] == found.text
    unknown = "/api/v1/ledger/statements/sta_00000000000000000000000000/receipt"
    problem(await room.http.get(unknown), 404, "statement-unknown")
    problem(await room.http.get(f"{unknown}?wait=sealed"), 401, "unauthenticated")
    problem(await room.http.get(f"{unknown}?wait=long"), 422, "malformed")


async def test_an_act_is_answered_with_its_receipts_when_it_waits_for_them(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = VerifierKey.parse((await room.http.get("/api/v1/ledger")).json()["vkey"])
    buyer, broker = await room.desk("buyer"), await room.desk("broker")
    path = f"/listings/{room.ids['listed']}/inquiries"
    asked = {"purpose": "p", "scenario": "s", "quantity": 1}
    waiting = asyncio.create_task(buyer.call("POST", f"{path}?wait=sealed", asked))
    while not waiting.done():
        await room.served.settle_down()
        await asyncio.sleep(0)
    (recorded,) = (await waiting).json()["recorded"]
    entry = (await room.http.get(f"/api/v1/ledger/entries/{recorded['seq']}")).json()
    opened = verify_receipt(recorded["receipt"].encode(), base64.b64decode(entry["entry"]), [key])
    assert opened.checkpoint.size == recorded["seq"] + 1

    monkeypatch.setattr("web.receipts.WAIT_S", 0.2)  # nobody seals: it is told as it is then
    (recorded,) = (await buyer.act(f"{path}?wait=sealed", asked))["recorded"]
    assert (recorded["seq"], recorded["receipt"]) == (None, None)
    (recorded,) = (await buyer.act(path, asked))["recorded"]
    assert "receipt" not in recorded
    problem(await broker.call("POST", f"{path}?wait=long", asked), 422, "malformed")


async def test_a_signature_made_at_home_is_answered_with_its_receipt(room: Room) -> None:
    seller = await room.desk("provider")
    refusal = {"reason_code": "CAPACITY"}
    prepared = await seller.call("POST", f"/trades/{room.ids['negotiating']}/refuse?wait=sealed", refusal)
    assert prepared.status_code == 202
    act = examine(prepared.content)
    assert seller.key is not None
    envelope = sign_envelope(PAYLOAD_TYPE, act.payload, seller.key).document()
    call = seller.call("POST", f"/prepared/{act.prepared_id}/submit?wait=sealed", envelope)
    waiting = asyncio.create_task(call)
    while not waiting.done():
        await room.served.settle_down()
        await asyncio.sleep(0)
    recorded = (await waiting).json()["recorded"]
    note = recorded[0]["receipt"].partition("\n\n")[2].encode()
    key = VerifierKey.parse((await room.http.get("/api/v1/ledger")).json()["vkey"])
    assert open_checkpoint(note, [key]).checkpoint.size > recorded[0]["seq"]
