"""A list of any agency as one table, to be scanned: every record of every sheet, and what stands beside them.

Sheets stand one below another, each with columns of its own. The header is the first row that is nearly as
full as the fullest of the first ones: what is above it (a title, a unit, a date) is looked at aside, and so
are cells beyond the header. Nothing is left out and nothing is refused for its shape.
"""

import codecs
import csv
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Final

from registry.books import sheets_of
from registry.errors import FileEmpty, FileNotTabular
from registry.records import Format, Lines, delimiter_of, plain_bytes, records_of

MAX_RECORD_CHARS: Final = 200 * 1024
_FIRST: Final = 20
_NEARLY: Final = (3, 5)
_PIECE: Final = 1024 * 1024


def stage(path: Path, kind: Format, target: Path, aside: Path) -> tuple[tuple[str, ...], int]:
    """Write the records, every field quoted, and beside them one text a line: the header, how many records.

    Raises FileNotTabular, FileEmpty, FileEncodingBroken.
    """
    body = target.with_suffix(".body")
    with (
        body.open("w", encoding="utf-8", newline="") as out,
        aside.open("w", encoding="utf-8", newline="") as beside,
    ):
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        texts = csv.writer(beside, quoting=csv.QUOTE_ALL, lineterminator="\n")
        texts.writerow(["v"])

        def tell(text: str) -> None:
            texts.writerow([text[:MAX_RECORD_CHARS]])

        sheets = sheets_of(path, tell) if kind is Format.XLSX else iter([_records(path, kind)])
        header: list[str] = []
        rows = 0
        for sheet in sheets:
            rows += _write(sheet, header, writer.writerow, tell)
    if not header:
        raise FileEmpty("no sheet holds anything")
    with (
        body.open(encoding="utf-8", newline="") as records,
        target.open("w", encoding="utf-8", newline="") as out,
    ):
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(header)
        csv.field_size_limit(MAX_RECORD_CHARS + 1)
        for record in csv.reader(records):
            writer.writerow(record + [""] * (len(header) - len(record)))
    body.unlink()
    return tuple(header), rows


def utf8(path: Path, kind: Format, target: Path) -> None:
    """A text that is UTF-8, UTF-16 with a mark, or GB18030, as UTF-8. Raises FileNotTabular where none."""
    with plain_bytes(path, kind) as raw:
        head = raw.read(2)
    marked = head in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            with plain_bytes(path, kind) as raw, target.open("w", encoding="utf-8", newline="") as out:
                for piece in _decoded(raw, encoding):
                    out.write(piece)
        except UnicodeDecodeError:
            continue
        return
    raise FileNotTabular("the text is neither UTF-8 nor GB18030", reason="encoding")


def _decoded(raw: BinaryIO, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    while piece := raw.read(_PIECE):
        yield decoder.decode(piece)
    yield decoder.decode(b"", final=True)


def _records(path: Path, kind: Format) -> Iterator[list[str]]:
    delimiter = delimiter_of(path, kind)
    with plain_bytes(path, kind) as file:
        yield from records_of(Lines(file), delimiter)


def _write(
    sheet: Iterable[list[str]],
    header: list[str],
    write: Callable[[list[str]], object],
    tell: Callable[[str], None],
) -> int:
    """Write a sheet's records to the right of the columns that are there; its header is added to them."""
    records = (record for record in map(_filled, sheet) if record)
    first = list(islice(records, _FIRST))
    if not first:
        return 0
    place = _header_of(first)
    for above in first[:place]:
        for cell in above:
            tell(cell)
    names, left, rows = [name.strip() for name in first[place]], len(header), 0
    header += names
    for record in chain(first[place + 1 :], records):
        if sum(map(len, record)) > MAX_RECORD_CHARS:
            raise FileNotTabular("a record is too long", reason="record-too-long")
        write([""] * left + record[: len(names)])
        rows += 1
        for cell in record[len(names) :]:
            tell(cell)
    return rows


def _header_of(first: list[list[str]]) -> int:
    full = [sum(bool(cell.strip()) for cell in record) for record in first]
    many, of = _NEARLY
    return next(place for place, cells in enumerate(full) if cells * of >= max(full) * many)


def _filled(record: list[str]) -> list[str]:
    while record and not record[-1].strip():
        record.pop()
    return record
