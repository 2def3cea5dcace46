"""Authorised operation on pages: the register of grants for everyone, the scheme's form, each step."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from base.errors import NotFound
from identity.rosters import organisations_in_role
from ledger.reader import statements_of
from registry.operation import repository
from registry.operation.documents import agreement_digest
from registry.operation.rules import (
    BreachKind,
    Clause,
    OperationMode,
    PriceUnit,
    ProductClass,
    ScenarioState,
    SelectionMethod,
)
from registry.operation.states import AGENCY, AUTHORITY, PARTIES, PUBLIC, allowed_to
from registry.operation.tables import GrantRow, GrantScenarioRow
from web.acts import Id
from web.pages.acting import attempt
from web.pages.forms import Filled, Form
from web.pages.naming import names_of
from web.pages.operation_steps import STEPS, lines_of, pairs_of
from web.pages.visiting import SUPERVISORS, Visitor, VisitorDep

router = APIRouter()
_PAGE: Final = 50
_USES: Final = 20
_PLACE: Final = "/registry/operation"
_TEXTS: Final = (
    "name",
    "need",
    "mode",
    "resource_range",
    "exit",
    "income",
    "security",
    "duties",
    "supervision",
)


@router.get(_PLACE)
async def register(
    visitor: VisitorDep, after: Annotated[str | None, Query(max_length=40)] = None
) -> Response:
    """The register of grants, one's own drafts before it, and the operating institutions."""
    async with visitor.node.database.read() as s:
        rows = await repository.grants(s, states=PUBLIC, after=after, limit=_PAGE)
        own = []
        if visitor.session is not None and visitor.may(PARTIES):
            mine = await repository.grants(s, party_id=visitor.org_id, limit=_PAGE)
            own = [row for row in mine if row.status not in PUBLIC]
        institutions = await organisations_in_role(s, role="OPERATING_INSTITUTION")
        held: dict[str, list[GrantRow]] = {one.org_id: [] for one in institutions}
        for row in await repository.grants(s, states=PUBLIC, limit=_PAGE):
            held.setdefault(row.operator_id or "", []).append(row)
        names = await names_of(
            s, (row.authority_id for row in (*rows, *own)), (row.operator_id for row in rows)
        )
    return visitor.render(
        "operation.html",
        rows=rows,
        own=own,
        institutions=institutions,
        held=held,
        names=names,
        may_draft=visitor.may(AGENCY),
        next_address=visitor.url(_PLACE, after=rows[-1].grant_id) if len(rows) == _PAGE else None,
    )


@router.get("/registry/scenarios")
async def scenarios(visitor: VisitorDep, after: Annotated[Id | None, Query()] = None) -> Response:
    """Every scenario that was approved: with which data, how much it was used, what came of it."""
    async with visitor.node.database.read() as s:
        rows = await repository.scenarios(s, after=after, limit=_PAGE)
        names = await names_of(s, (grant.operator_id for _, grant in rows))
    return visitor.render(
        "scenarios.html",
        rows=rows,
        names=names,
        next_address=visitor.url("/registry/scenarios", after=rows[-1][0].scenario_id)
        if len(rows) == _PAGE
        else None,
    )


@router.get(f"{_PLACE}/scheme")
async def scheme(visitor: VisitorDep) -> Response:
    """The form of a new scheme, in four steps."""
    return await _scheme(visitor, Filled())


async def _scheme(visitor: Visitor, filled: Filled) -> Response:
    visitor.require(AGENCY)
    return visitor.render(
        "operation_scheme.html", filled=filled, modes=visitor.options("operation_mode", OperationMode)
    )


@router.post(_PLACE)
async def draft(visitor: VisitorDep) -> Response:
    """Draft a scheme."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="grant.draft",
        args={"scheme": _said(form)},
        then=lambda made: f"{_PLACE}/{made['grant_id']}",
        again=lambda filled: _scheme(visitor, filled),
    )


def _said(form: Form) -> dict[str, Any]:
    """A scheme as its form tells it; its products are two lists, a line each: title | unit."""
    products = [
        {"title": title, "product_class": product_class.value, "unit": unit.upper() or "USE"}
        for product_class in ProductClass
        for title, unit in pairs_of(form, f"products_{product_class.value.lower()}")
    ]
    said: dict[str, Any] = {name: form.text(name) for name in _TEXTS}
    return said | {
        "conditions": lines_of(form, "conditions"),
        "data_ids": lines_of(form, "data_ids"),
        "term_months": form.whole("term_months") or 0,
        "products": products,
    }


@router.get(f"{_PLACE}/{{grant_id}}")
async def grant(visitor: VisitorDep, grant_id: str) -> Response:
    """One grant: its entry in the register for everyone, its file for whom it concerns."""
    return await _one(visitor, grant_id, Filled())


async def _one(visitor: Visitor, grant_id: str, filled: Filled) -> Response:
    async with visitor.node.database.read() as s:
        row = await repository.get_grant(s, grant_id=grant_id)
        resources = await repository.resources_of(s, grant_id=grant_id)
        parties = {row.authority_id, row.operator_id, *(one.agency_id for one in resources)}
        signed_in = visitor.session is not None
        insider = signed_in and (visitor.org_id in parties or visitor.may(SUPERVISORS))
        if not insider and row.status not in PUBLIC:
            raise NotFound("no such grant", grant_id=grant_id)
        scenarios = await repository.scenarios_of(s, grant_id=grant_id)
        products = await repository.products_of(s, grant_id=grant_id)
        years = await repository.years_of(s, grant_id=grant_id)
        breaches = await repository.breaches_of(s, grant_id=grant_id)
        uses = await repository.uses_of(s, grant_id=grant_id, limit=_USES) if insider else []
        said = await statements_of(s, object_id=grant_id)
        bidders = [one["org_id"] for one in (row.selection or {}).get("bidders", ())]
        users = [org_id for one in scenarios for org_id in one.users]
        names = await names_of(s, parties, bidders, users, (one.user_id for one in uses))
    may = _may(visitor, row, {one.agency_id for one in resources if one.consented_at is None})
    return visitor.render(
        "grant.html",
        filled=filled,
        row=row,
        resources=resources,
        scenarios=scenarios,
        products=products,
        years=years,
        breaches=breaches,
        uses=uses,
        said=[one for one in said if one.event != "AOG.USE"],
        insider=insider,
        names=names,
        steps=[(event, STEPS[event]) for event in may if event in STEPS],
        chosen=_chosen(visitor, scenarios),
        open_breaches=[one for one in breaches if one.cleared_at is None],
        clauses=visitor.options("operation_clause", Clause),
        agreement_sha256=agreement_digest(row.agreement) if insider and row.agreement else None,
    )


def _chosen(visitor: Visitor, scenarios: Any) -> dict[str, list[tuple[str, str]]]:
    """What the fields of the steps are chosen from."""

    def of(rows: Any, *states: ScenarioState) -> list[tuple[str, str]]:
        picked: list[GrantScenarioRow] = [one for one in rows if one.status in states]
        return [(one.scenario_id, one.name) for one in picked]

    return {
        "operation_method": visitor.options("operation_method", SelectionMethod),
        "operation_class": visitor.options("operation_class", ProductClass),
        "operation_unit": visitor.options("operation_unit", PriceUnit),
        "operation_breach": visitor.options("operation_breach", BreachKind),
        "asked": of(scenarios, ScenarioState.ASKED),
        "approved": of(scenarios, ScenarioState.APPROVED),
    }


def _may(visitor: Visitor, row: GrantRow, waiting: set[str]) -> list[str]:
    """What this visitor can do here now; the form of a step is shown to nobody else."""
    if visitor.session is None:
        return []
    found = []
    for event in allowed_to(row.status, visitor.roles):
        mine = visitor.org_id in {row.authority_id, row.operator_id} or visitor.may(AUTHORITY)
        consents = event.value == "CONSENT"
        if (visitor.org_id in waiting) if consents else mine:
            found.append(event.value)
    return found


@router.post(f"{_PLACE}/{{grant_id}}/{{step}}")
async def act_on(visitor: VisitorDep, grant_id: str, step: str) -> Response:
    """One step of a grant, as whoever it belongs to."""
    form = await visitor.form()
    taken = STEPS.get(step.upper())
    if taken is None:
        raise NotFound("no such step")
    return await attempt(
        visitor,
        form,
        act=f"grant.{taken.act}",
        args={"grant_id": grant_id, **taken.read(form)},
        action=step.upper(),
        then=f"{_PLACE}/{grant_id}",
        again=lambda filled: _one(visitor, grant_id, filled),
    )
