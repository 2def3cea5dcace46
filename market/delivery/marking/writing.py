"""The marking child: reads a source, finds what can carry a mark, and writes the marked copy beside it.

`python -m market.delivery.marking.writing SOURCE` is told the rest by a file, which is gone before the source
is opened. It runs under limits and holds a few records at a time, whatever the size of the file. A CSV keeps
every byte but those of the cells that change; Parquet keeps its schema.
"""

import argparse
import gzip
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import orjson

from base.errors import DomainError
from market.delivery.marking.code import MarkKeys, Plan
from market.delivery.marking.planning import LEAST_PLACES, Scales, Wanted, wanted_from
from market.delivery.marking.rows import Marker
from registry.confined import REFUSED, confine
from registry.errors import FileNotTabular
from registry.records import Format, Lines, delimiter_of, plain_bytes

_BOM: Final = b"\xef\xbb\xbf"
_BATCH: Final = 65_536
_SPACE: Final = " \t\r\n"
MAX_RECORD_CHARS: Final = 16 * 1024 * 1024
UNMARKABLE: Final = 4


@dataclass(frozen=True, slots=True)
class Written:
    """Where the copy is marked, in how many places, and how many cells are changed by it."""

    plan: Plan
    places: int
    changed: int


def mark_file(source: Path, copy: Path, asked: Wanted, keys: MarkKeys) -> Written | None:
    """Write the marked copy of a CSV (also gzip-compressed) or Parquet file.

    None, and no copy, where the source has too few places for a mark. Raises what reading a table raises.
    """
    with source.open("rb") as file:
        head = file.read(4)
    made = _Parquet(source) if head == b"PAR1" else _Csv(source, head)
    scales = Scales(asked)
    made.count(asked, scales)
    plan = scales.plan()
    if plan is None:
        return None
    marker = Marker(plan, keys)
    made.write(copy, plan, marker)
    if marker.places < LEAST_PLACES:
        copy.unlink()
        return None
    return Written(plan, marker.places, marker.changed)


class _Csv:
    def __init__(self, source: Path, head: bytes) -> None:
        self._source = source
        self._kind = Format.CSV_GZ if head.startswith(b"\x1f\x8b") else Format.CSV
        self._delimiter = delimiter_of(source, self._kind)
        self.width = 0

    def count(self, asked: Wanted, scales: Scales) -> None:
        """Count the decimals of what may be marked."""
        index: dict[str, int] = {}
        for raw in self._records():
            if not index and not _is_blank(raw):
                index = _positions(raw)
                self.width = len(raw)
            elif len(raw) == self.width and not _is_blank(raw):
                for name in asked.columns:
                    scales.add(name, _value(raw[index[name]]))

    def write(self, copy: Path, plan: Plan, marker: Marker) -> None:
        """Write every record again, with the cells that change."""
        index: dict[str, int] = {}
        with plain_bytes(self._source, self._kind) as file:
            bom = file.read(len(_BOM)) == _BOM
        with ExitStack() as stack:
            out = cast("BinaryIO", stack.enter_context(copy.open("xb")))
            if self._kind is Format.CSV_GZ:
                packed = gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0)
                out = cast("BinaryIO", stack.enter_context(packed))
            out.write(_BOM if bom else b"")
            for raw in self._records():
                if not index and not _is_blank(raw):
                    index = _positions(raw)
                elif len(raw) == self.width and not _is_blank(raw):
                    cells = {name: _value(raw[index[name]]) for name in plan.names}
                    for name, text in marker.row(cells).items():
                        raw[index[name]] = _replaced(raw[index[name]], text)
                out.write(self._delimiter.join(raw).encode())

    def _records(self) -> Iterator[list[str]]:
        """The records with every field as it is written, quotes and the line's end included."""
        with plain_bytes(self._source, self._kind) as file:
            fields: list[str] = []
            is_open, held = False, 0
            for line in Lines(file):
                held += len(line)
                if held > MAX_RECORD_CHARS:
                    raise FileNotTabular("a record is too long", reason="record-too-long")
                for at, piece in enumerate(line.split(self._delimiter)):
                    if is_open:
                        fields[-1] += (self._delimiter if at else "") + piece
                        is_open = piece.count('"') % 2 == 0
                    else:
                        fields.append(piece)
                        is_open = piece.startswith('"') and piece.count('"') % 2 == 1
                if not is_open:
                    yield fields
                    fields, held = [], 0
            if fields:
                raise FileNotTabular("a record cannot be read", reason="quoting")


def _is_blank(raw: Sequence[str]) -> bool:
    return len(raw) == 1 and not raw[0].strip("\r\n")


def _positions(raw: Sequence[str]) -> dict[str, int]:
    return {_value(field).strip(): at for at, field in enumerate(raw)}


def _value(raw: str) -> str:
    """What a field says, without its quotes and the space around it."""
    bare = raw.rstrip("\r\n")
    if bare.startswith('"') and bare.endswith('"') and len(bare) > 1:
        bare = bare[1:-1].replace('""', '"')
    return bare.strip(_SPACE)


def _replaced(raw: str, text: str) -> str:
    """A field with another number in it; what stood around the old one stays."""
    return raw.replace(_value(raw), text, 1)


class _Parquet:
    def __init__(self, source: Path) -> None:
        import pyarrow.parquet as pq  # noqa: PLC0415 - in the child alone, after the limits

        try:
            self._file = pq.ParquetFile(source, pre_buffer=False)
        except (OSError, ValueError):
            raise FileNotTabular("the Parquet file cannot be read", reason="parquet") from None
        self._names = {name.strip(): at for at, name in enumerate(self._file.schema_arrow.names)}

    def count(self, asked: Wanted, scales: Scales) -> None:
        """Count the decimals of what may be marked."""
        names = [self._file.schema_arrow.names[self._names[name]] for name in asked.columns]
        for batch in self._file.iter_batches(_BATCH, columns=names):
            for name, column in zip(asked.columns, self._texts(batch, names), strict=True):
                for text in column:
                    scales.add(name, text)

    def write(self, copy: Path, plan: Plan, marker: Marker) -> None:
        """Write every batch again, with the columns that change."""
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.parquet as pq  # noqa: PLC0415

        schema = self._file.schema_arrow
        names = [schema.names[self._names[name]] for name in plan.names]
        with pq.ParquetWriter(copy, schema, compression=self._compression()) as writer:
            for batch in self._file.iter_batches(_BATCH):
                table = pa.Table.from_batches([batch], schema)
                columns = self._texts(batch, names)
                changed: dict[str, dict[int, str]] = {}
                for at, values in enumerate(zip(*columns, strict=True)):
                    for name, text in marker.row(dict(zip(plan.names, values, strict=True))).items():
                        changed.setdefault(name, {})[at] = text
                for name, texts in changed.items():
                    position = self._names[name]
                    field = schema.field(position)
                    cells = table.column(position).to_pylist()
                    convert = _back(field.type)
                    for at, text in texts.items():
                        cells[at] = convert(text)
                    table = table.set_column(position, field, pa.array(cells, type=field.type))
                writer.write_table(table)

    def _compression(self) -> str:
        meta = self._file.metadata
        if not meta.num_row_groups or not meta.num_columns:
            return "snappy"
        codec = str(meta.row_group(0).column(0).compression).lower()
        return {"uncompressed": "none", "lz4_raw": "lz4"}.get(codec, codec)

    @staticmethod
    def _texts(batch: Any, names: Sequence[str]) -> list[list[str | None]]:
        import pyarrow as pa  # noqa: PLC0415

        columns: list[list[str | None]] = []
        for name in names:
            column = batch.column(batch.schema.get_field_index(name))
            if pa.types.is_float32(column.type):
                cells: list[Any] = list(column.to_numpy(zero_copy_only=False))
                columns.append([None if cell is None else str(cell) for cell in cells])
            else:
                columns.append(
                    [None if cell is None else str(cell).strip(_SPACE) for cell in column.to_pylist()]
                )
        return columns


def _back(kind: Any) -> Callable[[str], Any]:
    """How a text becomes a value of this type again."""
    import decimal  # noqa: PLC0415

    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_integer(kind):
        return int
    if pa.types.is_floating(kind):
        return float
    return decimal.Decimal if pa.types.is_decimal(kind) else str


def _main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="market.delivery.marking.writing")
    parser.add_argument("source", type=Path)
    parser.add_argument("--copy", type=Path, required=True)
    parser.add_argument("--asked", type=Path, required=True)
    parser.add_argument("--said", type=Path, required=True)
    parser.add_argument("--cpu-s", type=int, required=True)
    given = parser.parse_args(arguments)
    asked = orjson.loads(given.asked.read_bytes())
    given.asked.unlink()
    confine(given.cpu_s)
    keys = MarkKeys(bytes.fromhex(asked["places_key"]), bytes.fromhex(asked["copy_key"]))
    try:
        written = mark_file(given.source, given.copy, wanted_from(asked["wanted"]), keys)
    except DomainError as error:
        given.said.write_bytes(orjson.dumps({"code": error.code}))
        return REFUSED
    if written is None:
        return UNMARKABLE
    said = {"plan": written.plan.document(), "places": written.places, "changed": written.changed}
    given.said.write_bytes(orjson.dumps(said))
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
