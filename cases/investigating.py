"""What two officers order to find out: entries pinned with their proofs, money held, an interview.

What is pinned stays proven by the file alone, and its opening is kept while the case is open
(`cases.repository.case_that_needs`).
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from base.clock import rfc3339
from base.db import WriteSession
from cases import repository
from cases.errors import EvidenceNotSealed, OrderMalformed
from cases.moving import Said, entered_for, step
from cases.rules import CaseEvent
from cases.tables import Case, CaseEvidence
from ledger import reader
from ledger.erasure import NothingToErase, OpeningErasedBefore, claim_opening
from ledger.errors import StatementUnknown
from ledger.recording import Act
from ledger.tree import root_from_inclusion
from market.orders.repository import get_trade
from market.orders.states import TradeState
from market.orders.tables import Trade
from market.trade.freezing import freeze_trade

MOST_ENTRIES: Final = 200
_HOLDING: Final = frozenset(
    {
        TradeState.FUNDED,
        TradeState.DELIVERING,
        TradeState.DELIVERY_SUSPENDED,
        TradeState.DELIVERED,
        TradeState.DISPUTED,
        TradeState.ACCEPTED_GOODS,
        TradeState.PARTIAL_SETTLE,
        TradeState.REFUND_PENDING,
    }
)


def check_entries(case: Case, seqs: Sequence[int]) -> list[int]:
    """The entries that are to be pinned, those of the finding where none is named. Raises OrderMalformed."""
    wanted = sorted(set(seqs or case.finding.get("evidence_seqs", ())))
    if not 0 < len(wanted) <= MOST_ENTRIES:
        raise OrderMalformed("name the entries that are evidence", member="seqs", limit=MOST_ENTRIES)
    return wanted


def check_funds(case: Case, trade: Trade) -> None:
    """Whether a trade is one of the case's parties and holds money. Raises OrderMalformed."""
    if not {trade.seller_id, trade.buyer_id, trade.broker_id} & set(case.subjects):
        raise OrderMalformed("the case is about nobody of this trade", member="object_id")
    if trade.status not in _HOLDING:
        raise OrderMalformed("no money is held in this trade", member="object_id", state=trade.status.value)


def check_interview(case: Case, org_id: str, held_at: datetime | None, *, now: datetime) -> None:
    """Whether the case is about this member, and the interview is still to come. Raises OrderMalformed."""
    if org_id not in case.subjects:
        raise OrderMalformed("the case is about another member", member="object_id")
    if held_at is None or held_at <= now:
        raise OrderMalformed("say when the interview is", member="held_at")


async def freeze_evidence(
    s: WriteSession, act: Act, *, case: Case, order_id: str, seqs: Sequence[int], reason: str
) -> None:
    """Pin entries with their inclusion proofs (CSE.FREEZE_EVIDENCE).

    Raises OrderMalformed where none or too many are named, EvidenceNotSealed.
    """
    wanted = check_entries(case, seqs)
    pinned = {row.seq for row in await repository.evidence_of(s, case_id=case.case_id)}
    rows = [await _pin(s, act, case, order_id, seq) for seq in wanted if seq not in pinned]
    s.add_all(rows)
    opening = {
        "entries": [{"seq": row.seq, "leaf_sha256": row.leaf_sha256} for row in rows],
        "reason": reason,
    }
    public = {"order_id": order_id, "entries": len(rows)}
    await step(s, act, case, CaseEvent.FREEZE_EVIDENCE, Said(public=public, opening=opening))


async def _pin(s: WriteSession, act: Act, case: Case, order_id: str, seq: int) -> CaseEvidence:
    checkpoint = await reader.checkpoint_over(s, seq=seq)
    if checkpoint is None:
        raise EvidenceNotSealed("no published checkpoint holds this entry", seq=seq)
    try:
        entry = await reader.entry(s, seq=seq)
        about = await reader.statement_at(s, seq=seq)
    except StatementUnknown:
        raise EvidenceNotSealed("no published checkpoint holds this entry", seq=seq) from None
    with suppress(NothingToErase, OpeningErasedBefore):  # who erases an opening asks for pins under this lock
        await claim_opening(s, statement_id=about.statement_id)
    path = await reader.proof(s, seq=seq, size=checkpoint.size)
    root = root_from_inclusion(seq, checkpoint.size, entry.leaf_hash, path)
    return CaseEvidence(
        case_id=case.case_id,
        seq=seq,
        order_id=order_id,
        leaf_sha256=entry.leaf_hash.hex(),
        tree_size=checkpoint.size,
        root_sha256=root.hex(),
        proof=[one.hex() for one in path],
        pinned_at=act.occurred_at,
    )


def still_proven(row: CaseEvidence) -> bool:
    """Whether a pinned entry's proof leads to the root it was pinned under."""
    path = [bytes.fromhex(one) for one in row.proof]
    found = root_from_inclusion(row.seq, row.tree_size, bytes.fromhex(row.leaf_sha256), path)
    return found.hex() == row.root_sha256


async def freeze_funds(
    s: WriteSession, act: Act, *, case: Case, order_id: str, trade_id: str, reason: str
) -> None:
    """Freeze a trade of a party in which money is held (TRD.FREEZE); it is entered (CSE.FREEZE_FUNDS).

    Raises OrderMalformed where the case is about nobody of the trade, or no money is in it, and what
    `market.trade.freezing.freeze_trade` raises.
    """
    check_funds(case, await get_trade(s, trade_id=trade_id))
    await freeze_trade(s, act, trade_id=trade_id, order_id=order_id, reason_code=reason, case_id=case.case_id)
    said = Said(public={"order_id": order_id}, opening={"trade_id": trade_id})
    await step(s, act, case, CaseEvent.FREEZE_FUNDS, said, speaker=entered_for(act))


async def summon(
    s: WriteSession,
    act: Act,
    *,
    case: Case,
    order_id: str,
    org_id: str,
    reason: str,
    held_at: datetime | None,
) -> None:
    """Ask a party to an interview (CSE.INTERVIEW); it learns of the case by this. Raises OrderMalformed."""
    check_interview(case, org_id, held_at, now=act.now)
    assert held_at is not None
    opening = {"org_id": org_id, "held_at": rfc3339(held_at), "reason": reason}
    await step(s, act, case, CaseEvent.INTERVIEW, Said(public={"order_id": order_id}, opening=opening))
