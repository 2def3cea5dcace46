"""The ledger for anyone: head, entries, proofs, receipts, and the published files."""

import base64
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from starlette.responses import FileResponse

from base.errors import NotFound
from ledger import reader
from ledger.checkpoint import Receipt, open_checkpoint
from ledger.errors import TileInvalid
from ledger.publisher import CHECKPOINT_FILE
from ledger.tiles import parse_path
from web.deps import CallerDep, NodeDep, ReadDep
from web.views import View

router = APIRouter(tags=["ledger"])


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
    root: str
    path: list[str]


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
    before: Annotated[int | None, Query(ge=0)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    event: Annotated[str | None, Query(max_length=60)] = None,
) -> list[EntryView]:
    """Entries, newest first; go on with `before` = the last seq."""
    return [_view(entry) for entry in await reader.entries(s, before=before, limit=limit, event=event)]


@router.get("/ledger/entries/{seq}")
async def entry(seq: int, s: ReadDep) -> EntryView:
    """One entry: its exact bytes (base64) and what they say."""
    return _view(await reader.entry(s, seq=seq))


@router.get("/ledger/entries/{seq}/proof")
async def proof(seq: int, s: ReadDep, size: Annotated[int | None, Query(ge=1)] = None) -> ProofView:
    """The inclusion path of an entry in the tree of `size` leaves (default: the newest)."""
    tree = await reader.tree_head(s)
    path = await reader.proof(s, seq=seq, size=size or tree.size)
    root = tree.root if size in {None, tree.size} else ""
    return ProofView(seq=seq, size=size or tree.size, root=root, path=[step.hex() for step in path])


@router.get("/ledger/entries/{seq}/receipt")
async def receipt(seq: int, node: NodeDep, s: ReadDep) -> Response:
    """The entry's `.tlog-proof` under the newest published checkpoint that holds it."""
    kept = await reader.checkpoint(s)
    if kept is None or seq >= kept.size:
        raise NotFound("this entry is not under a published checkpoint yet", seq=seq)
    note = kept.note.encode()
    open_checkpoint(note, [node.publisher.signer.vkey])
    path = await reader.proof(s, seq=seq, size=kept.size)
    return Response(
        Receipt(seq, tuple(path), note).text(),
        media_type="text/plain; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="entry-{seq}.tlog-proof"'},
    )


@router.get("/ledger/statements/{statement_id}")
async def statement(statement_id: str, caller: CallerDep, s: ReadDep) -> dict[str, Any]:
    """A recorded statement by id, sealed or not; `seq` is null while it waits."""
    del caller
    said = await reader.statement(s, statement_id=statement_id)
    return {
        "statement_id": said.statement_id,
        "envelope_sha256": said.envelope_sha256,
        "event": said.event,
        "object": said.object_id,
        "seq": said.seq,
        "statement": said.payload,
    }


def _view(found: reader.Entry) -> EntryView:
    return EntryView(
        seq=found.seq,
        event=found.event,
        leaf_hash=found.leaf_hash.hex(),
        entry=base64.b64encode(found.entry).decode(),
        statement=found.payload,
    )


log = APIRouter(tags=["log files"])


@log.get("/checkpoint")
async def checkpoint(node: NodeDep) -> FileResponse:
    """The newest signed checkpoint (C2SP tlog-checkpoint)."""
    path = node.publisher.folder / CHECKPOINT_FILE
    if not path.exists():
        raise NotFound("nothing is published yet")
    return FileResponse(path, media_type="text/plain; charset=utf-8", headers={"cache-control": "max-age=5"})


@log.get("/tile/{path:path}")
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
