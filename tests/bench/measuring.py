"""What a figure is, and how ours and the floor are measured against each other: in turns, by medians."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from tests.bench.ground import Ground

ROUNDS: Final = 3
DEFAULT_S: Final = 140.0
_SIDE_SHARE: Final = 0.0075  # of the whole time, for one side of one round


class CannotRun(Exception):
    """A figure cannot be measured here, and why. Nothing is wrong with the exchange."""


class Broken(Exception):
    """What was measured is wrong: a write that was answered is not on record, a proof does not hold."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Ours and the floor in the same unit; `beside` are further lines (probes, what it was made of)."""

    ours: float
    floor: float
    unit: str
    beside: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """A name, a goal for ours / floor, and how both are measured."""

    name: str
    goal: str
    measure: "Callable[[Ground], Awaitable[Measured]]"


Side: TypeAlias = Callable[[], Awaitable[float]]


@dataclass(frozen=True, slots=True)
class Budget:
    """The seconds of a run, and what follows from them: how long a side is measured, how large things are."""

    seconds: float = DEFAULT_S

    @property
    def side_s(self) -> float:
        """How long one side of one round is measured."""
        return max(self.seconds * _SIDE_SHARE, 0.05)

    def size(self, by_default: int, *, least: int, most: int) -> int:
        """How many of something, in proportion to the time that there is."""
        return max(least, min(int(by_default * self.seconds / DEFAULT_S), most))


async def in_turns(ours: Side, floor: Side, *, rounds: int = ROUNDS) -> tuple[float, float]:
    """Rounds A B A B; the one with the median ratio counts. What the machine does, it does to both."""
    pairs = [(await ours(), await floor()) for _ in range(rounds)]
    return sorted(pairs, key=lambda pair: pair[0] / pair[1])[rounds // 2]


async def each_once_in_turn(
    ours: Callable[[], Awaitable[None]], floor: Callable[[], Awaitable[None]], *, seconds: float
) -> tuple[list[float], list[float]]:
    """Seconds of single calls, ours and the floor's in turn, for so long (each at least ten times)."""
    a: list[float] = []
    b: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(a) < 10:
        a.append(await seconds_of(ours))
        b.append(await seconds_of(floor))
    return a, b


async def seconds_of(call: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await call()
    return time.perf_counter() - began


def quantile(values: list[float], q: float) -> float:
    """The smallest value that a share `q` of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(int(q * len(ordered)), len(ordered) - 1)]


@asynccontextmanager
async def swapped(module: Any, **names: Any) -> AsyncIterator[None]:
    """A module with some of its functions taken out, to measure what they cost."""
    before = {name: getattr(module, name) for name in names}
    for name, value in names.items():
        setattr(module, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


def chunks(total: int, size: int) -> Iterator[range]:
    """`range(total)` in pieces."""
    for start in range(0, total, size):
        yield range(start, min(start + size, total))
