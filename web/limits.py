"""How often one address may fail to sign in, and what a member may have coming in.

Slow guessing over many accounts meets this, not a lock-out. An attempt is counted before it is proved and
forgiven when it succeeds, so who signs in rightly is never held up. Counts are this process's own, in
bounded memory; they are no decision of the exchange, and on no ledger. An IPv6 address stands for its /64,
which is one customer's.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final, NamedTuple, TypeVar

from fastapi import Request

from base.errors import TooMany
from identity.errors import SignInFailed

FORGIVEN_EVERY_S: Final = 10.0
CAPACITY: Final = 10_000
IDLE_SUBMISSIONS: Final = 60
"""How many submissions that are not cosigned anew one address may make at a witness before it waits."""
CHECKS: Final = 300
"""How many papers and files one address may have checked at once; one more every ten seconds."""
DOWNLOADS: Final = 300
"""How many downloads of open data one address may begin at once; one more every ten seconds."""
UPLOADS_AT_ONCE: Final = 4
CROWDED: Final = "databourse.crowded"
"""In the scope of a request over a connection beyond those that are served."""
ANNOUNCED: Final = "databourse.announced"
"""In the scope of a request that its server has let in already."""
LEAVE: Final = "databourse.leave"
"""In the scope of every request: gives its place among those under way back, before it is answered."""
_SUBSCRIBER: Final = 64
_HOPS: Final = 10
R = TypeVar("R")
Address = IPv4Address | IPv6Address


class TooManyAttempts(TooMany):
    code = "too-many-attempts"
    title = "Too many failed attempts from your address: wait a moment"


async def proved(request: Request, prove: Callable[[], Awaitable[R]]) -> R:
    """What `prove` answers. Raises TooManyAttempts before it is asked, where its address failed too often."""
    attempts: Attempts = request.app.state.attempts
    address = request.app.state.addresses.of(request)
    attempts.count(address)
    try:
        answer = await prove()
    except SignInFailed:
        raise
    except Exception:
        attempts.forgive(address)
        raise
    attempts.forgive(address)
    return answer


class Attempts:
    """Failures by address: up to `most`, of which one is forgiven every ten seconds.

    The addresses heard of longest ago leave first when there are more than `capacity`.
    """

    def __init__(
        self, most: int, *, capacity: int = CAPACITY, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._capacity, self._now_s = most, capacity, now_s
        self._failed: OrderedDict[str, tuple[float, float]] = OrderedDict()  # how many, as of when

    def count(self, address: str) -> None:
        """Count an attempt. Raises TooManyAttempts, and then counts nothing."""
        failed = self._of(address)
        if failed + 1 > self._most:
            wait = math.ceil((failed + 1 - self._most) * FORGIVEN_EVERY_S)
            raise TooManyAttempts("too many failed attempts from this address", retry_after_s=wait)
        self._set(address, failed + 1)

    def forgive(self, address: str) -> None:
        """Take back what was counted: the attempt succeeded."""
        self._set(address, max(self._of(address) - 1, 0.0))

    def _of(self, address: str) -> float:
        failed, since = self._failed.get(address, (0.0, 0.0))
        return max(failed - (self._now_s() - since) / FORGIVEN_EVERY_S, 0.0)

    def _set(self, address: str, failed: float) -> None:
        self._failed[address] = (failed, self._now_s())
        self._failed.move_to_end(address)
        if failed == 0:
            del self._failed[address]
        while len(self._failed) > self._capacity:
            self._failed.popitem(last=False)

    def __len__(self) -> int:
        return len(self._failed)


class SentAway(NamedTuple):
    """The whole answer to a request that nobody has looked at."""

    status: int
    headers: list[tuple[bytes, bytes]]
    content: bytes


def has_body(scope: Mapping[str, Any]) -> bool:
    """Whether the head of a request tells of a body after it."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )


class TooManyUploads(TooMany):
    code = "too-many-uploads"
    title = "Too many uploads at once: wait until one of yours is in"


@dataclass(eq=False, slots=True)
class Upload:
    """One upload while it comes in: its own bytes, and those of others that were kept meanwhile."""

    bytes: int = 0
    kept_meanwhile: int = 0


class Uploads:
    """What each member's uploads under way have brought so far: all of them share what the quota leaves."""

    def __init__(self, most: int = UPLOADS_AT_ONCE) -> None:
        self._most = most
        self._of: dict[str, list[Upload]] = {}

    @contextmanager
    def one(self, owner_id: str) -> Iterator[Upload]:
        """An upload of this member, until it is kept (what leaves the block) or has failed (what raises).

        Raises TooManyUploads.
        """
        under_way = self._of.setdefault(owner_id, [])
        if len(under_way) >= self._most:
            raise TooManyUploads("wait until one is in", most=self._most, retry_after_s=1)
        under_way.append(upload := Upload())
        kept = False
        try:
            yield upload
            kept = True
        finally:
            under_way.remove(upload)
            for other in under_way if kept else ():
                other.kept_meanwhile += upload.bytes
            if not under_way:
                del self._of[owner_id]

    def brought(self, owner_id: str, upload: Upload) -> int:
        """What counts against the room that was left when this one began."""
        return upload.kept_meanwhile + sum(one.bytes for one in self._of[owner_id])

    def __len__(self) -> int:
        return len(self._of)


class Addresses:
    """Who is calling: the peer, or what a proxy of ours says of it.

    `trusted` are the networks of our own proxies (CIDR, with commas between). From the last hop backwards
    the first that is not ours is the caller; what it claims itself is believed by nobody.
    """

    def __init__(self, trusted: str) -> None:
        named = filter(None, (part.strip() for part in trusted.split(",")))
        self._trusted: Sequence[IPv4Network | IPv6Network] = [ip_network(one) for one in named]

    def of(self, request: Request) -> str:
        """The address that stands for the caller."""
        named = request.client.host if request.client is not None else ""
        peer = _parsed(named)
        hops = [
            hop.strip() for field in request.headers.getlist("x-forwarded-for") for hop in field.split(",")
        ]
        for hop in reversed(hops[-_HOPS:]):
            before = _parsed(hop)
            if before is None or not self._is_ours(peer):
                break
            peer = before
        return named if peer is None else _subscriber(peer)

    def _is_ours(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._trusted)


def _parsed(text: str) -> Address | None:
    """The address, None where it is none. A socket of both families tells IPv4 as `::ffff:a.b.c.d`."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _subscriber(address: Address) -> str:
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, _SUBSCRIBER), strict=False))
    return str(address)
