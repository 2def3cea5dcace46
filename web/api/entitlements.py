"""What one has bought: entitlements, and the file itself (RFC 9110 Range, ETag; RFC 9530 digests)."""

import base64
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.responses import Response, StreamingResponse

from base.db import WriteSession
from ledger.acts import perform
from ledger.recording import Act
from market.delivery import repository
from market.delivery.downloads import EVENT, Opened, download_act, open_download, open_stream
from market.delivery.errors import EntitlementUnknown
from market.delivery.rules import etag
from web.deps import Caller, CallerDep, ReadDep
from web.views import EntitlementView

router = APIRouter(tags=["entitlements"])


@router.get("/entitlements")
async def entitlements(caller: CallerDep, s: ReadDep) -> list[EntitlementView]:
    """What one's organisation may receive, newest first."""
    rows = await repository.entitlements_of(s, buyer_id=caller.actor.org_id)
    return [EntitlementView.of(row) for row in rows]


@router.head("/entitlements/{entitlement_id}/file")
async def describe(entitlement_id: str, caller: CallerDep, s: ReadDep) -> Response:
    """Length and digest of the file, without taking it."""
    row = await repository.get_entitlement(s, entitlement_id=entitlement_id)
    if row.buyer_id != caller.actor.org_id:
        raise EntitlementUnknown("no such entitlement", entitlement_id=entitlement_id)
    headers = _headers(row.sha256) | {"content-length": str(row.bytes)}
    return Response(headers=headers)


@router.get("/entitlements/{entitlement_id}/file")
async def download(
    entitlement_id: str,
    request: Request,
    caller: CallerDep,
    if_range: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """The file, or a range of it; a download broken off is taken up again with Range."""
    return await send_file(caller, entitlement_id, request.headers.get("range"), if_range)


async def send_file(
    caller: Caller, entitlement_id: str, range_field: str | None, if_range: str | None
) -> Response:
    """Answer one request for a file: 200, 206 or 416."""
    node = caller.node

    async def opened_file(s: WriteSession, act: Act) -> Opened:
        return await open_download(
            s, act, entitlement_id=entitlement_id, range_field=range_field, if_range=if_range
        )

    act = download_act(node.house, caller.actor)
    opened = await perform(node.house, act, opened_file, attempted=EVENT, object_id=entitlement_id)
    headers = _headers(opened.file.sha256)
    reply = opened.reply
    if reply.span is None:
        return Response(status_code=416, headers=headers | {"content-range": reply.content_range})
    stream = await open_stream(node.house, node.files, caller.actor, opened)
    headers["content-length"] = str(reply.span.end - reply.span.start)
    if reply.partial:
        headers["content-range"] = reply.content_range
    return StreamingResponse(
        _closing(stream),
        status_code=206 if reply.partial else 200,
        media_type=opened.media_type,
        headers=headers | {"content-disposition": f'attachment; filename="{entitlement_id}"'},
    )


async def _closing(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Close the stream also when the client goes away: what was sent is counted."""
    async with aclosing(stream) as open_one:  # type: ignore[type-var]  # an async generator
        async for chunk in open_one:
            yield chunk


def _headers(sha256: str) -> dict[str, str]:
    digest = base64.b64encode(bytes.fromhex(sha256)).decode()
    return {
        "accept-ranges": "bytes",
        "etag": etag(sha256),
        "repr-digest": f"sha-256=:{digest}:",
        "cache-control": "private, no-store",
    }
