"""Files that agencies bring for their lists: kept, and forgotten where nothing came of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlmodel import col, delete, func, select, update

from base.db import WriteSession
from base.errors import Conflict
from base.files import StoredFile
from ledger.recording import Act
from registry.lists.keeping import own_agency
from registry.lists.tables import DataRow, ImportRow, ListFileRow

MOST_FILES: Final = 100
_MOUNTED = select(DataRow.data_id).where(col(DataRow.resource_file_id) == col(ListFileRow.file_id)).exists()
_STAGED = select(ImportRow.import_id).where(col(ImportRow.rows_file_id) == col(ListFileRow.file_id)).exists()
_LOOSE = ~_MOUNTED & ~_STAGED


class ListFilesFull(Conflict):
    code = "list-files-full"
    title = "Mount or import what is stored, or wait until it is forgotten"


async def keep_list_file(
    s: WriteSession, act: Act, *, file: StoredFile, name: str, media_type: str
) -> ListFileRow:
    """Remember whose a stored file is; nothing is stated yet. Raises ListFilesFull, ListWrongRole."""
    owner_id = await own_agency(s, act)
    loose = select(func.count()).where(ListFileRow.owner_id == owner_id, _LOOSE)
    if (await s.exec(loose)).one() >= MOST_FILES:
        raise ListFilesFull("too many files wait to be mounted or imported", most=MOST_FILES)
    row = ListFileRow(
        file_id=file.file_id,
        owner_id=owner_id,
        bytes=file.bytes,
        sha256=file.sha256,
        name=name,
        media_type=media_type,
        stored_at=act.occurred_at,
    )
    s.add(row)
    await s.flush()
    return row


async def forget_list_files(s: WriteSession, *, before: datetime) -> Sequence[str]:
    """Forget files that are neither mounted nor staged; answers those whose bytes go after the commit."""
    old = update(ImportRow).where(col(ImportRow.read_at) < before).values(rows_file_id=None)
    await s.exec(old)
    gone = delete(ListFileRow).where(col(ListFileRow.stored_at) < before, _LOOSE)
    return list((await s.exec(gone.returning(col(ListFileRow.file_id)))).scalars())


def stored(row: ListFileRow) -> StoredFile:
    """A file as the object store knows it."""
    return StoredFile(row.file_id, row.bytes, row.sha256)
