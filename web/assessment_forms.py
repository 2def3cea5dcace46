"""What assessments, assessors, catalogue rounds and confidential items are told."""

from datetime import date
from typing import Annotated, Any

from pydantic import Field

from market.listings.conditions import Purpose
from registry.assessments.rules import (
    MAX_FINDINGS,
    MAX_NAME,
    MAX_READERS,
    MAX_RECIPIENTS,
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
from registry.grading.keeping import MAX_PURPOSES
from web.acts import Args, Asked, Id, Moment, Sha256

ObjectId = Annotated[str, Field(pattern=r"^(prd|dat)_[0-9a-hjkmnp-tv-z]{26}$")]
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
# In a dict `Asked` does not look: text that is text here, too.
Part = Annotated[str, Field(max_length=MAX_TEXT, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]*$")]
PartName = Annotated[str, Field(pattern=r"^[a-z]{1,20}$")]
Parts = Annotated[dict[PartName, Part], Field(max_length=10)]
Purposes = Annotated[list[Purpose], Field(max_length=MAX_PURPOSES)]
Recipients = Annotated[list[Name], Field(max_length=MAX_RECIPIENTS)]
Day = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2200, 1, 1))]
No = Annotated[int, Field(ge=1, le=MAX_FINDINGS)]
Entries = Annotated[list[Id], Field(max_length=500)]


class BeginAssessmentForm(Asked):
    """An assessment of an object that one holds: for which purposes of a licence, who receives, which file.

    Purposes are named by the time it is handed in, and for an export who receives (ids of members, or names).
    """

    object_id: ObjectId
    kind: AssessmentKind
    uses: list[Use] = Field(min_length=1, max_length=2)
    contents: Parts = Field(default={})
    purposes: Purposes = Field(default=[])
    recipients: Recipients = Field(default=[])
    file_sha256: Sha256 | None = None


class BeginAssessmentArgs(Args, BeginAssessmentForm):
    pass


class ReviseForm(Asked):
    """The parts anew; purposes and recipients stay where none are given."""

    contents: Parts
    purposes: Purposes | None = None
    recipients: Recipients | None = None
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
