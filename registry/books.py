"""A stranger's workbook (XLSX) as records: looked at before it is opened, every sheet, in bounded memory.

Nothing of it is passed over: hidden sheets are sheets, a formula is what it came to and what it says, a
number that is shown as a date beyond the calendar is that number, and what other parts of the package say
(comments, the memory of a pivot table, texts that no cell shows any more) is looked at beside the columns.
What cannot be looked at is refused: pictures, embedded files, macros, a formula that was never reckoned.
"""

import warnings
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

from base.errors import DomainError
from registry.errors import FileNotTabular

MAX_PACKED: Final = 512 * 1024 * 1024
MAX_RATIO: Final = 200
"""How many bytes may be packed into one, above RATIO_FROM: a list packs into a tenth, a bomb is tighter."""
RATIO_FROM: Final = 4 * 1024 * 1024
MAX_PARTS: Final = 2_000
MAX_TEXT_CHARS: Final = 32_767
"""What a cell of a workbook holds at most."""
_WHOLE: Final = 2**53
_LAST_DAY: Final = 2_958_465  # the serial of 9999-12-31
_TEXTS: Final = (".xml", ".rels", ".vml")
_HARMLESS: Final = ("xl/printerSettings/", "docProps/thumbnail.")
_FEWEST: Final = 7  # no identifier is shorter, none is without a digit


def check_package(path: Path, refuse: Callable[..., DomainError]) -> None:
    """What a package holds, before anything of it is opened. Raises what `refuse` makes."""
    try:
        with zipfile.ZipFile(path) as package:
            parts = package.infolist()
            names = {part.filename for part in parts}
            packed = sum(part.file_size for part in parts)
            tight = [
                part.filename
                for part in parts
                if part.file_size > RATIO_FROM and part.file_size > MAX_RATIO * max(1, part.compress_size)
            ]
            if len(parts) > MAX_PARTS or len(names) < len(parts) or packed > MAX_PACKED or tight:
                raise refuse("more is packed in it than a list needs", parts=len(parts))
            if "xl/workbook.xml" not in names or any(part.flag_bits & 1 for part in parts):
                raise refuse("the package is no workbook, or is locked")
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    with package.open(part) as raw:
                        if b"<!DOCTYPE" in raw.read(4_096):
                            raise refuse("a document type is not taken")
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError) as error:
        raise refuse("the package is broken", reason=type(error).__name__) from None


def sheets_of(path: Path, aside: Callable[[str], None]) -> Iterator[Iterator[list[str]]]:
    """The records of each sheet, one sheet after another; `aside` is told what stands beside the cells.

    Raises FileNotTabular.
    """
    check_package(path, FileNotTabular)
    import openpyxl  # noqa: PLC0415 - for the child that reads this kind of file, not for the server
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    broken = (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, TypeError, SyntaxError, OSError)
    with path.open("rb") as raw, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            formulas = _look_beside(path, aside)
            book = _Book(openpyxl.load_workbook(raw, read_only=True, data_only=True, keep_links=False))
            said = _Book(openpyxl.load_workbook(raw, read_only=True, keep_links=False)) if formulas else None
            for number in range(len(book.sheets)):
                yield _reckoned(book, said, number, aside) if said else book.records(number)
        except broken as error:
            raise FileNotTabular(
                "the workbook cannot be read", reason="xlsx", kind=type(error).__name__
            ) from None


class _Book:
    """An open workbook whose cells are read as they are kept, and dates only where they are some."""

    def __init__(self, book: Any) -> None:
        self.sheets = book.worksheets
        self._dates = set(book._date_formats) | set(book._timedelta_formats)  # noqa: SLF001 - no other way:
        book._date_formats, book._timedelta_formats = set(), set()  # noqa: SLF001 - a number too large is lost
        self._epoch = book.epoch

    def records(self, number: int) -> Iterator[list[str]]:
        for cells in self.cells(number):
            yield [self.text(cell) for cell in cells]

    def cells(self, number: int) -> Iterator[tuple[Any, ...]]:
        self.sheets[number].reset_dimensions()
        yield from self.sheets[number].iter_rows()

    def text(self, cell: Any) -> str:
        value = cell.value
        if value is None:
            return ""
        if isinstance(value, float | int) and not isinstance(value, bool):
            if cell._style_id in self._dates and 0 < value <= _LAST_DAY:  # noqa: SLF001 - quicker than its format
                from openpyxl.utils.datetime import from_excel  # noqa: PLC0415

                value = from_excel(value, self._epoch)
            elif isinstance(value, float) and value.is_integer() and abs(value) < _WHOLE:
                value = int(value)
        if isinstance(value, datetime):
            midnight = value.time() == time()
            return value.date().isoformat() if midnight else value.isoformat(sep=" ")
        return value.isoformat() if isinstance(value, date) else str(value)


def _reckoned(book: _Book, said: _Book, number: int, aside: Callable[[str], None]) -> Iterator[list[str]]:
    """The records of a sheet with formulas: what each came to, and aside what it says."""
    for values, formulas in zip(book.cells(number), said.cells(number), strict=True):
        for value, formula in zip(values, formulas, strict=True):
            if formula.data_type == "f":
                if value.value is None:
                    raise FileNotTabular("a formula without its value: save the values", reason="formula")
                aside(str(getattr(formula.value, "text", formula.value)))
        yield [book.text(cell) for cell in values]


def _look_beside(path: Path, aside: Callable[[str], None]) -> bool:
    """Tell `aside` every text of the package that stands in no cell; whether a cell has a formula."""
    formulas = False
    with zipfile.ZipFile(path) as package:
        for part in package.infolist():
            name = part.filename
            if part.is_dir() or name.startswith(_HARMLESS):
                continue
            if not name.endswith(_TEXTS):
                raise FileNotTabular("a part of the workbook is no text", reason="xlsx-part", part=name[:80])
            with package.open(part) as raw:
                formulas |= _texts(raw, aside, sheet=name.startswith("xl/worksheets/"))
    return formulas


def _texts(raw: Any, aside: Callable[[str], None], *, sheet: bool) -> bool:
    """The texts and attributes of a part; of a sheet those outside its cells. Whether it has a formula."""
    formulas, within, pieces = False, False, list[str]()
    for event, element in ET.iterparse(raw, events=("start", "end")):  # noqa: S314 - no document type was let in
        name = element.tag.rpartition("}")[2]
        if event == "start":
            within |= sheet and name == "sheetData"
            continue
        if within:
            formulas |= name == "f"
        elif name == "t":  # the runs of one text in different dress
            pieces.append(element.text or "")
        else:
            _tell(aside, element.text or "")
            for value in element.attrib.values():
                _tell(aside, value)
        if name in {"si", "comment", "p", "row"}:
            _tell(aside, "".join(pieces))
            pieces.clear()
            element.clear()
        within &= name != "sheetData"
    _tell(aside, "".join(pieces))
    return formulas


def _tell(aside: Callable[[str], None], text: str) -> None:
    if len(text) >= _FEWEST and any(character.isdecimal() for character in text):
        aside(text)
