"""The words of a broker's way to its certificate, and of what becomes of it."""

from collections.abc import Mapping
from typing import Final

from web.pages.languages import N_

STATES: Final[Mapping[str, str]] = {
    "CORRECTING": N_("To be corrected"),
    "OBJECTED": N_("Objected to"),
}
EVENTS: Final[Mapping[str, str]] = {
    "BRK.APPLY": N_("Certificate applied for"),
    "BRK.ASK_CORRECTION": N_("Correction asked for"),
    "BRK.CORRECT": N_("Application corrected"),
    "BRK.LAPSE": N_("Application lapsed"),
    "BRK.OVERDUE": N_("Not decided in time"),
    "BRK.WITHDRAW": N_("Application withdrawn"),
    "BRK.REVIEW": N_("Application given to the panel"),
    "BRK.VOTE": N_("A member of the panel has voted"),
    "BRK.REFUSE": N_("Application refused"),
    "BRK.NOTICE": N_("Put on public notice"),
    "BRK.OBJECT": N_("Objection filed"),
    "BRK.UPHOLD": N_("Objection upheld"),
    "BRK.DISMISS": N_("Objections dismissed"),
    "BRK.EMERGENCY_OVER": N_("Emergency suspension over"),
    "BRK.ANNUAL_REPORT": N_("Annual report filed"),
    "BRK.ANNUAL_PASS": N_("Annual review passed"),
    "BRK.ANNUAL_FAIL": N_("Annual review failed"),
    "BRK.MISS_REPORT": N_("Annual report missing"),
    "BRK.RECTIFY": N_("To be put right"),
    "BRK.RECTIFIED": N_("Said to be put right"),
    "BRK.RECTIFY_MISS": N_("Not put right in time"),
    "BRK.WARN": N_("Warning"),
    "BRK.CUT_SCOPE": N_("Scope cut"),
    "BRK.RENEW": N_("Certificate renewed"),
    "BRK.EXIT_NOTICE": N_("Notice of exit"),
    "BRK.EXIT": N_("Broker has left"),
    "PNL.RECUSE": N_("A tie was declared"),
}
EVIDENCE: Final[Mapping[str, str]] = {
    "LICENCE": N_("Business licence"),
    "CAPITAL": N_("Paid-in capital"),
    "DCMM": N_("Data management maturity (DCMM)"),
    "MLPS": N_("Multi-level protection of the brokerage system"),
    "PRACTITIONERS": N_("Certified practitioners"),
    "EXPERIENCE": N_("Experience in data circulation"),
    "CLEAN_RECORD": N_("No material breach in three years"),
    "PROCEDURES": N_("Procedures on conflicts, security, complaints, exit"),
    "GUARANTEE": N_("Guarantee or liability insurance"),
    "TECHNOLOGY": N_("Technology and its test"),
    "OWN_DATA": N_("Own data, for disclosure"),
    "MANDATE_FORM": N_("Form of the written mandate"),
    "PRIVACY_COMPUTING": N_("Privacy computing"),
    "CROSS_BORDER": N_("Cross-border handling"),
    "OTHER": N_("Other"),
}
PROCEDURES: Final[Mapping[str, str]] = {
    "CONFLICT": N_("Conflicts of interest"),
    "SECURITY": N_("Data security"),
    "COMPLAINT": N_("Complaints"),
    "EXIT": N_("Exit"),
}
