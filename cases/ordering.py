"""An order is two officers' work: one proposes it, another one of the same authority puts it into force.

Measures bite at once and hit a member whom nobody has heard; no single person orders them (`states.md` §3.5).
What is proposed, and in which case, is told in an opening only, so that nobody is warned by the log. In an
emergency the exchange acts first, for ten working days (a freeze, a suspension).
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlmodel import col, select

from base.calendar import deadline_after
from base.clock import rfc3339
from base.db import ReadSession, WriteSession, exclusive_lock
from cases import repository
from cases.errors import (
    CaseWrongRole,
    OrderConfirmedBefore,
    OrderLapsed,
    OrderMalformed,
    OrderNotOwn,
    OrderSameOfficer,
    OrderUnknown,
)
from cases.fitting import check_fits
from cases.rules import SILENT, Measure, check_refund_terms
from cases.service import Proposed, claim_ordering, issue_order
from cases.tables import CaseOrder, OrderProposal
from identity.service import require_identified, require_unbound
from ledger.recording import Act, record
from ledger.statement import Draft
from market.disputes.rules import Fault

# As long as the exchange's own emergency lasts (`states.md` §3.5): whom it is to hit is then another matter.
LAPSES_AFTER: Final = 10  # working days


async def propose_order(
    s: WriteSession,
    act: Act,
    *,
    case_id: str,
    measure: Measure,
    object_id: str,
    reason_code: str,
    refund_minor: int | None = None,
    fault: Collection[Fault] = (),
    seqs: Sequence[int] = (),
    held_at: datetime | None = None,
) -> OrderProposal:
    """Propose an order in an open investigation or upon its decision (ORD.PROPOSE). Nothing moves yet.

    Raises CaseWrongState, OrderBeyondPower, OrderMalformed, `person-not-identified`, and what
    `cases.fitting.check_fits` raises where its object does not take the order.
    """
    case = await claim_ordering(s, act, case_id=case_id, measure=measure)
    check_refund_terms(measure, refund_minor=refund_minor, fault=fault)
    if (seqs and measure is not Measure.FREEZE_EVIDENCE) or (held_at and measure is not Measure.INTERVIEW):
        raise OrderMalformed("only evidence has entries, only an interview a time", member="measure")
    officer = await require_identified(s, user_id=act.actor.user_id)
    await check_fits(s, act, case=case, measure=measure, object_id=object_id, seqs=seqs, held_at=held_at)
    row = OrderProposal(
        order_id=act.new_id("ord"),
        case_id=case_id,
        measure=measure,
        object_id=object_id,
        reason_code=reason_code,
        refund_minor=refund_minor,
        fault=sorted(one.value for one in fault),
        seqs=sorted(set(seqs)),
        held_at=held_at,
        proposed_by=act.actor.org_id,
        officer_id=officer.user_id,
        proposed_at=act.occurred_at,
        digest="",
    )
    opening: dict[str, Any] = {
        "case_id": case_id,  # the log tells which trades a case has flagged
        "measure": measure.value,
        "object_of_order": object_id,
        "reason_code": reason_code,
        "refund_minor": None if refund_minor is None else str(refund_minor),
        "fault": row.fault,
        "officer_id": officer.user_id,
    }
    opening |= {"seqs": row.seqs} if row.seqs else {}
    opening |= {"held_at": rfc3339(held_at)} if held_at else {}
    said = Draft("ORD.PROPOSE", row.order_id, {"order_id": row.order_id}, opening)
    row.digest = (await record(s, act, said)).digest
    s.add(row)
    await s.flush()
    return row


async def confirm_order(s: WriteSession, act: Act, *, order_id: str) -> CaseOrder:
    """Put a proposed order into force, as another officer of the authority: what it orders is done at once.

    Within ten working days, and while its proposer's account is open. Raises OrderUnknown,
    OrderConfirmedBefore, OrderLapsed, CaseWrongRole, OrderSameOfficer, `person-not-identified`,
    `persons-bound`, and what `cases.service.issue_order` raises.
    """
    row = await _waiting(s, act, order_id)
    if deadline_after(row.proposed_at, LAPSES_AFTER).has_passed(act.occurred_at):
        raise OrderLapsed("nobody confirmed it in time: propose it anew", order_id=order_id)
    first = await require_identified(s, user_id=row.officer_id)
    if not first.active:
        raise OrderLapsed("its proposer's account is closed: propose it anew", order_id=order_id)
    second = await require_identified(s, user_id=act.actor.user_id)
    if first.mark == second.mark:
        raise OrderSameOfficer("who proposes an order does not put it into force", order_id=order_id)
    await require_unbound(s, user_id=second.user_id, others=[first.user_id])
    row.confirmed_at, row.confirmed_by = act.occurred_at, second.user_id
    s.add(row)
    return await issue_order(
        s,
        act,
        case_id=row.case_id,
        measure=row.measure,
        object_id=row.object_id,
        reason_code=row.reason_code,
        refund_minor=row.refund_minor,
        fault=[Fault(one) for one in row.fault],
        seqs=row.seqs,
        held_at=row.held_at,
        proposed=Proposed(order_id, row.digest),
    )


async def withdraw_order(s: WriteSession, act: Act, *, order_id: str) -> OrderProposal:
    """Take a proposed order back, as who has proposed it, before it is in force (ORD.WITHDRAW).

    Raises OrderUnknown, OrderConfirmedBefore, OrderLapsed, CaseWrongRole, OrderNotOwn,
    `person-not-identified`.
    """
    row = await _waiting(s, act, order_id)
    first = await require_identified(s, user_id=row.officer_id)
    officer = await require_identified(s, user_id=act.actor.user_id)
    if first.mark != officer.mark:
        raise OrderNotOwn("who proposes an order takes it back", order_id=order_id)
    row.withdrawn_at = act.occurred_at
    s.add(row)
    await s.flush()
    opening = {"case_id": row.case_id, "officer_id": officer.user_id}
    await record(s, act, Draft("ORD.WITHDRAW", order_id, {"order_id": order_id}, opening))
    return row


async def _waiting(s: WriteSession, act: Act, order_id: str) -> OrderProposal:
    """An order of the actor's authority that waits for a second officer, locked."""
    query = exclusive_lock(select(OrderProposal).where(OrderProposal.order_id == order_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise OrderUnknown("no such order", order_id=order_id)
    if row.confirmed_at is not None:
        raise OrderConfirmedBefore("the order is in force", order_id=order_id)
    if row.proposed_by != act.actor.org_id:
        raise CaseWrongRole("another authority has proposed it", role=act.role, roles=[])
    if row.withdrawn_at is not None:
        raise OrderLapsed("it was withdrawn", order_id=order_id)
    return row


async def orders_in(
    s: ReadSession, *, case_id: str, whole: bool
) -> tuple[Sequence[CaseOrder], Sequence[OrderProposal]]:
    """The orders of a case, and those that wait; `whole`: also what the log does not tell."""
    issued = await repository.orders_of(s, case_id=case_id)
    if whole:
        return issued, await proposals_of(s, case_id=case_id)
    return [one for one in issued if one.measure not in SILENT], []


async def proposals_of(s: ReadSession, *, case_id: str) -> Sequence[OrderProposal]:
    """The orders of a case that wait for a second officer, first to last."""
    query = select(OrderProposal).where(
        OrderProposal.case_id == case_id,
        col(OrderProposal.confirmed_at).is_(None),
        col(OrderProposal.withdrawn_at).is_(None),
    )
    return (await s.exec(query.order_by(OrderProposal.order_id))).all()
