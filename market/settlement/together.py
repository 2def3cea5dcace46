"""Many debits at once: asked set by set, decided one by one, written set by set (`docs/performance.md`).

What is here decides nothing of its own. A debit about which anything is not as it should be is left out,
and `market.settlement.service` decides it alone: refusals, mismatches and repetitions are said there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from base.canonical import sha256_hex
from base.db import RowSession
from base.rows import Insert, Plan, Select, Update, read_rows
from base.signing import Envelope
from ledger.batch import Alone, Command
from ledger.posting import Resolution, post_reserved_together
from ledger.recording import Act, Recorded
from ledger.statement import envelope_bytes
from ledger.together import Preparation, record_together
from market.orders import repository as trades
from market.orders.repository import Claimed
from market.orders.rules import TradeState
from market.settlement.instructing import Escrow
from market.settlement.messages import Notification
from market.settlement.reconciling import ensure_reconciled
from market.settlement.settling import oddity, settled
from market.settlement.tables import (
    BankMessage,
    BankMovement,
    Instruction,
    InstructionKind,
    InstructionState,
)

_PAY: Final = Update(Instruction, "status", key="message_id", expected="status")
_KEEP: Final = Insert(BankMessage, "message_id", "payload_sha256", "envelope", "outcome", "received_at")
_NOTE: Final = Insert(
    BankMovement, "entry_id", "message_id", "trade_id", "end_to_end_id", "signed_minor", "booked_on"
)


@dataclass(frozen=True, slots=True)
class Debit:
    """A camt.054 of debits: as it was signed, as it was read, and the escrow account it should be about."""

    envelope: Envelope
    notification: Notification
    escrow: Escrow

    @property
    def instruction_id(self) -> str | None:
        """The one instruction that it answers."""
        named = {movement.instruction_id for movement in self.notification.movements}
        return named.pop() if len(named) == 1 else None

    @property
    def trade_id(self) -> str | None:
        """The one trade that it names."""
        named = {movement.reference for movement in self.notification.movements}
        return named.pop() if len(named) == 1 else None


class Ordered(NamedTuple):
    """What of an instruction is asked to settle its trade."""

    message_id: str
    trade_id: str
    kind: InstructionKind
    status: InstructionState
    batch_id: str
    payouts: list[dict[str, str]]
    xml_sha256: str


_INSTRUCTED: Final = Select(Instruction, *Ordered._fields, key="message_id")


class _Settling(NamedTuple):
    """A debit that settles its trade: nothing speaks against it."""

    at: int  # its place among the commands
    act: Act
    debit: Debit
    digest: str
    trade: Claimed
    instruction: Ordered


async def settle_together(s: RowSession, plan: Plan, commands: Sequence[Command]) -> Sequence[Any]:
    """Settle what there is nothing to say against; ALONE for the others.

    The plan breaks when somebody was faster, or when a message or an entry was told before.
    """
    prepared = Preparation([command.act for command in commands])
    chosen = await _choose(s, commands, prepared)
    outcomes: list[Any] = [Alone.ALONE] * len(commands)
    if not chosen:
        return outcomes
    moves = [(one.trade, one.act.occurred_at) for one in chosen]
    trades.settle_all(plan, moves=moves, role=chosen[0].act.role)
    paid = [(one.instruction.message_id, one.instruction.status, InstructionState.PAID) for one in chosen]
    plan.add(_PAY, paid, each=True)
    said = [(one.act, settled(one.trade, one.instruction, one.digest, one.trade.status)) for one in chosen]
    recorded = record_together(s, plan, said, prepared)
    resolutions = []
    for one, told in zip(chosen, recorded, strict=True):
        batch_id = one.act.new_id("bat")
        resolutions.append(Resolution(batch_id, one.instruction.batch_id, told.statement_id, one.act.now))
        outcomes[one.at] = _outcome(one, told)
    post_reserved_together(plan, resolutions)
    await ensure_reconciled(s, days=_keep(plan, chosen, outcomes))
    return outcomes


async def _choose(s: RowSession, commands: Sequence[Command], prepared: Preparation) -> list[_Settling]:
    """The debits that settle their trades; of several about one thing the first."""
    debits: dict[str, tuple[int, Command, str]] = {}
    seen: set[str] = set()
    for at, command in enumerate(commands):
        debit: Debit = command.said
        told, trade_id, instruction_id = debit.notification, debit.trade_id, debit.instruction_id
        if trade_id is None or instruction_id is None:
            continue
        things = {told.message_id, instruction_id, *[movement.entry_id for movement in told.movements]}
        if (
            trade_id in debits
            or told.account != debit.escrow.account
            or any(movement.credit for movement in told.movements)
            or len(things) != 2 + len(told.movements)  # a reference that comes twice
            or things & seen
        ):
            continue
        seen |= things
        debits[trade_id] = (at, command, instruction_id)
    if not debits:
        return []
    named = [instruction_id for _, _, instruction_id in debits.values()]
    asked = {trades.CLAIM: sorted(debits), _INSTRUCTED: named, **prepared.asks}
    claimed, instructed, *others = await read_rows(s, asked)
    prepared.hears(others)
    ordered = {row[0]: Ordered(*row) for row in instructed}
    chosen = []
    for trade in (Claimed(*row) for row in claimed):
        at, command, instruction_id = debits[trade.trade_id]
        debit, instruction = command.said, ordered.get(instruction_id)
        if (
            instruction is not None
            and instruction.trade_id == trade.trade_id
            and instruction.kind is InstructionKind.SETTLE
            and instruction.status is InstructionState.INSTRUCTED
            and trade.status is TradeState.ACCEPTED_GOODS
            and oddity(debit.notification, instruction) is None
        ):
            digest = sha256_hex(debit.envelope.payload)
            chosen.append(_Settling(at, command.act, debit, digest, trade, instruction))
    return sorted(chosen, key=lambda one: one.at)


def _keep(plan: Plan, chosen: Sequence[_Settling], outcomes: Sequence[Any]) -> set[date]:
    """Keep the bank's messages with what they came to, and its movements; the days of these."""
    messages, movements, days = [], [], set()
    for one in chosen:
        told = one.debit.notification
        envelope = envelope_bytes(one.debit.envelope)
        messages.append((told.message_id, one.digest, envelope, outcomes[one.at], one.act.now))
        for m in told.movements:
            what = (m.end_to_end_id, m.signed_minor, m.booked_on)
            movements.append((m.entry_id, told.message_id, one.trade.trade_id, *what))
            days.add(m.booked_on)
    plan.add(_KEEP, messages)
    plan.add(_NOTE, movements)
    return days


def _outcome(one: _Settling, told: Recorded) -> dict[str, Any]:
    return {"outcome": "settled", "trade_id": one.trade.trade_id, "statement_id": told.statement_id}
