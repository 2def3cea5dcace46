"""The child that hashes one column of the goods, as an exporter hashed its list: SHA-256 of salt and cell.

It sees this one file and the question, and writes one hash a line for each different cell. `market.customs
.holding` starts it.
"""

import sys
from pathlib import Path
from typing import Final

import orjson

from registry.confined import REFUSED, confine, cpu_seconds, without_heavy_libraries

QUESTION: Final = "question.json"
HASHES: Final = "hashes"
TIMEOUT_S: Final = 300.0
_MEMORY_MB: Final = 192
_AT_ONCE: Final = 10_000


def hash_column(path: Path, scratch: Path, to: Path, *, salt: str, column: str) -> None:
    """Write the hashes. Raises ValueError without the column, or with two of its name; and what a file of no
    known form raises (`registry.reading.load`).
    """
    from registry.declared import MISSING_MARKERS  # noqa: PLC0415 - after the limits, and never in the parent
    from registry.reading import literal, load, open_scratch  # noqa: PLC0415

    with open_scratch(path, scratch, memory_mb=_MEMORY_MB) as connection:
        header = load(connection, path, scratch).header
        if header.count(column) != 1:
            raise ValueError(column)
        cell = f"trim(c{header.index(column)})"
        none = ", ".join(literal(marker) for marker in MISSING_MARKERS)
        asked = f"SELECT DISTINCT sha256({literal(salt)} || {cell}) FROM t WHERE {cell} NOT IN ({none})"  # noqa: S608
        rows = connection.execute(asked)
        with to.open("w", encoding="ascii") as out:
            while found := rows.fetchmany(_AT_ONCE):
                out.writelines(f"{one}\n" for (one,) in found)


def _main(arguments: list[str]) -> int:
    confine(cpu_seconds(TIMEOUT_S))
    without_heavy_libraries()
    import duckdb  # noqa: PLC0415

    from base.errors import DomainError  # noqa: PLC0415

    work = Path.cwd()
    question = orjson.loads((work / QUESTION).read_bytes())
    try:
        hash_column(Path(arguments[0]), work, work / HASHES, **question)
    except (ValueError, DomainError, duckdb.Error, MemoryError):
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
