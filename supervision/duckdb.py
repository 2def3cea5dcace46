"""The engine inside the process: DuckDB, within a bound of memory, spilling what is larger to disk."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import duckdb
import pyarrow as pa

from supervision.engine import BATCH_ROWS, Engine
from supervision.errors import UnusableEvidence
from supervision.intake import Source
from supervision.schema import TABLES, Kind

_LEAST_MEMORY: Final = 512.0 * 1024**2
_UNITS: Final = MappingProxyType({"KiB": 1024.0, "MiB": 1024.0**2, "GiB": 1024.0**3, "TiB": 1024.0**4})
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
        self._path = "main"
        for name in TABLES:
            try:
                connection.execute(_view(name, sources.get(name)))
            except duckdb.Error as error:
                raise UnusableEvidence(f"{name} cannot be read: {error}", table=name) from error

    def keep(self, name: str, sql: str) -> int:
        """As a file: memory is for the rules, and a file is read by the columns that are asked."""
        path = self.work / f"{name}.parquet"
        rows = self.write(sql, path)
        self.show(name, a_file(path))
        return rows

    def open_schema(self, schema: str) -> None:
        """Make room for tables that stand in the place of others (`seeing`)."""
        self._connection.execute(f'CREATE SCHEMA "{schema}"')

    def show(self, name: str, origin: str, schema: str = "main") -> None:
        """Call a file, or a query in brackets, a table of that name."""
        self._connection.execute(f'CREATE VIEW "{schema}"."{name}" AS FROM {origin}')

    @contextmanager
    def seeing(self, schema: str) -> Iterator[None]:
        """Ask with the tables of a schema in the place of those of the same name."""
        self._path = f"{schema},main"
        self._connection.execute(f"SET search_path = '{self._path}'")
        try:
            yield
        finally:
            self._path = "main"
            self._connection.execute("SET search_path = 'main'")

    def fill(self, name: str, keys: Any) -> None:
        """Make a table of one column `h` of an array of hashes."""
        self._connection.register("keys_to_fill", pa.table({"h": keys}))
        self._connection.execute(f'CREATE OR REPLACE TABLE "{name}" AS FROM keys_to_fill')
        self._connection.unregister("keys_to_fill")

    def numbers(self, sql: str, **tables: Any) -> Any:
        """The columns of an answer, each a row of an array; Arrow tables may be asked by these names."""
        import numpy as np  # noqa: PLC0415 - loaded where a state is kept

        cursor = self._connection.cursor()
        for name, table in tables.items():
            cursor.register(name, table)
        try:
            return np.stack(list(cursor.execute(sql).fetchnumpy().values()))
        except duckdb.Error as error:
            raise UnusableEvidence(f"the tables cannot be asked: {error}") from error

    def may_repeat(self, name: str, key: str, where: str) -> bool:
        """By hashes in order: half of the time that groups take. What is missing has the hash of nothing."""
        import numpy as np  # noqa: PLC0415 - as above

        of_ids = f'SELECT hash("{key}") AS h FROM "{name}" WHERE {where} UNION ALL SELECT hash(NULL)'  # noqa: S608
        hashes = np.sort(self.numbers(of_ids)[0])
        return bool((hashes[1:] == hashes[:-1]).any())

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
            cursor = self._connection.cursor()
            cursor.execute(f"SET search_path = '{self._path}'")
            yield from cursor.execute(sql).to_arrow_reader(BATCH_ROWS)
        except duckdb.Error as error:
            raise UnusableEvidence(f"the tables cannot be asked: {error}") from error


@contextmanager
def open_duckdb(sources: Mapping[str, Source], work: Path) -> Iterator[Engine]:
    """An engine over these tables that keeps within a quarter of the memory and spills into `work`."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 2,
        "temp_directory": str(work),
        "autoinstall_known_extensions": False,
        "preserve_insertion_order": False,
    }
    with duckdb.connect(":memory:", config=config) as connection:
        connection.execute(f"SET memory_limit = '{_memory(connection)} bytes'")
        connection.execute("LOAD parquet")
        connection.execute("SET parquet_metadata_cache = true")  # every rule reads the same files
        yield DuckdbEngine(connection, sources, work)


def _memory(connection: duckdb.DuckDBPyConnection) -> int:
    """A third of what DuckDB takes by itself (four fifths of the machine or of its container), in bytes.

    Joins and groups of ten million trades that fit take two thirds of the time of those that spill.
    """
    (told,) = connection.execute("SELECT current_setting('memory_limit')").fetchall()[0]
    amount, unit = str(told).split()
    return int(max(float(amount) * _UNITS[unit] / 3, _LEAST_MEMORY))


def _view(name: str, source: Source | None) -> str:
    selected = []
    for column, kind in TABLES[name].items():
        if source is None or column not in source.columns:
            selected.append(f'NULL::{_SQL[kind]} AS "{column}"')
        elif kind is Kind.TIME:
            selected.append(f'make_timestamp(epoch_us("{column}")) AS "{column}"')
        else:
            selected.append(f'"{column}"')
    origin = a_file(source.path) if source else "(SELECT 1) WHERE false"
    return f'CREATE VIEW "{name}" AS SELECT {", ".join(selected)} FROM {origin}'  # noqa: S608 - our own schema


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def a_file(path: Path) -> str:
    """A Parquet file as a query names it."""
    return f"read_parquet([{_quoted(path)}])"
