"""The words of public-data asset certificates."""

from collections.abc import Mapping
from typing import Final

from web.pages.languages import N_

_STATES: Final[Mapping[str, str]] = {
    "REQUESTED": N_("Waits for the subject"),
    "AUTHORISED": N_("Authorised, to be made"),
    "GENERATED": N_("Certificate made"),
    "STORED": N_("In the wallet"),
    "PRESENTED": N_("Shown to the user"),
    "VERIFIED": N_("In use"),
    "EXHAUSTED": N_("All uses made"),
    "EXPIRED": N_("Expired"),
    "REVOKED": N_("Revoked"),
    "SUPERSEDED": N_("Superseded"),
    "CLOSED": N_("Ended"),
    "PROPOSED": N_("Proposed"),
    "IN_FORCE": N_("In force"),
    "REFUSED": N_("Refused"),
}
EVENTS: Final[Mapping[str, str]] = {
    "CTY.PROPOSE": N_("Type of asset certificate proposed"),
    "CTY.APPROVE": N_("Type of asset certificate approved"),
    "CTY.REFUSE": N_("Type of asset certificate refused"),
    "CTY.REVOKE": N_("Type of asset certificate revoked"),
    "CRT.APPOINT": N_("Provider's issuing key appointed"),
    "CRT.REQUEST": N_("Asset certificate requested"),
    "CRT.DECLINE": N_("Request declined by the subject"),
    "CRT.CANCEL": N_("Request taken back"),
    "CRT.AUTHORISE": N_("Authorised by the subject"),
    "CRT.GENERATE": N_("Asset certificate made"),
    "CRT.CORRECT": N_("Corrected asset certificate made"),
    "CRT.STORE": N_("Taken into the wallet"),
    "CRT.PRESENT": N_("Shown to the user"),
    "CRT.VERIFY": N_("Verified: one use"),
    "CRT.EXHAUST": N_("All uses made"),
    "CRT.EXPIRE": N_("Asset certificate expired"),
    "CRT.REVOKE": N_("Asset certificate revoked"),
    "CRT.SUPERSEDE": N_("Superseded: the data was corrected"),
}
_SCENARIOS: Final[Mapping[str, str]] = {
    "CREDIT": N_("Credit"),
    "BIDDING": N_("Bidding"),
    "LICENCE": N_("Licence"),
}
_MODES: Final[Mapping[str, str]] = {
    "VALUES": N_("Values"),
    "RANGES": N_("Ranges and indices, no values"),
    "VERIFY_ONLY": N_("Facts only: yes or no"),
}
_FORMS: Final[Mapping[str, str]] = {
    "VALUE": N_("a value"),
    "RANGE": N_("a range"),
    "INDEX": N_("an index of 0 to 1000"),
    "FACT": N_("yes or no"),
}
_CAUSES: Final[Mapping[str, str]] = {
    "WITHDRAWN": N_("The subject withdraws its authorisation"),
    "ERROR": N_("The provider found an error"),
    "COURT": N_("By order of a court"),
}
_REFUSED: Final[Mapping[str, str]] = {
    "voucher-forged": N_("what was presented does not hold"),
    "voucher-user-mismatch": N_("presented to another user"),
    "voucher-purpose-mismatch": N_("another purpose than the subject authorised"),
    "voucher-authorisation-withdrawn": N_("the subject had withdrawn its authorisation"),
    "voucher-revoked": N_("it was revoked"),
    "voucher-superseded": N_("a corrected one stands in its place"),
    "voucher-exhausted": N_("no use was left"),
    "voucher-expired": N_("it had expired"),
    "voucher-type-revoked": N_("its type is not in force"),
    "voucher-level": N_("the data was graded higher"),
}
_PURPOSES: Final[Mapping[str, str]] = {
    "CREDIT_APPROVAL": N_("Approval of a loan"),
    "CREDIT_REVIEW": N_("Review of a loan"),
    "TENDER_REVIEW": N_("Review of a tender"),
    "LICENCE_REVIEW": N_("Review of a licence"),
}
GROUPS: Final = {
    "voucher_state": _STATES,
    "voucher_scenario": _SCENARIOS,
    "voucher_mode": _MODES,
    "voucher_form": _FORMS,
    "voucher_cause": _CAUSES,
    "voucher_refused": _REFUSED,
    "voucher_purpose": _PURPOSES,
}
