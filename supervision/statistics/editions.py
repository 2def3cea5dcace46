"""Which figures an edition shows: the regulator's all, the public one none that tells of a single unit."""

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from fractions import Fraction
from typing import Final

from supervision.statistics.confidential import MIN_UNITS, MOST_PERCENT, Cell, Name, Sum, withheld
from supervision.statistics.facts import GROUPINGS, VOLUME_BY
from supervision.statistics.figures import Count, Figures
from supervision.statistics.layers import CLASSES, ITEMS, Line, Variant
from supervision.statistics.places import zone_of

FLOWS: Final = ("region", "zone", "industry")
CELLS: Final = "cells"
VOLUMES: Final = "volumes"
SURVEY: Final = "survey"


class Edition(StrEnum):
    """Who reads the report."""

    REGULATOR = "regulator"
    PUBLIC = "public"


def hidden(told: Figures, edition: Edition, *, year: int | None) -> frozenset[Name]:
    """The names of the cells that the edition withholds."""
    if edition is Edition.REGULATOR:
        return frozenset()
    cells, sums = linked_cells(told)
    found = withheld(cells, sums)
    volumes, of_units = linked_volumes(told, found)
    found |= withheld(volumes, of_units)
    if year is not None:
        answers, of_classes = linked_answers([line for line in told.lines if line.year == year])
        found |= withheld(answers, of_classes)
    return found


def linked_cells(told: Figures) -> tuple[dict[Name, Cell], list[Sum]]:
    """Counts and values of every table, and all sums that tie them: one system, since they share totals."""
    cells: dict[Name, Cell] = {
        (CELLS, grouping, *key): _cell(count)
        for grouping in GROUPINGS
        for key, count in told.cells[grouping].items()
    }
    whole = (CELLS, "total", "", "")
    sums = [Sum(whole, _names(told, grouping)) for grouping in GROUPINGS if grouping != "total"]
    for flow in FLOWS:
        for axis, side in enumerate(("seller", "buyer")):
            sums += [
                Sum(name, tuple(part for part in _names(told, f"flow_{flow}") if part[2 + axis] == name[2]))
                for name in _names(told, f"{side}_{flow}")
            ]
    for grouping, zones in (("seller_region", "seller_zone"), ("buyer_region", "buyer_zone")):
        sums += [
            Sum(name, tuple(part for part in _names(told, grouping) if zone_of(part[2]) == name[2]))
            for name in _names(told, zones)
        ]
    sums += [
        Sum(name, tuple(p for p in _names(told, "flow_region") if (zone_of(p[2]), zone_of(p[3])) == name[2:]))
        for name in _names(told, "flow_zone")
    ]
    return cells, sums


def _names(told: Figures, grouping: str) -> tuple[Name, ...]:
    return tuple((CELLS, grouping, *key) for key in told.cells[grouping])


def linked_volumes(told: Figures, above: frozenset[Name]) -> tuple[dict[Name, Cell], list[Sum]]:
    """Quantities by unit; one whose class is withheld already is withheld too."""
    cells: dict[Name, Cell] = {}
    sums = []
    for grouping in VOLUME_BY:
        for key, count in told.volumes[grouping].items():
            closed = (CELLS, grouping, key[1], "") in above
            cells[VOLUMES, grouping, *key] = Cell(count.value, 0, 0) if closed else _cell(count)
        if grouping != VOLUME_BY[0]:
            for unit, _ in told.volumes[VOLUME_BY[0]]:
                parts = tuple((VOLUMES, grouping, *key) for key in told.volumes[grouping] if key[0] == unit)
                sums.append(Sum((VOLUMES, VOLUME_BY[0], unit, ""), parts))
    return cells, sums


def _cell(count: Count) -> Cell:
    return Cell(count.value, min(count.sellers, count.buyers), max(count.largest_seller, count.largest_buyer))


def linked_answers(lines: Sequence[Line]) -> tuple[dict[Name, Cell], list[Sum]]:
    """Expenditure by class and by item; primary is what tells of one unit in any figure shown of it."""
    whole: Name = (SURVEY, "total", "")
    cells = {whole: _answered(lines)}
    sums = []
    for name in CLASSES:
        classes: dict[str, list[Line]] = {}
        for line in lines:
            classes.setdefault(str(getattr(line, name)), []).append(line)
        parts: dict[Name, Cell] = {
            (SURVEY, name, key): _answered(some) for key, some in sorted(classes.items())
        }
        cells |= parts
        sums.append(Sum(whole, tuple(parts)))
    items: dict[Name, Cell] = {}
    for item in ITEMS:
        of_units = _by_unit(lines, [Fraction(line.spent_minor[item]) for line in lines])
        value = int(sum(of_units.values()))
        if value:
            items[SURVEY, "item", item] = Cell(value, len(of_units), int(max(of_units.values())))
    sums.append(Sum(whole, tuple(items)))
    return cells | items, sums


def _answered(lines: Sequence[Line]) -> Cell:
    """The cell of some answers. By class an edition shows these three figures, and all go by one pattern."""
    spent = _by_unit(lines, [Fraction(line.expenditure) for line in lines])
    formed = [_by_unit(lines, [line.formation(variant) for line in lines]) for variant in Variant]
    closed = any(tells(of_units.values()) for of_units in (spent, *formed) if of_units)
    value = sum(line.expenditure for line in lines)
    return Cell(value, 0 if closed else len(spent), int(max(spent.values(), default=Fraction(0))))


def tells(of_units: Iterable[Fraction]) -> bool:
    """Whether a sum of these would tell of a single unit."""
    each = list(of_units)
    return len(each) < MIN_UNITS or 100 * max(each) > MOST_PERCENT * sum(each)


def told_in_all(lines: Sequence[Line], value: Callable[[Line], Fraction | int]) -> bool:
    """Whether the public edition tells a figure over all answers: nobody has it alone, or nearly so."""
    of_units = _by_unit(lines, [Fraction(value(line)) for line in lines])
    return not of_units or not tells(of_units.values())


def _by_unit(lines: Iterable[Line], values: Iterable[Fraction]) -> dict[str, Fraction]:
    """What each unit has of a figure; who has nothing of it does not stand behind it."""
    found: dict[str, Fraction] = {}
    for line, value in zip(lines, values, strict=True):
        if value:
            found[line.org_id] = found.get(line.org_id, Fraction(0)) + value
    return found
