"""Buyers' own copies, and where a leaked one came from."""

import asyncio
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request

from base.db import WriteSession
from base.errors import Malformed
from base.files import FileEmpty, FileTooLarge
from cases.incidents.alarming import note_trace
from cases.incidents.tables import WarningRow
from ledger.acts import perform
from ledger.recording import Act
from market.delivery.errors import MarkUnknown
from market.delivery.marking.finding import Found, find_source
from market.delivery.marking.repository import mark_of_trade
from market.delivery.marking.tables import Mark
from web.acts import Id
from web.api.trades import SUPERVISORS, visible
from web.deps import CallerDep, ReadDep, expect_upload
from web.node import Node
from web.views import View

router = APIRouter(tags=["marks"])
_MOST_RENAMED: Final = 50
_NAME_CHARS: Final = 200
_RAW: Final = {"requestBody": {"required": True, "content": {"application/octet-stream": {}}}}


class MarkView(View):
    """PENDING: being made. UNMARKED: `reason` says why the source is delivered."""

    trade_id: str
    entitlement_id: str
    status: str
    reason: str | None
    source_sha256: str
    copy_sha256: str | None
    report_sha256: str | None
    commitment: str | None
    places: int
    changed: int
    statement_id: str | None
    asked_at: datetime
    made_at: datetime | None

    @classmethod
    def of(cls, row: Mark) -> "MarkView":
        return cls.model_validate(row)


@router.get("/trades/{trade_id}/mark")
async def mark(trade_id: Id, caller: CallerDep, s: ReadDep) -> MarkView:
    """Whether the buyer's copy carries a mark, and the commitment to it; never where, nor its keys."""
    await visible(s, caller, trade_id)
    row = await mark_of_trade(s, trade_id=trade_id)
    if row is None:
        raise MarkUnknown("no copy of this trade is marked", trade_id=trade_id)
    return MarkView.of(row)


@router.post("/traces", openapi_extra=_RAW)
async def trace(
    request: Request,
    caller: CallerDep,
    rename: Annotated[
        list[str] | None, Query(max_length=_MOST_RENAMED, description="THEIRS=OURS, for a renamed column")
    ] = None,
) -> dict[str, Any]:
    """Name the deliveries that a leaked file (the raw body) came from; for officers of exchange and state.

    `named` is empty where nothing is sure enough. Nothing is kept of the file; one that names a delivery
    raises a warning, by the file's digest.
    """
    caller.require(*SUPERVISORS)
    expect_upload(request)
    renamed = dict(_pair(one) for one in rename or [])
    node = caller.node
    with tempfile.TemporaryDirectory(dir=node.scratch(), prefix="leak-") as folder:
        path = Path(folder) / "leaked"
        await _keep(request, path, node.settings.upload_limit_bytes)
        async with node.measuring:
            found = await find_source(
                node.database, node.safe.master, path, rename=renamed, scratch=node.scratch()
            )
    if found.named:
        await _warn(node, found)
    return found.document()


async def _warn(node: Node, found: Found) -> None:
    async def noted(s: WriteSession, act: Act) -> WarningRow:
        digest = found.trace.file_sha256
        return await note_trace(s, act, entitlement_ids=found.named, file_sha256=digest)

    about = found.named[0]
    await perform(node.house, node.house.exchange_act(), noted, attempted="WRN.RAISE", object_id=about)


def _pair(option: str) -> tuple[str, str]:
    theirs, _, ours = option.partition("=")
    if not theirs or not ours or len(option) > 2 * _NAME_CHARS:
        raise Malformed("a renamed column is told as THEIRS=OURS", member="rename")
    return theirs, ours


async def _keep(request: Request, path: Path, limit: int) -> None:
    size = 0
    with await asyncio.to_thread(path.open, "xb") as file:
        async for piece in request.stream():
            size += len(piece)
            if size > limit:
                raise FileTooLarge("the file is above the limit", limit_bytes=limit)
            await asyncio.to_thread(file.write, piece)
    if not size:
        raise FileEmpty("the file is empty")
