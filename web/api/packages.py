"""A file as an encrypted package: fetched ahead, in ranges; and its key, released for one recipient key."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response, StreamingResponse

from market.delivery.access import Declared
from market.delivery.downloads import ROLE
from market.delivery.packages.service import fetch_package, package_stream
from market.listings.conditions import Purpose
from web.acts import Id
from web.deps import WAITING, CallerDep, respond
from web.files import Sending, file_headers
from web.packages import ReleaseForm, ReleaseView, release
from web.views import done_view

router = APIRouter(tags=["entitlements"])
MEDIA_TYPE: Final = "application/octet-stream"
_PARTS: Final[dict[int | str, dict[str, Any]]] = {
    206: {"description": "The range that was asked for"},
    416: {"description": "No such range; `Content-Range` tells the length"},
}


@router.get("/entitlements/{entitlement_id}/package", response_class=StreamingResponse, responses=_PARTS)
async def package(
    entitlement_id: Id,
    request: Request,
    caller: CallerDep,
    *,
    purpose: Annotated[Purpose | None, Query()] = None,
    recipient: Annotated[Id | None, Query()] = None,
    if_range: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """The encrypted package of the file, or a range of it (`docs/packages.md`). It is no use of the right.

    The first request makes it, which takes as long as reading the file.
    """
    caller.require(ROLE)
    node = caller.node
    fetch = await fetch_package(
        node.house,
        node.files,
        node.safe.master,
        caller.actor,
        entitlement_id=entitlement_id,
        range_field=request.headers.get("range"),
        if_range=if_range,
        declared=Declared(purpose, recipient),
    )
    headers, reply = file_headers(fetch.sha256), fetch.reply
    if reply.span is None:
        return Response(status_code=416, headers=headers | {"content-range": reply.content_range})
    headers["content-length"] = str(reply.span.length)
    if reply.partial:
        headers["content-range"] = reply.content_range
    return Sending(
        package_stream(node.house, node.files, caller.actor, fetch),
        status_code=206 if reply.partial else 200,
        media_type=MEDIA_TYPE,
        headers=headers | {"content-disposition": f'attachment; filename="{entitlement_id}.package"'},
    )


@router.post(
    "/entitlements/{entitlement_id}/package/key",
    status_code=201,
    response_model=done_view(ReleaseView),
    openapi_extra=WAITING,
)
async def release_one(entitlement_id: Id, form: ReleaseForm, caller: CallerDep) -> Response:
    """Have the package's key released for an age key of one's own: this is the use, and it is counted.

    Asked for again with the same age key it is the same release, and no other use.
    """
    return respond(await release(caller, entitlement_id, form))
