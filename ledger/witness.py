"""A witness: cosigns what it is shown of other logs, as long as each grows out of what it saw before.

C2SP tlog-witness, `add-checkpoint`. What it saw last and what it signs next are one transaction,
under a lock of that log's row: of two that come at once, one waits and is then told the new size.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select, update

from base.clock import Clock
from base.db import Database, ReadSession, WriteSession, exclusive_lock
from base.errors import NotFound
from ledger.checkpoint import Checkpoint, Cosigner, Note, VerifierKey, kept_note, origin_hash, parse_hash
from ledger.errors import (
    CheckpointUntrusted,
    LogNotWitnessed,
    NoteInvalid,
    ProofInvalid,
    SubmissionMalformed,
    WitnessAhead,
)
from ledger.tables import WitnessedRow
from ledger.tree import EMPTY_ROOT, verify_consistency
from ledger.witness_policy import Log

MAX_SUBMISSION_BYTES: Final = 262_144 + 64 * 46
MAX_PROOF_LINES: Final = 63
_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Submission:
    """What a log hands in: the size it thinks the witness knows, the proof from there, the checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint

    @classmethod
    def parse(cls, body: bytes) -> "Submission":
        """Read the body of an `add-checkpoint`. Raises SubmissionMalformed on any deviation."""
        head, blank, note = body.partition(b"\n\n")
        try:
            first, *lines = head.decode("ascii").split("\n")
            old = _OLD.fullmatch(first)
            if len(body) > MAX_SUBMISSION_BYTES or not blank or old is None or len(lines) > MAX_PROOF_LINES:
                raise SubmissionMalformed("old size, at most 63 proof lines, an empty line, a checkpoint")
            proof = tuple(parse_hash(line) for line in lines)
            parsed = Note.parse(note)
            checkpoint = Checkpoint.parse(parsed.text)
        except (UnicodeDecodeError, NoteInvalid) as error:
            raise SubmissionMalformed("not a submission to a witness", reason=str(error)) from None
        return cls(int(old[1]), proof, parsed, checkpoint)


@dataclass(frozen=True, slots=True)
class Cosigned:
    """What is answered to a submission. `new`: the checkpoint was not cosigned here before."""

    line: str
    new: bool


@dataclass(frozen=True, slots=True)
class WitnessDesk:
    """Where logs hand in their checkpoints. `logs`: which origins are known here, and by which keys."""

    database: Database
    clock: Clock
    cosigner: Cosigner
    logs: Mapping[str, Sequence[VerifierKey]]

    @property
    def vkey(self) -> VerifierKey:
        """What the witness is known by."""
        return self.cosigner.vkey

    async def add_checkpoint(self, body: bytes) -> str:
        """Cosign a checkpoint that extends the last one; returns the signature line. Raises as `cosign`."""
        return (await self.cosign(body)).line

    async def cosign(self, body: bytes) -> Cosigned:
        """Cosign a checkpoint that extends the last one.

        The one that was cosigned last gets the same cosignature again, and nothing is written: whoever reads
        it can hand it in as often as they like.

        Raises SubmissionMalformed (400), LogNotWitnessed (404), CheckpointUntrusted (403), WitnessAhead
        (409) for another old size, and ProofInvalid (422), also for another root at the same size.
        """
        said = Submission.parse(body)
        head = said.checkpoint
        keys = self.logs.get(head.origin)
        if keys is None:
            raise LogNotWitnessed("this witness does not know the log", origin=head.origin)
        own = _own_lines(said.note, keys)
        async with self.database.read() as s:
            row = await s.get(WitnessedRow, origin_hash(head.origin))
        if row is not None and (line := self._again(row, said, own)) is not None:
            return Cosigned(line, new=False)
        try:
            own.verify(keys)
        except NoteInvalid as error:
            raise CheckpointUntrusted(error.detail, origin=head.origin) from None
        if said.old > head.size:
            raise SubmissionMalformed("the old size is larger than the checkpoint's")
        async with self.database.write() as s:
            row = await _locked(s, head.origin)
            require_extends(row, said)
            at_s = max(int(self.clock.now().timestamp()), row.cosigned_at_s)
            cosignature = self.cosigner.cosign(own.text, at_s)
            seen = None if row.note is None else kept_note(row.note)
            before = seen.only(keys).signatures if seen is not None and seen.text == own.text else ()
            kept = _readable(Note(own.text, (*before, *own.signatures, cosignature)).sound(()))
            done = await s.exec(
                update(WitnessedRow)
                .where(
                    col(WitnessedRow.origin_sha256) == row.origin_sha256,
                    col(WitnessedRow.size) == said.old,
                )
                .values(size=head.size, root=head.root.hex(), note=bytes(kept).decode(), cosigned_at_s=at_s)
            )
            assert done.rowcount == 1  # the row is ours until the commit
        return Cosigned(cosignature.line(), new=True)

    def _again(self, row: WitnessedRow, said: Submission, own: Note) -> str | None:
        """Our line under this very checkpoint with these very lines of its log, if that was the last one."""
        seen = None if row.note is None else kept_note(row.note)
        if seen is None or said.old != row.size or said.proof or seen.text != own.text:
            return None
        if not own.signatures or not set(own.signatures) <= set(seen.signatures):
            return None
        ours = seen.only([self.vkey]).signatures
        return ours[0].line() if ours else None

    async def kept(self, origin_sha256: str) -> bytes:
        """The newest checkpoint cosigned of a log, signed by the log and by this witness. Raises NotFound."""
        async with self.database.read() as s:
            row = await s.get(WitnessedRow, origin_sha256)
        if row is None or row.note is None:
            raise NotFound("no checkpoint of such a log was cosigned here")
        return row.note.encode()


def _own_lines(note: Note, keys: Sequence[VerifierKey]) -> Note:
    """The note with the log's own lines alone. Raises SubmissionMalformed where one key has several.

    Nobody but a stranger repeats a line: each would be verified, and kept for all who read the note.
    """
    places = {(key.name, key.key_id) for key in keys}
    own = Note(note.text, tuple(one for one in note.signatures if one.place in places))
    if len(own.signatures) != len({one.place for one in own.signatures}):
        raise SubmissionMalformed("a key of the log signs twice")
    return own


def _readable(note: Note) -> Note:
    """The note that is to be kept, if others can read it. Raises SubmissionMalformed."""
    if kept_note(bytes(note).decode()) != note:
        raise SubmissionMalformed("the checkpoint has no room for a cosignature")
    return note


def require_extends(row: WitnessedRow, said: Submission) -> None:
    """What was cosigned last leads to what is handed in. Raises WitnessAhead, ProofInvalid."""
    head = said.checkpoint
    if said.old != row.size:
        raise WitnessAhead("another size was cosigned last", size=row.size)
    if head.size == 0 and head.root != EMPTY_ROOT:
        raise ProofInvalid("the root of an empty tree is the hash of nothing")
    if said.old == head.size and row.root != head.root.hex():
        raise ProofInvalid("another root was cosigned at this size")
    if said.old == 0:
        if said.proof:
            raise ProofInvalid("from the empty tree the proof is empty")
        return
    verify_consistency(said.old, head.size, bytes.fromhex(row.root), head.root, said.proof)


async def witnessed(s: ReadSession) -> Sequence[WitnessedRow]:
    """The logs of which this node has cosigned something, by name."""
    query = select(WitnessedRow).where(col(WitnessedRow.note).is_not(None)).order_by(col(WitnessedRow.origin))
    return (await s.exec(query)).all()


def by_origin(logs: Iterable[Log]) -> dict[str, list[VerifierKey]]:
    """The keys of each origin: a log that changes its key has several for a while."""
    found: dict[str, list[VerifierKey]] = {}
    for log in logs:
        found.setdefault(log.vkey.name, []).append(log.vkey)
    return found


async def _locked(s: WriteSession, origin: str) -> WitnessedRow:
    """The log's row, made when it is not there, held until the transaction ends."""
    connection = await s.connection()
    upsert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    empty = {
        "origin_sha256": origin_hash(origin),
        "origin": origin,
        "size": 0,
        "root": EMPTY_ROOT.hex(),
        "cosigned_at_s": 0,
        "recorded_size": 0,
    }
    await connection.execute(upsert(WitnessedRow).values(empty).on_conflict_do_nothing())
    return (await s.exec(exclusive_lock(select(WitnessedRow).where(WitnessedRow.origin == origin)))).one()
