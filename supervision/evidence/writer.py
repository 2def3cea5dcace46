"""Evidence tables on disk: Parquet or CSV, written a batch at a time, put in place when all are whole."""

import csv
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from base.clock import rfc3339
from supervision.arrow import LIST_SEPARATOR, arrow_schema
from supervision.errors import UnusableEvidence
from supervision.schema import DERIVED, TABLES, Kind

_BATCH_ROWS: Final = 4096
SUMMARY: Final = "evidence.json"

Row = Mapping[str, Any]


class Form(StrEnum):
    """How tables are written."""

    PARQUET = "parquet"
    CSV = "csv"


class _Sink(Protocol):
    def write(self, rows: list[Row]) -> None: ...

    def close(self) -> None: ...


class _ParquetSink:
    def __init__(self, path: Path, name: str) -> None:
        self._schema = arrow_schema(TABLES[name])
        self._writer = pq.ParquetWriter(path, self._schema)

    def write(self, rows: list[Row]) -> None:
        self._writer.write_table(pa.Table.from_pylist(rows, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


class _CsvSink:
    def __init__(self, path: Path, name: str) -> None:
        self._columns = TABLES[name]
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(self._columns)

    def write(self, rows: list[Row]) -> None:
        for row in rows:
            self._writer.writerow([_cell(row.get(name), kind) for name, kind in self._columns.items()])

    def close(self) -> None:
        self._file.close()


def _cell(value: Any, kind: Kind) -> str:
    if value is None:
        return ""
    if kind is Kind.LIST:
        return LIST_SEPARATOR.join(value)
    if kind is Kind.BOOL:
        return "true" if value else "false"
    if isinstance(value, datetime):
        return rfc3339(value)
    return value.isoformat() if isinstance(value, date) else str(value)


class TableWriter:
    """Takes rows of any derived table, in any order. `rows` counts them."""

    def __init__(self, folder: Path, form: Form) -> None:
        sink: type[_ParquetSink | _CsvSink] = _ParquetSink if form is Form.PARQUET else _CsvSink
        self._sinks: dict[str, _Sink] = {name: sink(folder / f"{name}.{form}", name) for name in DERIVED}
        self._waiting: dict[str, list[Row]] = {name: [] for name in DERIVED}
        self.rows = dict.fromkeys(DERIVED, 0)

    def add(self, table: str, row: Row) -> None:
        """Keep a row; columns it does not name are null."""
        waiting = self._waiting[table]
        waiting.append(row)
        self.rows[table] += 1
        if len(waiting) >= _BATCH_ROWS:
            self._flush(table)

    def close(self) -> None:
        """Write what waits and close the files."""
        for table, sink in self._sinks.items():
            self._flush(table)
            sink.close()

    def _flush(self, table: str) -> None:
        if self._waiting[table]:
            self._sinks[table].write(self._waiting[table])
            self._waiting[table] = []


@contextmanager
def written_whole(out: Path) -> Iterator[Path]:
    """A work folder beside `out`; on leaving well its files replace the tables in `out`, else nothing does.

    Raises UnusableEvidence if `out` holds anything that is no evidence table: it is not ours to replace.
    """
    ours = {f"{name}.{form}" for name in TABLES for form in Form} | {SUMMARY}
    if out.exists() and (not out.is_dir() or any(path.name not in ours for path in out.iterdir())):
        raise UnusableEvidence(f"{out} is there and is no folder of evidence tables")
    out.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        work = Path(mkdtemp(prefix=".evidence-", dir=out.parent))
        stack.callback(shutil.rmtree, work, ignore_errors=True)
        yield work
        out.mkdir(exist_ok=True)
        for path in out.iterdir():
            path.unlink()
        for path in work.iterdir():
            path.replace(out / path.name)
