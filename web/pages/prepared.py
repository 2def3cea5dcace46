"""An act that waits for a signature made at home: what it will say, its file, and the way back with it."""

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from base.errors import DomainError, Malformed, NotFound, Unauthenticated, Unavailable
from base.signing import parse_envelope
from identity.prepared import Prepared, get_prepared
from identity.repository import get_prepared_row
from ledger.statement import PREDICATE_PREFIX
from web.pages.acting import caller_for, gone_on, refused_by
from web.pages.forms import Filled, sent_back
from web.pages.home import inner
from web.pages.multipart import small_file, upload_of
from web.pages.naming import names_of
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
MAX_ENVELOPE_BYTES: Final = 256 * 1024
_HIDDEN: Final = frozenset({"event", "opening", "clock", "custody"})

# Where each kind of act leads, by what it answers.
_PLACES: Final[tuple[tuple[str, Callable[[Mapping[str, Any]], str]], ...]] = (
    ("trade.", lambda done: f"/trades/{done['trade_id']}"),
    ("listing.", lambda done: f"/sell/{done['listing_id']}"),
    ("mandate.", lambda _: "/mandates"),
    ("case.", lambda done: f"/reg/cases/{done['case_id']}"),
    ("", lambda _: "/account"),
)


@router.get("/prepared/{prepared_id}")
async def prepared(
    visitor: VisitorDep, prepared_id: str, then: Annotated[str, Query(max_length=300)] = ""
) -> Response:
    """What is to be signed, and how."""
    return await _page(visitor, prepared_id, then, Filled())


async def _page(visitor: Visitor, prepared_id: str, then: str, filled: Filled) -> Response:
    session = visitor.require()
    async with visitor.node.database.read() as s:
        waiting = await get_prepared(s, prepared_id=prepared_id, actor=session.actor)
        statement: dict[str, Any] = orjson.loads(waiting.payload)
        says = statement["predicate"]
        names = await names_of(s, (value for value in says.values() if isinstance(value, str)))
    opening = None if waiting.opening is None else orjson.loads(waiting.opening)
    return visitor.render(
        "prepared.html",
        filled=filled,
        prepared=waiting,
        event=statement["predicateType"].removeprefix(PREDICATE_PREFIX).removesuffix(":v1"),
        public={name: value for name, value in says.items() if name not in _HIDDEN},
        terms=None if opening is None else {n: v for n, v in opening.items() if n != "nonce"},
        names=names,
        then=then,
        file_name=_file_name(waiting),
    )


@router.get("/prepared/{prepared_id}/file")
async def download(visitor: VisitorDep, prepared_id: str) -> Response:
    """The prepared act as the file that `databourse sign` reads."""
    session = visitor.require()
    async with visitor.node.database.read() as s:
        waiting = await get_prepared(s, prepared_id=prepared_id, actor=session.actor)
    return Response(
        orjson.dumps(waiting.document(), option=orjson.OPT_APPEND_NEWLINE),
        media_type="application/json",
        headers={
            "content-disposition": f'attachment; filename="{_file_name(waiting)}"',
            "cache-control": "private, no-store",
        },
    )


@router.post("/prepared/{prepared_id}")
async def submit(visitor: VisitorDep, prepared_id: str) -> Response:
    """Take in the signed envelope, and carry the act out."""
    session = visitor.require()
    async with upload_of(visitor.request) as upload:
        visitor.check(upload.form.text("csrf"))
        raw = await small_file(upload, MAX_ENVELOPE_BYTES)
    form, then = upload.form, upload.form.text("then")
    async with visitor.node.database.read() as s:
        row = await get_prepared_row(s, prepared_id=prepared_id)
    act_name = "" if row is None or row.org_id != session.actor.org_id else row.act_name
    caller = caller_for(visitor, key=form.optional("idempotency_key"))
    try:
        answer = await caller.submit(prepared_id, parse_envelope(_json(raw)))
    except (Unauthenticated, NotFound, Unavailable):
        raise
    except DomainError as error:
        return await _refused(visitor, prepared_id, then, sent_back("submit", form, error))
    if refused := refused_by(answer, "submit", form):
        return await _refused(visitor, prepared_id, then, refused)
    return gone_on(visitor, answer, inner(then) if then else _place_of(act_name))


async def _refused(visitor: Visitor, prepared_id: str, then: str, filled: Filled) -> Response:
    """Once more, if the act can still be submitted; else only what became of it."""
    try:
        return await _page(visitor, prepared_id, then, filled)
    except NotFound:
        assert filled.error is not None
        return visitor.render("error.html", status=filled.error.status, told=filled.error)


def _json(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except json.JSONDecodeError:
        raise Malformed("the file is no JSON: upload what databourse sign wrote") from None


def _place_of(act_name: str) -> Callable[[dict[str, Any]], str]:
    """Where an act leads, for what could not be said before it had an id."""
    return next(place for start, place in _PLACES if act_name.startswith(start))


def _file_name(waiting: Prepared) -> str:
    return f"{waiting.prepared_id}.json"
