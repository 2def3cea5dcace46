"""What is asked about deliveries. Locks are taken in one order: trade, entitlement, download."""

from collections.abc import Sequence
from typing import Final

from sqlmodel import col, select

from base.db import ReadSession, WriteSession, exclusive_lock, share_lock
from base.files import StoredFile
from market.delivery.errors import DownloadUnknown, EntitlementUnknown
from market.delivery.rules import DownloadStatus, Right
from market.delivery.tables import Download, Entitlement
from market.orders.rules import TradeState
from market.orders.tables import Trade

MAX_PAGE: Final = 100
_FRESH: Final = {"populate_existing": True}


async def get_entitlement(s: ReadSession, *, entitlement_id: str) -> Entitlement:
    """The entitlement. Raises EntitlementUnknown."""
    return _known(await s.get(Entitlement, entitlement_id, populate_existing=True), entitlement_id)


async def entitlement_of(s: ReadSession, *, trade_id: str) -> Entitlement | None:
    """The entitlement of a trade, once its delivery has started."""
    query = select(Entitlement).where(Entitlement.trade_id == trade_id)
    return (await s.exec(query, execution_options=_FRESH)).first()


async def entitlements_of(
    s: ReadSession, *, buyer_id: str, after: str | None = None, limit: int = 50
) -> Sequence[Entitlement]:
    """A buyer's rights to receive data, newest first, by keyset: `after` is the last id seen."""
    query = (
        select(Entitlement)
        .where(Entitlement.buyer_id == buyer_id)
        .order_by(col(Entitlement.entitlement_id).desc())
        .limit(min(limit, MAX_PAGE))
    )
    if after is not None:
        query = query.where(col(Entitlement.entitlement_id) < after)
    return (await s.exec(query)).all()


async def downloads_of(s: ReadSession, *, entitlement_id: str) -> Sequence[Download]:
    """The downloads of an entitlement, first to last (a handful by its limit)."""
    query = select(Download).where(Download.entitlement_id == entitlement_id)
    return (await s.exec(query.order_by(col(Download.download_id)), execution_options=_FRESH)).all()


async def claim(s: WriteSession, *, entitlement_id: str, moves_trade: bool) -> tuple[Trade, Entitlement]:
    """A trade and its entitlement, locked for one step of a download.

    The trade is share-locked against a freeze, or exclusively where the step may move it; the
    entitlement exclusively, so that its uses are counted one after the other. Raises EntitlementUnknown.
    """
    query = select(Entitlement.trade_id).where(Entitlement.entitlement_id == entitlement_id)
    trade_id = (await s.exec(query)).first()
    if trade_id is None:
        raise EntitlementUnknown("no such entitlement", entitlement_id=entitlement_id)
    of_trade = select(Trade).where(Trade.trade_id == trade_id)
    locked = exclusive_lock(of_trade) if moves_trade else share_lock(of_trade)
    trade = (await s.exec(locked, execution_options=_FRESH)).one()
    right = exclusive_lock(select(Entitlement).where(Entitlement.entitlement_id == entitlement_id))
    entitlement = (await s.exec(right, execution_options=_FRESH)).first()
    return trade, _known(entitlement, entitlement_id)


async def get_download(s: ReadSession, *, download_id: str) -> Download:
    """One download. Raises DownloadUnknown."""
    download = await s.get(Download, download_id, populate_existing=True)
    if download is None:
        raise DownloadUnknown("no such download", download_id=download_id)
    return download


async def open_download_of(s: ReadSession, *, entitlement_id: str) -> Download | None:
    """The download under way; its entitlement's lock covers it."""
    query = select(Download).where(
        Download.entitlement_id == entitlement_id, Download.status == DownloadStatus.OPEN
    )
    return (await s.exec(query, execution_options=_FRESH)).first()


def right_of(trade: Trade, entitlement: Entitlement) -> Right:
    """An entitlement as the rules take it."""
    return Right(
        holder_id=entitlement.buyer_id,
        status=entitlement.status,
        used=entitlement.used,
        max_downloads=entitlement.max_downloads,
        expires_at=entitlement.expires_at,
        trade_frozen=trade.status is TradeState.FROZEN,
    )


def stored_file(entitlement: Entitlement) -> StoredFile:
    """What the object store needs to open the file that was sold."""
    return StoredFile(entitlement.file_id, entitlement.bytes, entitlement.sha256)


def _known(entitlement: Entitlement | None, entitlement_id: str) -> Entitlement:
    if entitlement is None:
        raise EntitlementUnknown("no such entitlement", entitlement_id=entitlement_id)
    return entitlement
