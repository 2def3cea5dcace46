"""An entry's proof, recomputed here step by step: each step with the values it compares.

The page is ours, so a doubter downloads the receipt and checks it elsewhere; what is shown here is what
such a check would find. Nothing is asked that could be recomputed.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from base.db import ReadSession
from base.errors import DomainError
from base.signing import parse_envelope, pre_authentication
from identity.repository import RegisteredKey, get_key
from ledger import reader
from ledger.checkpoint import OpenedCheckpoint, VerifierKey, open_checkpoint
from ledger.reader import Entry
from ledger.statement import NO_PREVIOUS
from ledger.suites import signature_holds
from ledger.tree import leaf_hash, root_from_inclusion
from web.pages.languages import N_

Answer = TypeVar("Answer")
CONTENT: Final = N_("The entry's bytes give the hash in the tree")
LINK: Final = N_("The entry names the hash of the one before it")
SIGNATURE: Final = N_("The signature over the statement holds")
INCLUSION: Final = N_("The path from the entry leads to the checkpoint's root")
CHECKPOINT: Final = N_("The log's key signed the checkpoint")


@dataclass(frozen=True, slots=True)
class Check:
    """One step of a proof: what it says, whether it holds, and the values (label, value)."""

    says: str
    holds: bool
    values: tuple[tuple[str, str], ...]
    who: str | None = None  # the organisation whose key it is


@dataclass(frozen=True, slots=True)
class Under:
    """A published checkpoint over an entry, the path to its root, and the keys that may have signed it."""

    note: bytes
    size: int
    path: Sequence[bytes]
    keys: Sequence[VerifierKey]


@dataclass(frozen=True, slots=True)
class Proof:
    """All steps for one entry; `size` is that of the checkpoint it stands under, None while none holds it."""

    checks: tuple[Check, ...]
    size: int | None

    @property
    def holds(self) -> bool:
        return self.size is not None and all(check.holds for check in self.checks)


async def prove_present(s: ReadSession, entry: Entry, vkey: VerifierKey) -> Proof:
    """Recompute everything that is said of an entry of the present log."""
    before = await reader.entry(s, seq=entry.seq - 1) if entry.seq else None
    newest = await reader.checkpoint_over(s, seq=entry.seq)
    if newest is None:
        return await prove(s, entry, before, None)
    path = await reader.proof(s, seq=entry.seq, size=newest.size)
    return await prove(s, entry, before, Under(newest.note.encode(), newest.size, path, [vkey]))


async def prove(s: ReadSession, entry: Entry, before: Entry | None, under: Under | None) -> Proof:
    """Recompute everything that is said of an entry, by the one before it and a checkpoint over it."""
    checks = [_content(entry), _link(entry, before), *await _signatures(s, entry)]
    if under is None:
        return Proof(tuple(checks), None)
    opened = _tried(lambda: open_checkpoint(under.note, under.keys))
    root = None if opened is None else opened.checkpoint.root
    checks += [_inclusion(entry, under.path, under.size, root), _checkpoint(opened, under)]
    return Proof(tuple(checks), under.size)


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
