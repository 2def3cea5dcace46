"""Tiles as the database has them, several by one question."""

from collections.abc import Sequence
from typing import Any

from base.db import ReadSession
from ledger.tile_cache import Place


async def stored_tiles(s: ReadSession, places: Sequence[Place]) -> Sequence[tuple[int, int, bytes]]:
    """(level, number, hashes) of the tiles at these places that there are, past the compiler: this is hot."""
    connection = await s.connection()
    mark = "${}" if connection.dialect.name == "postgresql" else "?"
    one = f"level = {mark} AND number = {mark}"
    where = " OR ".join(one.format(2 * at + 1, 2 * at + 2) for at in range(len(places)))
    question = f"SELECT level, number, hashes FROM ledger_tiles WHERE {where}"  # noqa: S608 - marks alone
    asked = tuple(part for place in places for part in place)
    rows: Sequence[Any] = (await connection.exec_driver_sql(question, asked)).all()
    return [(level, number, hashes) for level, number, hashes in rows]
