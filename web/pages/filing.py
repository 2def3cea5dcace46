"""What follows a trade's settlement: on its page, and the trade certificate for everybody."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from base.db import ReadSession
from market.filing import repository
from market.filing.errors import FilingUnknown, TradeCertificateUnknown
from market.filing.rules import CERTIFICATE_NUMBER, VAT_RATES_BP, DutyKind, Taxpayer
from market.orders.states import TradeState
from market.orders.tables import Trade
from pricing.whole import whole_price
from web.certificates import certificate_shown
from web.pages.filing_words import METHODS, RATES
from web.pages.forms import Form
from web.pages.room import Room, Taken
from web.pages.steps import Step
from web.pages.visiting import VisitorDep

router = APIRouter()
_SETTLED: Final = frozenset(
    {
        TradeState.SETTLED,
        TradeState.FILED,
        TradeState.CERTIFIED,
        TradeState.CLOSED,
        TradeState.REFUND_PENDING,
        TradeState.REFUNDED,
        TradeState.VOIDED,
    }
)


async def shown(s: ReadSession, room: Room) -> Mapping[str, Any]:
    """Invoices, filing, certificate and duties of a trade, and what the visitor owes of them."""
    trade, trade_id = room.trade, room.trade.trade_id
    if trade.status not in _SETTLED:
        return {"after": None}
    blue = await repository.invoice_of(s, trade_id=trade_id)
    red = await repository.red_invoices_of(s, trade_id=trade_id)
    duties = await repository.duties_of(s, trade_id=trade_id)
    try:
        filing, certificate = await repository.filing_of(s, trade_id=trade_id), None
        certificate = await repository.certificate_of(s, trade_id=trade_id)
    except FilingUnknown:
        filing, certificate = None, None
    except TradeCertificateUnknown:
        certificate = None
    return {
        "after": {
            "invoices": [one for one in (blue, *red) if one is not None],
            "filing": filing,
            "certificate": certificate,
            "duties": duties,
            "owed": [duty.kind.value for duty in duties if duty.proven_at is None and _mine(duty.kind, room)],
            "may_invoice": trade.status is TradeState.SETTLED and blue is None and _is(room, "PROVIDER"),
            "parts": await _parts(s, trade),
            "rates": room.visitor.options("rate", RATES),
            "methods": room.visitor.options("method", METHODS),
        }
    }


def _is(room: Room, role: str) -> bool:
    return room.part is not None and room.part.role == role


def _mine(kind: DutyKind, room: Room) -> bool:
    return _is(room, "BUYER" if kind is DutyKind.DESTRUCTION else "PROVIDER")


async def _parts(s: ReadSession, trade: Trade) -> list[dict[str, Any]]:
    """Net and tax of what was paid, at each rate, as an invoice has to say them."""
    if trade.price_minor is None:
        return []
    paid = await repository.paid_minor(s, trade)
    rates = [(kind, rate) for kind in Taxpayer for rate in VAT_RATES_BP[kind]]
    parts = []
    for kind, rate in rates:
        whole = whole_price(paid, commission_bp=0, platform_bp=0, vat_bp=rate)
        code = f"{kind.value}:{rate}"
        parts.append({"rate": code, "net_minor": whole.net_minor, "vat_minor": whole.vat_minor})
    return parts


def _invoice(form: Form, _: Trade) -> dict[str, Any]:
    taxpayer, _colon, rate = form.text("rate").partition(":")
    return {
        "invoice_no": form.text("invoice_no"),
        "issued_on": form.text("issued_on"),
        "taxpayer": taxpayer,
        "vat_rate_bp": int(rate) if rate.isascii() and rate.isdecimal() and len(rate) < 6 else rate,  # noqa: PLR2004
        "net_minor": form.fen("net_minor"),
        "vat_minor": form.fen("vat_minor"),
        "file_sha256": form.optional("file_sha256"),
    }


def _red_invoice(form: Form, _: Trade) -> dict[str, Any]:
    return {
        "invoice_no": form.text("invoice_no"),
        "issued_on": form.text("issued_on"),
        "file_sha256": form.optional("file_sha256"),
    }


def _destruction(form: Form, _: Trade) -> dict[str, Any]:
    return {"method": form.text("method"), "proof_sha256": form.text("proof_sha256")}


TAKEN: Final[Mapping[Step, Taken]] = {
    Step.INVOICE: Taken("trade.invoice", _invoice),
    Step.RED_INVOICE: Taken("trade.red-invoice", _red_invoice),
    Step.DESTRUCTION: Taken("trade.destruction", _destruction),
}


@router.get("/trade-certificates")
async def certificates(visitor: VisitorDep, no: Annotated[str, Query(max_length=60)] = "") -> Response:
    """Where anyone looks a trade certificate up by its number."""
    number = no.strip().upper()
    if CERTIFICATE_NUMBER.fullmatch(number):
        return visitor.redirect(f"/trade-certificates/{number}")
    return visitor.render("trade_certificates.html", no=no)


@router.get("/trade-certificates/{certificate_no}")
async def certificate(visitor: VisitorDep, certificate_no: str) -> Response:
    """One trade certificate: who, what, when and the digests, signed by the exchange. No price."""
    async with visitor.node.database.read() as s:
        row = await repository.get_certificate(s, certificate_no=certificate_no)
        seen = await certificate_shown(s, visitor.node, row)
    return visitor.render("trade_certificate.html", seen=seen, told=seen.certificate)
