"""The versions of a product: every listing of it that was ever on offer, and what each changed."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlmodel import col, select

from base.db import ReadSession
from market.listings.repository import MAX_PAGE
from market.listings.tables import Listing, ListingFile, ListingPlan

_TOLD: Final = (
    *("title", "description", "scenario", "category", "geo", "product_type", "level", "public_data"),
    *("licence_class", "licence_of_data", "quantity", "unit", "list_price_minor", "cap_minor"),
)


class Version(NamedTuple):
    """A listing of a product with its file; `plan` is its price plan as it was written, if it has one."""

    listing: Listing
    file: ListingFile
    plan: str | None

    def facts(self) -> dict[str, Any]:
        """What can change from one version to the next, by name."""
        told: dict[str, Any] = {name: getattr(self.listing, name) for name in _TOLD}
        return told | {"file_sha256": self.file.sha256, "bytes": self.file.bytes, "plan": self.plan}


class Change(NamedTuple):
    """What one version says otherwise than the one before."""

    name: str
    before: Any
    after: Any


async def versions_of(
    s: ReadSession, *, product_id: str, seller_id: str, limit: int = MAX_PAGE
) -> Sequence[Version]:
    """A seller's listings of a product that are or were on offer, the newest first."""
    query = (
        select(Listing, ListingFile, ListingPlan.document)
        .join(ListingFile, col(ListingFile.file_id) == col(Listing.file_id))
        .outerjoin(ListingPlan, col(ListingPlan.listing_id) == col(Listing.listing_id))
        .where(
            Listing.product_id == product_id,
            Listing.seller_id == seller_id,
            col(Listing.listed_at).is_not(None),
        )
        .order_by(col(Listing.listing_id).desc())
        .limit(min(limit, MAX_PAGE))
    )
    return [Version(*row) for row in (await s.exec(query)).all()]


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """What is not the same, in the order in which a listing tells it."""
    return [Change(name, before[name], after[name]) for name in after if before[name] != after[name]]
