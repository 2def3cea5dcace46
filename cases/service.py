"""A chief officer's acts: an investigation is opened or closed, and orders bite at once.

Each act is one statement of the authority that does it; flags are the exchange's statements, because
they follow from the case being open. How a paper comes in is in `cases.filing` and `cases.intake`, how a
penalty comes about in `cases.punishing` and `cases.executing`.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from base.clock import rfc3339
from base.db import WriteSession
from brokers.certifying import revoke_certificate
from brokers.service import reinstate_certificate, suspend_certificate
from cases import repository
from cases.deadlines import term
from cases.errors import CaseDoneBefore, CaseTooLate, CaseWrongState
from cases.filing import file_case
from cases.flags import clear_flags, set_flags
from cases.investigating import freeze_evidence, freeze_funds, summon
from cases.moving import Said, another_officer, check_apart, check_own, claim_for, set_deadline, step
from cases.rules import (
    POWERS,
    PUNISHING,
    SILENT,
    SPARING,
    CaseEvent,
    Measure,
    check_order,
    check_refund_terms,
)
from cases.tables import Case, CaseDeadline, CaseOrder
from ledger.recording import Act, record, recorded_in
from ledger.statement import Draft
from market.disputes.refunds import RefundTerms, refund_after_release
from market.disputes.rules import Fault
from market.disputes.voiding import void_trade
from market.listings.publishing import delist_listing, resume_listing, suspend_listing
from market.trade.freezing import freeze_trade, unfreeze_trade
from market.trade.suspending import resume_delivery, suspend_delivery

__all__ = ["Proposed", "dismiss_case", "extend_verification", "file_case", "issue_order", "open_case"]


@dataclass(frozen=True, slots=True)
class Proposed:
    """An order as the first officer has signed it: its id, and the digest of that statement's envelope."""

    order_id: str
    digest: str


async def extend_verification(s: WriteSession, act: Act, *, case_id: str, reason: str) -> Case:
    """Give a verification as much time again (CSE.EXTEND): once, before its time is over, as another person.

    Raises CaseDoneBefore, CaseTooLate, CaseSameOfficer, CaseWrongState.
    """
    case = await claim_for(s, act, case_id, CaseEvent.EXTEND)
    if await repository.last_paper(s, case_id=case_id, event=CaseEvent.EXTEND) is not None:
        raise CaseDoneBefore("it was given more time before", case_id=case_id)
    due = await s.get(CaseDeadline, (case_id, "verification"))
    if due is not None and act.now > due.due_at:
        raise CaseTooLate("what is over is not given more time", until=rfc3339(due.due_at))
    await another_officer(s, act, case.handler)
    await step(s, act, case, CaseEvent.EXTEND, Said(opening={"reason": reason}))
    start = act.occurred_at if due is None else due.due_at
    later = term("verification_extension", act.occurred_at).after(start)
    await set_deadline(s, act, case, "verification", later)
    return case


async def open_case(s: WriteSession, act: Act, *, case_id: str, washed: Collection[str] = ()) -> Case:
    """Open the investigation of what was verified (CSE.OPEN_CASE); suspected trades are flagged (FLG.SET).

    By another natural person than has verified it; `washed` are trades that a report by people says are sham.
    Raises CaseWrongState, CaseWrongRole, CaseSameOfficer, CaseWrongKind, TradeUnknown,
    `person-not-identified`, `persons-bound`.
    """
    case = await claim_for(s, act, case_id, CaseEvent.OPEN_CASE)
    chief = await another_officer(s, act, case.handler)
    await step(s, act, case, CaseEvent.OPEN_CASE, values={"opened_by": chief.user_id})
    await set_flags(s, act, case=case, washed=washed)
    return case


async def dismiss_case(s: WriteSession, act: Act, *, case_id: str, reasons: str = "") -> Case:
    """Close a report or a case without result (CSE.NO_CASE); its flags are lifted (FLG.CLEAR).

    By another natural person than has verified it. Raises what opening it raises.
    """
    case = await claim_for(s, act, case_id, CaseEvent.NO_CASE)
    await another_officer(s, act, case.handler)
    await step(s, act, case, CaseEvent.NO_CASE, Said(opening={"reasons": reasons}))
    await clear_flags(s, act, case_id=case_id)
    return case


async def issue_order(
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
    proposed: Proposed | None = None,
) -> CaseOrder:
    """Issue an order in an open investigation or upon its decision: the authority's signed act, at once.

    The act is the transition itself (TRD.FREEZE, TRD.VOID, BRK.SUSPEND, LST.SUSPEND, their lifting …), which
    names the order; the exchange enters it in the register of orders (ORD.ISSUE). An order of REFUND_TRADE
    alone says how many fen go back and whose fault it is, and its reason is a ground of refund. `proposed` is
    what another officer has signed before (`cases.ordering`, the only way from outside). Raises
    CaseWrongState, OrderBeyondPower, OrderMalformed, and what the transition raises.
    """
    case = await claim_ordering(s, act, case_id=case_id, measure=measure)
    check_refund_terms(measure, refund_minor=refund_minor, fault=fault)
    order_id = act.new_id("ord") if proposed is None else proposed.order_id
    said_before = len(recorded_in(s))
    if measure is Measure.REFUND_TRADE:
        terms = RefundTerms(ground=reason_code, refund_minor=refund_minor, fault=fault)
        await refund_after_release(s, act, trade_id=object_id, terms=terms, order_id=order_id)
    elif measure is Measure.FREEZE_EVIDENCE:
        await freeze_evidence(s, act, case=case, order_id=order_id, seqs=seqs, reason=reason_code)
    elif measure is Measure.FREEZE_FUNDS:
        await freeze_funds(s, act, case=case, order_id=order_id, trade_id=object_id, reason=reason_code)
    elif measure is Measure.INTERVIEW:
        await summon(
            s, act, case=case, order_id=order_id, org_id=object_id, reason=reason_code, held_at=held_at
        )
    else:
        await _carry_out(
            s,
            act,
            order_id=order_id,
            case_id=case_id,
            measure=measure,
            object_id=object_id,
            reason=reason_code,
        )
    carried = recorded_in(s)[said_before]  # not what others may have said about the object meanwhile
    hit = {"object_of_order": object_id}
    await record(
        s,
        act.as_exchange(),
        Draft(
            "ORD.ISSUE",
            order_id,
            public={
                "order_id": order_id,
                "case_id": case_id,
                "measure": measure.value,
                "issued_by": act.actor.org_id,
                **({} if measure in SILENT else hit),
            },
            opening=hit if measure in SILENT else None,
            subjects={"order": carried.digest} | ({"proposal": proposed.digest} if proposed else {}),
        ),
    )
    order = CaseOrder(
        order_id=order_id,
        case_id=case_id,
        measure=measure,
        object_id=object_id,
        reason_code=reason_code,
        issued_by=act.actor.org_id,
        issued_at=act.occurred_at,
        statement_id=carried.statement_id,
    )
    s.add(order)
    await s.flush()
    return order


async def claim_ordering(s: WriteSession, act: Act, *, case_id: str, measure: Measure) -> Case:
    """A case, locked, in which the actor may order this.

    Raises CaseUnknown, CaseWrongState, OrderBeyondPower, CaseWrongRole where another authority has it.
    """
    case = await repository.claim_case(s, case_id=case_id)
    check_apart(case, act)
    check_order(case.status, measure, act.role)
    if case.authority in POWERS[measure]:  # where it has not the power itself, who has it acts for it
        check_own(case, act.role)
    decided = await repository.last_paper(s, case_id=case_id, event=CaseEvent.DECIDE)
    if measure in PUNISHING and decided is not None and decided.document["outcome"] in SPARING:
        raise CaseWrongState("it was decided to punish nobody", state=case.status.value, allowed=[])
    return case


async def _carry_out(
    s: WriteSession, act: Act, *, order_id: str, case_id: str, measure: Measure, object_id: str, reason: str
) -> None:
    if measure in _ON_TRADES:
        verb, keep = _ON_TRADES[measure]
        named = {"case_id": case_id} if keep else {}
        await verb(s, act, trade_id=object_id, order_id=order_id, reason_code=reason, **named)
    elif measure in _ON_CERTIFICATES:
        verb = _ON_CERTIFICATES[measure]
        await verb(s, act, cert_id=object_id, reason_code=reason, case_id=case_id)
    else:
        verb = _ON_LISTINGS[measure]
        await verb(s, act, listing_id=object_id, reason_code=reason, case_id=case_id)


_Verb: TypeAlias = Callable[..., Awaitable[Any]]
# Whether the transition says, beside the order, in which case it was given.
_ON_TRADES: Final[Mapping[Measure, tuple[_Verb, bool]]] = {
    Measure.FREEZE_TRADE: (freeze_trade, True),
    Measure.UNFREEZE_TRADE: (unfreeze_trade, True),
    Measure.SUSPEND_DELIVERY: (suspend_delivery, False),
    Measure.RESUME_DELIVERY: (resume_delivery, False),
    Measure.VOID_TRADE: (void_trade, True),
}
_ON_CERTIFICATES: Final[Mapping[Measure, _Verb]] = {
    Measure.SUSPEND_CERTIFICATE: suspend_certificate,
    Measure.REINSTATE_CERTIFICATE: reinstate_certificate,
    Measure.REVOKE_CERTIFICATE: revoke_certificate,
}
_ON_LISTINGS: Final[Mapping[Measure, _Verb]] = {
    Measure.SUSPEND_LISTING: suspend_listing,
    Measure.RESUME_LISTING: resume_listing,
    Measure.DELIST_LISTING: delist_listing,
}
