"""A broker's deals: its working record of leads, matches, negotiations; and the client's part of each."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from pydantic import Field

from base.db import WriteSession
from brokers.rules import Side
from ledger.recording import Act
from market.mediation import dealing, repository
from market.mediation.commission import owed_on
from market.mediation.rules import MAX_EXPENSES_MINOR, MAX_TEXT, MAX_TITLE, Lost
from market.mediation.states import Stage
from market.mediation.tables import Deal, DealEntry
from market.orders.tables import Trade
from web.acts import ActKind, Args, Asked, Id, Moment, Sha256, kind
from web.deps import Caller, CallerDep, ReadDep, answers, respond
from web.node import Node
from web.views import View

router = APIRouter(tags=["mediation"])
_BROKER: Final = frozenset({"BROKER"})
_BOTH: Final = frozenset({"BROKER", "PROVIDER", "BUYER"})


class DealView(View):
    """A deal. `stage` is the broker's own until there is a trade, the trade's from then on.

    What is the broker's alone is null for its client.
    """

    deal_id: str
    broker_id: str
    client_id: str | None
    side: str | None
    mandate_id: str | None
    title: str
    stage: Stage
    lost_reason: str | None
    owner_id: str | None
    next_step: str | None
    next_at: datetime | None
    request_id: str | None
    listing_id: str | None
    trade_id: str | None
    expenses_minor: int | None
    expenses_agreed_at: datetime | None
    opened_at: datetime
    touched_at: datetime

    @classmethod
    def seen(cls, row: Deal, stage: Stage, trade: Trade | None, org_id: str) -> "DealView":
        """As its broker sees it, or its client."""
        mine = org_id == row.broker_id
        hidden = {} if mine else dict.fromkeys(("owner_id", "next_step", "next_at", "lost_reason"))
        told = {"stage": stage, "lost_reason": repository.lost_by(row, trade)} | hidden
        return cls.model_validate(row).model_copy(update=told)


class DoneView(View):
    """Into which deal something was entered, as the how manieth entry; nothing that is the broker's alone."""

    deal_id: str
    entries: int
    touched_at: datetime

    @classmethod
    def of(cls, row: Deal) -> "DoneView":
        return cls.model_validate(row)


class EntryView(View):
    entry_no: int
    kind: str
    at: datetime
    org_id: str
    user_id: str | None
    text: str | None
    sha256: str | None
    shared: bool

    @classmethod
    def of(cls, row: DealEntry) -> "EntryView":
        return cls.model_validate(row)


class DealRecordView(DealView):
    """A deal with its record; for the client with what is shared."""

    expenses_owed_minor: int
    record: list[EntryView]


class OpenArgs(Args):
    """A client has a side; of a request it is the buyer, of a trade the one that the broker acts for."""

    title: str = Field(min_length=1, max_length=MAX_TITLE)
    client_id: Id | None = None
    side: Side | None = None
    request_id: Id | None = None
    listing_id: Id | None = None
    trade_id: Id | None = None
    owner_id: Id | None = None


async def _open(s: WriteSession, act: Act, args: OpenArgs, node: Node) -> Any:
    del node
    return await dealing.open_deal(s, act, **dict(args))


class MoveForm(Asked):
    stage: Stage
    reason: Lost | None = None


class MoveArgs(Args, MoveForm):
    deal_id: Id


async def _move(s: WriteSession, act: Act, args: MoveArgs, node: Node) -> Any:
    del node
    return await dealing.move_deal(s, act, **dict(args))


class TradeForm(Asked):
    trade_id: Id


class TradeArgs(Args, TradeForm):
    deal_id: Id


async def _trade(s: WriteSession, act: Act, args: TradeArgs, node: Node) -> Any:
    del node
    return await dealing.link_trade(s, act, **dict(args))


class PlanForm(Asked):
    next_step: str | None = Field(default=None, max_length=MAX_TITLE)
    next_at: Moment | None = None
    owner_id: Id | None = None


class PlanArgs(Args, PlanForm):
    deal_id: Id


async def _plan(s: WriteSession, act: Act, args: PlanArgs, node: Node) -> Any:
    del node
    return await dealing.plan_deal(s, act, **dict(args))


class EntryForm(Asked):
    """With a digest it is a document, kept elsewhere; what a client writes is shared always."""

    text: str = Field(min_length=1, max_length=MAX_TEXT)
    sha256: Sha256 | None = None
    shared: bool = True


class EntryArgs(Args, EntryForm):
    deal_id: Id


async def _write(s: WriteSession, act: Act, args: EntryArgs, node: Node) -> Any:
    del node
    return await dealing.write_into_deal(s, act, **dict(args))


class ExpensesForm(Asked):
    amount_minor: int = Field(ge=1, le=MAX_EXPENSES_MINOR)
    text: str = Field(min_length=1, max_length=MAX_TITLE)


class ExpensesArgs(Args, ExpensesForm):
    deal_id: Id


async def _expenses(s: WriteSession, act: Act, args: ExpensesArgs, node: Node) -> Any:
    del node
    return await dealing.put_expenses(s, act, **dict(args))


class AgreeForm(Asked):
    amount_minor: int = Field(ge=1, le=MAX_EXPENSES_MINOR)


class AgreeArgs(Args, AgreeForm):
    deal_id: Id


async def _agree(s: WriteSession, act: Act, args: AgreeArgs, node: Node) -> Any:
    del node
    return await dealing.agree_expenses(s, act, **dict(args))


def _deal_act(name: str, args: Any, verb: Any, roles: frozenset[str] = _BROKER, status: int = 200) -> Any:
    """An act of which nothing is stated."""
    return kind(
        ActKind(
            name=f"deal.{name}",
            event=f"DEAL.{name.upper()}",
            args=args,
            roles=roles,
            verb=verb,
            answer=DoneView.of,
            about=lambda said: getattr(said, "deal_id", "deal"),
            status=status,
        )
    )


OPEN = _deal_act("open", OpenArgs, _open, status=201)
MOVE = _deal_act("move", MoveArgs, _move)
TRADE = _deal_act("trade", TradeArgs, _trade)
PLAN = _deal_act("plan", PlanArgs, _plan)
WRITE = _deal_act("write", EntryArgs, _write, _BOTH)
EXPENSES = _deal_act("expenses", ExpensesArgs, _expenses)
AGREE = _deal_act("agree", AgreeArgs, _agree, frozenset({"PROVIDER", "BUYER"}))


class DealsForm(Asked):
    stage: Stage | None = None
    owner_id: Id | None = None
    after: Id | None = None
    limit: int = Field(default=50, ge=1, le=100)


class DealsView(View):
    """`counts`: how many of a broker's deals stand where."""

    deals: list[DealView]
    counts: dict[str, int]
    next_after: str | None


@router.get("/deals")
async def deals(caller: CallerDep, s: ReadDep, asked: Annotated[DealsForm, Query()]) -> DealsView:
    """One's deals, newest first: those one keeps as a broker, and those one is the client of."""
    org_id = caller.actor.org_id
    rows = await repository.deals_page(s, org_id=org_id, **asked.model_dump())
    counts = await repository.deals_by_stage(s, org_id=org_id, owner_id=asked.owner_id)
    full = len(rows) == asked.limit
    return DealsView(
        deals=[DealView.seen(deal, stage, trade, org_id) for deal, stage, trade in rows],
        counts={stage.value: count for stage, count in sorted(counts.items())},
        next_after=rows[-1][0].deal_id if full else None,
    )


@router.post("/deals", **answers(OPEN, DoneView))
async def open_deal(caller: CallerDep, form: OpenArgs) -> Response:
    """Open a deal, as a broker."""
    return respond(await caller.do(OPEN, form))


@router.get("/deals/{deal_id}")
async def deal(deal_id: Id, caller: CallerDep, s: ReadDep) -> DealRecordView:
    """One deal with its record."""
    org_id = caller.actor.org_id
    row = await repository.get_deal(s, deal_id=deal_id, org_id=org_id)
    trade = await repository.trade_of(s, row)
    stage = repository.stage_of(row, trade)
    entries = await repository.entries_of(s, deal_id=deal_id, shared_only=org_id != row.broker_id)
    return DealRecordView(
        **DealView.seen(row, stage, trade, org_id).model_dump(),
        expenses_owed_minor=await owed_on(s, row),
        record=[EntryView.of(entry) for entry in entries],
    )


async def _into(caller: Caller, act: Any, deal_id: str, form: Asked) -> Response:
    return respond(await caller.do(act, act.args(deal_id=deal_id, **form.model_dump())))


@router.post("/deals/{deal_id}/move", **answers(MOVE, DoneView))
async def move(deal_id: Id, caller: CallerDep, form: MoveForm) -> Response:
    """Move a deal that has no trade; a loss has its reason."""
    return await _into(caller, MOVE, deal_id, form)


@router.post("/deals/{deal_id}/trade", **answers(TRADE, DoneView))
async def trade(deal_id: Id, caller: CallerDep, form: TradeForm) -> Response:
    """Say which trade it has become."""
    return await _into(caller, TRADE, deal_id, form)


@router.post("/deals/{deal_id}/plan", **answers(PLAN, DoneView))
async def plan(deal_id: Id, caller: CallerDep, form: PlanForm) -> Response:
    """Say what comes next, by when, and who is in charge."""
    return await _into(caller, PLAN, deal_id, form)


@router.post("/deals/{deal_id}/entries", **answers(WRITE, DoneView))
async def write(deal_id: Id, caller: CallerDep, form: EntryForm) -> Response:
    """Write into its record: a note, a message, a document by its digest."""
    return await _into(caller, WRITE, deal_id, form)


@router.post("/deals/{deal_id}/expenses", **answers(EXPENSES, DoneView))
async def expenses(deal_id: Id, caller: CallerDep, form: ExpensesForm) -> Response:
    """Put expenses to the client, owed only where no contract comes about (Civil Code 964)."""
    return await _into(caller, EXPENSES, deal_id, form)


@router.post("/deals/{deal_id}/expenses/agree", **answers(AGREE, DoneView))
async def agree(deal_id: Id, caller: CallerDep, form: AgreeForm) -> Response:
    """Agree to them, as the client."""
    return await _into(caller, AGREE, deal_id, form)
