"""A node that is read and not written: what stands between an old backup and a fork of the log.

Its database takes no write, whoever asks. And nobody is signed in: whose key, right or session was ended
after the backup was taken, this database does not know. So it shows what is public, and answers everything
else with `log-behind` (`docs/howto/recovery.md`).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookies import CookieError, SimpleCookie
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from base.db import Database, RowSession, WriteSession
from base.errors import Unavailable
from web import problems

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_PRIVATE: Final = frozenset({b"authorization", b"cookie"})


class LogBehind(Unavailable):
    """The log went on elsewhere: whatever was written here would be another history."""

    code = "log-behind"
    title = "This exchange is being restored: it can be read, and takes nothing"


def _refused() -> LogBehind:
    return LogBehind("the database is older than the published log, or is shown for reading alone")


class ReadingDatabase(Database):
    """Answers questions, and refuses to begin to write."""

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteSession]:
        """Raises LogBehind."""
        raise _refused()
        yield  # what makes it a generator

    @asynccontextmanager
    async def write_rows(self) -> AsyncIterator[RowSession]:
        """Raises LogBehind."""
        raise _refused()
        yield


class Reading:
    """Pure ASGI around the application: no call of the API that writes, nobody is signed in, no goods leave.

    `closed` are the beginnings of addresses where a file is handed out to whoever has its address.
    """

    def __init__(self, app: ASGIApp, *, session_cookie: str, closed: tuple[str, ...] = ()) -> None:
        self._app, self._session_cookie, self._closed = app, session_cookie, closed
        self._status, self._body = problems.problem_of(_refused())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        writes = scope["method"] not in _READING and scope["path"].startswith("/api/")
        if writes or scope["path"].startswith(self._closed):
            headers = [
                (b"content-type", problems.MEDIA_TYPE.encode()),
                (b"content-length", b"%d" % len(self._body)),
                (b"retry-after", b"600"),
            ]
            await send({"type": "http.response.start", "status": self._status, "headers": headers})
            await send({"type": "http.response.body", "body": self._body})
            return
        kept = [pair for pair in scope["headers"] if pair[0] not in _PRIVATE]
        kept += [
            (b"cookie", left)
            for name, raw in scope["headers"]
            if name == b"cookie" and (left := self._left(raw))
        ]
        await self._app({**scope, "headers": kept}, receive, send)

    def _left(self, raw: bytes) -> bytes:
        """The cookies but that of the session: a form still knows its page, a choice of language stays."""
        try:
            cookies = SimpleCookie(raw.decode("latin-1"))
        except CookieError:
            return b""
        return "; ".join(
            f"{name}={one.coded_value}" for name, one in cookies.items() if name != self._session_cookie
        ).encode("latin-1")
