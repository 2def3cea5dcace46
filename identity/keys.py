"""Keys: registered with proof of possession, revoked once, both stated on the ledger.

A registration carries the signature of the new key first, and after it that of the key that vouches:
the organisation's present key, or the exchange's own for a first key and after a confirmed loss.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlmodel import col, update

from base.db import WriteSession
from base.errors import Conflict, Malformed, NotFound
from base.signing import Envelope, Signature, SigningKey, keyid_of, pre_authentication
from identity.errors import (
    KeyInUse,
    KeyLossUnconfirmed,
    KeyRegisteredBefore,
    KeyRoleMismatch,
    MemberNotActive,
    NotYourOrganisation,
    RolesBeyondGrantor,
    SignatureElsewhere,
)
from identity.pens import PartyPen, Proof, StepUpProof, open_custodial, usable_key
from identity.repository import (
    RegisteredKey,
    active_keys,
    claim_key,
    get_key,
    get_person,
    last_revoked_key,
    lock_organisation,
    registered_key,
    role_names,
    roles_text,
)
from identity.rules import (
    Custody,
    KeyStatus,
    OrganisationStatus,
    RevocationReason,
    Role,
    among,
    parse_roles,
)
from identity.safe import Safe
from identity.service import insert, is_operator
from identity.tables import KeyRow
from ledger.recording import Act, Actor, ExchangePen, Pen, record
from ledger.statement import PAYLOAD_TYPE, Built, Draft
from ledger.suites import parse_party_key, suite_of


@dataclass(frozen=True, slots=True)
class NewKey:
    """The key to be registered; `private` only when the exchange is to keep it."""

    public: bytes
    private: SigningKey | None


@dataclass(frozen=True, slots=True)
class RegistrationPen:
    """Gathers the two signatures of a registration.

    It never says `custodial` for the signer: in this statement `custody` is the new key's.
    """

    inner: Pen
    new: NewKey
    voucher: RegisteredKey | None  # None: the exchange vouches
    safe: Safe
    proof: Proof
    exchange: ExchangePen
    custodial: bool = False

    async def sign(self, s: WriteSession, actor: Actor, role: str, built: Built) -> Envelope:
        message = pre_authentication(PAYLOAD_TYPE, built.payload)
        made: dict[bytes, Signature] = {}
        elsewhere = [] if self.new.private is not None else [self.new.public]
        if self.new.private is not None:
            made[self.new.public] = _signature(self.new.private, message)
        if self.voucher is None:
            await self.exchange.ready(s)
            voucher = self.exchange.key.public
            made[voucher] = _signature(self.exchange.key, message)
            if actor.user_id is not None:
                await self.proof.spend(s, actor, built.event)
        else:
            voucher = self.voucher.public
            row = await usable_key(s, keyid=self.voucher.keyid, actor=actor, role=role)
            if self.voucher.custody is Custody.CUSTODIAL:
                await self.proof.spend(s, actor, built.event)
                made[voucher] = _signature(open_custodial(self.safe, row), message)
            else:
                elsewhere.append(voucher)
        if elsewhere:
            fetched = await _outside(self.inner).outside(s, built, elsewhere)
            made |= dict(zip(elsewhere, fetched, strict=True))
        return Envelope(PAYLOAD_TYPE, built.payload, (made[self.new.public], made[voucher]))


async def register_key(
    s: WriteSession,
    act: Act,
    *,
    safe: Safe,
    org_id: str,
    custody: str,
    public_key: str | None = None,
    roles: Iterable[str] | None = None,
    user_id: str | None = None,
) -> RegisteredKey:
    """Register a key of an organisation (KEY.REGISTER), by itself or by the operator for it.

    `self-held` brings `public_key` (base64 of its raw form, which tells its suite: `ledger.suites`) and
    is signed elsewhere; `custodial` is made here, an Ed25519 key, and rests sealed. `roles` default to
    all that the giver may hand on; `user_id` binds the key to one person. Where the exchange vouches (a
    first key), a person behind the act proves himself or herself afresh. Raises NotYourOrganisation,
    MemberNotActive, RolesBeyondGrantor, KeyRegisteredBefore, KeyInUse, KeyRoleMismatch,
    KeyLossUnconfirmed; Malformed for a bad key.
    """
    own = act.actor.org_id == org_id
    if not own and not is_operator(act):
        raise NotYourOrganisation("keys are registered by their organisation or the operator")
    organisation = await lock_organisation(s, org_id=org_id, alone=True)
    if organisation is None or organisation.status is not OrganisationStatus.ACTIVE:
        raise MemberNotActive("not an active member of the exchange", org_id=org_id)
    limit = among(organisation.roles, act.actor.roles) if own else organisation.roles
    given = limit if roles is None else parse_roles(roles)
    if not given or not given <= limit:
        raise RolesBeyondGrantor("roles beyond those of the giver", roles=role_names(given - limit))
    if user_id is not None:
        person = await get_person(s, user_id=user_id)
        if person is None or person.org_id != org_id or not person.active:
            raise NotYourOrganisation("the key's person does not act for this organisation")
    new = _new_key(act, custody=custody, public_key=public_key)
    keyid = keyid_of(new.public)
    if await get_key(s, keyid=keyid) is not None:
        raise KeyRegisteredBefore("this key has been registered before", keyid=keyid)
    voucher = await _voucher(s, act, own=own, org_id=org_id, given=given)
    row = KeyRow(
        key_id=act.new_id("key"),
        org_id=org_id,
        user_id=user_id,
        keyid=keyid,
        public_key=new.public,
        custody=Custody(custody),
        sealed_private=None if new.private is None else safe.seal_key(new.private),
        roles=roles_text(given),
        registered_at=act.now,
    )
    await insert(s, row, KeyRegisteredBefore("this key has been registered before", keyid=keyid))
    pen = RegistrationPen(act.pen, new, voucher, safe, StepUpProof(act.now), act.exchange.pen)
    await record(
        s,
        replace(act, pen=pen),
        Draft(
            "KEY.REGISTER",
            row.key_id,
            public={
                "org_id": org_id,
                "roles": role_names(given),
                "suite": suite_of(new.public).name,
                "custody": row.custody.value,
                "keyid": keyid,
                "public_key": base64.b64encode(new.public).decode(),
            },
            after=KeyStatus.ACTIVE.value,
        ),
    )
    return registered_key(row)


async def revoke_key(s: WriteSession, act: Act, *, key_id: str, reason: str) -> RegisteredKey:
    """Revoke a key for good (KEY.REVOKE), by its organisation or the operator.

    `reason` is `lost`, `compromised` or `superseded`. The row is locked against every act that would
    sign with it. A key may sign its own revocation. Raises NotFound for
    a key that is none of the actor's business, Conflict when it was revoked before.
    """
    try:
        why = RevocationReason(reason)
    except ValueError:
        raise Malformed("unknown reason", known=[known.value for known in RevocationReason]) from None
    row = await claim_key(s, key_id=key_id)
    if row is None or not (is_operator(act) or act.actor.org_id == row.org_id):
        raise NotFound("no such key", key_id=key_id)
    if row.custody is Custody.NODE:
        raise Conflict("the exchange's own key is rotated, never revoked alone", key_id=key_id)
    if row.status is not KeyStatus.ACTIVE:
        raise Conflict("the key was revoked before", key_id=key_id)
    key = registered_key(row)
    await record(
        s,
        act,
        Draft(
            "KEY.REVOKE",
            key_id,
            public={"org_id": key.org_id, "keyid": key.keyid, "reason": why.value},
            before=KeyStatus.ACTIVE.value,
            after=KeyStatus.REVOKED.value,
        ),
    )
    gone = {
        "status": KeyStatus.REVOKED,
        "revoked_at": act.now,
        "revoked_by": act.actor.org_id,
        "sealed_private": None,
    }
    await s.exec(
        update(KeyRow)
        .where(col(KeyRow.key_id) == key_id, col(KeyRow.status) == KeyStatus.ACTIVE)
        .values(**gone)
    )
    return replace(key, status=KeyStatus.REVOKED, revoked_at=act.now, revoked_by=act.actor.org_id)


async def _voucher(
    s: WriteSession, act: Act, *, own: bool, org_id: str, given: frozenset[Role]
) -> RegisteredKey | None:
    """The present key that has to sign for a new one; None when the exchange vouches."""
    live = await active_keys(s, org_id=org_id)
    if live:
        if not own:
            raise KeyInUse("the organisation's present key has to sign for a new one", org_id=org_id)
        usable = [key for key in live if key.user_id in {None, act.actor.user_id}]
        fit = [key for key in usable if given <= key.roles]
        if not fit:
            raise KeyRoleMismatch("no present key of yours has all these roles", roles=role_names(given))
        return fit[0]
    last = await last_revoked_key(s, org_id=org_id)
    if last is not None and last.revoked_by == org_id and not is_operator(act):
        raise KeyLossUnconfirmed("the operator has to register or revoke first", keyid=last.keyid)
    return None


def _new_key(act: Act, *, custody: str, public_key: str | None) -> NewKey:
    """A custodial key comes from the act's secret seed, so that a prepared registration can be replayed."""
    if custody == Custody.CUSTODIAL and public_key is None:
        private = SigningKey.from_bytes(bytes.fromhex(act.nonce()))
        return NewKey(private.public, private)
    if custody == Custody.SELF_HELD and public_key is not None:
        return NewKey(parse_party_key(public_key), None)
    raise Malformed(
        "a self-held key brings its public key, a custodial one is made here", custody=custody[:40]
    )


def _signature(key: SigningKey, message: bytes) -> Signature:
    return Signature(key.keyid, key.sign(message))


def _outside(pen: Pen) -> PartyPen:
    if not isinstance(pen, PartyPen):
        raise SignatureElsewhere("a self-held key signs its own registration: prepare and submit it")
    return pen
