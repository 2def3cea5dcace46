"""What is shown of a grant of authorised operation."""

from datetime import datetime
from typing import Any

from pydantic import Field

from base.db import ReadSession
from registry.operation import repository
from registry.operation.documents import agreement_digest
from registry.operation.tables import (
    GrantBreachRow,
    GrantCapRow,
    GrantProductRow,
    GrantRow,
    GrantScenarioRow,
    GrantUseRow,
    GrantYearRow,
)
from web.views import View


class GrantView(View):
    """What the register of grants says of one."""

    grant_id: str
    authority_id: str
    operator_id: str | None
    status: str
    name: str
    granted_at: datetime | None
    active_at: datetime | None
    starts_at: datetime | None
    ends_at: datetime | None
    ended_at: datetime | None
    rectify_by: datetime | None
    review_by: datetime | None
    caps_due: bool
    selection: dict[str, Any] | None
    decision: dict[str, Any] | None
    reason_code: str | None

    @classmethod
    def of(cls, row: GrantRow) -> "GrantView":
        return cls.model_validate(row)


class ScenarioView(View):
    scenario_id: str
    grant_id: str
    status: str
    name: str
    purpose: str
    fields: dict[str, list[str]]
    users: list[str]
    environment: str
    starts: str
    ends: str
    uses: int
    calls: int
    value: str | None
    risk: str | None
    outcome_at: datetime | None

    @classmethod
    def of(cls, row: GrantScenarioRow) -> "ScenarioView":
        return cls.model_validate(row)


class RegisteredScenarioView(ScenarioView):
    """A scenario in the register of all, with the grant it belongs to."""

    grant: str
    authority_id: str
    operator_id: str | None

    @classmethod
    def of_grant(cls, row: GrantScenarioRow, grant: GrantRow) -> "RegisteredScenarioView":
        of = {"grant": grant.name, "authority_id": grant.authority_id, "operator_id": grant.operator_id}
        return cls(**ScenarioView.of(row).model_dump(), **of)


class UseView(View):
    use_id: str
    grant_id: str
    scenario_id: str
    data_id: str
    fields: list[str]
    user_id: str
    calls: int
    used_at: datetime

    @classmethod
    def of(cls, row: GrantUseRow) -> "UseView":
        return cls.model_validate(row)


class ProductView(View):
    product_id: str
    grant_id: str
    scenario_id: str
    title: str
    product_class: str
    unit: str
    cap_minor: int | None
    price_minor: int | None
    trial: bool
    code: str | None
    code_by: datetime

    @classmethod
    def of(cls, row: GrantProductRow) -> "ProductView":
        return cls.model_validate(row)


class CapView(View):
    """A cap of a product, from its day until the next."""

    cap_minor: int
    trial: bool
    set_at: datetime
    document_sha256: str

    @classmethod
    def of(cls, row: GrantCapRow) -> "CapView":
        return cls.model_validate(row)


class YearView(View):
    """What both sides have published of a year."""

    grant_id: str
    year: int
    disclosed_at: datetime | None
    reported_at: datetime | None
    actual_minor: int | None
    permitted_minor: int | None
    off_exchange_minor: int | None
    deviation_bp: int | None
    caps_must_change: bool | None

    @classmethod
    def of(cls, row: GrantYearRow) -> "YearView":
        return cls.model_validate(row)


class BreachView(View):
    breach_id: str
    grant_id: str
    kind: str
    found_by: str
    found_at: datetime
    rectify_by: datetime
    rectified_at: datetime | None
    cleared_at: datetime | None

    @classmethod
    def of(cls, row: GrantBreachRow) -> "BreachView":
        return cls.model_validate(row)


class ResourceView(View):
    data_id: str
    agency_id: str
    consented: bool
    registration_id: str | None


class FullGrantView(GrantView):
    """With its data, scenarios, products, years and breaches; the scheme and agreement for the parties."""

    resources: list[ResourceView]
    scenarios: list[ScenarioView]
    products: list[ProductView]
    years: list[YearView]
    breaches: list[BreachView]
    scheme: dict[str, Any] | None = Field(description="For its parties and who supervises")
    agreement: dict[str, Any] | None = Field(description="For its parties and who supervises")
    agreement_sha256: str | None = Field(description="What the operator signs: clauses, term and document")
    price_basis: dict[str, Any] | None


class InstitutionView(View):
    """An operating institution with every grant it holds or held, and how it was selected (R01)."""

    org_id: str
    name: str
    status: str
    grants: list[GrantView]


async def full_view(s: ReadSession, row: GrantRow, *, insider: bool) -> FullGrantView:
    """A grant with all that belongs to it."""
    grant_id = row.grant_id
    resources = await repository.resources_of(s, grant_id=grant_id)
    return FullGrantView(
        **GrantView.of(row).model_dump(),
        resources=[
            ResourceView(
                data_id=one.data_id,
                agency_id=one.agency_id,
                consented=one.consented_at is not None,
                registration_id=one.registration_id,
            )
            for one in resources
        ],
        scenarios=[ScenarioView.of(one) for one in await repository.scenarios_of(s, grant_id=grant_id)],
        products=[ProductView.of(one) for one in await repository.products_of(s, grant_id=grant_id)],
        years=[YearView.of(one) for one in await repository.years_of(s, grant_id=grant_id)],
        breaches=[BreachView.of(one) for one in await repository.breaches_of(s, grant_id=grant_id)],
        scheme=row.scheme if insider else None,
        agreement=row.agreement if insider else None,
        agreement_sha256=agreement_digest(row.agreement) if insider and row.agreement else None,
        price_basis=row.price_basis,
    )
