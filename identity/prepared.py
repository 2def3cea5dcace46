"""Acts that wait for a signature made elsewhere: prepare, sign, submit.

`carry_out` plays an act. Where a self-held key has to sign, nothing of it stays but a prepared row
with the exact bytes; `submit` plays it again from the same seed and time, at receipt, under the same
locks and rules, and takes the signature only if the very same bytes come out.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, TypeVar

import orjson
from sqlmodel import col, update

from base.canonical import canonical, sha256_hex
from base.clock import rfc3339
from base.db import ReadSession, WriteSession
from base.errors import Forbidden, Malformed
from base.ids import Seed
from base.signing import Envelope
from identity.errors import PreparedExpired, PreparedUnknown, PreparedUsed
from identity.pens import PreparingPen, SignaturesWanted, SubmittedPen, pen_for
from identity.repository import get_prepared_row
from identity.rules import PREPARED_TTL, has_expired
from identity.safe import Safe
from identity.tables import PreparedRow
from ledger.acts import House, Once, Verb, perform
from ledger.recording import Act, Actor, SignatureWanted
from ledger.statement import PAYLOAD_TYPE

MAX_DOCUMENTS_BYTES: Final = 1024 * 1024
Result = TypeVar("Result")
Lookup = Callable[[str, Mapping[str, Any]], Verb[Any]]
"""From an act's name and arguments to the verb that carries it out."""


@dataclass(frozen=True, slots=True)
class Document:
    """A text that the statement digests: shown to the signer, who computes the digest again."""

    name: str
    media_type: str
    content: bytes = field(repr=False)

    def document(self) -> dict[str, str]:
        return {
            "name": self.name,
            "media_type": self.media_type,
            "sha256": sha256_hex(self.content),
            "content": base64.b64encode(self.content).decode(),
        }


@dataclass(frozen=True, slots=True)
class Call:
    """One act of one person: who, in which role, which act with which arguments, about what.

    `args` are JSON (amounts as safe integers or text); the same name and arguments lead to the same
    verb at submission. `attempted` is the event the act would state, `object_id` what it is about.
    """

    actor: Actor
    role: str
    act_name: str
    args: Mapping[str, Any]
    attempted: str
    object_id: str
    documents: Sequence[Document] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is to be signed, and by which keys. `document` is the form `databourse sign` reads."""

    prepared_id: str
    payload: bytes
    opening: bytes | None
    documents: list[dict[str, str]]
    signers: tuple[str, ...]
    expires_at: datetime

    def document(self) -> dict[str, Any]:
        """The JSON form: payload base64, opening as its very text, times RFC 3339."""
        return {
            "prepared_id": self.prepared_id,
            "payload_type": PAYLOAD_TYPE,
            "payload": base64.b64encode(self.payload).decode(),
            "opening": None if self.opening is None else self.opening.decode(),
            "documents": self.documents,
            "signers": list(self.signers),
            "expires_at": rfc3339(self.expires_at),
        }


async def carry_out(
    house: House, safe: Safe, call: Call, verb: Verb[Result], *, once: Once | None = None
) -> Result | Prepared:
    """Carry an act out at once, or prepare it where a self-held key has to sign; says which by its type.

    A custodial key signs here (StepUpNeeded where the person has to prove himself or herself first).
    Otherwise the transaction is rolled back as a whole and only what is to be signed is kept. Raises
    Forbidden for a role the actor lacks, and what the verb raises; refusals are recorded either way.
    """
    _require_role(call.actor, call.role)
    async with house.database.read() as s:
        pen = await pen_for(s, safe, actor=call.actor, role=call.role, now=house.clock.now())
    act = house.act(call.actor, call.role, pen)
    try:
        return await perform(house, act, verb, attempted=call.attempted, object_id=call.object_id, once=once)
    except SignatureWanted as wanted:
        prepared = _prepared(call, act, wanted)
    async with house.database.write() as s:
        s.add(_row(prepared, call, act, safe))
        await s.flush()
        if once is not None:
            await once.after(s, prepared)
    return prepared


async def submit(
    house: House,
    safe: Safe,
    *,
    prepared_id: str,
    envelope: Envelope,
    lookup: Lookup,
    actor: Actor,
    once: Once | None = None,
) -> Any:
    """Carry out a prepared act with the signature that was made for it; answers what its verb answers.

    State, rights and deadlines are checked again at receipt, under the same locks; the act keeps the
    time at which it was prepared. Raises PreparedUnknown (also for somebody else's), PreparedUsed,
    PreparedExpired, PreparedChanged, SignatureInvalid, KeyRevoked, KeyRoleMismatch, and what the verb
    raises; after a refusal the act may be submitted again until it expires.
    """
    async with house.database.read() as s:
        row = await get_prepared_row(s, prepared_id=prepared_id)
    if row is None or (row.org_id, row.user_id) != (actor.org_id, actor.user_id):
        raise PreparedUnknown("no such prepared act", prepared_id=prepared_id)
    _require_role(actor, row.role)

    async def replay(s: WriteSession, outer: Act) -> Any:
        await _claim(s, row, outer.now)
        seed = safe.open_seed(prepared_id=prepared_id, sealed=row.sealed_seed)
        pen = SubmittedPen(envelope, row.payload)
        act = replace(outer, occurred_at=row.occurred_at, seed=seed, pen=pen)
        return await lookup(row.act_name, orjson.loads(row.args))(s, act)

    # A refusal is stated with the outer act: at the time of receipt, with ids of its own.
    outer = house.act(actor, row.role, PreparingPen(None))
    return await perform(house, outer, replay, attempted=row.attempted, object_id=row.object_id, once=once)


async def get_prepared(s: ReadSession, *, prepared_id: str, actor: Actor) -> Prepared:
    """A prepared act of the actor's that is still to be signed. Raises PreparedUnknown."""
    row = await get_prepared_row(s, prepared_id=prepared_id)
    if row is None or (row.org_id, row.user_id) != (actor.org_id, actor.user_id) or row.used_at is not None:
        raise PreparedUnknown("no such prepared act", prepared_id=prepared_id)
    return Prepared(
        prepared_id=row.prepared_id,
        payload=row.payload,
        opening=row.opening,
        documents=orjson.loads(row.documents),
        signers=tuple(orjson.loads(row.signers)),
        expires_at=row.expires_at,
    )


async def _claim(s: WriteSession, row: PreparedRow, now: datetime) -> None:
    """Use a prepared act, once; what it kept for its signer goes with it."""
    claim = (
        update(PreparedRow)
        .where(col(PreparedRow.prepared_id) == row.prepared_id, col(PreparedRow.used_at).is_(None))
        .values(used_at=now, sealed_seed=b"", args=b"", opening=None, documents=b"[]")
    )
    if (await s.exec(claim)).rowcount == 0:
        raise PreparedUsed("this prepared act was submitted before", prepared_id=row.prepared_id)
    if has_expired(row.expires_at, now):
        raise PreparedExpired(
            "the prepared act has expired", prepared_id=row.prepared_id, expired_at=rfc3339(row.expires_at)
        )


def _prepared(call: Call, act: Act, wanted: SignatureWanted) -> Prepared:
    if sum(len(document.content) for document in call.documents) > MAX_DOCUMENTS_BYTES:
        raise Malformed("the documents to be signed for are too large", limit=MAX_DOCUMENTS_BYTES)
    for document in call.documents:
        if sha256_hex(document.content).encode() not in wanted.built.payload:
            raise Malformed("the statement does not name this document's digest", document=document.name)
    return Prepared(
        prepared_id=Seed().new_id("pre", act.occurred_at),
        payload=wanted.built.payload,
        opening=wanted.built.opening,
        documents=[document.document() for document in call.documents],
        signers=wanted.keyids if isinstance(wanted, SignaturesWanted) else (),
        expires_at=act.occurred_at + PREPARED_TTL,
    )


def _row(prepared: Prepared, call: Call, act: Act, safe: Safe) -> PreparedRow:
    return PreparedRow(
        prepared_id=prepared.prepared_id,
        act_name=call.act_name,
        args=canonical(dict(call.args)),
        org_id=call.actor.org_id,
        user_id=call.actor.user_id,
        role=call.role,
        attempted=call.attempted,
        object_id=call.object_id,
        sealed_seed=safe.seal_seed(prepared_id=prepared.prepared_id, seed=act.seed),
        occurred_at=act.occurred_at,
        payload=prepared.payload,
        opening=prepared.opening,
        documents=canonical(prepared.documents),
        signers=canonical(list(prepared.signers)).decode(),
        expires_at=prepared.expires_at,
    )


def _require_role(actor: Actor, role: str) -> None:
    if role not in actor.roles:
        raise Forbidden("you do not act in this role", role=role, may=sorted(actor.roles))
