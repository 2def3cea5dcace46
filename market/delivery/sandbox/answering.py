"""The answer to a checked question, made in the child: counted by DuckDB, made noisy by OpenDP.

The exact numbers live and die here. What is left out, sorted and cut is so by the noisy numbers alone, which
costs nothing more.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final, TypeAlias

import duckdb
import orjson

from market.delivery.sandbox.differencing import Cell, Key, withheld
from market.delivery.sandbox.errors import QuestionRefused
from market.delivery.sandbox.forms import Aggregate, Form, Output, form_from, grouped_by_found, written
from market.delivery.sandbox.holding import MAX_FOUND, least_rows, require_room
from market.delivery.sandbox.noise import noisy, scale_of, told_groups
from market.delivery.sandbox.planning import (
    Measured,
    Number,
    Plan,
    behind,
    bounds_of,
    centre,
    numbers_of,
    plan_of,
)
from market.delivery.sandbox.writing import Statement, declared_groups, write, write_crossed
from market.listings.sandboxing import AnswerMode, SandboxTerms, sandbox_from

MEMORY_MB: Final = 512
MAX_ROWS: Final = 10_000
_AVERAGE_PLACES: Final = 2
_MOST_ROUNDS: Final = 4
Groups: TypeAlias = dict[Key, list[int]]
Row: TypeAlias = list[str | int | None]


class Engine:
    """A database in memory that may read one descriptor and nothing else, and cannot be told otherwise."""

    def __init__(self, table: int) -> None:
        self._path = f"/proc/self/fd/{table}"
        self._database = duckdb.connect(
            config={
                "threads": "1",
                "memory_limit": f"{MEMORY_MB}MB",
                "max_temp_directory_size": "0KiB",
                "temp_directory": "",
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "allow_community_extensions": "false",
                "python_enable_replacements": "false",
            }
        )
        for setting in (
            "SET TimeZone = 'UTC'",
            f"SET allowed_paths = ['{self._path}']",
            "SET enable_external_access = false",
            "SET disabled_optimizers = 'join_order,build_side_probe_side'",  # what is small is what is held
            "SET lock_configuration = true",
            "SELECT 1, 'a', CAST(1 AS HUGEINT)",  # what comes later is loaded before the walls stand
        ):
            self._database.execute(setting).fetchall()
        told_groups({"a": 1}, unit_rows=1, share_micro=10**6, delta_pico=10**6)
        noisy([0], sensitivity=1, share_micro=10**6)

    def answer(
        self, form: Any, terms: Any, *, epsilon_micro: int, earlier: Sequence[Any] = ()
    ) -> dict[str, Any]:
        """The answer as a document: its columns, its rows, and how noisy its numbers are.

        Exact numbers are held against the `earlier` questions that the same buyer was answered exactly; how
        many groups were kept back for that is said.
        """
        allowed = sandbox_from(terms)
        checked = form_from(form, allowed)
        plan = plan_of(checked, allowed, epsilon_micro=epsilon_micro)
        rows = self._rows()
        require_room(checked, plan, allowed, rows=rows)
        if allowed.mode is AnswerMode.PLAIN:
            least = max(allowed.min_group, least_rows(rows))
            told = self._measured(write(checked, plan, allowed, path=self._path, least=least), checked)
            near = self._near_to_any((checked, plan), told.keys(), earlier, allowed, least)
            far = {key: numbers for key, numbers in told.items() if key not in near}
            return _Telling(checked, plan, allowed).document(far) | {"withheld": len(near)}
        least = least_rows(rows) if grouped_by_found(checked, allowed) else 1
        exact = self._measured(write(checked, plan, allowed, path=self._path, least=least), checked)
        return _Telling(checked, plan, allowed).document(_released(exact, checked, plan, allowed, least))

    def _near_to_any(
        self,
        new: tuple[Form, Plan],
        told: Collection[Key],
        earlier: Sequence[Any],
        terms: SandboxTerms,
        least: int,
    ) -> set[Key]:
        """The groups that are kept back: as soon as one is, all are held against every earlier one again."""
        near = set[Key]()
        for _ in range(_MOST_ROUNDS):
            before = len(near)
            for one in earlier:
                near |= self._near(new, set(told) - near, one, terms, least)
            if len(near) in {before, len(told)}:
                return near
        return set(told)

    def _near(
        self, new: tuple[Form, Plan], told: Collection[Key], earlier: Any, terms: SandboxTerms, least: int
    ) -> set[Key]:
        """The groups that are too near to what an earlier question was told of."""
        try:
            form = form_from(earlier, _wide(terms))
        except QuestionRefused:  # of other columns, which these terms do not know: it is held against nothing
            return set(told)
        if (form.where, form.group_by) == (new[0].where, new[0].group_by):
            return set()  # the same rows in the same groups
        alone = replace(form, outputs=(Output("n", None, Aggregate.COUNT),), order_by=())
        old = form, plan_of(alone, terms, epsilon_micro=0)
        groups = self._measured(write(alone, old[1], terms, path=self._path, least=least), form)
        columns = sorted(_added_up(new[0]) & _added_up(form))
        crossed = write_crossed(new, old, terms, columns=columns, path=self._path)
        counts = self._database.execute(crossed.sql, crossed.values).fetchmany(MAX_FOUND + 1)
        if len(counts) > MAX_FOUND:
            return set(told)  # more than can be compared
        mine, theirs, near = len(new[0].group_by), len(form.group_by), set[Key]()
        for place in range(1 + len(columns)):
            cells: dict[Cell, int] = {}
            for in_new, in_old, *row in counts:
                keys, many = row[: mine + theirs], int(row[mine + theirs + place])
                cell = (tuple(keys[:mine]) if in_new else None, tuple(keys[mine:]) if in_old else None)
                if many:
                    cells[cell] = many
            units = terms.unit_column is not None
            near |= withheld(set(told) - near, groups.keys(), cells, least=terms.min_group, units=units)
        return near

    def _rows(self) -> int:
        asked = f"SELECT num_rows FROM parquet_file_metadata('{self._path}')"  # noqa: S608 - a path of our own
        (rows,) = self._database.execute(asked).fetchone() or (0,)
        return int(rows)

    def _measured(self, statement: Statement, form: Form) -> Groups:
        found = self._database.execute(statement.sql, statement.values)
        keys = len(form.group_by)
        groups: Groups = {}
        while rows := found.fetchmany(MAX_ROWS):
            for row in rows:
                groups[tuple(str(key) for key in row[:keys])] = [int(number) for number in row[keys:]]
        return groups


def _released(exact: Groups, form: Form, plan: Plan, terms: SandboxTerms, least: int) -> Groups:
    """The groups that are told, their numbers with noise; what is declared is told though it be empty.

    Of found groups only those of `least` rows are here. The rows above that are counted, so that one unit
    moves a group that is here, or is not, as little as any other; the noisy count has them again.
    """
    if grouped_by_found(form, terms):
        left_out = least - 1
        counted = told_groups(
            {_joint(key): numbers[0] - left_out for key, numbers in exact.items()},
            unit_rows=terms.unit_rows,
            share_micro=plan.shares_micro[0],
            delta_pico=plan.delta_pico,
        )
        keys = sorted(tuple(orjson.loads(text)) for text in counted)
        columns = [[counted[_joint(key)] + left_out for key in keys]]
    else:
        keys, columns = list(declared_groups(form, terms)), []
    none = [0] * len(plan.numbers)
    for place in range(len(columns), len(plan.numbers)):
        columns.append(
            noisy(
                [exact.get(key, none)[place] for key in keys],
                sensitivity=plan.sensitivities[place],
                share_micro=plan.shares_micro[place],
            )
        )
    return {key: [column[place] for column in columns] for place, key in enumerate(keys)}


def _wide(terms: SandboxTerms) -> SandboxTerms:
    """The same columns, of which everything may be asked: as a former contract may have allowed it."""
    columns = (
        replace(one, filter=True, group=True, distinct=True, low=one.low or "0", high=one.high or "1")
        for one in terms.columns
    )
    return replace(terms, columns=tuple(columns))


def _added_up(form: Form) -> set[str]:
    """The columns of which a question tells a number."""
    return {output.column for output in form.outputs if output.aggregate and output.column is not None}


def _joint(key: Key) -> str:
    """A key of several columns as one text."""
    return orjson.dumps(key).decode()


@dataclass(frozen=True, slots=True)
class _Telling:
    """How what was released is told: groups that are large enough, in the order that was asked for."""

    form: Form
    plan: Plan
    terms: SandboxTerms

    def document(self, told: Groups) -> dict[str, Any]:
        """The columns of the answer and its rows; by the released numbers alone."""
        outputs = self.form.outputs
        large = [key for key in sorted(told) if told[key][0] >= self.terms.min_group]
        rows = [[self._cell(output, key, told[key]) for output in outputs] for key in large]
        names = [output.name for output in outputs]
        for name, descending in reversed(self.form.order_by):
            place = names.index(name)
            rows.sort(key=_sorted_by(place, outputs[place]), reverse=descending)
        columns = [
            {
                "name": output.name,
                "column": output.column,
                "aggregate": output.aggregate,
                "noise": self._noise(output),
            }
            for output in outputs
        ]
        return {"columns": columns, "rows": rows[: min(self.form.limit or MAX_ROWS, MAX_ROWS)]}

    def _cell(self, output: Output, key: Key, numbers: Sequence[int]) -> str | int | None:
        if output.aggregate is None:
            return key[self.form.group_by.index(output.column or "")]
        wanted = [numbers[self.plan.numbers.index(number)] for number in numbers_of(output)]
        if self.terms.mode is AnswerMode.PLAIN and output.column is not None:
            of_so_many = self.plan.numbers.index(behind(output.column, self.terms))
            if numbers[of_so_many] < self.terms.min_group:
                return None
        if output.aggregate in {Aggregate.COUNT, Aggregate.COUNT_DISTINCT}:
            return wanted[0]
        if output.aggregate is Aggregate.SUM:
            return written(wanted[0], self._decimals(output))
        return self._average(output, *wanted)

    def _average(self, output: Output, centred: int, filled: int) -> str | None:
        """The middle of the bounds and what the sum of differences adds to it; inside the bounds."""
        if filled < 1:
            return None
        decimals = self._decimals(output)
        low, high = bounds_of(Number(Measured.CENTRED, output.column), self.terms)
        mean = Decimal(centre(low, high)) + Decimal(centred) / Decimal(filled)
        within = max(Decimal(low), min(Decimal(high), mean)).scaleb(-decimals)
        step = Decimal(1).scaleb(-decimals - _AVERAGE_PLACES)
        return str(within.quantize(step, rounding=ROUND_HALF_EVEN))

    def _decimals(self, output: Output) -> int:
        column = self.terms.column(output.column or "")
        assert column is not None
        return column.decimals

    def _noise(self, output: Output) -> list[dict[str, str]]:
        """How noisy the numbers are that a column is made of: the scale of the Laplace noise of each."""
        if self.terms.mode is AnswerMode.PLAIN:
            return []
        found = []
        for number in numbers_of(output):
            at = self.plan.numbers.index(number)
            scale = Decimal(scale_of(self.plan.sensitivities[at], self.plan.shares_micro[at]))
            if number.measured in {Measured.SUM, Measured.CENTRED}:
                scale = scale.scaleb(-self._decimals(output))
            found.append({"measured": number.measured.value, "laplace_scale": f"{scale:.6g}"})
        return found


def _sorted_by(place: int, output: Output) -> Callable[[Row], Any]:
    """Numbers by size, texts as texts, what is missing first."""

    def key(row: Row) -> Any:
        cell = row[place]
        if cell is None:
            return (0, 0)
        return (1, cell if output.aggregate is None else Decimal(cell))

    return key
