"""How the two sides of a dispute come to terms by themselves: proposals, and the other side's agreement.

They have the twenty working days of the mediation. Who agrees signs for the proposal as it was made; what
follows is the exchange's statement.
"""

from typing import Final

from base.db import WriteSession
from ledger.recording import Act, record
from ledger.statement import Draft
from market.disputes import repository
from market.disputes.errors import ProposalIsOwn, ProposalNotOpen, ProposalNotOwn
from market.disputes.rules import Award, Basis, ProposalState, Side, award_of, check_text
from market.disputes.service import end_dispute, open_dispute_of, party_of
from market.disputes.tables import Dispute, Proposal
from market.orders.deadlines import check_in_time
from market.orders.errors import TradeWrongRole
from market.orders.statements import named
from market.orders.states import TradeEvent
from market.orders.tables import Trade

_SIDES: Final = frozenset({"BUYER", "PROVIDER"})


async def propose(
    s: WriteSession,
    act: Act,
    *,
    trade_id: str,
    outcome: str,
    refund_minor: int | None = None,
    note: str = "",
) -> Proposal:
    """Propose how a dispute ends (DSP.PROPOSE): ACCEPT, REFUND, or PARTIAL with the fen that go back.

    It takes the place of the side's earlier one; the amount and the note stay in the opening. Raises
    NotAParty, TradeWrongState, DeadlinePassed after the mediation, DisputeMalformed, RefundBeyondPaid.
    """
    trade, side = await _side_of(s, act, trade_id)
    dispute = await open_dispute_of(s, act, trade, TradeEvent.SETTLE_AGREED)
    check_in_time(dispute.mediate_by, act.now)
    assert trade.price_minor is not None
    award = award_of(outcome, refund_minor, price_minor=trade.price_minor)
    check_text(note)
    earlier = await repository.proposals_of(s, dispute_id=dispute.dispute_id)
    for proposal in earlier:
        if proposal.side is side and proposal.status is ProposalState.OPEN:
            _close(s, act, proposal, ProposalState.REPLACED)
    number = len(earlier) + 1
    recorded = await record(
        s,
        act,
        Draft(
            "DSP.PROPOSE",
            trade_id,
            public=named(trade) | {"dispute_id": dispute.dispute_id, "proposal_no": number},
            opening={
                "outcome": award.outcome.value,
                "refund_minor": str(award.refund_minor),
                "note": note,
            },
        ),
    )
    made = Proposal(
        dispute_id=dispute.dispute_id,
        number=number,
        side=side,
        outcome=award.outcome,
        refund_minor=award.refund_minor,
        note=note,
        status=ProposalState.OPEN,
        made_at=act.occurred_at,
        statement_id=recorded.statement_id,
    )
    s.add(made)
    await s.flush()
    return made


async def withdraw_proposal(s: WriteSession, act: Act, *, trade_id: str, proposal_no: int) -> Proposal:
    """Take one's own proposal back while nobody has agreed to it (DSP.WITHDRAW).

    Raises NotAParty, TradeWrongState, ProposalUnknown, ProposalNotOwn, ProposalNotOpen.
    """
    trade, side = await _side_of(s, act, trade_id)
    _, proposal = await _standing(s, act, trade, proposal_no)
    if proposal.side is not side:
        raise ProposalNotOwn("the other side made it", proposal_no=proposal_no)
    _close(s, act, proposal, ProposalState.WITHDRAWN)
    await _say(s, act, "DSP.WITHDRAW", trade, proposal)
    return proposal


async def agree(s: WriteSession, act: Act, *, trade_id: str, proposal_no: int) -> Dispute:
    """Agree to the other side's proposal (DSP.AGREE): the dispute ends as it says, at once.

    The exchange states what follows: TRD.SETTLE_AGREED, TRD.PARTIAL or TRD.RULE_FOR_BUYER, on the basis
    AGREED. Raises NotAParty, TradeWrongState, DeadlinePassed after the mediation, ProposalUnknown,
    ProposalIsOwn, ProposalNotOpen.
    """
    trade, side = await _side_of(s, act, trade_id)
    dispute, proposal = await _standing(s, act, trade, proposal_no)
    if proposal.side is side:
        raise ProposalIsOwn("it is your own proposal", proposal_no=proposal_no)
    check_in_time(dispute.mediate_by, act.now)
    _close(s, act, proposal, ProposalState.AGREED)
    await _say(s, act, "DSP.AGREE", trade, proposal)
    return await end_dispute(
        s,
        act.as_exchange(),
        trade=trade,
        dispute=dispute,
        award=Award(proposal.outcome, proposal.refund_minor),
        basis=Basis.AGREED,
        public={"proposal_no": proposal_no},
    )


async def _side_of(s: WriteSession, act: Act, trade_id: str) -> tuple[Trade, Side]:
    """The trade, locked, for one of the two whose dispute it is. Raises TradeWrongRole, NotAParty."""
    if act.role not in _SIDES:
        raise TradeWrongRole("the two sides come to terms", role=act.role, roles=sorted(_SIDES))
    return await party_of(s, act, trade_id)


async def _standing(s: WriteSession, act: Act, trade: Trade, proposal_no: int) -> tuple[Dispute, Proposal]:
    dispute = await open_dispute_of(s, act, trade, TradeEvent.SETTLE_AGREED)
    proposal = await repository.get_proposal(s, dispute_id=dispute.dispute_id, number=proposal_no)
    if proposal.status is not ProposalState.OPEN:
        raise ProposalNotOpen(
            "it does not stand any more", proposal_no=proposal_no, status=proposal.status.value
        )
    return dispute, proposal


def _close(s: WriteSession, act: Act, proposal: Proposal, status: ProposalState) -> None:
    proposal.status, proposal.closed_at = status, act.occurred_at
    s.add(proposal)


async def _say(s: WriteSession, act: Act, event: str, trade: Trade, proposal: Proposal) -> None:
    await s.flush()
    said = {"dispute_id": proposal.dispute_id, "proposal_no": proposal.number}
    await record(s, act, Draft(event, trade.trade_id, public=named(trade) | said))
