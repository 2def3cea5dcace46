"""What decides after a settlement, as values: numbers, amounts, and the two documents of a filed trade.

`rules.md` §2.7: a fully digital e-invoice (数电票) within the month, 6 % for a general taxpayer, 3 % or 1 %
for a small-scale one; a red-letter invoice on refund. §2.3.5: then the filing (备案) and the trade
certificate (交易凭证). Both numbers are computed from the trade's id and the day of its settlement: anyone
can check that a number belongs to its trade.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from base.canonical import canonical
from market.filing.errors import (
    InvoiceAmountsDiffer,
    InvoiceDateOutside,
    InvoiceNumberMalformed,
    VatRateUnknown,
)
from pricing.whole import whole_price

FILING_TYPE: Final = "urn:databourse:trade-filing:v1"
CERTIFICATE_TYPE: Final = "urn:databourse:trade-certificate:v1"
CERTIFICATE_PAYLOAD: Final = "application/vnd.databourse.trade-certificate+json"
CERTIFICATE_NUMBER: Final = re.compile(r"JY-[0-9]{8}(?:-[0-9A-HJKMNP-TV-Z]{4}){3}", re.ASCII)
_INVOICE_NUMBER: Final = re.compile(r"[0-9]{20}", re.ASCII)
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_GROUPS: Final = 3
_GROUP: Final = 4


class Taxpayer(StrEnum):
    """What kind of taxpayer the seller is."""

    GENERAL = "GENERAL"
    SMALL_SCALE = "SMALL_SCALE"


VAT_RATES_BP: Final[Mapping[Taxpayer, tuple[int, ...]]] = {
    Taxpayer.GENERAL: (600,),
    Taxpayer.SMALL_SCALE: (300, 100),
}


class InvoiceKind(StrEnum):
    """RED takes a BLUE one back: its amounts are negative (红字发票)."""

    BLUE = "BLUE"
    RED = "RED"


class DutyKind(StrEnum):
    """What somebody still owes."""

    DESTRUCTION = "DESTRUCTION"  # the buyer: the data is destroyed or returned, and the proof of it
    RED_INVOICE = "RED_INVOICE"  # the provider: the invoice is taken back


class Cause(StrEnum):
    """Why the data is to be destroyed."""

    LICENCE_END = "LICENCE_END"
    REFUND = "REFUND"
    VOID = "VOID"
    ORDER = "ORDER"


UNDONE: Final = frozenset({Cause.REFUND, Cause.VOID})
"""The trade itself is taken back, and with it its invoice."""


class Method(StrEnum):
    """How the data went."""

    OVERWRITTEN = "OVERWRITTEN"
    CRYPTO_ERASED = "CRYPTO_ERASED"
    MEDIA_DESTROYED = "MEDIA_DESTROYED"
    RETURNED = "RETURNED"


class Overdue(StrEnum):
    """What is late, as a work item names it."""

    INVOICE = "invoice-overdue"
    FILING = "filing-overdue"
    DESTRUCTION = "destruction-overdue"
    RED_INVOICE = "red-invoice-overdue"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceTerms:
    """An invoice as its issuer tells it; amounts in fen."""

    invoice_no: str
    issued_on: date
    taxpayer: Taxpayer
    vat_rate_bp: int
    net_minor: int
    vat_minor: int
    file_sha256: str | None = None

    def document(self) -> dict[str, Any]:
        """As an opening says it."""
        return {
            "invoice_no": self.invoice_no,
            "issued_on": self.issued_on.isoformat(),
            "taxpayer": self.taxpayer.value,
            "vat_rate_bp": self.vat_rate_bp,
            "net_minor": str(self.net_minor),
            "vat_minor": str(self.vat_minor),
        }


def check_number(invoice_no: str, issued_on: date) -> None:
    """Twenty digits that begin with the year: year 2, place 2, channel 1, sequence 15 (数电票号码).

    Raises InvoiceNumberMalformed.
    """
    if _INVOICE_NUMBER.fullmatch(invoice_no) is None:
        raise InvoiceNumberMalformed("the number of a fully digital e-invoice has 20 digits")
    if invoice_no[:2] != f"{issued_on.year % 100:02d}":
        raise InvoiceNumberMalformed(
            "the number begins with the year of the invoice", issued_on=issued_on.isoformat()
        )


def check_day(issued_on: date, *, earliest: date, today: date) -> None:
    """Raises InvoiceDateOutside before the earliest day or in the future."""
    if not earliest <= issued_on <= today:
        raise InvoiceDateOutside(
            "an invoice is dated between the contract and today",
            issued_on=issued_on.isoformat(),
            earliest=earliest.isoformat(),
            today=today.isoformat(),
        )


def check_invoice(terms: InvoiceTerms, *, paid_minor: int, earliest: date, today: date) -> None:
    """Whether this invoices what the buyer has paid, tax included, to the fen.

    Raises InvoiceNumberMalformed, VatRateUnknown, InvoiceDateOutside, InvoiceAmountsDiffer.
    """
    check_number(terms.invoice_no, terms.issued_on)
    known = VAT_RATES_BP[terms.taxpayer]
    if terms.vat_rate_bp not in known:
        raise VatRateUnknown(
            "not a rate of this kind of taxpayer", vat_rate_bp=terms.vat_rate_bp, known=list(known)
        )
    check_day(terms.issued_on, earliest=earliest, today=today)
    due = whole_price(paid_minor, commission_bp=0, platform_bp=0, vat_bp=terms.vat_rate_bp)
    if (terms.net_minor, terms.vat_minor) != (due.net_minor, due.vat_minor):
        raise InvoiceAmountsDiffer(
            "net and tax are not those of what was paid",
            net_minor=str(terms.net_minor),
            vat_minor=str(terms.vat_minor),
            expected_net_minor=str(due.net_minor),
            expected_vat_minor=str(due.vat_minor),
        )


def filing_number(trade_id: str, settled_on: date) -> str:
    """The number under which a trade is filed: `BA-<day of settlement>-xxxx-xxxx-xxxx`.

    The three groups are the first 60 bits of the SHA-256 of the trade's id in Crockford's base 32.
    """
    return f"BA-{_tail(trade_id, settled_on)}"


def certificate_number(trade_id: str, settled_on: date) -> str:
    """The number of a trade's certificate: its filing's, with `JY` for 交易."""
    return f"JY-{_tail(trade_id, settled_on)}"


def _tail(trade_id: str, settled_on: date) -> str:
    bits = int.from_bytes(hashlib.sha256(trade_id.encode()).digest()[:8]) >> 4
    digits = "".join(_CROCKFORD[bits >> shift & 31] for shift in range(55, -1, -5))
    groups = [digits[_GROUP * n : _GROUP * (n + 1)] for n in range(_GROUPS)]
    return "-".join([settled_on.strftime("%Y%m%d"), *groups])


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a filing and a certificate tell of a trade. Moments are RFC 3339, digests hex SHA-256.

    No text that somebody may have erased later (a title, a purpose): what is signed cannot be emptied.
    """

    trade_id: str
    listing_id: str
    product_id: str
    category: str
    level: str
    parties: Sequence[Mapping[str, str]]  # role, name, uscc
    contract_sha256: str | None
    file_sha256: str | None
    moments: Mapping[str, str]
    licence: Mapping[str, str]

    def document(self) -> dict[str, Any]:
        """What may stand in public: who, what, when, and the digests. No price, no terms."""
        return {
            "trade_id": self.trade_id,
            "listing_id": self.listing_id,
            "product": {
                "product_id": self.product_id,
                "category": self.category,
                "level": self.level,
            },
            "parties": [dict(party) for party in self.parties],
            "contract_sha256": self.contract_sha256,
            "file_sha256": self.file_sha256,
            "moments": dict(self.moments),
            "licence": dict(self.licence),
        }


def filing_document(
    told: Told,
    *,
    filing_no: str,
    filed_at: str,
    amounts: Mapping[str, str],
    invoice: Mapping[str, Any],
    statements: Sequence[Mapping[str, str]],
    nonce: str,
) -> bytes:
    """What is filed, canonical: the whole trade with its money and the digest of every statement of it.

    The nonce keeps its published digest from telling a price that somebody guesses.
    """
    return canonical(
        {
            "type": FILING_TYPE,
            "filing_no": filing_no,
            "filed_at": filed_at,
            **told.document(),
            "amounts": dict(amounts),
            "invoice": dict(invoice),
            "statements": [dict(one) for one in statements],
            "nonce": nonce,
        }
    )


def certificate_document(
    told: Told,
    *,
    certificate_no: str,
    filing_no: str,
    filing_sha256: str,
    issued_at: str,
    issuer: Mapping[str, str],
) -> bytes:
    """The trade certificate, canonical: what anyone may see of a filed trade."""
    return canonical(
        {
            "type": CERTIFICATE_TYPE,
            "certificate_no": certificate_no,
            "issuer": dict(issuer),
            "issued_at": issued_at,
            "filing_no": filing_no,
            "filing_sha256": filing_sha256,
            **told.document(),
        }
    )
