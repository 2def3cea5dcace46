"""Asking who gives data to a product: by the organisation that offers it, or means to."""

from sqlmodel import select

from base.db import WriteSession, exclusive_lock
from ledger.recording import Act
from market.listings.errors import ListingWrongRole
from market.listings.repository import get_product
from market.listings.tables import Listing, Product
from registry.contributions.service import ask_contribution
from registry.contributions.tables import ContributionRow


async def ask_contributor(
    s: WriteSession, act: Act, *, product_id: str, contributor_id: str, share_bp: int, what: str
) -> ContributionRow:
    """Ask a member for its consent to a product that one's organisation has drafted (CTB.ASK).

    Raises ListingUnknown, ListingWrongRole, and what `ask_contribution` raises.
    """
    await get_product(s, product_id=product_id)
    # One ask after the other: together they leave the seller a share.
    await s.exec(exclusive_lock(select(Product.product_id).where(Product.product_id == product_id)))
    mine = select(Listing.listing_id).where(
        Listing.product_id == product_id, Listing.seller_id == act.actor.org_id
    )
    if (await s.exec(mine.limit(1))).first() is None:
        raise ListingWrongRole("who offers the product asks", product_id=product_id)
    return await ask_contribution(
        s, act, product_id=product_id, contributor_id=contributor_id, share_bp=share_bp, what=what
    )
