"""Sign-in, step-up, and what the bearer of a token may do now.

Hashing takes tens of milliseconds, so it runs outside every transaction: an attempt is counted first,
then proved, then forgiven. A burst of guesses therefore meets the lock-out as surely as a slow row.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement
from sqlmodel import col, delete, select, update

from base.clock import Clock
from base.db import Database, ReadSession, WriteSession
from base.errors import Malformed
from base.ids import Seed
from identity.errors import (
    LoginMalformed,
    PasswordUnchanged,
    SecondFactorMissing,
    SecondFactorNeeded,
    SignInFailed,
    TokenRevoked,
)
from identity.failing import count_attempt, forget_attempts, forgive_attempt
from identity.passwords import PasswordHash, hash_password, password_fits
from identity.repository import (
    Organisation,
    Person,
    get_organisation,
    get_person,
    person_by_login,
    standing_of,
)
from identity.rules import PREPARED_TTL, STEP_UP_TTL, among, has_expired, parse_login, wait_after
from identity.second_factor import Factors, is_on, spend
from identity.service import insert
from identity.sessions import SessionUnknown, begin, end_others, end_session, forget
from identity.tables import DeniedTokenRow, PersonRow, PreparedRow, SecondFactorRow, StepUpRow
from identity.tokens import Claims, Token, Tokens
from ledger.recording import Actor

_WRONG: Final = "login or password is wrong, or the account waits after too many attempts"


@dataclass(frozen=True, slots=True)
class _Proved:
    """Who was proved, and by which password: what follows holds only while it is still that one."""

    user_id: str
    password: PasswordHash


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person signed in: who, for which organisation, and the token."""

    person: Person
    organisation: Organisation
    token: Token


async def sign_in(
    database: Database,
    clock: Clock,
    tokens: Tokens,
    *,
    login: str,
    password: str,
    scope: str | None = None,
    agent: str = "",
    code: str = "",
    factors: Factors | None = None,
) -> SignedIn:
    """A token for the person with this login and password.

    `scope` (role names with spaces between, RFC 6749 §3.3) asks for fewer roles than the person has.
    After five failures in a row the account waits 30 seconds, then longer, at most 15 minutes. Raises
    SignInFailed, the same for every reason; Malformed for a scope beyond the person's roles.
    `agent` is what the program says that it is: by it the person knows the session again.

    Who has a second factor gives a `code` of it too: without one, SecondFactorNeeded; a wrong one is a wrong
    password. Whose roles ask for one (`factors`) and who has none gets a token without any role, good for
    setting it up and nothing else (`authenticate`).
    """
    proved = await _prove(database, clock, login=login, password=password, factors=factors, code=code)
    user_id = proved.user_id
    async with database.read() as s:
        person = await get_person(s, user_id=user_id)
        assert person is not None
        organisation = await get_organisation(s, org_id=person.org_id)
    assert organisation is not None
    may = among(person.roles, organisation.roles)
    roles = may if scope is None else among(may, scope.split())
    if scope is not None and roles != set(scope.split()):
        raise Malformed("the scope asks for roles that the person does not have", may=sorted(may))
    if factors is not None and roles & factors.required:
        async with database.read() as s:
            roles = roles if await is_on(s, user_id=user_id) else frozenset()
    token = tokens.issue(user_id=user_id, org_id=person.org_id, roles=roles)
    async with database.write() as s:
        await _require_still(s, proved)
        await begin(
            s,
            session_id=token.session_id,
            user_id=user_id,
            agent=agent,
            now=clock.now(),
            ends_at=token.session_ends_at,
        )
    return SignedIn(person, organisation, token)


async def step_up(database: Database, clock: Clock, *, user_id: str, password: str) -> datetime:
    """Prove the person again, for what a custodial key signs next; answers when that was.

    It is good for five minutes. One grave act (a key, a mandate, a contract, an order) spends it.
    Failures count as at sign-in. Raises SignInFailed.
    """
    async with database.read() as s:
        person = await get_person(s, user_id=user_id)
    login = "" if person is None else person.login
    proved = await _prove(database, clock, login=login, password=password, second=False)
    now = clock.now()
    async with database.write() as s:
        await _require_still(s, proved)
        s.add(StepUpRow(step_up_id=Seed().new_id("stp", now), user_id=user_id, proved_at=now))
    return now


async def authenticate(
    s: ReadSession, tokens: Tokens, token: str, *, setting_up: bool = False
) -> tuple[Actor, Claims]:
    """Who acts with this token, and in which roles now: the token's, less what was taken away since.

    A token without any role is for `setting_up` a second factor. Raises TokenInvalid, TokenExpired,
    TokenRevoked, SecondFactorMissing.
    """
    claims = tokens.verify(token)
    if not claims.roles and not setting_up:
        raise SecondFactorMissing("this sign-in is for setting up a second factor alone")
    standing = await standing_of(s, user_id=claims.user_id, jti=claims.jti, session_id=claims.session_id)
    if standing is None or standing.revoked:
        raise TokenRevoked("signed out, or the account was closed")
    roles = frozenset(role.value for role in claims.roles & standing.roles)
    return Actor(claims.org_id, roles, claims.user_id), claims


async def sign_out(s: WriteSession, claims: Claims, *, now: datetime) -> None:
    """Make a token worthless before it expires, and every other of its session. Again changes nothing."""
    with suppress(SessionUnknown):  # a token that was not given for a sign-in has no session
        await end_session(s, user_id=claims.user_id, session_id=claims.session_id, now=now)
    if await s.get(DeniedTokenRow, claims.jti) is None:
        row = DeniedTokenRow(jti=claims.jti, expires_at=claims.expires_at)
        await insert(s, row, TokenRevoked("signed out a moment ago"))


async def forget_expired(s: WriteSession, *, now: datetime) -> None:
    """Delete what is over: denied tokens, sessions, step-ups, prepared acts, counts of attempts."""
    await s.exec(delete(DeniedTokenRow).where(col(DeniedTokenRow.expires_at) <= now))
    await forget(s, now=now)
    await s.exec(delete(PreparedRow).where(col(PreparedRow.expires_at) <= now - PREPARED_TTL))
    await s.exec(delete(StepUpRow).where(col(StepUpRow.proved_at) < now - STEP_UP_TTL))
    await forget_attempts(s, now=now)


async def change_password(
    database: Database,
    clock: Clock,
    *,
    user_id: str,
    session_id: str,
    old: str,
    new: str,
    code: str = "",
    factors: Factors | None = None,
) -> int:
    """Set a new password with the old one, and end every other session; answers how many were ended.

    Failures count as at sign-in. Raises SignInFailed, SecondFactorNeeded, PasswordTooWeak, PasswordUnchanged.
    """
    async with database.read() as s:
        person = await get_person(s, user_id=user_id)
        organisation = None if person is None else await get_organisation(s, org_id=person.org_id)
    login = "" if person is None else person.login
    proved = await _prove(database, clock, login=login, password=old, factors=factors, code=code)
    assert person is not None
    assert organisation is not None
    if new == old:
        raise PasswordUnchanged("choose another one")
    hashed = await hash_password(new, login=login, known=(person.name, organisation.name))
    async with database.write() as s:
        claimed = await s.exec(update(PersonRow).where(*_still(proved)).values(password_hash=hashed.phc))
        if claimed.rowcount != 1:
            raise SignInFailed(_WRONG)  # another change came first
        await s.exec(delete(StepUpRow).where(col(StepUpRow.user_id) == user_id))
        return await end_others(s, user_id=user_id, but=session_id, now=clock.now())


async def prove_person(
    database: Database,
    clock: Clock,
    *,
    user_id: str,
    password: str,
    code: str = "",
    factors: Factors | None = None,
) -> None:
    """Prove a person once more, with the second factor where there is one. Raises as `sign_in`."""
    async with database.read() as s:
        person = await get_person(s, user_id=user_id)
    login = "" if person is None else person.login
    await _prove(database, clock, login=login, password=password, factors=factors, code=code)


async def _prove(
    database: Database,
    clock: Clock,
    *,
    login: str,
    password: str,
    factors: Factors | None = None,
    code: str = "",
    second: bool = True,
) -> _Proved:
    """The person behind a login and its password; an unknown login costs as much time as a known one.

    With `second` a person's second factor is asked for as well. Wrong codes are counted apart: whoever knows
    the password alone guesses codes no faster than passwords, also while the person's own password is
    proved without a code meanwhile.
    """
    try:
        name = parse_login(login)
    except LoginMalformed:
        name = ""
    tried, at = name or login, clock.now()
    async with database.write() as s:
        row = await person_by_login(s, login=name)
        known = row is not None and row.active and _may_try(row.waits_until, clock.now())
        if row is not None and known:
            row.failures += 1
            row.waits_until = clock.now() + wait_after(row.failures)
            s.add(row)
            await s.flush()
        await count_attempt(s, login=tried, at=at)
    stored = PasswordHash(row.password_hash) if row is not None and known else None
    if not await password_fits(password, stored) or row is None or stored is None:
        raise SignInFailed(_WRONG)
    proved = _Proved(row.user_id, stored)
    async with database.write() as s:
        forgiven = await s.exec(update(PersonRow).where(*_still(proved)).values(failures=0, waits_until=None))
        if forgiven.rowcount != 1:
            raise SignInFailed(_WRONG)
        asked = second and await is_on(s, user_id=row.user_id)
        fits = True
        if asked and code and factors is not None:
            fits = await _try_code(s, factors, user_id=row.user_id, code=code, now=clock.now())
        if fits:
            await forgive_attempt(s, login=tried, at=at)
    if asked and (factors is None or not code):
        raise SecondFactorNeeded("give a code of your app, or a recovery code")
    if asked and not fits:
        raise SignInFailed("the code is wrong or was used, or the account waits")
    return proved


async def _try_code(s: WriteSession, factors: Factors, *, user_id: str, code: str, now: datetime) -> bool:
    """Whether a code is good; a wrong one is counted at the factor, which waits as a password does."""
    row = await s.get(SecondFactorRow, user_id, populate_existing=True, with_for_update=True)
    if row is None or not _may_try(row.waits_until, now):
        return False
    failures = row.failures + 1
    if await spend(s, factors, user_id=user_id, code=code, now=now):
        failures = 0
    row.failures = failures
    row.waits_until = now + wait_after(failures) if failures else None
    s.add(row)
    await s.flush()
    return failures == 0


def _still(proved: _Proved) -> tuple[ColumnElement[bool], ...]:
    """The person's row, while the password is the one that was proved."""
    return (
        col(PersonRow.user_id) == proved.user_id,
        col(PersonRow.password_hash) == proved.password.phc,
    )


async def _require_still(s: WriteSession, proved: _Proved) -> None:
    """No change of the password came between; one that comes now waits for us. Raises SignInFailed."""
    query = select(PersonRow.user_id).where(*_still(proved)).with_for_update()
    if (await s.exec(query)).first() is None:
        raise SignInFailed(_WRONG)


def _may_try(waits_until: datetime | None, now: datetime) -> bool:
    return waits_until is None or has_expired(waits_until, now)
