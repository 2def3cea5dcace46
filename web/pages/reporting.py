"""Papers of the public, and a party's pages: file, follow up by code; read what one was told, answer it."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.responses import Response

from base.errors import DomainError, Unauthenticated
from cases import appealing, bargaining, punishing, repository
from cases.reading import case_of_party, told_to
from cases.reporters import Reporter
from cases.rules import Matter
from cases.states import CaseEvent
from cases.tables import Case
from web.pages.acting import caller_for
from web.pages.forms import Filled, sent_back
from web.pages.naming import names_of
from web.pages.proceeding import LETTERS, show_letter, times_of
from web.pages.visiting import Visitor, VisitorDep
from web.proceedings import (
    CodeForm,
    PaperForm,
    TermsForm,
    WordForm,
    consent_to,
    consents,
    file_paper,
    followed,
    held_up,
    on_display,
    party_view,
    speak,
    write_word,
)

router = APIRouter()
_Verb = Callable[..., Awaitable[Case]]
SAYS: Final[dict[CaseEvent, tuple[_Verb, str]]] = {
    CaseEvent.STATEMENT: (punishing.make_statement, "text"),
    CaseEvent.REQUEST_HEARING: (punishing.request_hearing, "text"),
    CaseEvent.OFFER_COMMITMENT: (bargaining.offer_commitment, "text"),
    CaseEvent.APPLY_LENIENCY: (bargaining.apply_for_leniency, "text"),
    CaseEvent.CONSENT: (consents, "terms"),
    CaseEvent.APPEAL: (appealing.appeal_decision, "text"),
}


@router.get("/report")
async def intake(visitor: VisitorDep) -> Response:
    """The form for complaints and reports, for everybody."""
    return _intake(visitor, Filled())


def _intake(visitor: Visitor, filled: Filled) -> Response:
    return visitor.render("report.html", filled=filled, matters=visitor.options("matter", list(Matter)))


@router.post("/report")
async def file(visitor: VisitorDep) -> Response:
    """File a paper; the answer tells the code, once."""
    form = await visitor.form()
    names = ("complaint", "report", "matter", "name", "contact")
    asked: dict[str, Any] = {name: form.text(name) for name in names}
    asked |= {"acted_on": form.optional("acted_on"), "grave": form.flag("grave")}
    for name in ("about", "objects"):
        asked[name] = form.text(name).split()
    try:
        held_up(visitor.request)
        paper = PaperForm.model_validate(asked)
        session = visitor.session
        actor = None if session is None else session.actor
        org_id, user_id = (None, None) if actor is None else (actor.org_id, actor.user_id)
        filed = await file_paper(visitor.node, paper, Reporter(paper.name, paper.contact, org_id, user_id))
    except (DomainError, ValidationError) as error:
        return _intake(visitor, sent_back("report", form, error))
    return visitor.render("reported.html", status=201, filed=filed)


@router.get("/report/follow")
async def follow(visitor: VisitorDep) -> Response:
    """Ask for what became of a paper, by its code."""
    return visitor.render("followed.html", found=[], code="")


@router.post("/report/follow")
async def followed_up(visitor: VisitorDep) -> Response:
    """What became of a paper; the code is in no address."""
    form = await visitor.form()
    return await _follow(visitor, form.text("code"), lambda: None, form)


@router.post("/report/write")
async def write(visitor: VisitorDep) -> Response:
    """Add a word to a paper."""
    form = await visitor.form()

    async def written() -> None:
        held_up(visitor.request)
        await write_word(visitor.node, WordForm(code=form.text("code"), text=form.text("text")))

    return await _follow(visitor, form.text("code"), written, form)


@router.post("/report/consent")
async def agree(visitor: VisitorDep) -> Response:
    """Consent to the terms of a mediation, as who complained."""
    form = await visitor.form()

    async def agreed() -> None:
        held_up(visitor.request)
        said = {name: form.text(name) for name in ("code", "case_id", "terms")}
        await consent_to(visitor.node, TermsForm.model_validate(said))

    return await _follow(visitor, form.text("code"), agreed, form)


async def _follow(visitor: Visitor, code: str, do: Callable[[], Any], form: Any) -> Response:
    found, filled = [], Filled("follow", form.kept())
    try:
        done = do()
        if done is not None:
            await done
            filled = Filled("follow", {"code": [code]})
        found = await followed(visitor.node, CodeForm(code=code).code)
    except (DomainError, ValidationError) as error:
        filled = sent_back("follow", form, error)
    return visitor.render("followed.html", filled=filled, found=found, code=code)


@router.get("/published-decisions")
async def published(visitor: VisitorDep) -> Response:
    """The decisions that are on display."""
    async with visitor.node.database.read() as s:
        rows = await on_display(s, now=visitor.node.clock.now())
        names = await names_of(s, *(row.document["org_ids"] for row in rows))
    shown = [row for row in rows if row.withdrawn_by is None]
    withdrawn = [row for row in rows if row.withdrawn_by is not None]
    return visitor.render("published.html", shown=shown, withdrawn=withdrawn, names=names)


@router.get("/my-cases")
async def my_cases(visitor: VisitorDep) -> Response:
    """The cases about the visitor of which it was told."""
    visitor.require()
    async with visitor.node.database.read() as s:
        rows = await repository.known_to(s, org_id=visitor.org_id or "")
    return visitor.render("my_cases.html", rows=rows)


@router.get("/my-cases/{case_id}")
async def my_case(visitor: VisitorDep, case_id: str) -> Response:
    """A case as its party sees it."""
    return await _mine(visitor, case_id, Filled())


async def _mine(visitor: Visitor, case_id: str, filled: Filled) -> Response:
    visitor.require()
    org_id = visitor.org_id or ""
    async with visitor.node.database.read() as s:
        view = await party_view(s, case_id=case_id, org_id=org_id, now=visitor.node.clock.now())
        names = await names_of(s, (one.org_id for one in view.papers))
    ways = visitor.options("way", view.appeals)
    return visitor.render("my_case.html", filled=filled, case=view, names=names, ways=ways, letters=LETTERS)


@router.post("/my-cases/{case_id}/{event}")
async def answer(visitor: VisitorDep, case_id: str, event: CaseEvent) -> Response:
    """Say something to a case, as its party."""
    form = await visitor.form()
    caller = caller_for(visitor, key=form.optional("idempotency_key"))
    try:
        verb, name = SAYS[event]
        said = {name: form.text("text")}
        if event is CaseEvent.APPEAL:
            said["way"] = "LAWSUIT" if form.text("way") == "LAWSUIT" else "REVIEW"
        await speak(caller, verb, event.value, case_id, **said)
    except Unauthenticated:
        raise
    except DomainError as error:
        return await _mine(visitor, case_id, sent_back(event.value, form, error))
    return visitor.redirect(f"/my-cases/{case_id}")


@router.get("/my-cases/{case_id}/letters/{number}")
async def letter(visitor: VisitorDep, case_id: str, number: int) -> Response:
    """A notice or a decision, to be printed."""
    visitor.require()
    org_id = visitor.org_id or ""
    async with visitor.node.database.read() as s:
        case = await case_of_party(s, case_id=case_id, org_id=org_id)
        papers = await told_to(s, case=case, org_id=org_id)
        names = await names_of(s, [org_id], (one.org_id for one in papers))
        until = await times_of(s, case_id)
    return show_letter(visitor, case, papers, number, names, until=until)
