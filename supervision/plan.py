"""The rules' expressions as queries of one engine's dialect: made once, run on any tables of that moment."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import ibis

from supervision import measures
from supervision.context import Context, Rule
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
    tables = unbound_tables()
    asked = {rule.rule_id: rule.expression(tables, context) for rule in rules if rule.in_force(context)}
    asked["concentration"] = measures.concentration_expression(tables, context)
    asked["prices"] = measures.prices_expression(tables, context)
    return asked


@dataclass(frozen=True, slots=True)
class Plan:
    """What to ask from one moment: the rules, and each expression as SQL."""

    context: Context
    rules: tuple[Rule, ...]
    queries: Mapping[str, str]


@lru_cache(maxsize=8)
def make_plan(context: Context, rules: tuple[Rule, ...] = ALL, *, dialect: str = "duckdb") -> Plan:
    """Turn the expressions of the rules in force into SQL of a dialect.

    Remembered for a few moments: writing the queries takes longer than asking them of small tables.
    """
    queries = {
        name: str(ibis.to_sql(expression, dialect=dialect))
        for name, expression in expressions(context, rules).items()
    }
    return Plan(context, rules, queries)
