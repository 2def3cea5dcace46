"""What ends a registered right, and an objection to a login under one's own identity number."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from starlette.responses import Response

from identity.contesting import bearers, open_contests
from market.listings.repository import get_product
from registry.ending import REGISTRARS
from registry.repository import rights_in
from web import people
from web.pages.acting import attempt, attempt_unstated, caller_for
from web.pages.forms import Filled
from web.pages.naming import names_of
from web.pages.visiting import OPERATOR, Visitor, VisitorDep

router = APIRouter()
_PROVIDER: Final = frozenset({"PROVIDER"})


@router.get("/rights/{product_id}")
async def rights(visitor: VisitorDep, product_id: str) -> Response:
    """The rights registered in a product, and the forms by which one ends, for members."""
    return await _rights(visitor, product_id, Filled())


async def _rights(visitor: Visitor, product_id: str, filled: Filled) -> Response:
    session = visitor.require()
    async with visitor.node.database.read() as s:
        product = await get_product(s, product_id=product_id)
        rows = await rights_in(s, product_id=product_id)
        names = await names_of(s, (row.holder_id for row in rows))
    standing = [row for row in rows if row.ended_at is None]
    own = session.actor.org_id
    return visitor.render(
        "rights.html",
        filled=filled,
        product=product,
        rows=rows,
        names=names,
        mine=[row for row in standing if row.holder_id == own and visitor.may(_PROVIDER)],
        theirs=[row for row in standing if row.holder_id != own and visitor.may(REGISTRARS)],
    )


@router.post("/rights/{product_id}/{what}")
async def end_right(
    visitor: VisitorDep, product_id: str, what: Annotated[str, Path(pattern="^(cancel|revoke)$")]
) -> Response:
    """Give one's own right up, or revoke another's as the registrar."""
    form = await visitor.form()
    args: dict[str, Any] = {"product_id": product_id, "reason_code": form.text("reason_code")}
    args["right"], _, holder = form.text("right").partition(" ")
    if what == "revoke":
        args["holder_id"] = holder
    registrar = sorted(REGISTRARS & visitor.roles)
    return await attempt(
        visitor,
        form,
        act=f"right.{what}",
        args=args,
        role="PROVIDER" if what == "cancel" else (registrar[0] if registrar else None),
        then=f"/rights/{product_id}",
        again=lambda filled: _rights(visitor, product_id, filled),
    )


@router.get("/account/identity")
async def identity(visitor: VisitorDep) -> Response:
    """How one objects that somebody else has a login under one's identity number."""
    return await _identity(visitor, Filled())


async def _identity(visitor: Visitor, filled: Filled) -> Response:
    session = visitor.require()
    return visitor.render("identity.html", filled=filled, identified=session.person.mark is not None)


@router.post("/account/identity")
async def contest(visitor: VisitorDep) -> Response:
    """Object, as the owner of the number."""
    form = await visitor.form()
    caller = caller_for(visitor, key=form.optional("idempotency_key"))
    return await attempt_unstated(
        visitor,
        form,
        "person.contest",
        lambda: people.contest(caller),
        again=lambda filled: _identity(visitor, filled),
        then="/account",
    )


@router.get("/ops/identity-contests")
async def contests(visitor: VisitorDep) -> Response:
    """The objections that wait, with the logins under each number, for the operator."""
    return await _contests(visitor, Filled())


async def _contests(visitor: Visitor, filled: Filled) -> Response:
    visitor.require(OPERATOR)
    async with visitor.node.database.read() as s:
        waiting = [(row, await bearers(s, mark=row.mark)) for row in await open_contests(s)]
        names = await names_of(s, (one.org_id for _, logins in waiting for one in logins))
    return visitor.render("identity_contests.html", filled=filled, waiting=waiting, names=names)


@router.post("/ops/identity-contests/{contest_id}")
async def decide(visitor: VisitorDep, contest_id: str) -> Response:
    """Strike the number from the logins that are somebody else's, or dismiss the objection."""
    form = await visitor.form()
    visitor.require(OPERATOR)
    caller = caller_for(visitor, role="EXCHANGE_OPERATOR", key=form.optional("idempotency_key"))
    struck = form.every("struck")
    return await attempt_unstated(
        visitor,
        form,
        "person.decide",
        lambda: people.decide(caller, contest_id, struck),
        again=lambda filled: _contests(visitor, filled),
        then="/ops/identity-contests",
    )
