"""Classification and grading, the important-data catalogue, and the records of consents."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from base.errors import NotFound
from registry.grading import repository
from registry.grading.duties import Owed, matrix
from registry.grading.rules import MATRIX
from registry.grading.states import EntryState, GradingState
from registry.grading.templates import ANY, TEMPLATES
from registry.rules import Channel, Level, allowance
from web.acts import Id
from web.api.grading_acts import (
    ASK,
    CONFIRM,
    CONFIRM_ENTRY,
    DECIDE,
    DECIDE_MATCH,
    DECLARE,
    DECLINE,
    DECLINE_CHANGE,
    END_CONSENTS,
    ENTER,
    IDENTIFY,
    RECORD_CONSENTS,
    REPORT,
    RETURN,
    SEND_BACK,
    WITHDRAW,
    WITHDRAW_CONSENTS,
)
from web.deps import CallerDep, ReadDep, answers, respond
from web.grading import OVERSEERS, duties_owed, entries_told, scan_entry, visible_subject
from web.grading_forms import (
    AskChangeArgs,
    AskChangeForm,
    ConsentRecordArgs,
    ConsentRecordView,
    DecideLevelArgs,
    DecideLevelForm,
    DeclareForm,
    DeclareLevelArgs,
    DutyView,
    EndConsentArgs,
    EndRecordForm,
    FullGradingView,
    GradeView,
    GradingArgs,
    GradingOpinionArgs,
    GradingOpinionForm,
    GradingView,
    IdentifyArgs,
    ImportantEntryArgs,
    ImportantEntryView,
    ImportantMatchView,
    ImportantReasonArgs,
    ImportantReasonForm,
    MatchArgs,
    MatchForm,
    ObjectId,
    WithdrawConsentArgs,
    WithdrawConsentForm,
)
from web.views import View

router = APIRouter(tags=["grading"])
CONFIRMING: Final = frozenset({"CAC", "DATA_AUTHORITY"})
Limit = Annotated[int, Query(ge=1, le=100)]
After = Annotated[Id | None, Query()]


class GradingRulesView(View):
    """The rules of grading as they are asked: harm, channels, duties by level, templates by section."""

    harm: dict[str, dict[str, Level]]
    channels: dict[Level, dict[str, str]]
    duties: dict[Level, list[DutyView]]
    templates: dict[str, dict[str, Level]]


class GradedObjectView(GradeView):
    """With its history and its matches."""

    gradings: list[GradingView]
    matches: list[ImportantMatchView]


class FullImportantEntryView(ImportantEntryView):
    """With what it covers and resembles."""

    matches: list[ImportantMatchView]


def duty_view(owed: Owed) -> DutyView:
    """A duty as it is shown."""
    duty = owed.duty
    return DutyView(
        control=duty.control,
        party=duty.party,
        basis=duty.basis,
        personal=duty.personal,
        present=owed.present,
    )


@router.get("/grading/rules")
async def rules() -> GradingRulesView:
    """What grading asks: the matrix of harm, the channels, the duties of each level, the templates."""
    templates = {**TEMPLATES, "": ANY}
    return GradingRulesView(
        harm={harmed: dict(row) for harmed, row in MATRIX.items()},
        channels={
            level: {channel: allowance(level, channel).value for channel in Channel} for level in Level
        },
        duties={level: [duty_view(Owed(duty)) for duty in duties] for level, duties in matrix().items()},
        templates={
            section: {name: one.floor for name, one in template.items()}
            for section, template in templates.items()
        },
    )


@router.get("/grading/objects/{object_id}")
async def graded_object(object_id: ObjectId, caller: CallerDep, s: ReadDep) -> GradedObjectView:
    """What is known of an object's level, part by part, for its holder and who oversees."""
    await visible_subject(s, caller.actor, object_id)
    row = await repository.grade_of(s, object_id=object_id)
    if row is None:
        raise NotFound("nothing is known of this", object_id=object_id)
    matches = await repository.matches_of(s, object_id=object_id)
    told = await entries_told(s, caller.actor, {one.entry_id for one in matches})
    return GradedObjectView(
        **GradeView.of(row).model_dump(),
        gradings=[GradingView.of(one) for one in await repository.gradings_of(s, object_id=object_id)],
        matches=[ImportantMatchView.of(one, told=one.entry_id in told) for one in matches],
    )


@router.get("/grading/objects/{object_id}/duties")
async def duties(object_id: ObjectId, caller: CallerDep, s: ReadDep) -> list[DutyView]:
    """What is owed for an object at its level, by whom, and whether it is there."""
    await visible_subject(s, caller.actor, object_id)
    return [duty_view(owed) for owed in (await duties_owed(s, [object_id]))[object_id]]


@router.post("/grading/objects/{object_id}/scan")
async def scan(object_id: ObjectId, caller: CallerDep) -> GradeView:
    """Scan the mounted file of a data entry; the exchange states what it showed, and the level follows."""
    return GradeView.of(await scan_entry(caller, object_id))


@router.post("/grading/objects/{object_id}/gradings", **answers(DECLARE, FullGradingView))
async def declare(object_id: ObjectId, caller: CallerDep, form: DeclareForm) -> Response:
    """Declare the level of what one holds, with grounds."""
    return respond(await caller.do(DECLARE, DeclareLevelArgs(object_id=object_id, **dict(form))))


@router.get("/gradings")
async def gradings(
    caller: CallerDep,
    s: ReadDep,
    status: Annotated[GradingState | None, Query()] = None,
    after: After = None,
    limit: Limit = 50,
) -> list[GradingView]:
    """One's own gradings, newest first; all, for who oversees."""
    own = None if caller.actor.roles & OVERSEERS else caller.actor.org_id
    states = () if status is None else (status,)
    rows = await repository.gradings(s, holder_id=own, states=states, after=after, limit=limit)
    return [GradingView.of(row) for row in rows]


@router.get("/gradings/{grading_id}")
async def grading(grading_id: Id, caller: CallerDep, s: ReadDep) -> FullGradingView:
    """A grading with its grounds, for its holder and who oversees."""
    row = await repository.get_grading(s, grading_id=grading_id)
    if caller.actor.org_id != row.holder_id and not caller.actor.roles & OVERSEERS:
        raise NotFound("no such grading", grading_id=grading_id)
    return FullGradingView.of(row)


@router.post("/gradings/{grading_id}/withdraw", **answers(WITHDRAW, FullGradingView))
async def withdraw(grading_id: Id, caller: CallerDep) -> Response:
    """Take a declaration back that nobody has decided."""
    return respond(await caller.do(WITHDRAW, GradingArgs(grading_id=grading_id)))


@router.post("/gradings/{grading_id}/return", **answers(RETURN, FullGradingView))
async def send_back(grading_id: Id, caller: CallerDep, form: GradingOpinionForm) -> Response:
    """Return a declaration, as another officer than who declared it."""
    return respond(await caller.do(RETURN, GradingOpinionArgs(grading_id=grading_id, **dict(form))))


@router.post("/gradings/{grading_id}/decide", **answers(DECIDE, FullGradingView))
async def decide(grading_id: Id, caller: CallerDep, form: DecideLevelForm) -> Response:
    """Decide a level, as another officer than who declared it; important and core is proposed."""
    return respond(await caller.do(DECIDE, DecideLevelArgs(grading_id=grading_id, **dict(form))))


@router.post("/gradings/{grading_id}/confirm", **answers(CONFIRM, FullGradingView))
async def confirm(grading_id: Id, caller: CallerDep) -> Response:
    """Confirm a proposed level, as the data authority."""
    return respond(await caller.do(CONFIRM, GradingArgs(grading_id=grading_id)))


@router.post("/gradings/{grading_id}/decline", **answers(DECLINE, FullGradingView))
async def decline(grading_id: Id, caller: CallerDep, form: GradingOpinionForm) -> Response:
    """Send a proposed level back, as the data authority."""
    return respond(await caller.do(DECLINE, GradingOpinionArgs(grading_id=grading_id, **dict(form))))


@router.get("/important-data")
async def important(
    caller: CallerDep,
    s: ReadDep,
    status: Annotated[EntryState | None, Query()] = None,
    after: After = None,
    limit: Limit = 50,
) -> list[ImportantEntryView]:
    """One's own department's entries of the catalogue; all, for who confirms them."""
    caller.require("PUBLIC_AGENCY", *CONFIRMING)
    own = None if caller.actor.roles & CONFIRMING else caller.actor.org_id
    states = () if status is None else (status,)
    rows = await repository.entries(s, department_id=own, states=states, after=after, limit=limit)
    return [ImportantEntryView.of(row) for row in rows]


@router.get("/important-data/{entry_id}")
async def important_entry(entry_id: Id, caller: CallerDep, s: ReadDep) -> FullImportantEntryView:
    """An entry with what it covers and resembles, for its department and who confirms."""
    row = await repository.get_entry(s, entry_id=entry_id)
    if caller.actor.org_id != row.department_id and not caller.actor.roles & CONFIRMING:
        raise NotFound("no such entry", entry_id=entry_id)
    matches = await repository.matches_of(s, entry_id=entry_id)
    return FullImportantEntryView(
        **ImportantEntryView.of(row).model_dump(), matches=[ImportantMatchView.of(one) for one in matches]
    )


@router.post("/important-data", **answers(IDENTIFY, ImportantEntryView))
async def identify(caller: CallerDep, args: IdentifyArgs) -> Response:
    """Identify data as important, as the department of its sector."""
    return respond(await caller.do(IDENTIFY, args))


@router.post("/important-data/{entry_id}/report", **answers(REPORT, ImportantEntryView))
async def report(entry_id: Id, caller: CallerDep) -> Response:
    """Report an entry, as the department's chief data officer in person."""
    return respond(await caller.do(REPORT, ImportantEntryArgs(entry_id=entry_id)))


@router.post("/important-data/{entry_id}/return", **answers(SEND_BACK, ImportantEntryView))
async def return_entry(entry_id: Id, caller: CallerDep, form: ImportantReasonForm) -> Response:
    """Send a reported entry back, as who confirms."""
    return respond(await caller.do(SEND_BACK, ImportantReasonArgs(entry_id=entry_id, **dict(form))))


@router.post("/important-data/{entry_id}/confirm", **answers(CONFIRM_ENTRY, ImportantEntryView))
async def confirm_entry(entry_id: Id, caller: CallerDep) -> Response:
    """Confirm and notify an entry: what it covers is stopped at once."""
    return respond(await caller.do(CONFIRM_ENTRY, ImportantEntryArgs(entry_id=entry_id)))


@router.post("/important-data/{entry_id}/requests", **answers(ASK, ImportantEntryView))
async def ask(entry_id: Id, caller: CallerDep, form: AskChangeForm) -> Response:
    """Ask for a change of an entry, or without content for its removal, as the chief data officer."""
    return respond(await caller.do(ASK, AskChangeArgs(entry_id=entry_id, **dict(form))))


@router.post("/important-data/{entry_id}/decline", **answers(DECLINE_CHANGE, ImportantEntryView))
async def decline_change(entry_id: Id, caller: CallerDep, form: ImportantReasonForm) -> Response:
    """Decline what the department asked, as who confirms."""
    return respond(await caller.do(DECLINE_CHANGE, ImportantReasonArgs(entry_id=entry_id, **dict(form))))


@router.post("/important-data/{entry_id}/enter", **answers(ENTER, ImportantEntryView))
async def enter(entry_id: Id, caller: CallerDep) -> Response:
    """Enter the change or removal that the department asked, as who confirms."""
    return respond(await caller.do(ENTER, ImportantEntryArgs(entry_id=entry_id)))


@router.post("/important-data-matches/{match_id}/decide", **answers(DECIDE_MATCH, ImportantMatchView))
async def decide_match(match_id: Id, caller: CallerDep, form: MatchForm) -> Response:
    """Say whether an entry covers an object that it resembles or matches, as who confirms."""
    return respond(await caller.do(DECIDE_MATCH, MatchArgs(match_id=match_id, **dict(form))))


@router.get("/consent-records")
async def consent_records(caller: CallerDep, s: ReadDep) -> list[ConsentRecordView]:
    """One's own records of consents, newest first."""
    rows = await repository.consents_of(s, holder_id=caller.actor.org_id)
    return [ConsentRecordView.of(row) for row in rows]


@router.post("/consent-records", **answers(RECORD_CONSENTS, ConsentRecordView))
async def record_consents(caller: CallerDep, args: ConsentRecordArgs) -> Response:
    """Record the consents behind an object that one holds: digests and counts, nobody's name."""
    return respond(await caller.do(RECORD_CONSENTS, args))


@router.post("/consent-records/{consent_id}/withdraw", **answers(WITHDRAW_CONSENTS, ConsentRecordView))
async def withdraw_consents(consent_id: Id, caller: CallerDep, form: WithdrawConsentForm) -> Response:
    """Note that subjects took their consent back; with the last one what cites the record stops."""
    args = WithdrawConsentArgs(consent_id=consent_id, **dict(form))
    return respond(await caller.do(WITHDRAW_CONSENTS, args))


@router.post("/consent-records/{consent_id}/end", **answers(END_CONSENTS, ConsentRecordView))
async def end_consents(consent_id: Id, caller: CallerDep, form: EndRecordForm) -> Response:
    """End a record of consents: nothing rests on it any more."""
    return respond(await caller.do(END_CONSENTS, EndConsentArgs(consent_id=consent_id, **dict(form))))
