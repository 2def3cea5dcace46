"""How a dispute ends that its sides do not end: the exchange's panel, and the awards of courts."""

from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter, Response
from pydantic import Field

from base.db import WriteSession
from ledger.recording import Act
from market.disputes import panel
from market.disputes.rules import MAX_TEXT
from market.orders.tables import OfficerTie
from web.acts import ActKind, Args, Id, Sha256, kind
from web.api.disputes import AwardForm, DisputeView
from web.deps import CallerDep, answers, respond
from web.node import Node
from web.views import View

router = APIRouter(tags=["disputes"])
_OPERATOR: Final = frozenset({"EXCHANGE_OPERATOR"})


class TieView(View):
    org_id: str
    declared_at: datetime

    @classmethod
    def of(cls, row: OfficerTie) -> "TieView":
        return cls.model_validate(row)


class VoteForm(AwardForm):
    reasons: str = Field(min_length=1, max_length=MAX_TEXT)


class VoteArgs(Args, VoteForm):
    trade_id: Id


async def _vote(s: WriteSession, act: Act, args: VoteArgs, node: Node) -> Any:
    del node
    return await panel.vote(s, act, **dict(args))


VOTE = kind(
    ActKind(
        name="dispute.vote",
        event="DSP.VOTE",
        args=VoteArgs,
        roles=_OPERATOR,
        verb=_vote,
        answer=DisputeView.of,
        about=lambda args: args.trade_id,
    )
)


class CourtForm(AwardForm):
    award_sha256: Sha256


class CourtArgs(Args, CourtForm):
    trade_id: Id


async def _award(s: WriteSession, act: Act, args: CourtArgs, node: Node) -> Any:
    del node
    return await panel.execute_award(s, act, **dict(args))


AWARD = kind(
    ActKind(
        name="dispute.award",
        event="TRD.RULE_FOR_BUYER",
        args=CourtArgs,
        roles=_OPERATOR,
        verb=_award,
        answer=DisputeView.of,
        about=lambda args: args.trade_id,
    )
)


class RecuseArgs(Args):
    org_id: Id


async def _recuse(s: WriteSession, act: Act, args: RecuseArgs, node: Node) -> Any:
    del node
    return await panel.declare_tie(s, act, org_id=args.org_id)


RECUSE = kind(
    ActKind(
        name="dispute.recuse",
        event="DSP.RECUSE",
        args=RecuseArgs,
        roles=_OPERATOR,
        verb=_recuse,
        answer=TieView.of,
        about=lambda args: args.org_id,
        status=201,
    )
)


@router.post("/trades/{trade_id}/votes", **answers(VOTE, DisputeView))
async def vote(trade_id: Id, caller: CallerDep, form: VoteForm) -> Response:
    """Vote on a dispute, as one of three officers of the exchange; the third vote rules."""
    return respond(await caller.do(VOTE, VoteArgs(trade_id=trade_id, **dict(form))))


@router.post("/trades/{trade_id}/award", **answers(AWARD, DisputeView))
async def award(trade_id: Id, caller: CallerDep, form: CourtForm) -> Response:
    """Carry out a court's or an arbitrator's award on a dispute, as the exchange."""
    return respond(await caller.do(AWARD, CourtArgs(trade_id=trade_id, **dict(form))))


@router.post("/recusals", **answers(RECUSE, TieView))
async def recuse(caller: CallerDep, form: RecuseArgs) -> Response:
    """Say, as an officer, that one is related to an organisation: one decides on none of its trades."""
    return respond(await caller.do(RECUSE, form))
