"""What is asked about listings, and the one door through which a listing's status moves."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import bindparam, or_
from sqlmodel import col, func, select, update

from base.db import ReadSession, WriteSession, exclusive_lock, share_lock
from base.files import StoredFile
from market.listings.buyers import BuyerConditions, buyers_from
from market.listings.conditions import Conditions, conditions_from
from market.listings.errors import FileUnknown, ListingMovedOn, ListingUnknown
from market.listings.plans import PricePlan, plan_from
from market.listings.sandboxing import SandboxTerms, sandbox_from
from market.listings.states import ListingEvent, ListingState, may_move
from market.listings.tables import (
    Listing,
    ListingBuyers,
    ListingConditions,
    ListingFile,
    ListingPlan,
    ListingSandbox,
    Product,
    Review,
)

MAX_PAGE: Final = 100
_LOCKED: Final = share_lock(
    select(Listing).where(col(Listing.listing_id) == bindparam("listing_id"))
).execution_options(populate_existing=True)


async def get_listing(s: ReadSession, *, listing_id: str) -> Listing:
    """The listing as it is now. Raises ListingUnknown."""
    return _known(await s.get(Listing, listing_id, populate_existing=True), listing_id)


async def lock_listing(s: WriteSession, *, listing_id: str) -> Listing:
    """The listing, share-locked against its suspension until the transaction ends. Raises ListingUnknown."""
    return _known((await s.exec(_LOCKED, params={"listing_id": listing_id})).first(), listing_id)


async def on_offer_of(s: ReadSession, *, product_id: str, seller_id: str) -> list[str]:
    """The ids of a seller's listings of a product that are on offer."""
    query = select(Listing.listing_id).where(
        Listing.product_id == product_id,
        Listing.seller_id == seller_id,
        Listing.status == ListingState.LISTED,
    )
    return list(await s.exec(query.order_by(Listing.listing_id)))


async def withdrawn_of(s: ReadSession, *, product_id: str, seller_id: str) -> Sequence[Listing]:
    """A seller's listings of a product that are delisted: their licences run on."""
    query = select(Listing).where(
        Listing.product_id == product_id,
        Listing.seller_id == seller_id,
        Listing.status == ListingState.DELISTED,
    )
    return (await s.exec(query.order_by(Listing.listing_id))).all()


async def grants_of_bytes(s: ReadSession, *, sha256: str) -> Sequence[str]:
    """The grants that listings of these very bytes cite, of those that came through their review."""
    reviewed = [ListingState.APPROVED, ListingState.LISTED, ListingState.SUSPENDED, ListingState.DELISTED]
    query = (
        select(Listing.grant_id)
        .join(ListingFile, col(ListingFile.file_id) == Listing.file_id)
        .where(
            ListingFile.sha256 == sha256,
            col(Listing.grant_id).is_not(None),
            col(Listing.status).in_(reviewed),
        )
    )
    return [one for one in (await s.exec(query.distinct())).all() if one is not None]


async def newest_listed(s: ReadSession) -> datetime | None:
    """When something on offer was listed last; None while nothing is."""
    query = select(func.max(Listing.listed_at)).where(Listing.status == ListingState.LISTED)
    return (await s.exec(query)).one()


async def offers_of(s: ReadSession, *, product_id: str) -> list[str]:
    """The ids of all listings of a product that are on offer, whoever sells."""
    query = select(Listing.listing_id).where(
        Listing.product_id == product_id, Listing.status == ListingState.LISTED
    )
    return list(await s.exec(query.order_by(Listing.listing_id)))


async def on_offer_under(s: ReadSession, *, grant_id: str) -> list[str]:
    """The ids of the listings on offer that rest on a grant of public data."""
    query = select(Listing.listing_id).where(
        Listing.grant_id == grant_id, Listing.status == ListingState.LISTED
    )
    return list(await s.exec(query.order_by(Listing.listing_id)))


async def withdrawn_under(s: ReadSession, *, grant_id: str) -> Sequence[Listing]:
    """The listings of a grant that are delisted: their licences run on."""
    query = select(Listing).where(Listing.grant_id == grant_id, Listing.status == ListingState.DELISTED)
    return (await s.exec(query.order_by(Listing.listing_id))).all()


async def claim_listing(s: WriteSession, *, listing_id: str) -> Listing:
    """The listing, locked against everyone else who would decide about it. Raises ListingUnknown."""
    query = exclusive_lock(select(Listing).where(Listing.listing_id == listing_id))
    found = (await s.exec(query, execution_options={"populate_existing": True})).first()
    return _known(found, listing_id)


async def get_listing_of(s: ReadSession, *, listing_id: str, org_id: str) -> Listing:
    """The listing, for its seller or the broker who brought it. To anyone else it does not exist."""
    listing = await get_listing(s, listing_id=listing_id)
    if org_id not in {listing.seller_id, listing.broker_id}:
        raise ListingUnknown("no such listing", listing_id=listing_id)
    return listing


async def conditions_of(s: ReadSession, *, listing_id: str) -> Conditions:
    """What the seller lets be done with the product at most; the widest where the listing says nothing."""
    row = await s.get(ListingConditions, listing_id)
    return Conditions() if row is None else conditions_from(orjson.loads(row.document))


async def buyers_of(s: ReadSession, *, listing_id: str) -> BuyerConditions | None:
    """Whom the product is sold to; None where the listing is for everybody."""
    row = await s.get(ListingBuyers, listing_id)
    return None if row is None else buyers_from(orjson.loads(row.document))


async def plan_of(s: ReadSession, *, listing_id: str) -> PricePlan | None:
    """How the price follows from the quantity; None where the listing has one price."""
    row = await s.get(ListingPlan, listing_id)
    return None if row is None else plan_from(orjson.loads(row.document))


async def sandbox_of(s: ReadSession, *, listing_id: str) -> SandboxTerms | None:
    """What may be asked of the product's table; None where nothing is answered in its stead."""
    row = await s.get(ListingSandbox, listing_id)
    return None if row is None else sandbox_from(orjson.loads(row.document))


def _known(listing: Listing | None, listing_id: str) -> Listing:
    if listing is None:
        raise ListingUnknown("no such listing", listing_id=listing_id)
    return listing


async def get_product(s: ReadSession, *, product_id: str) -> Product:
    """The product of a listing."""
    product = await s.get(Product, product_id, populate_existing=True)
    if product is None:
        raise ListingUnknown("no such product", product_id=product_id)
    return product


async def get_file(s: ReadSession, *, file_id: str, owner_id: str | None = None) -> ListingFile:
    """An uploaded file, for its owner where one is named. Raises FileUnknown."""
    row = await s.get(ListingFile, file_id)
    if row is None or owner_id not in {None, row.owner_id}:
        raise FileUnknown("no such file", file_id=file_id)
    return row


def stored(row: ListingFile) -> StoredFile:
    """What the object store needs to open the file."""
    return StoredFile(row.file_id, row.bytes, row.sha256)


async def move(
    s: WriteSession,
    *,
    listing: Listing,
    event: ListingEvent,
    role: str,
    values: dict[str, Any] | None = None,
) -> Listing:
    """Move a listing's status by an event of a role, and write `values` in the same UPDATE.

    The row is claimed by the status it is expected in, so of two callers one wins. Raises
    ListingWrongState or ListingWrongRole by the table of states, ListingMovedOn for the loser.
    """
    target = may_move(listing.status, event, role)
    claimed = await s.exec(
        update(Listing)
        .where(
            col(Listing.listing_id) == listing.listing_id,
            col(Listing.status) == listing.status,
            col(Listing.review_round) == listing.review_round,
        )
        .values(status=target, **(values or {}))
    )
    if claimed.rowcount != 1:
        raise ListingMovedOn(
            "the listing has moved on", listing_id=listing.listing_id, expected=listing.status.value
        )
    await s.refresh(listing)
    return listing


async def reviews_of(s: ReadSession, *, listing_id: str, review_round: int | None = None) -> Sequence[Review]:
    """The reviews of a listing, first to last; of one round where it is named."""
    query = select(Review).where(Review.listing_id == listing_id)
    if review_round is not None:
        query = query.where(Review.review_round == review_round)
    return (await s.exec(query.order_by(col(Review.review_round), col(Review.number)))).all()


async def listings_of(
    s: ReadSession,
    *,
    seller_id: str | None = None,
    status: ListingState | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Sequence[Listing]:
    """Listings, newest first, of a seller or in a state: for who manages or reviews them.

    By keyset: `after` is the last listing id seen.
    """
    query = select(Listing).order_by(col(Listing.listing_id).desc()).limit(min(limit, MAX_PAGE))
    if seller_id is not None:
        query = query.where(Listing.seller_id == seller_id)
    if status is not None:
        query = query.where(Listing.status == status)
    if after is not None:
        query = query.where(col(Listing.listing_id) < after)
    return (await s.exec(query)).all()


async def listings_brought(
    s: ReadSession, *, org_id: str, after: str | None = None, limit: int = 50
) -> Sequence[Listing]:
    """The listings that an organisation sells, or has brought as a broker, in every state, newest first."""
    query = select(Listing).where(or_(col(Listing.seller_id) == org_id, col(Listing.broker_id) == org_id))
    if after is not None:
        query = query.where(col(Listing.listing_id) < after)
    return (await s.exec(query.order_by(col(Listing.listing_id).desc()).limit(min(limit, MAX_PAGE)))).all()


async def newest_of(s: ReadSession, *, product_id: str, org_id: str) -> Listing | None:
    """The newest listing of a product that an organisation sells or has brought; None where there is none."""
    query = select(Listing).where(
        Listing.product_id == product_id,
        or_(col(Listing.seller_id) == org_id, col(Listing.broker_id) == org_id),
    )
    return (await s.exec(query.order_by(col(Listing.listing_id).desc()).limit(1))).first()


async def titles_of(s: ReadSession, *, listing_ids: Collection[str]) -> dict[str, str]:
    """The titles of listings by their ids."""
    if not listing_ids:
        return {}
    query = select(Listing.listing_id, Listing.title).where(col(Listing.listing_id).in_(sorted(listing_ids)))
    return dict((await s.exec(query)).all())
