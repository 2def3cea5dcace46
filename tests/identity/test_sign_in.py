import asyncio
from datetime import timedelta

import pytest
from sqlmodel import select

from base.errors import Malformed
from identity import passwords
from identity.errors import PasswordTooWeak, SignInFailed, TokenRevoked
from identity.failing import failing_sign_ins
from identity.passwords import PasswordHash, check_password, hash_password, password_fits
from identity.rules import Role
from identity.service import deactivate_person, enrol_person
from identity.sign_in import authenticate, forget_expired, sign_in, sign_out, step_up
from identity.tables import (
    DeniedTokenRow,
    FailedSignInRow,
    OrganisationRow,
    PersonRow,
    PreparedRow,
    StepUpRow,
)
from identity.tokens import Tokens, generate_access_key
from tests.houses import make_house
from tests.identity.unmoved import all_rows, nothing_moved

PEM = generate_access_key()
PASSWORD = "correct horse battery"
HASHED = PasswordHash(passwords._HASHER.hash(PASSWORD))


@pytest.fixture
def tokens(clock):
    return Tokens(PEM, issuer="https://exchange.example", audience="exchange.example", clock=clock)


@pytest.fixture
async def person(database, clock):
    house = await make_house(database, clock)
    seller = await house.admit("甲数", {"PROVIDER", "BUYER"})
    person = await seller.do(
        enrol_person,
        role="BUYER",
        org_id=seller.org_id,
        login="li.wei",
        name="李伟",
        password=HASHED,
    )
    return house, seller, person


async def test_few_tries_each_at_many_logins_are_seen_known_or_not(
    database, clock, tokens, person, monkeypatch
):
    async def never(*given):
        return False

    about = {"tokens": tokens, "password": PASSWORD}
    since, until = clock.now(), clock.now() + timedelta(hours=1)
    await sign_in(database, clock, **about, login="li.wei")
    with monkeypatch.context() as patched:  # the hashing itself is slow, and not what is asked
        patched.setattr("identity.sign_in.password_fits", never)
        for number in range(12):
            for _ in range(1 + (number == 0)):
                with pytest.raises(SignInFailed):
                    await sign_in(database, clock, **about, login=f"guessed.{number}")
        with pytest.raises(SignInFailed):
            await sign_in(database, clock, **about, login="li.wei")
    clock.advance(timedelta(minutes=20))
    await sign_in(database, clock, **about, login="li.wei")  # its owner takes no trace of it away
    async with database.write() as s:
        assert await failing_sign_ins(s, since=since, until=until) == (14, 13)
        rows = await s.exec(select(FailedSignInRow))
        assert "guessed" not in repr(rows.all())
        await forget_expired(s, now=clock.now() + timedelta(days=3))
        assert await failing_sign_ins(s, since=since, until=until) == (0, 0)


async def _who(database, tokens, token):
    async with database.read() as s:
        actor, _ = await authenticate(s, tokens, token)
        return actor


async def test_the_right_password_opens(database, clock, tokens, person):
    _, seller, enrolled = person
    signed = await sign_in(database, clock, tokens, login=" Li.Wei", password=PASSWORD)
    assert signed.person == enrolled
    assert signed.organisation.org_id == seller.org_id
    actor = await _who(database, tokens, signed.token.access_token)
    assert (actor.org_id, actor.user_id) == (seller.org_id, enrolled.user_id)
    assert actor.roles == {"PROVIDER", "BUYER"}
    assert all(type(role) is str for role in actor.roles)


async def test_a_scope_narrows_and_never_widens(database, clock, tokens, person):
    signed = await sign_in(database, clock, tokens, login="li.wei", password=PASSWORD, scope="BUYER")
    assert (await _who(database, tokens, signed.token.access_token)).roles == {"BUYER"}
    async with nothing_moved(database, Malformed):
        await sign_in(database, clock, tokens, login="li.wei", password=PASSWORD, scope="BUYER SAMR")


async def test_one_answer_for_every_reason(database, clock, tokens, person):
    house, _, enrolled = person
    said = set()

    async def fails(login, password):
        with pytest.raises(SignInFailed) as caught:
            await sign_in(database, clock, tokens, login=login, password=password)
        said.add((caught.value.detail, str(caught.value.facts)))

    await fails("li.wei", "wrong")
    await fails("nobody", PASSWORD)
    await fails("not a login!", PASSWORD)
    await fails("li.wei", "x" * 10_000)
    await fails("li.wei", "")
    await house.operator.do(deactivate_person, user_id=enrolled.user_id)
    await fails("li.wei", PASSWORD)
    assert len(said) == 1


async def test_an_unknown_login_costs_the_same_work(database, clock, tokens, person, monkeypatch):
    worked = []
    fits = passwords._fits

    def counted(password, phc):
        worked.append(phc.split("$")[1:4])
        return fits(password, phc)

    monkeypatch.setattr(passwords, "_fits", counted)
    for login in ("li.wei", "nobody", "not a login!"):
        with pytest.raises(SignInFailed):
            await sign_in(database, clock, tokens, login=login, password="wrong password")
    assert len(worked) == 3
    assert worked[0] == worked[1] == worked[2] == ["argon2id", "v=19", "m=19456,t=2,p=1"]


async def test_an_unknown_login_leaves_no_trace(database, clock, tokens, person):
    async with nothing_moved(database, SignInFailed):
        await sign_in(database, clock, tokens, login="nobody", password=PASSWORD)


async def _fail(database, clock, tokens, times=1):
    for _ in range(times):
        with pytest.raises(SignInFailed):
            await sign_in(database, clock, tokens, login="li.wei", password="wrong password")


async def test_after_five_failures_even_the_right_password_waits(database, clock, tokens, person):
    await _fail(database, clock, tokens, 5)
    with pytest.raises(SignInFailed):
        await sign_in(database, clock, tokens, login="li.wei", password=PASSWORD)
    clock.advance(timedelta(seconds=29))
    with pytest.raises(SignInFailed):
        await sign_in(database, clock, tokens, login="li.wei", password=PASSWORD)
    clock.advance(timedelta(seconds=1))
    await sign_in(database, clock, tokens, login="li.wei", password=PASSWORD)


async def test_four_failures_are_forgiven_by_a_success(database, clock, tokens, person):
    for _ in range(3):
        await _fail(database, clock, tokens, 4)
        await sign_in(database, clock, tokens, login="li.wei", password=PASSWORD)


async def test_attempts_during_the_wait_do_not_lengthen_it(database, clock, tokens, person):
    await _fail(database, clock, tokens, 5)
    before = await all_rows(database)
    await _fail(database, clock, tokens, 3)
    assert await all_rows(database) == before
    clock.advance(timedelta(seconds=30))
    await _fail(database, clock, tokens)
    clock.advance(timedelta(seconds=59))
    with pytest.raises(SignInFailed):
        await sign_in(database, clock, tokens, login="li.wei", password=PASSWORD)
    clock.advance(timedelta(seconds=1))
    await sign_in(database, clock, tokens, login="li.wei", password=PASSWORD)


async def test_a_burst_of_guesses_meets_the_lock_out_too(database, clock, tokens, person):
    guesses = [
        sign_in(database, clock, tokens, login="li.wei", password=f"wrong password {n}") for n in range(9)
    ]
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    assert {type(answer) for answer in answers} == {SignInFailed}
    async with database.read() as s:
        row = (await s.exec(select(PersonRow).where(PersonRow.login == "li.wei"))).one()
    assert row.failures == 5
    assert row.waits_until == clock.now() + timedelta(seconds=30)


async def test_a_signed_out_token_is_worthless_though_it_is_remembered(database, clock, tokens, person):
    signed = await sign_in(database, clock, tokens, login="li.wei", password=PASSWORD)
    other = await sign_in(database, clock, tokens, login="li.wei", password=PASSWORD)
    async with database.read() as s:
        _, claims = await authenticate(s, tokens, signed.token.access_token)
    for _ in range(2):
        async with database.write() as s:
            await sign_out(s, claims, now=clock.now())
    with pytest.raises(TokenRevoked):
        await _who(database, tokens, signed.token.access_token)
    await _who(database, tokens, other.token.access_token)


async def test_a_closed_account_loses_its_tokens_at_once(database, clock, tokens, person):
    house, _, enrolled = person
    signed = await sign_in(database, clock, tokens, login="li.wei", password=PASSWORD)
    await _who(database, tokens, signed.token.access_token)
    await house.operator.do(deactivate_person, user_id=enrolled.user_id)
    with pytest.raises(TokenRevoked):
        await _who(database, tokens, signed.token.access_token)


async def test_a_token_for_an_unknown_person_is_worthless(database, tokens, person):
    token = tokens.issue(user_id="usr_none", org_id="org_none", roles=[Role.BUYER])
    with pytest.raises(TokenRevoked):
        await _who(database, tokens, token.access_token)


async def test_a_role_taken_away_is_gone_from_living_tokens(database, clock, tokens, person):
    signed = await sign_in(database, clock, tokens, login="li.wei", password=PASSWORD)
    async with database.write() as s:
        row = (await s.exec(select(PersonRow).where(PersonRow.login == "li.wei"))).one()
        row.roles = '["BUYER"]'
        s.add(row)
    assert (await _who(database, tokens, signed.token.access_token)).roles == {"BUYER"}
    async with database.write() as s:
        organisation = (
            await s.exec(select(OrganisationRow).where(OrganisationRow.org_id == row.org_id))
        ).one()
        organisation.roles = '["PROVIDER"]'
        s.add(organisation)
    assert (await _who(database, tokens, signed.token.access_token)).roles == set()


async def test_a_step_up_is_remembered_with_its_time(database, clock, person):
    _, _, enrolled = person
    proved_at = await step_up(database, clock, user_id=enrolled.user_id, password=PASSWORD)
    async with database.read() as s:
        (row,) = (await s.exec(select(StepUpRow))).all()
    assert (row.user_id, row.proved_at, row.spent_at) == (enrolled.user_id, proved_at, None)
    assert proved_at == clock.now()


async def test_a_failed_step_up_counts_like_a_failed_sign_in(database, clock, tokens, person):
    _, _, enrolled = person
    for _ in range(5):
        with pytest.raises(SignInFailed):
            await step_up(database, clock, user_id=enrolled.user_id, password="wrong password")
    with pytest.raises(SignInFailed):
        await sign_in(database, clock, tokens, login="li.wei", password=PASSWORD)
    async with nothing_moved(database, SignInFailed):
        await step_up(database, clock, user_id="usr_unknown", password=PASSWORD)


async def test_what_has_expired_is_forgotten_and_nothing_else(database, clock, tokens, person):
    _, seller, enrolled = person
    signed = await sign_in(database, clock, tokens, login="li.wei", password=PASSWORD)
    await step_up(database, clock, user_id=enrolled.user_id, password=PASSWORD)
    async with database.write() as s:
        await sign_out(s, tokens.verify(signed.token.access_token), now=clock.now())
        for number, minutes in enumerate((0, 20)):
            s.add(
                PreparedRow(
                    prepared_id=f"pre_{number}",
                    act_name="x",
                    args=b"{}",
                    org_id=seller.org_id,
                    role="BUYER",
                    attempted="X.Y",
                    object_id="x",
                    sealed_seed=b"",
                    occurred_at=clock.now(),
                    payload=b"{}",
                    documents=b"[]",
                    signers="[]",
                    expires_at=clock.now() + timedelta(minutes=minutes),
                )
            )
    before = await all_rows(database)
    async with database.write() as s:
        await forget_expired(s, now=clock.now())
    assert await all_rows(database) == before

    async with database.write() as s:
        await forget_expired(s, now=clock.now() + timedelta(minutes=15))
    async with database.read() as s:  # a session's tokens are denied as long as one could be good
        session_id = tokens.verify(signed.token.access_token).session_id
        assert [row.jti for row in await s.exec(select(DeniedTokenRow))] == [session_id]
        assert (await s.exec(select(StepUpRow))).all() == []
        assert [row.prepared_id for row in await s.exec(select(PreparedRow))] == ["pre_1"]


@pytest.mark.parametrize(
    "password",
    ["", "short", "elevenchars", "a" * 12, "abababababab", "xxli.weixx123", "LI.WEI-2026-abc", "x" * 129],
)
def test_weak_passwords_are_refused_and_not_repeated(password):
    with pytest.raises(PasswordTooWeak) as caught:
        check_password(password, login="li.wei")
    assert len(password) < 6 or password not in f"{caught.value.detail} {caught.value.facts}"


@pytest.mark.parametrize("password", ["correct horse", "十二个字的口令要足够长才行", "kvbzm" * 25])
def test_long_enough_passwords_pass(password):
    check_password(password, login="li.wei")


async def test_a_hash_is_argon2id_salted_and_never_printed():
    one, other = [await hash_password(PASSWORD, login="li.wei") for _ in range(2)]
    assert one.phc.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert one != other
    assert PASSWORD not in one.phc
    assert one.phc not in repr(one)


async def test_a_password_fits_however_the_keyboard_composes_it():
    stored = await hash_password("Müller café ①", login="li.wei")
    assert await password_fits("Mu\u0308ller cafe\u0301 1", stored)
    assert not await password_fits("Muller cafe 1", stored)


async def test_a_broken_hash_fits_nothing():
    assert not await password_fits("$argon2id$broken", PasswordHash("$argon2id$broken"))
