"""Reasons by their code: why a listing is not on offer, and those given most. Others stand as given."""

from collections.abc import Mapping
from typing import Final

from registry.rules import HintKind
from web.pages.languages import N_

_UNDECLARED: Final = N_("Negative list: personal data that nobody declared")
ORDERED: Final[Mapping[str, str]] = {
    "SUSPECTED_WASH_TRADE": N_("Suspected wash trading"),
    "SUSPECTED_MONOPOLY_AGREEMENT": N_("Suspected monopoly agreement"),
    "SUSPECTED_ABUSE": N_("Suspected abuse of a dominant position"),
    "SUSPECTED_UNFAIR_COMPETITION": N_("Suspected unfair competition"),
    "UNLAWFUL_SOURCE": N_("The data come from an unlawful source"),
    "PERSONAL_INFORMATION_AT_RISK": N_("Personal information is at risk"),
    "DATA_SECURITY_AT_RISK": N_("The security of the data is at risk"),
    "EVIDENCE_AT_RISK": N_("Evidence may be lost"),
    "MONEY_AT_RISK": N_("Money may be moved away"),
    "BEYOND_CERTIFICATE": N_("Acts that the certificate does not cover"),
    "DECISION_CARRIED_OUT": N_("A decision is carried out"),
    "CAUSE_CLEARED": N_("The cause has been cleared"),
}
"""What authorities order for most; a form suggests them, and takes any other."""
REASONS: Final[Mapping[str, str]] = {
    **ORDERED,
    "REGISTRATION_LOST": N_("The registration of the right that it rested on has fallen"),
    "GRANT_LOST": N_("The authorised operation that it rested on has ended"),
    "LEVEL_RAISED": N_("The data were graded higher than what may be traded so"),
    "CONSENT_WITHDRAWN": N_("Persons have withdrawn their consent"),
    "ASSESSMENT_LOST": N_("The impact assessment that it rested on stands no more"),
    "OWNERSHIP_DISPUTE": N_("The right in the data is disputed"),
    "DESCRIPTION_UNCLEAR": N_("The description is not clear"),
    "SUSPECTED_WASH_TRADING": N_("Suspected wash trading"),
    "TIME_LIMIT": N_("The time that the law allows is over"),
    "NL1-state-secret": N_("Negative list: a state secret"),
    "NL2-core-data": N_("Negative list: core data"),
    "NL3-important-data": N_("Negative list: important data"),
    "NL4-not-anonymised": N_("Negative list: declared anonymous, and persons can still be told apart"),
    "NL4-no-consent": N_("Negative list: personal data without consent"),
    "NL4-no-separate-consent": N_("Negative list: this level asks for separate consent"),
    "NL4-no-impact-assessment": N_("Negative list: personal data without an impact assessment"),
    **dict.fromkeys((f"NL4-undeclared-{kind.value}" for kind in HintKind), _UNDECLARED),
    "NL5-public-data-without-grant": N_("Negative list: public data without authorisation to operate them"),
    "NL6-unlawful-source": N_("Negative list: an unlawful source"),
    "NL8-ownership-disputed": N_("Negative list: the right in the data is disputed"),
    "NL9-minors-data": N_("Negative list: data of minors without their guardians' consent"),
    "NL11-barred-upstream": N_("Negative list: the source may not be sold on"),
}
