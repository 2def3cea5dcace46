"""The HTTP server of a node: how long and how large the head of a request may be, and what is switched off.

Bodies are bounded in `web.main`. A head is read before any application sees it, and the parser alone would
wait for it, and store it, for ever.
"""

import asyncio
import ctypes
import gc
import os
import socket
from contextlib import suppress
from functools import partial
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from web.limits import CROWDED, SentAway, has_body

MAX_HEAD_BYTES: Final = 32 * 1024
HEAD_TIMEOUT_S: Final = 15.0
UNREAD_TIMEOUT_S: Final = 120.0
_GRACE_S: Final = 10
_CONNECTIONS: Final = 1000
_LISTENERS: Final = 8
_COLLECT_AFTER: Final = (
    50_000  # objects more than went; a request makes some hundred, most of which go by themselves
)

# mallopt(3): bytes kept at the end of a heap, bytes from which on a piece is mapped alone, number of heaps.
_MALLOC: Final = {-1: 2 * 1024 * 1024, -3: 2 * 1024 * 1024, -8: 2}


class BoundedHead(HttpToolsProtocol):
    """A connection that is closed when the head of a request is too large or does not come.

    Neither the rest of a body that nobody reads, as it was answered already, nor an answer of which the
    client takes nothing keeps it open.

    An application that can be asked (`knock`) is, before a task is made of a request: who is sent away
    then costs little, and those who were let in wait no longer the more there are outside.
    """

    _timer: asyncio.TimerHandle | None = None
    _in_head = True
    _head_bytes = 0
    _closes_after_body = _feeding = False
    _unsaid: tuple[RequestResponseCycle, SentAway] | None = None
    _unread_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as upstream
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
            self._await_head()
        self._feeding = True
        super().data_received(data)
        self._feeding = False
        if self._unsaid is not None:  # its body is not in yet
            self._send_away(*self._unsaid)
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES:
            self._refuse()
        elif self.cycle is not None and self.cycle.response_complete and self.timeout_keep_alive_task is None:  # type: ignore[redundant-expr]  # it begins as None
            self._await_head()  # what came took the time limit of an idle line away

    def on_headers_complete(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > MAX_HEAD_BYTES:
            raise ValueError("the head of the request is too large")  # answered as an invalid request
        self._in_head, self._head_bytes = False, 0
        self._calm()
        self.scope[CROWDED] = len(self.connections) > _CONNECTIONS  # type: ignore[typeddict-unknown-key]  # ours
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self.transport.is_closing():
            return
        plain = not self.pipeline and not self.flow.write_paused and cycle.scope["method"] != "HEAD"
        away = app.knock(cycle.scope) if plain and hasattr(app, "knock") else None
        if away is None:
            self._unset_keepalive_if_required()  # of one that was sent away before it, in the same piece
            super()._start_asgi_task(cycle, app)
            return
        cycle.response_started = cycle.response_complete = True
        if self._feeding and cycle.more_body and has_body(cycle.scope):
            self._unsaid = cycle, away  # with its body in, the line goes on
        else:
            self._send_away(cycle, away)

    def _send_away(self, cycle: RequestResponseCycle, away: SentAway) -> None:
        self._unsaid = None
        if self.transport.is_closing():
            return
        headers = [*self.server_state.default_headers, *away.headers]
        crowded, comes = bool(cycle.scope.get(CROWDED)), cycle.more_body and has_body(cycle.scope)
        closes = not cycle.keep_alive or crowded or comes
        if closes and (b"connection", b"close") not in headers:
            headers.append((b"connection", b"close"))
        self.transport.write(_raw(away.status, headers, away.content))
        if comes and not crowded:  # closed before its body is in, the line would be reset and the answer lost
            self._closes_after_body = True
        elif closes:
            self.transport.close()
        self.on_response_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True
        self._calm()
        if self._unsaid is not None:
            cycle, away = self._unsaid
            cycle.more_body = False
            self._send_away(cycle, away)
        if self._closes_after_body:
            self.transport.close()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._await_reader()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._await_reader()

    def connection_lost(self, exc: Exception | None) -> None:
        self._calm()
        if self._unread_timer is not None:
            self._unread_timer.cancel()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(HEAD_TIMEOUT_S, self._give_up)

    def _give_up(self) -> None:
        self._timer = None
        if self.cycle is not None and not self.cycle.response_complete:  # type: ignore[redundant-expr]  # it begins as None
            self._await_head()  # a client that sends on while it is answered does not cut its own answer
        elif self._head_bytes:
            self._refuse()
        else:
            self.transport.close()

    def _await_reader(self) -> None:
        """Look again, after a while, whether the client has taken anything of what is to be sent now."""
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None
        if unread := self.transport.get_write_buffer_size():
            self._unread_timer = self.loop.call_later(UNREAD_TIMEOUT_S, self._look_at_reader, unread)

    def _look_at_reader(self, unread: int) -> None:
        self._unread_timer = None
        if not self.flow.write_paused and not self.cycle.response_complete:
            return  # what is there may have grown; the end of the answer, or too much of it, looks again
        if self.transport.get_write_buffer_size() < unread:
            self._await_reader()
        else:
            self.transport.abort()  # to close it would wait for the client

    def _calm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self) -> None:
        self._calm()
        if not self.transport.is_closing():
            self.send_400_response("The head of the request is too large or too slow.")


def _raw(status: int, headers: list[tuple[bytes, bytes]], content: bytes) -> bytes:
    parts = [STATUS_LINE[status]]
    for name, value in headers:
        parts += (name, b": ", value, b"\r\n")
    return b"".join((*parts, b"\r\n", content))


def server_config(app: ASGIApp, *, host: str, port: int, **more: Any) -> uvicorn.Config:
    """How a node is served: bounded heads, no web sockets, no trust in forwarded addresses."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=BoundedHead,
        ws="none",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=_GRACE_S,
        **more,
    )


class Server(uvicorn.Server):
    """Several listeners on each address, where the loop takes one connection of each a turn (libuv does).

    A turn of a busy loop takes some milliseconds: with one listener, whoever connects waited the longer the
    more others did, before anything could be said to them.
    """

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        if isinstance(loop, asyncio.SelectorEventLoop):  # takes all that wait
            return
        listening = [open_.fileno() for server in self.servers for open_ in server.sockets]
        protocol = partial(BoundedHead, self.config, self.server_state, self.lifespan.state)
        for number in listening * (_LISTENERS - 1):
            again = socket.socket(fileno=os.dup(number))
            self.servers.append(await loop.create_server(protocol, sock=again, backlog=self.config.backlog))


def give_back() -> None:
    """Let the C library return large pieces when they are freed, instead of keeping ever larger ones (glibc).

    A contract drawn, a file taken, a year of rows: what each needed once stayed with the process, a fifth of
    all it held. Elsewhere than on glibc nothing happens.
    """
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL("libc.so.6")
        for name, value in _MALLOC.items():
            library.mallopt(name, value)


def collect_less() -> None:
    """Look for cycles of garbage less often, and not at all among what is there already.

    What a node has loaded stays as long as it runs. By default Python would walk through it again and again,
    a tenth of the work of a request.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
