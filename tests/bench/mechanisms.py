"""Pricing against bare numpy: values of rows by nearest neighbours, and a split among twenty sources."""

import asyncio
import time
from collections.abc import Callable
from math import isclose
from typing import Any, Final

import numpy as np

from pricing.coalitions import exact_values
from pricing.knn import knn_shapley
from tests.bench.ground import Ground
from tests.bench.measuring import Broken, Measured, in_turns

_ROWS: Final = 100_000
_COLUMNS: Final = 8
_K: Final = 5
_SOURCES: Final = 20
_TIMES: Final = 20


async def knn(ground: Ground) -> Measured:
    """Exact KNN-Shapley of 100,000 rows, against distances and an argsort for each test row."""
    tests = ground.budget.size(100, least=3, most=100)
    chance = np.random.default_rng(1)
    train, asked = chance.normal(size=(_ROWS, _COLUMNS)), chance.normal(size=(tests, _COLUMNS))
    labels, wanted = chance.integers(0, 2, _ROWS).tolist(), chance.integers(0, 2, tests).tolist()
    values: list[Any] = []
    nearest: list[Any] = []

    def ours() -> None:
        values[:] = [knn_shapley(train, labels, asked, wanted, k=_K)]

    def bare() -> None:
        nearest[:] = [((train - row) ** 2).sum(axis=1).argsort()[:_K] for row in asked]

    measured = await in_turns(_processor(ours), _processor(bare))
    right = [sum(labels[i] == label for i in near) / _K for near, label in zip(nearest, wanted, strict=True)]
    if not isclose(values[0].sum(), sum(right) / tests, abs_tol=1e-9):
        raise Broken("the values do not sum to the soft accuracy")
    return Measured(
        *measured, f"s of processor time, {_ROWS:,} rows of {_COLUMNS} numbers × {tests} test rows"
    )


async def shapley(ground: Ground) -> Measured:
    """The exact split among 20 sources, against one weighted sum over the table of their coalitions."""
    chance = np.random.default_rng(2)
    table = chance.integers(0, 10**13, 1 << _SOURCES)
    weights = chance.integers(0, 100, 1 << _SOURCES)
    times = ground.budget.size(_TIMES, least=3, most=200)
    sums: list[Any] = []

    def ours() -> None:
        for _ in range(times):
            sums[:] = [sum(exact_values(table, _SOURCES))]

    def one_pass() -> None:
        for _ in range(times):
            (table * weights).sum()

    taken = await in_turns(_processor(ours), _processor(one_pass))
    if sums[0] != int(table[-1]) - int(table[0]):
        raise Broken("the values do not sum to what all sources gain")
    ours_ms, floor_ms = (1000 * seconds / times for seconds in taken)
    return Measured(ours_ms, floor_ms, f"ms of processor time, {1 << _SOURCES:,} coalitions")


def _processor(work: Callable[[], None]) -> Any:
    async def measure() -> float:
        def timed() -> float:
            began = time.thread_time()
            work()
            return time.thread_time() - began

        return await asyncio.to_thread(timed)

    return measure
