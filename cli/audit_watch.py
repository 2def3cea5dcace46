"""A clock over each answer of a server, from before it is asked: one that trickles is cut off.

httpx bounds each wait for the next bytes, and no answer as a whole: headers may come by one byte at a time.
Which connection an answer comes on is not told before its headers are there. So all connections to the
server are cut when an answer is late; whatever else comes on them is asked for anew.
"""

import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from threading import Lock, Timer
from types import TracebackType
from typing import Any, Final, Self

import httpx

_CLOSED: Final = -1


class Watch:
    """The connections of a client, and how long an answer may take, in seconds."""

    def __init__(self, longest_s: float) -> None:
        self.longest_s = longest_s
        self._lock = Lock()
        self._sockets: list[socket.socket] = []

    def begin(self) -> "Watched":
        """The clock of the next answer; it runs from now on."""
        return Watched(self)

    def opened(self, sock: socket.socket) -> None:
        """A connection was made."""
        with self._lock:
            self._sockets = [*(one for one in self._sockets if one.fileno() != _CLOSED), sock]

    def cut(self) -> None:
        """End every connection; whoever waits for it is woken. To close it here would not wake anybody."""
        with self._lock:
            for sock in self._sockets:
                with suppress(OSError):
                    # socket's own: TLS must go on reading as TLS until the one who reads gives up
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)


class Watched:
    """One answer. Within it, `saw` is httpcore's trace of what happens to its request."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._until = time.monotonic() + watch.longest_s
        self._timer = Timer(watch.longest_s, watch.cut)
        self._timer.daemon = True

    @property
    def late(self) -> bool:
        return time.monotonic() >= self._until

    def saw(self, _: str, info: Mapping[str, Any]) -> None:
        """Remember a connection that was made. Raises httpx.ReadTimeout where it comes too late."""
        stream: Any = info.get("return_value")
        found = stream.get_extra_info("socket") if hasattr(stream, "get_extra_info") else None
        if not isinstance(found, socket.socket):
            return
        self._watch.opened(found)
        if self.late:  # the others are cut by now, and nobody comes back for this one
            raise httpx.ReadTimeout("too late")

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
