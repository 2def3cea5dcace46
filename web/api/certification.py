"""How a broker comes to its certificate: application, correction, panel, notice, issue."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from base.db import ReadSession
from base.errors import NotFound
from brokers import repository
from brokers.states import APPLICATION, CertificateState
from brokers.tables import ApplicationRow
from web.acts import Id
from web.api.certification_acts import (
    APPLY,
    ASK,
    AUTHORITY,
    CORRECT,
    DISMISS,
    ISSUE,
    NOTICE,
    OBJECT,
    REFUSE,
    REVIEW,
    TIE,
    UPHOLD,
    VOTE,
    WITHDRAW,
    ApplicationView,
    ApplyArgs,
    CertArgs,
    CorrectArgs,
    CorrectForm,
    DismissArgs,
    DismissForm,
    EvidenceView,
    FullApplicationView,
    IssueArgs,
    IssueForm,
    ObjectArgs,
    ObjectForm,
    ObjectionView,
    PanelTieView,
    RefuseArgs,
    RefuseForm,
    RemarksArgs,
    RemarksForm,
    TieArgs,
    UpholdArgs,
    UpholdForm,
    VoteArgs,
    VoteForm,
)
from web.deps import CallerDep, ReadDep, answers, respond
from web.views import CertificateView

router = APIRouter(tags=["certification"])
NOTICED: Final = (CertificateState.PUBLIC_NOTICE, CertificateState.OBJECTED)


async def full_view(s: ReadSession, row: ApplicationRow) -> FullApplicationView:
    """An application with all that was filed and said about it, but who voted how."""
    evidence = await repository.evidence_of(s, cert_id=row.cert_id)
    return FullApplicationView(
        **ApplicationView.of(row).model_dump(),
        claims=row.claims,
        gaps=row.gaps,
        evidence=[EvidenceView.model_validate(one) for one in evidence],
        votes=len(await repository.votes_of(s, cert_id=row.cert_id)),
        objections=[ObjectionView.of(one) for one in await repository.objections_to(s, cert_id=row.cert_id)],
    )


@router.get("/certificate-notices")
async def notices(
    s: ReadDep,
    after: Annotated[Id | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> list[ApplicationView]:
    """Applications on public notice, newest first; whoever knows of a reason against one objects."""
    rows = await repository.applications(s, states=NOTICED, after=after, limit=limit)
    return [ApplicationView.of(row) for row in rows]


@router.get("/certificate-applications")
async def applications(
    caller: CallerDep,
    s: ReadDep,
    after: Annotated[Id | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> list[ApplicationView]:
    """One's own applications; all that are under way, for the data authority."""
    if caller.actor.roles & AUTHORITY:
        rows = await repository.applications(s, states=APPLICATION, after=after, limit=limit)
    else:
        rows = await repository.applications(s, org_id=caller.actor.org_id, after=after, limit=limit)
    return [ApplicationView.of(row) for row in rows]


@router.get("/certificate-applications/{cert_id}")
async def application(cert_id: Id, caller: CallerDep, s: ReadDep) -> FullApplicationView:
    """An application with its evidence, for its applicant and the data authority."""
    row = await repository.get_application(s, cert_id=cert_id)
    if row.org_id != caller.actor.org_id and not caller.actor.roles & AUTHORITY:
        raise NotFound("no such application", cert_id=cert_id)
    return await full_view(s, row)


@router.post("/certificate-applications", **answers(APPLY, ApplicationView))
async def apply(caller: CallerDep, args: ApplyArgs) -> Response:
    """Apply for a broker's certificate, with claims and the digests of their documents."""
    return respond(await caller.do(APPLY, args))


@router.post("/certificate-applications/{cert_id}/ask-correction", **answers(ASK, ApplicationView))
async def ask_correction(cert_id: Id, caller: CallerDep, form: RemarksForm) -> Response:
    """Tell the applicant all gaps at once, and once, as the data authority."""
    return respond(await caller.do(ASK, RemarksArgs(cert_id=cert_id, **dict(form))))


@router.post("/certificate-applications/{cert_id}/correct", **answers(CORRECT, ApplicationView))
async def correct(cert_id: Id, caller: CallerDep, form: CorrectForm) -> Response:
    """Bring what was missing, as the applicant."""
    return respond(await caller.do(CORRECT, CorrectArgs(cert_id=cert_id, **dict(form))))


@router.post("/certificate-applications/{cert_id}/withdraw", **answers(WITHDRAW, ApplicationView))
async def withdraw(cert_id: Id, caller: CallerDep) -> Response:
    """Take an application back."""
    return respond(await caller.do(WITHDRAW, CertArgs(cert_id=cert_id)))


@router.post("/certificate-applications/{cert_id}/review", **answers(REVIEW, ApplicationView))
async def review(cert_id: Id, caller: CallerDep) -> Response:
    """Give a complete application to the panel, as the data authority."""
    return respond(await caller.do(REVIEW, CertArgs(cert_id=cert_id)))


@router.post("/certificate-applications/{cert_id}/votes", **answers(VOTE, ApplicationView))
async def vote(cert_id: Id, caller: CallerDep, form: VoteForm) -> Response:
    """Vote on an application, as one person of the data authority's panel."""
    return respond(await caller.do(VOTE, VoteArgs(cert_id=cert_id, **dict(form))))


@router.post("/certificate-applications/{cert_id}/notice", **answers(NOTICE, ApplicationView))
async def notice(cert_id: Id, caller: CallerDep) -> Response:
    """Put an application on public notice, once the panel is for it and every number is met."""
    return respond(await caller.do(NOTICE, CertArgs(cert_id=cert_id)))


@router.post("/certificate-applications/{cert_id}/refuse", **answers(REFUSE, ApplicationView))
async def refuse(cert_id: Id, caller: CallerDep, form: RefuseForm) -> Response:
    """Refuse an application that the panel is against."""
    return respond(await caller.do(REFUSE, RefuseArgs(cert_id=cert_id, **dict(form))))


@router.post("/certificate-applications/{cert_id}/objections", **answers(OBJECT, ObjectionView))
async def object_to(cert_id: Id, caller: CallerDep, form: ObjectForm) -> Response:
    """Object to an application on notice, by name and with evidence, as any member."""
    return respond(await caller.do(OBJECT, ObjectArgs(cert_id=cert_id, **dict(form))))


@router.post("/certificate-applications/{cert_id}/uphold", **answers(UPHOLD, ApplicationView))
async def uphold(cert_id: Id, caller: CallerDep, form: UpholdForm) -> Response:
    """Find an objection right: the application is refused."""
    return respond(await caller.do(UPHOLD, UpholdArgs(cert_id=cert_id, **dict(form))))


@router.post("/certificate-applications/{cert_id}/dismiss", **answers(DISMISS, ApplicationView))
async def dismiss(cert_id: Id, caller: CallerDep, form: DismissForm) -> Response:
    """Find the open objections wrong, all together: the notice goes on."""
    return respond(await caller.do(DISMISS, DismissArgs(cert_id=cert_id, **dict(form))))


@router.post("/certificate-applications/{cert_id}/issue", **answers(ISSUE, CertificateView))
async def issue(cert_id: Id, caller: CallerDep, form: IssueForm) -> Response:
    """Issue the certificate after its notice, for three years from now."""
    return respond(await caller.do(ISSUE, IssueArgs(cert_id=cert_id, **dict(form))))


@router.post("/panel-ties", **answers(TIE, PanelTieView))
async def declare_tie(caller: CallerDep, args: TieArgs) -> Response:
    """Say that one is related to an organisation: one decides on no application of it."""
    return respond(await caller.do(TIE, args))
