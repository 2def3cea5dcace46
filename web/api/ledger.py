"""The ledger for anyone: head, entries, proofs, receipts, and the published files."""

import asyncio
import base64
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field
from starlette.responses import FileResponse, PlainTextResponse

from base.errors import NotFound
from ledger import reader
from ledger.checkpoint import Receipt, open_checkpoint
from ledger.errors import StatementUnknown, TileInvalid
from ledger.publisher import CHECKPOINT_FILE
from ledger.tiles import parse_path
from web.acts import Id
from web.deps import CallerDep, NodeDep, ReadDep
from web.node import Node
from web.views import View

router = APIRouter(tags=["ledger"])
Seq = Annotated[int, Field(ge=0, le=2**53)]
_WAIT_S: Final = 10.0
_ASK_EVERY_S: Final = 0.05


class HeadView(View):
    origin: str
    size: int
    root: str
    sealed_at: datetime
    pending: bool
    vkey: str


class EntryView(View):
    seq: int
    event: str
    leaf_hash: str
    entry: str
    statement: dict[str, Any]


class ProofView(View):
    seq: int
    size: int
    root: str | None
    path: list[str]


class VkeyView(View):
    vkey: str
    from_size: int
    to_size: int | None


class ParticularsView(View):
    """Whom to check against: pin the vkey, then fetch the log."""

    origin: str
    vkeys: list[VkeyView]
    exchange_keyid: str
    checkpoint: str
    tiles: str
    api: str


class SaidView(View):
    statement_id: str
    envelope_sha256: str
    event: str
    object: str
    seq: int | None
    statement: dict[str, Any]


@router.get("/ledger")
async def head(node: NodeDep, s: ReadDep) -> HeadView:
    """The tree as sealed, and the key that signs its checkpoints."""
    tree = await reader.tree_head(s)
    return HeadView(
        origin=tree.origin,
        size=tree.size,
        root=tree.root,
        sealed_at=tree.sealed_at,
        pending=tree.pending,
        vkey=str(node.publisher.signer.vkey),
    )


@router.get("/ledger/entries")
async def entries(
    s: ReadDep,
    before: Seq | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    event: Annotated[str | None, Query(max_length=60)] = None,
) -> list[EntryView]:
    """Entries, newest first; go on with `before` = the last seq."""
    return [_view(entry) for entry in await reader.entries(s, before=before, limit=limit, event=event)]


@router.get("/ledger/entries/{seq}")
async def entry(seq: Seq, s: ReadDep) -> EntryView:
    """One entry: its exact bytes (base64) and what they say."""
    return _view(await reader.entry(s, seq=seq))


@router.get("/ledger/entries/{seq}/proof")
async def proof(seq: Seq, s: ReadDep, size: Annotated[Seq | None, Query(ge=1)] = None) -> ProofView:
    """The inclusion path of an entry in the tree of `size` leaves (default: the newest)."""
    tree = await reader.tree_head(s)
    if size is not None and size > tree.size:
        raise StatementUnknown("that tree is not sealed yet", size=size)
    path = await reader.proof(s, seq=seq, size=size or tree.size)
    root = tree.root if size in {None, tree.size} else None  # of an older size the checkpoint tells it
    return ProofView(seq=seq, size=size or tree.size, root=root, path=[step.hex() for step in path])


@router.get("/ledger/entries/{seq}/receipt", response_class=PlainTextResponse)
async def receipt(seq: Seq, node: NodeDep, s: ReadDep) -> Response:
    """The entry's `.tlog-proof` under the newest published checkpoint that holds it."""
    kept = await reader.checkpoint(s)
    if kept is None or seq >= kept.size:
        raise NotFound("this entry is not under a published checkpoint yet", seq=seq)
    note = kept.note.encode()
    open_checkpoint(note, [node.publisher.signer.vkey])
    path = await reader.proof(s, seq=seq, size=kept.size)
    return PlainTextResponse(
        Receipt(seq, tuple(path), note).text(),
        headers={"content-disposition": f'attachment; filename="entry-{seq}.tlog-proof"'},
    )


@router.get("/ledger/statements/{statement_id}")
async def statement(
    statement_id: Id, caller: CallerDep, node: NodeDep, wait: Literal["sealed"] | None = None
) -> SaidView:
    """A recorded statement by id; `seq` is null while it waits.

    With `wait=sealed` the answer comes when it is sealed, or after ten seconds as it is then.
    """
    del caller
    patience = asyncio.timeout(_WAIT_S if wait else 0)
    said = await _said(node, statement_id)
    with suppress(TimeoutError):
        async with patience:
            while said.seq is None:
                await asyncio.sleep(_ASK_EVERY_S)
                said = await _said(node, statement_id)
    return SaidView(
        statement_id=said.statement_id,
        envelope_sha256=said.envelope_sha256,
        event=said.event,
        object=said.object_id,
        seq=said.seq,
        statement=said.payload,
    )


async def _said(node: Node, statement_id: str) -> reader.Statement:
    async with node.database.read() as s:
        return await reader.statement(s, statement_id=statement_id)


def _view(found: reader.Entry) -> EntryView:
    return EntryView(
        seq=found.seq,
        event=found.event,
        leaf_hash=found.leaf_hash.hex(),
        entry=base64.b64encode(found.entry).decode(),
        statement=found.payload,
    )


log = APIRouter(tags=["log files"])


@log.get("/.well-known/databourse")
async def particulars(node: NodeDep) -> ParticularsView:
    """Who this log is, and where it is read (RFC 8615)."""
    signer, url = node.publisher.signer, node.settings.public_url
    return ParticularsView(
        origin=signer.name,
        vkeys=[VkeyView(vkey=str(signer.vkey), from_size=0, to_size=None)],
        exchange_keyid=node.house.exchange.pen.key.keyid,
        checkpoint=f"{url}/checkpoint",
        tiles=f"{url}/tile/",
        api=f"{url}/api/v1/openapi.json",
    )


@log.get("/checkpoint", response_class=PlainTextResponse)
async def checkpoint(node: NodeDep) -> FileResponse:
    """The newest signed checkpoint (C2SP tlog-checkpoint)."""
    path = node.publisher.folder / CHECKPOINT_FILE
    if not path.exists():
        raise NotFound("nothing is published yet")
    return FileResponse(path, media_type="text/plain; charset=utf-8", headers={"cache-control": "max-age=5"})


@log.get("/tile/{path:path}", response_class=FileResponse)
async def tile(path: str, node: NodeDep) -> FileResponse:
    """A tile of the log (C2SP tlog-tiles); it never changes."""
    try:
        place = parse_path(f"tile/{path}")
    except TileInvalid:
        raise NotFound("no such tile") from None
    file = node.publisher.folder / place.path
    if not file.exists():
        raise NotFound("no such tile")
    return FileResponse(
        file,
        media_type="application/octet-stream",
        headers={"cache-control": "public, max-age=31536000, immutable"},
    )
