"""An entry's proof, recomputed here step by step: each step with the values it compares.

The page is ours, so a doubter downloads the receipt and checks it elsewhere; what is shown here is what
such a check would find. Nothing is asked that could be recomputed.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Final, TypeVar

from base.db import ReadSession
from base.errors import DomainError
from base.signing import parse_envelope, pre_authentication
from identity.repository import RegisteredKey, get_key
from ledger import reader, trail
from ledger.checkpoint import Checkpoint, Note, OpenedCheckpoint, VerifierKey, open_checkpoint
from ledger.errors import NoteInvalid
from ledger.reader import Entry
from ledger.statement import NO_PREVIOUS
from ledger.suites import signature_holds
from ledger.tree import leaf_hash, root_from_inclusion, verify_consistency
from web.pages.languages import N_
from web.pages.seeing import Seen

Answer = TypeVar("Answer")
CONTENT: Final = N_("The entry's bytes give the hash in the tree")
LINK: Final = N_("The entry names the hash of the one before it")
SIGNATURE: Final = N_("The signature over the statement holds")
INCLUSION: Final = N_("The path from the entry leads to the checkpoint's root")
ROOT: Final = N_("The log's entries up to there give the checkpoint's root")
CHECKPOINT: Final = N_("The log's key signed the checkpoint")
CONSISTENCY: Final = N_("The log still begins with the checkpoint that you saw last")
WITNESS: Final = N_("Witnesses have cosigned the checkpoint")
FIRST: Final = N_(
    "This browser has seen no checkpoint of this log before; it remembers this one from now on."
)
OTHER_KEY: Final = N_(
    "What you saw last was signed by another key: this is another log than then. Where the exchange has "
    "announced that it was founded anew, compare the key with the announced one; then have this browser "
    "forget what it remembers."
)
UNASKED: Final = N_("This log asks no witness.")
TOO_FEW: Final = N_("Too few of the log's witnesses have cosigned it so far.")
UNKNOWN_WITNESS: Final = N_("Nobody whom this log asks has cosigned it.")


@dataclass(frozen=True, slots=True)
class Check:
    """One step of a proof: what it says, whether it holds, and the values (label, value).

    `holds` is None for a step that could not be asked; `why` then says the reason, or why it does not hold.
    """

    says: str
    holds: bool | None
    values: tuple[tuple[str, str], ...]
    who: str | None = None  # the organisation whose key it is
    why: str = ""


@dataclass(frozen=True, slots=True)
class Under:
    """A published checkpoint over an entry, the path to its root, and the keys that may have signed it."""

    note: bytes
    size: int
    path: Sequence[bytes]
    keys: Sequence[VerifierKey]


@dataclass(frozen=True, slots=True)
class Proof:
    """All steps for one entry; `size` is that of the checkpoint it stands under, None while none holds it.

    `root` is the root of that checkpoint, where its signature holds.
    """

    checks: tuple[Check, ...]
    size: int | None
    root: bytes | None = None

    @property
    def holds(self) -> bool:
        return self.size is not None and all(check.holds is not False for check in self.checks)


@dataclass(frozen=True, slots=True)
class Trusted:
    """What a proof of the present log is held against: its key, its witnesses, what the reader saw last.

    `earlier` are the log's keys that signed before this one. `quorum` says of a note whether enough
    witnesses have cosigned it, None where none is asked.
    """

    vkey: VerifierKey
    witnesses: Sequence[VerifierKey] = ()
    earlier: Sequence[VerifierKey] = ()
    seen: Seen | None = None
    quorum: Callable[[bytes], bool | None] = lambda _: None


async def prove_present(s: ReadSession, entry: Entry, trusted: Trusted) -> Proof:
    """Recompute everything that is said of an entry of the present log."""
    before = await reader.entry(s, seq=entry.seq - 1) if entry.seq else None
    newest = await reader.checkpoint_over(s, seq=entry.seq)
    if newest is None:
        return await prove(s, entry, before, None)
    path = await reader.proof(s, seq=entry.seq, size=newest.size)
    under = Under(newest.note.encode(), newest.size, path, [trusted.vkey])
    proof = await prove(s, entry, before, under)
    more = [] if proof.root is None else [await grown(s, newest.size, proof.root, trusted)]
    return replace(proof, checks=(*proof.checks, *more, cosigned(under.note, trusted)))


async def prove(s: ReadSession, entry: Entry, before: Entry | None, under: Under | None) -> Proof:
    """Recompute everything that is said of an entry, by the one before it and a checkpoint over it."""
    checks = [_content(entry), _link(entry, before), *await _signatures(s, entry)]
    if under is None:
        return Proof(tuple(checks), None)
    opened = _tried(lambda: open_checkpoint(under.note, under.keys))
    root = None if opened is None else opened.checkpoint.root
    checks += [_inclusion(entry, under.path, under.size, root), _checkpoint(opened, under)]
    return Proof(tuple(checks), under.size, root)


async def grown(s: ReadSession, size: int, root: bytes, trusted: Trusted) -> Check:
    """Whether a tree of this size, and the one that the reader saw last, are one log."""
    seen = trusted.seen
    if seen is None:
        return Check(CONSISTENCY, None, (), why=FIRST)
    values: tuple[tuple[str, str], ...] = (
        (N_("size that you saw"), str(seen.size)),
        (N_("root that you saw"), seen.root.hex()),
    )
    if seen.key_id not in {key.key_id for key in (trusted.vkey, *trusted.earlier)}:
        return Check(CONSISTENCY, False, values, why=OTHER_KEY)
    return await consistent(s, CONSISTENCY, (seen.size, seen.root), (size, root), values)


async def consistent(
    s: ReadSession,
    says: str,
    one: tuple[int, bytes],
    other: tuple[int, bytes],
    values: tuple[tuple[str, str], ...] = (),
) -> Check:
    """Whether of two trees (size, root) of the present log the larger extends the smaller."""
    (old, old_root), (size, root) = sorted((one, other), key=itemgetter(0))
    try:
        proof = await trail.consistency(s, old=old, size=size)
        verify_consistency(old, size, old_root, root, proof)
    except DomainError:
        return Check(says, False, values)
    steps = tuple((str(number), step.hex()) for number, step in enumerate(proof, 1))
    return Check(says, True, (*values, *steps))


def cosigned(note: bytes, trusted: Trusted) -> Check:
    """Whether the log's witnesses have cosigned: every line of theirs holds, and there are enough."""
    if not trusted.witnesses:
        return Check(WITNESS, None, (), why=UNASKED)
    try:
        opened = open_checkpoint(note, [trusted.vkey, *trusted.witnesses])
    except NoteInvalid:
        return Check(WITNESS, False, tuple((N_("key"), str(key)) for key in trusted.witnesses))
    by = tuple((N_("witness"), found.key.name) for found in opened.cosigned)
    if not opened.cosigned:
        return Check(WITNESS, None, (), why=UNKNOWN_WITNESS)
    if trusted.quorum(note) is False:
        return Check(WITNESS, None, by, why=TOO_FEW)
    return Check(WITNESS, True, by)


async def check_note(s: ReadSession, note: bytes, trusted: Trusted) -> tuple[Checkpoint, list[Check]]:
    """A published checkpoint of the present log, step by step. Raises NoteInvalid for what is none."""
    told = Checkpoint.parse(Note.parse(note).text)
    under = Under(note, told.size, (), [trusted.vkey, *trusted.earlier])
    opened = _tried(lambda: open_checkpoint(note, under.keys))
    computed = await reader.root_after(s, seq=told.size - 1) if told.size else None
    same = Check(
        ROOT,
        computed == told.root,
        (
            (N_("recomputed root"), "–" if computed is None else computed.hex()),
            (N_("the checkpoint's root"), told.root.hex()),
        ),
    )
    checks = [same, _checkpoint(opened, under)]
    return told, [*checks, await grown(s, told.size, told.root, trusted), cosigned(note, trusted)]


def _content(entry: Entry) -> Check:
    computed = leaf_hash(entry.entry)
    return Check(
        CONTENT,
        computed == entry.leaf_hash,
        ((N_("recomputed"), computed.hex()), (N_("in the tree"), entry.leaf_hash.hex())),
    )


def _link(entry: Entry, before: Entry | None) -> Check:
    named = str(entry.document["prev"])
    computed = NO_PREVIOUS if before is None else leaf_hash(before.entry).hex()
    return Check(LINK, named == computed, ((N_("named"), named), (N_("recomputed"), computed)))


async def _signatures(s: ReadSession, entry: Entry) -> list[Check]:
    envelope = parse_envelope(entry.document["envelope"])
    message = pre_authentication(envelope.payload_type, envelope.payload)
    checks = []
    for signature in envelope.signatures:
        key: RegisteredKey | None = await get_key(s, keyid=signature.keyid)
        holds = key is not None and signature_holds(key.public, message, signature.sig)
        public = "–" if key is None else base64.b64encode(key.public).decode()
        checks.append(
            Check(
                SIGNATURE,
                holds,
                (
                    (N_("key"), signature.keyid),
                    (N_("public key"), public),
                    (N_("signature"), base64.b64encode(signature.sig).decode()),
                ),
                None if key is None else key.org_id,
            )
        )
    return checks


def _inclusion(entry: Entry, path: Sequence[bytes], size: int, root: bytes | None) -> Check:
    computed = _tried(lambda: root_from_inclusion(entry.seq, size, leaf_hash(entry.entry), path))
    steps = tuple((str(number), step.hex()) for number, step in enumerate(path, 1))
    return Check(
        INCLUSION,
        computed is not None and computed == root,
        (
            *steps,
            (N_("recomputed root"), "–" if computed is None else computed.hex()),
            (N_("the checkpoint's root"), "–" if root is None else root.hex()),
        ),
    )


def _checkpoint(opened: OpenedCheckpoint | None, under: Under) -> Check:
    return Check(
        CHECKPOINT,
        opened is not None and opened.checkpoint.size == under.size,
        ((N_("size"), str(under.size)), *((N_("key"), str(key)) for key in under.keys)),
    )


def _tried(question: Callable[[], Answer]) -> Answer | None:
    """What a question answers; None where it finds the evidence wrong."""
    try:
        return question()
    except DomainError:
        return None
