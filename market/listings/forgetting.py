"""What the tables of listings repeat of the openings of `LST.*`, emptied when an opening is erased."""

from sqlmodel import col, delete, select, update

from base.db import WriteSession
from ledger.erasure import ERASED
from market.listings.tables import Listing, ListingToken, Product, Review


async def forget_listing(s: WriteSession, *, listing_id: str, product_id: str) -> None:
    """The texts of a listing, the words it is found by, and its product's title where nobody else has it."""
    await s.exec(
        update(Listing)
        .where(col(Listing.listing_id) == listing_id)
        .values(title=ERASED, description=ERASED, scenario=ERASED, licence_of_data=ERASED, search_text="")
    )
    await s.exec(delete(ListingToken).where(col(ListingToken.listing_id) == listing_id))
    others = select(Listing.listing_id).where(Listing.product_id == product_id, Listing.title != ERASED)
    if (await s.exec(others.limit(1))).first() is None:
        await s.exec(update(Product).where(col(Product.product_id) == product_id).values(title=ERASED))


async def forget_note(s: WriteSession, *, statement_id: str) -> None:
    """A reviewer's note."""
    await s.exec(update(Review).where(col(Review.statement_id) == statement_id).values(note=ERASED))
