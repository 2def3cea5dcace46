"""What the measuring child does with a stranger's file. `registry.measure` starts it, under limits."""

from datetime import datetime
from pathlib import Path
from typing import Any, Final

import duckdb

from registry.counts import Profile
from registry.declared import Declared
from registry.errors import FileNotMeasurable
from registry.profile import Census
from registry.reading import load, load_beside, open_scratch, sha256_of
from registry.report import write_report
from registry.sketching import SAMPLE, sketch

MEMORY_MB: Final = 96
SAMPLE_ROWS: Final = 20
SAMPLE_CHARS: Final = 200


def measure(
    path: Path, declared: Declared, as_of: datetime, scratch: Path, *, books: bool = False
) -> tuple[bytes, list[Any], tuple[str, ...]]:
    """The canonical report of a file, its first rows, its sketch. Raises what `registry.reading.load` does.

    The file is read in full twice, before and after the measurement; both must have the same digest.
    """
    digest = sha256_of(path)
    try:
        connection = open_scratch(path, scratch, memory_mb=MEMORY_MB)
        with connection:
            table = load(connection, path, scratch, single=len(declared.columns) == 1, books=books)
            load_beside(connection, path, scratch, table)
            census = Census(connection, table.header, declared, as_of)
            columns = census.columns(table.rows)
            rules = tuple(census.rule(rule, columns) for rule in declared.rules)
            duplicates = census.duplicates()
            sample = _sample(connection, len(table.header))
            seen = _sketch(connection, len(table.header))
    except (duckdb.OutOfMemoryException, duckdb.IOException, MemoryError) as error:
        raise FileNotMeasurable("above the measuring limits", reason=type(error).__name__) from None
    profile = Profile(
        rows=table.rows,
        ragged=table.ragged,
        duplicates=duplicates,
        columns=columns,
        rules=rules,
        reads=2,
        reads_alike=1 + (sha256_of(path) == digest),
    )
    file = {
        "sha256": digest,
        "bytes": path.stat().st_size,
        "format": table.format.value,
        "delimiter": table.delimiter,
    }
    report = write_report(file=file, profile=profile, hints=census.hints, declared=declared, as_of=as_of)
    return report, sample, seen


def _sample(connection: duckdb.DuckDBPyConnection, width: int) -> list[Any]:
    cells = ", ".join(f"left(c{i}, {SAMPLE_CHARS})" for i in range(width))
    rows = connection.execute(
        f"SELECT {cells} FROM t ORDER BY rowid LIMIT {SAMPLE_ROWS}"  # noqa: S608 - own names
    )
    return [list(row) for row in rows.fetchall()]


def _sketch(connection: duckdb.DuckDBPyConnection, width: int) -> tuple[str, ...]:
    cells = ", ".join(f"coalesce(c{i}, '')" for i in range(width))
    row = f"md5(array_to_string(list_sort([{cells}]), chr(31)))"
    rows = connection.execute(f"SELECT {row} AS h FROM t ORDER BY h LIMIT {SAMPLE}")  # noqa: S608 - own names
    return sketch(digest for (digest,) in rows.fetchall())
