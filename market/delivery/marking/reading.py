"""The reading child: takes out of a leaked file the columns that can carry marks, and nothing else.

`python -m market.delivery.marking.reading FILE` runs under limits and knows no key: what parses a stranger's
file could be taken over by it. It writes one JSON list a line, the first with the columns' names.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import duckdb
import orjson

from base.errors import DomainError
from registry.confined import REFUSED, confine, without_heavy_libraries
from registry.errors import FileNotMeasurable
from registry.reading import load, open_scratch

MEMORY_MB: Final = 96
MAX_CELL: Final = 300
_ROWS: Final = 10_000


def take_out(path: Path, names: Mapping[str, str], scratch: Path, out: Path) -> int:
    """Write the columns of a file that are asked for, by our names for them; answers how many there are.

    A column is known by its name, also in another case. Raises what `registry.reading.load` raises.
    """
    try:
        with open_scratch(path, scratch, memory_mb=MEMORY_MB) as connection:
            table = load(connection, path, scratch, single=True)
            found = _found(table.header, names)
            with out.open("wb") as file:
                file.write(orjson.dumps([name for name, _ in found]) + b"\n")
                if not found:
                    return 0
                cells = ", ".join(f"left(c{at}, {MAX_CELL})" for _, at in found)
                connection.execute(f"SELECT {cells} FROM t")  # noqa: S608 - our own names and numbers
                while rows := connection.fetchmany(_ROWS):
                    file.write(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    except (duckdb.OutOfMemoryException, duckdb.IOException, MemoryError) as error:
        raise FileNotMeasurable("above the reading limits", reason=type(error).__name__) from None
    return len(found)


def _found(header: Sequence[str], names: Mapping[str, str]) -> list[tuple[str, int]]:
    """Our columns and where they stand; of two that would be the same one the first is."""
    folded = {name.casefold(): ours for name, ours in names.items()}
    found: dict[str, int] = {}
    for at, name in enumerate(header):
        ours = names.get(name) or folded.get(name.casefold())
        if ours is not None:
            found.setdefault(ours, at)
    return list(found.items())


def _main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="market.delivery.marking.reading")
    parser.add_argument("file", type=Path)
    parser.add_argument("--names", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--said", type=Path, required=True)
    parser.add_argument("--cpu-s", type=int, required=True)
    given = parser.parse_args(arguments)
    confine(given.cpu_s)
    without_heavy_libraries()
    with tempfile.TemporaryDirectory(prefix="scratch-") as scratch:
        try:
            names = orjson.loads(given.names.read_bytes())
            take_out(given.file, names, Path(scratch), given.out.resolve())
        except DomainError as error:
            given.said.write_bytes(orjson.dumps({"code": error.code}))
            return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
