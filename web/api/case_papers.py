"""What people file, how they follow it up, and what a party of a case reads and says (`web.proceedings`)."""

from typing import Any

from fastapi import APIRouter, Request, Response

from cases import appealing, bargaining, punishing, repository
from cases.reporters import Reporter
from cases.states import DESKS
from web.acts import Id
from web.deps import WAITING, CallerDep, NodeDep, ReadDep, VisitorDep, respond
from web.proceedings import (
    AppealForm,
    CodeForm,
    FiledView,
    FollowedView,
    PaperForm,
    PaperView,
    PartyCaseView,
    PublishedView,
    ReporterView,
    TermsForm,
    WordForm,
    WordsForm,
    consent_to,
    consents,
    file_paper,
    followed,
    for_party,
    held_up,
    on_display,
    party_view,
    reads_reporter,
    speak,
    write_note,
    write_word,
)
from web.views import done_view

router = APIRouter(tags=["cases"])


@router.post("/reports", status_code=201)
async def report(request: Request, node: NodeDep, visitor: VisitorDep, form: PaperForm) -> FiledView:
    """File a complaint or a report, named or anonymous; a mixed paper becomes two cases."""
    held_up(request)
    org_id, user_id = (None, None) if visitor is None else (visitor.actor.org_id, visitor.actor.user_id)
    filed = await file_paper(node, form, Reporter(form.name, form.contact, org_id, user_id))
    return FiledView(code=filed.code, case_ids=list(filed.case_ids))


@router.post("/reports/follow-up")
async def follow_up(node: NodeDep, form: CodeForm) -> list[FollowedView]:
    """What became of the paper that was filed under a code."""
    return await followed(node, form.code)


@router.post("/reports/messages")
async def write(request: Request, node: NodeDep, form: WordForm) -> list[FollowedView]:
    """Add a word to a paper, which only the officer reads."""
    held_up(request)
    await write_word(node, form)
    return await followed(node, form.code)


@router.post("/reports/consent")
async def consent(request: Request, node: NodeDep, form: TermsForm) -> list[FollowedView]:
    """Consent to the terms of a mediation, as who complained."""
    held_up(request)
    await consent_to(node, form)
    return await followed(node, form.code)


@router.get("/published-decisions")
async def published(node: NodeDep, s: ReadDep) -> list[PublishedView]:
    """The decisions that are on display, and those withdrawn upon an appeal, newest first."""
    return await on_display(s, now=node.clock.now())


@router.post("/cases/{case_id}/reporter")
async def reporter(case_id: Id, caller: CallerDep) -> ReporterView | None:
    """Who filed it, for an officer of the authority that has the case; the file says who has asked."""
    caller.require(*DESKS)
    found = await reads_reporter(caller, case_id)
    return None if found is None else ReporterView.model_validate(found, from_attributes=False)


@router.post("/cases/{case_id}/notes", status_code=201)
async def note(case_id: Id, caller: CallerDep, form: WordsForm) -> PaperView:
    """A note of an officer in the file; it is on no ledger."""
    caller.require(*DESKS)
    await write_note(caller, case_id, form.text)
    async with caller.node.database.read() as s:
        return PaperView.model_validate((await repository.papers_of(s, case_id=case_id))[-1])


@router.get("/party/cases")
async def party_cases(caller: CallerDep, s: ReadDep) -> list[PartyCaseView]:
    """The cases about the caller of which it was told, newest first."""
    found = await repository.known_to(s, org_id=caller.actor.org_id)
    now = caller.node.clock.now()
    return [await for_party(s, case, caller.actor.org_id, now=now) for case in found]


@router.get("/party/cases/{case_id}")
async def party_case(case_id: Id, caller: CallerDep, s: ReadDep) -> PartyCaseView:
    """A case about the caller: what it was told, what it has said, and until when it may speak."""
    return await party_view(s, case_id=case_id, org_id=caller.actor.org_id, now=caller.node.clock.now())


_PartyDone = done_view(PartyCaseView)
_DONE: dict[str, Any] = {"status_code": 201, "response_model": _PartyDone, "openapi_extra": WAITING}


@router.post("/party/cases/{case_id}/statement", **_DONE)
async def statement(case_id: Id, caller: CallerDep, form: WordsForm) -> Response:
    """Say something to a notice of penalty, within five working days."""
    return respond(await speak(caller, punishing.make_statement, "STATEMENT", case_id, text=form.text))


@router.post("/party/cases/{case_id}/hearing", **_DONE)
async def hearing(case_id: Id, caller: CallerDep, form: WordsForm) -> Response:
    """Ask for a hearing, within five working days of the notice."""
    return respond(await speak(caller, punishing.request_hearing, "REQUEST_HEARING", case_id, text=form.text))


@router.post("/party/cases/{case_id}/commitment", **_DONE)
async def commitment(case_id: Id, caller: CallerDep, form: WordsForm) -> Response:
    """Offer a commitment in an antitrust investigation."""
    return respond(
        await speak(caller, bargaining.offer_commitment, "OFFER_COMMITMENT", case_id, text=form.text)
    )


@router.post("/party/cases/{case_id}/leniency", **_DONE)
async def leniency(case_id: Id, caller: CallerDep, form: WordsForm) -> Response:
    """Tell of a monopoly agreement one took part in; the place in line counts."""
    return respond(
        await speak(caller, bargaining.apply_for_leniency, "APPLY_LENIENCY", case_id, text=form.text)
    )


@router.post("/party/cases/{case_id}/consent", **_DONE)
async def party_consent(case_id: Id, caller: CallerDep, form: WordsForm) -> Response:
    """Consent to the terms of a mediation."""
    return respond(await speak(caller, consents, "CONSENT", case_id, terms=form.text))


@router.post("/party/cases/{case_id}/appeal", **_DONE)
async def appeal(case_id: Id, caller: CallerDep, form: AppealForm) -> Response:
    """Take a decision to a review or a court."""
    verb = appealing.appeal_decision
    return respond(await speak(caller, verb, "APPEAL", case_id, text=form.text, way=form.way))
