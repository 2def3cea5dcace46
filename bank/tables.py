"""The bank's file. What happened is insert-only by trigger; only states move, each through one door."""

from typing import Final

from bank.rules import AccountKind, FaultKind, MovementKind, Side


def _one_of(column: str, values: type[AccountKind | FaultKind | MovementKind | Side]) -> str:
    return f"CHECK ({column} IN ({', '.join(repr(value.value) for value in values)}))"


def _insert_only(table: str) -> str:
    return "".join(
        f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb.upper()} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is insert-only'); END;\n"
        for verb in ("update", "delete")
    )


FAULTS_OF_OLD: Final = "DROP TABLE faults"
"""A file of before faults had a side: what was armed then is forgotten."""

SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS accounts (
    serial INTEGER PRIMARY KEY,
    number TEXT NOT NULL UNIQUE,
    holder TEXT NOT NULL,
    kind TEXT NOT NULL {_one_of("kind", AccountKind)},
    token_sha256 TEXT,
    opened_at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS movements (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL {_one_of("kind", MovementKind)},
    entry_id TEXT NOT NULL,
    booked_at TEXT NOT NULL,
    booked_on TEXT NOT NULL,
    valued_on TEXT NOT NULL,
    end_to_end_id TEXT NOT NULL,
    party_account TEXT NOT NULL REFERENCES accounts (number),
    reference TEXT,
    message_id TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS movements_by_day ON movements (booked_on);
CREATE INDEX IF NOT EXISTS movements_by_end_to_end_id ON movements (end_to_end_id);
CREATE TABLE IF NOT EXISTS legs (
    movement_id INTEGER NOT NULL REFERENCES movements (id),
    account TEXT NOT NULL REFERENCES accounts (number),
    amount_minor INTEGER NOT NULL CHECK (amount_minor <> 0),
    PRIMARY KEY (movement_id, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS legs_by_account ON legs (account, movement_id, amount_minor);
CREATE TABLE IF NOT EXISTS transfers (
    id TEXT PRIMARY KEY,
    from_account TEXT NOT NULL REFERENCES accounts (number),
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    reference TEXT NOT NULL,
    end_to_end_id TEXT NOT NULL,
    message_id TEXT NOT NULL UNIQUE,
    valued_on TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'booked', 'returned')),
    reason_code TEXT,
    reason TEXT,
    UNIQUE (from_account, end_to_end_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS instructions (
    message_id TEXT PRIMARY KEY,
    payload_sha256 TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('ACSC', 'RJCT')),
    received_at TEXT NOT NULL,
    envelope TEXT NOT NULL,
    answer TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS payouts (
    end_to_end_id TEXT PRIMARY KEY,
    entry_id TEXT NOT NULL UNIQUE,
    message_id TEXT NOT NULL REFERENCES instructions (message_id) DEFERRABLE INITIALLY DEFERRED,
    instructed_minor INTEGER NOT NULL CHECK (instructed_minor > 0),
    creditor_account TEXT NOT NULL REFERENCES accounts (number),
    reference TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('credit', 'debit')),
    about TEXT NOT NULL,
    envelope TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('waiting', 'delivered', 'refused')),
    hold TEXT CHECK (hold IN ('delay', 'reorder')),
    copies INTEGER NOT NULL CHECK (copies >= 1),
    attempts INTEGER NOT NULL,
    answer TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS outbox_open ON outbox (status, id) WHERE status <> 'delivered';
CREATE TABLE IF NOT EXISTS statements (
    day TEXT PRIMARY KEY, message_id TEXT NOT NULL UNIQUE, envelope TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL {_one_of("kind", FaultKind)},
    times_left INTEGER NOT NULL CHECK (times_left >= 0),
    pattern TEXT NOT NULL,
    side TEXT {_one_of("side", Side)},
    delta_minor INTEGER NOT NULL CHECK (delta_minor <> 0)
) STRICT;
{_insert_only("movements")}
{_insert_only("legs")}
{_insert_only("payouts")}
{_insert_only("instructions")}
{_insert_only("statements")}
"""
