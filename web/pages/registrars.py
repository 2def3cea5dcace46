"""Registrars on pages: who is recognised, what each owes and has told, and how it leaves."""

from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from base.errors import NotFound
from registry.registration import repository
from registry.registration.answering import papers_of
from registry.registration.seats import LEFT, PaperKind
from web.pages.acting import attempt
from web.pages.forms import Filled, Form
from web.pages.naming import names_of
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
_REGISTRAR: Final = frozenset({"REGISTRAR"})
_AUTHORITY: Final = frozenset({"DATA_AUTHORITY"})
_PLACE: Final = "/registry/registrars"
_ENDS: Final = (LEFT, "CONDITIONS_LOST", "MISCONDUCT")


@router.get(_PLACE)
async def registrars(visitor: VisitorDep) -> Response:
    """The register of registrars, for anybody; a registrar's own duties; the data authority's desk."""
    return await _shown(visitor, Filled())


async def _shown(visitor: Visitor, filled: Filled) -> Response:
    async with visitor.node.database.read() as s:
        seats = await repository.registrars(s)
        papers = await papers_of(s)
        names = await names_of(s, (seat.org_id for seat in seats))
    standing = [seat for seat in seats if seat.ended_at is None]
    return visitor.render(
        "registrars.html",
        filled=filled,
        seats=seats,
        papers=papers,
        names=names,
        told=visitor.options("registrar_paper", [PaperKind.CHANGE, PaperKind.LEAVE]),
        ends=visitor.options("registrar_end", _ENDS),
        known=[(seat.org_id, names[seat.org_id]) for seat in seats],
        standing=[(seat.org_id, names[seat.org_id]) for seat in standing],
        own=visitor.may(_REGISTRAR) and any(seat.org_id == visitor.org_id for seat in standing),
        authority=visitor.may(_AUTHORITY),
        leaving=[one for one in papers if one.kind is PaperKind.LEAVE and one.agreed is None],
    )


def _sha256(form: Form) -> str:
    return form.text("document_sha256").lower()


def _report(form: Form) -> dict[str, Any]:
    return {"year": form.whole("year"), "document_sha256": _sha256(form)}


def _assess(form: Form) -> dict[str, Any]:
    return _report(form) | {"org_id": form.text("org_id"), "passed": form.text("passed") == "yes"}


def _tell(form: Form) -> dict[str, Any]:
    said = {name: form.text(name) for name in ("kind", "effective_on", "text")}
    return said | {"document_sha256": _sha256(form)}


def _decide(form: Form) -> dict[str, Any]:
    said = {name: form.text(name) for name in ("paper_id", "reason")}
    return said | {"agreed": form.text("agreed") == "yes"}


def _end(form: Form) -> dict[str, Any]:
    said = {name: form.text(name) for name in ("org_id", "reason_code")}
    return said | {"successor_id": form.optional("successor_id")}


_ACTS: Final = {
    "report": ("registration.report_year", _report),
    "tell": ("registration.tell_ahead", _tell),
    "assess": ("registration.assess_year", _assess),
    "decide": ("registration.decide_leaving", _decide),
    "end": ("registration.end_recognition", _end),
}


@router.post(f"{_PLACE}/{{what}}")
async def act(visitor: VisitorDep, what: str) -> Response:
    """Report, tell ahead, assess, decide on a leaving, or end a recognition."""
    if what not in _ACTS:
        raise NotFound("no such act", what=what)
    name, read = _ACTS[what]
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act=name,
        args=read(form),
        then=_PLACE,
        again=lambda filled: _shown(visitor, filled),
    )
