"""What grading, the important-data catalogue and the records are told, and what they answer."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from market.listings.conditions import Purpose
from registry.grading.cataloguing import Content
from registry.grading.declaring import Declared
from registry.grading.keeping import (
    MAX_PURPOSES,
    MAX_RECIPIENTS,
    MAX_SUBJECTS,
    Consents,
)
from registry.grading.matching import MAX_KEYWORDS, MAX_NAMED, MAX_PATTERNS, MAX_WORD
from registry.grading.rules import (
    MAX_FIELDS,
    MAX_GROUNDS,
    MAX_JOINED,
    MAX_NAME,
    MAX_PERSONS,
    MAX_TEXT,
    Amounts,
    Degree,
    FieldLevel,
    Ground,
    Harmed,
    Reason,
)
from registry.grading.tables import (
    ConsentRow,
    GradeRow,
    GradingRow,
    ImportantRow,
    MatchRow,
)
from registry.rules import Level
from web.acts import Args, Asked, Id, Moment, ReasonCode, Sha256
from web.views import View

Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Word = Annotated[str, Field(min_length=1, max_length=MAX_WORD)]
Sector = Annotated[str, Field(pattern=r"^[A-T]([0-9]{2})?$", description="GB/T 4754: section, division")]
ObjectId = Annotated[str, Field(pattern=r"^(prd|dat)_[0-9a-hjkmnp-tv-z]{26}$")]


class GroundForm(Asked):
    harmed: Harmed
    degree: Degree
    why: Text


class FieldLevelForm(Asked):
    name: Name
    level: Level
    personal: bool = False
    sensitive: bool = False


class DeclareForm(Asked):
    level: Level
    sector: Sector
    data_class: Annotated[str, Field(pattern=r"^[a-z-]{1,40}$")]
    reason: Reason = Reason.FIRST
    grounds: list[GroundForm] = Field(default=[], max_length=MAX_GROUNDS)
    fields: list[FieldLevelForm] = Field(default=[], max_length=MAX_FIELDS)
    persons: Annotated[int, Field(ge=0, le=MAX_PERSONS)] = 0
    sensitive_persons: Annotated[int, Field(ge=0, le=MAX_PERSONS)] = 0
    joined: Annotated[int, Field(ge=1, le=MAX_JOINED)] = 1
    file_sha256: Sha256 | None = None
    desensitised_sha256: Sha256 | None = None

    def value(self) -> Declared:
        """The declaration as the registry takes it."""
        return Declared(
            level=self.level,
            sector=self.sector,
            data_class=self.data_class,
            reason=self.reason,
            grounds=tuple(Ground(**one.model_dump()) for one in self.grounds),
            fields=tuple(FieldLevel(**one.model_dump()) for one in self.fields),
            amounts=Amounts(self.persons, self.sensitive_persons, self.joined),
            file_sha256=self.file_sha256,
            desensitised_sha256=self.desensitised_sha256,
        )


class DeclareLevelArgs(Args, DeclareForm):
    object_id: ObjectId


class GradingArgs(Args):
    grading_id: Id


class DecideLevelForm(Asked):
    level: Level
    opinion: Text


class DecideLevelArgs(Args, DecideLevelForm):
    grading_id: Id


class GradingOpinionForm(Asked):
    opinion: Text


class GradingOpinionArgs(Args, GradingOpinionForm):
    grading_id: Id


class ContentForm(Asked):
    """What an entry of the important-data catalogue says."""

    region: Annotated[str, Field(pattern=r"^[1-8][0-9]{5}$")]
    sector: Sector
    name: Name
    description: Text
    level: Level = Level.IMPORTANT
    objects: list[ObjectId] = Field(default=[], max_length=MAX_NAMED)
    digests: list[Sha256] = Field(default=[], max_length=MAX_NAMED)
    keywords: list[Word] = Field(default=[], max_length=MAX_KEYWORDS)
    patterns: list[Word] = Field(default=[], max_length=MAX_PATTERNS)

    def value(self) -> Content:
        said = self.model_dump()
        lists = {name: tuple(said[name]) for name in ("objects", "digests", "keywords", "patterns")}
        return Content(**(said | lists))


class IdentifyArgs(Args, ContentForm):
    pass


class ImportantEntryArgs(Args):
    entry_id: Id


class ImportantReasonForm(Asked):
    reason: Text


class ImportantReasonArgs(Args, ImportantReasonForm):
    entry_id: Id


class AskChangeForm(Asked):
    """A change, or without content the removal."""

    content: ContentForm | None = None


class AskChangeArgs(Args, AskChangeForm):
    entry_id: Id


class MatchForm(Asked):
    upheld: bool
    reason: Text


class MatchArgs(Args, MatchForm):
    match_id: Id


class ConsentRecordForm(Asked):
    object_id: ObjectId
    wording_sha256: Sha256
    subjects_root: Sha256
    subjects: Annotated[int, Field(ge=1, le=MAX_SUBJECTS)]
    separate: bool
    purposes: list[Purpose] = Field(min_length=1, max_length=MAX_PURPOSES)
    recipients: list[Id] = Field(default=[], max_length=MAX_RECIPIENTS)
    valid_from: Moment
    valid_until: Moment

    def value(self) -> Consents:
        said = self.model_dump(exclude={"object_id"})
        purposes = tuple(purpose.value for purpose in self.purposes)
        return Consents(**(said | {"purposes": purposes, "recipients": tuple(self.recipients)}))


class ConsentRecordArgs(Args, ConsentRecordForm):
    pass


class WithdrawConsentForm(Asked):
    count: Annotated[int, Field(ge=1, le=MAX_SUBJECTS)]
    pseudonyms_root: Sha256


class WithdrawConsentArgs(Args, WithdrawConsentForm):
    consent_id: Id


class EndRecordForm(Asked):
    reason_code: ReasonCode


class EndConsentArgs(Args, EndRecordForm):
    consent_id: Id


class GradingView(View):
    grading_id: str
    object_id: str
    version: int
    holder_id: str
    status: str
    reason: str
    declared: Level
    computed: Level
    scanned: Level | None
    decided: Level | None
    why: list[str]
    sector: str
    data_class: str
    declared_at: datetime
    decided_at: datetime | None
    review_at: datetime | None

    @classmethod
    def of(cls, row: GradingRow) -> "GradingView":
        return cls.model_validate(row)


class FullGradingView(GradingView):
    """With grounds, fields, amounts and the officer's opinion, for whom it concerns."""

    grounds: list[dict[str, Any]]
    fields: list[dict[str, Any]]
    persons: int
    sensitive_persons: int
    joined: int
    file_sha256: str | None
    desensitised_sha256: str | None
    opinion: str | None

    @classmethod
    def of(cls, row: GradingRow) -> "FullGradingView":
        return cls.model_validate(row)


class GradeView(View):
    """What is known of an object's level: the parts, and the highest."""

    object_id: str
    holder_id: str
    level: Level
    declared: Level | None
    scanned: Level | None
    decided: Level | None
    matched: Level | None
    inherited: Level | None
    same_bytes: Level | None
    grading_id: str | None
    file_sha256: str | None
    scanned_at: datetime | None
    hints: list[dict[str, Any]]

    @classmethod
    def of(cls, row: GradeRow) -> "GradeView":
        return cls.model_validate(row)


class ImportantEntryView(View):
    entry_id: str
    department_id: str
    status: str
    version: int
    region: str
    sector: str
    name: str
    description: str
    level: Level
    objects: list[str]
    digests: list[str]
    keywords: list[str]
    patterns: list[str]
    chief_id: str | None
    asked: dict[str, Any] | None
    reason: str | None
    identified_at: datetime
    confirmed_at: datetime | None
    changed_at: datetime

    @classmethod
    def of(cls, row: ImportantRow) -> "ImportantEntryView":
        return cls.model_validate(row)


class ImportantMatchView(View):
    """A match; to who neither catalogued nor confirms the entry it says no entry, grounds or reason."""

    match_id: str
    entry_id: str | None
    object_id: str
    status: str
    how: str
    grounds: list[str]
    found_at: datetime
    reason: str | None

    @classmethod
    def of(cls, row: MatchRow, *, told: bool = True) -> "ImportantMatchView":
        shown = cls.model_validate(row)
        hidden: dict[str, Any] = {"entry_id": None, "grounds": [], "reason": None}
        return shown if told else shown.model_copy(update=hidden)


class ConsentRecordView(View):
    consent_id: str
    holder_id: str
    object_id: str
    status: str
    wording_sha256: str
    separate: bool
    purposes: list[str]
    recipients: list[str]
    subjects: int
    withdrawn: int
    subjects_root: str
    valid_from: datetime
    valid_until: datetime

    @classmethod
    def of(cls, row: ConsentRow) -> "ConsentRecordView":
        return cls.model_validate(row)


class DutyView(View):
    """A control that a level asks for, and whether it is there; None where no object was asked."""

    control: str
    party: str
    basis: str
    personal: bool
    present: bool | None
