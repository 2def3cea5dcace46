"""The tiles of a log in order, each examined: several are read, and as many examined, at once.

However large the log is, no more than a few tiles are held at a time.
"""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from typing import Final

from ledger.errors import BundleFileBad
from ledger.tiles import WIDTH, Tile
from supervision.audit_case import Case
from supervision.audit_report import Code
from supervision.audit_skim import named_by
from supervision.audit_tile import Batch, Work, examine
from supervision.audit_workers import Workers

_WORTH_WORKERS: Final = 24  # tiles: below that a process starts for longer than it saves
_MOST_WORKERS: Final = 8  # who orders what they find is no faster, and each has its memory
_REMOTE_AT_ONCE: Final = 8


def batches(case: Case, *, deep: bool) -> Iterator[Batch]:
    """What came of each tile, from where the audit begins until the size is reached or a tile is missing."""
    begin, end = case.memory.growth.frontier.size // WIDTH, (case.size + WIDTH - 1) // WIDTH
    cores = min(os.cpu_count() or 1, _MOST_WORKERS)
    with ExitStack() as stack:
        workers = None
        if deep and cores > 1 and end - begin >= _WORTH_WORKERS:
            workers = stack.enter_context(Workers(cores, case.memory.known))
        hands = _REMOTE_AT_ONCE if case.bundle.remote else cores + 1 if workers else 1
        pool = stack.enter_context(ThreadPoolExecutor(hands))
        numbers = iter(range(begin, end))
        coming = deque(
            pool.submit(_come, case, number, deep, workers) for number in islice(numbers, 2 * hands)
        )
        try:
            while coming:
                batch = _taken(case, coming.popleft())
                if batch is None:
                    return
                coming.extend(pool.submit(_come, case, next_, deep, workers) for next_ in islice(numbers, 1))
                yield batch
                if not batch.whole:
                    return
        finally:
            for waiting in coming:
                waiting.cancel()


def _taken(case: Case, coming: "Future[Batch | Work]") -> Batch | None:
    """The next tile's batch, its problems reported; None where its entries are not there."""
    try:
        come = coming.result()
    except BundleFileBad as error:
        begin = case.memory.growth.frontier.size
        why = f"the entries from here on are not there: {error.detail}"
        case.problem(Code.GAP, why, seq=begin)
        case.problem(Code.FILE, error.detail, path=error.path)
        return None
    batch = examine(come, case.memory.keys) if isinstance(come, Work) else come
    for problem in batch.problems:
        if problem.code is not Code.FILE or problem.path is None or not case.damaged(problem.path):
            case.found(problem)
    return batch


def _come(case: Case, number: int, deep: bool, workers: Workers | None) -> Batch | Work:  # noqa: FBT001
    """Read a tile, and have it examined where there are workers. Raises BundleFileBad without its entries."""
    tile = case.entry_tile(number)
    data = case.bundle.tile(tile)
    work = Work(number, tile.width, case.origin, deep, data, _hashes(case, Tile(0, number, tile.width)))
    if deep:
        work.openings = _openings(case, number)
    elif not case.bundle.plain:  # a folder of tiles has no list of keys that would name entries
        work.wanted = named_by(case.windows, case.size)
    return work if workers is None else workers.examine(work)


def _hashes(case: Case, tile: Tile) -> bytes | None:
    """The leaf hashes that stand in the tree; None where the file is reported by itself."""
    try:
        hashes = case.bundle.tile(tile)
    except BundleFileBad:
        return None
    return None if case.damaged(tile.path) else hashes


def _openings(case: Case, number: int) -> bytes | None:
    try:
        return case.bundle.openings_file(number)
    except BundleFileBad:
        return None  # reported with the files
