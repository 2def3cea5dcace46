"""Organisations and people: admitted and enrolled, asked for and deactivated.

Keys stand in `identity.keys`, sign-in in `identity.sign_in`, the founding in `identity.founding`.
"""

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel, col, select, update

from base.db import ReadSession, WriteSession, exclusive_lock
from base.errors import DomainError, NotFound
from identity.errors import (
    LoginTaken,
    MemberNotActive,
    NotYourOrganisation,
    OperatorOnly,
    OrganisationAdmittedBefore,
    OverseerStaysApart,
    PersonIdentifiedOtherwise,
    PersonNameDiffers,
    PersonNotIdentified,
    PersonsBound,
    RolesBeyondGrantor,
    RolesIncompatible,
)
from identity.passwords import PasswordHash
from identity.repository import (
    Organisation,
    Person,
    find_organisation,
    get_organisation,
    get_person,
    lock_organisation,
    login_exists,
    logins_of,
    name_of_mark,
    role_names,
    roles_text,
    was_struck,
)
from identity.rules import (
    OVERSEERS,
    OrganisationStatus,
    Role,
    among,
    check_roles,
    parse_login,
    parse_name,
    parse_region,
    parse_roles,
)
from identity.tables import OrganisationRow, PersonRow
from identity.uscc import parse_uscc, region_of
from identity.vouching import adds_nothing, bound_to
from ledger.recording import Act, record
from ledger.statement import Draft


async def admit_organisation(
    s: WriteSession,
    act: Act,
    *,
    name: str,
    uscc: str,
    roles: Iterable[str],
    region: str | None = None,
    controller_id: str | None = None,
    is_ciio: bool = False,
) -> Organisation:
    """Admit a member (ORG.ADMIT), as the exchange operator.

    `region` (six digits, GB/T 2260) is by default that of the credit code; `controller_id` names the
    ultimate controller, `is_ciio` an operator of critical information infrastructure. Raises
    OperatorOnly, RolesIncompatible, OrganisationAdmittedBefore; Malformed for a wrong code or name.
    """
    require_operator(act)
    wanted = parse_roles(roles)
    if Role.EXCHANGE_OPERATOR in wanted:
        raise RolesIncompatible("an exchange has one operator", roles=role_names(wanted))
    return await add_organisation(
        s,
        act,
        name=name,
        uscc=uscc,
        roles=wanted,
        region=region,
        controller_id=controller_id,
        is_ciio=is_ciio,
    )


async def add_organisation(
    s: WriteSession,
    act: Act,
    *,
    name: str,
    uscc: str,
    roles: frozenset[Role],
    region: str | None,
    controller_id: str | None,
    is_ciio: bool,
    org_id: str | None = None,
) -> Organisation:
    """Check, store and state a new member; who may ask for it is the caller's to decide."""
    code = parse_uscc(uscc)
    check_roles(roles)
    known = await find_organisation(s, uscc=code)
    if known is not None:
        raise OrganisationAdmittedBefore("this credit code belongs to a member", org_id=known.org_id)
    member = Organisation(
        org_id=org_id or act.new_id("org"),
        name=parse_name(name),
        uscc=code,
        region=region_of(code) if region is None else parse_region(region),
        roles=roles,
        controller_id=None if controller_id is None else parse_name(controller_id),
        is_ciio=is_ciio,
        status=OrganisationStatus.ACTIVE,
        admitted_at=act.occurred_at,
    )
    row = OrganisationRow(
        org_id=member.org_id,
        name=member.name,
        uscc=member.uscc,
        region=member.region,
        roles=roles_text(roles),
        controller_id=member.controller_id,
        is_ciio=is_ciio,
        admitted_at=act.occurred_at,
    )
    await insert(s, row, OrganisationAdmittedBefore("this credit code belongs to a member"))
    await record(
        s,
        act,
        Draft(
            "ORG.ADMIT",
            member.org_id,
            public={
                "org_id": member.org_id,
                "name": member.name,
                "uscc": member.uscc,
                "region": member.region,
                "roles": role_names(roles),
            },
            opening={"controller_id": member.controller_id, "is_ciio": is_ciio},
            after=OrganisationStatus.ACTIVE.value,
        ),
    )
    return member


async def enrol_person(
    s: WriteSession,
    act: Act,
    *,
    org_id: str,
    login: str,
    name: str,
    password: PasswordHash,
    roles: Iterable[str] | None = None,
    mark: str | None = None,
) -> Person:
    """Enrol a person who may sign in for an organisation; by the operator, or by the organisation itself.

    The password comes hashed (`passwords.hash_password`, before the transaction). `roles` default to
    all of the organisation's; an organisation's own person hands on no role that he or she lacks.
    `mark` says which natural person it is (`natural.mark_of`), who has one name in all logins.
    The operator enrols of an overseer's people the first alone. Nothing is stated: personal data never
    reaches the ledger; who enrolled it is kept here. Raises NotYourOrganisation, MemberNotActive,
    OverseerStaysApart, RolesBeyondGrantor, LoginTaken, PersonNameDiffers, PersonIdentifiedOtherwise (the
    number was struck there); Malformed for a wrong login or name.
    """
    if not is_operator(act) and act.actor.org_id != org_id:
        raise NotYourOrganisation("people are enrolled by their organisation or the operator")
    organisation = await require_member(s, org_id=org_id, alone=is_operator(act))
    await _require_apart(s, act, organisation)
    given = organisation.roles if roles is None else parse_roles(roles)
    limit = organisation.roles if is_operator(act) else among(organisation.roles, act.actor.roles)
    if not given <= limit:
        raise RolesBeyondGrantor("roles beyond those of the grantor", roles=sorted(given - limit))
    person = Person(
        user_id=act.new_id("usr"),
        org_id=org_id,
        login=parse_login(login),
        name=parse_name(name),
        roles=given,
        active=True,
        enrolled_at=act.occurred_at,
        mark=mark,
    )
    await _require_one_name(s, person, mark)
    await _require_not_struck(s, act, person, mark)
    if await login_exists(s, login=person.login):
        raise LoginTaken("this login is taken")
    row = PersonRow(
        user_id=person.user_id,
        org_id=org_id,
        login=person.login,
        name=person.name,
        mark=mark,
        enrolled_by=act.actor.user_id,
        identified_by=None if mark is None else act.actor.user_id,
        password_hash=password.phc,
        roles=roles_text(given),
        enrolled_at=act.occurred_at,
    )
    await insert(s, row, LoginTaken("this login is taken"))
    return person


async def identify_person(s: WriteSession, act: Act, *, user_id: str, mark: str) -> Person:
    """Say which natural person a login belongs to; by the operator, or by its organisation.

    The same again from another hand confirms it: it then rests on two persons' word (`identity.hands`). The
    word of the login itself, or of one bound to it, is none. What was said stays, unless an objection is
    upheld (`identity.contesting`). Raises NotFound, PersonIdentifiedOtherwise, PersonNameDiffers,
    PersonsBound.
    """
    person = await get_person(s, user_id=user_id)
    if person is None or not (is_operator(act) or act.actor.org_id == person.org_id):
        raise NotFound("no such person", user_id=user_id)
    if person.mark not in {None, mark}:
        raise PersonIdentifiedOtherwise("somebody else is on record", user_id=user_id)
    await _require_one_name(s, person, mark)
    await _require_not_struck(s, act, person, mark)
    said = {"mark": mark, "identified_by": act.actor.user_id}
    unmarked = update(PersonRow).where(col(PersonRow.user_id) == user_id, col(PersonRow.mark).is_(None))
    if (await s.exec(unmarked.values(said))).rowcount != 1:
        again = await get_person(s, user_id=user_id)
        if again is None or again.mark != mark:
            raise PersonIdentifiedOtherwise("somebody else is on record", user_id=user_id)
        await _confirm(s, again, by=act.actor.user_id)
    return replace(person, mark=mark)


async def _require_apart(s: WriteSession, act: Act, organisation: Organisation, *, closing: str = "") -> None:
    """Where an overseer has people, no login of the operator's adds one or takes one away.

    The house itself founds a node, by the command line; whoever is the last of an overseer's people can be
    closed and followed by the operator, or a lost password would shut the overseer out for good. Both are
    stated (`identity.stating`). Raises OverseerStaysApart.
    """
    if not is_operator(act) or act.actor.user_id is None or not organisation.roles & OVERSEERS:
        return
    others = select(PersonRow.user_id).where(
        PersonRow.org_id == organisation.org_id, PersonRow.user_id != closing, col(PersonRow.active).is_(True)
    )
    if (await s.exec(others.limit(1))).first() is not None:
        raise OverseerStaysApart("an authority's own people enrol and close its people")


async def _confirm(s: WriteSession, person: Person, *, by: str | None) -> None:
    """A second word: the first independent one stays; who has said it before says nothing new."""
    query = exclusive_lock(select(PersonRow).where(PersonRow.user_id == person.user_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).one()
    if by is None or row.identified_by is None or by in {row.identified_by, row.confirmed_by}:
        return
    if await adds_nothing(s, person=person, user_id=by):
        raise PersonsBound("whose word this login rests on confirms it not once more", user_id=person.user_id)
    earlier = row.confirmed_by
    if earlier is None or await adds_nothing(s, person=person, user_id=earlier):
        row.confirmed_by = by
        s.add(row)
        await s.flush()


async def _require_one_name(s: WriteSession, person: Person, mark: str | None) -> None:
    """At one organisation. What others have written down of a number keeps nobody from being enrolled."""
    known = None if mark is None else await name_of_mark(s, org_id=person.org_id, mark=mark)
    if known not in {None, person.name}:
        raise PersonNameDiffers("one person has one name")


async def _require_not_struck(s: WriteSession, act: Act, person: Person, mark: str | None) -> None:
    """A number that was struck at an organisation is written down there anew by the operator alone."""
    if mark is not None and not is_operator(act) and await was_struck(s, org_id=person.org_id, mark=mark):
        raise PersonIdentifiedOtherwise("the operator struck this number here", user_id=person.user_id)


async def require_identified(s: ReadSession, *, user_id: str | None) -> Person:
    """The person behind a login, for who decides together with others. Raises PersonNotIdentified."""
    person = None if user_id is None else await get_person(s, user_id=user_id)
    if person is None or person.mark is None:
        raise PersonNotIdentified("say first whose login this is", user_id=user_id or "")
    return person


async def own_logins(s: ReadSession, *, user_id: str) -> frozenset[str]:
    """The ids of every login that is, or may be, the same natural person's; at least this one."""
    person = await get_person(s, user_id=user_id)
    found = [] if person is None else await logins_of(s, person=person)
    return frozenset({user_id, *(one.user_id for one in found)})


async def require_unbound(s: ReadSession, *, user_id: str | None, others: Iterable[str | None]) -> None:
    """Nobody decides beside a login that made this one, that it made, or that the same one hand has made.

    Made is enrolled or identified. Raises PersonsBound.
    """
    if user_id is not None and await bound_logins(s, user_id=user_id) & set(others):
        raise PersonsBound("these two do not decide together", user_id=user_id)


async def bound_logins(s: ReadSession, *, user_id: str) -> frozenset[str]:
    """The ids of the logins beside which this one does not decide; see `require_unbound`."""
    person = await get_person(s, user_id=user_id)
    return frozenset() if person is None else await bound_to(s, person=person)


async def deactivate_person(s: WriteSession, act: Act, *, user_id: str) -> Person:
    """Close a person's account: every token of theirs is worthless at once. Again changes nothing.

    By its organisation, or by the operator; of an overseer's people by the operator the last alone. Raises
    NotFound, OverseerStaysApart.
    """
    person = await get_person(s, user_id=user_id)
    if person is None or not (is_operator(act) or act.actor.org_id == person.org_id):
        raise NotFound("no such person", user_id=user_id)
    organisation = await lock_organisation(s, org_id=person.org_id, alone=is_operator(act))
    if organisation is not None:
        await _require_apart(s, act, organisation, closing=user_id)
    await s.exec(update(PersonRow).where(col(PersonRow.user_id) == user_id).values(active=False))
    closed = await get_person(s, user_id=user_id)
    assert closed is not None
    return closed


async def require_member(s: WriteSession, *, org_id: str, alone: bool = False) -> Organisation:
    """The organisation, locked against its suspension, `alone` against everybody. Raises MemberNotActive."""
    organisation = await lock_organisation(s, org_id=org_id, alone=alone)
    if organisation is None or organisation.status is not OrganisationStatus.ACTIVE:
        raise MemberNotActive("not an active member of the exchange", org_id=org_id)
    return organisation


async def same_controller(s: ReadSession, a: str, b: str) -> bool:
    """Whether two organisations are one, have one ultimate controller, or one controls the other."""
    if a == b:
        return True
    one, other = await get_organisation(s, org_id=a), await get_organisation(s, org_id=b)
    if one is None or other is None:
        return False
    shared = one.controller_id is not None and one.controller_id == other.controller_id
    return shared or one.controller_id == b or other.controller_id == a


def is_operator(act: Act) -> bool:
    """Whether the act is one of the exchange operator."""
    return act.role == Role.EXCHANGE_OPERATOR and Role.EXCHANGE_OPERATOR in act.actor.roles


def require_operator(act: Act) -> None:
    """Raises OperatorOnly."""
    if not is_operator(act):
        raise OperatorOnly("only the exchange operator may do this", role=act.role)


async def insert(s: WriteSession, row: SQLModel, taken: DomainError) -> None:
    """Store a new row; who comes second to a unique value meets the refusal, not a database error."""
    try:
        async with s.begin_nested():
            s.add(row)
    except IntegrityError:
        raise taken from None
