"""What runs the rules' expressions: an engine is handed SQL of its own dialect and answers rows.

Two are built, `supervision.duckdb` inside the process and `supervision.spark` for a cluster. The rules know
neither: the same expressions, made into either dialect by `supervision.plan`, give the same rows in the same
order. Times are UTC in both, whatever the machine's zone.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol

import pyarrow as pa

from supervision.errors import UnusableEvidence
from supervision.intake import Source
from supervision.schema import AHEAD_OF_NOW, KEYS, TABLES, Kind

Row = Mapping[str, Any]
BATCH_ROWS: Final = 4096
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Engine(ABC):
    """Asks the tables. A table that is not there is empty here; the runner knows which these are."""

    dialect: str
    """What `ibis` calls this engine's SQL."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources
        self.kept: set[str] = set()
        """Which of what many rules read is made (`supervision.plan`)."""
        self.empty = {name for name in TABLES if name not in sources or sources[name].is_empty}
        """The tables without a row, and what was kept without one."""

    @abstractmethod
    def batches(self, sql: str) -> Iterator[Any]:
        """The answer to a query in Arrow record batches. Raises UnusableEvidence where it has none."""

    @abstractmethod
    def keep(self, name: str, sql: str) -> int | None:
        """Make the answer to a query a table of that name, until the engine is closed.

        Returns how many rows it has, or None where that is not known yet.
        """

    def rows(self, sql: str) -> Iterator[Row]:
        """The rows of a query, a batch at a time, times aware and whole numbers int."""
        for batch in self.batches(sql):
            names = batch.schema.names
            for row in zip(*map(_values, batch.columns), strict=True):
                yield dict(zip(names, row, strict=True))

    def latest_time(self) -> datetime | None:
        """The latest time in the tables, leaving out what lies ahead by nature (`AHEAD_OF_NOW`)."""
        asked: list[str] = []
        for name, source in self._sources.items():
            times = [
                f'CAST("{column}" AS TIMESTAMP)'
                for column, kind in source.columns.items()
                if kind in {Kind.TIME, Kind.DAY} and column not in AHEAD_OF_NOW
            ]
            if times:
                time = f"GREATEST({', '.join(times)})" if len(times) > 1 else times[0]
                asked.append(f'SELECT MAX({time}) AS latest FROM "{name}"')  # noqa: S608 - names of our own schema
        if not asked:
            return None
        (row,) = self.rows(f"SELECT MAX(latest) AS latest FROM ({' UNION ALL '.join(asked)}) AS times")  # noqa: S608
        latest: datetime | None = row["latest"]
        return latest

    def may_repeat(self, name: str, key: str, where: str) -> bool:  # noqa: ARG002 - for engines that can tell
        """Whether an id of these rows may be missing or stand twice: where that is told sooner than which."""
        return True

    def check_keys(self, within: Mapping[str, str] = MappingProxyType({})) -> None:
        """Raises UnusableEvidence where an id is missing or stands twice: it would count twice.

        `within` are conditions of SQL: of which rows of a table that may be.
        """
        for name, key in KEYS.items():
            if name not in self._sources or key not in self._sources[name].columns:
                continue
            where = within.get(name, "true")
            if not self.may_repeat(name, key, where):
                continue
            sql = (
                f'SELECT "{key}" AS id FROM "{name}" WHERE {where} GROUP BY "{key}"'  # noqa: S608
                f' HAVING COUNT(*) > 1 OR "{key}" IS NULL ORDER BY id NULLS FIRST LIMIT 1'
            )
            for row in self.rows(sql):
                fact = "holds a row without" if row["id"] is None else f"holds {row['id']!r} twice as"
                raise UnusableEvidence(f"{name} {fact} {key}", table=name)


class Opening(Protocol):
    """How an engine is started over tables and, at the end, closed. What it must keep goes into `work`."""

    def __call__(self, sources: Mapping[str, Source], work: Path) -> AbstractContextManager[Engine]: ...


def _values(column: Any) -> list[Any]:
    """A column's values: column by column they are made in two thirds of the time that rows take."""
    if pa.types.is_timestamp(column.type):
        since = column.cast(pa.timestamp("us")).cast(pa.int64()).to_pylist()
        return [None if one is None else _EPOCH + timedelta(microseconds=one) for one in since]
    if pa.types.is_decimal(column.type) and column.type.scale == 0:
        with suppress(pa.ArrowInvalid):  # unless one is wider than 64 bits
            column = column.cast(pa.int64())
    values: list[Any] = column.to_pylist()
    return [_whole(one) for one in values] if pa.types.is_decimal(column.type) else values


def _whole(value: Decimal | None) -> Decimal | int | None:
    return int(value) if value is not None and value == value.to_integral_value() else value
