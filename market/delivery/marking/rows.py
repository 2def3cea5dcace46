"""Marking rows: what every kind of delivery has in common. Pure.

`marked_rows` is for whoever hands a table out row by row; `market.delivery.marking.writing` marks files.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from market.delivery.marking.code import (
    MarkKeys,
    Place,
    Places,
    Plan,
    marked_units,
    plain,
    rewritten,
    sign_of,
    units_read,
)
from market.delivery.marking.planning import beside, cell_units
from market.delivery.marking.verdict import Tally

_MOST_KEPT = 4096


class Marker:
    """Puts a copy's mark into rows, and counts the places it marked, up to a bound."""

    def __init__(self, plan: Plan, keys: MarkKeys) -> None:
        self._plan = plan
        self._places = Places(plan, keys.places)
        self._copy = keys.copy
        self._seen: set[bytes] = set()
        self.changed = 0

    @property
    def places(self) -> int:
        """How many different places carry the mark; more than so many are not counted."""
        return len(self._seen)

    def row(self, cells: Mapping[str, str | None]) -> dict[str, str]:
        """The cells of a row that change, by their columns; `cells` are trimmed texts, None for no value."""
        plan, changes = self._plan, {}
        anchors = beside(plan, [cells.get(name) for name in plan.anchors])
        for column in plan.columns:
            text = cells.get(column.name)
            units = cell_units(plan, column, text)
            place = None if units is None else self._places.place(column.name, units, anchors)
            if place is None or units is None or text is None:
                continue
            marked = marked_units(column, units, sign_of(self._copy, place))
            self._count(place)
            if marked != units:
                changes[column.name] = rewritten(text, marked, column.scale)
                self.changed += 1
        return changes

    def _count(self, place: Place) -> None:
        if len(self._seen) < _MOST_KEPT:
            self._seen.add(place.token)


def marked_rows(
    header: Sequence[str], rows: Iterable[Sequence[str | None]], plan: Plan, keys: MarkKeys
) -> Iterator[list[str | None]]:
    """The rows of a table of texts with a copy's mark in them; the same rows give the same marks."""
    marker, index = Marker(plan, keys), {name: at for at, name in enumerate(header)}
    names = [name for name in plan.names if name in index]
    for row in rows:
        marked = list(row)
        for name, text in marker.row({name: row[index[name]] for name in names}).items():
            marked[index[name]] = text
        yield marked


def tally(
    names: Sequence[str], rows: Iterable[Sequence[str | None]], plan: Plan, places_key: bytes, *, most: int
) -> Tally:
    """What the rows of a file show of the places of a plan; `names` are its columns, in the rows' order."""
    counted, places = Tally(most), Places(plan, places_key)
    index = {name: at for at, name in enumerate(names)}
    columns = [column for column in plan.columns if column.name in index]
    anchors = [(name, index.get(name)) for name in plan.anchors]
    for row in rows:
        near = {name: None if at is None else plain(row[at], plan.absent) for name, at in anchors}
        for column in columns:
            units = units_read(plain(row[index[column.name]], plan.absent), column.scale)
            place = None if units is None else places.place(column.name, units, near)
            if place is not None and units is not None:
                counted.add(place.token, rare=(units & 1) != place.likely)
    return counted
