"""Some columns of a file that is shared, and nothing else of it, cut by a child process under limits.

`python -m registry.lists.cutting FILE COLUMN…` is the child. Of a CSV it leaves a CSV in UTF-8, of a Parquet
file another without the words that its writer put beside the columns; in the order of the file.
"""

import asyncio
import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import orjson

from base.errors import DomainError
from registry.confined import REFUSED, confine, cpu_seconds, module_command, run_confined
from registry.lists.errors import ListFileUnreadable, ShareNotCut
from registry.lists.headings import BROKEN
from registry.lists.lines import records_of
from registry.lists.rules import normal
from registry.lists.sheets import form_of

MEDIA_TYPES: Final = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
_PARQUET: Final = b"PAR1"
_OUT_BYTES: Final = 2 * 1024**3
_TIMEOUT_S: Final = 120.0


async def cut_columns(path: Path, columns: Sequence[str], *, work: Path) -> tuple[Path, str]:
    """A file in `work` with these columns of another, and its media type. Raises ShareNotCut."""
    command = module_command("registry.lists.cutting", str(await asyncio.to_thread(path.resolve)), *columns)
    try:
        code = await run_confined(command, work, _TIMEOUT_S)
    except TimeoutError:
        raise ShareNotCut("cutting took too long", limit_s=str(_TIMEOUT_S)) from None
    return await asyncio.to_thread(_collect, work, code)


def _collect(work: Path, code: int) -> tuple[Path, str]:
    refused = work / "refused.json"
    if code == REFUSED and refused.is_file():
        said = orjson.loads(refused.read_bytes())
        raise ShareNotCut(str(said["detail"])[:200], **said["facts"])
    for form, media_type in MEDIA_TYPES.items():
        if code == 0 and (work / form).is_file():
            return work / form, media_type
    raise ShareNotCut("cutting broke off", exit_code=code)


def cut(path: Path, columns: Sequence[str], *, work: Path) -> None:
    """Leave these columns of a file in `work`, as `csv` or `parquet`. Raises ShareNotCut."""
    with path.open("rb") as raw:
        head = raw.read(4_096)
    if head.startswith(_PARQUET):
        _parquet(path, columns, work / "parquet")
    elif form_of(head) == "text":
        _csv(path, columns, work / "csv")
    else:
        raise ShareNotCut("of a CSV or a Parquet file alone some columns can be sent", found=form_of(head))


def _csv(path: Path, columns: Sequence[str], to: Path) -> None:
    rows = records_of(path)
    try:
        header = next(rows)[1]
        places = _places(header, columns)
        with to.open("w", encoding="utf-8", newline="") as text:
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow([header[at] for at in places])
            for number, cells in rows:
                if BROKEN in cells:
                    raise ShareNotCut("a row of the file cannot be read", row=number)
                if cells:
                    writer.writerow([cells[at] if at < len(cells) else "" for at in places])
    except (StopIteration, ListFileUnreadable):
        raise ShareNotCut("the file has no rows that can be read") from None


def _parquet(path: Path, columns: Sequence[str], to: Path) -> None:
    import pyarrow as pa  # noqa: PLC0415 - for a child that cuts this kind of file, not for the server
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            wanted = [names[at] for at in _places(names, columns)]
            schema = pa.schema([file.schema_arrow.field(name).remove_metadata() for name in wanted])
            with pq.ParquetWriter(to, schema) as writer:
                for batch in file.iter_batches(columns=wanted):
                    cells = [batch.column(name) for name in wanted]
                    writer.write_batch(pa.RecordBatch.from_arrays(cells, schema=schema))
    except (pa.ArrowException, OSError):
        raise ShareNotCut("the file cannot be read") from None


def _places(header: Sequence[str], columns: Sequence[str]) -> list[int]:
    """Where each column stands, once. Raises ShareNotCut."""
    plain = [normal(one) for one in header]
    wanted = {normal(one): one for one in columns}
    missing = [one for name, one in wanted.items() if plain.count(name) != 1]
    if missing:
        raise ShareNotCut("the file has no column of this name, or more than one", missing=missing[:10])
    return [at for at, name in enumerate(plain) if name in wanted]


def _main(arguments: list[str]) -> int:
    confine(cpu_seconds(_TIMEOUT_S), file_bytes=_OUT_BYTES)
    work = Path.cwd()
    try:
        cut(Path(arguments[0]), arguments[1:], work=work)
    except DomainError as error:
        (work / "refused.json").write_bytes(orjson.dumps({"detail": error.detail, "facts": error.facts}))
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
