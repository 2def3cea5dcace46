"""The open list against reality (R19): what is open downloads whole, what its level closes is not open.

A check reads every standing entry's file to its end, outside any transaction. Its report is canonical bytes:
the same list checked again as of the same moment gives the same digest. What it finds damaged, or closed by
its level, the exchange suspends at once; what is past its update cycle is marked, and stays open.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

import orjson

from base.canonical import canonical, sha256_hex
from base.clock import rfc3339
from base.db import Database, ReadSession, WriteSession
from base.errors import Refusal
from base.files import FileDamaged, FileStore, StoredFile
from ledger.recording import Act, record
from ledger.statement import Draft
from registry.lists.repository import list_file
from registry.lists.rules import Listed
from registry.opening import listing, repository
from registry.opening.errors import OpeningFileChanged
from registry.opening.figures import ListTruth
from registry.opening.moving import check_open, level_now
from registry.opening.renewing import check_mounted
from registry.opening.rules import SuspendReason, stale_since
from registry.opening.states import STANDING
from registry.opening.tables import OpenCheckRow

EVENT: Final = "OPC.CHECK"
FORMAT: Final = "databourse/open-check/v1"
_PAGE: Final = 200


class Found(StrEnum):
    """Whether an entry can be had: its file whole, as mounted; an interface is named, and not called."""

    DOWNLOADS = "DOWNLOADS"
    INTERFACE = "INTERFACE"
    UNMOUNTED = "UNMOUNTED"
    DAMAGED = "DAMAGED"
    DIFFERS = "DIFFERS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One standing entry as it was found. `closed_by` is the code of what closes it: its level, the
    catalogue, another file than the one that was reviewed.
    """

    open_id: str
    data_id: str
    agency_id: str
    name: str
    mode: str
    level: str
    file_sha256: str | None
    found: Found
    closed_by: str | None
    stale_since: str | None

    @property
    def stops(self) -> SuspendReason | None:
        """Why the entry cannot stay open; None where it can."""
        if self.closed_by is not None:
            return _WHY.get(self.closed_by, SuspendReason.LEVEL_RAISED)
        return SuspendReason.FILE_DAMAGED if self.found in {Found.DAMAGED, Found.DIFFERS} else None


_RETIRED: Final = "data-retired"
_WHY: Final = {_RETIRED: SuspendReason.DATA_RETIRED, OpeningFileChanged.code: SuspendReason.FILE_CHANGED}


async def look_over(
    database: Database, files: FileStore, now: datetime, *, agency_id: str | None = None
) -> list[Looked]:
    """Look at every standing entry, of one agency or of all, oldest first; each file is read whole."""
    looked: list[Looked] = []
    after: str | None = None
    while True:
        async with database.read() as s:
            page = await repository.entries(
                s, states=STANDING, agency_id=agency_id, after=after, limit=_PAGE, oldest_first=True
            )
            known = [await _known(s, one, now) for one in page]
        for (_, data), (facts, file) in zip(page, known, strict=True):
            if file is None and data.resource_interface is not None:
                found = Found.INTERFACE
            else:
                found = await _found(files, file, facts["file_sha256"])
            looked.append(Looked(**facts, found=found))
        if len(page) < _PAGE:
            return looked
        after = page[-1][0].open_id


def truth_of(looked: Sequence[Looked]) -> ListTruth:
    """The counts of a check."""
    return ListTruth(
        standing=len(looked),
        downloadable=sum(one.found is Found.DOWNLOADS for one in looked),
        by_interface=sum(one.found is Found.INTERFACE for one in looked),
        closed_level=sum(one.closed_by is not None for one in looked),
        stale=sum(one.stale_since is not None for one in looked),
    )


def report_of(looked: Sequence[Looked], now: datetime, *, agency_id: str | None = None) -> bytes:
    """The report as canonical JSON: the counts, and a row for each entry."""
    truth = truth_of(looked)
    return canonical(
        {
            "format": FORMAT,
            "as_of": rfc3339(now),
            "agency_id": agency_id,
            "holds": truth.holds,
            "counts": asdict(truth),
            "entries": [{**asdict(one), "found": one.found.value} for one in looked],
        }
    )


async def record_check(
    s: WriteSession, act: Act, *, looked: Sequence[Looked], at: datetime, agency_id: str | None = None
) -> OpenCheckRow:
    """Keep and state a check (OPC.CHECK), as the exchange, and suspend what cannot stay open."""
    report = report_of(looked, at, agency_id=agency_id)
    truth = truth_of(looked)
    row = OpenCheckRow(
        check_id=act.new_id("och"),
        agency_id=agency_id,
        report=report,
        report_sha256=sha256_hex(report),
        holds=truth.holds,
        checked_at=at,
    )
    s.add(row)
    await s.flush()
    public = {"check_id": row.check_id, "agency_id": agency_id, "holds": truth.holds, **asdict(truth)}
    await record(s, act, Draft(EVENT, row.check_id, public=public, subjects={"report": row.report_sha256}))
    for one in looked:
        if one.stops is not None:
            await _stop(s, act, one, one.stops)
    return row


def document_of(row: OpenCheckRow) -> dict[str, Any]:
    """A kept report as JSON."""
    document: dict[str, Any] = orjson.loads(row.report)
    return document


async def _stop(s: WriteSession, act: Act, one: Looked, reason: SuspendReason) -> None:
    row = await repository.claim_entry(s, open_id=one.open_id)
    if row.status in STANDING:
        why = one.closed_by or one.found.value
        await listing.suspend(s, act, open_id=one.open_id, reason=reason, text=f"check of the list: {why}")


async def _known(
    s: ReadSession, one: repository.Entry, now: datetime
) -> tuple[dict[str, Any], StoredFile | None]:
    row, data = one
    file = None if data.resource_file_id is None else await list_file(s, file_id=data.resource_file_id)
    closed_by: str | None = _RETIRED if data.status is not Listed.LISTED else None
    if closed_by is None:
        try:
            await check_open(s, row, data, row.mode)
            check_mounted(row, data)
        except Refusal as refusal:
            closed_by = refusal.code
    stale = stale_since(data.update, data.mounted_at or data.changed_at, now)
    facts = {
        "open_id": row.open_id,
        "data_id": row.data_id,
        "agency_id": row.agency_id,
        "name": data.name,
        "mode": row.mode.value,
        "level": (await level_now(s, data)).value,
        "file_sha256": data.resource_sha256,
        "closed_by": closed_by,
        "stale_since": None if stale is None else rfc3339(stale),
    }
    return facts, None if file is None else StoredFile(file.file_id, file.bytes, file.sha256)


async def _found(files: FileStore, file: StoredFile | None, mounted: str | None) -> Found:
    """Read a file to its end, and compare its digest with the one that is mounted."""
    if file is None or mounted is None:
        return Found.UNMOUNTED
    digest = sha256()
    try:
        async for piece in files.read(file):
            digest.update(piece)
    except FileDamaged:
        return Found.DAMAGED
    return Found.DOWNLOADS if digest.hexdigest() == mounted else Found.DIFFERS
