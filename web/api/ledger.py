"""The ledger for anyone: head, entries, proofs and receipts. Its files are `web.api.log`'s."""

import base64
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field
from starlette.responses import PlainTextResponse

from base.errors import NotFound, Unauthenticated
from ledger import reader, trail
from ledger.errors import StatementUnknown
from web.acts import Id
from web.deps import CallerDep, NodeDep, ReadDep, VisitorDep
from web.node import Node
from web.receipts import receipt_of, with_receipts, witnessed
from web.views import View

router = APIRouter(tags=["ledger"])
Seq = Annotated[int, Field(ge=0, le=2**53)]


class HeadView(View):
    origin: str
    size: int
    root: str
    sealed_at: datetime
    pending: bool
    vkey: str
    witnessed: bool | None = Field(description="Whether the newest published checkpoint has its quorum")


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


class ConsistencyView(View):
    old: int
    size: int
    path: list[str]


class SaidView(View):
    statement_id: str
    envelope_sha256: str
    event: str
    object: str
    seq: int | None
    log: str | None = Field(description="The origin of the closed log it stands in; null: the present one")
    statement: dict[str, Any]
    receipt: str | None = Field(description="The `.tlog-proof`, once a published checkpoint holds the entry")
    witnessed: bool | None = Field(
        description="Whether enough witnesses cosigned it; null: none are asked for"
    )


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
        witnessed=(await reader.witnessing(s)).witnessed,
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


@router.get("/ledger/entries/{seq}/entry.json", response_class=Response)
async def exact(seq: Seq, s: ReadDep) -> Response:
    """One entry, byte for byte: the leaf that the tree holds, as `databourse receipt --entry` takes it."""
    found = await reader.entry(s, seq=seq)
    headers = {"content-disposition": f'attachment; filename="entry-{seq}.json"'}
    return Response(found.entry, media_type="application/json", headers=headers)


@router.get("/ledger/consistency")
async def consistency(
    s: ReadDep, old: Annotated[Seq, Query(ge=1)], size: Annotated[Seq, Query(ge=1)]
) -> ConsistencyView:
    """The proof that the tree of `size` leaves extends the tree of `old` (RFC 9162 §2.1.4)."""
    path = await trail.consistency(s, old=old, size=size)
    return ConsistencyView(old=old, size=size, path=[step.hex() for step in path])


@router.get("/ledger/entries/{seq}/proof")
async def proof(seq: Seq, s: ReadDep, size: Annotated[Seq | None, Query(ge=1)] = None) -> ProofView:
    """The inclusion path of an entry in the tree of `size` leaves (default: the newest)."""
    tree = await reader.tree_head(s)
    if size is not None and size > tree.size:
        raise StatementUnknown("that tree is not sealed yet", size=size)
    path = await reader.proof(s, seq=seq, size=size or tree.size, origin=tree.origin)
    root = tree.root if size in {None, tree.size} else None  # of an older size the checkpoint tells it
    return ProofView(seq=seq, size=size or tree.size, root=root, path=[step.hex() for step in path])


@router.get("/ledger/entries/{seq}/receipt", response_class=PlainTextResponse)
async def receipt(seq: Seq, node: NodeDep, s: ReadDep) -> Response:
    """The entry's `.tlog-proof` under the newest published checkpoint that holds it."""
    return _receipt(node, seq, await receipt_of(node, s, seq=seq))


@router.get("/ledger/statements/{statement_id}")
async def statement(
    statement_id: Id, caller: CallerDep, node: NodeDep, wait: Literal["sealed"] | None = None
) -> SaidView:
    """A recorded statement by id; `seq` and `receipt` are null while it waits.

    With `wait=sealed` the answer comes when there is a receipt, or after ten seconds as it is then.
    """
    del caller
    (found,) = await with_receipts(node, [statement_id], wait=wait is not None)
    one = found.statement
    return SaidView(
        statement_id=one.statement_id,
        envelope_sha256=one.envelope_sha256,
        event=one.event,
        object=one.object_id,
        seq=found.seq,
        log=found.log,
        statement=one.payload,
        receipt=found.receipt,
        witnessed=witnessed(node, found.receipt),
    )


@router.get("/ledger/statements/{statement_id}/receipt", response_class=PlainTextResponse)
async def receipt_by_id(
    statement_id: Id, visitor: VisitorDep, node: NodeDep, wait: Literal["sealed"] | None = None
) -> Response:
    """The `.tlog-proof` of a statement by its id; whoever is signed in may wait for it (`wait=sealed`)."""
    if wait is not None and visitor is None:
        raise Unauthenticated("who waits says who it is")
    (found,) = await with_receipts(node, [statement_id], wait=wait is not None)
    return _receipt(node, found.seq, found.receipt)


def _receipt(node: Node, seq: int | None, text: str | None) -> Response:
    if text is None:
        raise NotFound("this entry is not under a published checkpoint yet", seq=seq)
    seen = witnessed(node, text)
    says = ".unwitnessed" if seen is False else ""
    headers = {"content-disposition": f'attachment; filename="entry-{seq}{says}.tlog-proof"'}
    if seen is not None:
        headers["databourse-witnessed"] = "witnessed" if seen else "unwitnessed"
    return PlainTextResponse(text, headers=headers)


def _view(found: reader.Entry) -> EntryView:
    return EntryView(
        seq=found.seq,
        event=found.event,
        leaf_hash=found.leaf_hash.hex(),
        entry=base64.b64encode(found.entry).decode(),
        statement=found.payload,
    )
