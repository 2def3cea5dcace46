"""The one place where an error becomes HTTP: RFC 9457 problem documents with a stable code.

An error that nobody foresaw says nothing but its request id; the log has the rest.
"""

from typing import Any, Final

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response

from base.db import lost_to_another
from base.errors import (
    Busy,
    Conflict,
    DomainError,
    Forbidden,
    Gone,
    IdempotencyMismatch,
    Malformed,
    NotFound,
    NotPermitted,
    Refusal,
    StepUpNeeded,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    Upstream,
    UpstreamSlow,
    trace_of,
)
from base.files import RangeOutside
from ledger.errors import SubmissionMalformed

MEDIA_TYPE: Final = "application/problem+json"
_TYPE: Final = "urn:databourse:problem:"
_SHOWN_ERRORS: Final = 20
_SHOWN_TEXT: Final = 500
log = structlog.get_logger("security")

# From the particular to the general: the first class that fits decides.
_STATUS: Final[tuple[tuple[type[DomainError], int], ...]] = (
    (RangeOutside, 416),
    (TooLarge, 413),
    (IdempotencyMismatch, 422),
    (SubmissionMalformed, 400),
    (Malformed, 422),
    (Gone, 410),
    (NotFound, 404),
    (Unauthenticated, 401),
    (StepUpNeeded, 403),
    (Forbidden, 403),
    (NotPermitted, 403),
    (Conflict, 409),
    (Refusal, 409),
    (TooMany, 429),
    (Unavailable, 503),
    (UpstreamSlow, 504),
    (Upstream, 502),
)
_OWN_MEMBERS: Final = frozenset({"type", "title", "status", "detail", "code", "rule_id", "request_id"})
_TITLES: Final = {
    400: ("malformed", "The request cannot be read"),
    404: ("not-found", "There is nothing here"),
    405: ("method-not-allowed", "This address does not take that method"),
    408: ("too-slow", "The request came too slowly"),
    413: ("too-large", "The request is too large"),
    415: ("unsupported-media-type", "Another media type is expected"),
}


class Problem(BaseModel):
    """RFC 9457; `code` is stable, the other members may say more."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="urn:databourse:problem:<code>")
    title: str
    status: int
    code: str
    detail: str | None = None
    request_id: str | None = None


def status_of(error: DomainError) -> int:
    """The HTTP status of an error; 500 for a kind nobody foresaw."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def problem_of(error: DomainError, request_id: str | None = None) -> tuple[int, bytes]:
    """Status and body of an error's problem document."""
    facts = {key: _plain(value) for key, value in error.facts.items() if key not in _OWN_MEMBERS}
    body = {
        "type": f"{_TYPE}{error.code}",
        "title": error.title,
        "status": status_of(error),
        "detail": error.detail,
        "code": error.code,
        **facts,
    }
    if isinstance(error, Refusal) and error.rule_id is not None:
        body["rule_id"] = error.rule_id
    if request_id is not None:
        body["request_id"] = request_id
    return status_of(error), orjson.dumps(body)


def response_of(request: Request, error: DomainError) -> Response:
    """The problem document as a response, with what its status asks for in the headers."""
    status, body = problem_of(error, request_id_of(request))
    headers = {"cache-control": "no-store"}
    if status == 401:  # noqa: PLR2004 - RFC 9110 §11.6.1; RFC 6750 §3.1 names no error where no token came
        shown = 'Bearer realm="databourse"'
        if error.code.startswith("token-"):
            shown += f', error="invalid_token", error_description="{error.code}"'
        headers["www-authenticate"] = shown
    if status == 503:  # noqa: PLR2004 - RFC 9110 §10.2.3
        headers["retry-after"] = "1"
    if "retry_after_s" in error.facts:  # RFC 6585 §4
        headers["retry-after"] = str(error.facts["retry_after_s"])
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def request_id_of(request: Request) -> str:
    """The id under which this request stands in the log."""
    return str(request.scope.get("databourse.request_id", ""))


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value][:_SHOWN_ERRORS]
    return str(value)[:_SHOWN_TEXT]


def _simple(request: Request, status: int, *, code: str, title: str, **more: Any) -> Response:
    body = {
        "type": f"{_TYPE}{code}",
        "title": title,
        "status": status,
        "code": code,
        "request_id": request_id_of(request),
        **more,
    }
    headers = {"cache-control": "no-store"}
    return Response(orjson.dumps(body), status_code=status, media_type=MEDIA_TYPE, headers=headers)


async def on_domain_error(request: Request, error: Exception) -> Response:
    """A fact the house knows. What is no domain refusal goes to the security log."""
    assert isinstance(error, DomainError)
    if not isinstance(error, Refusal | NotFound | Busy):
        log.warning("refused", code=error.code, path=request.url.path, request_id=request_id_of(request))
    return response_of(request, error)


async def on_invalid(request: Request, error: Exception) -> Response:
    """Input that is not of the documented form; the values themselves are not repeated."""
    assert isinstance(error, RequestValidationError)
    errors = [
        {"at": "/".join(str(part) for part in item["loc"]), "reason": item["msg"]}
        for item in error.errors()[:_SHOWN_ERRORS]
    ]
    log.warning("malformed", path=request.url.path, request_id=request_id_of(request))
    return _simple(request, 422, code="malformed", title=Malformed.title, errors=errors)


async def on_http(request: Request, error: Exception) -> Response:
    """What the framework says: no such address, no such method."""
    assert isinstance(error, HTTPException)
    code, title = _TITLES.get(error.status_code, ("http-error", "The request cannot be carried out"))
    response = _simple(request, error.status_code, code=code, title=title)
    response.headers.update(error.headers or {})
    return response


async def on_surprise(request: Request, error: Exception) -> Response:
    """An error nobody foresaw: the caller learns its id and nothing of our inside."""
    if _is_passing(error):
        log.error(
            "the database does not answer", request_id=request_id_of(request), error=type(error).__name__
        )
        return response_of(request, Unavailable("the database does not answer now"))
    log.error("unforeseen", path=request.url.path, request_id=request_id_of(request), trace=trace_of(error))
    return _simple(
        request, 500, code="internal", title="Something went wrong on our side; nothing was changed"
    )


def _is_passing(error: Exception) -> bool:
    """Whether the database was away or too busy: nothing was changed, and trying again may help."""
    if isinstance(error, DBAPIError):
        away = error.connection_invalidated or "database is locked" in str(error.orig)
        return away or lost_to_another(error)
    return isinstance(error, PoolTimeout | ConnectionError)


def install(app: FastAPI) -> None:
    """Answer every error of an application with a problem document."""
    app.add_exception_handler(DomainError, on_domain_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_surprise)
