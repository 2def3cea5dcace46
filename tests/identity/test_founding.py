import base64

import pytest

from base.signing import SigningKey
from identity.errors import ExchangeFoundedOtherwise, ExchangeNotFounded, UsccInvalid
from identity.founding import Operator, found_exchange, founded_exchange
from identity.repository import get_key, get_organisation, list_organisations
from identity.rules import Custody, Role
from tests.houses import ORIGIN, make_house, some_uscc
from tests.identity.unmoved import all_rows, nothing_moved, statements


async def _found(database, clock, *, key, origin=ORIGIN, vkey="v", uscc=None):
    operator = Operator("广州数据交易所", uscc or some_uscc())
    async with database.write() as s:
        return await found_exchange(s, key=key, clock=clock, origin=origin, vkey=vkey, operator=operator)


async def test_genesis_is_the_first_statement_and_fixes_the_exchanges_key(database, clock):
    key = SigningKey.generate()
    exchange = await _found(database, clock, key=key)

    first, second = await statements(database)
    assert first["predicateType"] == "urn:databourse:statement:LOG.GENESIS:v1"
    assert first["predicate"] == {
        "origin": ORIGIN,
        "vkey": "v",
        "exchange_key": {
            "keyid": key.keyid,
            "public_key": base64.b64encode(key.public).decode(),
        },
        "operator_id": exchange.actor.org_id,
        "object": ORIGIN,
        "event": "LOG.GENESIS",
        "actor": exchange.actor.org_id,
        "role": "EXCHANGE_OPERATOR",
        "occurred_at": "2026-11-16T01:00:00.000Z",
        "clock": "simulated",
    }
    assert second["predicate"]["event"] == "ORG.ADMIT"
    assert second["predicate"]["object"] == exchange.actor.org_id
    assert [said["signers"] for said in (first, second)] == [[key.keyid], [key.keyid]]

    async with database.read() as s:
        operator = await get_organisation(s, org_id=exchange.actor.org_id)
        registered = await get_key(s, keyid=key.keyid)
        assert [o.org_id for o in await list_organisations(s)] == [exchange.actor.org_id]
    assert operator.roles == {Role.EXCHANGE_OPERATOR}
    assert (registered.custody, registered.org_id) == (Custody.NODE, exchange.actor.org_id)


async def test_founding_again_answers_the_same_exchange_and_writes_nothing(database, clock):
    key = SigningKey.generate()
    first = await _found(database, clock, key=key)
    before = await all_rows(database)
    again = await _found(database, clock, key=key)
    assert (again.actor, again.pen.key.keyid) == (first.actor, key.keyid)
    async with database.read() as s:
        assert (await founded_exchange(s, key=key)).actor == first.actor
    assert await all_rows(database) == before


@pytest.mark.parametrize("other", [{"key": True}, {"origin": "other.example/log"}, {"vkey": "w"}])
async def test_a_database_of_another_exchange_is_refused(database, clock, other):
    key = SigningKey.generate()
    await _found(database, clock, key=key)
    if "key" in other:
        other = {"key": SigningKey.generate()}
    async with nothing_moved(database, ExchangeFoundedOtherwise):
        await _found(database, clock, **{"key": key, **other})


async def test_a_wrong_credit_code_founds_nothing(database, clock):
    async with nothing_moved(database, UsccInvalid):
        await _found(database, clock, key=SigningKey.generate(), uscc="91330100799655058C")
    assert await statements(database) == []


async def test_an_empty_database_has_no_exchange(database):
    async with database.read() as s:
        with pytest.raises(ExchangeNotFounded):
            await founded_exchange(s, key=SigningKey.generate())


async def test_another_key_does_not_speak_for_the_exchange(database, clock):
    await make_house(database, clock)
    async with database.read() as s:
        with pytest.raises(ExchangeFoundedOtherwise):
            await founded_exchange(s, key=SigningKey.generate())
