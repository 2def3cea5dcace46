"""Confidential information: marked, read for a purpose, and its log, complete and signed."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import StreamingResponse

from registry.assessments import repository
from registry.assessments.confiding import log_pieces
from registry.assessments.seeing import require_log
from web.acts import Id
from web.api.assessment_acts import ADMIT, EXCLUDE, LIFT, MARK, READ
from web.assessment_forms import (
    ItemReasonArgs,
    MarkArgs,
    ReadArgs,
    ReaderArgs,
    ReaderForm,
    ReadForm,
    SecurityReasonForm,
)
from web.assessment_views import (
    AccessView,
    FullItemView,
    ItemView,
)
from web.deps import CallerDep, NodeDep, ReadDep, answers, respond
from web.securing import content_of, visible_item

router = APIRouter(tags=["security"])
_OF_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}
_LOG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"schema": {"type": "object", "additionalProperties": True}}}}
}


@router.get("/confidential")
async def items(
    caller: CallerDep,
    s: ReadDep,
    after: Annotated[Id | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> list[ItemView]:
    """The confidential items that one holds, or was admitted to; newest first."""
    rows = await repository.items(s, org_id=caller.actor.org_id, after=after, limit=limit)
    return [ItemView.of(row) for row in rows]


@router.post("/confidential", **answers(MARK, ItemView))
async def mark(caller: CallerDep, args: MarkArgs) -> Response:
    """Mark an uploaded file, or anything by its digest, as confidential: class, term, who may see it."""
    return respond(await caller.do(MARK, args))


@router.get("/confidential/{item_id}")
async def item(item_id: Id, caller: CallerDep, s: ReadDep) -> FullItemView:
    """What an item is, for its holder and who was admitted; its content asks for a stated access."""
    row = await visible_item(s, caller.actor, item_id)
    own = row.holder_id == caller.actor.org_id
    readers = await repository.readers(s, item_id=item_id) if own else []
    return FullItemView(**ItemView.of(row).model_dump(), readers=readers)


@router.post("/confidential/{item_id}/readers", **answers(ADMIT, ItemView))
async def admit(item_id: Id, caller: CallerDep, form: ReaderForm) -> Response:
    """Admit a member to an item, as its holder."""
    return respond(await caller.do(ADMIT, ReaderArgs(item_id=item_id, **dict(form))))


@router.post("/confidential/{item_id}/readers/end", **answers(EXCLUDE, ItemView))
async def exclude(item_id: Id, caller: CallerDep, form: ReaderForm) -> Response:
    """Let a member see an item no longer, as its holder."""
    return respond(await caller.do(EXCLUDE, ReaderArgs(item_id=item_id, **dict(form))))


@router.post("/confidential/{item_id}/accesses", **answers(READ, AccessView))
async def read(item_id: Id, caller: CallerDep, form: ReadForm) -> Response:
    """State an access for a purpose; its content can then be fetched for ten minutes."""
    return respond(await caller.do(READ, ReadArgs(item_id=item_id, **dict(form))))


@router.get("/confidential/{item_id}/accesses/{no}/content", response_class=Response, responses=_OF_FILE)
async def content(item_id: Id, no: Annotated[int, Path(ge=1, le=10**9)], caller: CallerDep) -> Response:
    """The content of an access that one has just stated oneself."""
    return Response(await content_of(caller, item_id, no), media_type="application/octet-stream")


@router.post("/confidential/{item_id}/lift", **answers(LIFT, ItemView))
async def lift(item_id: Id, caller: CallerDep, form: SecurityReasonForm) -> Response:
    """Keep an item secret no longer, as its holder."""
    return respond(await caller.do(LIFT, ItemReasonArgs(item_id=item_id, **dict(form))))


@router.get("/confidential/{item_id}/log", response_class=StreamingResponse, responses=_LOG)
async def log(item_id: Id, caller: CallerDep, s: ReadDep, node: NodeDep) -> Response:
    """The whole log of an item, to be verified offline (`databourse accesses`), for its holder and who
    supervises.
    """
    row = await require_log(s, caller.actor, item_id)
    return StreamingResponse(log_pieces(node.database, row), media_type="application/json")
