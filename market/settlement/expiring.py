"""Reservations that the bank never answers: they end by the clock, and nothing is paid twice.

What the bank has not answered when its term is over is let go and put before a person, who may have it paid
again. The payments keep their end-to-end ids, of which the bank pays each once; and where it has paid after
all, its word counts whenever it comes (`market.settlement.service`).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlmodel import col, select

from base.clock import rfc3339
from base.db import ReadSession, WriteSession
from base.jobs import enqueue
from ledger.posting import void_reserved
from ledger.recording import Act, record
from ledger.statement import Draft
from market.orders import repository as trades
from market.settlement import repository
from market.settlement.claims import fee_not_back
from market.settlement.doubts import EXPIRED, UNCONFIRMED
from market.settlement.instructing import EXPIRE_JOB
from market.settlement.tables import ClaimStatus, Instruction, InstructionKind, InstructionState
from market.settlement.work import mismatch

_AT_ONCE: Final = 100


async def expire_due(s: WriteSession, act: Act, *, at: datetime) -> int:
    """Let go every reservation whose term ends at `at` or before and that the bank did not answer.

    An instruction that the bank has accepted, and not notified, is no such: only a person is asked to look.
    Returns how many instructions were looked at; where there are many the rest is queued.
    """
    due = await _due(s, at=at)
    for message_id, trade_id in due:
        await trades.claim_trade(s, trade_id=trade_id)
        instruction = await repository.claim_instruction(s, message_id=message_id)
        if instruction is not None and instruction.status is InstructionState.INSTRUCTED:
            await _expire(s, act, instruction)
    if len(due) == _AT_ONCE:
        key = f"{rfc3339(at)}:{act.new_id('job')}"
        await enqueue(s, kind=EXPIRE_JOB, key=key, run_at=act.now, payload={"at": rfc3339(at)})
    return len(due)


async def _due(s: ReadSession, *, at: datetime) -> Sequence[tuple[str, str]]:
    query = (
        select(Instruction.message_id, Instruction.trade_id)
        .where(
            Instruction.status == InstructionState.INSTRUCTED,
            col(Instruction.expires_at) <= at,
        )
        .order_by(col(Instruction.trade_id))
        .limit(_AT_ONCE)
    )
    return (await s.exec(query)).all()


async def _expire(s: WriteSession, act: Act, instruction: Instruction) -> None:
    if instruction.kind is InstructionKind.FEE_BACK:
        await _fee_expires(s, act, instruction)
        return
    facts = {
        "instruction_id": instruction.message_id,
        "expected_minor": str(instruction.total_minor),
        "actual_minor": "0",
    }
    answered = instruction.status_report is not None
    if answered:
        instruction.expires_at = None
    else:
        recorded = await record(
            s,
            act,
            Draft(
                "PAY.EXPIRE",
                instruction.trade_id,
                public={"trade_id": instruction.trade_id, "instruction_sha256": instruction.xml_sha256},
                subjects={"instruction": instruction.xml_sha256},
            ),
        )
        await void_reserved(
            s,
            batch_id=act.new_id("bat"),
            resolves=instruction.batch_id,
            statement_id=recorded.statement_id,
            booked_at=act.now,
        )
        instruction.status = InstructionState.EXPIRED
    kind = UNCONFIRMED if answered else EXPIRED
    await mismatch(s, act, kind=kind, trade_id=instruction.trade_id, facts=facts)
    s.add(instruction)
    await s.flush()


async def _fee_expires(s: WriteSession, act: Act, instruction: Instruction) -> None:
    """The platform's fee did not come in: the bank returned it, or never took it. Nothing was reserved."""
    instruction.status = InstructionState.EXPIRED
    s.add(instruction)
    await s.flush()
    claim_id = instruction.payouts[0]["end_to_end_id"].partition("/")[0]
    claim = await repository.claim_claim(s, claim_id=claim_id)
    if claim.status is ClaimStatus.OPEN:
        await fee_not_back(s, act, instruction, reason=EXPIRED)
