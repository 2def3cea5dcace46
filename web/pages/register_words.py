"""The words of the public register of brokers."""

from collections.abc import Mapping
from typing import Final

from web.pages.languages import N_

ORDERS: Final[Mapping[str, str]] = {
    "number": N_("Certificate number"),
    "name": N_("Name"),
    "newest": N_("Newest certificate first"),
    "ending": N_("Next to end first"),
}
RECORD: Final[Mapping[str, str]] = {
    "WARNING": N_("Warning letter"),
    "RECTIFICATION": N_("To be put right"),
    "RECTIFICATION_MISSED": N_("Not put right in time"),
    "REPORT_MISSED": N_("Annual report missing"),
    "SCOPE_CUT": N_("Scope cut"),
    "SUSPENSION": N_("Suspension"),
    "REVOCATION": N_("Revocation"),
    "EXIT_NOTICE": N_("Notice of exit"),
    "EXIT": N_("Broker has left"),
}
WITHHELD: Final[Mapping[str, str]] = {
    "few-trades": N_("not told: fewer than five trades"),
    "others-told": N_("not told: a party could tell another’s price"),
    "one-outweighs": N_("not told: one trade is more than half"),
    "changed-since": N_("not told: a trade of this quarter was undone or flagged later"),
}
GROUPS: Final = {"register_order": ORDERS, "conduct_record": RECORD, "withheld": WITHHELD}
