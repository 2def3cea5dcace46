"""Processes that examine tiles: reading statements is Python's work, and Python does one thing at a time.

A worker is this interpreter, started anew with this module and nothing else; it is handed bytes and hands
back findings over its pipes, touches no file, and ends when its pipe does. A worker that dies costs time
and no verdict: its tile is examined here instead.
"""

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import IO, Final, Self

from supervision.audit_entry import packed, unpacked
from supervision.audit_tile import Batch, Work, examine

_SERVE: Final = "from supervision.audit_workers import serve; serve()"
_LOST: Final = (OSError, EOFError, pickle.PickleError, ValueError)

NewKeys = Sequence[tuple[str, bytes]]


class Workers:
    """A number of worker processes. Any thread may ask; it gets the next one that is idle."""

    def __init__(self, count: int, known: NewKeys) -> None:
        """`known` are the parties' keyids and public keys; the list grows, and workers are kept up to it."""
        self._known = known
        self._all = [_Worker() for _ in range(count)]
        self._idle: SimpleQueue[_Worker | None] = SimpleQueue()
        for worker in self._all:
            self._idle.put(worker)

    def examine(self, work: Work) -> Batch:
        """What `audit_tile.examine` says of it."""
        worker = self._idle.get()
        try:
            if worker is not None:
                with suppress(*_LOST):
                    return worker.ask(work, self._known[worker.told :])
                worker = None  # it is dead, and its place in the row stays with nobody in it
        finally:
            self._idle.put(worker)
        return examine(work, dict(self._known))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._all:
            worker.end()


class _Worker:
    def __init__(self) -> None:
        # -P: the folder that the auditor stands in may be a stranger's; no module is taken from there.
        home = str(Path(__file__).resolve().parent.parent)
        path = os.pathsep.join([home, *(place for place in sys.path if Path(place).is_absolute())])
        self._process = subprocess.Popen(  # noqa: S603 - this very interpreter, with a fixed program
            [sys.executable, "-P", "-c", _SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )
        self.told = 0

    def ask(self, work: Work, keys: NewKeys) -> Batch:
        to, back = self._process.stdin, self._process.stdout
        assert to is not None
        assert back is not None
        pickle.dump((work, keys), to, pickle.HIGHEST_PROTOCOL)
        to.flush()
        self.told += len(keys)
        batch: Batch = pickle.load(back)  # noqa: S301 - what our own process says
        batch.said = [None if said is None else unpacked(said) for said in batch.said]
        return batch

    def end(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()
        self._process.wait()


def serve() -> None:
    """A worker's life: a tile in, its findings out, until nobody asks."""
    with suppress(ValueError, OSError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asks ends us by closing the pipe
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anything prints is not taken for an answer
    with suppress(EOFError, BrokenPipeError):
        _serve(sys.stdin.buffer, answers)


def _serve(asked: IO[bytes], answers: IO[bytes]) -> None:
    known: dict[str, bytes] = {}
    while True:
        work, keys = pickle.load(asked)  # noqa: S301 - what our own parent says
        known.update(keys)
        batch = examine(work, known)
        batch.said = [None if said is None else packed(said) for said in batch.said]  # type: ignore[misc]
        pickle.dump(batch, answers, pickle.HIGHEST_PROTOCOL)
        answers.flush()
