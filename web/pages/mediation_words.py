"""The words of mediation: what matching asks and finds, where a deal stands and why it was lost."""

from collections.abc import Mapping
from typing import Final

from web.pages.languages import N_

GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    "criterion": {
        "CATEGORY": N_("Category"),
        "PURPOSE": N_("Purpose allowed"),
        "RECIPIENT": N_("Sold to this buyer"),
        "TERRITORY": N_("Territory of the data"),
        "DELIVERY": N_("Kind of delivery"),
        "FIELDS": N_("Columns"),
        "BUDGET": N_("List price and budget"),
        "FREQUENCY": N_("How often updated"),
        "LICENCE": N_("Licence"),
        "LEVEL": N_("Level"),
    },
    "verdict": {
        "MET": N_("met"),
        "PARTLY": N_("met in part"),
        "NOT_MET": N_("not met"),
        "NOT_SAID": N_("the listing does not say"),
        "NOT_ASKED": N_("not asked for"),
        "NOT_TOLD": N_("not told to you, counted for nobody"),
    },
    "relation": {
        "MANDATED": N_("The broker also acts for this provider."),
        "INTEREST": N_("The broker has disclosed an interest in this provider."),
    },
    "deal_stage": {
        "LEAD": N_("Lead"),
        "MATCHED": N_("Matched"),
        "PROPOSED": N_("Proposed"),
        "NEGOTIATING": N_("Negotiating"),
        "CONTRACTED": N_("Contracted"),
        "SETTLED": N_("Settled"),
        "LOST": N_("No deal"),
    },
    "lost": {
        "NO_BUDGET": N_("No budget"),
        "NO_MATCH": N_("Nothing that fits"),
        "CLIENT_WITHDREW": N_("The client withdrew"),
        "OTHER_SIDE_DECLINED": N_("The other side declined"),
        "MANDATE_ENDED": N_("The mandate ended"),
        "COMPLIANCE": N_("Not allowed"),
        "OTHER": N_("Another reason"),
        "TAKEN_OVER": N_("Taken over by the client"),
        "REFUSED": N_("Refused"),
        "LAPSED": N_("Lapsed"),
        "BLOCKED": N_("Blocked"),
        "CANCELLED": N_("Cancelled"),
        "REFUND_PENDING": N_("Refund pending"),
        "REFUNDED": N_("Refunded"),
        "VOIDED": N_("Void"),
    },
    "deal_entry": {
        "OPENED": N_("Deal opened"),
        "MOVED": N_("Stage changed"),
        "MESSAGE": N_("Message"),
        "NOTE": N_("Note of the broker's own"),
        "DOCUMENT": N_("Document"),
        "MATCHES": N_("Matches sent"),
        "TRADE": N_("Became a trade"),
        "NEXT": N_("Next step planned"),
        "EXPENSES": N_("Expenses put to the client"),
        "EXPENSES_AGREED": N_("Expenses agreed by the client"),
    },
}
