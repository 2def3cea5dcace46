"""What authorised operation is told."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from registry.operation.charging import Cap
from registry.operation.revenue import Costs
from registry.operation.rules import (
    MAX_BIDDERS,
    MAX_CALLS,
    MAX_CONDITIONS,
    MAX_DATA,
    MAX_FIELDS,
    MAX_NAME,
    MAX_PRODUCTS,
    MAX_SCORE,
    MAX_TEXT,
    MAX_TRACES,
    MAX_USERS,
    Agreement,
    Bidder,
    BreachKind,
    Clause,
    OperationMode,
    PlannedProduct,
    PriceUnit,
    ProductClass,
    Scenario,
    Scheme,
    Selection,
    SelectionMethod,
    Use,
)
from web.acts import Args, Asked, Id, Moment, Sha256

Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Loose = Annotated[str, Field(max_length=MAX_TEXT, description="Empty contents are refused, each by name")]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
_NO_CONTROLS = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"  # also inside a map, where `Asked` does not look
FieldName = Annotated[str, Field(min_length=1, max_length=MAX_NAME, pattern=_NO_CONTROLS)]
Said = Annotated[str, Field(max_length=MAX_TEXT, pattern=_NO_CONTROLS)]
Day = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2200, 1, 1))]
Evidence = Annotated[list[Sha256], Field(min_length=1, max_length=20)]
Fen = Annotated[int, Field(ge=0, le=10**15)]
Rate = Annotated[str, Field(pattern=r"^0(\.[0-9]{1,12})?$")]
Year = Annotated[int, Field(ge=2021, le=2199)]


class PlannedForm(Asked):
    title: Loose
    product_class: ProductClass
    unit: PriceUnit


class SchemeForm(Asked):
    """The twelve contents of a scheme (实施规范 Art 9)."""

    name: Annotated[str, Field(max_length=MAX_NAME)]
    need: Loose
    conditions: list[Loose] = Field(max_length=MAX_CONDITIONS, description="What a bidder has to be")
    mode: OperationMode
    resource_range: Loose
    data_ids: list[Id] = Field(max_length=MAX_DATA, description="Entries of agencies' data lists")
    term_months: int = Field(ge=0, le=1200)
    exit: Loose
    products: list[PlannedForm] = Field(max_length=MAX_PRODUCTS)
    income: Loose
    security: Loose
    duties: Loose
    supervision: Loose

    def value(self) -> Scheme:
        """The scheme as the rules take it."""
        said = {name: getattr(self, name) for name in type(self).model_fields}
        planned = tuple(PlannedProduct(**dict(one)) for one in self.products)
        lists = {"conditions": tuple(self.conditions), "data_ids": tuple(self.data_ids)}
        return Scheme(**(said | lists | {"products": planned}))


class SchemeArgs(Args):
    scheme: SchemeForm


class GrantArgs(Args):
    grant_id: Id


class ReviseArgs(GrantArgs, SchemeArgs):
    pass


class DecideForm(Asked):
    meeting_sha256: Sha256
    meeting_on: Day
    filed_with: Id = Field(description="The data authority of the province")


class DecideArgs(GrantArgs, DecideForm):
    pass


class ReasonedForm(Asked):
    reason: Text


class ReasonedArgs(GrantArgs, ReasonedForm):
    pass


class TraceForm(Asked):
    kind: Annotated[str, Field(pattern=r"^[a-z_]{2,20}$")]
    value_sha256: Sha256


class BidderForm(Asked):
    org_id: Id
    score: int = Field(ge=0, le=MAX_SCORE, description="Tenths of a point of a hundred")
    traces: list[TraceForm] = Field(default=[], max_length=MAX_TRACES)


class SelectionForm(Asked):
    """The record of a selection (实施规范 Art 12)."""

    method: SelectionMethod
    notice_from: Day
    notice_to: Day
    notice_sha256: Sha256
    record_sha256: Sha256
    bidders: list[BidderForm] = Field(min_length=1, max_length=MAX_BIDDERS)
    winner_id: Id
    exception: Annotated[str, Field(max_length=MAX_NAME)] = ""

    def value(self) -> Selection:
        bidders = tuple(
            Bidder(
                org_id=one.org_id,
                score=one.score,
                traces=tuple((trace.kind, trace.value_sha256) for trace in one.traces),
            )
            for one in self.bidders
        )
        said = {name: getattr(self, name) for name in type(self).model_fields} | {"bidders": bidders}
        return Selection(**said)


class SelectArgs(GrantArgs):
    selection: SelectionForm


class AgreementForm(Asked):
    """The agreement with the thirteen contents of 实施规范 Art 14, clause by clause."""

    clauses: dict[Clause, Said] = Field(max_length=len(Clause))
    term_from: Day
    term_to: Day
    redevelopment_barred: bool
    document_sha256: Sha256

    def value(self) -> Agreement:
        return Agreement(**{name: getattr(self, name) for name in type(self).model_fields})


class SignArgs(GrantArgs):
    agreement: AgreementForm


class CountersignForm(Asked):
    agreement_sha256: Sha256
    filed_with: Id


class CountersignArgs(GrantArgs, CountersignForm):
    pass


class ResourcesForm(Asked):
    registrations: dict[Id, Id] = Field(
        max_length=MAX_DATA, description="For each entry of data its public registration"
    )


class ResourcesArgs(GrantArgs, ResourcesForm):
    pass


class ScenarioForm(Asked):
    """One scenario, one application."""

    name: Name
    purpose: Text
    fields: dict[Id, Annotated[list[FieldName], Field(max_length=MAX_FIELDS)]] = Field(max_length=MAX_DATA)
    users: list[Id] = Field(default=[], max_length=MAX_USERS, description="Empty: any user of this purpose")
    environment: Name
    starts: Day
    ends: Day

    def value(self) -> Scenario:
        said = {name: getattr(self, name) for name in type(self).model_fields}
        fields = {data_id: tuple(names) for data_id, names in self.fields.items()}
        return Scenario(**(said | {"fields": fields, "users": tuple(self.users)}))


class AskScenarioArgs(GrantArgs):
    scenario: ScenarioForm


class OfScenarioArgs(GrantArgs):
    scenario_id: Id


class EndScenarioArgs(OfScenarioArgs, ReasonedForm):
    pass


class OutcomeForm(Asked):
    """What came of a scenario, in words: its value and its risks."""

    value: str = Field(min_length=1, max_length=MAX_TEXT)
    risk: str = Field(min_length=1, max_length=MAX_TEXT)


class OutcomeArgs(OfScenarioArgs, OutcomeForm):
    pass


class UseForm(Asked):
    """One job: for which user and purpose, which fields of which data, in which environment."""

    data_id: Id
    fields: list[FieldName] = Field(min_length=1, max_length=MAX_FIELDS)
    user_id: Id
    purpose: Text
    environment: Name
    calls: int = Field(default=1, ge=1, le=MAX_CALLS)

    def value(self) -> Use:
        said = {name: getattr(self, name) for name in UseForm.model_fields}
        return Use(**(said | {"fields": tuple(self.fields)}))


class UseArgs(OfScenarioArgs, UseForm):
    pass


class ProductForm(Asked):
    product_id: Id
    scenario_id: Id
    title: Name
    product_class: ProductClass
    unit: PriceUnit


class ProductArgs(GrantArgs, ProductForm):
    pass


class CodeForm(Asked):
    code: Annotated[str, Field(min_length=1, max_length=40)]


class CodeArgs(GrantArgs, CodeForm):
    product_id: Id


class CapForm(Asked):
    product_id: Id
    cap_minor: Fen
    expected_units: Fen


class CapsForm(Asked):
    """A decision on prices: a cap for each paid product, and the permitted revenue they stay in."""

    caps: list[CapForm] = Field(min_length=1, max_length=MAX_PRODUCTS)
    cost_minor: Fen
    subsidy_minor: Fen = 0
    bond_yield: Rate = Field(description="Mean ten-year government bond yield of the year before")
    margin: Rate = Field(description="At most 0.06")
    tax_minor: Fen = 0
    trial: bool = False
    document_sha256: Sha256

    def values(self) -> dict[str, Any]:
        """The decision as the verb takes it."""
        costs = Costs(
            cost_minor=self.cost_minor,
            subsidy_minor=self.subsidy_minor,
            bond_yield=Decimal(self.bond_yield),
            margin=Decimal(self.margin),
            tax_minor=self.tax_minor,
        )
        caps = [Cap(**dict(one)) for one in self.caps]
        return {"caps": caps, "costs": costs, "trial": self.trial, "document_sha256": self.document_sha256}


class CapsArgs(GrantArgs, CapsForm):
    pass


class PriceForm(Asked):
    price_minor: Fen


class PriceArgs(GrantArgs, PriceForm):
    product_id: Id


class DiscloseForm(Asked):
    """A year's separate accounts; the document has the product list and prices."""

    cost_minor: Fen
    subsidy_minor: Fen = 0
    actual_minor: Fen
    off_exchange_minor: Fen = 0
    document_sha256: Sha256


class DiscloseArgs(GrantArgs, DiscloseForm):
    year: Year


class ReportForm(Asked):
    bond_yield: Rate
    margin: Rate
    tax_minor: Fen = 0
    document_sha256: Sha256


class ReportArgs(GrantArgs, ReportForm):
    year: Year


class BreachForm(Asked):
    kind: BreachKind
    text: Text
    evidence: Evidence
    rectify_by: Moment


class BreachArgs(GrantArgs, BreachForm):
    pass


class RectifiedForm(Asked):
    text: Text
    evidence: Evidence


class RectifiedArgs(GrantArgs, RectifiedForm):
    breach_id: Id


class TerminateForm(ReasonedForm):
    destruction_sha256: Sha256
    handover_sha256: Sha256


class TerminateArgs(GrantArgs, TerminateForm):
    pass


class EvaluateForm(Asked):
    score: int = Field(ge=0, le=MAX_SCORE)
    report_sha256: Sha256


class EvaluateArgs(GrantArgs, EvaluateForm):
    pass


class RenewForm(Asked):
    until: Day
    supplement_sha256: Sha256


class RenewArgs(GrantArgs, RenewForm):
    pass
