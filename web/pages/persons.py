"""A data subject's own page, and the desk of who holds or has received persons' data."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.responses import Response

from base.errors import DomainError, NotFound
from market.listings.conditions import PURPOSE_LABELS
from registry.subjects import repository
from registry.subjects.entering import SESSION, digest_of_code, new_code, signed_in
from registry.subjects.errors import SubjectSignInFailed
from registry.subjects.rules import TOLD, AskedKind, ConsentKind, RefusalReason
from registry.subjects.states import HOLDERS, RECEIVERS
from registry.vouchers.repository import vouchers
from web import persons
from web.pages.acting import attempt
from web.pages.forms import Filled, Form, sent_back
from web.pages.naming import names_of
from web.pages.session import is_secure
from web.pages.visiting import Visitor, VisitorDep
from web.person_forms import (
    COOKIE,
    CodeForm,
    ComplaintForm,
    GiveForm,
    InvitationForm,
    OfGivenForm,
    OfRequestForm,
    RequestForm,
    desk_of,
)
from web.person_views import (
    SessionView,
    my_data,
    request_view,
)
from web.proceedings import held_up

router = APIRouter()
_MOST: Final = 100
_PATH: Final = "/my-data"


async def _person(visitor: Visitor) -> str | None:
    """Who is signed in as a data subject; None for nobody."""
    token, now = visitor.request.cookies.get(COOKIE, ""), visitor.node.clock.now()
    try:
        async with visitor.node.database.read() as s:
            return await signed_in(s, desk=desk_of(visitor.node), session=token, now=now)
    except SubjectSignInFailed:
        return None


def _remembered(visitor: Visitor, response: Response, opened: SessionView) -> Response:
    response.set_cookie(
        COOKIE,
        opened.session,
        max_age=int(SESSION.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=is_secure(visitor.node),
    )
    return response


@router.get("/my-data")
async def own(visitor: VisitorDep) -> Response:
    """What is asked of one, what one has consented to and asked; before the sign-in, the two codes."""
    return await _own(visitor, Filled())


async def _own(visitor: Visitor, filled: Filled) -> Response:
    subject_id = await _person(visitor)
    if subject_id is None:
        return visitor.render("my_data_in.html", filled=filled)
    async with visitor.node.database.read() as s:
        mine = await my_data(visitor.node, s, subject_id)
        told = await repository.deletions(s, given_ids=[one.given_id for one in mine.consents])
        shown = await repository.shown_of(s, given_ids=[one.given_id for one in mine.consents])
        papers = [
            row
            for tie in mine.ties
            for row in await vouchers(s, subject_id=tie.pseudonym, limit=_MOST)
            if row.provider_id == tie.holder_id
        ]
        holders = [one.holder_id for one in mine.ties]
        named = [one for wording in mine.wordings for one in wording.recipients]
        names = await names_of(s, holders, named, (one.receiver_id for one in told))
    standing = {(one.tie_id, one.object_id, one.kind) for one in mine.consents if one.status == "GIVEN"}
    asked = [
        (tie, wording)
        for tie in mine.ties
        for wording in mine.wordings
        if wording.holder_id == tie.holder_id
        and (tie.tie_id, wording.object_id, wording.kind) not in standing
    ]
    return visitor.render(
        "my_data.html",
        filled=filled,
        mine=mine,
        asked=asked,
        told=told,
        shown=shown,
        papers=papers,
        names=names,
        purposes=dict(visitor.labelled(PURPOSE_LABELS)),
        kinds=visitor.options("asked_kind", list(AskedKind)),
        holders=[(one.tie_id, names[one.holder_id]) for one in mine.ties],
    )


@router.post("/my-data/open")
async def open_account(visitor: VisitorDep) -> Response:
    """Answer an invitation: as a new person, whose code is shown once, or as who is signed in."""
    form = await visitor.form()
    try:
        held_up(visitor.request)
        said = InvitationForm(invitation=form.text("invitation"), did=form.optional("did"))
        subject_id = await _person(visitor)
        if subject_id is not None:
            await persons.accept_another(visitor.node, subject_id, said)
            return visitor.redirect(_PATH)
        opened = await persons.accept(visitor.node, said)
    except (DomainError, ValidationError) as error:
        return await _own(visitor, sent_back("open", form, error))
    page = visitor.render("my_data_code.html", status=201, code=opened.code)
    return _remembered(visitor, page, opened)


@router.post("/my-data/sign-in")
async def sign_in(visitor: VisitorDep) -> Response:
    """Sign in by one's code; it is in no address."""
    form = await visitor.form()
    try:
        held_up(visitor.request)
        opened = await persons.sign_in(visitor.node, CodeForm(code=form.text("code")).code)
    except (DomainError, ValidationError) as error:
        return await _own(visitor, sent_back("sign-in", form, error))
    return _remembered(visitor, visitor.redirect(_PATH), opened)


@router.post("/my-data/sign-out")
async def sign_out(visitor: VisitorDep) -> Response:
    """End every session, and forget it in this browser."""
    await visitor.form()
    subject_id = await _person(visitor)
    if subject_id is not None:
        await persons.sign_out(visitor.node, subject_id)
    response = visitor.redirect(_PATH)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


async def _give(visitor: Visitor, subject_id: str, form: Form) -> Any:
    said: dict[str, Any] = {name: form.text(name) for name in ("tie_id", "wording_id")}
    said |= {"purposes": form.every("purposes"), "signature": form.optional("signature")}
    return await persons.give(visitor.node, subject_id, GiveForm.model_validate(said))


async def _withdraw(visitor: Visitor, subject_id: str, form: Form) -> Any:
    said = OfGivenForm(given_id=form.text("given_id"), signature=form.optional("signature"))
    return await persons.withdraw(visitor.node, subject_id, said.given_id, said.signature)


async def _ask(visitor: Visitor, subject_id: str, form: Form) -> Any:
    said = {name: form.text(name) for name in ("tie_id", "kind", "text")}
    optional = {name: form.optional(name) for name in ("object_id", "signature")}
    return await persons.ask(visitor.node, subject_id, RequestForm.model_validate(said | optional))


async def _finish(visitor: Visitor, subject_id: str, form: Form) -> Any:
    said = OfRequestForm(request_id=form.text("request_id"), signature=form.optional("signature"))
    return await persons.finish(visitor.node, subject_id, said.request_id, said.signature)


async def _complain(visitor: Visitor, subject_id: str, form: Form) -> Any:
    about = OfRequestForm(request_id=form.text("request_id"), signature=form.optional("signature"))
    text = ComplaintForm(text=form.text("text")).text
    return await persons.complain(visitor.node, subject_id, about.request_id, text, about.signature)


_DOES: Final[dict[str, Callable[[Visitor, str, Form], Awaitable[Any]]]] = {
    "give": _give,
    "withdraw": _withdraw,
    "ask": _ask,
    "finish": _finish,
    "complain": _complain,
}


@router.post("/my-data/{does}")
async def act_as_person(visitor: VisitorDep, does: str) -> Response:
    """What a person does: consent, take it back, ask, say that it is done, complain."""
    form = await visitor.form()
    act = _DOES.get(does)
    if act is None:
        raise NotFound("no such step")
    subject_id = await _person(visitor)
    if subject_id is None:
        return visitor.redirect(_PATH)
    try:
        done = await act(visitor, subject_id, form)
    except (DomainError, ValidationError) as error:
        return await _own(visitor, sent_back(does, form, error))
    if does == "complain":
        return visitor.render("my_data_filed.html", status=201, filed=done)
    return visitor.redirect(_PATH)


# -- who holds or has received


@router.get("/persons")
async def desk(visitor: VisitorDep) -> Response:
    """Persons whom one knows, what one asks of them and they of one; whom one has been told to delete."""
    return await _desk(visitor, Filled())


async def _desk(visitor: Visitor, filled: Filled) -> Response:
    visitor.require(RECEIVERS)
    org_id = visitor.org_id or ""
    now = visitor.node.clock.now()
    async with visitor.node.database.read() as s:
        holds = visitor.may(HOLDERS)
        ties = await repository.ties(s, holder_id=org_id) if holds else []
        asked = await repository.asked(s, holder_id=org_id) if holds else []
        givens = await repository.givens(s, holder_id=org_id) if holds else []
        wordings = await repository.wordings(s, holder_ids=[org_id], standing=False) if holds else []
        caused = await repository.deletions(s, holder_id=org_id) if holds else []
        told = await repository.deletions(s, receiver_id=org_id)
        names = await names_of(s, (one.holder_id for one in told), (one.receiver_id for one in caused))
    return visitor.render(
        "persons.html",
        filled=filled,
        holds=holds,
        ties=ties,
        requests=[request_view(desk_of(visitor.node), one, now) for one in asked],
        givens=givens,
        wordings=wordings,
        caused=caused,
        told=told,
        names=names,
        code=new_code(),
        purposes=dict(visitor.labelled(PURPOSE_LABELS)),
        kinds=visitor.options("consent_kind", list(ConsentKind)),
        reasons=visitor.options("asked_refusal", list(RefusalReason)),
        told_names=list(dict.fromkeys(name for wanted in TOLD.values() for name in wanted)),
    )


def _wording(form: Form) -> dict[str, Any]:
    kind = form.text("kind")
    wanted = TOLD[ConsentKind(kind)] if kind in set(ConsentKind) else ()
    told = {name: form.text(name) for name in wanted if form.text(name).strip()}
    months = form.text("months")
    return {
        "kind": kind,
        "object_id": form.text("object_id"),
        "text": form.text("text"),
        "told": told,
        "purposes": form.every("purposes"),
        "recipients": form.text("recipients").split(),
        "months": months,
    }


_HOLDER_DOES: Final[dict[str, Callable[[Form], dict[str, Any]]]] = {
    "invite": lambda form: {
        "pseudonym": form.text("pseudonym").lower(),
        "invitation_sha256": digest_of_code(form.text("invitation")),
    },
    "publish_wording": _wording,
    "retire_wording": lambda form: {"wording_id": form.text("wording_id")},
    "recall": lambda form: {"tie_id": form.text("tie_id")},
    "answer": lambda form: {"request_id": form.text("request_id"), "text": form.text("text")},
    "refuse": lambda form: {name: form.text(name) for name in ("request_id", "text", "reason")},
    "finish": lambda form: {"request_id": form.text("request_id")},
    "confirm_deletion": lambda form: {
        "deletion_id": form.text("deletion_id"),
        "rows_deleted": form.text("rows_deleted"),
        "proof_sha256": form.text("proof_sha256").lower(),
    },
}


@router.post("/persons/{does}")
async def act_on(visitor: VisitorDep, does: str) -> Response:
    """What a holder answers, and a receiver confirms."""
    form = await visitor.form()
    read = _HOLDER_DOES.get(does)
    if read is None:
        raise NotFound("no such step")
    return await attempt(
        visitor,
        form,
        act=f"person.{does}",
        args=read(form),
        action=does,
        then="/persons",
        again=lambda filled: _desk(visitor, filled),
    )
