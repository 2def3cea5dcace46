"""A node as a witness (C2SP tlog-witness), as a federation's province, and what its own witnesses say.

`add-checkpoint` asks for no sign-in: the signature on the checkpoint is the caller's credential.
"""

import base64
from datetime import datetime
from typing import Annotated, Final

import httpx
from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field, ValidationError
from starlette.responses import PlainTextResponse, Response

from base.errors import NotFound
from ledger import reader
from ledger.checkpoint import Receipt, VerifierKey, open_checkpoint, origin_hash
from ledger.errors import FederationUnready, WitnessAhead
from ledger.witness import WitnessDesk, witnessed
from ledger.witness_circle import SIZE_TYPE
from ledger.witness_federation import provincial
from ledger.witness_guard import require_prefix
from ledger.witness_receipt import FederatedReceipt, verify_federated
from web.deps import NodeDep, ReadDep
from web.limits import Attempts
from web.node import Node
from web.views import View
from web.witnessing import PREFIX

desk = APIRouter(prefix=PREFIX, tags=["witness"])
router = APIRouter(tags=["ledger"])

OriginHash = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="Hex SHA-256 of the log's origin")]
Size = Annotated[int, Field(ge=0, le=2**53)]
_TEXT: Final = "text/plain; charset=utf-8"
_MAX_ANSWER_BYTES: Final = 2 * 1024 * 1024
_OK: Final = 200


def desk_of(request: Request) -> WitnessDesk:
    """This node as a witness. Raises NotFound where it is none."""
    found: WitnessDesk | None = request.app.state.desk
    if found is None:
        raise NotFound("this node is no witness")
    return found


DeskDep = Annotated[WitnessDesk, Depends(desk_of)]


class SeenView(View):
    """A log that is witnessed here, and the size cosigned last."""

    origin: str
    size: int
    cosigned_at_s: int


class WitnessView(View):
    vkey: str
    logs: list[SeenView]


@desk.get("")
async def particulars(desk: DeskDep) -> WitnessView:
    """Who this witness is, and what it has seen of each log."""
    async with desk.database.read() as s:
        seen = {row.origin: row for row in await witnessed(s)}
    logs = [
        SeenView.model_validate(seen[origin])
        if origin in seen
        else SeenView(origin=origin, size=0, cosigned_at_s=0)
        for origin in sorted(desk.logs)
    ]
    return WitnessView(vkey=str(desk.vkey), logs=logs)


@desk.post(
    "/add-checkpoint",
    response_class=PlainTextResponse,
    responses={
        400: {"description": "Not of the form"},
        403: {"description": "No trusted key of the log signs the checkpoint"},
        404: {"description": "The log is not witnessed here"},
        409: {"description": "Another size was cosigned last: this one", "content": {SIZE_TYPE: {}}},
        422: {"description": "The proof does not hold, or another root was cosigned at this size"},
        429: {"description": "Too many submissions from this address that were not cosigned anew: wait"},
    },
    openapi_extra={
        "requestBody": {"required": True, "content": {"text/plain": {"schema": {"type": "string"}}}}
    },
)
async def add_checkpoint(request: Request, desk: DeskDep) -> Response:
    """Cosign a checkpoint that extends the one before (tlog-witness, "add-checkpoint").

    Whatever is not cosigned anew counts against the address it came from, for anyone can hand it in.
    """
    body = await request.body()
    submissions: Attempts = request.app.state.submissions
    address = request.app.state.addresses.of(request)
    submissions.count(address)
    try:
        answered = await desk.cosign(body)
    except WitnessAhead as ahead:
        return Response(f"{ahead.size}\n", status_code=409, headers={"content-type": SIZE_TYPE})
    if answered.new:
        submissions.forgive(address)
    return Response(answered.line, media_type=_TEXT)


@desk.get("/{origin_sha256}/checkpoint", response_class=PlainTextResponse)
async def kept(origin_sha256: OriginHash, desk: DeskDep) -> Response:
    """The newest checkpoint cosigned of a log (tlog-witness, "Monitor retrieval")."""
    return Response(await desk.kept(origin_sha256), media_type=_TEXT, headers={"cache-control": "no-cache"})


class ProvincialView(View):
    """A checkpoint that our log states: its note, our entry (base64), and the `.tlog-proof` of that entry."""

    size: int
    note: str
    entry: str
    receipt: str


@desk.get("/{origin_sha256}/stated")
async def stated(origin_sha256: OriginHash, desk: DeskDep, size: Annotated[Size, Query()]) -> ProvincialView:
    """The first checkpoint of a log, of at least this size, that our own log states, with the proof."""
    async with desk.database.read() as s:
        found = await provincial(s, origin_sha256=origin_sha256, size=size)
    if found is None:
        raise FederationUnready("no checkpoint of this size is stated here yet", size=size)
    return ProvincialView(
        size=found.size,
        note=found.note,
        entry=base64.b64encode(found.entry).decode(),
        receipt=found.receipt.decode(),
    )


class OneWitnessView(View):
    """One of our witnesses: what it cosigned last, and what it said when it did not."""

    vkey: str
    size: int
    lag: int
    cosigned_at: datetime | None
    asked_at: datetime
    failures: int
    problem: str | None


class WitnessingView(View):
    """`witnessed` is null where no quorum is asked for. `lag`: published entries that no quorum cosigned."""

    published: int
    witnessed: bool | None
    witnessed_size: int
    lag: int
    halted: str | None
    witnesses: list[OneWitnessView]


@router.get("/ledger/witnesses")
async def witnesses(s: ReadDep) -> WitnessingView:
    """How far our witnesses have come."""
    now = await reader.witnessing(s)
    return WitnessingView(
        published=now.published,
        witnessed=now.witnessed,
        witnessed_size=now.witnessed_size,
        lag=now.lag,
        halted=now.halted,
        witnesses=[
            OneWitnessView(
                vkey=row.vkey,
                size=row.size,
                lag=max(0, now.published - row.size),
                cosigned_at=row.cosigned_at,
                asked_at=row.asked_at,
                failures=row.failures,
                problem=row.problem,
            )
            for row in now.witnesses
        ],
    )


@router.get("/ledger/entries/{seq}/federated")
async def federated(seq: Size, node: NodeDep) -> Response:
    """The entry's receipt that leads on to the province's root (`databourse receipt` verifies it offline)."""
    origin = node.publisher.signer.name
    async with node.database.read() as s:
        entry = await reader.entry(s, seq=seq)
    upper = await _asked(node, f"/{origin_hash(origin)}/stated?size={seq + 1}")
    note = upper.note.encode()
    head = open_checkpoint(note, node.publisher.known, origin=origin).checkpoint
    if seq >= head.size:
        raise FederationUnready("the province states a checkpoint that does not hold this entry", seq=seq)
    async with node.database.read() as s:
        await require_prefix(s, await reader.tree_head(s), head)
        path = await reader.proof(s, seq=seq, size=head.size)
    document = FederatedReceipt(
        entry.entry,
        Receipt(seq, tuple(path), note).text(),
        base64.b64decode(upper.entry),
        upper.receipt.encode(),
    ).text()
    if node.settings.province_vkey is not None:
        province = VerifierKey.parse(node.settings.province_vkey)
        verify_federated(document, node.publisher.known, [province])
    name = f'attachment; filename="entry-{seq}.federated.json"'
    return Response(document, media_type="application/json", headers={"content-disposition": name})


async def _asked(node: Node, path: str) -> ProvincialView:
    """What the province answers. Raises FederationUnready, whatever is wrong with it."""
    if node.settings.province_url is None:
        raise NotFound("this node is in no federation")
    body = b""
    try:
        async with node.asking, node.http.stream("GET", f"{node.settings.province_url}{path}") as answer:
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > _MAX_ANSWER_BYTES or answer.status_code != _OK:
                    raise FederationUnready("the province has no proof for this entry now")
        return ProvincialView.model_validate_json(body)
    except (httpx.HTTPError, ValidationError):
        raise FederationUnready("the province has no proof for this entry now") from None
