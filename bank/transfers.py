"""A customer's transfer into escrow: taken from the sender, asked of the exchange, booked or returned."""

import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from bank import outbox
from bank.clock import BankClock
from bank.errors import NotToEscrow, TransferReused, UnknownThing
from bank.messages import camt054
from bank.messages.entries import Entry
from bank.messages.writing import day_of
from bank.repository import (
    House,
    Movement,
    account_row,
    armed_fault,
    book,
    spend_fault,
    struck,
)
from bank.rules import FaultKind, MovementKind, Side, return_reason, wrong_amount
from base.ids import Seed
from base.signing import SigningKey

TO_ESCROW: Final = "escrow"


@dataclass(frozen=True, slots=True)
class Order:
    """What a customer orders. `reference` is the trade's payment reference, asked of the exchange."""

    from_account: str
    to: str
    amount_minor: int
    reference: str
    end_to_end_id: str


def start(db: sqlite3.Connection, house: House, clock: BankClock, key: SigningKey, order: Order) -> str:
    """Take the money into transit and put the question in the outbox. Returns the transfer's id.

    The same order again returns the same transfer. One that a planted fault rejects is returned at once.
    Raises NotToEscrow, InsufficientFunds, TransferReused.
    """
    if order.to not in (TO_ESCROW, house.escrow):
        raise NotToEscrow("this bank moves customers' money into the escrow account only")
    earlier = db.execute(
        "SELECT * FROM transfers WHERE from_account = ? AND end_to_end_id = ?",
        (order.from_account, order.end_to_end_id),
    ).fetchone()
    if earlier is not None:
        if (earlier["amount_minor"], earlier["reference"]) != (order.amount_minor, order.reference):
            raise TransferReused("this end-to-end id was used for another transfer")
        return str(earlier["id"])
    now, seed = clock.now(), Seed()
    transfer_id, message_id = seed.new_id("trf", now), seed.new_id("ntf", now)
    words = (outbox.CREDIT, message_id, order.end_to_end_id, order.reference, order.from_account)
    book(db, house, _movement(order, transfer_id, MovementKind.DEBIT, order.from_account, house.transit), now)
    db.execute(
        "INSERT INTO transfers (id, from_account, amount_minor, reference, end_to_end_id, message_id,"
        " valued_on, status) VALUES (?, ?, ?, ?, ?, ?, ?, 'pending')",
        (
            transfer_id,
            order.from_account,
            order.amount_minor,
            order.reference,
            order.end_to_end_id,
            message_id,
            day_of(now),
        ),
    )
    if struck(db, FaultKind.REJECT, words, Side.CREDIT):  # the exchange never hears of it
        _end(db, house, clock, transfer_id, ("MS03", "rejected by a planted fault"))
        return transfer_id
    entry = Entry(
        entry_id=transfer_id,
        credit=True,
        amount_minor=told_amount(db, order.amount_minor, words, Side.CREDIT),
        booked_on=day_of(now),
        valued_on=day_of(now),
        end_to_end_id=order.end_to_end_id,
        party_name=account_row(db, order.from_account)["holder"],
        party_account=order.from_account,
        reference=order.reference,
    )
    xml = camt054.notification(message_id=message_id, at=now, escrow=house.escrow, entries=[entry])
    outbox.enqueue(
        db,
        message_id=message_id,
        kind=outbox.CREDIT,
        about=transfer_id,
        envelope=outbox.signed(key, camt054.MESSAGE, xml),
        words=words,
    )
    return transfer_id


def told_amount(db: sqlite3.Connection, amount_minor: int, words: Collection[str], side: Side) -> int:
    """What a notification says was moved: the truth, unless a fault of the notice strikes."""
    fault = armed_fault(db, FaultKind.WRONG_NOTICE, words, side)
    if fault is None:
        return amount_minor
    spend_fault(db, fault)
    return wrong_amount(amount_minor, fault["delta_minor"])


def conclude(
    db: sqlite3.Connection,
    house: House,
    clock: BankClock,
    transfer_id: str,
    problem: Mapping[str, Any] | None,
) -> None:
    """The exchange has decided: book to escrow, or (with its problem) return to the sender. Once."""
    _end(db, house, clock, transfer_id, return_reason(problem) if problem is not None else None)


def _end(
    db: sqlite3.Connection,
    house: House,
    clock: BankClock,
    transfer_id: str,
    returned: tuple[str, str] | None,
) -> None:
    """Book a pending transfer to escrow, or return it for a reason (code, words)."""
    code, reason = returned or (None, None)
    row = db.execute(
        "UPDATE transfers SET status = ?, reason_code = ?, reason = ?"
        " WHERE id = ? AND status = 'pending' RETURNING *",
        ("booked" if returned is None else "returned", code, reason, transfer_id),
    ).fetchone()
    if row is None:
        return
    order = Order(
        from_account=row["from_account"],
        to=house.escrow,
        amount_minor=row["amount_minor"],
        reference=row["reference"],
        end_to_end_id=row["end_to_end_id"],
    )
    kind = MovementKind.CREDIT if returned is None else MovementKind.RETURN
    payee = house.escrow if returned is None else order.from_account
    movement = _movement(order, transfer_id, kind, house.transit, payee, valued_on=row["valued_on"])
    book(db, house, movement, clock.now())
    if returned is None:
        _slip(db, house, clock, row, order)


def _slip(db: sqlite3.Connection, house: House, clock: BankClock, row: sqlite3.Row, order: Order) -> None:
    """What planted faults add to a credit, or take from it: the statement shows it, no notification does."""
    words = (outbox.CREDIT, row["message_id"], order.end_to_end_id, order.reference, order.from_account)
    off_minor = 0
    fault = armed_fault(db, FaultKind.WRONG_AMOUNT, words, Side.CREDIT)
    if fault is not None:
        spend_fault(db, fault)
        off_minor += wrong_amount(order.amount_minor, fault["delta_minor"]) - order.amount_minor
    if struck(db, FaultKind.DOUBLE_PAYMENT, words, Side.CREDIT):
        off_minor += order.amount_minor
    if off_minor:
        payer, payee = (house.world, house.escrow) if off_minor > 0 else (house.escrow, house.world)
        wrong = replace(order, amount_minor=abs(off_minor))
        book(db, house, _movement(wrong, row["id"], MovementKind.SLIP, payer, payee), clock.now())


def view(db: sqlite3.Connection, transfer_id: str) -> dict[str, Any]:
    """The transfer as its sender is told of it. Raises UnknownThing."""
    row = db.execute("SELECT * FROM transfers WHERE id = ?", (transfer_id,)).fetchone()
    if row is None:
        raise UnknownThing("no such transfer")
    return {
        "transfer_id": row["id"],
        "status": row["status"],
        "from_account": row["from_account"],
        "amount_minor": row["amount_minor"],
        "reference": row["reference"],
        "end_to_end_id": row["end_to_end_id"],
        "message_id": row["message_id"],
        "reason_code": row["reason_code"],
        "reason": row["reason"],
    }


def _movement(
    order: Order,
    transfer_id: str,
    kind: MovementKind,
    payer: str,
    payee: str,
    *,
    valued_on: str | None = None,
) -> Movement:
    return Movement(
        kind=kind,
        payer=payer,
        payee=payee,
        amount_minor=order.amount_minor,
        entry_id=transfer_id,
        end_to_end_id=order.end_to_end_id,
        party_account=order.from_account,
        reference=order.reference,
        valued_on=valued_on,
    )
