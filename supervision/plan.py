"""The rules' expressions as queries of one engine's dialect: made once, run on any tables of that moment."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any, Final

import ibis
from ibis.expr import operations as ops

from base.garbage import uncollected
from supervision import measures
from supervision.context import Context, Row, Rule, Tables
from supervision.dialects import as_sql
from supervision.emptiness import has_no_row, without_empty
from supervision.engine import Engine
from supervision.kept import with_kept
from supervision.portable import in_one_order
from supervision.rules import ALL
from supervision.schema import TABLES, Kind

_IBIS: Final = MappingProxyType(
    {
        Kind.TEXT: "string",
        Kind.INT: "int64",
        Kind.BOOL: "boolean",
        Kind.TIME: "timestamp",
        Kind.DAY: "date",
        Kind.SHARE: "decimal(18, 9)",
        Kind.LIST: "array<string>",
    }
)


def unbound_tables() -> dict[str, Any]:
    """Every evidence table as an ibis table of no engine: what a rule's expression is written over."""
    return {
        name: ibis.table({column: _IBIS[kind] for column, kind in columns.items()}, name=name)
        for name, columns in TABLES.items()
    }


def expressions(context: Context, rules: Iterable[Rule] = ALL) -> dict[str, Any]:
    """The expression of each rule in force (by rule id) and of the two statistics."""
    tables, _ = with_kept(unbound_tables(), context)
    return {name: write() for name, write in _writers(context, rules, tables).items()}


def _writers(context: Context, rules: Iterable[Rule], tables: Tables) -> dict[str, Callable[[], Any]]:
    asked: dict[str, Callable[[], Any]] = {
        rule.rule_id: partial(rule.expression, tables, context) for rule in rules if rule.in_force(context)
    }
    asked["concentration"] = partial(measures.concentration_expression, tables, context)
    asked["prices"] = partial(measures.prices_expression, tables, context)
    return {name: partial(_in_one_order, write) for name, write in asked.items()}


def _in_one_order(write: Callable[[], Any]) -> Any:
    return in_one_order(write())


class Queries:
    """Each expression as SQL of a dialect, written when it is first asked for.

    Writing takes longer than asking small tables, and a rule whose tables are not there is never asked.
    """

    def __init__(self, writers: Mapping[str, Callable[[], Any]], dialect: str, kept: Iterable[str]) -> None:
        self._writers = writers
        self._dialect = dialect
        self._kept = frozenset(kept)
        self._expressions: dict[str, Any] = {}
        self._tables: dict[Any, frozenset[str]] = {}
        self._spared: dict[tuple[str, frozenset[str]], Any] = {}
        self._written: dict[Any, str] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._writers)

    def __getitem__(self, name: str) -> str:
        return self.written(self.expression(name))

    def written(self, expression: Any) -> str:
        """An expression as SQL."""
        asked = expression.op()
        if asked not in self._written:
            with uncollected():
                self._written[asked] = as_sql(expression, self._dialect)
        return self._written[asked]

    def expression(self, name: str) -> Any:
        """What is written: an expression of ibis."""
        if name not in self._expressions:
            with uncollected():
                self._expressions[name] = self._writers[name]()
        return self._expressions[name]

    def sparing(self, name: str, is_empty: Callable[[str], bool]) -> Any:
        """The expression without what has no row where these tables have none; None where all has none."""
        empty = frozenset(filter(is_empty, self.tables(name)))
        if (name, empty) not in self._spared:
            with uncollected():
                asked = self.expression(name).op()
                nothing = has_no_row(asked, empty.__contains__)
                left = None if nothing else without_empty(asked, empty.__contains__).to_expr()
            self._spared[name, empty] = left
        return self._spared[name, empty]

    def tables(self, name: str) -> frozenset[str]:
        """What the expression asks: tables, and what is kept."""
        return self._tables_of(self.expression(name))

    def reads(self, name: str) -> frozenset[str]:
        """What is kept that the expression asks."""
        return self.kept_for(self.expression(name))

    def kept_for(self, expression: Any) -> frozenset[str]:
        """What is kept that any expression asks."""
        return self._kept & self._tables_of(expression)

    def _tables_of(self, expression: Any) -> frozenset[str]:
        asked = expression.op()
        if asked not in self._tables:
            self._tables[asked] = frozenset(table.name for table in asked.find(ops.UnboundTable))
        return self._tables[asked]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to ask from one moment: the rules, and each expression as SQL; before them, what is `kept`."""

    context: Context
    rules: tuple[Rule, ...]
    queries: Queries
    kept: Queries

    def rows(self, engine: Engine, name: str) -> Iterator[Row]:
        """The answer to a query, for which what it asks is kept first, where it is not yet.

        What can have no row is not asked, nor kept for.
        """
        asked = self._spared(engine, self.queries, name)
        return iter(()) if asked is None else engine.rows(self.queries.written(asked))

    def ready(self, engine: Engine, names: Iterable[str]) -> None:
        """Keep what of these is not kept yet, and what they ask themselves."""
        for name in sorted(names):
            if name not in engine.kept:
                self.ready(engine, self.kept.reads(name))
                if engine.keep(name, self.kept[name]) == 0:
                    engine.empty.add(name)
                engine.kept.add(name)

    def _spared(self, engine: Engine, queries: Queries, name: str) -> Any:
        """What is left to ask when what that asks is kept, one after the other: each may spare the next."""
        while True:
            asked = queries.sparing(name, partial(self._is_empty, engine))
            missing = () if asked is None else queries.kept_for(asked) - engine.kept
            if not missing:
                return asked
            self.ready(engine, [min(missing)])

    def _is_empty(self, engine: Engine, name: str) -> bool:
        if name in TABLES or name in engine.kept:
            return name in engine.empty
        return has_no_row(self.kept.expression(name).op(), partial(self._is_empty, engine))


def make_plan(context: Context, rules: tuple[Rule, ...] = ALL, *, dialect: str = "duckdb") -> Plan:
    """The queries of the rules in force in a dialect. What is written for one plan of a moment is for all."""
    return Plan(context, rules, *_queries(context, dialect))


@lru_cache(maxsize=8)
def _queries(context: Context, dialect: str) -> tuple[Queries, Queries]:
    tables, kept = with_kept(unbound_tables(), context)
    made = {name: partial(kept.__getitem__, name) for name in kept}
    return Queries(_writers(context, ALL, tables), dialect, kept), Queries(made, dialect, kept)
