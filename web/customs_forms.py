"""What customs is told, and what it answers."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field

from market.customs.declared import (
    MAX_FIELDS,
    MAX_PERSONS,
    Channel,
    ContractKind,
    DataField,
    Declaration,
    Ground,
    Kind,
    Mode,
    Recipient,
    Research,
)
from market.customs.proving import DocumentKind, OnRegister, Shown
from market.customs.routing import Way
from market.customs.tables import (
    CustomsDocumentRow,
    DeclarationRow,
    EndpointRow,
    NegativeListRow,
    NetworksRow,
)
from registry.rules import Level
from web.acts import Args, Asked, Id, ReasonCode, Sha256
from web.views import View

Text = Annotated[str, Field(min_length=1, max_length=2_000)]
Short = Annotated[str, Field(min_length=1, max_length=200)]
Maybe = Annotated[str, Field(max_length=200)]
Place = Annotated[str, Field(pattern=r"^([1-8][0-9]{5}|[A-Z]{2})$", description="GB/T 2260 or ISO 3166-1")]
Persons = Annotated[int, Field(ge=0, le=MAX_PERSONS)]
Volume = Annotated[int, Field(ge=1, le=10**15)]
Name = Annotated[str, Field(pattern=r"^[a-z_]{2,30}$")]
Number = Annotated[str, Field(pattern=r"^[0-9A-Za-z\-/.()（）〔〕第号字\u4e00-\u9fff]{1,60}$")]
Zone = Annotated[str, Field(pattern=r"^[a-z0-9-]{2,40}$")]
Industry = Annotated[str, Field(pattern=r"^[A-T]([0-9]{2})?$", description="GB/T 4754: section, division")]


class DataFieldForm(Asked):
    name: Short
    personal: bool = False
    sensitive: bool = False
    level: Level = Level.GENERAL_1


class RecipientForm(Asked):
    name: Short
    country: Place
    contact: Short
    affiliation: Maybe = ""
    org_id: Id | None = None


class ResearchForm(Asked):
    project: Short
    ethics_no: Short
    ethics_sha256: Sha256
    participants: Annotated[list[Short], Field(min_length=1, max_length=50)]


class FlowForm(Asked):
    """All that a customs declaration says (PIPL 39, 55; Network Data Regulation 33)."""

    kind: Kind = Kind.ORDINARY
    recipient: RecipientForm
    purpose: Text
    necessity: Text
    fields: Annotated[list[DataFieldForm], Field(min_length=1, max_length=MAX_FIELDS)]
    level: Level
    persons: Persons = 0
    sensitive_persons: Persons = 0
    volume_bytes: Volume
    volume_uses: Annotated[int, Field(ge=1, le=10**12)]
    mode: Mode
    channel: Channel
    storage_place: Place
    retention_months: Annotated[int, Field(ge=0, le=1200)]
    period_from: Annotated[date, Field(ge=date(2000, 1, 1), le=date(2190, 1, 1))]
    period_to: Annotated[date, Field(ge=date(2000, 1, 1), le=date(2190, 1, 1))]
    industry: Industry
    onward: Annotated[list[Place], Field(max_length=50)] = Field(default=[])
    scenario: Maybe = ""
    ground: Ground = Ground.NONE
    contract_kind: ContractKind | None = None
    zone: Zone | None = None
    zone_number: Number | None = None
    state_secret: bool = False
    trade_id: Id | None = None
    product_id: Id | None = None
    research: ResearchForm | None = None
    request_authority: Maybe = ""
    attachments: Annotated[dict[Name, Sha256], Field(max_length=20)] = Field(default={})

    def value(self) -> Declaration:
        """The declaration as the rules take it."""
        plain = self.model_dump(
            exclude={"recipient", "fields", "onward", "zone", "zone_number", "research", "attachments"}
        )
        seat = {} if self.zone_number is None else {"zone_number": self.zone_number}
        research = self.research
        return Declaration(
            **plain,
            recipient=Recipient(**self.recipient.model_dump()),
            fields=tuple(DataField(**one.model_dump()) for one in self.fields),
            onward=tuple(self.onward),
            zone=self.zone or "",
            attachments=dict(self.attachments) | seat,
            research=None
            if research is None
            else Research(**(research.model_dump() | {"participants": tuple(research.participants)})),
        )


class DeclareArgs(Args):
    declaration: FlowForm
    persons_file_id: Id | None = Field(default=None, description="an uploaded file, one SHA-256 a line")
    sensitive_file_id: Id | None = None

    def values(self) -> dict[str, Any]:
        """The members as the verb takes them."""
        return dict(self) | {"declaration": self.declaration.value()}


class DeclarationArgs(Args):
    declaration_id: Id


class RedeclareArgs(DeclarationArgs, DeclareArgs):
    pass


class ShownForm(Asked):
    """The document that carries the route, and what is attached by its digest."""

    kind: DocumentKind
    number: Number
    sha256: Sha256
    attached: Annotated[dict[Name, Sha256], Field(max_length=20)] = Field(default={})
    pipia_on: date | None = None

    def value(self) -> Shown:
        return Shown(
            kind=self.kind,
            number=self.number,
            sha256=self.sha256,
            attached=dict(self.attached),
            pipia_on=self.pipia_on,
        )


class ShowArgs(DeclarationArgs):
    shown: ShownForm


class PapersForm(Asked):
    attached: Annotated[dict[Name, Sha256], Field(min_length=1, max_length=20)]


class PapersArgs(DeclarationArgs, PapersForm):
    pass


class RenewForm(Asked):
    shown: ShownForm
    to: Annotated[date, Field(ge=date(2000, 1, 1), le=date(2190, 1, 1))]


class RenewArgs(DeclarationArgs, RenewForm):
    pass


class WhyForm(Asked):
    reason: Text


class WhyArgs(DeclarationArgs, WhyForm):
    pass


class CodedForm(WhyForm):
    reason_code: ReasonCode


class CodedArgs(DeclarationArgs, CodedForm):
    pass


class RerouteForm(WhyForm):
    way: Way


class RerouteArgs(DeclarationArgs, RerouteForm):
    pass


class PassForm(Asked):
    number: Number


class PassArgs(DeclarationArgs, PassForm):
    pass


class DocumentForm(Asked):
    """A document of the authority's register; of a seat in a zone the zone stands as its recipient."""

    kind: DocumentKind
    number: Number
    exporter_ids: Annotated[list[Id], Field(min_length=1, max_length=50)]
    recipient_name: Short
    country: Place
    sensitive: bool = False
    persons: Persons = 0
    sha256: Sha256
    issued_on: Annotated[date, Field(ge=date(2000, 1, 1), le=date(2190, 1, 1))]
    filed_on: Annotated[date, Field(ge=date(2000, 1, 1), le=date(2190, 1, 1))]
    valid_until: Annotated[date | None, Field(ge=date(2000, 1, 1), le=date(2190, 1, 1))] = None

    def value(self) -> OnRegister:
        return OnRegister(**(self.model_dump() | {"exporter_ids": frozenset(self.exporter_ids)}))


class DocumentArgs(Args):
    document: DocumentForm


class EndDocumentArgs(Args):
    document_id: Id
    reason: Text


class LineForm(Asked):
    """One line of a negative list; an empty industry or scenario is every one."""

    entry_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{1,40}$")]
    industry: Annotated[str, Field(pattern=r"^([A-T]([0-9]{2})?)?$")]
    scenario: Maybe = ""
    data_desc: Short
    threshold: Persons
    way: Way


class ListArgs(Args):
    zone: Zone
    entries: Annotated[list[LineForm], Field(max_length=500)]
    source: Short
    effective_from: Annotated[date, Field(ge=date(2000, 1, 1), le=date(2190, 1, 1))]
    effective_to: Annotated[date | None, Field(ge=date(2000, 1, 1), le=date(2190, 1, 1))] = None


class NetworkForm(Asked):
    """One network, and where it is."""

    cidr: Annotated[
        str, Field(pattern=r"^[0-9a-fA-F:.]{2,45}/[0-9]{1,3}$", description="such as 203.0.113.0/24")
    ]
    region: Place


class NetworksArgs(Args):
    entries: Annotated[list[NetworkForm], Field(max_length=5_000)]
    source: Short


class EndpointArgs(Args):
    region: Place


class DeclarationView(View):
    """What an exporter sees of its declaration; whose persons count beside its own customs alone sees."""

    declaration_id: str
    exporter_id: str
    recipient_id: str | None
    country: str
    kind: str
    trade_id: str | None
    product_id: str | None
    persons: int
    sensitive_persons: int
    volume_bytes: int
    volume_uses: int
    sent_bytes: int
    sent_uses: int
    status: str
    way: str | None
    rule_id: str | None
    declared_at: datetime
    valid_from: datetime
    valid_to: datetime
    due_at: datetime | None
    reason_code: str | None
    note: str

    @classmethod
    def of(cls, row: DeclarationRow) -> "DeclarationView":
        return cls.model_validate(row)


class FullDeclarationView(DeclarationView):
    """With what was declared, which rules were asked and what was shown."""

    said: dict[str, Any]
    trace: list[dict[str, Any]]
    evidence: dict[str, Any]


class OfficerView(FullDeclarationView):
    """With the counters of the group, the risk, and who decides."""

    group_id: str
    counts: dict[str, Any]
    risk: dict[str, Any]
    declared_by: str | None
    taken_by: str | None


class CustomsDocumentView(View):
    document_id: str
    kind: str
    number: str
    exporter_ids: list[str]
    recipient_name: str
    country: str
    sensitive: bool
    persons: int
    sha256: str
    issued_on: str
    filed_on: str
    valid_until: str | None
    entered_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, row: CustomsDocumentRow) -> "CustomsDocumentView":
        return cls.model_validate(row)


class NegativeListView(View):
    zone: str
    version: int
    entries: list[dict[str, Any]]
    source: str
    effective_from: str
    effective_to: str | None
    entered_at: datetime

    @classmethod
    def of(cls, row: NegativeListRow) -> "NegativeListView":
        return cls.model_validate(row)


class NetworksView(View):
    version: int
    entries: list[dict[str, Any]]
    source: str
    entered_at: datetime

    @classmethod
    def of(cls, row: NetworksRow) -> "NetworksView":
        return cls.model_validate(row)


class EndpointView(View):
    org_id: str
    region: str
    declared_at: datetime

    @classmethod
    def of(cls, row: EndpointRow) -> "EndpointView":
        return cls.model_validate(row)


class EgressView(View):
    egress_id: str
    trade_id: str
    kind: str
    recipient_id: str
    country: str
    bytes: int
    left_at: datetime
    told: str | None
