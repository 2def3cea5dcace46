"""Files of the lists through the doors, the same for API and pages: brought, read, entered, shared."""

import asyncio
import hashlib
import re
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col
from starlette.responses import Response

from base.calendar import shanghai_day
from base.db import ReadSession, WriteSession
from base.errors import Malformed, NotFound
from base.files import FileTooLarge, StoredFile
from ledger.acts import perform
from ledger.recording import Act
from registry.grading.depending import level_of
from registry.lists import repository, sharing
from registry.lists.cutting import cut_columns
from registry.lists.errors import ListFileUnreadable, ShareClosed, ShareNotCut
from registry.lists.files import keep_list_file, stored
from registry.lists.handing import Handed, handed
from registry.lists.headings import ListName
from registry.lists.importing import enter_import, keep_import
from registry.lists.linking import link_rows, links_for
from registry.lists.reading import read_list
from registry.lists.sheets import form_of
from registry.lists.states import AGENCY, GRANTED, ShareState
from registry.lists.tables import ImportRow, ListFileRow, ShareRow, ShareUseRow
from web.crossing import read_at_home
from web.deps import Caller
from web.files import Sending, file_headers
from web.node import Node

READERS: Final = AGENCY | {"DATA_AUTHORITY", "CAC", "SAMR", "AUDITOR", "EXCHANGE_OPERATOR"}
"""Who reads the lists: agencies, and who supervises."""
LOOKERS: Final = READERS - AGENCY
_NAME: Final = re.compile(r"[^\x00-\x1f/\\]{1,200}")
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,60}", re.IGNORECASE)
_PIECE: Final = 1 << 20
_TEXTS: Final = frozenset({"csv", "txt", "tsv", "json", "xml"})
_SPOKEN: Final = {"xlsx": "xlsx", "pdf": "pdf", **dict.fromkeys(_TEXTS, "text")}


async def keep_file(
    caller: Caller, content: AsyncIterator[bytes], *, name: str, media_type: str, length: str | None = None
) -> ListFileRow:
    """Encrypt what an agency brings while it comes in; a file that is not what its name says is not kept.

    Raises Malformed, FileTooLarge, FileEmpty, TooManyUploads, ListFileUnreadable, ListFilesFull.
    """
    caller.require(*AGENCY)
    if _NAME.fullmatch(name) is None:
        raise Malformed("a file name has no path and no control characters", member="name")
    node = caller.node
    limit = node.settings.upload_limit_bytes
    if length is not None and length.isdecimal() and int(length[:20]) > limit:
        raise FileTooLarge("the file is above the limit", limit_bytes=limit)
    kind = media_type if _MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream"
    with node.uploads.one(caller.actor.org_id):
        file = await node.files.put(_checked(content, name), limit_bytes=limit)
    return await _kept(node, caller, file, name, kind)


async def _checked(content: AsyncIterator[bytes], name: str) -> AsyncIterator[bytes]:
    """The bytes as they come, if the first of them are what the name says."""
    head = b""
    told = _SPOKEN.get(name.rpartition(".")[2].lower())
    async for chunk in content:
        if told is not None and len(head) < _PIECE >> 8:
            head += chunk[: _PIECE >> 8]
            found = form_of(head)
            if found != told and not (told == "xlsx" and b"PK\x03\x04".startswith(head[:4])):
                raise ListFileUnreadable("the file is not what its name says", found=found)
        yield chunk


async def _kept(node: Node, caller: Caller, file: StoredFile, name: str, kind: str) -> ListFileRow:
    async def kept(s: WriteSession, act: Act) -> ListFileRow:
        return await keep_list_file(s, act, file=file, name=name, media_type=kind)

    act = node.house.act(caller.actor, "PUBLIC_AGENCY", node.house.exchange.pen)
    try:
        return await perform(node.house, act, kept, attempted="LIM.UPLOAD", object_id=caller.actor.org_id)
    except Exception:
        await node.files.delete(file.file_id)
        raise


async def read_import(caller: Caller, list_name: ListName, file_id: str) -> ImportRow:
    """Read a file that the agency brought as a list: its report is the answer, and nothing is listed yet.

    In a child process, a few at a time: the others wait. Raises ListFileUnreadable, NotFound.
    """
    caller.require(*AGENCY)
    node, agency_id = caller.node, caller.actor.org_id
    async with node.database.read() as s:
        file = await repository.list_file(s, file_id=file_id)
        if file is None or file.owner_id != agency_id:
            raise NotFound("no such file", file_id=file_id)
        links = await links_for(s, agency_id=agency_id, list_name=list_name)
    async with node.measuring:
        with tempfile.TemporaryDirectory(dir=node.scratch()) as folder:
            path, work = Path(folder) / "data", Path(folder) / "work"
            work.mkdir()
            await node.files.copy_to(stored(file), path)
            on = shanghai_day(node.clock.now())
            read = await read_list(path, list_name, name=file.name, on=on, work=work)
            ready = await asyncio.to_thread(link_rows, read, list_name, links)
            rows = None
            if ready.good:
                rows = await node.files.put(_pieces(ready.rows), limit_bytes=2 << 30)

    async def kept(s: WriteSession, act: Act) -> ImportRow:
        return await keep_import(s, act, list_name=list_name, file=file, read=read, ready=ready, rows=rows)

    act = node.house.act(caller.actor, "PUBLIC_AGENCY", node.house.exchange.pen)
    try:
        return await perform(node.house, act, kept, attempted="LIM.READ", object_id=agency_id)
    except Exception:
        if rows is not None:
            await node.files.delete(rows.file_id)
        raise


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as raw:
        while piece := raw.read(_PIECE):
            yield piece


async def enter_rows(s: WriteSession, act: Act, args: Any, node: Node) -> ImportRow:
    """Enter the rows of a file that was read, as they were kept."""
    row = await repository.import_of(s, import_id=args.import_id)
    file = None if row.rows_file_id is None else await repository.list_file(s, file_id=row.rows_file_id)
    return await enter_import(s, act, import_id=args.import_id, lines=_lines(node, file))


async def _lines(node: Node, file: ListFileRow | None) -> AsyncGenerator[bytes]:
    rest = b""
    if file is not None:
        async for piece in node.files.read(stored(file)):
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                yield line


async def ask_for(s: WriteSession, act: Act, args: Any, node: Node) -> ShareRow:
    """Ask for data, a correction or a backflow; the level that gradings have come to counts."""
    del node
    said = dict(args)
    await repository.resting_on_entry(s, data_id=args.data_id)
    level = await level_of(s, object_id=args.data_id)
    return await sharing.ask(s, act, **said | {"fields": said.pop("fields_wanted")}, level=level)


async def send_shared(caller: Caller, share_id: str) -> Response:
    """The mounted file of a granted request, for who asked: had is served, and the use is counted (R16).

    Where some fields were granted, these columns alone. Raises ShareUnknown, ShareClosed where it is shared
    no more, ShareNotCut, NotFound where nothing is mounted, CustomsRouteNotOpen for who reads abroad.
    """
    caller.require(*AGENCY)
    node = caller.node
    began = time.monotonic()
    async with node.database.read() as s:
        row = await repository.share(s, share_id=share_id)
        if row.requester_id != caller.actor.org_id or row.status not in GRANTED:
            raise NotFound("no such request, or nothing was granted", share_id=share_id)
    await read_at_home(node.house, caller.actor, attempted="SHR.SERVE", object_id=share_id)
    try:
        async with node.database.write() as s:  # the level is held meanwhile
            given = await handed(s, row=row, level=await level_of(s, object_id=row.data_id))
        sent = await _sent(node, given)
    except (ShareClosed, ShareNotCut, NotFound):
        await _count(node, row, failed=True, size=0, took_ms=_since(began))
        raise

    async def served(s: WriteSession, act: Act) -> ShareRow:
        level = await level_of(s, object_id=row.data_id)
        return await sharing.had(s, act, share_id=share_id, level=level, served_sha256=sent.sha256)

    try:
        if row.status is ShareState.ANSWERED_GRANT:
            await perform(
                node.house, node.house.exchange_act(), served, attempted="SHR.SERVE", object_id=share_id
            )
        await _count(node, row, failed=False, size=sent.size, took_ms=_since(began))
    except BaseException:
        if sent.folder is not None:
            sent.folder.cleanup()
        raise
    headers = file_headers(sent.sha256) | {
        "content-length": str(sent.size),
        "content-disposition": f'attachment; filename="{row.data_id}"',
    }
    return Sending(sent.content, media_type=sent.media_type, headers=headers)


@dataclass(frozen=True, slots=True)
class _Sent:
    """What goes out; `folder` holds it where it was cut, and goes when it is sent."""

    sha256: str
    size: int
    media_type: str
    content: AsyncIterator[bytes]
    folder: tempfile.TemporaryDirectory[str] | None = None


async def _sent(node: Node, given: Handed) -> _Sent:
    file = given.file
    if not given.columns:
        return _Sent(file.sha256, file.bytes, file.media_type, node.files.read(stored(file)))
    folder = tempfile.TemporaryDirectory(dir=node.scratch())
    try:
        path, work = Path(folder.name) / "data", Path(folder.name) / "work"
        work.mkdir()
        async with node.measuring:
            await node.files.copy_to(stored(file), path)
            done, media_type = await cut_columns(path, given.columns, work=work)
            size, sha256 = await asyncio.to_thread(_digest, done)
        path.unlink()
    except BaseException:
        folder.cleanup()
        raise
    return _Sent(sha256, size, media_type, _from(folder, done), folder)


def _digest(path: Path) -> tuple[int, str]:
    with path.open("rb") as raw:
        return path.stat().st_size, hashlib.file_digest(raw, "sha256").hexdigest()


async def _from(folder: tempfile.TemporaryDirectory[str], path: Path) -> AsyncGenerator[bytes]:
    try:
        async for piece in _pieces(path):
            yield piece
    finally:
        folder.cleanup()


def _since(began: float) -> int:
    return max(0, round((time.monotonic() - began) * 1000))


async def _count(node: Node, row: ShareRow, *, failed: bool, size: int, took_ms: int) -> None:
    """One use of a share on its day."""
    async with node.database.write() as s:
        insert = (postgresql if s.get_bind().dialect.name == "postgresql" else sqlite).insert(ShareUseRow)
        first = insert.values(
            share_id=row.share_id,
            used_on=shanghai_day(node.clock.now()),
            calls=1,
            failed=int(failed),
            bytes=size,
            took_ms=took_ms,
        )
        more = {
            "calls": col(ShareUseRow.calls) + 1,
            "failed": col(ShareUseRow.failed) + int(failed),
            "bytes": col(ShareUseRow.bytes) + size,
            "took_ms": col(ShareUseRow.took_ms) + took_ms,
        }
        await s.exec(first.on_conflict_do_update(index_elements=["share_id", "used_on"], set_=more))


async def concerned(s: ReadSession, caller: Caller, share_id: str) -> ShareRow:
    """A request, for who asked, who is to answer, and who supervises. Raises ShareUnknown."""
    row = await repository.share(s, share_id=share_id)
    if caller.actor.org_id not in {row.requester_id, row.provider_id} and not caller.actor.roles & LOOKERS:
        raise NotFound("no such request", share_id=share_id)
    return row
