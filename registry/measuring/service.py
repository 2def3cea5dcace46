"""Measure what an entry of a list is mounted to, and check two entries of different holders (R10).

Both happen in a child process before the transaction, and are stated by the exchange: digests and figures,
never a value. The same file, declaration and moment give the same report; the same two files and the same
question give the same result, which is then the row that is there.
"""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from base.canonical import sha256_hex
from base.db import Database, WriteSession
from base.files import FileStore, StoredFile
from ledger.acts import House, Once, perform
from ledger.recording import Act, record
from ledger.statement import Draft
from registry.currency import CYCLES
from registry.declared import Declared
from registry.lists.files import stored
from registry.lists.repository import data_entry, list_file, resting_on_entry
from registry.lists.tables import DataRow
from registry.measure import measure_file
from registry.measuring import repository
from registry.measuring.comparing import compare_files
from registry.measuring.errors import CrossCheckMalformed, EntryMovedOn, EntryNotMounted
from registry.measuring.rules import check_question, read_result
from registry.measuring.tables import CrossCheckRow, EntryReportRow
from registry.report import Report

MEASURE_EVENT = "QTY.MEASURE"
CHECK_EVENT = "QTY.CROSS_CHECK"


@dataclass(frozen=True, slots=True)
class MeasuringDesk:
    """What measuring needs of a node: files, a folder for scratch, and how many are measured at once."""

    house: House
    files: FileStore
    scratch: Callable[[], Path]
    at_once: asyncio.Semaphore


async def measure_entry(
    desk: MeasuringDesk, *, data_id: str, declared: Declared, once: Once | None = None
) -> EntryReportRow:
    """Measure the file that an entry is mounted to (QTY.MEASURE), by what was declared of it.

    Where no cycle is declared the entry's own counts. Raises DataEntryUnknown, EntryNotMounted,
    EntryMovedOn, and what cannot be measured.
    """
    row, file = await _mounted(desk.house.database, data_id)
    if declared.update_frequency is None and row.update in CYCLES:
        declared = declared.model_copy(update={"update_frequency": CYCLES[row.update]})
    async with desk.at_once:
        with tempfile.TemporaryDirectory(dir=desk.scratch()) as folder:
            path = Path(folder) / "data"
            await desk.files.copy_to(file, path)
            report = await measure_file(path, declared, as_of=desk.house.clock.now())

    async def recorded(s: WriteSession, act: Act) -> EntryReportRow:
        return await record_entry_report(s, act, data_id=data_id, report=report)

    act = desk.house.exchange_act()
    return await perform(desk.house, act, recorded, attempted=MEASURE_EVENT, object_id=data_id, once=once)


async def cross_check(
    desk: MeasuringDesk,
    *,
    left_id: str,
    right_id: str,
    key: Sequence[str],
    columns: Sequence[str],
    asked_by: str,
    once: Once | None = None,
) -> CrossCheckRow:
    """Check the files of two entries of different agencies against each other (QTY.CROSS_CHECK).

    Raises CrossCheckMalformed, DataEntryUnknown, EntryNotMounted, EntryMovedOn, and what cannot be read.
    """
    check_question(key, columns)
    left, left_file = await _mounted(desk.house.database, left_id)
    right, right_file = await _mounted(desk.house.database, right_id)
    if left.agency_id == right.agency_id:
        raise CrossCheckMalformed("two sources of different holders", fields=["right_id"])
    async with desk.at_once:
        with tempfile.TemporaryDirectory(dir=desk.scratch()) as folder:
            paths = Path(folder) / "left", Path(folder) / "right"
            for file, path in zip((left_file, right_file), paths, strict=True):
                await desk.files.copy_to(file, path)
            result = await compare_files(*paths, key=key, columns=columns)

    async def recorded(s: WriteSession, act: Act) -> CrossCheckRow:
        return await record_cross_check(
            s, act, left_id=left_id, right_id=right_id, result=result, asked_by=asked_by
        )

    act = desk.house.exchange_act()
    return await perform(desk.house, act, recorded, attempted=CHECK_EVENT, object_id=left_id, once=once)


async def record_entry_report(s: WriteSession, act: Act, *, data_id: str, report: Report) -> EntryReportRow:
    """Bind a report to the entry whose file it measures, and state it. Raises EntryMovedOn."""
    entry = await resting_on_entry(s, data_id=data_id)
    if entry.resource_sha256 != report.file_sha256:
        raise EntryMovedOn("the entry is mounted to another file now", data_id=data_id)
    known = await repository.entry_report_named(s, data_id=data_id, report_sha256=report.sha256)
    if known is not None:
        return known
    row = EntryReportRow(
        report_id=act.new_id("qrp"),
        data_id=data_id,
        file_sha256=report.file_sha256,
        report_sha256=report.sha256,
        report=report.canonical,
        score_tenths=report.score_tenths,
        passed=report.passed,
        measured_at=act.now,
    )
    s.add(row)
    await s.flush()
    public = {
        "report_id": row.report_id,
        "data_id": data_id,
        "file_sha256": report.file_sha256,
        "report_sha256": report.sha256,
        "method": report.method,
        "score": report.score,
        "dimensions": report.dimensions,
    }
    subjects = {"file": report.file_sha256, "report": report.sha256}
    await record(s, act, Draft(MEASURE_EVENT, row.report_id, public=public, subjects=subjects))
    return row


async def record_cross_check(
    s: WriteSession, act: Act, *, left_id: str, right_id: str, result: bytes, asked_by: str
) -> CrossCheckRow:
    """Keep a result and state its digest and rate. Raises EntryMovedOn."""
    said, digest = read_result(result), sha256_hex(result)
    for data_id, side in ((left_id, said["left"]), (right_id, said["right"])):
        if (await resting_on_entry(s, data_id=data_id)).resource_sha256 != side["sha256"]:
            raise EntryMovedOn("the entry is mounted to another file now", data_id=data_id)
    known = await repository.cross_check_named(s, left_id=left_id, right_id=right_id, result_sha256=digest)
    if known is not None:
        return known
    row = CrossCheckRow(
        check_id=act.new_id("xck"),
        left_id=left_id,
        right_id=right_id,
        made_by=asked_by,
        left_sha256=said["left"]["sha256"],
        right_sha256=said["right"]["sha256"],
        result=result,
        result_sha256=digest,
        rate=said["rate"],
        checked_at=act.now,
    )
    s.add(row)
    await s.flush()
    public = {
        "check_id": row.check_id,
        "left_id": left_id,
        "right_id": right_id,
        "asked_by": asked_by,
        "result_sha256": digest,
        "rate": row.rate,
    }
    subjects = {"left": row.left_sha256, "right": row.right_sha256, "result": digest}
    await record(s, act, Draft(CHECK_EVENT, row.check_id, public=public, subjects=subjects))
    return row


async def _mounted(database: Database, data_id: str) -> tuple[DataRow, StoredFile]:
    async with database.read() as s:
        row = await data_entry(s, data_id=data_id)
        file = None if row.resource_file_id is None else await list_file(s, file_id=row.resource_file_id)
    if file is None or file.sha256 != row.resource_sha256:
        raise EntryNotMounted("no file is mounted to it", data_id=data_id)
    return row, stored(file)
