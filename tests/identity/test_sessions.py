"""Sessions: remembered with their program, ended at once with every token that renewed them."""

from datetime import timedelta

import pytest

from identity.errors import TokenRevoked
from identity.rules import Role
from identity.service import enrol_person
from identity.sessions import MAX_PAGE, SessionUnknown, begin, end_others, end_session, sessions_of
from identity.sign_in import authenticate, forget_expired, sign_in, sign_out
from tests.houses import make_house
from tests.identity.test_sign_in import HASHED, PASSWORD, tokens  # noqa: F401 - a fixture
from tests.identity.unmoved import nothing_moved


@pytest.fixture
async def person(database, clock):
    house = await make_house(database, clock)
    seller = await house.admit("甲数", {"BUYER"})
    named = {"login": "li.wei", "name": "李伟", "password": HASHED}
    return await seller.do(enrol_person, role="BUYER", org_id=seller.org_id, **named)


async def test_a_session_is_ended_with_every_token_that_renewed_it(database, clock, tokens, person):  # noqa: F811
    async def good(token):
        async with database.read() as s:
            return await authenticate(s, tokens, token)

    signed = []
    for agent in ("Firefox on the desk", "an unknown telephone", "x" * 500):
        clock.advance(timedelta(minutes=1))
        signed.append(await sign_in(database, clock, tokens, login="li.wei", password=PASSWORD, agent=agent))
    claims = [tokens.verify(one.token.access_token) for one in signed]
    assert len({one.session_id for one in claims}) == 3
    clock.advance(timedelta(minutes=10))
    renewed = tokens.issue(
        user_id=person.user_id, org_id=person.org_id, roles=[Role.BUYER], renews=claims[1]
    ).access_token
    async with database.read() as s:
        rows = await sessions_of(s, user_id=person.user_id, now=clock.now())
    assert [row.agent for row in rows] == ["x" * 200, "an unknown telephone", "Firefox on the desk"]
    assert rows[0].ends_at == rows[0].started_at + timedelta(hours=12)

    for user_id, session_id in (("usr_other", claims[1].session_id), (person.user_id, "none")):
        async with nothing_moved(database, SessionUnknown), database.write() as s:
            await end_session(s, user_id=user_id, session_id=session_id, now=clock.now())
    async with database.write() as s:
        await end_session(s, user_id=person.user_id, session_id=claims[1].session_id, now=clock.now())
    for token in (signed[1].token.access_token, renewed):
        with pytest.raises(TokenRevoked):
            await good(token)
    await good(signed[0].token.access_token)
    async with nothing_moved(database, SessionUnknown), database.write() as s:
        await end_session(s, user_id=person.user_id, session_id=claims[1].session_id, now=clock.now())

    async with database.write() as s:
        assert await end_others(s, user_id=person.user_id, but=claims[0].session_id, now=clock.now()) == 1
    with pytest.raises(TokenRevoked):
        await good(signed[2].token.access_token)
    await good(signed[0].token.access_token)
    async with database.write() as s:
        await sign_out(s, claims[0], now=clock.now())
        await sign_out(s, claims[0], now=clock.now())
        await forget_expired(s, now=clock.now() + timedelta(hours=12))
    async with database.read() as s:
        assert await sessions_of(s, user_id=person.user_id, now=clock.now()) == []


async def test_every_other_session_ends_and_not_only_those_of_a_page(database, clock, person):
    now = clock.now()
    ends_at = now + timedelta(hours=12)
    async with database.write() as s:
        for number in range(MAX_PAGE + 3):
            named = {"session_id": f"ses_{number:02}", "user_id": person.user_id, "agent": "a desk"}
            await begin(s, **named, now=now + timedelta(seconds=number), ends_at=ends_at)
    async with database.write() as s:
        assert len(await sessions_of(s, user_id=person.user_id, now=now)) == MAX_PAGE
        assert await end_others(s, user_id=person.user_id, but="ses_00", now=now) == MAX_PAGE + 2
        (left,) = await sessions_of(s, user_id=person.user_id, now=now)
        assert left.session_id == "ses_00"
