"""Lists as files: brought, read, entered, exported; and the figures of agencies."""

from collections.abc import AsyncIterator
from datetime import date, time, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from base.calendar import at_shanghai, shanghai_day
from base.errors import NotFound
from registry.lists import repository
from registry.lists.counting import facts_of, uses_of
from registry.lists.exporting import LISTS, csv_lines, rows_of
from registry.lists.figures import figures_of
from registry.lists.headings import ListName
from web import list_forms as f
from web import list_views as v
from web.acts import Asked, Id
from web.api import list_acts as acts
from web.api.files import decoded
from web.api.lists import Of
from web.deps import CallerDep, NodeDep, ReadDep, answers, expect_upload, respond
from web.lists import LOOKERS, READERS, keep_file, read_import
from web.node import Node
from web.views import View

router = APIRouter(tags=["list files and figures"])
Exported = StrEnum("Exported", {name: name for name in LISTS})  # type: ignore[misc]  # made of what there is
_ROWS = 500
Day = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2200, 1, 1))]


class ReadForm(Asked):
    list_name: ListName
    file_id: Id


class FiguresView(View):
    """Counts, and shares as fractions; null where there is nothing to divide by."""

    agency_id: str
    since: date
    until: date
    facts: dict[str, int]
    figures: dict[str, str | int | None]


class UseView(View):
    """Calls under shares: how many, how many failed, how much, how long on average (R16)."""

    provider_id: str
    requester_id: str
    level: str
    calls: int
    failed: int
    bytes: int
    mean_ms: int


@router.put(
    "/lists/files",
    status_code=201,
    openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": {}}}},
)
async def bring(
    request: Request,
    caller: CallerDep,
    file_name: Annotated[str, Header(max_length=600, description="percent-encoded UTF-8")],
) -> v.ListFileView:
    """Bring a file as the raw body, to be mounted or imported. Nothing is stated yet."""
    expect_upload(request)
    row = await keep_file(
        caller,
        request.stream(),
        name=decoded(file_name),
        media_type=request.headers.get("content-type", ""),
        length=request.headers.get("content-length"),
    )
    return v.ListFileView.model_validate(row)


@router.post("/lists/imports", status_code=201)
async def read(caller: CallerDep, form: ReadForm) -> v.ImportView:
    """Read a file as a list: what it holds and which rows are not taken. Nothing is listed yet."""
    return v.ImportView.model_validate(await read_import(caller, form.list_name, form.file_id))


@router.get("/lists/imports")
async def imports(caller: CallerDep, s: ReadDep) -> list[v.ImportView]:
    """One's own imports, newest first."""
    caller.require(*READERS)
    rows = await repository.imports(s, agency_id=caller.actor.org_id)
    return [v.ImportView.model_validate(row) for row in rows]


async def _own(s: ReadDep, caller: CallerDep, import_id: str) -> v.ImportView:
    row = await repository.import_of(s, import_id=import_id)
    if row.agency_id != caller.actor.org_id and not caller.actor.roles & LOOKERS:
        raise NotFound("no such import", import_id=import_id)
    return v.ImportView.model_validate(row)


@router.get("/lists/imports/{import_id}")
async def import_report(import_id: Id, caller: CallerDep, s: ReadDep) -> v.ImportView:
    """What reading a file came to, and entering it."""
    return await _own(s, caller, import_id)


@router.get("/lists/imports/{import_id}/faults")
async def faults(
    import_id: Id,
    caller: CallerDep,
    s: ReadDep,
    after: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> list[v.FaultView]:
    """The rows that are not taken: number, heading, reason; `after` a row."""
    await _own(s, caller, import_id)
    rows = await repository.faults_of(s, import_id=import_id, after=after, limit=limit)
    return [v.FaultView.model_validate(row) for row in rows]


@router.post("/lists/imports/{import_id}/enter", **answers(acts.ENTER_IMPORT, v.ImportView))
async def enter(import_id: Id, caller: CallerDep) -> Response:
    """Enter the good rows: one signed statement; the same row changes nothing, a changed one is a version."""
    return respond(await caller.do(acts.ENTER_IMPORT, f.ImportArgs(import_id=import_id)))


@router.get("/lists/export/{list_name}.csv", response_class=StreamingResponse)
async def export_csv(list_name: Exported, caller: CallerDep, node: NodeDep, agency_id: Of = None) -> Response:
    """A list as CSV with the headings that an import takes; for agencies and who supervises."""
    caller.require(*READERS)
    name = f'attachment; filename="{list_name}.csv"'
    lines = _csv(node, str(list_name), agency_id)
    return StreamingResponse(lines, media_type="text/csv", headers={"content-disposition": name})


@router.get("/lists/export/{list_name}.json", response_class=StreamingResponse)
async def export_json(
    list_name: Exported, caller: CallerDep, node: NodeDep, agency_id: Of = None
) -> Response:
    """A list as JSON, ids beside what they name; for agencies and who supervises."""
    caller.require(*READERS)
    name = f'attachment; filename="{list_name}.json"'
    rows = _json(node, str(list_name), agency_id)
    return StreamingResponse(rows, media_type="application/json", headers={"content-disposition": name})


async def _csv(node: Node, list_name: str, agency_id: str | None) -> AsyncIterator[str]:
    """A mark in front tells Excel that it is UTF-8."""
    yield "\ufeff" + csv_lines(list_name, [], head=True)
    async for some in _some(node, list_name, agency_id):
        yield csv_lines(list_name, some, head=False)


async def _json(node: Node, list_name: str, agency_id: str | None) -> AsyncIterator[bytes]:
    yield b"["
    first = True
    async for some in _some(node, list_name, agency_id):
        yield (b"" if first else b",\n") + b",\n".join(orjson.dumps(row) for row in some)
        first = False
    yield b"]\n"


async def _some(node: Node, list_name: str, agency_id: str | None) -> AsyncIterator[list[dict[str, Any]]]:
    async with node.database.read() as s:
        some: list[dict[str, Any]] = []
        async for row in rows_of(s, list_name=list_name, agency_id=agency_id):
            some.append(row)
            if len(some) == _ROWS:
                yield some
                some = []
    if some:
        yield some


@router.get("/lists/figures/{agency_id}")
async def figures(
    *,
    agency_id: Id,
    caller: CallerDep,
    s: ReadDep,
    node: NodeDep,
    since: Annotated[Day | None, Query()] = None,
    until: Annotated[Day | None, Query()] = None,
) -> FiguresView:
    """An agency's figures: completeness, mounting, answers and service in time, gaps, conflicts."""
    caller.require(*READERS)
    today = shanghai_day(node.clock.now())
    first, end = since or date(today.year, 1, 1), until or today + timedelta(days=1)
    facts = await facts_of(
        s, agency_id=agency_id, since=at_shanghai(first, time()), until=at_shanghai(end, time())
    )
    shown = figures_of(facts)
    return FiguresView(
        agency_id=agency_id,
        since=first,
        until=end,
        facts=facts.document(),
        figures={name: _shown(getattr(shown, name)) for name in shown.__slots__},
    )


@router.get("/lists/uses")
async def uses(
    caller: CallerDep,
    s: ReadDep,
    since: Annotated[Day, Query()],
    until: Annotated[Day, Query()],
) -> list[UseView]:
    """Calls under shares by department and level, on the days from `since` to before `until` (R16)."""
    caller.require(*LOOKERS)
    return [
        UseView(
            provider_id=provider,
            requester_id=requester,
            level=level,
            calls=calls,
            failed=failed,
            bytes=size,
            mean_ms=took // calls,
        )
        for provider, requester, level, calls, failed, size, took in await uses_of(
            s, since=since, until=until
        )
    ]


def _shown(value: Fraction | int | None) -> str | int | None:
    return str(value) if isinstance(value, Fraction) else value
