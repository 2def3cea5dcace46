"""Which cells of a source can carry a mark: counted over its rows, decided the same for every copy. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from market.delivery.marking.code import MarkedColumn, Plan, plain, units_written
from registry.declared import NUMERIC, ColumnType, Declared
from registry.report import Report

MAX_SCALE: Final = 9
MOST_PLACES: Final = 20_000  # enough for a tenth of the rows and three who share theirs
LEAST_EVERY: Final = 2
LEAST_PLACES: Final = 128
MAX_ANCHORS: Final = 3
_MOST: Final = 0.99  # of a column's values have no more decimals than its last place
_ANCHORING: Final = frozenset(
    {ColumnType.TEXT.value, ColumnType.INTEGER.value, ColumnType.DATE.value, ColumnType.MONTH.value}
)
_DECIMALS: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:\.(\d+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What may be marked, before the rows are counted: columns with their declared bounds.

    `anchors` are other columns of the source, those that tell most rows apart first.
    """

    columns: tuple[str, ...]
    anchors: tuple[str, ...]
    bounds: Mapping[str, tuple[str | None, str | None]]
    missing: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """As the marking child is told."""
        return {
            "columns": list(self.columns),
            "anchors": list(self.anchors),
            "bounds": {name: list(bound) for name, bound in self.bounds.items()},
            "missing": list(self.missing),
        }


def wanted_from(document: Mapping[str, Any]) -> Wanted:
    """The reverse of `Wanted.document`."""
    return Wanted(
        tuple(document["columns"]),
        tuple(document["anchors"]),
        {name: (low, high) for name, (low, high) in document["bounds"].items()},
        tuple(document["missing"]),
    )


def wanted(report: Report, tolerant: Iterable[str]) -> Wanted:
    """What of a measured source may be marked, of the columns that its seller named.

    A column is left alone whose values are no numbers, have a pattern to keep or a rule with another column,
    or whose name stands twice.
    """
    declared = report.declared
    columns = {str(one["name"]): one for one in report.document["columns"] if one["position"] is not None}
    once = {name for name, count in Counter(report.header).items() if count == 1}
    ruled = {name for rule in declared.rules for name in (rule.left, rule.right)}
    numeric = {kind.value for kind in NUMERIC}
    marked = tuple(
        sorted(
            name
            for name in set(tolerant) & once - ruled
            if columns[name]["inferred_type"] in numeric and not _bound_otherwise(declared, name)
        )
    )
    beside = [
        one
        for name, one in columns.items()
        if name in once - set(marked) and one["inferred_type"] in _ANCHORING and one["distinct"] > 1
    ]
    beside.sort(key=lambda one: (-one["distinct"], one["position"]))
    return Wanted(
        marked,
        tuple(str(one["name"]) for one in beside[:MAX_ANCHORS]),
        {one.name: (one.min, one.max) for one in declared.columns if one.name in marked},
        tuple(declared.missing),
    )


def _bound_otherwise(declared: Declared, name: str) -> bool:
    column = declared.column(name)
    return column is not None and (column.pattern is not None or column.type not in NUMERIC)


class Scales:
    """Counts the decimals of the values of each column that may be marked."""

    def __init__(self, asked: Wanted) -> None:
        self._asked = asked
        self._absent = frozenset(asked.missing)
        self._counts: dict[str, Counter[int]] = {name: Counter() for name in asked.columns}

    def add(self, column: str, text: str | None) -> None:
        """Count one cell."""
        found = None if text is None or text in self._absent else _DECIMALS.fullmatch(text)
        if found is not None:
            self._counts[column][len(found[1] or "")] += 1

    def plan(self) -> Plan | None:
        """Where the source is marked; None where nothing of it can be."""
        columns, cells = [], 0
        for name in self._asked.columns:
            counts = self._counts[name]
            scale = _scale(counts)
            if scale is not None:
                low, high = self._asked.bounds.get(name, (None, None))
                columns.append(MarkedColumn(name, scale, _bound(low, scale, up=True), _bound(high, scale)))
                cells += sum(count for decimals, count in counts.items() if decimals <= scale)
        every = max(LEAST_EVERY, cells // MOST_PLACES)
        if cells // every < LEAST_PLACES:
            return None
        return Plan(tuple(columns), self._asked.anchors, every, self._asked.missing)


def _scale(counts: Mapping[int, int]) -> int | None:
    """The decimals that nearly all values stay within; None without a value, or with too many of them."""
    total, seen = sum(counts.values()), 0
    for decimals in sorted(counts):
        seen += counts[decimals]
        if seen >= _MOST * total:
            return decimals if decimals <= MAX_SCALE else None
    return None


def _bound(text: str | None, scale: int, *, up: bool = False) -> int | None:
    """A declared bound in units, rounded inward."""
    if text is None:
        return None
    exact = Decimal(text).scaleb(scale)
    floor = int(exact // 1)
    return floor + 1 if up and exact != floor else floor


def cell_units(plan: Plan, column: MarkedColumn, text: str | None) -> int | None:
    """A cell of the source in units; None where it is missing, or written so that it is not marked."""
    if text is None or text in plan.absent:
        return None
    return units_written(text, column.scale)


def beside(plan: Plan, values: Sequence[str | None]) -> dict[str, str | None]:
    """The anchors of a row by their names, as every writer would mean them."""
    return {name: plain(value, plan.absent) for name, value in zip(plan.anchors, values, strict=True)}
