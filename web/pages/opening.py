"""The public open catalogue: what is open, to whom, on which terms; a page for each entry."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from base.errors import NotFound
from ledger.reader import statements_of
from registry.lists.repository import list_file
from registry.lists.rules import Listed
from registry.opening import repository
from registry.opening.rules import Mode, stale_since
from registry.opening.states import STANDING
from web.acts import Asked
from web.pages.naming import names_of
from web.pages.visiting import VisitorDep

router = APIRouter()
_PAGE: Final = 50
_DAYS: Final = 14


class Wanted(Asked):
    """What a visitor looks for; what is not of its form finds nothing more than the rest does."""

    q: str = Field(default="", max_length=200)
    mode: str = Field(default="", max_length=20)
    theme: str = Field(default="", max_length=100)
    agency: str = Field(default="", max_length=30)
    after: str | None = Field(default=None, max_length=30)


@router.get("/open")
async def catalogue(visitor: VisitorDep, asked: Annotated[Wanted, Query()]) -> Response:
    """What stands open, found by words and narrowed by theme, mode and agency."""
    if asked.q:  # each word reads every name
        state = visitor.request.app.state
        state.downloads.count(state.addresses.of(visitor.request))
    async with visitor.node.database.read() as s:
        rows = await repository.entries(
            s,
            states=STANDING,
            mode=next((one for one in Mode if one.value == asked.mode), None),
            theme=asked.theme or None,
            agency_id=asked.agency or None,
            words=asked.q,
            after=asked.after,
            limit=_PAGE,
        )
        facets = await repository.facets(s)
        names = await names_of(s, (row.agency_id for row, _ in rows), facets["agency"])
    again = asked.model_dump(exclude={"after"})
    return visitor.render(
        "open.html",
        rows=rows,
        names=names,
        facets=facets,
        asked=asked,
        modes=visitor.options("open_mode", Mode),
        next_address=visitor.url("/open", **again, after=rows[-1][0].open_id) if len(rows) == _PAGE else None,
    )


@router.get("/open/{open_id}")
async def entry(visitor: VisitorDep, open_id: str) -> Response:
    """One entry that stands open: what it is, on which terms, where to take it, what happened to it."""
    async with visitor.node.database.read() as s:
        row, data = await repository.entry_with_data(s, open_id=open_id)
        if row.status not in STANDING:
            raise NotFound("no such entry is open", open_id=open_id)
        file = None if data.resource_file_id is None else await list_file(s, file_id=data.resource_file_id)
        uses = await repository.uses_of(s, open_id=open_id, limit=_DAYS)
        said = await statements_of(s, object_id=open_id)
        names = await names_of(s, [row.agency_id])
    return visitor.render(
        "open_entry.html",
        row=row,
        how=f"GET /api/v1/open-entries/{row.open_id}/file?purpose=RESEARCH",
        data=data,
        file=file,
        gone=data.status is not Listed.LISTED,
        changed=bool(data.resource_sha256 or data.resource_interface)
        and data.resource_sha256 != row.file_sha256,
        uses=uses,
        said=said,
        names=names,
        stale=stale_since(data.update, data.mounted_at or data.changed_at, visitor.node.clock.now()),
        mine=visitor.org_id == row.agency_id,
    )
