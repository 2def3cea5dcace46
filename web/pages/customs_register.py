"""The register of customs on pages: documents that carry declarations, and negative lists of the zones."""

from typing import Any, Final

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.responses import Response

from market.customs import repository
from market.customs.states import OFFICER
from web.customs_forms import DocumentForm, ListArgs
from web.pages.acting import attempt
from web.pages.customs import LOOKERS, WHO, choices
from web.pages.forms import Filled, sent_back
from web.pages.naming import names_of
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
_PARTS: Final = 6


@router.get("/customs/register")
async def register(visitor: VisitorDep) -> Response:
    """The authority's documents and the negative lists; what names oneself, for an exporter."""
    return await _register(visitor, Filled())


async def _register(visitor: Visitor, filled: Filled) -> Response:
    visitor.require(WHO)
    async with visitor.node.database.read() as s:
        own = None if visitor.may(LOOKERS) else visitor.org_id
        rows = await repository.documents(s, exporter_id=own, limit=100)
        lists = await repository.negative_lists(s)
        names = await names_of(s, (org_id for row in rows for org_id in row.exporter_ids))
    return visitor.render(
        "customs_register.html",
        filled=filled,
        rows=rows,
        lists=lists,
        names=names,
        keeps=visitor.may(OFFICER),
        **choices(visitor),
    )


@router.post("/customs/register")
async def enter(visitor: VisitorDep) -> Response:
    """Enter a document, as the authority."""
    form = await visitor.form()
    said: dict[str, Any] = {
        name: form.text(name)
        for name in ("kind", "number", "recipient_name", "country", "issued_on", "filed_on")
    }
    said |= {
        "exporter_ids": form.text("exporter_ids").split(),
        "sensitive": form.flag("sensitive"),
        "persons": form.whole("persons") or 0,
        "sha256": form.text("sha256").lower(),
        "valid_until": form.optional("valid_until"),
    }
    try:
        document = DocumentForm.model_validate(said)
    except ValidationError as error:
        return await _register(visitor, sent_back("customs.enter", form, error))
    return await attempt(
        visitor,
        form,
        act="customs.enter",
        args={"document": document},
        then="/customs/register",
        again=lambda filled: _register(visitor, filled),
    )


@router.post("/customs/register/lists")
async def enter_list(visitor: VisitorDep) -> Response:
    """Enter a version of a zone's negative list, one line a line, as the authority."""
    form = await visitor.form()
    lines = [_line(line) for line in form.text("entries").splitlines() if line.strip()]
    said: dict[str, Any] = {name: form.text(name) for name in ("zone", "source", "effective_from")}
    said |= {"entries": lines, "effective_to": form.optional("effective_to")}
    try:
        args = ListArgs.model_validate(said)
    except ValidationError as error:
        return await _register(visitor, sent_back("customs.enter_list", form, error))
    return await attempt(
        visitor,
        form,
        act="customs.enter_list",
        args=dict(args),
        then="/customs/register",
        again=lambda filled: _register(visitor, filled),
    )


def _line(line: str) -> dict[str, Any]:
    """`number | industry | scenario | description | persons | route`."""
    parts = [*(part.strip() for part in line.split("|")), *[""] * _PARTS][:_PARTS]
    names = ("entry_id", "industry", "scenario", "data_desc", "threshold", "way")
    return dict(zip(names, parts, strict=True))


@router.post("/customs/register/{document_id}/end")
async def end_document(visitor: VisitorDep, document_id: str) -> Response:
    """Take a document off the register, as the authority."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="customs.end_document",
        args={"document_id": document_id, "reason": form.text("reason")},
        then="/customs/register",
        again=lambda filled: _register(visitor, filled),
    )
