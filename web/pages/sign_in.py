"""Sign in and out, and one's own account: who one is, the organisation's keys, where it is paid."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from identity.errors import SecondFactorNeeded, SignInFailed
from identity.repository import list_keys, list_people
from identity.sessions import end_others, end_session, sessions_of
from identity.sign_in import sign_in, sign_out
from market.settlement.repository import payee_account
from web.limits import TooManyAttempts, proved
from web.pages.acting import attempt
from web.pages.forms import Filled, sent_back
from web.pages.home import inner
from web.pages.languages import lang_of
from web.pages.session import FORM_COOKIE, forget_session, is_secure, remember_session
from web.pages.visiting import PARTIES, Visitor, VisitorDep

router = APIRouter()


@router.get("/login")
async def ask(
    visitor: VisitorDep,
    next_: Annotated[str, Query(alias="next", max_length=500)] = "",
    ended: Annotated[str, Query(max_length=3)] = "",
) -> Response:
    """The form; whoever is signed in goes on at once. `ended`: who comes because its session has."""
    if visitor.session is not None:
        return visitor.redirect(_within(next_))
    return visitor.render("login.html", next=next_, ended=ended or visitor.has_ended)


@router.post("/login")
async def enter(visitor: VisitorDep) -> Response:
    """A session for a login and a password; unknown and wrong look alike."""
    form = await visitor.form()
    node = visitor.node
    try:
        signed = await proved(
            visitor.request,
            lambda: sign_in(
                node.database,
                node.clock,
                node.tokens,
                login=form.text("login")[:128],
                password=form.fields.get("password", ("",))[0][:256],
                agent=visitor.request.headers.get("user-agent", ""),
                code=form.text("code")[:40],
                factors=node.factors,
            ),
        )
    except (SignInFailed, SecondFactorNeeded, TooManyAttempts) as error:
        again = Filled("login", {"login": [form.text("login")]}, (), sent_back("", form, error).error)
        return visitor.render("login.html", next=form.text("next"), ended=False, filled=again)
    # whose role asks for a second factor, and who has none, comes no further than to that page
    further = _within(form.text("next")) if signed.token.scope else "/account/second-factor"
    response = visitor.redirect(further)
    remember_session(response, node, signed.token.access_token)
    # A new person, a new nonce: what was written for nobody is no form of theirs.
    response.set_cookie(
        FORM_COOKIE, secrets.token_hex(16), httponly=True, samesite="strict", secure=is_secure(node)
    )
    return response


@router.post("/logout")
async def leave(visitor: VisitorDep) -> Response:
    """End the session: its token is worthless at once."""
    await visitor.form()
    if visitor.session is not None:
        async with visitor.node.database.write() as s:
            await sign_out(s, visitor.session.claims, now=visitor.node.clock.now())
    ended = Visitor(visitor.request, visitor.node, visitor.lang, None, visitor.tokens, visitor.nonce)
    response = ended.redirect("/")
    forget_session(response)
    return response


@router.get("/account")
async def account(visitor: VisitorDep) -> Response:
    """One's person and organisation."""
    return await _account(visitor, Filled())


async def _account(visitor: Visitor, filled: Filled) -> Response:
    session = visitor.require()
    async with visitor.node.database.read() as s:
        keys = await list_keys(s, org_id=session.actor.org_id)
        people = await list_people(s, org_id=session.actor.org_id)
        paid_to = await payee_account(s, org_id=session.actor.org_id)
    return visitor.render(
        "account.html",
        filled=filled,
        session=session,
        keys=keys,
        people=people,
        payee=paid_to,
        is_party=visitor.may(PARTIES),
    )


@router.get("/account/sessions")
async def sessions(visitor: VisitorDep) -> Response:
    """Where one is signed in."""
    session = visitor.require()
    async with visitor.node.database.read() as s:
        rows = await sessions_of(s, user_id=session.claims.user_id, now=visitor.node.clock.now())
    return visitor.render("sessions.html", sessions=rows, this=session.claims.session_id)


@router.post("/account/sessions/end")
async def end_all(visitor: VisitorDep) -> Response:
    """End every session but this one."""
    await visitor.form()
    claims = visitor.require().claims
    async with visitor.node.database.write() as s:
        await end_others(s, user_id=claims.user_id, but=claims.session_id, now=visitor.node.clock.now())
    return visitor.redirect("/account/sessions")


@router.post("/account/sessions/{session_id}/end")
async def end_one(visitor: VisitorDep, session_id: str) -> Response:
    """End one session: whoever has it is signed out at the next step."""
    await visitor.form()
    claims = visitor.require().claims
    async with visitor.node.database.write() as s:
        await end_session(s, user_id=claims.user_id, session_id=session_id, now=visitor.node.clock.now())
    return visitor.redirect("/account/sessions")


@router.post("/account/payee")
async def set_payee(visitor: VisitorDep) -> Response:
    """Name the account that one's organisation is paid to."""
    form = await visitor.form()
    session = visitor.require(PARTIES)
    return await attempt(
        visitor,
        form,
        act="payee-account.set",
        args={"account": form.text("account").replace(" ", ""), "holder": form.text("holder")},
        role=min(session.actor.roles & PARTIES),
        then="/account",
        again=lambda filled: _account(visitor, filled),
    )


@router.post("/account/keys")
async def register(visitor: VisitorDep) -> Response:
    """Register a key: self-held brings its public half, custodial is made here."""
    form = await visitor.form()
    session = visitor.require()
    return await attempt(
        visitor,
        form,
        act="key.register",
        args={
            "org_id": session.actor.org_id,
            "custody": form.text("custody"),
            "public_key": form.optional("public_key"),
        },
        role=min(session.actor.roles, default=None),
        then="/account",
        again=lambda filled: _account(visitor, filled),
    )


@router.post("/account/keys/{key_id}/revoke")
async def revoke(visitor: VisitorDep, key_id: str) -> Response:
    """Revoke a key for good."""
    form = await visitor.form()
    session = visitor.require()
    return await attempt(
        visitor,
        form,
        act="key.revoke",
        args={"key_id": key_id, "reason": form.text("reason")},
        role=min(session.actor.roles, default=None),
        then="/account",
        again=lambda filled: _account(visitor, filled),
    )


def _within(path: str) -> str:
    """The rest of a page's address after its language: where to go after signing in."""
    lang = lang_of(path)
    return inner(path[len(lang) + 1 :] or "/") if lang is not None else "/"
