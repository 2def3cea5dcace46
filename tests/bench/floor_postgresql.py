"""The floor of a settlement on PostgreSQL: its rows by the driver alone, one statement each, no ledger.

The statement moves the trade and the instruction and writes the bank's message, its movements and the
postings into the exchange's own tables, with their keys and indexes; foreign keys and triggers are off.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from ledger.accounts import bank_cash, held
from ledger.statement import envelope_bytes
from market.settlement.messages import read_notification
from tests.bench.ground import dialling
from tests.bench.load import Load, closed_loop
from tests.bench.measuring import Broken
from tests.bench.stock import Stock

_SETTLE: Final = """
WITH moved AS (
  UPDATE market_trades SET status = 'SETTLED', settled_at = $2
  WHERE trade_id = $1 AND status = 'ACCEPTED_GOODS' RETURNING trade_id
), paid AS (
  UPDATE market_instructions SET status = 'PAID' WHERE message_id = $3 AND EXISTS (SELECT FROM moved)
), batch AS (
  INSERT INTO ledger_posting_batches (batch_id, kind, object_id, statement_id, resolves, booked_at)
  SELECT $4, 'post', trade_id, $5, $6, $2 FROM moved
), legs AS (
  INSERT INTO ledger_postings (batch_id, account, amount_minor, currency, booked)
  SELECT $4, account, amount, 'CNY', true FROM moved, unnest($7::text[], $8::bigint[]) AS l (account, amount)
), message AS (
  INSERT INTO market_bank_messages (message_id, payload_sha256, envelope, outcome, received_at)
  SELECT $9, $10, $11, '{"outcome": "settled"}', $2 FROM moved
), movements AS (
  INSERT INTO market_bank_movements (entry_id, message_id, trade_id, end_to_end_id, signed_minor, booked_on)
  SELECT entry, $9, trade_id, end_to_end, signed, $12
  FROM moved, unnest($13::text[], $14::text[], $15::bigint[]) AS move (entry, end_to_end, signed)
)
SELECT count(*) FROM moved
"""
_COPY_TRADES: Final = """
INSERT INTO market_trades SELECT copy.*
FROM market_trades AS kept, generate_series($2::bigint, $3::bigint) AS which, LATERAL jsonb_populate_record(
  kept, jsonb_build_object('trade_id', 'trd_' || $4::text || which, 'payment_reference', null)) AS copy
WHERE kept.trade_id = $1
"""
_COPY_INSTRUCTIONS: Final = """
INSERT INTO market_instructions SELECT copy.*
FROM market_instructions AS kept, generate_series($2::bigint, $3::bigint) AS which,
  LATERAL jsonb_populate_record(kept, jsonb_build_object(
    'message_id', 'ins_' || $4::text || which, 'trade_id', 'trd_' || $4::text || which)) AS copy
WHERE kept.trade_id = $1
"""
_FIRST_GUESS: Final = 6_000  # settlements a second
_SPARE: Final = 1.5


class PostgresqlFloor:
    """So many connections, each a caller."""

    def __init__(self, stock: Stock, connections: list[Any]) -> None:
        self._stock = stock
        self._connections = connections
        self._tag = f"floor_{secrets.token_hex(4)}_"
        self._last = 0
        self._rate: float = _FIRST_GUESS
        self._sample: tuple[Any, ...] = ()

    async def run(self, *, callers: int, seconds: float) -> float:
        """Settlements a second."""
        wanted = callers + int(self._rate * seconds * _SPARE)
        numbers = await self._prepare(wanted)
        free: asyncio.Queue[Any] = asyncio.Queue()
        for connection in self._connections[:callers]:
            free.put_nowait(connection)

        async def one(parameters: tuple[Any, ...]) -> int:
            connection = free.get_nowait()
            moved: int = await connection.fetchval(_SETTLE, *parameters)
            free.put_nowait(connection)
            return moved

        ready = [self._parameters(number) for number in numbers]
        load: Load = await closed_loop(iter(ready), one, callers=callers, seconds=seconds)
        if set(load.answers) != {1}:
            raise Broken("the floor settled a trade twice or not at all")
        self._rate = load.rate
        return load.rate

    async def _prepare(self, wanted: int) -> range:
        """Fresh trades and instructions to settle."""
        first, self._last = self._last + 1, self._last + wanted
        trade_id = self._stock.scene.trades["INSTRUCTED"]
        if not self._sample:
            self._sample = await self._read_sample()
        for copy in (_COPY_TRADES, _COPY_INSTRUCTIONS):
            await self._connections[0].execute(copy, trade_id, first, self._last, self._tag)
        return range(first, self._last + 1)

    async def _read_sample(self) -> tuple[Any, ...]:
        (due,) = await self._stock.take(1)
        statement_id = await self._connections[0].fetchval(
            "SELECT statement_id FROM ledger_statements WHERE object_id = $1 AND event = 'TRD.SETTLE'",
            self._stock.scene.trades["SETTLED"],
        )
        return read_notification(due.notification.payload), envelope_bytes(due.notification), statement_id

    def _parameters(self, number: int) -> tuple[Any, ...]:
        told, envelope, statement_id = self._sample
        paid = [-movement.signed_minor for movement in told.movements]
        name = f"{self._tag}{number}"
        trade_id = f"trd_{name}"
        legs = [(held(trade_id), sum(paid)), *((bank_cash(), -amount) for amount in paid)]
        return (
            trade_id,
            self._stock.scene.clock.now(),
            f"ins_{name}",
            f"bat_{name}",
            statement_id,
            f"res_{name}",
            [account for account, _ in legs],
            [amount for _, amount in legs],
            f"ntf_{name}",
            "0" * 64,
            envelope,
            told.movements[0].booked_on,
            [f"pay_{name}_{part}" for part, _ in enumerate(paid)],
            [f"{trade_id}/{part}" for part, _ in enumerate(paid)],
            [-amount for amount in paid],
        )


@asynccontextmanager
async def postgresql_floor(stock: Stock, *, callers: int) -> AsyncIterator[PostgresqlFloor]:
    """The floor on the database of the stock, over connections of its own."""
    dial = dialling(stock.scene.database)
    connections = [await dial() for _ in range(callers)]
    try:
        for connection in connections:
            await connection.execute("SET session_replication_role = replica")
        yield PostgresqlFloor(stock, connections)
    finally:
        for connection in connections:
            await connection.close()
