"""A large answer kept over many days: what was made once, less the rows that fell away, and what came since.

To write all of it anew each day would cost as much as making it. A layer is a Parquet file and, where rows of
it fell away, a second one of their places.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from supervision.duckdb import DuckdbEngine, a_file

Layer = tuple[Path, Path | None]
_MOST: Final = 12
_LESS_THAN: Final = 100_000
"""Of so few rows all are written."""
_GONE_AT_MOST: Final = 10
"""And where more than one row in so many fell away."""


def rows_of(layers: Sequence[Layer]) -> int:
    """How many rows they have together."""
    return sum(_rows(file) - (_rows(gone) if gone else 0) for file, gone in layers)


def query_of(layers: Sequence[Layer]) -> str:
    """Their rows, as a query."""
    return " UNION ALL BY NAME ".join(_query(layer) for layer in layers)


def next_layers(
    engine: DuckdbEngine, name: str, layers: Sequence[Layer], touched: str, part: Path
) -> list[Layer]:
    """What stands of the layers where a condition is true of the rows that fall away, and what came."""
    stand: list[Layer] = []
    for at, (file, gone) in enumerate(layers):
        path = engine.work / f"{name}_gone_{at}.parquet"
        places = f"SELECT file_row_number AS place FROM {_placed(file)} WHERE {touched}"  # noqa: S608
        engine.write(f"{places} UNION SELECT place FROM {a_file(gone)}" if gone else places, path)  # noqa: S608
        stand.append((file, path if _rows(path) else None))
    fallen = sum(_rows(gone) for _, gone in stand if gone)
    stand.append((part, None))
    whole = rows_of(stand)
    if len(stand) <= _MOST and whole >= _LESS_THAN and fallen * _GONE_AT_MOST <= whole:
        return stand
    path = engine.work / f"{name}.parquet"
    engine.write(query_of(stand), path)
    return [(path, None)]


def _query(layer: Layer) -> str:
    file, gone = layer
    if gone is None:
        return f"SELECT * FROM {a_file(file)}"  # noqa: S608 - our own names
    beside = f"SELECT place FROM {a_file(gone)}"  # noqa: S608
    return (
        f"SELECT * EXCLUDE (file_row_number) FROM {_placed(file)} AS o "  # noqa: S608
        f"ANTI JOIN ({beside}) AS g ON o.file_row_number = g.place"
    )


def _placed(file: Path) -> str:
    return a_file(file).removesuffix(")") + ", file_row_number = true)"


def _rows(file: Path) -> int:
    return int(pq.read_metadata(file).num_rows)
