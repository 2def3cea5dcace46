"""What a listing of authorised public data rests on: a grant of this exchange, where it cites one (R01)."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from base.db import ReadSession, WriteSession
from identity.repository import Organisation
from identity.rules import Role
from market.listings.repository import grants_of_bytes
from market.listings.tables import Listing
from registry.operation.depending import (
    Offered,
    is_given_here,
    require_apart,
    require_cited,
    require_offerable,
    require_within_fields,
)
from registry.operation.errors import NotPublicData
from registry.report import parse_report


async def require_authorised(
    s: WriteSession,
    member: Organisation,
    *,
    offering: Any,
    product_id: str | None,
    file_sha256: str,
    now: datetime,
) -> None:
    """A draft cites a live grant of its seller, and makes nothing further of the seller's own (R84).

    Raises GrantNotLive, NotPublicData, Redevelopment.
    """
    await require_cited(
        s,
        grant_id=offering.grant_id,
        holder_id=member.org_id,
        operates=Role.OPERATING_INSTITUTION in member.roles,
        public_data=offering.public_data,
        now=now,
    )
    await require_apart(s, seller_id=member.org_id, product_id=product_id, made_of=offering.derived_from)
    await require_no_other_cover(s, file_sha256=file_sha256, grant_id=offering.grant_id)


async def require_carried(s: ReadSession, listing: Listing, *, file_sha256: str, report: bytes) -> None:
    """A file is under no other cover, and what was measured of it within its grant's scenario.

    Raises NotPublicData, OutsideScope, ProductUngranted.
    """
    await require_no_other_cover(s, file_sha256=file_sha256, grant_id=listing.grant_id)
    columns = parse_report(report).header
    await require_within_fields(s, grant_id=listing.grant_id, product_id=listing.product_id, columns=columns)


async def require_no_other_cover(s: ReadSession, *, file_sha256: str, grant_id: str | None) -> None:
    """The bytes of a product that was offered under a grant of this exchange are offered under one alone.

    Listed anew without a grant they would have no cap, no scenario and no users. Raises NotPublicData.
    """
    if is_given_here(grant_id):
        return
    for granted in await grants_of_bytes(s, sha256=file_sha256):
        if is_given_here(granted):
            raise NotPublicData("these bytes are offered under a grant", grant_id=granted)


async def require_grant(s: WriteSession, listing: Listing, *, now: datetime | None = None) -> None:
    """The grant that a listing cites carries it, share-locked: it is live, the product its own, the cap kept.

    The listing's own cap is asked too: negotiation goes up to it. Raises what `require_offerable` raises.
    """
    price_minor = max(listing.list_price_minor or 0, listing.cap_minor or 0)
    await require_sale(s, listing, price_minor=price_minor, unit=listing.unit, now=now)


async def require_sale(
    s: WriteSession,
    listing: Listing,
    *,
    price_minor: int,
    unit: str,
    users: Collection[str] = (),
    now: datetime | None = None,
) -> None:
    """The grant that a listing cites carries its sale at a price for a unit, to these who may have the data.

    Raises what `require_offerable` raises.
    """
    offered = Offered(
        product_id=listing.product_id,
        holder_id=listing.seller_id,
        public_data=listing.public_data,
        price_minor=price_minor,
        unit=unit,
        users=users,
    )
    await require_offerable(s, grant_id=listing.grant_id, offered=offered, now=now)
