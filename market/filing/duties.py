"""What is owed after a trade and is not there in time: the end of the data, the invoice, its reversal.

Whoever owes is told by a statement of the exchange; what is overdue is stated too, and put before a person.
When it comes after all, the work item closes by itself.
"""

from datetime import datetime
from typing import Final

from base.calendar import deadline_after
from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import cancel, enqueue
from ledger.recording import Act, record
from ledger.statement import Draft
from market.filing import repository
from market.filing.errors import DestructionNotAsked
from market.filing.rules import UNDONE, Cause, DutyKind, Method, Overdue
from market.filing.tables import Duty
from market.orders import repository as trades
from market.orders.deadlines import DESTROY_WORKING_DAYS, invoice_by
from market.orders.errors import NotAParty
from market.orders.statements import named
from market.orders.tables import Trade
from market.orders.waiting import after
from market.settlement.repository import open_work_items_of
from market.settlement.work import ask_a_person

DUTY_JOB: Final = "filing.duty"
_LATE_AS: Final = {DutyKind.DESTRUCTION: Overdue.DESTRUCTION, DutyKind.RED_INVOICE: Overdue.RED_INVOICE}


async def require_destruction(s: WriteSession, act: Act, *, trade_id: str, cause: Cause) -> Duty | None:
    """Ask the buyer to destroy or return the data of a trade, and to prove it within ten working days
    (FIL.DESTRUCTION_ASKED, by the exchange).

    To be called in the transaction that ends, revokes or takes back the licence; asking again while it is
    asked changes nothing. None where no data ever went to the buyer, or none since the last proof. A refund
    or a void contract also asks the provider to take its invoice back (FIL.RED_INVOICE_ASKED).
    """
    trade = await trades.claim_trade(s, trade_id=trade_id)
    if cause in UNDONE:
        await _take_back(s, act, trade, cause)
    standing = await repository.open_duty(s, trade_id=trade_id, kind=DutyKind.DESTRUCTION)
    if standing is not None:
        return standing
    went = await repository.last_delivery(s, trade)
    proofs = await repository.duties_of(s, trade_id=trade_id, kind=DutyKind.DESTRUCTION)
    if went is None or any(proof.proven_at is not None and proof.proven_at >= went for proof in proofs):
        return None
    due_at = deadline_after(act.occurred_at, DESTROY_WORKING_DAYS).at
    return await _ask(s, act, trade, DutyKind.DESTRUCTION, cause, due_at=due_at)


async def _take_back(s: WriteSession, act: Act, trade: Trade, cause: Cause) -> None:
    """Nothing is to be invoiced or filed any more; what is invoiced is to be reversed within the month.

    Where part of it was reversed before (a refund), and then the contract is void, the rest is.
    """
    for kind in (Overdue.INVOICE, Overdue.FILING):
        await no_longer_late(s, act, trade.trade_id, kind)
    blue = await repository.invoice_of(s, trade_id=trade.trade_id)
    asked = await repository.open_duty(s, trade_id=trade.trade_id, kind=DutyKind.RED_INVOICE)
    if blue is not None and asked is None and await repository.to_reverse_minor(s, blue=blue) > 0:
        due_at = invoice_by(act.occurred_at)
        await _ask(s, act, trade, DutyKind.RED_INVOICE, cause, due_at=due_at)


async def _ask(
    s: WriteSession, act: Act, trade: Trade, kind: DutyKind, cause: Cause, *, due_at: datetime
) -> Duty:
    org_id = trade.buyer_id if kind is DutyKind.DESTRUCTION else trade.seller_id
    duty_id = act.new_id("dut")
    facts = {"duty_id": duty_id, "cause": cause.value, "org_id": org_id, "due_at": rfc3339(due_at)}
    recorded = await record(
        s,
        act.as_exchange(),
        Draft(f"FIL.{kind.value}_ASKED", trade.trade_id, public=named(trade) | facts),
    )
    duty = Duty(
        duty_id=duty_id,
        trade_id=trade.trade_id,
        kind=kind,
        cause=cause,
        org_id=org_id,
        asked_at=act.occurred_at,
        due_at=due_at,
        asked_statement_id=recorded.statement_id,
    )
    s.add(duty)
    await s.flush()
    await enqueue(s, kind=DUTY_JOB, key=duty_id, run_at=after(due_at), payload={"duty_id": duty_id})
    return duty


async def prove_destruction(
    s: WriteSession, act: Act, *, trade_id: str, method: Method, proof_sha256: str
) -> Duty:
    """The buyer states that every copy is gone, how, and the digest of the proof (FIL.DESTROYED).

    What comes late is taken: the data is gone then. Raises TradeUnknown, NotAParty, DestructionNotAsked.
    """
    trade = await of_party(s, act, trade_id, "BUYER")
    duty = await repository.open_duty(s, trade_id=trade_id, kind=DutyKind.DESTRUCTION)
    if duty is None:
        raise DestructionNotAsked("no proof of destruction is waited for", trade_id=trade_id)
    recorded = await record(
        s,
        act,
        Draft(
            "FIL.DESTROYED",
            trade_id,
            public=named(trade)
            | {"duty_id": duty.duty_id, "method": method.value, "proof_sha256": proof_sha256},
            subjects={"proof": proof_sha256},
        ),
    )
    duty.method, duty.proof_sha256 = method, proof_sha256
    await proven(s, act, duty, recorded.statement_id)
    return duty


async def proven(s: WriteSession, act: Act, duty: Duty, statement_id: str) -> None:
    """End a duty: what was owed is there."""
    duty.proven_at, duty.statement_id = act.occurred_at, statement_id
    s.add(duty)
    await s.flush()
    await cancel(s, kind=DUTY_JOB, key=duty.duty_id, now=act.now)
    await no_longer_late(s, act, duty.trade_id, _LATE_AS[duty.kind])


async def note_overdue(s: WriteSession, act: Act, *, duty_id: str) -> bool:
    """The clock's word that a duty was not done in time; False when it was, or is not due yet."""
    found = await repository.claim_duty(s, duty_id=duty_id)
    if found is None or found.proven_at is not None or act.now <= found.due_at:
        return False
    return await late(s, act, found.trade_id, _LATE_AS[found.kind], org_id=found.org_id, due_at=found.due_at)


async def late(
    s: WriteSession, act: Act, trade_id: str, kind: Overdue, *, org_id: str, due_at: datetime
) -> bool:
    """State what is overdue and by whom (FIL.OVERDUE), and ask a person to look into it; once."""
    open_items = await open_work_items_of(s, trade_id=trade_id)
    if any(item.kind == kind.value for item in open_items):
        return False
    facts = {"org_id": org_id, "due_at": rfc3339(due_at)}
    public = {"trade_id": trade_id, "kind": kind.value} | facts
    recorded = await record(s, act.as_exchange(), Draft("FIL.OVERDUE", trade_id, public=public))
    await ask_a_person(s, act, kind=kind.value, trade_id=trade_id, facts=facts, recorded=recorded)
    return True


async def no_longer_late(s: WriteSession, act: Act, trade_id: str, kind: Overdue) -> None:
    """Close the work item of something that is there now, or is not asked for any more."""
    for item in await open_work_items_of(s, trade_id=trade_id):
        if item.kind == kind.value:
            item.closed_at = act.occurred_at
            s.add(item)
    await s.flush()


async def of_party(s: WriteSession, act: Act, trade_id: str, role: str) -> Trade:
    """The trade, locked, for the party that has this role in it. Raises TradeUnknown, NotAParty."""
    trade = await trades.claim_trade_of(s, trade_id=trade_id, org_id=act.actor.org_id)
    party = trade.seller_id if role == "PROVIDER" else trade.buyer_id
    if act.role != role or act.actor.org_id != party:
        raise NotAParty(f"this is an act of the trade's {role}", role=act.role)
    return trade
