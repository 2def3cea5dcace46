"""What waits for a person of the exchange: work items of settlement, closed or paid again."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from base.db import WriteSession
from ledger.recording import Act
from market.settlement import mending, repository
from market.settlement.mending import Resolution
from market.settlement.tables import WorkItem
from web.acts import ActKind, Args, Asked, Id, kind
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


class PayAgainArgs(Args):
    trade_id: Id


async def _pay_again(s: WriteSession, act: Act, args: PayAgainArgs, node: Node) -> Any:
    del node
    return await mending.pay_again(s, act, trade_id=args.trade_id)


PAY_AGAIN = kind(
    ActKind(
        name="trade.pay-again",
        event="PAY.REQUEUE",
        args=PayAgainArgs,
        roles=_OPERATOR,
        verb=_pay_again,
        answer=TradeView.of,
        about=lambda args: args.trade_id,
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
    """Have a payment that the bank rejected instructed anew."""
    return respond(await caller.do(PAY_AGAIN, PayAgainArgs(trade_id=trade_id)))
