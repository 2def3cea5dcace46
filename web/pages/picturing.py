"""Charts on pages: drawn where they can be, told as a table always, and as files for who takes them along."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Final

from markupsafe import Markup
from starlette.responses import Response

from base.errors import Busy, NotFound
from base.money import yuan
from market.settlement.accounts import plain_cell
from web.charts.chart import Cell, Chart, Column, Kind
from web.charts.drawing import Drawing, NotDrawn
from web.charts.dressing import dressed
from web.pages import showing
from web.pages.languages import Lang
from web.pages.visiting import Visitor

KINDS: Final = {"csv": "text/csv; charset=utf-8", "png": "image/png", "pdf": "application/pdf"}
_AGAIN_S: Final = 5
_STEPS: Final[dict[Lang, tuple[tuple[int, str], ...]]] = {
    "zh": ((10**10, "亿"), (10**6, "万")),
    "en": ((10**11, "bn"), (10**8, "m"), (10**5, "k")),
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart on a page. Where it could not be drawn (`svg` is None) its table is open, with a note."""

    chart: Chart
    svg: Markup | None
    shown: Callable[[Cell, Kind], str]


async def picture(visitor: Visitor, chart: Chart) -> Picture:
    """The chart, drawn if that can be done now."""
    shown = shown_in(visitor.lang)
    if not chart.rows:
        return Picture(chart, None, shown)
    drawing: Drawing = visitor.request.app.state.charts
    try:
        svg = (await drawing.draw(chart.spec(shown))).decode()
    except NotDrawn:
        return Picture(chart, None, shown)
    return Picture(chart, dressed(svg, name=chart.name, title=chart.title, says=chart.says), shown)


async def as_file(visitor: Visitor, chart: Chart, form: str) -> Response:
    """The chart as a file: its table as CSV, its drawing as PNG or PDF. Raises NotFound, Busy."""
    if form not in KINDS:
        raise NotFound("no such form of a chart", form=form, forms=sorted(KINDS))
    if form == "csv":
        rows = [[plain(cell, column) for cell, column in row] for row in chart.table()]
        content = _sheet([[column.title for column in chart.told], *rows]).encode("utf-8-sig")
    else:
        drawing: Drawing = visitor.request.app.state.charts
        named = {"title": {"text": chart.title, "subtitle": chart.says, "anchor": "start", "fontSize": 16}}
        spec = chart.spec(shown_in(visitor.lang)) | named | {"background": "white", "padding": 16}
        try:
            content = await drawing.draw(spec, form)
        except NotDrawn:
            raise Busy("the chart could not be drawn just now", retry_after_s=_AGAIN_S) from None
    headers = {"content-disposition": f'attachment; filename="{chart.name}.{form}"'}
    return Response(content, media_type=KINDS[form], headers=headers | {"cache-control": "private, no-store"})


def _sheet(rows: Sequence[Sequence[Cell]]) -> str:
    written = StringIO()
    lines = csv.writer(written, lineterminator="\r\n")
    lines.writerows([plain_cell("" if cell is None else str(cell)) for cell in row] for row in rows)
    return written.getvalue()


def plain(cell: Cell, column: Column) -> Cell:
    """A cell of a sheet: yuan, per cent and scores as plain decimals."""
    if isinstance(cell, int) and column.kind in {Kind.FEN, Kind.SHARE}:
        return yuan(cell).replace(",", "")
    return f"{cell // 10}.{cell % 10}" if isinstance(cell, int) and column.kind is Kind.TENTHS else cell


def shown_in(lang: Lang) -> Callable[[Cell, Kind], str]:
    """How cells are told in a language."""

    def shown(cell: Cell, kind: Kind) -> str:
        if cell is None:
            return "–"
        if isinstance(cell, str):
            return cell
        return _TOLD[kind](lang, cell)

    return shown


def short_money(lang: Lang, minor: int) -> str:
    """Fen in few characters, rounded down to three digits: `¥68万`, `CN¥680k`."""
    sign = "¥" if lang == "zh" else "CN¥"
    for step, name in _STEPS[lang]:
        if minor >= step:
            tenths = minor * 10 // step
            whole, tenth = divmod(tenths, 10)
            return f"{sign}{whole:,}{f'.{tenth}' if tenth and whole < 100 else ''}{name}"  # noqa: PLR2004
    return f"{sign}{minor // 100:,}"


def _tenths(_: Lang, value: int) -> str:
    return f"{value // 10}.{value % 10}"


_TOLD: Final[dict[Kind, Callable[[Lang, int], str]]] = {
    Kind.COUNT: lambda _, value: showing.number(value),
    Kind.FEN: showing.money,
    Kind.SHORT: short_money,
    Kind.SHARE: lambda _, value: showing.percent_bp(value),
    Kind.TENTHS: _tenths,
    Kind.TEXT: lambda _, value: str(value),
    Kind.LINK: lambda _, value: str(value),
}
