"""What a registrar's recognition and duties are told, and what they answer."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from registry.registration.rules import MAX_TEXT
from registry.registration.seats import PaperKind
from registry.registration.tables import RegistrarPaperRow, RegistrarRow
from web.acts import Args, Asked, Id, ReasonCode, Sha256
from web.views import View

Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Years = Annotated[int, Field(ge=0, le=200)]
Number = Annotated[int, Field(ge=0, le=10**15)]


class RegistrarView(View):
    org_id: str
    region: str
    agency: str
    recognised_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, row: RegistrarRow) -> "RegistrarView":
        return cls.model_validate(row)


class RecogniseForm(Asked):
    region: Annotated[str, Field(pattern=r"^[0-9]{2}$")]
    agency: Annotated[str, Field(pattern=r"^[0-9A-Z]$")]
    enterprise: bool
    paid_in_capital_minor: Number
    experience_years: Years
    staff_experience_years: Years
    mlps: Annotated[int, Field(ge=0, le=5)]
    clean_years: Years


class RecogniseArgs(Args, RecogniseForm):
    org_id: Id


class EndForm(Asked):
    """`successor_id` is the registrar that takes over what stands and what is under way."""

    reason_code: ReasonCode
    successor_id: Id | None = None


class EndArgs(Args, EndForm):
    org_id: Id


class YearForm(Asked):
    year: Annotated[int, Field(ge=2021, le=9999)]
    document_sha256: Sha256


class YearArgs(Args, YearForm):
    pass


class AssessYearForm(YearForm):
    passed: bool


class AssessYearArgs(Args, AssessYearForm):
    org_id: Id


class TellArgs(Args):
    kind: PaperKind
    effective_on: date
    text: Text
    document_sha256: Sha256


class LeavingForm(Asked):
    agreed: bool
    reason: Text


class LeavingArgs(Args, LeavingForm):
    paper_id: Id


class PaperView(View):
    """What a registrar reported or told, or what was found of its year; the text stays with the parties."""

    paper_id: str
    org_id: str
    kind: str
    year: int | None
    effective_on: str | None
    document_sha256: str
    figures: dict[str, int]
    filed_at: datetime
    due_at: datetime | None
    agreed: bool | None
    decided_at: datetime | None

    @classmethod
    def of(cls, row: RegistrarPaperRow) -> "PaperView":
        return cls.model_validate(row)
