"""The trade room: the trade and its story, contract, delivery, acceptance. Offers are in `negotiations`."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from base.db import ReadSession, WriteSession
from identity.prepared import Document
from ledger.reader import Statement, opening
from ledger.recording import Act
from market.delivery import service as delivery
from market.delivery.rules import GoodsCheck
from market.orders import repository
from market.orders.duties import CheckedDuty
from market.orders.states import TradeState
from market.orders.tables import Trade
from market.settlement.opened import seen_by
from market.trade.accepting import sign_contract
from market.trade.obligations import checklist_of
from market.trade.timeline import timeline
from web.acts import ActKind, Args, Asked, Id, Sha256, kind
from web.deps import CallerDep, ReadDep, answers, respond
from web.node import Node
from web.views import EntitlementView, StatementView, TradeView, View

router = APIRouter(tags=["trades"])
SUPERVISORS = frozenset({"DATA_AUTHORITY", "SAMR", "CAC", "AUDITOR", "EXCHANGE_OPERATOR"})
PARTIES = frozenset({"PROVIDER", "BUYER", "BROKER"})


class TradeArgs(Args):
    trade_id: Id


async def _sign(s: WriteSession, act: Act, args: TradeArgs, node: Node) -> Any:
    del node
    return await sign_contract(s, act, trade_id=args.trade_id)


async def _contract_document(s: ReadSession, args: TradeArgs) -> list[Document]:
    contract = await repository.get_contract(s, trade_id=args.trade_id)
    if contract is None:
        return []
    return [Document("contract.json", "application/json", contract.document.encode())]


SIGN = kind(
    ActKind(
        name="trade.sign",
        event="TRD.SIGN",
        args=TradeArgs,
        roles=PARTIES,
        verb=_sign,
        answer=TradeView.of,
        about=lambda args: args.trade_id,
        documents=_contract_document,
    )
)


async def _deliver(s: WriteSession, act: Act, args: TradeArgs, node: Node) -> Any:
    del node
    return await delivery.start_delivery(s, act, trade_id=args.trade_id)


START_DELIVERY = kind(
    ActKind(
        name="trade.start-delivery",
        event="TRD.START_DELIVERY",
        args=TradeArgs,
        roles=frozenset({"PROVIDER"}),
        verb=_deliver,
        answer=EntitlementView.of,
        about=lambda args: args.trade_id,
    )
)


async def _confirm(s: WriteSession, act: Act, args: TradeArgs, node: Node) -> Any:
    del node
    return await delivery.confirm_receipt(s, act, trade_id=args.trade_id)


CONFIRM_RECEIPT = kind(
    ActKind(
        name="trade.confirm-receipt",
        event="TRD.DELIVERED",
        args=TradeArgs,
        roles=frozenset({"BUYER"}),
        verb=_confirm,
        answer=TradeView.of,
        about=lambda args: args.trade_id,
    )
)


class GoodsForm(Asked):
    file_sha256: Sha256 | None = None
    rows: int | None = Field(default=None, ge=0, le=10**15)
    report_sha256: Sha256 | None = None


class GoodsArgs(Args, GoodsForm):
    trade_id: Id


async def _accept_goods(s: WriteSession, act: Act, args: GoodsArgs, node: Node) -> Any:
    del node
    check = GoodsCheck(args.file_sha256, args.rows, args.report_sha256)
    return await delivery.accept_goods(
        s, act, trade_id=args.trade_id, check=check if check.document() else None
    )


ACCEPT_GOODS = kind(
    ActKind(
        name="trade.accept-goods",
        event="TRD.ACCEPT_GOODS",
        args=GoodsArgs,
        roles=frozenset({"BUYER"}),
        verb=_accept_goods,
        answer=TradeView.of,
        about=lambda args: args.trade_id,
    )
)


async def visible(s: ReadSession, caller: CallerDep, trade_id: str) -> Trade:
    """The trade, for its parties and its supervisors; to others it does not exist."""
    if caller.actor.roles & SUPERVISORS:
        return await repository.get_trade(s, trade_id=trade_id)
    return await repository.get_trade_of(s, trade_id=trade_id, org_id=caller.actor.org_id)


@router.get("/trades")
async def trades(
    caller: CallerDep,
    s: ReadDep,
    after: Annotated[Id | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> list[TradeView]:
    """One's trades, newest first; supervisors see all of them."""
    org_id = None if caller.actor.roles & SUPERVISORS else caller.actor.org_id
    rows = await repository.trades_of(s, org_id=org_id, after=after, limit=limit)
    return [TradeView.of(row) for row in rows]


@router.get("/trades/{trade_id}")
async def trade(trade_id: Id, caller: CallerDep, s: ReadDep) -> TradeView:
    """One trade."""
    return TradeView.of(await visible(s, caller, trade_id))


class ContractDutyView(View):
    """A right or duty of a contract, and what the evidence on record says of it now.

    `signed`: the contract itself puts it down; false where the contract is from before, and the law does.
    """

    code: str
    bearer: str
    basis: str
    text: str
    text_en: str
    verdict: str
    done: int
    of: int | None
    late: int
    refs: list[str]
    signed: bool

    @classmethod
    def of_line(cls, line: CheckedDuty) -> "ContractDutyView":
        duty, found = line.duty, line.evidence
        return cls(
            code=duty.code,
            bearer=duty.bearer.value,
            basis=duty.basis,
            text=duty.words.zh,
            text_en=duty.words.en,
            verdict=line.verdict.value,
            done=found.done,
            of=found.of,
            late=found.late,
            refs=list(found.refs),
            signed=line.signed,
        )


@router.get("/trades/{trade_id}/contract/duties")
async def contract_duties(trade_id: Id, caller: CallerDep, s: ReadDep) -> list[ContractDutyView]:
    """Rights and duties of data subject, controller and user under the contract, each with its evidence."""
    trade = await visible(s, caller, trade_id)
    lines = await checklist_of(s, trade, now=caller.node.clock.now())
    return [ContractDutyView.of_line(one) for one in lines]


@router.get("/trades/{trade_id}/timeline")
async def events(trade_id: Id, caller: CallerDep, s: ReadDep) -> list[StatementView]:
    """What was stated about it, with the number of each statement in the ledger."""
    await visible(s, caller, trade_id)
    return [StatementView.of(said) for said in await timeline(s, trade_id=trade_id)]


@router.get("/trades/{trade_id}/openings")
async def openings(trade_id: Id, caller: CallerDep, s: ReadDep) -> dict[str, Any]:
    """The private parts of one's own trade, by the commitment in the statements.

    Of account numbers a party sees its own; what has something `withheld` comes without its nonce. Why an
    act was refused, and with which numbers, is the refused party's business alone, and how a panel votes its
    own until it has ruled.
    """
    trade = await visible(s, caller, trade_id)
    disputed = TradeState.DISPUTED in {trade.status, trade.frozen_from}
    found = {}
    for said in await timeline(s, trade_id=trade_id):
        if said.opening_sha256 is not None and _may_open(caller, said, disputed=disputed):
            opened = await opening(s, sha256=said.opening_sha256)
            if opened is not None and not caller.actor.roles & SUPERVISORS:
                opened = seen_by(caller.actor.org_id, trade, said.event, said.predicate, opened)
            found[said.opening_sha256] = opened
    return found


def _may_open(caller: CallerDep, said: Statement, *, disputed: bool) -> bool:
    """Whether the caller, who may see the trade, may also see what this statement commits to."""
    if caller.actor.roles & SUPERVISORS:
        return True
    if said.event == "DSP.VOTE":
        return not disputed
    return said.event != "REF.REFUSE" or said.predicate.get("refused") == caller.actor.org_id


@router.post("/trades/{trade_id}/sign", **answers(SIGN, TradeView))
async def sign(trade_id: Id, caller: CallerDep) -> Response:
    """Sign the contract."""
    return respond(await caller.do(SIGN, TradeArgs(trade_id=trade_id)))


@router.post("/trades/{trade_id}/start-delivery", **answers(START_DELIVERY, EntitlementView))
async def start_delivery(trade_id: Id, caller: CallerDep) -> Response:
    """Open the delivery of a funded trade, as the provider."""
    return respond(await caller.do(START_DELIVERY, TradeArgs(trade_id=trade_id)))


@router.post("/trades/{trade_id}/confirm-receipt", **answers(CONFIRM_RECEIPT, TradeView))
async def confirm_receipt(trade_id: Id, caller: CallerDep) -> Response:
    """Confirm, as the buyer, that the goods have arrived by another way."""
    return respond(await caller.do(CONFIRM_RECEIPT, TradeArgs(trade_id=trade_id)))


@router.post("/trades/{trade_id}/accept-goods", **answers(ACCEPT_GOODS, TradeView))
async def accept_goods(trade_id: Id, caller: CallerDep, form: GoodsForm) -> Response:
    """Accept the goods, if one likes with what one's own tools measured."""
    return respond(await caller.do(ACCEPT_GOODS, GoodsArgs(trade_id=trade_id, **form.model_dump())))
