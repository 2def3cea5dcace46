"""Disputes and their mediation. The ruling is in `web.api.rulings`."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from pydantic import Field

from base.db import ReadSession, WriteSession
from cases.rules import REGULATORS
from ledger.recording import Act
from market.disputes import mediation, repository, service
from market.disputes.rules import MAX_EVIDENCE, MAX_NAME, MAX_TEXT, DisputeState, Evidence, Ground
from market.disputes.rules import Outcome as Ends
from market.disputes.tables import Dispute, Proposal, Vote
from web.acts import ActKind, AmountMinor, Args, Asked, Id, Sha256, kind
from web.api.trades import visible
from web.deps import CallerDep, ReadDep, answers, respond
from web.node import Node
from web.views import View

router = APIRouter(tags=["disputes"])
_SIDES: Final = frozenset({"BUYER", "PROVIDER"})
_OPERATOR: Final = frozenset({"EXCHANGE_OPERATOR"})
_READERS: Final = REGULATORS | _OPERATOR | {"AUDITOR"}
Text = Annotated[str, Field(max_length=MAX_TEXT)]
ProposalNo = Annotated[int, Field(ge=1, le=10**6)]


class EvidenceForm(Asked):
    name: str = Field(min_length=1, max_length=MAX_NAME)
    sha256: Sha256


class ProposalView(View):
    number: int
    side: str
    outcome: str
    refund_minor: int
    note: str
    status: str
    made_at: datetime
    closed_at: datetime | None

    @classmethod
    def of(cls, row: Proposal) -> "ProposalView":
        return cls.model_validate(row)


class VoteView(View):
    outcome: str
    refund_minor: int
    reasons: str
    voted_at: datetime

    @classmethod
    def of(cls, row: Vote) -> "VoteView":
        return cls.model_validate(row)


class DisputeView(View):
    dispute_id: str
    trade_id: str
    status: str
    side: str
    ground: str
    opened_at: datetime
    mediate_by: datetime
    outcome: str | None
    basis: str | None
    refund_minor: int | None
    award_sha256: str | None
    ended_at: datetime | None

    @classmethod
    def of(cls, row: Dispute) -> "DisputeView":
        return cls.model_validate(row)


class DisputeRoomView(DisputeView):
    """A dispute as its parties and supervisors see it; what the panel says is read when it has ruled."""

    text: str
    evidence: list[dict[str, str]]
    proposals: list[ProposalView]
    votes_given: int
    votes: list[VoteView]


class DisputeForm(Asked):
    ground: Ground
    text: Text = ""
    evidence: list[EvidenceForm] = Field(default=[], max_length=MAX_EVIDENCE)


class DisputeArgs(Args, DisputeForm):
    trade_id: Id


async def _dispute(s: WriteSession, act: Act, args: DisputeArgs, node: Node) -> Any:
    del node
    shown = [Evidence(piece.name, piece.sha256) for piece in args.evidence]
    return await service.open_dispute(
        s, act, trade_id=args.trade_id, ground=args.ground, text=args.text, evidence=shown
    )


DISPUTE = kind(
    ActKind(
        name="trade.dispute",
        event="TRD.DISPUTE",
        args=DisputeArgs,
        roles=_SIDES,
        verb=_dispute,
        answer=DisputeView.of,
        about=lambda args: args.trade_id,
        status=201,
    )
)


class AwardForm(Asked):
    """ACCEPT pays the seller, REFUND the buyer; PARTIAL gives `refund_minor` back and pays the rest out."""

    outcome: Ends
    refund_minor: AmountMinor | None = None


class ProposalForm(AwardForm):
    note: Text = ""


class ProposalArgs(Args, ProposalForm):
    trade_id: Id


async def _propose(s: WriteSession, act: Act, args: ProposalArgs, node: Node) -> Any:
    del node
    return await mediation.propose(s, act, **dict(args))


PROPOSE = kind(
    ActKind(
        name="dispute.propose",
        event="DSP.PROPOSE",
        args=ProposalArgs,
        roles=_SIDES,
        verb=_propose,
        answer=ProposalView.of,
        about=lambda args: args.trade_id,
        status=201,
    )
)


class AgreeForm(Asked):
    proposal_no: ProposalNo


class AgreeArgs(Args, AgreeForm):
    trade_id: Id


async def _withdraw(s: WriteSession, act: Act, args: AgreeArgs, node: Node) -> Any:
    del node
    return await mediation.withdraw_proposal(s, act, **dict(args))


WITHDRAW = kind(
    ActKind(
        name="dispute.withdraw",
        event="DSP.WITHDRAW",
        args=AgreeArgs,
        roles=_SIDES,
        verb=_withdraw,
        answer=ProposalView.of,
        about=lambda args: args.trade_id,
    )
)


async def _agree(s: WriteSession, act: Act, args: AgreeArgs, node: Node) -> Any:
    del node
    return await mediation.agree(s, act, **dict(args))


AGREE = kind(
    ActKind(
        name="dispute.agree",
        event="DSP.AGREE",
        args=AgreeArgs,
        roles=_SIDES,
        verb=_agree,
        answer=DisputeView.of,
        about=lambda args: args.trade_id,
    )
)


async def dispute_room(s: ReadSession, *, trade_id: str, supervisor: bool) -> DisputeRoomView:
    """A dispute as it is shown; the panel's votes when it has ended, and to supervisors before."""
    found = await repository.dispute_of(s, trade_id=trade_id)
    votes = await repository.votes_of(s, dispute_id=found.dispute_id)
    told = votes if supervisor or found.status is DisputeState.ENDED else []
    proposals = await repository.proposals_of(s, dispute_id=found.dispute_id)
    return DisputeRoomView(
        **DisputeView.of(found).model_dump(),
        text=found.text,
        evidence=found.evidence,
        proposals=[ProposalView.of(row) for row in proposals],
        votes_given=len(votes),
        votes=[VoteView.of(row) for row in told],
    )


@router.get("/disputes")
async def disputes(
    caller: CallerDep,
    s: ReadDep,
    after: Annotated[Id | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> list[DisputeView]:
    """Open disputes with the ends of their mediations, oldest first, for the exchange and its supervisors."""
    caller.require(*_READERS)
    found = await repository.open_disputes(s, after=after, limit=limit)
    return [DisputeView.of(row) for row, _ in found]


@router.get("/trades/{trade_id}/dispute")
async def dispute(trade_id: Id, caller: CallerDep, s: ReadDep) -> DisputeRoomView:
    """The dispute about a trade: what is said, proposed and, when it has ended, ruled."""
    await visible(s, caller, trade_id)
    return await dispute_room(s, trade_id=trade_id, supervisor=bool(caller.actor.roles & _READERS))


@router.post("/trades/{trade_id}/dispute", **answers(DISPUTE, DisputeView))
async def open_dispute(trade_id: Id, caller: CallerDep, form: DisputeForm) -> Response:
    """Dispute what was delivered, as buyer or provider, while it can still be accepted."""
    return respond(await caller.do(DISPUTE, DisputeArgs(trade_id=trade_id, **dict(form))))


@router.post("/trades/{trade_id}/proposals", **answers(PROPOSE, ProposalView))
async def propose(trade_id: Id, caller: CallerDep, form: ProposalForm) -> Response:
    """Propose how the dispute ends; it replaces one's earlier proposal."""
    return respond(await caller.do(PROPOSE, ProposalArgs(trade_id=trade_id, **dict(form))))


@router.post("/trades/{trade_id}/proposals/{proposal_no}/withdraw", **answers(WITHDRAW, ProposalView))
async def withdraw(trade_id: Id, proposal_no: ProposalNo, caller: CallerDep) -> Response:
    """Take back one's proposal while nobody has agreed to it."""
    return respond(await caller.do(WITHDRAW, AgreeArgs(trade_id=trade_id, proposal_no=proposal_no)))


@router.post("/trades/{trade_id}/agree", **answers(AGREE, DisputeView))
async def agree(trade_id: Id, caller: CallerDep, form: AgreeForm) -> Response:
    """Agree to the other side's proposal: the dispute ends as it says."""
    return respond(await caller.do(AGREE, AgreeArgs(trade_id=trade_id, proposal_no=form.proposal_no)))
