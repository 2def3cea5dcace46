"""Calling a provider's endpoint, which may hang, lie or lead elsewhere.

A name is resolved when a connection is made, every address of it has to be public, and the connection goes
to that very address: nobody is asked twice. No redirect is followed, nothing is decompressed, and of what
the buyer sent only the path, the query, a body and what it accepts goes on: no header of its choice, no
cookie, and not its key. An answer is read to its end, within its time and its size, before it counts as one.
"""

import asyncio
import ssl
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore
from httpcore import AnyIOBackend, AsyncNetworkBackend, AsyncNetworkStream

from market.delivery.gateway.errors import ProviderFailed, ProviderTooSlow
from market.delivery.gateway.resolving import Resolver
from market.delivery.gateway.rules import OVERSIZE, Interface, is_public
from market.delivery.gateway.spool import Spool
from market.delivery.gateway.target import Target

KEPT: Final = 64
PROVIDERS_KEPT: Final = 64
KEPT_ALIVE_S: Final = 30.0
MAX_BODY_BYTES: Final = 64 * 1024
MAX_MISTAKE_BYTES: Final = 16 * 1024  # of what is handed on uncharged
_HANDED_ON: Final = frozenset({400, 404, 405, 409, 410, 412, 413, 414, 415, 422, 431})
_PROBLEM: Final = "application/problem+json"
_NO_CONTENT: Final = 204
_OK: Final = frozenset({200, 201, 202, 203, 204})
_TLS: Final = 443
_AGENT: Final = (b"user-agent", b"databourse-gateway/1")
_ACCEPT: Final = b"accept"
_SAID: Final = (b"accept-language", b"content-type")
_GIVEN: Final = ("content-language", "last-modified")


class NotPublic(httpcore.ConnectError):
    """A name that leads inside."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A call as it goes to a provider; `headers` are what the buyer sent, of which few go on."""

    method: str
    target: Target
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole. It is good, or a mistake of the caller's that is not charged."""

    status: int
    content_type: str | None
    headers: tuple[tuple[str, str], ...]
    spool: Spool

    @property
    def good(self) -> bool:
        """Whether it is an answer that is charged."""
        return self.status in _OK


class Outward(AsyncNetworkBackend):
    """A seller's connections, to public addresses alone or to hosts that the operator has named."""

    def __init__(self, hosts: Collection[str], resolver: Resolver, owner: str) -> None:
        self._hosts = frozenset(hosts)
        self._backend = AnyIOBackend()
        self._resolver, self._owner = resolver, owner

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as httpcore has it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncNetworkStream:
        found = await self._resolver.addresses(self._owner, host, port)
        if host not in self._hosts and not all(is_public(ip_address(one)) for one in found):
            raise NotPublic("the name leads to an address that is not public")
        return await self._backend.connect_tcp(
            found[0], port, timeout, local_address=local_address, socket_options=socket_options
        )

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Providers:
    """The way to all providers, with the connections that are kept. One per process; close it."""

    def __init__(
        self,
        *,
        hosts: Collection[str],
        folder: Path,
        trust: ssl.SSLContext | None = None,
        resolver: Resolver | None = None,
    ) -> None:
        self._hosts = frozenset(hosts)
        self._folder, self._trust = folder, trust
        self._resolver = resolver or Resolver()
        self._idle: dict[str, list[httpcore.AsyncHTTPConnection]] = {}

    async def close(self) -> None:
        for connections in self._idle.values():
            for connection in connections:
                await connection.aclose()
        self._idle.clear()

    async def ask(
        self, interface: Interface, asked: Asked, secret: tuple[str, str] | None, *, owner: str
    ) -> Answer:
        """The answer of a seller's endpoint, whole; close its spool.

        Raises ProviderFailed, ProviderTooSlow, and ProviderBusy where too many names are being looked up.
        """
        request = self._request(interface, asked, secret)
        try:
            async with asyncio.timeout(interface.timeout_ms / 1000):
                connection, response = await self._begun(request, owner)
                try:
                    return await self._read(interface, response)
                finally:
                    with suppress(httpcore.NetworkError, httpcore.ProtocolError):  # it is known what it is
                        await response.aclose()
                    await self._give_back(request.url.origin, connection)
        except (TimeoutError, httpcore.TimeoutException):
            raise ProviderTooSlow("no whole answer in time", limit_ms=interface.timeout_ms) from None
        except NotPublic:
            raise ProviderFailed("its name leads to no public address", reason="not-public") from None
        except httpcore.RemoteProtocolError:
            raise ProviderFailed("its answer broke off or is none", reason="malformed") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError):
            raise ProviderFailed("it cannot be reached", reason="unreachable") from None

    def _request(
        self, interface: Interface, asked: Asked, secret: tuple[str, str] | None
    ) -> httpcore.Request:
        assert interface.base_url is not None
        parts = urlsplit(interface.base_url)
        host = parts.hostname or ""
        if parts.scheme != "https" and host not in self._hosts:
            raise ProviderFailed("its address is not one of https", reason="not-public")
        headers = [_AGENT, (b"accept-encoding", b"identity")]
        headers.append((_ACCEPT, _accepted(interface, asked)))
        headers += [(name, value) for name, value in asked.headers if name in _SAID]
        if asked.method != "GET":
            headers.append((b"content-length", str(len(asked.body)).encode()))
        if secret is not None:
            headers = [pair for pair in headers if pair[0] != secret[0].encode()]
            headers.append((secret[0].encode(), secret[1].encode()))
        url = httpcore.URL(
            scheme=parts.scheme.encode(),
            host=host.encode(),
            port=parts.port,
            target=f"{parts.path}{asked.target.text}".encode(),
        )
        return httpcore.Request(
            asked.method,
            url,
            headers=[(b"host", parts.netloc.encode()), *headers],
            content=asked.body if asked.method != "GET" else None,
        )

    async def _begun(
        self, request: httpcore.Request, owner: str
    ) -> tuple[httpcore.AsyncHTTPConnection, httpcore.Response]:
        """The head of an answer, over a connection that is free, else a new one.

        One that was kept may have been closed at the other end meanwhile: then another one.
        """
        origin, kept = request.url.origin, True
        while kept:
            connection, kept = await self._free(origin, owner)
            try:
                return connection, await connection.handle_async_request(request)
            except (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError):
                await connection.aclose()
                if not kept or request.method != b"GET":
                    raise
            except BaseException:
                await connection.aclose()
                raise
        raise AssertionError("a connection that is new ends the search")

    async def _free(self, origin: httpcore.Origin, owner: str) -> tuple[httpcore.AsyncHTTPConnection, bool]:
        """A connection to talk over, and whether it was kept."""
        idle = self._idle.get(str(origin), [])
        while idle:
            connection = idle.pop()
            if connection.is_available() and not connection.has_expired():
                return connection, True
            await connection.aclose()
        if self._trust is None:  # a node that never calls anybody reads no certificates
            self._trust = ssl.create_default_context()
        made = httpcore.AsyncHTTPConnection(
            origin,
            self._trust,
            keepalive_expiry=KEPT_ALIVE_S,
            network_backend=Outward(self._hosts, self._resolver, owner),
        )
        return made, False

    async def _give_back(self, origin: httpcore.Origin, connection: httpcore.AsyncHTTPConnection) -> None:
        """Keep a connection that is free again, a few for each provider and of the latest providers."""
        idle = self._idle.pop(str(origin), [])
        self._idle[str(origin)] = idle
        if connection.is_idle() and len(idle) < KEPT:
            idle.append(connection)
        else:
            await connection.aclose()
        while len(self._idle) > PROVIDERS_KEPT:
            for old in self._idle.pop(next(iter(self._idle))):
                await old.aclose()

    async def _read(self, interface: Interface, response: httpcore.Response) -> Answer:
        headers = {name.lower().decode("latin-1"): value for name, value in response.headers}
        kind = _judge(interface, response.status, headers)
        limit = interface.max_answer_bytes
        if response.status not in _OK:
            limit = min(limit, MAX_MISTAKE_BYTES)
        too_large = ProviderFailed("its answer is too large", reason=OVERSIZE, limit_bytes=limit)
        if int(headers.get("content-length", b"0")) > limit:
            raise too_large
        spool = Spool(self._folder)
        try:
            async for piece in response.aiter_stream():
                if spool.bytes + len(piece) > limit:
                    raise too_large
                spool.write(piece)
        except BaseException:
            spool.close()
            raise
        given = tuple((name, headers[name].decode("latin-1")) for name in _GIVEN if name in headers)
        return Answer(response.status, kind, given, spool)


def _accepted(interface: Interface, asked: Asked) -> bytes:
    """What a provider is asked to answer: of what it has declared, what the caller wants if it is one of it.

    Nobody has a provider answer with what it did not declare, and fail by that.
    """
    wanted = dict(asked.headers).get(_ACCEPT, b"").strip().lower()
    declared = [kind.encode() for kind in interface.content_types]
    return wanted if wanted in declared else b", ".join(declared)


def _judge(interface: Interface, status: int, headers: dict[str, bytes]) -> str | None:
    """The content type of an answer by its head. Raises ProviderFailed where it is not what was declared."""
    if status not in _OK and status not in _HANDED_ON:
        raise ProviderFailed("it answers with an error of its own", reason="status", provider_status=status)
    if headers.get("content-encoding", b"identity").strip().lower() != b"identity":
        raise ProviderFailed("its answer is encoded though nobody asked for it", reason="encoded")
    kind = headers.get("content-type", b"").decode("latin-1")
    plain = kind.partition(";")[0].strip().lower()
    if status == _NO_CONTENT:
        return None
    allowed = (*interface.content_types, *(() if status in _OK else (_PROBLEM,)))
    if plain not in allowed or not kind.isascii() or not kind.isprintable():
        raise ProviderFailed("its answer is of another content type", reason="content-type")
    return kind
