"""The floor of a settlement on SQLite: every row that ours leaves behind, by plain sqlite3, 64 a commit.

The statement, its opening and its sealed entry are among the rows (copies of a real one under other ids).
The database is a copy of the furnished one without its triggers and foreign keys, WAL and FULL as ours.
"""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from tests.bench.stock import Stock

_A_COMMIT: Final = 64
_SPARE: Final = 1.5
_FIRST_GUESS: Final = 10_000  # settlements a second
_NAMES: Final = frozenset(
    (
        "batch_id",
        "entry_id",
        "envelope_sha256",
        "message_id",
        "object_id",
        "opening_sha256",
        "payment_reference",
        "resolves",
        "sha256",
        "statement_id",
        "trade_id",
    )
)
_MOVE_TRADE: Final = """
UPDATE market_trades SET status = 'SETTLED', settled_at = '2026-10-13 01:00:00'
WHERE trade_id = ? AND status = 'ACCEPTED_GOODS'
"""
_MOVE_INSTRUCTION: Final = """
UPDATE market_instructions SET status = 'PAID' WHERE message_id = ? AND status = 'INSTRUCTED'
"""
_LEFT_BEHIND: Final = {
    "ledger_openings": "sha256 IN (SELECT opening_sha256 FROM ledger_statements WHERE id = :statement)",
    "ledger_statements": "id = :statement",
    "ledger_entries": "statement_row = :statement",
    "ledger_posting_batches": "object_id = :trade AND kind = 'post'",
    "ledger_postings": "batch_id IN (SELECT batch_id FROM ledger_posting_batches"
    " WHERE object_id = :trade AND kind = 'post')",
    "market_bank_messages": "message_id IN (SELECT message_id FROM market_bank_movements"
    " WHERE trade_id = :trade AND signed_minor < 0)",
    "market_bank_movements": "trade_id = :trade AND signed_minor < 0",
}


class SqliteFloor:
    """One connection, one thread, the same rows set by set."""

    def __init__(self, stock: Stock, path: Path) -> None:
        with closing(sqlite3.connect(str(stock.scene.database.engine.url.database))) as source:
            source.execute("VACUUM INTO ?", (str(path),))
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = OFF"):
            self._connection.execute(f"PRAGMA {pragma}")
        for name in [row["name"] for row in self._ask("sqlite_master", "type = 'trigger'")]:
            self._connection.execute(f'DROP TRIGGER "{name}"')
        settled = stock.scene.trades["SETTLED"]
        (statement,) = self._ask("ledger_statements", "object_id = :trade AND event = 'TRD.SETTLE'", settled)
        self._left = {
            table: self._ask(table, where, settled, statement["id"]) for table, where in _LEFT_BEHIND.items()
        }
        due = stock.scene.trades["INSTRUCTED"]
        self._due = {
            table: self._ask(table, "trade_id = :trade", due)
            for table in ("market_trades", "market_instructions")
        }
        self._rate: float = _FIRST_GUESS
        self._last = 1_000_000  # above every number that the furnishing gave

    def close(self) -> None:
        self._connection.close()

    def run(self, *, seconds: float) -> float:
        """Settlements a second."""
        commits = 2 + int(self._rate * seconds * _SPARE) // _A_COMMIT
        first, self._last = self._last + 1, self._last + commits * _A_COMMIT
        self._commit([], self._due, range(first, self._last + 1))
        keys = [
            self._due[table][0][key]
            for table, key in (("market_trades", "trade_id"), ("market_instructions", "message_id"))
        ]
        done, spent_s = 0, 0.0
        for start in range(first, self._last + 1, _A_COMMIT):
            numbers = range(start, start + _A_COMMIT)
            moves = [[(f"{key}#{number}",) for number in numbers] for key in keys]
            spent_s += self._commit(moves, self._left, numbers)
            done += len(numbers)
            if spent_s >= seconds:
                break
        self._rate = done / spent_s
        return self._rate

    def _commit(self, moves: list[Any], rows: dict[str, list[dict[str, Any]]], numbers: range) -> float:
        """Write copies of the rows under these numbers in one transaction; seconds without making them."""
        inserts = []
        for table, kept in rows.items():
            names = [name for name in kept[0] if name != "id" or table == "ledger_statements"]
            sql = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
            inserts.append((sql, [_numbered(row, names, number) for number in numbers for row in kept]))
        began = time.perf_counter()
        self._connection.execute("BEGIN IMMEDIATE")
        for sql, keys in zip((_MOVE_TRADE, _MOVE_INSTRUCTION), moves, strict=False):
            self._connection.executemany(sql, keys)
        for sql, values in inserts:
            self._connection.executemany(sql, values)
        self._connection.execute("COMMIT")
        return time.perf_counter() - began

    def _ask(self, table: str, where: str, trade: str = "", statement: int = 0) -> list[dict[str, Any]]:
        found = self._connection.execute(
            f"SELECT * FROM {table} WHERE {where}", {"trade": trade, "statement": statement}
        )
        return [dict(row) for row in found]


def _numbered(row: dict[str, Any], names: list[str], number: int) -> list[Any]:
    return [_renumbered(name, row[name], number) for name in names]


def _renumbered(name: str, value: Any, number: int) -> Any:
    if value is None:
        return None
    if name in _NAMES or (name == "account" and value.startswith("held:")):
        return f"{value}#{number}"
    if name in {"id", "seq", "statement_row"}:
        return number
    return value
