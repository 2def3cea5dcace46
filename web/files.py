"""Files through the doors, the same for API and pages: kept, measured, sent."""

import base64
import re
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from base.db import WriteSession
from base.errors import Malformed
from base.files import FileTooLarge, StoredFile
from ledger.acts import Once, perform
from ledger.recording import Act
from market.customs.states import EXPORTERS
from market.delivery.access import Declared
from market.delivery.downloads import (
    EVENT,
    ROLE,
    UNDECLARED,
    Opened,
    download_act,
    open_download,
    open_stream,
)
from market.delivery.rules import etag
from market.delivery.sandbox.service import Sandbox
from market.listings import repository, service
from market.listings.tables import ListingFile
from market.listings.uploads import quota_full, require_room, room_left
from registry.declared import declared_from
from registry.measure import measure_file
from registry.preview import masked
from registry.service import MEASURE_EVENT, record_measurement
from registry.tables import QualityRow
from web.deps import Caller
from web.limits import Upload
from web.node import Node

_LISTERS: Final = frozenset({"PROVIDER", "BROKER"}) | EXPORTERS  # who declares brings lists of persons
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,60}", re.IGNORECASE)
_NAME: Final = re.compile(r"[^\x00-\x1f/\\]{1,200}")


def sandbox_of(node: Node) -> Sandbox:
    """What questions to the tables of files are run with here."""
    return Sandbox(node.house, node.files, node.scratch(), node.answering)


async def keep_upload(
    caller: Caller, content: AsyncIterator[bytes], *, name: str, media_type: str, length: str | None = None
) -> ListingFile:
    """Encrypt an upload while it comes in, and remember whose it is; its bytes go when that fails.

    `length` is what the sender says it will be. Nothing is stated yet. Raises Malformed for a name that
    is none, FileTooLarge, FileEmpty, UploadQuotaFull, TooManyUploads.
    """
    caller.require(*_LISTERS)
    if _NAME.fullmatch(name) is None:
        raise Malformed("a file name has no path and no control characters", member="name")
    node = caller.node
    limit = node.settings.upload_limit_bytes
    if length is not None and length.isdecimal() and int(length[:20]) > limit:
        raise FileTooLarge("the file is above the limit", limit_bytes=limit)
    kind = media_type if _MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream"
    with node.uploads.one(caller.actor.org_id) as upload:
        async with node.database.read() as s:
            left = await room_left(s, owner_id=caller.actor.org_id, quota=node.quota)
        stored = await node.files.put(_counted(caller, content, upload, left), limit_bytes=limit)
        return await _keep(caller, stored, name, kind)


async def _counted(
    caller: Caller, content: AsyncIterator[bytes], upload: Upload, left: int
) -> AsyncIterator[bytes]:
    """The bytes as they come, as long as all that the member has under way fits into what was left."""
    async for chunk in content:
        upload.bytes += len(chunk)
        if caller.node.uploads.brought(caller.actor.org_id, upload) > left:
            raise quota_full(caller.node.quota)
        yield chunk


async def _keep(caller: Caller, stored: StoredFile, name: str, kind: str) -> ListingFile:
    """Remember whose a stored file is; its bytes go when that fails."""
    node = caller.node

    async def kept(s: WriteSession, act: Act) -> ListingFile:
        await require_room(s, owner_id=caller.actor.org_id, size=stored.bytes, quota=node.quota)
        return await service.keep_file(s, act, file=stored, name=name, media_type=kind)

    role = min(caller.actor.roles & _LISTERS)
    act = node.house.act(caller.actor, role, node.house.exchange.pen)
    try:
        return await perform(node.house, act, kept, attempted="LST.UPLOAD", object_id=caller.actor.org_id)
    except Exception:
        await node.files.delete(stored.file_id)
        raise


async def measure_listing(
    caller: Caller, listing_id: str, declared: dict[str, Any], *, once: Once | None = None
) -> QualityRow:
    """Measure in a child process, then state the report as the exchange (REG.MEASURE).

    For the listing's seller or broker; to others it does not exist. A few at a time: the others wait.
    Raises ListingUnknown, DeclarationBroken, and what cannot be measured.
    """
    caller.require(*_LISTERS)
    node = caller.node
    async with node.database.read() as s:
        listing = await repository.get_listing_of(s, listing_id=listing_id, org_id=caller.actor.org_id)
        file = await repository.get_file(s, file_id=listing.file_id)
    declaration = declared_from(declared)
    async with node.measuring:
        with tempfile.TemporaryDirectory(dir=node.scratch()) as folder:
            path = Path(folder) / "data"
            await node.files.copy_to(repository.stored(file), path)
            report = await measure_file(path, declaration, as_of=node.clock.now())

    async def recorded(s: WriteSession, act: Act) -> QualityRow:
        return await record_measurement(
            s,
            act,
            listing_id=listing_id,
            file_sha256=file.sha256,
            report=report,
            preview=masked(report, listing.level),
            master=node.safe.master,
        )

    act = node.house.exchange_act()
    return await perform(node.house, act, recorded, attempted=MEASURE_EVENT, object_id=listing_id, once=once)


async def send_file(
    caller: Caller,
    entitlement_id: str,
    range_field: str | None,
    if_range: str | None,
    declared: Declared = UNDECLARED,
) -> Response:
    """Answer one request for a file, for buyer or recipient: 200, 206 or 416 (RFC 9110 §14, RFC 9530)."""
    caller.require(ROLE)
    node = caller.node

    async def opened_file(s: WriteSession, act: Act) -> Opened:
        return await open_download(
            s,
            act,
            entitlement_id=entitlement_id,
            range_field=range_field,
            if_range=if_range,
            declared=declared,
        )

    act = download_act(node.house, caller.actor)
    opened = await perform(node.house, act, opened_file, attempted=EVENT, object_id=entitlement_id)
    headers = file_headers(opened.file.sha256)
    reply = opened.reply
    if reply.span is None:
        return Response(status_code=416, headers=headers | {"content-range": reply.content_range})
    stream = await open_stream(node.house, node.files, caller.actor, opened)
    headers["content-length"] = str(reply.span.end - reply.span.start)
    if reply.partial:
        headers["content-range"] = reply.content_range
    return Sending(
        stream,
        status_code=206 if reply.partial else 200,
        media_type=opened.media_type,
        headers=headers | {"content-disposition": kept_as(opened.name, entitlement_id)},
    )


def kept_as(name: str, plain: str) -> str:
    """How a download is named where it is kept: as it was sold, `plain` where that is not read (RFC 6266)."""
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def file_headers(sha256: str) -> dict[str, str]:
    """What is said of a file whichever part of it is sent."""
    digest = base64.b64encode(bytes.fromhex(sha256)).decode()
    return {
        "accept-ranges": "bytes",
        "etag": etag(sha256),
        "repr-digest": f"sha-256=:{digest}:",
        "cache-control": "private, no-store",
    }


class Sending(StreamingResponse):
    """A stream that is closed also when the client goes away, so that what was sent is counted."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        stream = self.body_iterator
        try:
            await super().__call__(scope, receive, send)
        finally:
            assert isinstance(stream, AsyncGenerator)
            await stream.aclose()
