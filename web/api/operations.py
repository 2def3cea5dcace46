"""What waits for a person of the exchange: work items, payments in doubt, jobs that were given up."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from base.db import WriteSession
from base.jobs import JobRow, dead_jobs
from ledger.recording import Act
from market.settlement import ascertaining, mending, repository
from market.settlement.ascertaining import InDoubt
from market.settlement.mending import Resolution
from market.settlement.tables import Found, Instruction, WorkItem
from market.trade import retrying
from web.acts import ActKind, Args, Asked, Id, Sha256, kind
from web.api.trades import TradeArgs
from web.deps import CallerDep, ReadDep, answers, respond
from web.node import Node
from web.views import TradeView, View

router = APIRouter(tags=["operations"])
_OPERATOR = frozenset({"EXCHANGE_OPERATOR"})


class WorkItemView(View):
    item_id: str
    kind: str
    trade_id: str | None
    facts: dict[str, Any]
    opened_at: datetime
    closed_at: datetime | None

    @classmethod
    def of(cls, row: WorkItem) -> "WorkItemView":
        return cls.model_validate(row)


class CloseForm(Asked):
    resolution: Resolution
    note: str = Field(min_length=1, max_length=mending.MAX_NOTE_CHARS)


class CloseArgs(Args, CloseForm):
    item_id: Id


async def _close(s: WriteSession, act: Act, args: CloseArgs, node: Node) -> Any:
    del node
    return await mending.close_work_item(s, act, **dict(args))


CLOSE = kind(
    ActKind(
        name="work.close",
        event="PAY.RESOLVE",
        args=CloseArgs,
        roles=_OPERATOR,
        verb=_close,
        answer=WorkItemView.of,
        about=lambda args: args.item_id,
    )
)


async def _pay_again(s: WriteSession, act: Act, args: TradeArgs, node: Node) -> Any:
    del node
    return await mending.pay_again(s, act, trade_id=args.trade_id)


PAY_AGAIN = kind(
    ActKind(
        name="trade.pay-again",
        event="PAY.REQUEUE",
        args=TradeArgs,
        roles=_OPERATOR,
        verb=_pay_again,
        answer=TradeView.of,
        about=lambda args: args.trade_id,
    )
)


class InstructionView(View):
    """A payment instruction of ours, and what became of it."""

    message_id: str
    trade_id: str
    kind: str
    status: str
    instructed_at: datetime

    @classmethod
    def of(cls, row: Instruction) -> "InstructionView":
        return cls.model_validate(row)


class InDoubtView(View):
    """A payment of which nobody knows whether it was made.

    `shown` is what the statements that we hold show of it (None while one is missing, or two contradict each
    other: `waits_for` is the code of that), `statement_sha256` the one to cite, of `day`; `words` counts the
    officers who have said something, of whom two that say the same decide.
    """

    instruction_id: str
    trade_id: str
    kind: str
    status: str
    amount_minor: int
    instructed_at: datetime
    shown: str | None
    day: date | None
    statement_sha256: str | None
    waits_for: str | None
    words: int

    @classmethod
    def of(cls, doubt: InDoubt) -> "InDoubtView":
        row, told = doubt.instruction, doubt.statement
        return cls(
            instruction_id=row.message_id,
            trade_id=row.trade_id,
            kind=row.kind.value,
            status=row.status.value,
            amount_minor=row.total_minor,
            instructed_at=row.instructed_at,
            shown=doubt.shown and doubt.shown.value,
            day=told and told.day,
            statement_sha256=told and told.sha256,
            waits_for=doubt.waits_for,
            words=len(doubt.words),
        )


class AscertainForm(Asked):
    """PAID or NOT_PAID, as the cited statement of the bank shows."""

    found: Found
    statement_sha256: Sha256
    note: str = Field(min_length=1, max_length=mending.MAX_NOTE_CHARS)


class AscertainArgs(Args, AscertainForm):
    instruction_id: Id


async def _ascertain(s: WriteSession, act: Act, args: AscertainArgs, node: Node) -> Any:
    del node
    return await ascertaining.ascertain(s, act, **dict(args))


ASCERTAIN = kind(
    ActKind(
        name="payment.ascertain",
        event="PAY.ASCERTAIN",
        args=AscertainArgs,
        roles=_OPERATOR,
        verb=_ascertain,
        answer=InstructionView.of,
        about=lambda args: args.instruction_id,
    )
)


class JobView(View):
    """A job that failed as often as it may; `last_error` says why."""

    kind: str
    key: str
    status: str
    attempts: int
    run_at: datetime
    finished_at: datetime | None
    last_error: str | None

    @classmethod
    def of(cls, row: JobRow) -> "JobView":
        return cls.model_validate(row)


class RetryArgs(Args):
    kind: str = Field(min_length=1, max_length=60)
    key: str = Field(min_length=1, max_length=300)


async def _retry(s: WriteSession, act: Act, args: RetryArgs, node: Node) -> Any:
    del node
    return await retrying.retry_job(s, act, **dict(args))


RETRY = kind(
    ActKind(
        name="job.retry",
        event="JOB.RETRY",
        args=RetryArgs,
        roles=_OPERATOR,
        verb=_retry,
        answer=JobView.of,
        about=lambda args: f"job/{args.kind}",
    )
)


@router.get("/work-items")
async def work_items(
    caller: CallerDep, s: ReadDep, limit: Annotated[int, Query(ge=1, le=100)] = 50
) -> list[WorkItemView]:
    """What waits for a person of the exchange, oldest first."""
    caller.require(*_OPERATOR)
    return [WorkItemView.of(row) for row in await repository.open_work_items(s, limit=limit)]


@router.post("/work-items/{item_id}/close", **answers(CLOSE, WorkItemView))
async def close(item_id: Id, caller: CallerDep, form: CloseForm) -> Response:
    """Say what came of a work item, and close it."""
    return respond(await caller.do(CLOSE, CloseArgs(item_id=item_id, **dict(form))))


@router.post("/trades/{trade_id}/pay-again", **answers(PAY_AGAIN, TradeView))
async def pay_again(trade_id: Id, caller: CallerDep) -> Response:
    """Have a payment that was let go instructed anew."""
    return respond(await caller.do(PAY_AGAIN, TradeArgs(trade_id=trade_id)))


@router.get("/payments/in-doubt")
async def payments_in_doubt(
    caller: CallerDep, s: ReadDep, limit: Annotated[int, Query(ge=1, le=100)] = 50
) -> list[InDoubtView]:
    """Payments of which nobody knows whether they were made, and what the bank's statements show by now."""
    caller.require(*_OPERATOR)
    return [InDoubtView.of(doubt) for doubt in await ascertaining.in_doubt(s, limit=limit)]


@router.post("/payments/{instruction_id}/ascertain", **answers(ASCERTAIN, InstructionView))
async def ascertain(instruction_id: Id, caller: CallerDep, form: AscertainForm) -> Response:
    """Say, as one of two officers, what the bank's statements show of a payment in doubt."""
    args = AscertainArgs(instruction_id=instruction_id, **dict(form))
    return respond(await caller.do(ASCERTAIN, args))


@router.get("/jobs/given-up")
async def given_up(
    caller: CallerDep, s: ReadDep, limit: Annotated[int, Query(ge=1, le=100)] = 50
) -> list[JobView]:
    """Jobs that failed as often as they may, the latest first."""
    caller.require(*_OPERATOR)
    return [JobView.of(row) for row in await dead_jobs(s, limit=limit)]


@router.post("/jobs/retry", **answers(RETRY, JobView))
async def retry(caller: CallerDep, form: RetryArgs) -> Response:
    """Have a job that was given up tried again, at once."""
    return respond(await caller.do(RETRY, form))
