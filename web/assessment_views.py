"""What assessments, assessors, catalogue rounds and confidential items answer."""

from datetime import datetime

from registry.assessments.tables import (
    AccessRow,
    AssessorRow,
    FindingRow,
    ItemRow,
    RiskRow,
    RoundRow,
)
from registry.grading.tables import AssessmentRow
from web.views import View


class SecurityAssessmentView(View):
    """An impact assessment or a security review, without what is written in it."""

    assessment_id: str
    holder_id: str
    object_id: str
    status: str
    kind: str
    uses: list[str]
    purposes: list[str]
    recipients: list[str]
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
