"""The load generator: callers who each wait for their answer, and arrivals that wait for nobody."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Load:
    """What was answered, in the order of the answers, and in how many seconds all of it."""

    answers: Sequence[Any]
    elapsed_s: float
    waited_s: list[float]

    @property
    def rate(self) -> float:
        return len(self.answers) / self.elapsed_s


async def closed_loop(
    items: Iterator[Item], one: Callable[[Item], Awaitable[Any]], *, callers: int, seconds: float
) -> Load:
    """So many callers at once, each with the next item as soon as it has its answer. Errors are raised."""
    answers: list[Any] = []
    waited: list[float] = []
    began = time.perf_counter()

    async def caller() -> None:
        for item in items:
            asked = time.perf_counter()
            answers.append(await one(item))
            now = time.perf_counter()
            waited.append(now - asked)
            if now - began >= seconds:
                return

    await _all(caller() for _ in range(callers))
    return Load(answers, time.perf_counter() - began, waited)


async def open_loop(items: Sequence[Item], one: Callable[[Item], Awaitable[Any]], *, rate: float) -> Load:
    """An item every `1 / rate` seconds, whatever became of those before: waiting counts from its time on."""
    answers: list[Any] = []
    waited: list[float] = []
    began = time.perf_counter()

    async def arrival(number: int, item: Item) -> None:
        due = began + number / rate
        await asyncio.sleep(due - time.perf_counter())
        answers.append(await one(item))
        waited.append(time.perf_counter() - due)

    await _all(arrival(number, item) for number, item in enumerate(items))
    return Load(answers, time.perf_counter() - began, waited)


async def _all(tasks: Any) -> None:
    async with asyncio.TaskGroup() as group:
        for task in tasks:
            group.create_task(task)
