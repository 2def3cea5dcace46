"""The words of agencies: their chief data officers, their duties, their evaluation, maturity levels."""

from collections.abc import Mapping
from typing import Final

from web.pages.languages import N_

EVENTS: Final[Mapping[str, str]] = {
    "CDO.APPOINT": N_("Chief data officer appointed"),
    "CDO.END": N_("Appointment of a chief data officer ended"),
    "DCM.CLAIM": N_("Maturity level claimed"),
    "DCM.RECORD": N_("Maturity level recorded"),
    "DCM.CONFIRM": N_("Maturity level confirmed"),
    "DCM.DECLINE": N_("Maturity level declined"),
    "DCM.REVOKE": N_("Maturity level revoked"),
    "EVL.OPEN": N_("Evaluation opened"),
    "EVL.SELF_REPORT": N_("Hand in the agency's own report"),
    "EVL.OVERDUE": N_("Not done in time"),
    "EVL.SCORE": N_("Collect the records and score"),
    "EVL.OBJECT": N_("Object to the score"),
    "EVL.DISMISS": N_("Dismiss the objection"),
    "EVL.UPHOLD": N_("Uphold the objection"),
    "EVL.FINALISE": N_("Score accepted by silence"),
    "EVL.PUBLISH": N_("Evaluation published"),
    "QTY.MEASURE": N_("Quality of an agency's data measured"),
    "QTY.CROSS_CHECK": N_("Two sources checked against each other"),
}
_ENDS: Final[Mapping[str, str]] = {
    "REPLACED": N_("replaced"),
    "TERM_OVER": N_("the term was over"),
    "RESIGNED": N_("resigned"),
    "MOVED_ON": N_("moved to another post"),
    "DISMISSED": N_("dismissed"),
}
_STATES: Final[Mapping[str, str]] = {
    "OPEN": N_("Waits for the agency's report"),
    "SELF_REPORTED": N_("Reported, waits to be scored"),
    "SCORED": N_("Scored, may be objected to"),
    "OBJECTED": N_("Objected to"),
    "FINAL": N_("Final, not published yet"),
    "PUBLISHED": N_("Published"),
}
_GRADES: Final[Mapping[str, str]] = {
    "A": N_("A, excellent"),
    "B": N_("B, good"),
    "C": N_("C, sufficient"),
    "D": N_("D, to be improved"),
}
_INDICATORS: Final[Mapping[str, str]] = {
    "LISTS": N_("Lists complete and current"),
    "CONFLICTS": N_("One number, one source"),
    "MOUNTING": N_("Entries mounted to data"),
    "SHARING": N_("Sharing answered in time"),
    "QUALITY": N_("Quality and freshness"),
    "OPENING": N_("Opening plan met"),
    "GRADING": N_("Data graded"),
    "INCIDENTS": N_("Incidents and overdue rectifications"),
}
_WEIGHED: Final[Mapping[str, str]] = {
    "SCORED": N_("scored"),
    "NO_RECORDS": N_("no records, not weighed"),
    "NOT_KEPT": N_("no register kept, not weighed"),
}
_COUNTED: Final[Mapping[str, str]] = {
    "complete": N_("complete entries:"),
    "incomplete": N_("incomplete entries:"),
    "current": N_("entries looked after within the year:"),
    "outdated": N_("entries that nobody looked after for a year:"),
    "settled": N_("items with one source:"),
    "conflict": N_("items in conflict:"),
    "mounted": N_("mounted entries:"),
    "flagged": N_("not mounted, with a reason and a date:"),
    "unmounted": N_("neither mounted nor explained:"),
    "in_time": N_("requests answered in time:"),
    "late": N_("late:"),
    "unanswered": N_("overdue without an answer:"),
    "measured": N_("measured files:"),
    "unmeasured": N_("files that nobody measured:"),
    "fresh": N_("renewed in time:"),
    "stale": N_("stale:"),
    "met": N_("opened as planned:"),
    "missed": N_("planned and not opened:"),
    "graded": N_("graded entries:"),
    "ungraded": N_("entries without a grade:"),
    "incident": N_("incidents:"),
    "overdue": N_("overdue rectifications:"),
}
_STAGES: Final[Mapping[str, str]] = {
    "COLLECT": N_("Collect"),
    "AGGREGATE": N_("Aggregate"),
    "SHARE": N_("Share"),
    "USE": N_("Using"),
    "MANAGE": N_("Manage"),
    "SECURE": N_("Secure"),
    "DESTROY": N_("Destroy"),
}
_DUTIES: Final[Mapping[str, str]] = {
    "systems": N_("List its information systems"),
    "entries": N_("List its data"),
    "sources": N_("One confirmed source for each item"),
    "mounted": N_("Mount each entry to real data"),
    "demands": N_("List the data it needs"),
    "answers": N_("Answer requests to share in time"),
    "services": N_("Provide what it agreed to share in time"),
    "open_plan": N_("Publish this year's opening plan"),
    "open_list": N_("Open data to the public"),
    "rectified": N_("See that breaches of its grants are rectified"),
    "chief": N_("Appoint a chief data officer"),
    "grading": N_("Grade each entry"),
    "quality": N_("Have each mounted file measured"),
    "current": N_("Renew data by its update cycle"),
    "self_report": N_("Report for the yearly evaluation"),
    "assessed": N_("Assess the impact on personal information"),
    "important": N_("Report its important data"),
    "destruction": N_("Prove destruction when a grant was terminated"),
}
_VERDICTS: Final[Mapping[str, str]] = {
    "MET": N_("on record"),
    "PARTLY": N_("in part"),
    "MISSING": N_("missing"),
    "NOT_ASKED": N_("nothing it applies to"),
}
_MATURITY: Final[Mapping[str, str]] = {
    "CLAIMED": N_("Claimed, not confirmed"),
    "CONFIRMED": N_("Confirmed by the data authority"),
    "DECLINED": N_("Not confirmed by the data authority"),
    "REVOKED": N_("Confirmation taken back"),
}
_DCMM: Final[Mapping[str, str]] = {
    "1": N_("1 initial"),
    "2": N_("2 managed"),
    "3": N_("3 robust"),
    "4": N_("4 quantitatively managed"),
    "5": N_("5 optimised"),
}
_PROPERTIES: Final[Mapping[str, str]] = {
    "TRUTH": N_("Truth"),
    "ACCURACY": N_("Accuracy"),
    "COMPLETENESS": N_("Completeness"),
    "TIMELINESS": N_("Timeliness"),
    "USABILITY": N_("Usability"),
}
GROUPS: Final = {
    "property": _PROPERTIES,
    "chief_end": _ENDS,
    "evaluation_state": _STATES,
    "evaluation_grade": _GRADES,
    "indicator": _INDICATORS,
    "weighed": _WEIGHED,
    "counted": _COUNTED,
    "duty_stage": _STAGES,
    "agency_duty": _DUTIES,
    "duty_verdict": _VERDICTS,
    "maturity_state": _MATURITY,
    "dcmm": _DCMM,
}
