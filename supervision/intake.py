"""A folder of evidence tables, Parquet or CSV, made into Parquet files of exactly the agreed types.

A file that has them already, and by its own statistics nothing that cannot be, is used where it stands; any
other is rewritten, batch by batch, into a work folder, so that no table need fit into memory and every engine
sees the same bytes. What was left out on the way is counted (`supervision.sifting`).
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from supervision.arrow import arrow_schema, as_kind, in_days_of_shanghai, in_figures
from supervision.errors import UnusableEvidence
from supervision.schema import AHEAD_OF_NOW, LAST_DAYS, TABLES, Columns, Kind
from supervision.sifting import TOLD_WITH, Sieve, is_sound

_SUFFIXES: Final = (".parquet", ".csv")
_ROW_BYTES: Final = 8 * 1024 * 1024
"""No row of a CSV may be longer."""
_ORDINALS: Final = frozenset({"grade"})
"""Numbers that people also write in words."""
_DATED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "trades": ("agreed_at", "contract_dated_at"),
    "quotes": ("quoted_at",),
    "payments": ("paid_at",),
    "requests": ("asked_at",),
    "exports": ("declared_at",),
    "bids": ("committed_at",),
    "ranking": ("sent_at",),
    "access": ("at",),
}


@dataclass(frozen=True, slots=True)
class Source:
    """One evidence table as it was found: a Parquet file with the columns that are really there."""

    name: str
    path: Path
    columns: Columns
    rows: int
    """How many rows count."""
    names: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    read_otherwise: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether the table is there and has no row."""
        return self.rows == 0

    def document(self) -> dict[str, Any]:
        """What a report says of the table: what was there, and what of it could not be used."""
        declared = TABLES[self.name]
        told = {
            "missing_columns": sorted(declared.keys() - set(self.names)),
            "ignored_columns": sorted(set(self.names) - declared.keys()),
            "left_out": dict(self.left_out),
            "read_otherwise": dict(self.read_otherwise),
            "undated": _undated(self),
            "incomplete": {
                column: count for column in TOLD_WITH.get(self.name, ()) if (count := _nulls(self, column))
            },
        }
        return {"rows": self.rows, **{name: value for name, value in told.items() if value}}


def take_in(folder: Path, work: Path, wanted: frozenset[str]) -> dict[str, Source]:
    """Find the tables of `folder`; rewrite into `work` what is not of the agreed types.

    Of tables that no rule of `wanted` asks for, only the times are read (they say how late it is).
    Raises UnusableEvidence where a file is no table, a value not of its kind, or a table there twice.
    """
    if not folder.is_dir():
        raise UnusableEvidence(f"{folder} is not a folder of evidence tables")
    sources = {}
    for name, declared in TABLES.items():
        found = [path for suffix in _SUFFIXES if _is_there(path := folder / f"{name}{suffix}")]
        if len(found) > 1:
            raise UnusableEvidence(f"{name} is there twice, as Parquet and as CSV", table=name)
        if found:
            if not found[0].is_file():
                raise UnusableEvidence(f"{found[0].name} is there, and is no file", table=name)
            sources[name] = _take(name, found[0], declared if name in wanted else _times(declared), work)
    if not sources:
        raise UnusableEvidence(f"no evidence table in {folder}", expected=sorted(TABLES))
    return sources


def strangers(folder: Path) -> list[str]:
    """What else lies in the folder and is read by nobody; names that begin with a dot are nobody's matter."""
    known = {f"{name}{suffix}" for name in TABLES for suffix in _SUFFIXES}
    return sorted(path.name for path in folder.iterdir() if path.name not in known and path.name[0] != ".")


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()  # a link to nowhere is no table that is absent


def _times(columns: Columns) -> Columns:
    return {
        name: kind
        for name, kind in columns.items()
        if kind in {Kind.TIME, Kind.DAY} and name not in AHEAD_OF_NOW
    }


def _take(name: str, path: Path, columns: Columns, work: Path) -> Source:
    try:
        if path.suffix == ".csv":
            return _rewrite(name, *_csv(name, path, columns), columns, work)
        with pq.ParquetFile(path) as file:
            names = tuple(file.schema_arrow.names)
            _require(name, path, names, columns)
            present = _present(name, names, columns)
            agreed = all(file.schema_arrow.field(c).type.equals(t) for c, t in _types(present).items())
            if agreed and is_sound(file.metadata, name, present):
                link = work / f"{name}.parquet"  # a name of ours: engines read patterns out of paths
                link.symlink_to(path.resolve())
                return Source(name, link, present, file.metadata.num_rows, names)
            return _rewrite(name, names, file.iter_batches(columns=list(present)), columns, work)
    except (pa.ArrowException, OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnusableEvidence(f"{path.name} cannot be read: {_in_short(error)}", table=name) from None


def _present(name: str, names: tuple[str, ...], columns: Columns) -> Columns:
    """The columns of these that are there; where none is, one of the table, for its rows are counted."""
    asked = {column: kind for column, kind in columns.items() if column in names}
    return asked or dict([next(pair for pair in TABLES[name].items() if pair[0] in names)])


def _types(columns: Columns) -> Mapping[str, Any]:
    schema = arrow_schema(columns)
    return {field.name: field.type for field in schema}


def _in_short(error: Exception) -> str:
    text = " ".join(str(error).split())
    if "straddl" in text or "block size" in text:
        return f"a row is longer than {_ROW_BYTES} bytes"
    return text if len(text) <= 300 else f"{text[:300]} …"  # noqa: PLR2004


def _require(name: str, path: Path, names: tuple[str, ...], columns: Columns) -> None:
    """Some column of the table, and none of them twice: engines know no upper and lower case."""
    if TABLES[name].keys().isdisjoint(names):
        raise UnusableEvidence(f"{path.name} has no column of the table {name}", table=name)
    lower = [column.lower() for column in names]
    for column in columns:
        if column in names and lower.count(column) > 1:
            raise UnusableEvidence(f"{path.name} names a column twice: {column}", table=name, column=column)


def _csv(name: str, path: Path, columns: Columns) -> tuple[tuple[str, ...], Iterator[Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = tuple(next(csv.reader(file), []))
    _require(name, path, header, columns)
    _require_closed_quotes(name, path)
    columns = _present(name, header, columns)
    present = [column for column in header if column in columns]
    reader = pa_csv.open_csv(
        path,
        read_options=pa_csv.ReadOptions(block_size=_ROW_BYTES),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            column_types={column: pa.string() for column in header},
            include_columns=present,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )
    return header, iter(reader)


def _require_closed_quotes(name: str, path: Path) -> None:
    """Quotes come in pairs (RFC 4180): after one that is never closed, all rows would be one value."""
    quotes = 0
    with path.open("rb") as file:
        while chunk := file.read(_ROW_BYTES):
            quotes += chunk.count(b'"')
    if quotes % 2 == 0:
        return
    line = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            for _ in reader:
                line = reader.line_num
    except (csv.Error, UnicodeDecodeError):
        pass
    raise UnusableEvidence(f"{path.name} has a quote that is never closed, after line {line}", table=name)


def _rewrite(
    name: str, names: tuple[str, ...], batches: Iterator[Any], columns: Columns, work: Path
) -> Source:
    present = _present(name, names, columns)
    target = work / f"{name}.parquet"
    schema = arrow_schema(present)
    sieve, row, rows = Sieve(name, present), 1, 0
    with pq.ParquetWriter(target, schema) as writer:
        for batch in batches:
            arrays = [_cast(name, batch, column, kind, row) for column, kind in present.items()]
            sifted = sieve.sift(pa.table(arrays, schema=schema))
            writer.write_table(sifted)
            row, rows = row + batch.num_rows, rows + sifted.num_rows
    return Source(name, target, present, rows, names, sieve.left_out, sieve.read_otherwise)


def _cast(name: str, batch: Any, column: str, kind: Kind, row: int) -> Any:
    values = batch.column(column)
    if kind is Kind.TIME:
        values = in_days_of_shanghai(values, to_the_end=column in LAST_DAYS)
    try:
        return as_kind(in_figures(values) if column in _ORDINALS else values, kind)
    except (TypeError, ValueError, OverflowError, NotImplementedError) as error:
        at = row + _first_unfit(values, kind)
        raise UnusableEvidence(
            f"{name}.{column}, row {at}, holds a value that is not of the kind {kind}: {_in_short(error)}",
            table=name,
            column=column,
            row=at,
        ) from None


def _first_unfit(values: Any, kind: Kind) -> int:
    for at in range(len(values)):
        try:
            as_kind(values.slice(at, 1), kind)
        except (TypeError, ValueError, OverflowError, NotImplementedError):
            return at
    return 0


def _undated(source: Source) -> int:
    """How many rows of a table tell no time, where rules ask when: they are in no window."""
    names = [name for name in _DATED_BY.get(source.name, ()) if name in source.columns]
    if not names:
        return 0
    undated = 0
    with pq.ParquetFile(source.path) as file:
        if not all(_may_be_null(file.metadata, name) for name in names):
            return 0
        for batch in file.iter_batches(columns=names):
            missing = batch.column(0).is_null()
            for column in batch.columns[1:]:
                missing = pc.and_(missing, column.is_null())
            undated += pc.sum(missing).as_py() or 0
    return undated


def _nulls(source: Source, column: str) -> int:
    """How many rows of a table have no value in this column, where there is such a column."""
    if column not in source.columns or not _may_be_null(pq.read_metadata(source.path), column):
        return 0
    with pq.ParquetFile(source.path) as file:
        return sum(batch.column(0).null_count for batch in file.iter_batches(columns=[column]))


def _may_be_null(metadata: Any, name: str) -> bool:
    for group in (metadata.row_group(at) for at in range(metadata.num_row_groups)):
        for place in range(group.num_columns):
            chunk = group.column(place)
            if chunk.path_in_schema == name:
                told = chunk.statistics if chunk.is_stats_set else None
                if told is None or not told.has_null_count or told.null_count:
                    return True
    return False
