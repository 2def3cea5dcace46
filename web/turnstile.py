"""How many requests are under way at once: as many as are answered in time (`docs/performance.md`).

A law of control. Between a crowd that came at once and a flood there is no difference at first, so neither
is let in as it comes: a few are, the others stand in a line. Where no more come than the line holds, it
moves on, and places are added while it stands. Where more come, or where it does not end, it is a flood:
whoever stands in the line is sent away, and from then on whoever finds no place, at once, until nobody was
for a while. Those who are let in wait no longer the more there are outside.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

LEAST_AT_ONCE: Final = 16
READILY_AT_ONCE: Final = 64
"""So many places are there for whoever waits in a line: what is under way may be slow and no work."""
MOST_AT_ONCE: Final = 256
ROOM: Final = 128
"""So many may be under way or in the line while there is no flood."""
IN_TIME_S: Final = 0.04
_LASTS_S: Final = 0.1
_STANDS_S: Final = 0.06
_TOO_LONG_S: Final = 0.25  # a line of a crowd has gone by then
_CALM_S: Final = 0.25
_UNUSED_S: Final = 1.0


class Turnstile:
    """Counts who is under way, says who may come in, and who waits.

    In a crowd (more than half the places taken) each answer within half the time makes room for one more, up
    to half of what was too many the last time, and from there on slowly. Where even the swiftest answer of a
    tenth of a second was late, there are too many: as many places are left as are answered in half the time.
    So one stall of a disk narrows nothing for long, and places that a second went by without are halved. A
    request counts from when its body is in until its answer begins: a slow client holds no place.
    """

    def __init__(
        self,
        *,
        least: int = LEAST_AT_ONCE,
        most: int = MOST_AT_ONCE,
        room: int = ROOM,
        in_time_s: float = IN_TIME_S,
        now_s: Callable[[], float] = time.monotonic,
        later: Callable[[float, Callable[[], None]], Any] | None = None,
    ) -> None:
        self._least, self._most, self._room, self._in_time_s = least, most, room, in_time_s
        self._now_s, self._later = now_s, later
        self._places = float(least)
        self._too_many = float(most)  # above half of it places are added slowly
        self._swiftest_s: float | None = None
        self._answered = 0  # since `_since_s`, in a crowd
        self._since_s = 0.0
        self._peak, self._peak_since_s = 0, now_s()
        self._line: deque[asyncio.Future[bool]] = deque()
        self._line_since_s = 0.0
        self._watched = False
        self._flooded_until_s = now_s()
        self.inside = 0
        self.coming = 0  # let in by the server, or out of the line, and not begun with yet

    @property
    def places(self) -> int:
        return int(self._places)

    @property
    def full(self) -> bool:
        """Whether nobody may come in any more, nor into the line."""
        under_way = self.inside + self.coming + len(self._line)
        if under_way < self.places:
            return False
        return under_way >= self._room or self._now_s() < self._flooded_until_s

    def flood(self) -> None:
        """Somebody has to be sent away: so are all who stand in the line; nobody stands there for a while."""
        self._flooded_until_s = self._now_s() + _CALM_S
        while self._line:
            _tell(self._line.popleft(), let_in=False)

    async def turn(self) -> bool:
        """Wait for a place: who came first comes in first. False for one that is sent away after all."""
        if not self._line and self.inside + self.coming < self.places:
            return True
        waiting: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if not self._line:
            self._line_since_s = self._now_s()
        self._line.append(waiting)
        self._watch()
        try:
            return await waiting
        finally:
            if waiting.done() and not waiting.cancelled() and waiting.result():
                self.coming -= 1

    def enter(self) -> float:
        """One is under way; its moment is handed back to `leave`."""
        self.inside += 1
        self._peak = max(self._peak, self.inside)
        return self._now_s()

    def leave(self, entered_s: float) -> None:
        """One was answered, in time or not."""
        crowd = 2 * self.inside > self.places
        self.inside -= 1
        now_s = self._now_s()
        if crowd:
            self._learn(now_s, now_s - entered_s)
        if now_s - self._peak_since_s >= _UNUSED_S:
            if 2 * self._peak < self._places:
                self._places = max(self._places / 2, self._least)
            self._peak, self._peak_since_s = self.inside, now_s
        self._let_in()

    def _learn(self, now_s: float, waited_s: float) -> None:
        if 2 * waited_s <= self._in_time_s:
            readily = 2 * self._places < self._too_many
            self._places = min(self._places + (1.0 if readily else 1 / self._places), self._most)
        if self._swiftest_s is None:
            self._swiftest_s, self._answered, self._since_s = waited_s, 0, now_s
        self._swiftest_s = min(self._swiftest_s, waited_s)
        self._answered += 1
        lasted_s = now_s - self._since_s
        if lasted_s < _LASTS_S:
            return
        if self._swiftest_s > self._in_time_s:
            self._too_many = self._places
            soon = self._answered / lasted_s * self._in_time_s / 2
            self._places = max(min(self._places, soon), self._least)
        self._swiftest_s = None

    def _let_in(self) -> None:
        while self._line and self.inside + self.coming < self.places:
            if _tell(self._line.popleft(), let_in=True):
                self.coming += 1

    def _watch(self) -> None:
        if not self._watched:
            self._watched = True
            (self._later or asyncio.get_running_loop().call_later)(_STANDS_S, self._look)

    def _look(self) -> None:
        """A line that stands: there are more places soon; one that stands for long is too many."""
        self._watched = False
        if not self._line:
            return
        stood_s = self._now_s() - self._line_since_s
        if stood_s >= _TOO_LONG_S:
            self.flood()
            return
        if stood_s >= _STANDS_S:
            readily = min(READILY_AT_ONCE, self._most)
            self._places = max(self._places, min(2 * self._places, readily))
        self._let_in()
        if self._line:
            self._watch()


def _tell(waiting: asyncio.Future[bool], *, let_in: bool) -> bool:
    """Whether there is still somebody to be told."""
    if waiting.done():
        return False
    waiting.set_result(let_in)
    return True
