"""`/gateway/{entitlement_id}/…`: calls of bought interfaces, by access key (`market.delivery.gateway`).

Its own route rather than one of the API's: it is called often, by tools, and answers what a provider says.
"""

import base64
import re
from collections.abc import Iterator
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from base.errors import Malformed, Unauthenticated
from base.idempotency import IdempotencyKeyMalformed
from market.delivery.gateway.desk import Answered
from market.delivery.gateway.errors import NotOffered, TargetMalformed, TargetTooLong
from market.delivery.gateway.rules import METHODS
from market.delivery.gateway.spool import Spool
from market.delivery.gateway.target import target_of
from market.delivery.gateway.upstream import MAX_BODY_BYTES, Asked
from market.delivery.meter.receipts import leaf_of
from web.limits import LEAVE
from web.node import Node

PREFIX: Final = "/gateway"
_ID: Final = re.compile(r"ent_[0-9a-hjkmnp-tv-z]{26}")
_KEY: Final = re.compile(r"[\x21-\x7e]{1,64}")


def install(app: FastAPI) -> None:
    """Add the gateway; before the other routes, for it is on the hot path."""
    path = f"{PREFIX}/{{entitlement_id}}/{{rest:path}}"
    app.router.routes.insert(0, Route(path, through, methods=list(METHODS), include_in_schema=False))


async def through(request: Request) -> Response:
    """One call: asked of whoever answers it, counted, answered."""
    node: Node = request.app.state.node
    entitlement_id, key = request.path_params["entitlement_id"], request.headers.get("idempotency-key")
    if _ID.fullmatch(entitlement_id) is None:
        raise Malformed("a right is named by its id", member="entitlement_id")
    if key is not None and _KEY.fullmatch(key) is None:
        raise IdempotencyKeyMalformed("an Idempotency-Key is 1 to 64 visible ASCII characters")
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("an access key is asked for, as a bearer token")
    asked = await _asked(request, entitlement_id)
    opened = await node.gateway.open(token, entitlement_id=entitlement_id)
    request.scope[LEAVE]()  # a provider that hangs holds no place at the door
    return response_of(await node.gateway.call(opened, asked, key=key))


async def _asked(request: Request, entitlement_id: str) -> Asked:
    """What a request asks; its body is read here, and its path as it was sent."""
    if request.method not in METHODS:
        raise NotOffered("GET and POST are answered", method=request.method)
    raw: bytes = request.scope["raw_path"].partition(b"?")[0]
    prefix = f"{PREFIX}/{entitlement_id}".encode()
    if not raw.startswith(prefix):
        raise TargetMalformed("the address is written plainly up to the right's id")
    target = target_of(raw.removeprefix(prefix), request.scope["query_string"])
    body = await request.body()
    if len(body) > MAX_BODY_BYTES:
        raise TargetTooLong("the body is too long", limit_bytes=MAX_BODY_BYTES)
    if body and request.method == "GET":
        raise TargetMalformed("a GET has no body")
    return Asked(request.method, target, tuple(request.scope["headers"]), body)


def response_of(answered: Answered) -> Response:
    """The answer as it leaves: with its receipt's number and leaf where it was charged."""
    answer, charged = answered.answer, answered.charged
    digest = base64.b64encode(bytes.fromhex(answer.spool.sha256)).decode()
    headers = {
        **dict(answer.headers),
        "repr-digest": f"sha-256=:{digest}:",
        "content-length": str(answer.spool.bytes),
        "content-security-policy": "sandbox; default-src 'none'",
        "cache-control": "private, no-store",
        "databourse-charged": "yes" if charged is not None and charged.fresh else "no",
    }
    if answer.content_type is not None:
        headers["content-type"] = answer.content_type
    if charged is not None:
        use = charged.use
        headers["databourse-use"] = str(use.number)
        headers["databourse-receipt"] = leaf_of(use, trade_id=answered.trade_id).hex()
        receipt = f"/api/v1/entitlements/{use.entitlement_id}/uses/{use.number}/receipt"
        headers["link"] = f'<{receipt}>; rel="describedby"'
    whole = answer.spool.whole
    if whole is not None:
        return Response(whole, status_code=answer.status, headers=headers)
    return StreamingResponse(_pieces(answer.spool), status_code=answer.status, headers=headers)


def _pieces(spool: Spool) -> Iterator[bytes]:
    try:
        yield from spool.pieces()
    finally:
        spool.close()
