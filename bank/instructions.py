"""The exchange's payment instruction: verified, judged, carried out all or nothing, answered once."""

import sqlite3
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from bank import outbox, transfers
from bank.clock import BankClock
from bank.errors import BadSignature, MessageIdReused
from bank.messages import camt054, pain001, pain002
from bank.messages.entries import Entry
from bank.messages.pain001 import Instruction, Payout
from bank.messages.pain002 import Reason
from bank.messages.writing import day_of, payload_type
from bank.repository import (
    House,
    Movement,
    account_row,
    armed_fault,
    balance_of,
    book,
    paid_among,
    payable_among,
    sent_among,
    spend_fault,
    struck,
)
from bank.rules import FaultKind, MovementKind, Side, Standing, objections, wrong_amount
from bank.store import Store
from base.canonical import sha256_hex
from base.clock import rfc3339
from base.errors import Malformed
from base.ids import Seed
from base.signing import Envelope, SigningKey, envelope_signed_by, parse_envelope


@dataclass(frozen=True, slots=True)
class Desk:
    """What an instruction is handled with."""

    store: Store
    house: House
    clock: BankClock
    key: SigningKey
    exchange_key: bytes


def receive(desk: Desk, body: bytes) -> str:
    """Handle the JSON of an envelope; returns the JSON of the pain.002's envelope.

    The same message again gets the same answer and moves nothing. Raises Malformed, TooLarge,
    BadSignature, MessageIdReused; what is well formed but cannot be done is answered with RJCT.
    """
    envelope = _opened(body, desk.exchange_key)
    instruction = pain001.read(envelope.payload)
    with desk.store.write() as db:
        earlier = db.execute(
            "SELECT * FROM instructions WHERE message_id = ?", (instruction.message_id,)
        ).fetchone()
        if earlier is not None:
            if earlier["payload_sha256"] != sha256_hex(envelope.payload):
                raise MessageIdReused("this message id was used for another message")
            return str(earlier["answer"])
        desk.clock.observe(db, instruction.created_at)
        return _decide(db, desk, instruction, envelope)


def _opened(body: bytes, exchange_key: bytes) -> Envelope:
    try:
        document: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Malformed("not a DSSE envelope", reason="not JSON") from None
    envelope = parse_envelope(document)
    if envelope.payload_type != payload_type(pain001.MESSAGE):
        raise Malformed("not the payload type asked for", expected=payload_type(pain001.MESSAGE))
    if not envelope_signed_by(envelope, exchange_key):
        raise BadSignature("not signed by the exchange's key")
    return envelope


def _decide(db: sqlite3.Connection, desk: Desk, instruction: Instruction, envelope: Envelope) -> str:
    now, seed = desk.clock.now(), Seed()
    payouts = instruction.payouts
    own = instruction.debtor_account == desk.house.fee
    names = {payout.end_to_end_id for payout in payouts}
    standing = Standing(
        escrow_account=desk.house.escrow,
        escrow_minor=balance_of(db, desk.house.fee if own else desk.house.escrow),
        payable=frozenset({desk.house.escrow})
        if own
        else payable_among(db, {payout.creditor_account for payout in payouts}),
        paid=sent_among(db, desk.house.fee, names) if own else paid_among(db, names),
        today=desk.clock.today(),
        fee_account=desk.house.fee,
    )
    reasons = objections(instruction, standing)
    words = _words(instruction, *payouts)
    if not reasons and struck(db, FaultKind.REJECT, words, Side.DEBIT):
        reasons = (Reason("MS03", "rejected by a planted fault"),)
    report = pain002.status_report(
        message_id=seed.new_id("psr", now),
        at=now,
        instruction=instruction,
        reasons=reasons,
        accepted=pain002.IN_PROCESS if own else pain002.ACCEPTED,
    )
    answer = outbox.as_json(outbox.signed(desk.key, pain002.MESSAGE, report))
    db.execute(
        "INSERT INTO instructions (message_id, payload_sha256, status, received_at, envelope, answer)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            instruction.message_id,
            sha256_hex(envelope.payload),
            pain002.REJECTED if reasons else pain002.ACCEPTED,
            rfc3339(now),
            outbox.as_json(envelope),
            answer,
        ),
    )
    if not reasons and own:
        _pay_in(db, desk, instruction)
    elif not reasons:
        _carry_out(db, desk, instruction, seed, now)
    return answer


def _pay_in(db: sqlite3.Connection, desk: Desk, instruction: Instruction) -> None:
    """Out of the exchange's own account into escrow: asked of the exchange like anybody's transfer."""
    for payout in instruction.payouts:
        order = transfers.Order(
            from_account=desk.house.fee,
            to=desk.house.escrow,
            amount_minor=payout.amount_minor,
            reference=payout.reference or payout.end_to_end_id,
            end_to_end_id=payout.end_to_end_id,
        )
        transfers.start(db, desk.house, desk.clock, desk.key, order)


def _carry_out(
    db: sqlite3.Connection, desk: Desk, instruction: Instruction, seed: Seed, now: datetime
) -> None:
    entries: list[Entry] = []
    spare_minor = balance_of(db, desk.house.escrow) - instruction.total_minor
    for payout in instruction.payouts:
        entry = _told(db, instruction, payout, seed.new_id("pay", now), day_of(now))
        entries.append(entry)
        spare_minor -= _pay(db, desk.house, payout, entry, now=now, spare_minor=spare_minor)
    message_id = seed.new_id("ntf", now)
    words = (outbox.DEBIT, message_id, *_words(instruction, *instruction.payouts))
    first, *others = entries
    told = replace(first, amount_minor=transfers.told_amount(db, first.amount_minor, words, Side.DEBIT))
    xml = camt054.notification(
        message_id=message_id, at=now, escrow=desk.house.escrow, entries=[told, *others]
    )
    outbox.enqueue(
        db,
        message_id=message_id,
        kind=outbox.DEBIT,
        about=instruction.message_id,
        envelope=outbox.signed(desk.key, camt054.MESSAGE, xml),
        words=words,
    )


def _told(db: sqlite3.Connection, instruction: Instruction, payout: Payout, entry_id: str, day: str) -> Entry:
    """What the notification says of a payout, and the payout's record: always what was instructed."""
    db.execute(
        "INSERT INTO payouts (end_to_end_id, entry_id, message_id, instructed_minor, creditor_account,"
        " reference) VALUES (?, ?, ?, ?, ?, ?)",
        (
            payout.end_to_end_id,
            entry_id,
            instruction.message_id,
            payout.amount_minor,
            payout.creditor_account,
            payout.reference,
        ),
    )
    return Entry(
        entry_id=entry_id,
        credit=False,
        amount_minor=payout.amount_minor,
        booked_on=day,
        valued_on=day,
        end_to_end_id=payout.end_to_end_id,
        party_name=account_row(db, payout.creditor_account)["holder"],
        party_account=payout.creditor_account,
        reference=payout.reference,
        message_id=instruction.message_id,
    )


def _pay(
    db: sqlite3.Connection,
    house: House,
    payout: Payout,
    entry: Entry,
    *,
    now: datetime,
    spare_minor: int,
) -> int:
    """Move the money. Returns the fen that planted faults took beyond the instruction.

    A fault that the escrow account cannot bear beside the rest of the instruction stays armed.
    """
    words = (payout.end_to_end_id, payout.creditor_account, payout.reference or "", entry.message_id or "")
    amount_minor, beyond_minor = payout.amount_minor, 0
    fault = armed_fault(db, FaultKind.WRONG_AMOUNT, words, Side.DEBIT)
    if fault is not None:
        wrong_minor = wrong_amount(amount_minor, fault["delta_minor"])
        if wrong_minor - amount_minor <= spare_minor:
            spend_fault(db, fault)
            beyond_minor, amount_minor = wrong_minor - amount_minor, wrong_minor
    book(db, house, _movement(house, payout, entry, MovementKind.PAYOUT, amount_minor), now)
    fault = armed_fault(db, FaultKind.DOUBLE_PAYMENT, words, Side.DEBIT)
    if fault is not None and beyond_minor + amount_minor <= spare_minor:
        spend_fault(db, fault)
        book(db, house, _movement(house, payout, entry, MovementKind.SLIP, amount_minor), now)
        beyond_minor += amount_minor
    return beyond_minor


def _movement(house: House, payout: Payout, entry: Entry, kind: MovementKind, amount_minor: int) -> Movement:
    return Movement(
        kind=kind,
        payer=house.escrow,
        payee=payout.creditor_account,
        amount_minor=amount_minor,
        entry_id=entry.entry_id,
        end_to_end_id=payout.end_to_end_id,
        party_account=payout.creditor_account,
        reference=payout.reference,
        message_id=entry.message_id,
    )


def _words(instruction: Instruction, *payouts: Payout) -> list[str]:
    words = [instruction.message_id]
    for payout in payouts:
        words += [payout.end_to_end_id, payout.creditor_account, payout.reference or ""]
    return words
