"""The exchange's acceptance test: what the buyer was sent is read again, measured again, and compared.

It runs by itself after a delivery, in the bounded process that measured the goods when they were listed. A
mismatch opens a dispute by itself. To have received, or used, what was delivered accepts nothing: only the
buyer's word does, or its silence until the window ends.
"""

import asyncio
import hashlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import orjson
from sqlmodel import select

from base.db import ReadSession, WriteSession
from base.files import FileDamaged, FileStore
from base.jobs import External, Job, JobRow, JobStatus, enqueue
from ledger.acts import House
from ledger.recording import Act
from market.delivery import repository as deliveries
from market.delivery.acceptance import DeliveredCopy, Facts, Quality
from market.delivery.checks import check_goods, missed_level, sold, state_copy_check, state_level_check
from market.delivery.service import CHECK_JOB, silent_accept
from market.delivery.tables import AcceptanceCheck
from market.disputes.rules import Evidence, Ground
from market.disputes.service import open_dispute
from market.orders import repository
from market.orders.rules import TradeState
from registry.errors import FileEmpty, FileEncodingBroken, FileNotTabular
from registry.measure import remeasure
from registry.report import Report

MISMATCH_JOB: Final = "delivery.mismatch"
OPERATOR: Final = "EXCHANGE_OPERATOR"
_WHOSE: Final[Mapping[str, str]] = {OPERATOR: "exchange's", "BUYER": "buyer's"}
LEASE_S: Final = 300
DAMAGED_AFTER: Final = 3  # attempts: a store that does not answer is not yet goods that are not there
KNOWN: Final = 256
_PIECE: Final = 1024 * 1024
_GROUNDS: Final[Mapping[str, Ground]] = {
    "file_sha256": Ground.DIGEST,
    "bytes": Ground.DIGEST,
    "schema": Ground.SCHEMA,
    "rows": Ground.ROWS,
}


@dataclass(frozen=True, slots=True)
class GoodsDesk:
    """Where delivered copies are read and measured: the store, a place for plaintext, how many at once.

    `known` is what was measured here before, by the digests of file and report: the same bytes, declaration
    and moment give the same report. Every copy is read and digested; equal bytes are measured once.
    """

    files: FileStore
    scratch: Callable[[], Path]
    measuring: asyncio.Semaphore
    known: dict[tuple[str, str], Quality] = field(default_factory=dict)


def check_handler(house: House, desk: GoodsDesk) -> External:
    """The test as a job: the copy is read and measured without a transaction, the outcome stated in one."""
    check = _Check(house, desk)
    return External(check.look, check.found, lease_s=LEASE_S)


@dataclass(frozen=True, slots=True)
class _Check:
    house: House
    desk: GoodsDesk

    async def look(self, job: Job) -> DeliveredCopy:
        trade_id = job.payload["trade_id"]
        async with self.house.database.read() as s:
            trade = await repository.get_trade(s, trade_id=trade_id)
            entitlement = await deliveries.entitlement_of(s, trade_id=trade_id)
            assert entitlement is not None
            _, bound = await sold(s, trade, entitlement)
        async with self.desk.measuring:
            with tempfile.TemporaryDirectory(dir=self.desk.scratch()) as folder:
                path = Path(folder) / "delivered"
                try:
                    await self.desk.files.copy_to(deliveries.stored_file(entitlement), path)
                except FileDamaged as damaged:
                    if job.attempts < DAMAGED_AFTER:
                        raise
                    return DeliveredCopy(None, None, refused=damaged.code)
                return await self._read(path, bound)

    async def _read(self, path: Path, bound: Report | None) -> DeliveredCopy:
        """A copy's digest, length and quality, measured exactly as when it was promised.

        What cannot be read as a table any more is a finding. A measurement that took too long is none: it
        raises, and is made again.
        """
        sha256, size = await asyncio.to_thread(_digest, path)
        if bound is None:
            return DeliveredCopy(sha256, size)
        known = self.desk.known
        quality = known.get((sha256, bound.sha256))
        if quality is None:
            try:
                quality = Quality.of((await remeasure(path, bound)).report)
            except (FileEncodingBroken, FileEmpty, FileNotTabular) as refused:
                return DeliveredCopy(sha256, size, refused=refused.code)
            if len(known) >= KNOWN:
                known.pop(next(iter(known)))
            known[sha256, bound.sha256] = quality
        return DeliveredCopy(sha256, size, quality)

    async def found(self, s: WriteSession, job: Job, copy: DeliveredCopy) -> None:
        trade_id, act = job.payload["trade_id"], self.house.exchange_act()
        check = await state_copy_check(s, act, trade_id=trade_id, copy=copy)
        if check is not None and not check.passed:
            await dispute_mismatch(s, act, trade_id=trade_id)


def _digest(path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as handle:
        while piece := handle.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    return digest.hexdigest(), size


async def check_copy(s: WriteSession, act: Act, *, trade_id: str, facts: Facts) -> AcceptanceCheck:
    """The buyer's own test of what came (`market.delivery.checks.check_goods`).

    A delivered copy that differs from what was promised is disputed by that, as when the exchange finds it;
    and so is a level of service that the exchange has measured, and not the buyer told.
    """
    check = await check_goods(s, act, trade_id=trade_id, facts=facts)
    found = facts.delivered is not None or (not facts.given() and await missed_level(s, trade_id=trade_id))
    if found and not check.passed:
        await _dispute(s, act.as_exchange(), trade_id, check)
    return check


async def dispute_mismatch(s: WriteSession, act: Act, *, trade_id: str) -> bool:
    """Open the dispute that a failed test asks for (TRD.DISPUTE); False where the trade is past that.

    A trade that is frozen is disputed when it is released.
    """
    return await _dispute(s, act, trade_id, await _mismatch(s, trade_id))


async def end_window(s: WriteSession, act: Act, *, trade_id: str) -> bool:
    """The window is over and nobody has said anything: silence accepts.

    But not a service that was measured and was not held: that is stated (DLV.CHECK) and disputed. False where
    the trade is past that.
    """
    trade = await repository.claim_trade(s, trade_id=trade_id)
    if trade.status is not TradeState.DELIVERED or trade.accept_by is None or act.now <= trade.accept_by:
        return False
    if not await missed_level(s, trade_id=trade_id):
        return await silent_accept(s, act, trade_id=trade_id)
    return await _dispute(s, act, trade_id, await state_level_check(s, act, trade_id=trade_id))


async def _dispute(s: WriteSession, act: Act, trade_id: str, check: AcceptanceCheck | None) -> bool:
    trade = await repository.claim_trade(s, trade_id=trade_id)
    if trade.status is not TradeState.DELIVERED or check is None:
        return False
    await open_dispute(
        s,
        act,
        trade_id=trade_id,
        ground=_ground(check).value,
        text=f"the {_WHOSE[check.role]} test of {_what(check)} failed: " + ", ".join(_failed(check)),
        evidence=[Evidence("acceptance-report", check.report_sha256)],
    )
    return True


async def _mismatch(s: ReadSession, trade_id: str) -> AcceptanceCheck | None:
    """A failed test of the delivered copy: the exchange's, or else the last of the buyer's own."""
    for role in _WHOSE:
        check = await deliveries.check_by(s, trade_id=trade_id, role=role)
        if check is not None and not check.passed and _is_of_copy(check):
            return check
    return None


def _is_of_copy(check: AcceptanceCheck) -> bool:
    """Every test of the exchange's begins with the bytes; a buyer's does where it measured the copy."""
    items = orjson.loads(check.report)["items"] if check.report else ()
    return any(item["name"] == "file_sha256" for item in items)


def _what(check: AcceptanceCheck) -> str:
    return "the delivered copy" if _is_of_copy(check) else "the measured service"


def _failed(check: AcceptanceCheck) -> list[str]:
    return [str(name) for name in orjson.loads(check.report)["failed"]]


def _ground(check: AcceptanceCheck) -> Ground:
    """The gravest difference: bytes, then schema, then rows; what is left is quality."""
    failed = _failed(check)
    return next((ground for name, ground in _GROUNDS.items() if name in failed), Ground.QUALITY)


async def queue_mismatch(s: WriteSession, act: Act, *, trade_id: str) -> None:
    """Have a trade that was released from a freeze disputed, if the test of its goods failed meanwhile."""
    name = f"{trade_id}:{act.new_id('job')}"
    await enqueue(s, kind=MISMATCH_JOB, key=name, run_at=act.now, payload={"trade_id": trade_id})


async def is_awaited(s: ReadSession, *, trade_id: str) -> bool:
    """Whether the exchange's test of a trade's goods is still to be made: silence waits for it."""
    query = select(JobRow.key).where(
        JobRow.kind == CHECK_JOB, JobRow.key == trade_id, JobRow.status == JobStatus.QUEUED
    )
    return (await s.exec(query)).first() is not None
