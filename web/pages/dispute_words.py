"""The words of disputes and refunds."""

from collections.abc import Mapping
from typing import Final

from web.pages.languages import N_

EVENTS: Final[Mapping[str, str]] = {
    "DSP.PROPOSE": N_("Proposal in a dispute"),
    "DSP.WITHDRAW": N_("Proposal withdrawn"),
    "DSP.AGREE": N_("Proposal agreed to"),
    "DSP.OVERDUE": N_("Mediation over"),
    "DSP.VOTE": N_("Vote of the panel"),
    "DSP.RECUSE": N_("An officer stepped back"),
}
WORK: Final[Mapping[str, str]] = {
    "mediation-overdue": N_("A mediation is over without a result: the panel has to rule"),
}
GROUNDS: Final[Mapping[str, str]] = {
    "NOT_DELIVERED": N_("Not delivered in time"),
    "NOT_AS_DESCRIBED": N_("Not what was described"),
    "DIGEST": N_("Another file than the one sold"),
    "SCHEMA": N_("Other columns than promised"),
    "ROWS": N_("Fewer rows than promised"),
    "QUALITY": N_("Quality below the promise"),
    "ILLEGAL_SOURCE": N_("Illegal source"),
    "CONSENT_WITHDRAWN": N_("Consent withdrawn before use"),
    "REGULATOR_ORDER": N_("A regulator's order"),
    "DUPLICATE": N_("Bought twice"),
    "UNUSED_QUOTA": N_("Quota that was not used"),
    "PAYMENT": N_("Payment"),
    "OTHER": N_("Another ground"),
}
OUTCOMES: Final[Mapping[str, str]] = {
    "ACCEPT": N_("The goods are accepted, the provider is paid"),
    "PARTIAL": N_("Part of the price goes back"),
    "REFUND": N_("The whole price goes back"),
}
BASES: Final[Mapping[str, str]] = {
    "AGREED": N_("by agreement"),
    "PANEL": N_("by the exchange's panel"),
    "COURT": N_("by an award"),
    "VOID": N_("the contract is void"),
}
PROPOSALS: Final[Mapping[str, str]] = {
    "OPEN": N_("stands"),
    "REPLACED": N_("replaced"),
    "WITHDRAWN": N_("withdrawn"),
    "AGREED": N_("agreed to"),
    "LAPSED": N_("lapsed"),
}
SIDES: Final[Mapping[str, str]] = {
    "BUYER": N_("Buyer"),
    "PROVIDER": N_("Provider"),
    "EXCHANGE": N_("The exchange's test"),
}
FAULTS: Final[Mapping[str, str]] = {
    "SELLER": N_("Provider"),
    "BROKER": N_("Broker"),
    "PLATFORM": N_("Platform"),
}
