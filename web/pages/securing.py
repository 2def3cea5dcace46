"""One's own password and second factor, as pages: `/account/password`, `/account/second-factor`."""

from typing import Final

import segno
from fastapi import APIRouter
from starlette.responses import Response

from base.errors import DomainError, Malformed
from identity.second_factor import Offered, confirm, end, offer, standing
from identity.sessions import end_others
from identity.sign_in import change_password, prove_person, sign_out
from web.limits import proved
from web.pages.forms import Filled, Form, sent_back
from web.pages.session import forget_session
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
_PASSWORD: Final = 256
_CODE: Final = 40
_QUIET_ZONE: Final = 4  # ISO/IEC 18004


class PasswordsDiffer(Malformed):
    code = "passwords-differ"
    title = "The two new passwords differ"


@router.get("/account/password")
async def ask_password(visitor: VisitorDep) -> Response:
    """The form."""
    visitor.require()
    return visitor.render("account_password.html", changed=visitor.request.query_params.get("changed") == "1")


@router.post("/account/password")
async def set_password(visitor: VisitorDep) -> Response:
    """A new password with the old one; every other session is ended."""
    form = await visitor.form()
    node, claims = visitor.node, visitor.require().claims
    try:
        if _secret(form, "new") != _secret(form, "again"):
            raise PasswordsDiffer("type the same twice")
        await proved(
            visitor.request,
            lambda: change_password(
                node.database,
                node.clock,
                user_id=claims.user_id,
                session_id=claims.session_id,
                old=_secret(form, "old"),
                new=_secret(form, "new"),
                code=form.text("code")[:_CODE],
                factors=node.factors,
            ),
        )
    except DomainError as error:
        return visitor.render("account_password.html", filled=_failed("password", form, error), changed=False)
    return visitor.redirect("/account/password", changed="1")


@router.get("/account/second-factor")
async def ask_factor(visitor: VisitorDep) -> Response:
    """Whether there is one, and how it is begun or ended."""
    return await _factor(visitor, Filled())


@router.post("/account/second-factor")
async def set_up(visitor: VisitorDep) -> Response:
    """A secret for an app, as a picture to be scanned and as text to be typed."""
    form = await visitor.form()
    session = visitor.require()
    try:
        await _prove(visitor, form)
        async with visitor.node.database.write() as s:
            offered = await offer(
                s,
                visitor.node.factors,
                user_id=session.claims.user_id,
                login=session.person.login,
                issuer=visitor.node.settings.origin,
                now=visitor.node.clock.now(),
            )
    except DomainError as error:
        return await _factor(visitor, _failed("factor", form, error))
    return await _factor(visitor, Filled(), offered=offered)


@router.post("/account/second-factor/confirm")
async def begin(visitor: VisitorDep) -> Response:
    """The first code of the app. The recovery codes are shown once, and one signs in again with a code."""
    form = await visitor.form()
    node, claims = visitor.node, visitor.require().claims
    try:
        async with node.database.write() as s:
            now = node.clock.now()
            factors = node.factors
            codes = await confirm(s, factors, user_id=claims.user_id, code=form.text("code")[:_CODE], now=now)
            await end_others(s, user_id=claims.user_id, but=claims.session_id, now=now)
            await sign_out(s, claims, now=now)
    except DomainError as error:
        return await _factor(visitor, _failed("confirm", form, error))
    ended = Visitor(visitor.request, node, visitor.lang, None, visitor.tokens, visitor.nonce)
    response = ended.render("account_recovery_codes.html", codes=codes)
    response.headers["cache-control"] = "private, no-store"
    forget_session(response)
    return response


@router.post("/account/second-factor/end")
async def finish(visitor: VisitorDep) -> Response:
    """End it, with the password and a code."""
    form = await visitor.form()
    claims = visitor.require().claims
    try:
        await _prove(visitor, form)
        async with visitor.node.database.write() as s:
            await end(s, user_id=claims.user_id)
    except DomainError as error:
        return await _factor(visitor, _failed("end", form, error))
    return visitor.redirect("/account/second-factor")


async def _factor(visitor: Visitor, filled: Filled, *, offered: Offered | None = None) -> Response:
    session = visitor.require()
    async with visitor.node.database.read() as s:
        now = await standing(s, user_id=session.claims.user_id)
    return visitor.render(
        "account_second_factor.html",
        filled=filled,
        standing=now,
        offered=offered,
        picture=None if offered is None else _picture(offered.address),
        required=bool(session.person.roles & visitor.node.factors.required),
    )


async def _prove(visitor: Visitor, form: Form) -> None:
    node, claims = visitor.node, visitor.require().claims
    await proved(
        visitor.request,
        lambda: prove_person(
            node.database,
            node.clock,
            user_id=claims.user_id,
            password=_secret(form, "password"),
            code=form.text("code")[:_CODE],
            factors=node.factors,
        ),
    )


def _secret(form: Form, name: str) -> str:
    """As it was typed: what stands at its ends belongs to it."""
    return form.fields.get(name, ("",))[0][:_PASSWORD]


def _failed(action: str, form: Form, error: DomainError) -> Filled:
    """What went wrong; nothing that was typed is shown again."""
    return Filled(action, {}, (), sent_back("", form, error).error)


def _picture(address: str) -> str:
    return segno.make(address, error="m", micro=False).svg_data_uri(
        scale=4, border=_QUIET_ZONE, dark="#000000", light="#ffffff"
    )
