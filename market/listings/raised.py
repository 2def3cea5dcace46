"""What a raised level, or a consent that fell, does to the listings of a product: at once, by the exchange.

Every act on a listing asks the level itself, under lock; the states follow here. A level that comes down
again resumes nothing: who suspended puts it back on offer, and its level is then the one of that day.
"""

from typing import Final

from sqlmodel import select

from base.db import WriteSession
from base.ids import is_id
from ledger.recording import Act
from market.listings.grading import take_level
from market.listings.moving import tell_moved
from market.listings.publishing import suspend_listing
from market.listings.repository import get_file
from market.listings.rules import ListingState
from market.listings.tables import Listing
from registry.grading.depending import require_reviewed
from registry.grading.describing import note_entry
from registry.grading.errors import AssessmentMissing
from registry.rules import Level, rank

LEVEL_RAISED: Final = "LEVEL_RAISED"
CONSENT_WITHDRAWN: Final = "CONSENT_WITHDRAWN"
ASSESSMENT_LOST: Final = "ASSESSMENT_LOST"


async def suspend_raised(s: WriteSession, act: Act, *, object_id: str, level: str, before: str) -> list[str]:
    """Take off offer what was reviewed at a lower level than the product has now; answers which listings."""
    del before
    if is_id(object_id, "dat"):  # a list entry's own word was raised: what was made of it follows
        await note_entry(s, act, data_id=object_id)
    if not is_id(object_id, "prd"):
        return []
    fallen = []
    listings = (await s.exec(select(Listing).where(Listing.product_id == object_id))).all()
    for one in listings:
        if rank(one.level) >= rank(Level(level)):
            continue
        if one.status is ListingState.LISTED:
            await suspend_listing(s, act, listing_id=one.listing_id, reason_code=LEVEL_RAISED)
            fallen.append(one.listing_id)
        elif one.status is ListingState.DELISTED:  # its deliveries go on no further either
            await tell_moved(s, act, one)
    await take_level(s, product_id=object_id)
    return fallen


async def suspend_unconsented(
    s: WriteSession, act: Act, *, object_id: str, holder_id: str, consent_id: str
) -> list[str]:
    """Take off offer what cites a record of consents that does not stand; answers which listings."""
    found = select(Listing).where(Listing.product_id == object_id, Listing.seller_id == holder_id)
    fallen = []
    for one in (await s.exec(found)).all():
        if (one.materials.get("personal") or {}).get("consent_id") != consent_id:
            continue
        if one.status is ListingState.LISTED:
            await suspend_listing(s, act, listing_id=one.listing_id, reason_code=CONSENT_WITHDRAWN)
            fallen.append(one.listing_id)
        else:
            await tell_moved(s, act, one)
    return fallen


async def suspend_unassessed(s: WriteSession, act: Act, *, object_id: str, holder_id: str) -> list[str]:
    """Take off offer what has personal data and no assessment of its file any more; answers which."""
    found = select(Listing).where(Listing.product_id == object_id, Listing.seller_id == holder_id)
    fallen = []
    for one in (await s.exec(found)).all():
        personal = one.materials.get("personal") or {}
        if not personal.get("contained") or personal.get("anonymised"):
            continue
        file = await get_file(s, file_id=one.file_id)
        try:
            await require_reviewed(
                s,
                object_id=object_id,
                holder_id=holder_id,
                use="LISTING",
                now=act.now,
                file_sha256=file.sha256,
            )
        except AssessmentMissing:
            pass
        else:
            continue  # another one carries it
        if one.status is ListingState.LISTED:
            await suspend_listing(s, act, listing_id=one.listing_id, reason_code=ASSESSMENT_LOST)
            fallen.append(one.listing_id)
        else:
            await tell_moved(s, act, one)
    return fallen
