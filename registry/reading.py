"""Opening a stranger's file: what it is, whether it is a table, and its cells as text in a scratch database.

CSV is defined here by one parser (RFC 4180, UTF-8, header first), which counts every record; the scratch
database then reads either the very file, where no quoting can be misread, or a copy in one safe dialect.
No cell is changed: what looks like a formula stays text. Runs in the measuring child (`registry.measure`).
"""

import csv
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from registry.declared import MAX_COLUMNS
from registry.errors import FileEmpty, FileEncodingBroken, FileNotMeasurable, FileNotTabular
from registry.records import Format, Lines, delimiter_of, plain_bytes, records_of
from registry.wide import stage, utf8

MAX_NAME_CHARS: Final = 200
MAX_RECORD_CHARS: Final = 200 * 1024  # below the 1 MiB line of the scratch reader, in UTF-8 and quoted
MAX_ROWS: Final = 100_000_000
_NESTED: Final = ("STRUCT", "MAP", "UNION", "VARIANT")
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_PACKAGE: Final = b"PK\x03\x04"
_GZIP: Final = (b"\x1f\x8b",)
_FOREIGN: Final = (_PACKAGE, b"%PDF", b"\x89PNG", b"\xd0\xcf\x11\xe0", b"SQLite format 3", b"7z\xbc\xaf")


@dataclass(frozen=True, slots=True)
class Table:
    """What was loaded as `t(c0, c1, …)`, all text. `ragged` records were counted and left out."""

    format: Format
    header: tuple[str, ...]
    rows: int
    ragged: int
    delimiter: str | None = None


def sha256_of(path: Path) -> str:
    """Digest of the whole file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_scratch(
    path: Path, scratch: Path, *, memory_mb: int, out: Path | None = None
) -> duckdb.DuckDBPyConnection:
    """A scratch database that may read `path` and its own folder, write `out`, and nothing else."""
    connection = duckdb.connect(
        str(scratch / "scratch.duckdb"),
        config={
            "threads": "2",
            "memory_limit": f"{memory_mb}MB",
            "temp_directory": str(scratch / "spill"),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "python_enable_replacements": "false",
        },
    )
    connection.execute("SET TimeZone = 'UTC'")
    allowed = ", ".join(literal(str(p)) for p in (path, staged(scratch), beside(scratch), out) if p)
    connection.execute(f"SET allowed_paths = [{allowed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def staged(scratch: Path) -> Path:
    """Where the copy in the safe dialect goes, when one is needed."""
    return scratch / "staged.csv"


def beside(scratch: Path) -> Path:
    """Where what stands in no column goes, one text a line."""
    return scratch / "beside.csv"


def load(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    scratch: Path,
    *,
    single: bool = False,
    books: bool = False,
) -> Table:
    """Load the file into `t`. Raises FileEmpty, FileEncodingBroken, FileNotTabular, FileNotMeasurable.

    A CSV of one column is a table only where one column was declared (`single`): any text looks like one.
    A list as agencies have it, a workbook (XLSX) or a text with a title or in another encoding, is one where
    `books` are taken: to be scanned, not to be sold; then nested columns are texts too.
    """
    if books and not _is_parquet(path):
        return _load_list(connection, path, scratch)
    kind = format_of(path)
    if kind is Format.PARQUET:
        return _load_parquet(connection, path, nested=books)
    table = _load_csv(connection, path, scratch, kind)
    if len(table.header) == 1 and not single:
        raise FileNotTabular("one column, and nobody declared it", reason="single-column")
    return table


def format_of(path: Path) -> Format:
    """What a file is by its first bytes. Raises FileEmpty, FileEncodingBroken, FileNotTabular."""
    with path.open("rb") as file:
        head = file.read(16)
    if not head:
        raise FileEmpty("the file has no byte")
    if head.startswith(b"PAR1"):
        return Format.PARQUET
    if head.startswith(b"\x1f\x8b"):
        return Format.CSV_GZ
    if head.startswith(_UTF_16):
        raise FileEncodingBroken("UTF-16, not UTF-8", reason="utf-16")
    if head.startswith(_FOREIGN):
        raise FileNotTabular("neither CSV nor Parquet", reason="foreign-format")
    return Format.CSV


def is_book(path: Path) -> bool:
    """Whether a file is a package, as a workbook is one."""
    return _starts(path, (_PACKAGE,))


def _is_parquet(path: Path) -> bool:
    return _starts(path, (b"PAR1",))


def _starts(path: Path, marks: tuple[bytes, ...]) -> bool:
    with path.open("rb") as file:
        return file.read(16).startswith(marks)


@dataclass(slots=True)
class _Census:
    """What one pass over the records has counted."""

    header: tuple[str, ...] = ()
    rows: int = 0
    ragged: int = 0


def _count(records: Iterator[list[str]]) -> _Census:
    census = _Census()
    for record in records:
        if not census.header:
            census.header = tuple(name.strip() for name in record)
        elif len(record) == len(census.header):
            census.rows += 1
        else:
            census.ragged += 1
    return census


def _load_csv(connection: duckdb.DuckDBPyConnection, path: Path, scratch: Path, kind: Format) -> Table:
    delimiter = delimiter_of(path, kind)
    with plain_bytes(path, kind) as file:
        lines = Lines(file)
        census = _count(records_of(lines, delimiter))
    _check_shape(census.header, census.rows, census.ragged)
    source, quote = path, ""
    if kind is Format.CSV_GZ or census.ragged or not lines.plain:
        source, quote, delimiter_now = staged(scratch), '"', ","
        _stage(path, kind, source, delimiter, len(census.header))
    else:
        delimiter_now = delimiter
    _take(connection, source, len(census.header), delimiter=delimiter_now, quote=quote)
    staged(scratch).unlink(missing_ok=True)
    if _rows_of(connection) != census.rows:
        raise FileNotTabular("two parsers disagree on the records", reason="ambiguous")
    return Table(kind, census.header, census.rows, census.ragged, delimiter)


def _take(
    connection: duckdb.DuckDBPyConnection, source: Path, width: int, *, delimiter: str, quote: str
) -> None:
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(width))
    connection.execute(
        f"CREATE TABLE t AS SELECT * FROM read_csv({literal(str(source))}, auto_detect = false,"  # noqa: S608
        f" header = true, columns = {{{columns}}}, delim = {literal(delimiter)}, quote = '{quote}',"
        f" escape = '{quote}', new_line = '\\n', strict_mode = true, max_line_size = 1048576,"
        " parallel = false, compression = 'none')"
    )


def _load_list(connection: duckdb.DuckDBPyConnection, path: Path, scratch: Path) -> Table:
    kind, source, plain = Format.XLSX, path, scratch / "plain.csv"
    if not is_book(path):
        kind = Format.CSV_GZ if _starts(path, _GZIP) else Format.CSV
        if _starts(path, _FOREIGN):
            raise FileNotTabular("neither a workbook nor a text", reason="foreign-format")
        utf8(path, kind, plain)
        kind, source = Format.CSV, plain
    header, rows = stage(source, kind, staged(scratch), beside(scratch))
    plain.unlink(missing_ok=True)
    _check_shape(header, rows, 0)
    _take(connection, staged(scratch), len(header), delimiter=",", quote='"')
    staged(scratch).unlink()
    if _rows_of(connection) != rows:
        raise FileNotTabular("two parsers disagree on the records", reason="ambiguous")
    return Table(kind, header, rows, 0)


def load_beside(connection: duckdb.DuckDBPyConnection, path: Path, scratch: Path, table: Table) -> None:
    """Load what stands in no column into `beside(v)`: the header, records that do not fit it, and what the
    file says of itself. A text that a column has as well is left out.
    """
    target = beside(scratch)
    if not target.exists():
        with target.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
            writer.writerow(["v"])
            if table.ragged:
                _write_ragged(path, table, writer.writerow)
    connection.execute(
        f"CREATE TABLE beside AS SELECT * FROM read_csv({literal(str(target))}, auto_detect = false,"  # noqa: S608
        " header = true, columns = {'v': 'VARCHAR'}, delim = ',', quote = '\"', escape = '\"',"
        " new_line = '\\n', strict_mode = true, max_line_size = 1048576, parallel = false,"
        " compression = 'none')"
    )
    target.unlink()
    connection.executemany("INSERT INTO beside VALUES (?)", [[name] for name in table.header])
    if table.format is Format.PARQUET:
        source = literal(str(path))
        connection.execute(
            f"INSERT INTO beside SELECT decode(value) FROM parquet_kv_metadata({source})"  # noqa: S608
            " WHERE decode(key) <> 'ARROW:schema'"
        )
    for place in range(len(table.header)):
        connection.execute(f"DELETE FROM beside WHERE v IN (SELECT c{place} FROM t)")  # noqa: S608 - own names


def _write_ragged(path: Path, table: Table, write: Callable[[list[str]], object]) -> None:
    with plain_bytes(path, table.format) as file:
        for record in records_of(Lines(file), table.delimiter or ","):
            if len(record) != len(table.header):
                for cell in record:
                    write([cell])


def _stage(path: Path, kind: Format, target: Path, delimiter: str, width: int) -> None:
    """Copy the records of the right width with every field quoted: nothing is left to guess."""
    with plain_bytes(path, kind) as file, target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for record in records_of(Lines(file), delimiter):
            if len(record) == width:
                if sum(map(len, record)) > MAX_RECORD_CHARS:
                    raise FileNotTabular("a record is too long", reason="record-too-long")
                writer.writerow(record)


def _load_parquet(connection: duckdb.DuckDBPyConnection, path: Path, *, nested: bool) -> Table:
    with parquet_read():
        fields = parquet_fields(connection, path, nested=nested)
        cells = ", ".join(f"CAST({quoted(name)} AS VARCHAR) AS c{i}" for i, (name, _) in enumerate(fields))
        connection.execute(f"CREATE TABLE t AS SELECT {cells} FROM read_parquet({literal(str(path))})")  # noqa: S608
    header = tuple(name.strip() for name, _ in fields)
    return Table(Format.PARQUET, header, _rows_of(connection), 0)


@contextmanager
def parquet_read() -> Iterator[None]:
    """Whatever DuckDB says of a Parquet file inside the block, beside a limit, is that it is none."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        raise FileNotTabular("the Parquet file cannot be read", reason="parquet") from None


def parquet_fields(
    connection: duckdb.DuckDBPyConnection, path: Path, *, nested: bool = False
) -> list[tuple[str, str]]:
    """The columns of a Parquet file and DuckDB's types of them; `nested` ones are taken where asked for.

    Raises FileNotTabular, FileEmpty.
    """
    source = literal(str(path))
    connection.execute(f"SELECT num_rows FROM parquet_file_metadata({source})")  # noqa: S608
    (rows,) = connection.fetchone() or (0,)
    fields = parquet_columns(connection, path)
    _check_shape([name.strip() for name, _ in fields], rows, 0)
    deep = [name for name, kind in fields if kind.endswith("]") or kind.startswith(_NESTED)]
    if deep and not nested:
        raise FileNotTabular("a column is nested", reason="nested", columns=deep[:20])
    return fields


def parquet_columns(connection: duckdb.DuckDBPyConnection, path: Path) -> list[tuple[str, str]]:
    """The names of the columns and DuckDB's types of them, whatever they are."""
    source = literal(str(path))
    described = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({source})").fetchall()  # noqa: S608
    return [(str(name), str(kind)) for name, kind, *_ in described]


def _check_shape(header: Sequence[str], rows: int, ragged: int) -> None:
    if len(header) > MAX_COLUMNS:
        raise FileNotTabular("too many columns", reason="too-many-columns", columns=len(header))
    if any(len(name) > MAX_NAME_CHARS for name in header):
        raise FileNotTabular("a column's name is too long", reason="name-too-long", limit=MAX_NAME_CHARS)
    if ragged > rows:
        raise FileNotTabular("most records do not fit the header", reason="ragged", ragged=ragged, rows=rows)
    if not rows:
        raise FileEmpty("there is no record below the header", columns=len(header))
    if rows > MAX_ROWS:
        raise FileNotMeasurable("too many records", rows=rows, limit=MAX_ROWS)


def _rows_of(connection: duckdb.DuckDBPyConnection) -> int:
    (rows,) = connection.execute("SELECT count(*) FROM t").fetchone() or (0,)
    return int(rows)


def literal(text: str) -> str:
    """A text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"


def quoted(text: str) -> str:
    """A name as SQL has it."""
    return '"' + text.replace('"', '""') + '"'
