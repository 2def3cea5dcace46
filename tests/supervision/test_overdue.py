"""Times of the law from the ledger to findings: begun, met, fallen away, missed; whoever states it or not."""

from datetime import UTC, datetime, timedelta

from base.clock import rfc3339
from supervision.evidence.clocked import Clocked
from supervision.evidence.facts import read_facts
from supervision.runner import carry_out
from tests.detect.planted import plan_of
from tests.supervision.statements import Ledger
from tests.supervision.tables import Market

HOUR = timedelta(hours=1)
OWNER = {"org_id": "org_hit"}


def at(ledger: Ledger, **later: int) -> str:
    return rfc3339(ledger.now + timedelta(**later))


def clocks(ledger: Ledger):
    """By object and matter: due, met, stated, of whom."""
    clocked = Clocked()
    for fact in read_facts(ledger.entries()):
        clocked.take(fact)
    return [row for table, row in clocked.rows() if table == "clocks"]


def only(ledger, matter):
    (row,) = [row for row in clocks(ledger) if row["matter"] == matter]
    return row


def incident(**due: str) -> Ledger:
    ledger = Ledger()
    ledger.say("INC.DETECT", "inc_1", opening=OWNER, to="DETECTED")
    ledger.say("INC.GRADE", "inc_1", level="LARGER", due=due, to="GRADED")
    return ledger


def test_a_first_report_meets_what_was_due_to_its_receiver_and_nothing_else():
    start = Ledger().now
    due = {"REPORT": rfc3339(start + 4 * HOUR), "REPORT_DATA": rfc3339(start + 24 * HOUR)}
    ledger = incident(**due)
    told = ledger.now
    ledger.say("INC.REPORT", "inc_1", receiver="CAC", report="FIRST", due_at=due["REPORT"])
    report, data = only(ledger, "INC.REPORT"), only(ledger, "INC.REPORT_DATA")
    assert (report["owed_by"], report["due_at"], report["met_at"]) == ("org_hit", start + 4 * HOUR, told)
    assert (report["seq"], report["met_seq"], data["met_at"]) == (1, 2, None)
    ledger.say("INC.REPORT", "inc_1", receiver="CAC", report="FOLLOW_UP")
    assert only(ledger, "INC.REPORT")["met_at"] == told


def test_a_critical_operators_report_goes_to_two_and_is_handed_on():
    due = dict.fromkeys(("REPORT", "REPORT_SECURITY"), at(Ledger(), hours=1))
    ledger = incident(**due)
    first = ledger.now
    ledger.say("INC.REPORT", "inc_1", receiver="DATA_AUTHORITY", report="FIRST")
    assert only(ledger, "INC.REPORT")["met_at"] == first
    assert only(ledger, "INC.REPORT_SECURITY")["met_at"] is None
    forward = only(ledger, "INC.FORWARD")
    assert (forward["owed_by"], forward["met_at"]) == (None, None)
    half = rfc3339(first + timedelta(minutes=30))
    ledger.say("INC.FORWARD", "inc_1", receiver="CAC", due_at=half)
    assert only(ledger, "INC.FORWARD")["due_at"] == first + timedelta(minutes=30)


def test_what_is_regraded_downwards_in_time_falls_away_and_what_was_over_by_then_does_not():
    for hours, left in ((4, 0), (0, 1)):
        ledger = incident(REPORT=at(Ledger(), hours=hours))
        ledger.say("INC.REGRADE", "inc_1", level="GENERAL", due={})
        assert len(clocks(ledger)) == left


def test_the_grading_the_notice_and_the_summary_of_an_incident_each_have_their_time():
    start = Ledger().now
    half, days = start + HOUR / 2, {n: start + timedelta(days=n) for n in (3, 4, 30)}
    ledger = Ledger()
    ledger.say("INC.DETECT", "inc_1", opening=OWNER, grade_by=rfc3339(half), to="DETECTED")
    ledger.say("INC.GRADE", "inc_1", level="GENERAL", due={}, notify_by=rfc3339(days[3]), to="GRADED")
    ledger.say("INC.NOTIFY_SUBJECTS", "inc_1", late=False, whole=False)
    assert (only(ledger, "INC.GRADE")["met_seq"], only(ledger, "INC.SUBJECTS")["met_seq"]) == (1, None)
    ledger.say("INC.NOTIFY_SUBJECTS", "inc_1", late=False, whole=True)
    ledger.say("INC.REGRADE", "inc_1", level="GENERAL", due={}, notify_by=rfc3339(days[4]))  # more persons
    ledger.say("INC.SPARE_SUBJECTS", "inc_1")
    ledger.say("INC.ORDER_NOTICE", "inc_1", notify_by=rfc3339(days[4]))
    notices = [row for row in clocks(ledger) if row["matter"] == "INC.SUBJECTS"]
    assert [(row["due_at"], row["met_seq"]) for row in notices] == [
        (days[3], 3),
        (days[4], 5),
        (days[4], None),
    ]
    assert {row["owed_by"] for row in clocks(ledger)} == {"org_hit"}
    ledger.say("INC.ERADICATE", "inc_1", review_by=rfc3339(days[30]))
    assert only(ledger, "INC.SUMMARY")["met_at"] is None
    ledger.say("INC.REVIEW", "inc_1", late=False)
    assert only(ledger, "INC.SUMMARY")["met_seq"] == 8
    ledger.say("INC.DETECT", "inc_2", opening=OWNER, grade_by=rfc3339(half))
    ledger.say("INC.DISMISS", "inc_2")
    ledger.say("INC.DETECT", "inc_0", opening=OWNER)  # from before statements told it
    ledger.say("INC.ERADICATE", "inc_0")
    graded = [(row["object_id"], row["met_seq"]) for row in clocks(ledger) if row["matter"] == "INC.GRADE"]
    assert graded == [("inc_1", 1), ("inc_2", 10)]


def test_the_stages_of_an_assessment_a_warning_that_worsens_and_a_persons_withdrawal():
    ledger = Ledger()
    about = {"handler_id": "org_hit"}
    ledger.say("RKA.PLAN", "rka_1", due_at=at(ledger, days=40), **about)
    ledger.say("RKA.COMPLETE", "rka_1", due_at=at(ledger, days=28), **about)
    ledger.say("RKA.REPORT", "rka_1", due_at=at(ledger, days=14), **about)
    ledger.say("RKA.OVERDUE", "rka_1", stage="FORWARD", due_at=at(ledger, days=14), **about)
    ledger.say("RKA.ORDER", "rka_1", due_at=at(ledger, days=9), **about)
    ledger.say("RKA.PLAN", "rka_2", due_at=at(ledger, days=40), **about)
    ledger.say("RKA.LAPSE", "rka_2", **about)
    found = {row["matter"]: row["met_at"] is not None for row in clocks(ledger)}
    assert found == {"RKA.ASSESS": True, "RKA.REPORT": True, "RKA.FORWARD": False, "RKA.RECTIFY": False}
    ledger = Ledger()
    ledger.say("WRN.RAISE", "wrn_1", ack_by=at(ledger, hours=8))
    ledger.say("WRN.ACKNOWLEDGE", "wrn_1")
    ledger.say("WRN.WORSEN", "wrn_1", ack_by=at(ledger, hours=1))
    assert [(row["owed_by"], row["met_at"] is None) for row in clocks(ledger)] == [
        ("org_exchange", False),
        ("org_exchange", True),
    ]
    ledger = Ledger()
    end = ledger.now + HOUR
    ledger.say("SGC.WITHDRAW", "sgc_1", settle_by=rfc3339(end), holder_id="org_holder")
    ledger.say("SDD.TELL", "sdd_1", confirm_by=at(ledger, days=14), receiver_id="org_buyer")
    ledger.say("SDD.TELL", "sdd_0", receiver_id="org_buyer")  # from before statements told it
    ledger.until(2026, 11, 16, 3).say("SGC.OVERDUE", "sgc_1", holder_id="org_holder")
    late, told = clocks(ledger)
    assert (late["due_at"], late["stated_at"]) == (end, datetime(2026, 11, 16, 3, tzinfo=UTC))
    assert (told["object_id"], told["owed_by"], told["stated_at"]) == ("sdd_1", "org_buyer", None)


def test_what_was_due_at_one_moment_is_one_finding_that_stays_the_same_while_it_is_missing(tmp_path):
    market = Market("clocks")
    due = datetime(2026, 6, 1, tzinfo=UTC)
    for matter, who in (("INC.REPORT", "org_hit"), ("INC.REPORT_SECURITY", "org_hit")):
        market.add("clocks", object_id="inc_1", matter=matter, owed_by=who, due_at=due, seq=7)
    (finding,) = carry_out(plan_of("OVERDUE"), market.write(tmp_path)).findings
    assert finding.statistic["matters"] == ["INC.REPORT", "INC.REPORT_SECURITY"]
    assert (finding.severity.value, finding.subjects, finding.evidence_seqs) == ("high", ("org_hit",), (7,))
    assert (finding.window.since, finding.window.until) == (due, due)
