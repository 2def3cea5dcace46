"""What is asked about payments."""

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import Final

import orjson
from sqlalchemy import func
from sqlalchemy import text as sql
from sqlmodel import col, select

from base.db import ReadSession, WriteSession, exclusive_lock
from base.signing import parse_envelope
from market.settlement.errors import EntryKnown, SettlementNotInstructed, WorkItemUnknown
from market.settlement.messages import Notification, read_notification
from market.settlement.tables import (
    BankMessage,
    BankMovement,
    Claim,
    ClaimStatus,
    Instruction,
    InstructionKind,
    InstructionState,
    PayeeAccount,
    ReconciledDay,
    WorkItem,
)

_AT_ONCE: Final = 10_000


async def lock_message(s: WriteSession, *, message_id: str) -> None:
    """Hold a message id until the transaction ends: the same message twice at once is decided in turn.

    PostgreSQL only; SQLite's one writer has it already.
    """
    if s.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(message_id.encode()).digest()[:8], signed=True)
        await (await s.connection()).execute(sql("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


async def get_message(s: ReadSession, *, message_id: str) -> BankMessage | None:
    """A bank message that was decided before."""
    return await s.get(BankMessage, message_id)


async def payee_account(s: ReadSession, *, org_id: str) -> PayeeAccount | None:
    """Where an organisation is paid, if it said so."""
    return await s.get(PayeeAccount, org_id, populate_existing=True)


async def claim_instruction(s: WriteSession, *, message_id: str) -> Instruction | None:
    """An instruction, locked until the transaction ends."""
    query = exclusive_lock(select(Instruction).where(Instruction.message_id == message_id))
    return (await s.exec(query.execution_options(populate_existing=True))).first()


async def get_instruction(s: ReadSession, *, message_id: str) -> Instruction:
    """An instruction by its message id. Raises SettlementNotInstructed."""
    row = await s.get(Instruction, message_id, populate_existing=True)
    if row is None:
        raise SettlementNotInstructed("no such instruction", message_id=message_id)
    return row


async def instructions_of(s: ReadSession, *, trade_id: str) -> Sequence[Instruction]:
    """The instructions of a trade, first to last, also those that were given at one moment."""
    query = select(Instruction).where(Instruction.trade_id == trade_id)
    return (await s.exec(query.order_by(col(Instruction.number)))).all()


async def next_number(s: WriteSession, *, trade_id: str) -> int:
    """The number of the next instruction of a trade, whose lock the caller holds."""
    query = select(func.max(Instruction.number)).where(Instruction.trade_id == trade_id)
    return int((await s.exec(query)).one() or 0) + 1


async def out_of_escrow(s: ReadSession, *, trade_id: str) -> Sequence[Instruction]:
    """Those of them that pay out of escrow."""
    given = await instructions_of(s, trade_id=trade_id)
    return [one for one in given if one.kind is not InstructionKind.FEE_BACK]


async def under_way(s: ReadSession, *, trade_id: str) -> Instruction | None:
    """The instruction out of a trade's escrow that the bank has not answered for yet."""
    query = select(Instruction).where(
        Instruction.trade_id == trade_id,
        Instruction.status == InstructionState.INSTRUCTED,
        Instruction.kind != InstructionKind.FEE_BACK,
    )
    return (await s.exec(query)).first()


async def paid_already(s: ReadSession, *, instruction: Instruction) -> bool:
    """Whether it was paid, or another one of its trade with one of its end-to-end ids was."""
    names = {payout["end_to_end_id"] for payout in instruction.payouts}
    return any(
        one.status is InstructionState.PAID
        and (one.message_id == instruction.message_id or names & {p["end_to_end_id"] for p in one.payouts})
        for one in await instructions_of(s, trade_id=instruction.trade_id)
    )


async def fees_back_of(s: ReadSession, *, claim: Claim) -> Sequence[Instruction]:
    """The instructions that were to pay a claim on the platform, first to last.

    The first has the claim's id as end-to-end id, those after it `/2`, `/3` behind it.
    """
    return [
        row
        for row in await instructions_of(s, trade_id=claim.trade_id)
        if row.kind is InstructionKind.FEE_BACK
        and row.payouts[0]["end_to_end_id"].partition("/")[0] == claim.claim_id
    ]


async def fee_back_of(s: ReadSession, *, claim: Claim) -> Instruction | None:
    """The one of them that is with the bank, or has paid."""
    live = {InstructionState.INSTRUCTED, InstructionState.PAID}
    return next((row for row in await fees_back_of(s, claim=claim) if row.status in live), None)


async def claim_claim(s: WriteSession, *, claim_id: str) -> Claim:
    """A claim that is there, locked until the transaction ends."""
    query = exclusive_lock(select(Claim).where(Claim.claim_id == claim_id))
    return (await s.exec(query.execution_options(populate_existing=True))).one()


async def claims_of(s: ReadSession, *, trade_id: str) -> Sequence[Claim]:
    """The claims on a trade, first to last."""
    query = select(Claim).where(Claim.trade_id == trade_id)
    return (await s.exec(query.order_by(col(Claim.claim_id)))).all()


async def open_claims_of(s: ReadSession, *, trade_id: str) -> Sequence[Claim]:
    """The claims on a trade that are not paid, first to last."""
    return [row for row in await claims_of(s, trade_id=trade_id) if row.status is ClaimStatus.OPEN]


async def claims_on(s: ReadSession, *, org_id: str, limit: int = 100) -> Sequence[Claim]:
    """What an organisation owes or has paid back, newest first."""
    query = select(Claim).where(Claim.debtor_id == org_id).order_by(col(Claim.claim_id).desc())
    return (await s.exec(query.limit(limit))).all()


async def funded_from(s: ReadSession, *, trade_id: str) -> str | None:
    """The account that a trade was funded from, as the bank's message of it says; None where it was not."""
    query = (
        select(BankMessage.envelope)
        .join(BankMovement, col(BankMovement.message_id) == col(BankMessage.message_id))
        .where(BankMovement.trade_id == trade_id, BankMovement.signed_minor > 0)
        .order_by(col(BankMovement.booked_on), col(BankMessage.received_at))
    )
    for envelope in (await s.exec(query)).all():
        told = read_notification(parse_envelope(orjson.loads(envelope)).payload)
        found = [m.party_account for m in told.movements if m.reference == trade_id]
        if found:
            return found[0]
    return None


async def require_unknown(s: ReadSession, *, notification: Notification) -> None:
    """Refuse, with EntryKnown, a reference of the bank that was told before, or that comes twice."""
    told = [movement.entry_id for movement in notification.movements]
    known = await entries_known(s, entry_ids=told)
    if known or len(set(told)) != len(told):
        raise EntryKnown("the entry was told before", entry_ids=sorted(m.entry_id for m in known))


async def entries_known(s: ReadSession, *, entry_ids: Sequence[str]) -> Sequence[BankMovement]:
    """Those of the bank's references that we know already, whatever the day."""
    found: list[BankMovement] = []
    ids = sorted(set(entry_ids))
    for at in range(0, len(ids), _AT_ONCE):  # a database takes so many parameters
        query = select(BankMovement).where(col(BankMovement.entry_id).in_(ids[at : at + _AT_ONCE]))
        found += (await s.exec(query.order_by(BankMovement.entry_id))).all()
    return found


async def movements_of(s: ReadSession, *, trade_id: str) -> Sequence[BankMovement]:
    """What was booked for a trade, in the bank's order."""
    query = select(BankMovement).where(BankMovement.trade_id == trade_id)
    return (await s.exec(query.order_by(col(BankMovement.booked_on), col(BankMovement.entry_id)))).all()


async def movements_on(s: ReadSession, *, day: date) -> Sequence[BankMovement]:
    """What we know was booked on a day."""
    query = select(BankMovement).where(BankMovement.booked_on == day).order_by(BankMovement.entry_id)
    return (await s.exec(query)).all()


async def balance_after(s: ReadSession, *, day: date) -> int:
    """What the bank should hold for us when the day is over, in fen."""
    query = select(func.coalesce(func.sum(BankMovement.signed_minor), 0)).where(
        col(BankMovement.booked_on) <= day
    )
    return int((await s.exec(query)).one())


async def get_day(s: ReadSession, *, day: date, statement_sha256: str) -> ReconciledDay | None:
    """A day that was reconciled against this very statement."""
    return await s.get(ReconciledDay, (day, statement_sha256))


async def reconciled_days(s: ReadSession, *, limit: int = 50) -> Sequence[ReconciledDay]:
    """Reconciled days, newest first."""
    query = select(ReconciledDay).order_by(col(ReconciledDay.day).desc()).limit(min(limit, 100))
    return (await s.exec(query)).all()


async def open_work_items(
    s: ReadSession, *, limit: int = 50, newest_first: bool = False
) -> Sequence[WorkItem]:
    """What waits for a person, oldest first unless asked for otherwise."""
    query = select(WorkItem).where(col(WorkItem.closed_at).is_(None))
    order = (col(WorkItem.opened_at), col(WorkItem.item_id))
    query = query.order_by(*(one.desc() if newest_first else one.asc() for one in order))
    return (await s.exec(query.limit(min(limit, 100)))).all()


async def open_work_items_of(s: ReadSession, *, trade_id: str) -> Sequence[WorkItem]:
    """What waits for a person about one trade, oldest first."""
    query = select(WorkItem).where(WorkItem.trade_id == trade_id, col(WorkItem.closed_at).is_(None))
    return (await s.exec(query.order_by(col(WorkItem.opened_at), col(WorkItem.item_id)))).all()


async def claim_work_item(s: WriteSession, *, item_id: str) -> WorkItem:
    """A work item, locked until the transaction ends. Raises WorkItemUnknown."""
    query = exclusive_lock(select(WorkItem).where(WorkItem.item_id == item_id))
    item = (await s.exec(query.execution_options(populate_existing=True))).first()
    if item is None:
        raise WorkItemUnknown("no such work item", item_id=item_id)
    return item
