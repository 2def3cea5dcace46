"""The words of what follows a settlement."""

from collections.abc import Mapping
from typing import Final

from web.pages.languages import N_

EVENTS: Final[Mapping[str, str]] = {
    "FIL.DESTRUCTION_ASKED": N_("Destruction of the data asked for"),
    "FIL.DESTROYED": N_("Data destroyed"),
    "FIL.RED_INVOICE_ASKED": N_("Reversal of the invoice asked for"),
    "FIL.RED_INVOICE": N_("Invoice reversed"),
    "FIL.OVERDUE": N_("Overdue"),
}
WORK: Final[Mapping[str, str]] = {
    "invoice-overdue": N_("The provider has not invoiced in time"),
    "filing-overdue": N_("A trade is not filed in time"),
    "destruction-overdue": N_("The buyer has not proved in time that the data is gone"),
    "red-invoice-overdue": N_("The provider has not taken its invoice back in time"),
}
DUTIES: Final[Mapping[str, str]] = {
    "DESTRUCTION": N_("Destruction or return of the data, with its proof"),
    "RED_INVOICE": N_("Red-letter invoice"),
}
CAUSES: Final[Mapping[str, str]] = {
    "LICENCE_END": N_("the licence has ended"),
    "REFUND": N_("the price goes back"),
    "VOID": N_("the contract is void"),
    "ORDER": N_("by order"),
}
METHODS: Final[Mapping[str, str]] = {
    "OVERWRITTEN": N_("Overwritten"),
    "CRYPTO_ERASED": N_("Keys destroyed"),
    "MEDIA_DESTROYED": N_("Media destroyed"),
    "RETURNED": N_("Returned"),
}
RATES: Final[Mapping[str, str]] = {
    "GENERAL:600": N_("General taxpayer, 6 %"),
    "SMALL_SCALE:300": N_("Small-scale taxpayer, 3 %"),
    "SMALL_SCALE:100": N_("Small-scale taxpayer, 1 %"),
}
