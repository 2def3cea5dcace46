"""Rows of cells out of a stranger's CSV or XLSX, one after another, in bounded memory.

A CSV is UTF-8 (with or without a mark), UTF-16 with a mark, or GB18030 (`registry.lists.lines`). An
XLSX is looked at before it is opened: how much is packed in it, and no document types. A formula is no value,
and a merged cell says what its first one says.
"""

import codecs
import re
import warnings
import zipfile
from collections.abc import Callable, Generator, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from registry.books import check_package
from registry.lists.errors import ListFileUnreadable
from registry.lists.headings import FORMULA
from registry.lists.lines import Row, records_of

MAX_MERGED: Final = 200_000
_PIECE: Final = 1024 * 1024
_MERGED: Final = re.compile(rb'<(?:\w+:)?mergeCell\s+ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
_OLE: Final = b"\xd0\xcf\x11\xe0"
_ZIP: Final = b"PK\x03\x04"


def form_of(head: bytes) -> str:
    """What a file is by its first bytes: `xlsx` (a package), `xls`, `pdf`, `text` or `binary`."""
    if head.startswith(_ZIP):
        return "xlsx"
    if head.startswith(_OLE):
        return "xls"
    if head.startswith(b"%PDF"):
        return "pdf"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "text"
    return "binary" if b"\x00" in head or head.startswith((b"\x7fELF", b"MZ", b"\x1f\x8b")) else "text"


def check_kind(name: str, head: bytes) -> str:
    """What a list's file is, if its name says the same. Raises ListFileUnreadable."""
    form = form_of(head)
    suffix = name.rpartition(".")[2].lower()
    wanted = {"csv": "text", "txt": "text", "tsv": "text", "xlsx": "xlsx"}.get(suffix)
    if wanted is None or wanted != form:
        raise ListFileUnreadable(
            "the file is no CSV or XLSX, or is named as what it is not", name=suffix[:20], found=form
        )
    return form


def sheets_of(path: Path, form: str) -> Iterator[tuple[str, Generator[Row, None, None]]]:
    """The sheets of a file that one sees, each with its name and its rows; a text is one without a name.

    A row has its number as a person counts (from 1). Raises ListFileUnreadable.
    """
    if form != "xlsx":
        yield "", records_of(path)
        return
    check_package(path, ListFileUnreadable)
    import openpyxl  # noqa: PLC0415 - for a child that reads this kind of file, not for the server

    with path.open("rb") as raw, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:  # the file, not its path: the library looks at how a path ends, and ours end in nothing
            book = openpyxl.load_workbook(raw, read_only=True, data_only=False, keep_links=False)
            sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        except _broken() as error:
            raise ListFileUnreadable("the workbook cannot be read", reason=type(error).__name__) from None
        for sheet in sheets:
            yield str(sheet.title), _rows(path, sheet)
        book.close()


def _broken() -> tuple[type[Exception], ...]:
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415 - as above

    return InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, TypeError, SyntaxError, OSError


def _rows(path: Path, sheet: Any) -> Generator[Row, None, None]:
    try:
        fill = _merged(path, sheet._worksheet_path)  # noqa: SLF001 - the library does not tell it else
        sheet.reset_dimensions()
        rows = sheet.iter_rows()
    except _broken() as error:
        raise ListFileUnreadable("the workbook cannot be read", reason=type(error).__name__) from None
    number = 0
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except _broken() as error:
            raise ListFileUnreadable(
                "a row cannot be read", row=number + 1, reason=type(error).__name__
            ) from None
        number += 1
        yield number, fill(number, [_cell(cell) for cell in cells])


def _cell(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if cell.data_type in {"e", "f"}:  # what would have to be computed, or could not be
        return FORMULA
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)


def _merged(path: Path, part: str) -> Callable[[int, list[str]], list[str]]:
    """What fills the cells of a merged range: the value of its first cell."""
    ranges: list[tuple[int, int, int, int]] = []
    with zipfile.ZipFile(path) as package, package.open(part.lstrip("/")) as raw:
        rest = b""
        while piece := raw.read(_PIECE):
            rest += piece
            end = 0
            for found in _MERGED.finditer(rest):
                left, top, right, bottom = found.groups()
                ranges.append((int(top), int(bottom), _index(left), _index(right)))
                end = found.end()
            if len(ranges) > MAX_MERGED:
                raise ListFileUnreadable("more cells are merged than a list needs")
            rest = rest[max(end, len(rest) - 100) :]
    ranges.sort(reverse=True)
    live: list[tuple[int, int, int, str]] = []

    def fill(number: int, cells: list[str]) -> list[str]:
        live[:] = [one for one in live if one[0] >= number]
        while ranges and ranges[-1][0] <= number:
            _, bottom, left, right = ranges.pop()
            value = cells[left] if left < len(cells) else ""
            live.append((bottom, left, min(right, left + 200), value))
        for _, left, right, value in live:
            if value and left < len(cells) and not cells[left]:
                cells[left : right + 1] = [value] * (min(right + 1, len(cells)) - left)
        return cells

    return fill


def _index(letters: bytes) -> int:
    """A column's letters as a number from 0."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1
