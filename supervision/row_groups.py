"""What changed in a table since the last run, without reading what did not.

A Parquet file is written by groups of rows. A group whose bytes stood in the last run's file has the same
rows; of the others every row is hashed, and the rows that came and went are what the hashes of before and of
now do not share, in whatever order they stand. Enough to see what changed, no proof against whoever makes the
tables.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from supervision.duckdb import DuckdbEngine
from supervision.errors import UnusableEvidence
from supervision.intake import Source
from supervision.schema import TABLES
from supervision.state_files import StateFiles

_KEYS: Final[Mapping[str, str]] = {
    "listings": "listing_id",
    "orgs": "org_id",
    "quotes": "listing_id",
    "requests": "request_id",  # which is the trade's, if one comes of it
}
_BATCH_ROWS: Final = 65_536
_MOST_COMPARED: Final = 2**23
"""So many rows are compared at most: 16 bytes of memory each, several times."""


@dataclass(frozen=True, slots=True)
class Told:
    """A table as a state tells of it, and the keys of what changed since: hashes, or None for any."""

    document: Mapping[str, Any]
    changed: Any


def told_of(engine: DuckdbEngine, source: Source, files: StateFiles, last: Mapping[str, Any] | None) -> Told:
    """Hash the groups of rows that the last run did not know, keep that, and compare."""
    columns = sorted(source.columns)
    if last is not None and last["columns"] != columns:
        last = None
    known = dict(map(tuple, last["groups"])) if last else {}
    groups = []
    for at, digest in enumerate(_digests(source)):
        file = known.get(digest) or files.write(_hashes(engine, source, at).tobytes())
        files.hold(file)
        groups.append((digest, file))
    told = {"columns": columns, "groups": [list(group) for group in groups]}
    if last is None:
        return Told(told | {"version": _version(*(digest for digest, _ in groups))}, None)
    before, now = Counter(map(tuple, last["groups"])), Counter(groups)
    changed, rows = _changed(files, now - before, before - now)
    version = last["version"] if changed is not None and not len(changed) else _version(last["version"], rows)
    return Told(told | {"version": version}, changed)


def key_column(table: str) -> str:
    """The column that says to what a row belongs: to a trade, where nothing else is said."""
    return _KEYS.get(table, "trade_id")


def key_hash(table: str) -> str:
    """The hash of it, as SQL."""
    named = key_column(table)
    return f"hash(COALESCE(\"{named}\", ''))" if named in TABLES[table] else "hash('')"


def _digests(source: Source) -> Iterator[str]:
    """Of each group of rows a digest of its bytes: of the columns that are read, and how they are packed."""
    with source.path.open("rb") as file:
        metadata = pq.read_metadata(file)
        for at in range(metadata.num_row_groups):
            group, digest = metadata.row_group(at), sha256()
            for place in range(group.num_columns):
                chunk = group.column(place)
                if chunk.path_in_schema.split(".")[0] not in source.columns:
                    continue
                offsets = filter(None, (chunk.dictionary_page_offset, chunk.data_page_offset))
                begin = min(offsets, default=0)  # none of either where a group has no row
                file.seek(begin)
                packed = (chunk.path_in_schema, chunk.physical_type, chunk.compression, chunk.num_values)
                digest.update(repr((*packed, chunk.total_compressed_size)).encode())
                digest.update(file.read(chunk.total_compressed_size))
            yield digest.hexdigest()


def _hashes(engine: DuckdbEngine, source: Source, at: int) -> Any:
    """The hash of each row of a group and of its key, two rows of numbers, in the order of the former."""
    import numpy as np  # noqa: PLC0415 - loaded where a state is kept

    columns = ", ".join(f'"{column}"' for column in sorted(source.columns)) or "1"
    key = key_hash(source.name) if key_column(source.name) in source.columns else "hash('')"
    sql = f"SELECT hash({columns}) AS of_row, {key} AS of_key FROM batch"  # noqa: S608 - our own names
    try:
        with pq.ParquetFile(source.path) as file:
            batches = file.iter_batches(_BATCH_ROWS, row_groups=[at], columns=sorted(source.columns))
            parts = [engine.numbers(sql, batch=pa.Table.from_batches([batch])) for batch in batches]
    except (pa.ArrowException, OSError) as error:
        raise UnusableEvidence(f"{source.name} cannot be read: {error}", table=source.name) from None
    hashes = np.concatenate(parts, axis=1) if parts else np.empty((2, 0), np.uint64)
    return np.ascontiguousarray(hashes[:, np.lexsort(hashes[::-1])])


def _changed(files: StateFiles, came: Counter[Any], went: Counter[Any]) -> tuple[Any, str]:
    """The keys of the rows that one side has more often than the other, and a digest of these rows."""
    import numpy as np  # noqa: PLC0415

    sides = [[_read(files, file) for _, file in side.elements()] for side in (came, went)]
    if sum(one.shape[1] for side in sides for one in side) > _MOST_COMPARED:
        return None, _version(*(digest for digest, _ in came.elements()))
    empty = np.empty((2, 0), np.uint64)
    both = [np.concatenate([empty, *side], axis=1) for side in sides]
    rows = np.concatenate(both, axis=1)
    times = np.repeat(np.array([1, -1]), [one.shape[1] for one in both])
    of_row, first, which = np.unique(rows[0], return_index=True, return_inverse=True)
    differs = np.bincount(which, weights=times, minlength=len(of_row)) != 0
    return np.unique(rows[1][first[differs]]), sha256(of_row[differs].tobytes()).hexdigest()


def _read(files: StateFiles, name: str) -> Any:
    import numpy as np  # noqa: PLC0415

    return np.frombuffer(files.read(name), np.uint64).reshape(2, -1)


def _version(*parts: str) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()
