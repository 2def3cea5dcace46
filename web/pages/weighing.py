"""Quality of public data on a page: measured entries with Guangzhou's five, cross-checks of two sources."""

from typing import Any, Final

import orjson
from fastapi import APIRouter
from starlette.responses import Response

from base.errors import DomainError
from registry.currency import currency_of
from registry.declared import Declared
from registry.lists.repository import data_entry
from registry.measuring import repository, service
from registry.measuring.rules import Property, five_properties
from registry.quality import Dimension, tenths_of
from web.pages.acting import caller_for
from web.pages.forms import Filled, sent_back
from web.pages.naming import names_of
from web.pages.visiting import SUPERVISORS, Visitor, VisitorDep

router = APIRouter()
_AGENCY: Final = frozenset({"PUBLIC_AGENCY"})
_AUTHORITY: Final = frozenset({"DATA_AUTHORITY"})
_PAGE: Final = 50


@router.get("/registry/quality")
async def quality(visitor: VisitorDep) -> Response:
    """Measured entries and cross-checks: of one's own agency, or all for who supervises."""
    return await _shown(visitor, Filled())


async def _shown(visitor: Visitor, filled: Filled) -> Response:
    visitor.require(_AGENCY | SUPERVISORS)
    own = None if visitor.may(SUPERVISORS) else visitor.org_id
    now = visitor.node.clock.now()
    async with visitor.node.database.read() as s:
        rows = await repository.entry_reports(s, agency_id=own, limit=_PAGE)
        checks = await repository.cross_checks(s, agency_id=own, limit=_PAGE)
        rates = await repository.rates_of(s, data_ids={entry.data_id for _, entry in rows})
        sides = {
            one: await data_entry(s, data_id=one) for row in checks for one in (row.left_id, row.right_id)
        }
        names = await names_of(
            s, (entry.agency_id for _, entry in rows), (entry.agency_id for entry in sides.values())
        )
    measured = []
    for report, entry in rows:
        dimensions = orjson.loads(report.report)["dimensions"]
        scores = {one: tenths_of(dimensions[one.value]) for one in Dimension}
        renewed = entry.mounted_at if entry.resource_sha256 == report.file_sha256 else None
        current = None if renewed is None else currency_of(entry.update, renewed, now)
        measured.append((report, entry, five_properties(scores, rates.get(entry.data_id)), current))
    return visitor.render(
        "public_quality.html",
        filled=filled,
        measured=measured,
        properties=[one.value for one in Property],
        checks=[(row, orjson.loads(row.result)) for row in checks],
        sides=sides,
        names=names,
        may_measure=visitor.may(_AGENCY | _AUTHORITY),
        may_check=visitor.may(_AUTHORITY),
    )


def _desk(visitor: Visitor) -> service.MeasuringDesk:
    node = visitor.node
    return service.MeasuringDesk(node.house, node.files, node.scratch, node.measuring)


@router.post("/registry/quality/measure")
async def measure(visitor: VisitorDep) -> Response:
    """Measure the file that an entry is mounted to, by the entry's own cycle."""
    visitor.require(_AGENCY | _AUTHORITY)
    form = await visitor.form()
    caller_for(visitor)
    data_id = form.text("data_id")
    try:
        async with visitor.node.database.read() as s:
            entry = await data_entry(s, data_id=data_id)
        if entry.agency_id != visitor.org_id:
            visitor.require(_AUTHORITY)
        await service.measure_entry(_desk(visitor), data_id=data_id, declared=Declared())
    except DomainError as error:
        return await _shown(visitor, sent_back("measure", form, error))
    return visitor.redirect("/registry/quality")


@router.post("/registry/quality/check")
async def check(visitor: VisitorDep) -> Response:
    """Check two entries of different agencies against each other, as the data authority."""
    session = visitor.require(_AUTHORITY)
    form = await visitor.form()
    asked: dict[str, Any] = {name: form.text(name) for name in ("left_id", "right_id")}
    asked |= {
        name: [one.strip() for one in form.text(name).split(",") if one.strip()]
        for name in ("key", "columns")
    }
    try:
        await service.cross_check(_desk(visitor), **asked, asked_by=session.actor.org_id)
    except DomainError as error:
        return await _shown(visitor, sent_back("check", form, error))
    return visitor.redirect("/registry/quality")
