"""A chart: what it is called, its rows as a table, and how its marks are drawn of these very rows. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from web.charts import theme

Cell = str | int | None
Say = Callable[..., str]


class Kind(StrEnum):
    """What a column holds: whole numbers are exact here, and shown by their kind."""

    TEXT = "text"
    COUNT = "count"
    FEN = "fen"
    SHORT = "short"  # fen again, told in few characters: for a drawing alone
    SHARE = "share"  # basis points
    TENTHS = "tenths"
    LINK = "link"  # the address of a row's page: drawn, not told in the table

    @property
    def is_number(self) -> bool:
        return self not in {Kind.TEXT, Kind.LINK}


Shown = Callable[[Cell, Kind], str]
"""How a cell is told in words, in a language."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table; `name` is the field of the drawing."""

    name: str
    title: str
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture and its table. `marks` is Vega-Lite without data: `layer` or `mark` and `encoding`, sizes.

    In the drawing a row has, beside each number `x`, how it is told as `x_says` (money as `x_short`, too);
    `says` tells the whole row. Money is in yuan there, shares in per cent, tenths in ones.
    """

    name: str
    title: str
    says: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    marks: Mapping[str, Any]

    @property
    def told(self) -> tuple[Column, ...]:
        """The columns of the table."""
        return tuple(column for column in self.columns if column.kind is not Kind.LINK)

    def table(self) -> list[tuple[tuple[Cell, Column], ...]]:
        """The rows of the table, each cell with its column."""
        return [
            tuple(
                (cell, column)
                for cell, column in zip(row, self.columns, strict=True)
                if column.kind is not Kind.LINK
            )
            for row in self.rows
        ]

    def address(self, row: int) -> str | None:
        """Where a row leads, if it leads anywhere."""
        cells = zip(self.rows[row], self.columns, strict=True)
        return next((str(cell) for cell, column in cells if column.kind is Kind.LINK and cell), None)

    def spec(self, shown: Shown) -> dict[str, Any]:
        """The whole Vega-Lite specification."""
        values = [dict(self._values(row, shown)) for row in self.rows]
        return {
            "$schema": theme.SCHEMA,
            "config": theme.CONFIG,
            "background": "transparent",
            "data": {"values": values},
            **self.marks,
        }

    def _values(self, row: Sequence[Cell], shown: Shown) -> list[tuple[str, Any]]:
        found: list[tuple[str, Any]] = []
        told = []
        for cell, column in zip(row, self.columns, strict=True):
            if column.kind.is_number:
                said = "" if cell is None else shown(cell, column.kind)
                found += [
                    (column.name, drawn(cell, column.kind)),
                    (f"{column.name}_says", said),
                ]
                if column.kind is Kind.FEN:
                    found.append((f"{column.name}_short", "" if cell is None else shown(cell, Kind.SHORT)))
                if said:
                    told.append(f"{column.title} {said}")
            else:
                found.append((column.name, cell))
                if column.kind is Kind.TEXT and cell:
                    told.append(str(cell))
        return [*found, ("says", ", ".join(told))]


_PARTS: Final = {Kind.FEN: 100, Kind.SHARE: 100, Kind.TENTHS: 10}


def drawn(cell: Cell, kind: Kind) -> float | int | None:
    """A number as it is drawn; what is told is never made of this."""
    if cell is None or isinstance(cell, str):
        return None
    parts = _PARTS.get(kind)
    return cell if parts is None else cell / parts
