"""A log read over HTTP, as C2SP tlog-tiles: what `databourse audit URL` audits. It believes nothing.

Answers are bounded in size and time, tried again where a network may fail, and never followed elsewhere.
The checkpoint is fetched once, so that a log that grows meanwhile is one log.
"""

import ipaddress
import json
import os
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from base.errors import Malformed
from cli.audit_watch import Watch
from ledger.archive import Files
from ledger.bundle import CHECKPOINT
from ledger.errors import BundleFileBad

_TRIES: Final = 4
_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 10.0
_TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0)
_LONGEST_S: Final = 120.0
_AT_ONCE: Final = 16
_NEVER: Final = -1
_PARTICULARS: Final = "/.well-known/databourse"
_MAX_PARTICULARS: Final = 65_536
_OK, _NOT_FOUND, _GONE, _TOO_MANY, _ILL = 200, 404, 410, 429, 500
_MOVED: Final = range(300, 400)
_GZIP: Final = 31  # zlib's window of 15 bits, and gzip's frame


class AddressUnsafe(Malformed):
    """Only https, and http to this very machine: on the way somebody else could answer."""

    code = "address-unsafe"
    title = "This address is not one a log is read from"


class Missing(BundleFileBad):
    """The server says that it has no such file."""


class Remote(Files):
    """The files under a URL. With `keep`, tiles are written to that folder and read from it the next time."""

    remote = True
    paths: frozenset[str] = frozenset()

    def __init__(
        self,
        url: str,
        *,
        keep: Path | None = None,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Raises AddressUnsafe. `sleep` and `transport` are for tests."""
        here = _checked(url)
        self.url = url.rstrip("/")
        self._reused = 0
        self._keep, self._sleep = keep, sleep
        self._checkpoint: bytes | None = None
        self._watch = Watch(_LONGEST_S)
        self._client = httpx.Client(
            timeout=_TIMEOUT,
            limits=httpx.Limits(max_connections=_AT_ONCE),
            headers={"accept-encoding": "gzip", "user-agent": "databourse-audit"},
            follow_redirects=False,
            trust_env=not here,
            transport=transport,
        )

    def read(self, path: str, limit: int) -> bytes:
        """A file of at most `limit` bytes. Raises BundleFileBad."""
        if path == CHECKPOINT:
            if self._checkpoint is None:
                self._checkpoint = self._fetched(path, limit)
            return self._checkpoint
        kept = self._kept(path, limit)
        if kept is not None:
            return kept
        data = self._fetched(path, limit)
        self._write(path, data)
        return data

    def doubtful(self) -> bool:
        """Whether what was found wrong may be wrong in what was kept: from now on everything is fetched."""
        doubtful, self._reused = self._reused > 0, _NEVER
        if doubtful:
            self._checkpoint = None
        return doubtful

    def settle(self) -> None:
        """Keep the checkpoint, last of all: the folder is then a log that can be audited by itself."""
        if self._checkpoint is not None:
            self._write(CHECKPOINT, self._checkpoint)

    def particulars(self) -> dict[str, Any]:
        """What the node says of itself, for information only; nothing where it does not say it."""
        parts = urlsplit(self.url)
        try:
            data = self._tried(f"{parts.scheme}://{parts.netloc}{_PARTICULARS}", "", _MAX_PARTICULARS)
            said = json.loads(data)
        except (BundleFileBad, ValueError, RecursionError):
            return {}
        return said if isinstance(said, dict) else {}

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _kept(self, path: str, limit: int) -> bytes | None:
        if self._keep is None or self._reused < 0:
            return None
        try:
            with (self._keep / path).open("rb") as file:
                data = file.read(limit + 1)
        except OSError:
            return None
        if len(data) > limit:
            return None
        self._reused += 1
        return data

    def _write(self, path: str, data: bytes) -> None:
        if self._keep is None:
            return
        target = self._keep / path
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f"{target.name}.{os.getpid()}.part")
        beside.write_bytes(data)
        beside.replace(target)

    def _fetched(self, path: str, limit: int) -> bytes:
        return self._tried(f"{self.url}/{path}", path, limit)

    def _tried(self, url: str, path: str, limit: int) -> bytes:
        """Fetch, and fetch again where the network or the server may just have stumbled."""
        for tried in range(1, _TRIES + 1):
            pause = _PAUSE_S * 2**tried
            watched = self._watch.begin()
            try:
                with watched, self._client.stream("GET", url, extensions={"trace": watched.saw}) as answer:
                    wanted = answer.status_code == _TOO_MANY or answer.status_code >= _ILL
                    if not wanted:
                        body = _body(answer, path, limit)
                        if watched.late:  # it may have ended because it was cut
                            raise httpx.ReadTimeout("too late")
                        return body
                    why = f"the server answers {answer.status_code}"
                    pause = _asked_for(answer, pause)
            except httpx.TransportError as error:
                if watched.late:
                    raise BundleFileBad(f"not there after {_LONGEST_S:.0f} seconds", path=path) from None
                why = f"not reachable: {type(error).__name__}"
            except (httpx.InvalidURL, zlib.error) as error:
                raise BundleFileBad(f"not readable: {type(error).__name__}", path=path) from None
            if tried < _TRIES:
                self._sleep(pause)
        raise BundleFileBad(f"{why}, {_TRIES} times", path=path)


def _body(answer: httpx.Response, path: str, limit: int) -> bytes:
    """The whole of an answer that is within its bounds. Raises BundleFileBad, Missing, zlib.error.

    It is unpacked here and no further than to its limit: httpx unpacks whatever comes, as often as it is
    packed.
    """
    if answer.status_code in {_NOT_FOUND, _GONE}:
        raise Missing("missing", path=path)
    if answer.status_code in _MOVED:
        raise BundleFileBad("the server points elsewhere, and a log is not followed elsewhere", path=path)
    if answer.status_code != _OK:
        raise BundleFileBad(f"the server answers {answer.status_code}", path=path)
    coding = answer.headers.get("content-encoding", "").strip().lower()
    if coding not in {"", "identity", "gzip"}:
        raise BundleFileBad("packed otherwise than asked for", path=path)
    unpacker = zlib.decompressobj(_GZIP) if coding == "gzip" else None
    parts, size = [], 0
    for packed in answer.iter_raw():
        part = packed if unpacker is None else unpacker.decompress(packed, limit + 1 - size)
        size += len(part)
        if size > limit:
            raise BundleFileBad(f"larger than {limit} bytes", path=path)
        if unpacker is not None and unpacker.unused_data:
            raise BundleFileBad("runs on behind its end", path=path)
        parts.append(part)
    if unpacker is not None and not unpacker.eof:
        raise BundleFileBad("cut short", path=path)
    return b"".join(parts)


def _asked_for(answer: httpx.Response, pause: float) -> float:
    """How long the server asks us to wait, within reason."""
    said = answer.headers.get("retry-after", "")
    return min(float(said), _LONGEST_PAUSE_S) if said.isascii() and said.isdigit() else pause


def _checked(url: str) -> bool:
    """Whether the address is of this machine. Raises AddressUnsafe where a log is not read from it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise AddressUnsafe("not an address", url=url) from None
    here = host == "localhost"
    with suppress(ValueError):  # a name
        here = here or ipaddress.ip_address(host).is_loopback
    if not host or parts.username or parts.password or parts.query or parts.fragment:
        raise AddressUnsafe("an address is https://host[:port][/path], and nothing more", url=url)
    if parts.scheme != "https" and not (parts.scheme == "http" and here):
        raise AddressUnsafe("a log is read by https, or by http from this machine", url=url)
    return here
