"""A product's history: its versions with what each changed, and every step of it with its ledger entry."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from ledger.reader import statements_about
from market.listings.categories import CATEGORY_LABELS, PRODUCT_TYPE_LABELS, Label
from market.listings.history import Change, changes_between, versions_of
from registry.repository import scores_of
from web.pages.naming import names_of
from web.pages.products import seen
from web.pages.regions import region
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
_STEPS: Final = 200
_LABELLED: Final[Mapping[str, Mapping[Any, Label]]] = {
    "category": CATEGORY_LABELS,
    "product_type": PRODUCT_TYPE_LABELS,
}
_MONEY: Final = frozenset({"list_price_minor", "cap_minor"})


@router.get("/products/{listing_id}/history")
async def history(
    visitor: VisitorDep, listing_id: str, against: Annotated[str, Query(max_length=40)] = ""
) -> Response:
    """The product's versions, what this one changed (against the one before, or another), and its steps."""
    async with visitor.node.database.read() as s:
        listing = await seen(s, visitor, listing_id)
        versions = await versions_of(s, product_id=listing.product_id, seller_id=listing.seller_id)
        ids = [one.listing.listing_id for one in versions]
        scores = await scores_of(s, listing_ids=ids)
        said = await statements_about(s, object_ids=ids or [listing_id], limit=_STEPS)
        names = await names_of(s, [listing.seller_id], (one.org_id for one in said))
    this = next((one for one in versions if one.listing.listing_id == listing_id), None)
    older = [one for one in versions if one.listing.listing_id < listing_id]
    other = next((one for one in versions if one.listing.listing_id == against), older[0] if older else None)
    changes: list[Change] = []
    if this is not None and other is not None and this is not other:
        changes = changes_between(other.facts(), this.facts())
    return visitor.render(
        "history.html",
        listing=listing,
        versions=versions,
        numbers={one: len(ids) - place for place, one in enumerate(ids)},
        other=other,
        changes=[
            (one.name, _told(visitor, one.name, one.before), _told(visitor, one.name, one.after))
            for one in changes
        ],
        scores=scores,
        said=list(reversed(said)),
        names=names,
        title_of={one.listing.listing_id: one.listing.title for one in versions},
    )


def _told(visitor: Visitor, name: str, value: Any) -> tuple[str, Any]:
    """A value as a page shows it: how, and what."""
    if value is None:
        return "text", "–"
    if name in _LABELLED:
        return "text", visitor.named(_LABELLED[name][value])
    if name == "geo":
        return "text", visitor.named(region(value))
    if name in _MONEY:
        return "money", value
    return {"file_sha256": "digest", "bytes": "size", "level": "level"}.get(name, "text"), value
