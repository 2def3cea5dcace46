"""Charts drawn by one kept child process: the library that draws takes 80 MB, which no server shall carry.

The child is started when a chart is asked for, draws one after another, ends when it is idle for a minute,
and is started again when it is gone. Whoever asks waits for some seconds at most, in a line of bounded
length; a chart that is not drawn by then is not drawn (`NotDrawn`), and the page has its table.
"""

import asyncio
import atexit
import contextlib
import socket
import subprocess
import time
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, Final

import orjson
import structlog

from registry.confined import module_command
from web.charts.child import DRAWN, HEAD, LONGEST, exactly

log = structlog.get_logger("charts")
FORMS: Final = ("svg", "png", "pdf")
_ROOT: Final = Path(__file__).resolve().parent.parent.parent
_REST_S: Final = 5.0
_LEAST_S: Final = 2.0  # less is no time to draw in: a child that is well is not judged by it


class NotDrawn(Exception):
    """The chart could not be drawn now: the child failed, or there was no time."""


class Drawing:
    """Draws specifications, and keeps what it drew."""

    def __init__(
        self,
        *,
        patience_s: float = 10.0,
        most_waiting: int = 16,
        kept_bytes: int = 4 * 1024 * 1024,
        module: str = "web.charts.child",
    ) -> None:
        self._patience_s, self._most_waiting, self._kept_bytes = patience_s, most_waiting, kept_bytes
        self._module = module
        self._hand = ThreadPoolExecutor(max_workers=1, thread_name_prefix="charts")
        self._lock = Lock()
        self._pictures: OrderedDict[bytes, bytes] = OrderedDict()
        self._waiting = 0
        self._child: subprocess.Popen[bytes] | None = None
        self._place: socket.socket | None = None
        self._rests_until = 0.0

    @property
    def pid(self) -> int | None:
        """The child's process id, while there is one."""
        return None if self._child is None else self._child.pid

    async def draw(self, spec: Mapping[str, Any], form: str = "svg") -> bytes:
        """The picture. Raises NotDrawn."""
        asked = orjson.dumps({"as": form, "spec": spec}, option=orjson.OPT_SORT_KEYS)
        key = sha256(asked).digest()
        found = self.kept(key)
        if found is not None:
            return found
        if self._waiting >= self._most_waiting or len(asked) > LONGEST:
            raise NotDrawn("too many charts are asked for at once")
        until = time.monotonic() + self._patience_s
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._hand, self._drawn, key, asked, until
            )
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End the child; a later chart starts another."""
        if self._place is not None:
            self._place.close()
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError):
                self._child.kill()
            self._child.wait()
        self._place = self._child = None

    def kept(self, key: bytes) -> bytes | None:
        """A picture that was drawn before."""
        with self._lock:
            found = self._pictures.get(key)
            if found is not None:
                self._pictures.move_to_end(key)
            return found

    def keep(self, key: bytes, picture: bytes) -> None:
        """Remember a picture; the ones that were asked for longest ago go."""
        with self._lock:
            self._pictures[key] = picture
            while sum(map(len, self._pictures.values())) > self._kept_bytes:
                self._pictures.popitem(last=False)

    def _drawn(self, key: bytes, asked: bytes, until: float) -> bytes:
        """In the one thread that talks to the child."""
        found = self.kept(key)
        if found is not None:
            return found
        least = min(_LEAST_S, self._patience_s / 2)
        if time.monotonic() < self._rests_until or until - time.monotonic() < least:
            raise NotDrawn("charts are not drawn at the moment")
        try:
            picture = self._asked(asked, until)
        except (OSError, NotDrawn) as error:  # a child that ends between two charts is no failure: once
            if isinstance(error, TimeoutError | NotDrawn):
                return self._failed(error)
            self.close()
            if until - time.monotonic() < least:
                raise NotDrawn("charts are not drawn at the moment") from error
            try:
                picture = self._asked(asked, until)
            except (OSError, NotDrawn) as again:
                return self._failed(again)
        self.keep(key, picture)
        return picture

    def _failed(self, error: Exception) -> bytes:
        log.warning("a chart was not drawn", reason=str(error) or type(error).__name__)
        if not isinstance(error, NotDrawn):
            self.close()
            self._rests_until = time.monotonic() + _REST_S
        raise NotDrawn(str(error)) from error

    def _asked(self, asked: bytes, until: float) -> bytes:
        place = self._place or self._start()
        place.settimeout(max(until - time.monotonic(), 0.01))
        place.sendall(len(asked).to_bytes(HEAD, "big") + asked)
        mark = exactly(place, 1)
        answer = exactly(place, int.from_bytes(exactly(place, HEAD), "big"))
        if mark != DRAWN:
            raise NotDrawn(answer.decode(errors="replace"))
        return answer

    def _start(self) -> socket.socket:
        self.close()
        ours, theirs = socket.socketpair()
        with theirs:
            self._child = subprocess.Popen(  # noqa: S603 - our own module
                module_command(self._module),
                cwd="/",
                env={"PYTHONPATH": str(_ROOT), "LANG": "C.UTF-8"},
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._place = ours
        return ours


@cache
def drawing() -> Drawing:
    """The one of this process."""
    one = Drawing()
    atexit.register(one.close)
    return one
