"""The words of complaints, reports and cases: what they are about, where they stand, what has to be done."""

from collections.abc import Mapping
from typing import Final

from web.pages.languages import N_

STATES: Final[Mapping[str, str]] = {
    "RECEIVED": N_("Received"),
    "TRIAGED": N_("Sorted"),
    "TRANSFERRED": N_("Sent to another authority"),
    "JURISDICTION": N_("Jurisdiction disputed"),
    "MEDIATING": N_("In mediation"),
    "CLOSED_AGREED": N_("Closed by agreement"),
    "CLOSED_NO_AGREEMENT": N_("Closed without agreement"),
    "VERIFYING": N_("Being verified"),
    "INVESTIGATING": N_("Under investigation"),
    "CLOSED_NO_CASE": N_("Closed without result"),
    "SUSPENDED_COMMITMENT": N_("Suspended upon a commitment"),
    "CLOSED_COMMITMENT": N_("Closed: commitment kept"),
    "PENALTY_NOTICE": N_("Notice of penalty given"),
    "HEARD": N_("Party heard"),
    "DECIDED": N_("Decided"),
    "APPEALED": N_("Under review or in court"),
    "APPEALED_EXECUTED": N_("Executed; under review or in court"),
    "APPEALED_PUBLISHED": N_("Published; under review or in court"),
    "UPHELD": N_("Decision upheld"),
    "CHANGED": N_("Decision changed"),
    "EXECUTED": N_("Executed"),
    "PUBLISHED": N_("Published"),
    "EXPIRED_DISPLAY": N_("No longer displayed"),
}
EVENTS: Final[Mapping[str, str]] = {
    "CSE.FILE": N_("Case filed"),
    "CSE.TRIAGE": N_("Paper sorted"),
    "CSE.TRANSFER": N_("Paper sent to another authority"),
    "CSE.RECEIVE": N_("Paper taken over"),
    "CSE.CONTEST": N_("Jurisdiction contested"),
    "CSE.SETTLE_JURISDICTION": N_("Jurisdiction agreed"),
    "CSE.ASSIGN": N_("Jurisdiction ruled by the superior"),
    "CSE.REFUSE": N_("Paper refused"),
    "CSE.ACCEPT": N_("Complaint taken up"),
    "CSE.CONSENT": N_("One side has consented"),
    "CSE.AGREE": N_("Mediation ended by agreement"),
    "CSE.END": N_("Mediation ended without agreement"),
    "CSE.CLUE": N_("A clue becomes a report"),
    "CSE.VERIFY": N_("Verification begun"),
    "CSE.EXTEND": N_("Verification given more time"),
    "CSE.OPEN_CASE": N_("Investigation opened"),
    "CSE.NO_CASE": N_("Case closed without result"),
    "CSE.FREEZE_EVIDENCE": N_("Evidence pinned"),
    "CSE.FREEZE_FUNDS": N_("Money frozen"),
    "CSE.INTERVIEW": N_("Party asked to an interview"),
    "CSE.OFFER_COMMITMENT": N_("Commitment offered"),
    "CSE.COMMITMENT": N_("Commitment accepted"),
    "CSE.FULFILLED": N_("Commitment kept"),
    "CSE.BROKEN": N_("Commitment broken"),
    "CSE.APPLY_LENIENCY": N_("Leniency applied for"),
    "CSE.PROPOSE_PENALTY": N_("Notice of penalty"),
    "CSE.STATEMENT": N_("Statement of the party"),
    "CSE.REQUEST_HEARING": N_("Hearing asked for"),
    "CSE.NOTIFY_HEARING": N_("Hearing announced"),
    "CSE.DECIDE": N_("Case decided"),
    "CSE.APPEAL": N_("Decision appealed"),
    "CSE.UPHOLD": N_("Decision upheld on appeal"),
    "CSE.CHANGE": N_("Decision changed on appeal"),
    "CSE.REVOKE": N_("Decision revoked on appeal"),
    "CSE.EXECUTE": N_("Decision executed"),
    "CSE.PUBLISH": N_("Decision published"),
    "CSE.EXPIRE_DISPLAY": N_("Publication ended"),
    "CSE.TELL": N_("Who reported was told"),
    "CSE.OVERDUE": N_("A time limit has passed"),
    "CSE.NOTE": N_("Note"),
    "CSE.READ_REPORTER": N_("Name of who reported was read"),
    "LST.DELIST": N_("Listing ended by an authority"),
}
MEASURES: Final[Mapping[str, str]] = {
    "REVOKE_CERTIFICATE": N_("Revoke a certificate"),
    "DELIST_LISTING": N_("Delist a listing"),
    "FREEZE_EVIDENCE": N_("Pin evidence"),
    "FREEZE_FUNDS": N_("Freeze the money of a trade"),
    "INTERVIEW": N_("Ask to an interview"),
}
KINDS: Final[Mapping[str, str]] = {"COMPLAINT": N_("Complaint"), "REPORT": N_("Report")}
MATTERS: Final[Mapping[str, str]] = {
    "ANTITRUST": N_("Monopoly"),
    "PRICE": N_("Prices"),
    "UNFAIR_COMPETITION": N_("Unfair competition"),
    "PERSONAL_INFORMATION": N_("Personal information"),
    "EXPORT": N_("Export of data"),
    "SECURITY": N_("Data security"),
    "MARKET_RULE": N_("Rules of the market"),
}
OUTCOMES: Final[Mapping[str, str]] = {
    "PENALTY": N_("Penalty"),
    "WARNING": N_("Warning"),
    "NONE": N_("No penalty"),
    "TRANSFER": N_("Handed to public security"),
}
DEADLINES: Final[Mapping[str, str]] = {
    "triage": N_("Sort the paper"),
    "receipt": N_("Take it over or contest it"),
    "jurisdiction": N_("Agree on jurisdiction"),
    "first_answer": N_("First answer of the exchange"),
    "answer": N_("Take up or refuse"),
    "mediation": N_("End the mediation"),
    "mediation_telling": N_("Tell both sides"),
    "verification": N_("Decide whether to open a case"),
    "telling": N_("Tell who filed it"),
    "decision": N_("Decide the case"),
    "commitment": N_("Commitment to be kept"),
    "hearing_request": N_("Party's statement or hearing"),
    "review": N_("Administrative review"),
    "lawsuit": N_("Lawsuit"),
    "lawsuit_after_review": N_("Lawsuit after the review"),
    "ruling": N_("Rule upon the appeal"),
    "publication": N_("Publish the decision"),
}
SAYS: Final[Mapping[str, str]] = {
    "STATEMENT": N_("Make a statement"),
    "REQUEST_HEARING": N_("Ask for a hearing"),
    "OFFER_COMMITMENT": N_("Offer a commitment"),
    "APPLY_LENIENCY": N_("Tell of an agreement you took part in"),
    "CONSENT": N_("Consent to terms"),
    "APPEAL": N_("Appeal against the decision"),
}
RIGHTS: Final[Mapping[str, str]] = {
    "STATEMENT": N_(
        "You may say what speaks against it; that never makes a fine higher "
        "(Administrative Penalty Law, art. 45)."
    ),
    "REQUEST_HEARING": N_(
        "A hearing is told seven working days before, and free (Administrative Penalty Law, arts. 63, 64)."
    ),
    "OFFER_COMMITMENT": N_(
        "The investigation may be suspended upon it, and closed when it is kept (Anti-Monopoly Law, art. 53)."
    ),
    "APPLY_LENIENCY": N_(
        "Who tells of a monopoly agreement is fined less, by the place in line (Anti-Monopoly Law, art. 56)."
    ),
    "CONSENT": N_("The mediation ends by agreement when every side has consented to the same words."),
    "APPEAL": N_(
        "The decision is carried out all the same, unless its execution is stayed "
        "(Administrative Penalty Law, art. 73)."
    ),
}
WAYS: Final[Mapping[str, str]] = {"REVIEW": N_("Administrative review"), "LAWSUIT": N_("Lawsuit")}
CIRCUMSTANCES: Final[Mapping[str, str]] = {
    "serious": N_("Serious"),
    "refused": N_("Refused to put it right"),
    "large_leak": N_("A large leak"),
    "harm": N_("Harm was done"),
    "main_function_lost": N_("Main function of critical infrastructure lost"),
    "not_carried_out": N_("Agreement not carried out"),
    "anticompetitive": N_("Restricts competition"),
    "sales_unclear": N_("Sales unclear"),
    "especially_serious": N_("Especially serious"),
}
NORMS: Final[Mapping[str, str]] = {
    "PN-AML-56": N_("Monopoly agreement"),
    "PN-AML-57": N_("Abuse of a dominant position"),
    "PN-AML-58": N_("Unlawful concentration"),
    "PN-AML-62": N_("Obstruction of an investigation"),
    "PN-DSL-45a": N_("Duties of data security not met"),
    "PN-DSL-45b": N_("Rules of core data broken"),
    "PN-DSL-46": N_("Important data unlawfully sent abroad"),
    "PN-DSL-47": N_("Duties of an intermediary of data not met"),
    "PN-DSL-48": N_("Data given to a foreign authority without approval"),
    "PN-PIPL-66a": N_("Personal information unlawfully handled"),
    "PN-PIPL-66b": N_("Personal information unlawfully handled, seriously"),
    "PN-REG-55": N_("General duties of network data not met"),
    "PN-REG-56": N_("Review of national security avoided"),
    "PN-REG-57": N_("Duties of important data not met"),
    "PN-CSL-26": N_("Duties of network security not met"),
    "PN-AUCL-13": N_("Unfair competition with data or by network"),
    "PN-AUCL-9": N_("False promotion or sham trades"),
    "PN-SZ-94": N_("Trade in data that may not be traded (Shenzhen)"),
    "PN-SZ-95": N_("Data unlawfully taken, or unfair treatment (Shenzhen)"),
    "PN-PRICE-4": N_("Dumping or price discrimination"),
    "PN-PRICE-5": N_("Price collusion"),
    "PN-PRICE-9": N_("Guided price not kept"),
}
GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    "circumstance": CIRCUMSTANCES,
    "norm": NORMS,
    "case_kind": KINDS,
    "matter": MATTERS,
    "case_outcome": OUTCOMES,
    "case_deadline": DEADLINES,
    "way": WAYS,
    "case_say": SAYS,
    "case_right": RIGHTS,
}
