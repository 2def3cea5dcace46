"""Registrars: who is recognised, what each owes and has told, and how a recognition ends."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from registry.registration import repository
from registry.registration.answering import papers_of
from web.acts import Id
from web.api.registration_acts import ASSESS_YEAR, DECIDE_LEAVING, END, RECOGNISE, REPORT_YEAR, TELL
from web.deps import CallerDep, ReadDep, answers, respond
from web.registrar_forms import (
    AssessYearArgs,
    AssessYearForm,
    EndArgs,
    EndForm,
    LeavingArgs,
    LeavingForm,
    PaperView,
    RecogniseArgs,
    RecogniseForm,
    RegistrarView,
    TellArgs,
    YearArgs,
)

router = APIRouter(tags=["registration"])


@router.get("/registrars")
async def registrars(s: ReadDep) -> list[RegistrarView]:
    """Who registers here."""
    return [RegistrarView.of(row) for row in await repository.registrars(s)]


@router.get("/registrar-papers")
async def papers(
    s: ReadDep,
    org_id: Annotated[Id | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> list[PaperView]:
    """Reports of registrars on their years, assessments of these, changes and leavings told; newest first."""
    rows = await papers_of(s, org_ids=None if org_id is None else [org_id], limit=limit)
    return [PaperView.of(row) for row in rows]


@router.post("/registrars/{org_id}", **answers(RECOGNISE, RegistrarView))
async def recognise(org_id: Id, caller: CallerDep, form: RecogniseForm) -> Response:
    """Recognise a registrar and give it its place in the numbers, as the data authority."""
    return respond(await caller.do(RECOGNISE, RecogniseArgs(org_id=org_id, **dict(form))))


@router.post("/registrars/{org_id}/end", **answers(END, RegistrarView))
async def end_recognition(org_id: Id, caller: CallerDep, form: EndForm) -> Response:
    """End a registrar's recognition: what it has registered stands, and a successor takes it over."""
    return respond(await caller.do(END, EndArgs(org_id=org_id, **dict(form))))


@router.post("/registrars/{org_id}/assess", **answers(ASSESS_YEAR, PaperView))
async def assess(org_id: Id, caller: CallerDep, form: AssessYearForm) -> Response:
    """Assess a registrar's year, as the data authority, by 30 April."""
    return respond(await caller.do(ASSESS_YEAR, AssessYearArgs(org_id=org_id, **dict(form))))


@router.post("/registrar-reports", **answers(REPORT_YEAR, PaperView))
async def report(caller: CallerDep, args: YearArgs) -> Response:
    """Report on one's year as a registrar, by 31 March."""
    return respond(await caller.do(REPORT_YEAR, args))


@router.post("/registrar-papers", **answers(TELL, PaperView))
async def tell(caller: CallerDep, args: TellArgs) -> Response:
    """Tell a change five working days before, or that one leaves six months before, as a registrar."""
    return respond(await caller.do(TELL, args))


@router.post("/registrar-papers/{paper_id}/decide", **answers(DECIDE_LEAVING, PaperView))
async def decide(paper_id: Id, caller: CallerDep, form: LeavingForm) -> Response:
    """Agree that a registrar leaves, or not, as the data authority, within twenty working days."""
    return respond(await caller.do(DECIDE_LEAVING, LeavingArgs(paper_id=paper_id, **dict(form))))
