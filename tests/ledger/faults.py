"""A store and a disk that fail, or die, at the n-th thing that is done with them.

`Faults` counts what happens: every statement, every commit (before it, and when it has happened but
nobody has heard), every flush and rename of a file. Armed, it fails one of them, or ends the process
there: `Crashed` is raised through everything, and what is left on the disk is all that is left.
"""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from base import rows
from base.db import Database


class Crashed(BaseException):
    """The process is gone. Nothing of ours may catch this and go on."""


class Kind(StrEnum):
    FAIL = "fail"
    CRASH = "crash"


class Faults:
    """What goes wrong, and when. Not armed, it only counts."""

    def __init__(self) -> None:
        self.count = 0
        self.fired: str | None = None
        self.at_crash: Callable[[], None] = lambda: None
        self._left = 0
        self._kind = Kind.FAIL

    def arm(self, kind: Kind, after: int) -> None:
        """Let the `after`-th thing from now on (1 is the next) go wrong."""
        self.fired, self._kind, self._left = None, kind, after

    def disarm(self) -> None:
        self.fired, self._left = None, 0

    def point(self, what: str, error: Callable[[str], Exception]) -> None:
        """Something is about to happen."""
        self.count += 1
        if not self._left:
            return
        self._left -= 1
        if self._left:
            return
        self.fired = what
        if self._kind is Kind.CRASH:
            self.at_crash()
            raise Crashed(what)
        raise error(what)

    def watch(self, database: Database) -> None:
        """Everything this database is asked from now on passes here."""
        for engine in {database._writer, database._reader}:
            event.listen(engine.sync_engine, "before_cursor_execute", self._statement)
            dialect: Any = engine.sync_engine.dialect
            dialect.do_commit = self._commit(dialect.do_commit)

    @contextmanager
    def past_the_compiler(self) -> Iterator[None]:
        """While the block lasts, what goes to the driver set by set (`base.rows`) passes here too."""
        really = rows._one_by_one

        async def watched(driver: Any, dialect: Any, what: Any, values: Any) -> int:
            self.point(f"{what.marks()[:20]} …", _not_answered)
            return await really(driver, dialect, what, values)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rows, "_one_by_one", watched)
            yield

    def _statement(self, _c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.point(" ".join(statement.split()[:3]), _not_answered)

    def _commit(self, really: Callable[[Any], None]) -> Callable[[Any], None]:
        def commit(connection: Any) -> None:
            self.point("commit", _not_answered)
            really(connection)
            self.point("committed", _not_answered)

        return commit


def _not_answered(what: str) -> Exception:
    return OperationalError(what, {}, Exception("the store failed, as it was told to"))


class Disk:
    """A folder whose flushes are remembered, so that it can be put back as a power cut would leave it.

    What was written is there only if the file was flushed; a name is there only if its folder was.
    Of everything else the lot decides, for each name on its own.
    """

    def __init__(self, folder: Path, aside: Path, faults: Faults) -> None:
        self.folder, self._aside, self._faults = folder, aside, faults
        self._names: dict[Path, dict[str, int]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        aside.mkdir(parents=True, exist_ok=True)
        for path in (folder, *folder.rglob("*")):  # what an earlier life has left is there
            self._flushed(path, path.stat())

    @contextmanager
    def installed(self) -> Iterator[None]:
        """While the block lasts, flushes and renames inside the folder pass here."""
        fsync, replace = os.fsync, Path.replace

        def watched_fsync(handle: int) -> None:
            path = Path(f"/proc/self/fd/{handle}").readlink()
            if not path.is_relative_to(self.folder):
                fsync(handle)
                return
            self._faults.point("flush", _no_room)
            self._flushed(path, os.fstat(handle))

        def watched_replace(path: Path, target: Any) -> Path:
            if path.is_relative_to(self.folder):
                self._faults.point("rename", _no_room)
            return replace(path, target)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "fsync", watched_fsync)
            patch.setattr(Path, "replace", watched_replace)
            yield

    def _flushed(self, path: Path, about: os.stat_result) -> None:
        if stat.S_ISDIR(about.st_mode):
            self._names[path] = {entry.name: entry.inode() for entry in os.scandir(path)}
            return
        kept = self._aside / str(about.st_ino)  # a second name: the number is not given to another file
        if not kept.exists():
            kept.hardlink_to(path)

    def power_cut(self, dice: Random, to: Path) -> None:
        """What the next start finds, in a new folder `to`."""
        to.mkdir(parents=True)
        self._restore(self.folder, to, dice)

    def _restore(self, folder: Path, to: Path, dice: Random) -> None:
        now = {entry.name: entry for entry in os.scandir(folder)} if folder.is_dir() else {}
        then = self._names.get(folder, {})
        for name in sorted({*now, *then}):
            entry = now.get(name)
            number = dice.choice([then.get(name), entry.inode() if entry is not None else None])
            if number is None:
                continue
            if (folder / name).is_dir():
                (to / name).mkdir()
                self._restore(folder / name, to / name, dice)
            elif (self._aside / str(number)).exists():
                shutil.copyfile(self._aside / str(number), to / name)
            elif entry is not None and not entry.is_dir():
                (to / name).write_bytes(b"")  # written, never flushed: the name may come before the bytes


def _no_room(what: str) -> Exception:
    return OSError(28, f"no room to {what}, as it was told")
