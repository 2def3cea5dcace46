"""The regulator's monthly statistics: the report's own tables, its tie-out, and its files."""

from contextlib import suppress
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from base.errors import NotFound
from base.money import yuan
from cases.rules import REGULATORS
from web.compiling import EDITIONS, Compiling
from web.pages.visiting import OPERATOR, Visitor, VisitorDep
from web.supervising import SupervisionRunning

router = APIRouter()
_MAKERS: Final = REGULATORS | OPERATOR
_READERS: Final = _MAKERS | {"AUDITOR"}
_KINDS: Final = {"csv": "text/csv; charset=utf-8", "html": "text/html; charset=utf-8"}
_REFRESH_S: Final = 2


def _compiling(visitor: Visitor) -> Compiling:
    found: Compiling = visitor.request.app.state.compiling
    return found


@router.get("/reg/statistics")
async def statistics(
    visitor: VisitorDep,
    month: Annotated[str, Query(max_length=7)] = "",
    edition: Annotated[str, Query(max_length=9)] = EDITIONS[0],
) -> Response:
    """A month's figures in either edition, as the report has them."""
    visitor.require(_READERS)
    runs = _compiling(visitor)
    months = runs.months()
    chosen = month or next(iter(months), "")
    told, files = None, []
    with suppress(NotFound):
        told, files = runs.figures(chosen, edition), runs.files(chosen, edition)
    state = runs.state()
    return visitor.render(
        "statistics.html",
        months=months,
        month=chosen,
        edition=edition,
        editions=EDITIONS,
        told=told,
        files=files,
        state=state,
        cell=_cell_of(visitor),
        may_make=visitor.may(_MAKERS),
        refresh_s=_REFRESH_S if state is not None and state.running else None,
    )


def _cell_of(visitor: Visitor) -> Any:
    """A cell of `figures.json` as people read it."""

    def shown(value: Any, kind: str) -> str:
        if isinstance(value, dict):
            return visitor.say("withheld") if "withheld" in value else str(value[visitor.lang])
        if value is None or kind not in {"fen", "count"}:
            return str(value or "")
        return f"¥{yuan(int(value))}" if kind == "fen" else f"{int(value):,}"

    return shown


@router.post("/reg/statistics")
async def make(visitor: VisitorDep) -> Response:
    """Make the reports of a month."""
    form = await visitor.form()
    visitor.require(_MAKERS)
    month = form.text("month")
    with suppress(SupervisionRunning):  # whoever asked first is served first
        _compiling(visitor).begin(month)
    return visitor.redirect(f"/reg/statistics?month={month}")


@router.get("/reg/statistics/{month}/{edition}/{name}")
async def download(visitor: VisitorDep, month: str, edition: str, name: str) -> Response:
    """A file of the report."""
    visitor.require(_READERS)
    content = _compiling(visitor).file(month, edition, name)
    headers = {"content-disposition": f'attachment; filename="{month}-{edition}-{name}"'}
    return Response(
        content, media_type=_KINDS.get(name.rpartition(".")[2], "application/json"), headers=headers
    )
