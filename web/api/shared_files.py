"""The files of a share, by addresses that tell by themselves that they are ours; and profiles to begin with.

An address is asked for without a key and as often as a tool needs, by HEAD, GET and Range. It opens what
its query was counted for, until its end, and only as long as the right and the key stand.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Depends, Header, Request, Response

from base.clock import rfc3339
from base.db import WriteSession
from base.errors import Forbidden, Refusal
from ledger.acts import perform
from ledger.recording import Act
from market.customs.gate import places_abroad
from market.delivery.downloads import ROLE, while_open
from market.delivery.keys import get_live_key, token_of
from market.delivery.kinds import DeliveryKind, require_kind
from market.delivery.meter.service import use_act
from market.delivery.repository import get_entitlement
from market.delivery.rules import Span, choose_bytes, etag
from market.delivery.sharing.service import EVENT, Fetched, count_fetch, fetched_by, require_open
from web.acts import Id
from web.deps import CallerDep, NodeDep, ReadDep
from web.files import Sending, file_headers
from web.node import Node
from web.problems import MEDIA_TYPE, on_domain_error

PREFIX: Final = "/delta-sharing"
_PARQUET: Final = "application/vnd.apache.parquet"

files = APIRouter(prefix=f"{PREFIX}/files", include_in_schema=False)
router = APIRouter(tags=["entitlements"])


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a file, as it was given out."""

    use_id: str
    key_id: str
    stamp: str
    tag: str


async def _address(use_id: Id, key_id: Id, stamp: str, tag: str) -> Address:
    return Address(use_id, key_id, stamp, tag)


AddressDep = Annotated[Address, Depends(_address)]
_FILE: Final = "/{use_id}/{key_id}/{stamp}/{tag}/part-0.parquet"


@files.get(_FILE)
async def fetch(
    address: AddressDep,
    request: Request,
    node: NodeDep,
    if_range: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """The file of a query, or a range of it, as often as it is asked for while its address lives."""
    fetched = await _fetched(request, node, address)
    if isinstance(fetched, Response):
        return fetched
    table = fetched.table
    headers = file_headers(table.sha256)
    reply = choose_bytes(
        range_field=request.headers.get("range"), if_range=if_range, size=table.bytes, tag=etag(table.sha256)
    )
    if reply.span is None:
        return Response(status_code=416, headers=headers | {"content-range": reply.content_range})
    await node.files.check(table)
    refused = await _counted(request, node, fetched, reply.span)
    if refused is not None:
        return refused
    headers["content-length"] = str(reply.span.length)
    if reply.partial:
        headers["content-range"] = reply.content_range
    return Sending(
        _pieces(node, fetched, reply.span),
        status_code=206 if reply.partial else 200,
        media_type=_PARQUET,
        headers=headers,
    )


@files.head(_FILE)
async def describe(address: AddressDep, request: Request, node: NodeDep) -> Response:
    """Length and digest of the file of a query."""
    fetched = await _fetched(request, node, address)
    if isinstance(fetched, Response):
        return fetched
    headers = file_headers(fetched.table.sha256) | {"content-length": str(fetched.table.bytes)}
    return Response(headers=headers, media_type=_PARQUET)


async def _fetched(request: Request, node: Node, address: Address) -> Fetched | Response:
    """What an address opens now, or why it opens nothing: 403, whatever it is that has ended."""
    try:
        async with node.database.read() as s:
            return await fetched_by(
                s,
                master=node.safe.master,
                use_id=address.use_id,
                key_id=address.key_id,
                stamp=address.stamp,
                tag=address.tag,
                now=node.clock.now(),
            )
    except (Refusal, Forbidden) as error:
        return await _refused(request, error)


async def _counted(request: Request, node: Node, fetched: Fetched, span: Span) -> Response | None:
    """Book what is sent again, where it goes abroad; None where it may go."""
    async with node.database.read() as s:
        places = [await places_abroad(s, org_id=one, asks=True) for one in fetched.receivers]
    if not any(places):
        return None

    async def counted(s: WriteSession, act: Act) -> None:
        await count_fetch(s, act, fetched=fetched, volume_bytes=span.length)

    act = use_act(node.house, fetched.actor)
    try:
        await perform(node.house, act, counted, attempted=EVENT, object_id=fetched.key.entitlement_id)
    except (Refusal, Forbidden) as error:
        return await _refused(request, error)
    return None


async def _refused(request: Request, error: Refusal | Forbidden) -> Response:
    problem = await on_domain_error(request, error)
    said = orjson.loads(bytes(problem.body)) | {"status": 403}
    return Response(
        orjson.dumps(said), status_code=403, media_type=MEDIA_TYPE, headers={"cache-control": "no-store"}
    )


def _pieces(node: Node, fetched: Fetched, span: Span) -> AsyncIterator[bytes]:
    """Whoever stops a right, or a key, stops what is on its way too."""

    async def ask() -> None:
        async with node.database.read() as s:
            await require_open(s, fetched.key.key_id, now=node.clock.now())

    return while_open(node.files.read(fetched.table, span.start, span.end), ask)


@router.get("/keys/{key_id}/profile", response_class=Response)
async def profile(key_id: Id, caller: CallerDep, s: ReadDep) -> Response:
    """The profile file of a key, which Delta Sharing clients load; it holds the key's token: keep it safe."""
    caller.require(ROLE)
    node = caller.node
    key = await get_live_key(s, key_id=key_id, org_id=caller.actor.org_id, now=node.clock.now())
    require_kind((await get_entitlement(s, entitlement_id=key.entitlement_id)).kind, DeliveryKind.SHARE)
    said = {
        "shareCredentialsVersion": 1,
        "endpoint": f"{node.settings.public_url}{PREFIX}",
        "bearerToken": token_of(node.safe.master, key_id),
        "expirationTime": rfc3339(key.expires_at),
    }
    headers = {
        "content-disposition": f'attachment; filename="{key_id}.share"',
        "cache-control": "private, no-store",
    }
    return Response(
        orjson.dumps(said, option=orjson.OPT_INDENT_2), media_type="application/json", headers=headers
    )
