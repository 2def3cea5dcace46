"""A checked question as SQL of our own: every name is ours, every value a parameter. Pure.

No expression in it can fail on any cell: what is not of its column's type is NULL, and what is added up is
clipped before. So nothing but a limit of the process can end a run, whatever the question and the data.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from market.delivery.sandbox.forms import Form, Node, written
from market.delivery.sandbox.planning import Measured, Number, Plan, centre
from market.listings.sandboxing import MAX_VALUE_CHARS, AnswerMode, AskedColumn, ColumnType, SandboxTerms

GROUP_CHARS: Final = MAX_VALUE_CHARS + 1  # longer than any value that a text is compared with
_DIGITS: Final = 18
_TYPES: Final = {ColumnType.TEXT: "VARCHAR", ColumnType.INTEGER: "BIGINT", ColumnType.DATE: "DATE"}


@dataclass(frozen=True, slots=True)
class Statement:
    """The SQL and its parameters: for each group its keys as text, then the numbers of the plan."""

    sql: str
    values: tuple[Any, ...]


def write(form: Form, plan: Plan, terms: SandboxTerms, *, path: str, least: int = 1) -> Statement:
    """The statement that measures a plan's numbers in the Parquet file at `path` (a path of our own).

    Groups of fewer than `least` rows are left out: exact numbers of too few, and groups that are found.
    """
    return _Writer(terms).statement(form, plan, path, least)


def write_crossed(
    new: tuple[Form, Plan], old: tuple[Form, Plan], terms: SandboxTerms, *, columns: Sequence[str], path: str
) -> Statement:
    """The statement that counts the rows that two questions are asked of by the groups of both.

    A row of its answer: whether the rows are asked of by the new one, by the old one, the keys of each, of
    how many rows (or units) they are, and of how many that have a value in each of `columns`.
    """
    return _Writer(terms).crossed(new, old, columns, path)


@dataclass(slots=True)
class _Writer:
    terms: SandboxTerms
    values: list[Any] = field(default_factory=list)

    def statement(self, form: Form, plan: Plan, path: str, least: int) -> Statement:
        source, limited = self._source(columns_of(form, plan), path), self._limited(form, plan)
        keys = [f"CAST({self._name(name)} AS VARCHAR)" for name in form.group_by]
        numbers = [self._number(number) for number in plan.numbers]
        groups = ", ".join(self._name(name) for name in form.group_by)
        few, grouped = "", f" GROUP BY {groups}" if groups else ""
        if groups and least > 1:  # first by digests alone, so that only large groups are held by their names
            heavy = f"SELECT hash({groups}) FROM kept GROUP BY ALL HAVING count(*) >= {least}"  # noqa: S608
            few = f" WHERE hash({groups}) IN ({heavy})"
        having = f" HAVING {self._least(least)}" if least > 1 else ""
        named = f"WITH src AS NOT MATERIALIZED ({source}), kept AS NOT MATERIALIZED ({limited})"
        sql = f"{named} SELECT {', '.join([*keys, *numbers])} FROM kept{few}{grouped}{having}"  # noqa: S608
        return Statement(sql, tuple(self.values))

    def crossed(
        self, new: tuple[Form, Plan], old: tuple[Form, Plan], columns: Sequence[str], path: str
    ) -> Statement:
        source = self._source(columns_of(*new) | columns_of(*old), path)
        flags, keys = [], []
        for side, (form, _) in (("a", new), ("b", old)):
            flags.append(f"coalesce({self._flag(form)}, false) AS {side}")
            keys += [
                f"CASE WHEN {side} THEN CAST({self._name(name)} AS VARCHAR) END" for name in form.group_by
            ]
        carried = [self._name(one.name) for one in self.terms.columns if one.name in columns]
        grouped = [self._name(name) for form, _ in (new, old) for name in form.group_by]
        unit = [] if self.terms.unit_column is None else ["u"]
        cells = ", ".join(dict.fromkeys([*carried, *grouped, *unit]))
        flagged = f"SELECT {cells}{', ' if cells else ''}{', '.join(flags)} FROM src"  # noqa: S608 - own names
        counts = [self._many(None), *(self._many(self._name(name)) for name in columns)]
        sql = f"WITH src AS NOT MATERIALIZED ({source}), flagged AS ({flagged})"
        asked = ", ".join(["a", "b", *keys, *counts])
        sql += f" SELECT {asked} FROM flagged WHERE a OR b GROUP BY ALL"  # noqa: S608 - as above
        return Statement(sql, tuple(self.values))

    def _flag(self, form: Form) -> str:
        """Whether a row is asked of."""
        before = len(self.values)
        held = self._held(form)
        if self.terms.unit_column is None:
            return f"({held})"
        self.values += self.values[before:]  # it stands there twice
        place = f"row_number() OVER (PARTITION BY u, coalesce({held}, false) ORDER BY o)"
        return f"(({held}) AND {place} <= {self.terms.unit_rows})"

    def _many(self, name: str | None) -> str:
        """How many rows, or units, but at least one where there is a row; with a value in a column."""
        filled = "" if name is None else f" FILTER (WHERE {name} IS NOT NULL)"
        if self.terms.unit_column is None:
            return f"count(*){filled}"
        return f"greatest(count(DISTINCT u){filled}, least(count(*){filled}, 1))"

    def _source(self, asked: Collection[str], path: str) -> str:
        """The cells that are asked of, and what tells a unit and the order of its rows."""
        cells = [f"{_cell(one)} AS {self._name(one.name)}" for one in self.terms.columns if one.name in asked]
        if self.terms.unit_column is not None:
            content = ", ".join(_quoted(column.name) for column in self.terms.columns)
            cells.append(f"md5_number(CAST({_quoted(self.terms.unit_column)} AS VARCHAR)) AS u")
            cells.append(f"hash({content}) AS o")
        return f"SELECT {', '.join(cells) or '1'} FROM read_parquet('{path}')"  # noqa: S608 - own names and path

    def _least(self, least: int) -> str:
        """The rows that a group has to have; of exact numbers as many units, where one may have many rows."""
        said = f"count(*) >= {least}"
        if self.terms.mode is AnswerMode.DP or self.terms.unit_column is None:
            return said
        return f"{said} AND count(DISTINCT u) >= {self.terms.min_group}"

    def _name(self, column: str) -> str:
        return f"c{[one.name for one in self.terms.columns].index(column)}"

    def _column(self, name: str) -> AskedColumn:
        found = self.terms.column(name)
        assert found is not None
        return found

    def _limited(self, form: Form, plan: Plan) -> str:
        """The rows that are asked of: in a declared group, meeting the condition, few enough of a unit."""
        held = {*form.group_by, *(number.column for number in plan.numbers)}
        cells = [self._name(one.name) for one in self.terms.columns if one.name in held]
        selected = ", ".join([*cells, *(["u"] if self.terms.unit_column is not None else [])]) or "1"
        limited = f"SELECT {selected} FROM src WHERE {self._held(form)}"  # noqa: S608 - as above
        if self.terms.unit_column is None:
            return limited
        few = f"row_number() OVER (PARTITION BY u ORDER BY o) <= {self.terms.unit_rows}"
        return f"{limited} QUALIFY {few}"

    def _held(self, form: Form) -> str:
        """What holds of every row that is asked of, but for how many a unit has."""
        wanted = [
            f"{self._name(name)} IN ({', '.join(self._value(value, column) for value in column.values)})"
            for name, column in ((name, self._column(name)) for name in form.group_by)
            if column.values
        ]
        wanted += [f"{self._name(name)} IS NOT NULL" for name in form.group_by]
        if form.where is not None:
            wanted.append(self._condition(form.where))
        return " AND ".join(wanted) or "true"

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
        if number.measured is Measured.UNITS:
            return f"count(DISTINCT u) FILTER (WHERE {name} IS NOT NULL)"
        if number.measured is Measured.DISTINCT:
            is_text = self._column(number.column).type is ColumnType.TEXT
            return f"count(DISTINCT {f'md5_number({name})' if is_text else name})"
        return f"coalesce(sum({self._clipped(number)}), 0)"

    def _clipped(self, number: Number) -> str:
        """A cell between its bounds, in units of the last decimal; NULL stays NULL."""
        column = self._column(number.column or "")
        assert column.bounds is not None
        low, high = column.bounds
        name, narrow = self._name(column.name), f"DECIMAL({_DIGITS},{column.decimals})"
        bounds = [f"CAST('{written(units, column.decimals)}' AS {_type(column)})" for units in (low, high)]
        within = f"CAST(greatest(least({name}, {bounds[1]}), {bounds[0]}) AS {narrow})"
        middle = centre(low, high) if number.measured is Measured.CENTRED else 0
        units = f"CAST({within} * {10**column.decimals} AS BIGINT) - ({middle})"
        return f"CASE WHEN {name} IS NULL THEN NULL ELSE {units} END"


def columns_of(form: Form, plan: Plan) -> frozenset[str]:
    """The columns that a question touches."""
    named = {*form.group_by, *(number.column for number in plan.numbers if number.column is not None)}
    return frozenset(named | set(compared(form.where)))


def compared(where: Node | None) -> Iterator[str]:
    """The columns of a condition, as often as they are compared."""
    if where is None:
        return
    for joint in ("and", "or"):
        for part in where.get(joint, ()):
            yield from compared(part)
    yield from compared(where.get("not"))
    if "column" in where:
        yield where["column"]


def _cell(column: AskedColumn) -> str:
    """A cell as its column's type, or NULL. A decimal beyond all that is asked is the furthest one."""
    name = _quoted(column.name)
    if column.type is ColumnType.TEXT:
        return f"left(CAST({name} AS VARCHAR), {GROUP_CHARS})"
    cell = f"TRY_CAST({name} AS {_type(column)})"
    if column.type is not ColumnType.DECIMAL:
        return cell
    furthest, number = written(10**_DIGITS - 1, column.decimals), f"TRY_CAST({name} AS DOUBLE)"
    above, below = f"{number} BETWEEN 1 AND 1.7e308", f"{number} BETWEEN -1.7e308 AND -1"
    return f"coalesce({cell}, CASE WHEN {above} THEN {furthest} WHEN {below} THEN -{furthest} END)"


def _type(column: AskedColumn) -> str:
    return _TYPES.get(column.type, f"DECIMAL({_DIGITS},{column.decimals})")


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
