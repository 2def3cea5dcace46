"""What the tabling child does with a stranger's file: the same rows, as a Parquet file that we wrote.

`python -m market.delivery.tabling.child FILE --out TABLE --said ANSWER --cpu-s N [--view VIEW]`;
`market.delivery.tabular` starts it. A CSV is read as the quality report reads it. A column gets a narrower
type than text only where every cell of it has that form; an empty cell is missing everywhere, a marker such
as NA where the column is no text. A Parquet file keeps its types, but for those that not every tool has.
Names differ, whatever their case.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
import orjson

from base.errors import DomainError
from market.orders.parts import WHOLE, Comparison, View, view_from
from registry.confined import REFUSED, confine, without_heavy_libraries
from registry.declared import MISSING_MARKERS
from registry.errors import FileNotMeasurable, FileNotTabular
from registry.reading import (
    format_of,
    literal,
    load,
    open_scratch,
    parquet_columns,
    parquet_fields,
    parquet_read,
    quoted,
)
from registry.records import MAX_PLAIN_BYTES, Format

MEMORY_MB: Final = 256
_CELLS_A_GROUP: Final = 1_000_000
_ROWS_A_GROUP: Final = (2048, 122_880)
_COLUMNS_AT_ONCE: Final = 25
_OPERATORS: Final = {Comparison.NE: "<>", Comparison.IN: "IN"}

_ZONE: Final = r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
_DAY: Final = "[12][0-9]{3}-[0-9]{2}-[0-9]{2}"
_MOMENT: Final = _DAY + r"[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
# Narrowest first. A code with leading zeros, and a whole number that no 64 bits hold, stay text.
_FORMS: Final = (
    ("BOOLEAN", "(?i:true|false)"),
    ("BIGINT", "0|-?[1-9][0-9]{0,17}"),
    ("DOUBLE", r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?"),
    ("DATE", _DAY),
    ("TIMESTAMPTZ", _MOMENT + _ZONE),
    ("TIMESTAMP", _MOMENT),
)
_KEPT: Final = frozenset(
    {
        "BOOLEAN",
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "FLOAT",
        "DOUBLE",
        "VARCHAR",
        "DATE",
        "TIMESTAMP",
        "TIMESTAMP WITH TIME ZONE",
        "BLOB",
    }
)
_WIDER: Final = {
    "UTINYINT": "SMALLINT",
    "USMALLINT": "INTEGER",
    "UINTEGER": "BIGINT",
    "UBIGINT": "DECIMAL(20, 0)",
    "TIMESTAMP_S": "TIMESTAMP",
    "TIMESTAMP_MS": "TIMESTAMP",
    "TIMESTAMP_NS": "TIMESTAMP",
}


def write_table(path: Path, scratch: Path, out: Path, view: View = WHOLE) -> dict[str, Any]:
    """Write the rows of a file, or a part of a table of ours, to a new Parquet file; answers what is in it.

    Raises what `registry.reading.load` raises, and FileNotTabular for a part that the table does not have.
    """
    try:
        with open_scratch(path, scratch, memory_mb=MEMORY_MB, out=out) as connection:
            if format_of(path) is Format.PARQUET:
                with parquet_read():
                    fields = parquet_fields(connection, path)
                    _check_unpacked(connection, path, fields)
                    source = f"read_parquet({literal(str(path))})"
                    if view.whole:
                        _copy(connection, source, list(_kept(fields)), out)
                    else:
                        _copy(connection, f"{source} WHERE {_held(fields, view)}", _shown(fields, view), out)
            else:
                header = load(connection, path, scratch, single=True).header
                _copy(connection, "t", list(_narrowed(connection, header)), out)
            (rows,) = connection.execute(
                f"SELECT num_rows FROM parquet_file_metadata({literal(str(out))})"  # noqa: S608 - own path
            ).fetchone() or (0,)
            return {"rows": rows, "columns": parquet_columns(connection, out)}
    except (duckdb.OutOfMemoryException, duckdb.IOException, MemoryError) as error:
        raise FileNotMeasurable("above the limits of a table", reason=type(error).__name__) from None


def _check_unpacked(
    connection: duckdb.DuckDBPyConnection, path: Path, fields: Sequence[tuple[str, str]]
) -> None:
    """A few bytes may stand for very many: by packing, or by one word that is pointed at again and again."""
    source = literal(str(path))
    asked = f"SELECT coalesce(sum(total_uncompressed_size), 0) FROM parquet_metadata({source})"  # noqa: S608
    (told,) = connection.execute(asked).fetchone() or (0,)
    texts = [quoted(name) for name, kind in fields if kind in {"VARCHAR", "BLOB"}]
    lengths = " + ".join(f"coalesce(octet_length(CAST({name} AS BLOB)), 0)" for name in texts)
    found = 0
    if texts and told <= MAX_PLAIN_BYTES:
        asked = f"SELECT sum(CAST({lengths} AS HUGEINT)) FROM read_parquet({source})"  # noqa: S608 - quoted names
        (found,) = connection.execute(asked).fetchone() or (0,)
    if max(int(told), int(found or 0)) > MAX_PLAIN_BYTES:
        raise FileNotMeasurable("too large when unpacked", limit=MAX_PLAIN_BYTES)


def _shown(fields: Sequence[tuple[str, str]], view: View) -> list[str]:
    """The columns of a part of a table, in the table's order."""
    if not view.columns:
        return [quoted(name) for name, _ in fields]
    wanted = {_known(fields, name)[0] for name in view.columns}
    return [quoted(name) for name, _ in fields if name in wanted]


def _held(fields: Sequence[tuple[str, str]], view: View) -> str:
    """What holds of every row of a part; a cell that is missing meets no condition."""
    held = ["true"]
    for one in view.rows:
        name, kind = _known(fields, one.column)
        values = ", ".join(f"CAST({literal(value)} AS {kind})" for value in one.values)
        held.append(f"{quoted(name)} {_OPERATORS.get(one.op, one.op.value)} ({values})")
    return " AND ".join(held)


def _known(fields: Sequence[tuple[str, str]], name: str) -> tuple[str, str]:
    for one, kind in fields:
        if one.casefold() == name.casefold():
            return one, kind
    raise FileNotTabular("the table has no such column", reason="no-such-column")


def _kept(fields: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The columns of a Parquet file in types that every tool has."""
    names = _unlike([name.strip() for name, _ in fields])
    for (name, kind), shown in zip(fields, names, strict=True):
        plain = kind in _KEPT or kind.startswith("DECIMAL(")
        cell = quoted(name) if plain else f"CAST({quoted(name)} AS {_WIDER.get(kind, 'VARCHAR')})"
        yield f"{cell} AS {quoted(shown)}"


def _narrowed(connection: duckdb.DuckDBPyConnection, header: Sequence[str]) -> Iterator[str]:
    """The text columns of `t`, each as the narrowest type that all its cells have the form of."""
    for first in range(0, len(header), _COLUMNS_AT_ONCE):
        places = range(first, min(first + _COLUMNS_AT_ONCE, len(header)))
        counts = (f"count(v{i}), {_counted(i)}" for i in places)
        values = ", ".join(f"{_value(i)} AS v{i}" for i in places)
        asked = f"SELECT {', '.join(counts)} FROM (SELECT {values} FROM t)"  # noqa: S608 - own names
        found = list(connection.execute(asked).fetchone() or ())
        for place, name in zip(places, _unlike(header)[first:], strict=False):
            present, *forms = (found.pop(0) for _ in range(1 + len(_FORMS)))
            fits = [kind for (kind, _), count in zip(_FORMS, forms, strict=True) if 0 < present == count]
            cell = f"CAST({_value(place)} AS {fits[0]})" if fits else f"nullif(c{place}, '')"
            yield f"{cell} AS {quoted(name)}"


def _value(place: int) -> str:
    """A cell without its edges; None where it says that there is none."""
    missing = ", ".join(literal(marker) for marker in MISSING_MARKERS)
    trimmed = f"trim(c{place}, ' \t\r\n')"
    return f"CASE WHEN {trimmed} NOT IN ({missing}) THEN {trimmed} END"


def _counted(place: int) -> str:
    """How many cells have each form, and are a value of its type."""
    return ", ".join(
        f"count(*) FILTER (WHERE regexp_full_match(v{place}, {literal(form)})"
        f" AND {_finite(kind, f'TRY_CAST(v{place} AS {kind})')})"
        for kind, form in _FORMS
    )


def _finite(kind: str, value: str) -> str:
    return f"coalesce(isfinite({value}), false)" if kind == "DOUBLE" else f"{value} IS NOT NULL"


def _unlike(names: Sequence[str]) -> list[str]:
    """Names that all differ, whatever their case, none of them empty: `a`, `A` are `a`, `A_2`."""
    given: set[str] = set()
    unlike = []
    taken = {name.casefold() for name in names}
    for place, name in enumerate(names, start=1):
        base = name or f"column_{place}"
        shown, number = base, 1
        while shown.casefold() in given or (number > 1 and shown.casefold() in taken):
            number += 1
            shown = f"{base}_{number}"
        given.add(shown.casefold())
        unlike.append(shown)
    return unlike


def _copy(connection: duckdb.DuckDBPyConnection, source: str, columns: Sequence[str], out: Path) -> None:
    least, most = _ROWS_A_GROUP
    rows = min(max(_CELLS_A_GROUP // len(columns), least), most)
    connection.execute(
        f"COPY (SELECT {', '.join(columns)} FROM {source}) TO {literal(str(out))}"  # noqa: S608 - quoted names
        f" (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE {rows}, USE_TMP_FILE false)"
    )


def _main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="market.delivery.tabling.child")
    parser.add_argument("file", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--said", type=Path, required=True)
    parser.add_argument("--cpu-s", type=int, required=True)
    parser.add_argument("--view", type=Path)
    given = parser.parse_args(arguments)
    confine(given.cpu_s)
    without_heavy_libraries()
    with tempfile.TemporaryDirectory(prefix="scratch-") as scratch:
        try:
            view = view_from(orjson.loads(given.view.read_bytes())) if given.view else WHOLE
            said = write_table(given.file, Path(scratch), given.out.resolve(), view)
            given.said.write_bytes(orjson.dumps(said))
        except DomainError as error:
            given.said.write_bytes(orjson.dumps({"code": error.code, "reason": error.facts.get("reason")}))
            return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
