"""A checked question as SQL of our own: every name is ours, every value a parameter. Pure.

No expression in it can fail on any cell: what is not of its column's type is NULL, and what is added up is
clipped before. So nothing but a limit of the process can end a run, whatever the question and the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from market.delivery.sandbox.forms import Form, Node, written
from market.delivery.sandbox.planning import Measured, Number, Plan, centre
from market.listings.sandboxing import AnswerMode, AskedColumn, ColumnType, SandboxTerms

GROUP_CHARS: Final = 200
_WIDE: Final = 38
_NARROW: Final = 18
_TYPES: Final = {ColumnType.TEXT: "VARCHAR", ColumnType.INTEGER: "BIGINT", ColumnType.DATE: "DATE"}


@dataclass(frozen=True, slots=True)
class Statement:
    """The SQL and its parameters: for each group its keys as text, then the numbers of the plan."""

    sql: str
    values: tuple[Any, ...]


def write(form: Form, plan: Plan, terms: SandboxTerms, *, path: str) -> Statement:
    """The statement that measures a plan's numbers in the Parquet file at `path` (a path of our own)."""
    return _Writer(terms).statement(form, plan, path)


@dataclass(slots=True)
class _Writer:
    terms: SandboxTerms
    values: list[Any] = field(default_factory=list)

    def statement(self, form: Form, plan: Plan, path: str) -> Statement:
        terms = self.terms
        cells = [f"{_cell(column)} AS {self._name(column.name)}" for column in terms.columns]
        if terms.unit_column is not None:
            cells.append(f"CAST({_quoted(terms.unit_column)} AS VARCHAR) AS u")
        source = f"SELECT {', '.join(cells)} FROM read_parquet('{path}')"  # noqa: S608 - our own names and path
        limited = self._limited(form)
        keys = [f"CAST({self._name(name)} AS VARCHAR)" for name in form.group_by]
        numbers = [self._number(number) for number in plan.numbers]
        grouped = f" GROUP BY {', '.join(self._name(name) for name in form.group_by)}" if keys else ""
        least = self._least() if terms.mode is AnswerMode.PLAIN else ""
        sql = f"WITH src AS ({source}), kept AS ({limited}) SELECT {', '.join([*keys, *numbers])} FROM kept"  # noqa: S608
        return Statement(sql + grouped + least, tuple(self.values))

    def _least(self) -> str:
        """The rows of which an exact number is told; as many units, where a unit may have many rows."""
        units = self.terms.unit_column is not None
        least = f" HAVING count(*) >= {self.terms.min_group}"
        return f"{least} AND count(DISTINCT u) >= {self.terms.min_group}" if units else least

    def _name(self, column: str) -> str:
        return f"c{[one.name for one in self.terms.columns].index(column)}"

    def _column(self, name: str) -> AskedColumn:
        found = self.terms.column(name)
        assert found is not None
        return found

    def _limited(self, form: Form) -> str:
        """The rows that are asked of: in a declared group, meeting the condition, few enough of a unit."""
        wanted = [
            f"{self._name(name)} IN ({', '.join(self._value(value, column) for value in column.values)})"
            for name, column in ((name, self._column(name)) for name in form.group_by)
            if column.values
        ]
        wanted += [f"{self._name(name)} IS NOT NULL" for name in form.group_by]
        if form.where is not None:
            wanted.append(self._condition(form.where))
        where = f" WHERE {' AND '.join(wanted)}" if wanted else ""
        if self.terms.unit_column is None:
            return f"SELECT * FROM src{where}"  # noqa: S608 - as above
        order = ", ".join(f"c{place}" for place in range(len(self.terms.columns)))
        few = f"row_number() OVER (PARTITION BY u ORDER BY {order}) <= {self.terms.unit_rows}"
        return f"SELECT * FROM src{where} QUALIFY {few}"  # noqa: S608 - as above

    def _condition(self, node: Node) -> str:
        for joint, word in (("and", " AND "), ("or", " OR ")):
            if joint in node:
                return "(" + word.join(self._condition(part) for part in node[joint]) + ")"
        if "not" in node:
            return f"(NOT {self._condition(node['not'])})"
        column = self._column(node["column"])
        name = self._name(column.name)
        if "is_null" in node:
            return f"({name} IS NULL)"
        if "in" in node:
            return f"({name} IN ({', '.join(self._value(value, column) for value in node['in'])}))"
        if "between" in node:
            low, high = (self._value(value, column) for value in node["between"])
            return f"({name} BETWEEN {low} AND {high})"
        return f"({name} {node['op']} {self._value(node['value'], column)})"

    def _value(self, value: str, column: AskedColumn) -> str:
        self.values.append(value)
        return f"CAST(? AS {_type(column)})"

    def _number(self, number: Number) -> str:
        if number.column is None:
            return "count(*)"
        name = self._name(number.column)
        if number.measured is Measured.FILLED:
            return f"count({name})"
        if number.measured is Measured.DISTINCT:
            return f"count(DISTINCT {name})"
        return f"coalesce(sum({self._clipped(number)}), 0)"

    def _clipped(self, number: Number) -> str:
        """A cell between its bounds, in units of the last decimal; NULL stays NULL."""
        column = self._column(number.column or "")
        assert column.bounds is not None
        low, high = column.bounds
        name, narrow = self._name(column.name), f"DECIMAL({_NARROW},{column.decimals})"
        bounds = [f"CAST('{written(units, column.decimals)}' AS {_type(column)})" for units in (low, high)]
        within = f"CAST(greatest(least({name}, {bounds[1]}), {bounds[0]}) AS {narrow})"
        middle = centre(low, high) if number.measured is Measured.CENTRED else 0
        units = f"CAST({within} * {10**column.decimals} AS BIGINT) - ({middle})"
        return f"CASE WHEN {name} IS NULL THEN NULL ELSE {units} END"


def _cell(column: AskedColumn) -> str:
    if column.type is ColumnType.TEXT:
        return f"left(CAST({_quoted(column.name)} AS VARCHAR), {GROUP_CHARS})"
    return f"TRY_CAST({_quoted(column.name)} AS {_type(column)})"


def _type(column: AskedColumn) -> str:
    return _TYPES.get(column.type, f"DECIMAL({_WIDE},{column.decimals})")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def declared_groups(form: Form, terms: SandboxTerms) -> Sequence[tuple[str, ...]]:
    """Every group of declared values, in order; the single empty one where nothing is grouped."""
    groups: list[tuple[str, ...]] = [()]
    for name in form.group_by:
        column = terms.column(name)
        assert column is not None
        groups = [(*group, value) for group in groups for value in column.values]
    return groups
