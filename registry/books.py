"""A stranger's workbook (XLSX) as records: looked at before it is opened, one sheet, in bounded memory.

What a scan cannot see is refused, never passed over: a second sheet, also a hidden one, and formulas.
"""

import csv
import warnings
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final

from base.errors import DomainError
from registry.errors import FileEmpty, FileNotTabular

MAX_PACKED: Final = 512 * 1024 * 1024
MAX_RATIO: Final = 200
"""How many bytes may be packed into one, above RATIO_FROM: a list packs into a tenth, a bomb is tighter."""
RATIO_FROM: Final = 4 * 1024 * 1024
MAX_PARTS: Final = 2_000
MAX_RECORD_CHARS: Final = 200 * 1024
_WHOLE: Final = 2**53


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


def stage(path: Path, target: Path) -> tuple[tuple[str, ...], int, int]:
    """Write the records of the one filled sheet, every field quoted: its header, the records, the ragged.

    Rows that are empty are no records. Raises FileNotTabular, FileEmpty.
    """
    check_package(path, FileNotTabular)
    header: tuple[str, ...] = ()
    rows = ragged = 0
    with target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for record in _records(path):
            if sum(map(len, record)) > MAX_RECORD_CHARS:
                raise FileNotTabular("a record is too long", reason="record-too-long")
            if not header:
                header = tuple(name.strip() for name in record)
                writer.writerow(header)
            elif len(record) > len(header):
                ragged += 1
            else:
                rows += 1
                writer.writerow(record + [""] * (len(header) - len(record)))
    if not header:
        raise FileEmpty("no sheet of the workbook holds anything")
    return header, rows, ragged


def _records(path: Path) -> Iterator[list[str]]:
    import openpyxl  # noqa: PLC0415 - for the child that reads this kind of file, not for the server
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    broken = (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, TypeError, SyntaxError, OSError)
    with path.open("rb") as raw, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            book = openpyxl.load_workbook(raw, read_only=True, data_only=False, keep_links=False)
            filled = 0
            for sheet in book.worksheets:
                sheet.reset_dimensions()
                before = True
                for cells in sheet.iter_rows():
                    record = _filled([_text(cell) for cell in cells])
                    if not record:
                        continue
                    filled, before = filled + before, False
                    if filled > 1:
                        raise FileNotTabular("more than one sheet is filled", reason="several-sheets")
                    yield record
            book.close()
        except broken as error:
            raise FileNotTabular(
                "the workbook cannot be read", reason="xlsx", kind=type(error).__name__
            ) from None


def _filled(record: list[str]) -> list[str]:
    while record and not record[-1]:
        record.pop()
    return record


def _text(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f":
        raise FileNotTabular("a formula is no value: save the values", reason="formula")
    if isinstance(value, datetime):
        midnight = value.time() == time()
        return value.date().isoformat() if midnight else value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < _WHOLE:
        return str(int(value))
    return str(value)
