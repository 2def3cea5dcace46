"""Sets of rows by the driver: what many acts ask and write goes to the database together, past the ORM.

For the hot path alone. A set goes to PostgreSQL as arrays (`unnest`), and several sets are one statement of
several parts, one round trip; SQLite takes a set row by row in one call of its driver. Values go through
the columns' own types, so what is written is what the ORM would write; what is put into a statement's text
are names of tables and columns.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import orjson
from sqlalchemy import Column, Dialect
from sqlmodel import SQLModel

from base.db import ReadSession, WriteSession

Row: TypeAlias = Sequence[Any]
_Change: TypeAlias = Callable[[Any], Any]
_DRIVER: Final = "base.rows.driver"
_POSTGRESQL: Final = "postgresql"


class RowsMissed(Exception):
    """A set did not touch every row it was to touch: somebody was faster."""


class _Set(ABC):
    """Some columns of a table, and what is done with a set of their values. Made once, for a module."""

    def __init__(self, kind: type[SQLModel], *names: str) -> None:
        table = SQLModel.metadata.tables[str(kind.__tablename__)]
        self.table = table.name
        self.columns: list[Column[Any]] = [table.c[name] for name in names]
        self.names = [column.name for column in self.columns]
        self._changes: dict[str, list[_Change | None]] = {}

    def changes(self, dialect: Dialect) -> list[_Change | None]:
        """How each column's values come to the driver, or from it; None where they are as they are."""
        known = self._changes.get(dialect.name)
        if known is None:
            impls = [column.type.dialect_impl(dialect) for column in self.columns]
            known = self._changes[dialect.name] = [self.change(impl, dialect) for impl in impls]
        return known

    def change(self, impl: Any, dialect: Dialect) -> _Change | None:
        made: _Change | None = impl.bind_processor(dialect)
        return made

    def changed(self, columns: Sequence[Sequence[Any]], dialect: Dialect) -> list[Sequence[Any]]:
        """Columns of values as the driver takes them, or gives them."""
        return [
            values if change is None else [change(value) for value in values]
            for values, change in zip(columns, self.changes(dialect), strict=True)
        ]

    def unnested(self, dialect: Dialect, first: int) -> str:
        """The rows of a set as a table `r`, out of an array for each column; parameters from `first` on."""
        kinds = [column.type.compile(dialect) for column in self.columns]
        arrays = ", ".join(f"${at}::{kind}[]" for at, kind in enumerate(kinds, first))
        return f"unnest({arrays}) AS r ({', '.join(f'c{at}' for at in range(len(kinds)))})"

    @abstractmethod
    def part(self, dialect: Dialect, first: int) -> str:
        """The statement for PostgreSQL."""

    @abstractmethod
    def marks(self) -> str:
        """The statement for SQLite."""


class Insert(_Set):
    """Rows into a table, a row being the values of `names` in that order.

    `over` names the columns of a key: a row that is there already gets the other values, if `when` holds
    for it.
    """

    def __init__(self, kind: type[SQLModel], *names: str, over: Sequence[str] = (), when: str = "") -> None:
        super().__init__(kind, *names)
        self._over, self._when = over, when

    def part(self, dialect: Dialect, first: int) -> str:
        return f"{self._into()} SELECT * FROM {self.unnested(dialect, first)} {self._conflict()}"  # noqa: S608

    def marks(self) -> str:
        return f"{self._into()} VALUES ({', '.join('?' * len(self.columns))}) {self._conflict()}"

    def _into(self) -> str:
        return f"INSERT INTO {self.table} ({', '.join(self.names)})"

    def _conflict(self) -> str:
        if not self._over:
            return ""
        changes = ", ".join(f"{name} = excluded.{name}" for name in self.names if name not in self._over)
        where = f" WHERE {self._when}" if self._when else ""
        return f"ON CONFLICT ({', '.join(self._over)}) DO UPDATE SET {changes}{where}"


class Copy(_Set):
    """Rows of a table once more, under other values: a row is a key, then the values of `names`.

    The rows whose `key` has the first value, and for which `when` holds, are written again with the others in
    the place of their own; columns in `kept` keep theirs.
    """

    def __init__(
        self, kind: type[SQLModel], *names: str, key: str, kept: Sequence[str] = (), when: str = "true"
    ) -> None:
        super().__init__(kind, key, *names)
        self._into = f"INSERT INTO {self.table} ({', '.join((*names, *kept))})"
        self._kept = "".join(f", t.{name}" for name in kept)
        self._key, self._when, self._width = key, when, len(names)

    def part(self, dialect: Dialect, first: int) -> str:
        given = ", ".join(f"r.c{at}" for at in range(1, 1 + self._width))
        return (
            f"{self._into} SELECT {given}{self._kept} FROM {self.unnested(dialect, first)} "  # noqa: S608
            f"JOIN {self.table} AS t ON t.{self._key} = r.c0 WHERE {self._when}"
        )

    def marks(self) -> str:
        given = ", ".join(f"?{at}" for at in range(2, 2 + self._width))
        return (
            f"{self._into} SELECT {given}{self._kept} FROM {self.table} AS t "  # noqa: S608
            f"WHERE t.{self._key} = ?1 AND {self._when}"
        )


class Update(_Set):
    """New values of `names` where key and expectation still hold: a row is key, expectation, values."""

    def __init__(self, kind: type[SQLModel], *names: str, key: str, expected: str) -> None:
        super().__init__(kind, key, expected, *names)
        self._set = names

    def part(self, dialect: Dialect, first: int) -> str:
        changes = ", ".join(f"{name} = r.c{at}" for at, name in enumerate(self._set, 2))
        key, expected, *_ = self.names
        return (
            f"UPDATE {self.table} AS t SET {changes} FROM {self.unnested(dialect, first)} "  # noqa: S608
            f"WHERE t.{key} = r.c0 AND t.{expected} = r.c1"
        )

    def marks(self) -> str:
        changes = ", ".join(f"{name} = ?{at}" for at, name in enumerate(self._set, 3))
        key, expected, *_ = self.names
        return f"UPDATE {self.table} SET {changes} WHERE {key} = ?1 AND {expected} = ?2"  # noqa: S608


class Select(_Set):
    """The rows with some texts in `key`, in the order of `key`; `lock` claims them."""

    def __init__(self, kind: type[SQLModel], *names: str, key: str, lock: bool = False) -> None:
        super().__init__(kind, *names)
        self._text = f"SELECT {', '.join(names)} FROM {self.table} WHERE {key}"  # noqa: S608
        self._order = f"ORDER BY {key}"
        self._lock = " FOR UPDATE" if lock else ""

    def change(self, impl: Any, dialect: Dialect) -> _Change | None:
        made: _Change | None = impl.result_processor(dialect, None)
        return made

    def part(self, dialect: Dialect, first: int) -> str:
        del dialect
        return f"{self._text} = ANY(${first}::text[]) {self._order}{self._lock}"

    def marks(self) -> str:
        return f"{self._text} IN (SELECT value FROM json_each(?1)) {self._order}"  # noqa: S608


class Plan:
    """Sets that are to be written together, in the order in which they were added."""

    def __init__(self) -> None:
        self._sets: list[tuple[_Set, Sequence[Row], bool]] = []

    def add(self, what: _Set, rows: Sequence[Row], *, each: bool = False) -> None:
        """Write these rows. With `each`, every one of them has to touch a row: else RowsMissed."""
        if rows:
            self._sets.append((what, rows, each))

    def __bool__(self) -> bool:
        return bool(self._sets)

    async def carry_out(self, s: WriteSession) -> None:
        """Write everything; the plan is empty then. Raises RowsMissed, and the driver's own errors."""
        sets, self._sets = self._sets, []
        if not sets:
            return
        driver, dialect = await _driver(s)
        if dialect.name == _POSTGRESQL:
            touched = await _in_one_statement(driver, dialect, sets)
        else:
            touched = [await _one_by_one(driver, dialect, what, rows) for what, rows, _ in sets]
        for (what, rows, each), count in zip(sets, touched, strict=True):
            if each and count < len(rows):
                raise RowsMissed(f"{count} of {len(rows)} in {what.table}")


async def _in_one_statement(
    driver: Any, dialect: Dialect, sets: Sequence[tuple[_Set, Sequence[Row], bool]]
) -> Sequence[int]:
    kinds = tuple(what for what, _, _ in sets)
    text = _texts.get(kinds)
    if text is None:
        parts, first = [], 1
        for at, what in enumerate(kinds):
            parts.append(f"w{at} AS ({what.part(dialect, first)} RETURNING 1)")
            first += len(what.columns)
        counts = ", ".join(f"(SELECT count(*) FROM w{at})" for at in range(len(kinds)))  # noqa: S608
        text = f"WITH {', '.join(parts)} SELECT {counts}"
        if len(_texts) < _TEXTS_KEPT:
            _texts[kinds] = text
    values: list[Sequence[Any]] = []
    for what, rows, _ in sets:
        values += what.changed(list(zip(*rows, strict=True)), dialect)
    told: Sequence[int] = await driver.fetchrow(text, *values)
    return told


_TEXTS_KEPT: Final = 100
_texts: dict[tuple[_Set, ...], str] = {}


async def _one_by_one(driver: Any, dialect: Dialect, what: _Set, rows: Sequence[Row]) -> int:
    if any(what.changes(dialect)):
        rows = list(zip(*what.changed(list(zip(*rows, strict=True)), dialect), strict=True))
    cursor = await driver.cursor().executemany(what.marks(), list(rows))
    touched: int = cursor.rowcount
    await cursor.close()
    return touched


async def _asked(driver: Any, text: str, *values: Any) -> list[Row]:
    cursor = await driver.cursor().execute(text, values)
    return list(await cursor.fetchall())


async def write_rows(s: WriteSession, what: _Set, rows: Sequence[Row], *, each: bool = False) -> None:
    """One set alone. Raises RowsMissed, and the driver's own errors."""
    plan = Plan()
    plan.add(what, rows, each=each)
    await plan.carry_out(s)


async def read_rows(s: ReadSession, asked: Mapping[Select, Sequence[str]]) -> list[list[Row]]:
    """The rows with these keys, for each of several questions; none for a key that is not there."""
    driver, dialect = await _driver(s)
    if dialect.name != _POSTGRESQL:
        found = [
            await _asked(driver, what.marks(), orjson.dumps(keys).decode()) for what, keys in asked.items()
        ]
    else:
        parts = [f"q{at} AS ({what.part(dialect, at + 1)})" for at, what in enumerate(asked)]
        lists = ", ".join(f"(SELECT array_agg(q{at}) FROM q{at})" for at in range(len(asked)))  # noqa: S608
        row = await driver.fetchrow(f"WITH {', '.join(parts)} SELECT {lists}", *asked.values())
        found = [list(rows or ()) for rows in row]
    return [_shown(what, rows, dialect) for what, rows in zip(asked, found, strict=True)]


def _shown(what: Select, rows: list[Row], dialect: Dialect) -> list[Row]:
    if not rows or not any(what.changes(dialect)):
        return rows
    return list(zip(*what.changed(list(zip(*rows, strict=True)), dialect), strict=True))


async def new_ids(s: WriteSession, kind: type[SQLModel], count: int) -> Sequence[int]:
    """So many new numbers for a table whose key `id` the database counts, rising."""
    connection, table = await s.connection(), str(kind.__tablename__)
    if connection.dialect.name == _POSTGRESQL:  # not past the session, whose transaction may begin with this
        text = "SELECT nextval(pg_get_serial_sequence($1, 'id')) FROM generate_series(1, $2::int)"
        return sorted((await connection.exec_driver_sql(text, (table, count))).scalars())
    driver, _ = await _driver(s)
    text = f"SELECT coalesce(max(id), 0) FROM {table}"  # noqa: S608
    ((last,),) = await _asked(driver, text)
    return range(last + 1, last + 1 + count)


async def _driver(s: ReadSession) -> tuple[Any, Dialect]:
    """The driver's own connection (asyncpg, aiosqlite), inside the session's transaction."""
    known: tuple[Any, Dialect] | None = s.info.get(_DRIVER)
    if known is None:
        connection = await s.connection()
        driver: Any = (await connection.get_raw_connection()).driver_connection
        if connection.dialect.name == _POSTGRESQL and not driver.is_in_transaction():
            await connection.exec_driver_sql("SELECT 1")  # its transaction begins with the first question
        known = (driver, connection.dialect)
        if isinstance(s, WriteSession):  # one transaction, so one connection
            s.info[_DRIVER] = known
    return known
