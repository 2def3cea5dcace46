"""Errors to HTTP (RFC 9457), in one place. An unknown error says nothing."""

import logging
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from base.errors import (
    DomainError,
    Forbidden,
    IdempotencyMismatch,
    Malformed,
    NotFound,
    Refusal,
    TooLarge,
    Unauthenticated,
)

_STATUS: Final[tuple[tuple[type[DomainError], HTTPStatus], ...]] = (
    (TooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (Malformed, HTTPStatus.UNPROCESSABLE_ENTITY),
    (Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Refusal, HTTPStatus.CONFLICT),
    (IdempotencyMismatch, HTTPStatus.CONFLICT),
)

log = logging.getLogger("bank.http")


def install(app: FastAPI) -> None:
    """Every error of the app leaves as a problem document."""
    app.add_exception_handler(DomainError, _domain)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unknown)


def _problem(status: int, code: str, title: str, **more: Any) -> JSONResponse:
    headers = {"www-authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
    return JSONResponse(
        {"type": f"urn:databourse:problem:{code}", "title": title, "status": status, "code": code, **more},
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )


async def _domain(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DomainError)
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), HTTPStatus.CONFLICT)
    log.info("%s %s: %s", request.method, request.url.path, error.code)
    return _problem(status, error.code, error.title, detail=error.detail, facts=error.facts)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    # What was sent is not repeated: it may be a secret, or not even text.
    found = [{"at": [str(step) for step in item["loc"]], "why": item["type"]} for item in error.errors()]
    return _problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, Malformed.code, Malformed.title, facts={"errors": found[:20]}
    )


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return _problem(error.status_code, TooLarge.code, TooLarge.title)
    return _problem(error.status_code, f"http-{error.status_code}", HTTPStatus(error.status_code).phrase)


async def _unknown(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", "Something went wrong here")
