"""The words of opening public data."""

from collections.abc import Mapping
from typing import Final

from web.pages.languages import N_

EVENTS: Final[Mapping[str, str]] = {
    "OPN.PROPOSE": N_("Opening proposed"),
    "OPN.REVIEW": N_("Opening reviewed by the chief data officer"),
    "OPN.OPEN": N_("Opened to everybody"),
    "OPN.TARGET": N_("Opened to named users"),
    "OPN.AUTHORISE": N_("Opened by agreement"),
    "OPN.REFUSE": N_("Not opened"),
    "OPN.NAME": N_("User named"),
    "OPN.UNNAME": N_("User named no longer"),
    "OPN.ACCESS": N_("Had by a user"),
    "OPN.USAGE": N_("A day's use"),
    "OPN.RENEW": N_("Renewed: the new file was scanned"),
    "OPN.SUSPEND": N_("Opening suspended"),
    "OPN.RELEASE": N_("Let go by the authority"),
    "OPN.RETIRE": N_("Opening ended"),
    "OPA.OFFER": N_("Agreement on opening offered"),
    "OPA.SIGN": N_("Agreement on opening signed"),
    "OPA.DECLINE": N_("Agreement on opening declined"),
    "OPA.END": N_("Agreement on opening ended"),
    "OPA.EXPIRE": N_("Agreement on opening expired"),
    "OPP.PUBLISH": N_("Opening plan published"),
    "OPP.REVISE": N_("Opening plan revised"),
    "OPC.CHECK": N_("Open list checked against reality"),
}
_STATES: Final[Mapping[str, str]] = {
    "PROPOSED": N_("Opening proposed"),
    "REVIEWED": N_("Reviewed, not open yet"),
    "OPEN": N_("Open to everybody"),
    "TARGETED": N_("Open to named users"),
    "AUTHORISED": N_("Open by agreement"),
    "NOT_OPEN": N_("Not opened"),
    "SUSPENDED": N_("Suspended"),
    "RETIRED": N_("Opening ended"),
}
_MODES: Final[Mapping[str, str]] = {
    "OPEN": N_("To everybody"),
    "TARGETED": N_("To named users"),
    "AUTHORISED": N_("By agreement"),
}
_LICENCES: Final[Mapping[str, str]] = {
    "CC0-1.0": N_("CC0 1.0: no conditions"),
    "CC-BY-4.0": N_("CC BY 4.0: name the source"),
    "AGREEMENT": N_("As the conditions or the agreement say"),
}
_REFUSALS: Final[Mapping[str, str]] = {
    "STATE_SECRET": N_("State secret"),
    "TRADE_SECRET": N_("Trade secret"),
    "PERSONAL_INFORMATION": N_("Personal information"),
    "IMPORTANT_DATA": N_("Important data"),
    "STATUTORY": N_("Another ground of the law"),
    "NOT_READY": N_("Not ready"),
}
_SUSPENSIONS: Final[Mapping[str, str]] = {
    "LEVEL_RAISED": N_("Its level was raised"),
    "FILE_DAMAGED": N_("Its file is damaged"),
    "FILE_CHANGED": N_("Another file was mounted in its place"),
    "DATA_RETIRED": N_("Its data was retired"),
    "SECURITY": N_("Security"),
    "COMPLAINT": N_("Complaint"),
    "CORRECTION": N_("Correction"),
    "OTHER": N_("Another reason"),
}
_AGREEMENTS: Final[Mapping[str, str]] = {
    "OFFERED": N_("Offered"),
    "SIGNED": N_("Signed by both"),
    "DECLINED": N_("Declined"),
    "ENDED": N_("Ended"),
    "EXPIRED": N_("Expired"),
}
_FOUND: Final[Mapping[str, str]] = {
    "DOWNLOADS": N_("Downloads whole"),
    "INTERFACE": N_("At an interface, not called"),
    "UNMOUNTED": N_("Nothing is mounted"),
    "DAMAGED": N_("Damaged"),
    "DIFFERS": N_("Not the mounted file"),
}
_POINTS: Final[Mapping[str, str]] = {
    "demand": N_("Asked for in the demand list"),
    "livelihood": N_("Livelihood"),
    "mounted": N_("A file is mounted"),
    "unconditional": N_("Its level lets everybody have it"),
}
GROUPS: Final = {
    "open_state": _STATES,
    "open_mode": _MODES,
    "open_licence": _LICENCES,
    "open_refusal": _REFUSALS,
    "open_suspension": _SUSPENSIONS,
    "open_agreement": _AGREEMENTS,
    "open_found": _FOUND,
    "open_points": _POINTS,
}
