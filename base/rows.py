"""Sets of rows by the driver: what many acts ask and write goes to the database together, past the ORM.

For the hot path alone. A set goes to PostgreSQL as a list for each column (`unnest`), and several sets are
one statement of several parts, one round trip; SQLite takes a set row by row in one call of its driver.
Values go through the columns' own types, so what is written is what the ORM would write; what is put into a
statement's text are names of tables and columns.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import orjson
from sqlalchemy import JSON, Column, Dialect, Enum, Text
from sqlmodel import SQLModel

from base.clock import stored_moment
from base.db import ReadSession, RowSession, UtcDateTime, WriteSession

Row: TypeAlias = Sequence[Any]
Reading: TypeAlias = ReadSession | RowSession
Writing: TypeAlias = WriteSession | RowSession
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
        self.texts = [isinstance(column.type, Text | Enum) for column in self.columns]
        self._changes: dict[str, list[_Change | None]] = {}

    def changes(self, dialect: Dialect) -> list[_Change | None]:
        """How each column's values come to the driver, or from it; None where they are as they are."""
        known = self._changes.get(dialect.name)
        if known is None:
            impls = [column.type.dialect_impl(dialect) for column in self.columns]
            known = self._changes[dialect.name] = [self.change(impl, dialect) for impl in impls]
        return known

    def change(self, impl: Any, dialect: Dialect) -> _Change | None:
        if isinstance(impl, UtcDateTime) and dialect.name != _POSTGRESQL:
            return stored_moment
        made: _Change | None = impl.bind_processor(dialect)
        if made is not None and isinstance(impl, JSON):  # as the ORM writes it, by the quicker encoder
            return lambda document: made(None) if document is None else orjson.dumps(document).decode()
        return made

    def changed(self, columns: Sequence[Sequence[Any]], dialect: Dialect) -> list[Sequence[Any]]:
        """Columns of values as the driver takes them, or gives them."""
        return [
            values if change is None else _each(change, values)
            for values, change in zip(columns, self.changes(dialect), strict=True)
        ]

    def unnested(self, dialect: Dialect, first: int) -> str:
        """The rows of a set as a table `r`, out of a list for each column; parameters from `first` on."""
        lists = ", ".join(
            _SPLIT.format(at) if text else f"${at}::{column.type.compile(dialect)}[]"
            for at, (column, text) in enumerate(zip(self.columns, self.texts, strict=True), first)
        )
        return f"unnest({lists}) AS r ({', '.join(f'c{at}' for at in range(len(self.columns)))})"

    def lists(self, rows: Sequence[Row], dialect: Dialect) -> list[Any]:
        """The columns of these rows as `unnested` takes them."""
        columns = self.changed(list(zip(*rows, strict=True)), dialect)
        return [_joined(values) if text else values for text, values in zip(self.texts, columns, strict=True)]

    @abstractmethod
    def part(self, dialect: Dialect, first: int) -> str:
        """The statement for PostgreSQL."""

    @abstractmethod
    def marks(self) -> str:
        """The statement for SQLite."""


# Texts travel as one: the driver looks at every element of an array several times, and that costs more than
# to send it. A text with one of these two characters in it is refused; a command that plans it goes alone.
_BETWEEN: Final = "\x1f"
_NONE: Final = "\x1e"
_SPLIT: Final = "string_to_array(${}, E'\\x1f', E'\\x1e')"


def _joined(values: Sequence[str | None]) -> str:
    """Texts as one text. Raises ValueError where they could not be told apart again."""
    none = values.count(None)
    said = [_NONE if value is None else value for value in values] if none else values
    text = _BETWEEN.join(said)  # type: ignore[arg-type] # there is no None among them any more
    if not text or text.count(_BETWEEN) != len(values) - 1 or text.count(_NONE) != none:
        raise ValueError("a text that cannot be sent among others")
    return text


def _each(change: _Change, values: Sequence[Any]) -> Sequence[Any]:
    """Every value changed; of a column that says the same again and again (a state, a day) each once."""
    try:
        different = set(values)
    except TypeError:  # documents
        return [change(value) for value in values]
    if 2 * len(different) > len(values):
        return [change(value) for value in values]
    made = {value: change(value) for value in different}
    return [made[value] for value in values]


class Insert(_Set):
    """Rows into a table, a row being the values of `names` in that order.

    `over` names the columns of a key: a row that is there already gets the other values, if `when` holds
    for it. `once` names them too: a row that is there already stays as it is.
    """

    def __init__(
        self,
        kind: type[SQLModel],
        *names: str,
        over: Sequence[str] = (),
        when: str = "",
        once: Sequence[str] = (),
    ) -> None:
        super().__init__(kind, *names)
        self._over, self._when, self._once = over, when, once

    def part(self, dialect: Dialect, first: int) -> str:
        return f"{self._into()} SELECT * FROM {self.unnested(dialect, first)} {self._conflict()}"  # noqa: S608

    def marks(self) -> str:
        return f"{self._into()} VALUES ({', '.join('?' * len(self.columns))}) {self._conflict()}"

    def _into(self) -> str:
        return f"INSERT INTO {self.table} ({', '.join(self.names)})"

    def _conflict(self) -> str:
        if self._once:
            return f"ON CONFLICT ({', '.join(self._once)}) DO NOTHING"
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
    """New values of `names` where key and expectation still hold: a row is key, expectation, values.

    The row is found by its key. PostgreSQL is asked about the expectation in a form no index answers: with
    an index on it (a status), a plan made of a small table walked through every row of that status.
    """

    def __init__(self, kind: type[SQLModel], *names: str, key: str, expected: str) -> None:
        super().__init__(kind, key, expected, *names)
        self._set = names

    def part(self, dialect: Dialect, first: int) -> str:
        changes = ", ".join(f"{name} = r.c{at}" for at, name in enumerate(self._set, 2))
        key, expected, *_ = self.names
        return (
            f"UPDATE {self.table} AS t SET {changes} FROM {self.unnested(dialect, first)} "  # noqa: S608
            f"WHERE t.{key} = r.c0 AND t.{expected} IS NOT DISTINCT FROM r.c1"
        )

    def marks(self) -> str:
        changes = ", ".join(f"{name} = ?{at}" for at, name in enumerate(self._set, 3))
        key, expected, *_ = self.names
        return f"UPDATE {self.table} SET {changes} WHERE {key} = ?1 AND {expected} = ?2"  # noqa: S608


class Select(_Set):
    """The rows with some texts in `key` for which `when` holds, in the order of `key`; `lock` holds them."""

    def __init__(
        self, kind: type[SQLModel], *names: str, key: str, when: str = "true", lock: str = ""
    ) -> None:
        super().__init__(kind, *names)
        self._text = f"SELECT {', '.join(names)} FROM {self.table} WHERE {when} AND {key}"  # noqa: S608
        self._order = f"ORDER BY {key}"
        self._lock = f" {lock}"

    def change(self, impl: Any, dialect: Dialect) -> _Change | None:
        made: _Change | None = impl.result_processor(dialect, None)
        if made is not None and isinstance(impl, JSON):
            return lambda document: None if document is None else orjson.loads(document)
        return made

    def part(self, dialect: Dialect, first: int) -> str:
        del dialect
        return f"{self._text} = ANY(${first}::text[]) {self._order}{self._lock}"

    def marks(self) -> str:
        return f"{self._text} IN (SELECT value FROM json_each(?1)) {self._order}"  # noqa: S608


class NewIds(_Set):
    """So many new numbers for a table whose key `id` the database counts, rising."""

    def __init__(self, kind: type[SQLModel]) -> None:
        super().__init__(kind, "id")

    def change(self, impl: Any, dialect: Dialect) -> _Change | None:
        del impl, dialect
        return None

    def part(self, dialect: Dialect, first: int) -> str:
        del dialect
        counter = f"(SELECT pg_get_serial_sequence('{self.table}', 'id')::regclass)"  # looked up once
        return f"SELECT nextval({counter}) AS id FROM generate_series(1, ${first}::int)"  # noqa: S608

    def marks(self) -> str:
        counting = "SELECT 1 WHERE ?1 > 0 UNION ALL SELECT id + 1 FROM n WHERE id < ?1"
        last = f"SELECT coalesce(max(t.id), 0) FROM {self.table} AS t"  # noqa: S608
        return f"WITH RECURSIVE n (id) AS ({counting}) SELECT n.id + ({last}) FROM n"  # noqa: S608


Question: TypeAlias = Select | NewIds
Asked: TypeAlias = Mapping[Question, Sequence[str] | int]
"""Questions, each with the keys it asks for, or with how many numbers are wanted."""


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

    async def carry_out(self, s: Writing) -> None:
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
    """How many rows each set touched; of those that need not touch every one it is not asked."""
    kinds = tuple((what, each) for what, _, each in sets)
    text = _texts.get(kinds)
    if text is None:
        parts, counts, first = [], [], 1
        for at, (what, each) in enumerate(kinds):
            parts.append(f"w{at} AS ({what.part(dialect, first)}{' RETURNING 1' if each else ''})")
            counts.append(f"(SELECT count(*) FROM w{at})" if each else "0")  # noqa: S608
            first += len(what.columns)
        text = f"WITH {', '.join(parts)} SELECT {', '.join(counts)}"
        if len(_texts) < _TEXTS_KEPT:
            _texts[kinds] = text
    values: list[Sequence[Any]] = []
    for what, rows, _ in sets:
        values += what.lists(rows, dialect)
    told: Sequence[int] = await driver.fetchrow(text, *values)
    return told


_TEXTS_KEPT: Final = 100
_texts: dict[tuple[tuple[_Set, bool], ...], str] = {}


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


async def write_rows(s: Writing, what: _Set, rows: Sequence[Row], *, each: bool = False) -> None:
    """One set alone. Raises RowsMissed, and the driver's own errors."""
    plan = Plan()
    plan.add(what, rows, each=each)
    await plan.carry_out(s)


async def read_rows(s: Reading, asked: Asked) -> list[list[Row]]:
    """The rows with these keys, for each of several questions; none for a key that is not there.

    On PostgreSQL they are one statement, and lock what they lock in their order.
    """
    driver, dialect = await _driver(s)
    if dialect.name != _POSTGRESQL:
        found = [
            await _asked(
                driver, what.marks(), keys if isinstance(keys, int) else orjson.dumps(list(keys)).decode()
            )
            for what, keys in asked.items()
        ]
    else:
        kinds = tuple(asked)
        text = _questions.get(kinds)
        if text is None:
            parts = [f"q{at} AS ({what.part(dialect, at + 1)})" for at, what in enumerate(kinds)]
            lists = [f"(SELECT array_agg(q{at}) FROM q{at})" for at in range(len(kinds))]  # noqa: S608
            text = f"WITH {', '.join(parts)} SELECT {', '.join(lists)}"
            if len(_questions) < _TEXTS_KEPT:
                _questions[kinds] = text
        row = await driver.fetchrow(text, *asked.values())
        found = [list(rows or ()) for rows in row]
    return [_shown(what, rows, dialect) for what, rows in zip(asked, found, strict=True)]


_questions: dict[tuple[Question, ...], str] = {}


def _shown(what: Question, rows: list[Row], dialect: Dialect) -> list[Row]:
    if not rows or not any(what.changes(dialect)):
        return rows
    return list(zip(*what.changed(list(zip(*rows, strict=True)), dialect), strict=True))


async def ask_plainly(s: Reading, *, postgresql: str, sqlite: str, values: Sequence[Any] = ()) -> list[Row]:
    """One statement by the driver, as each database spells it; values as the driver takes and gives them."""
    driver, dialect = await _driver(s)
    if dialect.name == _POSTGRESQL:
        return list(await driver.fetch(postgresql, *values))
    return await _asked(driver, sqlite, *values)


def dialect_of(s: Reading) -> str:
    """`sqlite` or `postgresql`."""
    return s.dialect.name if isinstance(s, RowSession) else s.get_bind().dialect.name


async def _driver(s: Reading) -> tuple[Any, Dialect]:
    """The driver's own connection (asyncpg, aiosqlite), inside the session's transaction."""
    if isinstance(s, RowSession):
        return s.driver, s.dialect
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
