"""Whether the ledger holds what was answered: read from the stored entries, chain and tree recomputed."""

from collections import Counter
from collections.abc import Collection
from hashlib import sha256
from typing import Any

import orjson
from sqlmodel import col, func, select

from base.db import Database, ReadSession
from ledger.reader import Entry, tree_head
from ledger.statement import NO_PREVIOUS
from ledger.tables import EntryRow, PendingRow
from ledger.tree import Frontier
from market.orders.rules import TradeState
from market.orders.tables import Trade
from tests.bench.measuring import Broken

_PAGE = 2000


class OnRecord:
    """Follows a growing log. `check` reads what was sealed since the last time."""

    def __init__(self, database: Database, *, event: str) -> None:
        self._database = database
        self._event = event
        self._frontier = Frontier()
        self._previous = NO_PREVIOUS
        self._times: Counter[str] = Counter()

    async def check(self, answered: Collection[str]) -> None:
        """Every answered object has one entry of the event, and there is none that was not answered.

        `answered` are the ids since the last check. Raises Broken.
        """
        fresh = Counter(answered)
        async with self._database.read() as s:
            found = Counter(await self._read_on(s))
            head = await tree_head(s)
            waiting = (await s.exec(select(func.count()).select_from(PendingRow))).one()
        self._times += found
        if self._frontier.size != head.size or self._frontier.root().hex() != head.root:
            raise Broken("the entries do not give the root of the tree")
        if lost := fresh - found:
            raise Broken(f"{len(lost)} answered and not in the ledger, such as {min(lost)}")
        if extra := found - fresh:
            raise Broken(f"{len(extra)} in the ledger and not answered, such as {min(extra)}")
        if twice := [name for name, times in self._times.items() if times > 1]:
            raise Broken(f"{len(twice)} in the ledger more than once, such as {min(twice)}")
        if waiting:
            raise Broken(f"{waiting} statements wait to be sealed though the load is over")

    async def settled(self, answered: Collection[str]) -> None:
        """Every one of these trades is settled. Raises Broken."""
        async with self._database.read() as s:
            for part in _parts(list(answered)):
                query = select(Trade.trade_id).where(
                    col(Trade.trade_id).in_(part), Trade.status == TradeState.SETTLED
                )
                if missing := set(part) - set(await s.exec(query)):
                    raise Broken(f"{len(missing)} answered and not settled, such as {min(missing)}")

    async def _read_on(self, s: ReadSession) -> list[str]:
        found: list[str] = []
        while True:
            query = select(EntryRow).where(col(EntryRow.seq) >= self._frontier.size)
            rows = (await s.exec(query.order_by(col(EntryRow.seq)).limit(_PAGE))).all()
            for row in rows:
                said = self._append(row)
                if said["event"] == self._event:
                    found.append(said["object"])
            s.expunge_all()
            if len(rows) < _PAGE:
                return found

    def _append(self, row: EntryRow) -> dict[str, Any]:
        leaf = sha256(b"\x00" + row.entry).digest()
        document = orjson.loads(row.entry)
        if leaf != row.leaf_hash or document["prev"] != self._previous or document["seq"] != row.seq:
            raise Broken(f"entry {row.seq} does not follow from the one before")
        if row.seq != self._frontier.size:
            raise Broken(f"entry {self._frontier.size} is missing")
        self._frontier.append(leaf)
        self._previous = leaf.hex()
        said: dict[str, Any] = Entry(row.seq, row.entry, row.leaf_hash).payload["predicate"]
        return said


def _parts(items: list[str], size: int = 500) -> list[list[str]]:
    return [items[at : at + size] for at in range(0, len(items), size)]
