"""What is said of a listing: the drafts of its `LST.*` statements. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from ledger.statement import Draft
from market.listings.buyers import BuyerConditions
from market.listings.conditions import Conditions
from market.listings.plans import PricePlan
from market.listings.rules import ListingEvent, ListingState
from market.listings.sandboxing import SandboxTerms
from market.listings.tables import Listing, ListingFile


def drafted(
    listing: Listing,
    file: ListingFile,
    *,
    derived_from: Sequence[str],
    bounds: Mapping[str, Conditions | BuyerConditions | SandboxTerms | None],
    plan: PricePlan | None,
) -> Draft:
    """LST.DRAFT: what is offered and what it was made from in public, its texts and prices in the opening.

    Conditions of use and for buyers, and what may be asked in the sandbox, are public where there are any:
    who thinks of buying has to know them.
    """
    bound = {name: one.document() for name, one in bounds.items() if one is not None}
    sources = {"derived_from": list(derived_from)} if derived_from else {}
    grant = {"grant_id": listing.grant_id} if listing.grant_id else {}
    cap = {"cap_minor": str(listing.cap_minor)} if listing.cap_minor is not None else {}
    price = listing.list_price_minor
    planned = {} if plan is None else {"price_plan": plan.document()}
    return Draft(
        "LST.DRAFT",
        listing.listing_id,
        public={
            "listing_id": listing.listing_id,
            "product_id": listing.product_id,
            "seller_id": listing.seller_id,
            "broker_id": listing.broker_id,
            "mandate_id": listing.mandate_id,
            "category": listing.category.value,
            "geo": listing.geo,
            "level": listing.level.value,
            "product_type": listing.product_type.value,
            "public_data": listing.public_data,
            "file": {"sha256": file.sha256, "bytes": file.bytes},
        }
        | grant
        | sources
        | bound,
        opening={
            "title": listing.title,
            "description": listing.description,
            "scenario": listing.scenario,
            "list_price_minor": None if price is None else str(price),
            "licence_of_data": listing.licence_of_data,
            "licence_class": listing.licence_class,
            "unit": listing.unit,
            "quantity": listing.quantity,
        }
        | cap
        | planned,
        subjects={"file": file.sha256},
        after=listing.status.value,
    )


def step(
    listing: Listing,
    event: ListingEvent,
    before: ListingState,
    *,
    public: Mapping[str, Any] | None = None,
    opening: Mapping[str, Any] | None = None,
    subjects: Mapping[str, str] | None = None,
) -> Draft:
    """A step of a listing that has been moved: `before` is where it stood."""
    named = {
        "listing_id": listing.listing_id,
        "seller_id": listing.seller_id,
        "review_round": listing.review_round,
    }
    return Draft(
        f"LST.{event.value}",
        listing.listing_id,
        public=named | dict(public or {}),
        opening=opening,
        subjects=subjects or {},
        before=before.value,
        after=listing.status.value,
    )
