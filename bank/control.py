"""The hands of whoever tests the exchange: faults on demand, and setting them right again."""

import sqlite3
from typing import Any

from bank.clock import BankClock
from bank.errors import NothingToCorrect, UnknownThing
from bank.repository import House, Movement, book
from bank.rules import MONEY_FAULTS, AccountKind, FaultKind, MovementKind, Side


def arm(
    db: sqlite3.Connection,
    *,
    kind: FaultKind,
    times: int,
    pattern: str,
    delta_minor: int,
    side: Side | None = None,
) -> dict[str, Any]:
    """The next `times` events of this kind that `pattern` is part of go wrong. Returns the fault.

    Without a side, faults of the money strike payouts, and those of messages both ways.
    """
    if side is None and kind in MONEY_FAULTS:
        side = Side.DEBIT
    cursor = db.execute(
        "INSERT INTO faults (kind, times_left, pattern, side, delta_minor) VALUES (?, ?, ?, ?, ?)",
        (kind, times, pattern, side, delta_minor),
    )
    return {"fault_id": cursor.lastrowid, "kind": kind, "times_left": times}


def armed(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """Every fault that was armed and what is left of it."""
    rows = db.execute(
        'SELECT id AS fault_id, kind, times_left, pattern AS match, side AS "on" FROM faults ORDER BY id'
    )
    return [dict(row) for row in rows]


def correct(db: sqlite3.Connection, house: House, clock: BankClock, end_to_end_id: str) -> dict[str, Any]:
    """Book what makes a payout right again; no notification, the day's statement shows it.

    Raises UnknownThing, NothingToCorrect, or InsufficientFunds where the payee has spent the excess.
    """
    payout = db.execute("SELECT * FROM payouts WHERE end_to_end_id = ?", (end_to_end_id,)).fetchone()
    if payout is None:
        raise UnknownThing("no such payout")
    paid_minor = -_escrow_of(db, house, payout["entry_id"])
    missing_minor = int(payout["instructed_minor"]) - paid_minor
    if missing_minor == 0:
        raise NothingToCorrect("what was paid is what was instructed")
    payee = payout["creditor_account"]
    movement = Movement(
        kind=MovementKind.CORRECTION,
        payer=house.escrow if missing_minor > 0 else payee,
        payee=payee if missing_minor > 0 else house.escrow,
        amount_minor=abs(missing_minor),
        entry_id=payout["entry_id"],
        end_to_end_id=end_to_end_id,
        party_account=payee,
        reference=payout["reference"],
        message_id=payout["message_id"],
    )
    book(db, house, movement, clock.now())
    return {"end_to_end_id": end_to_end_id, "corrected_minor": missing_minor}


def correct_transfer(
    db: sqlite3.Connection, house: House, clock: BankClock, transfer_id: str
) -> dict[str, Any]:
    """Book what makes a transfer into escrow right again. Raises UnknownThing, NothingToCorrect."""
    row = db.execute("SELECT * FROM transfers WHERE id = ?", (transfer_id,)).fetchone()
    if row is None:
        raise UnknownThing("no such transfer")
    due_minor = int(row["amount_minor"]) if row["status"] == "booked" else 0
    missing_minor = due_minor - _escrow_of(db, house, transfer_id)
    if missing_minor == 0:
        raise NothingToCorrect("what is in escrow is what was sent")
    movement = Movement(
        kind=MovementKind.CORRECTION,
        payer=house.world if missing_minor > 0 else house.escrow,
        payee=house.escrow if missing_minor > 0 else house.world,
        amount_minor=abs(missing_minor),
        entry_id=transfer_id,
        end_to_end_id=row["end_to_end_id"],
        party_account=row["from_account"],
        reference=row["reference"],
    )
    book(db, house, movement, clock.now())
    return {"transfer_id": transfer_id, "corrected_minor": missing_minor}


def _escrow_of(db: sqlite3.Connection, house: House, entry_id: str) -> int:
    """What stands in escrow under one of the bank's references, in fen."""
    row = db.execute(
        "SELECT COALESCE(SUM(amount_minor), 0) FROM legs JOIN movements ON movements.id = movement_id"
        " WHERE account = ? AND entry_id = ?",
        (house.escrow, entry_id),
    )
    return int(row.fetchone()[0])


def books(db: sqlite3.Connection) -> dict[str, Any]:
    """Totals that anyone may check: the sum of all legs is zero, and no movement is out of balance."""
    legs, total = db.execute("SELECT count(*), COALESCE(SUM(amount_minor), 0) FROM legs").fetchone()
    movements = db.execute("SELECT count(*) FROM movements").fetchone()[0]
    crooked = db.execute(
        "SELECT count(*) FROM movements WHERE"
        " (SELECT count(*) = 2 AND SUM(amount_minor) = 0 FROM legs WHERE movement_id = movements.id) = 0"
    ).fetchone()[0]
    rows = db.execute(
        "SELECT kind, COALESCE(SUM(amount_minor), 0) AS held FROM accounts"
        " LEFT JOIN legs ON account = number GROUP BY kind"
    )
    held = {row["kind"]: row["held"] for row in rows}
    return {
        "legs": legs,
        "movements": movements,
        "sum_of_legs_minor": total,
        "unbalanced_movements": crooked,
        "held_minor": {kind.value: held.get(kind.value, 0) for kind in AccountKind},
    }
