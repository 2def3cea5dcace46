"""Agencies on pages: who signs for their data, what they owe and have on record, how they were evaluated."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from base.calendar import shanghai_day
from base.db import ReadSession
from base.errors import NotFound
from identity.repository import Organisation, get_organisation, list_people
from identity.rosters import organisations_in_role
from identity.rules import OrganisationStatus, Role
from ledger.reader import statements_of
from registry.chiefs import repository as chiefs
from registry.chiefs.states import AGENCY, GIVEN
from registry.duties.service import checklist_of
from registry.evaluation import repository
from registry.evaluation.rules import BAD, compute, points
from registry.evaluation.seeing import drilled, may_see, rows_of, sees_inside
from registry.evaluation.service import MAX_AGENCIES
from registry.evaluation.states import AUTHORITY, EvaluationEvent, EvaluationState, allowed_to
from registry.evaluation.tables import EvaluationRow
from registry.maturity.service import certificates, dcmm_of
from registry.maturity.states import MaturityState
from web.pages.acting import attempt
from web.pages.forms import Filled, Form
from web.pages.naming import names_of
from web.pages.visiting import SUPERVISORS, Visitor, VisitorDep
from web.sheets import sheet

router = APIRouter()
_PAGE: Final = 50
_E = EvaluationEvent
_S = EvaluationState


@router.get("/registry/agencies")
async def agencies(
    visitor: VisitorDep, after: Annotated[str | None, Query(max_length=40)] = None
) -> Response:
    """The register of chief data officers with its history, for everybody; the agency's form to appoint."""
    return await _register(visitor, Filled(), after=after)


async def _register(visitor: Visitor, filled: Filled, *, after: str | None = None) -> Response:
    mine = visitor.may(AGENCY)
    async with visitor.node.database.read() as s:
        rows = await chiefs.chiefs(s, after=after, limit=_PAGE)
        names = await names_of(s, (row.agency_id for row in rows))
        people = await list_people(s, org_id=visitor.org_id or "") if mine else []
    may_sign = [(one.user_id, one.name) for one in people if one.active and one.mark is not None]
    standing = [row for row in rows if row.agency_id == visitor.org_id and row.ended_at is None]
    return visitor.render(
        "agencies.html",
        filled=filled,
        rows=rows,
        names=names,
        mine=mine,
        sees_quality=visitor.may(AGENCY | SUPERVISORS),
        people=may_sign,
        standing=standing,
        reasons=visitor.options("chief_end", GIVEN),
        next_address=visitor.url("/registry/agencies", after=rows[-1].chief_id)
        if len(rows) == _PAGE
        else None,
    )


@router.post("/registry/agencies")
async def appoint(visitor: VisitorDep) -> Response:
    """Appoint a chief data officer of one's own agency."""
    form = await visitor.form()
    args = {
        "user_id": form.text("user_id"),
        "document_sha256": form.text("document_sha256").lower(),
        "appointed_on": form.text("appointed_on"),
        "until": form.optional("until"),
    }
    return await attempt(
        visitor,
        form,
        act="chief.appoint",
        args=args,
        then="/registry/agencies",
        again=lambda filled: _register(visitor, filled),
    )


@router.post("/registry/agencies/{chief_id}/end")
async def end(visitor: VisitorDep, chief_id: str) -> Response:
    """End an appointment of one's own agency."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="chief.end",
        args={"chief_id": chief_id, "reason": form.text("reason")},
        then="/registry/agencies",
        again=lambda filled: _register(visitor, filled),
    )


@router.get("/registry/agencies/{agency_id}")
async def agency(visitor: VisitorDep, agency_id: str) -> Response:
    """One agency: its chiefs and published scores for everybody, its duties for it and who supervises."""
    now = visitor.node.clock.now()
    inside = visitor.org_id == agency_id or visitor.may(SUPERVISORS)
    async with visitor.node.database.read() as s:
        organisation = await get_organisation(s, org_id=agency_id)
        if organisation is None or Role.PUBLIC_AGENCY not in organisation.roles:
            raise NotFound("no such agency", agency_id=agency_id)
        appointed = await chiefs.chiefs(s, agency_id=agency_id, limit=_PAGE)
        scored = await repository.evaluations(s, agency_id=agency_id, limit=_PAGE)
        periods = {one.period_id: one.name for one in await repository.periods(s)}
        lines = await checklist_of(s, agency_id=agency_id, now=now) if inside else []
        dcmm = await dcmm_of(s, org_id=agency_id, on=shanghai_day(now))
    return visitor.render(
        "agency.html",
        organisation=organisation,
        chiefs=appointed,
        scored=[row for row in scored if may_see(row, org_id=visitor.org_id, roles=visitor.roles)],
        periods=periods,
        lines=lines,
        inside=inside,
        dcmm=dcmm,
        points=points,
    )


@router.get("/registry/evaluation")
async def evaluation(visitor: VisitorDep, period: Annotated[str, Query(max_length=40)] = "") -> Response:
    """The evaluations of a period beside those of the one before; the authority's form of a new period."""
    return await _table(visitor, Filled(), chosen=period)


async def _table(visitor: Visitor, filled: Filled, *, chosen: str = "") -> Response:
    authority = visitor.may(AUTHORITY)
    async with visitor.node.database.read() as s:
        periods = list(await repository.periods(s))
        period = next((one for one in periods if one.period_id == chosen), periods[0] if periods else None)
        earlier = [one for one in periods if period is not None and one.covers_to < period.covers_from]
        rows = [] if period is None else await _seen(visitor, s, period.period_id)
        former = await _seen(visitor, s, earlier[0].period_id) if earlier else []
        kept = await repository.frozen_of(s, evaluation_ids=[row.evaluation_id for row in rows])
        names = await names_of(s, (row.agency_id for row in rows))
        members = await _agencies(s) if authority else []
    before = {row.agency_id: row.score for row in former if row.status is _S.PUBLISHED}
    ranked = sorted(rows, key=lambda row: (-(row.score if row.score is not None else -1), row.agency_id))
    return visitor.render(
        "evaluations.html",
        filled=filled,
        periods=periods,
        period=period,
        rows=ranked,
        before=before,
        results={one: orjson.loads(row.result) for one, row in kept.items()},
        names=names,
        points=points,
        authority=authority,
        agencies=[(one.org_id, one.name) for one in members if one.org_id != visitor.org_id],
        may_publish=authority and bool(rows) and all(row.status is _S.FINAL for row in rows),
    )


async def _agencies(s: ReadSession) -> list[Organisation]:
    """The active public agencies, as many as a period can name."""
    found: list[Organisation] = []
    some = await organisations_in_role(s, role=Role.PUBLIC_AGENCY)
    while some and len(found) < MAX_AGENCIES:
        found += [one for one in some if one.status is OrganisationStatus.ACTIVE]
        some = await organisations_in_role(s, role=Role.PUBLIC_AGENCY, after=some[-1].org_id)
    return found[:MAX_AGENCIES]


async def _seen(visitor: Visitor, s: ReadSession, period_id: str) -> list[EvaluationRow]:
    rows = await repository.evaluations(s, period_id=period_id)
    return [row for row in rows if may_see(row, org_id=visitor.org_id, roles=visitor.roles)]


@router.get("/registry/evaluation/{period_id}.csv")
async def as_csv(visitor: VisitorDep, period_id: str) -> Response:
    """The same as a table for a spreadsheet."""
    async with visitor.node.database.read() as s:
        await repository.get_period(s, period_id=period_id)
        rows = sorted(await _seen(visitor, s, period_id), key=lambda row: row.agency_id)
        kept = await repository.frozen_of(s, evaluation_ids=[row.evaluation_id for row in rows])
        names = await names_of(s, (row.agency_id for row in rows))
    listed = [(row, names[row.agency_id], kept.get(row.evaluation_id)) for row in rows]
    head, *lines = rows_of(listed)
    return sheet(f"evaluations-{period_id}.csv", head, lines)


@router.post("/registry/evaluation")
async def open_period(visitor: VisitorDep) -> Response:
    """Open the evaluation of a period, as the data authority."""
    form = await visitor.form()
    args = {
        **{name: form.text(name) for name in ("name", "covers_from", "covers_to")},
        "agency_ids": form.every("agency_ids"),
    }
    return await attempt(
        visitor,
        form,
        act="evaluation.open",
        args=args,
        then=lambda made: f"/registry/evaluation?period={made['period_id']}",
        again=lambda filled: _table(visitor, filled),
    )


@router.post("/registry/evaluation/{period_id}/publish")
async def publish(visitor: VisitorDep, period_id: str) -> Response:
    """Publish every evaluation of a period."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="evaluation.publish",
        args={"period_id": period_id},
        then=f"/registry/evaluation?period={period_id}",
        again=lambda filled: _table(visitor, filled, chosen=period_id),
    )


@router.get("/registry/evaluation/{period_id}/{evaluation_id}")
async def one_evaluation(visitor: VisitorDep, period_id: str, evaluation_id: str) -> Response:
    """One agency's evaluation: every indicator down to the records that were counted."""
    return await _one(visitor, period_id, evaluation_id, Filled())


async def _one(visitor: Visitor, period_id: str, evaluation_id: str, filled: Filled) -> Response:
    async with visitor.node.database.read() as s:
        row = await repository.get_evaluation(s, evaluation_id=evaluation_id)
        about: dict[str, Any] = {"org_id": visitor.org_id, "roles": visitor.roles}
        if row.period_id != period_id or not may_see(row, **about):
            raise NotFound("no such evaluation", evaluation_id=evaluation_id)
        period = await repository.get_period(s, period_id=period_id)
        kept = await repository.frozen(s, evaluation_id=evaluation_id, version=row.version)
        said = await statements_of(s, object_id=evaluation_id)
        names = await names_of(s, [row.agency_id, row.authority_id])
    inside = sees_inside(row, **about)
    return visitor.render(
        "evaluation.html",
        filled=filled,
        row=row,
        period=period,
        names=names,
        said=said,
        inside=inside,
        points=points,
        bad=BAD,
        kept=kept,
        equal=kept is not None and compute(kept.inputs) == kept.result,
        result=None if kept is None else orjson.loads(kept.result),
        indicators=[] if kept is None else drilled(kept, inside=inside),
        may=_may(visitor, row),
    )


def _may(visitor: Visitor, row: EvaluationRow) -> list[str]:
    """What this visitor can do here now."""
    if visitor.org_id not in {row.agency_id, row.authority_id}:
        return []
    late = row.status is not _S.OPEN or row.due_at is None
    whose = AGENCY if visitor.org_id == row.agency_id else AUTHORITY
    return [
        event.value
        for event in allowed_to(row.status, visitor.roles & whose)
        if event is not _E.PUBLISH and (event is not _E.SCORE or late)
    ]


def _said(form: Form) -> Mapping[str, Any]:
    return {"text": form.text("text"), "document_sha256": form.text("document_sha256").lower()}


_STEPS: Final[Mapping[str, tuple[str, Callable[[Form], Mapping[str, Any]]]]] = {
    "self_report": ("self_report", _said),
    "score": ("score", lambda _: {}),
    "object": ("object", _said),
    "dismiss": ("answer", lambda form: {"text": form.text("text"), "upheld": False}),
    "uphold": ("answer", lambda form: {"text": form.text("text"), "upheld": True}),
}


@router.post("/registry/evaluation/{period_id}/{evaluation_id}/{step}")
async def act_on(visitor: VisitorDep, period_id: str, evaluation_id: str, step: str) -> Response:
    """One step of an evaluation, as whoever it belongs to."""
    form = await visitor.form()
    if step not in _STEPS:
        raise NotFound("no such step")
    name, read = _STEPS[step]
    return await attempt(
        visitor,
        form,
        act=f"evaluation.{name}",
        args={"evaluation_id": evaluation_id, **read(form)},
        action=step.upper(),
        then=f"/registry/evaluation/{period_id}/{evaluation_id}",
        again=lambda filled: _one(visitor, period_id, evaluation_id, filled),
    )


@router.get("/registry/maturity")
async def maturity(visitor: VisitorDep) -> Response:
    """The register of maturity levels; one's own claim; the authority's desk."""
    return await _maturity(visitor, Filled())


async def _maturity(visitor: Visitor, filled: Filled) -> Response:
    seen_by_all = {MaturityState.CONFIRMED, MaturityState.REVOKED}
    async with visitor.node.database.read() as s:
        rows = [
            row
            for row in await certificates(s, limit=200)
            if row.status in seen_by_all or row.org_id == visitor.org_id or visitor.may(SUPERVISORS)
        ]
        names = await names_of(s, (row.org_id for row in rows))
    return visitor.render(
        "maturity.html",
        filled=filled,
        rows=rows,
        names=names,
        levels=visitor.options("dcmm", [str(one) for one in range(1, 6)]),
        may_claim=visitor.session is not None and not visitor.may(AUTHORITY | {"AUDITOR"}),
        authority=visitor.may(AUTHORITY),
        waiting=[row for row in rows if row.status is MaturityState.CLAIMED],
    )


@router.post("/registry/maturity")
async def claim(visitor: VisitorDep) -> Response:
    """Claim one's own level of maturity."""
    form = await visitor.form()
    args = {
        "level": form.whole("level"),
        "certificate_sha256": form.text("certificate_sha256").lower(),
        "issued_on": form.text("issued_on"),
        "valid_until": form.text("valid_until"),
    }
    return await attempt(
        visitor,
        form,
        act="maturity.claim",
        args=args,
        then="/registry/maturity",
        again=lambda filled: _maturity(visitor, filled),
    )


@router.post("/registry/maturity/{maturity_id}")
async def decide(visitor: VisitorDep, maturity_id: str) -> Response:
    """Confirm or decline a claimed level, as the data authority."""
    form = await visitor.form()
    args = {"maturity_id": maturity_id, "event": form.text("event"), "reason": form.text("reason")}
    return await attempt(
        visitor,
        form,
        act="maturity.decide",
        args=args,
        then="/registry/maturity",
        again=lambda filled: _maturity(visitor, filled),
    )
