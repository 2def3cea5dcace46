"""Whether this database is where the log stands: what others hold of us must be the beginning of it.

A checkpoint that our own key signed and that the database does not lead to means that the database was put
back. Going on from it would fork the log, so it is halted, for every process that writes it, until the
evidence is met: the halt stands in the database that must not be sealed, and goes when that is replaced.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog
from sqlmodel import col, select, update

from base.db import Database, ReadSession
from ledger.checkpoint import Checkpoint, OpenedCheckpoint, VerifierKey, open_checkpoint
from ledger.errors import LogForked, LogUnborn, NoteInvalid
from ledger.reader import TreeHead, tree_head
from ledger.sequencer import lock_log, root_at
from ledger.tables import CheckpointRow, TreeRow
from ledger.witness_circle import Answer, WitnessCircle

FILE: Final = "file"
_HALTED_CHARS: Final = 500
log = structlog.get_logger("witness")


async def require_prefix(s: ReadSession, head: TreeHead, seen: Checkpoint) -> None:
    """The sealed log begins with this checkpoint. Raises LogForked."""
    if seen.origin != head.origin or seen.size > head.size:
        raise LogForked("the published log is ahead", published=seen.size, database=head.size)
    if seen.size and await root_at(s, seen.size) != seen.root:
        raise LogForked("the published log is another", size=seen.size)


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """The log's own keys. `ended`: the size of the last tree that a retired one signs; the others sign on."""

    keys: Sequence[VerifierKey]
    ended: Mapping[VerifierKey, int] = field(default_factory=dict)

    def vouched(self, opened: OpenedCheckpoint) -> bool:
        """Whether one of the keys signed what it still signs at that size.

        A key that was retired has left our hands: whoever has it now says nothing of the trees after it.
        """
        size = opened.checkpoint.size
        return any(key not in self.ended or size <= self.ended[key] for key in opened.signed_by)


async def require_newest(
    database: Database, seen: Checkpoint | None, circle: WitnessCircle | None, own: OwnKeys
) -> list[Answer]:
    """Ask the published file (`seen`) and the witnesses whether the database may go on. Raises LogForked.

    Answers what the witnesses said.

    A witness that does not answer proves nothing, and stops nothing: but where the file is gone too, and
    something was published before, nobody can tell, and the node does not go on. A halt is lifted when
    whoever it names holds nothing any more that the database does not lead to.
    """
    async with database.read() as s:
        tree = await s.get(TreeRow, 1, populate_existing=True)
        if tree is None and seen is None:
            return []
        published = (await s.exec(select(CheckpointRow.size).limit(1))).first()
    if seen is not None:
        await require_known(database, seen, FILE)
    heard = {FILE} if seen is not None or published is None else set()
    answers: list[Answer] = []
    if circle is not None and tree is not None:
        answers = await circle.latest(tree.origin)
        for answer in answers:
            if await agrees(database, answer, own):
                heard.add(answer.witness.vkey.name)
        if not heard:
            raise LogForked("the published file is gone and no witness answers: is this database the newest?")
    if tree is not None and tree.halted is not None and tree.halted.partition(": ")[0] not in heard:
        raise LogForked(tree.halted)
    if tree is not None and tree.halted is not None:
        await _set_halted(database, None, was=tree.halted)
    return answers


async def agrees(database: Database, answer: Answer, own: OwnKeys) -> bool:
    """Whether a witness was heard, and holds nothing of us that is ahead or beside. Raises LogForked.

    Only what our own key signed, while it was one, is evidence: a witness cannot stop us by a word of its
    own, nor can a thief by a key that was retired.
    """
    if answer.evidence is None:
        return answer.problem is None
    try:
        theirs = open_checkpoint(answer.evidence, own.keys)
        if not own.vouched(theirs):
            raise NoteInvalid("signed by a key that was retired before", size=theirs.checkpoint.size)
    except NoteInvalid as error:
        log.warning("a witness shows what we did not sign", witness=answer.witness.name, reason=error.detail)
        return False
    await require_known(database, theirs.checkpoint, answer.witness.vkey.name)
    return answer.problem is None


async def require_known(database: Database, seen: Checkpoint, who: str) -> None:
    """The database leads to this checkpoint, or the log is halted. Raises LogForked."""
    try:
        async with database.read() as s:
            await require_prefix(s, await tree_head(s), seen)
    except LogForked as fork:
        facts = ", ".join(f"{name} {value}" for name, value in fork.facts.items())
        await _set_halted(database, f"{who}: {fork.detail} ({facts})"[:_HALTED_CHARS], was=None)
        raise


async def halted(s: ReadSession) -> str | None:
    """Why nothing is sealed, if nothing is. Raises LogUnborn."""
    tree = await s.get(TreeRow, 1, populate_existing=True)
    if tree is None:
        raise LogUnborn("there is no log in this database yet")
    return tree.halted


async def _set_halted(database: Database, why: str | None, *, was: str | None) -> None:
    async with database.write() as s:
        await lock_log(s)
        now = col(TreeRow.halted).is_(None) if was is None else col(TreeRow.halted) == was
        await s.exec(update(TreeRow).where(now).values(halted=why))
