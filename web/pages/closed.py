"""The closed logs: their entries, each with its proof, out of the files that were published."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from base.db import ReadSession
from base.errors import NotFound
from ledger.checkpoint import MAX_SIZE, Checkpoint, Note
from ledger.errors import ProofInvalid, TileInvalid
from ledger.log_keys import Shard, past_entries, past_entry, past_keys, shards
from ledger.tiles import TileNodes
from ledger.tree import inclusion_proof
from web.node import folder_of
from web.pages.explorer import Seq, closed_place, render_entry
from web.pages.naming import names_of
from web.pages.proving import Under, prove
from web.pages.visiting import VisitorDep

router = APIRouter()
_PAGE: Final = 50


@router.get("/ledger/closed/{name}")
async def entries(
    visitor: VisitorDep, name: str, before: Annotated[int | None, Query(ge=0, le=MAX_SIZE)] = None
) -> Response:
    """A closed log: what it ended with, and its entries, the last first."""
    async with visitor.node.database.read() as s:
        shard = await _shard(s, name)
        rows = await past_entries(s, number=shard.number, before=before, limit=_PAGE)
        said = [entry.payload["predicate"] for entry in rows]
        names = await names_of(s, (one.get("actor") for one in said))
        windows = (await past_keys(s, number=shard.number)).windows
    place = closed_place(shard.origin)
    more = len(rows) == _PAGE and rows[-1].seq
    return visitor.render(
        "closed_log.html",
        shard=shard,
        root=Checkpoint.parse(Note.parse(shard.note).text).root,
        note=shard.note.decode(),
        vkeys=[str(window.vkey) for window in windows],
        rows=list(zip(rows, said, strict=True)),
        names=names,
        place=place,
        next_address=visitor.url(place, before=rows[-1].seq) if more else None,
    )


@router.get("/ledger/closed/{name}/{seq}")
async def entry(visitor: VisitorDep, name: str, seq: Seq) -> Response:
    """One entry of a closed log, proved under the log's last checkpoint."""
    async with visitor.node.database.read() as s:
        shard = await _shard(s, name)
        found, statement_id = await past_entry(s, number=shard.number, seq=seq)
        before = (await past_entry(s, number=shard.number, seq=seq - 1))[0] if seq else None
        told = await past_keys(s, number=shard.number)
        keys = told.at(shard.size)
        folder = folder_of(visitor.node.settings, shard.origin)
        path = await asyncio.to_thread(_path, folder, seq, shard.size)
        return await render_entry(
            visitor,
            s,
            found,
            await prove(s, found, before, Under(shard.note, shard.size, path, keys)),
            closed=shard.origin,
            size=shard.size,
            place=closed_place(shard.origin),
            vkey=str(keys[0]) if keys else "",
            vkeys=[str(window.vkey) for window in told.windows],
            witnesses=[],
            exact=None,
            receipt=f"/api/v1/ledger/statements/{statement_id}/receipt",
            witnessed=None,
            federated=False,
        )


async def _shard(s: ReadSession, name: str) -> Shard:
    """The closed log whose origin ends so. Raises NotFound."""
    for shard in await shards(s):
        if shard.origin.rpartition("/")[2] == name:
            return shard
    raise NotFound("no closed log of this name")


def _path(folder: Path, seq: int, size: int) -> Sequence[bytes]:
    """The path out of the published tiles; none where they are gone or others: then the proof fails."""
    try:
        return inclusion_proof(seq, size, TileNodes(lambda tile: (folder / tile.path).read_bytes(), size))
    except (OSError, ProofInvalid, TileInvalid):
        return ()
