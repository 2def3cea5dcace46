"""The engine for a cluster: the rules' expressions as Spark SQL, the same rows in the same order.

What is a table expression runs where the data is; what is none (components of a graph, cycles in time,
segments) is Python over its rows, in the driver. A whole installation of Spark comes with the extra `spark`;
a Java runtime does too, where the machine has none.

What could tell the two engines apart is set here and nowhere else: times are UTC, names of columns are
case-sensitive, texts compare by their bytes, and whole numbers that overflow are an error, never a wrap.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from supervision.engine import BATCH_ROWS, Engine, Opening
from supervision.errors import UnusableEvidence
from supervision.intake import Source
from supervision.schema import TABLES, Kind
from supervision.spark_session import first_line, refusals, started

_SQL: Final = MappingProxyType(
    {
        Kind.TEXT: "STRING",
        Kind.INT: "BIGINT",
        Kind.BOOL: "BOOLEAN",
        Kind.TIME: "TIMESTAMP",
        Kind.DAY: "DATE",
        Kind.SHARE: "DECIMAL(18, 9)",
        Kind.LIST: "ARRAY<STRING>",
    }
)
_GLOB: Final = str.maketrans({sign: f"\\{sign}" for sign in "\\*?[]{}"})


class SparkEngine(Engine):
    """Asks the tables through a session of Spark."""

    dialect = "pyspark"

    def __init__(self, session: Any, sources: Mapping[str, Source]) -> None:
        super().__init__(sources)
        self._session = session.newSession()  # names of tables are its own
        self._named: set[str] = set()
        self._kept: list[Any] = []

    def batches(self, sql: str) -> Iterator[Any]:
        """The answer to a query; it comes to the driver as Arrow before the first batch is read."""
        with _understood():
            answer = self._ask(sql).toArrow()
        yield from answer.to_batches(BATCH_ROWS)

    def keep(self, name: str, sql: str) -> None:
        """In the memory of the cluster, and on its disks what is more; made when it is first asked."""
        with _understood():
            kept = self._ask(sql).persist()
            self._kept.append(kept)
            kept.createOrReplaceTempView(f"`{name}`")

    def close(self) -> None:
        """Let go of what was kept; the session may go on."""
        while self._kept:
            self._kept.pop().unpersist()

    def _ask(self, sql: str) -> Any:
        for name in TABLES.keys() - self._named:
            if f"`{name}`" in sql or f'"{name}"' in sql:  # naming them all takes longer than most answers
                self._table(name).createOrReplaceTempView(f"`{name}`")
                self._named.add(name)
        return self._session.sql(sql)

    def _table(self, name: str) -> Any:
        source = self._sources.get(name)
        present = source.columns if source else {}
        selected = [
            f'{_read(column, kind) if column in present else f"CAST(NULL AS {_SQL[kind]})"} AS "{column}"'
            for column, kind in TABLES[name].items()
        ]
        if source is None or not present:
            return self._session.sql(f"SELECT {', '.join(selected)} WHERE false")
        schema = ", ".join(f'"{column}" {_SQL[kind]}' for column, kind in present.items())
        return self._session.read.schema(schema).parquet(_where(source.path)).selectExpr(*selected)


@contextmanager
def _understood() -> Iterator[None]:
    """What Spark refuses, in this project's words."""
    try:
        yield
    except refusals() as error:
        raise UnusableEvidence(f"the tables cannot be asked: {first_line(error)}") from error


def over(session: Any) -> Opening:
    """Opens engines over one session: what one kept, the next does not find."""

    @contextmanager
    def opening(sources: Mapping[str, Source], work: Path) -> Iterator[Engine]:  # noqa: ARG001 - Spark has its own
        engine = SparkEngine(session, sources)
        try:
            yield engine
        finally:
            engine.close()

    return opening


def open_spark(master: str) -> Opening:
    """Opens an engine on a master: `local[2]`, `local-cluster[2,1,1024]`, `spark://host:7077`."""

    @contextmanager
    def opening(sources: Mapping[str, Source], work: Path) -> Iterator[Engine]:
        settings = {"spark.local.dir": str(work)} if master.startswith("local") else {}
        with started(master, settings) as session, over(session)(sources, work) as engine:
            yield engine

    return opening


def _read(column: str, kind: Kind) -> str:
    """A column; of bytes that are no UTF-8 nothing is read, as DuckDB has it."""
    if kind is Kind.TEXT:
        return f'validate_utf8("{column}")'
    return f'transform("{column}", item -> validate_utf8(item))' if kind is Kind.LIST else f'"{column}"'


def _where(path: Path) -> str:
    """A file as Spark names it. It is resolved: on a cluster, a worker must find it by the same name."""
    return "file://" + str(path.resolve()).translate(_GLOB)
