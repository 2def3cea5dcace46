"""The words of incidents, warnings and bulletins: states, levels, signals, measures, statements."""

from collections.abc import Mapping
from typing import Final

from web.pages.languages import N_

EVENTS: Final[Mapping[str, str]] = {
    "INC.DETECT": N_("Incident detected"),
    "INC.GRADE": N_("Incident graded"),
    "INC.REGRADE": N_("Incident graded anew"),
    "INC.DISMISS": N_("False alarm: dismissed"),
    "INC.REPORT": N_("Incident reported"),
    "INC.RECEIVE": N_("Report received"),
    "INC.FORWARD": N_("Report handed on to the cyberspace administration"),
    "INC.EVIDENCE": N_("Evidence of the incident kept"),
    "INC.MEASURE": N_("Containment ordered"),
    "INC.LIFT": N_("Containment measure lifted"),
    "INC.CONTAIN": N_("Incident contained"),
    "INC.NOTIFY_SUBJECTS": N_("Persons concerned notified"),
    "INC.SPARE_SUBJECTS": N_("Notice to persons left out, with grounds"),
    "INC.ORDER_NOTICE": N_("Notice to persons ordered"),
    "INC.ERADICATE": N_("Cause removed"),
    "INC.REVIEW": N_("Incident reviewed"),
    "INC.CLOSE": N_("Incident closed"),
    "INC.OVERDUE": N_("A time limit of the incident has passed"),
    "WRN.RAISE": N_("Warning raised"),
    "WRN.WORSEN": N_("Warning raised to a higher level"),
    "WRN.ACKNOWLEDGE": N_("Warning acknowledged"),
    "WRN.DISMISS": N_("Warning dismissed"),
    "WRN.ESCALATE": N_("Warning became an incident"),
    "WRN.OVERDUE": N_("Warning not acknowledged in time"),
    "WRN.READ_REPORTER": N_("Name of who reported a weakness read"),
    "BUL.ISSUE": N_("Security bulletin issued"),
    "BUL.RECEIVE": N_("Receipt of the bulletin stated"),
    "BUL.REMIND": N_("Readers of the bulletin reminded"),
    "BUL.WITHDRAW": N_("Security bulletin withdrawn"),
    "BUL.SUBSCRIBE": N_("Security bulletins subscribed to"),
    "BUL.UNSUBSCRIBE": N_("Subscription to security bulletins ended"),
}
_STATES: Final[Mapping[str, str]] = {
    "DETECTED": N_("Detected"),
    "GRADED": N_("Incident level set"),
    "REPORTED": N_("Reported to the authority"),
    "CONTAINED": N_("Contained"),
    "SUBJECTS_NOTIFIED": N_("Persons notified"),
    "ERADICATED": N_("Cause gone"),
    "REVIEWED": N_("Incident summed up"),
    "CLOSED": N_("Ended"),
    "DISMISSED": N_("No incident"),
}
_WARNING_STATES: Final[Mapping[str, str]] = {
    "RAISED": N_("Waits for an officer"),
    "ACKNOWLEDGED": N_("An officer has it"),
    "DISMISSED": N_("Nothing follows"),
    "ESCALATED": N_("Became an incident"),
}
_BULLETIN_STATES: Final[Mapping[str, str]] = {
    "ISSUED": N_("Bulletin in force"),
    "WITHDRAWN": N_("Bulletin withdrawn"),
}
_LEVELS: Final[Mapping[str, str]] = {
    "GENERAL": N_("Incident level: general"),
    "LARGER": N_("Incident level: larger"),
    "MAJOR": N_("Incident level: major"),
    "EXTREME": N_("Incident level: extremely major"),
}
_COLOURS: Final[Mapping[str, str]] = {
    "BLUE": N_("Blue alert"),
    "YELLOW": N_("Yellow alert"),
    "ORANGE": N_("Orange alert"),
    "RED": N_("Red alert"),
}
_KINDS: Final[Mapping[str, str]] = {
    "LEAK": N_("Data leak"),
    "INTRUSION": N_("Intrusion"),
    "MALWARE": N_("Malware"),
    "OUTAGE": N_("Outage"),
    "TAMPERING": N_("Tampering"),
    "MISUSE": N_("Misuse by insiders"),
    "DEFECT": N_("Security defect"),
    "OTHER": N_("Another incident"),
}
_STANDINGS: Final[Mapping[str, str]] = {
    "CII": N_("Operator of critical information infrastructure"),
    "CENTRAL": N_("Central organ of Party or state"),
    "OTHER": N_("Other network operator"),
}
_RECEIVERS: Final[Mapping[str, str]] = {
    "CAC": N_("Provincial cyberspace administration"),
    "DATA_AUTHORITY": N_("Data authority (protection department)"),
    "PUBLIC_SECURITY": N_("Public security organ"),
}
_REPORTS: Final[Mapping[str, str]] = {
    "FIRST": N_("First report"),
    "FOLLOW_UP": N_("Follow-up report"),
    "FINAL": N_("Summary report"),
}
_MATTERS: Final[Mapping[str, str]] = {
    "GRADE": N_("Set the level"),
    "REPORT": N_("Report to the authority in charge"),
    "REPORT_SECURITY": N_("Report to public security"),
    "REPORT_DATA": N_("Tell the data authority"),
    "FORWARD": N_("Hand on to the cyberspace administration"),
    "DEFECT": N_("Report the defect"),
    "SUBJECTS": N_("Notify the persons concerned"),
    "SUMMARY": N_("Sum up the incident"),
}
_MEASURES: Final[Mapping[str, str]] = {
    "STOP_DELIVERIES": N_("Stop all deliveries of a product"),
    "STOP_DELIVERY": N_("Stop the delivery of a trade"),
    "SUSPEND_LISTING": N_("Take a listing off offer"),
    "HALT_CLEARANCE": N_("Halt a customs clearance"),
    "REVOKE_KEY": N_("Revoke an access key"),
    "FREEZE_TRADE": N_("Freeze the settlement of a trade"),
}
_SIGNALS: Final[Mapping[str, str]] = {
    "SIGN_IN_FAILURES": N_("Sign-ins that failed"),
    "SIGN_IN_ACCOUNTS": N_("Accounts at which sign-ins failed"),
    "REFUSED_ACCESSES": N_("Accesses and acts refused"),
    "EGRESS_VOLUME": N_("Bytes that left the mainland"),
    "EGRESS_DECLARED": N_("Volume sent against volume declared (‰)"),
    "GATEWAY_FAILURES": N_("Calls of the gateway that failed (‰)"),
    "MARK_HIT": N_("A leaked file is suspected to carry a buyer's mark"),
    "WITNESS_LAG": N_("Entries that no quorum has cosigned"),
    "SPLIT_VIEW": N_("Witnesses saw another log"),
    "AUDIT_PROBLEMS": N_("Problems that an audit found"),
    "STORAGE_INTEGRITY": N_("Stored files that are not what they were"),
    "RESTORE_REFUSED": N_("A restore that was refused"),
    "WEAKNESS": N_("A weakness that somebody reported"),
}
_SEVERITIES: Final[Mapping[str, str]] = {
    "LOW": N_("Low severity"),
    "MEDIUM": N_("Medium severity"),
    "HIGH": N_("High severity"),
    "CRITICAL": N_("Critical severity"),
}
GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    "incident_state": _STATES,
    "incident_level": _LEVELS,
    "incident_kind": _KINDS,
    "incident_standing": _STANDINGS,
    "incident_receiver": _RECEIVERS,
    "incident_report": _REPORTS,
    "incident_matter": _MATTERS,
    "incident_measure": _MEASURES,
    "warning_state": _WARNING_STATES,
    "warning_signal": _SIGNALS,
    "alert": _COLOURS,
    "weakness_severity": _SEVERITIES,
    "bulletin_state": _BULLETIN_STATES,
}
