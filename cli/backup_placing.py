"""Files of a backup on their way to where they belong, which may be another volume than the staging folder.

First everything is copied beside its target, flushed, under a name that nobody reads. What can fail on
the way (a full disk, a folder that cannot be written) fails there, and nothing is in place. Then each
takes its name.
"""

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from base.homes import create_private, make_folder

_PART: Final = ".part"


@contextmanager
def brought(pairs: Sequence[tuple[Path, Path]]) -> Iterator[list[tuple[Path, Path]]]:
    """Bring each staged file beside its target; what has no name of its own at the end is removed.

    Answers pairs of the file beside and the target.
    """
    parts = [(target.with_name(target.name + _PART), target) for _, target in pairs]
    try:
        for (staged, _), (part, _) in zip(pairs, parts, strict=True):
            make_folder(part.parent)
            _bring(staged, part)
        yield parts
    finally:
        for part, _ in parts:
            part.unlink(missing_ok=True)


def add(parts: Sequence[tuple[Path, Path]]) -> None:
    """Give each file its name, where nothing has that name."""
    for part, target in parts:
        if not target.exists():
            part.rename(target)
    for folder in {target.parent for _, target in parts}:
        sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """A name survives a power cut only when its folder was flushed too."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _bring(staged: Path, part: Path) -> None:
    try:
        staged.rename(part)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        part.unlink(missing_ok=True)  # of a restore that was killed
        with staged.open("rb") as source, create_private(part) as copy:
            shutil.copyfileobj(source, copy)
    handle = os.open(part, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
