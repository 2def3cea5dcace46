"""Erasing an opening: the private part of a statement goes, its commitment and the chain stay.

What the ledger itself keeps of an opening is emptied in the transaction that records `OPN.ERASE`. The
bytes that a database leaves behind where something was overwritten are cleared right after it, by a job:
it can be done in no transaction. The rooms above clear the copies that are theirs (`cases.erasing`).
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sqlmodel import col, select, update

from base.db import Database, WriteSession, exclusive_lock
from base.errors import Conflict, NotFound
from base.jobs import External, Job, enqueue
from ledger import reader
from ledger.reader import Statement
from ledger.recording import Act, Recorded, record
from ledger.statement import Draft
from ledger.tables import OpeningRow

EVENT: Final = "OPN.ERASE"
SCRUB_JOB: Final = "ledger.scrub"
ERASED: Final = "〔已删除 erased〕"
"""What stands in a text of the house's tables where the text was erased."""


class NothingToErase(NotFound):
    code: ClassVar[str] = "nothing-to-erase"
    title = "This statement has no private part"


class OpeningErasedBefore(Conflict):
    """Erasing happens once; the record of it says when and why."""

    code = "opening-erased-before"
    title = "This private part has been erased before"


@dataclass(frozen=True, slots=True)
class Ground:
    """Why an opening is erased: the code of a legal basis, the list it stands in, and the words.

    The reason and the number of the order or judgment stand in an opening of their own.
    """

    basis: str
    basis_list: str
    reason: str
    order_ref: str | None = None


async def claim_opening(s: WriteSession, *, statement_id: str) -> Statement:
    """The statement, its opening locked until the transaction ends.

    Raises StatementUnknown, NothingToErase, OpeningErasedBefore.
    """
    said = await reader.statement(s, statement_id=statement_id)
    if said.opening_sha256 is None:
        raise NothingToErase("this statement has no private part", statement_id=statement_id)
    query = exclusive_lock(select(OpeningRow).where(OpeningRow.sha256 == said.opening_sha256))
    row = (await s.exec(query.execution_options(populate_existing=True))).one()
    if row.document is None:
        raise OpeningErasedBefore("erased before", statement_id=statement_id)
    return said


async def erase_claimed(s: WriteSession, act: Act, said: Statement, ground: Ground) -> Recorded:
    """Empty a claimed opening and record that it was done (OPN.ERASE).

    Every statement that commits to the same opening has lost it then, as the parties' signatures of one
    contract do. Raises OpeningErasedBefore.
    """
    emptied = await s.exec(
        update(OpeningRow)
        .where(col(OpeningRow.sha256) == said.opening_sha256, col(OpeningRow.document).is_not(None))
        .values(document=None)
    )
    if emptied.rowcount != 1:
        raise OpeningErasedBefore("erased before", statement_id=said.statement_id)
    public: dict[str, Any] = {
        "statement_id": said.statement_id,
        "envelope_sha256": said.envelope_sha256,
        "opening_sha256": said.opening_sha256,
        "seq": said.seq,
        "basis": ground.basis,
        "basis_list": ground.basis_list,
    }
    opening = {"reason": ground.reason}
    if ground.order_ref is not None:
        opening["order_ref"] = ground.order_ref
    recorded = await record(
        s,
        act,
        Draft(
            EVENT,
            said.statement_id,
            public=public,
            opening=opening,
            subjects={"envelope": said.envelope_sha256},
        ),
    )
    await enqueue(
        s,
        kind=SCRUB_JOB,
        key=recorded.statement_id,
        run_at=act.now,
        payload={"statement_id": said.statement_id},
    )
    return recorded


def scrubbing(database: Database, *tables: str) -> External:
    """The job that clears what the database left behind in these tables of what was erased."""

    async def call(_: Job) -> None:
        await database.scrub(*tables)

    async def finish(s: WriteSession, job: Job, result: object) -> None:
        """Nothing more: being done is all there is to remember."""

    return External(call, finish, lease_s=600)
