"""Errors as pages: for a browser that asked for a page, in its language, without our inside."""

from typing import Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from base.errors import (
    Busy,
    DomainError,
    Malformed,
    NotFound,
    Refusal,
    Unauthenticated,
    Unavailable,
)
from web import problems
from web.deps import node_of
from web.pages.forms import Told, told
from web.pages.languages import N_, lang_of
from web.pages.session import FormExpired
from web.pages.visiting import Visitor, visitor_of

log = structlog.get_logger("security")
_TITLES: Final = {
    404: N_("There is nothing here"),
    405: N_("This address does not take that method"),
}
_UNAVAILABLE: Final = 503
# Secrets are typed anew, and never stand in a page.
_NEVER_KEPT: Final = frozenset({"password", "new", "old", "again", "code", "secret_value", "id_number"})
_SIGN_IN: Final = ("/login", "/logout")
_OTHER: Final = N_("The request cannot be carried out")
_SURPRISE: Final = N_("Something went wrong on our side; nothing was changed")


def wants_page(request: Request) -> bool:
    """Whether an error is answered by a page: below /zh or /en, unless something else is asked for."""
    accept = request.headers.get("accept", "*/*")
    return lang_of(request.url.path) is not None and ("text/html" in accept or "*/*" in accept)


async def on_domain_error(request: Request, error: Exception) -> Response:
    """A fact the house knows; nobody in particular is sent to the sign-in."""
    if not wants_page(request):
        return await problems.on_domain_error(request, error)
    assert isinstance(error, DomainError)
    if not isinstance(error, Refusal | NotFound | Unauthenticated | Busy):
        log.warning(
            "refused", code=error.code, path=request.url.path, request_id=problems.request_id_of(request)
        )
    if isinstance(error, Unavailable):
        return _unasked(request, told(error))
    visitor = await _visitor(request)
    if isinstance(error, FormExpired) and error.kept and _by_itself(request):
        typed = {name: values for name, values in error.kept.items() if name not in _NEVER_KEPT}
        return visitor.render("form_expired.html", status=problems.status_of(error), typed=typed)
    if isinstance(error, Unauthenticated):
        return visitor.redirect("/login", next=_back(request), ended="yes" if visitor.has_ended else None)
    return _page(visitor, told(error))


async def on_invalid(request: Request, error: Exception) -> Response:
    """A query or path that is not of its form."""
    if not wants_page(request):
        return await problems.on_invalid(request, error)
    return _page(await _visitor(request), Told(422, Malformed.code, Malformed.title, ""))


async def on_http(request: Request, error: Exception) -> Response:
    """No such page, no such method."""
    if not wants_page(request):
        return await problems.on_http(request, error)
    assert isinstance(error, HTTPException)
    title = _TITLES.get(error.status_code, _OTHER)
    response = _page(await _visitor(request), Told(error.status_code, "", title, ""))
    response.headers.update(error.headers or {})
    return response


async def on_surprise(request: Request, error: Exception) -> Response:
    """An error nobody foresaw. The page needs no database: that may be what failed."""
    answer = await problems.on_surprise(request, error)
    if not wants_page(request):
        return answer
    if answer.status_code == _UNAVAILABLE:
        return _unasked(request, told(Unavailable("the database does not answer now")))
    return _unasked(request, Told(500, "internal", _SURPRISE, ""))


def install(app: FastAPI) -> None:
    """Answer errors on pages with pages, and all others as the API does."""
    app.add_exception_handler(DomainError, on_domain_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_surprise)


async def _visitor(request: Request) -> Visitor:
    return await visitor_of(request, node_of(request))


def _unasked(request: Request, error: Told) -> Response:
    """The page where nothing may be asked of the database: not even who is signed in."""
    tokens = request.app.state.form_tokens
    visitor = Visitor(
        request=request,
        node=node_of(request),
        lang=lang_of(request.url.path) or "en",
        session=None,
        tokens=tokens,
        nonce=tokens.nonce_of(request),
    )
    response = visitor.render("error.html", status=error.status, told=error)
    del response.headers["set-cookie"]
    response.headers["cache-control"] = "no-store"
    return response


def _page(visitor: Visitor, error: Told) -> Response:
    return visitor.render("error.html", status=error.status, told=error)


def _by_itself(request: Request) -> bool:
    """Whether a page of ours sent the form, by the browser's own word; another site's is not offered."""
    return request.headers.get("sec-fetch-site") == "same-origin" and not request.url.path.endswith(_SIGN_IN)


def _back(request: Request) -> str:
    """Where to come back to after signing in: the page that was asked for, nothing after a form."""
    if request.method != "GET":
        return ""
    query = f"?{request.url.query}" if request.url.query else ""
    return request.url.path + query
