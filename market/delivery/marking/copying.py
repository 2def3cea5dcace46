"""The buyer's own copy, from the contract that allows it to the bytes that leave.

It is asked for when the delivery starts, and made as a job before the first byte: in a child under limits, by
keys that are derived and kept nowhere. The copy is measured as its source was; one that broke a promise is
thrown away, and the source is delivered instead: a contract allows a mark, it does not owe one. Until then
the right's file is not handed out.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from base.canonical import canonical
from base.db import WriteSession
from base.errors import DomainError
from base.files import FileStore, FileTooLarge, StoredFile
from base.jobs import External, Job, enqueue
from ledger.acts import House
from ledger.recording import Act, record
from ledger.statement import Draft
from market.delivery.acceptance import DeliveredCopy, Promise, Quality, Verdict, judge_copy
from market.delivery.kinds import DeliveryKind
from market.delivery.marking.code import MarkKeys, Plan, mark_keys, plan_from
from market.delivery.marking.planning import wanted
from market.delivery.marking.repository import mark_of, tolerant_columns
from market.delivery.marking.tables import Mark, MarkState
from market.delivery.marking.writing import UNMARKABLE
from market.delivery.repository import claim
from market.delivery.tables import Entitlement
from market.listings.categories import ProductType
from market.listings.repository import get_file, get_listing
from market.listings.tables import ListingFile
from market.orders.repository import get_trade
from registry.confined import REFUSED, cpu_seconds, module_command, run_confined
from registry.errors import FileNotMeasurable, MeasureTimeout
from registry.measure import remeasure
from registry.report import Report
from registry.service import bound_report

MARK_JOB: Final = "delivery.mark"
EVENT: Final = "DLV.MARK"
CHILD: Final = "market.delivery.marking.writing"
TIMEOUT_S: Final = 600.0
LEASE_S: Final = 1200
ATTEMPTS: Final = 3  # then the source is delivered: a trade does not fail for its mark
_GROWS: Final = 2  # how many times its source a copy may be, at most
_ROOM: Final = 64 * 1024 * 1024
_PIECE: Final = 512 * 1024


@dataclass(frozen=True, slots=True)
class MarkDesk:
    """Where copies are made: the store, a place for plaintext, how many at once, the node's master key."""

    files: FileStore
    scratch: Callable[[], Path]
    measuring: asyncio.Semaphore
    master: bytes = field(repr=False)


_LEAVING_WHOLE: Final = frozenset({DeliveryKind.FILE, DeliveryKind.SHARE})


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy in the store, where it is marked, and what it was measured to be."""

    file: StoredFile
    plan: Plan
    places: int
    changed: int
    report_sha256: str


@dataclass(frozen=True, slots=True)
class NotCopied:
    """Why there is no marked copy, and the source is delivered."""

    reason: str


async def ask_for_copy(s: WriteSession, act: Act, entitlement: Entitlement) -> Mark | None:
    """Have a starting delivery's own copy made, where its contract allows one; None where it does not.

    A file is its copy; the table of a share is made from it. A gateway's rows and answers carry no mark.
    """
    if entitlement.kind not in _LEAVING_WHOLE:
        return None
    columns = await tolerant_columns(s, trade_id=entitlement.trade_id)
    if not columns:
        return None
    mark = Mark(
        entitlement_id=entitlement.entitlement_id,
        trade_id=entitlement.trade_id,
        source_file_id=entitlement.file_id,
        source_sha256=entitlement.sha256,
        source_bytes=entitlement.bytes,
        columns=canonical(list(columns)).decode(),
        status=MarkState.PENDING,
        asked_at=act.now,
    )
    s.add(mark)
    await s.flush()
    payload = {"entitlement_id": entitlement.entitlement_id}
    await enqueue(s, kind=MARK_JOB, key=entitlement.entitlement_id, run_at=act.now, payload=payload)
    return mark


def mark_handler(house: House, desk: MarkDesk) -> External:
    """The making as a job: the copy is written without a transaction, and becomes the right's file in one."""
    work = _Copying(house, desk)
    return External(work.make, work.made, lease_s=LEASE_S)


@dataclass(frozen=True, slots=True)
class _Copying:
    house: House
    desk: MarkDesk

    async def make(self, job: Job) -> Copied | NotCopied:
        async with self.house.database.read() as s:
            mark = await mark_of(s, entitlement_id=job.payload["entitlement_id"])
            assert mark is not None
            trade = await get_trade(s, trade_id=mark.trade_id)
            listing = await get_listing(s, listing_id=trade.listing_id)
            if listing.product_type is not ProductType.DATASET:
                return NotCopied("not-a-table")
            report = await bound_report(s, listing_id=listing.listing_id, report_sha256=listing.report_sha256)
        try:
            async with self.desk.measuring:
                return await make_copy(self.desk, mark, report)
        except (MeasureTimeout, FileNotMeasurable, FileTooLarge, TimeoutError):
            return NotCopied("too-large")
        except (DomainError, OSError):
            if job.attempts < ATTEMPTS:
                raise
            return NotCopied("broken-off")

    async def made(self, s: WriteSession, job: Job, made: Copied | NotCopied) -> None:
        await keep_copy(
            s, self.house.exchange_act(), self.desk, entitlement_id=job.payload["entitlement_id"], made=made
        )


async def make_copy(desk: MarkDesk, mark: Mark, report: Report) -> Copied | NotCopied:
    """Mark a source and prove that what was promised of it holds of the copy.

    Raises FileDamaged, and what says that the measurement itself broke off.
    """
    asked = wanted(report, orjson.loads(mark.columns))
    if not asked.columns:
        return NotCopied("no-such-columns")
    keys = mark_keys(desk.master, entitlement_id=mark.entitlement_id, source_sha256=mark.source_sha256)
    with tempfile.TemporaryDirectory(dir=desk.scratch(), prefix="mark-") as folder:
        work = Path(folder)
        source = StoredFile(mark.source_file_id, mark.source_bytes, mark.source_sha256)
        await desk.files.copy_to(source, work / "source")
        told = {
            "wanted": asked.document(),
            "places_key": keys.places.hex(),
            "copy_key": keys.copy.hex(),
        }
        await asyncio.to_thread((work / "asked.json").write_bytes, orjson.dumps(told))
        code = await _written(work)
        if code != 0:
            return NotCopied({REFUSED: "not-a-table", UNMARKABLE: "too-few-places"}.get(code, "broken-off"))
        said = orjson.loads(await asyncio.to_thread((work / "said.json").read_bytes))
        again = (await remeasure(work / "copy", report)).report
        if not _keeps(report, again):
            return NotCopied("breaks-a-promise")
        limit = mark.source_bytes * _GROWS + _ROOM
        file = await desk.files.put(_pieces(work / "copy"), limit_bytes=limit)
    return Copied(file, plan_from(said["plan"]), said["places"], said["changed"], again.sha256)


async def _written(work: Path) -> int:
    command = module_command(
        CHILD, "source", "--copy", "copy", "--asked", "asked.json", "--said", "said.json"
    )
    return await run_confined([*command, "--cpu-s", str(cpu_seconds(TIMEOUT_S))], work, TIMEOUT_S)


def _keeps(sold: Report, copy: Report) -> bool:
    """Whether schema, rows and each promised dimension hold of the copy, as acceptance tests them."""
    promise = Promise(
        ProductType.DATASET, copy.file_sha256, copy.document["file"]["bytes"], quality=Quality.of(sold)
    )
    found = DeliveredCopy(promise.file_sha256, promise.bytes, Quality.of(copy))
    return all(item.verdict is not Verdict.FAIL for item in judge_copy(promise, found))


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece


async def keep_copy(
    s: WriteSession, act: Act, desk: MarkDesk, *, entitlement_id: str, made: Copied | NotCopied
) -> Mark:
    """Make the copy the right's file, and state it with the commitment to its mark (DLV.MARK).

    Where there is none the source stays what is delivered; nothing is stated of that.
    """
    trade, entitlement = await claim(s, entitlement_id=entitlement_id, moves_trade=False)
    mark = await mark_of(s, entitlement_id=entitlement_id)
    assert mark is not None
    if mark.status is not MarkState.PENDING:
        return mark
    mark.made_at = act.now
    if isinstance(made, NotCopied):
        mark.status, mark.reason = MarkState.UNMARKED, made.reason
        s.add(mark)
        await s.flush()
        return mark
    source = await get_file(s, file_id=mark.source_file_id)
    s.add(_file_of(source, made.file, act))
    await s.flush()
    keys = mark_keys(desk.master, entitlement_id=entitlement_id, source_sha256=mark.source_sha256)
    mark.status, mark.places, mark.changed = MarkState.MARKED, made.places, made.changed
    mark.plan = canonical(made.plan.document()).decode()
    mark.copy_sha256, mark.report_sha256 = made.file.sha256, made.report_sha256
    mark.commitment = commitment_of(mark, keys)
    recorded = await record(s, act, _draft(mark, trade.buyer_id, made))
    mark.statement_id = recorded.statement_id
    entitlement.file_id, entitlement.sha256 = made.file.file_id, made.file.sha256
    entitlement.bytes = made.file.bytes
    s.add_all([mark, entitlement])
    await s.flush()
    return mark


def _file_of(source: ListingFile, copy: StoredFile, act: Act) -> ListingFile:
    return ListingFile(
        file_id=copy.file_id,
        owner_id=source.owner_id,
        sha256=copy.sha256,
        bytes=copy.bytes,
        name=source.name,
        media_type=source.media_type,
        copy_of=source.file_id,
        stored_at=act.now,
    )


def commitment_of(mark: Mark, keys: MarkKeys) -> str:
    """The digest by which the ledger knows this mark."""
    return keys.commitment(
        entitlement_id=mark.entitlement_id, source_sha256=mark.source_sha256, plan=plan_of(mark)
    )


def plan_of(mark: Mark) -> Plan:
    """Where a copy is marked."""
    assert mark.plan is not None
    return plan_from(orjson.loads(mark.plan))


def _draft(mark: Mark, buyer_id: str, made: Copied) -> Draft:
    assert mark.copy_sha256 is not None
    public: dict[str, Any] = {
        "trade_id": mark.trade_id,
        "entitlement_id": mark.entitlement_id,
        "buyer_id": buyer_id,
        "source_sha256": mark.source_sha256,
        "file_sha256": mark.copy_sha256,
        "commitment": mark.commitment,
    }
    return Draft(
        EVENT,
        mark.trade_id,
        public=public,
        opening={"bytes": made.file.bytes, "places": made.places, "changed": made.changed},
        subjects={"file": mark.copy_sha256, "source": mark.source_sha256},
    )
