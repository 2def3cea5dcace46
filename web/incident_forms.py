"""What incidents, warnings and bulletins are told."""

from typing import Annotated, Final

from pydantic import Field

from cases.bulletins.rules import MAX_LIST, Address
from cases.bulletins.rules import MAX_TEXT as MAX_BULLETIN
from cases.bulletins.rules import Colour as BulletinColour
from cases.incidents.intake import Severity
from cases.incidents.rules import (
    MAX_TEXT,
    MAX_TITLE,
    MOST_LOSS_MINOR,
    MOST_MINUTES,
    MOST_PERSONS,
    Facts,
    Kind,
    Measure,
    Receiver,
    ReportKind,
    Standing,
)
from cases.incidents.signals import Signal
from identity.rules import Role
from registry.rules import Level
from web.acts import Args, Asked, Id, Moment, Sha256

Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Title = Annotated[str, Field(min_length=1, max_length=MAX_TITLE)]
Persons = Annotated[int, Field(ge=0, le=MOST_PERSONS)]
Minutes = Annotated[int, Field(ge=0, le=MOST_MINUTES)]
About = Annotated[str, Field(max_length=120)]
READERS_OF_WARNINGS: Final = frozenset({"EXCHANGE_OPERATOR", "CAC", "DATA_AUTHORITY"})


class FactsForm(Asked):
    """What is known of an incident: distinct persons, minutes, fen."""

    kind: Kind
    persons: Persons = 0
    sensitive_persons: Persons = 0
    data_level: Level | None = None
    outage_minutes: Minutes = 0
    partial_minutes: Minutes = 0
    loss_minor: Annotated[int, Field(ge=0, le=MOST_LOSS_MINOR)] = 0
    records_altered: bool = False
    public_harm: bool = False
    standing: Standing = Standing.OTHER

    def value(self) -> Facts:
        """The facts as the rules take them."""
        return Facts(**dict(self))


class DetectArgs(Args):
    title: Title
    text: Text
    facts: FactsForm
    org_id: Id | None = None
    detected_at: Moment | None = None


class IncidentArgs(Args):
    incident_id: Id


class GradeForm(Asked):
    facts: FactsForm


class GradeArgs(IncidentArgs, GradeForm):
    pass


class RegradeForm(GradeForm):
    reason: Text


class RegradeArgs(IncidentArgs, RegradeForm):
    pass


class WhyForm(Asked):
    reason: Text


class WhyArgs(IncidentArgs, WhyForm):
    pass


class ProofForm(Asked):
    sha256: Sha256
    note: Text


class ProofArgs(IncidentArgs, ProofForm):
    pass


class ReportForm(Asked):
    receiver: Receiver
    kind: ReportKind = ReportKind.FIRST
    text: Text
    unknown: Annotated[str, Field(max_length=MAX_TEXT)] = ""


class ReportArgs(IncidentArgs, ReportForm):
    pass


class OfReportArgs(IncidentArgs):
    report_id: Id


class SaidForm(Asked):
    text: Text


class ForwardArgs(OfReportArgs, SaidForm):
    pass


class SaidArgs(IncidentArgs, SaidForm):
    pass


class MeasureForm(Asked):
    measure: Measure
    object_id: Id
    reason: Text


class MeasureArgs(IncidentArgs, MeasureForm):
    pass


class LiftArgs(IncidentArgs, WhyForm):
    order_id: Id


class SubjectsForm(Asked):
    """What the persons concerned were told (PIPL Art 57)."""

    persons: Annotated[int, Field(ge=1, le=MOST_PERSONS)]
    what: Text
    harm: Text
    measures: Text
    contact: Text


class SubjectsArgs(IncidentArgs, SubjectsForm):
    pass


class GroundsForm(Asked):
    grounds: Text


class GroundsArgs(IncidentArgs, GroundsForm):
    pass


class SummaryForm(Asked):
    cause: Text
    course: Text
    lessons: Text
    actions: Text


class SummaryArgs(IncidentArgs, SummaryForm):
    pass


class CloseForm(WhyForm):
    left: Annotated[str, Field(max_length=MAX_TEXT)] = ""


class CloseArgs(IncidentArgs, CloseForm):
    pass


class ReadingArgs(Args):
    signal: Signal
    value: Annotated[int, Field(ge=0, le=10**15)]
    about: About = ""
    text: Annotated[str, Field(max_length=MAX_TEXT)] = ""


class WarningArgs(Args):
    warning_id: Id


class WarningWhyArgs(WarningArgs, WhyForm):
    pass


class EscalateForm(Asked):
    title: Title
    text: Text
    facts: FactsForm
    org_id: Id | None = None


class EscalateArgs(WarningArgs, EscalateForm):
    pass


class WeaknessForm(Asked):
    """A weakness; without a name it is anonymous."""

    severity: Severity
    text: Text
    name: Annotated[str, Field(max_length=100)] = ""
    contact: Annotated[str, Field(max_length=200)] = ""


class FollowForm(Asked):
    code: Annotated[str, Field(min_length=10, max_length=60)]


class AddressForm(Asked):
    roles: list[Role] = Field(default=[], max_length=MAX_LIST)
    regions: list[Annotated[str, Field(pattern=r"^[1-8][0-9]{1,5}$")]] = Field(
        default=[], max_length=MAX_LIST
    )
    sectors: list[Annotated[str, Field(pattern=r"^[A-T]$")]] = Field(default=[], max_length=MAX_LIST)
    subscribers: bool = True

    def value(self) -> Address:
        """The address as the rules take it."""
        return Address(
            roles=tuple(role.value for role in self.roles),
            regions=tuple(self.regions),
            sectors=tuple(self.sectors),
            subscribers=self.subscribers,
        )


class IssueArgs(Args):
    title: Title
    text: Annotated[str, Field(min_length=1, max_length=MAX_BULLETIN)]
    colour: BulletinColour
    address: AddressForm = AddressForm()
    remediation: Annotated[str, Field(max_length=MAX_BULLETIN)] = ""
    references: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        default=[], max_length=MAX_LIST
    )
    incident_id: Id | None = None


class BulletinArgs(Args):
    bulletin_id: Id


class BulletinWhyArgs(BulletinArgs, WhyForm):
    pass


class SubscribeForm(Asked):
    sectors: list[Annotated[str, Field(pattern=r"^[A-T]$")]] = Field(default=[], max_length=MAX_LIST)


class SubscribeArgs(Args, SubscribeForm):
    pass


class NothingArgs(Args):
    pass
