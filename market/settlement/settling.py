"""What a debit that the bank reports comes to: does it settle its trade, and what is then stated. Pure."""

from typing import Protocol

from ledger.statement import Draft
from market.orders.repository import Claimed
from market.orders.rules import TradeState
from market.orders.statements import named
from market.orders.tables import Trade
from market.settlement.doubts import AFTER_REJECTION, OTHERWISE
from market.settlement.messages import Notification
from market.settlement.tables import InstructionState


class Instructed(Protocol):
    """What of an instruction is asked to settle its trade."""

    @property
    def status(self) -> InstructionState: ...

    @property
    def payouts(self) -> list[dict[str, str]]: ...

    @property
    def xml_sha256(self) -> str: ...


def oddity(notification: Notification, instruction: Instructed) -> str | None:
    """What keeps a debit from settling: another payment than instructed, or one that was rejected before."""
    if instruction.status is InstructionState.REJECTED:
        return AFTER_REJECTION
    expected = sorted((p["end_to_end_id"], p["amount_minor"], p["account"]) for p in instruction.payouts)
    paid = sorted((m.end_to_end_id, str(-m.signed_minor), m.party_account) for m in notification.movements)
    return None if paid == expected else OTHERWISE


def settled(trade: Trade | Claimed, instruction: Instructed, digest: str, before: TradeState) -> Draft:
    """The statement of a settlement; `digest` is the bank's message's."""
    assert trade.price_minor is not None
    commission, platform = trade.commission_minor or 0, trade.platform_fee_minor or 0
    return Draft(
        "TRD.SETTLE",
        trade.trade_id,
        public=named(trade) | {"bank_message_sha256": digest, "instruction_sha256": instruction.xml_sha256},
        opening={
            "amount_minor": str(trade.price_minor),
            "seller_minor": str(trade.price_minor - commission - platform),
            "commission_minor": str(commission),
            "platform_fee_minor": str(platform),
        },
        subjects={"bank-message": digest, "instruction": instruction.xml_sha256},
        before=before.value,
        after=TradeState.SETTLED.value,
    )
