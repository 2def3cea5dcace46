"""What the log says of its own keys and of its end, and the acts that say so.

Each act is recorded and sealed in one transaction, and read back there as an auditor would read it: what
no auditor would accept is taken back whole. The command line alone acts here (`databourse keys`).
"""

import base64
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import func, insert, literal, true
from sqlmodel import col, delete, select, update

from base.clock import Clock
from base.db import ReadSession, WriteSession
from ledger.checkpoint import Checkpoint, Note, NoteSigner, VerifierKey
from ledger.errors import LogKeyMissing, LogKeyRefused, LogUnborn, StatementUnknown
from ledger.reader import Entry
from ledger.recording import Act, record
from ledger.recovery import MEMBER
from ledger.rotation import CLOSE, EVENTS, GENESIS, RETIRE, ROTATE, LogKeys, Predecessor, sign_rotation
from ledger.sequencer import BATCH_ROWS, lock_log, seal
from ledger.statement import NO_PREVIOUS, Draft
from ledger.suites import PrivateKey
from ledger.tables import (
    CheckpointRow,
    EntryRow,
    OpeningRow,
    PastCheckpointRow,
    PastEntryRow,
    PendingRow,
    ShardRow,
    StatementRow,
    TileRow,
    TreeRow,
    WitnessRow,
)
from ledger.tree import Frontier

COMPROMISED: Final = "compromised"
SHARD: Final = "shard"


@dataclass(frozen=True, slots=True)
class Shard:
    """A closed log of this exchange, and the signed checkpoint that it ended with."""

    number: int
    origin: str
    size: int
    note: bytes
    closed_at: datetime


async def log_keys(s: ReadSession, *, size: int | None = None) -> LogKeys:
    """The present log's keys and end, as its entries (the first `size`) tell them; empty before entry 0."""
    keys, _ = await _told(s, EntryRow, col(EntryRow.seq) < size if size is not None else true())
    return keys


def signers_of(keys: LogKeys, held: Iterable[PrivateKey], size: int) -> list[NoteSigner]:
    """Who signs a checkpoint of this size, the newest key first. Raises LogKeyMissing."""
    own = {key.public: key for key in held}
    wanted = keys.at(size)
    missing = [str(vkey) for vkey in wanted if vkey.public not in own]
    if missing:
        raise LogKeyMissing("a key that signs this log is not in the key folder", vkey=missing[0])
    return [NoteSigner(vkey.name, own[vkey.public]) for vkey in wanted]


async def rotate_key(s: WriteSession, act: Act, clock: Clock, *, old: NoteSigner, new: NoteSigner) -> LogKeys:
    """Bring a further key (LOG.ROTATE): both sign from now on. Raises LogKeyRefused."""
    public = {"old_vkey": str(old.vkey), "vkey": str(new.vkey), "note": sign_rotation(old, new)}
    return await _say(s, act, clock, ROTATE, public)


async def retire_key(s: WriteSession, act: Act, clock: Clock, *, vkey: VerifierKey) -> LogKeys:
    """End a key (LOG.RETIRE): it signs no tree that holds this entry. Raises LogKeyRefused."""
    return await _say(s, act, clock, RETIRE, {"vkey": str(vkey)})


async def close_log(
    s: WriteSession,
    act: Act,
    clock: Clock,
    *,
    reason: str,
    old: NoteSigner | None = None,
    successor: NoteSigner | None = None,
) -> LogKeys:
    """State the log's last entry (LOG.CLOSE); from then on nothing is sealed into it.

    A compromised key vouches for nobody: then there is no successor, and the next log is known by the
    exchange's statement key and by whoever pins its vkey anew. Raises LogKeyRefused.
    """
    public = {"reason": reason}
    if old is not None and successor is not None:
        note = sign_rotation(old, successor)
        public |= {"vkey": str(old.vkey), "successor": str(successor.vkey), "note": note}
    keys = await _say(s, act, clock, CLOSE, public)
    await s.exec(update(TreeRow).where(col(TreeRow.id) == 1).values(closed_at=clock.now()))
    return keys


async def abandon_log(s: WriteSession, *, note: bytes, now: datetime) -> None:
    """Let the present log end where the database stands, under a checkpoint of that size by its keys.

    Nothing is sealed into it, for what stood behind that size was published and is lost here: only a signed
    order of recovery (`ledger.recovery`) leads on from it, and `begin_log` states that. Raises LogKeyRefused.
    """
    await lock_log(s)
    tree = await s.get(TreeRow, 1, populate_existing=True)
    if tree is None or tree.closed_at is not None:
        raise LogKeyRefused("there is no open log to be abandoned")
    head = Checkpoint.parse(Note.parse(note).text)
    if (head.origin, head.size, head.root.hex()) != (tree.origin, tree.size, tree.root):
        raise LogKeyRefused("the checkpoint is not of this tree", size=tree.size)
    if await s.get(CheckpointRow, tree.size) is None:
        s.add(CheckpointRow(size=tree.size, note=note.decode(), published_at=now))
    await s.exec(update(TreeRow).where(col(TreeRow.id) == 1).values(closed_at=now, halted=None))


async def begin_log(
    s: WriteSession,
    act: Act,
    clock: Clock,
    *,
    signer: NoteSigner,
    recovery: Mapping[str, Any] | None = None,
) -> LogKeys:
    """Begin the next log, whose entry 0 names the closed one's last checkpoint.

    `recovery` is the signed order where that one was abandoned.

    The closed log's entries go to the shelf; what waits to be sealed goes into the new log, behind entry
    0. Raises LogKeyRefused while the present log is open, or its last checkpoint is not published, and
    for an origin that was used before.
    """
    await lock_log(s)
    tree = await s.get(TreeRow, 1, populate_existing=True)
    if tree is None or tree.closed_at is None:
        raise LogKeyRefused("the present log is not closed")
    final = await s.get(CheckpointRow, tree.size)
    if final is None:
        raise LogKeyRefused("the last checkpoint of the closed log is not published yet")
    last = Checkpoint.parse(Note.parse(final.note.encode()).text)
    if signer.name in {tree.origin, *(shard.origin for shard in await shards(s))}:
        raise LogKeyRefused("a log of this origin has been there before", origin=signer.name)
    await _shelve(s, tree, final.note)
    waiting = (await s.exec(select(PendingRow.id).order_by(col(PendingRow.id)))).all()
    await s.exec(delete(PendingRow))
    empty = {"size": 0, "root": Frontier().root().hex(), "previous": NO_PREVIOUS, "closed_at": None}
    await s.exec(update(TreeRow).where(col(TreeRow.id) == 1).values(origin=signer.name, **empty))
    public = {
        "origin": signer.name,
        "vkey": str(signer.vkey),
        "exchange_key": {
            "keyid": act.exchange.pen.key.keyid,
            "public_key": base64.b64encode(act.exchange.pen.key.public).decode(),
        },
        "operator_id": act.exchange.actor.org_id,
        "previous": Predecessor.of(last).document(),
    }
    if recovery is not None:
        public[MEMBER] = recovery
    keys = await _say(s, act, clock, GENESIS, public)
    if waiting:
        connection = await s.connection()
        await connection.execute(insert(PendingRow), [{"id": number} for number in waiting])
    return keys


async def shards(s: ReadSession) -> list[Shard]:
    """The closed logs of this exchange, the oldest first."""
    rows = await s.exec(select(ShardRow).order_by(col(ShardRow.number)))
    return [Shard(row.number, row.origin, row.size, row.note.encode(), row.closed_at) for row in rows]


async def past_keys(s: ReadSession, *, number: int) -> LogKeys:
    """The keys of a closed log."""
    keys, _ = await _told(s, PastEntryRow, col(PastEntryRow.shard) == number)
    return keys


async def past_checkpoints(s: ReadSession, *, number: int, limit: int = 100) -> dict[int, bytes]:
    """The checkpoints kept of a closed log, by size; of very many the newest."""
    query = (
        select(PastCheckpointRow.size, PastCheckpointRow.note)
        .where(PastCheckpointRow.shard == number)
        .order_by(col(PastCheckpointRow.size).desc())
        .limit(limit)
    )
    return {size: note.encode() for size, note in (await s.exec(query)).all()}


async def past_places(s: ReadSession, *, statement_ids: Sequence[str]) -> dict[str, tuple[str, int]]:
    """Where statements stand that closed logs hold: the log's origin and the number in it, by statement."""
    query = (
        select(StatementRow.statement_id, ShardRow.origin, PastEntryRow.seq)
        .join(PastEntryRow, col(PastEntryRow.statement_row) == col(StatementRow.id))
        .join(ShardRow, col(ShardRow.number) == col(PastEntryRow.shard))
        .where(col(StatementRow.statement_id).in_(statement_ids))
    )
    return {found: (origin, seq) for found, origin, seq in (await s.exec(query)).all()}


async def past_entry(s: ReadSession, *, number: int, seq: int) -> tuple[Entry, str]:
    """An entry of a closed log by its number in it, with its statement's id. Raises StatementUnknown."""
    query = (
        select(PastEntryRow, StatementRow.statement_id)
        .join(StatementRow, col(StatementRow.id) == col(PastEntryRow.statement_row))
        .where(PastEntryRow.shard == number, PastEntryRow.seq == seq)
    )
    found = (await s.exec(query)).first()
    if found is None:
        raise StatementUnknown("no entry of that log has this number", seq=seq)
    row, statement_id = found
    return Entry(row.seq, row.entry, row.leaf_hash), statement_id


async def past_entries(
    s: ReadSession, *, number: int, before: int | None = None, limit: int = 50
) -> Sequence[Entry]:
    """Entries of a closed log, the last first, by keyset: `before` is the last number seen."""
    query = select(PastEntryRow).where(PastEntryRow.shard == number)
    if before is not None:
        query = query.where(col(PastEntryRow.seq) < before)
    rows = await s.exec(query.order_by(col(PastEntryRow.seq).desc()).limit(min(limit, 100)))
    return [Entry(row.seq, row.entry, row.leaf_hash) for row in rows]


async def past_rows(
    s: ReadSession, *, number: int, page: int = 1000
) -> AsyncIterator[tuple[int, bytes, bytes | None]]:
    """(seq, entry bytes, opening bytes or None) of a closed log, in order."""
    after = -1
    while True:
        query = (
            select(PastEntryRow.seq, PastEntryRow.entry, OpeningRow.document)
            .join(StatementRow, col(StatementRow.id) == col(PastEntryRow.statement_row))
            .outerjoin(OpeningRow, col(OpeningRow.sha256) == col(StatementRow.opening_sha256))
            .where(col(PastEntryRow.shard) == number, col(PastEntryRow.seq) > after)
            .order_by(col(PastEntryRow.seq))
            .limit(page)
        )
        rows = (await s.exec(query)).all()
        if not rows:
            return
        for seq, entry, document in rows:
            yield seq, entry, document
        after = rows[-1][0]


async def _shelve(s: WriteSession, tree: TreeRow, note: str) -> None:
    """Put a closed log's entries and checkpoints on the shelf; its tiles stand in its published files."""
    number = 1 + int((await s.exec(select(func.count()).select_from(ShardRow))).one())
    closed = {"origin": tree.origin, "size": tree.size, "root": tree.root, "closed_at": tree.closed_at}
    connection = await s.connection()
    await connection.execute(insert(ShardRow).values(number=number, note=note, **closed))
    for live, past, names in (
        (EntryRow, PastEntryRow, ("seq", "statement_row", "leaf_hash", "entry")),
        (CheckpointRow, PastCheckpointRow, ("size", "note", "published_at")),
    ):
        rows = select(literal(number), *(getattr(live, name) for name in names))
        await connection.execute(insert(past).from_select(["shard", *names], rows))
        await connection.execute(delete(live))
    await connection.execute(delete(TileRow))
    await connection.execute(delete(WitnessRow))  # what they cosigned is of the closed log
    s.expire_all()


async def _say(s: WriteSession, act: Act, clock: Clock, event: str, public: Mapping[str, Any]) -> LogKeys:
    """State it behind everything that waits, seal it, and read it back as an auditor would."""
    await lock_log(s)
    tree = await s.get(TreeRow, 1, populate_existing=True)
    if tree is None:
        raise LogUnborn("there is no log in this database yet")
    origin = tree.origin  # sealing makes the row stale
    while (await seal(s, clock)).count == BATCH_ROWS:
        pass
    await record(s, act, Draft(event, origin, public=public))
    await seal(s, clock)
    keys, wrong = await _told(s, EntryRow, true())
    if wrong:
        raise LogKeyRefused(wrong[-1])
    return keys


async def _told(
    s: ReadSession, entries: type[EntryRow] | type[PastEntryRow], where: Any
) -> tuple[LogKeys, Sequence[str]]:
    """What the sealed `LOG.*` statements of a log come to, and what is wrong with them."""
    query = (
        select(entries.seq, StatementRow.event, StatementRow.envelope)
        .join(StatementRow, col(StatementRow.id) == col(entries.statement_row))
        .where(col(StatementRow.event).in_(sorted(EVENTS)), where)
        .order_by(col(entries.seq))
    )
    keys = LogKeys()
    wrong: list[str] = []
    for seq, event, envelope in (await s.exec(query)).all():
        payload = orjson.loads(base64.b64decode(orjson.loads(envelope)["payload"]))
        wrong += keys.tell(seq, event, payload["predicate"])
    return keys, wrong
