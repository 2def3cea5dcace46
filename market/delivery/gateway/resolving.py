"""Names of providers looked up by the system, each in a thread of its own that nobody waits for too long.

A name server may hang, and the system's look-up cannot be called back. So one seller has few of them at a
time, all have a bound, and whoever waits is let go at a deadline; the same name is looked up once for all
who ask for it at this moment.
"""

import asyncio
import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import httpcore

from market.delivery.gateway.errors import ProviderBusy

AT_ONCE: Final = 64
OF_ONE: Final = 2
DEADLINE_S: Final = 5.0
Name: TypeAlias = tuple[str, str, int]  # whose, host, port
Addresses: TypeAlias = Sequence[str]


def system_addresses(host: str, port: int) -> Addresses:
    """The addresses of a name, as the system finds them. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]).partition("%")[0] for one in found))


class Resolver:
    """Look-ups under way in this process. A thread that hangs is its seller's until it comes back."""

    def __init__(
        self,
        look_up: Callable[[str, int], Addresses] = system_addresses,
        *,
        at_once: int = AT_ONCE,
        of_one: int = OF_ONE,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._look_up, self._deadline_s = look_up, deadline_s
        self._at_once, self._of_one = at_once, of_one
        self._of: Counter[str] = Counter()
        self._looking: dict[Name, asyncio.Future[Addresses]] = {}

    async def addresses(self, owner: str, host: str, port: int) -> Addresses:
        """The addresses of a seller's host.

        Raises httpcore.ConnectTimeout where no answer came in time, httpcore.ConnectError where there is none
        or its seller has as many look-ups as may hang already, and ProviderBusy where all have.
        """
        name = owner, host, port
        looking = self._looking.get(name)
        if looking is None:
            if self._of[owner] >= self._of_one:
                raise httpcore.ConnectError("the look-ups of this seller's names hang")
            if self._of.total() >= self._at_once:
                raise ProviderBusy("too many names are being looked up", retry_after_s=1)
            looking = self._begun(name)
        try:
            async with asyncio.timeout(self._deadline_s):
                return await asyncio.shield(looking)
        except TimeoutError:
            raise httpcore.ConnectTimeout("no answer of its name server") from None
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from None

    def _begun(self, name: Name) -> asyncio.Future[Addresses]:
        owner, host, port = name
        loop = asyncio.get_running_loop()
        looking = self._looking[name] = loop.create_future()
        self._of[owner] += 1

        def over(found: Addresses | OSError) -> None:
            self._looking.pop(name, None)
            self._of[owner] -= 1
            if not self._of[owner]:
                del self._of[owner]
            if looking.done():
                return
            if isinstance(found, OSError):
                looking.set_exception(found)
                looking.exception()  # heard, though nobody waits any more
            else:
                looking.set_result(found)

        def look() -> None:
            found: Addresses | OSError
            try:
                found = self._look_up(host, port)
            except (OSError, UnicodeError) as error:
                found = error if isinstance(error, OSError) else OSError(str(error))
            with contextlib.suppress(RuntimeError):  # the loop is gone, and with it who waited
                loop.call_soon_threadsafe(over, found)

        try:
            threading.Thread(target=look, name="resolver", daemon=True).start()
        except RuntimeError as error:  # the system has no more threads
            looking.cancel()
            over(OSError(str(error)))
            raise ProviderBusy("no thread to look a name up", retry_after_s=1) from None
        return looking
