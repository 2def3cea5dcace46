"""The words of the pages for what the code names by a code: states, events, roles, reasons.

Each word stands here once, in English, marked for translation; `word` finds it by its code, and a code
without a word is shown as it is. `docs/glossary.md` binds these words to the code.
"""

from collections.abc import Mapping
from typing import Final

from web.pages import (
    agency_words,
    certificate_words,
    customs_words,
    dispute_words,
    duties,
    filing_words,
    grading_words,
    list_words,
    opening_words,
    page_words,
    register_words,
    operation_words,
    registry_words,
    trade_words,
)
from web.pages.languages import N_
from web.pages.market_words import EVENTS as MARKET_EVENTS
from web.pages.market_words import STATES as MARKET_STATES
from web.pages.mediation_words import GROUPS as OF_MEDIATION

STATES: Final[Mapping[str, str]] = {
    # a trade
    "INQUIRED": N_("Inquired"),
    "NEGOTIATING": N_("Negotiating"),
    "REFUSED": N_("Refused"),
    "LAPSED": N_("Lapsed"),
    "ACCEPTED": N_("Offer accepted"),
    "BLOCKED": N_("Blocked"),
    "CONTRACT_READY": N_("Ready to sign"),
    "CONTRACTED": N_("Contracted"),
    "CANCELLED": N_("Cancelled"),
    "FUNDED": N_("Escrow funded"),
    "DELIVERING": N_("In delivery"),
    "DELIVERY_SUSPENDED": N_("Delivery suspended"),
    "DELIVERED": N_("Delivered"),
    "DISPUTED": N_("In dispute"),
    "ACCEPTED_GOODS": N_("Goods accepted"),
    "PARTIAL_SETTLE": N_("To be settled in part"),
    "SETTLED": N_("Settled"),
    "FILED": N_("Filed"),
    "CERTIFIED": N_("Certified"),
    "CLOSED": N_("Closed"),
    "REFUND_PENDING": N_("Refund pending"),
    "REFUNDED": N_("Refunded"),
    "FROZEN": N_("Frozen"),
    "VOIDED": N_("Void"),
    # a listing
    "DRAFT": N_("Draft"),
    "SUBMITTED": N_("Submitted"),
    "COMPLIANCE_REVIEW": N_("In compliance review"),
    "REJECTED": N_("Rejected"),
    "APPROVED": N_("Approved"),
    "LISTED": N_("Listed"),
    "SUSPENDED": N_("Suspended"),
    "DELISTED": N_("Delisted"),
    # a certificate, a mandate, a key, an entitlement
    "ACTIVE": N_("In force"),
    "RECTIFYING": N_("Rectifying"),
    "REVOKED": N_("Revoked"),
    "EXPIRED": N_("Expired"),
    "NOT_PAID": N_("Nothing was paid"),
    "EXITING": N_("Exiting"),
    "EXITED": N_("Exited"),
    "APPLIED": N_("Applied"),
    "UNDER_REVIEW": N_("Under review"),
    "PUBLIC_NOTICE": N_("Public notice"),
    "SIGNED": N_("Signed by the client"),
    "FULFILLED": N_("Fulfilled"),
    "REVOKED_BY_CLIENT": N_("Revoked by the client"),
    "TERMINATED_BY_CERT_LOSS": N_("Ended with the certificate"),
    "TAKEN_OVER": N_("Taken over by the client"),
    "HANDED_OVER": N_("Handed over"),
    **certificate_words.STATES,
    **registry_words.STATES,
    **operation_words.STATES,
    "USED_UP": N_("Used up"),
    **MARKET_STATES,
    # a case, a payment instruction
    **duties.CASES,
    "INSTRUCTED": N_("Instructed"),
    "PAID": N_("Paid"),
}
GOOD: Final = frozenset(
    {
        "LISTED",
        "ACTIVE",
        "SETTLED",
        "FILED",
        "CERTIFIED",
        "PAID",
        "FUNDED",
        "ACCEPTED_GOODS",
        "APPROVED",
    }
)
BAD: Final = frozenset(
    {
        "REFUSED",
        "LAPSED",
        "BLOCKED",
        "CANCELLED",
        "FROZEN",
        "DELIVERY_SUSPENDED",
        "DISPUTED",
        "VOIDED",
        "REJECTED",
        "SUSPENDED",
        "REVOKED",
        "REVOKED_BY_CLIENT",
        "TERMINATED_BY_CERT_LOSS",
        "EXPIRED",
        "USED_UP",
    }
)

EVENTS: Final[Mapping[str, str]] = {
    "LOG.GENESIS": N_("The log began"),
    "ORG.ADMIT": N_("Member admitted"),
    "KEY.REGISTER": N_("Key registered"),
    "KEY.REVOKE": N_("Key revoked"),
    "BRK.CERTIFY": N_("Broker certified"),
    "BRK.SUSPEND": N_("Certificate suspended"),
    "BRK.REINSTATE": N_("Certificate reinstated"),
    "BRK.REVOKE": N_("Certificate revoked"),
    "BRK.EXPIRE": N_("Certificate expired"),
    "CRD.APPOINT": N_("Issuing key appointed"),
    "CRD.ISSUE": N_("Credential issued"),
    "LST.DRAFT": N_("Listing drafted"),
    "LST.SUBMIT": N_("Listing submitted"),
    "LST.SCREEN_PASS": N_("Screen passed"),
    "LST.SCREEN_FAIL": N_("Screen failed"),
    "LST.APPROVE": N_("Listing approved"),
    "LST.RETURN": N_("Listing returned"),
    "LST.REJECT": N_("Listing rejected"),
    "LST.LIST": N_("Put on offer"),
    "LST.SUSPEND": N_("Listing suspended"),
    "LST.RESUME": N_("Listing resumed"),
    **duties.CONDUCT,
    "LST.WITHDRAW": N_("Listing withdrawn"),
    "QTE.QUOTE": N_("Price quoted"),
    "TRD.AWARD": N_("Won by auction"),
    "TRD.INQUIRE": N_("Inquiry"),
    "TRD.OFFER": N_("Offer"),
    "TRD.COUNTER_OFFER": N_("Counter-offer"),
    "TRD.REFUSE": N_("Refusal to deal"),
    "TRD.TIMEOUT": N_("Negotiation lapsed"),
    "TRD.ACCEPT": N_("Offer accepted"),
    "TRD.PRECHECK_PASS": N_("Pre-check passed"),
    "TRD.PRECHECK_FAIL": N_("Pre-check failed"),
    "TRD.SIGN": N_("Contract signed by a party"),
    "TRD.CONTRACT": N_("Contract concluded"),
    "TRD.FUND": N_("Escrow funded"),
    "TRD.FUND_TIMEOUT": N_("Escrow not funded in time"),
    "TRD.START_DELIVERY": N_("Delivery started"),
    "TRD.SUSPEND": N_("Delivery suspended"),
    "TRD.RESUME": N_("Delivery resumed"),
    "TRD.DELIVERY_FAIL": N_("Not delivered in time"),
    "TRD.DELIVERED": N_("Delivered"),
    "TRD.ACCEPT_GOODS": N_("Goods accepted"),
    "TRD.SILENT_ACCEPT": N_("Accepted by silence"),
    "TRD.DISPUTE": N_("Dispute opened"),
    "TRD.SETTLE_AGREED": N_("Dispute settled by agreement"),
    "TRD.RULE_FOR_SELLER": N_("Ruling for the seller"),
    "TRD.RULE_FOR_BUYER": N_("Ruling for the buyer"),
    "TRD.PARTIAL": N_("Part of the price goes back"),
    "TRD.SETTLE": N_("Settled"),
    "TRD.INVOICE": N_("Invoice issued"),
    "TRD.FILE": N_("Trade filed"),
    "TRD.ISSUE_TRADE_CERT": N_("Trade certificate issued"),
    "TRD.LICENCE_END": N_("Licence ended"),
    **certificate_words.EVENTS,
    **registry_words.EVENTS,
    **list_words.EVENTS,
    **operation_words.EVENTS,
    **customs_words.EVENTS,
    **grading_words.EVENTS,
    **opening_words.EVENTS,
    **agency_words.EVENTS,
    **MARKET_EVENTS,
    **filing_words.EVENTS,
    **dispute_words.EVENTS,
    "TRD.POST_REFUND": N_("Refund after settlement"),
    "TRD.REFUND": N_("Refunded"),
    "TRD.VOID": N_("Contract void"),
    "TRD.FREEZE": N_("Trade frozen"),
    "TRD.UNFREEZE": N_("Trade released"),
    "PAY.ACCOUNT": N_("Payee account named"),
    "PAY.INSTRUCT": N_("Payment instructed"),
    "PAY.MISMATCH": N_("Money and books differ"),
    "PAY.RECONCILE": N_("Day reconciled"),
    "PAY.RESOLVE": N_("Work item closed"),
    "PAY.REQUEUE": N_("Payment to be made again"),
    "JOB.RETRY": N_("Job to be tried again"),
    "PAY.ASCERTAIN": N_("Payment in doubt looked up"),
    "PAY.EXPIRE": N_("Reservation expired"),
    "PAY.CLAIM": N_("Claimed back"),
    "PAY.CLAIM_PAID": N_("Claim paid"),
    "ACC.STATEMENT": N_("Statement of account signed"),
    "ORD.ISSUE": N_("Order issued"),
    "FLG.SET": N_("Trade flagged"),
    "FLG.CLEAR": N_("Flag lifted"),
    "FED.CHECKPOINT": N_("Checkpoint of another log"),
    "OPN.ERASE": N_("Private part erased"),
    "REF.REFUSE": N_("Refused by the exchange"),
}

ROLES: Final[Mapping[str, str]] = {
    "PROVIDER": N_("Provider"),
    "BUYER": N_("Buyer"),
    "BROKER": N_("Data broker"),
    "DATA_MERCHANT": N_("Data merchant"),
    "THIRD_PARTY": N_("Third-party service provider"),
    "EXCHANGE_OPERATOR": N_("Exchange operator"),
    "REGISTRAR": N_("Registrar"),
    "PUBLIC_AGENCY": N_("Public agency"),
    "OPERATING_INSTITUTION": N_("Public-data operating institution"),
    "ESCROW": N_("Escrow bank"),
    "DATA_AUTHORITY": N_("Data authority"),
    "SAMR": N_("Market regulator"),
    "CAC": N_("Cyberspace administration"),
    "PUBLIC_SECURITY": N_("Public security"),
    "REVIEW_AUTHORITY": N_("Administrative review authority"),
    "COURT": N_("People's court"),
    "AUDITOR": N_("Auditor"),
}

LEVELS: Final[Mapping[str, str]] = {
    "general-1": N_("General data, level 1"),
    "general-2": N_("General data, level 2"),
    "general-3": N_("General data, level 3"),
    "general-4": N_("General data, level 4"),
    "important": N_("Important data"),
    "core": N_("Core data"),
}

CUSTODY: Final[Mapping[str, str]] = {
    "self-held": N_("Self-held"),
    "custodial": N_("Custodial"),
    "node": N_("The exchange's own"),
}

DIMENSIONS: Final[Mapping[str, str]] = {
    "conformity": N_("Conformity"),
    "completeness": N_("Completeness"),
    "accuracy": N_("Accuracy"),
    "consistency": N_("Consistency"),
    "timeliness": N_("Timeliness"),
    "accessibility": N_("Accessibility"),
}
DIMENSIONS_SAY: Final[Mapping[str, str]] = {
    "conformity": N_("The share of columns that are declared with a meaning and keep their form."),
    "completeness": N_("The share of required cells that have a value."),
    "accuracy": N_("The share of values within their declared bounds, readable, and not repeated as rows."),
    "consistency": N_("The share of records that keep one form and the rules between columns."),
    "timeliness": N_("How late the newest record is against the promised update."),
    "accessibility": N_("How many of several readings of the file gave the same content."),
}

FIXES: Final[Mapping[str, str]] = {
    "column-undeclared": N_("A column is not declared: declare its type and meaning."),
    "column-absent": N_("A declared column is not in the file: add it, or take it out of the declaration."),
    "column-unnamed": N_("A column has no name: name it in the header."),
    "column-name-repeated": N_("A column name stands twice: give each column its own name."),
    "meaning-missing": N_("A column is declared without a meaning: say what it holds."),
    "wrong-type": N_("Values do not have the declared type: correct them or the declaration."),
    "wrong-pattern": N_("Values do not have the declared pattern: correct them or the declaration."),
    "required-missing": N_("Required values are missing: fill them, or declare the column optional."),
    "rows-missing": N_("Fewer rows than promised: complete the file, or correct the promise."),
    "out-of-range": N_("Values lie outside the declared bounds: correct them or the bounds."),
    "unreadable-characters": N_("Characters cannot be read: save the file as UTF-8 again."),
    "duplicate-rows": N_("Rows stand more than once: remove the copies."),
    "mixed-forms": N_("Values of one column are written in several forms: write them in one."),
    "rows-ragged": N_("Rows have more or fewer cells than the header: correct them."),
    "rule-broken": N_("Records break a declared rule between columns: correct them."),
    "rule-not-applicable": N_("A declared rule names a column that cannot be compared: correct the rule."),
    "frequency-undeclared": N_("No update frequency is promised: declare one."),
    "time-column-missing": N_("No column tells the time of a record: name one as the period."),
    "period-undeclared": N_("The period of the data is not declared: declare its first and last day."),
    "stale": N_("The newest record is older than promised: bring newer data."),
    "reread-differs": N_("A second reading gave other content: check how the file is made."),
}

FREQUENCIES: Final[Mapping[str, str]] = {
    "hourly": N_("Hourly"),
    "daily": N_("Daily"),
    "weekly": N_("Weekly"),
    "monthly": N_("Monthly"),
    "quarterly": N_("Quarterly"),
    "yearly": N_("Yearly"),
    "once": N_("Once, a closed collection"),
}

SOURCES: Final[Mapping[str, str]] = {
    "SELF_COLLECTED": N_("Collected and produced by ourselves"),
    "OWN_ACTIVITY": N_("Data of our own activity, collected by another under contract"),
    "UTILITY": N_("From our water, gas, heat, power or transport services"),
    "PUBLIC_CRAWL": N_("Public data gathered by program, without intrusion or harm"),
    "AGREEMENT": N_("Obtained by contract"),
    "FUSION": N_("Fused by several parties"),
    "DERIVED": N_("Derived, with substantial change and clearly higher value"),
    "AUTHORISED_OPERATION": N_("A product of authorised public data"),
    "PUBLIC_DUTY": N_("Collected by an agency in performing its duties"),
    "ON_BEHALF": N_("Processed for another"),
    "UNLAWFUL": N_("Source unknown"),
}

SORTS: Final[Mapping[str, str]] = {
    "newest": N_("Newest first"),
    "cheapest": N_("Cheapest first"),
    "dearest": N_("Dearest first"),
}
BANDS: Final[Mapping[str, str]] = {
    "under-10k": N_("Under ¥10,000"),
    "10k-100k": N_("¥10,000 to ¥100,000"),
    "100k-500k": N_("¥100,000 to ¥500,000"),
    "500k-1m": N_("¥500,000 to ¥1,000,000"),
    "1m-up": N_("¥1,000,000 and more"),
}
DELIVERY_WAYS: Final[Mapping[str, str]] = {
    "file": N_("As a file"),
    "share": N_("As a table that tools read"),
    "api": N_("By an interface, with a quota"),
    "query": N_("By questions; the data stays"),
}
QUALITY_BANDS: Final[Mapping[str, str]] = {
    "90-up": N_("90 points and more"),
    "80-90": N_("80 to 90 points"),
    "70-80": N_("70 to 80 points"),
}
REGISTERED: Final[Mapping[str, str]] = {"yes": N_("Right registered, with a certificate")}

SIDES: Final[Mapping[str, str]] = {"PROVIDER": N_("Provider's side"), "BUYER": N_("Buyer's side")}
REVOCATIONS: Final[Mapping[str, str]] = {
    "lost": N_("Lost"),
    "compromised": N_("Compromised"),
    "superseded": N_("Superseded"),
}
DECISIONS: Final[Mapping[str, str]] = {
    "APPROVE": N_("Approve"),
    "RETURN": N_("Return for correction"),
    "REJECT": N_("Reject"),
}
GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    "state": STATES,
    "event": EVENTS,
    "evidence": certificate_words.EVIDENCE,
    "procedure": certificate_words.PROCEDURES,
    "role": ROLES,
    "refusal": trade_words.REFUSAL_REASONS,
    "standing": trade_words.STANDINGS,
    "delivery_mode": trade_words.DELIVERY_MODES,
    "bound": trade_words.BOUNDS,
    "level": LEVELS,
    "custody": CUSTODY,
    "dimension": DIMENSIONS,
    "dimension_says": DIMENSIONS_SAY,
    "fix": FIXES,
    "frequency": FREQUENCIES,
    "source": SOURCES,
    "sort": SORTS,
    "band": BANDS,
    "delivery": DELIVERY_WAYS,
    "grade": QUALITY_BANDS,
    "registered": REGISTERED,
    "side": SIDES,
    "power": duties.POWERS,
    "interest": duties.INTERESTS,
    "right": duties.RIGHTS,
    "change": duties.CHANGES,
    "notice": duties.NOTICES,
    "broker_type": duties.BROKER_TYPES,
    **register_words.GROUPS,
    **registry_words.GROUPS,
    **list_words.GROUPS,
    **operation_words.GROUPS,
    **customs_words.GROUPS,
    **grading_words.GROUPS,
    **opening_words.GROUPS,
    **agency_words.GROUPS,
    "revocation": REVOCATIONS,
    "decision": DECISIONS,
    "measure": duties.MEASURES,
    "movement": duties.MOVEMENTS,
    "book": duties.BOOKS,
    "severity": duties.SEVERITIES,
    "confidence": duties.CONFIDENCES,
    "checked": duties.CHECKED,
    "hhi": duties.HHI_BANDS,
    "cr4": duties.CR4_BANDS,
    "stage": duties.STAGES,
    "found": duties.FOUND,
    "waits": duties.WAITS,
    "work": {**duties.WORK, **filing_words.WORK, **dispute_words.WORK},
    "fact": duties.FACTS,
    "not_paid": duties.NOT_PAID,
    "duty": filing_words.DUTIES,
    "cause": filing_words.CAUSES,
    "method": filing_words.METHODS,
    "rate": filing_words.RATES,
    "ground": dispute_words.GROUNDS,
    "outcome": dispute_words.OUTCOMES,
    "basis": dispute_words.BASES,
    "proposal": dispute_words.PROPOSALS,
    "dispute_side": dispute_words.SIDES,
    "fault": dispute_words.FAULTS,
    "resolution": duties.RESOLUTIONS,
    "discipline": duties.DISCIPLINE,
    **duties.GROUPS,
    **page_words.GROUPS,
    **OF_MEDIATION,
}


def word(group: str, code: str) -> str:
    """The English word for a code, to be translated; the code itself where nothing is known."""
    return GROUPS[group].get(code, code)


def tone(state: str) -> str:
    """How a state is coloured; its word says the same without colour."""
    if state in GOOD:
        return "good"
    return "bad" if state in BAD else "plain"
