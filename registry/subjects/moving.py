"""The door of every state here: one table each, one conditional UPDATE, one statement.

A statement names the record, the holder, the object and the kind; never a person, a key or a pseudonym. What
a person has signed is named by its digest, and a challenge in it keeps anybody from guessing it back.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import SQLModel

from base.db import WriteSession
from base.jobs import enqueue
from ledger.recording import Act
from registry.doors import Door
from registry.subjects.errors import SubjectRecordUnknown, SubjectWrongState
from registry.subjects.states import MACHINES, may_move
from registry.subjects.tables import AskedRow, DeletionRow, GivenRow, TieRow, WordingRow

DUE_JOB: Final = "registry.subject-due"
LATE: Final = timedelta(milliseconds=1)
"""The last moment of a period belongs to it."""
Row = TieRow | WordingRow | GivenRow | DeletionRow | AskedRow
_KEYS: Final[Mapping[type[SQLModel], tuple[str, str]]] = {
    TieRow: ("SBT", "tie_id"),
    WordingRow: ("SCW", "wording_id"),
    GivenRow: ("SGC", "given_id"),
    DeletionRow: ("SDD", "deletion_id"),
    AskedRow: ("SRQ", "request_id"),
}
_DOOR: Final = Door(
    keys=_KEYS,
    named=("holder_id", "object_id", "wording_id", "given_id", "receiver_id", "trade_id", "kind"),
    may_move=lambda machine, *step: may_move(MACHINES[machine][1], *step),
    moved_on=lambda event, _: SubjectWrongState("the record has moved on", event=event.value),
)
begin, step = _DOOR.begin, _DOOR.step
"""The first step of a record, and every other. Raise SubjectWrongState, SubjectWrongRole."""


async def wind(s: WriteSession, record_id: str, at: datetime) -> None:
    """Have the clock look at a record when its time is over."""
    key = f"{record_id} {at.timestamp():.3f}"
    await enqueue(s, kind=DUE_JOB, key=key, run_at=at + LATE, payload={"record_id": record_id})


def check_holder(act: Act, row: Row) -> None:
    """A holder acts on what is its own; another's does not exist. Raises SubjectRecordUnknown."""
    if act.actor.org_id != getattr(row, "holder_id", None):
        raise SubjectRecordUnknown("no such record")
