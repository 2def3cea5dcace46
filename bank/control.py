"""The hands of whoever tests the exchange: faults on demand, and setting them right again."""

import sqlite3
from typing import Any

from bank.clock import BankClock
from bank.errors import NothingToCorrect, UnknownThing
from bank.repository import House, Movement, book
from bank.rules import AccountKind, FaultKind, MovementKind


def arm(
    db: sqlite3.Connection, *, kind: FaultKind, times: int, pattern: str, delta_minor: int
) -> dict[str, Any]:
    """The next `times` events of this kind that `pattern` is part of go wrong. Returns the fault."""
    cursor = db.execute(
        "INSERT INTO faults (kind, times_left, pattern, delta_minor) VALUES (?, ?, ?, ?)",
        (kind, times, pattern, delta_minor),
    )
    return {"fault_id": cursor.lastrowid, "kind": kind, "times_left": times}


def armed(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """Every fault that was armed and what is left of it."""
    rows = db.execute("SELECT id AS fault_id, kind, times_left, pattern AS match FROM faults ORDER BY id")
    return [dict(row) for row in rows]


def correct(db: sqlite3.Connection, house: House, clock: BankClock, end_to_end_id: str) -> dict[str, Any]:
    """Book what makes a payout right again; no notification, the day's statement shows it.

    Raises UnknownThing, NothingToCorrect, or InsufficientFunds where the payee has spent the excess.
    """
    payout = db.execute("SELECT * FROM payouts WHERE end_to_end_id = ?", (end_to_end_id,)).fetchone()
    if payout is None:
        raise UnknownThing("no such payout")
    paid_minor = -int(
        db.execute(
            "SELECT COALESCE(SUM(amount_minor), 0) FROM legs JOIN movements ON movements.id = movement_id"
            " WHERE account = ? AND entry_id = ?",
            (house.escrow, payout["entry_id"]),
        ).fetchone()[0]
    )
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
