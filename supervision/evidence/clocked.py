"""Times that the law sets for security and for persons, as the ledger tells them: begun, due, met.

A row of `clocks` is one time: what is due until when, from whom, and when it was done. Its end is what the
statement that began it says; that it was missed follows from the moments alone, whether the exchange has
stated it (`*.OVERDUE`, `stated_at`) or not. A time that fell away before it was over is no row. Of a log from
before statements told the end of an incident's notice to persons and of its summary, these are left out.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from supervision.evidence.facts import Fact, time

TableRow = tuple[str, Mapping[str, Any]]
_FORWARD: Final = timedelta(minutes=40)
"""Half an hour after the report, which may be handed in ten minutes after it was made for a signature."""
_RECEIVED: Final[Mapping[str, str]] = {
    "REPORT_SECURITY": "PUBLIC_SECURITY",
    "REPORT_DATA": "DATA_AUTHORITY",
    "DEFECT": "DATA_AUTHORITY",
}
_OF_INCIDENT: Final = {"grade_by": "GRADE", "notify_by": "SUBJECTS", "review_by": "SUMMARY"}
"""The other times of an incident, by the member of a statement that sets them."""
_REPORTS: Final = frozenset({"REPORT", *_RECEIVED})
_BEGINS: Final[Mapping[str, tuple[str, str, str]]] = {
    "RKA.PLAN": ("ASSESS", "due_at", "handler_id"),
    "RKA.COMPLETE": ("REPORT", "due_at", "handler_id"),
    "RKA.REPORT": ("FORWARD", "due_at", ""),
    "RKA.ORDER": ("RECTIFY", "due_at", "handler_id"),
    "RKA.SEND_BACK": ("RECTIFY", "due_at", "handler_id"),
    "RKA.FINISH": ("RECTIFIED", "due_at", "handler_id"),
    "ICR.OPEN": ("ANSWER", "due_at", "department_id"),
    "SGC.WITHDRAW": ("SETTLE", "settle_by", "holder_id"),
    "SGC.EXPIRE": ("SETTLE", "settle_by", "holder_id"),
    "SDD.TELL": ("CONFIRM", "confirm_by", "receiver_id"),
    "SRQ.SUBMIT": ("ANSWER", "answer_by", "holder_id"),
    "WRN.RAISE": ("ACKNOWLEDGE", "ack_by", "actor"),
    "WRN.WORSEN": ("ACKNOWLEDGE", "ack_by", "actor"),
}
"""By event: what becomes due, which member says until when, and which one from whom (nobody by name: "")."""
_MEETS: Final[Mapping[str, str]] = {
    "RKA.COMPLETE": "ASSESS",
    "RKA.REPORT": "REPORT",
    "RKA.FORWARD": "FORWARD",
    "RKA.FINISH": "RECTIFY",
    "RKA.RECTIFY": "RECTIFIED",
    "ICR.ANSWER": "ANSWER",
    "SGC.SETTLE": "SETTLE",
    "SDD.CONFIRM": "CONFIRM",
    "SRQ.ANSWER": "ANSWER",
    "SRQ.REFUSE": "ANSWER",
    "WRN.ACKNOWLEDGE": "ACKNOWLEDGE",
    "WRN.ESCALATE": "ACKNOWLEDGE",
    "INC.FORWARD": "FORWARD",
    "INC.GRADE": "GRADE",
    "INC.DISMISS": "GRADE",
    "INC.SPARE_SUBJECTS": "SUBJECTS",
    "INC.REVIEW": "SUMMARY",
}
_PREFIXES: Final = ("INC.", "WRN.", "RKA.", "ICR.", "SGC.", "SDD.", "SRQ.")


class Clocked:
    """What is running is kept to the end: as much as there are incidents, assessments and persons' words."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, str], dict[str, Any]] = {}
        self._over: list[dict[str, Any]] = []
        self._incidents: dict[str, dict[str, Any]] = {}

    def take(self, fact: Fact) -> None:
        """Learn from a fact, if it is about these times."""
        if not fact.event.startswith(_PREFIXES):
            return
        if fact.event.endswith(".OVERDUE") or fact.event == "SRQ.ESCALATE":
            self._stated(fact)
        if fact.event == "RKA.LAPSE":
            self._running.pop((fact.object_id, "ASSESS"), None)
        if fact.event in _MEETS:
            self._meet(fact, _MEETS[fact.event])
        if fact.event in _BEGINS:
            matter, until, whose = _BEGINS[fact.event]
            owed_by = fact.actor if whose == "actor" else fact.said.get(whose)
            self._begin(fact, matter, time(fact.said.get(until)), owed_by)
        elif fact.event.startswith("INC."):
            self._of_incident(fact)

    def rows(self) -> Iterator[TableRow]:
        """Every time that was set, met or not."""
        for row in (*self._over, *self._running.values()):
            yield "clocks", row

    def _begin(
        self, fact: Fact, matter: str, due_at: datetime | None, owed_by: Any, met: Fact | None = None
    ) -> None:
        if due_at is None:
            return  # said before statements told it
        key = fact.object_id, matter
        known = self._running.get(key)
        if known is not None and known["met_at"] is not None and met is None:
            self._over.append(known)
            known = None
        self._running[key] = {
            "object_id": fact.object_id,
            "matter": f"{fact.event.partition('.')[0]}.{matter}",
            "owed_by": owed_by,
            "due_at": due_at,
            "met_at": None if met is None else met.at,
            "stated_at": None if known is None else known["stated_at"],
            "seq": fact.seq,
            "met_seq": None if met is None else met.seq,
        }

    def _meet(self, fact: Fact, matter: str) -> None:
        row = self._running.get((fact.object_id, matter))
        if row is not None and row["met_at"] is None:
            row |= {"met_at": fact.at, "met_seq": fact.seq}
            if fact.event == "INC.FORWARD":
                row["due_at"] = time(fact.said.get("due_at")) or row["due_at"]

    def _stated(self, fact: Fact) -> None:
        """The exchange says that a time is over: of the one that it names, or that was missed."""
        said = fact.said
        matters = {"FORWARD"} if said.get("stage") == "FORWARD" else {said.get("matter")}
        for (object_id, matter), row in self._running.items():
            named = matter in matters or matters == {None}
            if object_id == fact.object_id and named and row["met_at"] is None and row["due_at"] < fact.at:
                row["stated_at"] = row["stated_at"] or fact.at

    def _of_incident(self, fact: Fact) -> None:
        held = self._incidents.setdefault(fact.object_id, {"told": {}, "org_id": None, "critical": False})
        if fact.event == "INC.DETECT":
            held["org_id"] = fact.opened.get("org_id")
        elif fact.event in {"INC.GRADE", "INC.REGRADE"}:
            self._graded(fact, held)
        elif fact.event == "INC.REPORT":
            self._reported(fact, held)
        if fact.event == "INC.NOTIFY_SUBJECTS" and fact.said.get("whole") is True:
            self._meet(fact, "SUBJECTS")
        for member, matter in _OF_INCIDENT.items():
            self._begin(fact, matter, time(fact.said.get(member)), held["org_id"])

    def _graded(self, fact: Fact, held: dict[str, Any]) -> None:
        due = {str(matter): time(at) for matter, at in dict(fact.said.get("due") or {}).items()}
        held["critical"] = "REPORT_SECURITY" in due
        for matter, at in due.items():
            told = held["told"].get(_receiver(matter, critical=held["critical"]))
            self._begin(fact, matter, at, held["org_id"], told)
        for matter in _REPORTS - due.keys():
            row = self._running.get((fact.object_id, matter))
            if row is not None and row["met_at"] is None and row["due_at"] >= fact.at:
                del self._running[fact.object_id, matter]  # it fell away before it was over
        if held["critical"] and "DATA_AUTHORITY" in held["told"]:
            self._handed_on(fact)

    def _reported(self, fact: Fact, held: dict[str, Any]) -> None:
        receiver = str(fact.said.get("receiver"))
        held["told"].setdefault(receiver, fact)
        for matter in sorted(_REPORTS):
            if _receiver(matter, critical=held["critical"]) == receiver:
                self._meet(fact, matter)
        if held["critical"] and receiver == "DATA_AUTHORITY":
            self._handed_on(fact)

    def _handed_on(self, fact: Fact) -> None:
        """Who protects a critical operator hands its report on; which office that is, no statement names."""
        if (fact.object_id, "FORWARD") not in self._running:
            self._begin(fact, "FORWARD", fact.at + _FORWARD, None)


def _receiver(matter: str, *, critical: bool) -> str:
    """To whom a first report goes: a critical operator's to who protects it, and to public security."""
    return _RECEIVED.get(matter, "DATA_AUTHORITY" if critical else "CAC")
