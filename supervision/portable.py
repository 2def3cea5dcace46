"""Expressions that mean the same in every engine: sums, medians, and an order without ties."""

from typing import Any

import ibis
from ibis.expr import operations as ops


def wide(value: Any) -> Any:
    """A whole number for sums and products that 64 bits may not hold."""
    return value.cast("decimal(38, 0)")


def total(values: Any, where: Any = None) -> Any:
    """The exact sum of whole numbers, however large."""
    return wide(wide(values).sum(where=where))


def medians(rows: Any, by: tuple[str, ...], value: str) -> Any:
    """Of each group: the `median` of a column as the mean of the middle two, and `of`, how many there are.

    Engines interpolate in ways of their own; half of a sum is the same everywhere.
    """
    placed = rows.filter(rows[value].notnull())
    placed = placed.mutate(
        nth=2 * ibis.row_number().over(group_by=by, order_by=placed[value].asc()),
        of=placed.count().over(group_by=by),
    )
    middle = placed.filter(placed.nth >= placed.of - 2, placed.nth <= placed.of)
    near = (middle.nth == middle.of - 2) | (middle.nth == middle.of - 1)
    far = (middle.nth == middle.of - 1) | (middle.nth == middle.of)
    exact = middle[value].cast("float64")
    halves = middle.group_by(*by, "of").agg(near=exact.max(where=near), far=exact.max(where=far))
    return halves.mutate(median=(halves.near + halves.far) / 2).drop("near", "far")


def in_one_order(expression: Any) -> Any:
    """An ordered expression made to give its rows in one order: what its keys leave open, all columns say."""
    sort = expression.op()
    said = {key.arg.name for key in sort.keys if isinstance(key.arg, ops.Field)}
    rest = (
        ops.SortKey(ops.Field(sort.parent, name), ascending=True, nulls_first=False)
        for name in sort.schema.names
        if name not in said
    )
    return ops.Sort(sort.parent, (*sort.keys, *rest)).to_expr()


def of_one_name(expression: Any, name: str) -> Any:
    """What `in_one_order` made, where its rows lie in a table of that name: in the same order."""
    sort = expression.op()
    table = ibis.table(sort.schema, name=name).op()
    keys = [
        ops.SortKey(ops.Field(table, key.arg.name), ascending=key.ascending, nulls_first=key.nulls_first)
        for key in sort.keys
    ]
    return ops.Sort(table, keys).to_expr()
