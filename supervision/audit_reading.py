"""The tiles of a log in order, each examined: several are read, and as many examined, at once.

However large the log is, no more than a few tiles are held at a time.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import islice
from typing import Final, TypeAlias

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
_Come: TypeAlias = Callable[[], Batch | Work]


def batches(case: Case, *, deep: bool) -> Iterator[Batch]:
    """What came of each tile, from where the audit begins until the size is reached or a tile is missing."""
    begin, end = case.memory.growth.frontier.size // WIDTH, (case.size + WIDTH - 1) // WIDTH
    cores = min(os.cpu_count() or 1, _MOST_WORKERS)
    with ExitStack() as stack:
        workers = None
        if deep and cores > 1 and end - begin >= _WORTH_WORKERS:
            workers = stack.enter_context(Workers(cores, case.memory.known))
        hands = _REMOTE_AT_ONCE if case.bundle.remote else cores + 1 if workers else 0
        reads = (partial(_come, case, number, deep, workers) for number in range(begin, end))
        for come in _ahead(stack, hands, reads) if hands else reads:
            batch = _taken(case, come)
            if batch is None:
                return
            yield batch
            if not batch.whole:
                return


def _ahead(stack: ExitStack, hands: int, reads: Iterator[_Come]) -> Iterator[_Come]:
    """The same, begun by so many hands before they are asked for (a disk is not worth a thread)."""
    pool = stack.enter_context(ThreadPoolExecutor(hands))
    begun = deque(pool.submit(read) for read in islice(reads, 2 * hands))
    stack.callback(lambda: [waiting.cancel() for waiting in begun])
    while begun:
        yield begun.popleft().result
        begun.extend(pool.submit(read) for read in islice(reads, 1))


def _taken(case: Case, read: _Come) -> Batch | None:
    """The next tile's batch, its problems reported; None where its entries are not there."""
    try:
        come = read()
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
