"""What signs for a party, under the locks of the transaction that records the statement.

Every pen looks its key up again with a share lock at the moment of signing, so that nothing is signed
after a revocation it should have seen. A signature that has to be made elsewhere is asked for by
raising `SignaturesWanted`; `identity.prepared` catches it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from sqlmodel import col, update

from base.db import ReadSession, WriteSession
from base.errors import StepUpNeeded
from base.signing import (
    Envelope,
    Signature,
    SigningKey,
    keyid_of,
    pre_authentication,
    sign_envelope,
)
from identity.errors import (
    KeyMissing,
    KeyRevoked,
    KeyRoleMismatch,
    PreparedChanged,
    SignatureElsewhere,
    SignatureInvalid,
)
from identity.repository import RegisteredKey, lock_key, parse_roles_text, party_keys, recent_step_up
from identity.rules import Custody, KeyStatus, wants_fresh_proof
from identity.safe import Safe
from identity.tables import KeyRow, StepUpRow
from ledger.recording import Actor, Pen, SignatureWanted
from ledger.statement import PAYLOAD_TYPE, Built
from ledger.suites import PrivateKey, signature_holds


class SignaturesWanted(SignatureWanted):
    """Which keys are asked to sign these bytes."""

    def __init__(self, built: Built, keyids: Sequence[str]) -> None:
        super().__init__(built)
        self.keyids = tuple(keyids)


class Proof(Protocol):
    """How a custodial key makes sure of the person behind the act."""

    async def spend(self, s: WriteSession, actor: Actor, event: str) -> None:
        """Raises StepUpNeeded without a proof good enough for this event."""


@dataclass(frozen=True, slots=True)
class StepUpProof:
    """The recorded step-ups: not older than five minutes at `now`, one of its own for graver acts."""

    now: datetime

    async def spend(self, s: WriteSession, actor: Actor, event: str) -> None:
        fresh = wants_fresh_proof(event)
        found = None
        if actor.user_id is not None:
            found = await recent_step_up(s, user_id=actor.user_id, now=self.now, unspent=fresh)
        if found is not None and fresh:
            claim = (
                update(StepUpRow)
                .where(col(StepUpRow.step_up_id) == found, col(StepUpRow.spent_at).is_(None))
                .values(spent_at=self.now)
            )
            if (await s.exec(claim)).rowcount == 0:
                found = None
        if found is None:
            raise StepUpNeeded("this act needs a fresh proof of the person", event=event, single_use=fresh)


@runtime_checkable
class PartyPen(Pen, Protocol):
    """A pen that can also fetch signatures of named keys that are held outside the exchange."""

    async def outside(self, s: WriteSession, built: Built, publics: Sequence[bytes]) -> tuple[Signature, ...]:
        """One valid signature for each raw public key, in the order asked for."""


@dataclass(frozen=True, slots=True)
class CustodialPen:
    """Signs with a key that the exchange keeps for the party; what it signs says `custodial`."""

    keyid: str
    safe: Safe
    proof: Proof
    custodial: bool = True

    async def sign(self, s: WriteSession, actor: Actor, role: str, built: Built) -> Envelope:
        row = await usable_key(s, keyid=self.keyid, actor=actor, role=role, custody=Custody.CUSTODIAL)
        await self.proof.spend(s, actor, built.event)
        return sign_envelope(PAYLOAD_TYPE, built.payload, open_custodial(self.safe, row))

    async def outside(self, s: WriteSession, built: Built, publics: Sequence[bytes]) -> tuple[Signature, ...]:
        del s
        raise SignaturesWanted(built, [keyid_of(public) for public in publics])


@dataclass(frozen=True, slots=True)
class PreparingPen:
    """Makes sure that the party's key may sign, then asks for the signature. `keyid` None: it has no key."""

    keyid: str | None
    custodial: bool = False

    async def sign(self, s: WriteSession, actor: Actor, role: str, built: Built) -> Envelope:
        if self.keyid is None:
            raise KeyMissing(
                "the organisation has no key that this person can sign with", org_id=actor.org_id
            )
        await usable_key(s, keyid=self.keyid, actor=actor, role=role, custody=Custody.SELF_HELD)
        raise SignaturesWanted(built, [self.keyid])

    async def outside(self, s: WriteSession, built: Built, publics: Sequence[bytes]) -> tuple[Signature, ...]:
        del s
        raise SignaturesWanted(built, [keyid_of(public) for public in publics])


@dataclass(frozen=True, slots=True)
class SubmittedPen:
    """Brings the signatures that were made over the prepared bytes, and checks them all."""

    envelope: Envelope
    payload: bytes = field(repr=False)
    custodial: bool = False

    async def sign(self, s: WriteSession, actor: Actor, role: str, built: Built) -> Envelope:
        self._same(built)
        if len(self.envelope.signatures) != 1:
            raise SignatureInvalid(
                "exactly one signature is asked for", signatures=len(self.envelope.signatures)
            )
        keyid = self.envelope.signatures[0].keyid
        row = await usable_key(s, keyid=keyid, actor=actor, role=role, custody=Custody.SELF_HELD)
        return Envelope(PAYLOAD_TYPE, built.payload, (self._held(built, row.public_key),))

    async def outside(self, s: WriteSession, built: Built, publics: Sequence[bytes]) -> tuple[Signature, ...]:
        del s
        self._same(built)
        wanted = [keyid_of(public) for public in publics]
        if sorted(signature.keyid for signature in self.envelope.signatures) != sorted(wanted):
            raise SignatureInvalid("exactly these keys are asked to sign", keyids=wanted)
        return tuple(self._held(built, public) for public in publics)

    def _same(self, built: Built) -> None:
        if built.payload != self.payload:
            raise PreparedChanged("the statement would differ now from the one that was prepared")
        if self.envelope.payload != self.payload or self.envelope.payload_type != PAYLOAD_TYPE:
            raise SignatureInvalid("the envelope carries other bytes than the prepared ones")

    def _held(self, built: Built, public: bytes) -> Signature:
        keyid = keyid_of(public)
        message = pre_authentication(PAYLOAD_TYPE, built.payload)
        for signature in self.envelope.signatures:
            if signature.keyid == keyid and signature_holds(public, message, signature.sig):
                return signature
        raise SignatureInvalid("the signature is not this key's signature of the prepared bytes", keyid=keyid)


class HeldPen:
    """Self-held keys that live in this very process: the demo's and the tests' people.

    The first key signs; the others lend their signatures where a registration asks for them.
    """

    custodial = False

    def __init__(self, *keys: PrivateKey) -> None:
        self._keys = keys

    async def sign(self, s: WriteSession, actor: Actor, role: str, built: Built) -> Envelope:
        key = self._keys[0]
        await usable_key(s, keyid=key.keyid, actor=actor, role=role, custody=Custody.SELF_HELD)
        return sign_envelope(PAYLOAD_TYPE, built.payload, key)

    async def outside(self, s: WriteSession, built: Built, publics: Sequence[bytes]) -> tuple[Signature, ...]:
        del s
        held = {key.public: key for key in self._keys}
        if not held.keys() >= set(publics):
            raise SignatureElsewhere("a key that is asked to sign is not held here")
        message = pre_authentication(PAYLOAD_TYPE, built.payload)
        return tuple(Signature(held[p].keyid, held[p].sign(message)) for p in publics)


async def pen_for(
    s: ReadSession, safe: Safe, *, actor: Actor, role: str, now: datetime
) -> CustodialPen | PreparingPen:
    """The pen for a person's key: the exchange signs with a custodial one, asks for a self-held one.

    It prefers an active key that may speak in this role, the person's own before the organisation's.
    It refuses nothing itself: a revoked, unfit or missing key is refused, and so recorded, when it
    comes to signing.
    """
    keys = await party_keys(s, org_id=actor.org_id, user_id=actor.user_id)
    fit = [key for key in keys if key.status is KeyStatus.ACTIVE and role in key.roles]
    chosen: RegisteredKey | None = next(iter(fit or keys), None)
    if chosen is not None and chosen.custody is Custody.CUSTODIAL:
        return CustodialPen(chosen.keyid, safe, StepUpProof(now))
    return PreparingPen(None if chosen is None else chosen.keyid)


async def usable_key(
    s: WriteSession, *, keyid: str, actor: Actor, role: str, custody: Custody | None = None
) -> KeyRow:
    """The key's row, share-locked: active, of the actor's organisation, allowed to speak in this role.

    Raises SignatureInvalid, KeyRevoked or KeyRoleMismatch.
    """
    row = await lock_key(s, keyid=keyid)
    if row is None or row.org_id != actor.org_id or row.user_id not in {None, actor.user_id}:
        raise SignatureInvalid("not a key that this person can sign with", keyid=keyid)
    if row.custody is not custody and custody is not None:
        raise SignatureInvalid("the key is in other hands", keyid=keyid, custody=row.custody.value)
    if row.status is not KeyStatus.ACTIVE:
        raise KeyRevoked("the key has been revoked", keyid=keyid)
    if role not in parse_roles_text(row.roles):
        raise KeyRoleMismatch("the key may not speak in this role", keyid=keyid, role=role)
    return row


def open_custodial(safe: Safe, row: KeyRow) -> SigningKey:
    """The private half of a custodial key."""
    assert row.sealed_private is not None
    return safe.open_key(keyid=row.keyid, sealed=row.sealed_private)
