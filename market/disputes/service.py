"""A dispute, from its opening to its end: what was delivered is not what was sold, or so one side says.

While it is open the money stays in escrow, silence accepts nothing, and nothing more is delivered. It ends by
agreement (`market.disputes.mediation`), by a panel of the exchange or a court (`market.disputes.panel`), or
with the contract itself (`market.disputes.voiding`). Each act locks the trade first.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from base.calendar import deadline_after
from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import cancel, enqueue
from ledger.recording import Act, record
from ledger.statement import Draft
from market.delivery.service import SILENT_ACCEPT_JOB, freeze_entitlement, unfreeze_entitlement
from market.disputes import repository
from market.disputes.rules import (
    DISPUTABLE,
    Award,
    Basis,
    DisputeState,
    Evidence,
    Outcome,
    ProposalState,
    Side,
    check_evidence,
    parse_ground,
)
from market.disputes.tables import Dispute
from market.disputes.undoing import undo
from market.orders import repository as trades
from market.orders.deadlines import MEDIATE_WORKING_DAYS, check_in_time, due_in, resumed
from market.orders.errors import NotAParty
from market.orders.statements import named
from market.orders.states import TradeEvent, TradeState, may_move
from market.orders.tables import Trade
from market.settlement.instructing import queue_instruction
from market.settlement.refunding import divide
from market.settlement.repository import open_work_items_of
from market.settlement.work import ask_a_person

OVERDUE_JOB: Final = "disputes.mediation-over"
EXCHANGE: Final = "EXCHANGE_OPERATOR"
_LATE: Final = timedelta(milliseconds=1)
_EVENTS: Final[Mapping[tuple[Basis, Outcome], TradeEvent]] = {
    (Basis.AGREED, Outcome.ACCEPT): TradeEvent.SETTLE_AGREED,
    **{(basis, Outcome.ACCEPT): TradeEvent.RULE_FOR_SELLER for basis in (Basis.PANEL, Basis.COURT)},
    **{(basis, Outcome.PARTIAL): TradeEvent.PARTIAL for basis in (Basis.AGREED, Basis.PANEL, Basis.COURT)},
    **{
        (basis, Outcome.REFUND): TradeEvent.RULE_FOR_BUYER
        for basis in (Basis.AGREED, Basis.PANEL, Basis.COURT)
    },
}


async def open_dispute(
    s: WriteSession,
    act: Act,
    *,
    trade_id: str,
    ground: str,
    text: str = "",
    evidence: Sequence[Evidence] = (),
) -> Dispute:
    """Dispute what was delivered, in the acceptance window (TRD.DISPUTE): DELIVERED to DISPUTED.

    The buyer's or the provider's act; also the exchange's own (`act.as_exchange()`), where a test of what was
    delivered fails. `ground` is one of `rules.DISPUTABLE`; what is wrong stands in `text`, or is shown by
    `evidence` (both stay in the opening). Silence accepts nothing any more, nothing more is delivered, and
    the twenty working days of mediation begin. Raises TradeUnknown, NotAParty, TradeWrongState,
    TradeWrongRole, DeadlinePassed, EvidenceMissing, DisputeMalformed.
    """
    trade, side = await party_of(s, act, trade_id)
    may_move(trade.status, TradeEvent.DISPUTE, act.role)
    assert trade.accept_by is not None
    if act.role != EXCHANGE:  # whose test may come late after a standstill, with silence waiting for it
        check_in_time(trade.accept_by, act.now)
    known = parse_ground(ground, among=DISPUTABLE)
    check_evidence(text, evidence)
    before = trade.status
    await trades.move(s, trade=trade, event=TradeEvent.DISPUTE, role=act.role)
    await freeze_entitlement(s, trade_id=trade_id)
    dispute_id = act.new_id("dsp")
    shown = [{"name": piece.name, "sha256": piece.sha256} for piece in evidence]
    recorded = await record(
        s,
        act,
        Draft(
            "TRD.DISPUTE",
            trade_id,
            public=named(trade) | {"dispute_id": dispute_id, "ground": known.value},
            opening={"text": text, "evidence": shown},
            before=before.value,
            after=trade.status.value,
        ),
    )
    dispute = Dispute(
        dispute_id=dispute_id,
        trade_id=trade_id,
        status=DisputeState.OPEN,
        opened_by=act.actor.org_id,
        side=side,
        ground=known,
        text=text,
        evidence=shown,
        opened_at=act.occurred_at,
        mediate_by=deadline_after(act.occurred_at, MEDIATE_WORKING_DAYS).at,
        statement_id=recorded.statement_id,
    )
    s.add(dispute)
    await s.flush()
    await cancel(s, kind=SILENT_ACCEPT_JOB, key=trade_id, now=act.now)
    await _await_end(s, dispute)
    return dispute


async def party_of(s: WriteSession, act: Act, trade_id: str) -> tuple[Trade, Side]:
    """The trade, locked, and on which side the actor is in it. Raises TradeUnknown, NotAParty."""
    if act.role == EXCHANGE:
        return await trades.claim_trade(s, trade_id=trade_id), Side.EXCHANGE
    trade = await trades.claim_trade_of(s, trade_id=trade_id, org_id=act.actor.org_id)
    own = {"PROVIDER": trade.seller_id, "BUYER": trade.buyer_id}.get(act.role)
    if own != act.actor.org_id:
        raise NotAParty("you are no party of this trade in that role", role=act.role)
    return trade, Side(act.role)


async def open_dispute_of(s: WriteSession, act: Act, trade: Trade, event: TradeEvent) -> Dispute:
    """The open dispute of a trade that is locked by the caller; `event` is what would end it.

    Raises TradeWrongState where the trade is not (or no longer, or just not now) disputed.
    """
    may_move(trade.status, event, act.as_exchange().role)
    return await repository.dispute_of(s, trade_id=trade.trade_id)


async def end_dispute(
    s: WriteSession,
    act: Act,
    *,
    trade: Trade,
    dispute: Dispute,
    award: Award,
    basis: Basis,
    public: Mapping[str, Any] | None = None,
    opening: Mapping[str, Any] | None = None,
    subjects: Mapping[str, str] | None = None,
) -> Dispute:
    """Carry out how a dispute ends, by an act of the exchange: the money, the right to receive, the clock.

    The trade is locked by the caller and DISPUTED. What goes back of the price stands in the opening.
    """
    event = _EVENTS[basis, award.outcome]
    before, values = trade.status, _settled_on(act, award)
    await trades.move(s, trade=trade, event=event, role=act.role, values=values)
    said = dict(opening or {}) | {"refund_minor": str(award.refund_minor)}
    await record(
        s,
        act,
        Draft(
            f"TRD.{event.value}",
            trade.trade_id,
            public=named(trade)
            | {"dispute_id": dispute.dispute_id, "basis": basis.value}
            | dict(public or {}),
            opening=said,
            subjects=subjects or {},
            before=before.value,
            after=trade.status.value,
        ),
    )
    await close_dispute(s, act, dispute, basis=basis, award=award)
    if award.outcome is Outcome.REFUND:
        await undo(s, act, trade=trade)
        return dispute
    await unfreeze_entitlement(s, trade_id=trade.trade_id)
    if award.outcome is Outcome.PARTIAL:
        at = values["settle_at"]
        await divide(s, act, trade=trade, refund_minor=award.refund_minor, at=at)
    else:
        await queue_instruction(s, act, trade_id=trade.trade_id, at=values["settle_at"])
    return dispute


def _settled_on(act: Act, award: Award) -> dict[str, datetime]:
    """What a trade keeps of its acceptance, where some of the price goes to the seller (T+1)."""
    if award.outcome is Outcome.REFUND:
        return {}
    due = due_in(TradeState.ACCEPTED_GOODS, act.occurred_at)
    assert due is not None
    return {"accepted_at": act.occurred_at, "settle_at": due.deadline.at}


async def close_dispute(
    s: WriteSession, act: Act, dispute: Dispute, *, basis: Basis, award: Award | None
) -> None:
    """Enter how a dispute ended: what stood of its proposals lapses, its clock and its work item end."""
    dispute.status, dispute.basis, dispute.ended_at = DisputeState.ENDED, basis, act.occurred_at
    if award is not None:
        dispute.outcome, dispute.refund_minor = award.outcome, award.refund_minor
    s.add(dispute)
    for proposal in await repository.standing_proposals(s, dispute_id=dispute.dispute_id):
        proposal.status, proposal.closed_at = ProposalState.LAPSED, act.occurred_at
        s.add(proposal)
    for item in await open_work_items_of(s, trade_id=dispute.trade_id):
        if item.kind == repository.OVERDUE_WORK:
            item.closed_at = act.occurred_at
            s.add(item)
    await s.flush()
    await cancel(s, kind=OVERDUE_JOB, key=_clock_of(dispute), now=act.now)


async def note_overdue(s: WriteSession, act: Act, *, trade_id: str) -> bool:
    """The end of the mediation (DSP.OVERDUE): nobody has agreed, so the exchange's panel has to rule.

    It becomes a work item, once. False where the dispute has ended, stands still, or has time left.
    """
    trade = await trades.claim_trade(s, trade_id=trade_id)
    if trade.status is not TradeState.DISPUTED:
        return False
    dispute = await repository.dispute_of(s, trade_id=trade_id)
    if act.now <= dispute.mediate_by or await repository.is_told_overdue(s, trade_id=trade_id):
        return False
    recorded = await record(
        s,
        act,
        Draft("DSP.OVERDUE", trade_id, public=named(trade) | {"dispute_id": dispute.dispute_id}),
    )
    facts = {"dispute_id": dispute.dispute_id}
    await ask_a_person(
        s, act, kind=repository.OVERDUE_WORK, trade_id=trade_id, facts=facts, recorded=recorded
    )
    return True


async def resume_mediation(s: WriteSession, act: Act, *, trade: Trade, frozen_at: datetime) -> None:
    """Let the clock of a dispute go on after a freeze, later by the working days the trade stood still.

    Where the mediation was over before the freeze, its job may have found a trade that stood still: it is
    asked for again.
    """
    dispute = await repository.dispute_of(s, trade_id=trade.trade_id)
    if dispute.mediate_by >= frozen_at:
        at = resumed(dispute.mediate_by, frozen_at=frozen_at, unfrozen_at=act.now).at
        dispute.mediate_by = at if at > act.now else deadline_after(act.now, 1).at
        s.add(dispute)
        await s.flush()
    await _await_end(s, dispute, again=act.new_id("job"))


async def _await_end(s: WriteSession, dispute: Dispute, *, again: str | None = None) -> None:
    """Have somebody look after a dispute that is not over when its mediation is; `again` after a freeze."""
    clock = _clock_of(dispute)
    await enqueue(
        s,
        kind=OVERDUE_JOB,
        key=clock if again is None else f"{clock}:{again}",
        run_at=dispute.mediate_by + _LATE,
        payload={"trade_id": dispute.trade_id},
    )


def _clock_of(dispute: Dispute) -> str:
    """The name of its job."""
    return f"{dispute.dispute_id}:{rfc3339(dispute.mediate_by)}"
