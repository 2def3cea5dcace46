"""The regulator's acts: a finding becomes a case, a case leads to orders, and orders bite at once.

Each act is one statement of the authority that does it; flags are the exchange's statements, because
they follow from the case being open.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import col, update

from base.db import WriteSession
from brokers.service import reinstate_certificate, suspend_certificate
from cases import repository
from cases.errors import CaseSameOfficer, CaseWrongState, FindingFiledBefore, FindingMalformed
from cases.rules import (
    CaseEvent,
    CaseState,
    Measure,
    check_decision,
    check_order,
    check_refund_terms,
    may_move,
)
from cases.tables import Case, CaseFlag, CaseOrder
from identity.service import require_identified, require_unbound
from ledger.recording import Act, record, recorded_in
from ledger.statement import Draft
from market.disputes.refunds import RefundTerms, refund_after_release
from market.disputes.rules import Fault
from market.disputes.voiding import void_trade
from market.listings.publishing import resume_listing, suspend_listing
from market.trade.freezing import freeze_trade, unfreeze_trade
from market.trade.suspending import resume_delivery, suspend_delivery


@dataclass(frozen=True, slots=True)
class Proposed:
    """An order as the first officer has signed it: its id, and the digest of that statement's envelope."""

    order_id: str
    digest: str


_WASH = ("WT",)
_TRADE = "trd_"


async def file_case(s: WriteSession, act: Act, *, finding: Mapping[str, Any]) -> Case:
    """Make a case of a finding (CSE.FILE). Raises FindingFiledBefore, FindingMalformed, CaseWrongRole."""
    state = may_move(None, CaseEvent.FILE, act.role)
    finding_id, rule_id = finding.get("finding_id"), finding.get("rule_id")
    subjects = finding.get("subjects")
    if not isinstance(finding_id, str) or not isinstance(rule_id, str) or not isinstance(subjects, list):
        raise FindingMalformed("a finding has finding_id, rule_id and subjects")
    if await repository.case_of_finding(s, finding_id=finding_id) is not None:
        raise FindingFiledBefore("this finding has its case", finding_id=finding_id)
    case = Case(
        case_id=act.new_id("cse"),
        status=state,
        finding_id=finding_id,
        rule_id=rule_id,
        finding=dict(finding),
        filed_by=act.actor.org_id,
        filed_at=act.occurred_at,
    )
    s.add(case)
    await s.flush()
    version = str(finding.get("rule_version", ""))
    await record(
        s,
        act,
        Draft(
            "CSE.FILE",
            case.case_id,
            public={"case_id": case.case_id, "kind": "REPORT"},
            opening={
                "finding_id": finding_id,  # a bare digest: whom it suspects could be tried out
                "rule_id": rule_id,
                "rule_version": version,
                "subjects": sorted(map(str, subjects)),
            },
            after=state.value,
        ),
    )
    return case


async def open_case(s: WriteSession, act: Act, *, case_id: str) -> Case:
    """Open the investigation (CSE.OPEN_CASE); trades suspected of washing are flagged (FLG.SET)."""
    case = await _move(s, act, case_id, CaseEvent.OPEN_CASE)
    case.opened_by = act.actor.user_id
    s.add(case)
    if case.rule_id.startswith(_WASH):
        for trade_id in sorted(_trades(case)):
            s.add(CaseFlag(case_id=case_id, trade_id=trade_id, set_at=act.occurred_at))
            await _flag(s, act, "FLG.SET", case_id, trade_id)
    await s.flush()
    return case


async def dismiss_case(s: WriteSession, act: Act, *, case_id: str) -> Case:
    """Close a case without result (CSE.NO_CASE); its flags are lifted (FLG.CLEAR)."""
    case = await _move(s, act, case_id, CaseEvent.NO_CASE)
    for flag in await repository.flags_of(s, case_id=case_id):
        if flag.cleared_at is None:
            flag.cleared_at = act.occurred_at
            s.add(flag)
            await _flag(s, act, "FLG.CLEAR", case_id, flag.trade_id)
    await s.flush()
    return case


async def decide_case(s: WriteSession, act: Act, *, case_id: str, org_ids: Collection[str]) -> Case:
    """Confirm what a case suspected, against some of whom it named (CSE.DECIDE); public from then on.

    By another natural person than opened it, and by none whom that one has made. Its flags stay. Raises
    CaseWrongState, CaseWrongRole, CaseSameOfficer, DecisionBeyondFinding, `person-not-identified`,
    `persons-bound`.
    """
    case = await repository.claim_case(s, case_id=case_id)
    may_move(case.status, CaseEvent.DECIDE, act.role)
    subjects = [str(one) for one in case.finding.get("subjects", [])]
    check_decision(subjects, org_ids)
    opened = await require_identified(s, user_id=case.opened_by)
    decides = await require_identified(s, user_id=act.actor.user_id)
    if opened.mark == decides.mark:
        raise CaseSameOfficer("who opened the investigation does not decide it")
    await require_unbound(s, user_id=decides.user_id, others=[opened.user_id])
    return await _move(
        s, act, case_id, CaseEvent.DECIDE, {"rule_id": case.rule_id, "org_ids": sorted(set(org_ids))}
    )


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
    proposed: Proposed | None = None,
) -> CaseOrder:
    """Issue an order in an open investigation or upon its decision: the authority's signed act, at once.

    The act is the transition itself (TRD.FREEZE, TRD.VOID, BRK.SUSPEND, LST.SUSPEND, their lifting …), which
    names the order; the exchange enters it in the register of orders (ORD.ISSUE). An order of REFUND_TRADE
    alone says how many fen go back and whose fault it is, and its reason is a ground of refund. `proposed` is
    what another officer has signed before (`cases.ordering`, the only way from outside). Raises
    CaseWrongState, OrderBeyondPower, OrderMalformed, and what the transition raises.
    """
    case = await repository.claim_case(s, case_id=case_id)
    check_order(case.status, measure, act.role)
    check_refund_terms(measure, refund_minor=refund_minor, fault=fault)
    order_id = act.new_id("ord") if proposed is None else proposed.order_id
    said_before = len(recorded_in(s))
    if measure is Measure.REFUND_TRADE:
        terms = RefundTerms(ground=reason_code, refund_minor=refund_minor, fault=fault)
        await refund_after_release(s, act, trade_id=object_id, terms=terms, order_id=order_id)
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
                "object_of_order": object_id,
                "issued_by": act.actor.org_id,
            },
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


async def _carry_out(
    s: WriteSession, act: Act, *, order_id: str, case_id: str, measure: Measure, object_id: str, reason: str
) -> None:
    match measure:
        case Measure.FREEZE_TRADE:
            await freeze_trade(
                s, act, trade_id=object_id, order_id=order_id, reason_code=reason, case_id=case_id
            )
        case Measure.UNFREEZE_TRADE:
            await unfreeze_trade(
                s, act, trade_id=object_id, order_id=order_id, reason_code=reason, case_id=case_id
            )
        case Measure.SUSPEND_CERTIFICATE:
            await suspend_certificate(s, act, cert_id=object_id, reason_code=reason, case_id=case_id)
        case Measure.REINSTATE_CERTIFICATE:
            await reinstate_certificate(s, act, cert_id=object_id, reason_code=reason, case_id=case_id)
        case Measure.SUSPEND_LISTING:
            await suspend_listing(s, act, listing_id=object_id, reason_code=reason, case_id=case_id)
        case Measure.RESUME_LISTING:
            await resume_listing(s, act, listing_id=object_id, reason_code=reason, case_id=case_id)
        case Measure.SUSPEND_DELIVERY:
            await suspend_delivery(s, act, trade_id=object_id, order_id=order_id, reason_code=reason)
        case Measure.RESUME_DELIVERY:
            await resume_delivery(s, act, trade_id=object_id, order_id=order_id, reason_code=reason)
        case Measure.VOID_TRADE:
            await void_trade(
                s, act, trade_id=object_id, order_id=order_id, reason_code=reason, case_id=case_id
            )


async def _move(
    s: WriteSession, act: Act, case_id: str, event: CaseEvent, more: Mapping[str, Any] | None = None
) -> Case:
    case = await repository.claim_case(s, case_id=case_id)
    before = case.status
    after = may_move(before, event, act.role)
    closed_at = None if after is CaseState.INVESTIGATING else act.occurred_at
    claimed = await s.exec(
        update(Case)
        .where(col(Case.case_id) == case_id, col(Case.status) == before)
        .values(status=after, closed_at=closed_at)
    )
    if claimed.rowcount != 1:
        raise CaseWrongState("the case has moved on", case_id=case_id, allowed=[])
    await s.refresh(case)
    await record(
        s,
        act,
        Draft(
            f"CSE.{event.value}",
            case_id,
            public={"case_id": case_id, **(more or {})},
            before=before.value,
            after=after.value,
        ),
    )
    return case


async def _flag(s: WriteSession, act: Act, event: str, case_id: str, trade_id: str) -> None:
    await record(
        s, act.as_exchange(), Draft(event, trade_id, public={"trade_id": trade_id, "case_id": case_id})
    )


def _trades(case: Case) -> set[str]:
    return {str(one) for one in case.finding.get("objects", []) if str(one).startswith(_TRADE)}
