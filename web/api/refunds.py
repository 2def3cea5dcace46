"""Refunds after the release: who orders them, and who owes what."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from pydantic import Field, model_validator

from base.db import WriteSession
from ledger.recording import Act
from market.disputes import refunds, repository
from market.disputes.rules import Fault, Ground
from market.disputes.tables import LateRefund
from market.settlement.repository import claims_of
from market.settlement.tables import Claim, ClaimStatus
from web.acts import ActKind, AmountMinor, Args, Asked, Count, Id, Sha256, kind
from web.api.trades import SUPERVISORS, visible
from web.deps import CallerDep, ReadDep, answers, respond
from web.node import Node
from web.views import View

router = APIRouter(tags=["disputes"])
_OPERATOR: Final = frozenset({"EXCHANGE_OPERATOR"})


class ClaimView(View):
    claim_id: str
    debtor_id: str
    payee: str
    amount_minor: int
    status: str
    due_at: datetime
    paid_at: datetime | None
    overdue: bool

    @classmethod
    def at(cls, row: Claim, now: datetime) -> "ClaimView":
        """A claim as it stands at a moment."""
        overdue = row.status is ClaimStatus.OPEN and now >= row.due_at
        shown = {name: getattr(row, name) for name in cls.model_fields if name != "overdue"}
        return cls(**shown, overdue=overdue)


class OverdueView(ClaimView):
    trade_id: str


class LateRefundView(View):
    trade_id: str
    ground: str
    refund_minor: int
    fault: list[str]
    order_id: str | None
    award_sha256: str | None
    decided_at: datetime

    @classmethod
    def of(cls, row: LateRefund) -> "LateRefundView":
        return cls.model_validate(row)


class RefundView(View):
    """What is ordered back after the release (None where a contract was made void), and who owes it."""

    refund: LateRefundView | None
    claims: list[ClaimView]


class RefundForm(Asked):
    """The fen that go back, or the quota that was bought and used: then its unused part does."""

    ground: Ground
    fault: list[Fault] = Field(default=[], max_length=len(Fault))
    refund_minor: AmountMinor | None = None
    bought: Count | None = None
    used: int | None = Field(default=None, ge=0, le=10**12)
    award_sha256: Sha256 | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "RefundForm":
        by_quota = self.bought is not None and self.used is not None
        if by_quota == (self.refund_minor is not None) or (self.bought is None) != (self.used is None):
            raise ValueError("name refund_minor, or bought and used")
        return self


class RefundArgs(Args, RefundForm):
    trade_id: Id


async def _refund(s: WriteSession, act: Act, args: RefundArgs, node: Node) -> Any:
    del node
    given = dict(args)
    trade_id, award_sha256 = given.pop("trade_id"), given.pop("award_sha256")
    terms = refunds.RefundTerms(**given)
    return await refunds.refund_after_release(
        s, act, trade_id=trade_id, terms=terms, award_sha256=award_sha256
    )


POST_REFUND = kind(
    ActKind(
        name="trade.post-refund",
        event="TRD.POST_REFUND",
        args=RefundArgs,
        roles=_OPERATOR,
        verb=_refund,
        answer=LateRefundView.of,
        about=lambda args: args.trade_id,
        status=201,
    )
)


@router.get("/trades/{trade_id}/refund")
async def refund(trade_id: Id, caller: CallerDep, s: ReadDep) -> RefundView:
    """What goes back after the release, and the claims on those who were paid; each pays by its claim_id."""
    await visible(s, caller, trade_id)
    found = await repository.late_refund_of(s, trade_id=trade_id)
    now = caller.node.clock.now()
    return RefundView(
        refund=None if found is None else LateRefundView.of(found),
        claims=[ClaimView.at(row, now) for row in await claims_of(s, trade_id=trade_id)],
    )


@router.get("/claims/overdue")
async def overdue(
    caller: CallerDep, s: ReadDep, limit: Annotated[int, Query(ge=1, le=100)] = 50
) -> list[OverdueView]:
    """What was to be paid back and was not in time, for the exchange and its supervisors."""
    caller.require(*SUPERVISORS)
    now = caller.node.clock.now()
    found = await repository.overdue_claims(s, now=now, limit=limit)
    return [OverdueView(**ClaimView.at(row, now).model_dump(), trade_id=row.trade_id) for row in found]


@router.post("/trades/{trade_id}/post-refund", **answers(POST_REFUND, LateRefundView))
async def post_refund(trade_id: Id, caller: CallerDep, form: RefundForm) -> Response:
    """Have a settled trade paid back, as the exchange; a regulator orders it in a case."""
    return respond(await caller.do(POST_REFUND, RefundArgs(trade_id=trade_id, **dict(form))))
