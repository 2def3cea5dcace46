"""What opening is told, and what it answers."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field

from registry.lists.tables import DataRow
from registry.opening.checking import document_of
from registry.opening.rules import (
    MAX_LAW,
    MAX_TEXT,
    Licence,
    Mode,
    NotOpenReason,
    Proposal,
    SuspendReason,
    Use,
)
from registry.opening.tables import AgreementRow, OpenCheckRow, OpenEntryRow, OpenPlanRow, OpenUserRow
from web.acts import Args, Asked, Id, Moment, Sha256
from web.views import View

Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Uses = Annotated[list[Use], Field(min_length=1, max_length=len(Use))]


class ProposalForm(Asked):
    data_id: Id
    mode: Mode
    licence: Licence
    conditions: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    law: Annotated[str, Field(max_length=MAX_LAW)] = ""
    risk_assessment_sha256: Sha256 | None = None
    covers_from: date | None = None
    covers_to: date | None = None


class ProposeArgs(Args, ProposalForm):
    def proposal(self) -> Proposal:
        """As the rules take it."""
        return Proposal(**self.model_dump(exclude={"data_id"}))


class EntryArgs(Args):
    open_id: Id


class TextForm(Asked):
    text: Text


class TextArgs(EntryArgs, TextForm):
    pass


class NotOpenForm(TextForm):
    reason: NotOpenReason
    law: Annotated[str, Field(min_length=1, max_length=MAX_LAW)]


class NotOpenArgs(EntryArgs, NotOpenForm):
    pass


class SuspendForm(TextForm):
    reason: SuspendReason


class SuspendArgs(EntryArgs, SuspendForm):
    pass


class UserForm(Asked):
    user_id: Id
    purposes: Uses
    until: Moment


class UserArgs(EntryArgs, UserForm):
    pass


class UnnameArgs(TextArgs):
    user_id: Id


class OfferForm(Asked):
    user_id: Id
    purposes: Uses
    valid_from: Moment
    valid_to: Moment


class OfferArgs(EntryArgs, OfferForm):
    pass


class SignForm(Asked):
    policy_sha256: Sha256


class AgreementArgs(Args):
    agreement_id: Id


class SignArgs(AgreementArgs, SignForm):
    pass


class AgreementTextArgs(AgreementArgs, TextForm):
    pass


class PlanForm(Asked):
    year: Annotated[int, Field(ge=2021, le=2199)]
    top: Annotated[int, Field(ge=1, le=200)] = 20


class PlanArgs(Args, PlanForm):
    pass


class OpenEntryView(View):
    """An entry of the open list."""

    open_id: str
    data_id: str
    agency_id: str
    status: str
    mode: str
    licence: str
    conditions: str
    law: str
    covers_from: date | None
    covers_to: date | None
    chief_id: str | None
    security_review_id: str | None
    reason_code: str | None
    held_by: str | None
    proposed_at: datetime
    changed_at: datetime
    first_opened_at: datetime | None

    @classmethod
    def of(cls, row: OpenEntryRow) -> "OpenEntryView":
        return cls.model_validate(row)


class OpenDataView(OpenEntryView):
    """With the data that it opens."""

    name: str
    abstract: str
    theme: str
    region: str
    kind: str
    update: str
    file_sha256: str | None
    mounted_at: datetime | None

    @classmethod
    def with_data(cls, row: OpenEntryRow, data: DataRow) -> "OpenDataView":
        said = {
            name: getattr(data, name)
            for name in ("name", "abstract", "theme", "region", "kind", "update", "mounted_at")
        }
        return cls(
            **OpenEntryView.of(row).model_dump(), **said, file_sha256=row.file_sha256 or data.resource_sha256
        )


class OpenUserView(View):
    open_id: str
    user_id: str
    purposes: list[str]
    until: datetime
    named_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, row: OpenUserRow) -> "OpenUserView":
        return cls.model_validate(row)


class OpenAgreementView(View):
    agreement_id: str
    open_id: str
    agency_id: str
    user_id: str
    status: str
    purposes: list[str]
    valid_from: datetime
    valid_to: datetime
    policy_sha256: str
    offered_at: datetime
    signed_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, row: AgreementRow) -> "OpenAgreementView":
        return cls.model_validate(row)


class OpenPlanView(View):
    plan_id: str
    agency_id: str
    year: int
    version: int
    rows: list[dict[str, Any]]
    rows_sha256: str
    chief_id: str
    published_at: datetime

    @classmethod
    def of(cls, row: OpenPlanRow) -> "OpenPlanView":
        return cls.model_validate(row)


class OpenCheckView(View):
    check_id: str
    agency_id: str | None
    holds: bool
    report_sha256: str
    checked_at: datetime
    report: dict[str, Any]

    @classmethod
    def of(cls, row: OpenCheckRow) -> "OpenCheckView":
        said = {name: getattr(row, name) for name in ("check_id", "agency_id", "holds", "report_sha256")}
        return cls(**said, checked_at=row.checked_at, report=document_of(row))
