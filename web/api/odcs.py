"""A listing's quality contract for machines: the Open Data Contract Standard 3.1."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from base.canonical import sha256_hex
from market.listings import repository
from market.listings.states import ListingState
from market.listings.tables import Listing
from market.orders.deadlines import DELIVER_WORKING_DAYS
from registry.odcs import MEDIA_TYPE, Offered, contract_of
from registry.service import bound_report
from web.acts import Id, Sha256
from web.api.catalogue import visible
from web.deps import NodeDep, ReadDep, VisitorDep
from web.files import file_headers

router = APIRouter(tags=["files and quality"])
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The contract", "content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}
}
_ENDED: Final = frozenset({ListingState.DELISTED, ListingState.SUSPENDED, ListingState.REJECTED})


@router.get("/listings/{listing_id}/contract.odcs.yaml", response_class=Response, responses=_ANSWERS)
async def contract(
    listing_id: Id,
    s: ReadDep,
    caller: VisitorDep,
    node: NodeDep,
    report: Annotated[Sha256 | None, Query(description="A report that a trade's contract names")] = None,
) -> Response:
    """The listing's quality contract (ODCS 3.1), by which `databourse check` measures a delivered copy."""
    listing = await visible(s, caller, listing_id)
    measured = await bound_report(s, listing_id=listing_id, report_sha256=report or listing.report_sha256)
    conditions = await repository.conditions_of(s, listing_id=listing_id)
    offered = Offered(
        listing_id=listing_id,
        product_id=listing.product_id,
        title=listing.title,
        status=_status(listing),
        category=listing.category.value,
        description=listing.description,
        scenario=listing.scenario,
        licence_of_data=listing.licence_of_data,
        unit=listing.unit,
        price_minor=listing.list_price_minor,
        delivery_wd=DELIVER_WORKING_DAYS,
        location=f"{str(node.settings.public_url).rstrip('/')}/api/v1/listings/{listing_id}",
        marking=conditions.marking,
    )
    body = contract_of(measured, offered)
    headers = file_headers(sha256_hex(body)) | {
        "content-disposition": f'attachment; filename="{listing_id}.odcs.yaml"'
    }
    return Response(body, media_type=MEDIA_TYPE, headers=headers)


def _status(listing: Listing) -> str:
    if listing.status is ListingState.LISTED:
        return "active"
    return "retired" if listing.status in _ENDED else "draft"
