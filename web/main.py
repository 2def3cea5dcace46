"""The application: composes API and pages, and what every request and every answer have in common."""

import asyncio
import math
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import Final

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from base.errors import Busy
from base.settings import Settings
from ledger.witness import WitnessDesk
from market.customs.networks import ASKED_FROM
from web import api, gateway, pages, problems
from web.api import shared_files
from web.compiling import Compiling
from web.deps import COOKIE, UPLOAD
from web.limits import (
    ANNOUNCED,
    CHECKS,
    CROWDED,
    DOWNLOADS,
    IDLE_SUBMISSIONS,
    LEAVE,
    Addresses,
    Attempts,
    SentAway,
    has_body,
)
from web.node import Node, background
from web.pages.assets import style_source
from web.reading import Reading
from web.supervising import Supervising
from web.turnstile import Turnstile
from web.working import Working

# What a route may be sent, unless it says that it takes an upload (`web.deps.expect_upload`).
MAX_BODY_BYTES: Final = 1024 * 1024
# How long a body may pause. A whole upload may take longer than this, one piece of it may not.
PATIENCE_S: Final = 30.0
_ALWAYS: Final = frozenset({"/health"})  # asked by whoever starts a dead process anew: a busy one is not
_ID_BYTES: Final = 8
_NO_ID: Final = b"0" * (2 * _ID_BYTES)
# What is said to everybody who is sent away is made once: it must cost nearly nothing.
_FULL: Final = Busy("as many requests are under way as can be answered in time", retry_after_s=1)
_STATUS, _PROBLEM = problems.problem_of(_FULL, _NO_ID.decode())
_SENT_AWAY: Final = ((b"retry-after", b"1"), (b"vary", b"accept"), (b"cache-control", b"no-store"))
_TOO_SLOW: Final = 408
_TOO_LARGE: Final = 413
_DIGITS: Final = 19

# No inline script, no style but the one whose digest this is, no frame, nothing from elsewhere.
_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; "
        f"style-src 'self' {style_source()}; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_A_YEAR: Final = "max-age=31536000"


class Bounds:
    """Pure ASGI, outside everything: a request id, the headers of every answer, and bounds for every body."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        secure: bool,
        patience_s: float = PATIENCE_S,
        turnstile: Turnstile | None = None,
        page_for: Callable[[Scope], bytes | None] | None = None,
    ) -> None:
        self._app = app
        self._patience_s = patience_s
        self._turnstile = turnstile or Turnstile()
        self._page_for = page_for or (lambda _: None)
        common = _HEADERS | ({"strict-transport-security": _A_YEAR} if secure else {})
        self._headers = [(name.encode(), value.encode()) for name, value in common.items()]

    def knock(self, scope: Scope) -> SentAway | None:
        """For a server that asks before it makes a task of a request: it counts as coming in from now on.

        The whole answer for one that is sent away.
        """
        away = self._refusal(scope)
        if away is None:
            scope[ANNOUNCED] = True
            self._turnstile.coming += 1
        return away

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope.pop(ANNOUNCED, False):
            self._turnstile.coming -= 1
            away = None
        else:
            away = self._refusal(scope)
        if away is None and scope["path"] not in _ALWAYS and not await self._turnstile.turn():
            away = self._sent_away(scope)
        if away is not None:
            await send({"type": "http.response.start", "status": away.status, "headers": away.headers})
            await send({"type": "http.response.body", "body": away.content})
            return
        scope["databourse.request_id"] = secrets.token_hex(_ID_BYTES)
        visit = _Visit(self._turnstile)
        scope[LEAVE] = visit.end
        body = _Body(scope, receive, self._patience_s, visit)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                body.answered = True
                visit.end()
                headers = [*message["headers"], (b"x-request-id", scope["databourse.request_id"].encode())]
                given = {name for name, _ in headers}
                headers += [pair for pair in self._headers if pair[0] not in given]
                if scope["path"].startswith("/api/") and b"cache-control" not in given:
                    headers.append((b"cache-control", b"no-store"))
                message["headers"] = headers
            await send(message)

        if not has_body(scope):
            visit.begin()
        try:
            await self._app(scope, body.receive, with_headers)
        finally:
            visit.end()

    def _refusal(self, scope: Scope) -> SentAway | None:
        """The answer, without a look at the request, where as many are under way as are answered in time."""
        if scope["path"] in _ALWAYS:
            return None
        if self._turnstile.full:
            self._turnstile.flood()
        elif not scope.get(CROWDED):
            return None
        return self._sent_away(scope)

    def _sent_away(self, scope: Scope) -> SentAway:
        request_id = secrets.token_hex(_ID_BYTES).encode()
        if (page := self._page_for(scope)) is not None:
            content, kind = page, b"text/html; charset=utf-8"
        else:
            content, kind = _PROBLEM.replace(_NO_ID, request_id), problems.MEDIA_TYPE.encode()
        headers = [
            (b"content-type", kind),
            (b"content-length", b"%d" % len(content)),
            (b"x-request-id", request_id),
            *_SENT_AWAY,
            *self._headers,
        ]
        if scope.get(CROWDED):
            headers.append((b"connection", b"close"))
        return SentAway(_STATUS, headers, content)


class _Visit:
    """One request's way through the turnstile: in when its body is, out when it is answered."""

    __slots__ = ("_entered_s", "_turnstile")

    def __init__(self, turnstile: Turnstile) -> None:
        self._turnstile = turnstile
        self._entered_s: float | None = None

    def begin(self) -> None:
        if self._entered_s is None:
            self._entered_s = self._turnstile.enter()

    def end(self) -> None:
        if self._entered_s is not None:
            self._turnstile.leave(self._entered_s)
            self._entered_s = None


class _Body:
    """The body of one request as it comes in: not larger, and not slower, than it may."""

    def __init__(self, scope: Scope, receive: Receive, patience_s: float, visit: _Visit) -> None:
        self._scope, self._receive, self._patience_s, self._visit = scope, receive, patience_s, visit
        self._comes, self._bytes = True, 0
        self.answered = False

    async def receive(self) -> Message:
        """The next piece. Raises HTTPException 413 or 408, which also end the connection."""
        if self.answered or not self._comes:  # what is waited for now is the client's going away
            return await self._receive()
        limit = math.inf if self._scope.get(UPLOAD) else MAX_BODY_BYTES
        if self._bytes == 0 and _told_length(self._scope) > limit:
            raise _closing(_TOO_LARGE)
        try:
            async with asyncio.timeout(self._patience_s):
                message = await self._receive()
        except TimeoutError:
            raise _closing(_TOO_SLOW) from None
        self._comes = bool(message.get("more_body", False))
        if not self._comes and not self._scope.get(UPLOAD):
            self._visit.begin()
        self._bytes += len(message.get("body", b""))
        if self._bytes > limit:
            raise _closing(_TOO_LARGE)
        return message


def _told_length(scope: Scope) -> int:
    told = Headers(scope=scope).get("content-length", "")
    return int(told) if told.isdecimal() and len(told) < _DIGITS else 0


def _closing(status: int) -> HTTPException:
    """An answer to a body that is not read to its end: what comes after it is no new request."""
    return HTTPException(status, headers={"connection": "close"})


class Application(FastAPI):
    """FastAPI with `Bounds` around it: an answer to an unforeseen error has the common headers too."""

    def build_middleware_stack(self) -> ASGIApp:
        settings: Settings = self.state.settings
        inside: ASGIApp = super().build_middleware_stack()
        if getattr(self.state, "reading", False):
            goods = (shared_files.PREFIX, gateway.PREFIX)
            inside = Reading(inside, session_cookie=COOKIE, closed=goods)
        return Bounds(
            inside,
            secure=settings.public_url.startswith("https://"),
            page_for=getattr(self.state, "sent_away_page", None),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Every request is known by where it comes from, as far as the network tells: customs asks it."""
        addresses: Addresses | None = getattr(self.state, "addresses", None)
        if scope["type"] != "http" or addresses is None:
            await super().__call__(scope, receive, send)
            return
        token = ASKED_FROM.set(addresses.of(Request(scope)))
        try:
            await super().__call__(scope, receive, send)
        finally:
            ASKED_FROM.reset(token)

    def knock(self, scope: Scope) -> SentAway | None:
        """`Bounds.knock`, as soon as there are bounds: the first request makes them."""
        return self.middleware_stack.knock(scope) if isinstance(self.middleware_stack, Bounds) else None


def create_app(node: Node, *, sequencer: bool = True, reading: bool = False) -> FastAPI:
    """The application of an open node; while it runs it does the node's standing work, but for `reading`."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with nullcontext() if reading else background(node, sequencer=sequencer):
            yield

    app = Application(
        title="Databourse",
        version="1",
        summary="A data exchange that people can trust because they can check it.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        redirect_slashes=False,  # a redirect would be built from the Host header
    )
    app.state.settings = node.settings
    app.state.reading = reading
    app.state.node = node
    app.state.desk = node.desk
    app.state.attempts = Attempts(node.settings.sign_in_failures)
    app.state.checks = Attempts(CHECKS)
    app.state.submissions = Attempts(IDLE_SUBMISSIONS)
    app.state.downloads = Attempts(DOWNLOADS)
    app.state.addresses = Addresses(node.settings.trusted_proxies)
    app.state.supervising = Supervising(node.settings, node.clock)
    app.state.working = Working(node.settings, node.clock)
    app.state.working.sweep()
    app.state.compiling = Compiling(node.settings, node.clock)
    problems.install(app)
    api.install(app)
    pages.install(app)
    gateway.install(app)
    return app


def create_witness(desk: WitnessDesk, settings: Settings) -> FastAPI:
    """The application of a node that is a witness and no exchange: it cosigns, and shows what it cosigned."""
    app = Application(
        title="Databourse witness",
        version="1",
        summary="Cosigns the checkpoints of logs (C2SP tlog-witness).",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.settings = settings
    app.state.desk = desk
    app.state.submissions = Attempts(IDLE_SUBMISSIONS)
    app.state.addresses = Addresses(settings.trusted_proxies)
    problems.install(app)
    api.install_witness(app)
    return app
