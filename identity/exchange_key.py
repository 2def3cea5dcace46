"""The exchange's own statement key, and how the next one takes over.

`rotate_exchange_key` registers the next one, signed by both; from then on both may sign, so that running
processes go on until they are started again. `retire_exchange_key` ends the old one. The pen looks its
key up under the locks of each transaction: nothing is signed with it after its end.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlmodel import col, update

from base.db import ReadSession, WriteSession
from base.errors import Conflict
from base.rows import Asked, Row, Select
from base.signing import Envelope, SigningKey, sign_envelope
from identity.errors import KeyRegisteredBefore, KeyRevoked
from identity.repository import (
    RegisteredKey,
    claim_key,
    get_key,
    list_keys,
    node_key_status,
    registered_key,
    role_names,
    roles_text,
)
from identity.rules import Custody, KeyStatus, RevocationReason, Role
from identity.service import insert
from identity.tables import KeyRow
from ledger.recording import Act, Actor, ExchangePen, record
from ledger.statement import PAYLOAD_TYPE, Built, Draft
from ledger.suites import ED25519_SHA256

OPERATOR_ROLES: Final = frozenset({Role.EXCHANGE_OPERATOR})
_ASKED: Final = "identity.node_key"
_STANDING: Final = Select(KeyRow, "status", key="keyid", when=f"custody = '{Custody.NODE}'", lock="FOR SHARE")


@dataclass(frozen=True, slots=True)
class NodePen(ExchangePen):
    """The exchange's pen on a founded node: it signs while its key is registered and not revoked."""

    async def ready(self, s: WriteSession) -> None:
        """Share-lock the key's row, once a transaction. Raises KeyRevoked."""
        begun = s.sync_session.get_nested_transaction() or s.sync_session.get_transaction()
        if s.info.get(_ASKED) == (self.key.keyid, begun):
            return
        if await node_key_status(s, keyid=self.key.keyid) is not KeyStatus.ACTIVE:
            raise KeyRevoked("the exchange's key is not in force any more", keyid=self.key.keyid)
        s.info[_ASKED] = self.key.keyid, begun

    def asks(self) -> Asked:
        """Its row, share-locked."""
        return {_STANDING: [self.key.keyid]}

    def hears(self, found: Sequence[Sequence[Row]]) -> None:
        """Raises KeyRevoked."""
        if [tuple(row) for rows in found for row in rows] != [(KeyStatus.ACTIVE,)]:
            raise KeyRevoked("the exchange's key is not in force any more", keyid=self.key.keyid)


@dataclass(frozen=True, slots=True)
class _BothPens:
    """Signs a registration with the new key and with the present one."""

    new: SigningKey
    present: ExchangePen
    custodial: bool = False

    async def sign(self, s: WriteSession, actor: Actor, role: str, built: Built) -> Envelope:
        del actor, role
        await self.present.ready(s)
        return sign_envelope(PAYLOAD_TYPE, built.payload, self.new, self.present.key)


async def node_keys(s: ReadSession, *, operator_id: str) -> list[RegisteredKey]:
    """The exchange's own keys, newest first, the retired ones among them."""
    return [key for key in await list_keys(s, org_id=operator_id) if key.custody is Custody.NODE]


async def rotate_exchange_key(s: WriteSession, act: Act, *, new: SigningKey) -> RegisteredKey:
    """Register the exchange's next key (KEY.REGISTER by new and old), beside the present one.

    Once registered, doing it again changes nothing. Raises KeyRegisteredBefore for a key that was revoked
    or is another's.
    """
    before = await get_key(s, keyid=new.keyid)
    if before is not None:
        if (before.custody, before.status) == (Custody.NODE, KeyStatus.ACTIVE):
            return before
        raise KeyRegisteredBefore("this key has been registered before", keyid=new.keyid)
    row = KeyRow(
        key_id=act.new_id("key"),
        org_id=act.actor.org_id,
        keyid=new.keyid,
        public_key=new.public,
        custody=Custody.NODE,
        roles=roles_text(OPERATOR_ROLES),
        registered_at=act.now,
    )
    await insert(s, row, KeyRegisteredBefore("this key has been registered before", keyid=new.keyid))
    draft = Draft(
        "KEY.REGISTER",
        row.key_id,
        public={
            "org_id": row.org_id,
            "roles": role_names(OPERATOR_ROLES),
            "suite": ED25519_SHA256.name,
            "custody": Custody.SELF_HELD.value,
            "keyid": new.keyid,
            "public_key": base64.b64encode(new.public).decode(),
        },
        after=KeyStatus.ACTIVE.value,
    )
    await record(s, replace(act, pen=_BothPens(new, act.exchange.pen)), draft)
    return registered_key(row)


async def retire_exchange_key(
    s: WriteSession, act: Act, *, key_id: str, reason: RevocationReason
) -> RegisteredKey:
    """Revoke a key of the exchange's own (KEY.REVOKE), signed by the one that took over.

    Raises Conflict when it is the key that signs now, or was revoked before.
    """
    row = await claim_key(s, key_id=key_id)
    if row is None or row.custody is not Custody.NODE or row.status is not KeyStatus.ACTIVE:
        raise Conflict("no key of the exchange's own that is in force", key_id=key_id)
    if row.keyid == act.exchange.pen.key.keyid:
        raise Conflict("the exchange signs with this key: register the next one first", key_id=key_id)
    key = registered_key(row)
    public = {"org_id": key.org_id, "keyid": key.keyid, "reason": reason.value}
    active, revoked = KeyStatus.ACTIVE.value, KeyStatus.REVOKED.value
    await record(s, act, Draft("KEY.REVOKE", key_id, public=public, before=active, after=revoked))
    await s.exec(
        update(KeyRow)
        .where(col(KeyRow.key_id) == key_id, col(KeyRow.status) == KeyStatus.ACTIVE)
        .values(status=KeyStatus.REVOKED, revoked_at=act.now, revoked_by=act.actor.org_id)
    )
    return replace(key, status=KeyStatus.REVOKED, revoked_at=act.now, revoked_by=act.actor.org_id)
