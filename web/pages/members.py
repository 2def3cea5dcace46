"""The operator's pages about members: admit one, look at one; its people are in `web.pages.people`."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from base.errors import NotFound
from identity.control import controls_of
from identity.repository import Person, get_organisation, list_keys, list_organisations, list_people
from identity.rules import OVERSEERS, Role
from web.pages.acting import attempt
from web.pages.forms import Filled
from web.pages.regions import REGIONS
from web.pages.visiting import OPERATOR, Visitor, VisitorDep

router = APIRouter()
_PAGE: Final = 50
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
        regions=visitor.labelled({code: label for code, label in REGIONS.items() if code.isdecimal()}),
        next_address=more,
    )


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
    return await show_member(visitor, org_id, Filled())


async def show_member(visitor: Visitor, org_id: str, filled: Filled) -> Response:
    """The page of a member, with a form as it was filled. Raises NotFound."""
    visitor.require(OPERATOR)
    async with visitor.node.database.read() as s:
        found = await get_organisation(s, org_id=org_id)
        keys = await list_keys(s, org_id=org_id)
        people = await list_people(s, org_id=org_id)
        controls = await controls_of(s, org_id=org_id)
    if found is None:
        raise NotFound("no such member", org_id=org_id)
    overseer, open_ones = bool(found.roles & OVERSEERS), sum(one.active for one in people)
    return visitor.render(
        "member.html",
        filled=filled,
        member=found,
        keys=keys,
        people=people,
        controls=controls,
        at=f"/ops/members/{org_id}/people",
        logins=logins_in(people),
        enrols=not overseer or not open_ones,
        closes=not overseer or open_ones == 1,
        own=False,
        roles=visitor.options("role", sorted(found.roles)),
    )


def logins_in(people: Sequence[Person]) -> list[tuple[str, str]]:
    """Those of the people who may sign in, to choose from."""
    return [(one.user_id, f"{one.name} ({one.login})") for one in people if one.active]


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
        again=lambda filled: show_member(visitor, org_id, filled),
    )
