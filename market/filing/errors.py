"""What is refused after the settlement."""

from typing import ClassVar

from base.errors import Conflict, Malformed, NotFound, Refusal


class InvoiceNumberMalformed(Malformed):
    """Twenty digits, of which the first two are the year of the invoice."""

    code = "invoice-number-malformed"
    title = "Not the number of a fully digital e-invoice"


class VatRateUnknown(Malformed):
    """A general taxpayer invoices 6 %, a small-scale one 3 % or, while it is reduced, 1 %."""

    code = "vat-rate-unknown"
    title = "Not a rate of this kind of taxpayer"


class InvoiceDateOutside(Refusal):
    """An invoice is dated after the contract and not in the future."""

    code = "invoice-date-outside"
    title = "The invoice is not of a day between contract and today"


class InvoiceAmountsDiffer(Refusal):
    """Net and tax of the invoice are those of what the buyer paid, to the fen."""

    code = "invoice-amounts-differ"
    title = "Net and tax are not those of the contract"
    rule_id: ClassVar[str | None] = "INVOICE-EXACT"


class InvoiceThereBefore(Conflict):
    """A trade is invoiced once."""

    code = "invoice-there-already"
    title = "This trade is invoiced already"


class InvoiceNumberUsed(Conflict):
    """The number stands on another invoice."""

    code = "invoice-number-used"
    title = "This invoice number is used already"


class NothingToReverse(Conflict):
    """A red-letter invoice takes back the invoice of a trade that was refunded or voided."""

    code = "nothing-to-reverse"
    title = "No invoice of this trade is to be taken back"


class FilingUnknown(NotFound):
    code = "filing-unknown"
    title = "This trade is not filed"


class TradeCertificateUnknown(NotFound):
    code = "trade-certificate-unknown"
    title = "No such trade certificate"


class DestructionNotAsked(Conflict):
    """Nothing is to be destroyed, or the proof is there already."""

    code = "destruction-not-asked"
    title = "No proof of destruction is waited for"
