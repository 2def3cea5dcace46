"""What asset certificates are told, and what they answer."""

from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import Field

from ledger.reader import Statement
from registry.rules import Level
from registry.vouchers.desk import VoucherDesk
from registry.vouchers.generating import Goods
from registry.vouchers.rules import (
    CODE,
    DECIMAL,
    MAX_ISSUERS,
    MAX_ITEMS,
    MAX_NAME,
    MAX_PURPOSES,
    MAX_REFERENCE,
    MONTH,
    MOST_TENTHS,
    WORD,
    Cause,
    Form,
    Mode,
    Scenario,
    SubjectKind,
    Told,
    TypeItem,
    TypeTerms,
)
from registry.vouchers.tables import VoucherIssuerRow, VoucherRow, VoucherTypeRow, VoucherUseRow
from web.acts import Args, Asked, Id, Sha256
from web.node import Node
from web.views import View

MAX_PRESENTATION: Final = 65_536
MAX_REASON: Final = 500
Word = Annotated[str, Field(pattern=WORD)]
Month = Annotated[str, Field(pattern=MONTH)]
Reference = Annotated[str, Field(min_length=1, max_length=MAX_REFERENCE)]
Reason = Annotated[str, Field(min_length=1, max_length=MAX_REASON)]
Document = Annotated[str, Field(min_length=2, max_length=MAX_PRESENTATION)]
Days = Annotated[int, Field(ge=1, le=3_660)]
Uses = Annotated[int, Field(ge=1, le=10_000)]
Tenths = Annotated[int, Field(ge=0, le=MOST_TENTHS)]
Items = Annotated[list[Word], Field(min_length=1, max_length=MAX_ITEMS)]
Did = Annotated[str, Field(pattern=r"^did:key:z[1-9A-HJ-NP-Za-km-z]{20,100}$")]


def desk_of(node: Node) -> VoucherDesk:
    """Where certificates are written on this node."""
    return VoucherDesk(node.safe, node.settings.public_url)


class TypeItemForm(Asked):
    code: Word
    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
    form: Form
    unit: Annotated[str, Field(max_length=20)] = ""


class ProposeArgs(Args):
    """A type: what its certificates may say, to whom they are of use, who makes them."""

    code: Annotated[str, Field(pattern=CODE)]
    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
    scenario: Scenario
    mode: Mode
    purposes: Annotated[list[Word], Field(min_length=1, max_length=MAX_PURPOSES)]
    items: Annotated[list[TypeItemForm], Field(min_length=1, max_length=MAX_ITEMS)]
    max_level: Level
    min_quality_tenths: Tenths
    max_months: Annotated[int, Field(ge=1, le=1_200)]
    max_uses: Uses
    valid_days: Days | None = None
    issuers: Annotated[list[Id], Field(max_length=MAX_ISSUERS)] = Field(default=[])

    def value(self) -> TypeTerms:
        said = {name: getattr(self, name) for name in type(self).model_fields}
        items = tuple(TypeItem(one.code, one.name, one.form, one.unit) for one in self.items)
        return TypeTerms(
            **said | {"items": items, "purposes": tuple(self.purposes), "issuers": tuple(self.issuers)}
        )


class DecideForm(Asked):
    approve: bool
    reason: Annotated[str, Field(max_length=MAX_REASON)] = ""


class DecideArgs(Args, DecideForm):
    type_id: Id


class RevokeTypeForm(Asked):
    reason: Reason


class RevokeTypeArgs(Args, RevokeTypeForm):
    type_id: Id


class AppointKeyArgs(Args):
    """Nothing: the key is made by the exchange, and the provider's signature appoints it."""


class RequestArgs(Args):
    """What a subject is asked for. `subject_id` is a member's id, or a person's pseudonym (64 hex digits)."""

    type_id: Id
    subject_kind: SubjectKind = SubjectKind.MEMBER
    subject_id: Annotated[str, Field(pattern=r"^(org_[0-9a-hjkmnp-tv-z]{26}|[0-9a-f]{64})$")]
    user_id: Id
    provider_id: Id
    purpose: Word
    reference: Reference
    items: Items
    period_from: Month
    period_to: Month
    valid_days: Days | None = None
    max_uses: Uses = 1


class PaperForm(Asked):
    """The digest of the paper that a person signed; of a member nothing."""

    document_sha256: Sha256 | None = None


class VoucherArgs(Args):
    voucher_id: Id


class PaperArgs(VoucherArgs, PaperForm):
    pass


class AuthoriseForm(PaperForm):
    """What the subject gives: what was asked where nothing is said, or less."""

    items: Items | None = None
    period_from: Month | None = None
    period_to: Month | None = None
    valid_days: Days | None = None
    max_uses: Uses | None = None
    holder_did: Did | None = None


class AuthoriseArgs(VoucherArgs, AuthoriseForm):
    pass


class ToldForm(Asked):
    """One item, in the form that its type gives it."""

    item: Word
    source_department: Annotated[str, Field(min_length=1, max_length=100)]
    level: Level
    low: Annotated[str, Field(pattern=DECIMAL)] | None = None
    high: Annotated[str, Field(pattern=DECIMAL)] | None = None
    index: Tenths | None = None
    value: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    holds: bool | None = None

    def told(self) -> Told:
        said = self.model_dump(include={"low", "high", "index", "value", "holds"}, exclude_none=True)
        return Told(item=self.item, source_department=self.source_department, level=self.level, value=said)


class GenerateForm(Asked):
    items: Annotated[list[ToldForm], Field(min_length=1, max_length=MAX_ITEMS)]
    data_sha256: Sha256
    quality_tenths: Tenths
    data_id: Annotated[str, Field(pattern=r"^(dat|prd)_[0-9a-hjkmnp-tv-z]{26}$")] | None = None

    def goods(self) -> Goods:
        return Goods(
            told=[one.told() for one in self.items],
            data_sha256=self.data_sha256,
            quality_tenths=self.quality_tenths,
            data_id=self.data_id,
        )


class GenerateArgs(VoucherArgs, GenerateForm):
    pass


class CorrectForm(GenerateForm):
    reason: Reason


class CorrectArgs(VoucherArgs, CorrectForm):
    pass


class PresentForm(PaperForm):
    """Which items are shown, all where nothing is said; or a presentation signed by the subject's own key."""

    items: Items | None = None
    signed: Document | None = None


class PresentArgs(VoucherArgs, PresentForm):
    pass


class VerifyForm(Asked):
    """The presentation as it was given, and what it is to be used for."""

    presentation: Document
    purpose: Word
    reference: Reference


class VerifyArgs(VoucherArgs, VerifyForm):
    pass


class RevokeForm(PaperForm):
    cause: Cause
    reason: Reason


class RevokeArgs(VoucherArgs, RevokeForm):
    pass


class VoucherTypeView(View):
    type_id: str
    code: str
    name: str
    proposer_id: str
    chief_id: str | None
    scenario: str
    mode: str
    purposes: list[str]
    items: list[dict[str, str]]
    issuers: list[str]
    max_level: str
    min_quality_tenths: int
    max_months: int
    valid_days: int
    max_uses: int
    status: str
    reason: str | None
    proposed_at: datetime
    decided_at: datetime | None

    @classmethod
    def of(cls, row: VoucherTypeRow) -> "VoucherTypeView":
        return cls.model_validate(row)


class VoucherIssuerView(View):
    """A key that signs a provider's certificates, or once signed them: pin it, then check offline."""

    did: str
    org_id: str
    number: int
    since: datetime
    retired_at: datetime | None
    statement_id: str

    @classmethod
    def of(cls, row: VoucherIssuerRow) -> "VoucherIssuerView":
        return cls.model_validate(row)


class VoucherView(View):
    """A certificate, for its subject, its user and its provider."""

    voucher_id: str
    type_id: str
    subject_kind: str
    subject_id: str
    user_id: str
    provider_id: str
    requested_by: str
    purpose: str
    reference: str
    items: list[str]
    period_from: str
    period_to: str
    valid_days: int
    max_uses: int
    used: int
    challenge: str
    status: str
    requested_at: datetime
    due_at: datetime
    authorised_at: datetime | None
    authorisation_sha256: str | None
    holder_did: str | None
    data_sha256: str | None
    level: str | None
    quality_tenths: int | None
    generated_at: datetime | None
    credential_sha256: str | None
    presented_at: datetime | None
    presentation_sha256: str | None
    ended_at: datetime | None
    cause: str | None
    reason: str | None
    replaces: str | None
    replaced_by: str | None

    @classmethod
    def of(cls, row: VoucherRow) -> "VoucherView":
        return cls.model_validate(row)


class VoucherUseView(View):
    """A use that was counted."""

    voucher_id: str
    number: int
    user_id: str
    used_at: datetime
    statement_id: str

    @classmethod
    def of(cls, row: VoucherUseRow) -> "VoucherUseView":
        return cls.model_validate(row)


class AttemptView(View):
    """A verification that was refused: by whom it was asked, when, and the rule that said no."""

    org_id: str
    at: datetime
    code: str
    statement_id: str
    seq: int | None


class FullVoucherView(VoucherView):
    """With every use of it, and every use that was refused."""

    seq: int | None
    uses: list[VoucherUseView]
    refused: list[AttemptView]


def attempts_of(said: list[Statement]) -> list[AttemptView]:
    """The refused verifications among the statements about a certificate."""
    found: list[AttemptView] = []
    for one in said:
        if one.event != "REF.REFUSE":
            continue
        predicate: dict[str, Any] = one.predicate
        if predicate.get("attempted") == "CRT.VERIFY":
            found.append(
                AttemptView(
                    org_id=predicate["refused"],
                    at=one.occurred_at,
                    code=predicate["code"],
                    statement_id=one.statement_id,
                    seq=one.seq,
                )
            )
    return found
