"""What the bank asks of its file, and the one hand that books money."""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from bank.errors import UnknownThing
from bank.messages.writing import day_of
from bank.rules import AccountKind, FaultKind, MovementKind, Side, legs_between, post
from base.clock import rfc3339


@dataclass(frozen=True, slots=True)
class House:
    """The numbers of the bank's standing accounts."""

    escrow: str
    fee: str
    transit: str
    world: str


@dataclass(frozen=True, slots=True)
class Movement:
    """What is to be booked. `entry_id` is the bank's reference in every message about it."""

    kind: MovementKind
    payer: str
    payee: str
    amount_minor: int
    entry_id: str
    end_to_end_id: str
    party_account: str  # the customer at the other end
    reference: str | None = None
    message_id: str | None = None
    valued_on: str | None = None  # the booking day, unless said


def book(db: sqlite3.Connection, house: House, movement: Movement, at: datetime) -> None:
    """Book two legs that sum to zero. Raises InsufficientFunds; then nothing is booked."""
    legs = legs_between(payer=movement.payer, payee=movement.payee, amount_minor=movement.amount_minor)
    post({leg.account: balance_of(db, leg.account) for leg in legs}, legs, may_overdraw=house.world)
    day = day_of(at)
    cursor = db.execute(
        "INSERT INTO movements (kind, entry_id, booked_at, booked_on, valued_on, end_to_end_id,"
        " party_account, reference, message_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            movement.kind,
            movement.entry_id,
            rfc3339(at),
            day,
            movement.valued_on or day,
            movement.end_to_end_id,
            movement.party_account,
            movement.reference,
            movement.message_id,
        ),
    )
    db.executemany(
        "INSERT INTO legs (movement_id, account, amount_minor) VALUES (?, ?, ?)",
        [(cursor.lastrowid, leg.account, leg.amount_minor) for leg in legs],
    )


def balance_of(db: sqlite3.Connection, account: str) -> int:
    """The sum of an account's legs, in fen."""
    row = db.execute("SELECT COALESCE(SUM(amount_minor), 0) FROM legs WHERE account = ?", (account,))
    return int(row.fetchone()[0])


def account_row(db: sqlite3.Connection, number: str) -> sqlite3.Row:
    """The account. Raises UnknownThing."""
    row: sqlite3.Row | None = db.execute("SELECT * FROM accounts WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise UnknownThing("no such account")
    return row


def standing_account(db: sqlite3.Connection, kind: AccountKind) -> str:
    """The number of the bank's one account of this kind."""
    row = db.execute("SELECT number FROM accounts WHERE kind = ?", (kind,)).fetchone()
    return str(row["number"])


def payable_among(db: sqlite3.Connection, numbers: Collection[str]) -> frozenset[str]:
    """Those of the numbers that are accounts money may be paid out to: customers' and the fee account."""
    query = "SELECT number FROM accounts WHERE number = ? AND kind IN ('customer', 'fee')"
    found = (db.execute(query, (number,)).fetchone() for number in set(numbers))
    return frozenset(row["number"] for row in found if row is not None)


def paid_among(db: sqlite3.Connection, end_to_end_ids: Collection[str]) -> frozenset[str]:
    """Those of the end-to-end ids that were paid already."""
    found = (
        db.execute("SELECT end_to_end_id FROM payouts WHERE end_to_end_id = ?", (name,)).fetchone()
        for name in end_to_end_ids
    )
    return frozenset(row["end_to_end_id"] for row in found if row is not None)


def sent_among(db: sqlite3.Connection, account: str, end_to_end_ids: Collection[str]) -> frozenset[str]:
    """Those of the end-to-end ids that this account has sent money into escrow under already."""
    query = "SELECT end_to_end_id FROM transfers WHERE from_account = ? AND end_to_end_id = ?"
    found = (db.execute(query, (account, name)).fetchone() for name in end_to_end_ids)
    return frozenset(row["end_to_end_id"] for row in found if row is not None)


def armed_fault(
    db: sqlite3.Connection, kind: FaultKind, words: Collection[str], side: Side
) -> sqlite3.Row | None:
    """The oldest armed fault of this kind and side whose pattern is part of one of the words."""
    rows = db.execute(
        "SELECT * FROM faults WHERE kind = ? AND times_left > 0 AND (side IS NULL OR side = ?) ORDER BY id",
        (kind, side),
    )
    return next((row for row in rows if any(row["pattern"] in word for word in words)), None)


def spend_fault(db: sqlite3.Connection, fault: sqlite3.Row) -> None:
    """It has struck once."""
    db.execute("UPDATE faults SET times_left = times_left - 1 WHERE id = ?", (fault["id"],))


def struck(db: sqlite3.Connection, kind: FaultKind, words: Collection[str], side: Side) -> bool:
    """Whether a fault of this kind strikes here; if so it is spent once."""
    fault = armed_fault(db, kind, words, side)
    if fault is not None:
        spend_fault(db, fault)
    return fault is not None
