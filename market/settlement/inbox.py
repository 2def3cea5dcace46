"""The bank's notifications as they come in: each decided once, and the decision kept.

The bank asks again with the same message until it hears an answer, and acts on what it hears. So a
refused credit is kept with its reason, and the same message gets the same refusal again. A refused debit
is not kept: it is a fact, and the bank tells it again when somebody has looked into it.
"""

from typing import Any, Final

from base.canonical import sha256_hex
from base.db import WriteSession
from base.errors import Refusal
from base.ids import is_id
from base.signing import Envelope
from ledger.acts import House, Once, perform
from ledger.batch import BatchWriter, Command
from ledger.recording import Act
from ledger.statement import envelope_bytes
from market.orders.errors import TradeWrongState
from market.settlement import repository
from market.settlement.claims import is_claim, note_fee_returned
from market.settlement.debits import read_debits
from market.settlement.errors import (
    AccountNotOurs,
    BankMessageChanged,
    ClaimPaidBefore,
    EntryKnown,
    EscrowAmountMismatch,
    EscrowFundedBefore,
    FundingFrozen,
    FundingLate,
    PaymentUnknown,
)
from market.settlement.instructing import Escrow
from market.settlement.messages import Notification, read_notification
from market.settlement.service import receive_notification
from market.settlement.tables import BankMessage
from market.settlement.together import Debit, settle_together

_REFUSED: Final = "refused"
_KEPT: Final[dict[str, type[Refusal]]] = {
    kind.code: kind
    for kind in (
        AccountNotOurs,
        ClaimPaidBefore,
        EntryKnown,
        EscrowAmountMismatch,
        EscrowFundedBefore,
        FundingFrozen,
        FundingLate,
        PaymentUnknown,
        TradeWrongState,
    )
}


async def hear_bank(
    house: House, *, envelope: Envelope, escrow: Escrow, batch: BatchWriter | None = None
) -> dict[str, Any]:
    """Decide a camt.054 whose signature was verified: what it did, or the refusal that the bank must hear.

    With a batch writer settlements go through it, and are sealed when this returns. Raises what
    `receive_notification` raises; a refusal is recorded, and kept where it is a credit's.
    """
    notification = read_debits(envelope.payload) or read_notification(envelope.payload)
    # A payer writes what it likes into its reference; on the ledger goes what has the form of a trade's id.
    names = (m.reference for m in notification.movements if m.reference)
    named = (name for name in names if is_id(name, "trd") or is_claim(name))
    about = next(named, notification.message_id)
    act = house.exchange_act()

    async def decide(s: WriteSession, act: Act) -> dict[str, Any]:
        outcome = await receive_notification(
            s, act, envelope=envelope, notification=notification, escrow=escrow
        )
        if outcome["outcome"] == _REFUSED:
            raise _KEPT[outcome["code"]](outcome["detail"], **outcome["facts"])
        return outcome

    if notification.movements and not any(movement.credit for movement in notification.movements):
        if batch is not None:
            debit = Debit(envelope, notification, escrow)
            command = Command(act, decide, "TRD.SETTLE", about, together=settle_together, said=debit)
            settled: dict[str, Any] = await batch.submit(command)
            return settled
        return await perform(house, act, decide, attempted="TRD.SETTLE", object_id=about)
    once = _KeepRefusal(act, envelope, notification, escrow)
    attempted = "PAY.CLAIM_PAID" if is_claim(about) else "TRD.FUND"
    return await perform(house, act, decide, attempted=attempted, object_id=about, once=once)


class _KeepRefusal(Once):
    """Keeps the refusal of a credit, in the transaction that records it."""

    def __init__(self, act: Act, envelope: Envelope, notification: Notification, escrow: Escrow) -> None:
        self._act, self._envelope, self._notification, self._escrow = act, envelope, notification, escrow

    async def before(self, s: WriteSession) -> None:
        """Hold the message id outside the savepoint that a refusal rolls back."""
        await repository.lock_message(s, message_id=self._notification.message_id)

    async def refused(self, s: WriteSession, refusal: Refusal) -> None:
        if isinstance(refusal, BankMessageChanged) or refusal.code not in _KEPT:
            return
        known = await repository.get_message(s, message_id=self._notification.message_id)
        if known is not None:
            return
        s.add(
            BankMessage(
                message_id=self._notification.message_id,
                payload_sha256=sha256_hex(self._envelope.payload),
                envelope=envelope_bytes(self._envelope),
                outcome={
                    "outcome": _REFUSED,
                    "code": refusal.code,
                    "detail": refusal.detail,
                    "facts": refusal.facts,
                },
                received_at=self._act.now,
            )
        )
        await s.flush()
        for movement in self._notification.movements:
            if is_claim(movement.reference):
                await note_fee_returned(s, self._act, movement=movement, refusal=refusal, escrow=self._escrow)
