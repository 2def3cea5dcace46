"""The engine inside the process: DuckDB, within a bound of memory, spilling what is larger to disk."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import duckdb

from supervision.engine import BATCH_ROWS, Engine
from supervision.errors import UnusableEvidence
from supervision.intake import Source
from supervision.schema import TABLES, Kind

MEMORY_LIMIT: Final = "512MB"
_AS_WRITTEN: Final = (
    "FORMAT parquet, COMPRESSION uncompressed, WRITE_BLOOM_FILTER false, ROW_GROUP_SIZE 40960, "
    "PARQUET_VERSION V2, DICTIONARY_SIZE_LIMIT 2000"
)
"""Files of this run alone, read many times: written and read in half of the processor time."""
_SQL: Final = MappingProxyType(
    {
        Kind.TEXT: "VARCHAR",
        Kind.INT: "BIGINT",
        Kind.BOOL: "BOOLEAN",
        Kind.TIME: "TIMESTAMP",
        Kind.DAY: "DATE",
        Kind.SHARE: "DECIMAL(18, 9)",
        Kind.LIST: "VARCHAR[]",
    }
)


class DuckdbEngine(Engine):
    """Asks the tables in this process. Times are plain UTC timestamps, so no session's zone matters."""

    dialect = "duckdb"

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Source], work: Path
    ) -> None:
        super().__init__(sources)
        self._connection, self.work = connection, work
        for name in TABLES:
            try:
                connection.execute(_view(name, sources.get(name)))
            except duckdb.Error as error:
                raise UnusableEvidence(f"{name} cannot be read: {error}", table=name) from error

    def keep(self, name: str, sql: str) -> int:
        """As a file: memory is for the rules, and a file is read by the columns that are asked."""
        path = self.work / f"{name}.parquet"
        rows = self.write(sql, path)
        self._connection.execute(f'CREATE VIEW "{name}" AS FROM read_parquet([{_quoted(path)}])')
        return rows

    def write(self, sql: str, path: Path) -> int:
        """The answer to a query as a Parquet file; returns how many rows it has."""
        try:
            copied = self._connection.execute(f"COPY ({sql}) TO {_quoted(path)} ({_AS_WRITTEN})")
            return int(copied.fetchall()[0][0])
        except duckdb.Error as error:
            raise UnusableEvidence(f"the tables cannot be asked: {error}") from error

    def batches(self, sql: str) -> Iterator[Any]:
        """The answer to a query, streamed."""
        try:
            yield from self._connection.cursor().execute(sql).to_arrow_reader(BATCH_ROWS)
        except duckdb.Error as error:
            raise UnusableEvidence(f"the tables cannot be asked: {error}") from error


@contextmanager
def open_duckdb(sources: Mapping[str, Source], work: Path) -> Iterator[Engine]:
    """An engine over these tables that keeps within MEMORY_LIMIT and spills into `work`."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT,
        "threads": 2,
        "temp_directory": str(work),
        "autoinstall_known_extensions": False,
        "preserve_insertion_order": False,
    }
    with duckdb.connect(":memory:", config=config) as connection:
        connection.execute("LOAD parquet")
        connection.execute("SET parquet_metadata_cache = true")  # every rule reads the same files
        yield DuckdbEngine(connection, sources, work)


def _view(name: str, source: Source | None) -> str:
    selected = []
    for column, kind in TABLES[name].items():
        if source is None or column not in source.columns:
            selected.append(f'NULL::{_SQL[kind]} AS "{column}"')
        elif kind is Kind.TIME:
            selected.append(f'make_timestamp(epoch_us("{column}")) AS "{column}"')
        else:
            selected.append(f'"{column}"')
    origin = f"read_parquet([{_quoted(source.path)}])" if source else "(SELECT 1) WHERE false"
    return f'CREATE VIEW "{name}" AS SELECT {", ".join(selected)} FROM {origin}'  # noqa: S608 - our own schema


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
