"""The door of every state here: one table each, one conditional UPDATE, one statement.

A statement names the record, the holder, the object and the kind; never a person, a key or a pseudonym. What
a person has signed is named by its digest, and a challenge in it keeps anybody from guessing it back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlmodel import col, update

from base.db import WriteSession
from base.jobs import enqueue
from ledger.recording import Act, Recorded, record
from ledger.statement import Draft
from registry.subjects.errors import SubjectRecordUnknown, SubjectWrongState
from registry.subjects.states import MACHINES, may_move
from registry.subjects.tables import AskedRow, DeletionRow, GivenRow, TieRow, WordingRow

DUE_JOB: Final = "registry.subject-due"
LATE: Final = timedelta(milliseconds=1)
"""The last moment of a period belongs to it."""
Row = TieRow | WordingRow | GivenRow | DeletionRow | AskedRow
_KEYS: Final[Mapping[type[Row], tuple[str, str]]] = {
    TieRow: ("SBT", "tie_id"),
    WordingRow: ("SCW", "wording_id"),
    GivenRow: ("SGC", "given_id"),
    DeletionRow: ("SDD", "deletion_id"),
    AskedRow: ("SRQ", "request_id"),
}
_NAMED: Final = ("holder_id", "object_id", "wording_id", "given_id", "receiver_id", "trade_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a step says beside which record it is: in public, in the opening, of which digests."""

    public: Mapping[str, Any] = field(default_factory=dict)
    opening: Mapping[str, Any] | None = None
    subjects: Mapping[str, str] = field(default_factory=dict)


async def begin(s: WriteSession, act: Act, row: Row, event: StrEnum, said: Said | None = None) -> Recorded:
    """Store a new record in the state its event leads to, and state it. Raises SubjectWrongRole."""
    machine, _ = _KEYS[type(row)]
    row.status = may_move(MACHINES[machine][1], None, event, act.role)  # type: ignore[assignment]  # its own
    s.add(row)
    await s.flush()
    return await _state(s, act, row, event, said or Said(), before=None)


async def step(
    s: WriteSession,
    act: Act,
    row: Row,
    event: StrEnum,
    said: Said | None = None,
    *,
    values: Mapping[str, Any] | None = None,
) -> Recorded:
    """Move a record that is claimed. Raises SubjectWrongState, SubjectWrongRole."""
    machine, key = _KEYS[type(row)]
    before = row.status
    after = may_move(MACHINES[machine][1], before, event, act.role)
    table = type(row)
    found = (col(getattr(table, key)) == getattr(row, key), col(table.status) == before)
    changed = await s.exec(update(table).where(*found).values(status=after, **(values or {})))
    if changed.rowcount != 1:
        raise SubjectWrongState("the record has moved on", event=event.value)
    await s.refresh(row)
    return await _state(s, act, row, event, said or Said(), before=before)


async def wind(s: WriteSession, record_id: str, at: datetime) -> None:
    """Have the clock look at a record when its time is over."""
    key = f"{record_id} {at.timestamp():.3f}"
    await enqueue(s, kind=DUE_JOB, key=key, run_at=at + LATE, payload={"record_id": record_id})


def check_holder(act: Act, row: Row) -> None:
    """A holder acts on what is its own; another's does not exist. Raises SubjectRecordUnknown."""
    if act.actor.org_id != getattr(row, "holder_id", None):
        raise SubjectRecordUnknown("no such record")


async def _state(
    s: WriteSession, act: Act, row: Row, event: StrEnum, said: Said, *, before: StrEnum | None
) -> Recorded:
    machine, key = _KEYS[type(row)]
    named = {name: getattr(row, name) for name in _NAMED if name != key and hasattr(row, name)}
    if hasattr(row, "kind"):
        named["kind"] = row.kind.value
    draft = Draft(
        f"{machine}.{event.value}",
        getattr(row, key),
        public={key: getattr(row, key), **named, **said.public},
        opening=said.opening,
        subjects=said.subjects,
        before=None if before is None else before.value,
        after=row.status.value,
    )
    return await record(s, act, draft)
