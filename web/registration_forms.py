"""What registration is told, and what it answers."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field

from registry.registration.rules import (
    MAX_ABSTRACT,
    MAX_CLAIMS,
    MAX_NAME,
    MAX_TEXT,
    Claim,
    Declaration,
    Form,
    Kind,
    NoteKind,
    RefusalReason,
    Restriction,
    RevocationReason,
    Update,
    Wish,
)
from registry.registration.tables import (
    ClaimRow,
    NoteRow,
    RegistrationObjectionRow,
    RegistrationRow,
    WishRow,
)
from registry.rules import Right, Source, SourceFacts
from web.acts import Args, Asked, Id, Sha256
from web.views import View

Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Short = Annotated[str, Field(max_length=200)]
Words = Annotated[list[Short], Field(max_length=50)]
Years = Annotated[int, Field(ge=0, le=200)]
Number = Annotated[int, Field(ge=0, le=10**15)]


class RestrictionForm(Asked):
    buyer_types: Words = Field(default=[])
    qualification: Short = ""
    environment: Short = ""
    regions: Words = Field(default=[])
    resale: bool = False
    export: bool = False


class DeclarationForm(Asked):
    """What an application says of the data (Annex 1 of the guideline)."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
    abstract: Annotated[str, Field(min_length=1, max_length=MAX_ABSTRACT)]
    industry: Annotated[str, Field(pattern=r"^[A-T]([0-9]{2})?$", description="GB/T 4754: section, division")]
    source: Source
    agreed_rights: list[Right] = Field(default=[], max_length=len(Right))
    others_consent: bool = False
    substitutes_source: bool = True
    substantially_changed: bool = False
    public_registration_no: str | None = Field(default=None, max_length=40)
    region: Annotated[str, Field(pattern=r"^[1-8][0-9]{5}$")]
    covers_from: date
    covers_to: date
    update: Update
    volume_rows: Number
    volume_bytes: Annotated[int, Field(ge=1, le=10**15)]
    form: Form
    sample_sha256: Sha256
    source_proof_sha256: Sha256
    restriction: RestrictionForm = RestrictionForm()
    scenario: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    risk_assessment_sha256: Sha256 | None = None
    term_ends: date | None = None

    def value(self) -> Declaration:
        """The declaration as the rules take it."""
        said = self.model_dump(
            exclude={
                "agreed_rights",
                "others_consent",
                "substitutes_source",
                "substantially_changed",
                "public_registration_no",
                "restriction",
            }
        )
        facts = SourceFacts(
            agreed=frozenset(self.agreed_rights),
            others_consent=self.others_consent,
            substitutes_source=self.substitutes_source,
            substantially_changed=self.substantially_changed,
            public_registration_no=self.public_registration_no,
        )
        limits = self.restriction.model_dump()
        limits |= {name: tuple(limits[name]) for name in ("buyer_types", "regions")}
        return Declaration(**said, facts=facts, restriction=Restriction(**limits))


class ClaimForm(Asked):
    holder_id: Id
    right: Right
    until: date | None = None
    limits: Short = ""
    proof_sha256: Sha256 | None = None

    def value(self) -> Claim:
        return Claim(**self.model_dump())


class RegistrationView(View):
    """What anybody may see of a registration once it is on notice."""

    registration_id: str
    kind: str
    status: str
    applicant_id: str
    registrar_id: str
    data_id: str
    name: str
    source: str
    applied_at: datetime
    due_at: datetime | None
    notice_until: datetime | None
    number: str | None
    registered_at: datetime | None
    valid_to: datetime | None
    reason_code: str | None

    @classmethod
    def of(cls, row: RegistrationRow) -> "RegistrationView":
        return cls.model_validate(row)


class ClaimView(View):
    holder_id: str
    right: str
    until: str | None
    limits: str
    confirmed_at: datetime | None

    @classmethod
    def of(cls, row: ClaimRow) -> "ClaimView":
        return cls.model_validate(row)


class RegistrationObjectionView(View):
    objection_id: str
    registration_id: str
    objector_id: str
    late: bool
    filed_at: datetime
    tell_by: datetime | None
    upheld: bool | None
    decided_at: datetime | None

    @classmethod
    def of(cls, row: RegistrationObjectionRow) -> "RegistrationObjectionView":
        return cls.model_validate(row)


class WishView(View):
    wish_id: str
    registration_id: str
    asked_by: str
    wish: str
    payload: dict[str, Any]
    must_agree: list[str]
    agreed: list[str]
    asked_at: datetime
    due_at: datetime
    done: bool | None
    decided_at: datetime | None

    @classmethod
    def of(cls, row: WishRow) -> "WishView":
        return cls.model_validate(row)


class NoteView(View):
    note_id: str
    registration_id: str
    kind: str
    holder_id: str | None
    right: str | None
    creditor_id: str | None
    noted_at: datetime
    released_at: datetime | None

    @classmethod
    def of(cls, row: NoteRow) -> "NoteView":
        return cls.model_validate(row)


class DeclaredForm(Asked):
    declaration: DeclarationForm
    claims: list[ClaimForm] = Field(default=[], max_length=MAX_CLAIMS)

    def values(self) -> dict[str, Any]:
        return {
            "declaration": self.declaration.value(),
            "claims": [claim.value() for claim in self.claims],
        }


class ApplyArgs(Args, DeclaredForm):
    kind: Kind
    registrar_id: Id
    data_id: Id | None = Field(default=None, description="The product of this exchange that it is about")


class RegistrationArgs(Args):
    registration_id: Id


class GapsForm(Asked):
    gaps: list[Text] = Field(min_length=1, max_length=50)


class GapsArgs(RegistrationArgs, GapsForm):
    pass


class ResubmitArgs(RegistrationArgs, DeclaredForm):
    pass


class ReasonForm(Asked):
    reason: Text


class ReasonArgs(RegistrationArgs, ReasonForm):
    pass


class RefusalForm(Asked):
    reason: RefusalReason
    text: Text


class RefusalArgs(RegistrationArgs, RefusalForm):
    pass


class NoticeForm(Asked):
    withheld: list[Short] = Field(default=[], max_length=4)


class NoticeArgs(RegistrationArgs, NoticeForm):
    pass


class ObjectionForm(Asked):
    text: Text
    evidence: list[Sha256] = Field(min_length=1, max_length=50)


class ObjectionArgs(RegistrationArgs, ObjectionForm):
    pass


class UpholdForm(Asked):
    objection_id: Id
    answer: Text


class UpholdArgs(RegistrationArgs, UpholdForm):
    pass


class DismissForm(Asked):
    objection_ids: list[Id] = Field(min_length=1, max_length=1000)
    answer: Text


class DismissArgs(RegistrationArgs, DismissForm):
    pass


class ResolveForm(DismissForm):
    keep: bool
    ruling_sha256: Sha256 | None = None


class ResolveArgs(RegistrationArgs, ResolveForm):
    pass


class ChangesForm(Asked):
    """What of the declaration is said anew; a member that is left out stays as it is."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)] | None = None
    abstract: Annotated[str, Field(min_length=1, max_length=MAX_ABSTRACT)] | None = None
    update: Update | None = None
    volume_rows: Number | None = None
    volume_bytes: Annotated[int, Field(ge=1, le=10**15)] | None = None
    covers_to: date | None = None


class WishForm(Asked):
    wish: Wish
    changes: ChangesForm = ChangesForm()
    taker_id: Id | None = None
    proof_sha256: Sha256 | None = None


class WishArgs(RegistrationArgs, WishForm):
    pass


class OfWishArgs(RegistrationArgs):
    wish_id: Id


class DeclineArgs(OfWishArgs, ReasonForm):
    pass


class NoteForm(Asked):
    kind: NoteKind
    text: Text
    document_sha256: Sha256
    holder_id: Id | None = None
    right: Right | None = None
    creditor_id: Id | None = None


class NoteArgs(RegistrationArgs, NoteForm):
    pass


class ReleaseForm(Asked):
    document_sha256: Sha256


class ReleaseArgs(RegistrationArgs, ReleaseForm):
    note_id: Id


class RevokeForm(Asked):
    reason: RevocationReason
    text: Text


class RevokeArgs(RegistrationArgs, RevokeForm):
    pass
