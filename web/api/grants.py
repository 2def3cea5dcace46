"""Authorised operation of public data: the register of grants for everybody, each step, every use."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from base.db import ReadSession
from base.errors import NotFound
from identity.rosters import organisations_in_role
from registry.operation import repository
from registry.operation.states import PUBLIC, GrantState
from registry.operation.tables import GrantRow
from web.acts import Id
from web.api.grant_acts import (
    ABANDON,
    ADD_PRODUCT,
    APPROVE_SCENARIO,
    ASK_SCENARIO,
    BREACH,
    CLEAR,
    CONSENT,
    COUNTERSIGN,
    DECIDE,
    DISCLOSE,
    DRAFT,
    END_SCENARIO,
    EVALUATE,
    RECTIFIED,
    REFUSE_SCENARIO,
    REGISTER_PRODUCT,
    RENEW,
    REPORT,
    RESOURCES,
    RESUME,
    REVISE,
    SELECT,
    SET_CAPS,
    SET_PRICE,
    SIGN,
    SUSPEND,
    TELL_OUTCOME,
    TERMINATE,
    USE,
)
from web.deps import CallerDep, ReadDep, VisitorDep, answers, respond
from web.operation_forms import (
    AgreementForm,
    AskScenarioArgs,
    BreachArgs,
    BreachForm,
    CapsArgs,
    CapsForm,
    CodeArgs,
    CodeForm,
    CountersignArgs,
    CountersignForm,
    DecideArgs,
    DecideForm,
    DiscloseArgs,
    DiscloseForm,
    EndScenarioArgs,
    EvaluateArgs,
    EvaluateForm,
    GrantArgs,
    OfScenarioArgs,
    OutcomeArgs,
    OutcomeForm,
    PriceArgs,
    PriceForm,
    ProductArgs,
    ProductForm,
    ReasonedArgs,
    ReasonedForm,
    RectifiedArgs,
    RectifiedForm,
    RenewArgs,
    RenewForm,
    ReportArgs,
    ReportForm,
    ResourcesArgs,
    ResourcesForm,
    ReviseArgs,
    ScenarioForm,
    SchemeArgs,
    SelectArgs,
    SelectionForm,
    SignArgs,
    TerminateArgs,
    TerminateForm,
    UseArgs,
    UseForm,
    Year,
)
from web.operation_views import (
    BreachView,
    CapView,
    FullGrantView,
    GrantView,
    InstitutionView,
    ProductView,
    RegisteredScenarioView,
    ScenarioView,
    UseView,
    YearView,
    full_view,
)

router = APIRouter(tags=["operation"])
_LOOKERS: Final = frozenset({"DATA_AUTHORITY", "SAMR", "CAC", "AUDITOR", "EXCHANGE_OPERATOR"})
Limit = Annotated[int, Query(ge=1, le=100)]


async def is_insider(s: ReadSession, row: GrantRow, *, org_id: str, roles: frozenset[str]) -> bool:
    """Whether somebody is a party of a grant, an agency whose data is in it, or supervises."""
    shared = {one.agency_id for one in await repository.resources_of(s, grant_id=row.grant_id)}
    return org_id in {row.authority_id, row.operator_id, *shared} or bool(roles & _LOOKERS)


@router.get("/grants")
async def grants(
    s: ReadDep,
    status: Annotated[GrantState | None, Query()] = None,
    operator_id: Annotated[Id | None, Query()] = None,
    after: Annotated[Id | None, Query()] = None,
    limit: Limit = 50,
) -> list[GrantView]:
    """The register of grants, newest first, from the decision on, with how each operator was selected."""
    states = PUBLIC if status is None else [one for one in PUBLIC if one is status]
    if not states:
        return []
    rows = await repository.grants(s, states=states, operator_id=operator_id, after=after, limit=limit)
    return [GrantView.of(row) for row in rows]


@router.get("/grants/mine")
async def my_grants(
    caller: CallerDep, s: ReadDep, after: Annotated[Id | None, Query()] = None, limit: Limit = 50
) -> list[GrantView]:
    """One's own grants, drafts among them: as agency, as operator, or as whose data is in them."""
    rows = await repository.grants(s, party_id=caller.actor.org_id, after=after, limit=limit)
    return [GrantView.of(row) for row in rows]


@router.get("/operating-institutions")
async def institutions(
    s: ReadDep, after: Annotated[Id | None, Query()] = None, limit: Limit = 50
) -> list[InstitutionView]:
    """Every operating institution with its grants, selection records and status."""
    found = []
    for one in await organisations_in_role(s, role="OPERATING_INSTITUTION", after=after, limit=limit):
        held = await repository.grants(s, states=PUBLIC, operator_id=one.org_id)
        views = [GrantView.of(row) for row in held]
        found.append(InstitutionView(org_id=one.org_id, name=one.name, status=one.status.value, grants=views))
    return found


@router.get("/grants/{grant_id}")
async def grant(grant_id: Id, caller: VisitorDep, s: ReadDep) -> FullGrantView:
    """A grant: its register entry for everybody, its file for its parties and who supervises."""
    row = await repository.get_grant(s, grant_id=grant_id)
    insider = caller is not None and await is_insider(
        s, row, org_id=caller.actor.org_id, roles=caller.actor.roles
    )
    if not insider and row.status not in PUBLIC:
        raise NotFound("no such grant", grant_id=grant_id)
    return await full_view(s, row, insider=insider)


@router.get("/grants/{grant_id}/products/{product_id}/caps")
async def caps(grant_id: Id, product_id: Id, s: ReadDep) -> list[CapView]:
    """Every cap that a product of a grant had, from the first: a sale is held against that of its day."""
    row = await repository.get_grant(s, grant_id=grant_id)
    if row.status not in PUBLIC:
        raise NotFound("no such grant", grant_id=grant_id)
    product = await repository.product_of(s, grant_id=grant_id, product_id=product_id)
    return [CapView.of(one) for one in await repository.caps_of(s, product_id=product.product_id)]


@router.get("/grants/{grant_id}/uses")
async def uses(
    grant_id: Id,
    caller: CallerDep,
    s: ReadDep,
    after: Annotated[Id | None, Query()] = None,
    limit: Limit = 50,
) -> list[UseView]:
    """The uses of a grant's data, newest first, for its parties and who supervises."""
    row = await repository.get_grant(s, grant_id=grant_id)
    if not await is_insider(s, row, org_id=caller.actor.org_id, roles=caller.actor.roles):
        raise NotFound("no such grant", grant_id=grant_id)
    rows = await repository.uses_of(s, grant_id=grant_id, after=after, limit=limit)
    return [UseView.of(one) for one in rows]


@router.post("/grants", **answers(DRAFT, GrantView))
async def draft(caller: CallerDep, args: SchemeArgs) -> Response:
    """Draft the scheme of an authorised operation, as the implementing body."""
    return respond(await caller.do(DRAFT, args))


@router.post("/grants/{grant_id}/revise", **answers(REVISE, GrantView))
async def revise(grant_id: Id, caller: CallerDep, form: SchemeArgs) -> Response:
    """Write a scheme anew: other agencies are asked for their consent again."""
    return respond(await caller.do(REVISE, ReviseArgs(grant_id=grant_id, **dict(form))))


@router.post("/grants/{grant_id}/consent", **answers(CONSENT, GrantView))
async def consent(grant_id: Id, caller: CallerDep) -> Response:
    """Say yes, as another agency, to the use of one's own data."""
    return respond(await caller.do(CONSENT, GrantArgs(grant_id=grant_id)))


@router.post("/grants/{grant_id}/decide", **answers(DECIDE, GrantView))
async def decide(grant_id: Id, caller: CallerDep, form: DecideForm) -> Response:
    """Decide on a scheme, as the implementing body's chief data officer."""
    return respond(await caller.do(DECIDE, DecideArgs(grant_id=grant_id, **dict(form))))


@router.post("/grants/{grant_id}/abandon", **answers(ABANDON, GrantView))
async def abandon(grant_id: Id, caller: CallerDep, form: ReasonedForm) -> Response:
    """Give a scheme up before anything is granted."""
    return respond(await caller.do(ABANDON, ReasonedArgs(grant_id=grant_id, **dict(form))))


@router.post("/grants/{grant_id}/select", **answers(SELECT, GrantView))
async def select(grant_id: Id, caller: CallerDep, form: SelectionForm) -> Response:
    """Record who was selected as operator, and how."""
    return respond(await caller.do(SELECT, SelectArgs(grant_id=grant_id, selection=form)))


@router.post("/grants/{grant_id}/sign", **answers(SIGN, GrantView))
async def sign(grant_id: Id, caller: CallerDep, form: AgreementForm) -> Response:
    """Sign the agreement, as the implementing body."""
    return respond(await caller.do(SIGN, SignArgs(grant_id=grant_id, agreement=form)))


@router.post("/grants/{grant_id}/countersign", **answers(COUNTERSIGN, GrantView))
async def countersign(grant_id: Id, caller: CallerDep, form: CountersignForm) -> Response:
    """Sign the same agreement, as the operator: it is granted."""
    return respond(await caller.do(COUNTERSIGN, CountersignArgs(grant_id=grant_id, **dict(form))))


@router.post("/grants/{grant_id}/resources", **answers(RESOURCES, GrantView))
async def register_resources(grant_id: Id, caller: CallerDep, form: ResourcesForm) -> Response:
    """Name the public registration of each resource: the grant is active."""
    return respond(await caller.do(RESOURCES, ResourcesArgs(grant_id=grant_id, **dict(form))))


@router.post("/grants/{grant_id}/evaluate", **answers(EVALUATE, GrantView))
async def evaluate(grant_id: Id, caller: CallerDep, form: EvaluateForm) -> Response:
    """Evaluate the operator's performance."""
    return respond(await caller.do(EVALUATE, EvaluateArgs(grant_id=grant_id, **dict(form))))


@router.post("/grants/{grant_id}/renew", **answers(RENEW, GrantView))
async def renew(grant_id: Id, caller: CallerDep, form: RenewForm) -> Response:
    """Renew a grant by a supplement that both signed."""
    return respond(await caller.do(RENEW, RenewArgs(grant_id=grant_id, **dict(form))))


@router.post("/grants/{grant_id}/scenarios", **answers(ASK_SCENARIO, ScenarioView))
async def ask_scenario(grant_id: Id, caller: CallerDep, form: ScenarioForm) -> Response:
    """Apply for one scenario, as the operator."""
    return respond(await caller.do(ASK_SCENARIO, AskScenarioArgs(grant_id=grant_id, scenario=form)))


@router.post("/grants/{grant_id}/scenarios/{scenario_id}/approve", **answers(APPROVE_SCENARIO, ScenarioView))
async def approve_scenario(grant_id: Id, scenario_id: Id, caller: CallerDep) -> Response:
    """Approve a scenario, as the implementing body."""
    return respond(
        await caller.do(APPROVE_SCENARIO, OfScenarioArgs(grant_id=grant_id, scenario_id=scenario_id))
    )


@router.post("/grants/{grant_id}/scenarios/{scenario_id}/refuse", **answers(REFUSE_SCENARIO, ScenarioView))
async def refuse_scenario(grant_id: Id, scenario_id: Id, caller: CallerDep, form: ReasonedForm) -> Response:
    """Refuse a scenario with a reason."""
    return respond(
        await caller.do(
            REFUSE_SCENARIO, EndScenarioArgs(grant_id=grant_id, scenario_id=scenario_id, **dict(form))
        )
    )


@router.post("/grants/{grant_id}/scenarios/{scenario_id}/end", **answers(END_SCENARIO, ScenarioView))
async def end_scenario(grant_id: Id, scenario_id: Id, caller: CallerDep, form: ReasonedForm) -> Response:
    """End a scenario: nothing is used under it any more."""
    return respond(
        await caller.do(
            END_SCENARIO, EndScenarioArgs(grant_id=grant_id, scenario_id=scenario_id, **dict(form))
        )
    )


@router.post("/grants/{grant_id}/scenarios/{scenario_id}/outcome", **answers(TELL_OUTCOME, ScenarioView))
async def tell_outcome(grant_id: Id, scenario_id: Id, caller: CallerDep, form: OutcomeForm) -> Response:
    """Tell what came of a scenario, as the operator: its value and its risks."""
    return respond(
        await caller.do(TELL_OUTCOME, OutcomeArgs(grant_id=grant_id, scenario_id=scenario_id, **dict(form)))
    )


@router.get("/scenarios")
async def scenarios(
    s: ReadDep,
    after: Annotated[Id | None, Query(description="the last scenario_id of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> list[RegisteredScenarioView]:
    """The scenarios of authorised operation: with which data, how much it was used, what came of it."""
    found = await repository.scenarios(s, after=after, limit=limit)
    return [RegisteredScenarioView.of_grant(scenario, grant) for scenario, grant in found]


@router.post("/grants/{grant_id}/scenarios/{scenario_id}/uses", **answers(USE, UseView))
async def use_data(grant_id: Id, scenario_id: Id, caller: CallerDep, form: UseForm) -> Response:
    """Use data under a scenario: allowed and counted, or refused with what it leaves."""
    return respond(await caller.do(USE, UseArgs(grant_id=grant_id, scenario_id=scenario_id, **dict(form))))


@router.post("/grants/{grant_id}/products", **answers(ADD_PRODUCT, ProductView))
async def add_product(grant_id: Id, caller: CallerDep, form: ProductForm) -> Response:
    """Enter a product of the grant, as the operator."""
    return respond(await caller.do(ADD_PRODUCT, ProductArgs(grant_id=grant_id, **dict(form))))


@router.post("/grants/{grant_id}/products/{product_id}/code", **answers(REGISTER_PRODUCT, ProductView))
async def register_product(grant_id: Id, product_id: Id, caller: CallerDep, form: CodeForm) -> Response:
    """Name the code of a product's public registration."""
    return respond(
        await caller.do(REGISTER_PRODUCT, CodeArgs(grant_id=grant_id, product_id=product_id, **dict(form)))
    )


@router.post("/grants/{grant_id}/products/{product_id}/price", **answers(SET_PRICE, ProductView))
async def set_price(grant_id: Id, product_id: Id, caller: CallerDep, form: PriceForm) -> Response:
    """Set the price of a product, at most its cap."""
    return respond(
        await caller.do(SET_PRICE, PriceArgs(grant_id=grant_id, product_id=product_id, **dict(form)))
    )


@router.post("/grants/{grant_id}/caps", **answers(SET_CAPS, GrantView))
async def set_caps(grant_id: Id, caller: CallerDep, form: CapsForm) -> Response:
    """Set the cap of every paid product within the permitted revenue."""
    return respond(await caller.do(SET_CAPS, CapsArgs(grant_id=grant_id, **dict(form))))


@router.post("/grants/{grant_id}/years/{year}/disclose", **answers(DISCLOSE, YearView))
async def disclose(grant_id: Id, year: Year, caller: CallerDep, form: DiscloseForm) -> Response:
    """Disclose a year's accounts, products and prices, as the operator."""
    return respond(await caller.do(DISCLOSE, DiscloseArgs(grant_id=grant_id, year=year, **dict(form))))


@router.post("/grants/{grant_id}/years/{year}/report", **answers(REPORT, YearView))
async def report(grant_id: Id, year: Year, caller: CallerDep, form: ReportForm) -> Response:
    """Report a year and test its revenue, as the authorising body."""
    return respond(await caller.do(REPORT, ReportArgs(grant_id=grant_id, year=year, **dict(form))))


@router.post("/grants/{grant_id}/breaches", **answers(BREACH, BreachView))
async def find_breach(grant_id: Id, caller: CallerDep, form: BreachForm) -> Response:
    """State a breach with its evidence, as the implementing body or the data authority."""
    return respond(await caller.do(BREACH, BreachArgs(grant_id=grant_id, **dict(form))))


@router.post("/grants/{grant_id}/breaches/{breach_id}/rectified", **answers(RECTIFIED, BreachView))
async def rectified(grant_id: Id, breach_id: Id, caller: CallerDep, form: RectifiedForm) -> Response:
    """Tell what was rectified, as the operator."""
    return respond(
        await caller.do(RECTIFIED, RectifiedArgs(grant_id=grant_id, breach_id=breach_id, **dict(form)))
    )


@router.post("/grants/{grant_id}/clear", **answers(CLEAR, GrantView))
async def clear(grant_id: Id, caller: CallerDep, form: ReasonedForm) -> Response:
    """Find that every breach is rectified."""
    return respond(await caller.do(CLEAR, ReasonedArgs(grant_id=grant_id, **dict(form))))


@router.post("/grants/{grant_id}/suspend", **answers(SUSPEND, GrantView))
async def suspend(grant_id: Id, caller: CallerDep, form: ReasonedForm) -> Response:
    """Suspend a grant in which breaches are open: its listings fall."""
    return respond(await caller.do(SUSPEND, ReasonedArgs(grant_id=grant_id, **dict(form))))


@router.post("/grants/{grant_id}/resume", **answers(RESUME, GrantView))
async def resume(grant_id: Id, caller: CallerDep, form: ReasonedForm) -> Response:
    """Let a suspended grant go on."""
    return respond(await caller.do(RESUME, ReasonedArgs(grant_id=grant_id, **dict(form))))


@router.post("/grants/{grant_id}/terminate", **answers(TERMINATE, GrantView))
async def terminate(grant_id: Id, caller: CallerDep, form: TerminateForm) -> Response:
    """End a suspended grant, with proof of destruction and of the hand-over."""
    return respond(await caller.do(TERMINATE, TerminateArgs(grant_id=grant_id, **dict(form))))
