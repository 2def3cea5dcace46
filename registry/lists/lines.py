"""The records of a stranger's CSV as agencies have it: a row that is broken is one row, and no other with it.

RFC 4180, with what Excel lets pass: quotes in the middle of a cell are part of it. A quote that is never
closed, or that would swallow rows which are whole by themselves, breaks its own row; so do bytes that are of
no encoding, a line that is too long and a character that no text has.
"""

import codecs
import csv
from collections.abc import Generator, Iterator, Sequence
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from registry.lists.errors import ListFileUnreadable
from registry.lists.headings import BROKEN

MAX_FIELD: Final = 100_000
MAX_LINE: Final = 1024 * 1024
MOST_LINES: Final = 200
"""So many lines may be one quoted cell."""
_FEW: Final = 10
_PEEKED: Final = 20
_HEAD: Final = 8_192
Row = tuple[int, list[str]]


def records_of(path: Path) -> Generator[Row, None, None]:
    """The records with their numbers, from 1; a broken one is the mark BROKEN. Raises ListFileUnreadable."""
    encoding = _encoding(path)
    csv.field_size_limit(MAX_LINE)
    with path.open("rb") as raw:
        lines = _lines(raw, encoding)
        waiting: list[str | None] = []
        waiting += islice(lines, _PEEKED)
        delimiter = _delimiter(waiting)
        width = number = 0
        while True:
            line = waiting.pop(0) if waiting else next(lines, "")
            if line == "":
                return
            number += 1
            cells = None if line is None else _cells([line], delimiter)
            if cells is None and line is not None:
                cells, waiting = _joined(line, waiting, lines, delimiter, width)
            if cells is None or any(len(cell) > MAX_FIELD for cell in cells):
                yield number, [BROKEN]
                continue
            if len(cells) > width and number <= _FEW:
                width = len(cells)
            yield number, cells


def _joined(
    line: str, waiting: list[str | None], lines: Iterator[str | None], delimiter: str, width: int
) -> tuple[list[str] | None, list[str | None]]:
    """A record of several lines, or None where its quote belongs to none; and the lines that wait."""
    ahead, some = list(waiting), [line]
    while len(some) <= MOST_LINES:
        if len(some) > len(ahead):
            further = next(lines, "")
            if further == "":
                break
            ahead.append(further)
        following = ahead[len(some) - 1]
        if following is None:
            break
        alone = _cells([following], delimiter)
        if alone is not None and len(alone) >= max(width, 2) and '"' not in following:
            break  # a row of its own: the quote would swallow it
        some.append(following)
        cells = _cells(some, delimiter)
        if cells is not None:
            return cells, ahead[len(some) - 1 :]
    return _lenient(line, delimiter, width), ahead


def _cells(lines: list[str], delimiter: str) -> list[str] | None:
    """The cells of one whole record; None where its quotes do not close, or close and go on."""
    try:
        records = list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return records[0] if len(records) == 1 else [] if not records else None


def _lenient(line: str, delimiter: str, width: int) -> list[str] | None:
    """A record of one line in which something stands after a closing quote; None where it is not whole."""
    if line.count('"') % 2:
        return None
    try:
        (cells,) = csv.reader([line], delimiter=delimiter)
    except (csv.Error, ValueError):
        return None
    return cells if len(cells) == width else None


def _delimiter(lines: Sequence[str | None]) -> str:
    """The sign between cells: the one that stands most often in the first lines."""
    return max(",\t;|", key="".join(line or "" for line in lines).count)


def _lines(raw: BinaryIO, encoding: str) -> Iterator[str | None]:
    """The lines of a text; None for one that is too long, is of no encoding or holds what no text does."""
    if encoding == "utf-16":
        with TextIOWrapper(raw, encoding, errors="replace", newline="\n") as texts:
            for text in texts:
                yield None if len(text) > MAX_LINE or "\ufffd" in text or "\x00" in text else text
        return
    first = True
    for piece in _pieces(raw):
        line = piece.removeprefix(codecs.BOM_UTF8) if first else piece
        first = False
        try:
            decoded = line.decode(encoding)
        except UnicodeDecodeError:
            yield None
            continue
        yield None if len(line) > MAX_LINE or "\x00" in decoded else decoded or "\n"


def _pieces(raw: BinaryIO) -> Iterator[bytes]:
    """The lines as bytes, a too long one cut."""
    head = raw.read(_HEAD)
    raw.seek(0)
    end = b"\r" if b"\r" in head and b"\n" not in head else b"\n"
    if end == b"\r":  # as old spreadsheets of another system end a line
        rest = b""
        while piece := raw.read(MAX_LINE):
            *whole, rest = (rest + piece).split(end)
            yield from (one + b"\n" for one in whole)
        if rest:
            yield rest
        return
    while line := raw.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            while len(more := raw.readline(MAX_LINE + 1)) > MAX_LINE and not more.endswith(end):
                pass
        yield line


def _encoding(path: Path) -> str:
    """UTF-16 by its mark; else that of UTF-8 and GB18030 in which fewer lines are broken, and only few."""
    with path.open("rb") as raw:
        if raw.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
    broken = {encoding: _broken(path, encoding) for encoding in ("utf-8", "gb18030")}
    best = min(broken, key=lambda encoding: broken[encoding][0])
    wrong, of = broken[best]
    if wrong * _FEW > of:
        raise ListFileUnreadable("the text is neither UTF-8 nor GB18030")
    return best


def _broken(path: Path, encoding: str) -> tuple[int, int]:
    wrong = of = 0
    with path.open("rb") as raw:
        for line in _pieces(raw):
            of += 1
            try:
                line.decode(encoding)
            except UnicodeDecodeError:
                wrong += 1
    return wrong, of
