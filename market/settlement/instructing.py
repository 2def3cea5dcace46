"""T+1: the payment instruction of an accepted trade, and what the bank answers to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from base.calendar import moment_after
from base.canonical import canonical, sha256_hex
from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from base.signing import Envelope
from identity.repository import get_organisation
from ledger.accounts import Leg, escrow_of, held, platform_fee
from ledger.posting import reserve, void_reserved
from ledger.recording import Act, record
from ledger.statement import Draft, envelope_bytes
from market.orders import repository as trades
from market.orders.deadlines import BANKS_OPEN
from market.orders.rules import TradeState
from market.orders.tables import Trade
from market.settlement import repository
from market.settlement.bank import NotTaken
from market.settlement.doubts import REJECTED, REJECTED_PAID
from market.settlement.errors import PaymentUnderWay, SettlementNotInstructed
from market.settlement.messages import Payout, read_status, write_instruction
from market.settlement.plan import Leg as Planned
from market.settlement.plan import Payee, legs
from market.settlement.tables import Instruction, InstructionKind, InstructionState
from market.settlement.work import mismatch
from pricing.whole import WholePrice, whole_price

INSTRUCT_JOB: Final = "settlement.instruct"
SEND_JOB: Final = "settlement.send"
EXPIRE_JOB: Final = "settlement.expire"
EXPIRE_WORKING_DAYS: Final = 3  # the bank did not answer: what was reserved is let go
PLATFORM: Final = "Databourse"
_SUFFIX: Final = {Payee.SELLER: "S", Payee.BROKER: "B", Payee.PLATFORM: "P", Payee.BUYER: "R"}


@dataclass(frozen=True, slots=True)
class Escrow:
    """The account at the bank out of which trades are paid, and the one our own fee goes to."""

    account: str
    fee_account: str


async def instruct(s: WriteSession, act: Act, *, trade_id: str, escrow: Escrow) -> Instruction | None:
    """At T+1: reserve the pay-outs of an accepted trade and queue the signed instruction.

    None when the trade is frozen, or settled, or instructed already: a job that was overtaken. A payee
    without an account becomes a work item.
    """
    trade = await trades.claim_trade(s, trade_id=trade_id)
    due = trade.settle_at is not None and act.now >= trade.settle_at
    if trade.status is not TradeState.ACCEPTED_GOODS or not due:
        return None
    if await repository.under_way(s, trade_id=trade_id) is not None:
        return None
    payouts = await _payouts(s, act, trade, escrow)
    if payouts is None:
        return None
    return await issue(s, act, trade=trade, kind=InstructionKind.SETTLE, payings=payouts, escrow=escrow)


@dataclass(frozen=True, slots=True)
class Paying:
    """One payment out of escrow, and the account of our books that says for whom."""

    payout: Payout
    books: str


async def issue(
    s: WriteSession,
    act: Act,
    *,
    trade: Trade,
    kind: InstructionKind,
    payings: Sequence[Paying],
    escrow: Escrow,
) -> Instruction:
    """State an instruction (PAY.INSTRUCT), reserve what it pays, keep it, and queue it for the bank.

    The trade is locked by the caller, nothing else of it is under way, and escrow holds what is paid.
    """
    trade_id, message_id = trade.trade_id, act.new_id("ins")
    payouts = [paying.payout for paying in payings]
    xml = write_instruction(
        message_id=message_id,
        at=act.occurred_at,
        debtor_account=escrow.account,
        reference=trade_id,
        payouts=payouts,
    )
    digest = sha256_hex(xml)
    told = legs_of(payouts)
    recorded = await record(s, act, instruct_draft(act, trade_id, digest, told))
    batch_id = act.new_id("bat")
    total = sum(payout.amount_minor for payout in payouts)
    await reserve(
        s,
        batch_id=batch_id,
        object_id=trade_id,
        statement_id=recorded.statement_id,
        booked_at=act.now,
        legs=[Leg(held(trade_id), total), *(Leg(p.books, -p.payout.amount_minor) for p in payings)],
    )
    instruction = Instruction(
        message_id=message_id,
        trade_id=trade_id,
        number=await repository.next_number(s, trade_id=trade_id),
        kind=kind,
        status=InstructionState.INSTRUCTED,
        batch_id=batch_id,
        payouts=told,
        xml=xml,
        xml_sha256=digest,
        instructed_at=act.occurred_at,
        expires_at=await expires(s, act),
    )
    s.add(instruction)
    await s.flush()
    await enqueue(s, kind=SEND_JOB, key=message_id, run_at=act.now, payload={"message_id": message_id})
    return instruction


async def expires(s: WriteSession, act: Act) -> datetime:
    """Until when the bank may answer what is instructed now; the clock is set to it."""
    at = term_of(act.now)
    moment = rfc3339(at)  # one job for all that expire at a moment
    await enqueue(s, kind=EXPIRE_JOB, key=moment, run_at=at, payload={"at": moment})
    return at


def term_of(instructed_at: datetime) -> datetime:
    """Until when the bank may answer an instruction."""
    return moment_after(instructed_at, EXPIRE_WORKING_DAYS, BANKS_OPEN).at


def legs_of(payouts: Sequence[Payout]) -> list[dict[str, str]]:
    """What an instruction pays, leg by leg, as it is kept and stated."""
    return [
        {"end_to_end_id": p.end_to_end_id, "amount_minor": str(p.amount_minor), "account": p.account}
        for p in payouts
    ]


def instruct_draft(act: Act, trade_id: str, digest: str, told: Sequence[Mapping[str, str]]) -> Draft:
    """PAY.INSTRUCT: the instruction and each leg of it by their digests, the legs in the opening.

    Each leg has a nonce, so that a payee can be shown its own alone (`opened`).
    """
    legs = [{**leg, "nonce": act.nonce()} for leg in told]
    named = [sha256_hex(canonical(leg)) for leg in legs]
    return Draft(
        "PAY.INSTRUCT",
        trade_id,
        public={"trade_id": trade_id, "instruction_sha256": digest, "legs_sha256": named},
        opening={"legs": legs},
        subjects={"instruction": digest},
    )


def _parts(trade: Trade) -> WholePrice:
    """The price taken apart as the contract says: its amounts, whatever the rates are today."""
    assert trade.price_minor is not None
    commission, platform = trade.commission_minor or 0, trade.platform_fee_minor or 0
    return replace(
        whole_price(trade.price_minor, commission_bp=0, platform_bp=0),
        commission_minor=commission,
        platform_fee_minor=platform,
        seller_minor=trade.price_minor - commission - platform,
    )


async def _payouts(s: WriteSession, act: Act, trade: Trade, escrow: Escrow) -> list[Paying] | None:
    operator = act.exchange.actor.org_id
    planned = legs(
        _parts(trade), seller_id=trade.seller_id, broker_id=trade.commission_to, operator_id=operator
    )
    return await payings(s, act, trade=trade, planned=planned, escrow=escrow)


async def payings(
    s: WriteSession, act: Act, *, trade: Trade, planned: Sequence[Planned], escrow: Escrow
) -> list[Paying] | None:
    """To whose account each planned payment goes; None where one has none, which becomes a work item."""
    found = []
    for leg in planned:
        if leg.payee is Payee.PLATFORM:
            name, account, books = PLATFORM, escrow.fee_account, platform_fee()
        else:
            payee = await payee_of(s, trade=trade, leg=leg)
            if payee is None:
                await _missing_account(s, act, trade, leg.org_id)
                return None
            (name, account), books = payee, escrow_of(leg.org_id)
        end_to_end_id = f"{trade.trade_id}/{_SUFFIX[leg.payee]}"
        found.append(Paying(Payout(end_to_end_id, leg.amount_minor, name, account), books))
    return found


async def payee_of(s: WriteSession, *, trade: Trade, leg: Planned) -> tuple[str, str] | None:
    """(holder, account) of whom a planned payment pays; a buyer without one is paid where it paid from."""
    row = await repository.payee_account(s, org_id=leg.org_id)
    if row is not None:
        return row.holder, row.account
    if leg.payee is not Payee.BUYER:
        return None
    paid_from = await repository.funded_from(s, trade_id=trade.trade_id)
    organisation = await get_organisation(s, org_id=leg.org_id)
    return (organisation.name, paid_from) if organisation and paid_from else None


async def _missing_account(s: WriteSession, act: Act, trade: Trade, org_id: str) -> None:
    organisation = await get_organisation(s, org_id=org_id)
    name = organisation.name if organisation else org_id
    await mismatch(
        s, act, kind="payee-account-missing", trade_id=trade.trade_id, facts={"org_id": org_id, "name": name}
    )


async def note_status(s: WriteSession, act: Act, *, message_id: str, envelope: Envelope) -> None:
    """Take in the bank's pain.002: a rejection lets the reservation go and asks for a person.

    A rejection of what the bank has reported as paid is a contradiction, and only asks for a person.
    Raises SettlementNotInstructed for an answer to another instruction.
    """
    report = read_status(envelope.payload)
    instruction = await repository.claim_instruction(s, message_id=message_id)
    if instruction is None or report.instruction_id != message_id:
        raise SettlementNotInstructed("no such instruction", message_id=report.instruction_id)
    instruction.status_report = envelope_bytes(envelope)
    instruction.answered_at = act.now
    s.add(instruction)
    await s.flush()
    if not report.accepted:
        facts = {"reasons": ", ".join(report.reasons)}
        await _rejected(s, act, instruction, facts, bank_message_sha256=sha256_hex(envelope.payload))


async def note_not_taken(s: WriteSession, act: Act, *, message_id: str, answer: NotTaken) -> None:
    """The bank did not even take the instruction: nothing is paid, and a person has to look."""
    instruction = await repository.claim_instruction(s, message_id=message_id)
    if instruction is None:
        raise SettlementNotInstructed("no such instruction", message_id=message_id)
    await _rejected(s, act, instruction, {"reasons": answer.code}, bank_message_sha256=None)


async def _rejected(
    s: WriteSession,
    act: Act,
    instruction: Instruction,
    facts: Mapping[str, str],
    *,
    bank_message_sha256: str | None,
) -> None:
    facts = {"instruction_id": instruction.message_id, **facts}
    kind = {
        InstructionState.INSTRUCTED: REJECTED,
        InstructionState.PAID: REJECTED_PAID,
    }.get(instruction.status)
    if kind is None:
        if instruction.status is not InstructionState.NOT_PAID:  # which its statements showed
            instruction.status = InstructionState.REJECTED  # told before, or let go by the clock
            s.add(instruction)
            await s.flush()
        return
    recorded = await mismatch(
        s,
        act,
        kind=kind,
        trade_id=instruction.trade_id,
        facts=facts,
        bank_message_sha256=bank_message_sha256,
    )
    if instruction.status is InstructionState.INSTRUCTED:
        instruction.status = InstructionState.REJECTED
        s.add(instruction)
        if instruction.kind is not InstructionKind.FEE_BACK:
            await void_reserved(
                s,
                batch_id=act.new_id("bat"),
                resolves=instruction.batch_id,
                statement_id=recorded.statement_id,
                booked_at=act.now,
            )
    await s.flush()


async def queue_instruction(s: WriteSession, act: Act, *, trade_id: str, at: datetime) -> None:
    """Have the settlement of a trade taken up (again) at a moment, beside whatever was asked before.

    What is taken up too early or twice finds nothing to do.
    """
    key = f"{trade_id}:{act.new_id('job')}"
    await enqueue(s, kind=INSTRUCT_JOB, key=key, run_at=at, payload={"trade_id": trade_id})


async def require_nothing_under_way(s: WriteSession, *, trade_id: str) -> None:
    """Refuse to stop a trade (locked by the caller) whose instruction is with the bank: PaymentUnderWay."""
    if await repository.under_way(s, trade_id=trade_id) is not None:
        raise PaymentUnderWay("the payment is under way at the bank", trade_id=trade_id)
