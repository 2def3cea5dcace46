"""The escrow account's statement of a day: what the books say, whatever the notifications said."""

import sqlite3
from datetime import date, datetime, time, timedelta
from typing import Any

import orjson

from bank import outbox
from bank.clock import BEGINNING, BankClock
from bank.errors import UnknownThing
from bank.messages import camt053
from bank.messages.entries import Entry
from bank.repository import House
from bank.rules import MovementKind
from base.clock import SHANGHAI
from base.ids import Seed
from base.signing import SigningKey


def statement_of(
    db: sqlite3.Connection, house: House, clock: BankClock, key: SigningKey, on: date
) -> dict[str, Any]:
    """The camt.053's envelope for a day that has begun. Raises UnknownThing for any other.

    A day that is over gets one statement, the same bytes for ever; the running day's ends now.
    """
    kept = db.execute("SELECT envelope FROM statements WHERE day = ?", (on.isoformat(),)).fetchone()
    if kept is not None:
        document: dict[str, Any] = orjson.loads(kept["envelope"])
        return document
    now = clock.now()
    if not BEGINNING.date() <= on <= clock.today():
        raise UnknownThing("no statement of this day: it has not begun, or was before the bank's time")
    message_id = Seed().new_id("stm", now)
    xml = camt053.statement(message_id=message_id, at=now, escrow=house.escrow, day=_day(db, house, on, now))
    envelope = outbox.signed(key, camt053.MESSAGE, xml)
    if on < clock.today():
        db.execute(
            "INSERT INTO statements (day, message_id, envelope) VALUES (?, ?, ?)",
            (on.isoformat(), message_id, outbox.as_json(envelope)),
        )
    return envelope.document()


def _day(db: sqlite3.Connection, house: House, on: date, now: datetime) -> camt053.Day:
    opening = db.execute(
        "SELECT COALESCE(SUM(amount_minor), 0) FROM legs JOIN movements ON movements.id = movement_id"
        " WHERE account = ? AND booked_on < ?",
        (house.escrow, on.isoformat()),
    ).fetchone()[0]
    rows = db.execute(
        "SELECT movements.*, amount_minor, holder FROM movements"
        " JOIN legs ON movement_id = movements.id AND account = ?"
        " JOIN accounts ON accounts.number = party_account"
        " WHERE booked_on = ? ORDER BY movements.id",
        (house.escrow, on.isoformat()),
    )
    starts_at = datetime.combine(on, time(), SHANGHAI)
    ends_at = datetime.combine(on + timedelta(days=1), time(), SHANGHAI)
    return camt053.Day(on, starts_at, min(now, ends_at), int(opening), tuple(_entry(row) for row in rows))


def _entry(row: sqlite3.Row) -> Entry:
    credit = row["amount_minor"] > 0
    return Entry(
        entry_id=row["entry_id"],
        credit=credit,
        amount_minor=abs(row["amount_minor"]),
        booked_on=row["booked_on"],
        valued_on=row["valued_on"],
        end_to_end_id=row["end_to_end_id"],
        party_name=row["holder"],
        party_account=row["party_account"],
        reference=row["reference"],
        message_id=row["message_id"],
        reversal=credit and row["kind"] == MovementKind.CORRECTION,
    )
