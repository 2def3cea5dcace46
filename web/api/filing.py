"""After the settlement: the invoice, what was filed, the trade certificate, the end of the data."""

from datetime import date, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Response
from pydantic import Field

from base.db import WriteSession
from ledger.recording import Act
from market.filing import repository
from market.filing import service as filing
from market.filing.rules import CERTIFICATE_NUMBER, InvoiceKind, InvoiceTerms, Method, Taxpayer
from market.filing.tables import Duty, Filing, Invoice
from web.acts import ActKind, AmountMinor, Args, Asked, Id, Sha256, kind
from web.api.trades import SUPERVISORS, visible
from web.certificates import TradeCertificateView, certificate_shown
from web.deps import CallerDep, NodeDep, ReadDep, answers, respond
from web.node import Node
from web.views import View

router = APIRouter(tags=["filing"])
InvoiceNo = Annotated[str, Field(pattern=r"^[0-9]{20}$")]
CertificateNo = Annotated[str, Path(pattern=f"^{CERTIFICATE_NUMBER.pattern}$", max_length=30)]


class InvoiceView(View):
    invoice_no: str
    trade_id: str
    kind: InvoiceKind
    reverses: str | None
    issued_on: date
    taxpayer: Taxpayer
    vat_rate_bp: int
    net_minor: int
    vat_minor: int
    file_sha256: str | None
    told_at: datetime

    @classmethod
    def of(cls, row: Invoice) -> "InvoiceView":
        return cls.model_validate(row)


class InvoiceForm(Asked):
    """A fully digital e-invoice (数电票) of what the buyer paid; amounts in fen."""

    invoice_no: InvoiceNo
    issued_on: date
    taxpayer: Taxpayer = Taxpayer.GENERAL
    vat_rate_bp: int = Field(default=600, ge=0, le=10_000)
    net_minor: AmountMinor
    vat_minor: AmountMinor
    file_sha256: Sha256 | None = None


class InvoiceArgs(Args, InvoiceForm):
    trade_id: Id


async def _invoice(s: WriteSession, act: Act, args: InvoiceArgs, node: Node) -> Any:
    del node
    told = {name: value for name, value in dict(args).items() if name != "trade_id"}
    return await filing.issue_invoice(s, act, trade_id=args.trade_id, terms=InvoiceTerms(**told))


INVOICE = kind(
    ActKind(
        name="trade.invoice",
        event="TRD.INVOICE",
        args=InvoiceArgs,
        roles=frozenset({"PROVIDER"}),
        verb=_invoice,
        answer=InvoiceView.of,
        about=lambda args: args.trade_id,
        status=201,
    )
)


class RedInvoiceForm(Asked):
    """The red-letter invoice that takes the trade's invoice back; its amounts follow from what goes back."""

    invoice_no: InvoiceNo
    issued_on: date
    file_sha256: Sha256 | None = None


class RedInvoiceArgs(Args, RedInvoiceForm):
    trade_id: Id


async def _reverse(s: WriteSession, act: Act, args: RedInvoiceArgs, node: Node) -> Any:
    del node
    return await filing.reverse_invoice(s, act, **dict(args))


RED_INVOICE = kind(
    ActKind(
        name="trade.red-invoice",
        event="FIL.RED_INVOICE",
        args=RedInvoiceArgs,
        roles=frozenset({"PROVIDER"}),
        verb=_reverse,
        answer=InvoiceView.of,
        about=lambda args: args.trade_id,
        status=201,
    )
)


class DutyView(View):
    duty_id: str
    trade_id: str
    kind: str
    cause: str
    org_id: str
    asked_at: datetime
    due_at: datetime
    proven_at: datetime | None
    method: str | None
    proof_sha256: str | None

    @classmethod
    def of(cls, row: Duty) -> "DutyView":
        return cls.model_validate(row)


class DestructionForm(Asked):
    method: Method
    proof_sha256: Sha256


class DestructionArgs(Args, DestructionForm):
    trade_id: Id


async def _destroy(s: WriteSession, act: Act, args: DestructionArgs, node: Node) -> Any:
    del node
    return await filing.prove_destruction(s, act, **dict(args))


DESTRUCTION = kind(
    ActKind(
        name="trade.destruction",
        event="FIL.DESTROYED",
        args=DestructionArgs,
        roles=frozenset({"BUYER"}),
        verb=_destroy,
        answer=DutyView.of,
        about=lambda args: args.trade_id,
    )
)


class FilingView(View):
    """`document` is what was filed; its canonical bytes are at `filing.json`."""

    trade_id: str
    filing_no: str
    filing_sha256: str
    filed_at: datetime
    statement_id: str
    document: dict[str, Any]

    @classmethod
    def of(cls, row: Filing) -> "FilingView":
        facts = {name: getattr(row, name) for name in cls.model_fields if name != "document"}
        return cls(**facts, document=orjson.loads(row.document))


@router.post("/trades/{trade_id}/invoice", **answers(INVOICE, InvoiceView))
async def invoice(trade_id: Id, caller: CallerDep, form: InvoiceForm) -> Response:
    """Tell the invoice of a settled trade, as its provider; the exchange then files the trade."""
    return respond(await caller.do(INVOICE, InvoiceArgs(trade_id=trade_id, **dict(form))))


@router.post("/trades/{trade_id}/red-invoice", **answers(RED_INVOICE, InvoiceView))
async def red_invoice(trade_id: Id, caller: CallerDep, form: RedInvoiceForm) -> Response:
    """Take the invoice of a trade back that was refunded or voided."""
    return respond(await caller.do(RED_INVOICE, RedInvoiceArgs(trade_id=trade_id, **dict(form))))


@router.post("/trades/{trade_id}/destruction", **answers(DESTRUCTION, DutyView))
async def destruction(trade_id: Id, caller: CallerDep, form: DestructionForm) -> Response:
    """State, as the buyer, that every copy of the data is destroyed or returned, with the proof's digest."""
    return respond(await caller.do(DESTRUCTION, DestructionArgs(trade_id=trade_id, **dict(form))))


@router.get("/trades/{trade_id}/invoices")
async def invoices(trade_id: Id, caller: CallerDep, s: ReadDep) -> list[InvoiceView]:
    """The trade's invoice, and those that take it back or parts of it, where there are such."""
    await visible(s, caller, trade_id)
    blue = await repository.invoice_of(s, trade_id=trade_id)
    rows = [] if blue is None else [blue, *await repository.red_invoices_of(s, trade_id=trade_id)]
    return [InvoiceView.of(row) for row in rows]


@router.get("/trades/{trade_id}/duties")
async def duties(trade_id: Id, caller: CallerDep, s: ReadDep) -> list[DutyView]:
    """What was asked for after the trade: the end of the data, the reversal of its invoice."""
    await visible(s, caller, trade_id)
    return [DutyView.of(row) for row in await repository.duties_of(s, trade_id=trade_id)]


@router.get("/duties")
async def open_duties(caller: CallerDep, s: ReadDep) -> list[DutyView]:
    """What one's organisation still owes after its trades, the most urgent first; supervisors see all."""
    org_id = None if caller.actor.roles & SUPERVISORS else caller.actor.org_id
    return [DutyView.of(row) for row in await repository.open_duties(s, org_id=org_id, limit=100)]


@router.get("/trades/{trade_id}/filing")
async def filed(trade_id: Id, caller: CallerDep, s: ReadDep) -> FilingView:
    """What the exchange filed about a trade, for its parties and its supervisors."""
    await visible(s, caller, trade_id)
    return FilingView.of(await repository.filing_of(s, trade_id=trade_id))


@router.get("/trades/{trade_id}/filing.json", response_class=Response)
async def filed_document(trade_id: Id, caller: CallerDep, s: ReadDep) -> Response:
    """What was filed, byte for byte: its SHA-256 is the `filing_sha256` of TRD.FILE."""
    await visible(s, caller, trade_id)
    row = await repository.filing_of(s, trade_id=trade_id)
    headers = {"content-disposition": f'attachment; filename="{row.filing_no}.json"'}
    return Response(row.document, media_type="application/json", headers=headers)


@router.get("/trades/{trade_id}/certificate")
async def certificate(trade_id: Id, caller: CallerDep, s: ReadDep, node: NodeDep) -> TradeCertificateView:
    """The trade's certificate."""
    await visible(s, caller, trade_id)
    return await certificate_shown(s, node, await repository.certificate_of(s, trade_id=trade_id))


@router.get("/trade-certificates/{certificate_no}")
async def trade_certificate(certificate_no: CertificateNo, s: ReadDep, node: NodeDep) -> TradeCertificateView:
    """A trade certificate by its number, for everybody: parties, product, days and digests; no price."""
    return await certificate_shown(
        s, node, await repository.get_certificate(s, certificate_no=certificate_no)
    )
