"""Government procurement: an agency states on what basis it buys; prices of its contracts are everybody's."""

from datetime import datetime
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import Field

from base.db import WriteSession
from ledger.recording import Act
from market.procurement import repository, service
from market.procurement.errors import ProcurementUnknown
from market.procurement.rules import MAX_REFERENCE, MOST_SHOWN, Basis, Method, Outcome, Reason, Way
from market.procurement.tables import Procurement
from web.acts import ActKind, AmountMinor, Args, Asked, Id, Sha256, kind
from web.api.trades import visible
from web.deps import CallerDep, ReadDep, answers, respond
from web.node import Node
from web.views import View

router = APIRouter(tags=["procurement"])
_OVERSEEING: Final = frozenset({"DATA_AUTHORITY", "SAMR", "AUDITOR"})


class BasisForm(Asked):
    """On what an agency buys, the duplicates it has seen, and why it buys all the same."""

    method: Method
    budget_reference: str = Field(min_length=1, max_length=MAX_REFERENCE)
    budget_minor: AmountMinor = Field(description="the budget of this purchase, in fen with tax")
    document_sha256: Sha256 = Field(description="of the decision, or of the award notice")
    seen: list[Id] = Field(
        default_factory=list, max_length=2 * MOST_SHOWN, description="trades that were shown as duplicates"
    )
    reason_code: Reason | None = None


class BasisArgs(Args, BasisForm):
    trade_id: Id


class ProcurementView(View):
    procurement_id: str
    trade_id: str
    number: int
    buyer_id: str
    method: Method
    budget_reference: str | None
    budget_minor: int | None
    document_sha256: str
    seen: list[str]
    reason_code: Reason | None
    stated_at: datetime

    @classmethod
    def of(cls, row: Procurement) -> "ProcurementView":
        names = set(cls.model_fields) - {"seen", "reason_code"}
        told = {name: getattr(row, name) for name in names}
        return cls(**told, seen=orjson.loads(row.seen), reason_code=row.reason)


class DuplicateView(View):
    """Another agency's standing purchase, and how its data could be shared."""

    trade_id: str
    buyer_id: str
    buyer: str
    agreed_at: datetime
    price_minor: int | None
    until: datetime | None
    way: Way | None


class PurchaseView(View):
    """What was stated of a purchase, and what the check for duplicates finds now."""

    stated: ProcurementView | None
    duplicates: list[DuplicateView]


class DisclosedView(View):
    """A contracted purchase of a public agency; its price in fen with tax."""

    trade_id: str
    buyer_id: str
    buyer: str
    product_id: str
    listing_id: str
    product: str
    price_minor: int
    method: Method | None
    contracted_at: datetime
    outcome: Outcome


async def _state(s: WriteSession, act: Act, args: BasisArgs, node: Node) -> Any:
    del node
    basis = Basis(args.method, args.budget_reference, args.budget_minor, args.document_sha256)
    return await service.state_procurement(
        s, act, trade_id=args.trade_id, basis=basis, seen=args.seen, reason=args.reason_code
    )


STATE = kind(
    ActKind(
        name="procurement.state",
        event=service.EVENT,
        args=BasisArgs,
        roles=frozenset({"BUYER"}),
        verb=_state,
        answer=ProcurementView.of,
        about=lambda args: args.trade_id,
        status=201,
    )
)


@router.post("/trades/{trade_id}/procurement", **answers(STATE, ProcurementView))
async def state(trade_id: Id, caller: CallerDep, form: BasisForm) -> Response:
    """State on what basis one's public agency buys; before the contract it can be stated anew."""
    return respond(await caller.do(STATE, BasisArgs(trade_id=trade_id, **form.model_dump())))


@router.get("/trades/{trade_id}/procurement")
async def purchase(trade_id: Id, caller: CallerDep, s: ReadDep) -> PurchaseView:
    """The basis of one's agency's purchase, and other agencies' purchases of the product now."""
    trade = await visible(s, caller, trade_id)
    own = trade.buyer_id == caller.actor.org_id
    agency = await repository.is_agency(s, org_id=trade.buyer_id)
    if not agency or not (own or _OVERSEEING & caller.actor.roles):
        raise ProcurementUnknown("no purchase of a public agency that is yours to see", trade_id=trade_id)
    row = await repository.newest_of(s, trade_id=trade_id)
    found = await repository.duplicates_of(s, trade, now=caller.node.clock.now(), before=trade.agreed_at)
    return PurchaseView(
        stated=None if row is None else ProcurementView.of(row),
        duplicates=[DuplicateView.model_validate(one) for one in found],
    )


@router.get("/procurements")
async def procurements(
    s: ReadDep,
    after: Annotated[Id | None, Query(description="the last trade_id of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> list[DisclosedView]:
    """What public agencies have bought, from the contract on: prices, and what became of it."""
    found = await repository.disclosed(s, after=after, limit=limit)
    return [DisclosedView.model_validate(one) for one in found]
