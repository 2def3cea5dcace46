"""Monthly statistics: made by the node, read by supervisors."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from cases.rules import REGULATORS
from web.api.cases import READERS, supervising
from web.compiling import Compiling
from web.deps import CallerDep
from web.views import View

router = APIRouter(tags=["statistics"])
_MAKERS = (*sorted(REGULATORS), "EXCHANGE_OPERATOR")
_READERS = (*_MAKERS, "AUDITOR")
_KINDS = {"csv": "text/csv; charset=utf-8", "html": "text/html; charset=utf-8", "json": "application/json"}
Month = Annotated[str, Path(max_length=7, description="As 2026-05")]
EditionName = Annotated[str, Path(max_length=9, description="regulator or public")]


class StatisticsRunView(View):
    stage: str
    started_at: datetime
    changed_at: datetime
    error: str


class StatisticsView(View):
    """The months that have a report, and how the last run went."""

    months: list[str]
    run: StatisticsRunView | None


@router.get("/supervision/analysis")
async def analysis(request: Request, caller: CallerDep) -> dict[str, Any]:
    """What the newest run of supervision tells of concentration by month, prices, flows and exports."""
    caller.require(*READERS)
    return await supervising(request).analysis()


def compiling(request: Request) -> Compiling:
    """The node's statistics."""
    found: Compiling = request.app.state.compiling
    return found


@router.get("/statistics")
async def overview(request: Request, caller: CallerDep) -> StatisticsView:
    """Which months have a report, and how the last run went."""
    caller.require(*_READERS)
    state = compiling(request).state()
    run = None if state is None else StatisticsRunView.model_validate(state)
    return StatisticsView(months=compiling(request).months(), run=run)


@router.post("/statistics/{month}", status_code=202)
async def make(request: Request, caller: CallerDep, month: Month) -> StatisticsRunView:
    """Make the reports of a month, both editions: in the background, one run at a time."""
    caller.require(*_MAKERS)
    return StatisticsRunView.model_validate(compiling(request).begin(month))


@router.get("/statistics/{month}/{edition}")
async def figures(request: Request, caller: CallerDep, month: Month, edition: EditionName) -> dict[str, Any]:
    """A month's figures: every table, and how many comparisons hold."""
    caller.require(*_READERS)
    return compiling(request).figures(month, edition)


@router.get("/statistics/{month}/{edition}/{name}", response_class=Response)
async def file(
    request: Request,
    caller: CallerDep,
    month: Month,
    edition: EditionName,
    name: Annotated[str, Path(max_length=60)],
) -> Response:
    """A file of a month's report: HTML in both languages, a CSV of every table."""
    caller.require(*_READERS)
    content = compiling(request).file(month, edition, name)
    headers = {"content-disposition": f'attachment; filename="{month}-{edition}-{name}"'}
    return Response(content, media_type=_KINDS[name.rpartition(".")[2]], headers=headers)
