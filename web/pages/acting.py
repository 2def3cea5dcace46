"""Doing an act from a form: the same kinds of act as the API's, and what a browser needs around them.

An act ends in one of five ways: done, and on to its page; prepared, for a signature made at home; a
password asked for again, with the form kept; the form shown again with what was wrong; an error page.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import orjson
from pydantic import ValidationError
from starlette.responses import Response

from base.errors import DomainError, NotFound, StepUpNeeded, Unauthenticated, Unavailable
from base.idempotency import Answer
from identity.errors import SignInFailed
from identity.sign_in import step_up
from web.acts import kind_of
from web.deps import Caller
from web.pages.forms import Filled, Form, Invalid, fresh_key, sent_back, told_of
from web.pages.visiting import Visitor
from web.problems import request_id_of

Again: TypeAlias = Callable[[Filled], Awaitable[Response]]
Then: TypeAlias = str | Callable[[dict[str, Any]], str]
_ACCEPTED = 202
_FIRST_ERROR = 400


def caller_for(visitor: Visitor, *, role: str | None = None, key: str | None = None) -> Caller:
    """The visitor as the caller of an act. Raises Unauthenticated."""
    session = visitor.require()
    return Caller(
        node=visitor.node,
        actor=session.actor,
        claims=session.claims,
        request_id=request_id_of(visitor.request),
        role=role,
        idempotency_key=key or fresh_key(),
    )


async def attempt(
    visitor: Visitor,
    form: Form,
    *,
    act: str,
    args: Mapping[str, Any],
    then: Then,
    again: Again,
    role: str | None = None,
    action: str | None = None,
) -> Response:
    """Do the act `act` (its name in `web.acts`) with `args`, as the visitor.

    `then` is the page to go to, or makes it from what the act answered; `again` shows the form once more.
    Raises Unauthenticated, NotFound and Unavailable, which are answered by pages of their own.
    """
    caller = caller_for(visitor, role=role, key=form.optional("idempotency_key"))
    named = action or act
    try:
        await _prove(visitor, form)
        kind = kind_of(act)
        answer = await caller.do(kind, kind.args.model_validate(dict(args)))
    except SignInFailed:
        return ask_password(visitor, form, failed=True)
    except StepUpNeeded:
        return ask_password(visitor, form)
    except (Unauthenticated, NotFound, Unavailable):
        raise
    except (DomainError, ValidationError, Invalid) as error:
        return await again(sent_back(named, form, error))
    if refused := refused_by(answer, named, form):
        return await again(refused)
    return gone_on(visitor, answer, then)


async def attempt_unstated(
    visitor: Visitor,
    form: Form,
    name: str,
    act: Callable[[], Awaitable[Answer]],
    *,
    again: Again,
    then: str,
) -> Response:
    """Do an act that the visitor states nothing by (the exchange may), or show its form once more."""
    try:
        answer = await act()
    except (Unauthenticated, NotFound, Unavailable):
        raise
    except (DomainError, ValidationError) as error:
        return await again(sent_back(name, form, error))
    if refused := refused_by(answer, name, form):
        return await again(refused)
    return visitor.redirect(then)


def refused_by(answer: Answer, name: str, form: Form) -> Filled | None:
    """The form of an act once more, where its answer is a refusal; None where it was done."""
    if answer.status < _FIRST_ERROR:
        return None
    return Filled(name, form.kept(), (), told_of(answer.status, answer.body))


def gone_on(visitor: Visitor, answer: Answer, then: Then) -> Response:
    """Where to go after an act: to its page, or to sign what was prepared."""
    document: dict[str, Any] = orjson.loads(answer.body)
    if answer.status == _ACCEPTED:
        known = then if isinstance(then, str) else ""
        return visitor.redirect(f"/prepared/{document['prepared_id']}", then=known)
    return visitor.redirect(then if isinstance(then, str) else then(document))


def ask_password(visitor: Visitor, form: Form, *, failed: bool = False) -> Response:
    """The page that asks for the password again and sends the same form once more."""
    return visitor.render(
        "step_up.html", status=403, fields=form.kept(), key=form.optional("idempotency_key"), failed=failed
    )


async def _prove(visitor: Visitor, form: Form) -> None:
    """Take the password that came with a form as a fresh proof. Raises SignInFailed."""
    password = form.fields.get("step_up_password", ("",))[0]
    if password:
        await step_up(visitor.node.database, visitor.node.clock, user_id=visitor.user_id, password=password)
