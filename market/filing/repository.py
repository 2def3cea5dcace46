"""What is asked about invoices, filings, trade certificates and what is still owed."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, time
from typing import Final

from sqlmodel import col, select

from base.calendar import at_shanghai, end_of_day_shanghai
from base.db import ReadSession, WriteSession, exclusive_lock
from market.delivery.repository import downloads_of, entitlement_of
from market.filing.errors import FilingUnknown, TradeCertificateUnknown
from market.filing.rules import DutyKind, InvoiceKind
from market.filing.tables import Duty, Filing, Invoice, TradeCertificate
from market.orders.rules import TradeState
from market.orders.tables import Trade
from market.settlement.repository import claims_of
from market.settlement.tables import Split

MAX_PAGE: Final = 100
_FRESH: Final = {"populate_existing": True}


async def invoice_of(s: ReadSession, *, trade_id: str) -> Invoice | None:
    """A trade's invoice."""
    query = select(Invoice).where(Invoice.trade_id == trade_id, Invoice.kind == InvoiceKind.BLUE)
    return (await s.exec(query, execution_options=_FRESH)).first()


async def invoiced_among(s: ReadSession, *, trade_ids: Collection[str]) -> set[str]:
    """Those of these trades whose invoice was told."""
    if not trade_ids:
        return set()
    query = select(Invoice.trade_id).where(
        col(Invoice.trade_id).in_(sorted(trade_ids)), Invoice.kind == InvoiceKind.BLUE
    )
    return set((await s.exec(query)).all())


async def red_invoices_of(s: ReadSession, *, trade_id: str) -> Sequence[Invoice]:
    """The red-letter invoices of a trade, first to last: of a refund, of what a void contract takes back."""
    query = select(Invoice).where(Invoice.trade_id == trade_id, Invoice.kind == InvoiceKind.RED)
    ordered = query.order_by(col(Invoice.told_at), col(Invoice.invoice_no))
    return (await s.exec(ordered, execution_options=_FRESH)).all()


async def is_number_used(s: ReadSession, *, invoice_no: str) -> bool:
    """Whether an invoice here has this number."""
    query = select(Invoice.invoice_no).where(Invoice.invoice_no == invoice_no)
    return (await s.exec(query)).first() is not None


async def filing_of(s: ReadSession, *, trade_id: str) -> Filing:
    """What was filed about a trade. Raises FilingUnknown."""
    filing = await s.get(Filing, trade_id, populate_existing=True)
    if filing is None:
        raise FilingUnknown("this trade is not filed", trade_id=trade_id)
    return filing


async def certificate_of(s: ReadSession, *, trade_id: str) -> TradeCertificate:
    """A trade's certificate. Raises TradeCertificateUnknown."""
    query = select(TradeCertificate).where(TradeCertificate.trade_id == trade_id)
    return _known((await s.exec(query, execution_options=_FRESH)).first())


async def get_certificate(s: ReadSession, *, certificate_no: str) -> TradeCertificate:
    """The certificate of this number. Raises TradeCertificateUnknown."""
    return _known(await s.get(TradeCertificate, certificate_no, populate_existing=True))


async def certificate_by_digest(s: ReadSession, *, certificate_sha256: str) -> TradeCertificate | None:
    """The certificate with this digest."""
    query = select(TradeCertificate).where(TradeCertificate.certificate_sha256 == certificate_sha256)
    return (await s.exec(query, execution_options=_FRESH)).first()


def _known(certificate: TradeCertificate | None) -> TradeCertificate:
    if certificate is None:
        raise TradeCertificateUnknown("no trade certificate has this number")
    return certificate


async def paid_minor(s: ReadSession, trade: Trade) -> int:
    """What the buyer has paid in the end: the price, less what a partial settlement gave back."""
    assert trade.price_minor is not None
    split = await s.get(Split, trade.trade_id, populate_existing=True)
    return trade.price_minor - (0 if split is None else split.refund_minor)


async def taken_back_minor(s: ReadSession, *, trade_id: str, invoiced_minor: int) -> int:
    """How much of what was invoiced goes back: what is claimed of those who were paid, or everything."""
    claimed = sum(claim.amount_minor for claim in await claims_of(s, trade_id=trade_id))
    return min(claimed or invoiced_minor, invoiced_minor)


async def to_reverse_minor(s: ReadSession, *, blue: Invoice) -> int:
    """How much of an invoice goes back and is in no red-letter invoice yet, tax included, in fen."""
    back = await taken_back_minor(s, trade_id=blue.trade_id, invoiced_minor=blue.net_minor + blue.vat_minor)
    reversed_before = await red_invoices_of(s, trade_id=blue.trade_id)
    return back + sum(red.net_minor + red.vat_minor for red in reversed_before)


async def duties_of(s: ReadSession, *, trade_id: str, kind: DutyKind | None = None) -> Sequence[Duty]:
    """What was asked for after a trade, in the order it was asked."""
    query = select(Duty).where(Duty.trade_id == trade_id)
    if kind is not None:
        query = query.where(Duty.kind == kind)
    ordered = query.order_by(col(Duty.asked_at), col(Duty.duty_id))
    return (await s.exec(ordered, execution_options=_FRESH)).all()


async def open_duty(s: ReadSession, *, trade_id: str, kind: DutyKind) -> Duty | None:
    """What is owed still; the trade's lock covers it."""
    query = select(Duty).where(Duty.trade_id == trade_id, Duty.kind == kind, col(Duty.proven_at).is_(None))
    return (await s.exec(query, execution_options=_FRESH)).first()


async def claim_duty(s: WriteSession, *, duty_id: str) -> Duty | None:
    """One duty, locked."""
    query = exclusive_lock(select(Duty).where(Duty.duty_id == duty_id))
    return (await s.exec(query, execution_options=_FRESH)).first()


async def open_duties(s: ReadSession, *, org_id: str | None = None, limit: int = 50) -> Sequence[Duty]:
    """What is owed, the most urgent first: by one organisation, or by all of them."""
    query = select(Duty).where(col(Duty.proven_at).is_(None))
    if org_id is not None:
        query = query.where(Duty.org_id == org_id)
    ordered = query.order_by(col(Duty.due_at), col(Duty.duty_id)).limit(min(limit, MAX_PAGE))
    return (await s.exec(ordered)).all()


async def last_delivery(s: ReadSession, trade: Trade) -> datetime | None:
    """When data of this trade last went to its buyer, as far as anybody knows; None where none ever did.

    A part of a file counts like the whole of it.
    """
    entitlement = await entitlement_of(s, trade_id=trade.trade_id)
    if entitlement is None:
        return None
    taken = await downloads_of(s, entitlement_id=entitlement.entitlement_id)
    moments = [one.closed_at or one.opened_at for one in taken if one.sent_bytes]
    return max([*moments, *([trade.delivered_at] if trade.delivered_at is not None else [])], default=None)


async def settled_on(s: ReadSession, *, day: date, after: str = "", limit: int = 200) -> Sequence[str]:
    """The trades that were settled on a day (in Shanghai) and are not filed, by id from `after` on."""
    query = (
        select(Trade.trade_id)
        .where(
            Trade.status == TradeState.SETTLED,
            col(Trade.settled_at) >= at_shanghai(day, time()),
            col(Trade.settled_at) <= end_of_day_shanghai(day),
            col(Trade.trade_id) > after,
        )
        .order_by(col(Trade.trade_id))
        .limit(limit)
    )
    return (await s.exec(query)).all()
