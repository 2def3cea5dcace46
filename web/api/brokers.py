"""Certificates as the data authority enters and disciplines them, and mandates."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field

from base.db import WriteSession
from brokers import repository, service
from brokers.mandates.document import USUAL_POWERS, Limits
from brokers.rules import BrokerType, Power, Side
from ledger.recording import Act
from market.trade.taking_over import revoke_mandate as revoke_mandate_of
from registry.rules import Level
from web.acts import ActKind, AmountMinor, Args, Asked, Id, Moment, ReasonCode, Sha256, kind
from web.api.mandated import Place, signed_document
from web.deps import CallerDep, ReadDep, answers, respond
from web.node import Node
from web.views import CertificateView, MandateView

router = APIRouter(tags=["brokers"])
_LIMITS = frozenset(Limits.__dataclass_fields__)
CertificateNo = Annotated[str, Field(pattern=r"^[A-Z0-9-]{6,40}$")]
Sector = Annotated[str, Field(pattern=r"^(\*|[a-z][a-z0-9_-]{1,39})$")]
_AUTHORITY = frozenset({"DATA_AUTHORITY"})


class CertifyArgs(Args):
    org_id: Id
    cert_no: CertificateNo
    broker_type: BrokerType
    grade: int = Field(ge=1, le=3)
    sectors: list[Sector] = Field(min_length=1, max_length=30)
    max_level: Level
    cross_border: bool = False
    valid_from: Moment
    valid_to: Moment
    decided_on: date
    decision_sha256: Sha256


async def _certify(s: WriteSession, act: Act, args: CertifyArgs, node: Node) -> Any:
    del node
    scope = service.CertificateScope(
        broker_type=args.broker_type,
        grade=args.grade,
        sectors=tuple(args.sectors),
        max_level=args.max_level,
        cross_border=args.cross_border,
    )
    return await service.certify(
        s,
        act,
        org_id=args.org_id,
        cert_no=args.cert_no,
        scope=scope,
        valid_from=args.valid_from,
        valid_to=args.valid_to,
        basis=service.Basis(decided_on=args.decided_on, decision_sha256=args.decision_sha256),
    )


CERTIFY = kind(
    ActKind(
        name="certificate.certify",
        event="BRK.CERTIFY",
        args=CertifyArgs,
        roles=_AUTHORITY,
        verb=_certify,
        answer=CertificateView.of,
        about=lambda args: args.org_id,
        status=201,
    )
)


class DisciplineForm(Asked):
    reason_code: ReasonCode
    case_id: Id | None = None


class DisciplineArgs(Args, DisciplineForm):
    cert_id: Id


async def _suspend(s: WriteSession, act: Act, args: DisciplineArgs, node: Node) -> Any:
    del node
    return await service.suspend_certificate(s, act, **args.model_dump())


async def _reinstate(s: WriteSession, act: Act, args: DisciplineArgs, node: Node) -> Any:
    del node
    return await service.reinstate_certificate(s, act, **args.model_dump())


async def _revoke(s: WriteSession, act: Act, args: DisciplineArgs, node: Node) -> Any:
    del node
    return await service.revoke_certificate(s, act, **args.model_dump())


DISCIPLINE = {
    name: kind(
        ActKind(
            name=f"certificate.{name}",
            event=f"BRK.{name.upper()}",
            args=DisciplineArgs,
            roles=_AUTHORITY | ({"EXCHANGE_OPERATOR"} if name == "suspend" else set()),
            verb=verb,
            answer=CertificateView.of,
            about=lambda args: args.cert_id,
        )
    )
    for name, verb in (("suspend", _suspend), ("reinstate", _reinstate), ("revoke", _revoke))
}


class MandateArgs(Args):
    broker_id: Id
    side: Side
    listing_id: Id | None = None
    scope: str = Field(max_length=1000)
    fee_bp: int = Field(ge=0, le=10_000)
    ends_at: Moment
    conflict_disclosed: bool = False
    dual_consent: bool = False
    dated_on: date | None = None
    categories: list[Sector] = Field(default=[], max_length=30)
    powers: list[Power] = Field(default=sorted(USUAL_POWERS), min_length=1, max_length=4)
    territories: list[Place] = Field(default=[], max_length=30)
    price_floor_minor: AmountMinor | None = None
    price_ceiling_minor: AmountMinor | None = None
    exclusive: bool = False
    one_deal: bool = False


async def _sign(s: WriteSession, act: Act, args: MandateArgs, node: Node) -> Any:
    del node
    limits = Limits(
        categories=frozenset(args.categories),
        powers=frozenset(args.powers),
        territories=frozenset(args.territories),
        price_floor_minor=args.price_floor_minor,
        price_ceiling_minor=args.price_ceiling_minor,
        exclusive=args.exclusive,
        one_deal=args.one_deal,
    )
    said = {name: value for name, value in dict(args).items() if name not in _LIMITS}
    return await service.sign_mandate(s, act, **said, limits=limits)


SIGN_MANDATE = kind(
    ActKind(
        name="mandate.sign",
        event="MND.SIGN",
        args=MandateArgs,
        roles=frozenset({"PROVIDER", "BUYER"}),
        verb=_sign,
        answer=MandateView.of,
        about=lambda args: args.broker_id,
        status=201,
    )
)


class MandateIdArgs(Args):
    mandate_id: Id


class AcceptForm(Asked):
    document_sha256: Sha256 | None = None


class AcceptArgs(MandateIdArgs, AcceptForm):
    pass


async def _accept(s: WriteSession, act: Act, args: AcceptArgs, node: Node) -> Any:
    del node
    return await service.accept_mandate(
        s, act, mandate_id=args.mandate_id, document_sha256=args.document_sha256
    )


async def _take_back(s: WriteSession, act: Act, args: MandateIdArgs, node: Node) -> Any:
    del node
    return await revoke_mandate_of(s, act, mandate_id=args.mandate_id)


ACCEPT_MANDATE = kind(
    ActKind(
        name="mandate.accept",
        event="MND.ACCEPT",
        args=AcceptArgs,
        roles=frozenset({"BROKER"}),
        verb=_accept,
        answer=MandateView.of,
        about=lambda args: args.mandate_id,
        documents=signed_document,
    )
)
REVOKE_MANDATE = kind(
    ActKind(
        name="mandate.revoke",
        event="MND.REVOKE",
        args=MandateIdArgs,
        roles=frozenset({"PROVIDER", "BUYER"}),
        verb=_take_back,
        answer=MandateView.of,
        about=lambda args: args.mandate_id,
    )
)


@router.post("/certificates", **answers(CERTIFY, CertificateView))
async def certify(caller: CallerDep, args: CertifyArgs) -> Response:
    """Enter a certificate, as the data authority."""
    return respond(await caller.do(CERTIFY, args))


@router.post("/certificates/{cert_id}/suspend", **answers(DISCIPLINE["suspend"], CertificateView))
async def suspend(cert_id: Id, caller: CallerDep, form: DisciplineForm) -> Response:
    """Take a certificate out of force at the very next act; the exchange for ten working days."""
    return respond(
        await caller.do(DISCIPLINE["suspend"], DisciplineArgs(cert_id=cert_id, **form.model_dump()))
    )


@router.post("/certificates/{cert_id}/reinstate", **answers(DISCIPLINE["reinstate"], CertificateView))
async def reinstate(cert_id: Id, caller: CallerDep, form: DisciplineForm) -> Response:
    """Put a suspended certificate back into force."""
    return respond(
        await caller.do(DISCIPLINE["reinstate"], DisciplineArgs(cert_id=cert_id, **form.model_dump()))
    )


@router.post("/certificates/{cert_id}/revoke", **answers(DISCIPLINE["revoke"], CertificateView))
async def revoke(cert_id: Id, caller: CallerDep, form: DisciplineForm) -> Response:
    """End a suspended certificate for good."""
    return respond(
        await caller.do(DISCIPLINE["revoke"], DisciplineArgs(cert_id=cert_id, **form.model_dump()))
    )


@router.get("/mandates")
async def mandates(caller: CallerDep, s: ReadDep) -> list[MandateView]:
    """The mandates one's organisation gave or holds."""
    rows = await repository.mandates_of(s, org_id=caller.actor.org_id)
    return [MandateView.of(row) for row in rows]


@router.post("/mandates", **answers(SIGN_MANDATE, MandateView))
async def sign_mandate(caller: CallerDep, args: MandateArgs) -> Response:
    """Mandate a broker, as its client."""
    return respond(await caller.do(SIGN_MANDATE, args))


@router.post("/mandates/{mandate_id}/accept", **answers(ACCEPT_MANDATE, MandateView))
async def accept_mandate(mandate_id: Id, caller: CallerDep, form: AcceptForm | None = None) -> Response:
    """Sign the client's mandate, as the broker; with the digest of the document that was read."""
    read = form or AcceptForm()
    return respond(await caller.do(ACCEPT_MANDATE, AcceptArgs(mandate_id=mandate_id, **read.model_dump())))


@router.post("/mandates/{mandate_id}/revoke", **answers(REVOKE_MANDATE, MandateView))
async def revoke_mandate(mandate_id: Id, caller: CallerDep) -> Response:
    """Take a mandate back, as the client."""
    return respond(await caller.do(REVOKE_MANDATE, MandateIdArgs(mandate_id=mandate_id)))
