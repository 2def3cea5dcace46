"""A question in its checked form: the only thing that is ever run. Pure.

What somebody wrote is read into this form (`parsing`, in a process of its own), checked here against the
seller's terms and written anew as SQL (`writing`). One meaning has one form: operands and values are sorted,
so that the same question asked in another way is the same question.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

from base.canonical import canonical, sha256_hex
from market.delivery.sandbox.errors import QuestionRefused
from market.listings.sandboxing import AnswerMode, AskedColumn, ColumnType, SandboxTerms, is_value, scaled

MAX_TEXT_BYTES: Final = 8_192
MAX_OUTPUTS: Final = 32
MAX_NODES: Final = 64
MAX_DEPTH: Final = 12
MAX_IN: Final = 100
MAX_LIMIT: Final = 10_000
MAX_NAME: Final = 60
Node: TypeAlias = dict[str, Any]


class Aggregate(StrEnum):
    """What is told of a group. MIN, MAX and the like tell of one row, and are not here."""

    COUNT = "COUNT"
    COUNT_DISTINCT = "COUNT_DISTINCT"
    SUM = "SUM"
    AVG = "AVG"


COMPARISONS: Final = ("=", "!=", "<", "<=", ">", ">=")


@dataclass(frozen=True, slots=True)
class Output:
    """A column of the answer: a group column, or an aggregate of a column (COUNT of none counts rows)."""

    name: str
    column: str | None
    aggregate: Aggregate | None

    def document(self) -> Node:
        said = {"aggregate": self.aggregate.value} if self.aggregate else {}
        return {"name": self.name, "column": self.column, **said}


@dataclass(frozen=True, slots=True)
class Form:
    """A question that the terms allow. `where` is a tree of dicts; order and limit are of the answer."""

    outputs: tuple[Output, ...]
    where: Node | None
    group_by: tuple[str, ...]
    order_by: tuple[tuple[str, bool], ...]  # names of outputs, and whether descending
    limit: int | None

    def document(self) -> Node:
        return {
            "select": [output.document() for output in self.outputs],
            "where": self.where,
            "group_by": list(self.group_by),
            "order_by": [{"name": name, "descending": down} for name, down in self.order_by],
            "limit": self.limit,
        }

    @property
    def sha256(self) -> str:
        """Which question it is, whoever asks. Anyone who guesses the question can make it: never public."""
        return sha256_hex(canonical(self.document()))

    def shown(self) -> Node:
        """The form without the values that are compared with: what the seller may see in any case."""
        return self.document() | {"where": _without_values(self.where)}


def refused(reason: str, detail: str, **facts: Any) -> QuestionRefused:
    """A refusal by name; `reason` is stable."""
    return QuestionRefused(detail, reason=reason, **facts)


def form_from(document: Any, terms: SandboxTerms) -> Form:
    """A form as it was read or kept, checked against the terms. Raises QuestionRefused.

    The document comes out of a process that has read a stranger's text: nothing of it is believed.
    """
    members = {"select", "where", "group_by", "order_by", "limit"}
    if not isinstance(document, dict) or document.keys() != members:
        raise refused("malformed", "no form of a question")
    group_by = _group_by(document["group_by"], terms)
    outputs = _outputs(document["select"], group_by, terms)
    where = None if document["where"] is None else _Conditions(terms).checked(document["where"])
    limit = document["limit"]
    if limit is not None and (type(limit) is not int or not 0 < limit <= MAX_LIMIT):
        raise refused("limit", f"LIMIT is 1 to {MAX_LIMIT}")
    return Form(outputs, where, group_by, _order_by(document["order_by"], outputs), limit)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 2 * MAX_NAME * MAX_NAME:
        raise refused("malformed", "no form of a question")
    return value


def _listed(value: Any, most: int) -> Sequence[Any]:
    if not isinstance(value, list):
        raise refused("malformed", "no form of a question")
    if len(value) > most:
        raise refused("too-large", "the question is too large", limit=most)
    return value


def _column(name: Any, terms: SandboxTerms, may: str) -> AskedColumn:
    """A column that may be asked so: `filter`, `group`, `distinct` or `bounds`."""
    found = terms.column(_text(name))
    if found is None:
        raise refused("column-unknown", "the terms name no such column", column=_text(name)[:MAX_NAME])
    allowed = found.bounds is not None if may == "bounds" else bool(getattr(found, may))
    if not allowed:
        raise refused(f"column-no-{_MAY[may]}", "the terms do not allow this of the column", column=name)
    return found


_MAY: Final[Mapping[str, str]] = {
    "filter": "filter",
    "group": "group",
    "distinct": "distinct",
    "bounds": "aggregate",
}


def _group_by(said: Any, terms: SandboxTerms) -> tuple[str, ...]:
    names = [_column(name, terms, "group").name for name in _listed(said, MAX_OUTPUTS)]
    return tuple(sorted(set(names)))


def _outputs(said: Any, group_by: Sequence[str], terms: SandboxTerms) -> tuple[Output, ...]:
    outputs = tuple(_output(one, group_by, terms) for one in _listed(said, MAX_OUTPUTS))
    names = [output.name for output in outputs]
    if len(set(names)) < len(names):
        raise refused("name-twice", "each column of the answer has a name of its own: use AS")
    if not any(output.aggregate for output in outputs):
        raise refused("row-level", "no row leaves: ask for COUNT, SUM or AVG of groups")
    return outputs


def _output(said: Any, group_by: Sequence[str], terms: SandboxTerms) -> Output:
    if not isinstance(said, dict) or not {"name", "column"} <= said.keys() <= {"name", "column", "aggregate"}:
        raise refused("malformed", "no form of a question")
    name, column, aggregate = _text(said["name"]), said["column"], said.get("aggregate")
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise refused("name", f"a name in the answer has 1 to {MAX_NAME} characters")
    if aggregate is None:
        if _text(column) not in group_by:
            raise refused("row-level", "a column beside aggregates is one that is grouped by", column=name)
        return Output(name, column, None)
    if aggregate not in set(Aggregate):
        raise refused("aggregate", "no such aggregate", known=sorted(Aggregate))
    kind = Aggregate(aggregate)
    if column is None:
        if kind is not Aggregate.COUNT:
            raise refused("aggregate", f"{kind.value} takes a column")
        return Output(name, None, kind)
    may = "distinct" if kind is Aggregate.COUNT_DISTINCT else "bounds"
    if kind is Aggregate.COUNT:
        found = terms.column(_text(column))
        may = "bounds" if found is not None and found.bounds is not None else "filter"
    return Output(name, _column(column, terms, may).name, kind)


def _order_by(said: Any, outputs: Sequence[Output]) -> tuple[tuple[str, bool], ...]:
    names = {output.name for output in outputs}
    found = []
    for one in _listed(said, MAX_OUTPUTS):
        if (
            not isinstance(one, dict)
            or one.keys() != {"name", "descending"}
            or type(one["descending"]) is not bool
        ):
            raise refused("malformed", "no form of a question")
        if one["name"] not in names:
            raise refused("order", "an answer is sorted by its own columns")
        found.append((str(one["name"]), one["descending"]))
    return tuple(found)


class _Conditions:
    """Reads a WHERE as a tree of few nodes, each comparing an allowed column with values of its type."""

    def __init__(self, terms: SandboxTerms) -> None:
        self._terms, self._nodes = terms, 0

    def checked(self, said: Any, depth: int = 0) -> Node:
        self._nodes += 1
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise refused("too-large", "the condition is too large", depth=MAX_DEPTH, nodes=MAX_NODES)
        if not isinstance(said, dict):
            raise refused("malformed", "no form of a question")
        if said.keys() <= {"and", "or"} and len(said) == 1:
            ((joint, parts),) = said.items()
            return self._joined(joint, _listed(parts, MAX_NODES), depth)
        if said.keys() == {"not"}:
            return {"not": self.checked(said["not"], depth + 1)}
        if said.keys() == {"column", "op", "value"}:
            return self._compared(said)
        if said.keys() == {"column", "in"}:
            return self._among(said)
        if said.keys() == {"column", "between"}:
            column = _column(said["column"], self._terms, "filter")
            low, high = _pair(said["between"])
            return {"column": column.name, "between": [_value(low, column), _value(high, column)]}
        if said.keys() == {"column", "is_null"}:
            return {"column": _column(said["column"], self._terms, "filter").name, "is_null": True}
        raise refused("malformed", "no form of a question")

    def _joined(self, joint: str, parts: Sequence[Any], depth: int) -> Node:
        """Operands of the same joint side by side, each once, in one order."""
        found: dict[bytes, Node] = {}
        for part in parts:
            one = self.checked(part, depth + 1)
            for inner in one.get(joint, [one]):
                found[canonical(inner)] = inner
        if not found:
            raise refused("malformed", "no form of a question")
        ordered = [found[key] for key in sorted(found)]
        return ordered[0] if len(ordered) == 1 else {joint: ordered}

    def _compared(self, said: Node) -> Node:
        column = _column(said["column"], self._terms, "filter")
        if said["op"] not in COMPARISONS:
            raise refused("operator", "no such comparison", known=list(COMPARISONS))
        return {"column": column.name, "op": said["op"], "value": _value(said["value"], column)}

    def _among(self, said: Node) -> Node:
        column = _column(said["column"], self._terms, "filter")
        values = {_value(value, column) for value in _listed(said["in"], MAX_IN)}
        if not values:
            raise refused("malformed", "IN names values")
        return {"column": column.name, "in": sorted(values)}


def _pair(said: Any) -> tuple[Any, Any]:
    if not isinstance(said, list) or len(said) != len(("low", "high")):
        raise refused("malformed", "no form of a question")
    return said[0], said[1]


def _value(said: Any, column: AskedColumn) -> str:
    """A value as the form has it: a text in the one way that its column's type is written.

    A number is told as {"number": "1.50"}, so that no text is taken for one.
    """
    numeric = column.type in {ColumnType.INTEGER, ColumnType.DECIMAL}
    if isinstance(said, dict) and said.keys() == {"number"}:
        text, is_number = _text(said["number"]), True
    else:
        text, is_number = _text(said), numeric and isinstance(said, str)
    if is_number is not numeric:
        raise refused("value-type", "the value is not of the column's type", column=column.name)
    if numeric:
        try:
            text = written(scaled(text, column.decimals), column.decimals)
        except ValueError:
            raise refused("value-type", "no number of the column's form", column=column.name) from None
    elif not is_value(text, column):
        raise refused("value-type", "the value is not of the column's type", column=column.name)
    return text


def written(units: int, decimals: int) -> str:
    """Units of the last decimal as a decimal text: (−150, 2) is −1.50."""
    if decimals == 0:
        return str(units)
    whole, part = divmod(abs(units), 10**decimals)
    return f"{'-' if units < 0 else ''}{whole}.{part:0{decimals}d}"


def _without_values(where: Node | None) -> Node | None:
    if where is None:
        return None
    for joint in ("and", "or"):
        if joint in where:
            return {joint: [_without_values(part) for part in where[joint]]}
    if "not" in where:
        return {"not": _without_values(where["not"])}
    return {name: value if name in {"column", "op", "is_null"} else "?" for name, value in where.items()}


def grouped_by_found(form: Form, terms: SandboxTerms) -> bool:
    """Whether the groups are told as they are found, and not as they were declared."""
    columns = [terms.column(name) for name in form.group_by]
    return terms.mode is AnswerMode.DP and any(not column.values for column in columns if column is not None)
