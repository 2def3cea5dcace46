"""What is kept of authorised operation: grants, their data, scenarios, uses, products, years, breaches."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Text,
)
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from registry.operation.rules import BreachKind, PriceUnit, ProductClass, ScenarioState
from registry.operation.states import GrantState


def _org(*, nullable: bool = False) -> Column[str]:
    return Column(Text, ForeignKey("identity_orgs.org_id"), nullable=nullable, index=True)


def _of_grant() -> Column[str]:
    return Column(Text, ForeignKey("registry_grants.grant_id"), nullable=False, index=True)


class GrantRow(SQLModel, table=True):
    """A grant from its scheme on. Whatever rests on it share-locks this row.

    `ends_at` is the last moment of the term; `suspended_role` who may lift a suspension besides the agency;
    `price_basis` is how the caps in force were set, `review_by` until when.
    """

    __tablename__ = "registry_grants"

    grant_id: str = Field(sa_column=Column(Text, primary_key=True))
    authority_id: str = Field(sa_column=_org())
    operator_id: str | None = Field(default=None, sa_column=_org(nullable=True))
    status: GrantState = Field(sa_column=Column(text_enum(GrantState), nullable=False, index=True))
    name: str = Field(sa_column=Column(Text, nullable=False))
    scheme: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    decision: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    selection: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    agreement: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    drafted_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    granted_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    active_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    starts_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    ends_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    rectify_by: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    suspended_role: str | None = Field(default=None, sa_column=Column(Text))
    price_basis: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    review_by: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    caps_due: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    evaluation: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    evaluated_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    reason_code: str | None = Field(default=None, sa_column=Column(Text))


class GrantResourceRow(SQLModel, table=True):
    """One entry of an agency's data list in a grant: whose it is, its consent, its registration."""

    __tablename__ = "registry_grant_resources"

    grant_id: str = Field(sa_column=Column(Text, ForeignKey("registry_grants.grant_id"), primary_key=True))
    data_id: str = Field(sa_column=Column(Text, primary_key=True, index=True))
    agency_id: str = Field(sa_column=_org())
    consented_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    registration_id: str | None = Field(default=None, sa_column=Column(Text, index=True))


class GrantScenarioRow(SQLModel, table=True):
    """A scenario that an operator asked for; `uses` and `calls` are counted."""

    __tablename__ = "registry_grant_scenarios"
    __table_args__ = (CheckConstraint("uses >= 0 AND calls >= 0", name="counted"),)

    scenario_id: str = Field(sa_column=Column(Text, primary_key=True))
    grant_id: str = Field(sa_column=_of_grant())
    status: ScenarioState = Field(sa_column=Column(text_enum(ScenarioState), nullable=False))
    name: str = Field(sa_column=Column(Text, nullable=False))
    purpose: str = Field(sa_column=Column(Text, nullable=False))
    fields: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    users: list[str] = Field(sa_column=Column(JSON, nullable=False))
    environment: str = Field(sa_column=Column(Text, nullable=False))
    starts: str = Field(sa_column=Column(Text, nullable=False))
    ends: str = Field(sa_column=Column(Text, nullable=False))
    asked_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    decided_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    uses: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    calls: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    # What came of it, in the operator's words, told last at `outcome_at`.
    value: str | None = Field(default=None, sa_column=Column("outcome_value", Text))
    risk: str | None = Field(default=None, sa_column=Column("outcome_risk", Text))
    outcome_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class GrantUseRow(SQLModel, table=True):
    """One job that was allowed; a refused one stands on the ledger."""

    __tablename__ = "registry_grant_uses"

    use_id: str = Field(sa_column=Column(Text, primary_key=True))
    grant_id: str = Field(sa_column=_of_grant())
    scenario_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_grant_scenarios.scenario_id"), nullable=False, index=True)
    )
    data_id: str = Field(sa_column=Column(Text, nullable=False))
    fields: list[str] = Field(sa_column=Column(JSON, nullable=False))
    user_id: str = Field(sa_column=Column("used_by", Text, nullable=False))
    calls: int = Field(sa_column=Column(BigInteger, nullable=False))
    used_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class GrantProductRow(SQLModel, table=True):
    """A product of a grant: its class and unit, its cap and price in fen, its code and until when."""

    __tablename__ = "registry_grant_products"
    __table_args__ = (
        CheckConstraint("cap_minor IS NULL OR cap_minor >= 0", name="cap"),
        CheckConstraint("price_minor IS NULL OR price_minor >= 0", name="price"),
    )

    product_id: str = Field(sa_column=Column(Text, primary_key=True))
    grant_id: str = Field(sa_column=_of_grant())
    scenario_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_grant_scenarios.scenario_id"), nullable=False)
    )
    title: str = Field(sa_column=Column(Text, nullable=False))
    product_class: ProductClass = Field(sa_column=Column(text_enum(ProductClass), nullable=False))
    unit: PriceUnit = Field(sa_column=Column(text_enum(PriceUnit), nullable=False))
    cap_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    expected_units: int | None = Field(default=None, sa_column=Column(BigInteger))
    trial: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    price_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    added_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    code_by: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    code: str | None = Field(default=None, sa_column=Column(Text))
    coded_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class GrantCapRow(SQLModel, table=True):
    """The cap of a product from one moment on, in fen a unit: a sale is held against the cap of its day."""

    __tablename__ = "registry_grant_caps"
    __table_args__ = (CheckConstraint("cap_minor >= 0", name="cap"),)

    product_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_grant_products.product_id"), primary_key=True)
    )
    set_at: datetime = Field(sa_column=Column(UtcDateTime, primary_key=True))
    cap_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    trial: bool = Field(sa_column=Column(Boolean, nullable=False))
    document_sha256: str = Field(sa_column=Column(Text, nullable=False))


class GrantYearRow(SQLModel, table=True):
    """A year of a grant: the operator's accounts and disclosure, the agency's report and test."""

    __tablename__ = "registry_grant_years"

    grant_id: str = Field(sa_column=Column(Text, ForeignKey("registry_grants.grant_id"), primary_key=True))
    year: int = Field(sa_column=Column("year_of", Integer, primary_key=True))
    cost_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    subsidy_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    actual_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    off_exchange_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    disclosure_sha256: str | None = Field(default=None, sa_column=Column(Text))
    disclosed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    permitted_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    excess_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    deviation_bp: int | None = Field(default=None, sa_column=Column(BigInteger))
    caps_must_change: bool | None = Field(default=None, sa_column=Column(Boolean))
    report_sha256: str | None = Field(default=None, sa_column=Column(Text))
    reported_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class GrantBreachRow(SQLModel, table=True):
    """A breach that was found, what the operator says it rectified, and when it was cleared."""

    __tablename__ = "registry_grant_breaches"
    __table_args__ = (Index("ix_registry_grant_breaches_open", "grant_id", "cleared_at"),)

    breach_id: str = Field(sa_column=Column(Text, primary_key=True))
    grant_id: str = Field(sa_column=Column(Text, ForeignKey("registry_grants.grant_id"), nullable=False))
    kind: BreachKind = Field(sa_column=Column(text_enum(BreachKind), nullable=False))
    text: str = Field(sa_column=Column(Text, nullable=False))
    evidence: list[str] = Field(sa_column=Column(JSON, nullable=False))
    found_by: str = Field(sa_column=_org())
    found_role: str = Field(sa_column=Column(Text, nullable=False))
    found_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    rectify_by: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    rectified: str | None = Field(default=None, sa_column=Column(Text))
    rectified_evidence: list[str] | None = Field(default=None, sa_column=Column(JSON))
    rectified_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    cleared_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
