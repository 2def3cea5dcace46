"""What a member bought here and offers again: the exchange knows it by its bytes, the buyer's own copy too.

Whoever sends it abroad cannot say less of it than its own seller said, and nothing of it leaves without an
officer's look: a licence is for its buyer (USE-RESALE). Who had the file here before it bought the same one
is left alone.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from sqlalchemy.orm import aliased
from sqlmodel import col, or_, select

from base.db import ReadSession
from identity.groups import members_of
from market.customs.rules import DeliveryFacts
from market.listings.service import materials_of
from market.listings.tables import Listing, ListingFile
from market.orders.tables import Trade
from registry.errors import UnclassifiedProduct
from registry.grading.depending import level_of
from registry.rules import Level, PersonalData, rank


async def bought_before(s: ReadSession, *, seller_id: str, product_id: str) -> Sequence[Listing]:
    """The listings of others that a seller, or one of its group, paid for before it brought the same file."""
    group = sorted(await members_of(s, org_id=seller_id))
    held, sold = aliased(ListingFile), aliased(ListingFile)
    bought, offered = aliased(Listing), aliased(Listing)
    query = (
        select(bought)
        .join(Trade, col(Trade.listing_id) == col(bought.listing_id))
        .join(held, or_(col(held.file_id) == col(bought.file_id), col(held.copy_of) == col(bought.file_id)))
        .join(sold, col(sold.sha256) == col(held.sha256))
        .join(offered, col(offered.file_id) == col(sold.file_id))
        .where(offered.seller_id == seller_id, offered.product_id == product_id)
        .where(col(Trade.buyer_id).in_(group), col(bought.seller_id).not_in(group))
        .where(col(Trade.funded_at) <= col(sold.stored_at))
        .order_by(col(bought.listing_id))
    )
    return (await s.exec(query)).unique().all()


async def known_of(s: ReadSession, bought: Sequence[Listing], level: Level) -> tuple[Level, bool]:
    """How high what was bought is, `level` at least; and whether it was sold as personal data."""
    for listing in bought:
        known = [Level(listing.level)]
        with suppress(UnclassifiedProduct):
            known.append(await level_of(s, object_id=listing.product_id))
        level = max(level, *known, key=rank)
    sold_as = [materials_of(listing).personal for listing in bought]
    return level, any(one.contained and not one.anonymised for one in sold_as)


async def as_bought(
    s: ReadSession, facts: DeliveryFacts, *, seller_id: str, product_id: str
) -> tuple[DeliveryFacts, bool]:
    """The facts of a sale, no lighter than those under which its seller bought it; and whether it did."""
    bought = await bought_before(s, seller_id=seller_id, product_id=product_id)
    level, personal = await known_of(s, bought, facts.level)
    if personal:
        facts = replace(facts, personal=PersonalData(contained=True))
    return replace(facts, level=level), bool(bought)
