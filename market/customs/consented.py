"""A person's consent to export that has fallen closes the gate to whom it named (PIPL 15, 39)."""

from typing import Final, Protocol

from base.db import ReadSession
from market.customs.errors import CustomsRouteNotOpen
from market.listings.materials import materials_of_kept
from market.listings.tables import Listing
from market.orders.tables import Trade
from registry.grading.repository import consent_of
from registry.withheld.service import withheld_by

_ANSWERS_ANEW: Final = "API"


class Asked(Protocol):
    """What of a sale is asked here."""

    @property
    def seller_id(self) -> str: ...
    @property
    def product_id(self) -> str: ...
    @property
    def listing_id(self) -> str: ...


async def require_consented(s: ReadSession, sold: Asked, *, recipient_id: str, kind: str | None) -> None:
    """Nobody whom it would carry abroad to this recipient has withdrawn. Raises CustomsRouteNotOpen.

    Asked of the record that the listing cites; what was delivered before that record was made has the person
    in it still, unless it answers from the holder's present data.
    """
    listing = await s.get(Listing, sold.listing_id)
    if listing is None or not listing.materials:
        return
    personal = materials_of_kept(listing.materials).personal
    if not personal.contained or personal.anonymised:
        return
    record = None if personal.consent_id is None else await consent_of(s, consent_id=personal.consent_id)
    moment = None if record is None else record.recorded_at
    if isinstance(sold, Trade) and sold.delivered_at is not None and kind != _ANSWERS_ANEW:
        moment = sold.delivered_at if moment is None else min(moment, sold.delivered_at)
    given_id = await withheld_by(
        s,
        object_id=sold.product_id,
        holder_id=sold.seller_id,
        recorded_at=moment,
        recipients=(recipient_id,),
        abroad=True,
    )
    if given_id is not None:
        raise CustomsRouteNotOpen(
            "a person has withdrawn the consent to its export", given_id=given_id, why="withdrawn-by-a-person"
        )
