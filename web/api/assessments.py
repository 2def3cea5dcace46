"""Impact assessments and security reviews, yearly risk assessments, and the register of assessors."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from registry.assessments import repository
from registry.assessments.rounds import unanswered
from registry.assessments.seeing import OVERSEEING
from registry.assessments.states import AssessorState
from registry.assessments.states import RiskState as State
from web.acts import Id
from web.api.assessment_acts import (
    ANSWER_FINDING,
    ANSWER_ROUND,
    APPLY,
    ARCHIVE,
    BEGIN,
    COMPLETE,
    CONCLUDE,
    END,
    END_ASSESSOR,
    FINISH,
    FORWARD,
    OPEN_ROUNDS,
    ORDER,
    PLAN,
    RECTIFY,
    REFUSE,
    REGISTER,
    REMEDY,
    REPORT,
    RESUME,
    RETURN_RISK,
    REVISE,
    REVOKE,
    SEND_BACK,
    START,
    SUBMIT,
    SUSPEND,
    WITHDRAW,
    WITHDRAW_APPLICATION,
)
from web.assessment_forms import (
    AnswerFindingArgs,
    AnswerFindingForm,
    AnswerRoundArgs,
    AnswerRoundForm,
    AssessmentIdArgs,
    AssessmentReasonArgs,
    AssessorArgs,
    AssessorReasonArgs,
    BeginAssessmentArgs,
    CompleteRiskArgs,
    CompleteRiskForm,
    ConcludeArgs,
    ConcludeForm,
    ForwardRiskArgs,
    ForwardRiskForm,
    OpenRoundsArgs,
    OrderRiskArgs,
    OrderRiskForm,
    PlanRiskArgs,
    QualificationArgs,
    RectifyRiskArgs,
    RectifyRiskForm,
    RemedyArgs,
    RemedyForm,
    ReviseArgs,
    ReviseForm,
    RiskArgs,
    SecurityReasonForm,
    StartRiskArgs,
    StartRiskForm,
    SubmitAssessmentArgs,
    SubmitAssessmentForm,
)
from web.assessment_views import (
    AssessorView,
    CatalogueFigureView,
    FullAssessmentView,
    FullAssessorView,
    FullRiskView,
    FullRoundView,
    LevelDutiesView,
    RiskView,
    RoundsOpenedView,
    RoundView,
    SecurityAssessmentView,
)
from web.deps import CallerDep, ReadDep, answers, respond
from web.securing import (
    duties_by_level,
    visible_assessment,
    visible_assessor,
    visible_risk,
    visible_round,
)

router = APIRouter(tags=["security"])
Limit = Annotated[int, Query(ge=1, le=100)]
After = Annotated[Id | None, Query()]
_LISTED = (AssessorState.REGISTERED, AssessorState.SUSPENDED, AssessorState.ENDED)


@router.get("/security/duties")
async def duties(caller: CallerDep, s: ReadDep, after: After = None) -> list[LevelDutiesView]:
    """Each level with its controls, and whether they are there: of one's own objects; of all, for who
    oversees.

    Fifty objects at a time, in the order of their ids: from `after` on.
    """
    own = None if caller.actor.roles & OVERSEEING else caller.actor.org_id
    return await duties_by_level(s, holder_id=own, after=after or "")


@router.get("/assessments")
async def assessments(
    caller: CallerDep, s: ReadDep, after: After = None, limit: Limit = 50
) -> list[SecurityAssessmentView]:
    """One's own assessments and those handed to one, newest first."""
    rows = await repository.assessments_with(s, org_id=caller.actor.org_id, after=after, limit=limit)
    return [SecurityAssessmentView.of(row) for row in rows]


@router.post("/assessments", **answers(BEGIN, SecurityAssessmentView))
async def begin(caller: CallerDep, args: BeginAssessmentArgs) -> Response:
    """Begin an impact assessment or a security review of an object that one holds."""
    return respond(await caller.do(BEGIN, args))


@router.get("/assessments/{assessment_id}")
async def assessment(assessment_id: Id, caller: CallerDep, s: ReadDep) -> FullAssessmentView:
    """An assessment with its parts and findings, for its holder, its reviewer and who supervises."""
    row = await visible_assessment(s, caller.actor, assessment_id)
    found = await repository.findings_of(s, assessment_id=assessment_id)
    return FullAssessmentView.full(row, list(found))


@router.post("/assessments/{assessment_id}/revise", **answers(REVISE, SecurityAssessmentView))
async def revise(assessment_id: Id, caller: CallerDep, form: ReviseForm) -> Response:
    """Write the parts anew, as the holder."""
    return respond(await caller.do(REVISE, ReviseArgs(assessment_id=assessment_id, **dict(form))))


@router.post("/assessments/{assessment_id}/submit", **answers(SUBMIT, SecurityAssessmentView))
async def submit(assessment_id: Id, caller: CallerDep, form: SubmitAssessmentForm) -> Response:
    """Hand it to a reviewer."""
    return respond(await caller.do(SUBMIT, SubmitAssessmentArgs(assessment_id=assessment_id, **dict(form))))


@router.post("/assessments/{assessment_id}/withdraw", **answers(WITHDRAW, SecurityAssessmentView))
async def withdraw(assessment_id: Id, caller: CallerDep) -> Response:
    """Take it back before anybody has concluded it."""
    return respond(await caller.do(WITHDRAW, AssessmentIdArgs(assessment_id=assessment_id)))


@router.post("/assessments/{assessment_id}/return", **answers(SEND_BACK, SecurityAssessmentView))
async def send_back(assessment_id: Id, caller: CallerDep, form: SecurityReasonForm) -> Response:
    """Return it to its holder with a reason, as its reviewer."""
    args = AssessmentReasonArgs(assessment_id=assessment_id, **dict(form))
    return respond(await caller.do(SEND_BACK, args))


@router.post("/assessments/{assessment_id}/conclude", **answers(CONCLUDE, SecurityAssessmentView))
async def conclude(assessment_id: Id, caller: CallerDep, form: ConcludeForm) -> Response:
    """Conclude it, as a person of the reviewer who wrote nothing of it."""
    return respond(await caller.do(CONCLUDE, ConcludeArgs(assessment_id=assessment_id, **dict(form))))


@router.post("/assessments/{assessment_id}/remedies", **answers(REMEDY, SecurityAssessmentView))
async def remedy(assessment_id: Id, caller: CallerDep, form: RemedyForm) -> Response:
    """Say how a finding was remedied, with evidence."""
    return respond(await caller.do(REMEDY, RemedyArgs(assessment_id=assessment_id, **dict(form))))


@router.post("/assessments/{assessment_id}/findings", **answers(ANSWER_FINDING, SecurityAssessmentView))
async def answer_finding(assessment_id: Id, caller: CallerDep, form: AnswerFindingForm) -> Response:
    """Close a remedied finding, or reopen it, as the reviewer."""
    args = AnswerFindingArgs(assessment_id=assessment_id, **dict(form))
    return respond(await caller.do(ANSWER_FINDING, args))


@router.post("/assessments/{assessment_id}/end", **answers(END, SecurityAssessmentView))
async def end(assessment_id: Id, caller: CallerDep, form: SecurityReasonForm) -> Response:
    """End an assessment that one holds: nothing rests on it any more."""
    return respond(await caller.do(END, AssessmentReasonArgs(assessment_id=assessment_id, **dict(form))))


@router.post("/assessments/{assessment_id}/revoke", **answers(REVOKE, SecurityAssessmentView))
async def revoke(assessment_id: Id, caller: CallerDep, form: SecurityReasonForm) -> Response:
    """Take a conclusion back, as its reviewer or an authority."""
    return respond(await caller.do(REVOKE, AssessmentReasonArgs(assessment_id=assessment_id, **dict(form))))


@router.get("/assessors")
async def assessors(s: ReadDep) -> list[AssessorView]:
    """The register of assessors: who is registered for what, until when; suspended and former ones too."""
    rows = await repository.assessors(s, states=_LISTED)
    return [AssessorView.of(row) for row in rows if row.registered_at is not None]


@router.post("/assessors", **answers(APPLY, FullAssessorView))
async def apply(caller: CallerDep, args: QualificationArgs) -> Response:
    """Apply to be registered as an assessor."""
    return respond(await caller.do(APPLY, args))


@router.get("/assessors/{assessor_id}")
async def assessor(assessor_id: Id, caller: CallerDep, s: ReadDep) -> FullAssessorView:
    """An application or registration in full, for itself and the authorities."""
    return FullAssessorView.of(await visible_assessor(s, caller.actor, assessor_id))


@router.post("/assessors/{assessor_id}/withdraw", **answers(WITHDRAW_APPLICATION, FullAssessorView))
async def withdraw_application(assessor_id: Id, caller: CallerDep) -> Response:
    """Take an application back."""
    return respond(await caller.do(WITHDRAW_APPLICATION, AssessorArgs(assessor_id=assessor_id)))


@router.post("/assessors/{assessor_id}/register", **answers(REGISTER, FullAssessorView))
async def register(assessor_id: Id, caller: CallerDep) -> Response:
    """Enter an assessor into the register, as an authority."""
    return respond(await caller.do(REGISTER, AssessorArgs(assessor_id=assessor_id)))


@router.post("/assessors/{assessor_id}/refuse", **answers(REFUSE, FullAssessorView))
async def refuse(assessor_id: Id, caller: CallerDep, form: SecurityReasonForm) -> Response:
    """Refuse an application, as an authority."""
    return respond(await caller.do(REFUSE, AssessorReasonArgs(assessor_id=assessor_id, **dict(form))))


@router.post("/assessors/{assessor_id}/suspend", **answers(SUSPEND, FullAssessorView))
async def suspend(assessor_id: Id, caller: CallerDep, form: SecurityReasonForm) -> Response:
    """Suspend an assessor, as an authority."""
    return respond(await caller.do(SUSPEND, AssessorReasonArgs(assessor_id=assessor_id, **dict(form))))


@router.post("/assessors/{assessor_id}/resume", **answers(RESUME, FullAssessorView))
async def resume(assessor_id: Id, caller: CallerDep, form: SecurityReasonForm) -> Response:
    """Let a suspended assessor go on, as an authority."""
    return respond(await caller.do(RESUME, AssessorReasonArgs(assessor_id=assessor_id, **dict(form))))


@router.post("/assessors/{assessor_id}/end", **answers(END_ASSESSOR, FullAssessorView))
async def end_assessor(assessor_id: Id, caller: CallerDep, form: SecurityReasonForm) -> Response:
    """Take an assessor off the register, as itself or an authority."""
    return respond(await caller.do(END_ASSESSOR, AssessorReasonArgs(assessor_id=assessor_id, **dict(form))))


@router.get("/risk-assessments")
async def risks(
    caller: CallerDep,
    s: ReadDep,
    status: Annotated[State | None, Query()] = None,
    after: After = None,
    limit: Limit = 50,
) -> list[RiskView]:
    """One's own yearly assessments and those one makes, newest first; all, for who oversees."""
    own = None if caller.actor.roles & OVERSEEING else caller.actor.org_id
    states = () if status is None else (status,)
    rows = await repository.risks(s, org_id=own, states=states, after=after, limit=limit)
    return [RiskView.of(row) for row in rows]


@router.post("/risk-assessments", **answers(PLAN, FullRiskView))
async def plan(caller: CallerDep, args: PlanRiskArgs) -> Response:
    """Plan this year's assessment of a handler at once, as an authority."""
    return respond(await caller.do(PLAN, args))


@router.get("/risk-assessments/{risk_id}")
async def risk(risk_id: Id, caller: CallerDep, s: ReadDep) -> FullRiskView:
    """A yearly assessment with its report, for its handler, its assessor and who oversees."""
    return FullRiskView.of(await visible_risk(s, caller.actor, risk_id))


@router.post("/risk-assessments/{risk_id}/start", **answers(START, FullRiskView))
async def start(risk_id: Id, caller: CallerDep, form: StartRiskForm) -> Response:
    """Begin it: by the handler itself, or by the assessor that is named."""
    return respond(await caller.do(START, StartRiskArgs(risk_id=risk_id, **dict(form))))


@router.post("/risk-assessments/{risk_id}/complete", **answers(COMPLETE, FullRiskView))
async def complete(risk_id: Id, caller: CallerDep, form: CompleteRiskForm) -> Response:
    """Complete it with the report, as who assesses."""
    return respond(await caller.do(COMPLETE, CompleteRiskArgs(risk_id=risk_id, **dict(form))))


@router.post("/risk-assessments/{risk_id}/report", **answers(REPORT, FullRiskView))
async def report(risk_id: Id, caller: CallerDep) -> Response:
    """Report it to the authority, in 20 working days of its completion."""
    return respond(await caller.do(REPORT, RiskArgs(risk_id=risk_id)))


@router.post("/risk-assessments/{risk_id}/forward", **answers(FORWARD, FullRiskView))
async def forward(risk_id: Id, caller: CallerDep, form: ForwardRiskForm) -> Response:
    """Forward it to the departments that it concerns, in 10 working days."""
    return respond(await caller.do(FORWARD, ForwardRiskArgs(risk_id=risk_id, **dict(form))))


@router.post("/risk-assessments/{risk_id}/order", **answers(ORDER, FullRiskView))
async def order(risk_id: Id, caller: CallerDep, form: OrderRiskForm) -> Response:
    """Order what is to be rectified, and by when."""
    return respond(await caller.do(ORDER, OrderRiskArgs(risk_id=risk_id, **dict(form))))


@router.post("/risk-assessments/{risk_id}/finish", **answers(FINISH, FullRiskView))
async def finish(risk_id: Id, caller: CallerDep) -> Response:
    """Say that what was ordered is rectified."""
    return respond(await caller.do(FINISH, RiskArgs(risk_id=risk_id)))


@router.post("/risk-assessments/{risk_id}/rectify", **answers(RECTIFY, FullRiskView))
async def rectify(risk_id: Id, caller: CallerDep, form: RectifyRiskForm) -> Response:
    """Report on the rectification with evidence, in 15 working days."""
    return respond(await caller.do(RECTIFY, RectifyRiskArgs(risk_id=risk_id, **dict(form))))


@router.post("/risk-assessments/{risk_id}/return", **answers(RETURN_RISK, FullRiskView))
async def return_risk(risk_id: Id, caller: CallerDep, form: OrderRiskForm) -> Response:
    """Send a rectification back, with a new day."""
    return respond(await caller.do(RETURN_RISK, OrderRiskArgs(risk_id=risk_id, **dict(form))))


@router.post("/risk-assessments/{risk_id}/archive", **answers(ARCHIVE, FullRiskView))
async def archive(risk_id: Id, caller: CallerDep) -> Response:
    """Close it; it is kept three years."""
    return respond(await caller.do(ARCHIVE, RiskArgs(risk_id=risk_id)))


@router.get("/catalogue-rounds")
async def rounds(
    caller: CallerDep, s: ReadDep, year: Annotated[int | None, Query(ge=2000, le=2200)] = None
) -> list[RoundView]:
    """One's own department's yearly rounds; all, for who oversees."""
    caller.require("PUBLIC_AGENCY", *OVERSEEING)
    own = None if caller.actor.roles & OVERSEEING else caller.actor.org_id
    return [RoundView.of(row) for row in await repository.rounds(s, department_id=own, year=year)]


@router.post("/catalogue-rounds", **answers(OPEN_ROUNDS, RoundsOpenedView))
async def open_rounds(caller: CallerDep, args: OpenRoundsArgs) -> Response:
    """Open this year's rounds at once, as who confirms entries."""
    return respond(await caller.do(OPEN_ROUNDS, args))


@router.get("/catalogue-rounds/figures")
async def figures(caller: CallerDep, s: ReadDep) -> list[CatalogueFigureView]:
    """Entries of the important-data catalogue by department, sector and state."""
    caller.require(*OVERSEEING)
    return [
        CatalogueFigureView(department_id=one, sector=sector, status=status, entries=count)
        for one, sector, status, count in await repository.catalogue_counts(s)
    ]


@router.get("/catalogue-rounds/{round_id}")
async def one_round(round_id: Id, caller: CallerDep, s: ReadDep) -> FullRoundView:
    """A round with what is missing, for its department and who oversees."""
    row = await visible_round(s, caller.actor, round_id)
    missing = [one.entry_id for one in await unanswered(s, row)]
    return FullRoundView(**RoundView.of(row).model_dump(), missing=missing)


@router.post("/catalogue-rounds/{round_id}/answer", **answers(ANSWER_ROUND, RoundView))
async def answer_round(round_id: Id, caller: CallerDep, form: AnswerRoundForm) -> Response:
    """Answer a round, as the department's chief data officer in person."""
    return respond(await caller.do(ANSWER_ROUND, AnswerRoundArgs(round_id=round_id, **dict(form))))
