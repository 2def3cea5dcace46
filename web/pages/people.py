"""The people who sign in for a member: enrolled, identified and closed by the member, or the operator."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from base.idempotency import Answer
from identity.repository import list_people
from web import people
from web.deps import Caller
from web.pages.acting import attempt_unstated, caller_for
from web.pages.forms import Filled, Form
from web.pages.members import logins_in, show_member
from web.pages.visiting import OPERATOR, Visitor, VisitorDep
from web.people import PersonForm

router = APIRouter()
_OWN: Final = "/account/people"


@router.get("/account/people")
async def own(visitor: VisitorDep) -> Response:
    """Who signs in for one's own organisation; the forms by which one more comes, and one goes."""
    return await _own(visitor, Filled())


async def _own(visitor: Visitor, filled: Filled) -> Response:
    session = visitor.require()
    org_id = session.actor.org_id
    async with visitor.node.database.read() as s:
        rows = await list_people(s, org_id=org_id)
    return visitor.render(
        "people.html",
        filled=filled,
        at=_OWN,
        people=rows,
        logins=logins_in(rows),
        roles=visitor.options("role", sorted(session.actor.roles)),
        own=True,
        enrols=True,
        closes=True,
    )


@router.post("/account/people")
async def enrol_colleague(visitor: VisitorDep) -> Response:
    """Enrol a colleague, with no role that one lacks oneself."""
    form = await visitor.form()
    org_id = visitor.require().actor.org_id
    return await _done(visitor, form, "person.enrol", lambda caller: _enrol(caller, org_id, form))


@router.post("/account/people/identity")
async def identify_colleague(visitor: VisitorDep) -> Response:
    """Say which natural person a colleague's login belongs to."""
    form = await visitor.form()
    return await _done(visitor, form, "person.identify", lambda caller: _identify(caller, form))


@router.post("/account/people/{user_id}/close")
async def close_colleague(visitor: VisitorDep, user_id: str) -> Response:
    """Close the login of a colleague who has left."""
    form = await visitor.form()
    return await _done(visitor, form, "person.close", lambda caller: people.close(caller, user_id))


@router.post("/ops/members/{org_id}/people")
async def enrol(visitor: VisitorDep, org_id: str) -> Response:
    """Enrol a person of a member, as the operator."""
    form = await visitor.form()
    return await _done(visitor, form, "person.enrol", lambda caller: _enrol(caller, org_id, form), of=org_id)


@router.post("/ops/members/{org_id}/people/identity")
async def identify(visitor: VisitorDep, org_id: str) -> Response:
    """Say which natural person a login of a member belongs to, as the operator."""
    form = await visitor.form()
    return await _done(visitor, form, "person.identify", lambda caller: _identify(caller, form), of=org_id)


@router.post("/ops/members/{org_id}/people/{user_id}/close")
async def close(visitor: VisitorDep, org_id: str, user_id: str) -> Response:
    """Close the login of a member's person who has left, as the operator."""
    form = await visitor.form()
    return await _done(visitor, form, "person.close", lambda caller: people.close(caller, user_id), of=org_id)


@router.post("/ops/members/{org_id}/people/{user_id}/reset-factor")
async def reset_factor(visitor: VisitorDep, org_id: str, user_id: str) -> Response:
    """End a second factor whose owner has lost it, as the operator."""
    form = await visitor.form()
    return await _done(
        visitor, form, "person.reset", lambda caller: people.reset_factor(caller, user_id), of=org_id
    )


async def _enrol(caller: Caller, org_id: str, form: Form) -> Answer:
    said = {
        "login": form.text("login"),
        "name": form.text("name"),
        "password": form.fields.get("password", ("",))[0],
        "id_number": form.optional("id_number"),
        "roles": form.every("roles") or None,
    }
    return await people.enrol(caller, org_id, PersonForm.model_validate(said))


async def _identify(caller: Caller, form: Form) -> Answer:
    return await people.identify(caller, form.text("user_id"), form.text("id_number"))


async def _done(
    visitor: Visitor,
    form: Form,
    name: str,
    act: Callable[[Caller], Awaitable[Answer]],
    *,
    of: str | None = None,
) -> Response:
    """One of these acts: of one's own organisation, or `of` a member as the operator."""
    if of is not None:
        visitor.require(OPERATOR)
    caller = caller_for(
        visitor, role=None if of is None else "EXCHANGE_OPERATOR", key=form.optional("idempotency_key")
    )
    return await attempt_unstated(
        visitor,
        form,
        name,
        partial(act, caller),
        again=partial(_own, visitor) if of is None else partial(show_member, visitor, of),
        then=_OWN if of is None else f"/ops/members/{of}",
    )
