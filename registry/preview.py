"""The sample that a catalogue page may show: at most twenty rows, masked, each cell cut to length.

Pure. It gives an idea of the form and nobody's identity; formulas stay text, and what cannot be printed
is shown as a dot.
"""

from dataclasses import dataclass
from typing import Any, Final

from registry.identifiers import identifiers
from registry.report import Report
from registry.rules import HintKind, Level, rank

MAX_ROWS: Final = 20
MAX_CELL_CHARS: Final = 60
_SHOWN: Final = 3  # of an identifier: its region, network or issuer
_MASK: Final = "****"
_AROUND: Final = frozenset({HintKind.GPS_PAIR, HintKind.HEALTH, HintKind.QUASI})

Cell = str | None


@dataclass(frozen=True, slots=True)
class Preview:
    """Masked rows under their header. None is a missing cell."""

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def document(self) -> dict[str, Any]:
        """The JSON form that is stored and served."""
        return {"header": list(self.header), "rows": [list(row) for row in self.rows]}


def masked(report: Report, level: Level) -> Preview:
    """The preview of a measured file at a classification level.

    Columns with hints of personal data, and those that single people out, show a few characters of each
    cell; from general-3 on, every cell shows only its form.
    """
    personal = {hint.column for hint in report.hints if hint.kind not in _AROUND}
    personal |= {hint.column for hint in report.hints if hint.kind is HintKind.QUASI and hint.flagged}
    only_form = rank(level) >= rank(Level.GENERAL_3)
    header = report.header
    rows = tuple(
        tuple(
            mask_cell(cell, personal=name in personal, only_form=only_form)
            for name, cell in zip(header, row, strict=True)
        )
        for row in report.sample[:MAX_ROWS]
    )
    return Preview(tuple(_printable(_without_identifiers(name))[:MAX_CELL_CHARS] for name in header), rows)


def mask_cell(cell: Cell, *, personal: bool, only_form: bool) -> Cell:
    """One cell as it may be shown."""
    if cell is None:
        return None
    if only_form:
        text = form_of(cell)
    elif personal:
        text = cell[:_SHOWN] + _MASK if cell.strip() else cell
    else:
        text = _without_identifiers(cell)
    text = _printable(text)
    return text if len(text) <= MAX_CELL_CHARS else text[: MAX_CELL_CHARS - 1] + "…"


def form_of(text: str) -> str:
    """The form of a text without its content: `N14228, 张` → `X99999, 某`."""
    return "".join(_form(character) for character in text)


def _form(character: str) -> str:
    if character.isdecimal():
        return "9"
    if not character.isalpha():
        return character
    if not character.isascii():
        return "某"
    return "X" if character.isupper() else "x"


def _without_identifiers(cell: str) -> str:
    pieces, end = [], 0
    for _, start, until in sorted(identifiers(cell), key=lambda found: found[1]):
        if start >= end:
            pieces += [cell[end:start], cell[start : start + _SHOWN], _MASK]
            end = until
    return "".join(pieces) + cell[end:]


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "·" for character in text)
