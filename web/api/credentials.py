"""Brokers' credentials and status lists, for anyone: files at addresses that stay (`docs/brokers.md`)."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field
from starlette.responses import RedirectResponse

from base.canonical import canonical
from base.credential.checking import Pin
from base.credential.status import MEDIA_TYPE, PURPOSES, Purpose
from base.db import ReadSession, WriteSession
from brokers.credential import repository
from brokers.credential.errors import CredentialUnknown, CredentialWithdrawn
from brokers.credential.issuing import appoint_issuer, signed_list
from brokers.credential.tables import CredentialRow
from brokers.credential.verifying import verify
from brokers.repository import certificate_by_no, get_certificate
from brokers.states import AUTHORITY
from ledger.recording import Act
from web.acts import ActKind, Args, Id, kind
from web.api.brokers import CertificateNo
from web.api.log import answer
from web.deps import CallerDep, NodeDep, ReadDep, answers, respond
from web.node import Node
from web.views import View

router = APIRouter(tags=["credentials"])
public = APIRouter(prefix="/credentials", tags=["credentials"])
# Whoever keeps a copy asks before each use whether it is the newest: a suspension is seen at once.
_ASK_AGAIN: Final = "public, no-cache"
_SENT: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {MEDIA_TYPE: {}}}}
ListNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]


class AppointArgs(Args):
    """Nothing: the key is made by the exchange, and the authority's signature appoints it."""


class AppointedView(View):
    did: str
    since: datetime
    number: int
    statement_id: str

    @classmethod
    def of(cls, row: Any) -> "AppointedView":
        return cls.model_validate(row)


async def _appoint(s: WriteSession, act: Act, args: AppointArgs, node: Node) -> Any:
    del args
    return await appoint_issuer(s, act, safe=node.safe)


APPOINT = kind(
    ActKind(
        name="credential.appoint_issuer",
        event="CRD.APPOINT",
        args=AppointArgs,
        roles=frozenset({AUTHORITY}),
        verb=_appoint,
        answer=AppointedView.of,
        about=lambda _: "issuing-key",
        status=201,
    )
)


@router.post("/credentials/issuer", **answers(APPOINT, AppointedView))
async def appoint(caller: CallerDep, args: AppointArgs) -> Response:
    """Appoint a new issuing key, as the data authority; every certificate in being gets a new credential."""
    return respond(await caller.do(APPOINT, args))


@router.get("/brokers/{cert_no}/credential", response_class=Response, responses=_SENT)
async def of_certificate(request: Request, cert_no: CertificateNo, s: ReadDep) -> Response:
    """The present credential of a certificate: `application/vc`, secured by `eddsa-jcs-2022`."""
    certificate = await certificate_by_no(s, cert_no=cert_no)
    row = await repository.credential_of(s, cert_id=certificate.cert_id)
    if row is None:
        raise CredentialUnknown("no credential has been issued for this certificate yet", cert_no=cert_no)
    return _credential(request, row)


class VerdictView(View):
    """What the exchange itself thinks of a credential now. Whoever does not trust it checks offline."""

    verdict: str = Field(description="`valid`, or the first thing that is wrong")
    detail: str
    credentialSubject: dict[str, Any]  # noqa: N815 - the credential's own word
    valid_until: str | None
    status_as_of: str | None
    notes: list[str]


@router.post(
    "/credentials/check",
    openapi_extra={
        "requestBody": {"content": {MEDIA_TYPE: {"schema": {"type": "object"}}}, "required": True}
    },
)
async def check(request: Request, node: NodeDep, s: ReadDep) -> VerdictView:
    """Check a credential's bytes against our issuers and the status list of this moment."""
    now = node.clock.now()
    rows = await repository.issuers(s)
    lists = [
        canonical(await signed_list(s, node.credentials, number=row.number, now=now))
        for row in rows
        if row.retired_at is None
    ]
    pins = [Pin(row.did, row.since, row.retired_at) for row in rows]
    finding = verify(await request.body(), lists, pins, at=now)
    return VerdictView.model_validate(finding.document())


@public.head("/status/{number}", include_in_schema=False)
@public.get("/status/{number}", response_class=Response, responses=_SENT)
async def status_list(request: Request, node: NodeDep, s: ReadDep, number: ListNumber) -> Response:
    """The status list of an issuer, as it is now: a BitstringStatusListCredential of both purposes."""
    return await _status_list(request, node, s, number)


@public.head("/status/{number}/{purpose}", include_in_schema=False)
@public.get("/status/{number}/{purpose}", response_class=Response, responses=_SENT)
async def status_list_of(
    request: Request,
    node: NodeDep,
    s: ReadDep,
    number: ListNumber,
    purpose: Literal["revocation", "suspension"],
) -> Response:
    """The same places for one purpose alone, for a verifier that takes no list of two."""
    return await _status_list(request, node, s, number, Purpose(purpose))


async def _status_list(
    request: Request, node: Node, s: ReadSession, number: int, *purposes: Purpose
) -> Response:
    now = node.clock.now()
    signed = await signed_list(s, node.credentials, number=number, now=now, purposes=purposes or PURPOSES)
    return answer(request, canonical(signed), media_type=MEDIA_TYPE, kept=_ASK_AGAIN)


@public.head("/{credential_id}", include_in_schema=False)
@public.get("/{credential_id}", response_class=Response, responses=_SENT)
async def credential(request: Request, s: ReadDep, credential_id: Id) -> Response:
    """A credential at its own address; a browser is shown the broker's page."""
    row = await repository.get_credential(s, credential_id=credential_id)
    if row is None:
        raise CredentialUnknown("no such credential", credential_id=credential_id)
    if _is_browser(request):
        certificate = await get_certificate(s, cert_id=row.cert_id)
        lang = "en" if request.headers.get("accept-language", "").lower().startswith("en") else "zh"
        seen = RedirectResponse(f"/{lang}/brokers/{certificate.cert_no}", 303)
        seen.headers["vary"] = "accept, accept-language"
        return seen
    sent = _credential(request, row)
    sent.headers["vary"] = "accept"
    return sent


def _credential(request: Request, row: CredentialRow) -> Response:
    if row.document is None:
        raise CredentialWithdrawn("this credential was withdrawn", credential_id=row.credential_id)
    return answer(request, row.document, media_type=MEDIA_TYPE, kept=_ASK_AGAIN)


def _is_browser(request: Request) -> bool:
    """Whether a person looks: a page is asked for by name, and no document."""
    asked = request.headers.get("accept", "").lower()
    return "text/html" in asked and MEDIA_TYPE not in asked
