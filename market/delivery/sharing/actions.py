"""The protocol's answers: a table's schema, and the actions of a query, each on one line. Pure.

Plain Parquet is what every client reads, and what was sold has none of the features that Delta's own form is
for; so it is always what is answered, and said where a client tells what it takes.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from market.delivery.sharing.asking import VERSION
from market.delivery.tabling.view import Shape

CAPABILITIES: Final = "delta-sharing-capabilities"
PARQUET: Final = "responseformat=parquet"
_DECIMAL: Final = re.compile(r"DECIMAL\((\d{1,2}), ?(\d{1,2})\)", re.ASCII)
_TYPES: Final[Mapping[str, str]] = {
    "BOOLEAN": "boolean",
    "TINYINT": "byte",
    "SMALLINT": "short",
    "INTEGER": "integer",
    "BIGINT": "long",
    "FLOAT": "float",
    "DOUBLE": "double",
    "VARCHAR": "string",
    "BLOB": "binary",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
}


@dataclass(frozen=True, slots=True)
class SharedFile:
    """The one file of a shared table, for one query."""

    url: str
    ends: datetime
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class SharedTable:
    """What a client is told of a table."""

    table_id: str
    name: str
    shape: Shape
    bytes: int
    since: datetime


def lines(actions: Iterable[Mapping[str, Any]]) -> bytes:
    """Actions as newline-delimited JSON."""
    return b"".join(orjson.dumps(action) + b"\n" for action in actions)


def head(table: SharedTable) -> list[dict[str, Any]]:
    """The protocol and the metadata of a table."""
    metadata = {
        "id": table.table_id,
        "name": table.name,
        "format": {"provider": "parquet"},
        "schemaString": schema_string(table.shape),
        "partitionColumns": [],
        "configuration": {},
        "accessModes": ["url"],
        "size": table.bytes,
        "numFiles": 1,
    }
    return [{"protocol": {"minReaderVersion": 1}}, {"metaData": metadata}]


def file_action(table: SharedTable, file: SharedFile, *, historic: bool) -> dict[str, Any]:
    """The file of a table: where it is, and until when; with its version where one was asked for."""
    dated = {"version": VERSION, "timestamp": _ms(table.since)} if historic else {}
    action = {
        "url": file.url,
        "id": file.sha256,
        "partitionValues": {},
        "size": file.bytes,
        "stats": orjson.dumps({"numRecords": table.shape.rows}).decode(),
        "expirationTimestamp": _ms(file.ends),
    }
    return {"file": action | dated}


def schema_string(shape: Shape) -> str:
    """A table's columns as Delta writes a schema."""
    fields = [
        {"name": name, "type": _type_of(kind), "nullable": True, "metadata": {}}
        for name, kind in shape.columns
    ]
    return orjson.dumps({"type": "struct", "fields": fields}).decode()


def _type_of(kind: str) -> str:
    exact = _DECIMAL.fullmatch(kind)
    return f"decimal({exact[1]},{exact[2]})" if exact else _TYPES.get(kind, "string")


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
