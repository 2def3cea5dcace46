"""From SQL that somebody wrote to the form of a question. Runs in a child that has nothing but the text.

Everything that is not known here is refused by its name; nothing of the text goes further than names and
values do, and those are checked again (`forms.form_from`).
"""

import logging
import re
from collections.abc import Sequence
from typing import Any, Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from market.delivery.sandbox.errors import QuestionRefused
from market.delivery.sandbox.forms import MAX_TEXT_BYTES, Node, refused

TABLE: Final = "data"
MAX_NESTING: Final = 40
MAX_TOKENS: Final = 1_500
_OPENING, _CLOSING = "([{", ")]}"
_LOGGER: Final = logging.getLogger("sqlglot")
# What a SELECT may have; anything else in it is refused by the name it has in the tree.
_PARTS: Final = frozenset({"expressions", "from_", "where", "group", "order", "limit"})
_NAMES: Final = {
    "with_": "cte",
    "joins": "join",
    "laterals": "join",
    "distinct": "distinct",
    "having": "having",
    "qualify": "window",
    "windows": "window",
    "sample": "sample",
    "pivots": "pivot",
    "offset": "offset",
    "into": "into",
    "locks": "lock",
}
_COMPARED: Final[dict[type[exp.Expr], str]] = {
    exp.EQ: "=",
    exp.NEQ: "!=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_TURNED: Final = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_AGGREGATES: Final[dict[type[exp.Expr], str]] = {exp.Sum: "SUM", exp.Avg: "AVG"}
_FIRST_WORD: Final = re.compile(r"\s*([A-Za-z_]+)")


def parse(text: str) -> Node:
    """The form of a question as a document. Raises QuestionRefused."""
    _LOGGER.setLevel(logging.CRITICAL)
    if len(text.encode(errors="replace")) > MAX_TEXT_BYTES:
        raise refused("too-large", "the question is too long", limit_bytes=MAX_TEXT_BYTES)
    if any(not (character.isprintable() or character in "\t\r\n") for character in text):
        raise refused("characters", "a question has no control or invisible characters")
    try:
        tokens = sqlglot.tokenize(text, read="duckdb")
        _check_size([token.text for token in tokens])
        statements = sqlglot.parse(text, read="duckdb")
    except (SqlglotError, RecursionError, ValueError) as error:
        raise refused(
            _first_word(text) or "syntax", "this is no question", kind=type(error).__name__
        ) from None
    if len(statements) != 1:
        raise refused("statements", "one question at a time")
    return _select(statements[0], text)


def _check_size(tokens: Sequence[str]) -> None:
    depth = deepest = 0
    for token in tokens:
        depth += (token in _OPENING and token != "") - (token in _CLOSING and token != "")
        deepest = max(deepest, depth)
    if len(tokens) > MAX_TOKENS or deepest > MAX_NESTING:
        raise refused("too-large", "the question is too large", tokens=MAX_TOKENS, nesting=MAX_NESTING)


def _first_word(text: str) -> str | None:
    """The name of a statement that the reader does not know; None for one that begins as a question does."""
    found = _FIRST_WORD.match(text)
    word = found[1].lower()[:20] if found else None
    return None if word in {None, "select", "from", "with"} else word


def _select(tree: exp.Expr | None, text: str) -> Node:
    if isinstance(tree, exp.SetOperation):
        raise refused("set-operation", "one SELECT at a time")
    if not isinstance(tree, exp.Select):
        unknown = "nothing" if tree is None else "syntax"
        raise refused(_first_word(text) or unknown, "nothing but SELECT is answered")
    for part, value in tree.args.items():
        if value and part not in _PARTS:
            raise refused(_NAMES.get(part, part.rstrip("_")), "a question has no such part")
    _table(tree.args.get("from_"))
    group = tree.args.get("group")
    where = tree.args.get("where")
    return {
        "select": [_output(one) for one in tree.expressions],
        "where": None if where is None else _condition(where.this),
        "group_by": [] if group is None else _grouped(group),
        "order_by": [] if tree.args.get("order") is None else _ordered(tree.args["order"]),
        "limit": None if tree.args.get("limit") is None else _limit(tree.args["limit"]),
    }


def _table(from_: exp.Expr | None) -> None:
    table = None if from_ is None else from_.this
    if isinstance(table, exp.Subquery | exp.Select):
        raise refused("subquery", "a question has no subquery")
    if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
        raise refused("table", f"the table is called {TABLE}")
    if any(value for part, value in table.args.items() if part != "this") or table.name.lower() != TABLE:
        part = next((part for part, value in table.args.items() if value and part != "this"), None)
        raise refused(_NAMES.get(part or "", "table"), f"the table is called {TABLE}, and is asked as it is")


def _output(said: exp.Expr) -> Node:
    alias = said.alias if isinstance(said, exp.Alias) else None
    inner = said.this if isinstance(said, exp.Alias) else said
    if isinstance(inner, exp.Column):
        name = _column(inner)
        return {"name": alias or name, "column": name}
    if isinstance(inner, exp.Star):
        raise refused("row-level", "no row leaves: ask for COUNT, SUM or AVG of groups")
    aggregate, column = _aggregate(inner)
    usual = "_".join(part for part in (aggregate.lower(), column) if part)
    return {"name": alias or usual, "column": column, "aggregate": aggregate}


def _aggregate(said: exp.Expr) -> tuple[str, str | None]:
    if isinstance(said, exp.Window | exp.WithinGroup | exp.Filter):
        raise refused("window" if isinstance(said, exp.Window) else "filter", "an aggregate stands alone")
    if isinstance(said, exp.Count) and not said.expressions:
        return _count(said.this)
    if type(said) in _AGGREGATES and isinstance(said.this, exp.Column):
        return _AGGREGATES[type(said)], _column(said.this)
    if isinstance(said, exp.Func):
        raise refused("function", "no such function here", function=_name(said))
    raise _foreign(said)


def _count(of: exp.Expr | None) -> tuple[str, str | None]:
    if of is None or isinstance(of, exp.Star):
        return "COUNT", None
    if isinstance(of, exp.Distinct) and of.args.get("on") is None and len(of.expressions) == 1:
        return "COUNT_DISTINCT", _column(of.expressions[0])
    return "COUNT", _column(of)


def _column(said: exp.Expr) -> str:
    """The name of a column. Raises QuestionRefused for anything else."""
    if not isinstance(said, exp.Column) or not isinstance(said.this, exp.Identifier):
        raise _foreign(said)
    if any(value for part, value in said.args.items() if part != "this"):
        raise refused("column", "a column is named alone, without its table")
    return said.name


def _grouped(group: exp.Expr) -> list[str]:
    if any(value for part, value in group.args.items() if part != "expressions"):
        raise refused("grouping", "GROUP BY names columns")
    return [_column(one) for one in group.expressions]


def _ordered(order: exp.Expr) -> list[Node]:
    found = []
    for one in order.expressions:
        named = one.this if isinstance(one, exp.Ordered) else one
        if not isinstance(named, exp.Column):
            raise refused("order", "an answer is sorted by the names of its columns")
        found.append({"name": _column(named), "descending": bool(one.args.get("desc"))})
    return found


def _limit(limit: exp.Expr) -> int:
    said = limit.args.get("expression")
    others = [part for part, value in limit.args.items() if value and part != "expression"]
    if not isinstance(said, exp.Literal) or said.is_string or not said.name.isdecimal() or others:
        raise refused("limit", "LIMIT takes a whole number")
    return int(said.name[:9])


def _condition(said: exp.Expr) -> Node:  # noqa: PLR0911 - one kind of condition a line
    if isinstance(said, exp.Paren):
        return _condition(said.this)
    if isinstance(said, exp.And | exp.Or):
        joint = "and" if isinstance(said, exp.And) else "or"
        return {joint: [_condition(part) for part in said.flatten()]}
    if isinstance(said, exp.Not):
        return {"not": _condition(said.this)}
    if type(said) in _COMPARED:
        return _compared(said, _COMPARED[type(said)])
    if isinstance(said, exp.In):
        if any(value for part, value in said.args.items() if part not in {"this", "expressions"}):
            raise refused("subquery", "IN names its values")
        return {"column": _column(said.this), "in": [_value(one) for one in said.expressions]}
    if isinstance(said, exp.Between) and not said.args.get("symmetric"):
        bounds = [_value(said.args["low"]), _value(said.args["high"])]
        return {"column": _column(said.this), "between": bounds}
    if isinstance(said, exp.Is) and isinstance(said.expression, exp.Null):
        return {"column": _column(said.this), "is_null": True}
    raise _foreign(said)


def _compared(said: exp.Expr, operator: str) -> Node:
    left, right = said.this, said.expression
    if not isinstance(left, exp.Column) and isinstance(right, exp.Column):
        left, right, operator = right, left, _TURNED[operator]
    return {"column": _column(left), "op": operator, "value": _value(right)}


def _value(said: exp.Expr) -> Any:
    if isinstance(said, exp.Cast) and said.to.this == exp.DType.DATE:
        return _value(said.this)
    if isinstance(said, exp.Neg) and isinstance(said.this, exp.Literal) and not said.this.is_string:
        return {"number": f"-{said.this.name}"}
    if isinstance(said, exp.Literal):
        return said.name if said.is_string else {"number": said.name}
    if isinstance(said, exp.Column):
        raise refused("value", "a column is compared with values")
    raise _foreign(said)


def _foreign(said: exp.Expr) -> QuestionRefused:
    """What stands where it is not known, by its name."""
    if isinstance(said, exp.Subquery | exp.Select | exp.Exists):
        return refused("subquery", "a question has no subquery")
    if isinstance(said, exp.Window):
        return refused("window", "a question has no window")
    if isinstance(said, exp.Func):
        return refused("function", "no such function here", function=_name(said))
    return refused("expression", "no such expression here", expression=_name(said))


def _name(said: exp.Expr | None) -> str:
    if isinstance(said, exp.Anonymous):
        return str(said.this)[:40].lower()
    return "nothing" if said is None else type(said).__name__.lower()
