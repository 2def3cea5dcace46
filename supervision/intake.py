"""A folder of evidence tables, Parquet or CSV, made into Parquet files of exactly the agreed types.

A file that has them already is used where it stands; any other is rewritten, batch by batch, into a
work folder, so that no table need fit into memory and every engine sees the same bytes.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from supervision.arrow import arrow_schema, as_kind
from supervision.errors import UnusableEvidence
from supervision.schema import AHEAD_OF_NOW, TABLES, Columns, Kind

_SUFFIXES = (".parquet", ".csv")


@dataclass(frozen=True, slots=True)
class Source:
    """One evidence table as it was found: a Parquet file with the columns that are really there."""

    name: str
    path: Path
    columns: Columns

    @property
    def is_empty(self) -> bool:
        """Whether the table is there and has no row."""
        return bool(pq.read_metadata(self.path).num_rows == 0)


def take_in(folder: Path, work: Path, wanted: frozenset[str]) -> dict[str, Source]:
    """Find the tables of `folder`; rewrite into `work` what is not of the agreed types.

    Of tables that no rule of `wanted` asks for, only the times are read (they say how late it is).
    Raises UnusableEvidence where a file is no table, a value not of its kind, or a table there twice.
    """
    if not folder.is_dir():
        raise UnusableEvidence(f"{folder} is not a folder of evidence tables")
    sources = {}
    for name, declared in TABLES.items():
        found = [path for suffix in _SUFFIXES if (path := folder / f"{name}{suffix}").is_file()]
        if len(found) > 1:
            raise UnusableEvidence(f"{name} is there twice, as Parquet and as CSV", table=name)
        if found:
            columns = declared if name in wanted else _times(declared)
            sources[name] = _take(name, found[0], columns, work)
    if not sources:
        raise UnusableEvidence(f"no evidence table in {folder}", expected=sorted(TABLES))
    return sources


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
            _require_any(name, path, file.schema_arrow.names)
            present = {column: kind for column, kind in columns.items() if column in file.schema_arrow.names}
            if all(file.schema_arrow.field(c).type.equals(t) for c, t in _types(present).items()):
                link = work / f"{name}.parquet"  # a name of ours: engines read patterns out of paths
                link.symlink_to(path.resolve())
                return Source(name, link, present)
            batches = file.iter_batches(columns=list(present)) if present else iter(())
            return _rewrite(name, frozenset(present), batches, columns, work)
    except (pa.ArrowException, UnicodeDecodeError, csv.Error) as error:
        raise UnusableEvidence(f"{path.name} cannot be read: {error}", table=name) from None


def _types(columns: Columns) -> Mapping[str, Any]:
    schema = arrow_schema(columns)
    return {field.name: field.type for field in schema}


def _require_any(name: str, path: Path, names: list[str]) -> None:
    if TABLES[name].keys().isdisjoint(names):
        raise UnusableEvidence(f"{path.name} has no column of the table {name}", table=name)


def _csv(name: str, path: Path, columns: Columns) -> tuple[frozenset[str], Iterator[Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file), [])
    _require_any(name, path, header)
    present = [column for column in header if column in columns]
    if len(set(present)) < len(present):
        raise UnusableEvidence(f"{path.name} names a column twice", table=name)
    if not present:
        return frozenset(), iter(())
    reader = pa_csv.open_csv(
        path,
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            column_types={column: pa.string() for column in header},
            include_columns=present,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )
    return frozenset(present), iter(reader)


def _rewrite(
    name: str, names: frozenset[str], batches: Iterator[Any], columns: Columns, work: Path
) -> Source:
    present = {column: kind for column, kind in columns.items() if column in names}
    target = work / f"{name}.parquet"
    schema = arrow_schema(present)
    with pq.ParquetWriter(target, schema) as writer:
        for batch in batches:
            arrays = [_cast(name, batch, column, kind) for column, kind in present.items()]
            writer.write_table(pa.table(arrays, schema=schema))
    return Source(name, target, present)


def _cast(name: str, batch: Any, column: str, kind: Kind) -> Any:
    try:
        return as_kind(batch.column(column), kind)
    except (ValueError, OverflowError, NotImplementedError) as error:
        raise UnusableEvidence(
            f"{name}.{column} holds a value that is not of the kind {kind}: {error}",
            table=name,
            column=column,
        ) from None
