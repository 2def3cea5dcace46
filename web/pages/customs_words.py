"""The words of data customs: states, routes, grounds, and what the ledger tells of them."""

from collections.abc import Mapping
from typing import Final

from web.pages.languages import N_

EVENTS: Final[Mapping[str, str]] = {
    "ORG.CONTROL": N_("Controller of a member entered"),
    "XBD.AUTO_ROUTE": N_("Customs decision"),
    "XBD.DECLARE": N_("Declared to customs"),
    "XBD.REDECLARE": N_("Declared again"),
    "XBD.RELEASE": N_("Released"),
    "XBD.CHECK": N_("Held for a check"),
    "XBD.ATTACH_EVIDENCE": N_("Evidence shown"),
    "XBD.SUBMIT_ASSESSMENT": N_("Handed in for assessment"),
    "XBD.TAKE": N_("Taken up by an officer"),
    "XBD.UNTAKE": N_("Given back by the officer"),
    "XBD.SCAN": N_("Sample scanned by customs"),
    "XBD.WITHDRAW": N_("Withdrawn by the exporter"),
    "XBD.LAPSE": N_("Lapsed before it was cleared"),
    "XBD.CLEAR": N_("Cleared by customs"),
    "XBD.RETURN": N_("Returned to the exporter"),
    "XBD.REJECT": N_("Rejected by customs"),
    "XBD.REROUTE": N_("Put on a stricter route"),
    "XBD.PASS": N_("Assessment passed"),
    "XBD.FAIL": N_("Assessment not passed"),
    "XBD.TRANSFER_LOGGED": N_("Departure logged"),
    "XBD.COMPLETE": N_("Transfer completed"),
    "XBD.HALT": N_("Halted by customs"),
    "XBD.RESUME": N_("Resumed by customs"),
    "XBD.REVOKE": N_("Clearance revoked"),
    "XBD.RENEW": N_("Clearance renewed"),
    "XBD.EXPIRE": N_("Clearance expired"),
    "XBR.ENTER": N_("Entered on the customs register"),
    "XBR.END": N_("Taken off the customs register"),
    "XBR.LIST": N_("Negative list entered"),
    "XBR.ENDPOINT": N_("Place of receipt declared"),
    "XBR.NETWORKS": N_("Networks abroad entered"),
    "XBR.DESTROY": N_("List of persons destroyed"),
}
_STATES: Final[Mapping[str, str]] = {
    "DECLARED": N_("Declared"),
    "ROUTED": N_("Routed"),
    "UNDER_CHECK": N_("Under check"),
    "UNDER_REVIEW": N_("Under review"),
    "UNDER_ASSESSMENT": N_("Under assessment"),
    "CLEARED": N_("Cleared"),
    "IN_TRANSIT": N_("In transit"),
    "COMPLETED": N_("Completed"),
    "HALTED": N_("Halted"),
    "REJECTED": N_("Rejected"),
    "REVOKED": N_("Revoked"),
    "EXPIRED": N_("Expired"),
    "WITHDRAWN": N_("Withdrawn"),
    "LAPSED": N_("Lapsed"),
}
_WAYS: Final[Mapping[str, str]] = {
    "PROHIBIT": N_("Prohibited"),
    "ASSESSMENT": N_("Security assessment"),
    "GBA_STANDARD_CONTRACT": N_("Standard contract of the Greater Bay Area"),
    "CONTRACT_OR_CERTIFICATION": N_("Standard contract or certification"),
    "EXEMPT_COLLECTED_ABROAD": N_("Exempt: collected abroad"),
    "EXEMPT_NO_PERSONAL": N_("Exempt: nothing personal, nothing important"),
    "EXEMPT_CONTRACT": N_("Exempt: contract with the individual"),
    "EXEMPT_EMPLOYEES": N_("Exempt: employees"),
    "EXEMPT_EMERGENCY": N_("Exempt: emergency"),
    "EXEMPT_ZONE": N_("Exempt: outside the zone's negative list"),
    "EXEMPT_SMALL": N_("Exempt: few persons, nothing sensitive"),
    "MANUAL": N_("By hand: foreign request"),
}
_KINDS: Final[Mapping[str, str]] = {
    "ORDINARY": N_("Ordinary flow"),
    "RESEARCH": N_("Joint research project"),
    "FOREIGN_REQUEST": N_("Request of a foreign court or authority"),
}
_GROUNDS: Final[Mapping[str, str]] = {
    "NONE": N_("None"),
    "COLLECTED_ABROAD": N_("Collected abroad, processed here"),
    "CONTRACT_WITH_INDIVIDUAL": N_("Contract with the individual"),
    "EMPLOYEES": N_("Employees"),
    "EMERGENCY": N_("Emergency or statutory duty"),
    "FREE_TRADE_ZONE": N_("Free-trade zone"),
}
_CONTRACTS: Final[Mapping[str, str]] = {
    "SHOPPING": N_("Shopping"),
    "COURIER": N_("Courier"),
    "REMITTANCE": N_("Remittance"),
    "PAYMENT": N_("Payment"),
    "ACCOUNT": N_("Opening of an account"),
    "TRAVEL": N_("Tickets and hotels"),
    "VISA": N_("Visa"),
    "EXAM": N_("Examination"),
}
_MODES: Final[Mapping[str, str]] = {
    "FILE": N_("File"),
    "API": N_("Interface"),
    "REMOTE_ACCESS": N_("Remote access from abroad"),
    "PRIVACY_COMPUTING": N_("Result of privacy computing"),
}
_CHANNELS: Final[Mapping[str, str]] = {
    "INTERNET": N_("Internet"),
    "DEDICATED": N_("Dedicated international internet data channel"),
    "PRIVATE_LINE": N_("Private line"),
    "MEDIUM": N_("Storage medium"),
}
_DOCUMENTS: Final[Mapping[str, str]] = {
    "STANDARD_CONTRACT": N_("Filing of a standard contract"),
    "GBA_CONTRACT": N_("Filing of a Greater Bay Area contract"),
    "CERTIFICATE": N_("Certificate of personal-information protection"),
    "ASSESSMENT": N_("Result of a security assessment"),
    "ZONE": N_("Seat in a free-trade zone"),
    "APPROVAL": N_("Approval of a foreign request"),
}
_REASONS: Final[Mapping[str, str]] = {
    "DOCUMENT_ENDED": N_("Its document has ended"),
    "PERSONS_FILE": N_("The list of persons was refused"),
    "RETURNED": N_("Sent back by customs"),
    "PROHIBITED": N_("Prohibited"),
    "ASSESSMENT_FAILED": N_("The security assessment was not passed"),
    "WITHDRAWN": N_("Withdrawn"),
    "WITHDRAWN_FROM_OFFICER": N_("Withdrawn while customs looked at it"),
    "LAPSED": N_("Its period ended before it was cleared"),
    "LAPSED_AT_OFFICER": N_("Its period ended while customs looked at it"),
    "ROUTE_TOO_LIGHT": N_("By now the law asks for a stricter route"),
    "UNDECLARED_FIELDS": N_("A sample shows fields that were not declared"),
    "INCIDENT": N_("An incident"),
    "OVERRUN": N_("More than was declared"),
    "ONWARD_TRANSFER": N_("Passed on to others"),
    "OTHER": N_("Another reason"),
}
_NEEDS: Final[Mapping[str, str]] = {
    "PROHIBITED": N_("Prohibited"),
    "ASSESSMENT": N_("Security assessment"),
    "GBA_CONTRACT": N_("Standard contract of the Greater Bay Area"),
    "CONTRACT_OR_CERTIFICATION": N_("Standard contract or certification"),
    "COUNT_OF_PERSONS": N_("A declaration that counts the persons"),
}
GROUPS: Final = {
    "customs_needs": _NEEDS,
    "customs_reason": _REASONS,
    "customs_state": _STATES,
    "customs_way": _WAYS,
    "customs_kind": _KINDS,
    "customs_ground": _GROUNDS,
    "customs_contract": _CONTRACTS,
    "customs_mode": _MODES,
    "customs_channel": _CHANNELS,
    "customs_document": _DOCUMENTS,
}
