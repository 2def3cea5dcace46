"""The founding of an exchange: entry 0 of its log, its operator, and the key it signs with."""

import base64
from dataclasses import dataclass

from base.clock import Clock
from base.db import ReadSession, WriteSession
from base.ids import Seed
from base.signing import SigningKey
from identity.errors import ExchangeFoundedOtherwise, ExchangeNotFounded
from identity.exchange_key import OPERATOR_ROLES, NodePen
from identity.repository import Founded, get_founded, get_key, roles_text
from identity.rules import Custody, KeyStatus
from identity.service import add_organisation, insert
from identity.tables import ExchangeRow, KeyRow
from ledger.recording import Actor, Exchange, ExchangePen, exchange_act, record
from ledger.statement import Draft


@dataclass(frozen=True, slots=True)
class Operator:
    """Who operates the exchange. `region` (GB/T 2260) is by default that of the credit code."""

    name: str
    uscc: str
    region: str | None = None
    controller_id: str | None = None


async def found_exchange(
    s: WriteSession, *, key: SigningKey, clock: Clock, origin: str, vkey: str, operator: Operator
) -> Exchange:
    """Found the exchange in an empty database, in the caller's one transaction; answers who it is.

    States LOG.GENESIS (the log's entry 0: origin, checkpoint vkey, the exchange's key) and the
    operator's ORG.ADMIT, both signed by `key`, the exchange's own. Founding it again with the same
    origin and vkey, and a key of the exchange, changes nothing. Raises ExchangeFoundedOtherwise.
    """
    founded = await get_founded(s)
    if founded is not None:
        if (founded.origin, founded.vkey) != (origin, vkey):
            raise ExchangeFoundedOtherwise("an exchange with another origin or vkey", origin=founded.origin)
        return await _same(s, founded, key)
    now = clock.now()
    operator_id = Seed().new_id("org", now)
    exchange = Exchange(_operator(operator_id), ExchangePen(key))  # its key is about to be registered
    act = exchange_act(exchange, clock)
    await record(
        s,
        act,
        Draft(
            "LOG.GENESIS",
            origin,
            public={
                "origin": origin,
                "vkey": vkey,
                "exchange_key": {
                    "keyid": key.keyid,
                    "public_key": base64.b64encode(key.public).decode(),
                },
                "operator_id": operator_id,
            },
        ),
    )
    await add_organisation(
        s,
        act,
        name=operator.name,
        uscc=operator.uscc,
        roles=OPERATOR_ROLES,
        region=operator.region,
        controller_id=operator.controller_id,
        is_ciio=False,
        org_id=operator_id,
    )
    otherwise = ExchangeFoundedOtherwise("the exchange was founded a moment ago")
    await insert(
        s,
        ExchangeRow(origin=origin, vkey=vkey, operator_id=operator_id, keyid=key.keyid, founded_at=now),
        otherwise,
    )
    await insert(
        s,
        KeyRow(
            key_id=act.new_id("key"),
            org_id=operator_id,
            keyid=key.keyid,
            public_key=key.public,
            custody=Custody.NODE,
            roles=roles_text(OPERATOR_ROLES),
            registered_at=now,
        ),
        otherwise,
    )
    return Exchange(exchange.actor, NodePen(key))


async def founded_exchange(s: ReadSession, *, key: SigningKey) -> Exchange:
    """The exchange of this database, with its key. Raises ExchangeNotFounded, ExchangeFoundedOtherwise."""
    founded = await get_founded(s)
    if founded is None:
        raise ExchangeNotFounded("no exchange has been founded in this database")
    return await _same(s, founded, key)


async def _same(s: ReadSession, founded: Founded, key: SigningKey) -> Exchange:
    """The exchange, where this is a key of its own that is in force."""
    found = await get_key(s, keyid=key.keyid)
    if found is None or (found.org_id, found.custody) != (founded.operator_id, Custody.NODE):
        raise ExchangeFoundedOtherwise("the database belongs to an exchange with another key")
    if found.status is not KeyStatus.ACTIVE:
        raise ExchangeFoundedOtherwise("this key of the exchange was retired", keyid=key.keyid)
    return Exchange(_operator(founded.operator_id), NodePen(key))


def _operator(operator_id: str) -> Actor:
    return Actor(operator_id, frozenset(role.value for role in OPERATOR_ROLES))
