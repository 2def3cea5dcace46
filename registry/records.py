"""The records of a CSV file, by one parser: RFC 4180, UTF-8, bounded lines, strict quoting.

Every refusal names the line, and the byte where that is the question.
"""

import csv
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final, cast

from registry.errors import FileEmpty, FileEncodingBroken, FileNotMeasurable, FileNotTabular

MAX_LINE_BYTES: Final = 256 * 1024
MAX_PLAIN_BYTES: Final = 4 * 1024**3
_BUFFER: Final = 1024 * 1024
_DELIMITERS: Final = ",\t;|"
_BOM: Final = b"\xef\xbb\xbf"


class Format(StrEnum):
    """What a file can be."""

    CSV = "csv"
    CSV_GZ = "csv.gz"
    PARQUET = "parquet"
    XLSX = "xlsx"


@contextmanager
def plain_bytes(path: Path, kind: Format) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked. A gzip member that is damaged or cut short is a broken encoding."""
    try:
        with path.open("rb", buffering=_BUFFER) as raw:
            if kind is Format.CSV:
                yield raw
            else:
                with gzip.open(raw) as unpacked:
                    yield cast("BinaryIO", unpacked)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise FileEncodingBroken("the compression is damaged", reason="gzip") from None


class Lines:
    """The file's lines as text, each bounded, decoded strictly, and counted."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.bytes_read = 0
        self.plain = True  # no quote, no carriage return, no mark at the start, no empty line

    def __iter__(self) -> Iterator[str]:
        number = 0
        while line := self._file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES:
                raise FileNotTabular("a line is too long", reason="line-too-long", line=number)
            if b"\0" in line:
                raise FileNotTabular("the file is binary", reason="binary", line=number)
            offset, self.bytes_read = self.bytes_read, self.bytes_read + len(line)
            if self.bytes_read > MAX_PLAIN_BYTES:
                raise FileNotMeasurable("too large when unpacked", limit=MAX_PLAIN_BYTES)
            if number == 1 and line.startswith(_BOM):
                line, offset, self.plain = line[len(_BOM) :], offset + len(_BOM), False
            if self.plain and (b'"' in line or b"\r" in line or line == b"\n"):
                self.plain = False
            try:
                yield line.decode()
            except UnicodeDecodeError as error:
                raise FileEncodingBroken(
                    "not UTF-8", reason="utf-8", offset=offset + error.start, line=number
                ) from None


def records_of(lines: Lines, delimiter: str) -> Iterator[list[str]]:
    """The records, blank lines left out. Raises FileNotTabular on wrong quoting, with the line."""
    csv.field_size_limit(MAX_LINE_BYTES)
    reader = csv.reader(iter(lines), delimiter=delimiter, strict=True)
    try:
        for record in reader:
            if record:
                yield record
    except csv.Error as error:
        raise FileNotTabular(
            "a record cannot be read", reason="quoting", line=reader.line_num, parser=str(error)
        ) from None


def delimiter_of(path: Path, kind: Format) -> str:
    """The delimiter that occurs most in the first line that is not blank, outside quotes."""
    with plain_bytes(path, kind) as file:
        for line in Lines(file):
            if line.strip():
                outside = "".join(line.split('"')[::2])
                return max(_DELIMITERS, key=outside.count)
    raise FileEmpty("the file has only blank lines")
