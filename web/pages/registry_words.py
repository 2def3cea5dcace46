"""The words of registration: of data rights and of public-data resources."""

from collections.abc import Mapping
from typing import Final

from web.pages import person_words, voucher_words
from web.pages.languages import N_

STATES: Final[Mapping[str, str]] = {
    "NEEDS_SUPPLEMENT": N_("To be supplemented"),
    "REGISTERED": N_("On the register"),
}
EVENTS: Final[Mapping[str, str]] = {
    "REG.MEASURE": N_("Quality measured"),
    "REG.APPLY": N_("Registration applied for"),
    "REG.CONFIRM": N_("Right confirmed by its holder"),
    "REG.ACCEPT": N_("Application accepted"),
    "REG.SUPPLEMENT": N_("Supplement asked for"),
    "REG.RESUBMIT": N_("Application supplemented"),
    "REG.LAPSE": N_("Application lapsed"),
    "REG.WITHDRAW": N_("Application withdrawn"),
    "REG.EXTEND": N_("Review extended"),
    "REG.OVERDUE": N_("Not decided in time"),
    "REG.REFUSE": N_("Registration refused"),
    "REG.PUBLISH": N_("Put on public notice"),
    "REG.OBJECT": N_("Objection filed"),
    "REG.UPHOLD": N_("Objection upheld"),
    "REG.DISMISS": N_("Objections dismissed"),
    "REG.DEPOSIT_AND_ISSUE": N_("Evidence deposited, certificate issued"),
    "REG.ASK": N_("Asked of the registrar"),
    "REG.AGREE": N_("Agreed to"),
    "REG.DECLINE": N_("Declined by the registrar"),
    "REG.CHANGE": N_("Registration changed"),
    "REG.TRANSFER": N_("Rights transferred"),
    "REG.RENEW": N_("Registration renewed"),
    "REG.ANNOTATE": N_("Noted"),
    "REG.PLEDGE": N_("Right pledged"),
    "REG.RELEASE": N_("Note released"),
    "REG.OBJECT_LATE": N_("Objected to after registration"),
    "REG.RESOLVE_KEEP": N_("Dispute ended: the registration stands"),
    "REG.RESOLVE_CANCEL": N_("Dispute ended: the registration is cancelled"),
    "REG.END_RIGHT": N_("A holder's right ended"),
    "REG.EXPIRE": N_("Registration expired"),
    "REG.CANCEL": N_("Right given up"),
    "REG.REVOKE": N_("Right revoked"),
    "RGR.RECOGNISE": N_("Registrar recognised"),
    "RGR.END": N_("Registrar's recognition ended"),
    "RGR.REPORT": N_("Registrar's year reported"),
    "RGR.ASSESS": N_("Registrar's year assessed"),
    "RGR.TELL": N_("Told ahead by the registrar"),
    "RGR.DECIDE": N_("Decided whether the registrar may leave"),
    "RGR.OVERDUE": N_("Owed by a registrar or on it, and late"),
    **voucher_words.EVENTS,
    **person_words.EVENTS,
}
_KINDS: Final[Mapping[str, str]] = {
    "PROPERTY_RIGHT": N_("Data property right"),
    "PUBLIC_RESOURCE": N_("Public-data resource"),
}
_UPDATES: Final[Mapping[str, str]] = {
    "NEVER": N_("Never"),
    "REAL_TIME": N_("In real time"),
    "DAILY": N_("Daily"),
    "WEEKLY": N_("Weekly"),
    "MONTHLY": N_("Monthly"),
    "QUARTERLY": N_("Quarterly"),
    "YEARLY": N_("Yearly"),
    "IRREGULAR": N_("Irregularly"),
}
_FORMS: Final[Mapping[str, str]] = {
    "STRUCTURED": N_("Structured"),
    "SEMI_STRUCTURED": N_("Semi-structured"),
    "UNSTRUCTURED": N_("Unstructured"),
}
_REFUSALS: Final[Mapping[str, str]] = {
    "HARM": N_("Harm to national security, the public interest or others"),
    "UNLAWFUL_SOURCE": N_("Unlawful source"),
    "OWNERSHIP_DISPUTE": N_("Ownership dispute"),
    "CONCEALMENT": N_("Concealment or false proof"),
    "STATUTORY": N_("Another reason of the law"),
    "WITHDRAWN": N_("Withdrawn"),
    "NOT_SUPPLEMENTED": N_("Not supplemented in time"),
}
_REVOCATIONS: Final[Mapping[str, str]] = {
    "CONCEALMENT": N_("Concealment"),
    "FALSE_PROOF": N_("False proof"),
    "TAMPERING": N_("Tampering"),
    "ILLEGAL_GAIN": N_("Gain by illegal means"),
}
_NOTES: Final[Mapping[str, str]] = {
    "TERM": N_("Agreed term or condition"),
    "PRESERVATION": N_("Preservation by a court or the police"),
    "CONTROL": N_("Temporary control by an authority"),
    "STATUTORY": N_("Note required by law"),
    "OTHER": N_("Other note"),
    "PLEDGE": N_("Pledge"),
}
_WISHES: Final[Mapping[str, str]] = {
    "CHANGE": N_("Change"),
    "TRANSFER": N_("Transfer of all that one holds"),
    "RENEW": N_("Renewal"),
    "CANCEL": N_("Cancellation"),
}
_PAPERS: Final[Mapping[str, str]] = {
    "REPORT": N_("Report on a year"),
    "ASSESSMENT": N_("Assessment of a year"),
    "CHANGE": N_("A change"),
    "LEAVE": N_("Leaving"),
}
_ENDS: Final[Mapping[str, str]] = {
    "LEFT": N_("It leaves, as told and agreed to"),
    "CONDITIONS_LOST": N_("It no longer meets the conditions"),
    "MISCONDUCT": N_("Misconduct of a registrar"),
}
GROUPS: Final = {
    "registration_kind": _KINDS,
    "registration_update": _UPDATES,
    "registration_form": _FORMS,
    "registration_refusal": _REFUSALS,
    "registration_revocation": _REVOCATIONS,
    "registration_note": _NOTES,
    "registration_wish": _WISHES,
    "registrar_paper": _PAPERS,
    "registrar_end": _ENDS,
    **voucher_words.GROUPS,
    **person_words.GROUPS,
}
