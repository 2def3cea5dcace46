"""Facts about trades, laid aside on disk by trade, so that a year of them need not fit into memory."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self
from zlib import crc32

import orjson

from supervision.evidence.facts import Fact

BUCKETS: Final = 128
"""One bucket is held in memory at a time: the facts of every 128th trade or so."""


class Spill:
    """`put` facts in ledger order; `stories` gives them back trade by trade, in that order."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[int, BinaryIO] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def put(self, trade_id: str, fact: Fact) -> None:
        """Lay a fact aside under its trade."""
        bucket = crc32(trade_id.encode()) % BUCKETS
        if bucket not in self._files:
            self._files[bucket] = self._open.enter_context(self._path(bucket).open("wb"))
        line = [
            trade_id,
            fact.seq,
            fact.event,
            fact.object_id,
            fact.at.isoformat(),
            fact.actor,
            fact.role,
            fact.after,
            dict(fact.said),
            dict(fact.opened),
            fact.opening_missing,
        ]
        self._files[bucket].write(orjson.dumps(line) + b"\n")

    def stories(self) -> Iterator[tuple[str, list[Fact]]]:
        """Every trade with its facts. Call it once, after the last `put`."""
        self._open.close()
        for bucket in sorted(self._files):
            stories: dict[str, list[Fact]] = {}
            with self._path(bucket).open("rb") as file:
                for line in file:
                    trade_id, *rest = orjson.loads(line)
                    stories.setdefault(trade_id, []).append(_fact(rest))
            yield from stories.items()

    def _path(self, bucket: int) -> Path:
        return self._folder / f"facts-{bucket}.jsonl"


def _fact(line: list[Any]) -> Fact:
    seq, event, object_id, at, actor, role, after, said, opened, missing = line
    return Fact(
        seq,
        event,
        object_id,
        datetime.fromisoformat(at),
        actor,
        role,
        after,
        said,
        opened,
        opening_missing=missing,
    )
