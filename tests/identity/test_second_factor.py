"""A second factor at sign-in: asked for, good once, counted when wrong; and one's own password changed."""

import asyncio
import base64
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlmodel import select

from identity import passwords, second_factor
from identity import sign_in as sign_in_module
from identity.errors import (
    PasswordTooWeak,
    PasswordUnchanged,
    SecondFactorMissing,
    SecondFactorNeeded,
    SignInFailed,
    TokenRevoked,
)
from identity.failing import failing_sign_ins
from identity.passwords import PasswordHash
from identity.rules import Role
from identity.safe import Safe
from identity.second_factor import (
    Factors,
    SecondFactorAbsent,
    SecondFactorInPlace,
    SecondFactorWrong,
    standing,
)
from identity.service import enrol_person
from identity.sessions import sessions_of
from identity.sign_in import authenticate, change_password, sign_in, step_up
from identity.tables import SecondFactorRow, StepUpRow
from identity.tokens import Tokens, generate_access_key
from identity.totp import code_at, step_of
from tests.houses import make_house

PEM = generate_access_key()
PASSWORD = "an old umbrella of ours"
NEW = "three green lanterns at noon"
HASHED = PasswordHash(passwords._HASHER.hash(PASSWORD))
FACTORS = Factors(Safe(bytes(32)))


@pytest.fixture
def tokens(clock):
    return Tokens(PEM, issuer="https://exchange.example", audience="exchange.example", clock=clock)


@pytest.fixture
async def person(database, clock):
    house = await make_house(database, clock)
    seller = await house.admit("甲数", {"PROVIDER", "BUYER"})
    return await seller.do(
        enrol_person, role="BUYER", org_id=seller.org_id, login="li.wei", name="李伟", password=HASHED
    )


@pytest.fixture
def scene(database, clock, tokens, person):
    return database, clock, tokens, person


async def signed_in(database, clock, tokens, *, code="", factors=FACTORS, password=PASSWORD):
    how = {"login": "li.wei", "password": password, "code": code, "factors": factors}
    return await sign_in(database, clock, tokens, **how)


async def set_up(database, clock, person):
    """The secret in the app, and the recovery codes."""
    async with database.write() as s:
        said = {"user_id": person.user_id, "login": person.login, "issuer": "exchange.test"}
        offered = await second_factor.offer(s, FACTORS, **said, now=clock.now())
    secret = base64.b32decode(offered.secret)
    async with database.write() as s:
        code = code_at(secret, step_of(clock.now()))
        codes = await second_factor.confirm(s, FACTORS, user_id=person.user_id, code=code, now=clock.now())
    return secret, codes


async def test_a_code_is_asked_for_and_is_good_once(database, clock, tokens, person):
    secret, _ = await set_up(database, clock, person)
    with pytest.raises(SecondFactorNeeded):
        await signed_in(database, clock, tokens)
    with pytest.raises(SecondFactorNeeded):  # a caller that knows nothing of factors lets nobody pass
        await signed_in(database, clock, tokens, code="123456", factors=None)
    used = code_at(secret, step_of(clock.now()))
    with pytest.raises(SignInFailed):  # it confirmed the enrolment
        await signed_in(database, clock, tokens, code=used)
    clock.advance(timedelta(seconds=30))
    fresh = code_at(secret, step_of(clock.now()))
    assert (await signed_in(database, clock, tokens, code=f"{fresh[:3]} {fresh[3:]}")).token.scope
    with pytest.raises(SignInFailed):
        await signed_in(database, clock, tokens, code=fresh)
    clock.advance(timedelta(minutes=5))
    with pytest.raises(SignInFailed):
        await signed_in(database, clock, tokens, code=code_at(secret, step_of(clock.now()) - 2))


async def test_of_two_who_send_one_code_at_once_one_comes_in(database, clock, tokens, person):
    secret, codes = await set_up(database, clock, person)
    clock.advance(timedelta(seconds=30))
    for code in (code_at(secret, step_of(clock.now())), codes[3]):
        came = await asyncio.gather(
            *(signed_in(database, clock, tokens, code=code) for _ in range(2)), return_exceptions=True
        )
        assert sorted(type(one).__name__ for one in came) == ["SignInFailed", "SignedIn"]
        clock.advance(timedelta(minutes=1))


async def test_guessing_codes_locks_the_account_as_guessing_passwords_does(database, clock, tokens, person):
    secret, _ = await set_up(database, clock, person)
    clock.advance(timedelta(seconds=60))
    right = code_at(secret, step_of(clock.now()))
    wrong = f"{(int(right) + 1) % 10**6:06}"
    for _ in range(5):
        with pytest.raises(SignInFailed):
            await signed_in(database, clock, tokens, code=wrong)
    with pytest.raises(SignInFailed):
        await signed_in(database, clock, tokens, code=right)
    clock.advance(timedelta(seconds=31))
    right = code_at(secret, step_of(clock.now()))
    assert (await signed_in(database, clock, tokens, code=right)).token.scope


async def test_a_recovery_code_is_good_once_and_rests_as_a_digest(database, clock, tokens, person):
    _, codes = await set_up(database, clock, person)
    assert len(set(codes)) == 10
    await signed_in(database, clock, tokens, code=codes[0].lower().replace("-", " "))
    with pytest.raises(SignInFailed):
        await signed_in(database, clock, tokens, code=codes[0])
    async with database.read() as s:
        assert (await standing(s, user_id=person.user_id)).codes_left == 9
        rows = (
            await (await s.connection()).execute(text("SELECT digest FROM identity_recovery_codes"))
        ).all()
    assert all(len(digest) == 64 and not any(code in digest for code in codes) for (digest,) in rows)


async def test_a_secret_counts_when_its_first_code_came_and_ends_with_it(database, clock, tokens, person):
    said = {"user_id": person.user_id, "now": clock.now()}
    async with database.write() as s:
        with pytest.raises(SecondFactorAbsent):
            await second_factor.confirm(s, FACTORS, code="000000", **said)
    async with database.write() as s:
        await second_factor.offer(s, FACTORS, login="li.wei", issuer="x", **said)
    with pytest.raises(SecondFactorWrong):
        async with database.write() as s:
            await second_factor.confirm(s, FACTORS, code="00000x", **said)
    await signed_in(database, clock, tokens)  # not yet
    await set_up(database, clock, person)
    async with database.write() as s:
        with pytest.raises(SecondFactorInPlace):
            await second_factor.offer(s, FACTORS, login="li.wei", issuer="x", **said)
    async with database.write() as s:
        await second_factor.end(s, user_id=person.user_id)
    assert (await signed_in(database, clock, tokens)).token.scope == "BUYER PROVIDER"


async def test_a_role_that_asks_for_one_is_nobody_until_there_is_one(database, clock, tokens, person):
    asked = Factors(FACTORS.safe, frozenset({Role.PROVIDER}))
    signed = await signed_in(database, clock, tokens, factors=asked)
    assert signed.token.scope == ""
    async with database.read() as s:
        with pytest.raises(SecondFactorMissing):
            await authenticate(s, tokens, signed.token.access_token)
        actor, _ = await authenticate(s, tokens, signed.token.access_token, setting_up=True)
    assert (actor.roles, actor.user_id) == (frozenset(), person.user_id)
    secret, _ = await set_up(database, clock, person)
    clock.advance(timedelta(seconds=30))
    code = code_at(secret, step_of(clock.now()))
    assert (
        await signed_in(database, clock, tokens, code=code, factors=asked)
    ).token.scope == "BUYER PROVIDER"


async def test_a_new_password_ends_every_other_session_and_the_old_one(database, clock, tokens, person):
    here, there = [await signed_in(database, clock, tokens) for _ in range(2)]
    who = {"user_id": person.user_id, "session_id": here.token.session_id}
    for old, new, error in (
        ("wrong", NEW, SignInFailed),
        (PASSWORD, PASSWORD, PasswordUnchanged),
        (PASSWORD, "short", PasswordTooWeak),
        (PASSWORD, "password12345", PasswordTooWeak),
        (PASSWORD, "李伟李伟李伟李伟1234", PasswordTooWeak),
    ):
        with pytest.raises(error):
            await change_password(database, clock, **who, old=old, new=new)
    assert await change_password(database, clock, **who, old=PASSWORD, new=NEW) == 1
    async with database.read() as s:
        await authenticate(s, tokens, here.token.access_token)
        with pytest.raises(TokenRevoked):
            await authenticate(s, tokens, there.token.access_token)
    with pytest.raises(SignInFailed):
        await signed_in(database, clock, tokens)
    assert (await signed_in(database, clock, tokens, password=NEW)).person == person
    await step_up(database, clock, user_id=person.user_id, password=NEW)


async def test_own_step_ups_give_a_guesser_of_codes_no_more_guesses(database, clock, tokens, person):
    """Who knows the password guesses codes while the owner works: the wait comes all the same."""
    secret, _ = await set_up(database, clock, person)
    clock.advance(timedelta(seconds=60))
    right = code_at(secret, step_of(clock.now()))
    wrong = f"{(int(right) + 1) % 10**6:06}"
    for _ in range(5):
        with pytest.raises(SignInFailed):
            await signed_in(database, clock, tokens, code=wrong)
        await step_up(database, clock, user_id=person.user_id, password=PASSWORD)
    async with database.read() as s:
        row = await s.get(SecondFactorRow, person.user_id)
        span = {"since": clock.now(), "until": clock.now() + timedelta(minutes=10)}
        assert await failing_sign_ins(s, **span) == (5, 1)
    assert (row.failures, row.waits_until) == (5, clock.now() + timedelta(seconds=30))
    with pytest.raises(SignInFailed):
        await signed_in(database, clock, tokens, code=right)
    await step_up(database, clock, user_id=person.user_id, password=PASSWORD)  # the owner works on
    clock.advance(timedelta(seconds=31))
    assert await signed_in(database, clock, tokens, code=code_at(secret, step_of(clock.now())))
    async with database.read() as s:
        row = await s.get(SecondFactorRow, person.user_id)
    assert (row.failures, row.waits_until) == (0, None)


@pytest.mark.parametrize("act", ["sign-in", "step-up", "change"])
async def test_who_proved_the_old_password_during_a_change_has_nothing(scene, monkeypatch, act):
    """The change comes between the proof and what follows from it."""
    database, clock, tokens, person = scene
    here = await signed_in(database, clock, tokens)
    who = {"user_id": person.user_id, "session_id": here.token.session_id}
    really = sign_in_module._prove
    late = []

    async def proved_and_changed(*args, **how):
        proved = await really(*args, **how)
        if not late:
            late.append(proved)
            await change_password(database, clock, **who, old=PASSWORD, new=NEW)
        return proved

    monkeypatch.setattr(sign_in_module, "_prove", proved_and_changed)
    with pytest.raises(SignInFailed):
        match act:
            case "sign-in":
                await signed_in(database, clock, tokens)
            case "step-up":
                await step_up(database, clock, user_id=person.user_id, password=PASSWORD)
            case _:
                await change_password(database, clock, **who, old=PASSWORD, new="four other lanterns")
    async with database.read() as s:
        running = await sessions_of(s, user_id=person.user_id, now=clock.now())
        assert [row.session_id for row in running] == [here.token.session_id]
        assert (await s.exec(select(StepUpRow))).all() == []
    assert await signed_in(database, clock, tokens, password=NEW)


async def test_with_a_second_factor_the_password_is_changed_with_a_code(database, clock, tokens, person):
    _, codes = await set_up(database, clock, person)
    who = {"user_id": person.user_id, "session_id": "x", "old": PASSWORD, "new": NEW, "factors": FACTORS}
    with pytest.raises(SecondFactorNeeded):
        await change_password(database, clock, **who)
    assert await change_password(database, clock, **who, code=codes[1]) == 0
