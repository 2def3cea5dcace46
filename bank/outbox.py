"""Messages on their way to the exchange: durable, sent again with the same id and bytes until answered."""

import sqlite3
from collections.abc import Collection
from typing import Any, Final

import orjson

from bank.link import Answer
from bank.messages.writing import payload_type
from bank.repository import struck
from bank.rules import FaultKind, Side
from base.signing import Envelope, SigningKey, sign_envelope

CREDIT: Final = Side.CREDIT.value  # a question: may this be booked to escrow?
DEBIT: Final = Side.DEBIT.value  # a fact: this has left escrow

_SHOWN: Final = 200


def signed(key: SigningKey, message: str, xml: bytes) -> Envelope:
    """The bank's DSSE envelope around a message."""
    return sign_envelope(payload_type(message), xml, key)


def as_json(envelope: Envelope) -> str:
    """The envelope's JSON text, as it is stored and sent."""
    return orjson.dumps(envelope.document()).decode()


def enqueue(
    db: sqlite3.Connection,
    *,
    message_id: str,
    kind: str,
    about: str,
    envelope: Envelope,
    words: Collection[str],
) -> None:
    """Put a message in the outbox. Faults of delivery strike here, by the words that describe it."""
    side = Side(kind)
    hold = "delay" if struck(db, FaultKind.DELAY, words, side) else None
    if hold is None and struck(db, FaultKind.REORDER, words, side):
        hold = "reorder"
    copies = 2 if struck(db, FaultKind.DUPLICATE_NOTIFICATION, words, side) else 1
    db.execute(
        "INSERT INTO outbox (message_id, kind, about, envelope, status, hold, copies, attempts)"
        " VALUES (?, ?, ?, ?, 'waiting', ?, ?, 0)",
        (message_id, kind, about, as_json(envelope), hold, copies),
    )


def message(db: sqlite3.Connection, message_id: str) -> sqlite3.Row:
    """One message of the outbox."""
    row: sqlite3.Row = db.execute("SELECT * FROM outbox WHERE message_id = ?", (message_id,)).fetchone()
    return row


def due(db: sqlite3.Connection) -> list[str]:
    """The ids of the messages that wait and are not held, oldest first."""
    rows = db.execute("SELECT message_id FROM outbox WHERE status = 'waiting' AND hold IS NULL ORDER BY id")
    return [row["message_id"] for row in rows]


def release(db: sqlite3.Connection) -> list[str]:
    """Let go of everything: held messages, and debits the exchange refused. Reordered ones come last."""
    rows = db.execute(
        "SELECT message_id FROM outbox WHERE status = 'waiting' OR (status = 'refused' AND kind = 'debit')"
        " ORDER BY hold IS 'reorder', id"
    ).fetchall()
    db.execute("UPDATE outbox SET hold = NULL WHERE status = 'waiting' AND hold IS NOT NULL")
    db.execute("UPDATE outbox SET status = 'waiting' WHERE status = 'refused' AND kind = 'debit'")
    return [row["message_id"] for row in rows]


def note(db: sqlite3.Connection, message_id: str, answer: Answer) -> bool:
    """Keep the exchange's answer. True if it decided a message that was still waiting."""
    status = "delivered" if answer.accepted else "refused" if answer.refused else "waiting"
    cursor = db.execute(
        "UPDATE outbox SET status = ?, attempts = attempts + 1, answer = ?"
        " WHERE message_id = ? AND status = 'waiting'",
        (status, answer.summary(), message_id),
    )
    if answer.accepted:  # something else came first: a reordered message may follow now
        db.execute("UPDATE outbox SET hold = NULL WHERE hold = 'reorder' AND message_id <> ?", (message_id,))
    return cursor.rowcount == 1 and answer.decides


def shown(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """The newest messages with their state and envelope, for whoever controls the bank."""
    rows = db.execute("SELECT * FROM outbox ORDER BY id DESC LIMIT ?", (_SHOWN,)).fetchall()
    return [
        {
            "message_id": row["message_id"],
            "kind": row["kind"],
            "about": row["about"],
            "status": row["status"],
            "hold": row["hold"],
            "attempts": row["attempts"],
            "answer": row["answer"],
            "envelope": orjson.loads(row["envelope"]),
        }
        for row in rows
    ]
