"""The law of the door, by a clock that is moved by hand: who is let in, who waits, who is sent away."""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.turnstile import LEAST_AT_ONCE, READILY_AT_ONCE, ROOM, Turnstile


class Told(NamedTuple):
    """What became of one request: let in or not, and how long that took, to its answer."""

    let_in: bool
    waited_s: float


class House:
    """A turnstile before a server that answers all who are inside at once, each batch after `cost_s`."""

    def __init__(self, cost_s: Callable[[int], float], **law: Any) -> None:
        self.now_s = 0.0
        self._due: list[tuple[float, int, Callable[[], Any]]] = []
        self._number = count()
        self.door = Turnstile(now_s=lambda: self.now_s, later=self.later, **law)
        self._cost_s = cost_s
        self._inside: list[asyncio.Future[None]] = []
        self._serving = False
        self._tasks: list[asyncio.Task[Told]] = []
        self.most_inside = 0

    def later(self, after_s: float, what: Callable[[], Any]) -> None:
        heapq.heappush(self._due, (self.now_s + after_s, next(self._number), what))

    def ask(self, at_s: float, answer: Callable[[], Awaitable[None]] | None = None) -> None:
        self.later(at_s - self.now_s, lambda: self._tasks.append(asyncio.create_task(self._one(answer))))

    async def told(self) -> Sequence[Told]:
        """Let time go by until nothing is due any more; in the order of asking."""
        while self._due:
            self.now_s, _, what = heapq.heappop(self._due)
            what()
            for _ in range(3):
                await asyncio.sleep(0)
        return [await task for task in self._tasks]

    async def _one(self, answer: Callable[[], Awaitable[None]] | None) -> Told:
        came_s = self.now_s
        if self.door.full:
            self.door.flood()
            return Told(False, 0.0)
        if not await self.door.turn():
            return Told(False, self.now_s - came_s)
        entered_s = self.door.enter()
        self.most_inside = max(self.most_inside, self.door.inside)
        await (self._answered() if answer is None else answer())
        self.door.leave(entered_s)
        return Told(True, self.now_s - came_s)

    async def _answered(self) -> None:
        waiting = asyncio.get_running_loop().create_future()
        self._inside.append(waiting)
        if not self._serving:
            self._serving = True
            self.later(0.0, self._serve)
        await waiting

    def _serve(self) -> None:
        batch, self._inside = self._inside, []
        self._serving = bool(batch)
        if batch:
            self.later(self._cost_s(len(batch)), lambda: self._done(batch))

    def _done(self, batch: Sequence[asyncio.Future[None]]) -> None:
        for one in batch:
            one.set_result(None)
        self.later(0.0, self._serve)


def batches(number: int) -> float:
    """Three milliseconds, and one for each: 640 a second of sixteen, 950 of sixty-four."""
    return 0.003 + 0.001 * number


def quantile(told: Sequence[Told], q: float) -> float:
    waited = sorted(one.waited_s for one in told)
    return waited[int(q * len(waited))]


async def test_ten_times_what_is_sustained_is_sent_away_and_who_is_let_in_waits_no_longer() -> None:
    calm, flood = House(batches), House(batches)
    for at in range(600):
        calm.ask(at / 600)
    at_once = await calm.told()
    assert all(one.let_in for one in at_once)
    for at in range(6000):
        flood.ask(at / 6000)
    told = await flood.told()
    let_in, away = [one for one in told if one.let_in], [one for one in told if not one.let_in]
    assert max(one.waited_s for one in let_in) < 3 * quantile(at_once, 0.99) < 0.13
    assert len(let_in) > 500  # and there is as much done as before
    assert max(one.waited_s for one in away) < 0.04  # so long it took to see that it was a flood
    assert sum(one.waited_s > 0 for one in away) < ROOM


@pytest.mark.parametrize("crowd", [64, 100, ROOM])
async def test_a_crowd_that_comes_at_once_and_stays_alone_is_let_in_one_after_the_other(crowd: int) -> None:
    house = House(batches)
    for _ in range(crowd):
        house.ask(0.0)
    told = await house.told()
    assert all(one.let_in for one in told)
    assert max(one.waited_s for one in told) < crowd * 0.0015
    assert [one.waited_s for one in told] == sorted(one.waited_s for one in told)  # who came first went first
    house.ask(house.now_s)
    assert (await house.told())[-1].let_in


async def test_as_many_callers_as_there_are_places_readily_are_never_sent_away() -> None:
    house, told = House(lambda number: 2 * batches(number)), []

    async def caller() -> None:
        told.extend([await house._one(None) for _ in range(20)])

    callers: list[asyncio.Task[None]] = []
    for _ in range(READILY_AT_ONCE):
        house.later(0.0, lambda: callers.append(asyncio.create_task(caller())))
    await house.told()
    assert [await one for one in callers] == [None] * READILY_AT_ONCE
    assert len(told) == 20 * READILY_AT_ONCE
    assert all(one.let_in for one in told)


async def test_a_flood_is_over_when_nobody_was_sent_away_for_a_while() -> None:
    house = House(batches)
    for _ in range(ROOM + 1):
        house.ask(0.0)
    for at_s in (0.2, 0.5):  # the first crowd of the two finds no line to stand in yet, and is a flood again
        for _ in range(40):
            house.ask(at_s)
    told = await house.told()
    first, second, third = told[: ROOM + 1], told[ROOM + 1 : -40], told[-40:]
    assert [one.let_in for one in first] == [True] * LEAST_AT_ONCE + [False] * (ROOM + 1 - LEAST_AT_ONCE)
    assert [one.let_in for one in second] == [True] * 22 + [False] * 18  # the first were answered soon
    assert all(one.let_in for one in third)


async def test_a_line_that_does_not_end_is_no_crowd() -> None:
    """A third more than is answered: who is let in waits no longer than a line may stand."""
    house = House(batches)
    for at in range(4400):
        house.ask(at / 1100)
    told = await house.told()
    let_in = [one for one in told if one.let_in]
    assert max(one.waited_s for one in told) < 0.35
    assert quantile(let_in[1000:], 0.99) < 0.15
    assert 0.7 < len(let_in) / len(told) < 0.95


def crowd(door: Turnstile, now: list[float], *, inside: int, answered: int, after_s: float) -> None:
    """So many inside, of whom some are answered one every ten milliseconds; each came so long before."""
    others = [door.enter() for _ in range(inside - 1)]
    for _ in range(answered):
        now[0] += 0.01
        door.enter()
        door.leave(now[0] - after_s)
    door.inside -= len(others)


def test_places_are_as_many_as_are_answered_in_time() -> None:
    now = [0.0]
    door = Turnstile(now_s=lambda: now[0], later=lambda *_: None)
    assert door.places == 16
    crowd(door, now, inside=8, answered=20, after_s=0.01)
    assert door.places == 16  # no crowd: nothing was seen
    crowd(door, now, inside=14, answered=20, after_s=0.03)
    assert door.places == 16  # in time, and not soon
    crowd(door, now, inside=40, answered=32, after_s=0.015)
    assert door.places == 48
    crowd(door, now, inside=40, answered=9, after_s=0.3)  # a stall, which is over
    crowd(door, now, inside=40, answered=1, after_s=0.03)
    crowd(door, now, inside=40, answered=30, after_s=0.03)
    assert door.places == 48
    crowd(door, now, inside=40, answered=22, after_s=0.05)  # a hundred a second, and all of them late
    assert door.places == 16
    crowd(door, now, inside=40, answered=60, after_s=0.015)
    assert door.places == 26  # soon to half of what was too many, slowly from there


def test_places_that_a_second_went_by_without_are_halved() -> None:
    now = [0.0]
    door = Turnstile(now_s=lambda: now[0], later=lambda *_: None)
    crowd(door, now, inside=200, answered=100, after_s=0.01)
    assert door.places == 116
    for places in (116, 58, 29, 16, 16):
        crowd(door, now, inside=4, answered=101, after_s=0.01)
        assert door.places == places


async def test_what_is_slow_and_no_work_keeps_nobody_out_until_the_places_are_taken() -> None:
    """As many wait for somebody else's answer as the least of places: the others come in all the same."""
    house = House(batches)
    never = asyncio.Event()
    for at in range(READILY_AT_ONCE - 1):
        house.ask(at / 1000, never.wait)  # type: ignore[arg-type]
    house.ask(0.5)
    house.later(3.0, never.set)
    told = await house.told()
    assert all(one.let_in for one in told)
    assert told[-1].waited_s == pytest.approx(batches(1))
    house = House(batches)
    never = asyncio.Event()
    for at in range(READILY_AT_ONCE):
        house.ask(at / 1000, never.wait)  # type: ignore[arg-type]
    house.ask(0.5)
    house.later(3.0, never.set)
    sent_away = (await house.told())[-1]
    assert (sent_away.let_in, sent_away.waited_s) == (False, pytest.approx(0.25, abs=0.06))


async def test_who_went_away_while_waiting_holds_no_place() -> None:
    door = Turnstile(least=1, most=1, later=lambda *_: None)
    entered = door.enter()
    gone, staying = asyncio.create_task(door.turn()), asyncio.create_task(door.turn())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    door.leave(entered)
    assert await staying
    last = asyncio.create_task(door.turn())
    entered = door.enter()
    await asyncio.sleep(0)
    door.leave(entered)  # it is let in, and goes away before it begins
    last.cancel()
    with pytest.raises(asyncio.CancelledError):
        await last
    assert (door.inside, door.coming, door.full) == (0, 0, False)


@given(
    arrivals=st.lists(st.integers(0, 60), max_size=60),
    cost_ms=st.integers(0, 40),
    least=st.integers(1, 4),
    room=st.integers(0, 12),
)
def test_everybody_is_answered_and_no_more_are_inside_than_there_are_places(
    arrivals: list[int], cost_ms: int, least: int, room: int
) -> None:
    async def run() -> None:
        house = House(lambda number: cost_ms * number / 1000, least=least, most=8, room=room)
        for at in sorted(arrivals):
            house.ask(at / 100)
        told = await house.told()
        assert len(told) == len(arrivals)
        assert house.most_inside <= 8
        assert (house.door.inside, house.door.coming) == (0, 0)
        assert not house.door.full
        if len(arrivals) <= least:
            assert all(one.let_in for one in told)

    asyncio.run(run())
