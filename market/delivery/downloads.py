"""Downloads: allowed range by range, counted span by span, and stated when the whole file has gone.

The receipt is committed before the last bytes leave: a client that has the whole file finds the trade
delivered, and a process that is killed has lost no receipt that anyone could have seen. What is allowed is
reserved at once, so that requests side by side cannot send more than the right gives; what did not leave is
given back.

A download is nobody's signed act: the buyer asks, or a recipient that the contract names, and the exchange
states what it sent. So the acts here name who asks (a refusal is recorded against it) and carry the
exchange's pen. All who take under one right share its uses.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Final

from base.db import WriteSession
from base.files import FileStore, StoredFile
from ledger.acts import House, perform
from ledger.recording import Act, Actor, record
from ledger.statement import Draft
from market.customs.gate import note_out, reserve_out
from market.customs.transit import give_back
from market.delivery import repository
from market.delivery.access import Declared, require_going_to, require_permitted, require_receiving
from market.delivery.errors import DeclaredOtherwise
from market.delivery.kinds import DeliveryKind, require_kind
from market.delivery.marking.repository import require_made
from market.delivery.rules import (
    DownloadStatus,
    EntitlementStatus,
    Mode,
    Reply,
    Span,
    choose_bytes,
    etag,
    is_whole,
    place,
    spans_from,
    spans_text,
)
from market.delivery.service import check_deliverable, require_outgoing, state_delivered
from market.delivery.tables import Download, Entitlement
from market.listings.repository import get_file
from market.orders.rules import TradeState
from market.orders.tables import Trade

ROLE: Final = "BUYER"
EVENT: Final = "DLV.DOWNLOAD"
UNDECLARED: Final = Declared()
ASK_EVERY_S: Final = 0.25
ASK_EVERY_BYTES: Final = 64 * 2**20
"""How long, and for how many bytes, a stream under way goes on unasked. A file's last piece never does."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A request that may be answered. Without a span in its reply (416) no download was opened.

    `booked` is under which customs declaration its bytes leave, for each of the `receivers` abroad.
    """

    entitlement_id: str
    trade_id: str
    file: StoredFile
    name: str
    media_type: str
    reply: Reply
    download_id: str | None
    booked: Mapping[str, str] = field(default_factory=dict)
    receivers: tuple[str, ...] = ()

    @property
    def etag(self) -> str:  # the strong entity tag of what is sent
        return etag(self.file.sha256)


def download_act(house: House, actor: Actor) -> Act:
    """The act in which a buyer's download is asked for and counted."""
    return house.act(actor, ROLE, house.exchange.pen)


async def authorise_download(
    s: WriteSession, *, entitlement_id: str, org_id: str, now: datetime
) -> tuple[Trade, Entitlement]:
    """The trade and the entitlement under lock, if this organisation may receive by it now.

    How often is asked when bytes are: a used-up right still answers what it was. Raises
    EntitlementUnknown, EntitlementForeign, EntitlementRevoked, DeliverySuspended, EntitlementExpired,
    DeadlinePassed, DeliveredOtherwise for a right that is no file's, CopyBeingMade, and
    ListingNotDeliverable, RightNotHeld or ChannelClosed where what was sold fell.
    """
    trade, entitlement = await repository.claim(s, entitlement_id=entitlement_id, moves_trade=False)
    await require_receiving(s, trade, entitlement, org_id=org_id, now=now)
    require_kind(entitlement.kind, DeliveryKind.FILE)
    await require_made(s, entitlement_id=entitlement_id)
    await require_outgoing(s, trade, now=now)
    return trade, entitlement


async def open_download(
    s: WriteSession,
    act: Act,
    *,
    entitlement_id: str,
    range_field: str | None = None,
    if_range: str | None = None,
    declared: Declared = UNDECLARED,
) -> Opened:
    """Allow one request for the file, whole or a range of it, and reserve its bytes.

    Raises what `authorise_download` and `require_permitted` raise, EntitlementUsedUp,
    UseKeptForBuyer, and DeclaredOtherwise for going on with a download that was opened for something else.
    """
    trade, entitlement = await authorise_download(
        s, entitlement_id=entitlement_id, org_id=act.actor.org_id, now=act.now
    )
    reply = choose_bytes(
        range_field=range_field,
        if_range=if_range,
        size=entitlement.bytes,
        tag=etag(entitlement.sha256),
    )
    download, booked = None, dict[str, str]()
    if reply.span is not None:
        download, use = await _place(s, act, trade, entitlement, reply.span)
        await _declare(s, act, entitlement, download, declared, use=use)
        for recipient_id in _receivers(download, entitlement):
            crossing = await reserve_out(
                s,
                act,
                trade=trade,
                recipient_id=recipient_id,
                volume_bytes=reply.span.length,
                kind=DeliveryKind.FILE.value,
                carried=download.download_id,
            )
            if crossing is not None:
                booked[recipient_id] = crossing.declaration_id
    file = await get_file(s, file_id=entitlement.file_id)
    return Opened(
        entitlement_id=entitlement_id,
        trade_id=trade.trade_id,
        file=repository.stored_file(entitlement),
        name=file.name,
        media_type=file.media_type,
        reply=reply,
        download_id=download.download_id if download else None,
        booked=booked,
        receivers=tuple(_receivers(download, entitlement)) if download else (),
    )


async def _place(
    s: WriteSession, act: Act, trade: Trade, entitlement: Entitlement, span: Span
) -> tuple[Download, int]:
    """The download of this taker that the bytes are counted in, and which use of the right it is.

    What others have under way is used: buyer and recipients share one meter. Until the trade is delivered
    one use is the buyer's own, so that no recipient leaves it without what it pays for.
    """
    taker = act.actor.org_id
    under_way = await repository.open_downloads_of(s, entitlement_id=entitlement.entitlement_id)
    mine = [one for one in under_way if _taker(one, entitlement) == taker]
    download = mine[0] if mine else None
    others = len(under_way) - len(mine)
    kept = taker != entitlement.buyer_id and trade.status is TradeState.DELIVERING
    buyers = sum(_taker(one, entitlement) == entitlement.buyer_id for one in under_way)
    placed = place(
        open_sent=download.sent_bytes if download else None,
        length=span.length,
        size=entitlement.bytes,
        used=entitlement.used + others,
        max_downloads=entitlement.max_downloads,
        kept=1 if kept and not buyers else 0,
    )
    if download is not None and placed.spends:
        await _close(s, act, trade, entitlement, download, status=DownloadStatus.SPENT)
    if download is None or not placed.joins:
        download = Download(
            download_id=act.new_id("dld"),
            entitlement_id=entitlement.entitlement_id,
            taken_by=taker,
            status=DownloadStatus.OPEN,
            opened_at=act.now,
        )
    download.sent_bytes += span.length
    s.add(download)
    await s.flush()
    return download, entitlement.used + others + 1


def _receivers(download: Download, entitlement: Entitlement) -> list[str]:
    """Who takes, and for whom: each of them may sit abroad."""
    taker = _taker(download, entitlement)
    return sorted({taker, download.recipient or taker})


def _taker(download: Download, entitlement: Entitlement) -> str:
    return download.taken_by or entitlement.buyer_id


async def _declare(
    s: WriteSession, act: Act, entitlement: Entitlement, download: Download, declared: Declared, *, use: int
) -> None:
    """Ask the contract's policy, and keep what the download is for; refused, nothing of it stays."""
    by = act.actor.org_id
    told = await require_permitted(s, entitlement, declared, by=by, now=act.now, count=use)
    if download.recipient is None:
        download.purpose, download.recipient = told.purpose, told.recipient
        s.add(download)
        await s.flush()
    elif (download.purpose, download.recipient) != (told.purpose, told.recipient):
        raise DeclaredOtherwise(
            "the open download is for something else", purpose=download.purpose, recipient=download.recipient
        )


async def count_sent(
    s: WriteSession,
    act: Act,
    *,
    download_id: str,
    reserved: Span,
    sent_to: int,
    booked: Mapping[str, str] = MappingProxyType({}),
) -> Download:
    """Count the bytes of a reserved span that went out, up to `sent_to`; the rest is given back.

    When they make the file whole, the right is asked once more, the use is counted, the exchange states
    DLV.DOWNLOAD, and a trade that waited for its delivery is DELIVERED where the buyer took.
    Raises DownloadUnknown, and what `authorise_download` raises: then the last bytes do not leave.
    """
    known = await repository.get_download(s, download_id=download_id)
    trade, entitlement = await repository.claim(s, entitlement_id=known.entitlement_id, moves_trade=True)
    download = await repository.get_download(s, download_id=download_id)
    if download.status is not DownloadStatus.OPEN:
        return download  # a request side by side has completed it
    spans = (*spans_from(download.sent), Span(reserved.start, sent_to))
    download.sent = spans_text(spans)
    unsent = reserved.end - sent_to
    download.sent_bytes -= unsent
    s.add(download)
    await s.flush()
    if unsent:
        for recipient_id, declaration_id in sorted(booked.items()):
            await give_back(
                s,
                declaration_id=declaration_id,
                recipient_id=recipient_id,
                carried=download_id,
                volume_bytes=unsent,
            )
    if is_whole(spans, entitlement.bytes):
        org_id = act.actor.org_id
        await require_receiving(s, trade, entitlement, org_id=org_id, now=act.now)
        await require_outgoing(s, trade, now=act.now)
        await _close(s, act, trade, entitlement, download, status=DownloadStatus.COMPLETE)
        if trade.status is TradeState.DELIVERING and org_id == entitlement.buyer_id:
            await state_delivered(s, act.as_exchange(), trade, entitlement, Mode.DOWNLOAD)
    return download


async def _close(
    s: WriteSession,
    act: Act,
    trade: Trade,
    entitlement: Entitlement,
    download: Download,
    *,
    status: DownloadStatus,
) -> None:
    """End a download, count its use, and state it."""
    for recipient_id in _receivers(download, entitlement):
        await note_out(
            s,
            act,
            trade=trade,
            recipient_id=recipient_id,
            carried=download.download_id,
            whole=status is DownloadStatus.COMPLETE,
        )
    entitlement.used += 1
    if entitlement.used == entitlement.max_downloads:
        entitlement.status = EntitlementStatus.USED_UP
    system = act.as_exchange()
    recorded = await record(
        s,
        system,
        Draft(
            EVENT,
            trade.trade_id,
            public={
                "trade_id": trade.trade_id,
                "entitlement_id": entitlement.entitlement_id,
                "file_sha256": entitlement.sha256,
                "complete": status is DownloadStatus.COMPLETE,
            },
            opening={
                "bytes": download.sent_bytes,
                "purpose": download.purpose,
                "recipient": download.recipient,
                "taken_by": _taker(download, entitlement),
            },
            subjects={"file": entitlement.sha256},
        ),
    )
    download.status = status
    download.closed_at = act.now
    download.statement_id = recorded.statement_id
    s.add_all([entitlement, download])
    await s.flush()


async def open_stream(house: House, files: FileStore, actor: Actor, opened: Opened) -> AsyncIterator[bytes]:
    """The bytes of an opened request, ready to send. Raises FileDamaged before any byte.

    Whoever sends them closes the iterator (`aclose`) also when the client goes away: what was taken from
    it before the last step counts as sent. Its last step is preceded by the receipt of the span.
    """
    try:
        await files.check(opened.file)
    except Exception:
        await _count(house, actor, opened, sent_to=_span(opened).start)
        raise
    return _send(house, files, actor, opened)


async def _send(house: House, files: FileStore, actor: Actor, opened: Opened) -> AsyncIterator[bytes]:
    span = _span(opened)
    sent_to, counted = span.start, False
    pieces = files.read(opened.file, span.start, span.end)
    try:
        asked = still_open(house, actor, opened.entitlement_id, opened.receivers)
        async with aclosing(while_open(pieces, asked)) as chunks:
            async for chunk in chunks:
                if sent_to + len(chunk) == span.end:
                    await _count(house, actor, opened, sent_to=span.end)
                    counted = True
                yield chunk
                sent_to += len(chunk)
    finally:
        if not counted:
            await asyncio.shield(_count(house, actor, opened, sent_to=sent_to))


async def while_open(
    pieces: AsyncGenerator[bytes], ask: Callable[[], Awaitable[None]]
) -> AsyncGenerator[bytes]:
    """Pieces on their way to somebody, as long as what they go by stands: `ask` raises what ends it."""
    gone, asked_s = 0, time.monotonic()
    async with aclosing(pieces):
        async for piece in pieces:
            if gone >= ASK_EVERY_BYTES or time.monotonic() - asked_s >= ASK_EVERY_S:
                await ask()
                gone, asked_s = 0, time.monotonic()
            yield piece
            gone += len(piece)


def still_open(
    house: House, actor: Actor, entitlement_id: str, receivers: Collection[str] = ()
) -> Callable[[], Awaitable[None]]:
    """What asks whether a right stands, and may go to all who receive, for `while_open`."""
    return partial(_still_open, house, actor, entitlement_id, receivers)


async def _still_open(
    house: House, actor: Actor, entitlement_id: str, receivers: Collection[str] = ()
) -> None:
    """Whoever stops a delivery stops what is on its way too (`ASK_EVERY_S`). Raises what ends a right."""
    async with house.database.read() as s:
        trade, entitlement, listing = await repository.standing(s, entitlement_id=entitlement_id)
        await require_receiving(s, trade, entitlement, org_id=actor.org_id, now=(now := house.clock.now()))
        await require_going_to(s, trade, entitlement, {*receivers} - {actor.org_id}, now=now)
    check_deliverable(trade.listing_id, listing)


async def _count(house: House, actor: Actor, opened: Opened, *, sent_to: int) -> None:
    assert opened.download_id is not None
    download_id, reserved = opened.download_id, _span(opened)

    async def counted(s: WriteSession, act: Act) -> Download:
        return await count_sent(
            s, act, download_id=download_id, reserved=reserved, sent_to=sent_to, booked=opened.booked
        )

    act = download_act(house, actor)
    await perform(house, act, counted, attempted=EVENT, object_id=opened.entitlement_id)


def _span(opened: Opened) -> Span:
    assert opened.reply.span is not None
    return opened.reply.span
