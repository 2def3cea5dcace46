"""Tiles as the database has them, several by one question."""

from collections.abc import Sequence
from typing import Any

from base.db import RowSession
from base.rows import Reading, ask_plainly
from ledger.tile_cache import Place


async def stored_tiles(s: Reading, places: Sequence[Place]) -> Sequence[tuple[int, int, bytes]]:
    """(level, number, hashes) of the tiles at these places that there are, past the compiler: this is hot."""
    asked = tuple(part for place in places for part in place)
    if isinstance(s, RowSession):
        rows: Sequence[Any] = await ask_plainly(
            s, postgresql=_question("${}", places), sqlite=_question("?", places), values=asked
        )
    else:
        connection = await s.connection()
        mark = "${}" if connection.dialect.name == "postgresql" else "?"
        rows = (await connection.exec_driver_sql(_question(mark, places), asked)).all()
    return [(level, number, hashes) for level, number, hashes in rows]


def _question(mark: str, places: Sequence[Place]) -> str:
    one = f"level = {mark} AND number = {mark}"
    where = " OR ".join(one.format(2 * at + 1, 2 * at + 2) for at in range(len(places)))
    return f"SELECT level, number, hashes FROM ledger_tiles WHERE {where}"  # noqa: S608 - marks alone
