"""Federation: what a node cosigned of other logs, it states on its own log, so that one root covers all.

A province's node is a witness of its cities. For each city whose checkpoint has moved, at most once in a
while, it states `FED.CHECKPOINT`; a city's receipt then leads on to the root of the province.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlmodel import col, select, update

from base.clock import Clock
from base.db import Database, ReadSession, WriteSession, exclusive_lock
from ledger import reader
from ledger.checkpoint import Receipt, kept_note
from ledger.recording import Act, Exchange, exchange_act, record
from ledger.statement import Draft
from ledger.tables import EntryRow, FederatedRow, StatementRow, WitnessedRow


@dataclass(frozen=True, slots=True)
class Provincial:
    """A checkpoint of another log that ours states: its note, our entry, and our receipt of that entry."""

    size: int
    note: str
    entry: bytes
    receipt: bytes


async def federate(database: Database, exchange: Exchange, clock: Clock, *, every: timedelta) -> int:
    """State the checkpoints that moved since they were stated last; returns how many were.

    Of one log at most one statement is made in `every`, of the newest checkpoint then.
    """
    async with database.read() as s:
        moved = select(WitnessedRow.origin_sha256).where(
            col(WitnessedRow.size) != col(WitnessedRow.recorded_size)
        )
        logs = (await s.exec(moved.order_by(col(WitnessedRow.origin)))).all()
    stated = 0
    for log in logs:
        async with database.write() as s:
            stated += await _state(s, exchange_act(exchange, clock), log, since=clock.now() - every)
    return stated


async def _state(s: WriteSession, act: Act, log: str, *, since: datetime) -> bool:
    row = (await s.exec(exclusive_lock(select(WitnessedRow).where(WitnessedRow.origin_sha256 == log)))).one()
    waits = row.recorded_at is not None and row.recorded_at > since
    if row.note is None or row.size == row.recorded_size or waits or kept_note(row.note) is None:
        return False
    note_sha256 = sha256(row.note.encode()).hexdigest()
    recorded = await record(
        s,
        act,
        Draft(
            "FED.CHECKPOINT",
            row.origin,
            public={"origin": row.origin, "size": row.size, "root": row.root, "note_sha256": note_sha256},
            subjects={"checkpoint": note_sha256},
        ),
    )
    s.add(FederatedRow(origin_sha256=log, size=row.size, note=row.note, statement_id=recorded.statement_id))
    await s.exec(
        update(WitnessedRow)
        .where(col(WitnessedRow.origin_sha256) == log)
        .values(recorded_size=row.size, recorded_at=act.now)
    )
    return True


async def provincial(s: ReadSession, *, origin_sha256: str, size: int) -> Provincial | None:
    """The first stated checkpoint of a log with at least `size` entries, proved; None while there is none.

    One whose note nobody can read proves nothing, and is passed over.
    """
    query = (
        select(FederatedRow, EntryRow.seq)
        .join(StatementRow, col(StatementRow.statement_id) == col(FederatedRow.statement_id))
        .join(EntryRow, col(EntryRow.statement_row) == col(StatementRow.id))
        .order_by(col(FederatedRow.size))
        .limit(1)
    )
    least = size
    while True:
        of_log = query.where(FederatedRow.origin_sha256 == origin_sha256, col(FederatedRow.size) >= least)
        found = (await s.exec(of_log)).first()
        if found is None:
            return None
        row, seq = found
        if kept_note(row.note) is not None:
            break
        least = row.size + 1
    kept = await reader.checkpoint_over(s, seq=seq)
    if kept is None:
        return None
    path = await reader.proof(s, seq=seq, size=kept.size)
    entry = await reader.entry(s, seq=seq)
    return Provincial(row.size, row.note, entry.entry, Receipt(seq, tuple(path), kept.note.encode()).text())
