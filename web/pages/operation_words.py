"""The words of authorised operation."""

from collections.abc import Mapping
from typing import Final

from web.pages.languages import N_

STATES: Final[Mapping[str, str]] = {
    "SCHEME_DRAFT": N_("Scheme drafted"),
    "SCHEME_APPROVED": N_("Scheme decided"),
    "OPERATOR_SELECTED": N_("Operator selected"),
    "GRANTED": N_("Agreement signed by both"),
    "TERMINATED": N_("Terminated"),
    "ASKED": N_("Asked for"),
}
EVENTS: Final[Mapping[str, str]] = {
    "AOG.DRAFT_SCHEME": N_("Scheme of an operation drafted"),
    "AOG.REVISE_SCHEME": N_("Scheme written anew"),
    "AOG.CONSENT": N_("Consent to the use of its data"),
    "AOG.DECIDE": N_("Scheme decided on"),
    "AOG.ABANDON": N_("Scheme given up"),
    "AOG.SELECT": N_("Select the operator"),
    "AOG.SIGN": N_("Agreement signed by the agency"),
    "AOG.COUNTERSIGN": N_("Agreement signed by the operator"),
    "AOG.REGISTER_RESOURCES": N_("Registrations of the resources named"),
    "AOG.ASK_SCENARIO": N_("Scenario applied for"),
    "AOG.APPROVE_SCENARIO": N_("Scenario approved"),
    "AOG.REFUSE_SCENARIO": N_("Scenario refused"),
    "AOG.END_SCENARIO": N_("Scenario ended"),
    "AOG.TELL_OUTCOME": N_("Outcome of a scenario told"),
    "AOG.USE": N_("Public data used"),
    "AOG.ADD_PRODUCT": N_("Product entered in the grant"),
    "AOG.REGISTER_PRODUCT": N_("Code of a product named"),
    "AOG.SET_CAPS": N_("Caps set"),
    "AOG.SET_PRICE": N_("Price set within the cap"),
    "AOG.DISCLOSE": N_("Year disclosed"),
    "AOG.REPORT": N_("Year reported and tested"),
    "AOG.OVERDUE": N_("Not done in time"),
    "AOG.BREACH_FOUND": N_("Breach found"),
    "AOG.RECTIFIED": N_("Rectification told"),
    "AOG.CLEAR": N_("Breaches cleared"),
    "AOG.SUSPEND": N_("Grant suspended"),
    "AOG.RESUME": N_("Grant resumed"),
    "AOG.TERMINATE": N_("Grant terminated"),
    "AOG.EVALUATE": N_("Performance evaluated"),
    "AOG.RENEW": N_("Grant renewed"),
    "AOG.EXPIRE": N_("Grant expired"),
}
GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    "operation_mode": {"WHOLE": N_("As a whole"), "SECTOR": N_("One sector"), "SCENARIO": N_("One scenario")},
    "operation_method": {
        "OPEN_TENDER": N_("Open tender"),
        "INVITED_TENDER": N_("Invited tender"),
        "NEGOTIATION": N_("Competitive negotiation"),
        "DIRECT": N_("Direct award"),
    },
    "operation_class": {"FREE": N_("Free: public governance and welfare"), "PAID": N_("Paid: industry")},
    "operation_unit": {
        "PRODUCT": N_("a product"),
        "USE": N_("a use"),
        "TIME": N_("a time"),
        "CALL": N_("a call"),
        "THOUSAND_CALLS": N_("a thousand calls"),
    },
    "operation_breach": {
        "SCOPE": N_("Beyond the scope"),
        "REDEVELOPMENT": N_("Re-development"),
        "PRICE": N_("Price above the cap"),
        "SECURITY": N_("Security"),
        "EXCLUSION": N_("Exclusion of others"),
        "NOT_DISCLOSED": N_("Not disclosed"),
    },
    "operation_clause": {
        "PARTIES": N_("Parties and subject"),
        "RESOURCES": N_("Resources and catalogue"),
        "TERM": N_("Term of operation"),
        "PRODUCTS": N_("Products and their standards"),
        "ENVIRONMENT": N_("Operating environment"),
        "DUTIES": N_("Rights and duties"),
        "INCOME": N_("Cost, income and distribution"),
        "SECURITY": N_("Security and emergencies"),
        "QUALITY": N_("Quality and evaluation"),
        "DISCLOSURE": N_("Disclosure of information"),
        "EXIT": N_("Change, end and hand-over"),
        "LIABILITY": N_("Liability and disputes"),
        "NO_REDEVELOPMENT": N_("No re-development"),
    },
}
