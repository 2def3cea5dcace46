"""Quality of public data: entries of the lists measured, two sources checked against each other."""

from datetime import datetime
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import Field

from base.db import ReadSession
from base.errors import NotFound
from registry.currency import currency_of
from registry.declared import declared_from
from registry.evaluation.seeing import LOOKERS
from registry.lists.repository import data_entry
from registry.lists.tables import DataRow
from registry.measuring import repository, service
from registry.measuring.rules import MAX_COLUMNS, MAX_KEY, MAX_NAME, five_properties
from registry.measuring.tables import CrossCheckRow, EntryReportRow
from registry.quality import Dimension, tenths_of
from web.acts import Asked, Id
from web.deps import WAITING, Caller, CallerDep, NodeDep, ReadDep, done, respond
from web.views import View, done_view

router = APIRouter(tags=["agencies"])
_AUTHORITY: Final = "DATA_AUTHORITY"
_AGENCY: Final = "PUBLIC_AGENCY"
Column = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]


class EntryReportView(View):
    report_id: str
    data_id: str
    file_sha256: str
    report_sha256: str
    score_tenths: int
    passed: bool
    measured_at: datetime

    @classmethod
    def of(cls, row: EntryReportRow) -> "EntryReportView":
        return cls.model_validate(row)


class EntryQualityView(View):
    """An entry's newest report, Guangzhou's five in tenths of a point, and how current its data is now.

    `due_at` is when its cycle wants it renewed; from then on `timeliness_now` falls. `TRUTH` is None where
    no other source was checked against it.
    """

    data_id: str
    report: dict[str, Any] | None
    report_sha256: str | None
    of_another_file: bool
    five: dict[str, int | None] | None
    due_at: datetime | None
    timeliness_now: int | None
    stale: bool | None


class CrossCheckView(View):
    check_id: str
    left_id: str
    right_id: str
    left_sha256: str
    right_sha256: str
    result_sha256: str
    rate: int | None = Field(description="Hundredths of a percent of the compared cells that agree")
    checked_at: datetime

    @classmethod
    def of(cls, row: CrossCheckRow) -> "CrossCheckView":
        return cls.model_validate(row)


class FullCrossCheckView(CrossCheckView):
    result: dict[str, Any]


class CrossCheckForm(Asked):
    """Two entries of different agencies, the columns of the key, and what is compared (else all common)."""

    left_id: Id
    right_id: Id
    key: list[Column] = Field(min_length=1, max_length=MAX_KEY)
    columns: list[Column] = Field(default=[], max_length=MAX_COLUMNS)


@router.post(
    "/agency-data/{data_id}/measure",
    status_code=201,
    response_model=done_view(EntryReportView),
    openapi_extra=WAITING,
)
async def measure(data_id: Id, caller: CallerDep, declared: dict[str, Any]) -> Response:
    """Measure the file that an entry is mounted to, as its agency or the data authority."""
    async with caller.node.database.read() as s:
        await _of(s, caller, data_id, _AGENCY, _AUTHORITY)
    declaration = declared_from(declared)
    once = caller.once(
        f"measure/{data_id}", declared, lambda row, said: done(201, EntryReportView.of(row), said)
    )
    known = await once.known()
    if known is not None:
        return respond(await caller.told(known))
    desk = _desk(caller)
    answer = await once.answered(
        lambda: service.measure_entry(desk, data_id=data_id, declared=declaration, once=once)
    )
    return respond(await caller.told(answer))


@router.get("/agency-data/{data_id}/quality")
async def quality(data_id: Id, caller: CallerDep, s: ReadDep, node: NodeDep) -> EntryQualityView:
    """How good an entry's data is, as measured, and how current it is now; for its agency and supervisors."""
    entry = await _of(s, caller, data_id, *LOOKERS)
    row = await repository.latest_entry_report(s, data_id=data_id)
    document = None if row is None else orjson.loads(row.report)
    rates = await repository.rates_of(s, data_ids=[data_id])
    current = (
        None
        if entry.mounted_at is None or entry.resource_sha256 is None
        else currency_of(entry.update, entry.mounted_at, node.clock.now())
    )
    five = None
    if document is not None:
        scores = {one: tenths_of(document["dimensions"][one.value]) for one in Dimension}
        five = {name.value: value for name, value in five_properties(scores, rates.get(data_id)).items()}
    return EntryQualityView(
        data_id=data_id,
        report=document,
        report_sha256=None if row is None else row.report_sha256,
        of_another_file=row is not None and row.file_sha256 != entry.resource_sha256,
        five=five,
        due_at=None if current is None else current.due_at,
        timeliness_now=None if current is None else current.timeliness,
        stale=None if current is None else current.stale,
    )


@router.post(
    "/cross-checks", status_code=201, response_model=done_view(CrossCheckView), openapi_extra=WAITING
)
async def cross_check(caller: CallerDep, form: CrossCheckForm) -> Response:
    """Check two entries of different agencies against each other over a common key, as the data authority."""
    caller.require(_AUTHORITY)
    asked = form.model_dump()
    once = caller.once("cross-check", asked, lambda row, said: done(201, CrossCheckView.of(row), said))
    known = await once.known()
    if known is not None:
        return respond(await caller.told(known))
    desk = _desk(caller)
    answer = await once.answered(
        lambda: service.cross_check(desk, **asked, asked_by=caller.actor.org_id, once=once)
    )
    return respond(await caller.told(answer))


@router.get("/cross-checks")
async def cross_checks(
    caller: CallerDep, s: ReadDep, after: Annotated[Id | None, Query()] = None
) -> list[CrossCheckView]:
    """Every cross-check, for who supervises; those of its own entries, for an agency. Newest first."""
    own = None if caller.actor.roles & LOOKERS else caller.actor.org_id
    rows = await repository.cross_checks(s, agency_id=own, after=after)
    return [CrossCheckView.of(row) for row in rows]


@router.get("/cross-checks/{check_id}")
async def one_cross_check(check_id: Id, caller: CallerDep, s: ReadDep) -> FullCrossCheckView:
    """A cross-check with its figures a column; for the two agencies and who supervises."""
    row = await repository.get_cross_check(s, check_id=check_id)
    holders = {(await data_entry(s, data_id=one)).agency_id for one in (row.left_id, row.right_id)}
    if caller.actor.org_id not in holders and not caller.actor.roles & LOOKERS:
        raise NotFound("no such cross-check", check_id=check_id)
    return FullCrossCheckView(**CrossCheckView.of(row).model_dump(), result=orjson.loads(row.result))


def _desk(caller: Caller) -> service.MeasuringDesk:
    node = caller.node
    return service.MeasuringDesk(node.house, node.files, node.scratch, node.measuring)


async def _of(s: ReadSession, caller: Caller, data_id: str, *roles: str) -> DataRow:
    """An entry of one's own agency, or anybody's for one of these roles. Raises NotFound and its kinds."""
    row = await data_entry(s, data_id=data_id)
    others = frozenset(roles) - {_AGENCY}
    if caller.actor.org_id != row.agency_id and not caller.actor.roles & others:
        raise NotFound("no such entry", data_id=data_id)
    return row
