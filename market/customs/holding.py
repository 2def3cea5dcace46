"""A list of persons held against the data: whether these are the persons who are in what goes.

Only an exporter knows its salt. Whose list says in its first line which salt and which column it was made of
has the goods that lie here hashed the same way, in a child of their own, and both counted together: on disk,
part by part, like any lists. The salt goes with the list, and stands nowhere else.
"""

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from base.files import FileStore, StoredFile
from market.customs.errors import PersonsFileRefused
from market.customs.hashing import HASHES, QUESTION, TIMEOUT_S
from market.customs.persons import PersonList, count_union, take_in
from registry.confined import module_command, run_confined

_PIECE = 2**20


@dataclass(frozen=True, slots=True)
class Held:
    """How many persons are on the lists, in the data, and in both."""

    listed: int
    found: int
    both: int

    def contradicts(self, *, whole: bool) -> bool:
        """Somebody is listed who is not in the data; or, where all of it goes, the other way round."""
        return self.both < self.listed or (whole and self.both < self.found)

    def document(self) -> dict[str, int]:
        """As a risk keeps it."""
        return asdict(self)


async def hold_against(
    files: FileStore, goods: Sequence[StoredFile], lists: Sequence[PersonList], folder: Path, key: bytes
) -> Held | None:
    """Hold the lists of one declaration against its goods; None where these cannot be read so.

    The folder is the caller's. Raises FileDamaged, StoreUnavailable.
    """
    (origin,) = {one.origin for one in lists if one.origin is not None}
    data: list[PersonList] = []
    for n, file in enumerate(goods):
        work = folder / f"goods-{n}"
        await asyncio.to_thread(work.mkdir)
        try:
            await files.copy_to(file, work / "goods")
            question = orjson.dumps({"salt": origin.salt, "column": origin.column})
            await asyncio.to_thread((work / QUESTION).write_bytes, question)
            command = module_command("market.customs.hashing", str(work / "goods"))
            if await run_confined(command, work, TIMEOUT_S) != 0:
                return None
            data.append(await asyncio.to_thread(_sorted, work, folder / f"found-{n}", key))
        except (TimeoutError, PersonsFileRefused):
            return None
        finally:
            await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)
    return await asyncio.to_thread(_counted, lists, data)


def _sorted(work: Path, into: Path, key: bytes) -> PersonList:
    parts = work / "parts"
    parts.mkdir()
    with (work / HASHES).open("rb") as file:
        return take_in(iter(lambda: file.read(_PIECE), b""), parts, key, into=into)


def _counted(lists: Sequence[PersonList], data: Sequence[PersonList]) -> Held:
    listed, found = count_union(lists), count_union(data)
    return Held(listed, found, listed + found - count_union([*lists, *data]))
