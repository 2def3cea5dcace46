"""The application: composes API and pages, and what every request and every answer have in common."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web import api, pages, problems
from web.node import Node, background
from web.supervising import Supervising

# What a route may be sent unless it says otherwise (`max_body_size` of an upload, of a bank's message).
MAX_BODY_BYTES: Final = 1024 * 1024
# How long a body may pause. A whole upload may take longer than this, one piece of it may not.
PATIENCE_S: Final = 30.0
_TOO_SLOW: Final = 408

# No inline script or style, no frame, nothing from elsewhere.
_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_A_YEAR: Final = "max-age=31536000"


class Bounds:
    """Pure ASGI, outside everything: a request id, the headers of every answer, and patience with an end."""

    def __init__(self, app: ASGIApp, *, secure: bool, patience_s: float = PATIENCE_S) -> None:
        self._app = app
        self._patience_s = patience_s
        self._headers = _HEADERS | ({"strict-transport-security": _A_YEAR} if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope["databourse.request_id"] = request_id
        answering, waits = False, True

        async def with_headers(message: Message) -> None:
            nonlocal answering
            if message["type"] == "http.response.start":
                answering = True
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("cache-control", "no-store")
            await send(message)

        async def with_patience() -> Message:
            nonlocal waits
            if answering or not waits:  # what is waited for now is the client's going away
                return await receive()
            try:
                async with asyncio.timeout(self._patience_s):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(_TOO_SLOW, headers={"connection": "close"}) from None
            waits = bool(message.get("more_body", False))
            return message

        await self._app(scope, with_patience, with_headers)


class Application(FastAPI):
    """FastAPI with `Bounds` around it: an answer to an unforeseen error has the common headers too."""

    def build_middleware_stack(self) -> ASGIApp:
        node: Node = self.state.node
        return Bounds(
            super().build_middleware_stack(), secure=node.settings.public_url.startswith("https://")
        )


def create_app(node: Node, *, sequencer: bool = True) -> FastAPI:
    """The application of an open node; while it runs it does the node's standing work."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with background(node, sequencer=sequencer):
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
        max_body_size=MAX_BODY_BYTES,
    )
    app.state.node = node
    app.state.supervising = Supervising(node.settings, node.clock)
    problems.install(app)
    api.install(app)
    pages.install(app)
    return app
