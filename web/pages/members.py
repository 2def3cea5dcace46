"""The operator's pages about members: admit one, look at one, enrol its people."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import ValidationError
from starlette.responses import Response

from base.errors import DomainError, NotFound, Unauthenticated, Unavailable
from identity.control import controls_of
from identity.repository import get_organisation, list_keys, list_organisations, list_people
from identity.rules import Role
from web.pages.acting import attempt, caller_for
from web.pages.forms import Filled, sent_back, told_of
from web.pages.regions import REGIONS
from web.pages.visiting import OPERATOR, Visitor, VisitorDep
from web.people import PersonForm, enrol, identify

router = APIRouter()
_PAGE: Final = 50
_FIRST_ERROR: Final = 400
_OF_MEMBERS: Final = tuple(role for role in Role if role is not Role.EXCHANGE_OPERATOR)


@router.get("/ops/members")
async def members(visitor: VisitorDep, after: Annotated[str | None, Query(max_length=40)] = None) -> Response:
    """The members, and the form that admits one more."""
    return await _members(visitor, Filled(), after)


async def _members(visitor: Visitor, filled: Filled, after: str | None = None) -> Response:
    visitor.require(OPERATOR)
    async with visitor.node.database.read() as s:
        rows = await list_organisations(s, after=after, limit=_PAGE)
    more = visitor.url("/ops/members", after=rows[-1].org_id) if len(rows) == _PAGE else None
    return visitor.render(
        "members.html",
        filled=filled,
        rows=rows,
        roles=visitor.options("role", _OF_MEMBERS),
        regions=[(key, label.zh if visitor.lang == "zh" else label.en) for key, label in _regions()],
        next_address=more,
    )


def _regions() -> list[tuple[str, Any]]:
    return [(key, label) for key, label in REGIONS.items() if key.isdecimal()]


@router.post("/ops/members")
async def admit(visitor: VisitorDep) -> Response:
    """Admit a member."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="organisation.admit",
        args={
            "name": form.text("name"),
            "uscc": form.text("uscc"),
            "roles": form.every("roles"),
            "region": form.optional("region"),
            "controller_id": form.optional("controller_id"),
            "is_ciio": form.flag("is_ciio"),
        },
        role="EXCHANGE_OPERATOR",
        then=lambda admitted: f"/ops/members/{admitted['org_id']}",
        again=lambda filled: _members(visitor, filled),
    )


@router.get("/ops/members/{org_id}")
async def member(visitor: VisitorDep, org_id: str) -> Response:
    """One member: its roles, its keys, its people."""
    return await _member(visitor, org_id, Filled())


async def _member(visitor: Visitor, org_id: str, filled: Filled) -> Response:
    visitor.require(OPERATOR)
    async with visitor.node.database.read() as s:
        found = await get_organisation(s, org_id=org_id)
        keys = await list_keys(s, org_id=org_id)
        people = await list_people(s, org_id=org_id)
        controls = await controls_of(s, org_id=org_id)
    if found is None:
        raise NotFound("no such member", org_id=org_id)
    return visitor.render(
        "member.html",
        filled=filled,
        member=found,
        keys=keys,
        people=people,
        controls=controls,
        logins=[(one.user_id, f"{one.name} ({one.login})") for one in people],
        roles=visitor.options("role", sorted(found.roles)),
    )


@router.post("/ops/members/{org_id}/controller")
async def control(visitor: VisitorDep, org_id: str) -> Response:
    """Enter under whose control a member is from now on."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="organisation.control",
        args={
            "org_id": org_id,
            "controller_id": form.optional("controller_id"),
            "reason": form.text("reason"),
        },
        role="EXCHANGE_OPERATOR",
        then=lambda _: f"/ops/members/{org_id}",
        again=lambda filled: _member(visitor, org_id, filled),
    )


@router.post("/ops/members/{org_id}/people")
async def enrol_person(visitor: VisitorDep, org_id: str) -> Response:
    """Enrol a person of a member, as the operator."""
    form = await visitor.form()
    visitor.require(OPERATOR)
    caller = caller_for(visitor, role="EXCHANGE_OPERATOR", key=form.optional("idempotency_key"))
    said = {
        "login": form.text("login"),
        "name": form.text("name"),
        "password": form.fields.get("password", ("",))[0],
        "id_number": form.optional("id_number"),
        "roles": form.every("roles") or None,
    }
    try:
        answer = await enrol(caller, org_id, PersonForm.model_validate(said))
    except (Unauthenticated, NotFound, Unavailable):
        raise
    except (DomainError, ValidationError) as error:
        return await _member(visitor, org_id, sent_back("person.enrol", form, error))
    if answer.status >= _FIRST_ERROR:
        wrong = Filled("person.enrol", form.kept(), (), told_of(answer.status, answer.body))
        return await _member(visitor, org_id, wrong)
    return visitor.redirect(f"/ops/members/{org_id}")


@router.post("/ops/members/{org_id}/identity")
async def identify_person(visitor: VisitorDep, org_id: str) -> Response:
    """Say which natural person a login of a member belongs to, as the operator."""
    form = await visitor.form()
    visitor.require(OPERATOR)
    caller = caller_for(visitor, role="EXCHANGE_OPERATOR", key=form.optional("idempotency_key"))
    try:
        answer = await identify(caller, form.text("user_id"), form.text("id_number"))
    except (Unauthenticated, NotFound, Unavailable):
        raise
    except DomainError as error:
        return await _member(visitor, org_id, sent_back("person.identify", form, error))
    if answer.status >= _FIRST_ERROR:
        wrong = Filled("person.identify", form.kept(), (), told_of(answer.status, answer.body))
        return await _member(visitor, org_id, wrong)
    return visitor.redirect(f"/ops/members/{org_id}")
