"""What an exchange or an authority could state of a case that never was, or not in this order."""

from pathlib import Path

import pytest

from supervision.audit import audit
from supervision.audit_report import Report
from tests.ledger.audited import found
from tests.ledger.make_bundle import VKEY, Log, genesis, key

FILED = "x:FILE>RECEIVED a:TRIAGE>TRIAGED"
OPENED = f"{FILED} a:VERIFY>VERIFYING a:OPEN_CASE>INVESTIGATING"
DECIDED = f"{OPENED} a:PROPOSE_PENALTY>PENALTY_NOTICE x:STATEMENT>HEARD a:DECIDE>DECIDED"
PUBLISHED = f"{DECIDED} a:EXECUTE>EXECUTED a:PUBLISH>PUBLISHED"
APPEALED = f"{PUBLISHED} x:APPEAL>APPEALED_PUBLISHED"
HEARERS = {"r": ("org_review", "REVIEW_AUTHORITY"), "c": ("org_court", "COURT")}


def steps(story: str, **changes: object) -> Log:
    """`x` is the exchange, `a` the data authority, `r` and `c` hear appeals; `changes` are the last one's."""
    log, state = Log(), None
    genesis(log)
    words = story.split()
    for who in sorted({word[0] for word in words} & HEARERS.keys()):
        org_id, role = HEARERS[who]
        named = {"org_id": org_id, "name": org_id, "uscc": "91440300MA5EXAMPL0", "region": "Shenzhen"}
        log.exchange("ORG.ADMIT", org_id, **named, roles=[role])
        log.register(org_id, [role], key(org_id), key("exchange"))
    for at, word in enumerate(words):
        who, _, rest = word.partition(":")
        event, _, to = rest.partition(">")
        named: dict[str, object] = {"case_id": "cse_1", "after": to} | ({"before": state} if state else {})
        if event == "TRIAGE":
            named["authority"] = "DATA_AUTHORITY"
        if event in {"DECIDE", "PUBLISH"}:
            named["outcome"] = "PENALTY"
        if event == "APPEAL":
            named["way"] = "LAWSUIT"
        if event == "PUBLISH":
            named["org_ids"] = ["org_broker"]
        named |= changes if at + 1 == len(words) else {}
        if who == "x":
            log.exchange(f"CSE.{event}", "cse_1", **named)
        elif who in HEARERS:
            org_id, role = HEARERS[who]
            log.say(f"CSE.{event}", "cse_1", key(org_id), actor=org_id, role=role, **named)
        else:
            log.party("org_authority", f"CSE.{event}", "cse_1", **named)
        state = to
    return log


def audited(log: Log, tmp_path: Path) -> Report:
    return audit(log.write(tmp_path / "b"), [VKEY])


@pytest.mark.parametrize(
    "story",
    [
        f"{PUBLISHED} x:EXPIRE_DISPLAY>EXPIRED_DISPLAY",
        f"{APPEALED} x:APPEAL>APPEALED_PUBLISHED c:UPHOLD>PUBLISHED x:EXPIRE_DISPLAY>EXPIRED_DISPLAY",
        f"{DECIDED} x:APPEAL>APPEALED a:EXECUTE>APPEALED_EXECUTED c:REVOKE>REVOKED",
        f"{FILED} x:OVERDUE>TRIAGED a:REFUSE>REFUSED a:TELL>REFUSED",
        f"{OPENED} x:FREEZE_FUNDS>INVESTIGATING a:NO_CASE>CLOSED_NO_CASE",
        "a:FILE>RECEIVED a:OPEN_CASE>INVESTIGATING",  # a log of before papers were sorted
    ],
)
def test_an_honest_case_is_clean(tmp_path: Path, story: str) -> None:
    assert found(audited(steps(story), tmp_path)) == []


@pytest.mark.parametrize(
    ("story", "changes", "why"),
    [
        ("a:TRIAGE>TRIAGED", {}, "that nobody filed"),
        (f"{FILED} a:OPEN_CASE>INVESTIGATING", {}, "TRIAGED does not take CSE.OPEN_CASE"),
        (f"{OPENED} a:DECIDE>DECIDED", {}, "INVESTIGATING does not take CSE.DECIDE"),
        (f"{OPENED} a:EXECUTE>EXECUTED", {}, "INVESTIGATING does not take CSE.EXECUTE"),
        (DECIDED, {"after": "EXECUTED"}, "leads from HEARD to DECIDED"),
        (DECIDED, {"org_ids": ["org_broker"]}, "before that is published"),
        (PUBLISHED, {"outcome": "WARNING"}, "another outcome than was decided"),
        (f"{APPEALED} r:REVOKE>REVOKED", {}, "the appeal is COURT's to hear"),
        (f"{APPEALED} c:UPHOLD>UPHELD", {}, "leads from APPEALED_PUBLISHED to PUBLISHED"),
        (f"{PUBLISHED} c:REVOKE>REVOKED", {}, "PUBLISHED does not take CSE.REVOKE"),
        (f"{OPENED} a:CONFISCATE>INVESTIGATING", {}, "is no step of a case"),
        ("x:FILE>RECEIVED a:TRIAGE>TRIAGED a:VERIFY>VERIFYING", {"case_id": "cse_2"}, "names another case"),
    ],
)
def test_a_step_that_never_was_is_found(
    tmp_path: Path, story: str, changes: dict[str, object], why: str
) -> None:
    log = steps(story, **changes)
    report = audited(log, tmp_path)
    assert {code for code, _ in found(report)} == {"KEY"}
    assert why in " ".join(problem.why for problem in report.problems)
    assert {seq for _, seq in found(report)} == {len(log.envelopes) - 1}


def test_an_authority_acts_in_no_other_s_case(tmp_path: Path) -> None:
    log = steps("x:FILE>RECEIVED a:TRIAGE>TRIAGED", authority="SAMR")
    log.party("org_authority", "CSE.VERIFY", "cse_1", case_id="cse_1", before="TRIAGED", after="VERIFYING")
    (problem,) = audited(log, tmp_path).problems
    assert "the case is SAMR's, and DATA_AUTHORITY acts in it" in problem.why


def test_who_has_decided_does_not_rule_upon_the_appeal(tmp_path: Path) -> None:
    report = audited(steps(f"{APPEALED} a:REVOKE>REVOKED"), tmp_path)
    assert {code for code, _ in found(report)} == {"KEY"}
    assert "CSE.REVOKE" in " ".join(problem.why for problem in report.problems)
