"""Access keys: what a buyer's data tools carry, because they can neither sign in nor declare a purpose.

A key exercises one right for one purpose and one recipient, said when it was issued. Its secret is
derived from the node's master key and the key's id, so none is kept anywhere; it ends with the right, at its
own end, or when it is revoked.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import col, select

from base.clock import rfc3339
from base.db import ReadSession, WriteSession, exclusive_lock, share_lock
from base.errors import Malformed
from base.ids import is_id
from base.signing import sealing_part
from ledger.recording import EXCHANGE_ROLE, Act, record
from ledger.statement import Draft
from market.delivery import repository
from market.delivery.access import Declared, require_permitted, require_receiving
from market.delivery.errors import AccessKeyRefused, AccessKeyUnknown, TooManyAccessKeys
from market.delivery.tables import AccessKey

MAX_DAYS: Final = 366
MAX_LIVE: Final = 20
_SCHEME: Final = "dbk"
_DERIVED: Final = b"databourse/access-key/1/"


def token_of(master: bytes, key_id: str) -> str:
    """What a tool carries for a key: `dbk_<key id>_<secret>`, the same whenever it is asked for."""
    return f"{_SCHEME}_{key_id}_{_secret(master, key_id)}"


def _secret(master: bytes, key_id: str) -> str:
    return hmac.new(sealing_part(master), _DERIVED + key_id.encode(), hashlib.sha256).hexdigest()


async def issue_key(
    s: WriteSession, act: Act, *, entitlement_id: str, declared: Declared, days: int
) -> AccessKey:
    """Issue a key to a right (DLV.ISSUE_KEY): the act of its buyer, or of a recipient the contract names.

    `days` from now, at most to the right's end. Raises EntitlementUnknown, what `require_usable` and
    `require_permitted` raise, TooManyAccessKeys, and Malformed for a term out of bounds.
    """
    if not 1 <= days <= MAX_DAYS:
        raise Malformed(f"a key lives 1 to {MAX_DAYS} days", member="days")
    by = act.actor.org_id
    trade, entitlement = await repository.claim(s, entitlement_id=entitlement_id, moves_trade=False)
    await require_receiving(s, trade, entitlement, org_id=by, now=act.now)
    told = await require_permitted(s, entitlement, declared, by=by, now=act.now, count=1)
    live = [key for key in await keys_of(s, entitlement_id=entitlement_id) if lives(key, act.now)]
    if len(live) >= MAX_LIVE:
        raise TooManyAccessKeys("revoke one first", live=len(live), limit=MAX_LIVE)
    key = AccessKey(
        key_id=act.new_id("key"),
        entitlement_id=entitlement_id,
        org_id=by,
        purpose=told.purpose,
        recipient=told.recipient,
        issued_at=act.occurred_at,
        expires_at=min(act.occurred_at + timedelta(days=days), entitlement.expires_at),
    )
    s.add(key)
    recorded = await record(
        s,
        act,
        Draft(
            "DLV.ISSUE_KEY",
            trade.trade_id,
            public={
                "trade_id": trade.trade_id,
                "entitlement_id": entitlement_id,
                "key_id": key.key_id,
                "org_id": by,
                "expires_at": rfc3339(key.expires_at),
            },
            opening={"purpose": told.purpose, "recipient": told.recipient},
        ),
    )
    key.statement_id = recorded.statement_id
    s.add(key)
    await s.flush()
    return key


async def revoke_key(s: WriteSession, act: Act, *, key_id: str, order_id: str | None = None) -> AccessKey:
    """End a key (DLV.REVOKE_KEY): whoever it was issued to, or by an order the exchange; it stays so.

    Raises AccessKeyUnknown, also for another's key.
    """
    query = select(AccessKey).where(AccessKey.key_id == key_id)
    key = (await s.exec(exclusive_lock(query), execution_options={"populate_existing": True})).first()
    ordered = order_id is not None and act.role == EXCHANGE_ROLE
    if key is None or (key.org_id != act.actor.org_id and not ordered):
        raise AccessKeyUnknown("no such access key", key_id=key_id)
    if key.revoked_at is not None:
        return key
    entitlement = await repository.get_entitlement(s, entitlement_id=key.entitlement_id)
    key.revoked_at = act.occurred_at
    s.add(key)
    await record(
        s,
        act,
        Draft(
            "DLV.REVOKE_KEY",
            entitlement.trade_id,
            public={
                "trade_id": entitlement.trade_id,
                "entitlement_id": key.entitlement_id,
                "key_id": key_id,
                "org_id": key.org_id,
            }
            | ({"order_id": order_id} if order_id else {}),
        ),
    )
    await s.flush()
    return key


async def key_of(s: ReadSession, *, master: bytes, token: str, now: datetime) -> AccessKey:
    """The live key that a token is for, whatever its right. Raises AccessKeyRefused.

    The secret is compared in constant time before anything is looked up.
    """
    scheme, _, rest = token[:200].partition("_")
    key_id, _, secret = rest.rpartition("_")
    genuine = hmac.compare_digest(secret.encode(), _secret(master, key_id).encode())
    if scheme != _SCHEME or not genuine or not is_id(key_id, "key"):
        raise AccessKeyRefused("no such access key")
    key = await s.get(AccessKey, key_id, populate_existing=True)
    if key is None or not lives(key, now):
        raise AccessKeyRefused("no such access key")
    return key


async def hold_key(s: WriteSession, *, key_id: str, now: datetime) -> AccessKey:
    """A key that lives, share-locked against its end while a use is counted. Raises AccessKeyRefused."""
    query = share_lock(select(AccessKey).where(AccessKey.key_id == key_id))
    key = (await s.exec(query, execution_options={"populate_existing": True})).first()
    if key is None or not lives(key, now):
        raise AccessKeyRefused("no such access key")
    return key


def lives(key: AccessKey, now: datetime) -> bool:
    """Whether a key opens anything at this moment, as far as the key goes."""
    return key.revoked_at is None and now < key.expires_at


async def keys_of(s: ReadSession, *, entitlement_id: str, org_id: str | None = None) -> Sequence[AccessKey]:
    """The keys of a right, newest first; one organisation's own where it is named."""
    query = select(AccessKey).where(AccessKey.entitlement_id == entitlement_id)
    if org_id is not None:
        query = query.where(AccessKey.org_id == org_id)
    return (await s.exec(query.order_by(col(AccessKey.key_id).desc()).limit(200))).all()


async def get_live_key(s: ReadSession, *, key_id: str, org_id: str, now: datetime) -> AccessKey:
    """One key that opens something, for whom it was issued to. Raises AccessKeyUnknown."""
    key = await get_key(s, key_id=key_id, org_id=org_id)
    if not lives(key, now):
        raise AccessKeyUnknown("this access key has ended: issue another one", key_id=key_id)
    return key


async def get_key(s: ReadSession, *, key_id: str, org_id: str) -> AccessKey:
    """One key, for whom it was issued to. Raises AccessKeyUnknown."""
    key = await s.get(AccessKey, key_id, populate_existing=True)
    if key is None or key.org_id != org_id:
        raise AccessKeyUnknown("no such access key", key_id=key_id)
    return key


def declared_by(key: AccessKey) -> Declared:
    """What every access with this key is for, and for whom."""
    return Declared(key.purpose, key.recipient)
