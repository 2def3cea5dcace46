"""Where a product came from, who measured, traded and received it: for everybody, from the ledger."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from market.listings.errors import ListingUnknown
from market.listings.repository import get_listing
from web.lineage import lineage_of
from web.pages.graph import draw
from web.pages.languages import N_
from web.pages.visiting import VisitorDep

router = APIRouter()
_PAGE: Final = 12
_HEADS: Final = (N_("Made from"), N_("Product"), N_("Went to"))
# what the drawing says, beside names and numbers
_SAID: Final = (
    N_("Product"),
    N_("File"),
    N_("from elsewhere"),
    N_("Version"),
    N_("Quality"),
    N_("delivered"),
    N_("contracted"),
)


@router.get("/products/{named}/provenance")
async def provenance(
    visitor: VisitorDep, named: str, after: Annotated[str, Query(max_length=30)] = ""
) -> Response:
    """A product's history, by its id or that of one of its listings; its trades page by page."""
    node = visitor.node
    async with node.database.read() as s:
        found = await lineage_of(
            s, named, origin=node.publisher.signer.name, after=after or None, limit=_PAGE
        )
        listing_id = found.product.versions[-1].listing_id
        try:
            listing = await get_listing(s, listing_id=listing_id)
            title = listing.title if listing.listed_at is not None else None
        except ListingUnknown:
            title = None
    more = found.next_after
    return visitor.render(
        "provenance.html",
        lineage=found,
        title=title,
        listing_id=listing_id,
        drawing=draw(found, visitor.say, [visitor.say(head) for head in _HEADS]),
        first=not after,
        command=f"databourse provenance BUNDLE --product {found.product.product_id} --format prov",
        next_address=visitor.url(f"/products/{named}/provenance", after=more) if more else None,
    )
