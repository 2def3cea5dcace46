"""A case from its triage to its publication: the acts of the authority that has it."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field

from base.db import WriteSession
from cases import appealing, bargaining, executing, filing, intake, punishing, service
from cases.punishing import Decision, Fine, Ordered
from cases.rules import HANDLERS, CaseEvent, Matter, Measure, Outcome
from cases.states import DESKS, HEARERS
from ledger.recording import Act
from web.acts import ActKind, Asked, Id, Moment, ReasonCode, kind
from web.api.case_views import CaseView
from web.api.cases import CaseArgs, Seq
from web.deps import CallerDep, answers, respond
from web.node import Node

router = APIRouter(tags=["supervision"])
Text = Annotated[str, Field(min_length=1, max_length=filing.MOST_TEXT)]
Fen = Annotated[int, Field(ge=0, le=10**15)]
Authority = Annotated[str, Field(pattern=r"^[A-Z_]{2,40}$")]
_SAMR = frozenset({"SAMR"})
_APPEALS = {"UPHOLD": CaseEvent.UPHOLD, "CHANGE": CaseEvent.CHANGE, "REVOKE": CaseEvent.REVOKE}


class TriageForm(Asked):
    """What the paper is about, where it says otherwise; and whose it is, where several have such matters."""

    matter: Matter | None = None
    authority: Authority | None = None


class TransferForm(Asked):
    authority: Authority
    reason: Text


class ReasonForm(Asked):
    reason: Text


class AssignForm(Asked):
    """What the common superior has ruled."""

    authority: Authority
    ruling: Text


class RefuseForm(Asked):
    reason_code: ReasonCode
    reasons: Text


class TextForm(Asked):
    text: Text


class AcceptForm(Asked):
    """What those it is about are told of the complaint, in words that do not tell who complained."""

    claim: Annotated[str, Field(max_length=filing.MOST_TEXT)] = ""


class CommitmentForm(Asked):
    """Until when what was offered is to be done."""

    until: Moment


class KeptForm(Asked):
    kept: bool
    reasons: Text


class FineForm(Asked):
    """The facts of `databourse fine`, and the fine within the range they make."""

    org_id: Id
    facts: dict[str, Any]
    fine_minor: Fen


class ProposalForm(Asked):
    fines: list[FineForm] = Field(min_length=1, max_length=20)
    evidence_seqs: list[Seq] = Field(min_length=1, max_length=200)
    reasons: Text


class HearingForm(Asked):
    held_at: Moment
    place: Annotated[str, Field(min_length=1, max_length=200)]


class OrderedForm(Asked):
    measure: Measure
    object_id: Id


class DecisionForm(Asked):
    """What is decided, against whom of the notice (all, if none is named), and other fines in the range."""

    outcome: Outcome
    reasons: Text
    org_ids: list[Id] = Field(default=[], max_length=50)
    fines: dict[Id, Fen] = Field(default={}, max_length=50)
    measures: list[OrderedForm] = Field(default=[], max_length=20)


class RulingForm(Asked):
    """What a review or a judgment says: UPHOLD, CHANGE (with the fines as changed), REVOKE."""

    event: Annotated[str, Field(pattern=r"^(UPHOLD|CHANGE|REVOKE)$")]
    ruling: Text
    fines: dict[Id, Fen] = Field(default={}, max_length=50)


class ExecutionForm(Asked):
    """The receipt of each party that owes something."""

    payments: dict[Id, Annotated[str, Field(min_length=1, max_length=100)]] = Field(default={}, max_length=50)
    reasons: Annotated[str, Field(max_length=filing.MOST_TEXT)] = ""


class TriageArgs(CaseArgs, TriageForm):
    pass


class TransferArgs(CaseArgs, TransferForm):
    pass


class ReasonArgs(CaseArgs, ReasonForm):
    pass


class AssignArgs(CaseArgs, AssignForm):
    pass


class RefuseArgs(CaseArgs, RefuseForm):
    pass


class TextArgs(CaseArgs, TextForm):
    pass


class AcceptArgs(CaseArgs, AcceptForm):
    pass


class CommitmentArgs(CaseArgs, CommitmentForm):
    pass


class KeptArgs(CaseArgs, KeptForm):
    pass


class ProposalArgs(CaseArgs, ProposalForm):
    pass


class HearingArgs(CaseArgs, HearingForm):
    pass


class DecisionArgs(CaseArgs, DecisionForm):
    pass


class RulingArgs(CaseArgs, RulingForm):
    pass


class ExecutionArgs(CaseArgs, ExecutionForm):
    pass


_Verb = Callable[..., Awaitable[Any]]


def _kind(
    name: str,
    event: str,
    verb: _Verb,
    args: type[CaseArgs] = CaseArgs,
    *,
    roles: frozenset[str] = DESKS,
    sealed: bool = False,
) -> ActKind[Any]:
    """A kind of act on a case, whose verb takes its arguments by name; `sealed`: and the master key."""

    async def carry_out(s: WriteSession, act: Act, asked: Any, node: Node) -> Any:
        more = {"master": node.safe.master} if sealed else {}
        return await verb(s, act, **dict(asked), **more)

    return kind(
        ActKind(
            name=name,
            event=f"CSE.{event}",
            args=args,
            roles=roles,
            verb=carry_out,
            answer=CaseView.of,
            about=lambda asked: asked.case_id,
        )
    )


async def _propose(s: WriteSession, act: Act, *, case_id: str, fines: Any, **said: Any) -> Any:
    offered = [Fine(one.org_id, one.facts, one.fine_minor) for one in fines]
    return await punishing.propose_penalty(s, act, case_id=case_id, fines=offered, **said)


async def _decide(s: WriteSession, act: Act, *, case_id: str, measures: Any, **said: Any) -> Any:
    ordered = [Ordered(one.measure, one.object_id) for one in measures]
    return await punishing.decide_case(s, act, case_id=case_id, decision=Decision(measures=ordered, **said))


async def _rule(s: WriteSession, act: Act, *, event: str, **said: Any) -> Any:
    return await appealing.end_appeal(s, act, event=_APPEALS[event], **said)


TRIAGE = _kind("case.triage", "TRIAGE", intake.triage_case, TriageArgs)
TRANSFER = _kind("case.transfer", "TRANSFER", intake.transfer_case, TransferArgs)
RECEIVE = _kind("case.receive", "RECEIVE", intake.receive_case)
CONTEST = _kind("case.contest", "CONTEST", intake.contest_jurisdiction, ReasonArgs)
SETTLE = _kind("case.settle_jurisdiction", "SETTLE_JURISDICTION", intake.settle_jurisdiction)
ASSIGN = _kind("case.assign", "ASSIGN", intake.assign_case, AssignArgs)
REFUSE = _kind("case.refuse", "REFUSE", intake.refuse_paper, RefuseArgs)
ACCEPT = _kind("case.accept", "ACCEPT", intake.accept_complaint, AcceptArgs)
AGREE = _kind("case.agree", "AGREE", intake.close_agreed)
END = _kind("case.end", "END", intake.end_mediation, ReasonArgs)
CLUE = _kind("case.clue", "CLUE", intake.report_clue, TextArgs)
VERIFY = _kind("case.verify", "VERIFY", intake.verify_report, roles=HANDLERS)
EXTEND = _kind("case.extend", "EXTEND", service.extend_verification, ReasonArgs, roles=HANDLERS)
TELL = _kind("case.tell", "TELL", filing.tell_reporter, TextArgs, sealed=True)
COMMIT = _kind("case.commitment", "COMMITMENT", bargaining.accept_commitment, CommitmentArgs, roles=_SAMR)
KEPT = _kind("case.commitment_over", "FULFILLED", bargaining.end_commitment, KeptArgs, roles=_SAMR)
PROPOSE = _kind("case.propose", "PROPOSE_PENALTY", _propose, ProposalArgs, roles=HANDLERS)
HEARING = _kind("case.hearing", "NOTIFY_HEARING", punishing.notify_hearing, HearingArgs, roles=HANDLERS)
DECIDE = _kind("case.decide", "DECIDE", _decide, DecisionArgs, roles=HANDLERS)
RULING = _kind("case.ruling", "UPHOLD", _rule, RulingArgs, roles=frozenset(HEARERS.values()))
EXECUTE = _kind("case.execute", "EXECUTE", executing.execute_decision, ExecutionArgs, roles=HANDLERS)
PUBLISH = _kind("case.publish", "PUBLISH", executing.publish_decision, roles=HANDLERS)


@router.post("/cases/{case_id}/triage", **answers(TRIAGE, CaseView))
async def triage(case_id: Id, caller: CallerDep, form: TriageForm) -> Response:
    """Say what a paper is about, and so whose it is; within a working day."""
    return respond(await caller.do(TRIAGE, TriageArgs(case_id=case_id, **dict(form))))


@router.post("/cases/{case_id}/transfer", **answers(TRANSFER, CaseView))
async def transfer(case_id: Id, caller: CallerDep, form: TransferForm) -> Response:
    """Send a paper to another authority."""
    return respond(await caller.do(TRANSFER, TransferArgs(case_id=case_id, **dict(form))))


@router.post("/cases/{case_id}/receive", **answers(RECEIVE, CaseView))
async def receive(case_id: Id, caller: CallerDep) -> Response:
    """Take over a paper that was sent."""
    return respond(await caller.do(RECEIVE, CaseArgs(case_id=case_id)))


@router.post("/cases/{case_id}/contest", **answers(CONTEST, CaseView))
async def contest(case_id: Id, caller: CallerDep, form: ReasonForm) -> Response:
    """Say that a paper that was sent is not one's own."""
    return respond(await caller.do(CONTEST, ReasonArgs(case_id=case_id, **dict(form))))


@router.post("/cases/{case_id}/settle-jurisdiction", **answers(SETTLE, CaseView))
async def settle(case_id: Id, caller: CallerDep) -> Response:
    """Take a paper upon oneself about which two authorities differ."""
    return respond(await caller.do(SETTLE, CaseArgs(case_id=case_id)))


@router.post("/cases/{case_id}/assign", **answers(ASSIGN, CaseView))
async def assign(case_id: Id, caller: CallerDep, form: AssignForm) -> Response:
    """Enter what the common superior has ruled, when the time to agree is over."""
    return respond(await caller.do(ASSIGN, AssignArgs(case_id=case_id, **dict(form))))


@router.post("/cases/{case_id}/refuse", **answers(REFUSE, CaseView))
async def refuse(case_id: Id, caller: CallerDep, form: RefuseForm) -> Response:
    """Refuse a paper, with the reason."""
    return respond(await caller.do(REFUSE, RefuseArgs(case_id=case_id, **dict(form))))


@router.post("/cases/{case_id}/accept", **answers(ACCEPT, CaseView))
async def accept(case_id: Id, caller: CallerDep, form: AcceptForm | None = None) -> Response:
    """Take a complaint up for mediation; whom it is about is told the claim."""
    said = {} if form is None else dict(form)
    return respond(await caller.do(ACCEPT, AcceptArgs(case_id=case_id, **said)))


@router.post("/cases/{case_id}/agree", **answers(AGREE, CaseView))
async def agree(case_id: Id, caller: CallerDep) -> Response:
    """Close a mediation in which both sides consented to the same terms."""
    return respond(await caller.do(AGREE, CaseArgs(case_id=case_id)))


@router.post("/cases/{case_id}/end", **answers(END, CaseView))
async def end(case_id: Id, caller: CallerDep, form: ReasonForm) -> Response:
    """End a mediation without agreement."""
    return respond(await caller.do(END, ReasonArgs(case_id=case_id, **dict(form))))


@router.post("/cases/{case_id}/clue", **answers(CLUE, CaseView))
async def clue(case_id: Id, caller: CallerDep, form: TextForm) -> Response:
    """Make a report of what a mediation has brought up; answers the new case."""
    return respond(await caller.do(CLUE, TextArgs(case_id=case_id, **dict(form))))


@router.post("/cases/{case_id}/verify", **answers(VERIFY, CaseView))
async def verify(case_id: Id, caller: CallerDep) -> Response:
    """Begin to verify a report, as the officer who handles it."""
    return respond(await caller.do(VERIFY, CaseArgs(case_id=case_id)))


@router.post("/cases/{case_id}/extend", **answers(EXTEND, CaseView))
async def extend(case_id: Id, caller: CallerDep, form: ReasonForm) -> Response:
    """Give a verification as much time again, once."""
    return respond(await caller.do(EXTEND, ReasonArgs(case_id=case_id, **dict(form))))


@router.post("/cases/{case_id}/tell", **answers(TELL, CaseView))
async def tell(case_id: Id, caller: CallerDep, form: TextForm) -> Response:
    """Tell who filed a paper what came of it; only he or she reads it."""
    return respond(await caller.do(TELL, TextArgs(case_id=case_id, **dict(form))))


@router.post("/cases/{case_id}/commitment", **answers(COMMIT, CaseView))
async def commitment(case_id: Id, caller: CallerDep, form: CommitmentForm) -> Response:
    """Suspend an antitrust investigation upon what a party has offered."""
    return respond(await caller.do(COMMIT, CommitmentArgs(case_id=case_id, **dict(form))))


@router.post("/cases/{case_id}/commitment-over", **answers(KEPT, CaseView))
async def commitment_over(case_id: Id, caller: CallerDep, form: KeptForm) -> Response:
    """Say whether a commitment was kept."""
    return respond(await caller.do(KEPT, KeptArgs(case_id=case_id, **dict(form))))


@router.post("/cases/{case_id}/propose", **answers(PROPOSE, CaseView))
async def propose(case_id: Id, caller: CallerDep, form: ProposalForm) -> Response:
    """Give notice of a penalty: rules, pinned evidence, each fine within its lawful range."""
    return respond(await caller.do(PROPOSE, ProposalArgs(case_id=case_id, **dict(form))))


@router.post("/cases/{case_id}/hearing", **answers(HEARING, CaseView))
async def hearing(case_id: Id, caller: CallerDep, form: HearingForm) -> Response:
    """Announce a hearing that was asked for, seven working days before."""
    return respond(await caller.do(HEARING, HearingArgs(case_id=case_id, **dict(form))))


@router.post("/cases/{case_id}/decide", **answers(DECIDE, CaseView))
async def decide(case_id: Id, caller: CallerDep, form: DecisionForm) -> Response:
    """Decide upon a notice, as another person than handled the case or proposed the penalty."""
    return respond(await caller.do(DECIDE, DecisionArgs(case_id=case_id, **dict(form))))


@router.post("/cases/{case_id}/ruling", **answers(RULING, CaseView))
async def ruling(case_id: Id, caller: CallerDep, form: RulingForm) -> Response:
    """Rule upon an appeal, as the review authority or the court that has heard it."""
    return respond(await caller.do(RULING, RulingArgs(case_id=case_id, **dict(form))))


@router.post("/cases/{case_id}/execute", **answers(EXECUTE, CaseView))
async def execute(case_id: Id, caller: CallerDep, form: ExecutionForm) -> Response:
    """Close what was decided: every sum paid, every measure ordered and in force."""
    return respond(await caller.do(EXECUTE, ExecutionArgs(case_id=case_id, **dict(form))))


@router.post("/cases/{case_id}/publish", **answers(PUBLISH, CaseView))
async def publish(case_id: Id, caller: CallerDep) -> Response:
    """Publish whom a decision is held against; it is public, and counts."""
    return respond(await caller.do(PUBLISH, CaseArgs(case_id=case_id)))
