"""The log as files for anyone: C2SP tlog-tiles, each byte as it was published, one prefix a shard.

A tile never changes, so it may be kept for ever; the checkpoint may be kept for seconds. A partial tile
that has gone is cut from its full one: whoever holds a checkpoint we signed finds every tile of it.
"""

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field
from starlette.responses import PlainTextResponse

from base.errors import NotFound
from brokers.credential.repository import issuers
from brokers.credential.tables import IssuerRow
from ledger.errors import TileInvalid
from ledger.log_keys import log_keys, past_keys, shards
from ledger.publisher import CHECKPOINT_FILE
from ledger.rotation import LogKeys
from ledger.tiles import ENTRIES, WIDTH, Tile, pack_entries, parse_path, unpack_entries
from ledger.tree import HASH_BYTES
from market.delivery.rules import choose_bytes
from web.deps import NodeDep, ReadDep
from web.node import Node
from web.packing import gzipped, takes_gzip
from web.views import View

log = APIRouter(tags=["log files"])
_SHORT: Final = "public, max-age=5"
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_TEXT: Final = "text/plain; charset=utf-8"
_BYTES: Final = "application/octet-stream"
_SHARD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}")
# Whatever runs in a browser elsewhere may read what anybody may read.
_FOR_ANYBODY: Final = {"access-control-allow-origin": "*"}


class VkeyView(View):
    vkey: str
    from_size: int
    to_size: int | None


class ClosedView(View):
    """A log that came to its end; the one after it names its last checkpoint in entry 0."""

    origin: str
    size: int
    vkeys: list[VkeyView]
    checkpoint: str
    tiles: str


class IssuerView(View):
    """A key that signs, or once signed, the credentials of brokers; pin it, then check offline."""

    did: str
    since: datetime
    until: datetime | None
    status_list: str
    statement_id: str


class ParticularsView(View):
    """Whom to check against: pin the vkey, then fetch the log."""

    origin: str
    vkeys: list[VkeyView]
    exchange_keyid: str
    checkpoint: str
    tiles: str
    api: str
    closed: list[ClosedView]
    witnesses: list[str] = Field(description="The verifier keys of this log's witnesses")
    witness: str | None = Field(
        description="The verifier key that this node cosigns other logs by, if it does"
    )
    issuer: IssuerView | None = Field(description="Who signs the credentials of brokers, if anybody does")
    past_issuers: list[IssuerView]


@log.get("/.well-known/databourse")
async def particulars(node: NodeDep, s: ReadDep, response: Response) -> ParticularsView:
    """Who this log is, which key signs at which size, and where it is read (RFC 8615)."""
    response.headers.update(_FOR_ANYBODY | {"cache-control": "public, max-age=60"})
    keys = await log_keys(s)
    return ParticularsView(
        origin=node.publisher.signer.name,
        vkeys=_windows(keys),
        exchange_keyid=node.house.exchange.pen.key.keyid,
        **_addresses(node, node.publisher.signer.name),
        api=f"{node.settings.public_url}/api/v1/openapi.json",
        closed=[
            ClosedView(
                origin=one.origin,
                size=one.size,
                vkeys=_windows(await past_keys(s, number=one.number)),
                **_addresses(node, one.origin),
            )
            for one in await shards(s)
        ],
        witnesses=[str(vkey) for vkey in node.publisher.witness_keys],
        witness=None if node.desk is None else str(node.desk.vkey),
        **_issuers(node, await issuers(s)),
    )


def _issuers(node: Node, rows: Sequence[IssuerRow]) -> dict[str, Any]:
    """The one in office, and those before it."""
    views = [
        IssuerView(
            did=row.did,
            since=row.since,
            until=row.retired_at,
            status_list=node.credentials.list_url(row.number),
            statement_id=row.statement_id,
        )
        for row in rows
    ]
    present = [view for view in views if view.until is None]
    return {
        "issuer": present[0] if present else None,
        "past_issuers": [view for view in views if view.until is not None],
    }


def _windows(keys: LogKeys) -> list[VkeyView]:
    return [
        VkeyView(vkey=str(window.vkey), from_size=window.from_size, to_size=window.to_size)
        for window in keys.windows
    ]


def _addresses(node: Node, origin: str) -> dict[str, str]:
    """Where a log of ours is read: the first one at the root, a later one under its prefix."""
    url, prefix = node.settings.public_url, origin.rpartition("/")[2]
    base = url if origin == node.settings.origin else f"{url}/{prefix}"
    return {"checkpoint": f"{base}/checkpoint", "tiles": f"{base}/tile/"}


def folder_of(node: Node, shard: str) -> Path:
    """The published folder of a shard, named by the last part of its origin; raises NotFound.

    The first log's files lie in the log's folder itself, those of a later one in a folder there with the
    shard's name: what was published at an address stays there.
    """
    if shard == node.settings.origin.rpartition("/")[2]:
        return node.settings.log_dir
    folder = node.settings.log_dir / shard
    if _SHARD.fullmatch(shard) is None or not (folder / CHECKPOINT_FILE).is_file():
        raise NotFound("no such shard")
    return folder


def _first(node: NodeDep) -> Path:
    return node.settings.log_dir


First: TypeAlias = Annotated[Path, Depends(_first)]


@log.head("/checkpoint", include_in_schema=False)
@log.get("/checkpoint", response_class=PlainTextResponse)
async def checkpoint(request: Request, folder: First) -> Response:
    """The newest signed checkpoint of the exchange's first log (C2SP tlog-checkpoint)."""
    return await _checkpoint(request, folder)


@log.head("/tile/{path:path}", include_in_schema=False)
@log.get("/tile/{path:path}", response_class=Response, responses={200: {"content": {_BYTES: {}}}})
async def tile(request: Request, folder: First, path: str) -> Response:
    """A tile of the exchange's first log (C2SP tlog-tiles); it never changes."""
    return await _tile(request, folder, path)


@log.head("/{shard}/checkpoint", include_in_schema=False)
@log.get("/{shard}/checkpoint", response_class=PlainTextResponse)
async def checkpoint_of_shard(request: Request, node: NodeDep, shard: str) -> Response:
    """The newest signed checkpoint of a shard, by the last part of its origin."""
    return await _checkpoint(request, folder_of(node, shard))


@log.head("/{shard}/tile/{path:path}", include_in_schema=False)
@log.get("/{shard}/tile/{path:path}", response_class=Response, responses={200: {"content": {_BYTES: {}}}})
async def tile_of_shard(request: Request, node: NodeDep, shard: str, path: str) -> Response:
    """A tile of a shard."""
    return await _tile(request, folder_of(node, shard), path)


async def _checkpoint(request: Request, folder: Path) -> Response:
    data = await asyncio.to_thread(_read, folder / CHECKPOINT_FILE)
    if data is None:
        raise NotFound("nothing is published yet")
    return answer(request, data, media_type=_TEXT, kept=_SHORT)


async def _tile(request: Request, folder: Path, path: str) -> Response:
    try:
        place = parse_path(f"tile/{path}")
    except TileInvalid:
        raise NotFound("no such tile") from None
    data = await asyncio.to_thread(_tile_bytes, folder, place)
    if data is None:
        raise NotFound("no such tile")
    packed = place.level == ENTRIES
    return await asyncio.to_thread(answer, request, data, media_type=_BYTES, kept=_FOR_EVER, packed=packed)


def _tile_bytes(folder: Path, place: Tile) -> bytes | None:
    """A published tile; a partial one that gave way to its full tile is cut from that one."""
    found = _read(folder / place.path)
    if found is not None or place.width == WIDTH:
        return found
    whole = _read(folder / Tile(place.level, place.index).path)
    if whole is None or place.level != ENTRIES:
        return None if whole is None else whole[: place.width * HASH_BYTES]
    return pack_entries(list(unpack_entries(whole))[: place.width])


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def answer(request: Request, data: bytes, *, media_type: str, kept: str, packed: bool = False) -> Response:
    """The bytes as HTTP would have them: 200, 206 of one range, 304 or 416 (RFC 9110 §13, §14).

    `packed` may be compressed, for whoever asks for gzip and for no range: another representation, under
    a tag of its own.
    """
    zipped = packed and "range" not in request.headers and takes_gzip(request.headers)
    tag = f'"{sha256(data).hexdigest()[:32]}{"-gzip" if zipped else ""}"'
    headers = _FOR_ANYBODY | {"etag": tag, "cache-control": kept, "accept-ranges": "bytes"}
    if packed:
        headers["vary"] = "accept-encoding"
    if _known(request, tag):
        return Response(status_code=304, headers=headers)
    if zipped:
        return Response(
            gzipped(data),
            media_type=media_type,
            headers=headers | {"content-encoding": "gzip"},
        )
    if request.method == "HEAD":
        return Response(data, media_type=media_type, headers=headers)
    asked, condition = request.headers.get("range"), request.headers.get("if-range")
    reply = choose_bytes(range_field=asked, if_range=condition, size=len(data), tag=tag)
    if reply.span is None:
        return Response(status_code=416, headers=headers | {"content-range": reply.content_range})
    if reply.partial:
        headers["content-range"] = reply.content_range
    part = data[reply.span.start : reply.span.end]
    return Response(part, 206 if reply.partial else 200, media_type=media_type, headers=headers)


def _known(request: Request, tag: str) -> bool:
    """Whether the caller has these bytes already (If-None-Match, compared weakly)."""
    told = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    return tag in told or told == ["*"]
