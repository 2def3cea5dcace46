"""What is asked about disputes. The trade's lock covers all of it: whoever writes has claimed the trade."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlmodel import col, select

from base.db import ReadSession
from market.disputes.errors import DisputeUnknown, ProposalUnknown
from market.disputes.rules import DisputeState, ProposalState, Side
from market.disputes.tables import Dispute, LateRefund, Proposal, Vote
from market.orders.tables import Trade
from market.settlement.tables import Claim, ClaimStatus, WorkItem

OVERDUE_WORK: Final = "mediation-overdue"
MAX_PAGE: Final = 100
_FRESH: Final = {"populate_existing": True}


async def find_dispute(s: ReadSession, *, trade_id: str) -> Dispute | None:
    """The dispute of a trade, open or ended; None where it never was disputed."""
    query = select(Dispute).where(Dispute.trade_id == trade_id)
    return (await s.exec(query, execution_options=_FRESH)).first()


async def dispute_of(s: ReadSession, *, trade_id: str) -> Dispute:
    """The dispute of a trade. Raises DisputeUnknown."""
    found = await find_dispute(s, trade_id=trade_id)
    if found is None:
        raise DisputeUnknown("nobody has disputed this trade", trade_id=trade_id)
    return found


async def open_disputes(
    s: ReadSession, *, after: str | None = None, limit: int = 50
) -> Sequence[tuple[Dispute, Trade]]:
    """Open disputes with their trades, oldest first, by keyset: `after` is the last id seen."""
    query = (
        select(Dispute, Trade)
        .join(Trade, col(Trade.trade_id) == col(Dispute.trade_id))
        .where(Dispute.status == DisputeState.OPEN)
        .order_by(col(Dispute.dispute_id))
        .limit(min(limit, MAX_PAGE))
    )
    if after is not None:
        query = query.where(col(Dispute.dispute_id) > after)
    return [(dispute, trade) for dispute, trade in (await s.exec(query)).all()]


class Talks(NamedTuple):
    """Until when the sides of a trade may agree, and which of them have a proposal that stands."""

    mediate_by: datetime
    proposed: frozenset[Side]


async def talks_of(s: ReadSession, *, trade_ids: Collection[str]) -> dict[str, Talks]:
    """Of these trades those whose dispute is open: how far the sides are, in one question."""
    if not trade_ids:
        return {}
    stands = (col(Proposal.dispute_id) == col(Dispute.dispute_id)) & (
        col(Proposal.status) == ProposalState.OPEN
    )
    query = (
        select(Dispute.trade_id, Dispute.mediate_by, Proposal.side)
        .outerjoin(Proposal, stands)
        .where(col(Dispute.trade_id).in_(trade_ids), Dispute.status == DisputeState.OPEN)
    )
    found: dict[str, Talks] = {}
    for trade_id, mediate_by, side in (await s.exec(query)).all():
        before = found[trade_id].proposed if trade_id in found else frozenset()
        found[trade_id] = Talks(mediate_by, before | {Side(side)} if side else before)
    return found


async def proposals_of(s: ReadSession, *, dispute_id: str) -> Sequence[Proposal]:
    """What the sides proposed, first to last."""
    query = select(Proposal).where(Proposal.dispute_id == dispute_id).order_by(col(Proposal.number))
    return (await s.exec(query, execution_options=_FRESH)).all()


async def standing_proposals(s: ReadSession, *, dispute_id: str) -> Sequence[Proposal]:
    """What stands of it: at most one of each side."""
    return [
        proposal
        for proposal in await proposals_of(s, dispute_id=dispute_id)
        if proposal.status is ProposalState.OPEN
    ]


async def get_proposal(s: ReadSession, *, dispute_id: str, number: int) -> Proposal:
    """One proposal. Raises ProposalUnknown."""
    found = await s.get(Proposal, (dispute_id, number), populate_existing=True)
    if found is None:
        raise ProposalUnknown("no such proposal", dispute_id=dispute_id, number=number)
    return found


async def votes_of(s: ReadSession, *, dispute_id: str) -> Sequence[Vote]:
    """The votes so far, in the order they were given."""
    query = select(Vote).where(Vote.dispute_id == dispute_id)
    in_order = query.order_by(col(Vote.voted_at), col(Vote.statement_id))
    return (await s.exec(in_order, execution_options=_FRESH)).all()


async def is_told_overdue(s: ReadSession, *, trade_id: str) -> bool:
    """Whether it was put before a person that the mediation of a trade is over, also where that is done."""
    query = select(WorkItem.item_id).where(WorkItem.trade_id == trade_id, WorkItem.kind == OVERDUE_WORK)
    return (await s.exec(query.limit(1))).first() is not None


async def late_refund_of(s: ReadSession, *, trade_id: str) -> LateRefund | None:
    """The refund that was ordered after a trade's release, if one was."""
    return await s.get(LateRefund, trade_id, populate_existing=True)


async def overdue_claims(s: ReadSession, *, now: datetime, limit: int = 50) -> Sequence[Claim]:
    """What is claimed back after a release and was not paid in time, the longest overdue first."""
    query = (
        select(Claim)
        .where(Claim.status == ClaimStatus.OPEN, col(Claim.due_at) <= now)
        .order_by(col(Claim.due_at), col(Claim.claim_id))
        .limit(min(limit, MAX_PAGE))
    )
    return (await s.exec(query)).all()
