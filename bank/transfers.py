"""A customer's transfer into escrow: taken from the sender, asked of the exchange, booked or returned."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bank import outbox
from bank.clock import BankClock
from bank.errors import NotToEscrow, TransferReused, UnknownThing
from bank.messages import camt054
from bank.messages.entries import Entry
from bank.messages.writing import day_of
from bank.repository import House, Movement, account_row, book
from bank.rules import MovementKind, return_reason
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

    The same order again returns the same transfer. Raises NotToEscrow, InsufficientFunds, TransferReused.
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
    entry = Entry(
        entry_id=transfer_id,
        credit=True,
        amount_minor=order.amount_minor,
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
        words=(outbox.CREDIT, message_id, order.end_to_end_id, order.reference, order.from_account),
    )
    return transfer_id


def conclude(
    db: sqlite3.Connection,
    house: House,
    clock: BankClock,
    transfer_id: str,
    problem: Mapping[str, Any] | None,
) -> None:
    """The exchange has decided: book to escrow, or (with its problem) return to the sender. Once."""
    code, reason = return_reason(problem) if problem is not None else (None, None)
    row = db.execute(
        "UPDATE transfers SET status = ?, reason_code = ?, reason = ?"
        " WHERE id = ? AND status = 'pending' RETURNING *",
        ("booked" if problem is None else "returned", code, reason, transfer_id),
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
    kind = MovementKind.CREDIT if problem is None else MovementKind.RETURN
    payee = house.escrow if problem is None else order.from_account
    movement = _movement(order, transfer_id, kind, house.transit, payee, valued_on=row["valued_on"])
    book(db, house, movement, clock.now())


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
