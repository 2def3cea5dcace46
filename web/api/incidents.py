"""Incidents and early warnings: for whom an incident has befallen, the exchange, and who hears of it."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from base.db import ReadSession, WriteSession
from cases.incidents import intake, repository
from cases.incidents.errors import IncidentUnknown
from cases.incidents.seeing import reach_of
from cases.incidents.states import IncidentState, WarningState
from cases.incidents.tables import IncidentRow
from cases.reporters import Reporter
from ledger.acts import perform
from ledger.recording import Act
from web.acts import Id
from web.api.incident_acts import (
    ACKNOWLEDGE,
    CLOSE,
    CONTAIN,
    DETECT,
    DISMISS,
    DISMISS_WARNING,
    ERADICATE,
    ESCALATE,
    EVIDENCE,
    FORWARD,
    GRADE,
    LIFT,
    MEASURE,
    NOTIFY,
    ORDER_NOTICE,
    RECEIVE,
    REGRADE,
    REPORT,
    REVIEW,
    SPARE,
    TELL,
)
from web.deps import Caller, CallerDep, NodeDep, ReadDep, answers, respond
from web.incident_forms import (
    READERS_OF_WARNINGS,
    CloseArgs,
    CloseForm,
    DetectArgs,
    EscalateArgs,
    EscalateForm,
    FollowForm,
    ForwardArgs,
    GradeArgs,
    GradeForm,
    GroundsArgs,
    GroundsForm,
    LiftArgs,
    MeasureArgs,
    MeasureForm,
    OfReportArgs,
    ProofArgs,
    ProofForm,
    ReadingArgs,
    RegradeArgs,
    RegradeForm,
    ReportArgs,
    ReportForm,
    SaidArgs,
    SaidForm,
    SubjectsArgs,
    SubjectsForm,
    SummaryArgs,
    SummaryForm,
    WarningArgs,
    WarningWhyArgs,
    WeaknessForm,
    WhyArgs,
    WhyForm,
)
from web.incident_views import (
    DutyView,
    FollowedWeaknessView,
    FullIncidentView,
    IncidentView,
    MeasureView,
    ProofView,
    ReportView,
    ToldView,
    WarningView,
    WeaknessReporterView,
    WeaknessView,
)
from web.proceedings import held_up

router = APIRouter(tags=["incidents"])
Limit = Annotated[int, Query(ge=1, le=100)]
After = Annotated[Id | None, Query()]
States = Annotated[list[IncidentState] | None, Query(max_length=9)]


async def shown_to(s: ReadSession, caller: Caller, incident_id: str) -> IncidentRow:
    """An incident that the caller may see. Raises IncidentUnknown."""
    row = await repository.get_incident(s, incident_id=incident_id)
    if not await reach_of(caller.actor).covers(s, row):
        raise IncidentUnknown("no such incident", incident_id=incident_id)
    return row


async def full_view(s: ReadSession, row: IncidentRow) -> FullIncidentView:
    """An incident with its file."""
    about = {"incident_id": row.incident_id}
    return FullIncidentView(
        **IncidentView.of(row).model_dump(),
        duties=[DutyView.of(one) for one in await repository.duties_of(s, **about)],
        reports=[ReportView.of(one) for one in await repository.reports_of(s, **about)],
        measures=[MeasureView.of(one) for one in await repository.measures_of(s, **about)],
        evidence=[ProofView.of(one) for one in await repository.evidence_of(s, **about)],
    )


@router.get("/incidents")
async def incidents(
    caller: CallerDep, s: ReadDep, status: States = None, after: After = None, limit: Limit = 50
) -> list[IncidentView]:
    """One's own incidents; those reported to it, for an authority; all, for the exchange."""
    reach = reach_of(caller.actor)
    rows = await repository.incidents(s, **reach.asked(), states=status or (), after=after, limit=limit)
    return [IncidentView.of(row) for row in rows]


@router.get("/incident-clocks")
async def clocks(caller: CallerDep, s: ReadDep, limit: Limit = 50) -> list[DutyView]:
    """The clocks that run in one's own incidents, the first to end first; all, for the exchange."""
    reach = reach_of(caller.actor)
    org_id = None if reach.everything else caller.actor.org_id
    rows = await repository.running(s, org_id=org_id, offices=reach.offices, limit=limit)
    return [DutyView.of(row) for row in rows]


@router.get("/incidents/{incident_id}")
async def incident(incident_id: Id, caller: CallerDep, s: ReadDep) -> FullIncidentView:
    """An incident with its clocks, reports, measures and evidence."""
    return await full_view(s, await shown_to(s, caller, incident_id))


@router.post("/incidents", **answers(DETECT, IncidentView))
async def detect(caller: CallerDep, args: DetectArgs) -> Response:
    """Tell of an incident of one's own, or as the exchange of any member's: its clocks run from detection."""
    return respond(await caller.do(DETECT, args))


@router.post("/incidents/{incident_id}/grade", **answers(GRADE, IncidentView))
async def grade(incident_id: Id, caller: CallerDep, form: GradeForm) -> Response:
    """Say what is known: the table gives the level, and the reports that are due."""
    return respond(await caller.do(GRADE, GradeArgs(incident_id=incident_id, **dict(form))))


@router.post("/incidents/{incident_id}/regrade", **answers(REGRADE, IncidentView))
async def regrade(incident_id: Id, caller: CallerDep, form: RegradeForm) -> Response:
    """Grade anew: upwards clocks run from the detection, downwards a second person says so."""
    return respond(await caller.do(REGRADE, RegradeArgs(incident_id=incident_id, **dict(form))))


@router.post("/incidents/{incident_id}/dismiss", **answers(DISMISS, IncidentView))
async def dismiss(incident_id: Id, caller: CallerDep, form: WhyForm) -> Response:
    """Say that it is no incident, as another person of the exchange than detected it."""
    return respond(await caller.do(DISMISS, WhyArgs(incident_id=incident_id, **dict(form))))


@router.post("/incidents/{incident_id}/evidence", **answers(EVIDENCE, ProofView))
async def evidence(incident_id: Id, caller: CallerDep, form: ProofForm) -> Response:
    """Keep the digest of what shows something of it."""
    return respond(await caller.do(EVIDENCE, ProofArgs(incident_id=incident_id, **dict(form))))


@router.post("/incidents/{incident_id}/reports", **answers(REPORT, ReportView))
async def report(incident_id: Id, caller: CallerDep, form: ReportForm) -> Response:
    """Report it: the first report meets the clock, what is not known yet follows."""
    return respond(await caller.do(REPORT, ReportArgs(incident_id=incident_id, **dict(form))))


@router.post("/incidents/{incident_id}/reports/{report_id}/receive", **answers(RECEIVE, ReportView))
async def receive(incident_id: Id, report_id: Id, caller: CallerDep) -> Response:
    """Confirm the receipt of a report, as the authority that it was made to."""
    return respond(await caller.do(RECEIVE, OfReportArgs(incident_id=incident_id, report_id=report_id)))


@router.post("/incidents/{incident_id}/reports/{report_id}/forward", **answers(FORWARD, ReportView))
async def forward(incident_id: Id, report_id: Id, caller: CallerDep, form: SaidForm) -> Response:
    """Hand a critical operator's report on to the CAC within half an hour, as its protection department."""
    args = ForwardArgs(incident_id=incident_id, report_id=report_id, text=form.text)
    return respond(await caller.do(FORWARD, args))


@router.post("/incidents/{incident_id}/measures", **answers(MEASURE, MeasureView))
async def measure(incident_id: Id, caller: CallerDep, form: MeasureForm) -> Response:
    """Stop something on the market, through its own door and with the order's id."""
    return respond(await caller.do(MEASURE, MeasureArgs(incident_id=incident_id, **dict(form))))


@router.post("/incidents/{incident_id}/measures/{order_id}/lift", **answers(LIFT, MeasureView))
async def lift(incident_id: Id, order_id: Id, caller: CallerDep, form: WhyForm) -> Response:
    """Let go on what a measure has stopped."""
    args = LiftArgs(incident_id=incident_id, order_id=order_id, reason=form.reason)
    return respond(await caller.do(LIFT, args))


@router.post("/incidents/{incident_id}/contain", **answers(CONTAIN, IncidentView))
async def contain(incident_id: Id, caller: CallerDep, form: SaidForm) -> Response:
    """Say that it spreads no further."""
    return respond(await caller.do(CONTAIN, SaidArgs(incident_id=incident_id, text=form.text)))


@router.post("/incidents/{incident_id}/subjects", **answers(NOTIFY, IncidentView))
async def subjects(incident_id: Id, caller: CallerDep, form: SubjectsForm) -> Response:
    """Say that the persons concerned were told, and what."""
    return respond(await caller.do(NOTIFY, SubjectsArgs(incident_id=incident_id, **dict(form))))


@router.post("/incidents/{incident_id}/spare", **answers(SPARE, IncidentView))
async def spare(incident_id: Id, caller: CallerDep, form: GroundsForm) -> Response:
    """Say why nobody has to be told: measures avoid the harm."""
    return respond(await caller.do(SPARE, GroundsArgs(incident_id=incident_id, **dict(form))))


@router.post("/incidents/{incident_id}/order-notice", **answers(ORDER_NOTICE, IncidentView))
async def order_notice(incident_id: Id, caller: CallerDep, form: WhyForm) -> Response:
    """Order that persons are told, as the cyberspace administration."""
    return respond(await caller.do(ORDER_NOTICE, WhyArgs(incident_id=incident_id, **dict(form))))


@router.post("/incidents/{incident_id}/eradicate", **answers(ERADICATE, IncidentView))
async def eradicate(incident_id: Id, caller: CallerDep, form: SaidForm) -> Response:
    """Say that the cause is gone; the summary is due within thirty days."""
    return respond(await caller.do(ERADICATE, SaidArgs(incident_id=incident_id, text=form.text)))


@router.post("/incidents/{incident_id}/review", **answers(REVIEW, IncidentView))
async def review(incident_id: Id, caller: CallerDep, form: SummaryForm) -> Response:
    """Sum up cause, course, lessons and what is done."""
    return respond(await caller.do(REVIEW, SummaryArgs(incident_id=incident_id, **dict(form))))


@router.post("/incidents/{incident_id}/close", **answers(CLOSE, IncidentView))
async def close(incident_id: Id, caller: CallerDep, form: CloseForm) -> Response:
    """Close it, as another person than has reviewed it; from major on as an authority."""
    return respond(await caller.do(CLOSE, CloseArgs(incident_id=incident_id, **dict(form))))


@router.get("/warnings")
async def warnings(
    caller: CallerDep,
    s: ReadDep,
    status: Annotated[list[WarningState] | None, Query(max_length=4)] = None,
    after: After = None,
    limit: Limit = 50,
) -> list[WarningView]:
    """Early warnings, newest first, for the exchange and who supervises its security."""
    caller.require(*READERS_OF_WARNINGS)
    rows = await repository.warnings(s, states=status or (), after=after, limit=limit)
    return [WarningView.of(row) for row in rows]


@router.post("/warnings/readings", **answers(TELL, ToldView))
async def tell(caller: CallerDep, args: ReadingArgs) -> Response:
    """Tell a reading of a probe: an audit, a scrub of the store, a restore drill, a check from outside."""
    return respond(await caller.do(TELL, args))


@router.get("/warnings/{warning_id}")
async def warning(warning_id: Id, caller: CallerDep, s: ReadDep) -> WarningView:
    """A warning with its numbers."""
    caller.require(*READERS_OF_WARNINGS)
    return WarningView.of(await repository.get_warning(s, warning_id=warning_id))


@router.post("/warnings/{warning_id}/acknowledge", **answers(ACKNOWLEDGE, WarningView))
async def acknowledge(warning_id: Id, caller: CallerDep) -> Response:
    """Take a warning up, as an officer of the exchange."""
    return respond(await caller.do(ACKNOWLEDGE, WarningArgs(warning_id=warning_id)))


@router.post("/warnings/{warning_id}/dismiss", **answers(DISMISS_WARNING, WarningView))
async def dismiss_warning(warning_id: Id, caller: CallerDep, form: WhyForm) -> Response:
    """Say why nothing follows from a warning."""
    return respond(await caller.do(DISMISS_WARNING, WarningWhyArgs(warning_id=warning_id, **dict(form))))


@router.post("/warnings/{warning_id}/escalate", **answers(ESCALATE, IncidentView))
async def escalate(warning_id: Id, caller: CallerDep, form: EscalateForm) -> Response:
    """Make an incident of a warning: it was detected when an officer took the warning up."""
    return respond(await caller.do(ESCALATE, EscalateArgs(warning_id=warning_id, **dict(form))))


@router.post("/warnings/{warning_id}/reporter")
async def reporter(warning_id: Id, caller: CallerDep) -> WeaknessReporterView | None:
    """Who reported a weakness, for an officer of the exchange; nothing where it is anonymous."""
    caller.require("EXCHANGE_OPERATOR")
    node, officer_id = caller.node, caller.actor.user_id

    async def read(s: WriteSession, act: Act) -> dict[str, Any] | None:
        return await intake.read_reporter(
            s, act, warning_id=warning_id, officer_id=officer_id, master=node.safe.master
        )

    attempted = "WRN.READ_REPORTER"
    act = node.house.exchange_act()
    found = await perform(node.house, act, read, attempted=attempted, object_id=warning_id)
    return None if found is None else WeaknessReporterView(**found)


@router.post("/weaknesses", status_code=201)
async def weakness(request: Request, node: NodeDep, form: WeaknessForm) -> WeaknessView:
    """Report a weakness of the exchange, named or anonymous: it becomes a warning, followed up by a code."""
    held_up(request)

    async def taken(s: WriteSession, act: Act) -> intake.Reported:
        return await intake.report_weakness(
            s,
            act,
            severity=form.severity,
            text=form.text,
            reporter=Reporter(form.name, form.contact),
            master=node.safe.master,
        )

    exchange = node.house.exchange.actor.org_id
    made = await perform(
        node.house, node.house.exchange_act(), taken, attempted="WRN.RAISE", object_id=exchange
    )
    return WeaknessView(code=made.code, warning_id=made.warning_id)


@router.post("/weaknesses/follow-up")
async def follow_up(request: Request, node: NodeDep, form: FollowForm) -> FollowedWeaknessView:
    """What became of a weakness that was reported under a code."""
    held_up(request)
    async with node.database.read() as s:
        found = await intake.follow_up(s, code=form.code, master=node.safe.master)
    return FollowedWeaknessView.model_validate(found)
