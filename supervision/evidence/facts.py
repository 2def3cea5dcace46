"""What one ledger entry says, read from its bytes. Nothing is verified here but the opening's digest."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import orjson

from base.canonical import sha256_hex
from base.clock import parse_rfc3339
from supervision.errors import UnusableLedger

Document = Mapping[str, Any]
EntryWithOpening = tuple[int, Document, Document | None]


class SealedRecord(Protocol):
    """One entry as a bundle carries it (`ledger.bundle.Record`)."""

    @property
    def seq(self) -> int: ...

    @property
    def entry(self) -> bytes: ...

    @property
    def opening(self) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Fact:
    """A statement with its place in the ledger. `opened` is empty where the opening is not there.

    `at` is the act's own time; where parties sign one text that names none, it is the sealing time.
    """

    seq: int
    event: str
    object_id: str
    at: datetime
    actor: str | None
    role: str | None
    after: str | None
    said: Document
    opened: Document
    opening_missing: bool


def opened_entries(records: Iterable[SealedRecord]) -> Iterator[EntryWithOpening]:
    """Entries and openings as JSON documents. Raises UnusableLedger where an opening is another's."""
    for record in records:
        entry = _json(record.seq, record.entry)
        opening = None
        if record.opening is not None:
            committed = _predicate(record.seq, entry).get("opening")
            digest = committed.get("sha256") if isinstance(committed, dict) else None
            if digest != sha256_hex(record.opening):
                raise UnusableLedger("OPENING: not the opening that the entry commits to", seq=record.seq)
            opening = _json(record.seq, record.opening)
        yield record.seq, entry, opening


def read_facts(entries: Iterable[EntryWithOpening]) -> Iterator[Fact]:
    """The facts of the entries, in their order. Raises UnusableLedger naming the seq of a bad one."""
    for seq, entry, opening in entries:
        predicate = _predicate(seq, entry)
        try:
            yield Fact(
                seq=seq,
                event=predicate["event"],
                object_id=predicate["object"],
                at=parse_rfc3339(predicate.get("occurred_at") or entry["at"]),
                actor=predicate.get("actor"),
                role=predicate.get("role"),
                after=predicate.get("to"),
                said=predicate,
                opened=opening or {},
                opening_missing="opening" in predicate and opening is None,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UnusableLedger(f"the statement lacks a common member: {error!r}", seq=seq) from None


def _predicate(seq: int, entry: Document) -> Document:
    try:
        statement = orjson.loads(base64.b64decode(entry["envelope"]["payload"], validate=True))
        predicate = statement["predicate"]
    except (KeyError, TypeError, ValueError) as error:
        raise UnusableLedger(f"not a sealed statement: {error!r}", seq=seq) from None
    if not isinstance(predicate, dict):
        raise UnusableLedger("not a sealed statement: no predicate", seq=seq)
    return predicate


def _json(seq: int, data: bytes) -> Document:
    try:
        document = orjson.loads(data)
    except ValueError as error:
        raise UnusableLedger(f"not JSON: {error}", seq=seq) from None
    if not isinstance(document, dict):
        raise UnusableLedger("not a JSON object", seq=seq)
    return document


def whole(value: Any) -> int | None:
    """A whole number, written as one or, as amounts are, as a string. Raises ValueError for anything else."""
    if value is None or type(value) is int:
        return value
    if type(value) is str:
        return int(value)
    raise ValueError(f"not a whole number: {value!r}")


def time(value: Any) -> datetime | None:
    """An RFC 3339 time. Raises ValueError for anything else."""
    if value is None:
        return None
    if type(value) is not str:
        raise ValueError(f"not a time: {value!r}")
    return parse_rfc3339(value)
