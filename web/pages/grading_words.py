"""The words of classification and grading, of the important-data catalogue and of the records."""

from collections.abc import Mapping
from typing import Final

from web.pages import security_words
from web.pages.languages import N_

EVENTS: Final[Mapping[str, str]] = {
    **security_words.EVENTS,
    "GRD.DECLARE": N_("Level declared"),
    "GRD.WITHDRAW": N_("Declaration withdrawn"),
    "GRD.RETURN": N_("Declaration returned"),
    "GRD.DECIDE": N_("Level decided"),
    "GRD.PROPOSE": N_("Level proposed to the authority"),
    "GRD.CONFIRM": N_("Level confirmed"),
    "GRD.DECLINE": N_("Proposed level sent back"),
    "GRD.FALL_DUE": N_("Review of the level is due"),
    "GRD.SUPERSEDE": N_("Superseded by a new grading"),
    "GRD.LEVEL": N_("Level changed"),
    "GRD.SCAN": N_("File scanned for personal data"),
    "IMP.IDENTIFY": N_("Identified as important data"),
    "IMP.REPORT": N_("Reported by the chief data officer"),
    "IMP.SEND_BACK": N_("Entry sent back"),
    "IMP.CONFIRM": N_("Important data confirmed and notified"),
    "IMP.ASK": N_("Change of the entry asked for"),
    "IMP.DECLINE": N_("Change of the entry declined"),
    "IMP.CHANGE": N_("Entry changed"),
    "IMP.REMOVE": N_("Entry removed"),
    "IMM.MATCH": N_("Covered by the important-data catalogue"),
    "IMM.NEAR": N_("Resembles the important-data catalogue"),
    "IMM.UPHOLD": N_("Found to be important data"),
    "IMM.DISMISS": N_("Found not to be important data"),
    "IMM.LAPSE": N_("No longer covered by the catalogue"),
    "CNS.RECORD": N_("Consents recorded"),
    "CNS.WITHDRAW": N_("Consents withdrawn by subjects"),
    "CNS.LOSE": N_("The last consent withdrawn"),
    "CNS.EXPIRE": N_("Consents ended in time"),
    "CNS.END": N_("Record of consents ended"),
}
_STATES: Final[Mapping[str, str]] = {
    "DECLARED": N_("Declared, waits for an officer"),
    "TO_CONFIRM": N_("Waits for the data authority"),
    "IN_FORCE": N_("Level in force"),
    "REVIEW_DUE": N_("In force, review due"),
    "RETURNED": N_("Returned to its holder"),
    "WITHDRAWN": N_("Withdrawn"),
    "SUPERSEDED": N_("Superseded"),
    "IDENTIFIED": N_("Identified"),
    "REPORTED": N_("Reported"),
    "CONFIRMED": N_("Is confirmed"),
    "CHANGED": N_("Changed"),
    "REMOVED": N_("Removed"),
    "MATCHED": N_("Covered: stopped"),
    "NEAR": N_("Similar: a person decides"),
    "UPHELD": N_("Covered, as a person decided"),
    "DISMISSED": N_("Not covered, as a person decided"),
    "LAPSED": N_("No longer covered"),
    "STANDING": N_("Stands"),
    "ENDED": N_("Ended"),
}
_HARMED: Final[Mapping[str, str]] = {
    "national-security": N_("National security"),
    "economy": N_("Operation of the economy"),
    "social-order": N_("Social order"),
    "public-interest": N_("Public interest"),
    "organisation": N_("Rights of organisations"),
    "individual": N_("Rights of individuals"),
}
_DEGREES: Final[Mapping[str, str]] = {
    "especially-serious": N_("Especially serious harm"),
    "serious": N_("Serious harm"),
    "general": N_("General harm"),
}
_REASONS: Final[Mapping[str, str]] = {
    "FIRST": N_("Graded for the first time"),
    "CHANGED": N_("Fields, volume or file changed"),
    "DUE": N_("The review is due"),
    "DERIVED": N_("A source was graded anew"),
    "DESENSITISED": N_("The file was desensitised"),
    "CORRECTION": N_("Correction"),
}
_HOW: Final[Mapping[str, str]] = {
    "IDENTITY": N_("named by the entry"),
    "DIGEST": N_("the same bytes"),
    "LINEAGE": N_("made of what the entry names"),
    "DESCRIPTION": N_("all of the entry's description"),
    "PARTLY": N_("part of the entry's description"),
}
_HINTS: Final[Mapping[str, str]] = {
    "cn-id": N_("Identity numbers"),
    "mobile": N_("Mobile numbers"),
    "bank-card": N_("Bank cards"),
    "plate": N_("Number plates"),
    "gps-pair": N_("Places"),
    "health": N_("Health data"),
    "biometric": N_("Biometric data"),
    "quasi-identifier": N_("Singles people out"),
}
_CONTROLS: Final[Mapping[str, str]] = {
    "graded": N_("Graded by people"),
    "review-in-time": N_("Reviewed in time"),
    "file-scanned": N_("The real file was scanned"),
    "encrypted-at-rest": N_("Encrypted where it is kept"),
    "access-logged": N_("Every access is logged"),
    "use-policy-at-every-access": N_("The licence is asked at every access"),
    "registered-right": N_("A registered right"),
    "consent-record": N_("Record of consents"),
    "separate-consent-record": N_("Record of separate consents"),
    "impact-assessment": N_("Impact assessment"),
    "security-review": N_("Security review"),
    "in-important-data-catalogue": N_("Entered in the important-data catalogue"),
    "level-confirmed-by-authority": N_("Confirmed by the data authority"),
    "no-ordinary-trade": N_("Kept out of ordinary trade"),
}
_PARTIES: Final[Mapping[str, str]] = {
    "holder": N_("the holder"),
    "exchange": N_("the exchange"),
    "authority": N_("the authority"),
    "user": N_("the user"),
}
_KINDS: Final[Mapping[str, str]] = {
    "PIPIA": N_("Personal-information impact assessment"),
    "SECURITY_REVIEW": N_("Security review"),
}
_OUTCOMES: Final[Mapping[str, str]] = {
    "PASS": N_("Passed"),
    "WITH_MEASURES": N_("Passed with measures"),
    "FAIL": N_("Failed"),
}
GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    **security_words.GROUPS,
    "grading_state": _STATES,
    "harmed": _HARMED,
    "degree": _DEGREES,
    "grading_reason": _REASONS,
    "match_how": _HOW,
    "hint": _HINTS,
    "control": _CONTROLS,
    "duty_party": _PARTIES,
    "assessment_kind": _KINDS,
    "assessment_outcome": _OUTCOMES,
}
