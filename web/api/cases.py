"""Supervision and cases: what the rules found, the cases that come of it, and the orders in them."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from base.db import WriteSession
from base.errors import NotFound
from cases import repository, service
from cases.filing import MOST_TEXT
from cases.investigating import MOST_ENTRIES
from cases.ordering import confirm_order, propose_order, withdraw_order
from cases.reading import may_list, readable_case, ways_of
from cases.rules import HANDLERS, Measure
from cases.states import DESKS, HEARERS
from ledger.recording import Act
from market.disputes.rules import Fault
from supervision.report import summarise
from web.acts import ActKind, AmountMinor, Args, Asked, Id, Moment, ReasonCode, kind
from web.api.case_views import CaseRoomView, CaseView, OrderView, ProposalView
from web.deps import CallerDep, ReadDep, answers, respond
from web.node import Node
from web.supervising import Supervising
from web.views import View

router = APIRouter(tags=["supervision"])
Seq = Annotated[int, Field(ge=0, le=10**15)]
FindingId = Annotated[str, Field(pattern=r"^fnd_[0-9a-f]{64}$")]
READERS = DESKS | {"AUDITOR"}
_OF_CASES = READERS | set(HEARERS.values())


class FileArgs(Args):
    finding_id: FindingId


async def _file(s: WriteSession, act: Act, args: FileArgs, node: Node) -> Any:
    report = await Supervising(node.settings, node.clock).report()
    finding = report.finding(args.finding_id)
    if finding is None:
        raise NotFound("no such finding", finding_id=args.finding_id)
    return await service.file_case(s, act, finding=finding.document())


FILE = kind(
    ActKind(
        name="case.file",
        event="CSE.FILE",
        args=FileArgs,
        roles=DESKS,
        verb=_file,
        answer=CaseView.of,
        about=lambda args: args.finding_id,
        status=201,
    )
)


class CaseArgs(Args):
    case_id: Id


class OpenForm(Asked):
    """The trades that what people have reported says are sham: of a case of unfair competition."""

    washed: list[Id] = Field(default_factory=list, max_length=20)


class OpenArgs(CaseArgs, OpenForm):
    pass


async def _open(s: WriteSession, act: Act, args: OpenArgs, node: Node) -> Any:
    del node
    return await service.open_case(s, act, case_id=args.case_id, washed=args.washed)


OPEN = kind(
    ActKind(
        name="case.open",
        event="CSE.OPEN_CASE",
        args=OpenArgs,
        roles=HANDLERS,
        verb=_open,
        answer=CaseView.of,
        about=lambda args: args.case_id,
    )
)


class DismissForm(Asked):
    """Why: it stands in the file, and who was told of the case reads it."""

    reasons: Annotated[str, Field(max_length=MOST_TEXT)] = ""


class DismissArgs(CaseArgs, DismissForm):
    pass


async def _dismiss(s: WriteSession, act: Act, args: DismissArgs, node: Node) -> Any:
    del node
    return await service.dismiss_case(s, act, case_id=args.case_id, reasons=args.reasons)


DISMISS = kind(
    ActKind(
        name="case.dismiss",
        event="CSE.NO_CASE",
        args=DismissArgs,
        roles=HANDLERS,
        verb=_dismiss,
        answer=CaseView.of,
        about=lambda args: args.case_id,
    )
)


class OrderForm(Asked):
    """Of a refund how much goes back and by whose fault, of evidence its entries, of an interview when."""

    measure: Measure
    object_id: Id
    reason_code: ReasonCode
    refund_minor: AmountMinor | None = None
    fault: list[Fault] = Field(default=[], max_length=len(Fault))
    seqs: list[Seq] = Field(default=[], max_length=MOST_ENTRIES)
    held_at: Moment | None = None


class OrderArgs(Args, OrderForm):
    case_id: Id


async def _order(s: WriteSession, act: Act, args: OrderArgs, node: Node) -> Any:
    del node
    return await propose_order(s, act, **dict(args))


ORDER = kind(
    ActKind(
        name="case.order",
        event="ORD.PROPOSE",
        args=OrderArgs,
        roles=HANDLERS,
        verb=_order,
        answer=ProposalView.of,
        about=lambda args: args.case_id,
        status=201,
    )
)


class ConfirmArgs(Args):
    order_id: Id


async def _confirm(s: WriteSession, act: Act, args: ConfirmArgs, node: Node) -> Any:
    del node
    return await confirm_order(s, act, order_id=args.order_id)


CONFIRM = kind(
    ActKind(
        name="case.confirm_order",
        event="ORD.ISSUE",
        args=ConfirmArgs,
        roles=HANDLERS,
        verb=_confirm,
        answer=OrderView.of,
        about=lambda args: args.order_id,
    )
)


async def _withdraw(s: WriteSession, act: Act, args: ConfirmArgs, node: Node) -> Any:
    del node
    return await withdraw_order(s, act, order_id=args.order_id)


WITHDRAW = kind(
    ActKind(
        name="case.withdraw_order",
        event="ORD.WITHDRAW",
        args=ConfirmArgs,
        roles=HANDLERS,
        verb=_withdraw,
        answer=ProposalView.of,
        about=lambda args: args.order_id,
    )
)


class RunView(View):
    stage: str
    started_at: datetime
    changed_at: datetime
    error: str


class SupervisionView(View):
    run: RunView | None
    as_of: datetime | None
    findings: int
    by_rule: dict[str, int]
    markets: list[dict[str, Any]]


def supervising(request: Request) -> Supervising:
    """The node's runs of supervision."""
    found: Supervising = request.app.state.supervising
    return found


@router.get("/supervision")
async def overview(request: Request, caller: CallerDep) -> SupervisionView:
    """How the last run went and what the newest findings say in numbers."""
    caller.require(*READERS)
    runs = supervising(request)
    state = runs.state()
    run = None if state is None else RunView.model_validate(state)
    try:
        report = await runs.report()
    except NotFound:
        return SupervisionView(run=run, as_of=None, findings=0, by_rule={}, markets=[])
    summary = summarise(report)
    return SupervisionView(
        run=run,
        as_of=report.as_of,
        findings=summary.findings,
        by_rule=dict(summary.by_rule),
        markets=[dict(market) for market in summary.markets],
    )


@router.post("/supervision/run", status_code=202)
async def run_now(request: Request, caller: CallerDep) -> RunView:
    """Export the ledger, derive the evidence, apply the rules: in the background, one run at a time."""
    caller.require(*DESKS)
    return RunView.model_validate(supervising(request).start())


@router.get("/findings")
async def findings(
    request: Request,
    caller: CallerDep,
    rule: Annotated[str | None, Query(max_length=20)] = None,
    after: Annotated[FindingId | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> list[dict[str, Any]]:
    """The newest findings in the order of their ids, by keyset."""
    caller.require(*READERS)
    report = await supervising(request).report()
    chosen = [
        finding
        for finding in report.findings
        if rule in {None, finding.rule_id} and finding.finding_id > (after or "")
    ]
    chosen.sort(key=lambda finding: finding.finding_id)
    return [finding.document() for finding in chosen[:limit]]


@router.post("/findings/{finding_id}/case", **answers(FILE, CaseView))
async def file(finding_id: FindingId, caller: CallerDep) -> Response:
    """Make a report of a finding."""
    return respond(await caller.do(FILE, FileArgs(finding_id=finding_id)))


@router.get("/cases")
async def cases(
    caller: CallerDep,
    s: ReadDep,
    after: Annotated[Id | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> list[CaseView]:
    """Cases, newest first, by keyset; none that is about the reader. Who hears appeals sees those."""
    caller.require(*_OF_CASES)
    rows = await repository.cases(s, after=after, limit=limit, ways=ways_of(caller.actor))
    return [CaseView.of(row) for row in rows if may_list(row, caller.actor)]


@router.get("/cases/{case_id}")
async def case(case_id: Id, caller: CallerDep, s: ReadDep) -> CaseRoomView:
    """One case with its file, times, evidence and orders, and the trades it flags."""
    caller.require(*_OF_CASES)
    row = await readable_case(s, case_id=case_id, actor=caller.actor)
    return await CaseRoomView.of(s, row, caller.actor)


@router.post("/cases/{case_id}/open", **answers(OPEN, CaseView))
async def open_case(case_id: Id, caller: CallerDep, form: OpenForm | None = None) -> Response:
    """Open the investigation, by another person than has verified it: washed trades are flagged."""
    said = {} if form is None else dict(form)
    return respond(await caller.do(OPEN, OpenArgs(case_id=case_id, **said)))


@router.post("/cases/{case_id}/dismiss", **answers(DISMISS, CaseView))
async def dismiss(case_id: Id, caller: CallerDep, form: DismissForm | None = None) -> Response:
    """Close a report or a case without result, by another person than has verified it; flags are lifted."""
    said = {} if form is None else dict(form)
    return respond(await caller.do(DISMISS, DismissArgs(case_id=case_id, **said)))


@router.post("/cases/{case_id}/orders", **answers(ORDER, ProposalView))
async def issue(case_id: Id, caller: CallerDep, form: OrderForm) -> Response:
    """Propose an order in an open investigation: it is in force once a second officer has confirmed it."""
    return respond(await caller.do(ORDER, OrderArgs(case_id=case_id, **dict(form))))


@router.post("/orders/{order_id}/withdraw", **answers(WITHDRAW, ProposalView))
async def withdraw(order_id: Id, caller: CallerDep) -> Response:
    """Take back an order that one has proposed, before it is in force."""
    return respond(await caller.do(WITHDRAW, ConfirmArgs(order_id=order_id)))


@router.post("/orders/{order_id}/confirm", **answers(CONFIRM, OrderView))
async def confirm(order_id: Id, caller: CallerDep) -> Response:
    """Put a proposed order into force, as another officer of the same authority."""
    return respond(await caller.do(CONFIRM, ConfirmArgs(order_id=order_id)))
