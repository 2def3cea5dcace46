"""What an operator may charge: products and their codes, caps within the permitted revenue, yearly accounts.

发改价格〔2025〕65号: the authorising body sets a cap for each product so that all bring in no more than the
permitted revenue; in the first year trial prices stand. Each year both sides disclose by 31 March, and the
actual revenue is tested: within a tenth the operator adjusts its prices, beyond it the caps must change.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from base.calendar import deadline_after, months_after, shanghai_day
from base.clock import rfc3339
from base.db import WriteSession
from base.ids import is_id
from identity.service import insert
from ledger.recording import Act
from registry.doors import Said
from registry.operation import repository
from registry.operation.errors import (
    CapsAboveRevenue,
    GrantMalformed,
    ProductRepeated,
    ProductUncoded,
    ProductUnpriced,
    ScenarioAsked,
    TrialOver,
    YearRepeated,
    YearUnfit,
)
from registry.operation.moving import claim_for, step, wind
from registry.operation.revenue import Costs, deviation_bp, is_beyond
from registry.operation.rules import (
    PriceUnit,
    ProductClass,
    ScenarioState,
    check_price,
    check_year,
    disclosed_until,
    first_full_year,
)
from registry.operation.states import GrantEvent
from registry.operation.tables import GrantCapRow, GrantProductRow, GrantRow, GrantYearRow
from registry.operation.terms import term
from registry.registration.applying import stands
from registry.registration.repository import resting_on_number
from registry.registration.rules import Kind, plain_number

_E = GrantEvent
PRODUCT = "PRODUCT"
REVIEW = "REVIEW"
_MOST = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """The cap of a product, in fen a unit, and how many units a year are expected."""

    product_id: str
    cap_minor: int
    expected_units: int


async def add_product(
    s: WriteSession,
    act: Act,
    *,
    grant_id: str,
    product_id: str,
    scenario_id: str,
    title: str,
    product_class: ProductClass,
    unit: PriceUnit,
) -> GrantProductRow:
    """Enter a product under a scenario (AOG.ADD_PRODUCT), as the operator. The clock for its code begins.

    Raises ProductRepeated, ScenarioAsked where the scenario is not approved, GrantMalformed.
    """
    row = await claim_for(s, act, grant_id, _E.ADD_PRODUCT)
    scenario = await repository.scenario_of(s, grant_id=grant_id, scenario_id=scenario_id)
    if scenario.status is not ScenarioState.APPROVED:
        raise ScenarioAsked("not approved", scenario_id=scenario_id, status=scenario.status.value)
    if not is_id(product_id, "prd"):
        raise GrantMalformed("a product of the exchange", fields=["product_id"])
    product = GrantProductRow(
        product_id=product_id,
        grant_id=grant_id,
        scenario_id=scenario_id,
        title=title,
        product_class=product_class,
        unit=unit,
        added_at=act.occurred_at,
        code_by=deadline_after(act.now, term("product_code", act.now).whole).at,
    )
    if await repository.operator_of(s, product_id=product_id) is not None:
        raise ProductRepeated("this product stands in a grant", product_id=product_id)
    await insert(s, product, ProductRepeated("this product stands in a grant", product_id=product_id))
    public = {
        "product_id": product_id,
        "scenario_id": scenario_id,
        "class": product_class.value,
        "unit": unit.value,
        "code_by": rfc3339(product.code_by),
    }
    await step(s, act, _E.ADD_PRODUCT, row, Said(public=public, opening={"title": title}))
    await wind(s, row, f"{PRODUCT}:{product_id}", product.code_by)
    return product


async def register_product(
    s: WriteSession, act: Act, *, grant_id: str, product_id: str, code: str
) -> GrantProductRow:
    """Name the code of a product's own public registration (AOG.REGISTER_PRODUCT).

    Raises ProductUncoded where no such registration of the operator stands.
    """
    row = await claim_for(s, act, grant_id, _E.REGISTER_PRODUCT)
    product = await repository.product_of(s, grant_id=grant_id, product_id=product_id)
    found = await resting_on_number(s, number=code)
    if found is None or found.kind is not Kind.PUBLIC_RESOURCE or not stands(found, act):
        raise ProductUncoded("no registration of this code stands", code=code)
    if found.applicant_id != row.operator_id or (is_id(found.data_id, "prd") and found.data_id != product_id):
        raise ProductUncoded("the code of another's, or of another product", code=code)
    product.code, product.coded_at = plain_number(code), act.occurred_at
    s.add(product)
    await s.flush()
    late = act.now > product.code_by
    public = {"product_id": product_id, "code": product.code, "late": late}
    await step(s, act, _E.REGISTER_PRODUCT, row, Said(public=public))
    return product


async def set_caps(
    s: WriteSession,
    act: Act,
    *,
    grant_id: str,
    caps: Sequence[Cap],
    costs: Costs,
    trial: bool,
    document_sha256: str,
) -> Sequence[GrantProductRow]:
    """Set the cap of every paid product (AOG.SET_CAPS), as the authorising body, in one decision.

    At their caps the expected units bring in no more than the permitted revenue, last year's excess deducted;
    of trial prices that is not asked, and there are none once a full year is over. Raises CapsAboveRevenue,
    TrialOver, GrantMalformed.
    """
    row = await claim_for(s, act, grant_id, _E.SET_CAPS)
    products = {one.product_id: one for one in await repository.products_of(s, grant_id=grant_id)}
    paid = {one.product_id for one in products.values() if one.product_class is ProductClass.PAID}
    named = [one.product_id for one in caps]
    amounts = [*(one.cap_minor for one in caps), *(one.expected_units for one in caps)]
    wrong = [
        ("caps", set(named) != paid or len(set(named)) < len(named) or not named),
        ("amounts", any(not 0 <= amount <= _MOST for amount in amounts)),
        ("margin", not 0 <= costs.margin <= _decimal("margin", act)),
        ("bond_yield", not 0 <= costs.bond_yield <= 1),
    ]
    fields = [name for name, is_wrong in wrong if is_wrong]
    if fields:
        raise GrantMalformed("a cap for each paid product, rates within their limits", fields=fields)
    years = [one for one in await repository.years_of(s, grant_id=grant_id) if one.reported_at]
    assert row.active_at is not None  # caps are set in a grant that was activated
    full = first_full_year(row.active_at)
    if trial and full < shanghai_day(act.now).year:
        raise TrialOver("a full year is over", year=full)
    costs = replace(costs, carried_minor=years[-1].excess_minor or 0 if years else 0)
    at_caps = sum(one.cap_minor * one.expected_units for one in caps)
    if not trial and at_caps > costs.permitted_minor:
        raise CapsAboveRevenue(
            "the caps bring in too much",
            at_caps_minor=str(at_caps),
            permitted_minor=str(costs.permitted_minor),
        )
    for one in caps:
        product = products[one.product_id]
        product.cap_minor, product.expected_units, product.trial = one.cap_minor, one.expected_units, trial
        cap = GrantCapRow(
            product_id=one.product_id,
            set_at=act.occurred_at,
            cap_minor=one.cap_minor,
            trial=trial,
            document_sha256=document_sha256,
        )
        await s.merge(cap)  # of two decisions of one moment the last stands
        if product.price_minor is not None and product.price_minor > one.cap_minor:
            product.price_minor = None  # nothing is sold above a new cap: a price is set anew
        s.add(product)
    for product in products.values():
        if product.product_class is ProductClass.FREE:
            product.cap_minor = 0
            s.add(product)
    await s.flush()
    review_by = months_after(act.now, term("review", act.now).whole)
    basis = {
        **_costs_document(costs),
        "permitted_minor": str(costs.permitted_minor),
        "at_caps_minor": str(at_caps),
        "trial": trial,
        "document_sha256": document_sha256,
    }
    public = {
        "caps": {one.product_id: str(one.cap_minor) for one in caps},
        "trial": trial,
        "review_by": rfc3339(review_by),
    }
    said = Said(public=public, opening={"basis": basis}, subjects={"decision": document_sha256})
    values = {"price_basis": basis, "review_by": review_by, "caps_due": False}
    await step(s, act, _E.SET_CAPS, row, said, values=values)
    await wind(s, row, REVIEW, review_by)
    return list(products.values())


async def set_price(
    s: WriteSession, act: Act, *, grant_id: str, product_id: str, price_minor: int
) -> GrantProductRow:
    """Set the price of a product (AOG.SET_PRICE), as the operator: at most its cap; nothing of what is free.

    Raises ProductUnpriced, PriceAboveGrantCap.
    """
    row = await claim_for(s, act, grant_id, _E.SET_PRICE)
    product = await repository.product_of(s, grant_id=grant_id, product_id=product_id)
    if product.product_class is ProductClass.PAID and product.cap_minor is None:
        raise ProductUnpriced("no cap is set", product_id=product_id)
    check_price(product.product_class, price_minor, product.cap_minor or 0)
    product.price_minor = price_minor
    s.add(product)
    await s.flush()
    public = {"product_id": product_id, "price_minor": str(price_minor)}
    await step(s, act, _E.SET_PRICE, row, Said(public=public))
    return product


async def disclose(
    s: WriteSession,
    act: Act,
    *,
    grant_id: str,
    year: int,
    cost_minor: int,
    subsidy_minor: int,
    actual_minor: int,
    off_exchange_minor: int,
    document_sha256: str,
) -> GrantYearRow:
    """Disclose a year (AOG.DISCLOSE), as the operator: separate accounts, products and prices; once.

    Raises YearUnfit, YearRepeated, GrantMalformed.
    """
    row = await claim_for(s, act, grant_id, _E.DISCLOSE)
    kept = await _year(s, act, row, year)
    if kept.disclosed_at is not None:
        raise YearRepeated("disclosed before", year=year)
    if off_exchange_minor > actual_minor:
        raise GrantMalformed("what was sold elsewhere is part of it", fields=["off_exchange_minor"])
    kept.cost_minor, kept.subsidy_minor = cost_minor, subsidy_minor
    kept.actual_minor, kept.off_exchange_minor = actual_minor, off_exchange_minor
    kept.disclosure_sha256, kept.disclosed_at = document_sha256, act.occurred_at
    s.add(kept)
    await s.flush()
    products = await repository.products_of(s, grant_id=grant_id)
    public = {
        "year": year,
        "late": act.now > disclosed_until(year, act.now),
        "prices": {one.product_id: str(one.price_minor or 0) for one in products},
    }
    opening = {
        "cost_minor": str(cost_minor),
        "subsidy_minor": str(subsidy_minor),
        "actual_minor": str(actual_minor),
        "off_exchange_minor": str(off_exchange_minor),
    }
    said = Said(public=public, opening=opening, subjects={"disclosure": document_sha256})
    await step(s, act, _E.DISCLOSE, row, said)
    return kept


async def report_year(
    s: WriteSession,
    act: Act,
    *,
    grant_id: str,
    year: int,
    bond_yield: Decimal,
    margin: Decimal,
    tax_minor: int,
    document_sha256: str,
) -> GrantYearRow:
    """Report a year and test its revenue (AOG.REPORT), as the authorising body, on the operator's accounts.

    Beyond a tenth the caps must change (`caps_must_change`). Raises YearUnfit, YearRepeated, GrantMalformed.
    """
    row = await claim_for(s, act, grant_id, _E.REPORT)
    kept = await _year(s, act, row, year)
    if kept.reported_at is not None:
        raise YearRepeated("reported before", year=year)
    if kept.disclosed_at is None or kept.cost_minor is None or kept.actual_minor is None:
        raise YearUnfit("the operator has not disclosed its accounts", year=year)
    if not 0 <= margin <= _decimal("margin", act) or not 0 <= bond_yield <= 1:
        raise GrantMalformed("rates within their limits", fields=["bond_yield", "margin"])
    others = [one for one in await repository.years_of(s, grant_id=grant_id) if one.reported_at]
    later = [one.year for one in others if one.year > year]
    if later:  # its excess was deducted already, without what this year carries on
        raise YearUnfit("a later year was reported before", year=year, reported=later)
    costs = Costs(
        cost_minor=kept.cost_minor,
        subsidy_minor=kept.subsidy_minor or 0,
        bond_yield=bond_yield,
        margin=margin,
        tax_minor=tax_minor,
        carried_minor=(others[-1].excess_minor or 0) if others else 0,
    )
    permitted = costs.permitted_minor
    kept.permitted_minor, kept.excess_minor = permitted, costs.excess_minor(kept.actual_minor)
    kept.deviation_bp = deviation_bp(kept.actual_minor, permitted)
    kept.caps_must_change = is_beyond(kept.actual_minor, permitted, term("deviation", act.now).fraction)
    kept.report_sha256, kept.reported_at = document_sha256, act.occurred_at
    s.add(kept)
    await s.flush()
    public = {
        "year": year,
        "late": act.now > disclosed_until(year, act.now),
        "deviation_bp": kept.deviation_bp,
        "caps_must_change": kept.caps_must_change,
    }
    opening = {
        **_costs_document(costs),
        "permitted_minor": str(permitted),
        "actual_minor": str(kept.actual_minor),
        "excess_minor": str(kept.excess_minor),
    }
    said = Said(public=public, opening=opening, subjects={"report": document_sha256})
    values = {"caps_due": True} if kept.caps_must_change else {}
    await step(s, act, _E.REPORT, row, said, values=values)
    return kept


async def _year(s: WriteSession, act: Act, row: GrantRow, year: int) -> GrantYearRow:
    """A year that can be accounted for, with what is known of it. Raises YearUnfit."""
    if row.active_at is None:
        raise YearUnfit("nothing was operated yet", year=year)
    check_year(year, begun=row.active_at, ended=row.ended_at, at=act.now)
    kept = await repository.year_of(s, grant_id=row.grant_id, year=year)
    return kept or GrantYearRow(grant_id=row.grant_id, year=year)


def _decimal(name: str, act: Act) -> Decimal:
    share = term(name, act.now).fraction
    return Decimal(share.numerator) / Decimal(share.denominator)


def _costs_document(costs: Costs) -> dict[str, Any]:
    return {
        "cost_minor": str(costs.cost_minor),
        "subsidy_minor": str(costs.subsidy_minor),
        "bond_yield": str(costs.bond_yield),
        "margin": str(costs.margin),
        "profit_minor": str(costs.profit_minor),
        "tax_minor": str(costs.tax_minor),
        "carried_minor": str(costs.carried_minor),
    }
