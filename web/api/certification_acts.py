"""The acts by which a broker comes to its certificate: what they are done with, and what they answer."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Annotated, Any, Final

from pydantic import Field

from base.db import WriteSession
from brokers import applying, noticing, panel
from brokers.applying import Filing
from brokers.qualifying import MAX_EVIDENCE, MAX_TEXT, Claims, Evidence, EvidenceKind, Practitioner, Procedure
from brokers.rules import BrokerType
from brokers.service import CertificateScope
from brokers.states import ANYONE
from brokers.tables import ApplicationRow, ObjectionRow, PanelTieRow
from ledger.recording import Act
from registry.rules import Level
from web.acts import ActKind, Args, Asked, Id, ReasonCode, Sha256, kind
from web.api.brokers import CertificateNo, Sector
from web.node import Node
from web.views import CertificateView, View

AUTHORITY: Final = frozenset({"DATA_AUTHORITY"})
_BROKER: Final = frozenset({"BROKER"})
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Number = Annotated[int, Field(ge=0, le=10**15)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class EvidenceForm(Asked):
    kind: EvidenceKind
    name: Name
    sha256: Sha256
    dated_on: date

    def value(self) -> Evidence:
        return Evidence(self.kind, self.name, self.sha256, self.dated_on)


class PractitionerForm(Asked):
    name: Name
    number: Name


class ClaimsForm(Asked):
    mainland: bool
    paid_in_capital_minor: Number
    dcmm: Annotated[int, Field(ge=0, le=5)]
    mlps: Annotated[int, Field(ge=0, le=5)]
    practitioners: list[PractitionerForm] = Field(max_length=500)
    experience_years: Annotated[int, Field(ge=0, le=200)]
    clean_years: Annotated[int, Field(ge=0, le=200)]
    procedures: list[Procedure] = Field(max_length=len(Procedure))
    guarantee_minor: Number

    def value(self) -> Claims:
        return Claims(
            mainland=self.mainland,
            paid_in_capital_minor=self.paid_in_capital_minor,
            dcmm=self.dcmm,
            mlps=self.mlps,
            practitioners=tuple(Practitioner(one.name, one.number) for one in self.practitioners),
            experience_years=self.experience_years,
            clean_years=self.clean_years,
            procedures=frozenset(self.procedures),
            guarantee_minor=self.guarantee_minor,
        )


class FilingForm(Asked):
    claims: ClaimsForm
    evidence: list[EvidenceForm] = Field(max_length=MAX_EVIDENCE)

    def filing(self) -> Filing:
        return Filing(claims=self.claims.value(), evidence=tuple(one.value() for one in self.evidence))


class ApplicationView(View):
    cert_id: str
    org_id: str
    status: str
    broker_type: str
    grade: int
    sectors: list[str]
    max_level: str
    cross_border: bool
    applied_at: datetime
    due_at: datetime | None
    notice_until: datetime | None
    reason_code: str | None

    @classmethod
    def of(cls, row: ApplicationRow) -> "ApplicationView":
        return cls.model_validate(row)


class EvidenceView(View):
    event: str
    kind: str
    name: str
    sha256: str
    dated_on: str
    filed_at: datetime
    back_dated: bool = Field(description="Filed only when asked for, and yet dated before")


class ObjectionView(View):
    objection_id: str
    cert_id: str
    objector_id: str
    filed_at: datetime
    upheld: bool | None
    decided_at: datetime | None

    @classmethod
    def of(cls, row: ObjectionRow) -> "ObjectionView":
        return cls.model_validate(row)


class FullApplicationView(ApplicationView):
    """For the applicant and the authority."""

    claims: dict[str, Any]
    gaps: dict[str, Any] | None
    evidence: list[EvidenceView]
    votes: int
    objections: list[ObjectionView]


class PanelTieView(View):
    org_id: str
    declared_at: datetime

    @classmethod
    def of(cls, row: PanelTieRow) -> "PanelTieView":
        return cls.model_validate(row)


class ApplyArgs(Args, FilingForm):
    broker_type: BrokerType
    grade: int = Field(ge=1, le=3)
    sectors: list[Sector] = Field(min_length=1, max_length=30)
    max_level: Level
    cross_border: bool = False


async def _apply(s: WriteSession, act: Act, args: ApplyArgs, node: Node) -> Any:
    del node
    scope = CertificateScope(
        broker_type=args.broker_type,
        grade=args.grade,
        sectors=tuple(args.sectors),
        max_level=args.max_level,
        cross_border=args.cross_border,
    )
    return await applying.apply(s, act, scope=scope, filing=args.filing())


APPLY = kind(
    ActKind(
        name="certificate.apply",
        event="BRK.APPLY",
        args=ApplyArgs,
        roles=_BROKER,
        verb=_apply,
        answer=ApplicationView.of,
        about=lambda _: "application",
        status=201,
    )
)


class CertArgs(Args):
    cert_id: Id


class RemarksForm(Asked):
    remarks: str = Field(default="", max_length=MAX_TEXT)


class RemarksArgs(CertArgs, RemarksForm):
    pass


class CorrectForm(FilingForm):
    note: Text


class CorrectArgs(CertArgs, CorrectForm):
    pass


class VoteForm(Asked):
    approves: bool
    reasons: Text
    no_ties: bool = Field(description="Whoever votes declares to have no tie to the applicant")


class VoteArgs(CertArgs, VoteForm):
    pass


class RefuseForm(Asked):
    reason_code: ReasonCode
    reasons: Text


class RefuseArgs(CertArgs, RefuseForm):
    pass


class ObjectForm(Asked):
    text: Text
    evidence: list[EvidenceForm] = Field(min_length=1, max_length=MAX_EVIDENCE)


class ObjectArgs(CertArgs, ObjectForm):
    pass


class UpholdForm(Asked):
    objection_id: Id
    answer: Text
    no_ties: bool


class UpholdArgs(CertArgs, UpholdForm):
    pass


class DismissForm(Asked):
    objection_ids: list[Id] = Field(min_length=1, max_length=1000)
    answer: Text
    no_ties: bool


class DismissArgs(CertArgs, DismissForm):
    pass


class IssueForm(Asked):
    cert_no: CertificateNo


class IssueArgs(CertArgs, IssueForm):
    pass


class TieArgs(Args):
    org_id: Id


async def _correct(s: WriteSession, act: Act, args: CorrectArgs, node: Node) -> Any:
    del node
    return await applying.correct(s, act, cert_id=args.cert_id, filing=args.filing(), note=args.note)


async def _object(s: WriteSession, act: Act, args: ObjectArgs, node: Node) -> Any:
    del node
    evidence = [one.value() for one in args.evidence]
    return await noticing.object_to(s, act, cert_id=args.cert_id, text=args.text, evidence=evidence)


def _plain(verb: Callable[..., Awaitable[Any]]) -> Callable[[WriteSession, Act, Any, Node], Awaitable[Any]]:
    """A verb that takes the members of its arguments as they are."""

    async def carry_out(s: WriteSession, act: Act, args: Any, node: Node) -> Any:
        del node
        return await verb(s, act, **dict(args))

    return carry_out


def _kind(
    name: str,
    event: str,
    args: type[Args],
    roles: frozenset[str],
    verb: Callable[[WriteSession, Act, Any, Node], Awaitable[Any]],
    *,
    answer: Callable[[Any], View] = ApplicationView.of,
    about: Callable[[Any], str] = lambda args: args.cert_id,
    status: int = 200,
) -> ActKind[Any]:
    return kind(
        ActKind(
            name=name,
            event=event,
            args=args,
            roles=roles,
            verb=verb,
            answer=answer,
            about=about,
            status=status,
        )
    )


ASK = _kind(
    "certificate.ask_correction",
    "BRK.ASK_CORRECTION",
    RemarksArgs,
    AUTHORITY,
    _plain(applying.ask_correction),
)
CORRECT = _kind("certificate.correct", "BRK.CORRECT", CorrectArgs, _BROKER, _correct)
WITHDRAW = _kind("certificate.withdraw", "BRK.WITHDRAW", CertArgs, _BROKER, _plain(applying.withdraw))
REVIEW = _kind("certificate.review", "BRK.REVIEW", CertArgs, AUTHORITY, _plain(applying.review))
VOTE = _kind("certificate.vote", "BRK.VOTE", VoteArgs, AUTHORITY, _plain(panel.vote))
NOTICE = _kind("certificate.notice", "BRK.NOTICE", CertArgs, AUTHORITY, _plain(panel.publish_notice))
REFUSE = _kind("certificate.refuse", "BRK.REFUSE", RefuseArgs, AUTHORITY, _plain(panel.refuse_application))
OBJECT = _kind(
    "certificate.object", "BRK.OBJECT", ObjectArgs, ANYONE, _object, answer=ObjectionView.of, status=201
)
UPHOLD = _kind("certificate.uphold", "BRK.UPHOLD", UpholdArgs, AUTHORITY, _plain(noticing.uphold))
DISMISS = _kind("certificate.dismiss", "BRK.DISMISS", DismissArgs, AUTHORITY, _plain(noticing.dismiss))
ISSUE = _kind(
    "certificate.issue",
    "BRK.CERTIFY",
    IssueArgs,
    AUTHORITY,
    _plain(noticing.issue),
    answer=CertificateView.of,
    status=201,
)
TIE = _kind(
    "panel.declare_tie",
    "PNL.RECUSE",
    TieArgs,
    AUTHORITY,
    _plain(panel.declare_tie),
    answer=PanelTieView.of,
    about=lambda args: args.org_id,
    status=201,
)
