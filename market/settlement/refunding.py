"""Money that goes back: all that is held to the buyer, or part of the price beside what the seller is paid.

Others decide whether and how much (a ruling, the delivery deadline, a void contract) and move the trade; here
is what happens to the money. Before release a refund is what escrow holds. After release escrow holds
nothing: those who were paid pay back first (`market.settlement.claims`), and then that is refunded.

Whoever moves a trade to REFUND_PENDING or VOIDED calls `queue_refund` in the same transaction, and whoever
moves it to PARTIAL_SETTLE calls `divide`; `take_up` does the rest when the job falls due.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from base.db import WriteSession
from ledger.accounts import held
from ledger.balances import balance
from ledger.recording import Act
from ledger.statement import Draft
from market.orders import repository as trades
from market.orders.rules import TradeState
from market.orders.statements import named
from market.orders.tables import Trade
from market.settlement import repository
from market.settlement.doubts import waits_for_a_person
from market.settlement.instructing import (
    Escrow,
    Paying,
    instruct,
    issue,
    payings,
    queue_instruction,
)
from market.settlement.plan import Divided, Leg, Payee, divided
from market.settlement.tables import Instruction, InstructionKind, InstructionState, Split

_BACK: Final = frozenset({TradeState.REFUND_PENDING, TradeState.VOIDED})
_PAYEES: Final[Mapping[str, Payee]] = {"S": Payee.SELLER, "B": Payee.BROKER, "P": Payee.PLATFORM}


async def queue_refund(s: WriteSession, act: Act, *, trade_id: str) -> None:
    """Have everything that is held on a REFUND_PENDING or VOIDED trade paid back to its buyer.

    To be called when the trade has been moved, and again when it is unfrozen. Where nothing is held, or
    claims are still open, or a payment is under way, the job finds nothing to do.
    """
    await queue_instruction(s, act, trade_id=trade_id, at=act.now)


async def divide(s: WriteSession, act: Act, *, trade: Trade, refund_minor: int, at: datetime) -> Divided:
    """Keep how the price of a trade in PARTIAL_SETTLE is divided, and have it paid at a moment (T+1).

    `refund_minor` fen go back to the buyer; what is left is split as the contract splits the price, both fees
    pro rata by the largest remainder. The caller holds the trade's lock and states the event (TRD.PARTIAL,
    whose opening says `refund_minor`). Raises Malformed unless 0 < refund < price.
    """
    assert trade.price_minor is not None
    commission, platform = trade.commission_minor or 0, trade.platform_fee_minor or 0
    parts = divided(trade.price_minor, commission, platform, refund_minor)
    s.add(
        Split(
            trade_id=trade.trade_id,
            refund_minor=parts.refund_minor,
            seller_minor=parts.seller_minor,
            commission_minor=parts.commission_minor,
            platform_fee_minor=parts.platform_fee_minor,
            release_at=at,
            decided_at=act.now,
        )
    )
    await s.flush()
    await queue_instruction(s, act, trade_id=trade.trade_id, at=at)
    return parts


async def released(s: WriteSession, *, trade_id: str) -> dict[Payee, int]:
    """What seller, broker and platform were paid out of a trade, in fen; empty where nothing was released."""
    found: dict[Payee, int] = {}
    for instruction in await repository.instructions_of(s, trade_id=trade_id):
        if instruction.status is InstructionState.PAID and instruction.kind in {
            InstructionKind.SETTLE,
            InstructionKind.SPLIT,
        }:
            for payout in instruction.payouts:
                payee = _PAYEES.get(payout["end_to_end_id"].rpartition("/")[2])
                if payee is not None:
                    found[payee] = int(payout["amount_minor"])
    return found


async def take_up(s: WriteSession, act: Act, *, trade_id: str, escrow: Escrow) -> Instruction | None:
    """Instruct whatever is due on a trade by its state: settlement, divided settlement, or refund.

    None where nothing is due: a job that was overtaken, a trade that is frozen, a payment under way, one that
    waits for a person, a payee without an account (which becomes a work item).
    """
    trade = await trades.claim_trade(s, trade_id=trade_id)
    if await waits_for_a_person(s, trade_id=trade_id):
        return None
    if trade.status is TradeState.PARTIAL_SETTLE:
        return await instruct_split(s, act, trade=trade, escrow=escrow)
    if trade.status in _BACK:
        return await instruct_refund(s, act, trade=trade, escrow=escrow)
    return await instruct(s, act, trade_id=trade_id, escrow=escrow)


async def instruct_refund(s: WriteSession, act: Act, *, trade: Trade, escrow: Escrow) -> Instruction | None:
    """Reserve everything that is held on a trade (locked by the caller) and instruct it back to the buyer.

    The buyer is paid to its account on record, else to the account it funded the trade from; where neither is
    known a work item is opened. None where claims are open, nothing is held or a payment is under way.
    """
    trade_id = trade.trade_id
    if trade.status not in _BACK or await repository.under_way(s, trade_id=trade_id) is not None:
        return None
    if await repository.open_claims_of(s, trade_id=trade_id):
        return None
    amount_minor = -await balance(s, held(trade_id))
    if amount_minor <= 0:
        return None
    planned = [Leg(Payee.BUYER, trade.buyer_id, amount_minor)]
    found = await payings(s, act, trade=trade, planned=planned, escrow=escrow)
    if found is None:
        return None
    renamed = [await _not_paid_before(s, trade, paying) for paying in found]
    kind = InstructionKind.REFUND
    return await issue(s, act, trade=trade, kind=kind, payings=renamed, escrow=escrow)


async def instruct_split(s: WriteSession, act: Act, *, trade: Trade, escrow: Escrow) -> Instruction | None:
    """At its moment: reserve the parts of a divided price, the buyer's among them, in one instruction."""
    split = await s.get(Split, trade.trade_id)
    if trade.status is not TradeState.PARTIAL_SETTLE or split is None or act.now < split.release_at:
        return None
    if await repository.under_way(s, trade_id=trade.trade_id) is not None:
        return None
    parts = (
        Leg(Payee.SELLER, trade.seller_id, split.seller_minor),
        Leg(Payee.BROKER, trade.commission_to or "", split.commission_minor),
        Leg(Payee.PLATFORM, act.exchange.actor.org_id, split.platform_fee_minor),
        Leg(Payee.BUYER, trade.buyer_id, split.refund_minor),
    )
    planned = [leg for leg in parts if leg.amount_minor]
    found = await payings(s, act, trade=trade, planned=planned, escrow=escrow)
    if found is None:
        return None
    return await issue(s, act, trade=trade, kind=InstructionKind.SPLIT, payings=found, escrow=escrow)


async def _not_paid_before(s: WriteSession, trade: Trade, paying: Paying) -> Paying:
    """The payment under an end-to-end id that no payment of the trade has had: a second refund is `/R2`."""
    paid = {
        payout["end_to_end_id"]
        for instruction in await repository.instructions_of(s, trade_id=trade.trade_id)
        if instruction.status is InstructionState.PAID
        for payout in instruction.payouts
    }
    first = name = paying.payout.end_to_end_id
    number = 1
    while name in paid:
        number += 1
        name = f"{first}{number}"
    return replace(paying, payout=replace(paying.payout, end_to_end_id=name))


def refunded(trade: Trade, instruction: Instruction, digest: str, before: TradeState) -> Draft:
    """The statement of a refund (TRD.REFUND); `digest` is the bank's message's."""
    return Draft(
        "TRD.REFUND",
        trade.trade_id,
        public=named(trade) | {"bank_message_sha256": digest, "instruction_sha256": instruction.xml_sha256},
        opening={"amount_minor": str(instruction.total_minor)},
        subjects={"bank-message": digest, "instruction": instruction.xml_sha256},
        before=before.value,
        after=trade.status.value,
    )


def settled_in_part(trade: Trade, instruction: Instruction, digest: str, before: TradeState) -> Draft:
    """The statement of a divided settlement (TRD.SETTLE): four parts that sum to the price."""
    parts = {
        payout["end_to_end_id"].rpartition("/")[2]: payout["amount_minor"] for payout in instruction.payouts
    }
    return Draft(
        "TRD.SETTLE",
        trade.trade_id,
        public=named(trade) | {"bank_message_sha256": digest, "instruction_sha256": instruction.xml_sha256},
        opening={
            "amount_minor": str(trade.price_minor),
            "seller_minor": parts.get("S", "0"),
            "commission_minor": parts.get("B", "0"),
            "platform_fee_minor": parts.get("P", "0"),
            "refund_minor": parts.get("R", "0"),
        },
        subjects={"bank-message": digest, "instruction": instruction.xml_sha256},
        before=before.value,
        after=trade.status.value,
    )
