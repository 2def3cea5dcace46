"""What the checking child does with two strangers' files. `registry.measuring.comparing` starts it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import duckdb

from registry.declared import MISSING_MARKERS
from registry.errors import FileNotMeasurable
from registry.measuring.rules import Agreement, Side, chosen_columns, result_of
from registry.reading import Table, literal, load, open_scratch, sha256_of

MEMORY_MB: Final = 192
_SIDES: Final = ("l", "r")


def compare(left: Path, right: Path, scratch: Path, *, key: Sequence[str], columns: Sequence[str]) -> bytes:
    """The canonical result of two files. Raises what `registry.reading.load` does, CrossCheckMalformed."""
    digests = [sha256_of(path) for path in (left, right)]
    try:
        connection = open_scratch(left, scratch, memory_mb=MEMORY_MB, out=right)
        with connection:
            tables: list[Table] = []
            for name, path in zip(_SIDES, (left, right), strict=True):
                tables.append(load(connection, path, scratch, single=True))
                connection.execute(f"ALTER TABLE t RENAME TO {name}")
            heads = [list(table.header) for table in tables]
            chosen = chosen_columns(heads[0], heads[1], key, columns)
            named = {f"k{i}": one for i, one in enumerate(key)} | {
                f"v{i}": one for i, one in enumerate(chosen)
            }
            sides = [
                _keyed(connection, name, table, digest, named)
                for name, table, digest in zip(_SIDES, tables, digests, strict=True)
            ]
            matching, agreements = _agreements(connection, len(key), chosen)
    except (duckdb.OutOfMemoryException, duckdb.IOException, MemoryError) as error:
        raise FileNotMeasurable("above the measuring limits", reason=type(error).__name__) from None
    if [sha256_of(path) for path in (left, right)] != digests:
        raise FileNotMeasurable("a file changed while it was read", reason="changed")
    return result_of(sides[0], sides[1], key=key, matching=matching, agreements=agreements)


def _keyed(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    table: Table,
    digest: str,
    named: Mapping[str, str],
) -> Side:
    """Make `<name>k`: the rows with a whole key that comes once, as k0… and v0…; answer what was left out."""
    markers = ", ".join(literal(marker) for marker in MISSING_MARKERS)
    shown = []
    for made, column in named.items():
        cell = f"trim(c{table.header.index(column)})"
        shown.append(f"CASE WHEN {cell} IN ({markers}) THEN NULL ELSE {cell} END AS {made}")
    own = [made for made in named if made.startswith("k")]
    keys = ", ".join(own)
    whole = " AND ".join(f"{made} IS NOT NULL" for made in own)
    connection.execute(
        f"CREATE TABLE {name}w AS SELECT * FROM (SELECT {', '.join(shown)} FROM {name}) WHERE {whole}"  # noqa: S608
    )
    connection.execute(
        f"CREATE TABLE {name}k AS SELECT * FROM {name}w QUALIFY count(*) OVER (PARTITION BY {keys}) = 1"  # noqa: S608
    )
    (rows,) = connection.execute(f"SELECT count(*) FROM {name}w").fetchone() or (0,)  # noqa: S608
    (once,) = connection.execute(f"SELECT count(*) FROM {name}k").fetchone() or (0,)  # noqa: S608
    return Side(digest, table.rows, keyless=table.rows - int(rows), repeated=int(rows) - int(once))


def _agreements(
    connection: duckdb.DuckDBPyConnection, width: int, chosen: Sequence[str]
) -> tuple[int, list[Agreement]]:
    keys = ", ".join(f"k{i}" for i in range(width))
    counted = ", ".join(
        f"count(*) FILTER (lk.v{i} IS NOT NULL AND rk.v{i} IS NOT NULL), count(*) FILTER (lk.v{i} = rk.v{i})"
        for i in range(len(chosen))
    )
    row = connection.execute(
        f"SELECT count(*), {counted} FROM lk JOIN rk USING ({keys})"  # noqa: S608 - own names
    ).fetchone()
    numbers = [int(one) for one in row or ()]
    pairs = zip(numbers[1::2], numbers[2::2], strict=True)
    return numbers[0], [Agreement(name, *pair) for name, pair in zip(chosen, pairs, strict=True)]
