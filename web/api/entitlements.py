"""What one has bought: entitlements, and the file itself (RFC 9110 Range, ETag; RFC 9530 digests)."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response, StreamingResponse

from market.delivery import repository
from market.delivery.access import Declared
from market.delivery.errors import EntitlementUnknown
from market.listings.conditions import Purpose
from market.orders.bounding import is_recipient
from web.acts import Id
from web.deps import CallerDep, ReadDep
from web.files import file_headers, send_file
from web.views import EntitlementView

router = APIRouter(tags=["entitlements"])
_PARTS: Final[dict[int | str, dict[str, Any]]] = {
    206: {"description": "The range that was asked for"},
    416: {"description": "No such range; `Content-Range` tells the length"},
}


@router.get("/entitlements")
async def entitlements(caller: CallerDep, s: ReadDep) -> list[EntitlementView]:
    """What one's organisation may receive, newest first."""
    rows = await repository.entitlements_of(s, buyer_id=caller.actor.org_id)
    return [EntitlementView.of(row) for row in rows]


@router.get("/entitlements/named")
async def named(caller: CallerDep, s: ReadDep) -> list[EntitlementView]:
    """What one's organisation may receive as a recipient that another's contract names, newest first."""
    rows = await repository.entitlements_for(s, org_id=caller.actor.org_id)
    return [EntitlementView.of(row) for row in rows]


@router.head("/entitlements/{entitlement_id}/file", response_class=Response)
async def describe(entitlement_id: Id, caller: CallerDep, s: ReadDep) -> Response:
    """Length and digest of the file, without taking it."""
    row = await repository.get_entitlement(s, entitlement_id=entitlement_id)
    org_id = caller.actor.org_id
    if row.buyer_id != org_id and not await is_recipient(s, trade_id=row.trade_id, org_id=org_id):
        raise EntitlementUnknown("no such entitlement", entitlement_id=entitlement_id)
    headers = file_headers(row.sha256) | {"content-length": str(row.bytes)}
    return Response(headers=headers)


@router.get("/entitlements/{entitlement_id}/file", response_class=StreamingResponse, responses=_PARTS)
async def download(
    entitlement_id: Id,
    request: Request,
    caller: CallerDep,
    *,
    purpose: Annotated[Purpose | None, Query()] = None,
    recipient: Annotated[Id | None, Query()] = None,
    if_range: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """The file, or a range of it; a download broken off is taken up again with Range.

    For the buyer, and for a recipient that the contract names. The contract's usage policy is asked:
    `purpose` declares for which of its purposes, and may be left out where there is one; `recipient` declares
    for whom, and is whoever asks unless the buyer says so. All of them share the uses that there are.
    """
    declared = Declared(purpose, recipient)
    return await send_file(caller, entitlement_id, request.headers.get("range"), if_range, declared)
