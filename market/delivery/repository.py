"""What is asked about deliveries. Locks are taken in one order: trade, entitlement, download."""

from collections.abc import Sequence
from typing import Final

from sqlmodel import col, select

from base.db import ReadSession, WriteSession, exclusive_lock, share_lock
from base.files import StoredFile
from market.delivery.errors import CheckUnknown, DownloadUnknown, EntitlementUnknown
from market.delivery.rules import DownloadStatus, Right
from market.delivery.tables import AcceptanceCheck, DeliveryStop, Download, Entitlement
from market.listings.rules import ListingState
from market.listings.tables import Listing
from market.orders.rules import TradeState
from market.orders.tables import ContractRecipient, Trade

MAX_PAGE: Final = 100
_FRESH: Final = {"populate_existing": True}
STOPPED: Final = frozenset({TradeState.FROZEN, TradeState.DELIVERY_SUSPENDED, TradeState.DISPUTED})
_IN_FLIGHT: Final = frozenset({TradeState.DELIVERING, TradeState.DELIVERY_SUSPENDED})


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


async def entitlements_for(s: ReadSession, *, org_id: str, limit: int = 50) -> Sequence[Entitlement]:
    """The rights of others under which an organisation is a named recipient, newest first."""
    query = select(Entitlement).join(
        ContractRecipient, col(ContractRecipient.trade_id) == col(Entitlement.trade_id)
    )
    query = query.where(ContractRecipient.org_id == org_id)
    return (
        await s.exec(query.order_by(col(Entitlement.entitlement_id).desc()).limit(min(limit, MAX_PAGE)))
    ).all()


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


async def open_downloads_of(s: ReadSession, *, entitlement_id: str) -> Sequence[Download]:
    """The downloads under way, one of a taker; their entitlement's lock covers them."""
    query = select(Download).where(
        Download.entitlement_id == entitlement_id, Download.status == DownloadStatus.OPEN
    )
    return (await s.exec(query.order_by(col(Download.download_id)), execution_options=_FRESH)).all()


async def standing(s: ReadSession, *, entitlement_id: str) -> tuple[Trade, Entitlement, ListingState]:
    """How a right stands at this moment, its listing too; without a lock, for a stream under way."""
    query = (
        select(Trade, Entitlement, Listing.status)
        .join(Entitlement, col(Entitlement.trade_id) == col(Trade.trade_id))
        .join(Listing, col(Listing.listing_id) == col(Trade.listing_id))
        .where(Entitlement.entitlement_id == entitlement_id)
    )
    trade, entitlement, status = (await s.exec(query, execution_options=_FRESH)).one()
    return trade, entitlement, ListingState(status)


async def deliveries_of(s: ReadSession, *, product_id: str) -> Sequence[str]:
    """The trades of a product whose delivery is under way or suspended."""
    query = select(Trade.trade_id).where(Trade.product_id == product_id, col(Trade.status).in_(_IN_FLIGHT))
    return (await s.exec(query.order_by(col(Trade.trade_id)))).all()


async def delivering_of(s: ReadSession, *, product_id: str, limit: int) -> Sequence[str]:
    """The trades of a product whose delivery is under way and not suspended."""
    found = (Trade.product_id == product_id, Trade.status == TradeState.DELIVERING)
    query = select(Trade.trade_id).where(*found).order_by(col(Trade.trade_id)).limit(limit)
    return (await s.exec(query)).all()


async def stop_of(s: ReadSession, *, trade_id: str) -> DeliveryStop | None:
    """Why and since when a delivery is suspended; its trade's lock covers it."""
    return await s.get(DeliveryStop, trade_id, populate_existing=True)


async def checks_of(s: ReadSession, *, trade_id: str) -> Sequence[AcceptanceCheck]:
    """The acceptance tests of a trade's goods, first to last."""
    query = select(AcceptanceCheck).where(AcceptanceCheck.trade_id == trade_id)
    return (
        await s.exec(query.order_by(col(AcceptanceCheck.checked_at), col(AcceptanceCheck.check_id)))
    ).all()


async def check_by(s: ReadSession, *, trade_id: str, role: str) -> AcceptanceCheck | None:
    """The latest acceptance test that somebody of a role made."""
    of_role = [check for check in await checks_of(s, trade_id=trade_id) if check.role == role]
    return of_role[-1] if of_role else None


async def get_check(s: ReadSession, *, trade_id: str, check_id: str) -> AcceptanceCheck:
    """One acceptance test of a trade. Raises CheckUnknown."""
    check = await s.get(AcceptanceCheck, check_id)
    if check is None or check.trade_id != trade_id:
        raise CheckUnknown("no such check", check_id=check_id)
    return check


def right_of(trade: Trade, entitlement: Entitlement) -> Right:
    """An entitlement as the rules take it."""
    return Right(
        holder_id=entitlement.buyer_id,
        status=entitlement.status,
        used=entitlement.used,
        max_downloads=entitlement.max_downloads,
        expires_at=entitlement.expires_at,
        trade_stopped=trade.status in STOPPED,
        deliver_by=trade.deliver_by if trade.status is TradeState.DELIVERING else None,
    )


def stored_file(entitlement: Entitlement) -> StoredFile:
    """What the object store needs to open the file that was sold."""
    return StoredFile(entitlement.file_id, entitlement.bytes, entitlement.sha256)


def _known(entitlement: Entitlement | None, entitlement_id: str) -> Entitlement:
    if entitlement is None:
        raise EntitlementUnknown("no such entitlement", entitlement_id=entitlement_id)
    return entitlement
