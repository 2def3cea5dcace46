"""What assessments, assessors, catalogue rounds and confidential items are told, and what they answer."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field

from registry.assessments.rules import (
    MAX_FINDINGS,
    MAX_NAME,
    MAX_READERS,
    MAX_STAFF,
    MAX_TEXT,
    MAX_YEARS,
    AssessmentKind,
    Finding,
    Outcome,
    Qualification,
    Secrecy,
    Trade,
    Use,
)
from registry.assessments.tables import (
    AccessRow,
    AssessorRow,
    FindingRow,
    ItemRow,
    RiskRow,
    RoundRow,
)
from registry.grading.tables import AssessmentRow
from web.acts import Args, Asked, Id, Moment, Sha256
from web.views import View

ObjectId = Annotated[str, Field(pattern=r"^(prd|dat)_[0-9a-hjkmnp-tv-z]{26}$")]
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Part = Annotated[str, Field(max_length=MAX_TEXT)]
PartName = Annotated[str, Field(pattern=r"^[a-z]{1,20}$")]
Parts = Annotated[dict[PartName, Part], Field(max_length=10)]
Day = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2200, 1, 1))]
No = Annotated[int, Field(ge=1, le=MAX_FINDINGS)]
Entries = Annotated[list[Id], Field(max_length=500)]


class BeginAssessmentForm(Asked):
    """An assessment of an object that one holds; `file_sha256` binds it to one file."""

    object_id: ObjectId
    kind: AssessmentKind
    uses: list[Use] = Field(min_length=1, max_length=2)
    contents: Parts = Field(default={})
    file_sha256: Sha256 | None = None


class BeginAssessmentArgs(Args, BeginAssessmentForm):
    pass


class ReviseForm(Asked):
    contents: Parts
    file_sha256: Sha256 | None = None


class ReviseArgs(Args, ReviseForm):
    assessment_id: Id


class SubmitAssessmentForm(Asked):
    reviewer_id: Id


class SubmitAssessmentArgs(Args, SubmitAssessmentForm):
    assessment_id: Id


class AssessmentIdArgs(Args):
    assessment_id: Id


class SecurityReasonForm(Asked):
    reason: Text


class AssessmentReasonArgs(Args, SecurityReasonForm):
    assessment_id: Id


class FindingForm(Asked):
    text: Text
    due_on: Day


class ConcludeForm(Asked):
    outcome: Outcome
    opinion: Text
    findings: list[FindingForm] = Field(default=[], max_length=MAX_FINDINGS)
    valid_until: Moment | None = None

    def value(self) -> dict[str, Any]:
        """As the registry takes it."""
        return {
            "outcome": self.outcome,
            "opinion": self.opinion,
            "findings": tuple(Finding(one.text, one.due_on) for one in self.findings),
            "valid_until": self.valid_until,
        }


class ConcludeArgs(Args, ConcludeForm):
    assessment_id: Id


class RemedyForm(Asked):
    no: No
    text: Text
    evidence_sha256: Sha256


class RemedyArgs(Args, RemedyForm):
    assessment_id: Id


class AnswerFindingForm(Asked):
    no: No
    closed: bool
    reason: Text


class AnswerFindingArgs(Args, AnswerFindingForm):
    assessment_id: Id


class QualificationForm(Asked):
    trades: list[Trade] = Field(min_length=1, max_length=3)
    staff: Annotated[int, Field(ge=0, le=MAX_STAFF)]
    years: Annotated[int, Field(ge=0, le=MAX_YEARS)]
    certificate_sha256: Sha256

    def value(self) -> Qualification:
        """As the registry takes it."""
        return Qualification(**(self.model_dump() | {"trades": tuple(self.trades)}))


class QualificationArgs(Args, QualificationForm):
    pass


class AssessorArgs(Args):
    assessor_id: Id


class AssessorReasonArgs(Args, SecurityReasonForm):
    assessor_id: Id


class PlanRiskArgs(Args):
    handler_id: Id


class RiskArgs(Args):
    risk_id: Id


class StartRiskForm(Asked):
    """Who assesses; nobody named: the handler itself."""

    assessor_id: Id | None = None


class StartRiskArgs(Args, StartRiskForm):
    risk_id: Id


class CompleteRiskForm(Asked):
    report: Parts


class CompleteRiskArgs(Args, CompleteRiskForm):
    risk_id: Id


class ForwardRiskForm(Asked):
    recipient: Text


class ForwardRiskArgs(Args, ForwardRiskForm):
    risk_id: Id


class OrderRiskForm(Asked):
    text: Text
    by: Day


class OrderRiskArgs(Args, OrderRiskForm):
    risk_id: Id


class RectifyRiskForm(Asked):
    text: Text
    evidence_sha256: Sha256


class RectifyRiskArgs(Args, RectifyRiskForm):
    risk_id: Id


class OpenRoundsArgs(Args):
    pass


class AnswerRoundForm(Asked):
    kept: Entries = Field(default=[])


class AnswerRoundArgs(Args, AnswerRoundForm):
    round_id: Id


class MarkForm(Asked):
    """A file that was uploaded before, or anything by its digest; one of the two."""

    secrecy: Secrecy
    title: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
    until: Moment
    file_id: Id | None = None
    sha256: Sha256 | None = None
    object_id: Id | None = None
    readers: list[Id] = Field(default=[], max_length=MAX_READERS)


class MarkArgs(Args, MarkForm):
    pass


class ReaderForm(Asked):
    reader_id: Id
    reason: Text


class ReaderArgs(Args, ReaderForm):
    item_id: Id


class ReadForm(Asked):
    purpose: Text


class ReadArgs(Args, ReadForm):
    item_id: Id


class ItemReasonArgs(Args, SecurityReasonForm):
    item_id: Id


class SecurityAssessmentView(View):
    """An impact assessment or a security review, without what is written in it."""

    assessment_id: str
    holder_id: str
    object_id: str
    status: str
    kind: str
    uses: list[str]
    reviewer_id: str | None
    outcome: str | None
    report_sha256: str | None
    file_sha256: str | None
    findings: int
    due_at: datetime | None
    assessed_at: datetime | None
    valid_until: datetime | None
    keep_until: datetime | None

    @classmethod
    def of(cls, row: AssessmentRow) -> "SecurityAssessmentView":
        return cls.model_validate(row)


class FindingView(View):
    no: int
    text: str
    due_at: datetime
    remedy: str | None
    evidence_sha256: str | None
    remedied_at: datetime | None
    answer: str | None
    closed_at: datetime | None


class FullAssessmentView(SecurityAssessmentView):
    """With its parts, the opinion and the findings, for its holder, its reviewer and the authorities."""

    contents: dict[str, str]
    opinion: str | None
    found: list[FindingView]

    @classmethod
    def full(cls, row: AssessmentRow, found: list[FindingRow]) -> "FullAssessmentView":
        """Of a row and its findings."""
        return cls(
            **SecurityAssessmentView.of(row).model_dump(),
            contents=row.contents,
            opinion=row.opinion,
            found=[FindingView.model_validate(one) for one in found],
        )


class AssessorView(View):
    """An assessor as the public register shows it."""

    assessor_id: str
    org_id: str
    status: str
    trades: list[str]
    registered_at: datetime | None
    valid_until: datetime | None

    @classmethod
    def of(cls, row: AssessorRow) -> "AssessorView":
        return cls.model_validate(row)


class FullAssessorView(AssessorView):
    """With what it applied with, for itself and the authorities."""

    staff: int
    years: int
    certificate_sha256: str
    applied_at: datetime
    reason: str | None

    @classmethod
    def of(cls, row: AssessorRow) -> "FullAssessorView":
        return cls.model_validate(row)


class RiskView(View):
    risk_id: str
    handler_id: str
    year: int
    status: str
    entries: list[str]
    assessor_id: str | None
    report_sha256: str | None
    due_at: datetime | None
    overdue_at: datetime | None
    completed_at: datetime | None
    reported_at: datetime | None
    forwarded_at: datetime | None
    finished_at: datetime | None
    keep_until: datetime | None

    @classmethod
    def of(cls, row: RiskRow) -> "RiskView":
        return cls.model_validate(row)


class FullRiskView(RiskView):
    """With the report, the order and the rectification."""

    report: dict[str, str]
    order_text: str | None
    rectification: str | None
    evidence_sha256: str | None

    @classmethod
    def of(cls, row: RiskRow) -> "FullRiskView":
        return cls.model_validate(row)


class RoundView(View):
    round_id: str
    department_id: str
    sector: str
    year: int
    status: str
    answers: dict[str, str]
    added: int
    opened_at: datetime
    due_at: datetime
    answered_at: datetime | None

    @classmethod
    def of(cls, row: RoundRow) -> "RoundView":
        return cls.model_validate(row)


class FullRoundView(RoundView):
    """With the live entries that nobody has answered for."""

    missing: list[str]


class RoundsOpenedView(View):
    rounds: list[RoundView]

    @classmethod
    def of(cls, rows: list[RoundRow]) -> "RoundsOpenedView":
        return cls(rounds=[RoundView.of(row) for row in rows])


class CatalogueFigureView(View):
    """How many entries of a state a department has in a section of the industry."""

    department_id: str
    sector: str
    status: str
    entries: int


class ItemView(View):
    item_id: str
    holder_id: str
    status: str
    secrecy: str
    title: str
    sha256: str
    object_id: str | None
    until: datetime
    accesses: int
    head: str
    marked_at: datetime

    @classmethod
    def of(cls, row: ItemRow) -> "ItemView":
        return cls.model_validate(row)


class FullItemView(ItemView):
    """With who may see it."""

    readers: list[str]


class AccessView(View):
    """One access: where its content can be fetched for the next minutes, if it is kept here."""

    item_id: str
    no: int
    org_id: str
    sha256: str
    previous: str
    statement_id: str
    at: datetime

    @classmethod
    def of(cls, row: AccessRow) -> "AccessView":
        kept = row.model_dump(exclude={"record", "user_id"})
        return cls(**kept, previous=row.record["previous"])


class LevelDutiesView(View):
    """A level with its controls: how many of one's objects are of it, and which lack what."""

    level: str
    objects: int
    controls: list["ControlView"]


class ControlView(View):
    control: str
    party: str
    basis: str
    present: int
    lacking: list[str]
