"""What identity asks of its tables, answered with values: rows stay in this room."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson
from sqlalchemy import bindparam
from sqlmodel import col, or_, select

from base.canonical import canonical
from base.db import ReadSession, WriteSession, exclusive_lock, share_lock
from identity.rules import STEP_UP_TTL, Custody, KeyStatus, OrganisationStatus, Role
from identity.tables import (
    ContestRow,
    DeniedTokenRow,
    ExchangeRow,
    KeyRow,
    OrganisationRow,
    PersonRow,
    PreparedRow,
    StepUpRow,
)

MAX_PAGE: Final = 100

# Made once: to compose a question anew costs more than to ask it, and these are asked at every act.
_AS_IT_IS: Final = {"populate_existing": True}
_ORGANISATION: Final = select(OrganisationRow).where(col(OrganisationRow.org_id) == bindparam("org_id"))
_MEMBER: Final = share_lock(_ORGANISATION).execution_options(**_AS_IT_IS)
_MEMBER_ALONE: Final = exclusive_lock(_ORGANISATION).execution_options(**_AS_IT_IS)
_KEY: Final = share_lock(select(KeyRow).where(col(KeyRow.keyid) == bindparam("keyid"))).execution_options(
    **_AS_IT_IS
)


@dataclass(frozen=True, slots=True)
class Organisation:
    """A member of the exchange."""

    org_id: str
    name: str
    uscc: str
    region: str
    roles: frozenset[Role]
    controller_id: str | None
    is_ciio: bool
    status: OrganisationStatus
    admitted_at: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """A person who acts for an organisation; `roles` lie within the organisation's.

    `mark` is the same for all logins of one natural person; None where nobody has said who it is.
    """

    user_id: str
    org_id: str
    login: str
    name: str
    roles: frozenset[Role]
    active: bool
    enrolled_at: datetime
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class RegisteredKey:
    """A registered key without its private half."""

    key_id: str
    org_id: str
    user_id: str | None
    keyid: str
    public: bytes
    custody: Custody
    roles: frozenset[Role]
    status: KeyStatus
    registered_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None


@dataclass(frozen=True, slots=True)
class Founded:
    """The exchange of this database."""

    origin: str
    vkey: str
    operator_id: str
    keyid: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What the bearer of a token may still do."""

    roles: frozenset[Role]
    revoked: bool


def role_names(roles: frozenset[Role]) -> list[str]:
    """Roles as plain sorted text, for documents."""
    return sorted(role.value for role in roles)


def roles_text(roles: frozenset[Role]) -> str:
    """Roles as they are stored."""
    return canonical(role_names(roles)).decode()


def parse_roles_text(text: str) -> frozenset[Role]:
    """The reverse of `roles_text`."""
    return frozenset(Role(name) for name in orjson.loads(text))


async def get_founded(s: ReadSession) -> Founded | None:
    """The exchange of this database, or None before it was founded."""
    row = await s.get(ExchangeRow, 1)
    return None if row is None else Founded(row.origin, row.vkey, row.operator_id, row.keyid, row.founded_at)


async def get_organisation(s: ReadSession, *, org_id: str) -> Organisation | None:
    """One organisation."""
    row = (await s.exec(select(OrganisationRow).where(OrganisationRow.org_id == org_id))).first()
    return None if row is None else organisation_of(row)


async def lock_organisation(s: WriteSession, *, org_id: str, alone: bool = False) -> Organisation | None:
    """One organisation as it is now, locked until the transaction ends.

    Shared with others who depend on it; `alone` against everybody.
    """
    row = (await s.exec(_MEMBER_ALONE if alone else _MEMBER, params={"org_id": org_id})).first()
    return None if row is None else organisation_of(row)


async def find_organisation(s: ReadSession, *, uscc: str) -> Organisation | None:
    """The organisation with this credit code."""
    row = (await s.exec(select(OrganisationRow).where(OrganisationRow.uscc == uscc))).first()
    return None if row is None else organisation_of(row)


async def list_organisations(
    s: ReadSession, *, after: str | None = None, limit: int = MAX_PAGE
) -> list[Organisation]:
    """Members in the order of their ids (that of admission), after an id."""
    query = select(OrganisationRow).order_by(OrganisationRow.org_id).limit(min(limit, MAX_PAGE))
    if after is not None:
        query = query.where(OrganisationRow.org_id > after)
    return [organisation_of(row) for row in await s.exec(query)]


async def organisations_like(s: ReadSession, *, text: str, limit: int = MAX_PAGE) -> list[Organisation]:
    """The organisations with this id or credit code, or with this in their name."""
    query = select(OrganisationRow).where(
        (col(OrganisationRow.org_id) == text)
        | (col(OrganisationRow.uscc) == text.upper())
        | col(OrganisationRow.name).contains(text, autoescape=True)
    )
    return [organisation_of(row) for row in await s.exec(query.order_by(OrganisationRow.org_id).limit(limit))]


async def is_held_by_another(s: ReadSession, *, role: str, besides: Collection[str]) -> bool:
    """Whether an active member besides these holds a role."""
    query = select(OrganisationRow.org_id).where(
        col(OrganisationRow.roles).contains(f'"{role}"'),
        OrganisationRow.status == OrganisationStatus.ACTIVE,
        col(OrganisationRow.org_id).not_in(list(besides)),
    )
    return (await s.exec(query.limit(1))).first() is not None


async def organisation_names(s: ReadSession, *, org_ids: Collection[str]) -> dict[str, str]:
    """The names of these organisations by id, for lists; who is not a member is left out."""
    query = select(OrganisationRow.org_id, OrganisationRow.name).where(
        col(OrganisationRow.org_id).in_(sorted(org_ids))
    )
    return dict((await s.exec(query)).all())


async def get_person(s: ReadSession, *, user_id: str) -> Person | None:
    """One person."""
    row = (await s.exec(select(PersonRow).where(PersonRow.user_id == user_id))).first()
    return None if row is None else person_of(row)


async def list_people(s: ReadSession, *, org_id: str) -> list[Person]:
    """The people of an organisation, in the order of their enrolment (the first hundred)."""
    query = select(PersonRow).where(PersonRow.org_id == org_id).order_by(PersonRow.user_id).limit(MAX_PAGE)
    return [person_of(row) for row in await s.exec(query)]


async def logins_of(s: ReadSession, *, person: Person) -> list[Person]:
    """Every login that is, or may be, the same natural person's, its own among them.

    The same mark; of somebody nobody has identified, the same name has to do. Who is identified has no login
    that is not: any member could enrol a namesake.
    """
    same = PersonRow.name == person.name if person.mark is None else col(PersonRow.mark) == person.mark
    query = select(PersonRow).where(same)
    return [person_of(row) for row in await s.exec(query.order_by(PersonRow.user_id))]


async def people_in_both(s: ReadSession, a: str, b: str) -> bool:
    """Whether a natural person on record (`identity.natural`) has an open login of each organisation."""
    there = select(PersonRow.mark).where(
        PersonRow.org_id == b, col(PersonRow.active).is_(True), col(PersonRow.mark).is_not(None)
    )
    query = select(PersonRow.user_id).where(
        PersonRow.org_id == a, col(PersonRow.active).is_(True), col(PersonRow.mark).in_(there)
    )
    return (await s.exec(query.limit(1))).first() is not None


async def name_of_mark(s: ReadSession, *, org_id: str, mark: str) -> str | None:
    """The name that a natural person bears at an organisation; None for one it has not named yet."""
    query = select(PersonRow.name).where(PersonRow.org_id == org_id, PersonRow.mark == mark)
    return (await s.exec(query.limit(1))).first()


async def was_struck(s: ReadSession, *, org_id: str, mark: str) -> bool:
    """Whether the operator has struck this number from a login there (`identity.contesting`)."""
    query = select(ContestRow.struck).where(ContestRow.mark == mark, col(ContestRow.decided_at).is_not(None))
    struck = {user_id for found in await s.exec(query) for user_id in found or ()}
    there = select(PersonRow.user_id).where(
        PersonRow.org_id == org_id, col(PersonRow.user_id).in_(sorted(struck))
    )
    return (await s.exec(there.limit(1))).first() is not None


async def has_person_named(s: ReadSession, *, org_id: str, name: str) -> bool:
    """Whether somebody of this name is, or was, enrolled at an organisation."""
    query = select(PersonRow.user_id).where(PersonRow.org_id == org_id, PersonRow.name == name).limit(1)
    return (await s.exec(query)).first() is not None


async def login_exists(s: ReadSession, *, login: str) -> bool:
    """Whether a login is taken."""
    return (await s.exec(select(PersonRow.user_id).where(PersonRow.login == login))).first() is not None


async def get_key(s: ReadSession, *, keyid: str) -> RegisteredKey | None:
    """The key of this keyid, whatever its status."""
    row = (await s.exec(select(KeyRow).where(KeyRow.keyid == keyid))).first()
    return None if row is None else registered_key(row)


async def list_keys(s: ReadSession, *, org_id: str) -> list[RegisteredKey]:
    """An organisation's keys, newest first (the first hundred), the node's own among them."""
    query = select(KeyRow).where(KeyRow.org_id == org_id).order_by(col(KeyRow.key_id).desc()).limit(MAX_PAGE)
    return [registered_key(row) for row in await s.exec(query)]


async def active_keys(s: ReadSession, *, org_id: str) -> list[RegisteredKey]:
    """Every live key of an organisation but the node's own, newest first."""
    query = select(KeyRow).where(
        KeyRow.org_id == org_id, KeyRow.status == KeyStatus.ACTIVE, KeyRow.custody != Custody.NODE
    )
    return [registered_key(row) for row in await s.exec(query.order_by(col(KeyRow.key_id).desc()))]


async def last_revoked_key(s: ReadSession, *, org_id: str) -> RegisteredKey | None:
    """The key of an organisation that was revoked last."""
    query = select(KeyRow).where(KeyRow.org_id == org_id, KeyRow.status == KeyStatus.REVOKED)
    row = (await s.exec(query.order_by(col(KeyRow.revoked_at).desc()).limit(1))).first()
    return None if row is None else registered_key(row)


async def party_keys(s: ReadSession, *, org_id: str, user_id: str | None) -> list[RegisteredKey]:
    """The keys a person can sign with for an organisation: active ones first, own ones first, newest first.

    A key without a person is the organisation's; the node's own key is nobody's to use.
    """
    query = (
        select(KeyRow)
        .where(
            KeyRow.org_id == org_id,
            KeyRow.custody != Custody.NODE,
            or_(col(KeyRow.user_id).is_(None), KeyRow.user_id == user_id),
        )
        .order_by(KeyRow.status, col(KeyRow.user_id).is_(None), col(KeyRow.key_id).desc())
        .limit(MAX_PAGE)
    )
    return [registered_key(row) for row in await s.exec(query)]


async def lock_key(s: WriteSession, *, keyid: str) -> KeyRow | None:
    """The row of a key as it is now, share-locked against revocation until the transaction ends."""
    return (await s.exec(_KEY, params={"keyid": keyid})).first()


async def node_key_status(s: WriteSession, *, keyid: str) -> KeyStatus | None:
    """Whether a key of the node's own is in force, share-locked like `lock_key`; one column: this is hot."""
    query = select(KeyRow.status).where(KeyRow.keyid == keyid, KeyRow.custody == Custody.NODE)
    found = (await s.exec(share_lock(query))).first()
    return None if found is None else KeyStatus(found)


async def claim_key(s: WriteSession, *, key_id: str) -> KeyRow | None:
    """The row of a key, locked against everyone who would sign with it."""
    query = exclusive_lock(select(KeyRow).where(KeyRow.key_id == key_id))
    return (await s.exec(query, execution_options={"populate_existing": True})).first()


async def person_by_login(s: WriteSession, *, login: str) -> PersonRow | None:
    """The row of a login, locked: attempts at one account are counted one after another."""
    query = exclusive_lock(select(PersonRow).where(PersonRow.login == login))
    return (await s.exec(query, execution_options={"populate_existing": True})).first()


async def standing_of(s: ReadSession, *, user_id: str, jti: str, session_id: str) -> Standing | None:
    """What a token's bearer may still do, in one round trip; None for an unknown person.

    It may do nothing with a token that was signed out, or of a session that was ended.
    """
    query = (
        select(PersonRow.active, PersonRow.roles, OrganisationRow.roles, DeniedTokenRow.jti)
        .join(OrganisationRow, col(OrganisationRow.org_id) == col(PersonRow.org_id))
        .join(DeniedTokenRow, col(DeniedTokenRow.jti).in_((jti, session_id)), isouter=True)
        .where(PersonRow.user_id == user_id)
    )
    found = (await s.exec(query)).first()
    if found is None:
        return None
    active, own, organisation, denied = found
    roles = parse_roles_text(own) & parse_roles_text(organisation)
    return Standing(roles, revoked=not active or denied is not None)


async def get_prepared_row(s: ReadSession, *, prepared_id: str) -> PreparedRow | None:
    """A prepared act."""
    return (await s.exec(select(PreparedRow).where(PreparedRow.prepared_id == prepared_id))).first()


async def recent_step_up(s: ReadSession, *, user_id: str, now: datetime, unspent: bool) -> str | None:
    """The newest proof of a person that is not older than five minutes; `unspent` wants one of its own."""
    query = (
        select(StepUpRow.step_up_id)
        .where(
            StepUpRow.user_id == user_id,
            StepUpRow.proved_at >= now - STEP_UP_TTL,
            StepUpRow.proved_at <= now,
        )
        .order_by(col(StepUpRow.proved_at).desc())
        .limit(1)
    )
    if unspent:
        query = query.where(col(StepUpRow.spent_at).is_(None))
    return (await s.exec(query)).first()


def registered_key(row: KeyRow) -> RegisteredKey:
    """A key's row as a value."""
    return RegisteredKey(
        key_id=row.key_id,
        org_id=row.org_id,
        user_id=row.user_id,
        keyid=row.keyid,
        public=row.public_key,
        custody=row.custody,
        roles=parse_roles_text(row.roles),
        status=row.status,
        registered_at=row.registered_at,
        revoked_at=row.revoked_at,
        revoked_by=row.revoked_by,
    )


def organisation_of(row: OrganisationRow) -> Organisation:
    """An organisation's row as a value."""
    return Organisation(
        org_id=row.org_id,
        name=row.name,
        uscc=row.uscc,
        region=row.region,
        roles=parse_roles_text(row.roles),
        controller_id=row.controller_id,
        is_ciio=row.is_ciio,
        status=row.status,
        admitted_at=row.admitted_at,
    )


def person_of(row: PersonRow) -> Person:
    """A person's row as a value."""
    return Person(
        user_id=row.user_id,
        org_id=row.org_id,
        login=row.login,
        name=row.name,
        roles=parse_roles_text(row.roles),
        active=row.active,
        enrolled_at=row.enrolled_at,
        mark=row.mark,
    )
