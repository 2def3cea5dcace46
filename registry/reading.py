"""Opening a stranger's file: what it is, whether it is a table, and its cells as text in a scratch database.

CSV is defined here by one parser (RFC 4180, UTF-8, header first), which counts every record; the scratch
database then reads either the very file, where no quoting can be misread, or a copy in one safe dialect.
No cell is changed: what looks like a formula stays text. Runs in the measuring child (`registry.measure`).
"""

import csv
import gzip
import hashlib
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final, cast

import duckdb

from registry.declared import MAX_COLUMNS
from registry.errors import FileEmpty, FileEncodingBroken, FileNotMeasurable, FileNotTabular

MAX_LINE_BYTES: Final = 256 * 1024
MAX_NAME_CHARS: Final = 200
MAX_RECORD_CHARS: Final = 512 * 1024
MAX_PLAIN_BYTES: Final = 4 * 1024**3
MAX_ROWS: Final = 100_000_000
_BUFFER: Final = 1024 * 1024
_DELIMITERS: Final = ",\t;|"
_NESTED: Final = ("STRUCT", "MAP", "UNION", "VARIANT")
_BOM: Final = b"\xef\xbb\xbf"
_FOREIGN: Final = (b"PK\x03\x04", b"%PDF", b"\x89PNG", b"\xd0\xcf\x11\xe0", b"SQLite format 3", b"7z\xbc\xaf")


class Format(StrEnum):
    CSV = "csv"
    CSV_GZ = "csv.gz"
    PARQUET = "parquet"


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


def open_scratch(path: Path, scratch: Path, *, memory_mb: int) -> duckdb.DuckDBPyConnection:
    """A scratch database that may read `path` and its own folder, and nothing else on the machine."""
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
    readable = ", ".join(_literal(str(p)) for p in (path, staged(scratch)))
    connection.execute(f"SET allowed_paths = [{readable}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def staged(scratch: Path) -> Path:
    """Where the copy in the safe dialect goes, when one is needed."""
    return scratch / "staged.csv"


def load(connection: duckdb.DuckDBPyConnection, path: Path, scratch: Path, *, single: bool = False) -> Table:
    """Load the file into `t`. Raises FileEmpty, FileEncodingBroken, FileNotTabular, FileNotMeasurable.

    A CSV of one column is a table only where one column was declared (`single`): any text looks like one.
    """
    kind = _format_of(path)
    if kind is Format.PARQUET:
        return _load_parquet(connection, path)
    table = _load_csv(connection, path, scratch, kind)
    if len(table.header) == 1 and not single:
        raise FileNotTabular("one column, and nobody declared it", reason="single-column")
    return table


def _format_of(path: Path) -> Format:
    with path.open("rb") as file:
        head = file.read(16)
    if not head:
        raise FileEmpty("the file has no byte")
    if head.startswith(b"PAR1"):
        return Format.PARQUET
    if head.startswith(b"\x1f\x8b"):
        return Format.CSV_GZ
    if head.startswith(_FOREIGN):
        raise FileNotTabular("neither CSV nor Parquet", reason="foreign-format")
    return Format.CSV


@contextmanager
def _plain(path: Path, kind: Format) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked. A gzip member that is damaged or cut short is a broken encoding."""
    try:
        with path.open("rb", buffering=_BUFFER) as raw:
            if kind is Format.CSV:
                yield raw
            else:
                with gzip.open(raw) as unpacked:
                    yield cast("BinaryIO", unpacked)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise FileEncodingBroken("the compression is damaged", reason="gzip") from None


class _Lines:
    """The file's lines as text, each bounded, decoded strictly, and counted."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.bytes_read = 0
        self.plain = True  # no quote, no carriage return, no mark at the start, no empty line

    def __iter__(self) -> Iterator[str]:
        number = 0
        while line := self._file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES:
                raise FileNotTabular("a line is too long", reason="line-too-long", line=number)
            if b"\0" in line:
                raise FileNotTabular("the file is binary", reason="binary", line=number)
            offset, self.bytes_read = self.bytes_read, self.bytes_read + len(line)
            if self.bytes_read > MAX_PLAIN_BYTES:
                raise FileNotMeasurable("too large when unpacked", limit=MAX_PLAIN_BYTES)
            if number == 1 and line.startswith(_BOM):
                line, offset, self.plain = line[len(_BOM) :], offset + len(_BOM), False
            if self.plain and (b'"' in line or b"\r" in line or line == b"\n"):
                self.plain = False
            try:
                yield line.decode()
            except UnicodeDecodeError as error:
                raise FileEncodingBroken(
                    "not UTF-8", reason="utf-8", offset=offset + error.start, line=number
                ) from None


@dataclass(slots=True)
class _Census:
    """What one pass over the records has counted."""

    header: tuple[str, ...] = ()
    rows: int = 0
    ragged: int = 0


def _records(lines: _Lines, delimiter: str) -> Iterator[list[str]]:
    """The records, blank lines left out. Raises FileNotTabular on wrong quoting, with the line."""
    csv.field_size_limit(MAX_LINE_BYTES)
    reader = csv.reader(iter(lines), delimiter=delimiter, strict=True)
    try:
        for record in reader:
            if record:
                yield record
    except csv.Error as error:
        raise FileNotTabular(
            "a record cannot be read", reason="quoting", line=reader.line_num, parser=str(error)
        ) from None


def _delimiter_of(path: Path, kind: Format) -> str:
    """The delimiter that occurs most in the first line that is not blank, outside quotes."""
    with _plain(path, kind) as file:
        for line in _Lines(file):
            if line.strip():
                outside = "".join(line.split('"')[::2])
                return max(_DELIMITERS, key=outside.count)
    raise FileEmpty("the file has only blank lines")


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
    delimiter = _delimiter_of(path, kind)
    with _plain(path, kind) as file:
        lines = _Lines(file)
        census = _count(_records(lines, delimiter))
    _check_shape(census.header, census.rows, census.ragged)
    source, quote = path, ""
    if kind is Format.CSV_GZ or census.ragged or not lines.plain:
        source, quote, delimiter_now = staged(scratch), '"', ","
        _stage(path, kind, source, delimiter, len(census.header))
    else:
        delimiter_now = delimiter
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(census.header)))
    connection.execute(
        f"CREATE TABLE t AS SELECT * FROM read_csv({_literal(str(source))}, auto_detect = false,"  # noqa: S608
        f" header = true, columns = {{{columns}}}, delim = {_literal(delimiter_now)}, quote = '{quote}',"
        f" escape = '{quote}', new_line = '\\n', strict_mode = true, max_line_size = 1048576,"
        " parallel = false, compression = 'none')"
    )
    staged(scratch).unlink(missing_ok=True)
    if _rows_of(connection) != census.rows:
        raise FileNotTabular("two parsers disagree on the records", reason="ambiguous")
    return Table(kind, census.header, census.rows, census.ragged, delimiter)


def _stage(path: Path, kind: Format, target: Path, delimiter: str, width: int) -> None:
    """Copy the records of the right width with every field quoted: nothing is left to guess."""
    with _plain(path, kind) as file, target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for record in _records(_Lines(file), delimiter):
            if len(record) == width:
                if sum(map(len, record)) > MAX_RECORD_CHARS:
                    raise FileNotTabular("a record is too long", reason="record-too-long")
                writer.writerow(record)


def _load_parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> Table:
    source = f"read_parquet({_literal(str(path))})"
    try:
        connection.execute(f"SELECT num_rows FROM parquet_file_metadata({_literal(str(path))})")  # noqa: S608
        (rows,) = connection.fetchone() or (0,)
        fields = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608
        header = tuple(str(field[0]).strip() for field in fields)
        _check_shape(header, rows, 0)
        nested = [name for name, kind, *_ in fields if kind.endswith("]") or kind.startswith(_NESTED)]
        if nested:
            raise FileNotTabular("a column is nested", reason="nested", columns=nested[:20])
        cells = ", ".join(f"CAST({_name(name)} AS VARCHAR) AS c{i}" for i, (name, *_) in enumerate(fields))
        connection.execute(f"CREATE TABLE t AS SELECT {cells} FROM {source}")  # noqa: S608
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        raise FileNotTabular("the Parquet file cannot be read", reason="parquet") from None
    return Table(Format.PARQUET, header, _rows_of(connection), 0)


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


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
