"""The way to the exchange: one address, one kind of message, and what its answer means."""

import ssl
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from base.errors import Malformed

PATH: Final = "/api/v1/bank/notifications"
MEDIA_TYPE: Final = "application/vnd.dsse.envelope.v1+json"

_TIMEOUT_S: Final = 10.0
_MAX_ANSWER_BYTES: Final = 64 * 1024
_NOT_NOW: Final = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a status with, for a refusal, its problem document; or why nothing did."""

    status: int | None
    problem: dict[str, Any] | None = None
    error: str | None = None

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - the class 2xx

    @property
    def refused(self) -> bool:
        """A decision of the exchange: 4xx with a problem document. Anything else decides nothing."""
        return self.status is not None and self.problem is not None and 400 <= self.status < 500  # noqa: PLR2004

    @property
    def decides(self) -> bool:
        return self.accepted or self.refused

    def summary(self) -> str:
        """A line for the outbox."""
        if self.problem is not None:
            return f"{self.status} {self.problem.get('code', '')}"
        return str(self.status) if self.error is None else self.error


class ExchangeLink:
    """Posts notifications to the exchange, one connection a message.

    The standard library's client, because it is 10 MiB smaller than the next and this is all it does;
    it follows no redirect and knows no proxy.
    """

    def __init__(self, exchange_url: str) -> None:
        parts = urlsplit(exchange_url)
        try:
            self._host, self._port = parts.hostname or "", parts.port
        except ValueError:
            self._host = ""
        if parts.scheme not in ("http", "https") or not self._host:
            raise Malformed("an address is http(s)://host[:port][/path]", url=exchange_url)
        self._path = parts.path.rstrip("/") + PATH
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None

    def notify(self, envelope: str) -> Answer:
        """Send one envelope. Never raises for what the network or the other side does."""
        with closing(self._connection()) as connection:
            try:
                connection.request("POST", self._path, envelope.encode(), {"content-type": MEDIA_TYPE})
                with connection.getresponse() as response:
                    body = response.read(_MAX_ANSWER_BYTES)
                    return Answer(response.status, _problem(response, body))
            except (OSError, HTTPException) as error:
                return Answer(None, error=type(error).__name__)

    def _connection(self) -> HTTPConnection:
        if self._tls is not None:
            return HTTPSConnection(self._host, self._port, timeout=_TIMEOUT_S, context=self._tls)
        return HTTPConnection(self._host, self._port, timeout=_TIMEOUT_S)


def _problem(response: HTTPResponse, body: bytes) -> dict[str, Any] | None:
    kind = (response.getheader("content-type") or "").partition(";")[0].strip().lower()
    if response.status in _NOT_NOW or kind != "application/problem+json":
        return None
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None
