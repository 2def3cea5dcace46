"""From the settled trade to its end: invoice, filing, trade certificate, the end of the licence.

The provider invoices; the exchange files what is invoiced and certifies what is filed, each as a job of its
own, so that a stop between them loses nothing. What is owed and late is in `market.filing.duties`.
"""

from datetime import date
from typing import Final

from base.calendar import shanghai_day
from base.canonical import sha256_hex
from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from base.signing import sign_envelope
from identity.service import insert
from ledger.reader import statements_about
from ledger.recording import Act, record
from ledger.statement import Draft, envelope_bytes
from market.delivery.repository import entitlement_of
from market.filing import repository
from market.filing.duties import (
    DUTY_JOB,
    no_longer_late,
    note_overdue,
    of_party,
    prove_destruction,
    proven,
    require_destruction,
)
from market.filing.errors import InvoiceNumberUsed, InvoiceThereBefore, NothingToReverse
from market.filing.rules import (
    CERTIFICATE_PAYLOAD,
    Cause,
    DutyKind,
    InvoiceKind,
    InvoiceTerms,
    Overdue,
    certificate_document,
    certificate_number,
    check_day,
    check_invoice,
    check_number,
    filing_document,
    filing_number,
)
from market.filing.tables import Filing, Invoice, TradeCertificate
from market.filing.telling import amounts_of, organisation_named, told_of
from market.orders import repository as trades
from market.orders.rules import TradeEvent, TradeState, may_move
from market.orders.statements import named
from market.orders.tables import Trade
from pricing.whole import whole_price

__all__ = [
    "CERTIFY_JOB",
    "DUTY_JOB",
    "FILE_JOB",
    "certify_trade",
    "end_licence",
    "file_trade",
    "issue_invoice",
    "note_overdue",
    "prove_destruction",
    "require_destruction",
    "reverse_invoice",
]

FILE_JOB: Final = "filing.file"
CERTIFY_JOB: Final = "filing.certify"
_TAKEN_BACK: Final = frozenset({TradeState.REFUND_PENDING, TradeState.REFUNDED, TradeState.VOIDED})
_LICENSED: Final = frozenset({TradeState.SETTLED, TradeState.FILED, TradeState.CERTIFIED})


async def issue_invoice(s: WriteSession, act: Act, *, trade_id: str, terms: InvoiceTerms) -> Invoice:
    """The provider invoices what the buyer paid (TRD.INVOICE); the exchange then files the trade.

    The amounts are private, the digest of the invoice's file is not. Raises TradeUnknown, NotAParty,
    TradeWrongState, InvoiceThereBefore, InvoiceNumberUsed, and what `check_invoice` raises.
    """
    trade = await of_party(s, act, trade_id, "PROVIDER")
    may_move(trade.status, TradeEvent.INVOICE, act.role)
    if await repository.invoice_of(s, trade_id=trade_id) is not None:
        raise InvoiceThereBefore("this trade is invoiced", trade_id=trade_id)
    assert trade.contracted_at is not None
    check_invoice(
        terms,
        paid_minor=await repository.paid_minor(s, trade),
        earliest=shanghai_day(trade.contracted_at),
        today=shanghai_day(act.now),
    )
    if await repository.is_number_used(s, invoice_no=terms.invoice_no):
        raise InvoiceNumberUsed("another invoice has this number")
    before = trade.status
    await trades.move(s, trade=trade, event=TradeEvent.INVOICE, role=act.role)
    recorded = await record(
        s,
        act,
        Draft(
            "TRD.INVOICE",
            trade_id,
            public=named(trade) | {"file_sha256": terms.file_sha256},
            opening=terms.document(),
            subjects={} if terms.file_sha256 is None else {"invoice": terms.file_sha256},
            before=before.value,
            after=trade.status.value,
        ),
    )
    invoice = _invoice(trade, act, recorded.statement_id, terms)
    await insert(s, invoice, InvoiceNumberUsed("another invoice has this number"))
    await no_longer_late(s, act, trade_id, Overdue.INVOICE)
    await enqueue(s, kind=FILE_JOB, key=trade_id, run_at=act.now, payload={"trade_id": trade_id})
    return invoice


async def reverse_invoice(
    s: WriteSession,
    act: Act,
    *,
    trade_id: str,
    invoice_no: str,
    issued_on: date,
    file_sha256: str | None = None,
) -> Invoice:
    """The provider takes the invoice of a trade back that was refunded or voided (FIL.RED_INVOICE).

    A red-letter invoice has its own number and the negative of what goes back and was not reversed before:
    the whole invoice, the part of it that is claimed back, or the rest when the contract is void after a
    refund. All of them together are divided at the invoice's rate. Raises TradeUnknown, NotAParty,
    NothingToReverse, InvoiceNumberUsed, InvoiceNumberMalformed, InvoiceDateOutside.
    """
    trade = await of_party(s, act, trade_id, "PROVIDER")
    blue = await repository.invoice_of(s, trade_id=trade_id)
    amount = 0 if blue is None else await repository.to_reverse_minor(s, blue=blue)
    if blue is None or amount <= 0 or trade.status not in _TAKEN_BACK:
        raise NothingToReverse(
            "no invoice of this trade is to be taken back", trade_id=trade_id, status=trade.status.value
        )
    check_number(invoice_no, issued_on)
    check_day(issued_on, earliest=blue.issued_on, today=shanghai_day(act.now))
    if await repository.is_number_used(s, invoice_no=invoice_no):
        raise InvoiceNumberUsed("another invoice has this number")
    before = await repository.red_invoices_of(s, trade_id=trade_id)
    reversed_before = -sum(red.net_minor + red.vat_minor for red in before)
    back = whole_price(amount + reversed_before, commission_bp=0, platform_bp=0, vat_bp=blue.vat_rate_bp)
    terms = InvoiceTerms(
        invoice_no=invoice_no,
        issued_on=issued_on,
        taxpayer=blue.taxpayer,
        vat_rate_bp=blue.vat_rate_bp,
        net_minor=-back.net_minor - sum(red.net_minor for red in before),
        vat_minor=-back.vat_minor - sum(red.vat_minor for red in before),
        file_sha256=file_sha256,
    )
    duty = await repository.open_duty(s, trade_id=trade_id, kind=DutyKind.RED_INVOICE)
    recorded = await record(
        s,
        act,
        Draft(
            "FIL.RED_INVOICE",
            trade_id,
            public=named(trade) | {"file_sha256": file_sha256},
            opening=terms.document() | {"reverses": blue.invoice_no},
            subjects={} if file_sha256 is None else {"invoice": file_sha256},
        ),
    )
    invoice = _invoice(trade, act, recorded.statement_id, terms, reverses=blue.invoice_no)
    await insert(s, invoice, InvoiceNumberUsed("another invoice has this number"))
    if duty is not None:
        await proven(s, act, duty, recorded.statement_id)
    return invoice


def _invoice(
    trade: Trade, act: Act, statement_id: str, terms: InvoiceTerms, *, reverses: str | None = None
) -> Invoice:
    return Invoice(
        invoice_no=terms.invoice_no,
        trade_id=trade.trade_id,
        kind=InvoiceKind.BLUE if reverses is None else InvoiceKind.RED,
        reverses=reverses,
        issued_on=terms.issued_on,
        taxpayer=terms.taxpayer,
        vat_rate_bp=terms.vat_rate_bp,
        net_minor=terms.net_minor,
        vat_minor=terms.vat_minor,
        file_sha256=terms.file_sha256,
        told_at=act.occurred_at,
        statement_id=statement_id,
    )


async def file_trade(s: WriteSession, act: Act, *, trade_id: str) -> bool:
    """The exchange files an invoiced trade (TRD.FILE); False where it was overtaken or is not invoiced.

    What is filed is kept byte for byte; its digest is public, its money is not.
    """
    trade = await trades.claim_trade(s, trade_id=trade_id)
    invoice = await repository.invoice_of(s, trade_id=trade_id)
    if trade.status is not TradeState.SETTLED or invoice is None or trade.settled_at is None:
        return False
    number = filing_number(trade_id, shanghai_day(trade.settled_at))
    told = await told_of(s, trade)
    about = [name for name in (trade_id, trade.quote_id, trade.declaration_id) if name is not None]
    said = await statements_about(s, object_ids=about)
    document = filing_document(
        told,
        filing_no=number,
        filed_at=rfc3339(act.occurred_at),
        amounts=await amounts_of(s, trade),
        invoice={
            **InvoiceTerms(
                invoice_no=invoice.invoice_no,
                issued_on=invoice.issued_on,
                taxpayer=invoice.taxpayer,
                vat_rate_bp=invoice.vat_rate_bp,
                net_minor=invoice.net_minor,
                vat_minor=invoice.vat_minor,
            ).document(),
            "file_sha256": invoice.file_sha256,
        },
        statements=[{"event": one.event, "sha256": one.envelope_sha256} for one in said],
        nonce=act.nonce(),
    )
    digest = sha256_hex(document)
    before = trade.status
    await trades.move(s, trade=trade, event=TradeEvent.FILE, role=act.role)
    recorded = await record(
        s,
        act,
        Draft(
            "TRD.FILE",
            trade_id,
            public=named(trade) | {"filing_no": number, "filing_sha256": digest},
            subjects={"filing": digest},
            before=before.value,
            after=trade.status.value,
        ),
    )
    s.add(
        Filing(
            trade_id=trade_id,
            filing_no=number,
            filing_sha256=digest,
            document=document,
            filed_at=act.occurred_at,
            statement_id=recorded.statement_id,
        )
    )
    await s.flush()
    await no_longer_late(s, act, trade_id, Overdue.FILING)
    await enqueue(s, kind=CERTIFY_JOB, key=trade_id, run_at=act.now, payload={"trade_id": trade_id})
    return True


async def certify_trade(s: WriteSession, act: Act, *, trade_id: str) -> bool:
    """The exchange signs the certificate of a filed trade (TRD.ISSUE_TRADE_CERT); False where overtaken.

    A licence that has ended by then ends the trade at once.
    """
    trade = await trades.claim_trade(s, trade_id=trade_id)
    if trade.status is not TradeState.FILED or trade.settled_at is None:
        return False
    filing = await repository.filing_of(s, trade_id=trade_id)
    number = certificate_number(trade_id, shanghai_day(trade.settled_at))
    document = certificate_document(
        await told_of(s, trade),
        certificate_no=number,
        filing_no=filing.filing_no,
        filing_sha256=filing.filing_sha256,
        issued_at=rfc3339(act.occurred_at),
        issuer=await organisation_named(s, act.exchange.actor.org_id),
    )
    digest = sha256_hex(document)
    await act.exchange.pen.ready(s)
    envelope = sign_envelope(CERTIFICATE_PAYLOAD, document, act.exchange.pen.key)
    before = trade.status
    await trades.move(s, trade=trade, event=TradeEvent.ISSUE_TRADE_CERT, role=act.role)
    recorded = await record(
        s,
        act,
        Draft(
            "TRD.ISSUE_TRADE_CERT",
            trade_id,
            public=named(trade)
            | {"filing_no": filing.filing_no, "certificate_no": number, "certificate_sha256": digest},
            subjects={"certificate": digest},
            before=before.value,
            after=trade.status.value,
        ),
    )
    s.add(
        TradeCertificate(
            certificate_no=number,
            trade_id=trade_id,
            certificate_sha256=digest,
            envelope=envelope_bytes(envelope),
            issued_at=act.occurred_at,
            statement_id=recorded.statement_id,
        )
    )
    await s.flush()
    await end_licence(s, act, trade_id=trade_id)
    return True


async def end_licence(s: WriteSession, act: Act, *, trade_id: str) -> bool:
    """The clock's end of a licence (TRD.LICENCE_END); False where the trade does not close by it now.

    A trade that is not certified yet closes when it gets there; its data has to go all the same.
    """
    trade = await trades.claim_trade(s, trade_id=trade_id)
    entitlement = await entitlement_of(s, trade_id=trade_id)
    if entitlement is None or act.now < entitlement.expires_at or trade.status not in _LICENSED:
        return False
    if trade.status is TradeState.CERTIFIED:
        before = trade.status
        await trades.move(s, trade=trade, event=TradeEvent.LICENCE_END, role=act.role)
        await record(
            s,
            act,
            Draft(
                "TRD.LICENCE_END",
                trade_id,
                public=named(trade) | {"entitlement_id": entitlement.entitlement_id},
                before=before.value,
                after=trade.status.value,
            ),
        )
    await require_destruction(s, act, trade_id=trade_id, cause=Cause.LICENCE_END)
    return trade.status is TradeState.CLOSED
