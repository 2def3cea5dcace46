"""The founding of an exchange: entry 0 of its log, its operator, and the key it signs with."""

import base64
from dataclasses import dataclass

from base.clock import Clock
from base.db import ReadSession, WriteSession
from base.ids import Seed
from base.signing import SigningKey
from identity.errors import ExchangeFoundedOtherwise, ExchangeNotFounded
from identity.repository import Founded, get_founded, roles_text
from identity.rules import Custody, Role
from identity.service import add_organisation, insert
from identity.tables import ExchangeRow, KeyRow
from ledger.recording import Actor, Exchange, ExchangePen, exchange_act, record
from ledger.statement import Draft

OPERATOR_ROLES = frozenset({Role.EXCHANGE_OPERATOR})


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
    origin, vkey and key changes nothing. Raises ExchangeFoundedOtherwise.
    """
    founded = await get_founded(s)
    if founded is not None:
        return _same(founded, key=key, origin=origin, vkey=vkey)
    now = clock.now()
    operator_id = Seed().new_id("org", now)
    exchange = _exchange(operator_id, key)
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
    return exchange


async def founded_exchange(s: ReadSession, *, key: SigningKey) -> Exchange:
    """The exchange of this database, with its key. Raises ExchangeNotFounded, ExchangeFoundedOtherwise."""
    founded = await get_founded(s)
    if founded is None:
        raise ExchangeNotFounded("no exchange has been founded in this database")
    return _same(founded, key=key, origin=founded.origin, vkey=founded.vkey)


def _same(founded: Founded, *, key: SigningKey, origin: str, vkey: str) -> Exchange:
    if (founded.origin, founded.vkey, founded.keyid) != (origin, vkey, key.keyid):
        raise ExchangeFoundedOtherwise(
            "the database belongs to an exchange with another origin, vkey or key", origin=founded.origin
        )
    return _exchange(founded.operator_id, key)


def _exchange(operator_id: str, key: SigningKey) -> Exchange:
    roles = frozenset(role.value for role in OPERATOR_ROLES)
    return Exchange(Actor(operator_id, roles), ExchangePen(key))
