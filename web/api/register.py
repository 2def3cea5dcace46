"""The public register of brokers: search, record, figures, as JSON and as CSV."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from base.calendar import shanghai_day
from base.clock import rfc3339
from brokers.register import moment_of
from brokers.register_search import MOST, Order, Wanted
from brokers.rules import BrokerType
from brokers.states import CertificateState
from market.settlement.accounts import plain_cell
from registry.rules import Level
from web.acts import Asked, Id
from web.api.accounts import CSV, Format
from web.api.log import answer
from web.api.register_views import (
    COLUMNS,
    ORDER_TOLD,
    LineView,
    MediatedView,
    MonthView,
    RecordView,
    RegisterPageView,
    StatisticsView,
    StepView,
    quarters_told,
)
from web.deps import NodeDep, ReadDep
from web.register import figures_on, lines_on, mediated_by_broker, record_on
from web.views import View

router = APIRouter(tags=["brokers"])
_KEPT: Final = "public, no-cache"
_JSON: Final = "application/json"
_CSV: Final = f"{CSV}; charset=utf-8; header=present"
No = Annotated[str, Field(pattern=r"^([A-Z0-9-]{6,40}|crt_[0-9a-z]{20,40})$")]
On = Annotated[date | None, Field(description="As the register was at the end of this day in Shanghai")]
As = Annotated[Format | None, Field(description="Or by `Accept: text/csv`")]
_BOTH: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {CSV: {}}}}


class RegisterForm(Asked):
    """What a search of the register may name; every member narrows it."""

    q: str = Field(default="", max_length=200, description="Words of the name, the number, the credit code")
    broker_type: BrokerType | None = None
    grade: int | None = Field(default=None, ge=1, le=3)
    sector: str | None = Field(default=None, max_length=40)
    level: Level | None = Field(default=None, description="May go up to this level at least")
    cross_border: bool | None = None
    status: CertificateState | None = None
    in_force: bool | None = Field(default=None, description="In force on that day, within its validity")
    order: Order = Field(default=Order.NUMBER, description=ORDER_TOLD)

    def wanted(self) -> Wanted:
        """As the register takes it."""
        said = dict(self) | {"text": self.q, "state": self.status}
        names = Wanted.__dataclass_fields__
        return Wanted(**{name: value for name, value in said.items() if name in names})


class RegisterQuery(RegisterForm):
    """A search with its day and its page."""

    on: On = None
    after: Id | None = Field(default=None, description="`next_after` of the page before")
    limit: int = Field(default=50, ge=1, le=MOST)
    format: As = None


class OfDay(Asked):
    """A day, and the form of the answer."""

    on: On = None
    format: As = None


@router.get("/brokers", response_model=RegisterPageView, responses=_BOTH)
async def register(
    request: Request,
    s: ReadDep,
    node: NodeDep,
    form: Annotated[RegisterQuery, Query()],
) -> Response:
    """The public register by keyset, as of a day; every line of it as CSV."""
    at = moment_of(form.on, now=node.clock.now())
    if _as_csv(request, form.format):
        page = await lines_on(s, form.wanted(), at=at)
        return _table(request, "brokers.csv", COLUMNS, (LineView.of(line) for line in page.lines))
    page = await lines_on(s, form.wanted(), at=at, after=form.after, limit=form.limit)
    view = RegisterPageView(
        as_of=shanghai_day(at),
        order=form.order,
        found=page.found,
        brokers=[LineView.of(line) for line in page.lines],
        next_after=page.next_after,
    )
    return _document(request, view)


@router.get("/brokers/statistics", response_model=StatisticsView, responses=_BOTH)
async def figures(request: Request, s: ReadDep, node: NodeDep, asked: Annotated[OfDay, Query()]) -> Response:
    """Figures of the register, as of a day; by month as CSV."""
    now = node.clock.now()
    at = moment_of(asked.on, now=now)
    found = await figures_on(s, at=at)
    months = [MonthView.model_validate(month) for month in found.months]
    if _as_csv(request, asked.format):
        return _table(request, "brokers-by-month.csv", tuple(MonthView.model_fields), months)
    mediated = await mediated_by_broker(s, at=now)
    view = StatisticsView(
        **{name: value for name, value in asdict(found).items() if name != "months"},
        as_of=shanghai_day(at),
        months=months,
        mediated=[
            MediatedView(org_id=holder.org_id, name=holder.name, quarters=quarters_told(some))
            for holder, some in mediated
        ],
    )
    return _document(request, view)


@router.get("/brokers/{no}", response_model=RecordView, responses=_BOTH)
async def record(
    request: Request, no: No, s: ReadDep, node: NodeDep, asked: Annotated[OfDay, Query()]
) -> Response:
    """All of one certificate, by its number or id: history, conduct record, practitioners; history as CSV."""
    now = node.clock.now()
    at = moment_of(asked.on, now=now)
    view = RecordView.of(await record_on(s, no=no, at=at, now=now), at)
    if _as_csv(request, asked.format):
        return _table(request, "broker.csv", tuple(StepView.model_fields), view.history)
    return _document(request, view)


def _as_csv(request: Request, form: Format | None) -> bool:
    return form is Format.CSV or (form is None and CSV in request.headers.get("accept", ""))


def _document(request: Request, view: View) -> Response:
    sent = answer(request, view.model_dump_json().encode(), media_type=_JSON, kept=_KEPT, packed=True)
    sent.headers["vary"] = "accept, accept-encoding"
    return sent


def _table(request: Request, name: str, columns: Sequence[str], views: Iterable[View]) -> Response:
    """Rows as CSV (RFC 4180, UTF-8); no cell begins as a formula would."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\r\n")
    rows.writerow(columns)
    for view in views:
        rows.writerow([_cell(getattr(view, column)) for column in columns])
    sent = answer(request, written.getvalue().encode(), media_type=_CSV, kept=_KEPT, packed=True)
    sent.headers["vary"] = "accept, accept-encoding"
    sent.headers["content-disposition"] = f'attachment; filename="{name}"'
    return sent


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, list):
        return plain_cell(";".join(value))
    return plain_cell("" if value is None else str(value))
