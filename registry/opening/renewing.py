"""Which bytes an entry serves: those that were reviewed, or a renewal that was scanned since.

A file that is mounted in their place waits: no download has it until the scan of these very bytes shows a
level that still goes through the entry's channel. Then the exchange states the new digest (OPN.RENEW).
"""

from base.db import WriteSession
from base.errors import Refusal
from ledger.recording import Act
from registry.doors import Said
from registry.lists.repository import resting_on_entry
from registry.lists.rules import Listed
from registry.lists.tables import DataRow
from registry.opening import repository
from registry.opening.errors import OpeningFileChanged
from registry.opening.moving import check_open, step
from registry.opening.rules import may_renew
from registry.opening.states import SERVING, OpenEvent
from registry.opening.tables import OpenEntryRow


def check_mounted(row: OpenEntryRow, data: DataRow) -> None:
    """What is mounted is what was reviewed, or scanned since. Raises OpeningFileChanged.

    Where nothing is mounted, whoever wants it is told that instead.
    """
    if data.resource_sha256 is None and data.resource_interface is None:
        return
    if data.resource_sha256 != row.file_sha256:
        raise OpeningFileChanged(
            "another file was mounted since: it waits for its scan, or for a review",
            open_id=row.open_id,
            file_sha256=data.resource_sha256,
        )


async def claim(s: WriteSession, *, data_id: str) -> OpenEntryRow | None:
    """Lock the live entry of data whose scan is about to be recorded: entries come before grades."""
    live = await repository.live_entry_of(s, data_id=data_id)
    return None if live is None else await repository.claim_entry(s, open_id=live.open_id)


async def renew(s: WriteSession, act: Act, *, data_id: str, file_sha256: str) -> bool:
    """Serve what has just been scanned, in the transaction that records the scan (OPN.RENEW).

    False where no entry serves this data, the bytes are served already or are not the mounted ones, the data
    is never renewed, or its level or the catalogue closes the entry: the job and the check suspend that one.
    """
    row = await claim(s, data_id=data_id)
    if row is None or row.status not in SERVING or row.file_sha256 == file_sha256:
        return False
    data = await resting_on_entry(s, data_id=data_id)
    if data.resource_sha256 != file_sha256 or data.status is not Listed.LISTED:
        return False
    if row.file_sha256 is not None and not may_renew(data.update):
        return False
    try:
        level = await check_open(s, row, data, row.mode)
    except Refusal:
        return False
    said = Said(public={"level": level.value}, subjects={"file": file_sha256})
    await step(s, act.as_exchange(), OpenEvent.RENEW, row, said, values={"file_sha256": file_sha256})
    return True
