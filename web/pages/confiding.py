"""Confidential information on pages: mark, admit, read for a purpose, and the log of every access."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response, StreamingResponse

from base.errors import NotFound
from ledger.reader import statements_of
from registry.assessments import repository
from registry.assessments.confiding import log_pieces
from registry.assessments.rules import Secrecy
from registry.assessments.seeing import OVERSEEING, require_log
from registry.assessments.states import KEEPERS, ItemState
from registry.assessments.tables import ItemRow
from registry.grading.states import ANYONE
from web.pages.acting import attempt, caller_for
from web.pages.assessing import digest, role_for
from web.pages.forms import Filled
from web.pages.naming import names_of
from web.pages.visiting import Visitor, VisitorDep
from web.securing import content_of

router = APIRouter()
_WHO: Final = ANYONE | OVERSEEING


@router.get("/security/confidential")
async def items(visitor: VisitorDep, after: Annotated[str | None, Query(max_length=40)] = None) -> Response:
    """What one keeps secret, and what one was admitted to."""
    return await _items(visitor, Filled(), after=after)


async def _items(visitor: Visitor, filled: Filled, *, after: str | None = None) -> Response:
    session = visitor.require(_WHO)
    async with visitor.node.database.read() as s:
        rows = await repository.items(s, org_id=session.actor.org_id, after=after)
        names = await names_of(s, (one.holder_id for one in rows))
    return visitor.render(
        "confidential.html",
        filled=filled,
        rows=rows,
        names=names,
        marks=visitor.may(KEEPERS),
        classes=visitor.options("secrecy", Secrecy),
        next_address=visitor.url("/security/confidential", after=rows[-1].item_id)
        if len(rows) == repository.PAGE
        else None,
    )


@router.post("/security/confidential")
async def mark(visitor: VisitorDep) -> Response:
    """Mark something as confidential."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="confidential.mark",
        args={
            "secrecy": form.text("secrecy"),
            "title": form.text("title"),
            "until": form.moment("until"),
            "file_id": form.optional("file_id"),
            "sha256": digest(form, "sha256"),
            "readers": form.text("readers").split(),
        },
        role=role_for(visitor, "confidential.mark"),
        then=lambda made: f"/security/confidential/{made['item_id']}",
        again=lambda filled: _items(visitor, filled),
    )


@router.get("/security/confidential/{item_id}")
async def item(visitor: VisitorDep, item_id: str) -> Response:
    """An item: for its holder with every access, for a reader with its own."""
    return await _item(visitor, item_id, Filled())


async def _item(visitor: Visitor, item_id: str, filled: Filled) -> Response:
    session = visitor.require(_WHO)
    async with visitor.node.database.read() as s:
        row = await repository.got(s, ItemRow, item_id)
        readers = await repository.readers(s, item_id=item_id)
        own, oversees = visitor.org_id == row.holder_id, visitor.may(OVERSEEING)
        if not (own or oversees or visitor.org_id in readers):
            raise NotFound("no such record", record_id=item_id)
        whose = None if own or oversees else session.actor.org_id
        accesses = await repository.newest_accesses(s, item_id=item_id, org_id=whose)
        said = await statements_of(s, object_id=item_id) if own or oversees else []
        names = await names_of(s, [row.holder_id], readers, (one.org_id for one in accesses))
    last = next((one for one in accesses if one.user_id == visitor.user_id), None)
    return visitor.render(
        "confidential_item.html",
        filled=filled,
        row=row,
        title=row.title if own or visitor.org_id in readers else row.item_id,
        readers=readers if own else [],
        accesses=accesses,
        said=said,
        names=names,
        own=own and row.status is ItemState.MARKED and visitor.may(KEEPERS),
        reads=row.status is ItemState.MARKED and (own or visitor.org_id in readers),
        logged=own or oversees,
        last=last if row.file_id is not None else None,
    )


@router.post("/security/confidential/{item_id}/{step}")
async def act_on(visitor: VisitorDep, item_id: str, step: str) -> Response:
    """One step of an item."""
    form = await visitor.form()
    about = {"item_id": item_id}
    reader = about | {"reader_id": form.text("reader_id"), "reason": form.text("reason")}
    steps: Mapping[str, Mapping[str, Any]] = {
        "admit": reader,
        "exclude": reader,
        "read": about | {"purpose": form.text("purpose")},
        "lift": about | {"reason": form.text("reason")},
    }
    if step not in steps:
        raise NotFound("no such step")
    act = f"confidential.{step}"
    return await attempt(
        visitor,
        form,
        act=act,
        args=steps[step],
        action=step,
        role=role_for(visitor, act),
        then=f"/security/confidential/{item_id}",
        again=lambda filled: _item(visitor, item_id, filled),
    )


@router.get("/security/confidential/{item_id}/accesses/{no}/content")
async def content(visitor: VisitorDep, item_id: str, no: Annotated[int, Path(ge=1, le=10**9)]) -> Response:
    """The content of an access that one has just stated."""
    visitor.require(_WHO)
    bytes_of = await content_of(caller_for(visitor), item_id, no)
    name = f'attachment; filename="{item_id}"'
    headers = {"content-disposition": name, "cache-control": "private, no-store"}
    return Response(bytes_of, media_type="application/octet-stream", headers=headers)


@router.get("/security/confidential/{item_id}/log")
async def log(visitor: VisitorDep, item_id: str) -> Response:
    """The whole log, to be verified offline."""
    session = visitor.require(_WHO)
    async with visitor.node.database.read() as s:
        row = await require_log(s, session.actor, item_id)
    name = f'attachment; filename="{item_id}.json"'
    headers = {"content-disposition": name, "cache-control": "private, no-store"}
    pieces = log_pieces(visitor.node.database, row)
    return StreamingResponse(pieces, media_type="application/json", headers=headers)
