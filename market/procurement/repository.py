"""What is asked about the purchases of public agencies."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import aliased
from sqlmodel import col, func, select

from base.db import ReadSession, WriteSession, exclusive_lock
from identity.tables import OrganisationRow
from market.delivery.tables import Entitlement
from market.listings.tables import Listing, ListingFile, Product
from market.orders.states import NOTHING_CAME_OF_IT, TradeState
from market.orders.tables import ContractRecipient, Trade
from market.procurement.rules import (
    MOST_SHOWN,
    Basis,
    Duplicate,
    Method,
    Outcome,
    Way,
    is_standing,
    outcome_of,
)
from market.procurement.tables import Procurement

_AGENCIES: Final = select(OrganisationRow.org_id).where(
    col(OrganisationRow.roles).contains('"PUBLIC_AGENCY"')
)
_UNSPENT: Final = sorted(NOTHING_CAME_OF_IT | {TradeState.REFUND_PENDING})
_GONE: Final = sorted(NOTHING_CAME_OF_IT | {TradeState.CLOSED, TradeState.REFUND_PENDING})


@dataclass(frozen=True, slots=True)
class Disclosed:
    """A contracted purchase as everybody may see it; a price in fen with tax."""

    trade_id: str
    buyer_id: str
    buyer: str
    product_id: str
    listing_id: str
    product: str
    price_minor: int
    method: Method | None
    contracted_at: datetime
    outcome: Outcome


async def is_agency(s: ReadSession, *, org_id: str) -> bool:
    """Whether a member is a public agency."""
    return (await s.exec(_AGENCIES.where(OrganisationRow.org_id == org_id))).first() is not None


async def newest_of(s: ReadSession, *, trade_id: str) -> Procurement | None:
    """What was stated last of a purchase."""
    query = select(Procurement).where(Procurement.trade_id == trade_id)
    return (await s.exec(query.order_by(col(Procurement.number).desc()).limit(1))).first()


def basis_of(row: Procurement | None) -> Basis | None:
    """As it was stated; None where nothing was, or it was erased."""
    if row is None or row.budget_minor is None or row.budget_reference is None:
        return None
    return Basis(row.method, row.budget_reference, row.budget_minor, row.document_sha256)


async def spent_on(s: ReadSession, trade: Trade, *, reference: str, before: datetime | None = None) -> int:
    """What a buyer's other purchases on a budget come to, in fen: agreed (before), and not undone."""
    later = aliased(Procurement)
    query = (
        select(func.sum(Trade.price_minor))
        .join(Procurement, col(Procurement.trade_id) == Trade.trade_id)
        .where(
            Trade.buyer_id == trade.buyer_id,
            Trade.trade_id != trade.trade_id,
            Procurement.budget_reference == reference,
            ~select(later.number)
            .where(later.trade_id == Procurement.trade_id, later.number > Procurement.number)
            .exists(),
            col(Trade.agreed_at).is_not(None),
            col(Trade.status).not_in(_UNSPENT),
        )
    )
    if before is not None:
        query = query.where(col(Trade.agreed_at) < before)
    return int((await s.exec(query)).one() or 0)


async def lock_product(s: WriteSession, *, product_id: str) -> None:
    """Purchases of the same goods are agreed one after the other: the second sees the first."""
    same = select(Product.product_id).where(col(Product.product_id).in_(await _same_goods(s, product_id)))
    await s.exec(exclusive_lock(same.order_by(Product.product_id)))


async def _same_goods(s: ReadSession, product_id: str) -> set[str]:
    """The product, and those of which a listing is the very same bytes, whoever sells them."""
    file = select(ListingFile.sha256).join(Listing, col(Listing.file_id) == ListingFile.file_id)
    bytes_of = file.where(Listing.product_id == product_id)
    named = select(Listing.product_id).join(ListingFile, col(Listing.file_id) == ListingFile.file_id)
    return {product_id, *(await s.exec(named.where(col(ListingFile.sha256).in_(bytes_of)).distinct()))}


async def duplicates_of(
    s: ReadSession, trade: Trade, *, now: datetime, before: datetime | None = None
) -> list[Duplicate]:
    """The newest standing purchases of the trade's product by other public agencies, the newest first.

    The same bytes under another product's name are the same goods. `before`: only what was agreed before
    that. From an acceptance on a purchase is one; `until` is None while its licence has not begun.
    """
    query = (
        select(Trade, OrganisationRow.name, Listing.public_data, Entitlement.expires_at)
        .join(OrganisationRow, col(OrganisationRow.org_id) == Trade.buyer_id)
        .join(Listing, col(Listing.listing_id) == Trade.listing_id)
        .outerjoin(Entitlement, col(Entitlement.trade_id) == Trade.trade_id)
        .where(
            col(Listing.product_id).in_(await _same_goods(s, trade.product_id)),
            col(Trade.buyer_id).in_(_AGENCIES),
            Trade.buyer_id != trade.buyer_id,
            col(Trade.agreed_at).is_not(None),
            col(Trade.status).not_in(_GONE),
        )
        .order_by(col(Trade.agreed_at).desc(), col(Trade.trade_id).desc())
    )
    if before is not None:
        query = query.where(col(Trade.agreed_at) < before)
    found: list[Duplicate] = []
    for other, name, public, until in await s.exec(query):
        if len(found) == MOST_SHOWN:
            break
        if is_standing(other.status, until=until, now=now):
            assert other.agreed_at is not None
            found.append(
                Duplicate(
                    trade_id=other.trade_id,
                    buyer_id=other.buyer_id,
                    buyer=name,
                    agreed_at=other.agreed_at,
                    contracted=other.contracted_at is not None,
                    price_minor=other.price_minor,
                    until=until,
                    way=Way.PUBLIC_DATA if public else None,
                )
            )
    named = await _named_in(s, trade_ids=[one.trade_id for one in found], org_id=trade.buyer_id)
    return [_as_recipient(one) if one.trade_id in named else one for one in found]


def _as_recipient(one: Duplicate) -> Duplicate:
    facts = {name: getattr(one, name) for name in Duplicate.__slots__}
    return Duplicate(**facts | {"way": Way.RECIPIENT})


async def _named_in(s: ReadSession, *, trade_ids: Collection[str], org_id: str) -> set[str]:
    query = select(ContractRecipient.trade_id).where(
        ContractRecipient.org_id == org_id, col(ContractRecipient.trade_id).in_(trade_ids)
    )
    return set(await s.exec(query))


async def disclosed(s: ReadSession, *, after: str | None = None, limit: int = 50) -> list[Disclosed]:
    """The purchases of public agencies from the contract on, newest first, by keyset on the trade's id."""
    query = (
        select(Trade, OrganisationRow.name, Listing.title)
        .join(OrganisationRow, col(OrganisationRow.org_id) == Trade.buyer_id)
        .join(Listing, col(Listing.listing_id) == Trade.listing_id)
        .where(col(Trade.buyer_id).in_(_AGENCIES), col(Trade.contracted_at).is_not(None))
        .order_by(col(Trade.trade_id).desc())
        .limit(min(limit, 100))
    )
    if after is not None:
        query = query.where(col(Trade.trade_id) < after)
    rows = (await s.exec(query)).all()
    methods = await _methods_of(s, trade_ids=[trade.trade_id for trade, _, _ in rows])
    return [
        Disclosed(
            trade_id=trade.trade_id,
            buyer_id=trade.buyer_id,
            buyer=name,
            product_id=trade.product_id,
            listing_id=trade.listing_id,
            product=title,
            price_minor=trade.price_minor or 0,
            method=methods.get(trade.trade_id),
            contracted_at=trade.contracted_at,
            outcome=outcome_of(trade.status),
        )
        for trade, name, title in rows
        if trade.contracted_at is not None
    ]


async def _methods_of(s: ReadSession, *, trade_ids: Collection[str]) -> Mapping[str, Method]:
    """The method of the newest basis of each trade."""
    query = select(Procurement).where(col(Procurement.trade_id).in_(trade_ids))
    rows = await s.exec(query.order_by(col(Procurement.number)))
    return {row.trade_id: row.method for row in rows}
