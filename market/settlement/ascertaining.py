"""What became of a payment in doubt: found by two officers of the exchange, in the bank's own statements.

A notification that says something else than was instructed, one that never comes, an instruction that was
never answered: none of them tells whether the money has left. The bank's statements (camt.053) do, once every
day on which it may have been paid is over. PAID carries on as the debit would have; NOT_PAID gives the
instruction up, so that it can be paid again, frozen or undone. What the statements show otherwise is neither:
it stays in doubt until the bank has corrected it, and a later statement shows that.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import orjson
from sqlmodel import col, delete, select

from base.calendar import shanghai_day
from base.db import ReadSession, WriteSession
from base.signing import parse_envelope
from identity.service import require_identified
from ledger.posting import void_reserved
from ledger.recording import Act, Recorded, record
from ledger.statement import Draft
from market.orders import repository as trades
from market.orders.officers import require_unrelated
from market.orders.rules import TradeState
from market.orders.tables import Trade
from market.settlement import repository
from market.settlement.doubts import (
    CONTRADICTIONS,
    DOUBTS,
    LET_GO,
    NOT_MADE,
    UNKNOWN_ENTRY,
    about,
    is_unanswered,
)
from market.settlement.errors import (
    EntryKnown,
    InstructionUnknown,
    NothingInDoubt,
    PersonNeeded,
    StatementContradicts,
    StatementMissing,
    StatementUnknown,
)
from market.settlement.evidence import Shown, Told, require_every_day, shown
from market.settlement.instructing import term_of
from market.settlement.mending import OWING, only_the_operator
from market.settlement.messages import read_statement
from market.settlement.service import release, require_no_other, require_not_paid
from market.settlement.tables import (
    BankMovement,
    Found,
    Instruction,
    InstructionKind,
    InstructionState,
    OfficerWord,
    ReconciledDay,
    WorkItem,
)
from market.settlement.words import keep_word, others_who_say
from market.settlement.work import mismatch

OFFICERS: Final = 2
_MONEY_LEAVES: Final = OWING | {TradeState.FROZEN}
_OPEN_QUESTION: Final = frozenset({InstructionState.INSTRUCTED, InstructionState.EXPIRED})


async def ascertain(
    s: WriteSession, act: Act, *, instruction_id: str, found: Found, statement_sha256: str, note: str
) -> Instruction:
    """An officer says what the bank's statements show of a payment (PAY.ASCERTAIN); the second decides it.

    `statement_sha256` names a statement that we hold: for PAID of the day of the last entry about it, for
    NOT_PAID of the day on which the bank's term ended (from its answer on), or of a later one; in any case of
    no day before that on which the bank says it has paid. PAID then settles or refunds the trade, NOT_PAID
    gives the instruction up. Raises InstructionUnknown, NothingInDoubt, WorkWrongRole, PersonNeeded,
    PersonNotIdentified, OfficerRelated, SaidBefore, StatementUnknown, StatementMissing, StatementContradicts,
    EntryKnown, TradeWrongState, HeldTooLittle, PaymentsCross.
    """
    only_the_operator(act)
    officer_id = act.actor.user_id
    if officer_id is None:
        raise PersonNeeded("what became of a payment is for a person to say")
    await require_identified(s, user_id=officer_id)
    trade, instruction = await _locked(s, instruction_id)
    officer = await require_unrelated(s, act, trade)
    items = await repository.open_work_items_of(s, trade_id=trade.trade_id)
    _require_doubt(instruction, found, about(items, instruction_id))
    if found is Found.PAID:
        await require_not_paid(s, instruction)
    cited, seen = await _evidence(s, instruction, about(items, instruction_id), statement_sha256)
    if seen.found is not found:
        raise StatementContradicts(
            "the bank's statements show something else", found=found.value, shown=seen.found.value
        )
    await _require_unknown(s, seen)
    others = await others_who_say(s, trade, officer, instruction_id=instruction_id, found=found)
    decided = len(others) + 1 >= OFFICERS
    closed = _answered(items, instruction_id, seen) if decided else []
    recorded = await _say(s, act, instruction, found, cited, closed=closed, words=len(others) + 1, note=note)
    if not decided:
        await keep_word(
            s,
            officer,
            OfficerWord(
                message_id=instruction_id,
                officer_id=officer_id,
                found=found,
                statement_sha256=cited.sha256,
                said_at=act.occurred_at,
                statement_id=recorded.statement_id,
            ),
        )
        return instruction
    for item in closed:
        item.closed_at = act.occurred_at
        s.add(item)
    await s.exec(delete(OfficerWord).where(col(OfficerWord.message_id) == instruction_id))
    await s.flush()
    if found is Found.PAID:
        await _as_paid(s, act.as_exchange(), trade, instruction, cited=cited, seen=seen)
    else:
        await _as_not_paid(s, act.as_exchange(), instruction, recorded, cited=cited)
    return instruction


@dataclass(frozen=True, slots=True)
class InDoubt:
    """A payment that is with the bank or was given up without an answer, and what its statements show by now.

    `shown` is None, with the code of the refusal in `waits_for`, while statements are missing or contradict
    each other; `statement` is the one that may be cited.
    """

    instruction: Instruction
    shown: Found | None
    statement: Told | None
    waits_for: str | None
    words: Sequence[OfficerWord]


async def in_doubt(s: ReadSession, *, limit: int = 50) -> list[InDoubt]:
    """The payments about which a work item says that they are in doubt, the oldest item first.

    Behind them those that were given up without an answer, and paid again on one officer's word: until the
    second one is paid nobody knows which of the two the bank takes.
    """
    query = (
        select(WorkItem)
        .where(col(WorkItem.closed_at).is_(None), col(WorkItem.kind).in_(DOUBTS))
        .order_by(col(WorkItem.opened_at), col(WorkItem.item_id))
        .limit(limit)
    )
    found: dict[str, InDoubt] = {}
    for item in (await s.exec(query)).all():
        for instruction in await repository.out_of_escrow(s, trade_id=item.trade_id or ""):
            asked = instruction.status is not InstructionState.PAID and about([item], instruction.message_id)
            if asked and instruction.message_id not in found:
                found[instruction.message_id] = await _doubt(s, instruction)
    for instruction in await _given_up(s):
        if instruction.message_id not in found and len(found) < limit and await is_unanswered(s, instruction):
            found[instruction.message_id] = await _doubt(s, instruction)
    return list(found.values())


async def _given_up(s: ReadSession) -> Sequence[Instruction]:
    """What the bank never answered, of trades that money may still leave, first to last."""
    query = select(Instruction).join(Trade, col(Trade.trade_id) == col(Instruction.trade_id))
    query = query.where(Instruction.status == InstructionState.EXPIRED, col(Trade.status).in_(_MONEY_LEAVES))
    return (await s.exec(query.order_by(col(Instruction.instructed_at), Instruction.message_id))).all()


async def _doubt(s: ReadSession, instruction: Instruction) -> InDoubt:
    items = about(
        await repository.open_work_items_of(s, trade_id=instruction.trade_id), instruction.message_id
    )
    query = select(OfficerWord).where(OfficerWord.message_id == instruction.message_id)
    words = (await s.exec(query.order_by(col(OfficerWord.said_at)))).all()
    statements = await _held(s, instruction, since=shanghai_day(instruction.instructed_at))
    if not statements:
        return InDoubt(instruction, None, None, StatementMissing.code, words)
    last = statements[-1]
    try:
        _, seen = await _evidence(s, instruction, items, last.sha256)
    except (StatementMissing, StatementContradicts) as refusal:
        return InDoubt(instruction, None, None, refusal.code, words)
    return InDoubt(instruction, seen.found, last, None, words)


async def _locked(s: WriteSession, instruction_id: str) -> tuple[Trade, Instruction]:
    found = await s.get(Instruction, instruction_id)
    if found is None:
        raise InstructionUnknown("no such instruction", instruction_id=instruction_id)
    trade = await trades.claim_trade(s, trade_id=found.trade_id)
    instruction = await repository.claim_instruction(s, message_id=instruction_id)
    assert instruction is not None
    return trade, instruction


def _require_doubt(instruction: Instruction, found: Found, items: Sequence[WorkItem]) -> None:
    """Raises NothingInDoubt for what is decided, and for an answer that would decide nothing."""
    contradicted = any(item.kind in CONTRADICTIONS for item in items)
    decided = instruction.status is InstructionState.PAID or instruction.kind is InstructionKind.FEE_BACK
    given_up = instruction.status not in _OPEN_QUESTION and not contradicted
    if decided or found is Found.OTHERWISE or (given_up and found is Found.NOT_PAID):
        raise NothingInDoubt(
            "nothing is to be found about this payment",
            instruction_id=instruction.message_id,
            status=instruction.status.value,
        )


async def _evidence(
    s: ReadSession, instruction: Instruction, items: Sequence[WorkItem], statement_sha256: str
) -> tuple[Told, Shown]:
    """The cited statement, and what all that are held show; every day up to the cited one has to be there.

    What the statements show of the days after it counts too: what was paid after that, or came back.
    """
    since = shanghai_day(instruction.instructed_at)
    statements = await _held(s, instruction, since=since)
    cited = next((told for told in statements if told.sha256 == statement_sha256), None)
    if cited is None:
        raise StatementUnknown("no such statement since the instruction", sha256=statement_sha256)
    seen = shown(instruction.message_id, instruction.payouts, statements)
    days = [since, *_days_told(items), *(entry.booked_on for entry in seen.entries)]
    if seen.found is Found.NOT_PAID:  # until then the bank may still pay
        days.append(shanghai_day(term_of(instruction.answered_at or instruction.instructed_at)))
    until = max(days)
    if cited.day < until:
        raise StatementMissing("this day's statement comes too early", days=[until.isoformat()])
    require_every_day(statements, since=since, until=cited.day)
    return cited, seen


def _days_told(items: Sequence[WorkItem]) -> list[date]:
    """On which days the bank says that it has paid otherwise, or after all."""
    return [date.fromisoformat(item.facts["booked_on"]) for item in items if "booked_on" in item.facts]


async def _held(s: ReadSession, instruction: Instruction, *, since: date) -> list[Told]:
    """The statements of the bank from a day on, by their day; of those that name the instruction the entries.

    A day may have many thousand entries: what does not have one of the names in its bytes is not read.
    """
    names = {instruction.message_id, *(payout["end_to_end_id"] for payout in instruction.payouts)}
    query = select(ReconciledDay).where(
        col(ReconciledDay.day) >= since, col(ReconciledDay.envelope).is_not(None)
    )
    rows = (await s.exec(query.order_by(col(ReconciledDay.day), col(ReconciledDay.reconciled_at)))).all()
    held = []
    for row in rows:
        xml = parse_envelope(orjson.loads(row.envelope or b"")).payload
        movements = read_statement(xml).movements if _may_name(xml, names) else ()
        held.append(Told(row.day, row.statement_sha256, movements))
    return held


def _may_name(xml: bytes, names: Collection[str]) -> bool:
    """Whether one of some ASCII names can stand in a message: plainly, or written in a way that hides it."""
    plain = b"UTF-8" in xml[:60] and b"&#" not in xml
    return not plain or any(name.encode() in xml for name in names)


async def _require_unknown(s: ReadSession, seen: Shown) -> None:
    """An entry pays one instruction: one that stands in our books already pays no other."""
    known = await repository.entries_known(s, entry_ids=[entry.entry_id for entry in seen.entries])
    if seen.found is Found.PAID and known:
        raise EntryKnown("the entry was told before", entry_ids=sorted(m.entry_id for m in known))


async def _say(
    s: WriteSession,
    act: Act,
    instruction: Instruction,
    found: Found,
    cited: Told,
    *,
    closed: Sequence[WorkItem],
    words: int,
    note: str,
) -> Recorded:
    public: dict[str, Any] = {
        "trade_id": instruction.trade_id,
        "instruction_sha256": instruction.xml_sha256,
        "found": found.value,
        "day": cited.day.isoformat(),
        "statement_sha256": cited.sha256,
        "words": words,
        "items": [item.item_id for item in closed],
    }
    return await record(
        s,
        act,
        Draft(
            "PAY.ASCERTAIN",
            instruction.trade_id,
            public=public,
            opening={"officer_id": act.actor.user_id, "note": note},
            subjects={"instruction": instruction.xml_sha256, "bank-statement": cited.sha256},
        ),
    )


def _answered(items: Sequence[WorkItem], instruction_id: str, seen: Shown) -> list[WorkItem]:
    """The work items that are answered with it: what was in doubt, and the entries that nobody knew."""
    entries = {entry.entry_id for entry in seen.entries}
    mine = {item.item_id for item in about(items, instruction_id)}
    return [
        item
        for item in items
        if (item.kind in DOUBTS and item.item_id in mine)
        or (seen.found is Found.PAID and item.kind in LET_GO)
        or (item.kind == UNKNOWN_ENTRY and item.facts.get("entry_id") in entries)
    ]


async def _as_paid(
    s: WriteSession, act: Act, trade: Trade, instruction: Instruction, *, cited: Told, seen: Shown
) -> None:
    """What the debit would have done: the trade moves, its money is posted, the bank's entries are known."""
    await require_no_other(s, instruction)
    await release(s, act, trade=trade, instruction=instruction, digest=cited.sha256)
    s.add_all(
        BankMovement(
            entry_id=entry.entry_id,
            message_id=f"camt.053/{cited.day.isoformat()}",
            trade_id=trade.trade_id,
            end_to_end_id=entry.end_to_end_id,
            signed_minor=entry.signed_minor,
            booked_on=entry.booked_on,
        )
        for entry in seen.entries
    )
    await s.flush()


async def _as_not_paid(
    s: WriteSession, act: Act, instruction: Instruction, recorded: Recorded, *, cited: Told
) -> None:
    """Nothing has left: the reservation goes, and a person is asked to have it paid again."""
    if instruction.status is InstructionState.INSTRUCTED:
        await void_reserved(
            s,
            batch_id=act.new_id("bat"),
            resolves=instruction.batch_id,
            statement_id=recorded.statement_id,
            booked_at=act.now,
        )
    instruction.status, instruction.expires_at = InstructionState.NOT_PAID, None
    s.add(instruction)
    await s.flush()
    last = (await repository.out_of_escrow(s, trade_id=instruction.trade_id))[-1]
    if last.message_id != instruction.message_id:
        return
    await mismatch(
        s,
        act,
        kind=NOT_MADE,
        trade_id=instruction.trade_id,
        facts={
            "instruction_id": instruction.message_id,
            "expected_minor": str(instruction.total_minor),
            "actual_minor": "0",
        },
        bank_message_sha256=cited.sha256,
    )
