"""The engine that runs the rules' expressions: DuckDB inside the process.

It is handed the SQL that a plan made of them, and answers rows. Times are plain UTC timestamps inside, so
no session's time zone matters. Spark, when it comes, answers this file's three questions; no rule changes.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import duckdb

from supervision.errors import UnusableEvidence
from supervision.intake import Source
from supervision.schema import AHEAD_OF_NOW, KEYS, TABLES, Kind

Row = Mapping[str, Any]
MEMORY_LIMIT: Final = "512MB"
_BATCH_ROWS: Final = 4096
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


class Engine:
    """Asks the tables. A table that is not there is empty here; the runner knows which these are."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Source]) -> None:
        self._connection = connection
        self._sources = sources
        for name in TABLES:
            connection.execute(_view(name, sources.get(name)))

    def rows(self, sql: str) -> Iterator[Row]:
        """The rows of a query, a batch at a time, times aware and whole numbers int."""
        try:
            for batch in self._connection.cursor().execute(sql).to_arrow_reader(_BATCH_ROWS):
                for row in batch.to_pylist():
                    yield {name: _plain(value) for name, value in row.items()}
        except duckdb.Error as error:
            raise UnusableEvidence(f"the tables cannot be asked: {error}") from error

    def latest_time(self) -> datetime | None:
        """The latest time in the tables, leaving out what lies ahead by nature (`AHEAD_OF_NOW`)."""
        asked = [
            f'SELECT MAX("{column}")::TIMESTAMP AS latest FROM "{name}"'  # noqa: S608 - names of our own schema
            for name, source in self._sources.items()
            for column, kind in source.columns.items()
            if kind in {Kind.TIME, Kind.DAY} and column not in AHEAD_OF_NOW
        ]
        times = [row["latest"] for sql in asked for row in self.rows(sql)]
        return max((at for at in times if at is not None), default=None)

    def check_keys(self) -> None:
        """Raises UnusableEvidence where an id is missing or stands twice: it would count twice."""
        for name, key in KEYS.items():
            if name not in self._sources or key not in self._sources[name].columns:
                continue
            sql = (
                f'SELECT "{key}" AS id FROM "{name}" GROUP BY "{key}"'  # noqa: S608 - names of our own schema
                f' HAVING COUNT(*) > 1 OR "{key}" IS NULL ORDER BY id NULLS FIRST LIMIT 1'
            )
            for row in self.rows(sql):
                fact = "holds a row without" if row["id"] is None else f"holds {row['id']!r} twice as"
                raise UnusableEvidence(f"{name} {fact} {key}", table=name)


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
        yield Engine(connection, sources)


def _view(name: str, source: Source | None) -> str:
    selected = []
    for column, kind in TABLES[name].items():
        if source is None or column not in source.columns:
            selected.append(f'NULL::{_SQL[kind]} AS "{column}"')
        elif kind is Kind.TIME:
            selected.append(f'make_timestamp(epoch_us("{column}")) AS "{column}"')
        else:
            selected.append(f'"{column}"')
    if source is None:
        origin = "(SELECT 1) WHERE false"
    else:
        origin = f"read_parquet(['{str(source.path).replace(chr(39), chr(39) * 2)}'])"
    return f'CREATE VIEW "{name}" AS SELECT {", ".join(selected)} FROM {origin}'  # noqa: S608 - our own schema


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value
