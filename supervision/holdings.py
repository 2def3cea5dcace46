"""Who holds how much of whom, straight and through others: what WT1 and BR4 ask of `holdings`.

A group's shares are added up. A share that is held through others is the product of the shares on the way,
and all ways are added; others of the group itself are no way, for what they hold is the group's already.
"""

from typing import Any, Final

import ibis

from supervision.brokerage import groups
from supervision.context import Context, Tables
from supervision.portable import total

HELD: Final = "held_by_groups"
"""What `held_by_groups` is kept as, where it is kept (`supervision.kept`)."""
PARTS: Final = 10**9
"""A whole, in the billionths that shares are counted in."""
THROUGH: Final = 3
"""So many others stand between at most."""


def held_by_groups(tables: Tables, context: Context) -> Any:  # noqa: ARG001 - made as all that is kept
    """`holder_group`, `held_id` and `parts`: the billionths, cut and never rounded up, that a group holds."""
    if HELD in tables:
        return tables[HELD]
    one_by_one, known = _straight(tables), groups(tables)
    of_holder = known.select(h_org="org", h_group="group")
    held = one_by_one.left_join(of_holder, [("holder_id", "h_org")])
    held = held.mutate(holder_group=ibis.coalesce(held.h_group, held.holder_id))
    step = _added(held.select("holder_group", "held_id", "parts"))
    further = one_by_one.select(between="holder_id", last_id="held_id", further="parts")
    steps = [step]
    for _ in range(THROUGH):
        way = _outside(step, known).inner_join(further, [("held_id", "between")])
        product = way.parts * way.further  # at most 10^18
        parts = ((product - product % PARTS) / PARTS).cast("int64")
        step = _added(_outside(way.select("holder_group", held_id="last_id", parts=parts), known))
        steps.append(step)
    return _added(ibis.union(*steps, distinct=False))


def _outside(held: Any, known: Any) -> Any:
    """What a group holds of others, its own members left out."""
    held = held.left_join(known.select(o_org="org", o_group="group"), [("held_id", "o_org")])
    held = held.filter(ibis.coalesce(held.o_group, held.held_id) != held.holder_group)
    return held.select("holder_group", "held_id", "parts")


def _straight(tables: Tables) -> Any:
    """What `holdings` says itself, a row for each pair; who holds itself holds nobody."""
    rows = tables["holdings"]
    rows = rows.filter(rows.share.notnull(), rows.holder_id != rows.held_id)  # the least of null and 1 is 1
    rows = rows.mutate(parts=(rows.share.cast("float64") * PARTS).round().cast("int64"))  # nine places: exact
    return _capped(rows.group_by("holder_id", "held_id").agg(parts=total(rows.parts)))


def _added(rows: Any) -> Any:
    return _capped(rows.group_by("holder_group", "held_id").agg(parts=total(rows.parts)))


def _capped(rows: Any) -> Any:
    return rows.mutate(parts=ibis.least(rows.parts, PARTS).cast("int64"))
